//! The end every flow shares: the finished transaction is durable, then sent, then awaited in a block.

use bitcoin::{BlockHash, OutPoint, Txid};
use sipper::Sender;

use super::{Error, Ports, Step};
use crate::protocol::Transaction;
use crate::store::journal::{Event, Operation};

/// How often a lost connection is tried again while waiting for a block.
const PATIENCE: u32 = 20;

/// Sends and waits. The point of no return is [`Step::Broadcasting`]; whatever happens after it, the journal knows the transaction.
pub(super) async fn deliver(ports: &Ports, id: i64, tx: &Transaction, steps: &mut Sender<Step>) -> Result<u32, Error> {
    hand_in(ports, id, tx, steps).await?;
    await_block(ports, id, tx, steps).await
}

/// Makes the finished transaction durable and sends it.
pub(super) async fn hand_in(ports: &Ports, id: i64, tx: &Transaction, steps: &mut Sender<Step>) -> Result<(), Error> {
    ports.journal.record(id, &Event::finished(tx), ports.now())?;
    broadcast(ports, id, tx, steps).await
}

/// Goes on with a transaction the journal has finished: the chain is asked first, because it may have been sent before.
pub(super) async fn deliver_again(
    ports: &Ports,
    operation: &Operation,
    tx: &Transaction,
    steps: &mut Sender<Step>,
) -> Result<u32, Error> {
    let txid = tx.txid();
    if operation.is_past_no_return()
        && let (_, Some(found)) = look(ports, tx).await?
    {
        return note_mined(ports, operation.id, txid, found, steps).await;
    }
    broadcast(ports, operation.id, tx, steps).await?;
    await_block(ports, operation.id, tx, steps).await
}

async fn broadcast(ports: &Ports, id: i64, tx: &Transaction, steps: &mut Sender<Step>) -> Result<(), Error> {
    let txid = tx.txid();
    ports.journal.record(id, &Event::Broadcasting, ports.now())?;
    steps.send(Step::Broadcasting { txid }).await;
    match ports.node.broadcast(tx.clone()).await {
        Ok(_) => {}
        // A broken connection leaves it open: the transaction may have arrived.
        Err(error) if error.is_connection() => return Err(error.into()),
        Err(error) => return Err(note_failure(ports, id, error.into())),
    }
    ports.journal.record(id, &Event::Sent { txid }, ports.now())?;
    Ok(())
}

/// Writes down why an operation ended; a journal that cannot be written is the graver error.
pub(super) fn note_failure(ports: &Ports, id: i64, error: Error) -> Error {
    let failed = Event::Failed {
        reason: error.to_string(),
    };
    match ports.journal.record(id, &failed, ports.now()) {
        Ok(()) => error,
        Err(worse) => worse.into(),
    }
}

async fn note_mined(ports: &Ports, id: i64, txid: Txid, found: Mined, steps: &mut Sender<Step>) -> Result<u32, Error> {
    let Mined { height, hash } = found;
    ports.journal.record(id, &Event::Mined { height, hash }, ports.now())?;
    steps.send(Step::Mined { txid, height }).await;
    Ok(height)
}

/// Waits until the transaction has a confirmation; answers its height.
pub(super) async fn await_block(
    ports: &Ports,
    id: i64,
    tx: &Transaction,
    steps: &mut Sender<Step>,
) -> Result<u32, Error> {
    let txid = tx.txid();
    let mut announced = None;
    let mut lost = 0;
    loop {
        match look(ports, tx).await {
            Ok((_, Some(found))) => return note_mined(ports, id, txid, found, steps).await,
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

/// The block of a transaction; its hash where the node tells.
struct Mined {
    height: u32,
    hash: Option<BlockHash>,
}

/// The tip's height, and the transaction's block once it has one.
async fn look(ports: &Ports, tx: &Transaction) -> Result<(u32, Option<Mined>), Error> {
    let txid = tx.txid();
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
            .unwrap_or_else(|| tip.saturating_add(1).saturating_sub(found.confirmations));
        let hash = found.block;
        return Ok((tip, Some(Mined { height, hash })));
    }
    // Without a transaction index a mined transaction is unknown, but a masternode it registered is listed, and its change is
    // unspent for a while.
    if let Some(entry) = ports.node.masternode(txid).await? {
        let height = entry.state.registered_height;
        return Ok((tip, Some(Mined { height, hash: None })));
    }
    for vout in 0..tx.outputs.len() as u32 {
        if let Some(coin) = ports.node.coin(OutPoint { txid, vout }).await?
            && coin.confirmations > 0
        {
            let height = (tip + 1).saturating_sub(coin.confirmations);
            return Ok((tip, Some(Mined { height, hash: None })));
        }
    }
    Ok((tip, None))
}
