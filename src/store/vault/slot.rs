//! A slot that a device opens: the data key, wrapped for a key pair whose private half only the device's secret makes.
//!
//! ```text
//! {"kind":"device","device":"ledger","name":"my Nano","wallet":"73c5da0a","path":"m/10011'/1129534540'",
//!  "vault":"<8 bytes>","salt":"<32 bytes>","created":1763673000,
//!  "public":"<33 bytes>","ephemeral":"<33 bytes>","nonce":"<24 bytes>","wrapped":"<32 + 16 bytes>"}
//! ```
//!
//! Path, vault and salt are what the device is asked with, `wallet` is what it calls the wallet that answers; how 32 secret bytes
//! come of that is the device's side. Those bytes are a secp256k1 private key, `public` its point. The data key is wrapped by
//! XChaCha20-Poly1305 under HKDF-SHA256 (salt: the slot's) of the shared secret (SHA-256 of the compressed point, as libsecp256k1)
//! of `public` and a random `ephemeral`; everything but nonce and wrapped key is authenticated, and HKDF's info.
//!
//! So wrapping needs no secret: another passphrase, or a slot less, changes the data key with no device at hand.

use bitcoin::secp256k1::PublicKey;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::seal::{DataKey, MAGIC, SealError, VERSION, fill, nonce};
use crate::protocol::SecpKey;
use crate::store::keys::check_label;
use crate::store::secret::{from_hex, to_hex};

/// Longest path taken from a file, in characters.
const MAX_PATH: usize = 80;
/// Longest wallet name taken from a file, in characters.
const MAX_WALLET: usize = 16;

/// Who made a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    Ledger,
    Trezor,
}

impl Vendor {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Trezor => "trezor",
        }
    }
}

/// What makes the secret of one slot different from those of all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The same for all slots of a vault, so that a device can show which vault is meant.
    pub vault: [u8; 8],
    /// Random.
    pub salt: [u8; 32],
}

/// A slot that a device opens, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSlotInfo {
    pub vendor: Vendor,
    /// What the user calls the device.
    pub name: String,
    /// What the device calls the wallet that opens it.
    pub wallet: String,
    /// As `m/...`; of the device's key.
    pub path: String,
    pub challenge: Challenge,
    /// **Unix seconds**.
    pub created: u64,
}

impl DeviceSlotInfo {
    /// Names the slot: the first four bytes of its salt, hexadecimal.
    pub fn id(&self) -> String {
        to_hex(&self.challenge.salt[..4]).to_string()
    }
}

/// As it stands in the header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceSlot {
    kind: String,
    device: Vendor,
    name: String,
    wallet: String,
    path: String,
    vault: String,
    salt: String,
    created: u64,
    public: String,
    ephemeral: String,
    nonce: String,
    wrapped: String,
}

impl DeviceSlot {
    pub const KIND: &str = "device";

    /// Wraps a data key for the holder of a device's secret.
    ///
    /// # Errors
    /// [`SealError::WrongSecret`]: the secret is no private key, as one in 2^127 is.
    pub fn new(info: &DeviceSlotInfo, secret: &[u8; 32], key: &DataKey) -> Result<Self, SealError> {
        let private = SecpKey::from_bytes(secret).map_err(|_| SealError::WrongSecret)?;
        let slot = Self {
            kind: Self::KIND.to_owned(),
            device: info.vendor,
            name: info.name.clone(),
            wallet: info.wallet.clone(),
            path: info.path.clone(),
            vault: to_hex(&info.challenge.vault).to_string(),
            salt: to_hex(&info.challenge.salt).to_string(),
            created: info.created,
            public: to_hex(&private.public_key().serialize()).to_string(),
            ephemeral: String::new(),
            nonce: String::new(),
            wrapped: String::new(),
        };
        slot.wrapping(key)
    }

