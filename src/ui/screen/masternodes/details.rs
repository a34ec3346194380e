//! One masternode: every field, what it means, and which of its keys are held here.

use iced::widget::{Row, column, row};
use iced::{Element, Length};

use super::{Message, status_word};
use crate::flow;
use crate::flow::overview::{Masternode, Overview};
use crate::protocol::masternode::{OperatorKey, Status};
use crate::protocol::{ProTxHash, Profile};
use crate::ui::format;
use crate::ui::screen::update::{ELSEWHERE, What};
use crate::ui::theme::Gap;
use crate::ui::widget::{
    badge, copy_row, hint, key_element, key_value, muted, page, panel, primary_button, secondary_button, segments,
    warning,
};

pub(super) fn view<'a>(
    overview: &'a Overview,
    masternode: &'a Masternode,
    profile: &'a Profile,
    elsewhere: bool,
) -> Element<'a, Message> {
    let service = &masternode.entry.state.service;
    let name = if service.is_none() {
        "Masternode without address".to_owned()
    } else {
        service.to_string()
    };
    let back = secondary_button("Back to the list").on_press(Message::Back);
    let parts = column![
        panel("State", state(overview, masternode)),
        panel("Change it", operations(masternode, elsewhere)),
        panel("Roles held here", roles(masternode)),
        panel("Keys and addresses", keys(masternode, profile)),
        panel("Registration", registration(masternode, profile))
    ];
    page(name, back, parts.spacing(Gap::M))
}

/// It was asked for and the list does not have it (yet).
pub(super) fn missing<'a>(hash: ProTxHash, listed: bool) -> Element<'a, Message> {
    let words = if listed {
        "The list does not have this masternode. If it was just registered, it appears with the next block."
    } else {
        "Reading the masternode list…"
    };
    let content = column![warning(words), copy_row("proTxHash", hash.to_string(), Message::Copy)].spacing(Gap::M);
    page(
        "Masternode",
        secondary_button("Back to the list").on_press(Message::Back),
        content,
    )
}

fn state<'a>(overview: &'a Overview, masternode: &'a Masternode) -> Element<'a, Message> {
    let entry = &masternode.entry;
    let (word, tone) = status_word(entry.status());
    let chip = row![badge(word, tone), muted(entry.status().as_text())]
        .spacing(Gap::S)
        .align_y(iced::Center);
    let mut lines = column![
        key_element("Status", chip),
        key_value("Meaning", explanation(masternode)),
        key_value("PoSe penalty", pose_line(masternode)),
        key_value("Payment queue", queue_line(masternode)),
        key_value("Last paid", format::height(entry.state.last_paid_height)),
    ];
    if let Some(banned) = entry.state.pose_ban_height {
        lines = lines.push(key_value("Banned at", format::height(banned)));
    }
    if let Some(revived) = entry.state.pose_revived_height {
        lines = lines.push(key_value("Revived at", format::height(revived)));
    }
    lines
        .push(key_value("As of block", format::height(overview.tip.height)))
        .spacing(Gap::S)
        .into()
}

/// What can be done with it. A button whose key is not here says so, and how it can be done all the same.
fn operations<'a>(masternode: &'a Masternode, elsewhere: bool) -> Element<'a, Message> {
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

/// What the status means and what follows from it.
fn explanation(masternode: &Masternode) -> String {
    match masternode.entry.status() {
        Status::Enabled => "It serves and is in the payment queue.".to_owned(),
        Status::Penalised => "It missed a DKG session; the penalty falls by one with every block.".to_owned(),
        Status::PoseBanned => {
            "It missed too many DKG sessions and is not paid. Its operator brings it back with a ProUpServTx once the server works.".to_owned()
        }
        Status::WaitingForService => {
            "It has no address, or its operator key was changed. Its operator announces an address with a ProUpServTx; until then it is not paid.".to_owned()
        }
        Status::Revoked => {
            let reason = masternode.entry.state.revocation_reason;
            format!("Its operator gave up (reason {reason}). Its owner names a new operator with a ProUpRegTx.")
        }
    }
}

