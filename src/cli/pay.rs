//! `fund`, `send` and `collateral`: ordinary payments from the device.

use std::collections::BTreeSet;
use std::process::ExitCode;

use super::args::{CollateralArgs, FundArgs, PaymentArgs, SendArgs};
use super::choices::{self, option};
use super::output::Failure;
use super::register::{outpoint, watch};
use super::review::payment;
use super::session::{Need, Session};
use crate::flow::Ports;
use crate::flow::pay::{self, Draft, Plan, Purpose, Selection, Sum};
use crate::protocol::network::MnType;
use crate::protocol::{Amount, OutPoint, Profile, path};

pub async fn fund(session: &Session, args: FundArgs) -> Result<ExitCode, Failure> {
    let amount = amount(&args.amount)?;
    let (_connection, ports) = session.ports_with_device().await?;
    let purpose = Purpose::Fund {
        to: choices::fee_address(&ports, &args.key)?,
        label: args.key,
        amount,
    };
    run(session, &ports, draft(&ports.profile, purpose, &args.payment)?).await
}

pub async fn send(session: &Session, args: SendArgs) -> Result<ExitCode, Failure> {
    let to = choices::address("to", &args.to, &*session.profile()?)?;
    let sum = match args.amount.trim() {
        "all" => Sum::All,
        text => Sum::Exactly(amount(text)?),
    };
    let draft = draft(&*session.profile()?, Purpose::Send { to, sum }, &args.payment)?;
    let (_connection, ports) = session.ports_with_open_device(Need::IfOpen).await?;
    run(session, &ports, draft).await
}

pub async fn collateral(session: &Session, args: CollateralArgs) -> Result<ExitCode, Failure> {
    let kind = if args.evo { MnType::Evo } else { MnType::Regular };
    let draft = draft(&*session.profile()?, Purpose::Collateral { kind }, &args.payment)?;
    let (_connection, ports) = session.ports_with_open_device(Need::IfOpen).await?;
    run(session, &ports, draft).await
}

fn amount(text: &str) -> Result<Amount, Failure> {
    let amount: Amount = text.parse().map_err(|error| option("amount", error))?;
    if amount == Amount::ZERO {
        return Err(option("amount", "it is zero"));
    }
    Ok(amount)
}

fn draft(profile: &Profile, purpose: Purpose, args: &PaymentArgs) -> Result<Draft, Failure> {
    let account = match &args.from_path {
        Some(text) => path::parse(text).map_err(|error| option("from-path", error))?,
        None => path::account(profile, 0),
    };
    let rate = args.fee_rate.as_deref().map(str::parse::<Amount>).transpose();
    Ok(Draft {
        account,
        purpose,
        coins: selection(args)?,
        rate: rate.map_err(|error| option("fee-rate", error))?,
    })
}

/// A coin that is unlocked is one that is spent.
fn selection(args: &PaymentArgs) -> Result<Selection, Failure> {
    let read = |texts: &[String]| {
        texts
            .iter()
            .map(|text| outpoint(text))
            .collect::<Result<BTreeSet<OutPoint>, _>>()
    };
    let unlocked = read(&args.spend_collateral)?;
    let mut coins = read(&args.coins)?;
    coins.extend(&unlocked);
    Ok(if coins.is_empty() {
        Selection::Automatic
    } else {
        // Told of in the review, by what the node says then.
        let unlocked = unlocked.into_iter().map(|coin| (coin, u8::MAX)).collect();
        Selection::Chosen { coins, unlocked }
    })
}

async fn run(session: &Session, ports: &Ports, draft: Draft) -> Result<ExitCode, Failure> {
    let plan = pay::prepare(ports, draft).await?;
    if session.global.dry_run {
        let document = payment::planned(&plan, ports);
        return Ok(session.output.done(&document, || payment::dry(&plan, ports)));
    }
    if session.output.json {
        for warning in &plan.warnings {
            session.output.progress(&format!("note: {}", warning.sentence()));
        }
    } else {
        session.output.progress(&payment::text(&plan, ports));
    }
    confirm(session, &plan, ports)?;
    let (outcome, steps) = watch(session, pay::pay(ports.clone(), plan.clone())).await?;
    let document = payment::sent(&plan, &outcome, steps, ports);
    Ok(session.output.done(&document, || {
        let made = outcome.made.map(|outpoint| format!("; the collateral is {outpoint}"));
        let made = made.unwrap_or_default();
        format!("paid: {} (block {}){made}", outcome.txid, outcome.height)
    }))
}

/// A locked coin is unlocked by its phrase, which `--spend-collateral` with `--yes` stands for.
fn confirm(session: &Session, plan: &Plan, ports: &Ports) -> Result<(), Failure> {
    let profile = &ports.profile;
    for phrase in payment::phrases(plan, profile) {
        session.confirm_by_phrase("this spends a locked coin.", &phrase)?;
    }
    session.confirm(&format!(
        "pay {} {} to {} for a fee of {}?",
        plan.amount.short(),
        profile.ticker,
        plan.to.to_text(profile),
        plan.fee.short()
    ))
}
