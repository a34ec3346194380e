//! The vault: one encrypted file with the keys of all roles, the recovery phrase they come from, and node passwords.
//!
//! An open [`Vault`] is shared between threads by reference; its decrypted content stays in memory until it is dropped.
//! Every change is on disk when its call returns, and is made on what is on disk then: two programs with the same vault
//! open see each other's changes and lose none.
//!
//! What it does not do: guard against who reads this process's memory, or who puts an older copy of the file back.
//!
//! Source of the format: [`seal`] (outside) and `content` (inside).

mod content;
pub mod seal;
pub mod slot;
#[cfg(test)]
mod slot_tests;
mod slots;
#[cfg(test)]
mod tests;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use zeroize::Zeroizing;

use self::content::Content;
pub use self::seal::Stretching;
use self::seal::{Damage, DataKey, PassphraseSlot, SealError, Sealed, Slot};
pub use self::slot::{Challenge, DeviceSlotInfo, Vendor};
pub use self::slots::{PASSPHRASE_SLOT, SlotInfo, slots};
use super::derive::{DeriveError, Place};
use super::file::{self, FileError, Lock};
use super::import::{self, ImportError};
use super::keys::{KeyInfo, Kind, LabelError, NetworkTag, Origin, Public, Secret, check_label};
use super::phrase::Phrase;
use super::platform_key::PlatformKey;
use crate::protocol::{KeyId, Profile, SecpKey, bls};

