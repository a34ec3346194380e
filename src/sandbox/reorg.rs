//! Reorganisations: the last blocks are taken back and others come instead.

use std::sync::Arc;

use super::asset_unlock::CREDIT_POOL;
use super::chain::{Block, Chain};
use super::payee::PLATFORM_SCRIPT;
use super::validate::Trust;
use crate::protocol::tx::Transaction;

impl Chain {
    /// Takes the last `count` blocks back, but never the first hundred. Their transactions wait in the mempool again, as far as
    /// they are acceptable without them; the next blocks will have other hashes and other fates.
    pub fn take_back(&mut self, count: u32) {
        let keep = self.height().saturating_sub(count).max(self.height().min(DEEPEST)) + 1;
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        if keep >= self.blocks.len() {
            return;
        }
        let dropped = self.blocks.split_off(keep);
        self.lists.truncate(keep);
        self.branch += 1;
        self.failing.clear();
        self.banning.clear();
        let waiting = self.mempool.drain();
        let returned = self.forget(&dropped);
        self.rebuild();
        // Parents before children: those of the chain before those that waited for it.
        for tx in returned {
            // A refusal is the answer: it needs a block that no longer is.
            let _ = self.accept(tx, Trust::Again, dropped[0].time);
        }
        for entry in waiting {
            let _ = self.accept(entry.tx, Trust::Again, entry.time);
        }
    }

    /// Forgets blocks that are no longer of the chain; their transactions but the coinbases, in their order.
    fn forget(&mut self, dropped: &[Block]) -> Vec<Arc<Transaction>> {
        let mut returned = Vec::new();
        for block in dropped {
            self.by_hash.remove(&block.hash);
            for (at, txid) in block.txids.iter().enumerate() {
                let tx = self.txs.remove(txid).map(|(tx, _)| tx);
                returned.extend(tx.filter(|_| at > 0));
            }
        }
        let height = self.height();
        self.quorums.retain(|quorum| quorum.mined <= height);
        returned
    }

    /// Works out from the blocks what they made: coins, the credit pool and the asset unlocks used.
    fn rebuild(&mut self) {
        self.coins.clear();
        self.credit_pool = CREDIT_POOL;
        self.unlocked.clear();
        let blocks = std::mem::take(&mut self.blocks);
        for block in &blocks {
            let txs = block
                .txids
                .iter()
                .filter_map(|txid| Some((*txid, self.txs.get(txid)?.0.clone())));
            let txs: Vec<_> = txs.collect();
            for (txid, tx) in &txs {
                self.put_tx(*txid, tx, block.height);
            }
            self.credit_pool += platform_part(block);
            self.note_unlocked(txs.iter().skip(1).map(|(_, tx)| tx.as_ref()));
        }
        self.blocks = blocks;
    }
}

/// Below this height no block is taken back: the money the sandbox lives on.
const DEEPEST: u32 = 110;

/// **Duffs**.
fn platform_part(block: &Block) -> u64 {
    let outputs = block.payment.iter().flat_map(|payment| &payment.outputs);
    outputs
        .filter(|(script, _)| script.as_bytes() == PLATFORM_SCRIPT)
        .map(|(_, amount)| amount)
        .sum()
}
