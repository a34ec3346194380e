//! Keys of a masternode's roles: their kinds, labels, and what of them may be shown.

use std::fmt;
use std::str::FromStr;

use bitcoin::base58;
use bitcoin::secp256k1;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use super::platform_key::{self, PlatformKey};
use super::secret::SecretBytes;
use crate::protocol::bls::{self, Scheme};
use crate::protocol::{KeyId, Profile, SecpKey};

/// Longest label, in characters: what fits a column.
pub const MAX_LABEL: usize = 48;

/// Words that mean something else where the command line takes a label.
const RESERVED: [&str; 8] = [
    "new",
    "none",
    "keep",
    "any",
    "owner",
    "voting",
    "operator",
    "node-wallet",
];

/// Which role a key is for; it says the curve too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// secp256k1; signs ProUpRegTx payloads.
    Owner,
    /// secp256k1; votes.
    Voting,
    /// BLS; signs ProUpServTx and ProUpRevTx payloads.
    Operator,
    /// secp256k1; holds the money that pays for provider transactions.
    Fee,
    /// Ed25519; an evonode's identity on Platform's P2P network.
    Platform,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Owner, Self::Voting, Self::Operator, Self::Fee, Self::Platform];

    /// As the command line writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Voting => "voting",
            Self::Operator => "operator",
            Self::Fee => "fee",
            Self::Platform => "platform",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no kind of key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{text}' is none of owner, voting, operator, fee and platform")]
pub struct UnknownKind {
    pub text: String,
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownKind { text: text.to_owned() })
    }
}

/// Where a key comes from, and so whether the recovery phrase brings it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    Derived { path: String, index: u32 },
    Imported,
}

/// Of a network, what a key's written forms need. Kept with each key, so that it can be shown without its profile file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkTag {
    pub name: String,
    pub coin_type: u32,
    pub pubkey_prefix: u8,
    pub wif_prefix: u8,
}

impl NetworkTag {
    pub fn of(profile: &Profile) -> Self {
        Self {
            name: profile.name.clone(),
            coin_type: profile.coin_type,
            pubkey_prefix: profile.pubkey_prefix,
            wif_prefix: profile.wif_prefix,
        }
    }
}

/// The part of a key that may be shown. `Display` is the form people exchange: address, operator public key in the basic
/// encoding, or node id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Public {
    Secp {
        key: secp256k1::PublicKey,
        /// P2PKH, of the key's network.
        address: String,
    },
    Bls(bls::PublicKey),
    Platform([u8; 32]),
}

impl Public {
    pub(crate) fn secp(key: secp256k1::PublicKey, network: &NetworkTag) -> Self {
        let mut bytes = [network.pubkey_prefix; 21];
        bytes[1..].copy_from_slice(&KeyId::of(&key).0);
        Self::Secp {
            key,
            address: base58::encode_check(&bytes),
        }
    }

    /// Compressed secp256k1 key (33 bytes), basic BLS encoding (48), Ed25519 key (32).
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Secp { key, .. } => key.serialize().to_vec(),
            Self::Bls(key) => key.encode(Scheme::Basic).to_vec(),
            Self::Platform(key) => key.to_vec(),
        }
    }

    pub(crate) fn from_bytes(kind: Kind, bytes: &[u8], network: &NetworkTag) -> Option<Self> {
        match kind {
            Kind::Owner | Kind::Voting | Kind::Fee => {
                let key = secp256k1::PublicKey::from_slice(bytes).ok()?;
                Some(Self::secp(key, network))
            }
            Kind::Operator => bls::PublicKey::decode(Scheme::Basic, bytes).ok().map(Self::Bls),
            Kind::Platform => bytes.try_into().ok().map(Self::Platform),
        }
    }
}

impl fmt::Display for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secp { address, .. } => f.write_str(address),
            Self::Bls(key) => f.write_str(&key.to_hex(Scheme::Basic)),
            Self::Platform(key) => f.write_str(&platform_key::node_id(key)),
        }
    }
}

/// What of a key may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    pub label: String,
    pub kind: Kind,
    pub network: NetworkTag,
    pub origin: Origin,
    /// **Unix seconds**.
    pub created: u64,
    pub public: Public,
}

impl KeyInfo {
    /// hash160 of a secp256k1 key.
    pub fn key_id(&self) -> Option<KeyId> {
        match &self.public {
            Public::Secp { key, .. } => Some(KeyId::of(key)),
            _ => None,
        }
    }

    /// P2PKH address of a secp256k1 key on its network.
    pub fn address(&self) -> Option<&str> {
        match &self.public {
            Public::Secp { address, .. } => Some(address),
            _ => None,
        }
    }

