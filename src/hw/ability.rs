//! What each kind of device can and cannot do for the owner of a masternode, so that nobody looks for it in vain.
//!
//! Sources: LedgerHQ/app-bitcoin and recordings of the Dash app; trezor-firmware (`common/defs/support.json`) and its emulators.
//! `docs/devices.md` is the same table with its reasons.

use super::{Kind, trezor};

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ability {
    /// `Sign the message of a registration`
    pub what: &'static str,
    pub can: Can,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Can {
    Yes,
    /// With this limit, one clause.
    YesBut(&'static str),
    /// For this reason, one clause.
    No(&'static str),
}

const HOLD: &str = "Keep a collateral";
const REGISTER: &str = "Sign the message of a registration";
const ADDRESS: &str = "Show an address to compare";
const PAY: &str = "Sign payments";
const REWARDS: &str = "Spend masternode rewards and withdrawals from Platform";
const UNLOCK: &str = "Open the vault";
const SPECIAL: &str = "Pay the fee of a registration or update itself";
const KEYS: &str = "Hold owner, operator or voting keys";
const BURN: &str = "Burn coins in an output, for a proposal or a top-up of Platform";

const NO_PAYLOAD: Can = Can::No("it cannot sign a transaction with a payload; a fee key of the vault pays instead");
const NO_RAW_HASH: Can = Can::No("it signs no raw hash and no BLS; these keys are in the vault");
const NO_BURN: Can = Can::No("it refuses such an output");

/// What a device can do; `model` as printed on the box (`Trezor Safe 3`), where it is known.
pub fn abilities(kind: Kind, model: Option<&str>) -> Vec<Ability> {
    let table: [(&str, Can); 9] = match kind {
        Kind::Ledger => LEDGER,
        Kind::Trezor if model.is_some_and(trezor::is_without_dash) => WITHOUT_DASH,
        Kind::Trezor => TREZOR,
    };
    table.into_iter().map(|(what, can)| Ability { what, can }).collect()
}

const LEDGER: [(&str, Can); 9] = [
    (HOLD, Can::Yes),
    (
        REGISTER,
        Can::YesBut("its screen shows the SHA-256 of the message instead of the text"),
    ),
    (
        ADDRESS,
        Can::YesBut("always with the prefix of its app's coin, also on a test network"),
    ),
    (PAY, Can::YesBut("at most 50 inputs at a time")),
    (REWARDS, Can::Yes),
    (UNLOCK, Can::Yes),
    (SPECIAL, NO_PAYLOAD),
    (KEYS, NO_RAW_HASH),
    (BURN, NO_BURN),
];

const TREZOR: [(&str, Can); 9] = [
    (HOLD, Can::Yes),
    (REGISTER, Can::Yes),
    (ADDRESS, Can::Yes),
    (PAY, Can::YesBut("at most 50 inputs at a time")),
    (REWARDS, Can::Yes),
    (UNLOCK, Can::Yes),
    (SPECIAL, NO_PAYLOAD),
    (KEYS, NO_RAW_HASH),
    (BURN, NO_BURN),
];

const NO_DASH: Can = Can::No("its firmware does not know Dash, and its makers do not plan to add it");

const WITHOUT_DASH: [(&str, Can); 9] = [
    (HOLD, NO_DASH),
    (REGISTER, NO_DASH),
    (ADDRESS, NO_DASH),
    (PAY, NO_DASH),
    (REWARDS, NO_DASH),
    (UNLOCK, NO_DASH),
    (SPECIAL, NO_DASH),
    (KEYS, NO_DASH),
    (BURN, NO_DASH),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_safe_can_do_nothing_here_and_says_why() {
        for model in ["Trezor Safe 3", "Trezor Safe 5", "Trezor Safe 7"] {
            let all = abilities(Kind::Trezor, Some(model));
            assert!(all.iter().all(|ability| ability.can == NO_DASH), "{model}");
        }
    }

    #[test]
    fn no_device_signs_a_payload_and_every_other_one_keeps_a_collateral() {
        for (kind, model) in [
            (Kind::Ledger, None),
            (Kind::Trezor, None),
            (Kind::Trezor, Some("Trezor One")),
            (Kind::Trezor, Some("Trezor Model T")),
        ] {
            let can = |what| {
                abilities(kind, model)
                    .iter()
                    .find(|ability| ability.what == what)
                    .map(|ability| ability.can)
            };
            assert_eq!((can(HOLD), can(SPECIAL)), (Some(Can::Yes), Some(NO_PAYLOAD)));
        }
    }
}
