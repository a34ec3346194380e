//! Of devices.

use super::{Advice, UDEV_FILE};
use crate::hw::{DeviceError, Kind};

impl Advice for DeviceError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::Declined => "Nothing was signed; you can try again whenever you like.".to_owned(),
            Self::NotConnected { kind } => format!("Plug the {kind} in, unlock it and {}.", open_app(*kind)),
            Self::Locked { .. } => "Enter the PIN on the device.".to_owned(),
            Self::WrongApp { kind, wanted, .. } => {
                format!("Open the {wanted} app on the {kind}, then try again.")
            }
            Self::WrongCoin { wanted, .. } => format!("Open the app that serves {wanted} on the device."),
            Self::NoPermission { .. } => {
                format!(
                    "Put the udev rules of the Devices page into {UDEV_FILE}, then unplug the device and plug it in again."
                )
            }
            Self::Busy { .. } => {
                "Answer the question on the device, and close Ledger Live and other wallets that use it.".to_owned()
            }
            Self::Several { .. } => "Unplug all but the one you mean.".to_owned(),
            Self::Gone { kind } => format!("Plug the {kind} in again, unlock it and {}.", open_app(*kind)),
            Self::BadAnswer { .. } => "Unplug the device, plug it in again and try once more.".to_owned(),
            Self::Status { kind, .. } => {
                format!("Close and open the app on the {kind}, and look whether it has an update.")
            }
            Self::OtherKey { .. } => {
                "The signature was thrown away; check that this is the device with your collateral.".to_owned()
            }
            Self::Unsupported { .. } => "This step needs another way or another device.".to_owned(),
            Self::PreviousTx => "Nothing was signed; connect to a node you trust and try again.".to_owned(),
            Self::Path(_) => "Write the path as m/44'/5'/0'/0/0.".to_owned(),
            Self::BadSpec { .. } => "Write ledger, trezor or ledger@host:port.".to_owned(),
        };
        Some(text)
    }
}

fn open_app(kind: Kind) -> &'static str {
    match kind {
        Kind::Ledger => "open its coin's app",
        Kind::Trezor => "wait until it shows its home screen",
    }
}
