//! What makes an event worth reading: the time of its block, the amount of a payment, the name of the DKG that raised a score.

use std::collections::BTreeMap;

use super::chain;
use crate::flow::{Error, Ports};
use crate::protocol::{Amount, ProTxHash};
use crate::rpc::{Membership, Payment};
use crate::store::history::{Block, Change, Event};

/// Quorums of each kind that a node is asked to look through: more than any kind has active at once (32 of `llmq_60_75`). Older
/// ones stay without a name.
const QUORUMS: u32 = 40;
/// **Blocks** from a quorum's first to those that its commitment can be mined in, over all kinds (Dash Core llmq/params.h:
/// dkgMiningWindowStart, dkgMiningWindowEnd, and the index of a rotated quorum before them).
const MINED_AFTER: std::ops::RangeInclusive<u32> = 10..=50;

/// What the node told already.
#[derive(Default)]
pub(super) struct Names {
    /// Questions asked.
    pub calls: u32,
    memberships: BTreeMap<ProTxHash, Vec<Membership>>,
}

impl Names {
    /// Completes events of one masternode; answers their blocks.
    pub async fn dress(
        &mut self,
        ports: &Ports,
        hash: ProTxHash,
        events: &mut Vec<Event>,
    ) -> Result<Vec<Block>, Error> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut out = Vec::with_capacity(events.len());
        for mut event in events.drain(..) {
            let block = match blocks.last() {
                Some(last) if last.height == event.height => *last,
                _ => {
                    self.calls += 1;
                    chain::block_at(ports, event.height).await?
                }
            };
            blocks.push(block);
            event.time = Some(block.time);
            if let Change::Paid { amount: amount @ None } = &mut event.change {
                *amount = self.amount(ports, hash, event.height).await?;
            }
            let rises = event.change.is_rise();
            out.push(event);
            if rises {
                let guilty = self.guilty(ports, hash, block).await?;
                out.extend(guilty.into_iter().map(|change| Event::new(block, change)));
            }
        }
        *events = out;
        blocks.dedup();
        Ok(blocks)
    }

    /// What the block paid to addresses, if it paid this masternode. A node that does not name it has only one to pay, and the list
    /// says that it was this one.
    async fn amount(&mut self, ports: &Ports, hash: ProTxHash, height: u32) -> Result<Option<Amount>, Error> {
        self.calls += 1;
        let payments = ports.node.payments(height, 1).await?;
        let ours =
            |payment: &&Payment| payment.height == height && payment.pro_tx_hash.is_none_or(|named| named == hash);
        Ok(payments.iter().find(ours).map(to_addresses))
    }

    /// The DKGs whose commitments in a block say that the masternode did not do its part.
    async fn guilty(&mut self, ports: &Ports, hash: ProTxHash, block: Block) -> Result<Vec<Change>, Error> {
        if !self.memberships.contains_key(&hash) {
            self.calls += 1;
            let found = ports.node.memberships(hash, QUORUMS).await?;
            self.memberships.insert(hash, found.unwrap_or_default());
        }
        let known = self.memberships.get(&hash).into_iter().flatten();
        let failed: Vec<&Membership> = known.filter(|each| !each.valid).collect();
        let mut named: Vec<&Membership> = failed
            .iter()
            .copied()
            .filter(|each| each.mined == Some(block.hash))
            .collect();
        if named.is_empty() {
            let can = |each: &&Membership| {
                each.mined.is_none() && MINED_AFTER.contains(&block.height.saturating_sub(each.height))
            };
            // Of several that may have been it none is named.
            let able: Vec<&Membership> = failed.iter().copied().filter(can).collect();
            named = if able.len() == 1 { able } else { Vec::new() };
        }
        Ok(named.into_iter().map(dkg).collect())
    }
}

fn dkg(membership: &Membership) -> Change {
    Change::Dkg {
        kind: membership.kind.clone(),
        quorum: membership.quorum,
        height: membership.height,
    }
}

/// Without Platform's part, which goes to no address.
fn to_addresses(payment: &Payment) -> Amount {
    let paid = payment.payees.iter().filter(|(address, _)| address.is_some());
    let sum = paid.fold(0u64, |sum, (_, amount)| sum.saturating_add(amount.duffs()));
    Amount::from_duffs(sum)
}
