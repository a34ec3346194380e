//! secp256k1 keys of the owner, voting and fee roles, and their WIF form.

use std::fmt;

use bitcoin::base58;
use bitcoin::hashes::{Hash, hash160};
use bitcoin::secp256k1::ecdh::SharedSecret;
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, SecretKey};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::address::Address;
use super::message::CompactSignature;
use super::network::Profile;

/// hash160 of a compressed public key: what payloads carry for owner and voting key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct KeyId(pub [u8; 20]);

impl KeyId {
    pub fn of(key: &PublicKey) -> Self {
        Self(hash160::Hash::hash(&key.serialize()).to_byte_array())
    }

    pub fn address(self) -> Address {
        Address::PubkeyHash(self.0)
    }

    pub fn is_null(self) -> bool {
        self.0 == [0; 20]
    }
}

/// Why a text is not a private key of the network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("not a private key: its checksum does not match")]
    Checksum,
    #[error("not a private key: {len} bytes instead of 34")]
    Length { len: usize },
    #[error("a private key of another network (version byte {found}, {network} uses {expected})")]
    OtherNetwork { found: u8, expected: u8, network: String },
    #[error("a private key for an uncompressed public key, which masternodes cannot use")]
    Uncompressed,
    #[error("a private key outside the curve's range")]
    OutOfRange,
}

/// A secp256k1 secret. Wiped when dropped; prints nothing.
#[derive(Clone)]
pub struct SecpKey(Zeroizing<[u8; 32]>);

impl SecpKey {
    /// # Errors
    /// Zero or a number not below the curve's order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let mut secret = SecretKey::from_slice(bytes).map_err(|_| KeyError::OutOfRange)?;
        secret.non_secure_erase();
        Ok(Self(Zeroizing::new(*bytes)))
    }

    /// # Errors
    /// Wrong checksum, length, network, or the uncompressed form.
    pub fn from_wif(text: &str, profile: &Profile) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(base58::decode_check(text.trim()).map_err(|_| KeyError::Checksum)?);
        match bytes.as_slice() {
            [found, ..] if *found != profile.wif_prefix && matches!(bytes.len(), 33 | 34) => {
                Err(KeyError::OtherNetwork {
                    found: *found,
                    expected: profile.wif_prefix,
                    network: profile.name.clone(),
                })
            }
            [_, secret @ .., 1] if secret.len() == 32 => {
                let mut copy = Zeroizing::new([0; 32]);
                copy.copy_from_slice(secret);
                Self::from_bytes(&copy)
            }
            [_, secret @ ..] if secret.len() == 32 => Err(KeyError::Uncompressed),
            other => Err(KeyError::Length { len: other.len() }),
        }
    }

    /// The compressed WIF form.
    pub fn to_wif(&self, profile: &Profile) -> Zeroizing<String> {
        self.to_wif_with(profile.wif_prefix)
    }

    /// The compressed WIF form with a network's version byte.
    pub fn to_wif_with(&self, prefix: u8) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([prefix; 34]);
        bytes[1..33].copy_from_slice(&*self.0);
        bytes[33] = 1;
        Zeroizing::new(base58::encode_check(&*bytes))
    }

    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    pub fn public_key(&self) -> PublicKey {
        self.with_secret(|secret| secret.public_key(&Secp256k1::signing_only()))
    }

    pub fn key_id(&self) -> KeyId {
        KeyId::of(&self.public_key())
    }

    /// A compact signature over a digest, header 31..34 (compressed key). Deterministic (RFC 6979), low-S.
    pub fn sign_compact(&self, digest: &[u8; 32]) -> CompactSignature {
        self.with_secret(|secret| {
            let signature = Secp256k1::signing_only().sign_ecdsa_recoverable(&Message::from_digest(*digest), secret);
            CompactSignature::from_recoverable(&signature)
        })
    }

    /// A DER signature followed by the SIGHASH_ALL byte, as scripts carry it.
    pub fn sign_der(&self, digest: &[u8; 32]) -> Vec<u8> {
        self.with_secret(|secret| {
            let signature = Secp256k1::signing_only().sign_ecdsa(&Message::from_digest(*digest), secret);
            let mut bytes = signature.serialize_der().to_vec();
            bytes.push(1);
            bytes
        })
    }

    /// What only the holders of the two private keys can compute (ECDH): SHA-256 of the compressed common point, as libsecp256k1.
    pub fn shared_secret(&self, theirs: &PublicKey) -> Zeroizing<[u8; 32]> {
        self.with_secret(|secret| {
            let mut shared = SharedSecret::new(theirs, secret);
            let bytes = Zeroizing::new(shared.secret_bytes());
            shared.non_secure_erase();
            bytes
        })
    }

    fn with_secret<T>(&self, use_it: impl FnOnce(&SecretKey) -> T) -> T {
        let mut secret = SecretKey::from_slice(&*self.0).expect("checked when it was made");
        let out = use_it(&secret);
        secret.non_secure_erase();
        out
    }
}

impl Zeroize for SecpKey {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecpKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::network;

    #[test]
    fn a_published_key_reads_writes_and_has_its_address() {
        let testnet = network::builtin("dash-testnet").expect("embedded");
        let wif = "cTVm7EkgzNBPcwAKGYHfvyK8cyrRAC8n3SUUw8qjLqCg2rpcczfo";
        let key = SecpKey::from_wif(wif, &testnet).expect("published with its ProRegTx");
        assert_eq!(*key.to_wif(&testnet), wif);
        assert_eq!(
            key.key_id().address().to_text(&testnet),
            "yeNVS6tFeQNXJVkjv6nm6gb7PtTERV5dGh"
        );
        assert_eq!(format!("{key:?}"), "SecpKey(..)");
    }

    #[test]
    fn a_key_of_another_network_or_form_is_refused() {
        let dash = network::builtin("dash").expect("embedded");
        let wei = network::builtin("wei").expect("embedded");
        let key = SecpKey::from_bytes(&[1; 32]).expect("in range");
        let wif = key.to_wif(&dash);
        assert!(matches!(
            SecpKey::from_wif(&wif, &wei),
            Err(KeyError::OtherNetwork { found: 204, .. })
        ));
        let uncompressed = base58::encode_check(&[&[204u8][..], &[1; 32]].concat());
        assert_eq!(
            SecpKey::from_wif(&uncompressed, &dash).map(drop),
            Err(KeyError::Uncompressed)
        );
        assert_eq!(SecpKey::from_wif("nonsense", &dash).map(drop), Err(KeyError::Checksum));
        assert_eq!(SecpKey::from_bytes(&[0; 32]).map(drop), Err(KeyError::OutOfRange));
        assert_eq!(SecpKey::from_bytes(&[0xff; 32]).map(drop), Err(KeyError::OutOfRange));
    }
}
