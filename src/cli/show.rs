//! `show`: one masternode: its state, how far it is from a ban, its place in the queue, and what this vault can sign for it.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::ShowArgs;
use super::choices::pro_tx_hash;
use super::output::{Failure, pairs_listed};
use super::pose;
use super::saved::{self, Source};
use super::session::Session;
use crate::flow::operation::Kind;
use crate::flow::overview::column::{self, Column};
use crate::flow::overview::{Masternode, Overview, words};
use crate::flow::warning::{self, Known, Severity, Warning};
use crate::flow::words::date_time;
use crate::flow::{Error, export};
use crate::protocol::network::MnType;
use crate::protocol::{ProTxHash, Profile};

pub async fn run(session: &Session, args: ShowArgs) -> Result<ExitCode, Failure> {
    let hash = pro_tx_hash(&args.hash)?;
    let profile = session.profile()?;
    let source = saved::read(session, &args.saved, &profile).await?;
    let found = find(&source.overview, hash)?;
    let paid = last_paid_time(&source, found).await?;
    let warnings = warnings(&source, found, &profile)?;
    let mut document = document(found, &source.overview, &profile, paid);
    document["warnings"] = warnings.iter().map(|each| warning(each, &profile)).collect();
    if args.csv {
        return Ok(session.output.text(&export::Table::of_objects(&[document]).csv()));
    }
    Ok(session.output.done(&document, || {
        let mut lines = sentences(found, &source.overview, &profile, paid);
        for each in &warnings {
            lines.push_str(&format!("\n\n! {} {}", each.sentence(&profile), each.next_step()));
        }
        lines
    }))
}

/// A saved list has only the warnings that follow from it alone.
fn warnings(source: &Source, masternode: &Masternode, profile: &Profile) -> Result<Vec<Warning>, Failure> {
    let known = match &source.ports {
        Some(ports) => Known::read(ports)?,
        None => Known::of(&[], &profile.name, None),
    };
    Ok(warning::warnings(&known, &source.overview, masternode))
}

fn warning(warning: &Warning, profile: &Profile) -> Value {
    let severity = match warning.severity() {
        Severity::Note => "note",
        Severity::Mind => "mind",
        Severity::Grave => "grave",
    };
    json!({
        "severity": severity,
        "what": warning.short(),
        "meaning": warning.sentence(profile),
        "nextStep": warning.next_step(),
    })
}

/// # Errors
/// It is not in the list.
pub fn find(overview: &Overview, hash: ProTxHash) -> Result<&Masternode, Failure> {
    let missing = || Error::NoSuchMasternode { hash: hash.to_string() };
    Ok(overview.find(hash).ok_or_else(missing)?)
}

/// **Unix seconds**. None where it was never paid, and where no node is there to ask.
async fn last_paid_time(source: &Source, masternode: &Masternode) -> Result<Option<u64>, Failure> {
    let height = masternode.entry.state.last_paid_height;
    match &source.ports {
        Some(ports) if height > 0 => Ok(ports.node.block_at(height).await?.map(|block| block.time)),
        _ => Ok(None),
    }
}

fn document(masternode: &Masternode, overview: &Overview, profile: &Profile, paid: Option<u64>) -> Value {
    let mut out = pose::document(masternode, overview, profile);
    let columns = column::table(Column::ALL, [masternode], profile).json();
    let (entry, state, roles) = (&masternode.entry, &masternode.entry.state, &masternode.roles);
    for (key, value) in columns[0].as_object().into_iter().flatten() {
        out[key] = value.clone();
    }
    out["lastPaidTime"] = json!(paid);
    out["revocationReason"] = json!(state.revocation_reason);
    out["stateVersion"] = json!(state.version);
    out["nextPayment"] = json!(masternode.expected_reward.map(|reward| super::queue::amounts(&reward)));
    out["roles"] = json!({ "owner": roles.owner, "voting": roles.voting, "operator": roles.operator });
    out["can"] = roles.can().into_iter().map(Kind::name).collect();
    if entry.kind == MnType::Evo {
        out["platformP2PPort"] = json!(state.platform_p2p_port);
        out["platformHTTPPort"] = json!(state.platform_http_port);
    }
    out
}

fn sentences(masternode: &Masternode, overview: &Overview, profile: &Profile, paid: Option<u64>) -> String {
    let text = |column: Column| export::text(&column.value(masternode, profile));
    let mut pairs = pose::pairs(masternode, overview, profile);
    pairs.push(("queue", words::queue(masternode)));
    if let Some(time) = &masternode.expected_time {
        pairs.push(("next payment", words::expected_time(time)));
    }
    if let Some(reward) = &masternode.expected_reward {
        pairs.push(("expected", words::reward(reward, profile)));
    }
    let paid = paid.map(|time| format!(" ({})", date_time(time))).unwrap_or_default();
    pairs.push(("last payment", words::last_paid(masternode) + &paid));
    pairs.push(("collateral", masternode.entry.collateral.to_string()));
    for (title, column, role) in [
        ("owner", Column::OwnerAddress, &masternode.roles.owner),
        ("voting", Column::VotingAddress, &masternode.roles.voting),
        ("operator key", Column::PubKeyOperator, &masternode.roles.operator),
    ] {
        let label = role.as_ref().map(|label| format!(" ({label} of this vault)"));
        pairs.push((title, text(column) + &label.unwrap_or_default()));
    }
    for (title, column) in [
        ("payout", Column::PayoutAddress),
        ("operator payout", Column::OperatorPayoutAddress),
        ("platform node id", Column::PlatformNodeId),
    ] {
        pairs.push((title, text(column)));
    }
    pairs.push(("operator reward", text(Column::OperatorReward) + " %"));
    pairs.push(("registered", format!("in block {}", text(Column::RegisteredHeight))));
    let can: Vec<_> = masternode.roles.can().into_iter().map(Kind::name).collect();
    pairs.push(("signed here", can.join(", ")));
    pairs.retain(|(_, value)| !value.is_empty());
    pairs_listed(&pairs)
}
