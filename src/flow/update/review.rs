//! What is shown of an update before anybody signs: every field before and after, what follows, what a node would say.

use super::consequence::{Consequence, consequences};
use super::field::{Field, fields};
use crate::flow::choice::OneUse;
use crate::flow::fee::FeeInput;
use crate::flow::guard::Collaterals;
use crate::flow::operation::{self, Flaw, Missing, Operation, Signer};
use crate::flow::{Error, Ports, synced_status, transaction, wallet};
use crate::protocol::bls::PublicKey;
use crate::protocol::masternode::{Entry, effect};
use crate::protocol::rules::{self, Facts, Verdict};
use crate::protocol::special_tx::{Payload, ProUpRegTx};
use crate::protocol::{Amount, Profile, script};
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
/// proven, its signer is compared with the masternode's, its outputs must return to the fee key, and what it carries over must be
/// what the masternode still has.
///
/// # Errors
/// Of the node, the operation's flaw, or [`Error::ChangedMeanwhile`].
pub async fn review(ports: &Ports, operation: &Operation, once: Option<&OneUse>) -> Result<Review, Error> {
    operation.check(&ports.profile)?;
    let status = synced_status(ports).await?;
    let facts = transaction::facts(&*ports.node, &ports.profile, &operation.unsigned).await?;
    let collaterals = Collaterals::of(ports, facts.masternodes.clone())?;
    for input in &operation.inputs {
        prove(ports, input, &collaterals, operation.fee_from_wallet).await?;
    }
    operation.check_base(&facts)?;
    check_signer(operation, &facts, &status)?;
    assemble(ports, operation, &status, &facts, once)
}

/// What the file says of a coin must be so: what it holds above that would become fee, and the change would go to another. A
/// collateral is spent by nothing.
async fn prove(ports: &Ports, input: &FeeInput, collaterals: &Collaterals, of_wallet: bool) -> Result<(), Error> {
    let outpoint = input.outpoint;
    let Some(coin) = ports.node.coin(outpoint).await? else {
        return Ok(()); // spent or unknown: the rules say so
    };
    if !of_wallet {
        // Nodes without a transaction index cannot prove the coins of their own wallet, which is theirs to lose.
        wallet::prove(ports, &coin).await?;
    }
    let (stated, found) = (Amount::from_duffs(input.value), coin.value);
    let flaw = if coin.script != input.script {
        Flaw::OtherOwner { outpoint }
    } else if found != stated {
        Flaw::OtherAmount {
            outpoint,
            stated,
            found,
        }
    } else if collaterals.is_guarded(&coin) {
        Flaw::SpendsCollateral { outpoint }
    } else {
        return Ok(());
    };
    Err(flaw.into())
}

fn check_signer(operation: &Operation, facts: &Facts, status: &NodeStatus) -> Result<(), Error> {
    let payload = operation.payload()?;
    let entry = payload.pro_tx_hash().and_then(|hash| facts.masternode(hash));
    let role = operation.signer.role();
    let right = match (&operation.signer, &payload, entry) {
        (Signer::Collateral { key, .. }, Payload::ProReg(payload), _) => match facts.coin(&payload.collateral) {
            Some(Some(coin)) => coin.script == key.address().script(),
            _ => true, // the rules refuse it
        },
        (Signer::Owner { key }, Payload::ProUpReg(_), Some(entry)) => entry.state.owner == Some(*key),
        (Signer::Operator { key, scheme }, Payload::ProUpServ(_) | Payload::ProUpRev(_), Some(entry)) => {
            entry.state.operator.is(key) && *scheme == status.capabilities.scheme()
        }
        // Without its masternode the rules refuse it.
        (Signer::Owner { .. }, Payload::ProUpReg(_), None) => true,
        (Signer::Operator { .. }, Payload::ProUpServ(_) | Payload::ProUpRev(_), None) => true,
        _ => false,
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
        review.fields = fields(&entry, &after, &ports.profile, status.capabilities.scheme());
        review.consequences = consequences(&entry, &after, &payload, facts, evo);
        review.warnings.extend(warn(ports, &entry, &payload, facts));
    }
    if let Payload::ProUpReg(payload) = &payload {
        refuse_other_encoding(payload, review.masternode.as_ref(), facts)?;
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
        if let (Some(old), Ok(new)) = (state.operator.point(), payload.operator_key())
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

/// A new key that is known already if it is read in the other encoding. A node accepts it: read wrongly it is the negative of what was
/// meant, for which nobody can sign; read rightly two masternodes have one key. That the same bytes are taken is a rule of its own.
fn refuse_other_encoding(payload: &ProUpRegTx, own: Option<&Entry>, facts: &Facts) -> Result<(), Error> {
    let Ok(key) = payload.operator_key() else { return Ok(()) };
    if own.is_some_and(|own| own.state.operator.is(&key)) {
        return Ok(());
    }
    let negative = key.opposite();
    let written_otherwise = |entry: &&Entry| {
        let is_same = entry.state.operator.is(&key);
        entry.state.operator.is(&negative) || (is_same && entry.key_encoding() != payload.key_encoding())
    };
    let mut known = own.into_iter().chain(&facts.masternodes);
    match known.find(written_otherwise) {
        Some(found) => Err(Error::OperatorInOtherEncoding {
            pro_tx_hash: found.pro_tx_hash.to_string(),
        }),
        None => Ok(()),
    }
}
