//! Rules of a ProUpRegTx payload (Dash Core evo/providertx.cpp IsTriviallyValid, evo/specialtxman.cpp CheckProUpRegTx).

use super::pro_reg::{check_any_encoding, check_operator_key, check_payout_form, check_voting_key};
use super::{Checks, Context, update};
use crate::protocol::masternode::Entry;
use crate::protocol::script::{self, Destination};
use crate::protocol::special_tx::ProUpRegTx;
use crate::protocol::tx::Transaction;

pub(super) fn check(tx: &Transaction, payload: &ProUpRegTx, context: &Context<'_>, list: &mut Checks) {
    update::check_version(payload.version, context, list);
    list.judge("mode", "bad-protx-mode", payload.mode == 0, || {
        "the mode of an update is 0".into()
    });
    check_operator_key(&payload.operator, payload.key_encoding(), context.dialect, list);
    check_voting_key(payload.voting, list);
    check_payout_form(payload.payout.as_bytes(), list);
    let entry = update::find(payload.pro_tx_hash, context, list);
    check_payout_apart(payload, entry, list);
    check_collateral(payload, entry, context, list);
    check_unique(payload, context, list);
    if !context.dip3_enforced() {
        list.judge_node(
            "owner-is-voting",
            "bad-protx-key-not-same",
            entry.map(|entry| entry.state.owner == Some(payload.voting)),
            "before the enforcement height owner and voting key must be the same".into(),
        );
    }
    update::check_inputs_hash(payload.inputs_hash, tx.inputs_hash(), list);
    check_signature(payload, entry, context, list);
    check_any_encoding(
        &payload.operator,
        payload.key_encoding(),
        Some(payload.pro_tx_hash),
        context,
        list,
    );
}

fn check_payout_apart(payload: &ProUpRegTx, entry: Option<&Entry>, list: &mut Checks) {
    let payout = script::destination(payload.payout.as_bytes());
    let owner = entry.map(|entry| {
        let owner = entry.state.owner.map(|owner| Destination::Key(owner.0));
        owner.is_none() || payout != owner
    });
    list.judge_node(
        "payout-not-owner",
        "bad-protx-payee-reuse",
        owner,
        "the payout address may not be the owner key's address: choose another one".into(),
    );
    list.judge(
        "payout-not-voting",
        "bad-protx-payee-reuse",
        payout != Some(Destination::Key(payload.voting.0)),
        || "the payout address may not be the voting key's address: choose another one".into(),
    );
}

/// The registered collateral: it must be there, and neither owner nor new voting key may hold it.
fn check_collateral(payload: &ProUpRegTx, entry: Option<&Entry>, context: &Context<'_>, list: &mut Checks) {
    let coin = entry.and_then(|entry| context.facts?.coin(&entry.collateral));
    let message = match (entry, coin) {
        (Some(entry), Some(None)) => format!("the collateral {} is spent", entry.collateral),
        _ => "the collateral must be unspent".to_owned(),
    };
    list.judge_node(
        "collateral-unspent",
        "bad-protx-collateral",
        coin.map(|coin| coin.is_some()),
        message,
    );
    let destination = coin.flatten().map(|coin| script::destination(coin.script.as_bytes()));
    list.judge_node(
        "collateral-destination",
        "bad-protx-collateral-dest",
        destination.map(|destination| destination.is_some()),
        "the collateral must pay to an address".into(),
    );
    let owner = entry.and_then(|entry| entry.state.owner);
    let apart = destination.flatten().map(|destination| {
        destination != Destination::Key(payload.voting.0)
            && owner.is_none_or(|owner| destination != Destination::Key(owner.0))
    });
    list.judge_node(
        "collateral-key-apart",
        "bad-protx-collateral-reuse",
        apart,
        "owner and voting key may not be the key that holds the collateral".into(),
    );
}

fn check_unique(payload: &ProUpRegTx, context: &Context<'_>, list: &mut Checks) {
    let unique = context.facts.map(|facts| {
        let mut holders = facts.operator_holders(&payload.operator);
        holders.all(|entry| entry.pro_tx_hash == payload.pro_tx_hash)
    });
    list.judge_node(
        "operator-key-unique",
        "bad-protx-dup-key",
        unique,
        "the operator key may not belong to another masternode".into(),
    );
}

fn check_signature(payload: &ProUpRegTx, entry: Option<&Entry>, context: &Context<'_>, list: &mut Checks) {
    const SIG: &str = "bad-protx-sig";
    let Ok(signer) = payload.signer() else {
        list.judge("payload-signature", SIG, false, || {
            "the owner key has not signed this".into()
        });
        return;
    };
    let passed = entry.map(|entry| entry.state.owner == Some(signer));
    let signer = signer.address().to_text(context.profile);
    let message = match passed {
        Some(false) => format!("this is signed by {signer}, which is not the owner key"),
        _ => format!("this is signed by {signer}, which must be the owner key"),
    };
    list.judge_node("payload-signature", SIG, passed, message);
}
