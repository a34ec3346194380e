//! What unlocks a vault: its passphrase, always, and the devices that were added.

use std::path::Path;

use super::content::Content;
use super::seal::{self, DataKey, PassphraseSlot, Sealed, Slot};
use super::slot::{Challenge, DeviceSlot, DeviceSlotInfo, proof_key};
use super::{State, Stretching, Vault, VaultError, decrypt, passphrase_slot, read};
use crate::store::file::{self, Lock};
use crate::store::keys::check_label;

/// A way into a vault, as anybody with the file can see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotInfo {
    Passphrase,
    Device(DeviceSlotInfo),
    /// Of another version of this program.
    Unknown {
        kind: String,
    },
}

impl SlotInfo {
    fn of(slot: &Slot) -> Self {
        match slot {
            Slot::Passphrase(_) => Self::Passphrase,
            Slot::Device(slot) => slot.info().map_or_else(
                || Self::Unknown {
                    kind: DeviceSlot::KIND.to_owned(),
                },
                Self::Device,
            ),
            Slot::Other(value) => {
                let kind = value.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default();
                Self::Unknown {
                    kind: kind.chars().filter(|letter| !letter.is_control()).take(40).collect(),
                }
            }
        }
    }

    pub fn device(&self) -> Option<&DeviceSlotInfo> {
        match self {
            Self::Device(info) => Some(info),
            _ => None,
        }
    }
}

/// What unlocks a vault, read from its file without unlocking it. Whether somebody changed it is known only after that.
///
/// # Errors
/// There is no file, or it is no vault.
pub fn slots(path: &Path) -> Result<Vec<SlotInfo>, VaultError> {
    Ok(read(path)?.slots.iter().map(SlotInfo::of).collect())
}

impl Vault {
    /// Unlocks a vault with a device's secret. What makes the secret is in [`DeviceSlotInfo`].
    ///
    /// # Errors
    /// [`VaultError::UnknownSlot`], [`VaultError::WrongDevice`], and each thing that can be wrong with the file by its own name.
    pub fn open_by_slot(path: &Path, id: &str, secret: &[u8; 32]) -> Result<Self, VaultError> {
        let sealed = read(path)?;
        let (slot, _) = device_slot(&sealed.slots, id)?;
        let key = slot.open(secret).map_err(|error| VaultError::sealed(path, error))?;
        let content = decrypt(path, &sealed, &key)?;
        Ok(Self::unlocked(path, content, key, sealed.slots, sealed.digest))
    }

    /// What unlocks this vault, as last read or written.
    pub fn slots(&self) -> Vec<SlotInfo> {
        self.state().slots.iter().map(SlotInfo::of).collect()
    }

    /// What to ask a device with for a new slot.
    ///
    /// # Errors
    /// [`VaultError::TooManyDevices`], no randomness.
    pub fn challenge(&self) -> Result<Challenge, VaultError> {
        let slots = self.slots();
        let known: Vec<&DeviceSlotInfo> = slots.iter().filter_map(SlotInfo::device).collect();
        if known.len() >= seal::MAX_DEVICES || slots.len() >= seal::MAX_SLOTS {
            return Err(VaultError::TooManyDevices { max: seal::MAX_DEVICES });
        }
        let mut made = Challenge {
            vault: [0; 8],
            salt: [0; 32],
        };
        let sealed = |error| VaultError::sealed(self.path(), error);
        seal::fill(&mut made.salt).map_err(sealed)?;
        match known.first() {
            Some(first) => made.vault = first.challenge.vault,
            None => seal::fill(&mut made.vault).map_err(sealed)?,
        }
        Ok(made)
    }

    /// Adds a way in: the device whose secret this is.
    ///
    /// # Errors
    /// A name that is none; [`VaultError::TooManyDevices`]; the file cannot be written.
    pub fn add_device_slot(&self, info: &DeviceSlotInfo, secret: &[u8; 32]) -> Result<DeviceSlotInfo, VaultError> {
        let info = DeviceSlotInfo {
            name: check_label(&info.name)?,
            ..info.clone()
        };
        let mut state = self.state();
        let _lock = Lock::take(self.path())?;
        self.reload(&mut state)?;
        let devices = state.slots.iter().filter_map(Slot::device).count();
        if devices >= seal::MAX_DEVICES || state.slots.len() >= seal::MAX_SLOTS {
            return Err(VaultError::TooManyDevices { max: seal::MAX_DEVICES });
        }
        let slot =
            DeviceSlot::new(&info, secret, &state.key).map_err(|error| VaultError::sealed(self.path(), error))?;
        let mut slots = state.slots.clone();
        slots.push(Slot::Device(slot));
        let mut content = state.content.clone();
        content.set_proof_key(&info, proof_key(&info, secret));
        let key = state.key.clone();
        self.rewrite(&mut state, content, key, slots)?;
        Ok(info)
    }

