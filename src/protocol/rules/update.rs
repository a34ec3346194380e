//! What the rules of all three updates share: the masternode they are about, and the operator's signature.

use super::{Checks, Context};
use crate::protocol::ProTxHash;
use crate::protocol::bls::{Scheme, Signature};
use crate::protocol::masternode::{Entry, OperatorKey};

/// The version rule of all types.
pub(super) fn check_version(version: u16, context: &Context<'_>, list: &mut Checks) {
    let max = context.max_version;
    list.judge("version", "bad-protx-version", (1..=max).contains(&version), || {
        format!("payload version {version} (the network accepts up to {max} now)")
    });
}

/// The masternode in the list of the tip: one that is unconfirmed cannot be updated yet.
pub(super) fn find<'a>(pro_tx_hash: ProTxHash, context: &Context<'a>, list: &mut Checks) -> Option<&'a Entry> {
    let found = context.facts.map(|facts| facts.masternode(pro_tx_hash));
    let message = match found {
        Some(None) => format!("no registered masternode has the proTxHash {pro_tx_hash}"),
        _ => format!("the masternode {pro_tx_hash} must be registered"),
    };
    list.judge_node(
        "masternode-listed",
        "bad-protx-hash",
        found.map(|entry| entry.is_some()),
        message,
    );
    found.flatten()
}

pub(super) fn check_inputs_hash(inputs_hash: [u8; 32], expected: [u8; 32], list: &mut Checks) {
    list.judge("inputs-hash", "bad-protx-inputs-hash", inputs_hash == expected, || {
        "the payload commits to the inputs of this transaction".into()
    });
}

/// An operator's signature: its bytes, how they are written, and what they sign.
pub(super) struct Signed<'a> {
    pub bytes: &'a [u8; 96],
    pub encoding: Scheme,
    pub digest: [u8; 32],
}

/// The scheme is the chain's, not the payload's: after V19 a version-1 payload needs a basic signature.
pub(super) fn check_operator_signature(
    signed: &Signed<'_>,
    entry: Option<&Entry>,
    context: &Context<'_>,
    list: &mut Checks,
) {
    const SIG: &str = "bad-protx-sig";
    let Ok(signature) = Signature::decode(signed.encoding, signed.bytes) else {
        let message = "the operator has not signed this";
        list.judge("payload-signature", SIG, false, || message.to_owned());
        return;
    };
    let scheme = context.scheme();
    let operator = entry.map(|entry| entry.state.operator);
    let (passed, message) = match operator.map(|operator| (operator, operator.point())) {
        None => (None, "the operator key in the list must have signed this"),
        Some((OperatorKey::Revoked, _)) => (
            Some(false),
            "the operator key is revoked: the owner has to name a new operator first",
        ),
        Some((_, None)) => (None, "the listed operator key is not one this program can read"),
        Some((_, Some(key))) => match key.verify(scheme, &signed.digest, &signature) {
            true => (Some(true), "the operator has signed this"),
            false => (Some(false), "this is not signed by the operator key in the list"),
        },
    };
    list.judge_node("payload-signature", SIG, passed, message.to_owned());
}
