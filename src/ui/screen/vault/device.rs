//! The way in by a device: the offer, and what the user does while it asks.

use iced::Element;
use iced::widget::column;
use iced::widget::text::Wrapping;

use super::Message;
use crate::flow::unlock::{Reason, Step};
use crate::hw::Kind;
use crate::ui::screen::devices::Seen;
use crate::ui::theme::Gap;
use crate::ui::widget::{body, card, heading, help, mono, muted, secondary_button};

/// One kind of device that opens the vault.
pub fn way_in<'a>(kind: Kind, seen: &'a Seen) -> Element<'a, Message> {
    let is_it = matches!(seen, Seen::Open { kind: found, info: Ok(_), .. } if *found == kind);
    let button = secondary_button(format!("Unlock with the {kind}")).on_press_maybe(is_it.then_some(Message::ByDevice));
    let words = if is_it {
        format!(
            "The {kind} asks you each time, so that nobody opens the vault without you. {}",
            shows(kind)
        )
    } else {
        format!("A {kind} opens this vault too. {}", missing(kind, seen))
    };
    card(column![button, help(words)].spacing(Gap::S)).into()
}

fn missing(kind: Kind, seen: &Seen) -> String {
    match seen {
        Seen::Open {
            kind: found,
            info: Ok(_),
            ..
        } if *found != kind => format!("The device in use is a {found}; the Devices page lets you choose."),
        Seen::Open {
            kind: found,
            info: Err(error),
            ..
        } if *found == kind => format!("The one connected is not ready: {error}."),
        _ => "Connect it to use it here.".to_owned(),
    }
}

fn shows(kind: Kind) -> &'static str {
    match kind {
        Kind::Ledger => {
            "It shows \"Sign message\" and a hash, which is shown here too; nothing is paid or registered by it."
        }
        Kind::Trezor => {
            "It shows \"Decrypt value\" and the vault's name, which are shown here too; nothing is paid or registered by it."
        }
    }
}

/// What the user does now.
pub fn asking<'a, M: Clone + 'a>(step: Option<&Step>, cancel: M) -> Element<'a, M> {
    let mut lines = column![].spacing(Gap::M);
    match step {
        None => lines = lines.push(muted("Getting the device ready.")),
        Some(Step::Answered { device }) => lines = lines.push(muted(format!("The {device} has answered."))),
        Some(Step::Confirm { device, reason, shows }) => {
            lines = lines
                .push(heading(format!("Confirm on the {device}")))
                .push(body(why(*device, *reason)))
                .push(mono(shows.clone()).wrapping(Wrapping::WordOrGlyph))
                .push(help("Confirm only if the device shows the same."));
        }
    }
    card(lines.push(secondary_button("Cancel").on_press(cancel))).into()
}

fn why(device: Kind, reason: Reason) -> String {
    let made = match device {
        Kind::Ledger => "its signature under a text that is made for this vault alone",
        Kind::Trezor => "a value that it deciphers for this vault alone",
    };
    match reason {
        Reason::Add => format!("The {device} asks because what opens the vault from now on is {made}."),
        Reason::AddAgain => format!(
            "The {device} asks once more: only if it signs the same way twice can its signature open the vault later."
        ),
        Reason::Unlock => format!("The {device} asks because what opens the vault is {made}."),
    }
}
