//! Rules every transaction obeys: form, inputs, fee, scripts (Dash Core consensus/tx_check.cpp, validation.cpp).

use std::collections::HashSet;

use bitcoin::OutPoint;
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, ecdsa};

use super::{Checks, Context, Dialect, Facts, locks, policy};
use crate::protocol::amount::Amount;
use crate::protocol::key::KeyId;
use crate::protocol::script::{self, Destination};
use crate::protocol::special_tx::MAX_PAYLOAD;
use crate::protocol::tx::{SPECIAL_VERSION, Transaction};

/// Largest transaction, consensus since DIP-0001.
const MAX_SIZE: usize = 100_000;

pub(super) fn check(tx: &Transaction, context: &Context<'_>, list: &mut Checks) {
    check_form(tx, context, list);
    check_values(tx, context, list);
    policy::check(tx, context, list);
    locks::check_final(tx, context, list);
    if let Some(facts) = context.facts {
        check_mempool(tx, facts, list);
    }
    check_inputs(tx, context, list);
}

fn check_form(tx: &Transaction, context: &Context<'_>, list: &mut Checks) {
    let size = tx.size();
    list.judge("inputs-present", "bad-txns-vin-empty", !tx.inputs.is_empty(), || {
        "a transaction needs at least one input".into()
    });
    list.judge("outputs-present", "bad-txns-vout-empty", !tx.outputs.is_empty(), || {
        "a transaction needs at least one output".into()
    });
    list.judge("size", "bad-txns-oversize", size <= MAX_SIZE, || {
        format!("the transaction has {size} bytes; at most {MAX_SIZE} are allowed")
    });
    list.judge(
        "payload-size",
        "bad-txns-payload-oversize",
        tx.payload.len() <= MAX_PAYLOAD,
        || {
            format!(
                "the payload has {} bytes; at most {MAX_PAYLOAD} are allowed",
                tx.payload.len()
            )
        },
    );
    let distinct: HashSet<&OutPoint> = tx.inputs.iter().map(|input| &input.previous).collect();
    list.judge(
        "inputs-distinct",
        "bad-txns-inputs-duplicate",
        distinct.len() == tx.inputs.len(),
        || "an input may be spent only once".into(),
    );
    let highest = if context.dialect == Dialect::V17 { 6 } else { 9 };
    // Versions above 3 are refused later, as not standard.
    let typed = tx.kind == 0 || (tx.version >= SPECIAL_VERSION && tx.kind <= highest);
    list.judge("type", "bad-txns-type", typed, || {
        format!(
            "type {} with version {} must be a transaction that nodes know",
            tx.kind, tx.version
        )
    });
}

fn check_values(tx: &Transaction, context: &Context<'_>, list: &mut Checks) {
    let max = context.profile.max_money;
    list.judge(
        "values-positive",
        "bad-txns-vout-negative",
        tx.outputs.iter().all(|output| output.value >= 0),
        || "an output may not have a negative value".into(),
    );
    let each = tx
        .outputs
        .iter()
        .all(|output| output.amount().is_none_or(|value| value <= max));
    list.judge("values-in-range", "bad-txns-vout-toolarge", each, || {
        format!("no output may hold more coins than can exist ({})", max.short())
    });
    let total =
        !each || tx.outputs.iter().any(|output| output.value < 0) || tx.output_total().is_some_and(|sum| sum <= max);
    list.judge("total-in-range", "bad-txns-txouttotal-toolarge", total, || {
        format!(
            "the outputs together may not hold more coins than can exist ({})",
            max.short()
        )
    });
}

fn check_mempool(tx: &Transaction, facts: &Facts, list: &mut Checks) {
    if facts.known {
        return;
    }
    let spent = tx
        .inputs
        .iter()
        .find(|input| matches!(facts.coin(&input.previous), Some(Some(coin)) if coin.spent_in_mempool));
    let message = match spent {
        Some(input) => format!(
            "the input {} is being spent by an unconfirmed transaction",
            input.previous
        ),
        None => "no input may be spent by another unconfirmed transaction".to_owned(),
    };
    list.judge_node("no-conflict", "txn-mempool-conflict", Some(spent.is_none()), message);
}

