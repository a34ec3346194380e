//! What is known of the device in use; the window asks for it in the background.

use crate::hw::{DeviceError, DeviceInfo, Kind};
use crate::ui::theme::Tone;

/// The device in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Not looked yet.
    Searching,
    Missing(DeviceError),
    /// Open; it answered, or said why it is not ready.
    Open {
        kind: Kind,
        place: String,
        info: Result<DeviceInfo, DeviceError>,
    },
}

impl Seen {
    /// For the status bar.
    pub fn summary(&self) -> (String, Tone) {
        match self {
            Self::Searching => ("Looking for a device".to_owned(), Tone::Neutral),
            Self::Missing(DeviceError::NotConnected { .. }) => ("No device".to_owned(), Tone::Neutral),
            Self::Missing(error) => (short(error).to_owned(), Tone::Warning),
            Self::Open {
                kind, info: Err(error), ..
            } => (format!("{kind}: {}", short(error)), Tone::Warning),
            Self::Open { info: Ok(info), .. } => match info.kind {
                Kind::Ledger => (format!("{}: {} app", named(info), info.app), Tone::Good),
                Kind::Trezor => (named(info), Tone::Good),
            },
        }
    }

    /// As its owner knows it: `Trezor One “Savings”`.
    pub fn name(&self) -> String {
        match self {
            Self::Open { info: Ok(info), .. } => named(info),
            Self::Open { kind, .. } => kind.to_string(),
            Self::Searching | Self::Missing(_) => "device".to_owned(),
        }
    }

    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Open { info: Ok(_), .. })
    }

    pub fn info(&self) -> Option<&DeviceInfo> {
        match self {
            Self::Open { info: Ok(info), .. } => Some(info),
            _ => None,
        }
    }

    pub fn error(&self) -> Option<&DeviceError> {
        match self {
            Self::Missing(error) | Self::Open { info: Err(error), .. } => Some(error),
            _ => None,
        }
    }
}

/// Model and label.
pub fn named(info: &DeviceInfo) -> String {
    let model = model(info.kind, info.model.as_deref());
    match &info.label {
        Some(label) => format!("{model} “{label}”"),
        None => model,
    }
}

/// As printed on the box, with the maker's name.
pub fn model(kind: Kind, told: Option<&str>) -> String {
    let maker = kind.to_string();
    match told {
        None | Some("emulator") => maker,
        Some(model) if model.contains(&maker) => model.to_owned(),
        Some(model) => format!("{maker} {model}"),
    }
}

/// A device's trouble in two or three words.
pub fn short(error: &DeviceError) -> &'static str {
    match error {
        DeviceError::Locked { .. } => "Locked",
        DeviceError::NoApp { .. } => "No app open",
        DeviceError::WrongApp { .. } | DeviceError::WrongCoin { .. } => "Wrong app open",
        DeviceError::NoPermission { .. } => "No permission",
        DeviceError::Busy { .. } | DeviceError::HeldBy { .. } => "In use elsewhere",
        DeviceError::Several { .. } => "Several devices",
        DeviceError::NotConnected { .. } | DeviceError::Gone { .. } => "Disconnected",
        DeviceError::NotInitialised { .. } => "No wallet yet",
        DeviceError::Bootloader { .. } => "In its bootloader",
        DeviceError::OldFirmware { .. } => "Old firmware",
        DeviceError::NoCoinOnModel { .. } | DeviceError::UnknownCoin { .. } => "Not for this coin",
        _ => "Not ready",
    }
}
