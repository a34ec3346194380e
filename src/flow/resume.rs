//! Going on with an operation that a crash, a declined prompt or a lost connection left unfinished.

use bitcoin::Txid;
use sipper::{Sender, Straw, sipper};

use super::{Error, Ports, Step, register, send};
use crate::protocol::Transaction;
use crate::protocol::message::CompactSignature;
use crate::protocol::wire::from_hex;
use crate::store::journal::Operation;

/// How an operation ended at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub txid: Txid,
    pub tx: Transaction,
    pub height: u32,
}

/// Continues where the journal says it stopped. It cannot be undone from [`Step::Broadcasting`] on.
pub fn resume(ports: Ports, id: i64) -> impl Straw<Outcome, Step, Error> {
    sipper(async move |mut steps| {
        let operation = ports.journal.get(id)?;
        if operation.network != ports.profile.name {
            return Err(Error::CannotResume {
                id,
                reason: "it belongs to another network",
            });
        }
        steps.send(Step::Planned { id }).await;
        match operation.finished() {
            Some((_, hex)) => deliver(&ports, id, hex, &mut steps).await,
            None => sign_again(&ports, &operation, &mut steps).await,
        }
    })
}

/// The transaction is complete: send it (again) unless the chain has it.
async fn deliver(ports: &Ports, id: i64, hex: &str, steps: &mut Sender<Step>) -> Result<Outcome, Error> {
    let tx = Transaction::from_hex(hex)?;
    let height = send::deliver(ports, id, &tx, steps).await?;
    Ok(Outcome {
        txid: tx.txid(),
        tx,
        height,
    })
}

/// The plan is there, perhaps the device's signature too.
async fn sign_again(ports: &Ports, operation: &Operation, steps: &mut Sender<Step>) -> Result<Outcome, Error> {
    let id = operation.id;
    if operation.kind != "register" {
        return Err(Error::CannotResume {
            id,
            reason: "it was not signed yet: begin it anew",
        });
    }
    let plan = operation.plan().ok_or(Error::CannotResume {
        id,
        reason: "it has no plan",
    })?;
    let work = register::resume_plan(id, plan)?;
    let signature = collateral_signature(operation);
    let outcome = register::finish(ports, id, work, signature, steps).await?;
    Ok(Outcome {
        txid: outcome.pro_tx_hash,
        tx: outcome.tx,
        height: outcome.height,
    })
}

fn collateral_signature(operation: &Operation) -> Option<CompactSignature> {
    let bytes = from_hex(operation.signature("collateral")?).ok()?;
    CompactSignature::from_slice(&bytes).ok()
}
