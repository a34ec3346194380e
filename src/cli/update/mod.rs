//! `update-service`, `update-registrar` and `revoke`: arguments to a draft, the plan shown, the flow run or exported.

mod findings;
mod registrar;
mod revoke;
mod service;

use std::process::ExitCode;

use serde_json::json;

pub use registrar::registrar;
pub use revoke::revoke;
pub use service::service;

use super::args::FeeArgs;
use super::choices::{self, Fresh};
use super::handover::{self, Target, exported};
use super::output::Failure;
use super::register::watch;
use super::review::Shown;
use super::session::{Need, Session};
use crate::flow::choice::FeeSource;
use crate::flow::operation::Kind;
use crate::flow::update::{self, Draft, Plan};
use crate::flow::{Error, Ports};
use findings::Looking;

/// Arguments that are understood without a node.
struct Payment {
    source: FeeSource,
    target: Option<Target>,
}

impl Payment {
    fn of(session: &Session, args: &FeeArgs) -> Result<Self, Failure> {
        Ok(Self {
            source: choices::fee_from(&*session.profile()?, &args.source, args.export.is_some())?,
            target: Target::new(args.export.as_ref())?,
        })
    }

    /// How much the vault is needed, if `named` says whether the arguments name one of its keys and `signs` whether one of them
    /// would sign by default.
    fn need(&self, named: bool, signs: bool) -> Need {
        if named || matches!(self.source, FeeSource::Key(_)) {
            Need::Must
        } else if signs && self.target.is_none() {
            Need::IfThere
        } else {
            Need::IfOpen
        }
    }
}

/// From the draft to the chain, to a file, or to what a dry run shows.
async fn run(
    session: &Session,
    ports: &Ports,
    draft: Draft,
    target: Option<Target>,
    mut fresh: Fresh,
) -> Result<ExitCode, Failure> {
    let looking = Looking::begin(ports, &draft);
    let mut plan = update::prepare(ports, &draft).await?;
    fresh.give(&mut plan.made);
    let findings = looking.findings().await;
    let shown = Shown {
        ports,
        operation: &plan.operation,
        review: &plan.review,
        keys: &plan.keys,
        once: plan.once.as_ref(),
        findings: &findings,
    };
    let next = decide(session, &shown, &draft, target).inspect_err(|_| update::discard(ports, &plan))?;
    match next {
        Next::Show => {
            update::discard(ports, &plan);
            Ok(session.output.done(&shown.document(), || shown.dry()))
        }
        Next::Export(target) => export(session, &shown, &plan, &target).await,
        Next::Send => send(session, &shown, &plan).await,
    }
}

enum Next {
    Show,
    Export(Target),
    Send,
}

/// Says what there is to know, and asks.
fn decide(session: &Session, shown: &Shown<'_>, draft: &Draft, target: Option<Target>) -> Result<Next, Failure> {
    for note in shown.notes() {
        session.output.progress(&note);
    }
    service::check_platform(draft, shown.review)?;
    if let Some(check) = shown.review.failure() {
        return Err(Error::Rule(check.clone()).into());
    }
    if session.global.dry_run {
        return Ok(Next::Show);
    }
    if !session.output.json {
        session.output.progress(&shown.text());
    }
    if let Some(target) = target {
        return Ok(Next::Export(target));
    }
    if !shown.review.missing.is_empty() {
        return Err(handover::elsewhere(&shown.review.missing));
    }
    let question = format!("send this {} for a fee of {}?", shown.title(), shown.fee());
    match shown.name() {
        Some(name) if shown.operation.kind == Kind::Revoke => session.confirm_by_name(&question, &name)?,
        _ => session.confirm(&question)?,
    }
    Ok(Next::Send)
}

async fn export(session: &Session, shown: &Shown<'_>, plan: &Plan, target: &Target) -> Result<ExitCode, Failure> {
    let flow = update::export(shown.ports.clone(), plan.clone());
    let (operation, steps) = watch(session, flow).await?;
    let mut document = shown.document();
    document["steps"] = json!(steps);
    exported(session, target, &operation, shown.ports, document)
}

async fn send(session: &Session, shown: &Shown<'_>, plan: &Plan) -> Result<ExitCode, Failure> {
    let (outcome, steps) = watch(session, update::update(shown.ports.clone(), plan.clone())).await?;
    let document = shown.sent(&outcome, steps);
    Ok(session.output.done(&document, || {
        format!("{} is done: {} (block {})", shown.title(), outcome.txid, outcome.height)
    }))
}
