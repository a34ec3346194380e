//! A timeline in sentences, as a table, and as a document: the same for window and terminal.

use serde_json::{Map, Value, json};

use super::{Change, Platform, Timeline};
use crate::flow::export::Table;
use crate::flow::words::grouped;
use crate::protocol::bls::Scheme;
use crate::protocol::masternode::{BanReason, OperatorKey, Status};
use crate::protocol::special_tx::Service;
use crate::protocol::{Address, KeyId, Profile};
use crate::store::history::Event;

const COLUMNS: [&str; 10] = [
    "height",
    "time",
    "event",
    "from",
    "to",
    "reason",
    "amount",
    "quorumType",
    "quorumHash",
    "quorumHeight",
];

/// What happened, in a few words, without the height.
pub fn sentence(change: &Change, profile: &Profile) -> String {
    match change {
        Change::Registered { reason: None, .. } => "registered".to_owned(),
        Change::Registered { reason: Some(_), .. } => "registered without an address".to_owned(),
        Change::Removed => "left the list: its collateral was spent or registered again".to_owned(),
        Change::Penalty { from, to } if to > from => {
            format!("score rose from {} to {}", grouped(*from), grouped(*to))
        }
        Change::Penalty { from, to } => format!("score reset from {} to {}", grouped(*from), grouped(*to)),
        Change::Dkg { kind, quorum, height } => {
            let short: String = quorum
                .to_string()
                .chars()
                .rev()
                .take(8)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            format!(
                "failed the DKG of {kind} ..{short}, begun at height {}",
                grouped(*height)
            )
        }
        Change::Status { to, reason, .. } => match reason {
            None => "enabled again".to_owned(),
            Some(BanReason::Revoked { .. }) => "revoked by its operator".to_owned(),
            Some(reason) => format!("{}: {}", told(*to), reason.word()),
        },
        Change::Paid { amount: Some(amount) } => format!("paid {}", amount.short()),
        Change::Paid { amount: None } => "paid".to_owned(),
        Change::Service { to, .. } if to.is_none() => "address removed".to_owned(),
        Change::Service { to, .. } => format!("address changed to {to}"),
        Change::OperatorKey { to, .. } if to.is_revoked() => "operator key given up".to_owned(),
        Change::OperatorKey { .. } => "operator key changed".to_owned(),
        Change::Voting { to, .. } => format!("voting address changed to {}", text(key(*to, profile))),
        Change::Payout { to, .. } => format!("payout address changed to {}", text(address(*to, profile))),
        Change::OperatorPayout { to: None, .. } => "operator payout address removed".to_owned(),
        Change::OperatorPayout { to, .. } => {
            format!("operator payout address changed to {}", text(address(*to, profile)))
        }
        Change::Platform { .. } => "Platform's node or ports changed".to_owned(),
    }
}

fn told(status: Status) -> &'static str {
    match status {
        Status::Enabled | Status::Penalised => "enabled",
        Status::PoseBanned => "banned",
        Status::WaitingForService => "waiting for a service update",
        Status::Revoked => "revoked",
    }
}

/// One row for each event.
pub fn table(timeline: &Timeline, profile: &Profile) -> Table {
    let mut table = Table::new(COLUMNS);
    table.rows.extend(timeline.events.iter().map(|event| {
        let mut row = row(event, profile);
        COLUMNS
            .iter()
            .map(|column| row.remove(*column).unwrap_or(Value::Null))
            .collect::<Vec<_>>()
    }));
    table
}

/// All of it. `penalty` has a list of points (height, score) for each stretch that is known, to be joined by straight lines.
pub fn document(timeline: &Timeline, profile: &Profile) -> Value {
    let covered = timeline
        .covered
        .iter()
        .map(|range| json!({ "from": range.from, "to": range.to, "step": range.step }));
    let payments = timeline.payments.iter().map(|payment| {
        json!({
            "height": payment.height,
            "time": payment.time,
            "amount": payment.amount.map(|amount| amount.to_string()),
        })
    });
    json!({
        "proTxHash": timeline.hash.to_string(),
        "height": timeline.tip.height,
        "covered": covered.collect::<Value>(),
        "events": timeline.events.iter().map(|event| Value::Object(row(event, profile))).collect::<Value>(),
        "payments": payments.collect::<Value>(),
        "penalty": timeline.lines,
    })
}

/// Only the members that say something.
fn row(event: &Event, profile: &Profile) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("height", json!(event.height));
    put("time", json!(event.time));
    put("event", json!(event.change.name()));
    if let Some((from, to)) = ends(&event.change, profile) {
        put("from", from);
        put("to", to);
    }
    match &event.change {
        Change::Registered {
            reason: Some(reason), ..
        }
        | Change::Status {
            reason: Some(reason), ..
        } => {
            put("reason", json!(because(*reason)));
        }
        Change::Paid { amount } => {
            put("amount", json!(amount.map(|amount| amount.to_string())));
        }
        Change::Dkg { kind, quorum, height } => {
            put("quorumType", json!(kind));
            put("quorumHash", json!(quorum.to_string()));
            put("quorumHeight", json!(height));
        }
        _ => {}
    }
    out
}

/// A word, and for a revocation its number.
fn because(reason: BanReason) -> String {
    match reason {
        BanReason::Revoked { reason } => format!("revoked {reason}"),
        other => other.word().to_owned(),
    }
}

fn ends(change: &Change, profile: &Profile) -> Option<(Value, Value)> {
    Some(match change {
        Change::Registered { status, .. } => (Value::Null, json!(status.as_text())),
        Change::Penalty { from, to } => (json!(from), json!(to)),
        Change::Status { from, to, .. } => (json!(from.as_text()), json!(to.as_text())),
        Change::Service { from, to } => (service(from), service(to)),
        Change::OperatorKey { from, to } => (operator(from), operator(to)),
        Change::Voting { from, to } => (key(*from, profile), key(*to, profile)),
        Change::Payout { from, to } | Change::OperatorPayout { from, to } => {
            (address(*from, profile), address(*to, profile))
        }
        Change::Platform { from, to } => (platform(from), platform(to)),
        Change::Removed | Change::Dkg { .. } | Change::Paid { .. } => return None,
    })
}

fn service(service: &Service) -> Value {
    json!(service.to_string())
}

fn operator(key: &OperatorKey) -> Value {
    json!(key.to_hex(Scheme::Basic))
}

fn key(id: Option<KeyId>, profile: &Profile) -> Value {
    address(id.map(KeyId::address), profile)
}

fn address(address: Option<Address>, profile: &Profile) -> Value {
    json!(address.map(|address| address.to_text(profile)))
}

fn platform(platform: &Platform) -> Value {
    let port = |port: Option<u16>| port.map_or_else(|| "-".to_owned(), |port| port.to_string());
    let node = platform.node_id.as_deref().unwrap_or("-");
    json!(format!(
        "{node} {} {}",
        port(platform.p2p_port),
        port(platform.http_port)
    ))
}

fn text(value: Value) -> String {
    crate::flow::export::text(&value)
}