    /// Takes a device's way in away, and changes the data key: what is written from now on cannot be read by who kept the data key
    /// of an older copy. An older copy of the file itself stays as readable as it was, for the device too.
    ///
    /// The passphrase is asked for because its slot has to be wrapped again.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::UnknownSlot`], [`VaultError::PassphraseStays`]; the file cannot be written.
    pub fn remove_slot(&self, id: &str, passphrase: &str) -> Result<DeviceSlotInfo, VaultError> {
        if id == PASSPHRASE_SLOT {
            return Err(VaultError::PassphraseStays);
        }
        let mut state = self.state();
        let _lock = Lock::take(self.path())?;
        let on_disk = read(self.path())?;
        let (_, info) = device_slot(&on_disk.slots, id)?;
        let cost = on_disk.slots.iter().find_map(Slot::passphrase);
        let cost = cost.map_or(Stretching::DEFAULT, PassphraseSlot::stretching);
        let is_kept = |slot: &DeviceSlot| slot.info().as_ref() != Some(&info);
        self.rekey(&mut state, &on_disk, passphrase, (passphrase, cost), is_kept)?;
        Ok(info)
    }

    /// Sets another passphrase in place of the old one; devices open the vault as before.
    ///
    /// The data key changes too, so that who has an old copy of the file and the old passphrase cannot read keys added later;
    /// unless there are slots of kinds this version does not know and cannot wrap again.
    ///
    /// # Errors
    /// The old passphrase does not open it, the new one is empty, or the file cannot be written.
    pub fn change_passphrase(&self, old: &str, new: &str) -> Result<(), VaultError> {
        self.change_passphrase_with(old, new, Stretching::DEFAULT)
    }

    /// As [`Vault::change_passphrase`], at another cost of guessing.
    ///
    /// # Errors
    /// As [`Vault::change_passphrase`].
    pub fn change_passphrase_with(&self, old: &str, new: &str, stretching: Stretching) -> Result<(), VaultError> {
        let mut state = self.state();
        let _lock = Lock::take(self.path())?;
        let on_disk = read(self.path())?;
        self.rekey(&mut state, &on_disk, old, (new, stretching), |_| true)
    }

    /// Writes the file with one passphrase, the devices that are kept, and another data key.
    fn rekey(
        &self,
        state: &mut State,
        on_disk: &Sealed,
        old: &str,
        (new, cost): (&str, Stretching),
        is_kept: impl Fn(&DeviceSlot) -> bool,
    ) -> Result<(), VaultError> {
        let sealed = |error| VaultError::sealed(self.path(), error);
        let old_key = on_disk.key(old).map_err(sealed)?;
        let mut content = decrypt(self.path(), on_disk, &old_key)?;
        let has_unknown = on_disk.slots.iter().any(|slot| matches!(slot, Slot::Other(_)));
        let key = if has_unknown {
            old_key
        } else {
            DataKey::random().map_err(sealed)?
        };
        // First, where every version of this program looks for it.
        let mut slots = vec![passphrase_slot(self.path(), new, cost, &key)?];
        for slot in &on_disk.slots {
            match slot {
                Slot::Passphrase(_) => {}
                Slot::Device(slot) => {
                    let kept = is_kept(slot).then(|| slot.info()).flatten();
                    // Without the key of its proof it would open nothing any more.
                    if let Some(proof_key) = kept.and_then(|info| content.proof_key(&info)) {
                        slots.push(Slot::Device(slot.wrapping(&key, proof_key).map_err(sealed)?));
                    }
                }
                Slot::Other(_) => slots.push(slot.clone()),
            }
        }
        let gone = on_disk
            .slots
            .iter()
            .filter_map(Slot::device)
            .filter(|slot| !is_kept(slot));
        for info in gone.filter_map(DeviceSlot::info) {
            content.remove_proof_key(&info);
        }
        self.rewrite(state, content, key, slots)
    }

    /// Writes the file with this content and these slots.
    fn rewrite(&self, state: &mut State, content: Content, key: DataKey, slots: Vec<Slot>) -> Result<(), VaultError> {
        let sealed = |error| VaultError::sealed(self.path(), error);
        let (file, digest) = seal::seal(&content.to_bytes(), &key, &slots).map_err(sealed)?;
        file::replace(self.path(), &file)?;
        state.content = content;
        state.key = key;
        state.slots = slots;
        state.digest = digest;
        Ok(())
    }
}

/// What [`Vault::remove_slot`] is told for the passphrase's slot.
pub const PASSPHRASE_SLOT: &str = "passphrase";

fn device_slot<'a>(slots: &'a [Slot], id: &str) -> Result<(&'a DeviceSlot, DeviceSlotInfo), VaultError> {
    let known = |slot: &'a Slot| slot.device().and_then(|slot| Some((slot, slot.info()?)));
    let mut known = slots.iter().filter_map(known);
    known
        .find(|(_, info)| info.id().eq_ignore_ascii_case(id))
        .ok_or_else(|| VaultError::UnknownSlot {
            id: id.chars().take(40).collect(),
        })
}
