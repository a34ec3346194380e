//! The device's seed: derivation, signatures in the app's form, and which paths make the app ask.

use bip39::Mnemonic;
use bitcoin::NetworkKind;
use bitcoin::bip32::{ChildNumber, Xpriv};
use bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, hash160, sha256};
use bitcoin::secp256k1::{All, Message, PublicKey, Secp256k1};
use zeroize::Zeroizing;

use super::apdu::{BAD_LENGTH, Halt};

/// Levels the app stores of a path.
const MAX_LEVELS: usize = 10;
const HARDENED: u32 = 0x8000_0000;
/// Above these the app calls a path unusual.
const MAX_ACCOUNT: u32 = 100;
const MAX_INDEX: u32 = 50_000;

/// The seed behind the PIN. Prints nothing.
pub(super) struct Keys {
    seed: Zeroizing<[u8; 64]>,
    secp: Secp256k1<All>,
}

/// What GET_WALLET_PUBLIC_KEY tells of a path.
pub(super) struct PublicNode {
    pub key: PublicKey,
    pub chain_code: [u8; 32],
}

impl Keys {
    pub fn from_phrase(phrase: &str, passphrase: &str) -> Result<Self, bip39::Error> {
        let phrase = Mnemonic::parse(phrase)?;
        Ok(Self {
            seed: Zeroizing::new(phrase.to_seed(passphrase)),
            secp: Secp256k1::new(),
        })
    }

    /// Key of any path; none for a path deeper than BIP-0032 allows.
    pub fn public(&self, path: &[u32]) -> Option<PublicNode> {
        self.with_node(path, |node| PublicNode {
            key: node.private_key.public_key(&self.secp),
            chain_code: node.chain_code.to_bytes(),
        })
    }

    /// First four bytes of the master key's hash160.
    pub fn fingerprint(&self) -> [u8; 4] {
        self.with_node(&[], |node| node.fingerprint(&self.secp).to_bytes())
            .expect("the root has no levels to fail on")
    }

    /// A DER signature whose first byte is `30 | y parity`. Deterministic (RFC 6979), low-S.
    pub fn sign(&self, path: &[u32], digest: [u8; 32]) -> Option<Vec<u8>> {
        self.with_node(path, |node| {
            let signature = self
                .secp
                .sign_ecdsa_recoverable(&Message::from_digest(digest), &node.private_key);
            let parity = (signature.serialize_compact().0.to_i32() & 1) as u8;
            let mut der = signature.to_standard().serialize_der().to_vec();
            der[0] |= parity;
            der
        })
    }

    fn with_node<T>(&self, path: &[u32], use_it: impl FnOnce(&Xpriv) -> T) -> Option<T> {
        let levels: Vec<ChildNumber> = path.iter().map(|level| ChildNumber::from(*level)).collect();
        let mut root = Xpriv::new_master(NetworkKind::Main, &*self.seed).ok()?;
        let derived = root.derive_priv(&self.secp, &levels);
        root.private_key.non_secure_erase();
        let mut node = derived.ok()?;
        let out = use_it(&node);
        node.private_key.non_secure_erase();
        Some(out)
    }
}

/// The key under which the device vouches for trusted inputs; kept over restarts of the app.
#[derive(Clone)]
pub(super) struct InputKey(Zeroizing<[u8; 32]>);

impl InputKey {
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key)?;
        Ok(Self(key))
    }

    /// First 8 bytes of HMAC-SHA256.
    pub fn mac(&self, data: &[u8]) -> [u8; 8] {
        let mut engine = HmacEngine::<sha256::Hash>::new(&*self.0);
        engine.input(data);
        let full = Hmac::from_engine(engine).to_byte_array();
        let mut mac = [0; 8];
        mac.copy_from_slice(&full[..8]);
        mac
    }
}

/// A path as a command carries it: at most 10 levels, hardened ones with bit 31.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Path(Vec<u32>);

impl Path {
    /// Splits `count | count * u32 BE` off the front.
    ///
    /// The app would read a cut path on into stale memory; here it is a bad length.
    pub fn read(data: &[u8], too_deep: Halt) -> Result<(Self, &[u8]), Halt> {
        let (count, rest) = data.split_first().ok_or(Halt::Refuse(BAD_LENGTH))?;
        let count = usize::from(*count);
        if count > MAX_LEVELS {
            return Err(too_deep);
        }
        let (levels, rest) = rest.split_at_checked(count * 4).ok_or(Halt::Refuse(BAD_LENGTH))?;
        let levels = levels
            .chunks_exact(4)
            .map(|level| u32::from_be_bytes([level[0], level[1], level[2], level[3]]));
        Ok((Self(levels.collect()), rest))
    }

