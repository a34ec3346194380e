//! `update-service`: address, operator payout and Platform fields; on a banned masternode, its revival.

use std::process::ExitCode;

use super::{Payment, run};
use crate::cli::args::UpdateServiceArgs;
use crate::cli::choices::{self, Fresh, option};
use crate::cli::output::Failure;
use crate::cli::session::Session;
use crate::flow::choice::OperatorSecret;
use crate::flow::update::{Change, Draft, OperatorPayout, PlatformChange, Review, ServiceChange};
use crate::flow::{Ports, overview};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::{ProTxHash, Profile};

pub async fn service(session: &Session, args: &UpdateServiceArgs) -> Result<ExitCode, Failure> {
    let profile = session.profile()?;
    let pro_tx_hash = choices::pro_tx_hash(&args.hash)?;
    let payment = Payment::of(session, &args.fee)?;
    let service = args.service.as_deref();
    let service = service.map(|text| choices::service(&profile, text)).transpose()?;
    let operator_payout = operator_payout(&args.operator_payout, &profile)?;
    let operator = choices::operator_secret(args.operator.as_deref())?;
    let node_id = args.platform_node_id.as_deref();
    let names_platform_key = node_id.is_some_and(|text| Platform::node_id_from_hex(text).is_err());
    let named = matches!(operator, OperatorSecret::Held(_)) || names_platform_key;
    let need = payment.need(named, operator == OperatorSecret::OfTheVault);
    let (_connection, ports) = session.ports_without_device(need).await?;
    let mut fresh = Fresh::new(&ports);
    let draft = Draft {
        pro_tx_hash,
        change: Change::Service(ServiceChange {
            service,
            operator_payout,
            platform: platform(&ports, args, pro_tx_hash, &mut fresh).await?,
            operator,
        }),
        fee_from: payment.source,
    };
    run(session, &ports, draft, payment.target, fresh).await
}

fn operator_payout(text: &str, profile: &Profile) -> Result<OperatorPayout, Failure> {
    match text {
        "keep" => Ok(OperatorPayout::Keep),
        "none" => Ok(OperatorPayout::Erase),
        address => choices::address("operator-payout", address, profile).map(OperatorPayout::To),
    }
}

async fn platform(
    ports: &Ports,
    args: &UpdateServiceArgs,
    hash: ProTxHash,
    fresh: &mut Fresh,
) -> Result<PlatformChange, Failure> {
    let node_id = match args.platform_node_id.as_deref() {
        None => None,
        Some(text) => {
            let (_, masternode) = overview::one(ports, hash).await?;
            check_kind(masternode.entry.kind)?;
            Some(choices::node_id(ports, text, &masternode.roles.name(hash), fresh)?)
        }
    };
    Ok(PlatformChange {
        node_id,
        p2p_port: args.platform_p2p_port,
        http_port: args.platform_http_port,
    })
}

/// Platform fields of a masternode that has none would be left out silently.
pub(super) fn check_platform(draft: &Draft, review: &Review) -> Result<(), Failure> {
    match (&draft.change, &review.masternode) {
        (Change::Service(change), Some(entry)) if change.platform != PlatformChange::default() => {
            check_kind(entry.kind)
        }
        _ => Ok(()),
    }
}

fn check_kind(kind: MnType) -> Result<(), Failure> {
    match kind {
        MnType::Evo => Ok(()),
        MnType::Regular => Err(option(
            "platform-…",
            "this masternode is no evonode and has no Platform fields",
        )),
    }
}
