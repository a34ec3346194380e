//! `register`: arguments to a draft, the plan shown, the flow run.

use std::process::ExitCode;

use serde_json::{Value, json};
use sipper::Sipper;

use super::args::RegisterArgs;
use super::choices::{self, Fresh};
use super::handover::{Target, exported};
use super::output::{Failure, listing};
use super::session::Session;
use crate::flow::register::{self, Plan};
use crate::flow::{Error, Ports, Step};
use crate::hw::Done;
use crate::protocol::network::MnType;
use crate::protocol::{OutPoint, describe, path};
use crate::setup::Connection;

mod draft;

pub async fn run(session: &Session, args: RegisterArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(args.export.as_ref())?;
    let fee_from = choices::fee_from(&*session.profile()?, &args.fee_from, target.is_some())?;
    let (_connection, ports) = ports(session, target.is_some()).await?;
    let mut fresh = Fresh::new(&ports);
    let draft = draft::draft(&ports, &args, fee_from, &mut fresh)?;
    let mut plan = register::prepare(&ports, draft).await?;
    fresh.give(&mut plan.made);
    for warning in &plan.warnings {
        session.output.progress(&format!("note: {}", warning.sentence()));
    }
    if let Some(check) = plan.verdict.failure_before_signing() {
        register::discard(&ports, &plan);
        return Err(Error::Rule(check.clone()).into());
    }
    if session.global.dry_run {
        let document = planned(&plan, &ports);
        register::discard(&ports, &plan);
        return Ok(session.output.done(&document, || listing(&document)));
    }
    if !session.output.json {
        session
            .output
            .progress(&pretty(&describe::pro_reg(&plan.payload, &ports.profile)));
    }
    if let Some(target) = target {
        return export(session, &ports, plan, &target).await;
    }
    let question = format!(
        "register this masternode for a fee of {} {}?",
        plan.fee.short(),
        ports.profile.ticker
    );
    session
        .confirm(&question)
        .inspect_err(|_| register::discard(&ports, &plan))?;
    let (outcome, steps) = watch(session, register::register(ports.clone(), plan)).await?;
    let document = registered(&outcome, steps, &ports);
    Ok(session.output.done(&document, || {
        format!("registered: {} (block {})", outcome.pro_tx_hash, outcome.height)
    }))
}

/// A file can also be begun where the device is not: it signs elsewhere then.
async fn ports(session: &Session, exports: bool) -> Result<(Connection, Ports), Failure> {
    if exports {
        session.ports_with_vault().await
    } else {
        session.ports_with_device().await
    }
}

async fn export(session: &Session, ports: &Ports, plan: Plan, target: &Target) -> Result<ExitCode, Failure> {
    let mut document = planned(&plan, ports);
    let (operation, steps) = watch(session, register::export(ports.clone(), plan)).await?;
    document["steps"] = json!(steps);
    exported(session, target, &operation, ports, document)
}

/// Runs a flow, its steps on stderr.
pub async fn watch<T>(
    session: &Session,
    flow: impl Sipper<Result<T, Error>, Step>,
) -> Result<(T, Vec<String>), Failure> {
    let mut steps = Vec::new();
    let mut flow = flow.pin();
    while let Some(step) = flow.sip().await {
        if is_between(&step) {
            continue;
        }
        let sentence = step.sentence();
        session.output.progress(&sentence);
        steps.push(sentence);
    }
    Ok((flow.await?, steps))
}

/// A payment of fifty inputs has a hundred such steps: the first, every tenth and the last are told.
fn is_between(step: &Step) -> bool {
    matches!(step, Step::DeviceWorks(Done { done, of, .. }) if *done != 1 && done % 10 != 0 && done != of)
}

fn pretty(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap_or_else(|_| document.to_string())
}

fn planned(plan: &Plan, ports: &Ports) -> Value {
    json!({
        "txid": null,
        "hex": plan.unsigned.to_hex(),
        "proTxHash": null,
        "fee": plan.fee.to_string(),
        "payload": describe::pro_reg(&plan.payload, &ports.profile),
        "signMessage": plan.message,
        "messageHash": plan.message_hash(),
        "collateralAddress": plan.collateral_address().to_text(&ports.profile),
        "collateralPath": path::to_text(&plan.collateral_path),
        "keys": plan.keys.iter().map(|(role, label)| ((*role).to_owned(), json!(label))).collect::<serde_json::Map<_, _>>(),
        "warnings": plan.warnings.iter().map(register::Warning::sentence).collect::<Vec<_>>(),
        "steps": [],
    })
}

/// The document of a registration that is in the chain.
pub fn registered(outcome: &register::Outcome, steps: Vec<String>, ports: &Ports) -> Value {
    let payload = describe::transaction(&outcome.tx, &ports.profile).map(|decoded| decoded["proRegTx"].clone());
    json!({
        "txid": outcome.pro_tx_hash.to_string(),
        "hex": outcome.tx.to_hex(),
        "proTxHash": outcome.pro_tx_hash.to_string(),
        "fee": outcome.fee.to_string(),
        "height": outcome.height,
        "payload": payload.unwrap_or(Value::Null),
        "steps": steps,
    })
}

/// `TXID:N`, also with `-` between as masternode lists print it.
pub fn outpoint(text: &str) -> Result<OutPoint, Failure> {
    let wrong = || Failure::usage(format!("'{text}' is not an outpoint like TXID:N"));
    let (txid, index) = text.trim().split_once([':', '-']).ok_or_else(wrong)?;
    Ok(OutPoint {
        txid: txid.parse().map_err(|_| wrong())?,
        vout: index.parse().map_err(|_| wrong())?,
    })
}

fn kind(args: &RegisterArgs) -> MnType {
    if args.evo { MnType::Evo } else { MnType::Regular }
}

/// The next free name `mn1`, `mn2`, … of new keys.
fn default_name(ports: &Ports) -> Result<String, Failure> {
    let labels: Vec<String> = ports.vault()?.list().into_iter().map(|key| key.label).collect();
    let taken = |name: &str| labels.iter().any(|label| label.starts_with(&format!("{name}-")));
    Ok((1..)
        .map(|n| format!("mn{n}"))
        .find(|name| !taken(name))
        .expect("numbers are endless"))
}

fn complete(ports: &Ports, args: &RegisterArgs) -> Result<(MnType, String), Failure> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => default_name(ports)?,
    };
    Ok((kind(args), name))
}
