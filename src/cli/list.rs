//! `list` and `show`: masternodes with PoSe outlook and queue position.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::ListArgs;
use super::choices::pro_tx_hash;
use super::output::Failure;
use super::session::Session;
use crate::flow::operation::Kind;
use crate::flow::overview::{self, Masternode, Mine, Overview};
use crate::protocol::masternode::queue::EvoPayments;
use crate::protocol::network::MnType;
use crate::protocol::{Profile, describe};
use crate::rpc::{Tip, types};

pub async fn run(session: &Session, args: ListArgs) -> Result<ExitCode, Failure> {
    let profile = session.profile()?;
    let overview = match (&args.snapshot, args.height) {
        (Some(file), Some(height)) => snapshot(&profile, file, height)?,
        _ => {
            let (_connection, ports) = session.ports_with_vault_if_open().await?;
            overview::overview(&ports).await?
        }
    };
    let everything = args.all || args.snapshot.is_some();
    let shown: Vec<&Masternode> = overview
        .masternodes
        .iter()
        .filter(|each| everything || each.mine)
        .collect();
    let document = shown.iter().map(|each| row(each, &profile)).collect::<Value>();
    Ok(session.output.done(&document, || table(&shown, &overview, everything)))
}

pub async fn show(session: &Session, hash: &str) -> Result<ExitCode, Failure> {
    let hash = pro_tx_hash(hash)?;
    let (_connection, ports) = session.ports_with_vault_if_open().await?;
    let (tip, found) = overview::one(&ports, hash).await?;
    let document = details(&found, &ports.profile, tip);
    Ok(session.output.done(&document, || listing(&document)))
}

fn snapshot(profile: &Profile, file: &std::path::Path, height: u32) -> Result<Overview, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {}", file.display(), error.kind())))?;
    let entries = types::masternodes(&text, profile)
        .map_err(|error| Failure::refused("decode", format!("{}: {error}", file.display())))?;
    let after = |at: Option<u32>| at.is_some_and(|at| height.saturating_add(1) >= at);
    let four = after(profile.activation.v19) && !after(profile.activation.mn_rr);
    let evo = if four {
        EvoPayments::FourInARow
    } else {
        EvoPayments::Single
    };
    // A saved list tells no time of its block.
    let tip = Tip {
        height,
        hash: profile.genesis,
        time: 0,
    };
    Ok(overview::assemble(entries, tip, evo, profile, None, &Mine::default()))
}

/// The keys of CLI.md.
fn row(masternode: &Masternode, profile: &Profile) -> Value {
    let (entry, state, outlook) = (&masternode.entry, &masternode.entry.state, &masternode.outlook);
    let address = |address: Option<crate::protocol::Address>| address.map(|address| address.to_text(profile));
    json!({
        "proTxHash": entry.pro_tx_hash.to_string(),
        "type": entry.kind.to_string(),
        "status": entry.status().as_text(),
        "service": state.service.to_string(),
        "collateralHash": entry.collateral.txid.to_string(),
        "collateralIndex": entry.collateral.vout,
        "ownerAddress": address(state.owner.map(|id| id.address())),
        "votingAddress": address(state.voting.map(|id| id.address())),
        "payoutAddress": address(state.payout),
        "pubKeyOperator": state.operator.to_hex(entry.key_encoding()),
        "operatorReward": describe::percent(entry.operator_reward),
        "posePenalty": state.pose_penalty,
        "poseMax": outlook.max,
        "poseFailuresSurvivable": if entry.is_banned() { 0 } else { outlook.failures_survivable },
        "poseBlocksToSafe": outlook.blocks_to_safe,
        "poseBanHeight": height_or_minus_one(state.pose_ban_height),
        "queuePosition": masternode.slot.map(|slot| slot.position),
        "queueLength": masternode.queue_length,
        "nextPaymentHeight": masternode.slot.map(|slot| slot.height),
        "nextPaymentTime": masternode.next_payment_time.filter(|time| *time > 1_000_000_000),
    })
}

fn details(masternode: &Masternode, profile: &Profile, tip: Tip) -> Value {
    let mut out = row(masternode, profile);
    let (entry, state, roles) = (&masternode.entry, &masternode.entry.state, &masternode.roles);
    out["height"] = json!(tip.height);
    out["registeredHeight"] = json!(state.registered_height);
    out["lastPaidHeight"] = json!(state.last_paid_height);
    out["poseRevivedHeight"] = height_or_minus_one(state.pose_revived_height);
    out["revocationReason"] = json!(state.revocation_reason);
    out["operatorPayoutAddress"] = json!(state.operator_payout.map(|address| address.to_text(profile)));
    out["stateVersion"] = json!(state.version);
    out["collateralConfirmations"] = json!(entry.confirmations);
    out["roles"] = json!({ "owner": roles.owner, "voting": roles.voting, "operator": roles.operator });
    out["name"] = json!(roles.name(entry.pro_tx_hash));
    out["can"] = roles.can().into_iter().map(Kind::name).collect();
    if entry.kind == MnType::Evo {
        out["platformNodeID"] = json!(state.platform_node_id);
        out["platformP2PPort"] = json!(state.platform_p2p_port);
        out["platformHTTPPort"] = json!(state.platform_http_port);
    }
    out
}

fn height_or_minus_one(height: Option<u32>) -> Value {
    height.map_or(json!(-1), |height| json!(height))
}

fn table(shown: &[&Masternode], overview: &Overview, everything: bool) -> String {
    if shown.is_empty() && !everything {
        return format!(
            "none of the {} masternodes is yours (unlock the vault to find yours by their keys; --all lists every one)",
            overview.masternodes.len()
        );
    }
    let mut lines = vec![format!(
        "{:<64} {:<8} {:<20} {:<22} {:>5} {:>10}",
        "proTxHash", "type", "status", "service", "PoSe", "queue"
    )];
    for each in shown {
        let queue = each.slot.map_or_else(
            || "-".to_owned(),
            |slot| format!("{}/{}", slot.position, each.queue_length),
        );
        lines.push(format!(
            "{:<64} {:<8} {:<20} {:<22} {:>5} {:>10}",
            each.entry.pro_tx_hash,
            each.entry.kind.to_string(),
            each.entry.status().as_text(),
            each.entry.state.service.to_string(),
            each.entry.state.pose_penalty,
            queue
        ));
    }
    lines.join("\n")
}

/// A document as `key: value` lines.
pub fn listing(document: &Value) -> String {
    let Some(map) = document.as_object() else {
        return document.to_string();
    };
    let width = map.keys().map(String::len).max().unwrap_or(0);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    map.iter()
        .map(|(key, value)| format!("{key:<width$}  {}", text(value)))
        .collect::<Vec<_>>()
        .join("\n")
}
