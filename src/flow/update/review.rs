//! What is shown of an update before anybody signs: every field before and after, what follows, what a node would say.

use super::consequence::{Consequence, consequences};
use super::field::{Field, fields};
use crate::flow::choice::OneUse;
use crate::flow::operation::{self, Flaw, Kind, Missing, Operation, Signer};
use crate::flow::{Error, Ports, synced_status, transaction, wallet};
use crate::protocol::bls::{PublicKey, Scheme};
use crate::protocol::masternode::{Entry, OperatorKey, effect};
use crate::protocol::rules::{self, Facts, Verdict};
use crate::protocol::special_tx::Payload;
use crate::protocol::{Amount, OutPoint, Profile, script};
use crate::rpc::NodeStatus;

/// An operation as the chain of this moment sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The masternode as it is; none for a registration.
    pub masternode: Option<Entry>,
    /// All fields, also those that stay; empty for a registration.
    pub fields: Vec<Field>,
    pub consequences: Vec<Consequence>,
    pub warnings: Vec<Warning>,
    pub verdict: Verdict,
    pub fee: Amount,
    /// Outputs: all of them change that returns to where the fee comes from.
    pub change: Vec<(String, Amount)>,
    /// Signatures that this computer cannot make.
    pub missing: Vec<Missing>,
}

impl Review {
    /// The first rule it breaks that a signature would not mend.
    pub fn failure(&self) -> Option<&rules::Check> {
        self.verdict.failure_before_signing()
    }
}

/// Legal, but worth a second look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// It has every block it knows of, but its masternode sync is not done: what it tells may be old.
    NodeNotSynced,
    /// A key of this vault would lose its role, and nobody here holds the new one.
    RoleLeavesVault {
        role: operation::Role,
    },
    OwnerIsVoting,
    PayoutIsCollateral,
}

impl Warning {
    pub fn sentence(&self) -> String {
        match self {
            Self::NodeNotSynced => "the node says that it is not synchronised yet: its list may be old".into(),
            Self::RoleLeavesVault { role } => {
                format!("the new {role} is not in this vault: somebody else will hold that role")
            }
            Self::OwnerIsVoting => "owner and voting key are the same: who holds the one can use the other".into(),
            Self::PayoutIsCollateral => "rewards are paid to the address of the collateral".into(),
        }
    }
}

/// Judges an operation by the chain of this moment, whoever planned it. Of one from elsewhere nothing is believed: its coins are
/// proven, its signer is compared with the masternode's, its outputs must return to the fee key.
///
/// # Errors
/// Of the node, or the operation's flaw.
pub async fn review(ports: &Ports, operation: &Operation, once: Option<&OneUse>) -> Result<Review, Error> {
    operation.check(&ports.profile)?;
    let status = synced_status(ports).await?;
    for input in &operation.inputs {
        prove(ports, input.outpoint, Amount::from_duffs(input.value)).await?;
    }
    let facts = transaction::facts(&*ports.node, &ports.profile, &operation.unsigned).await?;
    let review = assemble(ports, operation, &status, &facts, once)?;
    check_signer(operation, review.masternode.as_ref(), &status)?;
    Ok(review)
}

/// What the file says a coin holds must be so: the rest would become fee.
async fn prove(ports: &Ports, outpoint: OutPoint, stated: Amount) -> Result<(), Error> {
    let coin = ports.node.coin(outpoint).await?;
    let Some(coin) = coin else {
        return Ok(()); // spent or unknown: the rules say so
    };
    wallet::prove(ports, &coin).await?;
    let found = coin.value;
    if found == stated {
        Ok(())
    } else {
        Err(Flaw::OtherAmount {
            outpoint,
            stated,
            found,
        }
        .into())
    }
}

fn check_signer(operation: &Operation, entry: Option<&Entry>, status: &NodeStatus) -> Result<(), Error> {
    let role = operation.signer.role();
    let right = match (&operation.signer, entry) {
        (Signer::Collateral { .. }, None) => operation.kind == Kind::Register,
        (Signer::Owner { key }, Some(entry)) => entry.state.owner == Some(*key),
        (Signer::Operator { key, scheme }, Some(entry)) => {
            entry.state.operator == OperatorKey::Known(*key) && *scheme == status.capabilities.scheme()
        }
        // Without its masternode the rules refuse it.
        (Signer::Owner { .. } | Signer::Operator { .. }, None) => true,
        (Signer::Collateral { .. }, Some(_)) => false,
    };
    if right {
        Ok(())
    } else {
        Err(Flaw::OtherSigner { role }.into())
    }
}

