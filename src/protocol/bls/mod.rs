//! Operator keys: BLS over BLS12-381 in both schemes Dash has used.
//!
//! Public keys are points of G1 (48 bytes), signatures points of G2 (96 bytes). `legacy` is the scheme before Dash V19
//! and of every network without it; `basic` is the IETF scheme since. A secret key and its public *point* are the same in
//! both; they differ in how points are written and in how a digest is hashed to G2, and those two are independent: after
//! V19 a payload of version 1 carries a basic signature in legacy encoding.
//!
//! Nothing here guesses a scheme from bytes. Half of all keys are well-formed in both encodings and mean opposite points
//! (see [`Readings`]), so the scheme comes from where the bytes come from: payload version, `state.version`, network.
//!
//! Left to others: which scheme applies when (the network and the payload), what is signed (the payloads), where secrets
//! are kept (the store), randomness (the caller).
//!
//! Source: `dashbls` as shipped in Dash Core 23.1.2 and the bls-signatures library of 2018 for the legacy scheme;
//! RFC 9380 and draft-irtf-cfrg-bls-signature for the basic one. Decoding is stricter than either node.
//!
//! `bls12_381` is used in this module only: its `experimental` feature promises no stability, so its version is pinned
//! and the vectors decide about an update.

mod basic;
mod legacy;
mod secret;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use bitcoin::hex::DisplayHex;
use bls12_381::hash_to_curve::MapToCurve;
use bls12_381::{G1Affine, G1Projective, G2Affine, G2Prepared, G2Projective, Gt, multi_miller_loop};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use secret::{GenerateError, SecretKey};

// The crate keeps its field types private, but its map-to-curve trait names them.
/// The base field; elements are read and written as 48 bytes, big-endian.
type Fp = <G1Projective as MapToCurve>::Field;
/// Its quadratic extension, c0 + c1 * u with u^2 = -1.
type Fp2 = <G2Projective as MapToCurve>::Field;

/// One of the two schemes; says both how points are written and how a digest is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Before Dash V19, and on networks that never had it.
    Legacy,
    /// Since Dash V19: `BasicSchemeMPL`, the IETF scheme.
    Basic,
}

impl Scheme {
    /// Hashes a digest to the point of G2 that a signature multiplies.
    fn hash_to_g2(self, digest: &[u8; 32]) -> G2Projective {
        match self {
            Scheme::Legacy => legacy::hash_to_g2(digest),
            Scheme::Basic => basic::hash_to_g2(digest),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Scheme::Legacy => "legacy",
            Scheme::Basic => "basic",
        })
    }
}

impl FromStr for Scheme {
    type Err = BlsError;

    fn from_str(text: &str) -> Result<Self, BlsError> {
        match text {
            "legacy" => Ok(Scheme::Legacy),
            "basic" => Ok(Scheme::Basic),
            _ => Err(BlsError::UnknownScheme { text: text.to_owned() }),
        }
    }
}

/// Why bytes or text are not the key, signature or scheme they were taken for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlsError {
    #[error("{actual} bytes where {expected} are needed")]
    Length { expected: usize, actual: usize },
    /// Lengths in bytes of text, which are digits when all of it is hex.
    #[error("{actual} hex digits where {expected} are needed")]
    HexLength { expected: usize, actual: usize },
    /// The position counts bytes of text from 0.
    #[error("the character at position {position} is not a hex digit")]
    NotHex { position: usize },
    /// Dash's way to write "no key", as in the list entry of a revoked masternode; not a point.
    #[error("all bytes are zero")]
    Null,
    #[error("the point is infinity")]
    Infinity,
    #[error("no {scheme} encoding has {byte:#04x} at byte {position}")]
    Flags { scheme: Scheme, position: usize, byte: u8 },
    #[error("a coordinate is not below the field prime")]
    CoordinateTooLarge,
    #[error("no point of the curve has this x coordinate")]
    NotOnCurve,
    #[error("the point is outside the subgroup of order r")]
    NotInSubgroup,
    #[error("the secret key is zero")]
    SecretZero,
    #[error("the secret key is not below the group order")]
    SecretTooLarge,
    #[error("{text:?} is neither legacy nor basic")]
    UnknownScheme { text: String },
}

/// An operator's public key: a point of G1 in the subgroup of order r, never infinity.
///
/// Equality is that of points. There is no `Display` and no serde: written down, a key needs its scheme.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(G1Affine);

impl PublicKey {
    /// Length of an encoded key, in bytes, in either scheme.
    pub const LENGTH: usize = 48;

    /// Reads a key: 48 bytes, canonical, on the curve, in the subgroup, not infinity.
    ///
    /// # Errors
    /// Says which of these fails. All zero bytes are [`BlsError::Null`]: no key, rather than a bad one.
    pub fn decode(scheme: Scheme, bytes: &[u8]) -> Result<Self, BlsError> {
        let bytes = sized::<{ Self::LENGTH }>(bytes)?;
        refuse_no_point(bytes)?;
        match scheme {
            Scheme::Legacy => basic::decode_g1(&legacy::g1_to_basic(bytes)?),
            Scheme::Basic => basic::decode_g1(bytes),
        }
        .map(Self)
    }

    /// Writes the key in the encoding of a scheme.
    #[must_use]
    pub fn encode(&self, scheme: Scheme) -> [u8; Self::LENGTH] {
        let bytes = self.0.to_compressed();
        match scheme {
            Scheme::Legacy => legacy::g1_from_basic(&bytes),
            Scheme::Basic => bytes,
        }
    }

