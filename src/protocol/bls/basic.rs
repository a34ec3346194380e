//! The basic scheme: the IETF encoding of points and the RFC 9380 hash to G2.
//!
//! Legacy bytes are decoded here too, after [`super::legacy`] has put them into this form.

use bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve};
use bls12_381::{G1Affine, G2Affine, G2Projective};
use sha2::Sha256;

use super::{BlsError, Fp, Scheme};

/// "This is the compressed form"; always set.
pub(super) const COMPRESSED: u8 = 0x80;
/// "The point is infinity".
pub(super) const INFINITY: u8 = 0x40;
/// "y is the larger of the two roots"; in G2 the c1 half of y decides.
pub(super) const Y_IS_LARGE: u8 = 0x20;
/// The bits of a coordinate's first byte that belong to the coordinate, as p < 2^381.
pub(super) const COORDINATE: u8 = 0x1f;

/// Domain separation tag of the scheme; not NUL-terminated in spite of its last letters.
pub(super) const DST: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";

/// Hashes a digest to G2: suite `BLS12381G2_XMD:SHA-256_SSWU_RO_` of RFC 9380.
pub(super) fn hash_to_g2(digest: &[u8; 32]) -> G2Projective {
    // The message is a sequence of slices, here of one.
    <G2Projective as HashToCurve<ExpandMsgXmd<Sha256>>>::hash_to_curve([digest], DST)
}

/// Reads a point of G1: x with the flags in its first byte.
pub(super) fn decode_g1(bytes: &[u8; 48]) -> Result<G1Affine, BlsError> {
    refuse_flags(bytes[0])?;
    let point = G1Affine::from_compressed(bytes).into_option();
    // Infinity has a flag of its own and is refused above; it must not slip through whatever the crate does.
    point.filter(|point| !bool::from(point.is_identity())).ok_or_else(|| {
        explain(
            std::slice::from_ref(bytes),
            G1Affine::from_compressed_unchecked(bytes).is_some().into(),
        )
    })
}

/// Reads a point of G2: x.c1 with the flags in its first byte, then x.c0.
pub(super) fn decode_g2(bytes: &[u8; 96]) -> Result<G2Affine, BlsError> {
    refuse_flags(bytes[0])?;
    if bytes[48] & !COORDINATE != 0 {
        return Err(BlsError::Flags {
            scheme: Scheme::Basic,
            position: 48,
            byte: bytes[48],
        });
    }
    let point = G2Affine::from_compressed(bytes).into_option();
    point.filter(|point| !bool::from(point.is_identity())).ok_or_else(|| {
        explain(
            bytes.as_chunks().0,
            G2Affine::from_compressed_unchecked(bytes).is_some().into(),
        )
    })
}

fn refuse_flags(byte: u8) -> Result<(), BlsError> {
    if byte & (COMPRESSED | INFINITY) == COMPRESSED {
        Ok(())
    } else {
        Err(BlsError::Flags {
            scheme: Scheme::Basic,
            position: 0,
            byte,
        })
    }
}

/// Names the reason for bytes that are already refused.
fn explain(coordinates: &[[u8; 48]], on_curve: bool) -> BlsError {
    let below_p = |coordinate: &[u8; 48]| {
        let mut bytes = *coordinate;
        bytes[0] &= COORDINATE;
        Fp::from_bytes(&bytes).is_some().into()
    };
    match (coordinates.iter().all(below_p), on_curve) {
        (false, _) => BlsError::CoordinateTooLarge,
        (true, false) => BlsError::NotOnCurve,
        (true, true) => BlsError::NotInSubgroup,
    }
}
