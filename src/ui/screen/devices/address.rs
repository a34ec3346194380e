//! An address shown on the device, to be compared with the one that is computed here.

use bitcoin::bip32::DerivationPath;
use iced::widget::column;
use iced::{Element, task};

use super::{Devices, Message};
use crate::hw::{DeviceError, Kind};
use crate::protocol::path;
use crate::protocol::{KeyId, Profile};
use crate::ui::theme::Gap;
use crate::ui::widget::{
    copy_row, error_notice, info, input, key_element, key_value, mono, muted, panel, primary_button, success,
};

pub enum Address {
    Nothing,
    /// The device asks its user.
    Asking {
        path: DerivationPath,
        /// Read silently before: what its screen has to show.
        expected: Option<KeyId>,
        _task: task::Handle,
    },
    Confirmed {
        path: DerivationPath,
        key: KeyId,
        on_screen: String,
    },
    Failed(DeviceError),
}

impl Devices {
    pub(super) fn address_view<'a>(&'a self, kind: Kind, profile: &'a Profile) -> Element<'a, Message> {
        let busy = matches!(self.address, Address::Asking { .. });
        let show = self.path.value().filter(|_| !busy).map(|_| Message::ShowAddress);
        let field = input("Path", &self.path, Message::PathEdited)
            .help(format!(
                "The first address of the first account is {}.",
                path::to_text(&path::address(profile, 0, false, 0))
            ))
            .mono()
            .id("device-path")
            .on_submit_maybe(show.clone());
        let mut content = column![field, primary_button("Show on the device").on_press_maybe(show)].spacing(Gap::S);
        content = match &self.address {
            Address::Nothing => content,
            Address::Asking { path, expected, .. } => {
                content.push(asking(path, expected.map(|key| as_on_screen(key, kind, profile))))
            }
            Address::Confirmed { path, key, on_screen } => content.push(confirmed(path, *key, on_screen, profile)),
            Address::Failed(error) => content.push(error_notice(error)),
        };
        panel("Show an address on the device", content).into()
    }
}

fn asking<'a>(path: &DerivationPath, expected: Option<String>) -> Element<'a, Message> {
    let path = path::to_text(path);
    let mut lines = column![info(format!(
        "The device shows the address of {path}. Approve it there if it is this one."
    ))];
    if let Some(address) = expected {
        lines = lines.push(key_element("On its screen", mono(address)));
    }
    lines.spacing(Gap::S).into()
}

/// An address as the device writes it: the Ledger's app shows a fork without an own app with its parent's prefix.
fn as_on_screen(key: KeyId, kind: Kind, profile: &Profile) -> String {
    let mut shown = profile.clone();
    if kind == Kind::Ledger {
        shown.pubkey_prefix = profile.devices.ledger_pubkey_prefix;
    }
    key.address().to_text(&shown)
}

fn confirmed<'a>(path: &DerivationPath, key: KeyId, on_screen: &str, profile: &Profile) -> Element<'a, Message> {
    let here = key.address().to_text(profile);
    let mut lines = column![
        success(format!("Confirmed on the device for {}.", path::to_text(path))),
        copy_row("Address", here.clone(), Message::Copy)
    ]
    .spacing(Gap::S);
    if here != on_screen {
        lines = lines
            .push(key_value("As the device wrote it", on_screen))
            .push(muted(format!(
                "The app writes this key with another coin's prefix; on {} its address is the one above.",
                profile.name
            )));
    }
    lines.into()
}
