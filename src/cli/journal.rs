//! `journal`: operations begun, and going on with an unfinished one.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::JournalCommand;
use super::output::Failure;
use super::register::watch;
use super::review::payload;
use super::session::Session;
use crate::flow::operation::Kind;
use crate::flow::resume;
use crate::protocol::special_tx::Payload;
use crate::store::journal::{Event, Journal, Operation};

pub async fn run(session: &Session, command: Option<JournalCommand>) -> Result<ExitCode, Failure> {
    match command {
        None => list(session),
        Some(JournalCommand::Resume { id }) => go_on(session, id).await,
    }
}

fn list(session: &Session) -> Result<ExitCode, Failure> {
    let operations = Journal::open(&session.made_dirs()?.journal)?.list()?;
    let all: Value = operations.iter().map(row).collect();
    Ok(session.output.done(&all, || {
        if operations.is_empty() {
            return "no operations yet".into();
        }
        let line = |each: &Operation| {
            format!(
                "{:>4}  {:<16} {:<14} {:<12} {}",
                each.id,
                each.kind,
                each.network,
                each.state(),
                each.finished().map(|(txid, _)| txid.to_string()).unwrap_or_default()
            )
        };
        operations.iter().map(line).collect::<Vec<_>>().join("\n")
    }))
}

fn row(operation: &Operation) -> Value {
    json!({
        "id": operation.id,
        "kind": operation.kind,
        "network": operation.network,
        "created": operation.created,
        "state": operation.state(),
        "unfinished": !operation.state().is_over(),
        "txid": operation.finished().map(|(txid, _)| txid.to_string()),
        "events": operation.events.iter().map(|each| event(&each.event)).collect::<Value>(),
    })
}

fn event(event: &Event) -> Value {
    serde_json::to_value(event).unwrap_or(Value::Null)
}

async fn go_on(session: &Session, id: i64) -> Result<ExitCode, Failure> {
    let (_connection, ports) = session.ports_with_vault_if_open().await?;
    session.confirm(&format!("go on with operation {id}?"))?;
    let mut ports = ports;
    let operation = ports.journal.get(id)?;
    // A payment needs no key of the vault.
    let needs_keys = Kind::from_name(&operation.kind).is_some();
    if needs_keys && operation.finished().is_none() && ports.vault.is_none() {
        ports.vault = Some(session.vault()?);
    }
    let profile = Arc::clone(&ports.profile);
    let (outcome, steps) = watch(session, resume::resume(ports, id)).await?;
    let mut document = json!({
        "kind": operation.kind,
        "txid": outcome.txid.to_string(),
        "hex": outcome.tx.to_hex(),
        "height": outcome.height,
        "steps": steps,
    });
    if needs_keys {
        let masternode = Payload::of(&outcome.tx).ok().and_then(|payload| payload.pro_tx_hash());
        document["proTxHash"] = json!(masternode.unwrap_or(outcome.txid).to_string());
        document["payload"] = payload(&outcome.tx, &profile);
    }
    Ok(session.output.done(&document, || {
        format!("done: {} (block {})", outcome.txid, outcome.height)
    }))
}
