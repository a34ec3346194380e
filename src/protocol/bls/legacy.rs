//! The legacy scheme: the encoding and the hash to G2 of the bls-signatures library of 2018, built on relic.
//!
//! Encodings hold the same x and the same sign as in the basic scheme, under another header; in G2 the two halves also
//! change places. So they are converted byte by byte and decoded there.
//!
//! The hash to G2 is relic's `ep2_map` of that time: SHA-256 to two elements of Fp2, each mapped to the twist by the
//! encoding of Shallue and van de Woestijne as Fouque and Tibouchi give it, then cofactor clearing. All of it handles
//! public data and may take as long as the data makes it.

use bls12_381::hash_to_curve::HashToField;
use bls12_381::{G2Affine, G2Projective};
use sha2::{Digest, Sha256};

use super::basic::{COMPRESSED, COORDINATE, Y_IS_LARGE};
use super::{BlsError, Fp, Fp2, Scheme};

/// "y is the larger of the two roots"; the only flag of the legacy encoding.
const LEGACY_Y_IS_LARGE: u8 = 0x80;

/// The root of -3 that relic takes, as 48 bytes big-endian. The other one swaps the first two candidates of the map.
#[rustfmt::skip]
pub(super) const SQRT_MINUS_3: [u8; 48] = [
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xbe, 0x32, 0xce, 0x5f, 0xbe, 0xed, 0x9c, 0xa3,
    0x74, 0xd3, 0x8c, 0x0e, 0xd4, 0x1e, 0xef, 0xd5, 0xbb, 0x67, 0x52, 0x77, 0xcd, 0xf1, 0x2d, 0x11,
    0xbc, 0x2f, 0xb0, 0x26, 0xc4, 0x14, 0x00, 0x04, 0x5c, 0x03, 0xff, 0xff, 0xff, 0xfd, 0xff, 0xfd,
];

/// Half of (the root of -3) - 1, as 48 bytes big-endian.
#[rustfmt::skip]
pub(super) const HALF_SQRT_MINUS_3_MINUS_1: [u8; 48] = [
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x5f, 0x19, 0x67, 0x2f, 0xdf, 0x76, 0xce, 0x51,
    0xba, 0x69, 0xc6, 0x07, 0x6a, 0x0f, 0x77, 0xea, 0xdd, 0xb3, 0xa9, 0x3b, 0xe6, 0xf8, 0x96, 0x88,
    0xde, 0x17, 0xd8, 0x13, 0x62, 0x0a, 0x00, 0x02, 0x2e, 0x01, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xfe,
];

/// Turns a legacy G1 encoding into the basic one.
///
/// # Errors
/// When a bit is set that no legacy encoding sets. The point itself is not looked at.
pub(super) fn g1_to_basic(bytes: &[u8; 48]) -> Result<[u8; 48], BlsError> {
    refuse_flags(bytes, 0, LEGACY_Y_IS_LARGE)?;
    let mut basic = *bytes;
    basic[0] = basic_header(bytes[0], bytes[0]);
    Ok(basic)
}

/// Turns the basic encoding of a G1 point other than infinity into the legacy one.
pub(super) fn g1_from_basic(bytes: &[u8; 48]) -> [u8; 48] {
    let mut legacy = *bytes;
    legacy[0] = legacy_header(bytes[0], bytes[0]);
    legacy
}

/// Turns a legacy G2 encoding (x.c0 with the flag, x.c1) into the basic one (x.c1 with the flags, x.c0).
///
/// # Errors
/// When a bit is set that no legacy encoding sets. The point itself is not looked at.
pub(super) fn g2_to_basic(bytes: &[u8; 96]) -> Result<[u8; 96], BlsError> {
    refuse_flags(bytes, 0, LEGACY_Y_IS_LARGE)?;
    refuse_flags(bytes, 48, 0)?;
    let mut basic = swapped(bytes);
    basic[0] = basic_header(bytes[48], bytes[0]);
    basic[48] = bytes[0] & COORDINATE;
    Ok(basic)
}

/// Turns the basic encoding of a G2 point other than infinity into the legacy one.
pub(super) fn g2_from_basic(bytes: &[u8; 96]) -> [u8; 96] {
    let mut legacy = swapped(bytes);
    legacy[0] = legacy_header(bytes[48], bytes[0]);
    legacy[48] = bytes[0] & COORDINATE;
    legacy
}

fn refuse_flags(bytes: &[u8], position: usize, allowed: u8) -> Result<(), BlsError> {
    let byte = bytes[position];
    if byte & !(COORDINATE | allowed) == 0 {
        Ok(())
    } else {
        Err(BlsError::Flags {
            scheme: Scheme::Legacy,
            position,
            byte,
        })
    }
}

