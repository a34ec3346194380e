//! The end every flow shares: the finished transaction is durable, then sent, then awaited in a block.

use bitcoin::{BlockHash, OutPoint, Txid};
use sipper::Sender;

use super::{Error, Ports, Step, operation, pay};
use crate::protocol::Transaction;
use crate::protocol::masternode::effect;
use crate::protocol::special_tx::Payload;
use crate::rpc::RpcError;
use crate::store::journal::{Event, Operation, State};

/// How often a lost connection is tried again while waiting for a block.
pub(super) const PATIENCE: u32 = 20;

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

/// Goes on with an operation whose transaction the journal has finished: sends it (again) unless the chain has it, and awaits its
/// block. The port refuses a node of another chain when asked for its status, and a restart may have brought another node.
pub(super) async fn go_on(
    ports: &Ports,
    operation: &Operation,
    steps: &mut Sender<Step>,
) -> Result<(Transaction, u32), Error> {
    let id = operation.id;
    let reason = "it has no finished transaction";
    let (txid, hex) = operation.finished().ok_or(Error::CannotResume { id, reason })?;
    let tx = Transaction::from_hex(hex)?;
    if let Some(height) = mined(operation) {
        steps.send(Step::Mined { txid, height }).await;
        return Ok((tx, height));
    }
    ports.node.status().await?;
    let height = deliver_again(ports, operation, &tx, steps).await?;
    Ok((tx, height))
}

fn mined(operation: &Operation) -> Option<u32> {
    operation.events.iter().find_map(|entry| match entry.event {
        Event::Mined { height, .. } => Some(height),
        _ => None,
    })
}

/// The chain is asked first, because it may have been sent before.
async fn deliver_again(
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
    if is_nowhere(ports, tx).await.unwrap_or(false) {
        check_base(ports, operation.id).await?;
    }
    broadcast(ports, operation.id, tx, steps).await?;
    await_block(ports, operation.id, tx, steps).await
}

/// As [`hand_in`], but a lost connection is tried again for a while: nodes take the same transaction any number of times.
pub(super) async fn hand_in_patiently(
    ports: &Ports,
    id: i64,
    tx: &Transaction,
    steps: &mut Sender<Step>,
) -> Result<(), Error> {
    ports.journal.record(id, &Event::finished(tx), ports.now())?;
    announce(ports, id, tx, steps).await?;
    let mut lost = 0;
    loop {
        match offer(ports, id, tx).await {
            Err(Error::Node(error)) if error.is_connection() && lost < PATIENCE => lost += 1,
            other => return other,
        }
        tokio::time::sleep(ports.poll).await;
    }
}

async fn broadcast(ports: &Ports, id: i64, tx: &Transaction, steps: &mut Sender<Step>) -> Result<(), Error> {
    announce(ports, id, tx, steps).await?;
    offer(ports, id, tx).await
}

/// Says and writes down that from here on the transaction may be out.
async fn announce(ports: &Ports, id: i64, tx: &Transaction, steps: &mut Sender<Step>) -> Result<(), Error> {
    ports.journal.record(id, &Event::Broadcasting, ports.now())?;
    steps.send(Step::Broadcasting { txid: tx.txid() }).await;
    Ok(())
}

