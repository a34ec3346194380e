//! `tx decode|check|send`: any transaction, finished elsewhere or here.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::TxCommand;
use super::output::Failure;
use super::session::{Session, argument};
use crate::flow::transaction;
use crate::protocol::rules::{self, Check, Context, Verdict};
use crate::protocol::{Transaction, describe};

pub async fn run(session: &Session, command: TxCommand) -> Result<ExitCode, Failure> {
    match command {
        TxCommand::Decode { hex } => decode(session, &hex),
        TxCommand::Check { hex } => check(session, &hex).await,
        TxCommand::Send { hex } => send(session, &hex).await,
    }
}

fn read(hex: &str) -> Result<Transaction, Failure> {
    let hex = argument(hex)?;
    Transaction::from_hex(&hex).map_err(|error| Failure::refused("decode", format!("not a transaction: {error}")))
}

fn decode(session: &Session, hex: &str) -> Result<ExitCode, Failure> {
    let profile = session.profile()?;
    let document = describe::transaction(&read(hex)?, &profile)
        .map_err(|error| Failure::refused("decode", format!("the payload is malformed: {error}")))?;
    Ok(session.output.done(&document, || pretty(&document)))
}

/// JSON is how the field shows transactions; people read it indented.
fn pretty(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap_or_else(|_| document.to_string())
}

async fn check(session: &Session, hex: &str) -> Result<ExitCode, Failure> {
    let tx = read(hex)?;
    let verdict = if session.has_node() {
        let connection = session.connect().await?;
        transaction::judge(&connection.ports, &tx).await?
    } else {
        let profile = session.profile()?;
        rules::check(&tx, &Context::offline(&profile))
    };
    let document = verdict_document(&verdict);
    let human = || sentences(&verdict);
    Ok(if verdict.accepted() {
        session.output.done(&document, human)
    } else {
        session.output.refused(&document, human)
    })
}

pub fn verdict_document(verdict: &Verdict) -> Value {
    let failure = verdict.failure();
    let unknown = verdict.checks.iter().filter(|check| check.passed.is_none()).count();
    let message = match failure {
        Some(check) => check.message.clone(),
        None if unknown > 0 => format!("no rule is broken; {unknown} need a node to be checked"),
        None => "no rule is broken".to_owned(),
    };
    json!({
        "accepted": failure.is_none(),
        "reason": failure.map(|check| check.reject),
        "message": message,
        "checks": verdict.checks.iter().filter(|check| !check.is_advice()).map(check_document).collect::<Value>(),
        "warnings": verdict.warnings().map(|check| json!({ "rule": check.rule, "message": check.message })).collect::<Value>(),
    })
}

fn check_document(check: &Check) -> Value {
    json!({
        "rule": check.rule,
        "passed": check.passed,
        "needsNode": check.needs_node,
        "reject": check.reject,
        "message": check.message,
    })
}

fn sentences(verdict: &Verdict) -> String {
    let mark = |check: &Check| match check.passed {
        Some(true) => "ok  ",
        Some(false) if check.is_advice() => "warn",
        Some(false) => "FAIL",
        None => "?   ",
    };
    let mut lines: Vec<String> = verdict
        .checks
        .iter()
        .map(|check| format!("{} {:<24} {}", mark(check), check.rule, check.message))
        .collect();
    lines.push(match verdict.failure() {
        Some(check) => format!("refused: {} ({})", check.message, check.reject),
        None => "accepted, as far as it could be checked".to_owned(),
    });
    lines.join("\n")
}

async fn send(session: &Session, hex: &str) -> Result<ExitCode, Failure> {
    let tx = read(hex)?;
    let connection = session.connect().await?;
    if session.global.dry_run {
        let verdict = transaction::judge(&connection.ports, &tx).await?;
        let document = verdict_document(&verdict);
        let human = || sentences(&verdict);
        return Ok(if verdict.accepted() {
            session.output.done(&document, human)
        } else {
            session.output.refused(&document, human)
        });
    }
    session.confirm(&format!("send transaction {}?", tx.txid()))?;
    let txid = transaction::send(&connection.ports, &tx).await?;
    Ok(session
        .output
        .done(&json!({ "txid": txid.to_string() }), || format!("sent {txid}")))
}
