//! Finds the block of every change between two heights, by asking for as few states as will do.
//!
//! What two lists differ in is only the difference of the two ends. That a stretch was quiet is therefore proven, not assumed: every
//! field is the same but the score, and the score fell by one in each block; a rise in between would still be seen, because the
//! stretch is shorter than the blocks a rise takes to fall. Where something is different the stretch is cut in two: beside the heights
//! that a state itself names (its payment, ban, revival, registration), else in the middle, until single blocks are left.
//!
//! What cannot be seen: a key or an address that was changed and changed back between two states that were asked for, and a
//! masternode that came and went between them.

use std::collections::BTreeMap;

use super::changes;
use crate::flow::Error;
use crate::protocol::ProTxHash;
use crate::protocol::masternode::Entry;
use crate::protocol::masternode::entry::Status;
use crate::protocol::masternode::pose::PoseRules;
use crate::rpc::Node;
use crate::store::history::{Change, Event};

/// Above so many entries a list is too large to be read for every block where something changed.
const SMALL_LIST: usize = 500;
/// **Blocks** (about three hours) that a change is told within where lists are large and the node has no `protx listdiff`.
const COARSE: u32 = 72;

/// Masternodes at one height. None: not in the list.
pub(super) type States = BTreeMap<ProTxHash, Option<Entry>>;

/// The masternodes that matter, at a height, and how many there are in all.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub height: u32,
    pub states: States,
    pub registered: usize,
}

impl Point {
    pub fn only(&self, hashes: &[ProTxHash]) -> Self {
        let of = |hash: &ProTxHash| (*hash, self.states.get(hash).cloned().flatten());
        Self {
            height: self.height,
            states: hashes.iter().map(of).collect(),
            registered: self.registered,
        }
    }

    fn of(&self, hash: ProTxHash) -> Option<&Entry> {
        self.states.get(&hash)?.as_ref()
    }
}

/// The node's memory.
pub(super) struct Past<'a> {
    pub node: &'a dyn Node,
    rules: &'a PoseRules,
    /// Questions asked.
    pub calls: u32,
    /// See [`crate::store::history::Range::step`].
    pub step: u32,
    differs: bool,
}

impl<'a> Past<'a> {
    pub fn of(node: &'a dyn Node, rules: &'a PoseRules) -> Self {
        Self {
            node,
            rules,
            calls: 0,
            step: 1,
            differs: true,
        }
    }

    /// The same masternodes at a lower height.
    pub async fn back(&mut self, known: &Point, height: u32) -> Result<Point, Error> {
        self.calls += 1;
        if self.differs
            && let Some(diff) = self.node.list_diff(known.height, height).await?
        {
            return Ok(undone(known, height, &diff));
        }
        self.differs = false;
        let entries = self.node.masternodes_at(height).await?;
        self.step = if entries.len() > SMALL_LIST { COARSE } else { 1 };
        let registered = entries.len();
        let mut states: States = known.states.keys().map(|hash| (*hash, None)).collect();
        for entry in entries {
            if let Some(state) = states.get_mut(&entry.pro_tx_hash) {
                *state = Some(entry);
            }
        }
        Ok(Point {
            height,
            states,
            registered,
        })
    }

    /// What happened to each of the masternodes of `upper`, ascending by height.
    pub async fn walk(&mut self, lower: &Point, upper: &Point) -> Result<BTreeMap<ProTxHash, Vec<Event>>, Error> {
        let mut found: BTreeMap<ProTxHash, Vec<Event>> = upper.states.keys().map(|hash| (*hash, Vec::new())).collect();
        let mut spans = vec![(lower.clone(), upper.clone())];
        while let Some((lower, upper)) = spans.pop() {
            let mut cuts: BTreeMap<u32, Vec<ProTxHash>> = BTreeMap::new();
            for hash in upper.states.keys() {
                match self.judge(*hash, &lower, &upper) {
                    Verdict::Quiet => {}
                    Verdict::Changed(events) => found.entry(*hash).or_default().extend(events),
                    Verdict::Cut(height) => cuts.entry(height).or_default().push(*hash),
                }
            }
            for (height, hashes) in cuts {
                let (lower, upper) = (lower.only(&hashes), upper.only(&hashes));
                let middle = self.back(&upper, height).await?;
                spans.push((lower, middle.clone()));
                spans.push((middle, upper));
            }
        }
        for events in found.values_mut() {
            events.sort_by_key(|event| event.height);
        }
        Ok(found)
    }
}

