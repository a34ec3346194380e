//! A slot that a device opens: the data key, wrapped for a key pair whose private half only the device's secret makes.
//!
//! ```text
//! {"kind":"device","device":"ledger","name":"my Nano","wallet":"73c5da0a","path":"m/10011'/1129534540'",
//!  "vault":"<8 bytes>","salt":"<32 bytes>","created":1763673000,
//!  "public":"<33 bytes>","ephemeral":"<33 bytes>","nonce":"<24 bytes>","wrapped":"<32 + 16 bytes>","proof":"<32 bytes>"}
//! ```
//!
//! Path, vault and salt are what the device is asked with, `wallet` is what it calls the wallet that answers; how 32 secret bytes
//! come of that is the device's side. Those bytes are a secp256k1 private key, `public` its point. The data key is wrapped by
//! XChaCha20-Poly1305 under HKDF-SHA256 (salt: the slot's) of the shared secret (SHA-256 of the compressed point, as libsecp256k1)
//! of `public` and a random `ephemeral`; everything but nonce and wrapped key is authenticated, and HKDF's info.
//!
//! So wrapping needs no secret: another passphrase, or a slot less, changes the data key with no device at hand.
//!
//! But then whoever can write the file could wrap a data key of their own and put a vault of their own behind it. So `proof` is
//! HMAC-SHA256 of `NONCE WRAPPED `, in hex, and all that is authenticated, under a key that is known to the device's secret (HKDF of it
//! with the slot's salt, domain `castellan vault slot 1 proof`) and, for wrapping anew, to the vault's encrypted content.

use bitcoin::secp256k1::PublicKey;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::seal::{DataKey, MAGIC, SealError, VERSION, fill, nonce};
use crate::protocol::SecpKey;
use crate::store::keys::check_label;
use crate::store::secret::{SecretBytes, from_hex, to_hex};

/// Longest path taken from a file, in characters.
const MAX_PATH: usize = 80;
/// Longest wallet name taken from a file, in characters.
const MAX_WALLET: usize = 16;
const PROOF: &[u8] = b"castellan vault slot 1 proof";

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
    proof: String,
}

/// The key of a slot's proof, which only the device's secret makes.
pub(super) fn proof_key(info: &DeviceSlotInfo, secret: &[u8; 32]) -> SecretBytes {
    proof_key_of(&info.challenge.salt, secret)
}

fn proof_key_of(salt: &[u8], secret: &[u8; 32]) -> SecretBytes {
    let mut key = zeroize::Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(PROOF, key.as_mut_slice())
        .expect("32 bytes are less than HKDF's limit of 8160");
    SecretBytes::new(key.as_slice())
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
            proof: String::new(),
        };
        slot.wrapping(key, &proof_key(info, secret))
    }

    /// The same slot around another data key. Needs no device, but the key of its proof.
    ///
    /// # Errors
    /// No randomness.
    pub(super) fn wrapping(&self, key: &DataKey, proof_key: &SecretBytes) -> Result<Self, SealError> {
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
        slot.proof = to_hex(&slot.prover(proof_key).finalize().into_bytes()).to_string();
        Ok(slot)
    }

    /// The data key.
    ///
    /// # Errors
    /// [`SealError::WrongSecret`]; damage, if somebody without that secret and without the vault's content wrote the slot.
    pub fn open(&self, secret: &[u8; 32]) -> Result<DataKey, SealError> {
        let private = SecpKey::from_bytes(secret).map_err(|_| SealError::WrongSecret)?;
        if to_hex(&private.public_key().serialize()).as_str() != self.public {
            return Err(SealError::WrongSecret);
        }
        self.is_proven(secret)
            .then(|| self.unwrap(&private))
            .flatten()
            .ok_or(SealError::Damaged(super::seal::Damage::Header))
    }

    fn is_proven(&self, secret: &[u8; 32]) -> bool {
        let (Some(salt), Some(proof)) = (from_hex(&self.salt), from_hex(&self.proof)) else {
            return false;
        };
        self.prover(&proof_key_of(&salt, secret)).verify_slice(&proof).is_ok()
    }

    fn prover(&self, key: &SecretBytes) -> Hmac<Sha256> {
        let mut prover = Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("a key of any length will do");
        let Self { nonce, wrapped, .. } = self;
        prover.update(format!("{nonce} {wrapped} {}", self.authenticated()).as_bytes());
        prover
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

    /// Everything but nonce, wrapped key and proof. Only the name, at the end, can hold a space.
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
            && from_hex(&self.wrapped)?.len() == 48
            && from_hex(&self.proof)?.len() == 32;
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
