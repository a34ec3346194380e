//! The operator's secret key, wiped when dropped.
//!
//! The two operations that touch it, `k * generator` and `k * H(digest)`, go through `bls12_381`'s constant-time
//! multiplication (double, always add, select). Copies of ours are wiped; the crate's multiplication leaves the scalar's
//! bytes on the stack, which safe code cannot reach. So derive or unlock a key, use it, drop it.

use std::fmt;

use bls12_381::{G1Affine, G1Projective, G2Affine, G2Projective, Scalar};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{BlsError, PublicKey, Scheme, Signature, decode_hex};

/// Draws before a random source is taken for broken: a good one fails this often once in 10^33 runs.
const MAX_DRAWS: usize = 128;

/// An operator's secret key: an integer from 1 to r - 1, the same in both schemes.
///
/// No `Display`, no `PartialEq`, no `Copy`; `Debug` prints no digit.
pub struct SecretKey(
    // Boxed, so that moving the key moves a pointer and leaves no copy behind.
    Box<Zeroizing<Scalar>>,
);

impl SecretKey {
    /// Length of an encoded key, in bytes.
    pub const LENGTH: usize = 32;

    /// Takes a key from 32 bytes, a big-endian integer.
    ///
    /// # Errors
    /// Zero, and anything from the group order upwards. Dash Core lets the order itself pass, whose public key is
    /// infinity.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Result<Self, BlsError> {
        let mut little_endian = Zeroizing::new(*bytes);
        little_endian.reverse();
        let scalar = Scalar::from_bytes(&little_endian).into_option().map(Zeroizing::new);
        let scalar = scalar.ok_or(BlsError::SecretTooLarge)?;
        Self::keep(&scalar).ok_or(BlsError::SecretZero)
    }

    /// Takes a key from 64 hex digits of either case, as `bls generate` prints it and `masternodeblsprivkey` takes it.
    ///
    /// # Errors
    /// For text that is not 64 hex digits, and as [`SecretKey::from_bytes`].
    pub fn from_hex(text: &str) -> Result<Self, BlsError> {
        Self::from_bytes(&*decode_hex::<{ Self::LENGTH }>(text)?)
    }

    /// Reduces 48 bytes, a big-endian integer, modulo the group order; `None` if that leaves zero.
    ///
    /// For key derivation (EIP-2333, `hkdf_mod_r`), whose 384 bits make the result as good as uniform. Never for 32
    /// random bytes: some keys would come up half as often again as others; see [`SecretKey::generate`].
    #[must_use]
    pub fn from_wide_mod_r(okm: &[u8; 48]) -> Option<Self> {
        let mut little_endian = Zeroizing::new([0; 64]);
        little_endian[..48].copy_from_slice(okm);
        little_endian[..48].reverse();
        Self::keep(&Zeroizing::new(Scalar::from_bytes_wide(&little_endian)))
    }

    /// Draws a key from a source of random bytes, discarding draws that are out of range.
    ///
    /// The same keys in the same proportions as `bls generate`. The source is the caller's, as this layer has none.
    ///
    /// # Errors
    /// When the source fails, or does not bring up a key in 128 draws (one in 2.2 is expected to).
    pub fn generate<E>(
        mut fill: impl FnMut(&mut [u8; Self::LENGTH]) -> Result<(), E>,
    ) -> Result<Self, GenerateError<E>> {
        let mut draw = Zeroizing::new([0; Self::LENGTH]);
        for _ in 0..MAX_DRAWS {
            fill(&mut draw).map_err(GenerateError::Source)?;
            if let Ok(key) = Self::from_bytes(&draw) {
                return Ok(key);
            }
        }
        Err(GenerateError::Exhausted { draws: MAX_DRAWS })
    }

    /// The key as 32 bytes, a big-endian integer.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LENGTH]> {
        let mut bytes = Zeroizing::new(self.scalar().to_bytes());
        bytes.reverse();
        bytes
    }

    /// The key as 64 lower-case hex digits.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        let bytes = self.to_bytes();
        // Allocated once: a string that grows leaves its former buffers unwiped.
        let mut text = Zeroizing::new(String::with_capacity(2 * Self::LENGTH));
        for digit in bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]) {
            text.push(char::from_digit(digit.into(), 16).expect("half a byte is below 16"));
        }
        text
    }

    /// The public key, the same point in both schemes.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        // Projective coordinates tell more about the secret than the point does; hence wiped.
        let point: Zeroizing<G1Projective> = Zeroizing::new(G1Affine::generator() * self.scalar());
        PublicKey(G1Affine::from(&*point))
    }

    /// Signs a digest, taken as stored (raw SHA-256d output) and not hashed again.
    ///
    /// Check the result with the operator key of the masternode list before using it: that catches a wrong key, scheme
    /// or byte order for 3 ms.
    #[must_use]
    pub fn sign(&self, scheme: Scheme, digest: &[u8; 32]) -> Signature {
        let point: Zeroizing<G2Projective> = Zeroizing::new(scheme.hash_to_g2(digest) * self.scalar());
        Signature(G2Affine::from(&*point))
    }

    /// By reference, for a `Scalar` is `Copy` and its copies are not wiped.
    fn scalar(&self) -> &Scalar {
        &self.0
    }

    /// Moves a scalar other than zero to where it is wiped on drop.
    fn keep(scalar: &Scalar) -> Option<Self> {
        if *scalar == Scalar::zero() {
            return None;
        }
        // Written in place: boxing the value itself would leave it on the stack too.
        let mut kept = Box::new(Zeroizing::new(Scalar::zero()));
        **kept = *scalar;
        Some(Self(kept))
    }
}

impl Clone for SecretKey {
    fn clone(&self) -> Self {
        Self::keep(self.scalar()).expect("a key is not zero")
    }
}

impl ZeroizeOnDrop for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// Why no key was generated; `E` is the random source's own error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError<E> {
    #[error("the random source failed: {0}")]
    Source(E),
    #[error("the random source brought up no key in {draws} draws")]
    Exhausted { draws: usize },
}
