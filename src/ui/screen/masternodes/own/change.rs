//! What can be done with it, and with whose key.

use iced::widget::{Row, column, row};
use iced::{Element, Length};

use super::super::Message;
use crate::flow::overview::Masternode;
use crate::protocol::masternode::OperatorKey;
use crate::ui::screen::update::{ELSEWHERE, What};
use crate::ui::theme::Gap;
use crate::ui::widget::{hint, muted, primary_button, secondary_button, segments};

/// What can be done with it. A button whose key is not here says so, and how it can be done all the same.
pub(super) fn view<'a>(masternode: &'a Masternode, elsewhere: bool) -> Element<'a, Message> {
    let hash = masternode.entry.pro_tx_hash;
    let press = |what: What| {
        let hinted = what.hint(masternode, elsewhere);
        let message = hinted.is_ok().then_some(Message::Update(hash, what));
        (message, hinted.unwrap_or_else(|reason| reason))
    };
    let button = |what: What| {
        let (message, sentence) = press(what);
        hint(secondary_button(what.name()).on_press_maybe(message), Some(sentence))
    };
    let mut buttons: Vec<Element<'a, Message>> = What::ALL.into_iter().map(button).collect();
    if masternode.entry.is_banned() {
        let (message, sentence) = press(What::Revive);
        let revive = primary_button(What::Revive.name()).on_press_maybe(message);
        buttons.insert(0, hint(revive, Some(sentence)));
    }
    let buttons = Row::with_children(buttons)
        .spacing(Gap::S)
        .wrap()
        .vertical_spacing(Gap::S);
    let mut parts = column![buttons].spacing(Gap::M);
    if let Some(words) = not_here(masternode) {
        let choices = [(false, "Keys of this vault".to_owned()), (true, ELSEWHERE.to_owned())];
        let line = row![
            muted(words).width(Length::Fill),
            segments(choices, elsewhere, Message::Elsewhere)
        ];
        parts = parts.push(line.spacing(Gap::M).align_y(iced::Center));
    }
    parts.into()
}

/// Which of the keys that sign are missing.
fn not_here(masternode: &Masternode) -> Option<&'static str> {
    let roles = &masternode.roles;
    match (&roles.owner, &roles.operator) {
        (Some(_), Some(_)) => None,
        (None, None) => Some("Neither the owner key nor the operator key is in this vault."),
        (None, Some(_)) => Some("The owner key is not in this vault."),
        (Some(_), None) if masternode.entry.state.operator == OperatorKey::Revoked => None,
        (Some(_), None) => Some("The operator key is not in this vault."),
    }
}