/// What went wrong with a vault. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VaultError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{path}: there is no vault")]
    Missing { path: PathBuf },
    #[error("{path}: there is a vault already")]
    Exists { path: PathBuf },
    #[error("wrong passphrase")]
    WrongPassphrase,
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    #[error("{path}: the vault is damaged: {damage}")]
    Damaged { path: PathBuf, damage: Damage },
    #[error(
        "{path}: the vault is of version {version}, this program knows up to {}",
        seal::VERSION
    )]
    Newer { path: PathBuf, version: u32 },
    #[error("{path}: the vault is protected with {cipher}, which this program does not know")]
    Cipher { path: PathBuf, cipher: String },
    #[error(
        "{path}: the vault asks for absurd work: {} KiB of memory, {} iterations, {} lanes",
        stretching.memory_kib, stretching.iterations, stretching.lanes
    )]
    Stretching { path: PathBuf, stretching: Stretching },
    #[error("{path}: no passphrase opens this vault")]
    NoPassphraseSlot { path: PathBuf },
    #[error("another program changed what unlocks this vault")]
    ChangedElsewhere,
    #[error("no device opens this vault by a slot {id}")]
    UnknownSlot { id: String },
    #[error("another device or wallet opens this slot")]
    WrongDevice,
    #[error("the passphrase of a vault cannot be removed")]
    PassphraseStays,
    #[error("{max} devices open this vault already")]
    TooManyDevices { max: usize },
    #[error("not enough memory to unlock the vault")]
    OutOfMemory,
    #[error("the system has no random numbers")]
    NoRandomness,
    #[error(transparent)]
    Label(#[from] LabelError),
    #[error("the label '{label}' is taken")]
    LabelTaken { label: String },
    #[error("there is no key '{label}'")]
    UnknownLabel { label: String },
    #[error("this key is in the vault already, as '{label}'")]
    Duplicate { label: String },
    #[error("'{label}' is a {kind} key, not a {wanted} key")]
    OtherKind {
        label: String,
        kind: Kind,
        /// `secp256k1`, `operator`, `platform`
        wanted: &'static str,
    },
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Derive(#[from] DeriveError),
}

impl VaultError {
    fn sealed(path: &Path, error: SealError) -> Self {
        let path = path.to_owned();
        match error {
            SealError::Damaged(damage) => Self::Damaged { path, damage },
            SealError::Newer { version } => Self::Newer { path, version },
            SealError::Cipher { cipher } => Self::Cipher { path, cipher },
            SealError::Stretching(stretching) => Self::Stretching { path, stretching },
            SealError::NoPassphraseSlot => Self::NoPassphraseSlot { path },
            SealError::WrongPassphrase => Self::WrongPassphrase,
            SealError::WrongSecret => Self::WrongDevice,
            SealError::OutOfMemory => Self::OutOfMemory,
            SealError::NoRandomness => Self::NoRandomness,
        }
    }
}

/// An unlocked vault.
#[derive(Debug)]
pub struct Vault {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    content: Content,
    key: DataKey,
    slots: Vec<Slot>,
    /// Of the file as last read or written.
    digest: [u8; 32],
}

impl Vault {
    /// Makes a vault that holds a recovery phrase and no key yet.
    ///
    /// # Errors
    /// [`VaultError::Exists`]; an existing file is never overwritten.
    pub fn create(path: &Path, passphrase: &str, phrase: &Phrase) -> Result<Self, VaultError> {
        Self::create_with(path, passphrase, phrase, Stretching::DEFAULT)
    }

    /// As [`Vault::create`], at another cost of guessing. For tests, and for machines with little memory.
    ///
    /// # Errors
    /// As [`Vault::create`], and for parameters that [`Vault::open`] would refuse.
    pub fn create_with(
        path: &Path,
        passphrase: &str,
        phrase: &Phrase,
        stretching: Stretching,
    ) -> Result<Self, VaultError> {
        let sealed = |error| VaultError::sealed(path, error);
        let _lock = Lock::take(path)?;
        if path.symlink_metadata().is_ok() {
            return Err(VaultError::Exists { path: path.to_owned() });
        }
        let key = DataKey::random().map_err(sealed)?;
        let slots = vec![passphrase_slot(path, passphrase, stretching, &key)?];
        let content = Content::new(phrase);
        let (file, digest) = seal::seal(&content.to_bytes(), &key, &slots).map_err(sealed)?;
        file::replace(path, &file)?;
        Ok(Self::unlocked(path, content, key, slots, digest))
    }

    /// Unlocks a vault.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], and each thing that can be wrong with the file by its own name.
    pub fn open(path: &Path, passphrase: &str) -> Result<Self, VaultError> {
        let sealed = read(path)?;
        let key = sealed
            .key(passphrase)
            .map_err(|error| VaultError::sealed(path, error))?;
        let content = decrypt(path, &sealed, &key)?;
        Ok(Self::unlocked(path, content, key, sealed.slots, sealed.digest))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes over what another program has written since.
    ///
    /// # Errors
    /// The file is gone or damaged, or its passphrase was changed.
    pub fn refresh(&self) -> Result<(), VaultError> {
        self.reload(&mut self.state())
    }

    /// Makes the next key of a kind from the recovery phrase.
    ///
    /// Its number is one never used for this kind and coin type, and one whose key is not here already by import.
    ///
    /// # Errors
    /// A label that is taken or none; the file cannot be written.
    pub fn generate(&self, kind: Kind, label: &str, profile: &Profile, now: u64) -> Result<KeyInfo, VaultError> {
        let label = check_label(label)?;
        let network = NetworkTag::of(profile);
        self.change(|content| {
            let seed = phrase(content).seed();
            let mut place = Place {
                kind,
                coin_type: network.coin_type,
                index: content.next_index(network.coin_type, kind),
            };
            let mut secret = place.secret(&seed)?;
            while content.same_key(&network, &secret.public(&network)).is_some() {
                place.index += 1;
                secret = place.secret(&seed)?;
            }
            add_derived(content, place, label, network, &secret, now)
        })
    }

    /// Makes the key of a kind and number again, as after restoring a phrase.
    ///
    /// # Errors
    /// As [`Vault::generate`]; the key is here already; no key has that number.
    pub fn generate_at(
        &self,
        kind: Kind,
        label: &str,
        profile: &Profile,
        index: u32,
        now: u64,
    ) -> Result<KeyInfo, VaultError> {
        let label = check_label(label)?;
        let network = NetworkTag::of(profile);
        self.change(|content| {
            let place = Place {
                kind,
                coin_type: network.coin_type,
                index,
            };
            let secret = place.secret(&phrase(content).seed())?;
            add_derived(content, place, label, network, &secret, now)
        })
    }

    /// Public parts of the phrase's keys by number, whether in the vault or not: to find which of them a masternode list
    /// knows after restoring a phrase.
    ///
    /// # Errors
    /// No key has such a number.
    pub fn preview(&self, kind: Kind, profile: &Profile, indices: Range<u32>) -> Result<Vec<Public>, VaultError> {
        let seed = phrase(&self.state().content).seed();
        let network = NetworkTag::of(profile);
        let public = |index| {
            let place = Place {
                kind,
                coin_type: network.coin_type,
                index,
            };
            Ok(place.secret(&seed)?.public(&network))
        };
        indices.map(public).collect()
    }

    /// Takes a private key in from elsewhere; the recovery phrase does not bring it back. Forms: [`import::parse`].
    ///
    /// # Errors
    /// What is wrong with the text or the label; [`VaultError::Duplicate`].
    pub fn import(
        &self,
        kind: Kind,
        label: &str,
        profile: &Profile,
        text: &str,
        now: u64,
    ) -> Result<KeyInfo, VaultError> {
        let label = check_label(label)?;
        let secret = import::parse(kind, text, profile)?;
        let network = NetworkTag::of(profile);
        let info = KeyInfo {
            label,
            kind,
            public: secret.public(&network),
            network,
            origin: Origin::Imported,
            created: now,
        };
        self.change(|content| content.add(info.clone(), &secret).map(|()| info))
    }

    /// The private key as other programs take it: compressed WIF, 64 hex digits (operator), Tenderdash's base64 (platform).
    ///
    /// # Errors
    /// [`VaultError::UnknownLabel`]
    pub fn export(&self, label: &str) -> Result<Zeroizing<String>, VaultError> {
        let state = self.state();
        let network = &state.content.info(label)?.network;
        Ok(state.content.secret(label)?.export(network))
    }

    /// # Errors
    /// No such key, or the new label is taken or none.
    pub fn rename(&self, label: &str, new: &str) -> Result<(), VaultError> {
        let new = check_label(new)?;
        self.change(|content| content.rename(label, new))
    }

    /// Removes a key for good; an imported one is lost unless it is kept elsewhere.
    ///
    /// # Errors
    /// No such key.
    pub fn remove(&self, label: &str) -> Result<KeyInfo, VaultError> {
        self.change(|content| content.remove(label))
    }

    /// All keys of all networks, oldest first.
    pub fn list(&self) -> Vec<KeyInfo> {
        self.state().content.infos().cloned().collect()
    }

    /// # Errors
    /// [`VaultError::UnknownLabel`]
    pub fn info(&self, label: &str) -> Result<KeyInfo, VaultError> {
        self.state().content.info(label).cloned()
    }

    /// The private key of an owner, voting or fee key.
    ///
    /// # Errors
    /// No such key, or it is of another kind.
    pub fn secp(&self, label: &str) -> Result<SecpKey, VaultError> {
        match self.secret(label)? {
            (Secret::Secp(key), _) => Ok(key),
            (_, info) => Err(other_kind(info, "secp256k1")),
        }
    }

    /// The private key of an operator key.
    ///
    /// # Errors
    /// No such key, or it is of another kind.
    pub fn bls(&self, label: &str) -> Result<bls::SecretKey, VaultError> {
        match self.secret(label)? {
            (Secret::Bls(key), _) => Ok(key),
            (_, info) => Err(other_kind(info, "operator")),
        }
    }

    /// The private key of a platform key.
    ///
    /// # Errors
    /// No such key, or it is of another kind.
    pub fn platform(&self, label: &str) -> Result<PlatformKey, VaultError> {
        match self.secret(label)? {
            (Secret::Platform(key), _) => Ok(key),
            (_, info) => Err(other_kind(info, "platform")),
        }
    }

    /// Which key of a network has this key id, whatever its kind.
    pub fn find_key_id(&self, profile: &Profile, key_id: KeyId) -> Option<KeyInfo> {
        self.find(profile, |info| info.key_id() == Some(key_id))
    }

    /// Which operator key of a network this is. Points are compared, so the encoding does not matter.
    pub fn find_operator(&self, profile: &Profile, key: &bls::PublicKey) -> Option<KeyInfo> {
        self.find(profile, |info| info.operator().as_ref() == Some(key))
    }

    /// Which platform key of a network has this node id, as RPCs write it.
    pub fn find_node_id(&self, profile: &Profile, node_id: &str) -> Option<KeyInfo> {
        self.find(profile, |info| {
            info.node_id().is_some_and(|id| id.eq_ignore_ascii_case(node_id))
        })
    }

    /// Keeps a named text, such as a node's password under `node:<name>`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_text(&self, name: &str, text: &str) -> Result<(), VaultError> {
        self.change(|content| {
            content.set_text(name, text);
            Ok(())
        })
    }

    pub fn text(&self, name: &str) -> Option<Zeroizing<String>> {
        self.state().content.text(name)
    }

    /// Forgets a named text; says whether there was one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remove_text(&self, name: &str) -> Result<bool, VaultError> {
        self.change(|content| Ok(content.remove_text(name)))
    }

    fn unlocked(path: &Path, content: Content, key: DataKey, slots: Vec<Slot>, digest: [u8; 32]) -> Self {
        Self {
            path: path.to_owned(),
            state: Mutex::new(State {
                content,
                key,
                slots,
                digest,
            }),
        }
    }

    /// A panic elsewhere leaves the state whole: changes are made on a copy.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn secret(&self, label: &str) -> Result<(Secret, KeyInfo), VaultError> {
        let state = self.state();
        let info = state.content.info(label)?.clone();
        Ok((state.content.secret(label)?, info))
    }

    fn find(&self, profile: &Profile, matches: impl Fn(&KeyInfo) -> bool) -> Option<KeyInfo> {
        let state = self.state();
        let found = state
            .content
            .infos()
            .find(|info| info.network.name == profile.name && matches(info));
        found.cloned()
    }

    /// Applies an edit to what is on disk now, and keeps it in memory once it is on disk again.
    fn change<T>(&self, edit: impl FnOnce(&mut Content) -> Result<T, VaultError>) -> Result<T, VaultError> {
        let mut state = self.state();
        let _lock = Lock::take(&self.path)?;
        self.reload(&mut state)?;
        let mut content = state.content.clone();
        let out = edit(&mut content)?;
        let (file, digest) = seal::seal(&content.to_bytes(), &state.key, &state.slots)
            .map_err(|error| VaultError::sealed(&self.path, error))?;
        file::replace(&self.path, &file)?;
        state.content = content;
        state.digest = digest;
        Ok(out)
    }

    fn reload(&self, state: &mut State) -> Result<(), VaultError> {
        let on_disk = read(&self.path)?;
        if on_disk.digest == state.digest {
            return Ok(());
        }
        state.content = match decrypt(&self.path, &on_disk, &state.key) {
            // Whole, as its checksum says, and yet of another key.
            Err(VaultError::Damaged {
                damage: Damage::Content,
                ..
            }) => return Err(VaultError::ChangedElsewhere),
            other => other?,
        };
        state.slots = on_disk.slots;
        state.digest = on_disk.digest;
        Ok(())
    }
}