    /// An operator key; write it in both encodings with `to_hex`.
    pub fn operator(&self) -> Option<bls::PublicKey> {
        match self.public {
            Public::Bls(key) => Some(key),
            _ => None,
        }
    }

    /// platformNodeID as RPCs take it (payloads carry it reversed).
    pub fn node_id(&self) -> Option<String> {
        match &self.public {
            Public::Platform(key) => Some(platform_key::node_id(key)),
            _ => None,
        }
    }
}

/// A secret of any kind. Wiped when dropped; `Debug` prints nothing of it.
#[derive(Debug, Clone)]
pub enum Secret {
    Secp(SecpKey),
    Bls(bls::SecretKey),
    Platform(PlatformKey),
}

impl Secret {
    pub fn public(&self, network: &NetworkTag) -> Public {
        match self {
            Self::Secp(key) => Public::secp(key.public_key(), network),
            Self::Bls(key) => Public::Bls(key.public_key()),
            Self::Platform(key) => Public::Platform(key.public_key()),
        }
    }

    /// The form other programs take: compressed WIF; 64 hex digits; Tenderdash's base64 of seed and public key.
    pub fn export(&self, network: &NetworkTag) -> Zeroizing<String> {
        match self {
            Self::Secp(key) => key.to_wif_with(network.wif_prefix),
            Self::Bls(key) => key.to_hex(),
            Self::Platform(key) => key.to_base64(),
        }
    }

    pub(crate) fn to_bytes(&self) -> SecretBytes {
        match self {
            Self::Secp(key) => SecretBytes::new(&*key.to_bytes()),
            Self::Bls(key) => SecretBytes::new(&*key.to_bytes()),
            Self::Platform(key) => SecretBytes::new(&*key.seed()),
        }
    }

    pub(crate) fn from_bytes(kind: Kind, bytes: &SecretBytes) -> Option<Self> {
        let bytes = bytes.array::<32>()?;
        match kind {
            Kind::Owner | Kind::Voting | Kind::Fee => SecpKey::from_bytes(&bytes).ok().map(Self::Secp),
            Kind::Operator => bls::SecretKey::from_bytes(&bytes).ok().map(Self::Bls),
            Kind::Platform => Some(Self::Platform(PlatformKey::from_seed(&bytes))),
        }
    }
}

/// Why a text cannot be a label.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LabelError {
    #[error("a label is missing")]
    Empty,
    #[error("a label of {length} characters; the longest has {MAX_LABEL}")]
    TooLong { length: usize },
    #[error("a label with a character that cannot be seen")]
    Invisible,
    #[error("'{label}' has a meaning of its own on the command line")]
    Reserved { label: String },
    #[error("'{label}' would be taken for an address or key")]
    LooksLikeAKey { label: String },
}

/// Trims a label and refuses what would be mistaken for something else where labels, addresses and keys are taken alike.
///
/// # Errors
/// See [`LabelError`].
pub fn check_label(label: &str) -> Result<String, LabelError> {
    let label = label.trim();
    let length = label.chars().count();
    if length == 0 {
        return Err(LabelError::Empty);
    }
    if length > MAX_LABEL {
        return Err(LabelError::TooLong { length });
    }
    if label.chars().any(is_invisible) {
        return Err(LabelError::Invisible);
    }
    let named = || label.to_owned();
    if RESERVED.iter().any(|word| word.eq_ignore_ascii_case(label)) {
        return Err(LabelError::Reserved { label: named() });
    }
    if base58::decode_check(label).is_ok_and(|bytes| bytes.len() >= 21) {
        return Err(LabelError::LooksLikeAKey { label: named() });
    }
    Ok(named())
}

/// Control characters, and those that hide or turn the text around them.
pub(super) fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_trimmed_and_kept() {
        assert_eq!(check_label("  Küche, links ").as_deref(), Ok("Küche, links"));
        assert_eq!(check_label("mn-1").as_deref(), Ok("mn-1"));
    }

    #[test]
    fn a_label_that_means_something_else_is_refused() {
        assert_eq!(check_label(" \t"), Err(LabelError::Empty));
        assert_eq!(check_label(&"x".repeat(49)), Err(LabelError::TooLong { length: 49 }));
        assert_eq!(check_label("a\u{202e}b"), Err(LabelError::Invisible));
        assert_eq!(check_label("a\nb"), Err(LabelError::Invisible));
        assert!(matches!(check_label("NEW"), Err(LabelError::Reserved { .. })));
        assert!(matches!(
            check_label("XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5"),
            Err(LabelError::LooksLikeAKey { .. })
        ));
    }

    #[test]
    fn every_kind_reads_back_from_its_name() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("collateral".parse::<Kind>().is_err());
    }
}
