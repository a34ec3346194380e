//! An evonode's Platform P2P key (Ed25519) and the node id made of it.
//!
//! Source: DIP-0028 "Platform Node ID"; the written form is `priv_key.value` of Tenderdash's node_key.json, which dashmate
//! asks for and prints as the node key.

use std::fmt;

use bitcoin::base64::Engine;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::hex::DisplayHex;
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

/// An Ed25519 secret: the 32-byte seed RFC 8032 calls private key. Wiped when dropped; prints nothing.
#[derive(Clone)]
pub struct PlatformKey(Box<Zeroizing<[u8; 32]>>);

impl PlatformKey {
    /// Any 32 bytes are a key.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let mut key = Self(Box::new(Zeroizing::new([0; 32])));
        key.0.copy_from_slice(seed);
        key
    }

    /// The 32 bytes it was made of.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        (*self.0).clone()
    }

    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        SigningKey::from_bytes(&self.0).verifying_key().to_bytes()
    }

    /// Base64 of seed and public key, 88 characters, as Tenderdash and dashmate write it.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        let mut both = Zeroizing::new([0; 64]);
        both[..32].copy_from_slice(&**self.0);
        both[32..].copy_from_slice(&self.public_key());
        let mut text = Zeroizing::new([0; 88]);
        STANDARD
            .encode_slice(both.as_slice(), text.as_mut_slice())
            .expect("64 bytes are 88 characters");
        let text = std::str::from_utf8(&*text).expect("base64 is ASCII");
        Zeroizing::new(text.to_owned())
    }
}

impl fmt::Debug for PlatformKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlatformKey(..)")
    }
}

/// platformNodeID of a public key: the first 20 bytes of its SHA-256, as 40 hex digits, as RPCs take it.
///
/// Payloads carry it reversed: see `Platform::node_id_from_hex`.
#[must_use]
pub fn node_id(public_key: &[u8; 32]) -> String {
    sha256::Hash::hash(public_key).to_byte_array()[..20].to_lower_hex_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `tenderdash gen-node-key` example of the `tenderkey` tool's README.
    const ID: &str = "eb48976ec8ba0e4098850ddd42edfd1564e3aeb4";
    const KEY: &str = "+z0PtlfW+vTUFWwl+E1BfqGA0//8JGA+TlLDa5kjX5sTun26L/D2LUN+JnwQ0IFXTkp4Nh0opkQZf8jj+ruQnw==";

    #[test]
    fn a_key_printed_by_tenderdash_has_the_id_printed_beside_it() {
        let both = STANDARD.decode(KEY).unwrap();
        let key = PlatformKey::from_seed(both[..32].try_into().unwrap());
        assert_eq!(key.public_key(), both[32..]);
        assert_eq!(node_id(&key.public_key()), ID);
        assert_eq!(*key.to_base64(), KEY);
        assert_eq!(format!("{key:?}"), "PlatformKey(..)");
    }
}
