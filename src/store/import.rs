//! Private keys as other programs write them, and what a text is that is not the one asked for.

use std::fmt;

use bitcoin::base58;
use bitcoin::base64::Engine;
use bitcoin::base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

use super::keys::{Kind, Secret};
use super::platform_key::PlatformKey;
use super::secret::from_hex;
use crate::protocol::bls::{self, BlsError};
use crate::protocol::key::KeyError;
use crate::protocol::{Profile, SecpKey};

/// Longer texts are no key of any kind.
const MAX_TEXT: usize = 4096;

/// What a text looks like, by its form alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Wif,
    /// 64 hex digits: a secret of any kind.
    Secret,
    /// Base64 of an Ed25519 seed, alone or followed by the public key.
    TenderdashKey,
    /// 128 hex digits: the same in hex.
    TenderdashHex,
    SecpPublicKey,
    BlsPublicKey,
    Address,
    ExtendedKey,
    RecoveryPhrase,
    Pem,
    Unknown,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wif => "a secp256k1 private key (WIF)",
            Self::Secret => "a secret of 64 hex digits",
            Self::TenderdashKey | Self::TenderdashHex => "an Ed25519 key",
            Self::SecpPublicKey => "a secp256k1 public key",
            Self::BlsPublicKey => "an operator's public key",
            Self::Address => "an address",
            Self::ExtendedKey => "an extended key",
            Self::RecoveryPhrase => "a recovery phrase",
            Self::Pem => "a PEM file",
            Self::Unknown => "nothing known",
        })
    }
}

/// Why a text is not a private key of the kind. Never repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImportError {
    #[error("a private key is missing")]
    Empty,
    #[error("this is {found}, not the private key of a {wanted} key")]
    WrongForm { wanted: Kind, found: Form },
    #[error(transparent)]
    Secp(#[from] KeyError),
    #[error(transparent)]
    Bls(#[from] BlsError),
    #[error("the public key in it belongs to another private key")]
    PublicMismatch,
}

/// Reads a private key: WIF or 64 hex digits (owner, voting, fee); 64 hex digits (operator); base64 or hex of the 32-byte
/// seed, alone or followed by the public key (platform).
///
/// # Errors
/// What the text is instead; another network's WIF; a number out of range.
pub fn parse(kind: Kind, text: &str, profile: &Profile) -> Result<Secret, ImportError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ImportError::Empty);
    }
    let form = form(text);
    match (kind, form) {
        (Kind::Owner | Kind::Voting | Kind::Fee, Form::Wif) => Ok(Secret::Secp(SecpKey::from_wif(text, profile)?)),
        (Kind::Owner | Kind::Voting | Kind::Fee, Form::Secret) => {
            let bytes = hex_array(text).ok_or(KeyError::OutOfRange)?;
            Ok(Secret::Secp(SecpKey::from_bytes(&bytes)?))
        }
        (Kind::Operator, _) => operator(text).map(Secret::Bls),
        (Kind::Platform, Form::Secret | Form::TenderdashHex) => platform(&from_hex(text).unwrap_or_default()),
        (Kind::Platform, Form::TenderdashKey) => platform(&from_base64(text).unwrap_or_default()),
        (wanted, found) => Err(ImportError::WrongForm { wanted, found }),
    }
}

/// Reads an operator's private key: 64 hex digits.
///
/// # Errors
/// As [`parse`].
pub fn operator(text: &str) -> Result<bls::SecretKey, ImportError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ImportError::Empty);
    }
    match form(text) {
        Form::Secret => Ok(bls::SecretKey::from_hex(text)?),
        found => Err(ImportError::WrongForm {
            wanted: Kind::Operator,
            found,
        }),
    }
}

/// Says what a text looks like.
pub fn form(text: &str) -> Form {
    let text = text.trim();
    if text.len() > MAX_TEXT {
        return Form::Unknown;
    }
    if text.starts_with("-----BEGIN ") {
        return Form::Pem;
    }
    if text.split_whitespace().count() >= 12 {
        return Form::RecoveryPhrase;
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return hex_form(text);
    }
    if let Ok(bytes) = base58::decode_check(text).map(Zeroizing::new) {
        return match bytes.len() {
            21 => Form::Address,
            33 | 34 => Form::Wif,
            78 => Form::ExtendedKey,
            _ => Form::Unknown,
        };
    }
    match from_base64(text).map(|bytes| bytes.len()) {
        Some(32 | 64) => Form::TenderdashKey,
        // The shape of a WIF; its checksum is judged, and named, by who reads it.
        _ if matches!(text.len(), 51 | 52) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Form::Wif,
        _ => Form::Unknown,
    }
}

fn hex_form(text: &str) -> Form {
    match (text.len(), text.as_bytes()) {
        (64, _) => Form::Secret,
        (66, [b'0', b'2' | b'3', ..]) | (130, [b'0', b'4', ..]) => Form::SecpPublicKey,
        (96, _) => Form::BlsPublicKey,
        (128, _) => Form::TenderdashHex,
        _ => Form::Unknown,
    }
}

