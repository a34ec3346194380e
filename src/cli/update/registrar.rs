//! `update-registrar`: operator key, voting key and payout address.

use std::process::ExitCode;

use super::{Payment, run};
use crate::cli::args::UpdateRegistrarArgs;
use crate::cli::choices::{self, Fresh};
use crate::cli::output::Failure;
use crate::cli::session::Session;
use crate::flow::choice::OperatorChoice;
use crate::flow::update::{Change, Draft, Registrar};
use crate::protocol::{Address, Profile};

pub async fn registrar(session: &Session, args: &UpdateRegistrarArgs) -> Result<ExitCode, Failure> {
    let profile = session.profile()?;
    let pro_tx_hash = choices::pro_tx_hash(&args.hash)?;
    if args.operator.is_none() && args.voting.is_none() && args.payout.is_none() {
        return Err(Failure::usage(
            "nothing is to be changed: name --operator, --voting or --payout",
        ));
    }
    let payment = Payment::of(session, &args.fee)?;
    let operator = args.operator.as_deref();
    let operator = operator.map(|text| choices::operator(&profile, text, args.operator_scheme.as_deref()));
    let operator = operator.transpose()?;
    let payout = args.payout.as_deref();
    let payout = payout
        .map(|text| choices::address("payout", text, &profile))
        .transpose()?;
    let (_connection, ports) = session
        .ports_without_device(payment.need(names_key(args, operator.as_ref(), &profile), true))
        .await?;
    let voting = args.voting.as_deref();
    let draft = Draft {
        pro_tx_hash,
        change: Change::Registrar(Registrar {
            operator,
            voting: voting.map(|text| choices::voting(&ports, text)).transpose()?,
            payout,
            owner: args.owner.clone(),
            name: None,
        }),
        fee_from: payment.source,
    };
    run(session, &ports, draft, payment.target, Fresh::new(&ports)).await
}

/// Whether the arguments name a key of the vault, or ask for a new one.
fn names_key(args: &UpdateRegistrarArgs, operator: Option<&OperatorChoice>, profile: &Profile) -> bool {
    let is_address = |text: &str| text == "owner" || Address::parse(text, profile).is_ok();
    args.owner.is_some()
        || matches!(operator, Some(OperatorChoice::Held(_) | OperatorChoice::New))
        || args.voting.as_deref().is_some_and(|text| !is_address(text))
}
