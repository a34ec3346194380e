//! Signed text messages: `signmessage` of Dash Core (src/util/message.cpp).

use std::fmt;

use bitcoin::base64::{Engine, prelude::BASE64_STANDARD};
use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1};
use thiserror::Error;

use super::address::Address;
use super::key::KeyId;
use super::network::Profile;
use super::wire::{WriteWire, sha256d};

/// `header || r (32, BE) || s (32, BE)`; header = 27 + recovery id, + 4 for a compressed key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CompactSignature([u8; 65]);

/// Why a signature does not prove what it should.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureError {
    #[error("the signature is not base64")]
    NotBase64,
    #[error("the signature has {len} bytes instead of 65")]
    Length { len: usize },
    #[error("no public key can be recovered from the signature")]
    Unrecoverable,
    #[error("the signature is of another key ({found})")]
    OtherKey { found: String },
    #[error("an address that pays to a script signs no messages")]
    NotAKey,
}

/// dSHA256(compactSize || magic || compactSize || text): what is signed.
pub fn message_hash(magic: &str, text: &[u8]) -> [u8; 32] {
    let mut preimage = Vec::with_capacity(magic.len() + text.len() + 8);
    preimage.put_var_bytes(magic.as_bytes());
    preimage.put_var_bytes(text);
    sha256d(&preimage)
}

/// SHA256 of a text as a Ledger's screen shows it: upper-case hexadecimal.
pub fn device_hash(text: &str) -> String {
    sha256::Hash::hash(text.as_bytes()).to_string().to_uppercase()
}

/// Whether a text was signed by the key of an address.
///
/// # Errors
/// Says which key signed instead, where one can be recovered.
pub fn verify(
    profile: &Profile,
    address: Address,
    text: &[u8],
    signature: &CompactSignature,
) -> Result<(), SignatureError> {
    let Address::PubkeyHash(expected) = address else {
        return Err(SignatureError::NotAKey);
    };
    let found = signature.recover_key_id(&message_hash(&profile.message_magic, text))?;
    if found.0 == expected {
        Ok(())
    } else {
        Err(SignatureError::OtherKey {
            found: found.address().to_text(profile),
        })
    }
}

impl CompactSignature {
    pub fn from_bytes(bytes: [u8; 65]) -> Self {
        Self(bytes)
    }

    /// # Errors
    /// Not 65 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, SignatureError> {
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| SignatureError::Length { len: bytes.len() })
    }

    /// # Errors
    /// Not base64, or not 65 bytes.
    pub fn from_base64(text: &str) -> Result<Self, SignatureError> {
        let bytes = BASE64_STANDARD
            .decode(text.trim())
            .map_err(|_| SignatureError::NotBase64)?;
        Self::from_slice(&bytes)
    }

    pub fn to_base64(self) -> String {
        BASE64_STANDARD.encode(self.0)
    }

    pub fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }

    /// For a compressed key: header 31..34.
    pub fn from_recoverable(signature: &RecoverableSignature) -> Self {
        let (recovery, rs) = signature.serialize_compact();
        let mut bytes = [0; 65];
        bytes[0] = 31 + recovery.to_i32() as u8;
        bytes[1..].copy_from_slice(&rs);
        Self(bytes)
    }

    /// The key hash a node would find: of the compressed key if the header's bit 4 says so, else of the uncompressed one.
    ///
    /// # Errors
    /// The numbers are on no curve point.
    pub fn recover_key_id(&self, digest: &[u8; 32]) -> Result<KeyId, SignatureError> {
        let flags = self.0[0].wrapping_sub(27);
        let key = self.recover(digest, i32::from(flags & 3))?;
        Ok(if flags & 4 != 0 {
            KeyId::of(&key)
        } else {
            KeyId(hash160::Hash::hash(&key.serialize_uncompressed()).to_byte_array())
        })
    }

    /// The same signature with the header a node accepts (31..34) for this key, whatever header it came with: devices answer with
    /// headers of other conventions (27..30, 35..42).
    ///
    /// # Errors
    /// The signature is of no compressed key with that hash.
    pub fn normalised(&self, digest: &[u8; 32], signer: KeyId) -> Result<Self, SignatureError> {
        for recovery in 0..4u8 {
            if self
                .recover(digest, i32::from(recovery))
                .is_ok_and(|key| KeyId::of(&key) == signer)
            {
                let mut bytes = self.0;
                bytes[0] = 31 + recovery;
                return Ok(Self(bytes));
            }
        }
        Err(SignatureError::Unrecoverable)
    }

    fn recover(&self, digest: &[u8; 32], recovery: i32) -> Result<PublicKey, SignatureError> {
        let recovery = RecoveryId::from_i32(recovery).map_err(|_| SignatureError::Unrecoverable)?;
        let signature =
            RecoverableSignature::from_compact(&self.0[1..], recovery).map_err(|_| SignatureError::Unrecoverable)?;
        Secp256k1::verification_only()
            .recover_ecdsa(&Message::from_digest(*digest), &signature)
            .map_err(|_| SignatureError::Unrecoverable)
    }
}

