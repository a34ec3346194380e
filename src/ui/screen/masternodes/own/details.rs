//! Every field, and which of its keys are held here.

use iced::Element;
use iced::widget::column;

use super::super::Message;
use crate::flow::overview::Masternode;
use crate::protocol::Profile;
use crate::protocol::masternode::OperatorKey;
use crate::ui::format;
use crate::ui::theme::Gap;
use crate::ui::widget::{copy_row, key_value, muted};

pub(super) fn roles<'a>(masternode: &'a Masternode) -> Element<'a, Message> {
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

pub(super) fn keys<'a>(masternode: &'a Masternode, profile: &'a Profile) -> Element<'a, Message> {
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

pub(super) fn registration<'a>(masternode: &'a Masternode, profile: &'a Profile) -> Element<'a, Message> {
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
