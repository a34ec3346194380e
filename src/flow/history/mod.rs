//! What was: the history of a masternode, recorded as blocks come ([`follow`]), read backwards from the node ([`rebuild`]) and
//! put together ([`timeline`]).
//!
//! Recording and reading work by the same comparison of two states ([`changes`]), so that both tell the same.

mod chain;
mod changes;
mod dress;
mod follow;
mod line;
mod rebuild;
mod walk;
pub mod words;

use crate::flow::{Error, Ports};
use crate::protocol::{Amount, ProTxHash};
use crate::rpc::Tip;
use crate::store::history::{Event, Kept, Start, Subject};

pub use crate::store::history::{Change, Platform, Range};
pub use follow::{Look, Recorder, follow};
pub use rebuild::rebuild;

/// What is known of a masternode's past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    pub hash: ProTxHash,
    pub tip: Tip,
    /// The stretches of the chain it is known of, ascending; of the rest nothing is known.
    pub covered: Vec<Range>,
    /// Ascending by height; within one block in the order of its effects.
    pub events: Vec<Event>,
    /// The PoSe score as (height, penalty), to be joined by straight lines: one unbroken line for each stretch.
    pub lines: Vec<Vec<(u32, u32)>>,
    /// Ascending.
    pub payments: Vec<Payment>,
    /// Blocks whose time is known, as (height, **Unix seconds**), ascending.
    pub times: Vec<(u32, u64)>,
}

/// A block whose payee the masternode was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    pub height: u32,
    /// **Unix seconds**.
    pub time: Option<u64>,
    /// Of owner and operator together.
    pub amount: Option<Amount>,
}

/// How far a reading is, in **blocks**.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u32,
    pub of: u32,
}

/// What a reading found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Blocks that were not known before.
    pub blocks: u32,
    pub events: usize,
    /// Questions the node was asked.
    pub calls: u32,
}

impl Timeline {
    fn of(hash: ProTxHash, tip: Tip, kept: Kept, times: Vec<(u32, u64)>) -> Self {
        let lines = kept.ranges.iter().map(|range| line::of(range, &kept.events)).collect();
        let payment = |event: &Event| match event.change {
            Change::Paid { amount } => Some(Payment {
                height: event.height,
                time: event.time,
                amount,
            }),
            _ => None,
        };
        Self {
            hash,
            tip,
            lines,
            payments: kept.events.iter().filter_map(payment).collect(),
            covered: kept.ranges,
            events: kept.events,
            times,
        }
    }

    /// What the masternode was at a height. None where nothing is known.
    pub fn at(&self, height: u32) -> Option<Start> {
        let covers = |range: &&Range| range.from <= height && height <= range.to;
        let range = self.covered.iter().find(covers)?;
        Some(range.at(height, &self.events))
    }

    /// Whether the masternode was in the list in any of the blocks that are known.
    pub fn was_ever_listed(&self) -> bool {
        !self.events.is_empty() || self.covered.iter().any(|range| range.start.status.is_some())
    }

    /// About when a block was, in **Unix seconds**: between blocks whose time is known.
    pub fn time_at(&self, height: u32) -> Option<u64> {
        let after = self.times.partition_point(|(known, _)| *known < height);
        let (top, end) = *self.times.get(after)?;
        if top == height {
            return Some(end);
        }
        let (bottom, begin) = *self.times.get(after.checked_sub(1)?)?;
        let part = u64::from(height - bottom) * end.saturating_sub(begin) / u64::from(top - bottom);
        Some(begin + part)
    }

    /// Only what happened above a height.
    #[must_use]
    pub fn since(self, height: u32) -> Self {
        let Self { hash, tip, times, .. } = self;
        let begin = |range: &Range| Range {
            from: range.from.max(height),
            start: range.at(height.max(range.from), &self.events),
            ..*range
        };
        let ranges = self.covered.iter().filter(|range| range.to > height).map(begin);
        let kept = Kept {
            ranges: ranges.collect(),
            events: self
                .events
                .iter()
                .filter(|event| event.height > height)
                .cloned()
                .collect(),
        };
        Self::of(hash, tip, kept, times)
    }
}

/// The masternode as the history names it.
pub(crate) fn subject(ports: &Ports, hash: ProTxHash) -> Subject {
    Subject {
        genesis: ports.profile.genesis,
        hash,
    }
}

/// What is known of a masternode's past, up to the node's tip. Reads no past: see [`rebuild`].
///
/// # Errors
/// Of the node and the history.
pub async fn timeline(ports: &Ports, hash: ProTxHash) -> Result<Timeline, Error> {
    let tip = ports.node.tip().await?;
    let kept = ports.history.read(&subject(ports, hash))?.up_to(tip.height);
    let blocks = ports.history.blocks(ports.profile.genesis)?;
    let mut times: Vec<(u32, u64)> = blocks.iter().rev().map(|block| (block.height, block.time)).collect();
    times.retain(|(height, _)| *height < tip.height);
    times.push((tip.height, tip.time));
    Ok(Timeline::of(hash, tip, kept, times))
}