impl fmt::Debug for CompactSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompactSignature({})", self.to_base64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::key::SecpKey;
    use crate::protocol::network;

    // protx register_prepare example of the 0.17 masternode guide, testnet.
    const TEXT: &str = "yjZVt49WsQd6XSrPVAUGXtJccxviH9ZQpN|0|yfgxFhqrdDG15ZWKJAN6dQvn6dZdgBPAip|\
                        yfRaZN8c3Erpqj9iKnmQ9QDBeUuRhWV3Mg|\
                        ad5f82257bd00a5a1cb5da1a44a6eb8899cf096d3748d68b8ea6d6b10046a28e";
    const SIGNATURE: &str = "II8JvEBMj6I3Ws8wqxh0bXVds6Ny+7h5HAQhqmd5r/0lWBCpsxMJHJT3KBcZ23oUZtsa6gjgISf+a8GzJg1BfEg=";

    #[test]
    fn the_guides_collateral_signature_verifies_against_its_address_only() {
        let testnet = network::builtin("dash-testnet").expect("embedded");
        let signature = CompactSignature::from_base64(SIGNATURE).expect("65 bytes");
        let address = Address::parse("yjSPYvgUiAQ9AFj5tKFA8thFLoLBUxQERb", &testnet).expect("valid");
        assert_eq!(verify(&testnet, address, TEXT.as_bytes(), &signature), Ok(()));
        let other = Address::parse("yfgxFhqrdDG15ZWKJAN6dQvn6dZdgBPAip", &testnet).expect("valid");
        let refused = verify(&testnet, other, TEXT.as_bytes(), &signature);
        assert_eq!(
            refused,
            Err(SignatureError::OtherKey {
                found: "yjSPYvgUiAQ9AFj5tKFA8thFLoLBUxQERb".to_owned()
            })
        );
    }

    #[test]
    fn headers_of_other_conventions_are_brought_to_31_to_34() {
        let key = SecpKey::from_bytes(&[7; 32]).expect("in range");
        let digest = message_hash("DarkCoin Signed Message:\n", b"hello");
        let good = key.sign_compact(&digest);
        assert!((31..=34).contains(&good.as_bytes()[0]));
        for header in [0, 27, 28, 29, 30, 35, 39, 42, 255] {
            let mut bytes = *good.as_bytes();
            bytes[0] = header;
            let odd = CompactSignature::from_bytes(bytes);
            assert_eq!(odd.normalised(&digest, key.key_id()), Ok(good), "header {header}");
        }
        let stranger = SecpKey::from_bytes(&[8; 32]).expect("in range").key_id();
        assert_eq!(good.normalised(&digest, stranger), Err(SignatureError::Unrecoverable));
    }

    #[test]
    fn what_is_no_signature_says_so() {
        assert_eq!(CompactSignature::from_base64("%%%"), Err(SignatureError::NotBase64));
        assert_eq!(
            CompactSignature::from_base64("AAAA"),
            Err(SignatureError::Length { len: 3 })
        );
        let zeros = CompactSignature::from_bytes([0; 65]);
        assert_eq!(zeros.recover_key_id(&[1; 32]), Err(SignatureError::Unrecoverable));
    }
}