pub(super) fn assemble(
    ports: &Ports,
    operation: &Operation,
    status: &NodeStatus,
    facts: &Facts,
    once: Option<&OneUse>,
) -> Result<Review, Error> {
    let payload = operation.payload()?;
    let judged = operation.assembled()?;
    let verdict = rules::check(&judged, &transaction::context(&ports.profile, status, facts));
    let entry = payload.pro_tx_hash().and_then(|hash| facts.masternode(hash)).cloned();
    let mut review = Review {
        fields: Vec::new(),
        consequences: Vec::new(),
        warnings: Vec::new(),
        verdict,
        fee: operation.fee().unwrap_or(Amount::ZERO),
        change: change(operation, &ports.profile),
        missing: operation::missing(ports, operation, once),
        masternode: entry,
    };
    if !status.synced {
        review.warnings.push(Warning::NodeNotSynced);
    }
    if let Some(entry) = review.masternode.clone()
        && let Some(after) = effect::after(&entry, &payload, facts.height + 1)
    {
        let evo = status.capabilities.evo_payments();
        review.fields = fields(&entry, &after, &ports.profile);
        review.consequences = consequences(&entry, &after, &facts.masternodes, facts.height, evo);
        review.warnings.extend(warn(ports, &entry, &payload, facts));
    }
    if let Payload::ProUpReg(payload) = &payload {
        refuse_other_encoding(
            &payload.operator,
            payload.key_encoding(),
            review.masternode.as_ref(),
            facts,
            &review.verdict,
        )?;
    }
    Ok(review)
}

fn change(operation: &Operation, profile: &Profile) -> Vec<(String, Amount)> {
    let text = |spent: &[u8]| script::address(spent).map_or_else(|| "a script".to_owned(), |to| to.to_text(profile));
    let outputs = operation.unsigned.outputs.iter();
    outputs
        .filter_map(|output| Some((text(output.script.as_bytes()), output.amount()?)))
        .collect()
}

fn warn(ports: &Ports, entry: &Entry, payload: &Payload, facts: &Facts) -> Vec<Warning> {
    let Payload::ProUpReg(payload) = payload else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let state = &entry.state;
    if let Some(vault) = &ports.vault {
        let held = |key: &PublicKey| vault.find_operator(&ports.profile, key).is_some();
        if let (OperatorKey::Known(old), Ok(new)) = (state.operator, payload.operator_key())
            && held(&old)
            && !held(&new)
        {
            all.push(Warning::RoleLeavesVault {
                role: operation::Role::Operator,
            });
        }
    }
    if state.owner == Some(payload.voting) {
        all.push(Warning::OwnerIsVoting);
    }
    let collateral = facts.coin(&entry.collateral).flatten();
    if collateral.is_some_and(|coin| coin.script == payload.payout) {
        all.push(Warning::PayoutIsCollateral);
    }
    all
}

/// A key written in the wrong encoding means its negative, which nodes accept and nobody can sign for. It is caught where the
/// other reading is a key that is known: the masternode's own, or another masternode's.
fn refuse_other_encoding(
    bytes: &[u8; 48],
    encoding: Scheme,
    entry: Option<&Entry>,
    facts: &Facts,
    verdict: &Verdict,
) -> Result<(), Error> {
    let Ok(key) = PublicKey::decode(encoding, bytes) else {
        return Ok(());
    };
    let taken = |entry: &&Entry| match entry.state.operator {
        OperatorKey::Known(listed) => listed.opposite() == key,
        _ => false,
    };
    let own = entry.filter(taken);
    let other = facts.masternodes.iter().find(taken);
    let same_point = facts
        .operator_in_any_encoding(&key)
        .filter(|found| entry.is_none_or(|entry| entry.pro_tx_hash != found.pro_tx_hash))
        .filter(|_| verdict.failures().all(|check| check.rule != "operator-key-unique"));
    match own.or(other).or(same_point) {
        Some(found) => Err(Error::OperatorInOtherEncoding {
            pro_tx_hash: found.pro_tx_hash.to_string(),
        }),
        None => Ok(()),
    }
}
