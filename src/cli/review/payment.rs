//! A payment as it is shown before the device asks for it, and its documents.

use serde_json::{Value, json};

use crate::flow::Ports;
use crate::flow::guard::{self, Guard};
use crate::flow::pay::{Outcome, Plan, Purpose};
use crate::flow::wallet::{CoinState, WalletCoin};
use crate::protocol::{Amount, Profile, describe, path};

/// The document, as of something not sent.
pub fn planned(plan: &Plan, ports: &Ports) -> Value {
    let profile = &ports.profile;
    let outputs = describe::transaction(&plan.unsigned, profile).map(|decoded| decoded["vout"].clone());
    json!({
        "txid": null,
        "hex": plan.unsigned.to_hex(),
        "fee": plan.fee.to_string(),
        "feeRate": plan.rate.to_string(),
        "amount": plan.amount.to_string(),
        "to": plan.to.to_text(profile),
        "toPath": plan.to_path.as_ref().map(path::to_text),
        "change": plan.change.as_ref().map(|change| json!({
            "amount": change.amount.to_string(),
            "address": change.address.to_text(profile),
            "path": path::to_text(&change.path),
        })),
        "inputs": plan.inputs.iter().map(|input| coin(input, profile)).collect::<Value>(),
        "vout": outputs.unwrap_or(Value::Null),
        "warnings": plan.warnings.iter().map(|warning| json!(warning.sentence())).collect::<Value>(),
        "outpoint": null,
        "steps": [],
    })
}

/// The document of something in the chain.
pub fn sent(plan: &Plan, outcome: &Outcome, steps: Vec<String>, ports: &Ports) -> Value {
    let mut out = planned(plan, ports);
    out["txid"] = json!(outcome.txid.to_string());
    out["hex"] = json!(outcome.tx.to_hex());
    out["fee"] = json!(outcome.fee.to_string());
    out["height"] = json!(outcome.height);
    out["outpoint"] = json!(outcome.made.map(|outpoint| outpoint.to_string()));
    out["steps"] = json!(steps);
    out
}

/// A coin of the device with its state and its guards.
pub fn coin(coin: &WalletCoin, profile: &Profile) -> Value {
    let found = &coin.own.coin;
    let left = match coin.state {
        CoinState::Immature { blocks_left } => Some(blocks_left),
        _ => None,
    };
    json!({
        "outpoint": found.outpoint.to_string(),
        "amount": found.value.to_string(),
        "address": coin.own.key_id.address().to_text(profile),
        "path": path::to_text(&coin.own.path),
        "confirmations": found.confirmations,
        "coinbase": found.coinbase,
        "state": coin.state.name(),
        "blocksLeft": left,
        "locked": !coin.guards.is_empty(),
        "guards": coin.guards.iter().map(|guard| guard_document(guard, profile)).collect::<Value>(),
        "label": coin.label,
    })
}

fn guard_document(guard: &Guard, profile: &Profile) -> Value {
    let (kind, operation, hash) = match guard {
        Guard::Backs { pro_tx_hash, .. } => ("backs", None, Some(pro_tx_hash.to_string())),
        Guard::Planned { id, .. } => ("planned", Some(*id), None),
        Guard::Made { id, .. } => ("made", Some(*id), None),
        Guard::LooksLike { .. } => ("looks-like", None, None),
    };
    json!({
        "kind": kind,
        "proTxHash": hash,
        "operation": operation,
        "consequence": guard.consequence(profile),
    })
}

/// All of it, for people.
pub fn text(plan: &Plan, ports: &Ports) -> String {
    let profile = &ports.profile;
    let coins = |amount: Amount| format!("{} {}", amount.short(), profile.ticker);
    let mut lines = vec![title(plan)];
    for warning in &plan.warnings {
        let mark = if warning.is_grave() { "!" } else { "-" };
        lines.push(format!("  {mark} {}", warning.sentence()));
    }
    let mut fact = |name: &str, value: String| lines.push(format!("  {name:<12} {value}"));
    fact("Amount", coins(plan.amount));
    let own = plan
        .to_path
        .as_ref()
        .map(|own| format!(" ({}, of this device)", path::to_text(own)));
    fact("To", plan.to.to_text(profile) + own.as_deref().unwrap_or_default());
    fact(
        "Fee",
        format!("{}, {} per 1000 bytes", coins(plan.fee), coins(plan.rate)),
    );
    if let Some(change) = &plan.change {
        let (to, at) = (change.address.to_text(profile), path::to_text(&change.path));
        fact("Change", format!("{} to {to} ({at})", coins(change.amount)));
    }
    for input in &plan.inputs {
        let label = input
            .label
            .as_ref()
            .map_or_else(String::new, |label| format!(", {label}"));
        fact(
            "Spends",
            format!("{} of {}{label}", coins(input.value()), input.outpoint()),
        );
    }
    lines.join("\n")
}

fn title(plan: &Plan) -> String {
    match &plan.purpose {
        Purpose::Fund { label, .. } => format!("payment to the fee key {label}"),
        Purpose::Send { .. } => "payment".to_owned(),
        Purpose::Collateral { kind } => format!("collateral of a masternode of type {kind}"),
    }
}

/// The same with the transaction as it is: what a dry run prints.
pub fn dry(plan: &Plan, ports: &Ports) -> String {
    format!(
        "{}\n  {:<12} {}",
        text(plan, ports),
        "Transaction",
        plan.unsigned.to_hex()
    )
}

/// The phrases that the locked coins of a plan ask for.
pub fn phrases(plan: &Plan, profile: &Profile) -> Vec<String> {
    plan.unlocked().map(|coin| guard::phrase(coin, profile)).collect()
}
