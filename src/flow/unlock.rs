//! The vault and a device: adding it as a way in, and unlocking by it.
//!
//! A device is one more way in, never the only one: the passphrase goes on opening the vault, and the recovery phrase brings back the
//! keys made from it. Nothing of the vault is on the device, so losing the device loses nothing but this way.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sipper::{Sender, Straw, sipper};

use super::{Error, message_shown};
use crate::hw::{Device, DeviceError, DeviceInfo, Kind, SlotRequest, SlotSecret, slot_path};
use crate::protocol::message::device_hash;
use crate::protocol::{Profile, path};
use crate::store::keys::check_label;
use crate::store::vault::{self, DeviceSlotInfo, SlotInfo, Vault, Vendor};

/// What the user should do or know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The device asks for a confirmation.
    Confirm {
        device: Kind,
        reason: Reason,
        /// To be compared with its screen: a Ledger shows a hash, a Trezor a text.
        shows: String,
    },
    /// It answered, and the answer is the right one.
    Answered { device: Kind },
}

/// Why a device asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its answer becomes the new way in.
    Add,
    /// Whether the same answer comes again: another one would open nothing.
    AddAgain,
    /// Its answer opens the vault.
    Unlock,
}

impl Reason {
    /// One clause.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Add => "its answer is to open the vault from now on",
            Self::AddAgain => "once more, because only an answer that comes again opens the vault later",
            Self::Unlock => "its answer opens the vault",
        }
    }
}

impl Step {
    /// One line for a terminal.
    pub fn sentence(&self) -> String {
        match self {
            Self::Confirm { device, reason, shows } => {
                format!("confirm on the {device}: {shows} ({})", reason.sentence())
            }
            Self::Answered { device } => format!("the {device} answered"),
        }
    }
}

/// The store's name for a kind of device.
pub fn vendor(kind: Kind) -> Vendor {
    match kind {
        Kind::Ledger => Vendor::Ledger,
        Kind::Trezor => Vendor::Trezor,
    }
}

/// The kind of device that opens a slot.
pub fn kind(vendor: Vendor) -> Kind {
    match vendor {
        Vendor::Ledger => Kind::Ledger,
        Vendor::Trezor => Kind::Trezor,
    }
}

/// What a device is called where its user gives it no name: its own label, its model, or its kind.
pub fn usual_name(info: &DeviceInfo) -> String {
    let names = [info.label.as_deref(), info.model.as_deref()];
    let told = names.into_iter().flatten().find_map(|name| check_label(name).ok());
    told.unwrap_or_else(|| info.kind.to_string())
}

/// Adds a device as a way into an open vault, under the name its user gives it. A Ledger asks twice: the second answer shows that its
/// app gives the same one again. The last thing done is writing the file; before that nothing has changed.
///
/// Errors: those of the device; [`Error::AddedAlready`]; [`Error::NotRepeatable`]; of the name and the file.
pub fn enrol(
    device: Arc<dyn Device>,
    profile: Arc<Profile>,
    vault: Arc<Vault>,
    name: String,
) -> impl Straw<DeviceSlotInfo, Step, Error> {
    sipper(async move |mut steps| {
        let name = check_label(&name).map_err(vault::VaultError::from)?;
        let challenge = vault.challenge()?;
        let kind = device.kind();
        let wallet = wallet(&*device, &profile).await?;
        let slots = vault.slots();
        if let Some(known) = of_wallet(&slots, kind, &wallet) {
            let name = known.name.clone();
            return Err(Error::AddedAlready { name });
        }
        let request = SlotRequest {
            path: slot_path(),
            vault: challenge.vault,
            salt: challenge.salt,
            wallet: Some(wallet),
        };
        let first = ask(&*device, &request, Reason::Add, &mut steps).await?;
        if kind == Kind::Ledger {
            let again = ask(&*device, &request, Reason::AddAgain, &mut steps).await?;
            if again.secret != first.secret {
                return Err(Error::NotRepeatable { device: kind });
            }
        }
        let info = DeviceSlotInfo {
            vendor: vendor(kind),
            name,
            wallet: first.wallet,
            path: path::to_text(&request.path),
            challenge,
            created: super::now(),
        };
        Ok(vault.add_device_slot(&info, &first.secret)?)
    })
}

/// Unlocks the vault of a file by a device. With another wallet open than the one that was added, the device is not asked.
///
/// Errors: those of the device, [`DeviceError::OtherWallet`] among them; [`Error::NoSlot`]; of the file.
pub fn unlock(device: Arc<dyn Device>, profile: Arc<Profile>, file: PathBuf) -> impl Straw<Vault, Step, Error> {
    sipper(async move |mut steps| {
        let (kind, slots) = (device.kind(), vault::slots(&file)?);
        let first = of_kind(&slots, kind).next().ok_or(Error::NoSlot { device: kind })?;
        let wallet = wallet(&*device, &profile).await?;
        let info = of_wallet(&slots, kind, &wallet);
        let request = request(info.unwrap_or(first))?;
        let answer = match info {
            Some(_) => ask(&*device, &request, Reason::Unlock, &mut steps).await?,
            // Says that it is another wallet, and gives its user another try at the passphrase.
            None => device.slot_secret(request).await?,
        };
        let id = info.unwrap_or(first).id();
        Ok(Vault::open_by_slot(&file, &id, &answer.secret)?)
    })
}

/// The kinds of device that open the vault of a file; none where it cannot be read, which unlocking it will tell.
pub fn openers(file: &Path) -> Vec<Kind> {
    let slots = vault::slots(file).unwrap_or_default();
    let opens = |of: &Kind| of_kind(&slots, *of).next().is_some();
    [Kind::Ledger, Kind::Trezor].into_iter().filter(opens).collect()
}

fn of_kind(slots: &[SlotInfo], of: Kind) -> impl Iterator<Item = &DeviceSlotInfo> {
    let devices = slots.iter().filter_map(SlotInfo::device);
    devices.filter(move |info| kind(info.vendor) == of)
}

fn of_wallet<'a>(slots: &'a [SlotInfo], of: Kind, wallet: &str) -> Option<&'a DeviceSlotInfo> {
    of_kind(slots, of).find(|info| info.wallet == wallet)
}

fn request(info: &DeviceSlotInfo) -> Result<SlotRequest, Error> {
    Ok(SlotRequest {
        path: path::parse(&info.path).map_err(DeviceError::from)?,
        vault: info.challenge.vault,
        salt: info.challenge.salt,
        wallet: Some(info.wallet.clone()),
    })
}

/// The wallet that is open. A Trezor that has not told it yet is asked for a key, and with that for PIN and passphrase.
async fn wallet(device: &dyn Device, profile: &Profile) -> Result<String, Error> {
    if let Some(wallet) = device.info().await?.wallet {
        return Ok(wallet);
    }
    device.public_key(path::account(profile, 0)).await?;
    let told = device.info().await?.wallet;
    told.ok_or_else(|| DeviceError::SessionLost { kind: device.kind() }.into())
}

async fn ask(
    device: &dyn Device,
    request: &SlotRequest,
    reason: Reason,
    steps: &mut Sender<Step>,
) -> Result<SlotSecret, Error> {
    let kind = device.kind();
    let shows = match kind {
        Kind::Ledger => message_shown(kind, "", &device_hash(&request.message())),
        Kind::Trezor => format!("the text \"{}\"", request.title()),
    };
    let device_step = Step::Confirm {
        device: kind,
        reason,
        shows,
    };
    steps.send(device_step).await;
    let answer = device.slot_secret(request.clone()).await?;
    steps.send(Step::Answered { device: kind }).await;
    Ok(answer)
}
