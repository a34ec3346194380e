//! Signing, verifying and sending an operation, or as much of it as can be done here.

use sipper::{Sender, Straw, sipper};

use super::sign::{sign_inputs, sign_payload};
use super::{Kind, Operation, missing};
use crate::flow::choice::{FeeSource, OneUse};
use crate::flow::fee::{Paid, Purse, pay_fee};
use crate::flow::{Error, Ports, Step, send, transaction};
use crate::protocol::special_tx::Payload;
use crate::protocol::wire::from_hex;
use crate::protocol::{Amount, ProTxHash, Transaction, Txid};
use crate::store::journal;

/// An operation in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub kind: Kind,
    pub txid: Txid,
    /// The masternode it made or changed.
    pub pro_tx_hash: ProTxHash,
    pub tx: Transaction,
    pub fee: Amount,
    /// Of its block.
    pub height: u32,
}

/// Signs, verifies, sends and awaits an operation. It cannot be undone from [`Step::Broadcasting`] on.
///
/// Dropped before that, it stays in the journal as far as it came and can be resumed; who gives it up for good writes
/// [`journal::Event::Cancelled`]. `once`: an operator key that is not in the vault.
pub fn run(ports: Ports, operation: Operation, once: Option<OneUse>) -> impl Straw<Outcome, Step, Error> {
    sipper(async move |mut steps| {
        let id = begin(&ports, &operation)?;
        steps.send(Step::Planned { id }).await;
        finish(&ports, id, operation, once.as_ref(), &mut steps).await
    })
}

/// Adds the signatures this computer can make, for another one to add the rest. Nothing is sent.
pub fn sign_here(ports: Ports, operation: Operation, once: Option<OneUse>) -> impl Straw<Operation, Step, Error> {
    sipper(async move |mut steps| {
        let id = begin(&ports, &operation)?;
        steps.send(Step::Planned { id }).await;
        let mut operation = operation;
        let absent: Vec<_> = missing(&ports, &operation, once.as_ref())
            .into_iter()
            .map(|missing| missing.role)
            .collect();
        if !absent.contains(&operation.signer.role()) {
            sign_payload(&ports, id, &mut operation, once.as_ref(), &mut steps).await?;
        }
        if operation.payload_signature.is_some() && !absent.contains(&super::Role::Fee) {
            sign_inputs(&ports, &mut operation, &mut steps).await?;
        }
        Ok(operation)
    })
}

/// Writes the operation down, or finds it in the journal where it was begun here and comes back with more signatures.
fn begin(ports: &Ports, operation: &Operation) -> Result<i64, Error> {
    let known = ports.journal.unfinished()?.into_iter().find(|entry| {
        entry.kind == operation.kind.name()
            && entry.network == operation.network
            && entry.finished().is_none()
            && planned(entry).is_some_and(|planned| planned.unsigned == operation.unsigned)
    });
    match known {
        Some(entry) => Ok(entry.id),
        None => Ok(ports
            .journal
            .begin(operation.kind.name(), &operation.network, operation, ports.now())?),
    }
}

fn planned(entry: &journal::Operation) -> Option<Operation> {
    Operation::from_text(entry.plan()?).ok()
}

/// Whether the journal of this computer planned the very same transaction.
pub(crate) fn is_planned_here(ports: &Ports, operation: &Operation) -> Result<bool, Error> {
    let all = ports.journal.list()?;
    let same = |entry: &journal::Operation| {
        entry.network == operation.network
            && planned(entry).is_some_and(|planned| planned.unsigned == operation.unsigned)
    };
    Ok(all.iter().any(same))
}

/// Reads an operation back from the journal, with the signature under its payload if that was given before a restart.
pub(crate) fn resume(entry: &journal::Operation) -> Result<Operation, Error> {
    let reason = "its plan was written by another version";
    let mut operation = planned(entry).ok_or(Error::CannotResume { id: entry.id, reason })?;
    operation.planned_here = true;
    let kept = entry.signature(operation.signer.role().name());
    operation.payload_signature = operation
        .payload_signature
        .or_else(|| kept.and_then(|hex| from_hex(hex).ok()));
    Ok(operation)
}

