//! The coins of the Dash family that Trezor firmware knows (trezor-firmware, `common/defs/bitcoin/dash*.json`).
//!
//! A network is served if addresses, coin type and message prefix are those of one of them: the device refuses keys of other coin
//! types, and shows addresses with its own prefixes.

use bitcoin::base58;

use crate::hw::{DeviceError, Kind};
use crate::protocol::{Address, Profile};

#[derive(Debug, PartialEq, Eq)]
pub struct Coin {
    /// Exact and case-sensitive, in every request.
    pub name: &'static str,
    /// As its screen writes amounts.
    pub ticker: &'static str,
    pub coin_type: u32,
    pubkey_prefix: u8,
    script_prefix: u8,
    message_magic: &'static str,
}

const COINS: [Coin; 2] = [
    Coin {
        name: "Dash",
        ticker: "DASH",
        coin_type: 5,
        pubkey_prefix: 76,
        script_prefix: 16,
        message_magic: "DarkCoin Signed Message:\n",
    },
    // Also for regtest and devnets: there is no coin of their own, and they look the same.
    Coin {
        name: "Dash Testnet",
        ticker: "tDASH",
        coin_type: 1,
        pubkey_prefix: 140,
        script_prefix: 19,
        message_magic: "DarkCoin Signed Message:\n",
    },
];

/// The coin that serves a network.
///
/// # Errors
/// [`DeviceError::UnknownCoin`]
pub fn of(profile: &Profile) -> Result<&'static Coin, DeviceError> {
    let serves = |coin: &&Coin| {
        (coin.pubkey_prefix, coin.script_prefix, coin.coin_type)
            == (profile.pubkey_prefix, profile.script_prefix, profile.coin_type)
            && coin.message_magic == profile.message_magic
    };
    COINS.iter().find(serves).ok_or_else(|| DeviceError::UnknownCoin {
        kind: Kind::Trezor,
        network: profile.name.clone(),
    })
}

impl Coin {
    /// An address as the device writes and reads it.
    pub fn address(&self, address: Address) -> String {
        let (version, hash) = match address {
            Address::PubkeyHash(hash) => (self.pubkey_prefix, hash),
            Address::ScriptHash(hash) => (self.script_prefix, hash),
        };
        base58::encode_check(&[&[version][..], &hash].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::network::{builtin, builtin_names};

    #[test]
    fn each_network_has_its_coin_or_a_reason() {
        let expected = [
            ("dash", Some("Dash")),
            ("dash-testnet", Some("Dash Testnet")),
            ("dash-regtest", Some("Dash Testnet")),
            ("wei", None),
            ("wei-testnet", Some("Dash Testnet")),
            ("wei-regtest", Some("Dash Testnet")),
        ];
        assert_eq!(builtin_names().count(), expected.len());
        for (network, name) in expected {
            let coin = of(&builtin(network).unwrap());
            match name {
                Some(name) => assert_eq!(coin.map(|coin| coin.name), Ok(name), "{network}"),
                None => assert!(matches!(coin, Err(DeviceError::UnknownCoin { .. })), "{network}"),
            }
        }
    }

    #[test]
    fn another_prefix_coin_type_or_message_prefix_is_another_coin() {
        let dash = builtin("dash").unwrap();
        for change in [
            |profile: &mut Profile| profile.pubkey_prefix = 77,
            |profile: &mut Profile| profile.script_prefix = 17,
            |profile: &mut Profile| profile.coin_type = 6,
            |profile: &mut Profile| profile.message_magic = "Other Signed Message:\n".to_owned(),
        ] {
            let mut other = dash.clone();
            change(&mut other);
            assert!(of(&other).is_err());
        }
    }
}