fn platform(bytes: &[u8]) -> Result<Secret, ImportError> {
    let no_key = ImportError::WrongForm {
        wanted: Kind::Platform,
        found: Form::Unknown,
    };
    let (seed, public) = bytes.split_at_checked(32).ok_or(no_key.clone())?;
    let key = PlatformKey::from_seed(seed.try_into().map_err(|_| no_key)?);
    if !public.is_empty() && public != key.public_key() {
        return Err(ImportError::PublicMismatch);
    }
    Ok(Secret::Platform(key))
}

fn hex_array(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = from_hex(text)?;
    let mut array = Zeroizing::new([0; 32]);
    (bytes.len() == 32).then(|| {
        array.copy_from_slice(&bytes);
        array
    })
}

fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(text).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::network;

    const WIF: &str = "cTVm7EkgzNBPcwAKGYHfvyK8cyrRAC8n3SUUw8qjLqCg2rpcczfo";
    const SECRET: &str = "0000000000000000000000000000000000000000000000000000000000000007";
    const TENDERDASH: &str = "+z0PtlfW+vTUFWwl+E1BfqGA0//8JGA+TlLDa5kjX5sTun26L/D2LUN+JnwQ0IFXTkp4Nh0opkQZf8jj+ruQnw==";

    fn testnet() -> Profile {
        network::builtin("dash-testnet").unwrap()
    }

    fn read(kind: Kind, text: &str) -> Result<Secret, ImportError> {
        parse(kind, text, &testnet())
    }

    fn found(kind: Kind, text: &str) -> Form {
        match read(kind, text) {
            Err(ImportError::WrongForm { found, wanted }) if wanted == kind => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_kind_reads_the_forms_of_its_curve() {
        for kind in [Kind::Owner, Kind::Voting, Kind::Fee] {
            assert!(matches!(read(kind, WIF), Ok(Secret::Secp(_))));
            assert!(matches!(read(kind, SECRET), Ok(Secret::Secp(_))));
        }
        assert!(matches!(read(Kind::Operator, SECRET), Ok(Secret::Bls(_))));
        assert!(matches!(read(Kind::Platform, SECRET), Ok(Secret::Platform(_))));
        let Ok(Secret::Platform(key)) = read(Kind::Platform, &format!(" {TENDERDASH}\n")) else {
            panic!("not read");
        };
        assert_eq!(*key.to_base64(), TENDERDASH);
        let hex = crate::store::secret::to_hex(&STANDARD.decode(TENDERDASH).unwrap());
        assert!(matches!(read(Kind::Platform, &hex), Ok(Secret::Platform(same)) if same.seed() == key.seed()));
    }

    #[test]
    fn a_key_of_another_kind_is_named() {
        assert_eq!(found(Kind::Operator, WIF), Form::Wif);
        assert_eq!(found(Kind::Platform, WIF), Form::Wif);
        assert_eq!(found(Kind::Owner, TENDERDASH), Form::TenderdashKey);
        assert_eq!(found(Kind::Operator, &"8f".repeat(48)), Form::BlsPublicKey);
        assert_eq!(
            found(Kind::Owner, &format!("02{}", "11".repeat(32))),
            Form::SecpPublicKey
        );
        assert_eq!(found(Kind::Owner, "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5"), Form::Address);
        assert_eq!(found(Kind::Fee, &["abandon"; 12].join(" ")), Form::RecoveryPhrase);
        assert_eq!(found(Kind::Platform, "-----BEGIN PRIVATE KEY-----"), Form::Pem);
        assert_eq!(found(Kind::Voting, "hello"), Form::Unknown);
    }

    #[test]
    fn a_key_of_another_network_or_with_a_slip_is_named() {
        let dash = network::builtin("dash").unwrap();
        let other = parse(Kind::Owner, WIF, &dash).unwrap_err();
        assert!(
            matches!(&other, ImportError::Secp(KeyError::OtherNetwork { found: 239, .. })),
            "{other}"
        );
        let slip = WIF.replace("czfo", "czfa");
        assert_eq!(
            read(Kind::Owner, &slip).unwrap_err(),
            ImportError::Secp(KeyError::Checksum)
        );
        let zero = "00".repeat(32);
        assert_eq!(
            read(Kind::Fee, &zero).unwrap_err(),
            ImportError::Secp(KeyError::OutOfRange)
        );
        assert_eq!(
            read(Kind::Operator, &zero).unwrap_err(),
            ImportError::Bls(BlsError::SecretZero)
        );
        assert_eq!(read(Kind::Operator, " ").unwrap_err(), ImportError::Empty);
    }

    #[test]
    fn a_seed_beside_anothers_public_key_is_refused() {
        let mut both = STANDARD.decode(TENDERDASH).unwrap();
        both[63] ^= 1;
        let text = STANDARD.encode(both);
        assert_eq!(read(Kind::Platform, &text).unwrap_err(), ImportError::PublicMismatch);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let profile = testnet();
            for text in [text, STANDARD.encode(&bytes), base58::encode_check(&bytes), crate::store::secret::to_hex(&bytes).to_string()] {
                for kind in Kind::ALL {
                    let _ = parse(kind, &text, &profile);
                }
            }
        }
    }
}
