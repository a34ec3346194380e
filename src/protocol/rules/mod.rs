//! The rules a node judges a transaction by, as named checks with the node's own reject string.
//!
//! Told once, for the form that is checked while it is typed, for the plan before a device is touched, and for `tx check`.
//! The order is the node's (Dash Core validation.cpp, evo/specialtxman.cpp): the first failure is the one it would report.
//! Where a rule needs the node's state and none is at hand, the check says so instead of guessing.

mod facts;
mod pro_reg;
mod structure;

pub use facts::{Coin, Dialect, Facts, Pending};
pub use structure::{DUST_KEY, is_signed};

use super::bls::{PublicKey, Scheme};
use super::network::Profile;
use super::special_tx::{Payload, net_info};
use super::tx::{PRO_REG, Transaction};
use crate::protocol::special_tx::ProRegTx;

/// One rule, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Stable name: `payout-not-owner`.
    pub rule: &'static str,
    /// What a node answers when it fails.
    pub reject: &'static str,
    /// None: cannot be told without a node.
    pub passed: Option<bool>,
    pub needs_node: bool,
    /// A sentence for a person: what is wrong when it failed, what is asked for otherwise.
    pub message: String,
}

/// What to judge against.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub profile: &'a Profile,
    pub dialect: Dialect,
    /// Highest payload version the next block accepts: 2 from V19 on, else 1.
    pub max_version: u16,
    pub facts: Option<&'a Facts>,
}

impl<'a> Context<'a> {
    /// Without a node: the network's present rules as its profile tells them.
    pub fn offline(profile: &'a Profile) -> Self {
        let modern = profile.activation.v19.is_some();
        Self {
            profile,
            dialect: if modern { Dialect::V23 } else { Dialect::V17 },
            max_version: if modern { 2 } else { 1 },
            facts: None,
        }
    }

    fn dip3_enforced(&self) -> bool {
        self.facts
            .is_none_or(|facts| facts.height + 1 >= self.profile.activation.dip3_enforcement)
    }
}

/// All checks of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub checks: Vec<Check>,
}

/// Rules that can only hold once everything is signed.
pub const OF_SIGNATURES: [&str; 2] = ["payload-signature", "input-scripts"];

impl Verdict {
    /// The first failure: what a node would answer.
    pub fn failure(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.passed == Some(false))
    }

    pub fn accepted(&self) -> bool {
        self.failure().is_none()
    }

    /// Failures other than of the signatures that are still to be made.
    pub fn failure_before_signing(&self) -> Option<&Check> {
        self.checks
            .iter()
            .find(|check| check.passed == Some(false) && !OF_SIGNATURES.contains(&check.rule))
    }

    /// Every failure, for a review that shows all at once.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.passed == Some(false))
    }
}

/// Judges a transaction of any type; payload rules for ProRegTx.
pub fn check(tx: &Transaction, context: &Context<'_>) -> Verdict {
    let mut list = Checks::default();
    structure::check(tx, context, &mut list);
    if tx.kind == PRO_REG && tx.has_payload() {
        check_pro_reg(tx, context, &mut list);
    } else if let Ok(Payload::Unknown { kind, .. }) = Payload::of(tx) {
        list.unknown(
            "payload-known",
            "",
            format!("transactions of type {kind} have rules this program does not judge yet"),
        );
    }
    structure::check_scripts(tx, context, &mut list);
    Verdict { checks: list.0 }
}

fn check_pro_reg(tx: &Transaction, context: &Context<'_>, list: &mut Checks) {
    match read_pro_reg(&tx.payload, context) {
        Ok(payload) => {
            list.pass(
                "payload-form",
                "bad-protx-payload",
                "the payload has the form of a ProRegTx",
            );
            pro_reg::check(tx, &payload, context, list);
        }
        Err(reject) => {
            let rule = if reject == "bad-protx-version" {
                "version"
            } else {
                "payload-form"
            };
            let sentence = if reject == "bad-protx-version" {
                "this payload version is not accepted on the network"
            } else {
                "the payload does not have the form of a ProRegTx"
            };
            list.judge(rule, reject, false, || sentence.to_owned());
        }
    }
}

/// Reads a payload as a node of the dialect does, whatever the version field says.
fn read_pro_reg(payload: &[u8], context: &Context<'_>) -> Result<ProRegTx, &'static str> {
    const FORM: &str = "bad-protx-payload";
    let version = payload
        .first_chunk::<2>()
        .map(|bytes| u16::from_le_bytes(*bytes))
        .ok_or(FORM)?;
    match (context.dialect, version) {
        (Dialect::V17, _) => {
            let read = ProRegTx::decode_layout(payload, false).map_err(|_| FORM)?;
            // 0.17 reads the operator key while parsing, in the one encoding it knows: bytes that are no point are a
            // malformed payload.
            let is_key = PublicKey::decode(Scheme::Legacy, &read.operator).is_ok();
            if read.operator != [0; 48] && !is_key {
                Err(FORM)
            } else {
                Ok(read)
            }
        }
        (_, 1 | 2) => ProRegTx::decode(payload).map_err(|_| FORM),
        (Dialect::V23, 3) if net_info::is_pro_reg_v3(payload) => Err("bad-protx-version"),
        _ => Err(FORM),
    }
}

/// The list while it grows.
#[derive(Default)]
pub(crate) struct Checks(Vec<Check>);

impl Checks {
    fn push(
        &mut self,
        rule: &'static str,
        reject: &'static str,
        passed: Option<bool>,
        needs_node: bool,
        message: impl Into<String>,
    ) {
        self.0.push(Check {
            rule,
            reject,
            passed,
            needs_node,
            message: message.into(),
        });
    }

    fn pass(&mut self, rule: &'static str, reject: &'static str, message: &str) {
        self.push(rule, reject, Some(true), false, message);
    }

    /// A rule decided from the transaction alone.
    fn judge(&mut self, rule: &'static str, reject: &'static str, passed: bool, message: impl FnOnce() -> String) {
        self.push(rule, reject, Some(passed), false, message());
    }

    /// A rule decided from the node's state.
    fn judge_node(&mut self, rule: &'static str, reject: &'static str, passed: Option<bool>, message: String) {
        self.push(rule, reject, passed, true, message);
    }

    fn unknown(&mut self, rule: &'static str, reject: &'static str, message: String) {
        self.push(rule, reject, None, true, message);
    }
}

#[cfg(test)]
mod tests;
