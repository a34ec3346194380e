//! Which key of the recovery phrase is which: the paths, and the tree each kind of key is taken from.
//!
//! Public definitions throughout, so that a phrase is worth something without this program; docs/adr/0002-key-derivation.md
//! has them in full, with the way to each key by other tools and the values that the tests here check.
//!
//! Source: DIP-0009 (feature 3, as DashSync derives it), DIP-0028, BIP-0032, BIP-0044, EIP-2333, SLIP-0010.

use std::fmt;

use bitcoin::NetworkKind;
use bitcoin::bip32::{ChildNumber, Xpriv};
use bitcoin::secp256k1::Secp256k1;
use thiserror::Error;

use super::keys::{Kind, Secret};
use super::phrase::Seed;
use super::platform_key::PlatformKey;
use super::{eip2333, slip10};
use crate::protocol::SecpKey;

/// Highest index of a key: the highest bit of a level says "hardened".
pub const MAX_INDEX: u32 = (1 << 31) - 1;

/// DIP-0009: all paths with a meaning of their own begin with this level, and masternode keys are its feature 3.
const FEATURES: u32 = 9;
const MASTERNODE_KEYS: u32 = 3;
const BIP44: u32 = 44;

/// Why there is no key at a place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeriveError {
    #[error("there is no key {index}: the highest number is {MAX_INDEX}")]
    Index { index: u32 },
    /// Has odds of 1 in 2^127 (BIP-0032).
    #[error("the phrase has no key at {path}")]
    NoKey { path: String },
}

/// Place of a key in the trees of a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    pub kind: Kind,
    /// BIP-0044 coin type.
    pub coin_type: u32,
    /// Of the key among those of its kind, from 0.
    pub index: u32,
}

impl Place {
    /// Levels, without the notion of hardening.
    fn levels(self) -> [u32; 5] {
        let role = match self.kind {
            Kind::Fee => return [BIP44, self.coin_type, 0, 0, self.index],
            Kind::Voting => 1,
            Kind::Owner => 2,
            Kind::Operator => 3,
            Kind::Platform => 4,
        };
        [FEATURES, self.coin_type, MASTERNODE_KEYS, role, self.index]
    }

    /// How many levels from the first are hardened. EIP-2333 has no such notion: none.
    fn hardened(self) -> usize {
        match self.kind {
            Kind::Fee => 3,
            Kind::Owner | Kind::Voting => 4,
            Kind::Platform => 5,
            Kind::Operator => 0,
        }
    }

    /// Derives the key here.
    ///
    /// # Errors
    /// An index above [`MAX_INDEX`].
    pub fn secret(self, seed: &Seed) -> Result<Secret, DeriveError> {
        if self.index > MAX_INDEX || self.coin_type > MAX_INDEX {
            return Err(DeriveError::Index { index: self.index });
        }
        match self.kind {
            Kind::Owner | Kind::Voting | Kind::Fee => self.bip32(seed).map(Secret::Secp),
            Kind::Operator => eip2333::derive_path(seed.as_slice(), &self.levels())
                .map(Secret::Bls)
                .map_err(|_| self.no_key()),
            Kind::Platform => {
                let key = slip10::derive_path(seed.as_slice(), &self.levels());
                Ok(Secret::Platform(PlatformKey::from_seed(&key)))
            }
        }
    }

    fn bip32(self, seed: &Seed) -> Result<SecpKey, DeriveError> {
        let path: Vec<ChildNumber> = self
            .levels()
            .into_iter()
            .enumerate()
            .map(|(depth, level)| self.child(depth, level))
            .collect();
        // The network only marks the written form of the extended key, which is not used.
        let mut master = Xpriv::new_master(NetworkKind::Main, seed.as_slice()).map_err(|_| self.no_key())?;
        let derived = master.derive_priv(&Secp256k1::signing_only(), &path);
        master.private_key.non_secure_erase();
        let mut derived = derived.map_err(|_| self.no_key())?;
        let bytes = zeroize::Zeroizing::new(derived.private_key.secret_bytes());
        derived.private_key.non_secure_erase();
        SecpKey::from_bytes(&bytes).map_err(|_| self.no_key())
    }

