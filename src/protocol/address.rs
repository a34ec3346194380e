//! Base58check addresses. A network tells its own apart by two version bytes.

use bitcoin::{ScriptBuf, base58};
use thiserror::Error;

use super::network::Profile;
use super::script;
use super::wire::sha256d;

/// An address without its network: what the script commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// hash160 of a compressed public key.
    PubkeyHash([u8; 20]),
    /// hash160 of a redeem script.
    ScriptHash([u8; 20]),
}

/// Why a text is not an address of the network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    #[error("an address is missing")]
    Empty,
    #[error("'{text}' is not an address: its checksum does not match")]
    Checksum { text: String },
    #[error("'{text}' is not an address: it has {len} bytes instead of 21")]
    Length { text: String, len: usize },
    #[error("'{text}' is an address of another network (version byte {found}, {network} uses {pubkey} and {script})")]
    OtherNetwork {
        text: String,
        found: u8,
        network: String,
        pubkey: u8,
        script: u8,
    },
    #[error("'{text}' pays to a script; a key's address is needed here")]
    NotAKey { text: String },
}

impl Address {
    /// # Errors
    /// Wrong checksum, length, or an address of another network.
    pub fn parse(text: &str, profile: &Profile) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let bytes = match decode_quickly(text) {
            Some(bytes) => bytes,
            None => decode(text)?,
        };
        let mut hash = [0; 20];
        hash.copy_from_slice(&bytes[1..]);
        match bytes[0] {
            version if version == profile.pubkey_prefix => Ok(Self::PubkeyHash(hash)),
            version if version == profile.script_prefix => Ok(Self::ScriptHash(hash)),
            found => Err(AddressError::OtherNetwork {
                text: text.to_owned(),
                found,
                network: profile.name.clone(),
                pubkey: profile.pubkey_prefix,
                script: profile.script_prefix,
            }),
        }
    }

    /// As [`Address::parse`], and it must be a key's address (P2PKH).
    ///
    /// # Errors
    /// Those of `parse`, and a P2SH address.
    pub fn parse_key(text: &str, profile: &Profile) -> Result<[u8; 20], AddressError> {
        match Self::parse(text, profile)? {
            Self::PubkeyHash(hash) => Ok(hash),
            Self::ScriptHash(_) => Err(AddressError::NotAKey {
                text: text.trim().to_owned(),
            }),
        }
    }

    /// Base58check with the network's version byte.
    pub fn to_text(self, profile: &Profile) -> String {
        let (version, hash) = match self {
            Self::PubkeyHash(hash) => (profile.pubkey_prefix, hash),
            Self::ScriptHash(hash) => (profile.script_prefix, hash),
        };
        let mut bytes = [version; 21];
        bytes[1..].copy_from_slice(&hash);
        base58::encode_check(&bytes)
    }

    pub fn script(self) -> ScriptBuf {
        match self {
            Self::PubkeyHash(hash) => script::pay_to_key(&hash),
            Self::ScriptHash(hash) => script::pay_to_script(&hash),
        }
    }
}

fn decode(text: &str) -> Result<[u8; 21], AddressError> {
    let bytes = base58::decode_check(text).map_err(|_| AddressError::Checksum { text: text.to_owned() })?;
    bytes.as_slice().try_into().map_err(|_| AddressError::Length {
        text: text.to_owned(),
        len: bytes.len(),
    })
}

/// The values of the digits; 0xff for what is none.
const BASE58: [u8; 256] = {
    let digits = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut values = [0xff; 256];
    let mut value = 0;
    while value < digits.len() {
        values[digits[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// Base58check of 21 bytes whose first is not zero, in a tenth of the time that text of any length takes: a masternode list has
/// thousands. None for everything else.
fn decode_quickly(text: &str) -> Option<[u8; 21]> {
    // 25 bytes, the last ones of seven words, lowest word first.
    let mut words = [0_u32; 7];
    if text.len() > 35 {
        return None;
    }
    // 58^5 is below 2^32.
    for digits in text.as_bytes().chunks(5) {
        let (mut value, mut scale) = (0_u32, 1_u32);
        for digit in digits {
            let digit = BASE58[usize::from(*digit)];
            if digit == 0xff {
                return None;
            }
            value = value * 58 + u32::from(digit);
            scale *= 58;
        }
        let mut carry = u64::from(value);
        for word in &mut words {
            let next = u64::from(*word) * u64::from(scale) + carry;
            *word = next as u32;
            carry = next >> 32;
        }
    }
    let mut bytes = [0; 28];
    for (bytes, word) in bytes.chunks_mut(4).zip(words.iter().rev()) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    // Zeros in front are written as digits of their own; such a text is for the other way.
    let (zeros, bytes) = bytes.split_at(3);
    let (hashed, checksum) = bytes.split_at(21);
    let is_whole = zeros == [0; 3] && hashed[0] != 0 && !text.starts_with('1');
    (is_whole && sha256d(hashed)[..4] == *checksum)
        .then(|| hashed.try_into().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::network;

    #[test]
    fn an_address_round_trips_on_its_network_and_is_refused_on_another() {
        let dash = network::builtin("dash").expect("embedded");
        let wei = network::builtin("wei").expect("embedded");
        let text = "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5";
        let address = Address::parse(text, &dash).expect("mainnet address of the Ledger vectors");
        assert_eq!(address.to_text(&dash), text);
        assert!(address.to_text(&wei).starts_with('i'));
        assert!(matches!(
            Address::parse(text, &wei),
            Err(AddressError::OtherNetwork { found: 76, .. })
        ));
    }

    #[test]
    fn the_documented_misspelling_fails_its_checksum() {
        let testnet = network::builtin("dash-testnet").expect("embedded");
        assert!(Address::parse("yjSPYvgUiAQ9AFj5tKFA8thFLoLBUxQERb", &testnet).is_ok());
        let wrong = Address::parse("yjSPYvgUiAQ9aFj5tKFA8thFLoLBUxQERb", &testnet);
        assert!(matches!(wrong, Err(AddressError::Checksum { .. })));
    }

    #[test]
    fn a_script_address_is_no_key() {
        let dash = network::builtin("dash").expect("embedded");
        let text = Address::ScriptHash([3; 20]).to_text(&dash);
        assert!(text.starts_with('7'));
        assert!(matches!(
            Address::parse_key(&text, &dash),
            Err(AddressError::NotAKey { .. })
        ));
    }
}