impl Past<'_> {
    fn judge(&self, hash: ProTxHash, lower: &Point, upper: &Point) -> Verdict {
        let (before, after) = (lower.of(hash), upper.of(hash));
        let blocks = upper.height - lower.height;
        let changes = changes::between(before, after, blocks);
        let longest = self.longest(lower.registered.min(upper.registered));
        if changes.is_empty() && (blocks <= longest || !declines(before, after)) {
            return Verdict::Quiet;
        }
        if blocks <= self.step {
            let dated = |change| dated(change, after, lower.height, upper.height);
            return Verdict::Changed(changes.into_iter().map(dated).collect());
        }
        Verdict::Cut(cut(after, lower.height, upper.height))
    }

    /// The most **blocks** whose ends tell every rise between them: what one failed DKG adds, among so many masternodes. In more,
    /// the score can be back where quiet blocks would have brought it.
    pub fn longest(&self, registered: usize) -> u32 {
        let rules = self.rules;
        rules.failing_penalty(rules.max_penalty(registered))
    }
}

/// Only then can a rise be undone by quiet blocks.
fn declines(before: Option<&Entry>, after: Option<&Entry>) -> bool {
    let declines = |entry: &Entry| !entry.is_banned();
    before.is_some_and(declines) && after.is_some_and(declines)
}

/// The states at the lower height, from those at the higher one and the diff that leads down.
fn undone(known: &Point, height: u32, diff: &crate::rpc::ListDiff) -> Point {
    let mut states = known.states.clone();
    for hash in &diff.removed {
        if let Some(state) = states.get_mut(hash) {
            *state = None;
        }
    }
    for entry in &diff.added {
        if let Some(state) = states.get_mut(&entry.pro_tx_hash) {
            *state = Some(entry.clone());
        }
    }
    for (hash, changes) in &diff.updated {
        if let Some(Some(entry)) = states.get_mut(hash) {
            changes.apply(&mut entry.state);
        }
    }
    Point {
        height,
        states,
        registered: (known.registered + diff.added.len()).saturating_sub(diff.removed.len()),
    }
}

enum Verdict {
    Quiet,
    Changed(Vec<Event>),
    /// Look at this height, between the two.
    Cut(u32),
}

/// Beside the last height that the upper state names, else in the middle.
fn cut(after: Option<&Entry>, lower: u32, upper: u32) -> u32 {
    let named = after.map(|entry| {
        let state = &entry.state;
        [
            Some(state.last_paid_height),
            Some(state.registered_height),
            state.pose_ban_height,
            state.pose_revived_height,
        ]
    });
    let within = |height: &u32| lower < *height && *height <= upper;
    match named.into_iter().flatten().flatten().filter(within).max() {
        Some(height) if height == upper => upper - 1,
        Some(height) => height,
        None => lower + (upper - lower) / 2,
    }
}

/// The block that made a change of a stretch: the height that the state names, else the stretch's last one.
fn dated(change: Change, after: Option<&Entry>, lower: u32, upper: u32) -> Event {
    let state = after.map(|entry| &entry.state);
    let named = state.and_then(|state| match &change {
        Change::Paid { .. } => Some(state.last_paid_height),
        Change::Registered { .. } => Some(state.registered_height),
        Change::Penalty { to: 0, .. }
        | Change::Status {
            to: Status::Enabled, ..
        } => state.pose_revived_height,
        Change::Status { .. } => state.pose_ban_height,
        _ => None,
    });
    Event {
        height: named
            .filter(|height| lower < *height && *height <= upper)
            .unwrap_or(upper),
        time: None,
        change,
    }
}
