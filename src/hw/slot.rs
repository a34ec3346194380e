//! What a device gives to open a slot of the vault: 32 secret bytes, the same each time it is asked, and only after its user agreed.
//!
//! Neither vendor hands out a key, so the secret is made of an answer that only this device can give and gives again:
//!
//! * Ledger: its signature (`r || s`, RFC 6979, so the same for the same text) under [`SlotRequest::message`], by the key of a path no
//!   address comes from, verified before it is used.
//! * Trezor: `CipherKeyValue` (SLIP-0011), the salt deciphered under [`SlotRequest::title`], with both ask flags: neither direction
//!   of this key is to be had without a question on the device.
//!
//! Either goes through HKDF-SHA256 (RFC 5869) with the slot's salt and a domain of its own. Why it is built so: `docs/adr/0004`.

use bitcoin::bip32::{ChildNumber, DerivationPath};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{DeviceError, Kind};
use crate::protocol::path;
use crate::protocol::wire::to_hex;

/// Purpose level of every slot's path: no address comes from it, and a Ledger tells its key without a question, which for the
/// purposes of addresses (44, 49, 84) it does not.
const PURPOSE: u32 = 10011;
/// `CSTL`, so that another program that seals by such a path does not come upon the same.
const PROGRAM: u32 = 0x4353_544c;

/// The path that new slots use: `m/10011'/1129534540'`.
pub fn slot_path() -> DerivationPath {
    let hardened = |index| ChildNumber::Hardened { index };
    DerivationPath::from(vec![hardened(PURPOSE), hardened(PROGRAM)])
}

/// Which secret. All but the wallet makes another secret when it differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRequest {
    /// Hardened on every level, and of the slots' purpose.
    pub path: DerivationPath,
    /// Names the vault.
    pub vault: [u8; 8],
    /// Random, of this slot alone.
    pub salt: [u8; 32],
    /// The wallet that is meant, as in [`super::DeviceInfo::wallet`]. With another one open nothing is asked. None: any.
    pub wallet: Option<String>,
}

/// What a device answered. Wiped when dropped; prints nothing.
pub struct SlotSecret {
    /// The wallet it is of, as in [`super::DeviceInfo::wallet`].
    pub wallet: String,
    pub secret: Zeroizing<[u8; 32]>,
}

impl SlotRequest {
    /// What a Trezor shows when it asks.
    pub fn title(&self) -> String {
        format!("Unlock the Castellan vault {}", to_hex(&self.vault))
    }

    /// What a Ledger signs: no text that a node or another program takes for anything. It shows the hash of it.
    pub fn message(&self) -> String {
        format!("{}\n\nslot {}", self.title(), to_hex(&self.salt))
    }

    /// Refuses paths that a vault file has no business to name: keys of money among them.
    ///
    /// # Errors
    /// [`DeviceError::ForbiddenPath`], [`DeviceError::Path`]
    pub(super) fn check(&self, kind: Kind) -> Result<(), DeviceError> {
        path::check(&self.path)?;
        let levels: &[ChildNumber] = self.path.as_ref();
        let of_slots = levels.first() == Some(&ChildNumber::Hardened { index: PURPOSE });
        if of_slots && levels.len() > 1 && levels.iter().all(ChildNumber::is_hardened) {
            return Ok(());
        }
        Err(DeviceError::ForbiddenPath {
            kind,
            path: path::to_text(&self.path),
        })
    }

    /// # Errors
    /// [`DeviceError::OtherWallet`]
    pub(super) fn check_wallet(&self, found: &str) -> Result<(), DeviceError> {
        match &self.wallet {
            Some(expected) if expected != found => Err(DeviceError::OtherWallet {
                expected: expected.clone(),
                found: found.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The secret, from what only the device can answer.
    pub(super) fn secret(&self, kind: Kind, answer: &[u8]) -> Zeroizing<[u8; 32]> {
        let domain: &[u8] = match kind {
            Kind::Ledger => b"castellan vault slot 1 ledger",
            Kind::Trezor => b"castellan vault slot 1 trezor",
        };
        let mut secret = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(&self.salt), answer)
            .expand(domain, secret.as_mut_slice())
            .expect("32 bytes are less than HKDF's limit of 8160");
        secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str) -> SlotRequest {
        SlotRequest {
            path: path.parse().unwrap(),
            vault: [0x11; 8],
            salt: [0x22; 32],
            wallet: Some("73c5da0a".to_owned()),
        }
    }

    #[test]
    fn only_the_paths_of_slots_are_asked_for() {
        assert_eq!(path::to_text(&slot_path()), "m/10011'/1129534540'");
        assert_eq!(request("m/10011'/1129534540'").check(Kind::Ledger), Ok(()));
        assert_eq!(request("m/10011'/7'/0'").check(Kind::Trezor), Ok(()));
        for money in ["m/44'/5'/0'/0/0", "m/44'/5'", "m/10011'", "m/10011'/0", "m/9'/5'"] {
            let refused = request(money).check(Kind::Ledger).unwrap_err();
            let path = money.to_owned();
            assert_eq!(
                refused,
                DeviceError::ForbiddenPath {
                    kind: Kind::Ledger,
                    path
                }
            );
        }
        // Messages of this level are signed without a question.
        let silent = request("m/10011'/45341'").check(Kind::Ledger);
        assert!(matches!(silent, Err(DeviceError::Path(_))), "{silent:?}");
    }

    #[test]
    fn a_wallet_that_is_not_meant_is_told_with_both_names() {
        let request = request("m/10011'/0'");
        assert_eq!(request.check_wallet("73c5da0a"), Ok(()));
        let other = DeviceError::OtherWallet {
            expected: "73c5da0a".to_owned(),
            found: "00000000".to_owned(),
        };
        assert_eq!(request.check_wallet("00000000"), Err(other));
        let any = SlotRequest {
            wallet: None,
            ..request
        };
        assert_eq!(any.check_wallet("00000000"), Ok(()));
    }

    #[test]
    fn vault_slot_and_vendor_each_make_another_secret() {
        let first = request("m/10011'/0'");
        let salted = SlotRequest {
            salt: [0x23; 32],
            ..first.clone()
        };
        let secret = first.secret(Kind::Ledger, b"answer");
        assert_eq!(secret, first.secret(Kind::Ledger, b"answer"));
        assert_ne!(secret, first.secret(Kind::Trezor, b"answer"));
        assert_ne!(secret, first.secret(Kind::Ledger, b"answes"));
        assert_ne!(secret, salted.secret(Kind::Ledger, b"answer"));
        let other = SlotRequest {
            vault: [0x12; 8],
            ..first.clone()
        };
        assert_ne!(first.message(), other.message());
        assert_ne!(first.message(), salted.message());
        assert_eq!(first.title(), salted.title());
        assert!(first.title().len() <= 255 && first.title().is_ascii());
    }
}
