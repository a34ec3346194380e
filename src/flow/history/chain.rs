//! Whether what is kept was read from the chain that the node follows now.

use super::rebuild::block;
use crate::flow::{Error, Ports};
use crate::rpc::RpcError;
use crate::store::history::Block;

/// **Blocks** below which no reorganisation reaches (ChainLocks allow none at all).
pub(super) const SETTLED: u32 = 100;

/// Forgets what was read from blocks that are no longer on the node's chain. What was read above its tip is left alone: a node that
/// is behind says nothing of it.
///
/// # Errors
/// Of the node and the history.
pub(super) async fn agree(ports: &Ports, tip: u32) -> Result<(), Error> {
    let genesis = ports.profile.genesis;
    let mut known = ports.history.blocks(genesis)?;
    known.retain(|block| block.height <= tip);
    let Some(top) = known.first() else {
        return Ok(());
    };
    if is_on(ports, top).await? {
        return Ok(());
    }
    // Highest first: those that are gone, then those that are left.
    let (mut gone, mut left) = (0, known.len());
    while left - gone > 1 {
        let middle = gone + (left - gone) / 2;
        match is_on(ports, &known[middle]).await? {
            true => left = middle,
            false => gone = middle,
        }
    }
    let height = known.get(left).map_or(0, |block| block.height);
    Ok(ports.history.rewind(genesis, height)?)
}

/// Whether a block is on the node's chain.
pub(super) async fn is_on(ports: &Ports, block: &Block) -> Result<bool, Error> {
    let there = ports.node.block_at(block.height).await?;
    Ok(there.is_some_and(|there| there.hash == block.hash))
}

/// # Errors
/// Of the node; a height above its tip, which a reorganisation left, is one too.
pub(super) async fn block_at(ports: &Ports, height: u32) -> Result<Block, Error> {
    let there = ports.node.block_at(height).await.map(|tip| tip.map(block));
    match there {
        Ok(Some(block)) => Ok(block),
        Ok(None) => Err(Error::Reorganised { height }),
        Err(error) => Err(RpcError::into(error)),
    }
}
