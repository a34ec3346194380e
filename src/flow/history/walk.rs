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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bitcoin::OutPoint;
    use bitcoin::hashes::Hash;

    use super::*;
    use crate::protocol::masternode::OperatorKey;
    use crate::protocol::masternode::entry::State;
    use crate::protocol::network::{self, MnType, Profile};
    use crate::protocol::special_tx::Service;
    use crate::rpc::fake::{FakeNode, Request};
    use crate::rpc::{Changes, ListDiff};

    fn profile() -> Profile {
        network::builtin("dash-regtest").unwrap()
    }

    fn hash(n: u16) -> ProTxHash {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&n.to_le_bytes());
        ProTxHash::from_byte_array(bytes)
    }

    fn entry(n: u16, change: impl FnOnce(&mut State)) -> Entry {
        let mut entry = Entry {
            pro_tx_hash: hash(n),
            kind: MnType::Regular,
            collateral: OutPoint::null(),
            operator_reward: 0,
            confirmations: None,
            state: State {
                version: 2,
                service: Service::v4([1, 2, 3, 4].into(), 9999),
                registered_height: 100,
                last_paid_height: 0,
                consecutive_payments: 0,
                pose_penalty: 0,
                pose_revived_height: None,
                pose_ban_height: None,
                revocation_reason: 0,
                owner: None,
                voting: None,
                payout: None,
                operator_payout: None,
                operator: OperatorKey::NotTold,
                platform_node_id: None,
                platform_p2p_port: None,
                platform_http_port: None,
            },
        };
        change(&mut entry.state);
        entry
    }

    fn point(height: u32, of: &Entry) -> Point {
        Point {
            height,
            states: States::from([(of.pro_tx_hash, Some(of.clone()))]),
            registered: 1_000,
        }
    }

    /// A past of one masternode among a thousand; `at` says what it was at each height.
    fn node(tip: u32, at: impl Fn(u32) -> Entry) -> FakeNode {
        let mut node = FakeNode::new();
        for height in 100..tip {
            let state = at(height).state;
            let changes = Changes {
                service: Some(state.service),
                last_paid_height: Some(state.last_paid_height),
                pose_penalty: Some(state.pose_penalty),
                ..Changes::default()
            };
            for base in (height + 1)..=tip {
                let diff = ListDiff {
                    base,
                    height,
                    added: Vec::new(),
                    removed: Vec::new(),
                    updated: vec![(hash(1), changes.clone())],
                };
                node = node.with_list_diff(base, height, Ok(Some(diff)));
            }
        }
        node
    }

    async fn walked(node: &FakeNode, lower: Point, upper: Point) -> (Vec<Event>, u32) {
        let profile = profile();
        let mut past = Past::of(node, &profile.pose);
        let mut found = past.walk(&lower, &upper).await.unwrap();
        (found.remove(&hash(1)).unwrap(), past.calls)
    }

    #[tokio::test]
    async fn a_quiet_stretch_is_proven_by_its_ends_alone() {
        let before = entry(1, |state| state.pose_penalty = 300);
        let after = entry(1, |state| state.pose_penalty = 100);
        let node = FakeNode::new();
        let (events, calls) = walked(&node, point(200, &before), point(400, &after)).await;
        assert_eq!((events, calls), (Vec::new(), 0));
    }

    #[tokio::test]
    async fn a_rise_that_fell_again_is_found() {
        // 660 points, and the stretch is longer than they take to fall.
        let at = |height: u32| {
            entry(1, |state| {
                state.pose_penalty = if height < 120 {
                    0
                } else {
                    660u32.saturating_sub(height - 120)
                };
            })
        };
        let node = node(800, at);
        let (lower, upper) = (point(110, &at(110)), point(800, &at(800)));
        let (events, _) = walked(&node, lower, upper).await;
        let rise = Change::Penalty { from: 0, to: 660 };
        let found: Vec<_> = events.into_iter().map(|event| (event.height, event.change)).collect();
        assert_eq!(found, [(120, rise)]);
    }

    #[tokio::test]
    async fn every_payment_is_found_by_going_back_from_the_last() {
        let paid = [113, 150, 151, 299];
        let at = |height: u32| {
            entry(1, |state| {
                state.last_paid_height = paid.into_iter().filter(|paid| *paid <= height).max().unwrap_or(0);
            })
        };
        let node = node(300, at);
        let (events, calls) = walked(&node, point(105, &at(105)), point(300, &at(300))).await;
        let heights: Vec<u32> = events.iter().map(|event| event.height).collect();
        assert_eq!(heights, paid);
        assert!(events.iter().all(|event| event.change == Change::Paid { amount: None }));
        assert!(calls <= 2 * 4 + 1, "{calls}");
    }

    #[tokio::test]
    async fn a_change_without_a_height_is_found_by_halving() {
        let moved = Service::v4([5, 6, 7, 8].into(), 9999);
        let at = |height: u32| {
            entry(1, |state| {
                if height >= 222 {
                    state.service = moved;
                }
            })
        };
        let node = node(356, at);
        let (events, calls) = walked(&node, point(100, &at(100)), point(356, &at(356))).await;
        let from = at(100).state.service;
        assert_eq!(events.len(), 1);
        assert_eq!(
            (events[0].height, &events[0].change),
            (222, &Change::Service { from, to: moved })
        );
        assert_eq!(calls, 8);
    }

    #[tokio::test]
    async fn large_lists_of_an_old_node_tell_heights_coarsely() {
        let many = || (2..=600).map(|n| entry(n, |_| ()));
        let at = |height: u32| {
            entry(1, |state| {
                state.service = if height >= 222 { Service::NONE } else { state.service };
                state.last_paid_height = if height >= 230 { 230 } else { 0 };
            })
        };
        let mut node = FakeNode::new();
        for height in 100..300 {
            let list = std::iter::once(at(height)).chain(many()).collect();
            node = node.with_masternodes_at(height, Ok(list));
        }
        let profile = profile();
        let mut past = Past::of(&node, &profile.pose);
        let upper = point(300, &at(300));
        let lower = past.back(&upper, 110).await.unwrap();
        assert_eq!((past.step, lower.registered), (COARSE, 600));
        let events = past.walk(&lower, &upper).await.unwrap().remove(&hash(1)).unwrap();
        let paid = events
            .iter()
            .find(|event| matches!(event.change, Change::Paid { .. }))
            .unwrap();
        assert_eq!(paid.height, 230, "a state names its last payment");
        let moved = events
            .iter()
            .find(|event| matches!(event.change, Change::Service { .. }))
            .unwrap();
        assert!((222..222 + COARSE).contains(&moved.height), "{}", moved.height);
        let lists = node
            .requests()
            .into_iter()
            .filter(|asked| matches!(asked, Request::MasternodesAt(_)));
        assert!(lists.count() <= 6);
    }

    #[tokio::test]
    async fn arrival_and_departure_are_found_too() {
        let gone = entry(1, |_| ());
        let mut node = FakeNode::new();
        for height in 90..300 {
            for base in (height + 1)..=300 {
                let there = |height: u32| (100..250).contains(&height);
                let diff = ListDiff {
                    base,
                    height,
                    added: (there(height) && !there(base))
                        .then(|| gone.clone())
                        .into_iter()
                        .collect(),
                    removed: (!there(height) && there(base)).then_some(hash(1)).into_iter().collect(),
                    updated: Vec::new(),
                };
                node = node.with_list_diff(base, height, Ok(Some(diff)));
            }
        }
        let profile = profile();
        let mut past = Past::of(&node, &profile.pose);
        let absent = |height| Point {
            height,
            states: States::from([(hash(1), None)]),
            registered: 1_000,
        };
        let middle = past.back(&absent(300), 200).await.unwrap();
        assert_eq!((middle.registered, middle.of(hash(1))), (1_001, Some(&gone)));
        let late = past.walk(&middle, &absent(300)).await.unwrap();
        let early = past.walk(&absent(90), &middle).await.unwrap();
        let told = |found: &BTreeMap<ProTxHash, Vec<Event>>| -> Vec<(u32, &'static str)> {
            let events = &found[&hash(1)];
            events.iter().map(|event| (event.height, event.change.name())).collect()
        };
        assert_eq!(told(&late), [(250, "removed")]);
        assert_eq!(told(&early), [(100, "registered")]);
    }
}
