//! Which stretches of the chain were looked at.

use serde::{Deserialize, Serialize};

use super::change::status_text;
use super::{Change, Event};
use crate::protocol::masternode::entry::Status;

/// What a masternode was at a height, as far as lines and lists need it to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub penalty: u32,
    /// None: it was not in the list.
    #[serde(with = "status_text")]
    pub status: Option<Status>,
}

impl Start {
    /// Not in the list.
    pub const ABSENT: Self = Self {
        penalty: 0,
        status: None,
    };
}

/// A stretch without gaps: every change of the blocks `from + 1 ..= to` is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub from: u32,
    pub to: u32,
    /// How exact heights are, in **blocks**: 1 where every block was looked at or proven quiet; else a change that says no
    /// height of its own happened at most so many blocks before the one it is told at, and more than one payment in
    /// so many blocks is told as one.
    pub step: u32,
    /// What the masternode was at `from`.
    pub start: Start,
}

impl Range {
    /// What the masternode was at a height within the range, by the events in it.
    pub fn at(&self, height: u32, events: &[Event]) -> Start {
        let mut now = Standing {
            height: self.from,
            start: self.start,
        };
        let within = events
            .iter()
            .filter(|event| self.from < event.height && event.height <= height.min(self.to));
        for event in within {
            now.take(event);
        }
        now.decline(height.min(self.to));
        now.start
    }
}

/// A walk along the blocks.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    pub height: u32,
    pub start: Start,
}

impl Standing {
    /// Goes on to a height through blocks in which nothing happened: a score falls by one in each, but not while banned.
    pub fn decline(&mut self, height: u32) {
        let blocks = height.saturating_sub(self.height);
        if self.start.status == Some(Status::Enabled) {
            self.start.penalty = self.start.penalty.saturating_sub(blocks);
        }
        self.height = self.height.max(height);
    }

    /// Goes on to an event and takes its effect.
    pub fn take(&mut self, event: &Event) {
        self.decline(event.height);
        match &event.change {
            Change::Registered { status, .. } => {
                self.start = Start {
                    penalty: 0,
                    status: Some(*status),
                }
            }
            Change::Removed => self.start = Start::ABSENT,
            Change::Penalty { to, .. } => self.start.penalty = *to,
            Change::Status { to, .. } => self.start.status = Some(*to),
            _ => {}
        }
    }
}

/// All that is kept of a masternode.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Ascending; two that touch differ in their step.
    pub ranges: Vec<Range>,
    /// Ascending by height, in the order of the block's effects within one.
    pub events: Vec<Event>,
}

/// The same stretches, in order, those that touch as one.
pub(super) fn coalesced(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_by_key(|range| (range.from, range.to));
    let mut out: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            // An overlap is only as exact as its coarser part.
            Some(last) if last.to > range.from || (last.to == range.from && last.step == range.step) => {
                last.to = last.to.max(range.to);
                last.step = last.step.max(range.step);
            }
            _ => out.push(range),
        }
    }
    out
}

/// What is left of stretches when the chain above a height is no longer the one they were read from.
pub(super) fn cut(ranges: Vec<Range>, height: u32) -> Vec<Range> {
    let kept = ranges.into_iter().filter(|range| range.from <= height);
    kept.map(|range| Range {
        to: range.to.min(height),
        ..range
    })
    .collect()
}

impl Kept {
    /// Without what is told of blocks above a height.
    #[must_use]
    pub fn up_to(mut self, height: u32) -> Self {
        self.ranges = cut(self.ranges, height);
        self.events.retain(|event| event.height <= height);
        self
    }

    /// The stretches in `from..=to` that were not looked at, highest first, as (from, to).
    pub fn missing(&self, from: u32, to: u32) -> Vec<(u32, u32)> {
        let mut out = Vec::new();
        let mut top = to;
        for range in self.ranges.iter().rev() {
            if range.from >= top {
                continue;
            }
            if range.to < top {
                let bottom = range.to.max(from);
                if bottom < top {
                    out.push((bottom, top));
                }
            }
            top = range.from;
            if top <= from {
                return out;
            }
        }
        if from < top {
            out.push((from, top));
        }
        out
    }
}
