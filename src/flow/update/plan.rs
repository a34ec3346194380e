//! The complete update before anybody signs: built, decoded, checked.

use sipper::{Sipper, Straw, sipper};

use super::draft::{Change, Draft};
use super::payload::build;
use super::review::{Review, assemble};
use crate::flow::choice::{FeeSource, OneUse, OperatorSecret};
use crate::flow::fee::{Paid, Till, pay_fee};
use crate::flow::keys::{Chooser, Label, Made, operator_key};
use crate::flow::operation::{self, Base, Operation, Outcome, Role, Signer};
use crate::flow::{Error, Ports, Step, name_of, synced_status, transaction};
use crate::protocol::ProTxHash;
use crate::protocol::masternode::Entry;

/// Everything of an update but the signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub pro_tx_hash: ProTxHash,
    /// What it is called here; a revocation asks to type it.
    pub name: String,
    pub operation: Operation,
    pub review: Review,
    /// Labels of the vault's new keys that take part: role and label.
    pub keys: Vec<Label>,
    /// Those of them that were made for this plan.
    pub made: Vec<String>,
    /// An operator key that is used once.
    pub once: Option<OneUse>,
    pub fee_from: FeeSource,
}

/// Builds and checks an update, from the masternode's state on chain. Makes new keys in the vault where the draft asks for them.
///
/// # Errors
/// What is missing or refused; nothing was signed or sent.
pub async fn prepare(ports: &Ports, draft: &Draft) -> Result<Plan, Error> {
    prepare_from(ports, draft, None).await
}

/// The same, paid from a till that is open already.
pub(in crate::flow) async fn prepare_from(ports: &Ports, draft: &Draft, till: Option<&Till>) -> Result<Plan, Error> {
    let mut making = Making {
        ports,
        made: Made::default(),
    };
    let plan = plan_with(ports, draft, till, &mut making.made).await?;
    Ok(Plan {
        made: making.kept(),
        ..plan
    })
}

/// Takes the keys made so far back, unless they get into a plan: also where the work on it is dropped half-way.
struct Making<'a> {
    ports: &'a Ports,
    made: Made,
}

impl Making<'_> {
    fn kept(&mut self) -> Vec<String> {
        std::mem::take(&mut self.made).labels()
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.made.remove(self.ports);
    }
}

async fn plan_with(ports: &Ports, draft: &Draft, till: Option<&Till>, made: &mut Made) -> Result<Plan, Error> {
    let status = synced_status(ports).await?;
    let entry = find(ports, draft.pro_tx_hash).await?;
    let name = name_of(ports, &entry);
    let once = operator_secret(ports, &entry, &draft.change)?;
    let begins = match &draft.change {
        Change::Registrar(change) => change.name.clone(),
        Change::Service(_) | Change::Revoke(_) => None,
    };
    let mut chooser = Chooser {
        ports,
        name: begins.as_deref().unwrap_or(&name),
        made,
        labels: Vec::new(),
    };
    let (payload, signer) = build(&entry, &draft.change, &status.capabilities, &mut chooser)?;
    let keys = chooser.labels;
    let paid = match till {
        Some(till) => till.pay(ports, payload).await?,
        None => pay_fee(ports, &draft.fee_from, payload, &[]).await?,
    };
    let Paid { unsigned, inputs, .. } = paid;
    let operation = Operation {
        kind: draft.change.kind(),
        network: ports.profile.name.clone(),
        unsigned,
        inputs,
        fee_from_wallet: draft.fee_from == FeeSource::NodeWallet,
        signer,
        payload_signature: None,
        input_scripts: None,
        base: Base::of(draft.change.kind(), &entry),
        planned_here: true,
    };
    let facts = transaction::facts(&*ports.node, &ports.profile, &operation.unsigned).await?;
    let review = assemble(ports, &operation, &status, &facts, once.as_ref())?;
    Ok(Plan {
        pro_tx_hash: draft.pro_tx_hash,
        name,
        operation,
        review,
        keys,
        made: Vec::new(),
        once,
        fee_from: draft.fee_from.clone(),
    })
}

async fn find(ports: &Ports, pro_tx_hash: ProTxHash) -> Result<Entry, Error> {
    let list = ports.node.masternodes().await?;
    let found = list.find(pro_tx_hash).cloned();
    found.ok_or_else(|| Error::NoSuchMasternode {
        hash: pro_tx_hash.to_string(),
    })
}

/// The pasted key, if one was pasted. A key that is named or pasted must be the operator's: the chain would refuse the signature.
fn operator_secret(ports: &Ports, entry: &Entry, change: &Change) -> Result<Option<OneUse>, Error> {
    let secret = match change {
        Change::Service(change) => &change.operator,
        Change::Revoke(change) => &change.operator,
        Change::Registrar(_) => return Ok(None),
    };
    let (label, key, once) = match secret {
        OperatorSecret::OfTheVault => return Ok(None),
        OperatorSecret::Held(label) => (label.clone(), operator_key(ports.vault()?, label)?, None),
        OperatorSecret::Pasted(once) => ("the pasted key".to_owned(), once.public_key(), Some(once.clone())),
    };
    match entry.state.operator.point() {
        Some(listed) if listed != key => Err(Error::NotTheKey {
            label,
            role: Role::Operator,
            pro_tx_hash: entry.pro_tx_hash.to_string(),
        }),
        _ => Ok(once),
    }
}

/// Takes back the keys that were made for a plan nobody will sign. Their numbers are not given out again. Of an operation that was
/// begun and may still end in a block, here or where its file went, they stay: cancel it first.
pub fn discard(ports: &Ports, plan: &Plan) {
    operation::take_back(ports, &plan.operation, &plan.made);
}

/// Signs, verifies, sends and awaits an update. It cannot be undone from [`Step::Broadcasting`] on. Keys made for it are in the
/// vault since the plan; they are the masternode's once it is mined, because the list says so then.
///
/// A plan that a rule refuses, or that needs a signature from elsewhere, is not begun.
pub fn update(ports: Ports, plan: Plan) -> impl Straw<Outcome, Step, Error> {
    sipper(async move |steps| {
        if let Some(check) = plan.review.failure() {
            return Err(Error::Rule(check.clone()));
        }
        if let Some(missing) = plan.review.missing.first() {
            return Err(missing.clone().into());
        }
        operation::run(ports, plan.operation, plan.once).run(steps).await
    })
}

/// Adds the signatures this computer can make and gives the operation back, for another computer to complete. Nothing is sent; the
/// journal keeps it.
pub fn export(ports: Ports, plan: Plan) -> impl Straw<Operation, Step, Error> {
    sipper(async move |steps| {
        if let Some(check) = plan.review.failure() {
            return Err(Error::Rule(check.clone()));
        }
        operation::sign_here(ports, plan.operation, plan.once).run(steps).await
    })
}

/// Whether two plans mean the same, whatever coins pay for them.
pub(in crate::flow) fn same_payload(one: &Operation, other: &Operation) -> Result<bool, Error> {
    let bare = |operation: &Operation| {
        let mut payload = operation.payload()?;
        payload.set_inputs_hash([0; 32]);
        Ok::<_, Error>(payload)
    };
    Ok(one.kind == other.kind && bare(one)? == bare(other)?)
}

/// The key that has to sign, for a screen that says whose.
impl Plan {
    pub fn signer(&self) -> &Signer {
        &self.operation.signer
    }
}
