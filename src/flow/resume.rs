//! Going on with an operation that a crash, a declined prompt or a lost connection left unfinished.

use bitcoin::Txid;
use sipper::{Sender, Straw, sipper};

use super::operation::{self, Kind};
use super::{Error, Ports, Step, send};
use crate::protocol::Transaction;
use crate::store::journal::{Event, Operation, State};

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
        let Some((txid, hex)) = operation.finished() else {
            return sign_again(&ports, &operation, &mut steps).await;
        };
        let tx = Transaction::from_hex(hex)?;
        let height = match mined(&operation) {
            Some(height) => {
                steps.send(Step::Mined { txid, height }).await;
                height
            }
            None => deliver(&ports, &operation, &tx, &mut steps).await?,
        };
        Ok(Outcome { txid, tx, height })
    })
}

fn mined(operation: &Operation) -> Option<u32> {
    operation.events.iter().find_map(|entry| match entry.event {
        Event::Mined { height, .. } => Some(height),
        _ => None,
    })
}

/// The transaction is complete: send it (again) unless the chain has it. The port refuses a node of another chain when asked
/// for its status, and a restart may have brought another node.
async fn deliver(
    ports: &Ports,
    operation: &Operation,
    tx: &Transaction,
    steps: &mut Sender<Step>,
) -> Result<u32, Error> {
    ports.node.status().await?;
    send::deliver_again(ports, operation, tx, steps).await
}

/// The plan is there, perhaps the signature under its payload too.
async fn sign_again(ports: &Ports, operation: &Operation, steps: &mut Sender<Step>) -> Result<Outcome, Error> {
    if Kind::from_name(&operation.kind).is_none() {
        return pay_again(ports, operation, steps).await;
    }
    let planned = operation::resume(operation)?;
    let outcome = operation::finish(ports, operation.id, planned, None, steps).await?;
    Ok(Outcome {
        txid: outcome.txid,
        tx: outcome.tx,
        height: outcome.height,
    })
}

/// A payment whose signed transaction is kept is verified already; without it the operation is over, as its coins may be gone.
async fn pay_again(ports: &Ports, operation: &Operation, steps: &mut Sender<Step>) -> Result<Outcome, Error> {
    let id = operation.id;
    let Some(hex) = operation.signature("payment") else {
        let error = Error::CannotResume {
            id,
            reason: "it was not signed yet: begin it anew",
        };
        return Err(send::note_failure(ports, id, error));
    };
    let tx = Transaction::from_hex(hex)?;
    ports.node.status().await?;
    let height = send::deliver(ports, id, &tx, steps).await?;
    Ok(Outcome {
        txid: tx.txid(),
        tx,
        height,
    })
}
