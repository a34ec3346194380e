//! Whether two looks are of one chain, and blocks that were not looked at when they were the newest.

use bitcoin::BlockHash;

use crate::flow::Ports;
use crate::flow::alert::{Alert, Of, Seen, Suspicion, What};
use crate::protocol::masternode::Entry;
use crate::protocol::masternode::queue::{self, EvoPayments};

/// How the older look's block stands to the chain now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// It is in it, or the node cannot say.
    Same,
    /// The node has not come so far (again).
    Behind,
    /// It was replaced; the last common block known here is at this height.
    Forked { at: u32 },
    /// No block seen before is in this chain.
    Other,
}

pub async fn branch(ports: &Ports, before: &Seen, after: &Seen) -> Branch {
    let has = async |height: u32, hash: BlockHash| match ports.node.block_at(height).await {
        Ok(Some(block)) => Some(block.hash == hash),
        Ok(None) => Some(false),
        // Cannot say.
        Err(_) => None,
    };
    if before.height <= after.height {
        match has(before.height, before.hash).await {
            Some(false) => {}
            Some(true) | None => return Branch::Same,
        }
    }
    for (height, hash) in before.blocks.iter().rev() {
        if *height > after.height || *height >= before.height {
            continue;
        }
        match has(*height, *hash).await {
            Some(true) if before.height > after.height => return Branch::Behind,
            Some(true) => return Branch::Forked { at: *height },
            Some(false) => {}
            None => return Branch::Same,
        }
    }
    Branch::Other
}

/// Looks at the blocks in which a payment may have been missed. A block the node cannot show brings nothing.
pub async fn missed(ports: &Ports, evo: EvoPayments, after: &Seen, suspicions: Vec<Suspicion>) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for suspicion in suspicions {
        if is_missed(ports, evo, &suspicion).await == Some(true) {
            alerts.push(Alert {
                of: Some(Of {
                    pro_tx_hash: suspicion.pro_tx_hash,
                    name: suspicion.name,
                }),
                what: What::PaymentMissed { block: suspicion.block },
                height: after.height,
                time: after.time,
                own: false,
            });
        }
    }
    alerts
}

/// It was first in the queue before the block, and is enabled and not paid after it.
async fn is_missed(ports: &Ports, evo: EvoPayments, suspicion: &Suspicion) -> Option<bool> {
    let before = suspicion.block.checked_sub(1)?;
    let list = ports.node.masternodes_at(before).await.ok()?;
    let first = queue::queue(&list, before, evo).into_iter().next()?;
    if first.pro_tx_hash != suspicion.pro_tx_hash {
        return Some(false);
    }
    let list = ports.node.masternodes_at(suspicion.block).await.ok()?;
    let is_it = |entry: &&Entry| entry.pro_tx_hash == suspicion.pro_tx_hash;
    let entry = list.iter().find(is_it)?;
    Some(!entry.is_banned() && entry.state.last_paid_height != suspicion.block)
}
