//! `history`: what happened to a masternode, as far as it was recorded or is read from the node now.

use std::collections::HashSet;
use std::process::ExitCode;

use sipper::Sipper;

use super::args::HistoryArgs;
use super::choices::pro_tx_hash;
use super::output::Failure;
use super::session::{Need, Session};
use crate::flow::history::{self, Look, Progress, Range, Timeline, words};
use crate::flow::words::{date_time, grouped};
use crate::flow::{Error, Ports};
use crate::protocol::{ProTxHash, Profile};

pub async fn run(session: &Session, args: &HistoryArgs) -> Result<ExitCode, Failure> {
    let hash = pro_tx_hash(&args.hash)?;
    let (_connection, ports) = session.ports_without_device(Need::IfOpen).await?;
    note(&ports, hash).await?;
    if args.rebuild {
        rebuild(session, &ports, hash, args.since).await?;
    }
    let mut timeline = history::timeline(&ports, hash).await?;
    if !timeline.was_ever_listed() {
        return Err(Error::NoSuchMasternode { hash: hash.to_string() }.into());
    }
    if let Some(height) = args.since {
        timeline = timeline.since(height);
    }
    if args.csv {
        return Ok(session.output.text(&words::table(&timeline, &ports.profile).csv()));
    }
    let document = words::document(&timeline, &ports.profile);
    Ok(session.output.done(&document, || sentences(&timeline, &ports.profile)))
}

/// A masternode that is looked at is recorded from then on.
async fn note(ports: &Ports, hash: ProTxHash) -> Result<(), Failure> {
    let list = ports.node.masternodes().await?;
    if list.find(hash).is_some() {
        history::follow(ports, &HashSet::from([hash]), None, &Look::from(&list)).await?;
    }
    Ok(())
}

async fn rebuild(session: &Session, ports: &Ports, hash: ProTxHash, since: Option<u32>) -> Result<(), Failure> {
    let mut reading = history::rebuild(ports.clone(), vec![hash], since).pin();
    while let Some(Progress { done, of }) = reading.sip().await {
        let line = format!("read {} of {} blocks", grouped(done), grouped(of));
        session.output.progress(&line);
    }
    let found = reading.await?;
    let line = format!(
        "{} events in {} blocks, from {} questions to the node",
        grouped(found.events as u64),
        grouped(found.blocks),
        grouped(found.calls)
    );
    session.output.progress(&line);
    Ok(())
}

fn sentences(timeline: &Timeline, profile: &Profile) -> String {
    let mut lines: Vec<String> = timeline.covered.iter().map(known).collect();
    lines.extend(timeline.events.iter().map(|event| {
        format!(
            "{:>9}  {:<20}  {}",
            event.height,
            event.time.map(date_time).unwrap_or_default(),
            words::sentence(&event.change, profile)
        )
    }));
    if timeline.events.is_empty() {
        lines.push("nothing happened in these blocks; --rebuild reads earlier ones from the node".to_owned());
    }
    lines.join("\n")
}

fn known(range: &Range) -> String {
    let (from, to) = (grouped(range.from), grouped(range.to));
    match range.step {
        1 => format!("known from height {from} to {to}"),
        step => format!("known from height {from} to {to}, heights within {step} blocks"),
    }
}
