//! The operator's signature in ProUpServTx and ProUpRevTx: 96 bytes without a length, over the raw payload hash.
//!
//! Two things that look like one: the *scheme* hashes the digest and follows the chain (basic once V19 is active for the next
//! block), the *encoding* writes the point and follows the payload version. After V19 a payload of version 1 carries a basic
//! signature in legacy encoding, so nothing here derives one from the other.

use crate::protocol::bls::{PublicKey, Scheme, SecretKey, Signature};

/// The bytes of a payload nobody signed yet.
pub const UNSIGNED: [u8; Signature::LENGTH] = [0; Signature::LENGTH];

/// Signs a payload hash, taken as stored. Deterministic.
#[must_use]
pub fn sign(secret: &SecretKey, scheme: Scheme, encoding: Scheme, digest: &[u8; 32]) -> [u8; Signature::LENGTH] {
    secret.sign(scheme, digest).encode(encoding)
}

/// Whether the bytes are the key's signature over the payload hash; false for bytes that are no signature in the encoding.
#[must_use]
pub fn verify(key: &PublicKey, scheme: Scheme, encoding: Scheme, digest: &[u8; 32], bytes: &[u8]) -> bool {
    Signature::decode(encoding, bytes).is_ok_and(|signature| key.verify(scheme, digest, &signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Scheme; 2] = [Scheme::Legacy, Scheme::Basic];

    #[test]
    fn a_signature_holds_only_in_the_scheme_and_encoding_it_was_made_in() {
        let secret = SecretKey::from_bytes(&[7; 32]).expect("in range");
        let (key, digest) = (secret.public_key(), [9; 32]);
        for scheme in BOTH {
            for encoding in BOTH {
                let bytes = sign(&secret, scheme, encoding, &digest);
                for (other_scheme, other_encoding) in BOTH.into_iter().flat_map(|a| BOTH.map(|b| (a, b))) {
                    let holds = verify(&key, other_scheme, other_encoding, &digest, &bytes);
                    assert_eq!(holds, (other_scheme, other_encoding) == (scheme, encoding));
                }
            }
        }
        assert!(!verify(&key, Scheme::Basic, Scheme::Basic, &digest, &UNSIGNED));
        assert!(!verify(&key, Scheme::Basic, Scheme::Basic, &digest, &[1; 95]));
    }
}