    /// The same slot around another data key. Needs no device.
    ///
    /// # Errors
    /// No randomness.
    pub fn wrapping(&self, key: &DataKey) -> Result<Self, SealError> {
        let damaged = SealError::Damaged(super::seal::Damage::Header);
        let public = point(&self.public).ok_or(damaged.clone())?;
        let ephemeral = random_key()?;
        let mut fresh = [0; 24];
        fill(&mut fresh)?;
        let mut slot = Self {
            ephemeral: to_hex(&ephemeral.public_key().serialize()).to_string(),
            nonce: to_hex(&fresh).to_string(),
            ..self.clone()
        };
        let wrapping = slot.wrapping_key(&ephemeral, &public).ok_or(damaged)?;
        slot.wrapped = to_hex(&wrapping.wrap(&fresh, key, slot.authenticated().as_bytes())).to_string();
        Ok(slot)
    }

    /// The data key.
    ///
    /// # Errors
    /// [`SealError::WrongSecret`]
    pub fn open(&self, secret: &[u8; 32]) -> Result<DataKey, SealError> {
        let private = SecpKey::from_bytes(secret).map_err(|_| SealError::WrongSecret)?;
        if to_hex(&private.public_key().serialize()).as_str() != self.public {
            return Err(SealError::WrongSecret);
        }
        self.unwrap(&private)
            .ok_or(SealError::Damaged(super::seal::Damage::Header))
    }

    fn unwrap(&self, private: &SecpKey) -> Option<DataKey> {
        let wrapping = self.wrapping_key(private, &point(&self.ephemeral)?)?;
        let wrapped = from_hex(&self.wrapped)?;
        wrapping.unwrap(&nonce(&self.nonce)?, &wrapped, self.authenticated().as_bytes())
    }

    fn wrapping_key(&self, ours: &SecpKey, theirs: &PublicKey) -> Option<DataKey> {
        let salt = from_hex(&self.salt)?;
        let shared = ours.shared_secret(theirs);
        let mut key = DataKey::zero();
        Hkdf::<Sha256>::new(Some(&salt), shared.as_slice())
            .expand(self.authenticated().as_bytes(), key.bytes_mut())
            .ok()?;
        Some(key)
    }

    /// Everything but nonce and wrapped key. Only the name, at the end, can hold a space.
    fn authenticated(&self) -> String {
        let Self {
            kind,
            device,
            name,
            wallet,
            path,
            vault,
            salt,
            created,
            public,
            ephemeral,
            ..
        } = self;
        let device = device.name();
        format!("{MAGIC}{VERSION} {kind} {device} {wallet} {path} {vault} {salt} {created} {public} {ephemeral} {name}")
    }

    /// None for one that no version of this program wrote: too long, or not of the form above.
    pub fn info(&self) -> Option<DeviceSlotInfo> {
        let visible =
            |text: &str, most| !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_graphic());
        let shaped = visible(&self.path, MAX_PATH)
            && visible(&self.wallet, MAX_WALLET)
            && check_label(&self.name).is_ok_and(|name| name == self.name);
        let whole = point(&self.public).is_some()
            && point(&self.ephemeral).is_some()
            && nonce(&self.nonce).is_some()
            && from_hex(&self.wrapped)?.len() == 48;
        (shaped && whole).then_some(())?;
        Some(DeviceSlotInfo {
            vendor: self.device,
            name: self.name.clone(),
            wallet: self.wallet.clone(),
            path: self.path.clone(),
            challenge: Challenge {
                vault: from_hex(&self.vault)?.as_slice().try_into().ok()?,
                salt: from_hex(&self.salt)?.as_slice().try_into().ok()?,
            },
            created: self.created,
        })
    }
}

fn point(hex: &str) -> Option<PublicKey> {
    let bytes = from_hex(hex)?;
    (bytes.len() == 33).then(|| PublicKey::from_slice(&bytes).ok())?
}

/// A key pair for one wrapping.
fn random_key() -> Result<SecpKey, SealError> {
    let mut secret = zeroize::Zeroizing::new([0; 32]);
    loop {
        fill(secret.as_mut_slice())?;
        // Not so once in 2^127.
        if let Ok(key) = SecpKey::from_bytes(&secret) {
            return Ok(key);
        }
    }
}