async fn offer(ports: &Ports, id: i64, tx: &Transaction) -> Result<(), Error> {
    let txid = tx.txid();
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

/// Writes down that an operation is given up: it is not to be gone on with. One that nodes refused has failed already.
pub(super) fn give_up(ports: &Ports, id: i64) -> Result<(), Error> {
    let operation = ports.journal.get(id)?;
    if operation.is_past_no_return() && operation.state() == State::Failed {
        return Ok(());
    }
    Ok(ports.journal.record(id, &Event::Cancelled, ports.now())?)
}

/// Looks once whether the transaction is in a block; its height, which the journal then has.
pub(super) async fn find_block(ports: &Ports, id: i64, tx: &Transaction) -> Result<Option<u32>, Error> {
    let (_, found) = look(ports, tx).await?;
    let Some(Mined { height, hash }) = found else {
        return Ok(None);
    };
    record_mined(ports, id, height, hash)?;
    Ok(Some(height))
}

pub(super) fn record_mined(ports: &Ports, id: i64, height: u32, hash: Option<BlockHash>) -> Result<(), Error> {
    Ok(ports.journal.record(id, &Event::Mined { height, hash }, ports.now())?)
}

async fn note_mined(ports: &Ports, id: i64, txid: Txid, found: Mined, steps: &mut Sender<Step>) -> Result<u32, Error> {
    let Mined { height, hash } = found;
    ports.journal.record(id, &Event::Mined { height, hash }, ports.now())?;
    steps.send(Step::Mined { txid, height }).await;
    Ok(height)
}

/// Waits until the transaction has a confirmation; answers its height. Nodes drop transactions they have accepted (a block that
/// changes the operator key removes all that await the old one; a restart, a full mempool), so that it is handed in again after each
/// block as long as the node does not know it.
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
                    if announced.is_some() {
                        hand_in_again(ports, id, tx).await?;
                    }
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

/// Hands in what the node does not know any more. Fails only where the node refuses what certainly is in no block; a node that is
/// lost, or says that it has it, changes nothing.
pub(super) async fn hand_in_again(ports: &Ports, id: i64, tx: &Transaction) -> Result<(), Error> {
    if !is_nowhere(ports, tx).await.unwrap_or(false) {
        return Ok(());
    }
    check_base(ports, id).await?;
    match ports.node.broadcast(tx.clone()).await {
        Err(error @ RpcError::Rejected { .. }) if is_nowhere(ports, tx).await.unwrap_or(false) => {
            Err(note_failure(ports, id, error.into()))
        }
        _ => Ok(()),
    }
}

/// What is in no block is not sent again if it would put back what has changed since: a block that revokes the operator key throws
/// an owner's waiting update out, which names that very key and would be taken again. Nor is a payment whose coin has become a
/// collateral.
async fn check_base(ports: &Ports, id: i64) -> Result<(), Error> {
    let checked = match operation::check_base(ports, id).await {
        Ok(()) => pay::check_guards(ports, id).await,
        failed => failed,
    };
    match checked {
        Err(error @ (Error::ChangedMeanwhile { .. } | Error::Guarded { .. })) => Err(note_failure(ports, id, error)),
        other => other,
    }
}

/// Whether it is certain that the node has the transaction neither in a block nor in its mempool. Without a transaction index a node does not know what is mined and has
/// its outputs spent, and may refuse it for any reason; but what is mined has spent its inputs.
async fn is_nowhere(ports: &Ports, tx: &Transaction) -> Result<bool, Error> {
    // Also what waits in the mempool is known, and left alone.
    if ports.node.transaction(tx.txid()).await?.is_some() {
        return Ok(false);
    }
    for input in &tx.inputs {
        if ports.node.coin(input.previous).await?.is_some() {
            return Ok(true);
        }
    }
    // An index that is still being built teaches the port that there is none.
    Ok(ports.node.status().await?.capabilities.tx_index == Some(true))
}

/// The block of a transaction; its hash where the node tells.
struct Mined {
    height: u32,
    hash: Option<BlockHash>,
}

/// The tip's height, and the transaction's block once it has one.
async fn look(ports: &Ports, tx: &Transaction) -> Result<(u32, Option<Mined>), Error> {
    let tip = ports.node.tip().await?.height;
    let found = ports.node.transaction(tx.txid()).await?;
    let mined = match found {
        Some(found) if found.confirmations == 0 => None,
        Some(found) => {
            // A node that does not tell the height tells the confirmations.
            let height = found.height;
            let height = height.unwrap_or_else(|| height_of(tip, found.confirmations));
            let hash = found.block;
            Some(Mined { height, hash })
        }
        None => look_around(ports, tx, tip).await?,
    };
    Ok((tip, mined))
}

/// Of what has so many confirmations: the tip has one.
fn height_of(tip: u32, confirmations: u32) -> u32 {
    tip.saturating_add(1).saturating_sub(confirmations)
}

/// What a mined transaction leaves behind: without a transaction index a node knows no more of it.
async fn look_around(ports: &Ports, tx: &Transaction, tip: u32) -> Result<Option<Mined>, Error> {
    let txid = tx.txid();
    let at = |height| Ok(Some(Mined { height, hash: None }));
    let payload = Payload::of(tx)?;
    if matches!(payload, Payload::ProReg(_))
        && let Some(entry) = ports.node.masternode(txid).await?
    {
        return at(entry.state.registered_height);
    }
    for vout in 0..tx.outputs.len() as u32 {
        if let Some(coin) = ports.node.coin(OutPoint { txid, vout }).await? {
            return match coin.confirmations {
                0 => Ok(None),
                confirmations => at(height_of(tip, confirmations)),
            };
        }
    }
    // Its change may be spent already, as that of all but the last of a batch is: then its inputs are gone, and the masternode
    // is as the update says. The height is the latest it can be.
    if let Some(hash) = payload.pro_tx_hash()
        && is_spent(ports, tx).await?
        && let Some(entry) = ports.node.masternode(hash).await?
        && effect::is_in(&entry, &payload)
    {
        return at(tip);
    }
    Ok(None)
}

/// Whether the chain has spent all inputs, by this transaction or another.
async fn is_spent(ports: &Ports, tx: &Transaction) -> Result<bool, Error> {
    for input in &tx.inputs {
        if ports.node.coin(input.previous).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_height_a_node_tells_is_too_much() {
        assert_eq!(height_of(500, 1), 500);
        assert_eq!(height_of(500, 3), 498);
        assert_eq!(height_of(u32::MAX, 2), u32::MAX - 2);
        assert_eq!(height_of(0, u32::MAX), 0);
    }
}