    /// The levels, unless none is hardened: the app has no permission to derive such keys.
    pub fn derivable(&self) -> Option<&[u32]> {
        self.0.iter().any(|level| level & HARDENED != 0).then_some(&self.0)
    }

    /// BitID paths sign messages without a question.
    pub fn is_bit_id(&self) -> bool {
        self.0.iter().any(|level| matches!(level & 0xffff, 0xb11d | 0xb11e))
    }

    /// Whether the user is warned: anything but `44'/coin'/account'/change/index` in everyday ranges.
    pub fn is_unusual(&self, coin_type: u32, change: u32) -> bool {
        let [purpose, coin, account, branch, index] = self.0[..] else {
            return true;
        };
        !is_purpose(purpose)
            || (coin_type != 0 && coin != HARDENED | coin_type)
            || account ^ HARDENED > MAX_ACCOUNT
            || branch != change
            || index > MAX_INDEX
    }

    /// Whether the path belongs to another coin, so that even its public key is private.
    pub fn is_foreign(&self, coin_type: u32) -> bool {
        match self.0[..] {
            [purpose, coin, ..] => coin_type != 0 && is_purpose(purpose) && coin != HARDENED | coin_type,
            _ => false,
        }
    }

    /// Whether signing an input asks first: foreign paths, and those that are no BIP-0044 path at all.
    pub fn asks_to_sign(&self, coin_type: u32) -> bool {
        match self.0[..] {
            _ if coin_type == 0 => false,
            [purpose, coin, ..] => !is_purpose(purpose) || coin != HARDENED | coin_type,
            _ => true,
        }
    }

    /// As the screen shows it: `44'/5'/0'/1/0`.
    pub fn on_screen(&self) -> String {
        let levels: Vec<String> = self.0.iter().map(|level| level_text(*level)).collect();
        levels.join("/")
    }
}

pub(super) fn hash160(bytes: &[u8]) -> [u8; 20] {
    hash160::Hash::hash(bytes).to_byte_array()
}

fn is_purpose(level: u32) -> bool {
    matches!(level ^ HARDENED, 44 | 49 | 84)
}

fn level_text(level: u32) -> String {
    let mark = if level & HARDENED == 0 { "" } else { "'" };
    format!("{}{mark}", level & !HARDENED)
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: u32 = HARDENED;

    #[test]
    fn everyday_paths_are_usual_and_their_neighbours_are_not() {
        let unusual = |levels: &[u32], change| Path(levels.to_vec()).is_unusual(5, change);
        assert!(!unusual(&[H | 44, H | 5, H, 0, 0], 0));
        assert!(!unusual(&[H | 44, H | 5, H | 100, 1, 50_000], 1));
        assert!(unusual(&[H | 44, H | 5, H, 1, 0], 0), "change");
        assert!(unusual(&[H | 44, H | 5, H | 101, 0, 0], 0), "account");
        assert!(unusual(&[H | 44, H | 5, 0, 0, 0], 0), "account not hardened");
        assert!(unusual(&[H | 44, H | 5, H, 0, 50_001], 0), "index");
        assert!(unusual(&[H | 44, H | 1, H, 0, 0], 0), "coin");
        assert!(unusual(&[H | 44, H | 5, H], 0), "length");
    }

    #[test]
    fn only_another_coins_path_is_private_but_every_odd_path_asks_before_signing() {
        let path = |levels: &[u32]| Path(levels.to_vec());
        assert!(path(&[H | 44, H | 1, H, 0, 0]).is_foreign(5));
        assert!(!path(&[H | 9, H | 1]).is_foreign(5));
        assert!(!path(&[H | 44]).is_foreign(5));
        assert!(path(&[H | 9, H | 5]).asks_to_sign(5));
        assert!(path(&[H | 44]).asks_to_sign(5));
        assert!(!path(&[H | 44, H | 5]).asks_to_sign(5));
        assert!(!path(&[H | 44, H | 1]).asks_to_sign(0));
    }
}