/// Puts a coordinate's first byte under a basic header, with the sign out of a legacy one.
fn basic_header(coordinate: u8, legacy: u8) -> u8 {
    let sign = if legacy & LEGACY_Y_IS_LARGE != 0 { Y_IS_LARGE } else { 0 };
    coordinate & COORDINATE | COMPRESSED | sign
}

/// Puts a coordinate's first byte under a legacy header, with the sign out of a basic one.
fn legacy_header(coordinate: u8, basic: u8) -> u8 {
    let sign = if basic & Y_IS_LARGE != 0 { LEGACY_Y_IS_LARGE } else { 0 };
    coordinate & COORDINATE | sign
}

fn swapped(bytes: &[u8; 96]) -> [u8; 96] {
    let mut swapped = *bytes;
    swapped.rotate_left(48);
    swapped
}

/// Hashes a digest to G2.
pub(super) fn hash_to_g2(digest: &[u8; 32]) -> G2Projective {
    let [t0, t1] = [["G2_0_c0", "G2_0_c1"], ["G2_1_c0", "G2_1_c1"]].map(|tags| field_element(digest, tags));
    (map_to_curve(t0) + map_to_curve(t1)).clear_cofactor()
}

/// Hashes a digest to an element of Fp2, one tag for each half.
pub(super) fn field_element(digest: &[u8; 32], tags: [&str; 2]) -> Fp2 {
    let mut okm = [0; 128];
    for (tag, half) in tags.iter().zip(okm.chunks_exact_mut(64)) {
        half.copy_from_slice(&expand(digest, tag));
    }
    // Reads each 64 bytes as a big-endian integer modulo p, c0 first.
    Fp2::from_okm((&okm).into())
}

/// Stretches a digest to 64 bytes: two SHA-256 that differ in a counter byte.
pub(super) fn expand(digest: &[u8; 32], tag: &str) -> [u8; 64] {
    let mut bytes = [0; 64];
    for (counter, half) in (0u8..).zip(bytes.chunks_exact_mut(32)) {
        let hash = Sha256::new()
            .chain_update(digest)
            .chain_update(tag)
            .chain_update([counter]);
        half.copy_from_slice(&hash.finalize());
    }
    bytes
}

/// Maps an element of Fp2 to the twist y^2 = x^3 + 4 + 4u; the point need not be in the subgroup.
pub(super) fn map_to_curve(t: Fp2) -> G2Projective {
    if t.is_zero().into() {
        return G2Projective::identity();
    }
    // Only c1 counts, and as 0 is not large neither is an element of Fp.
    let y_is_large = t.c1.lexicographically_largest().into();
    let point = candidates(t).into_iter().find_map(|x| point_at(x, y_is_large));
    G2Projective::from(point.expect("one of the three candidates is on the curve for every t other than 0"))
}

/// The three x coordinates to try in turn, for t other than 0.
pub(super) fn candidates(t: Fp2) -> [Fp2; 3] {
    let in_fp = |c0| Fp2 { c0, c1: Fp::zero() };
    let s = in_fp(Fp::from_bytes(&SQRT_MINUS_3).expect("the constant is below p"));
    let c = in_fp(Fp::from_bytes(&HALF_SQRT_MINUS_3_MINUS_1).expect("the constant is below p"));
    let one = Fp2::one();
    let two = Fp::one() + Fp::one();
    let b = Fp2 {
        c0: two + two,
        c1: two + two,
    };

    let denominator = t.square() + b + one;
    let w = s
        * t
        * denominator
            .invert()
            .expect("-(b + 1) is not a square, so t^2 + b + 1 is not 0");
    let x1 = c - t * w;
    let x2 = -one - x1;
    let x3 = one + w.square().invert().expect("w is 0 only for t = 0");
    [x1, x2, x3]
}

/// The point at an x, with the larger or the smaller y; `None` if no point of the twist is there.
fn point_at(x: Fp2, y_is_large: bool) -> Option<G2Affine> {
    // The crate's decoder takes the root. For y.c1 = 0 it would choose y by c0 where relic does not; that has a
    // probability of 2^-381.
    let mut bytes = [0; 96];
    bytes[..48].copy_from_slice(&x.c1.to_bytes());
    bytes[48..].copy_from_slice(&x.c0.to_bytes());
    bytes[0] |= COMPRESSED | if y_is_large { Y_IS_LARGE } else { 0 };
    G2Affine::from_compressed_unchecked(&bytes).into_option()
}