    /// Reads a key from 96 hex digits of either case, first byte first.
    ///
    /// # Errors
    /// For text that is not 96 hex digits, and as [`PublicKey::decode`].
    pub fn from_hex(scheme: Scheme, text: &str) -> Result<Self, BlsError> {
        Self::decode(scheme, decode_hex::<{ Self::LENGTH }>(text)?.as_slice())
    }

    /// Writes the key as 96 lower-case hex digits, first byte first, as the node's RPCs do.
    #[must_use]
    pub fn to_hex(&self, scheme: Scheme) -> String {
        self.encode(scheme).to_lower_hex_string()
    }

    /// Says which schemes the bytes are a key in, for bytes whose source does not tell.
    #[must_use]
    pub fn readings(bytes: &[u8; Self::LENGTH]) -> Readings {
        match (Self::decode(Scheme::Legacy, bytes), Self::decode(Scheme::Basic, bytes)) {
            (Ok(legacy), Ok(basic)) => Readings::Both { legacy, basic },
            (Ok(key), Err(_)) => Readings::One {
                scheme: Scheme::Legacy,
                key,
            },
            (Err(_), Ok(key)) => Readings::One {
                scheme: Scheme::Basic,
                key,
            },
            (Err(legacy), Err(basic)) => Readings::Neither { legacy, basic },
        }
    }

    /// What this key's bytes mean in the encoding they are not written in, where they mean anything there: the negated point,
    /// for which nobody has the secret.
    #[must_use]
    pub fn opposite(&self) -> Self {
        Self(-self.0)
    }

    /// Whether the signature is this key's over the digest, hashed as the scheme does.
    ///
    /// The digest is taken as stored (raw SHA-256d output, not the reversed hex that Core shows). The encoding the
    /// signature arrived in does not matter.
    #[must_use]
    pub fn verify(&self, scheme: Scheme, digest: &[u8; 32], signature: &Signature) -> bool {
        // e(pk, H(m)) = e(g, sig), as one product with the generator negated.
        let message = G2Prepared::from(G2Affine::from(scheme.hash_to_g2(digest)));
        let signature = G2Prepared::from(signature.0);
        let product = multi_miller_loop(&[(&self.0, &message), (&-G1Affine::generator(), &signature)]);
        product.final_exponentiation() == Gt::identity()
    }
}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_compressed().hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey(basic {})", self.to_hex(Scheme::Basic))
    }
}

/// What 48 bytes mean as a public key when their scheme is unknown.
///
/// A first hex digit of 0 or 1 can only be legacy, a or b only basic. 8 or 9 is well-formed in both, and the two readings
/// are opposite points: nobody can sign for the wrong one, so a user has to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readings {
    /// A key in neither encoding, and why not.
    Neither { legacy: BlsError, basic: BlsError },
    /// A key in exactly one encoding.
    One { scheme: Scheme, key: PublicKey },
    /// A key in both encodings, each the negated other.
    Both { legacy: PublicKey, basic: PublicKey },
}

/// A signature: a point of G2 in the subgroup of order r.
///
/// Equality is that of points. The scheme it was made in is not part of it, and need not be the one it is written in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(G2Affine);

impl Signature {
    /// Length of an encoded signature, in bytes, in either scheme.
    pub const LENGTH: usize = 96;

    /// Reads a signature: 96 bytes, canonical, on the curve, in the subgroup, not infinity.
    ///
    /// # Errors
    /// Says which of these fails. All zero bytes are [`BlsError::Null`]: not signed yet.
    pub fn decode(scheme: Scheme, bytes: &[u8]) -> Result<Self, BlsError> {
        let bytes = sized::<{ Self::LENGTH }>(bytes)?;
        refuse_no_point(bytes)?;
        match scheme {
            Scheme::Legacy => basic::decode_g2(&legacy::g2_to_basic(bytes)?),
            Scheme::Basic => basic::decode_g2(bytes),
        }
        .map(Self)
    }

    /// Writes the signature in the encoding of a scheme, whichever it was made in.
    #[must_use]
    pub fn encode(&self, scheme: Scheme) -> [u8; Self::LENGTH] {
        let bytes = self.0.to_compressed();
        match scheme {
            Scheme::Legacy => legacy::g2_from_basic(&bytes),
            Scheme::Basic => bytes,
        }
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Signature(basic {})",
            self.encode(Scheme::Basic).to_lower_hex_string()
        )
    }
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], BlsError> {
    bytes.try_into().map_err(|_| BlsError::Length {
        expected: N,
        actual: bytes.len(),
    })
}

/// Refuses the two values that stand for something else than a usable point; both schemes write them alike.
fn refuse_no_point(bytes: &[u8]) -> Result<(), BlsError> {
    match bytes {
        [first, rest @ ..] if rest.iter().all(|&byte| byte == 0) => match first {
            0x00 => Err(BlsError::Null),
            0xc0 => Err(BlsError::Infinity),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Reads exactly `N` bytes of hex; wiped on drop, as it also reads secrets.
fn decode_hex<const N: usize>(text: &str) -> Result<Zeroizing<[u8; N]>, BlsError> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return Err(BlsError::HexLength {
            expected: 2 * N,
            actual: digits.len(),
        });
    }
    let mut bytes = Zeroizing::new([0; N]);
    for (position, &digit) in digits.iter().enumerate() {
        let value = char::from(digit).to_digit(16).ok_or(BlsError::NotHex { position })?;
        // to_digit(16) is below 16.
        bytes[position / 2] = bytes[position / 2] << 4 | value as u8;
    }
    Ok(bytes)
}