fn read(path: &Path) -> Result<Sealed, VaultError> {
    let bytes = match file::read(path, seal::MAX_FILE) {
        Err(FileError::Io {
            kind: io::ErrorKind::NotFound,
            path,
        }) => return Err(VaultError::Missing { path }),
        other => other?,
    };
    Sealed::parse(&bytes).map_err(|error| VaultError::sealed(path, error))
}

fn decrypt(path: &Path, sealed: &Sealed, key: &DataKey) -> Result<Content, VaultError> {
    let bytes = sealed.content(key).map_err(|error| VaultError::sealed(path, error))?;
    Content::from_bytes(&bytes).ok_or(VaultError::Damaged {
        path: path.to_owned(),
        damage: Damage::Content,
    })
}

fn passphrase_slot(path: &Path, passphrase: &str, cost: Stretching, key: &DataKey) -> Result<Slot, VaultError> {
    if passphrase.is_empty() {
        return Err(VaultError::EmptyPassphrase);
    }
    PassphraseSlot::new(passphrase, cost, key)
        .map(Slot::Passphrase)
        .map_err(|error| VaultError::sealed(path, error))
}

fn phrase(content: &Content) -> Phrase {
    content.phrase().expect("checked when it was read or made")
}

fn add_derived(
    content: &mut Content,
    place: Place,
    label: String,
    network: NetworkTag,
    secret: &Secret,
    now: u64,
) -> Result<KeyInfo, VaultError> {
    let info = KeyInfo {
        label,
        kind: place.kind,
        public: secret.public(&network),
        network,
        origin: Origin::Derived {
            path: place.to_string(),
            index: place.index,
        },
        created: now,
    };
    content.add(info.clone(), secret)?;
    content.given_out(place);
    Ok(info)
}

fn other_kind(info: KeyInfo, wanted: &'static str) -> VaultError {
    VaultError::OtherKind {
        label: info.label,
        kind: info.kind,
        wanted,
    }
}