/// From the plan to the block.
pub(crate) async fn finish(
    ports: &Ports,
    id: i64,
    operation: Operation,
    once: Option<&OneUse>,
    steps: &mut Sender<Step>,
) -> Result<Outcome, Error> {
    let signed = signed(ports, id, operation.clone(), once, steps).await?;
    let height = send::deliver(ports, id, &signed, steps).await?;
    outcome(&operation, signed, height)
}

/// As [`finish`], but without awaiting the block: the journal's number and the transaction.
pub(crate) async fn send(
    ports: &Ports,
    operation: Operation,
    once: Option<&OneUse>,
    steps: &mut Sender<Step>,
) -> Result<(i64, Transaction), Error> {
    let id = begin(ports, &operation)?;
    steps.send(Step::Planned { id }).await;
    let signed = signed(ports, id, operation, once, steps).await?;
    send::hand_in(ports, id, &signed, steps).await?;
    Ok((id, signed))
}

/// The same operation paid from the coins there are now.
pub(crate) async fn pay_anew(
    ports: &Ports,
    operation: &Operation,
    source: &FeeSource,
    purse: &Purse,
) -> Result<Operation, Error> {
    let Paid { unsigned, inputs, .. } = pay_fee(ports, source, operation.payload()?, purse).await?;
    Ok(Operation {
        unsigned,
        inputs,
        payload_signature: None,
        input_scripts: None,
        ..operation.clone()
    })
}

/// What an operation came to.
pub(crate) fn outcome(operation: &Operation, tx: Transaction, height: u32) -> Result<Outcome, Error> {
    let txid = tx.txid();
    Ok(Outcome {
        kind: operation.kind,
        txid,
        pro_tx_hash: Payload::of(&tx)?.pro_tx_hash().unwrap_or(txid),
        fee: operation.fee().unwrap_or(Amount::ZERO),
        tx,
        height,
    })
}

/// Signed and verified; a plan that is lost is written down as such.
async fn signed(
    ports: &Ports,
    id: i64,
    operation: Operation,
    once: Option<&OneUse>,
    steps: &mut Sender<Step>,
) -> Result<Transaction, Error> {
    match sign(ports, id, operation, once, steps).await {
        Err(error) if error.ends_plan() => Err(send::note_failure(ports, id, error)),
        other => other,
    }
}

async fn sign(
    ports: &Ports,
    id: i64,
    mut operation: Operation,
    once: Option<&OneUse>,
    steps: &mut Sender<Step>,
) -> Result<Transaction, Error> {
    sign_payload(ports, id, &mut operation, once, steps).await?;
    sign_inputs(ports, &mut operation, steps).await?;
    let tx = operation.assembled()?;
    verify(ports, &operation.unsigned, &tx).await?;
    let (txid, size) = (tx.txid(), tx.size());
    steps.send(Step::Verified { txid, size }).await;
    Ok(tx)
}

/// Reads the final bytes back: they must be the reviewed transaction plus signatures, and obey every rule now.
async fn verify(ports: &Ports, unsigned: &Transaction, signed: &Transaction) -> Result<(), Error> {
    let read = Transaction::decode(&signed.encode())?;
    if without_signatures(&read)? != *unsigned {
        return Err(Error::NotAsReviewed {
            what: "inputs, outputs or payload differ",
        });
    }
    let verdict = transaction::judge(ports, &read).await?;
    match verdict.failure() {
        Some(check) => Err(Error::Rule(check.clone())),
        None => Ok(()),
    }
}

fn without_signatures(tx: &Transaction) -> Result<Transaction, Error> {
    let mut bare = tx.without_scripts();
    Payload::of(&bare)?.unsigned().attach(&mut bare);
    Ok(bare)
}
