//! Quorums, as far as lists and scores show them: who was called into a DKG, and who did not do its part (DIP-0006, DIP-0010).
//!
//! Every 24th block has the result of a DKG that began some blocks before; so has any block in which a masternode is made to
//! fail one. Nothing is signed by these quorums.

use std::collections::BTreeSet;

use bitcoin::BlockHash;

use super::chain::Chain;
use super::dialect::Dialect;
use super::masternodes::List;
use crate::protocol::ProTxHash;

/// Blocks between a DKG's first block, which its quorum is named after, and the block with its result.
const DKG_BLOCKS: u32 = 12;
/// Members besides those that fail, where there are so many.
const MEMBERS: usize = 12;
/// Quorums of a type that are active at once.
pub const ACTIVE: usize = 24;

/// The result of a DKG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// Of the block it is named after.
    pub height: u32,
    pub hash: BlockHash,
    /// Height of the block with its result.
    pub mined: u32,
    /// In order of their hashes; false: it failed.
    pub members: Vec<(ProTxHash, bool)>,
}

impl Chain {
    /// Those whose result is mined, oldest first.
    pub fn quorums(&self) -> &[Quorum] {
        &self.quorums
    }

    /// The one type of quorum there is on this chain, by name (Dash Core llmq/params.h).
    pub fn quorum_type(&self) -> &'static str {
        match (self.profile.chain.as_str(), self.dialect) {
            ("regtest", _) => "llmq_test",
            (_, Dialect::Core23) => "llmq_60_75",
            (_, Dialect::Core17) => "llmq_50_60",
        }
    }

    /// The result that a block of `height` holds; `list` is the one before anybody is punished.
    pub(super) fn form_quorum(&mut self, list: &List, failed: &BTreeSet<ProTxHash>, height: u32) {
        let valid: Vec<ProTxHash> = list.valid().map(|mn| mn.pro_tx_hash).collect();
        let start = self
            .chance("quorum", height)
            .checked_rem(valid.len() as u64)
            .unwrap_or(0) as usize;
        let called = valid.iter().cycle().skip(start).take(MEMBERS.min(valid.len())).copied();
        let members: BTreeSet<ProTxHash> = called.chain(failed.iter().copied()).collect();
        let named_after = self.block(height.saturating_sub(DKG_BLOCKS)).unwrap_or(self.tip());
        let quorum = Quorum {
            height: named_after.height,
            hash: named_after.hash,
            mined: height,
            members: members
                .into_iter()
                .map(|hash| (hash, !failed.contains(&hash)))
                .collect(),
        };
        self.quorums.push(quorum);
    }
}
