//! Of devices.

use super::Advice;
use crate::hw::diagnosis::udev;
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
            Self::NoApp { kind, wanted } => format!("Open the {wanted} app on the {kind}, then try again."),
            Self::WrongCoin { wanted, .. } => format!("Open the app that serves {wanted} on the device."),
            Self::NoPermission { kind, .. } => {
                format!(
                    "Put the udev rules of the Devices page into {}, then unplug the device and plug it in again.",
                    udev::path(*kind).display()
                )
            }
            Self::Busy { kind } => {
                format!(
                    "Answer the question on the device, and close {} and other wallets that use it.",
                    makers_program(*kind)
                )
            }
            Self::HeldBy { process, .. } => format!("Close {process}, then try again."),
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
            Self::Failure { .. } => {
                "Look at what the device says, and whether its firmware has an update.".to_owned()
            }
            Self::NotInitialised { kind } => {
                format!("Set the {kind} up with {} first.", makers_program(*kind))
            }
            Self::Bootloader { kind } => {
                format!("Unplug the {kind} and plug it in again without holding its buttons.")
            }
            Self::NoCoinOnModel { .. } => {
                "Only the Trezor One and the Trezor Model T know Dash; use one of them or a Ledger.".to_owned()
            }
            Self::UnknownCoin { .. } => "Use a Ledger for this network.".to_owned(),
            Self::OldApp { .. } => "Update the app with Ledger Live.".to_owned(),
            Self::OldFirmware { .. } => "Update its firmware with Trezor Suite.".to_owned(),
            Self::PinWrong => "Nothing was done; try again. The digits stand elsewhere each time, and after each wrong PIN the device waits longer."
                .to_owned(),
            Self::PinCancelled | Self::PassphraseCancelled => {
                "Nothing was done; try again whenever you like.".to_owned()
            }
            Self::PassphraseTooLong { .. } => "Check what you typed: no Trezor takes one so long.".to_owned(),
            Self::SessionLost { .. } => "Try again; a passphrase has to be entered anew.".to_owned(),
            Self::OtherWallet { .. } => {
                "Try again with the passphrase of the wallet you used so far, or open another wallet on the Devices page."
                    .to_owned()
            }
            Self::ForbiddenPath { .. } => {
                "A Trezor signs only with keys of its coin's own accounts; move the coin to one of those.".to_owned()
            }
            Self::TimedOut { kind } => format!("Unplug the {kind}, plug it in again and try once more."),
            Self::BadSpec { .. } => "Write ledger, trezor, ledger@usb:3-2.1 as `device list` shows it, or ledger@host:port.".to_owned(),
        };
        Some(text)
    }

    fn is_calm(&self) -> bool {
        matches!(
            self,
            Self::Declined | Self::PinWrong | Self::PinCancelled | Self::PassphraseCancelled | Self::Locked { .. }
        )
    }
}

impl Advice for udev::UdevError {
    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::NoPkexec => "Copy the rules into the file yourself, as root.",
            Self::Refused => {
                "Try again with an administrator's password, or ask an administrator to put the file there."
            }
            Self::Failed { .. } => "Copy the rules into the file yourself, as root.",
        };
        Some(text.to_owned())
    }

    fn is_calm(&self) -> bool {
        matches!(self, Self::Refused)
    }
}

fn open_app(kind: Kind) -> &'static str {
    match kind {
        Kind::Ledger => "open its coin's app",
        Kind::Trezor => "wait until it shows its home screen",
    }
}

/// What else on this computer talks to such a device, and sets it up.
fn makers_program(kind: Kind) -> &'static str {
    match kind {
        Kind::Ledger => "Ledger Live",
        Kind::Trezor => "Trezor Suite",
    }
}
