//! The rules a node judges a transaction by, as named checks with the node's own reject string.
//!
//! Told once, for the form that is checked while it is typed, for the plan before a device is touched, and for `tx check`.
//! The order is the node's (Dash Core validation.cpp, evo/specialtxman.cpp): the first failure is the one it would report.
//! Where a rule needs the node's state and none is at hand, the check says so instead of guessing.

mod facts;
mod locks;
mod pending;
mod policy;
mod pro_reg;
mod pro_up_reg;
mod pro_up_rev;
mod pro_up_serv;
mod read;
mod structure;
mod update;

pub use facts::{Coin, Dialect, Facts, Pending};
pub use policy::DUST_KEY;
pub use structure::is_signed;

use super::bls::Scheme;
use super::network::Profile;
use super::special_tx::ProUpServTx;
use super::tx::{COINBASE, PRO_REG, PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV, Transaction, TxIn};

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

    /// How operators sign for the next block.
    pub fn scheme(&self) -> Scheme {
        if self.max_version >= 2 {
            Scheme::Basic
        } else {
            Scheme::Legacy
        }
    }

    fn dip3_enforced(&self) -> bool {
        self.facts
            .is_none_or(|facts| facts.height.saturating_add(1) >= self.profile.activation.dip3_enforcement)
    }
}

/// All checks of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub checks: Vec<Check>,
}

/// Rules that can only hold once everything is signed.
pub const OF_SIGNATURES: [&str; 2] = ["payload-signature", "input-scripts"];

const ANY_ENCODING: &str = "operator-key-in-any-encoding";
const POINT: &str = "operator-key-is-point";

/// Checks no node makes: their failure is a warning and leaves the verdict as it is.
pub const ADVICE: [&str; 2] = [ANY_ENCODING, POINT];

impl Check {
    /// Nodes do not make this check.
    pub fn is_advice(&self) -> bool {
        ADVICE.contains(&self.rule)
    }

    /// A node would refuse for this.
    fn is_failure(&self) -> bool {
        self.passed == Some(false) && !self.is_advice()
    }
}

impl Verdict {
    /// The first failure: what a node would answer.
    pub fn failure(&self) -> Option<&Check> {
        self.failures().next()
    }

    pub fn accepted(&self) -> bool {
        self.failure().is_none()
    }

    /// Failures other than of the signatures that are still to be made.
    pub fn failure_before_signing(&self) -> Option<&Check> {
        self.failures().find(|check| !OF_SIGNATURES.contains(&check.rule))
    }

    /// Every failure, for a review that shows all at once.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.is_failure())
    }

    /// What a node lets pass but a person should know before signing.
    pub fn warnings(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| check.passed == Some(false) && check.is_advice())
    }
}

/// Judges a transaction of any type; payload rules for types 1 to 4.
pub fn check(tx: &Transaction, context: &Context<'_>) -> Verdict {
    let mut list = Checks::default();
    structure::check(tx, context, &mut list);
    let service = check_payload(tx, context, &mut list);
    // After the payload's own rules and before the scripts (Dash Core validation.cpp, PreChecks).
    if let Some(facts) = context.facts.filter(|facts| !facts.known) {
        pending::check(tx, facts, &mut list);
    }
    structure::check_scripts(tx, context, &mut list);
    if let Some(payload) = service {
        pro_up_serv::check_in_block(&payload, context, &mut list);
    }
    if let Some(facts) = context.facts {
        pending::check_in_block(tx, facts, &mut list);
    }
    Verdict { checks: list.0 }
}

/// Judges the payload; gives back the one that blocks have further rules for.
fn check_payload(tx: &Transaction, context: &Context<'_>, list: &mut Checks) -> Option<ProUpServTx> {
    if !tx.has_payload() {
        return None;
    }
    match tx.kind {
        PRO_REG => {
            let payload = list.form("a ProRegTx", read::pro_reg(&tx.payload, context))?;
            pro_reg::check(tx, &payload, context, list);
        }
        PRO_UP_SERV => {
            let payload = list.form("a ProUpServTx", read::pro_up_serv(&tx.payload, context))?;
            pro_up_serv::check(tx, &payload, context, list);
            return Some(payload);
        }
        PRO_UP_REG => {
            let payload = list.form("a ProUpRegTx", read::pro_up_reg(&tx.payload, context))?;
            pro_up_reg::check(tx, &payload, context, list);
        }
        PRO_UP_REV => {
            let payload = list.form("a ProUpRevTx", read::pro_up_rev(&tx.payload, context))?;
            pro_up_rev::check(tx, &payload, context, list);
        }
        COINBASE if !tx.inputs.iter().any(TxIn::is_coinbase) => {
            list.judge("coinbase-form", "bad-cbtx-invalid", false, || {
                "only a block's first transaction has type 5".into()
            });
        }
        kind => list.unknown(
            "payload-known",
            "",
            format!("transactions of type {kind} have rules this program does not judge"),
        ),
    }
    None
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

    /// Whether a node can read the payload at all.
    fn form<T>(&mut self, name: &str, read: read::Read<T>) -> Option<T> {
        match read {
            Ok(payload) => {
                let message = format!("the payload has the form of {name}");
                self.push("payload-form", "bad-protx-payload", Some(true), false, message);
                Some(payload)
            }
            Err(reject) => {
                let (rule, sentence) = if reject == "bad-protx-version" {
                    (
                        "version",
                        "this payload version is not accepted on the network".to_owned(),
                    )
                } else {
                    ("payload-form", format!("the payload does not have the form of {name}"))
                };
                self.push(rule, reject, Some(false), false, sentence);
                None
            }
        }
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
#[cfg(test)]
mod update_tests;
