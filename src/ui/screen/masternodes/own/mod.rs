//! One masternode: what it is doing, what to mind, what can be done with it, what was, what would be if it failed, every field.

mod change;
mod details;
mod state;

use iced::Element;
use iced::widget::column;

use super::{Message, words};
use crate::flow::overview::{Masternode, Overview};
use crate::flow::warning::Warning;
use crate::protocol::{ProTxHash, Profile};
use crate::ui::theme::Gap;
use crate::ui::widget::{copy_row, page, panel, secondary_button, warning};

/// A page that is open.
pub(super) struct Own {
    pub hash: ProTxHash,
    /// Operations may be begun whose key is not in this vault.
    pub elsewhere: bool,
}

/// What it shows.
pub(super) struct Shown<'a> {
    pub overview: &'a Overview,
    pub masternode: &'a Masternode,
    pub profile: &'a Profile,
    pub warnings: &'a [Warning],
}

impl Own {
    pub(super) fn new(hash: ProTxHash) -> Self {
        Self { hash, elsewhere: false }
    }

    pub(super) fn view<'a>(&'a self, shown: &Shown<'a>) -> Element<'a, Message> {
        let masternode = shown.masternode;
        let parts = column![]
            .extend(state::warnings(shown))
            .push(panel("State", state::view(shown)))
            .push(panel("Change it", change::view(masternode, self.elsewhere)))
            .push(panel("Roles held here", details::roles(masternode)))
            .push(panel("Keys and addresses", details::keys(masternode, shown.profile)))
            .push(panel("Registration", details::registration(masternode, shown.profile)));
        page(title(masternode), back(), parts.spacing(Gap::M))
    }

    /// It was asked for and the list does not have it (yet).
    pub(super) fn view_missing(&self, listed: bool) -> Element<'_, Message> {
        let words = if listed {
            "The list does not have this masternode. If it was just registered, it appears with the next block."
        } else {
            "Reading the masternode list…"
        };
        let hash = copy_row("proTxHash", self.hash.to_string(), Message::Copy);
        page("Masternode", back(), column![warning(words), hash].spacing(Gap::M))
    }
}

fn back<'a>() -> Element<'a, Message> {
    secondary_button("Back to the list").on_press(Message::Back).into()
}

/// Its name where it has one here, and its address.
fn title(masternode: &Masternode) -> String {
    let service = &masternode.entry.state.service;
    let address = if service.is_none() {
        "Masternode without address".to_owned()
    } else {
        service.to_string()
    };
    if masternode.roles.any() {
        format!("{} · {address}", words::short_name(&masternode.name))
    } else {
        address
    }
}