    fn child(self, depth: usize, index: u32) -> ChildNumber {
        if depth < self.hardened() {
            ChildNumber::Hardened { index }
        } else {
            ChildNumber::Normal { index }
        }
    }

    fn no_key(self) -> DeriveError {
        DeriveError::NoKey { path: self.to_string() }
    }
}

impl fmt::Display for Place {
    /// `m/9'/5'/3'/2'/0`; an operator key's as EIP-2333 writes paths: `m/9/5/3/3/0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("m")?;
        for (depth, level) in self.levels().into_iter().enumerate() {
            let mark = if depth < self.hardened() { "'" } else { "" };
            write!(f, "/{level}{mark}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::network;
    use crate::store::keys::NetworkTag;
    use crate::store::phrase::Phrase;

    const ADR: &str = include_str!("../../docs/adr/0002-key-derivation.md");

    fn place(kind: Kind, index: u32) -> Place {
        Place {
            kind,
            coin_type: 5,
            index,
        }
    }

    #[test]
    fn paths_are_those_of_dip_9_and_bip_44() {
        assert_eq!(place(Kind::Voting, 0).to_string(), "m/9'/5'/3'/1'/0");
        assert_eq!(place(Kind::Owner, 7).to_string(), "m/9'/5'/3'/2'/7");
        assert_eq!(place(Kind::Operator, 0).to_string(), "m/9/5/3/3/0");
        assert_eq!(place(Kind::Platform, 0).to_string(), "m/9'/5'/3'/4'/0'");
        assert_eq!(place(Kind::Fee, 1).to_string(), "m/44'/5'/0'/0/1");
    }

    /// Rows of the document's table: `| owner 0 | path | written form of the public part | secret |`.
    fn documented() -> Vec<[String; 4]> {
        ADR.lines()
            .filter_map(|line| line.strip_prefix("| "))
            .map(|line| {
                line.split('|')
                    .map(|cell| cell.trim().trim_matches('`').to_owned())
                    .collect::<Vec<_>>()
            })
            .filter_map(|cells| <[String; 5]>::try_from(cells).ok())
            .map(|[name, path, public, secret, _]| [name, path, public, secret])
            .filter(|[name, ..]| name.ends_with(['0', '1']))
            .collect()
    }

    #[test]
    fn the_document_has_the_keys_this_program_derives() {
        let words = ADR.lines().find_map(|line| line.strip_prefix("    phrase: ")).unwrap();
        let seed = Phrase::parse(words).unwrap().seed();
        let tag = NetworkTag::of(&network::builtin("dash").unwrap());
        let rows = documented();
        assert_eq!(rows.len(), 10, "two of each kind");
        for [name, path, public, secret] in rows {
            let (kind, index) = name.split_once(' ').unwrap();
            let place = place(kind.parse().unwrap(), index.parse().unwrap());
            assert_eq!(place.to_string(), path, "{name}");
            let derived = place.secret(&seed).unwrap();
            assert_eq!(derived.public(&tag).to_string(), public, "{name}");
            assert_eq!(*derived.export(&tag), secret, "{name}");
        }
    }

    #[test]
    fn networks_with_their_own_coin_type_have_their_own_keys() {
        let seed = Phrase::generate().unwrap().seed();
        let tag = NetworkTag::of(&network::builtin("dash").unwrap());
        for kind in Kind::ALL {
            let dash = place(kind, 0).secret(&seed).unwrap();
            let wei = Place {
                coin_type: 1308,
                ..place(kind, 0)
            };
            assert_ne!(dash.public(&tag), wei.secret(&seed).unwrap().public(&tag), "{kind}");
        }
    }

    #[test]
    fn an_index_with_the_highest_bit_is_refused() {
        let seed = Phrase::generate().unwrap().seed();
        let index = MAX_INDEX + 1;
        for kind in Kind::ALL {
            let refusal = place(kind, index).secret(&seed).unwrap_err();
            assert_eq!(refusal, DeriveError::Index { index });
        }
    }
}
