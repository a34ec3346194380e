//! `list`: masternodes with PoSe outlook and queue position.

use std::cmp::Ordering;
use std::process::ExitCode;

use super::args::ListArgs;
use super::output::Failure;
use super::saved;
use super::session::Session;
use crate::flow::overview::column::{self, Column};
use crate::flow::overview::{Masternode, Overview};
use crate::flow::words::date_time;
use crate::protocol::Profile;

pub async fn run(session: &Session, args: ListArgs) -> Result<ExitCode, Failure> {
    let profile = session.profile()?;
    let source = saved::read(session, &args.saved, &profile).await?;
    let everything = args.all || args.saved.snapshot.is_some();
    let shown = chosen(&source.overview, &args, everything, &profile);
    if args.csv {
        return Ok(session.output.text(&column::table(Column::ALL, shown, &profile).csv()));
    }
    let document = column::table(Column::fixed(), shown.iter().copied(), &profile).json();
    Ok(session
        .output
        .done(&document, || table(&shown, &source.overview, everything)))
}

fn chosen<'a>(overview: &'a Overview, args: &ListArgs, everything: bool, profile: &Profile) -> Vec<&'a Masternode> {
    let needle = args.filter.as_deref().unwrap_or_default().to_lowercase();
    let mut shown: Vec<&Masternode> = overview
        .masternodes
        .iter()
        .filter(|each| (everything || each.mine) && column::matches(each, &needle, profile))
        .collect();
    if let Some(column) = args.sort {
        sort(&mut shown, column, args.descending, profile);
    }
    shown
}

/// What has no value comes last, in either direction.
fn sort(shown: &mut Vec<&Masternode>, column: Column, descending: bool, profile: &Profile) {
    let mut keyed: Vec<_> = shown.iter().map(|each| (column.order(each, profile), *each)).collect();
    keyed.sort_by(|(a, _), (b, _)| match (a.is_nothing(), b.is_nothing()) {
        (false, false) if descending => b.cmp(a),
        (false, false) => a.cmp(b),
        (true, true) => Ordering::Equal,
        (a, b) => a.cmp(&b),
    });
    *shown = keyed.into_iter().map(|(_, each)| each).collect();
}

fn table(shown: &[&Masternode], overview: &Overview, everything: bool) -> String {
    if shown.is_empty() && !everything {
        return format!(
            "none of the {} masternodes is yours (unlock the vault to find yours by their keys; --all lists every one)",
            overview.masternodes.len()
        );
    }
    let mut lines = vec![line([
        "proTxHash",
        "name",
        "type",
        "status",
        "address",
        "PoSe",
        "level",
        "queue",
        "next payment",
    ])];
    lines.extend(shown.iter().map(|each| row(each)));
    lines.join("\n")
}

fn row(masternode: &Masternode) -> String {
    let entry = &masternode.entry;
    let queue = masternode.slot.map_or_else(
        || "-".to_owned(),
        |slot| format!("{}/{}", slot.position, masternode.queue_length),
    );
    let time = masternode.expected_time.map(|time| date_time(time.likely));
    line([
        &entry.pro_tx_hash.to_string(),
        &masternode.name,
        &entry.kind.to_string(),
        entry.status().as_text(),
        &entry.state.service.to_string(),
        &format!("{}/{}", entry.state.pose_penalty, masternode.outlook.max),
        crate::flow::overview::words::level(masternode.level),
        &queue,
        time.as_deref().unwrap_or("-"),
    ])
}

fn line(cells: [&str; 9]) -> String {
    let [hash, name, kind, status, service, pose, level, queue, time] = cells;
    format!("{hash:<64} {name:<12} {kind:<8} {status:<20} {service:<22} {pose:>11} {level:<7} {queue:>11}  {time}")
}
