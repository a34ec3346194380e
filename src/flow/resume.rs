//! Going on with an operation that a crash, a declined prompt or a lost connection left unfinished.

use bitcoin::Txid;
use sipper::{Sender, Straw, sipper};

use super::choice::OneUse;
use super::operation::{self, Kind};
use super::{Error, Ports, Step, pay, send};
use crate::protocol::Transaction;
use crate::store::journal::{Operation, State};

/// How an operation ended at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub txid: Txid,
    pub tx: Transaction,
    pub height: u32,
}

/// Continues where the journal says it stopped, also after a failure. It cannot be undone from [`Step::Broadcasting`] on.
///
/// What the device signed is not asked for again. What is mined is merely told; what was cancelled stays so.
pub fn resume(ports: Ports, id: i64) -> impl Straw<Outcome, Step, Error> {
    resume_with(ports, id, None)
}

/// As [`resume`], with an operator key that was pasted for once: it is needed again where the program ended before it signed.
pub fn resume_with(ports: Ports, id: i64, once: Option<OneUse>) -> impl Straw<Outcome, Step, Error> {
    sipper(async move |mut steps| {
        let operation = ports.journal.get(id)?;
        if operation.network != ports.profile.name {
            return Err(Error::CannotResume {
                id,
                reason: "it belongs to another network",
            });
        }
        if operation.state() == State::Cancelled {
            return Err(Error::CannotResume {
                id,
                reason: "it was cancelled",
            });
        }
        steps.send(Step::Planned { id }).await;
        if operation.finished().is_none() {
            return sign_again(&ports, &operation, once.as_ref(), &mut steps).await;
        }
        let (tx, height) = send::go_on(&ports, &operation, &mut steps).await?;
        let txid = tx.txid();
        Ok(Outcome { txid, tx, height })
    })
}

/// The plan is there, perhaps the signature under its payload too.
async fn sign_again(
    ports: &Ports,
    operation: &Operation,
    once: Option<&OneUse>,
    steps: &mut Sender<Step>,
) -> Result<Outcome, Error> {
    if Kind::from_name(&operation.kind).is_none() {
        return pay_again(ports, operation, steps).await;
    }
    let outcome = operation::go_on(ports, operation, once, steps).await?;
    Ok(Outcome {
        txid: outcome.txid,
        tx: outcome.tx,
        height: outcome.height,
    })
}

/// A payment that was signed; without its signature it is over, as its coins may be gone.
async fn pay_again(ports: &Ports, operation: &Operation, steps: &mut Sender<Step>) -> Result<Outcome, Error> {
    let tx = pay::signed(ports, operation).await?;
    let height = send::deliver(ports, operation.id, &tx, steps).await?;
    Ok(Outcome {
        txid: tx.txid(),
        tx,
        height,
    })
}
