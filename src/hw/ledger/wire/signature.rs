//! Signatures as the app answers them: DER, with the parity of the nonce point's y in the first byte.

use bitcoin::secp256k1::PublicKey;
use bitcoin::secp256k1::ecdsa::Signature;
use bitcoin::secp256k1::{Message, Secp256k1};

use super::super::bad;
use crate::hw::DeviceError;
use crate::protocol::message::CompactSignature;

/// A signature read from an answer. Nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSignature {
    /// y of the nonce point is odd.
    odd: bool,
    signature: Signature,
}

impl DeviceSignature {
    /// Answer to SIGN_MESSAGE: DER only. For a path it cannot derive the app answers 9000 with the bytes `00 00`.
    ///
    /// # Errors
    /// [`DeviceError::BadAnswer`]
    pub fn of_message(answer: &[u8]) -> Result<Self, DeviceError> {
        if answer.len() < 8 {
            return Err(bad("the signature is shorter than any can be"));
        }
        let odd = match answer[0] {
            0x30 => false,
            0x31 => true,
            _ => return Err(bad("the signature does not start as one")),
        };
        let mut der = answer.to_vec();
        der[0] &= 0xfe;
        let signature = Signature::from_der(&der).map_err(|_| bad("the signature is not DER"))?;
        Ok(Self { odd, signature })
    }

    /// Answer to HASH_SIGN: DER and the hash type, which must be SIGHASH_ALL.
    ///
    /// # Errors
    /// [`DeviceError::BadAnswer`]
    pub fn of_input(answer: &[u8]) -> Result<Self, DeviceError> {
        match answer {
            [der @ .., 1] => Self::of_message(der),
            _ => Err(bad("the signature is not of the type SIGHASH_ALL")),
        }
    }

    /// `header || r || s`, header 31 or 32 for a compressed key, r and s padded to 32 bytes (DER drops leading zeros).
    pub fn compact(&self) -> CompactSignature {
        let mut bytes = [0; 65];
        bytes[0] = 31 + u8::from(self.odd);
        bytes[1..].copy_from_slice(&self.signature.serialize_compact());
        CompactSignature::from_bytes(bytes)
    }

    /// DER and the hash type, low-S as nodes require, if it is the key's signature of the digest.
    pub fn verified_der(&self, digest: &[u8; 32], key: &PublicKey) -> Option<Vec<u8>> {
        let mut signature = self.signature;
        signature.normalize_s();
        Secp256k1::verification_only()
            .verify_ecdsa(&Message::from_digest(*digest), &signature, key)
            .ok()?;
        let mut bytes = signature.serialize_der().to_vec();
        bytes.push(1);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::SecpKey;

    #[test]
    fn numbers_with_leading_zeros_are_padded_on_the_left() {
        let key = SecpKey::from_bytes(&[7; 32]).unwrap();
        let mut short = 0;
        for number in 0..2000u32 {
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&number.to_be_bytes());
            let compact = key.sign_compact(&digest);
            if compact.as_bytes()[1] != 0 && compact.as_bytes()[33] != 0 {
                continue;
            }
            short += 1;
            let mut der = key.sign_der(&digest);
            der.pop();
            der[0] |= compact.as_bytes()[0] - 31;
            assert_eq!(DeviceSignature::of_message(&der).unwrap().compact(), compact);
        }
        assert!(short > 5, "1 in 128 is short");
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        for answer in [&[0, 0][..], &[], &[0x30; 70], &[0x32, 6, 2, 1, 1, 2, 1, 1]] {
            assert!(DeviceSignature::of_message(answer).is_err(), "{answer:x?}");
        }
        assert!(DeviceSignature::of_message(&[0x31, 6, 2, 1, 1, 2, 1, 1]).is_ok());
        assert!(DeviceSignature::of_input(&[0x31, 6, 2, 1, 1, 2, 1, 1]).is_err());
    }
}
