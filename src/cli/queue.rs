//! `queue`: who the next blocks pay, when about, and how much.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::QueueArgs;
use super::output::Failure;
use super::saved;
use super::session::Session;
use crate::flow::export::Table;
use crate::flow::overview::Overview;
use crate::flow::overview::forecast::{Upcoming, paid};
use crate::flow::words::{count, date_time, grouped};
use crate::protocol::Profile;
use crate::protocol::masternode::reward::Reward;

pub async fn run(session: &Session, args: QueueArgs) -> Result<ExitCode, Failure> {
    let profile = session.profile()?;
    let source = saved::read(session, &args.saved, &profile).await?;
    let overview = &source.overview;
    let many = if args.all { overview.round() } else { args.next as usize };
    let mut next = overview.upcoming(many, &profile);
    next.retain(|each| each.masternode.mine || !args.mine);
    let rows: Vec<Value> = next.iter().map(|each| row(each, &profile)).collect();
    if args.csv {
        return Ok(session.output.text(&table(&rows).csv()));
    }
    let document = Value::Array(rows);
    Ok(session
        .output
        .done(&document, || sentences(&next, overview, &profile, many)))
}

const COLUMNS: [&str; 14] = [
    "height",
    "proTxHash",
    "type",
    "name",
    "mine",
    "service",
    "payoutAddress",
    "operatorPayoutAddress",
    "time",
    "timeEarliest",
    "timeLatest",
    "ownerAmount",
    "operatorAmount",
    "platformAmount",
];

/// `name` is null unless it is mine: other masternodes have none.
fn row(payment: &Upcoming<'_>, profile: &Profile) -> Value {
    let masternode = payment.masternode;
    let (entry, state) = (&masternode.entry, &masternode.entry.state);
    let address = |address: Option<crate::protocol::Address>| address.map(|address| address.to_text(profile));
    let mut row = json!({
        "height": payment.height,
        "proTxHash": entry.pro_tx_hash.to_string(),
        "type": entry.kind.to_string(),
        "name": masternode.mine.then_some(&masternode.name),
        "mine": masternode.mine,
        "service": state.service.to_string(),
        "payoutAddress": address(state.payout),
        "operatorPayoutAddress": address(state.operator_payout),
        "time": payment.time.map(|time| time.likely),
        "timeEarliest": payment.time.map(|time| time.earliest),
        "timeLatest": payment.time.map(|time| time.latest),
    });
    let amounts = payment.reward.as_ref().map(amounts);
    for key in ["ownerAmount", "operatorAmount", "platformAmount"] {
        row[key] = json!(amounts.as_ref().map(|amounts| &amounts[key]));
    }
    row
}

/// Coins, as text.
pub fn amounts(reward: &Reward) -> Value {
    json!({
        "ownerAmount": reward.owner.to_string(),
        "operatorAmount": reward.operator.to_string(),
        "platformAmount": reward.platform.to_string(),
    })
}

fn table(rows: &[Value]) -> Table {
    let mut table = Table::new(COLUMNS);
    for row in rows {
        table.rows.push(COLUMNS.iter().map(|key| row[*key].clone()).collect());
    }
    table
}

fn sentences(next: &[Upcoming<'_>], overview: &Overview, profile: &Profile, many: usize) -> String {
    if next.is_empty() {
        let of = if overview.queue_length == 0 { "anybody" } else { "yours" };
        return format!("none of the next {} is for {of}", count(many, "payment", "payments"));
    }
    let mut lines = vec![format!(
        "{:>10}  {:<64} {:<14} {:<22} {:<39} amount",
        "block", "proTxHash", "mine", "about", "between (eight times of ten)"
    )];
    lines.extend(next.iter().map(|each| line(each, profile)));
    lines.join("\n")
}

fn line(payment: &Upcoming<'_>, profile: &Profile) -> String {
    let masternode = payment.masternode;
    let (about, between) = match payment.time {
        Some(time) => (
            date_time(time.likely),
            format!("{} .. {}", minute(time.earliest), minute(time.latest)),
        ),
        None => ("-".to_owned(), "-".to_owned()),
    };
    let amount = payment.reward.as_ref().and_then(paid);
    let amount = amount.map(|amount| format!("{} {}", amount.short(), profile.ticker));
    format!(
        "{:>10}  {:<64} {:<14} {about:<22} {between:<39} {}",
        grouped(payment.height),
        masternode.hash(),
        if masternode.mine { masternode.name.as_str() } else { "" },
        amount.unwrap_or_default()
    )
}

/// Without the zone, which the column before tells.
fn minute(unix: u64) -> String {
    date_time(unix).replace(" UTC", "")
}
