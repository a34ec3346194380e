//! Rules of a ProUpServTx payload (Dash Core evo/providertx.cpp IsTriviallyValid, evo/specialtxman.cpp CheckProUpServTx).
//! `bad-protx-evo-version` is not among them: a version-1 payload has no type that could be evo.

use super::pro_reg::{Ports, check_platform, check_service, vanishes};
use super::update::{self, Signed};
use super::{Checks, Context, Dialect};
use crate::protocol::masternode::Entry;
use crate::protocol::network::MnType;
use crate::protocol::script;
use crate::protocol::special_tx::ProUpServTx;
use crate::protocol::tx::Transaction;

pub(super) fn check(tx: &Transaction, payload: &ProUpServTx, context: &Context<'_>, list: &mut Checks) {
    update::check_version(payload.version, context, list);
    check_address(payload, context, list);
    let entry = update::find(payload.pro_tx_hash, context, list);
    check_unique(payload, context, list);
    check_operator_payout(payload, entry, list);
    update::check_inputs_hash(payload.inputs_hash, tx.inputs_hash(), list);
    let signed = Signed {
        bytes: &payload.signature,
        encoding: payload.encoding(),
        digest: payload.payload_hash(),
    };
    update::check_operator_signature(&signed, entry, context, list);
}

fn check_address(payload: &ProUpServTx, context: &Context<'_>, list: &mut Checks) {
    let missing = context.dialect.word("bad-protx-ipaddr", "bad-protx-netinfo-empty");
    // Nodes from 23 on read an invalid address as none.
    let present = !payload.service.is_none() && !vanishes(payload.service, context);
    list.judge("service-present", missing, present, || match present {
        true => "the update names a service address".into(),
        false => format!("{} is no address: an update has to name one", payload.service),
    });
    check_service(payload.service, context, list);
    if let Some(platform) = payload.platform {
        let core = payload.service.port;
        check_platform(&Ports { platform, core }, context, list);
    }
}

fn check_unique(payload: &ProUpServTx, context: &Context<'_>, list: &mut Checks) {
    let others = context.facts.map(|facts| {
        let others = facts.masternodes.iter();
        others.filter(|entry| entry.pro_tx_hash != payload.pro_tx_hash)
    });
    let service = payload.service;
    let unique = others
        .clone()
        .map(|mut others| service.is_none() || others.all(|entry| entry.state.service != service));
    list.judge_node(
        "service-unique",
        context
            .dialect
            .word("bad-protx-dup-addr", "bad-protx-dup-netinfo-entry"),
        unique,
        format!("no other masternode may use {service}"),
    );
    if let Some(platform) = payload.platform {
        let id = platform.node_id_hex();
        let unique =
            others.map(|mut others| others.all(|entry| entry.state.platform_node_id.as_deref() != Some(id.as_str())));
        list.judge_node(
            "platform-node-id-unique",
            "bad-protx-dup-platformnodeid",
            unique,
            format!("no other evonode may have the Platform node id {id}"),
        );
    }
}

fn check_operator_payout(payload: &ProUpServTx, entry: Option<&Entry>, list: &mut Checks) {
    const PAYEE: &str = "bad-protx-operator-payee";
    let script = payload.operator_payout.as_bytes();
    if script.is_empty() {
        return;
    }
    list.judge_node(
        "operator-payout-earned",
        PAYEE,
        entry.map(|entry| entry.operator_reward > 0),
        "an operator payout address needs an operator reward, which only a registration can set".into(),
    );
    let form = script::is_pay_to_key(script) || script::is_pay_to_script(script);
    list.judge("operator-payout-form", PAYEE, form, || {
        "the operator payout must go to an ordinary address".into()
    });
}

/// What nodes up to 23.1 leave to blocks: they relay the transaction, and the block that takes it is invalid.
pub(super) fn check_in_block(payload: &ProUpServTx, context: &Context<'_>, list: &mut Checks) {
    if context.dialect == Dialect::V17 {
        return;
    }
    let entry = context.facts.map(|facts| facts.masternode(payload.pro_tx_hash));
    let same = match entry {
        None => None,
        // Refused before, for the masternode that is not there.
        Some(None) => return,
        Some(Some(entry)) => Some(entry.kind.number() == payload.kind),
    };
    let named = |number| match MnType::from_number(number) {
        Some(MnType::Regular) => "a regular masternode".to_owned(),
        Some(MnType::Evo) => "an evonode".to_owned(),
        None => format!("type {number}"),
    };
    let message = match (same, entry.flatten()) {
        (Some(false), Some(entry)) => format!(
            "the update is for {}, the masternode is {}: nodes relay it, but no block may contain it (judged only in blocks)",
            named(payload.kind),
            named(entry.kind.number())
        ),
        _ => format!(
            "the masternode must be registered as {} (judged only in blocks)",
            named(payload.kind)
        ),
    };
    list.judge_node("registered-type", "bad-protx-type-mismatch", same, message);
}
