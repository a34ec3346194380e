//! Derivation paths on a device (BIP-0032, BIP-0044).

use std::str::FromStr;

use bitcoin::bip32::{ChildNumber, DerivationPath};
use thiserror::Error;

use super::network::Profile;

/// Why a path is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PathError {
    #[error("'{text}' is not a derivation path like m/44'/5'/0'/0/0")]
    Malformed { text: String },
    #[error("the path {path} has {levels} levels; the device crashes above 10")]
    TooDeep { path: String, levels: usize },
    #[error("the path {path} has no hardened level; devices refuse to derive it")]
    NotHardened { path: String },
    #[error("the path {path} has a level reserved for BitID, which signs without asking")]
    BitId { path: String },
}

/// Reads a path and refuses what a device must not be asked for.
///
/// # Errors
/// See [`PathError`].
pub fn parse(text: &str) -> Result<DerivationPath, PathError> {
    let text = text.trim();
    let path = DerivationPath::from_str(text).map_err(|_| PathError::Malformed { text: text.to_owned() })?;
    check(&path).map(|()| path)
}

/// The same refusals for a path made elsewhere.
///
/// # Errors
/// See [`PathError`].
pub fn check(path: &DerivationPath) -> Result<(), PathError> {
    let shown = || format!("m/{path}");
    if path.is_empty() {
        return Err(PathError::Malformed { text: "m".to_owned() });
    }
    if path.len() > 10 {
        return Err(PathError::TooDeep {
            path: shown(),
            levels: path.len(),
        });
    }
    if !path.into_iter().any(|level| level.is_hardened()) {
        return Err(PathError::NotHardened { path: shown() });
    }
    // Ledger apps treat levels 0xb11d and 0xb11e as BitID and sign messages there without a prompt.
    if path
        .into_iter()
        .any(|level| matches!(u32::from(*level) & 0xffff, 0xb11d | 0xb11e))
    {
        return Err(PathError::BitId { path: shown() });
    }
    Ok(())
}

/// `m/44'/coin'/account'`.
pub fn account(profile: &Profile, account: u32) -> DerivationPath {
    DerivationPath::from(vec![hardened(44), hardened(profile.coin_type), hardened(account)])
}

/// `m/44'/coin'/account'/change/index`.
pub fn address(profile: &Profile, account_number: u32, change: bool, index: u32) -> DerivationPath {
    account(profile, account_number).extend([normal(u32::from(change)), normal(index)])
}

/// With the leading `m/`, as people write it.
pub fn to_text(path: &DerivationPath) -> String {
    if path.is_empty() {
        "m".to_owned()
    } else {
        format!("m/{path}")
    }
}

fn hardened(number: u32) -> ChildNumber {
    ChildNumber::from_hardened_idx(number & 0x7fff_ffff).expect("31 bits")
}

fn normal(number: u32) -> ChildNumber {
    ChildNumber::from_normal_idx(number & 0x7fff_ffff).expect("31 bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::network;

    #[test]
    fn bip44_paths_follow_the_coin_type() {
        let wei = network::builtin("wei").expect("embedded");
        assert_eq!(to_text(&address(&wei, 2, true, 7)), "m/44'/1308'/2'/1/7");
        assert_eq!(parse("m/44'/1308'/2'/1/7").as_ref(), Ok(&address(&wei, 2, true, 7)));
        assert_eq!(parse("44h/1308h/2h/1/7").as_ref(), Ok(&address(&wei, 2, true, 7)));
    }

    #[test]
    fn dangerous_paths_are_refused_before_a_device_sees_them() {
        assert!(matches!(parse("m/44'/x"), Err(PathError::Malformed { .. })));
        assert!(matches!(parse("m"), Err(PathError::Malformed { .. })));
        assert!(matches!(
            parse("m/0'/1/2/3/4/5/6/7/8/9/10"),
            Err(PathError::TooDeep { levels: 11, .. })
        ));
        assert!(matches!(parse("m/10/100/1000"), Err(PathError::NotHardened { .. })));
        assert!(matches!(parse("m/45341'/0"), Err(PathError::BitId { .. })));
    }
}