fn check_inputs(tx: &Transaction, context: &Context<'_>, list: &mut Checks) {
    let missing_word = match context.dialect {
        Dialect::V17 => "Missing inputs",
        _ => "bad-txns-inputs-missingorspent",
    };
    let Some(facts) = context.facts else {
        list.unknown(
            "inputs-unspent",
            missing_word,
            "every input must be an unspent output".into(),
        );
        locks::check_sequences(tx, None, list);
        list.unknown(
            "inputs-mature",
            "bad-txns-premature-spend-of-coinbase",
            "rewards can be spent after 100 blocks".into(),
        );
        list.unknown(
            "inputs-suffice",
            "bad-txns-in-belowout",
            "the inputs must hold at least what the outputs pay".into(),
        );
        list.unknown(
            "relay-fee",
            "min relay fee not met",
            "the fee must be at least what nodes ask for relaying".into(),
        );
        return;
    };
    let missing = tx
        .inputs
        .iter()
        .find(|input| !matches!(facts.coin(&input.previous), Some(Some(_))));
    let message = missing.map_or_else(
        || "every input is an unspent output".to_owned(),
        |input| format!("the input {} is spent already or does not exist", input.previous),
    );
    list.judge_node("inputs-unspent", missing_word, Some(missing.is_none()), message);
    locks::check_sequences(tx, Some(facts), list);
    let immature = tx.inputs.iter().find(|input| {
        matches!(facts.coin(&input.previous), Some(Some(coin)) if coin.coinbase && coin.confirmations < facts.coinbase_maturity)
    });
    let message = immature.map_or_else(
        || "no input is a reward that is still immature".to_owned(),
        |input| {
            format!(
                "the input {} is a reward younger than {} blocks",
                input.previous, facts.coinbase_maturity
            )
        },
    );
    list.judge_node(
        "inputs-mature",
        "bad-txns-premature-spend-of-coinbase",
        Some(immature.is_none()),
        message,
    );
    if missing.is_none() {
        check_fee(tx, facts, list);
    }
}

fn check_fee(tx: &Transaction, facts: &Facts, list: &mut Checks) {
    let total_in: Amount = tx
        .inputs
        .iter()
        .filter_map(|input| facts.coin(&input.previous).flatten())
        .map(|coin| coin.value)
        .sum();
    let total_out = tx.output_total().unwrap_or(Amount::from_duffs(u64::MAX));
    let fee = total_in.checked_sub(total_out);
    list.judge_node(
        "inputs-suffice",
        "bad-txns-in-belowout",
        Some(fee.is_some()),
        format!(
            "the inputs hold {}, the outputs pay {}",
            total_in.short(),
            total_out.short()
        ),
    );
    if let Some(fee) = fee {
        let size = tx.size() as u64;
        let least = Amount::from_duffs(facts.relay_fee.duffs().saturating_mul(size) / 1000);
        let message = format!(
            "the fee is {} duffs; nodes relay {size} bytes for at least {}",
            fee.duffs(),
            least.duffs()
        );
        list.judge_node("relay-fee", "min relay fee not met", Some(fee >= least), message);
    }
}

/// Signatures of P2PKH inputs, against the outputs they spend. Last, as in a node.
pub(super) fn check_scripts(tx: &Transaction, context: &Context<'_>, list: &mut Checks) {
    const REJECT: &str = "mandatory-script-verify-flag-failed";
    let Some(facts) = context.facts else {
        list.unknown(
            "input-scripts",
            REJECT,
            "every input must be signed by the key of the output it spends".into(),
        );
        return;
    };
    let mut verdict = Some(true);
    for (at, input) in tx.inputs.iter().enumerate() {
        let Some(Some(coin)) = facts.coin(&input.previous) else {
            continue;
        };
        match is_signed(tx, at, coin.script.as_bytes()) {
            Some(true) => {}
            other => verdict = if verdict == Some(false) { verdict } else { other },
        }
    }
    list.judge_node(
        "input-scripts",
        REJECT,
        verdict,
        "every input is signed by the key of the output it spends".into(),
    );
}

/// Whether a P2PKH input carries a valid SIGHASH_ALL signature; none for scripts and hash types this program does not judge.
pub fn is_signed(tx: &Transaction, at: usize, script_pubkey: &[u8]) -> Option<bool> {
    if !script::is_pay_to_key(script_pubkey) || signs_in_part(tx, at) {
        return None;
    }
    let Some(Destination::Key(hash)) = script::destination(script_pubkey) else {
        return None;
    };
    Some(verify_input(tx, at, script_pubkey, hash).is_some())
}

/// SIGHASH_NONE, SIGHASH_SINGLE, or any with SIGHASH_ANYONECANPAY: nodes take them, this program never makes them.
fn signs_in_part(tx: &Transaction, at: usize) -> bool {
    let script = tx.inputs.get(at).map(|input| input.script_sig.as_bytes());
    let hash_type = script.and_then(|script| script.get(usize::from(*script.first()?)));
    matches!(hash_type, Some(2 | 3 | 0x81 | 0x82 | 0x83))
}

fn verify_input(tx: &Transaction, at: usize, script_pubkey: &[u8], hash: [u8; 20]) -> Option<()> {
    let (&len, rest) = tx.inputs.get(at)?.script_sig.as_bytes().split_first()?;
    let (signature, rest) = rest.split_at_checked(usize::from(len))?;
    let (&len, key) = rest.split_first()?;
    let (&hash_type, der) = signature.split_last()?;
    if usize::from(len) != key.len() || hash_type != 1 {
        return None;
    }
    let signature = ecdsa::Signature::from_der(der).ok()?;
    let key = PublicKey::from_slice(key)
        .ok()
        .filter(|parsed| KeyId::of(parsed).0 == hash)?;
    let digest = tx.sighash_all(at, script_pubkey);
    Secp256k1::verification_only()
        .verify_ecdsa(&Message::from_digest(digest), &signature, &key)
        .ok()
}
