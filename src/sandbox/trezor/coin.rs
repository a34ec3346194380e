//! The two coins of the firmware, and which paths they may use under strict safety checks.

use bitcoin::base58;

use crate::protocol::{ScriptBuf, script};

const HARDENED: u32 = 0x8000_0000;
const MAX_ACCOUNT: u32 = 100;
const MAX_INDEX: u32 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coin {
    pub ticker: &'static str,
    slip44: u32,
    pubkey: u8,
    script: u8,
    /// Version bytes of extended public keys.
    pub xpub: [u8; 4],
}

pub const MAGIC: &str = "DarkCoin Signed Message:\n";

pub fn by_name(name: &str) -> Option<Coin> {
    match name {
        "Dash" => Some(Coin {
            ticker: "DASH",
            slip44: 5,
            pubkey: 76,
            script: 16,
            xpub: [0x02, 0xfe, 0x52, 0xcc],
        }),
        "Dash Testnet" => Some(Coin {
            ticker: "tDASH",
            slip44: 1,
            pubkey: 140,
            script: 19,
            xpub: [0x04, 0x35, 0x87, 0xcf],
        }),
        _ => None,
    }
}

impl Coin {
    pub fn key_address(&self, hash: &[u8; 20]) -> String {
        base58::encode_check(&[&[self.pubkey][..], hash].concat())
    }

    /// The script an address pays to; none for an address of another coin.
    pub fn script_of(&self, address: &str) -> Option<ScriptBuf> {
        let bytes = base58::decode_check(address).ok()?;
        let (version, hash) = bytes.split_first()?;
        let hash: [u8; 20] = hash.try_into().ok()?;
        if *version == self.pubkey {
            Some(script::pay_to_key(&hash))
        } else if *version == self.script {
            Some(script::pay_to_script(&hash))
        } else {
            None
        }
    }

    /// `m/44'/coin'/account'/change/index` in everyday ranges.
    pub fn allows(&self, path: &[u32]) -> bool {
        let [purpose, coin, account, change, index] = *path else {
            return false;
        };
        purpose == HARDENED | 44
            && coin == HARDENED | self.slip44
            && account & HARDENED != 0
            && account & !HARDENED <= MAX_ACCOUNT
            && change <= 1
            && index <= MAX_INDEX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: u32 = HARDENED;

    #[test]
    fn only_the_coins_own_accounts_are_allowed() {
        let dash = by_name("Dash").unwrap();
        assert!(dash.allows(&[H | 44, H | 5, H | 100, 1, MAX_INDEX]));
        for path in [
            &[H | 44, H | 1, H, 0, 0][..],
            &[H | 44, H | 5, H | 101, 0, 0],
            &[H | 44, H | 5, H, 2, 0],
            &[H | 44, H | 5, H, 0, MAX_INDEX + 1],
            &[H | 44, H | 5, 0, 0, 0],
            &[H | 44, H | 5, H],
            &[H | 9, H | 5, H | 3, H | 1],
        ] {
            assert!(!dash.allows(path), "{path:?}");
        }
        assert_eq!(by_name("dash"), None);
    }
}
