//! What is wrong with a device and what to do, by the typed error; for a missing udev rule the rule itself.

use iced::Element;
use iced::widget::{column, row};

use super::{Message, Rules, Shown};
use crate::hw::diagnosis::udev;
use crate::hw::{DeviceError, Kind};
use crate::ui::theme::Gap;
use crate::ui::widget::{
    body, card, error_notice, mono, muted, not_ready_notice, secondary_button, success, text_button,
};

pub fn view<'a>(error: &'a DeviceError, shown: &Shown<'a>) -> Element<'a, Message> {
    let notice = not_ready_notice(error);
    match error {
        DeviceError::NoPermission { kind, .. } => column![notice, rules(*kind, shown.rules)].spacing(Gap::M).into(),
        _ => notice.into(),
    }
}

/// Linux lets only root talk to USB devices until a rule says otherwise.
fn rules<'a>(kind: Kind, state: &'a Rules) -> Element<'a, Message> {
    let (file, rules) = (udev::path(kind).display().to_string(), udev::text(kind));
    let install = (!matches!(state, Rules::Installing { .. })).then_some(Message::InstallRules(kind));
    let buttons = row![
        secondary_button("Install").on_press_maybe(install),
        text_button("Copy the rules").on_press(Message::Copy(rules.to_owned())),
        text_button("Copy the file name").on_press(Message::Copy(file.clone()))
    ];
    let mut parts = column![
        body(format!(
            "Linux lets only root open it until this file is there: {file}. “Install” asks for an administrator's password and \
             writes it; or put it there yourself. If it is there already, unplug the device and plug it in again."
        )),
        card(mono(rules.trim_end())),
        buttons.spacing(Gap::S).align_y(iced::Center).wrap().vertical_spacing(Gap::S)
    ]
    .spacing(Gap::S);
    parts = match state {
        Rules::Idle => parts,
        Rules::Installing { .. } => parts.push(muted("Installing. The system asks for a password.")),
        Rules::Installed => parts.push(success(
            "Installed. If it is still not opened, unplug the device and plug it in again.",
        )),
        Rules::Failed(error) => parts.push(error_notice(error)),
    };
    parts.into()
}
