//! The end every flow shares: the finished transaction is durable, then sent, then awaited in a block.

use bitcoin::{BlockHash, Txid};
use sipper::Sender;

use super::{Error, Ports, Step};
use crate::protocol::Transaction;
use crate::rpc::RpcError;
use crate::store::journal::Event;

/// How often a lost connection is tried again while waiting for a block.
const PATIENCE: u32 = 20;

/// Sends and waits. The point of no return is [`Step::Broadcasting`]; whatever happens after it, the journal knows the transaction.
pub(super) async fn deliver(ports: &Ports, id: i64, tx: &Transaction, steps: &mut Sender<Step>) -> Result<u32, Error> {
    let txid = tx.txid();
    ports.journal.record(id, &Event::finished(tx), ports.now())?;
    ports.journal.record(id, &Event::Broadcasting, ports.now())?;
    steps.send(Step::Broadcasting { txid }).await;
    match ports.node.broadcast(tx.clone()).await {
        Ok(_) => {}
        Err(error) => return Err(note_refusal(ports, id, error)),
    }
    ports.journal.record(id, &Event::Sent { txid }, ports.now())?;
    await_block(ports, id, txid, steps).await
}

/// A "no" of the node ends the operation; a broken connection leaves it open, for the transaction may have arrived.
fn note_refusal(ports: &Ports, id: i64, error: RpcError) -> Error {
    if !error.is_connection() {
        let failed = ports.journal.record(
            id,
            &Event::Failed {
                reason: error.to_string(),
            },
            ports.now(),
        );
        if let Err(error) = failed {
            return error.into();
        }
    }
    error.into()
}

/// Waits until the transaction has a confirmation; answers its height.
pub(super) async fn await_block(ports: &Ports, id: i64, txid: Txid, steps: &mut Sender<Step>) -> Result<u32, Error> {
    let mut announced = None;
    let mut lost = 0;
    loop {
        match look(ports, txid).await {
            Ok((_, Some((height, hash)))) => {
                ports.journal.record(id, &Event::Mined { height, hash }, ports.now())?;
                steps.send(Step::Mined { txid, height }).await;
                return Ok(height);
            }
            Ok((tip, None)) => {
                lost = 0;
                if announced != Some(tip) {
                    announced = Some(tip);
                    steps.send(Step::WaitingForBlock { txid, height: tip }).await;
                }
            }
            Err(error) => {
                lost += 1;
                if lost > PATIENCE {
                    return Err(error);
                }
            }
        }
        tokio::time::sleep(ports.poll).await;
    }
}

/// The tip's height, and height and block of the transaction once it has one.
async fn look(ports: &Ports, txid: Txid) -> Result<(u32, Option<(u32, Option<BlockHash>)>), Error> {
    let tip = ports.node.tip().await?.height;
    let found = ports
        .node
        .transaction(txid)
        .await?
        .filter(|found| found.confirmations > 0);
    if let Some(found) = found {
        // A node that does not tell the height tells the confirmations: the tip has one.
        let height = found
            .height
            .unwrap_or_else(|| (tip + 1).saturating_sub(found.confirmations));
        return Ok((tip, Some((height, found.block))));
    }
    // Without a transaction index a mined transaction is unknown, but a masternode it registered is listed.
    let listed = ports.node.masternode(txid).await?;
    Ok((tip, listed.map(|entry| (entry.state.registered_height, None))))
}