fn pose_line(masternode: &Masternode) -> String {
    let outlook = &masternode.outlook;
    let line = format!("{} of {}", outlook.penalty, outlook.max);
    if masternode.entry.is_banned() {
        return line;
    }
    match outlook.failures_survivable {
        0 => format!(
            "{line}: the next missed DKG bans it; safe again in {} blocks",
            format::grouped(outlook.blocks_to_safe)
        ),
        n => format!(
            "{line}: survives {}",
            format::count(n as usize, "missed DKG", "missed DKGs")
        ),
    }
}

fn queue_line(masternode: &Masternode) -> String {
    let (Some(slot), Some(time)) = (masternode.slot, masternode.expected_time.map(|time| time.likely)) else {
        return "not in the queue".to_owned();
    };
    let now = flow::now();
    format!(
        "{} of {}, paid in block {}, {}",
        format::grouped(slot.position),
        format::grouped(masternode.queue_length),
        format::height(slot.height),
        format::relative(now, time.max(now))
    )
}

fn roles<'a>(masternode: &'a Masternode) -> Element<'a, Message> {
    let roles = &masternode.roles;
    if !roles.any() {
        return muted("This vault holds none of its keys.").into();
    }
    let held = [
        ("Owner", &roles.owner, "can change operator, voting key and payout"),
        ("Voting", &roles.voting, "can vote"),
        ("Operator", &roles.operator, "can announce its address and revoke"),
    ];
    let lines = held.into_iter().filter_map(|(role, label, can)| {
        label
            .as_ref()
            .map(|label| key_value(role, format!("{label}: {can}")).into())
    });
    column(lines).spacing(Gap::S).into()
}

fn keys<'a>(masternode: &'a Masternode, profile: &'a Profile) -> Element<'a, Message> {
    let state = &masternode.entry.state;
    let address = |id: crate::protocol::KeyId| id.address().to_text(profile);
    let encoding = masternode.entry.key_encoding();
    let mut lines = column![].spacing(Gap::S);
    lines = lines.push(optional("Owner address", state.owner.map(address)));
    lines = lines.push(optional("Voting address", state.voting.map(address)));
    lines = lines.push(optional(
        "Payout address",
        state.payout.map(|payout| payout.to_text(profile)),
    ));
    lines = match state.operator {
        OperatorKey::Revoked => lines.push(key_value("Operator public key", "revoked")),
        key => lines
            .push(copy_row("Operator public key", key.to_hex(encoding), Message::Copy))
            .push(key_value("Encoding of the key", encoding.to_string())),
    };
    lines = lines.push(key_value(
        "Operator reward",
        format::percent(masternode.entry.operator_reward),
    ));
    if masternode.entry.operator_reward > 0 {
        let payout = state.operator_payout.map(|payout| payout.to_text(profile));
        lines = lines.push(optional("Operator payout", payout));
    }
    if let Some(node) = &state.platform_node_id {
        lines = lines.push(copy_row("Platform node id", node.clone(), Message::Copy));
    }
    lines.into()
}

fn optional<'a>(name: &'a str, value: Option<String>) -> iced::widget::Row<'a, Message> {
    match value {
        Some(value) => copy_row(name, value, Message::Copy),
        None => key_value(name, "none"),
    }
}

fn registration<'a>(masternode: &'a Masternode, profile: &'a Profile) -> Element<'a, Message> {
    let entry = &masternode.entry;
    let amount = profile
        .collateral(entry.kind)
        .map(|amount| format::amount(amount, profile))
        .unwrap_or_default();
    let confirmations = entry
        .confirmations
        .map_or_else(|| "not told by the node".to_owned(), format::grouped);
    column![
        copy_row("proTxHash", entry.pro_tx_hash.to_string(), Message::Copy),
        key_value("Type", entry.kind.to_string()),
        copy_row("Collateral", entry.collateral.to_string(), Message::Copy),
        key_value("Collateral amount", amount),
        key_value("Its confirmations", confirmations),
        key_value("Registered at", format::height(entry.state.registered_height)),
        key_value("State version", entry.state.version.to_string())
    ]
    .spacing(Gap::S)
    .into()
}
