//! Reads the past from the node, backwards from its tip, a stretch at a time; what was read is kept at once, so that it can be
//! stopped and goes on from there.
//!
//! What it costs, reckoned for Dash's mainnet with 3,500 masternodes: a stretch is a day (576 blocks), because a node has the lists of
//! these heights at hand (Dash Core keeps that of every 576th block and works out the others from it), and is asked for one diff in both
//! directions, each naming everyone who was paid or had a penalty meanwhile: some 85 kB. A month is 160 calls and 6 MB, a year
//! 2,000 calls and 75 MB, in which each payment found takes two more diffs and its block, and each failed DKG ten diffs that halve in
//! size. Several masternodes at once share the stretches. Small networks have shorter ones (see [`Past::longest`]).

use std::collections::BTreeMap;

use sipper::{Sender, Straw, sipper};

use super::walk::{self, Past, Point};
use super::{Look, Progress, Summary, chain, changes, dress, subject};
use crate::flow::{Error, Ports};
use crate::protocol::ProTxHash;
use crate::rpc::Tip;
use crate::store::history::{Block, Chunk, Event};

/// **Blocks** between the lists that Dash Core keeps (evo/deterministicmns.h: DISK_SNAPSHOT_PERIOD).
const SNAPSHOTS: u32 = 576;
/// **Seconds** that are read unless told otherwise: a month.
const MONTH: u32 = 30 * 24 * 3600;
/// How often reading begins again when the chain went another way meanwhile.
const TRIES: usize = 3;

/// Reads what is not known yet of the past of masternodes, down to a height (a month when none is given) or to their registration.
/// Dropping it loses nothing that was told as done.
///
/// # Errors
/// Of the node and the history.
pub fn rebuild(ports: Ports, hashes: Vec<ProTxHash>, back_to: Option<u32>) -> impl Straw<Summary, Progress, Error> {
    sipper(async move |mut progress| {
        let mut tries = 0;
        loop {
            tries += 1;
            let list = Look::from(&ports.node.masternodes().await?);
            chain::agree(&ports, list.tip.height).await?;
            let month = list.tip.height.saturating_sub(MONTH / ports.profile.spacing.max(1));
            let floor = back_to.unwrap_or(month);
            match read_back(&ports, &list, &hashes, floor, Some(&mut progress)).await {
                Err(Error::Reorganised { .. }) if tries < TRIES => {}
                other => return other.map(|(summary, _)| summary),
            }
        }
    })
}

/// Reads the stretches above `floor` that are not known of some masternodes, from a list downwards. Answers what it found, too.
pub(super) async fn read_back(
    ports: &Ports,
    list: &Look,
    hashes: &[ProTxHash],
    floor: u32,
    mut progress: Option<&mut Sender<Progress>>,
) -> Result<(Summary, Vec<(ProTxHash, Event)>), Error> {
    let mut reading = Reading::begin(ports, list, hashes, floor)?;
    let of = reading.left();
    while let Some(upper) = reading.next_top() {
        reading.read_stretch(upper).await?;
        let done = of - reading.left().min(of);
        if let Some(progress) = &mut progress {
            progress.send(Progress { done, of }).await;
        }
    }
    Ok((reading.summary, reading.found))
}

struct Reading<'a> {
    ports: &'a Ports,
    past: Past<'a>,
    /// Where all masternodes are known, and the block it belongs to.
    at: Point,
    block: Block,
    /// The chain's height when this began.
    tip: u32,
    /// Stretches that are not known, highest first.
    missing: BTreeMap<ProTxHash, Vec<(u32, u32)>>,
    names: dress::Names,
    summary: Summary,
    found: Vec<(ProTxHash, Event)>,
}

impl<'a> Reading<'a> {
    fn begin(ports: &'a Ports, list: &Look, hashes: &[ProTxHash], floor: u32) -> Result<Self, Error> {
        let mut states: walk::States = hashes.iter().map(|hash| (*hash, None)).collect();
        for entry in list.entries.iter() {
            if let Some(state) = states.get_mut(&entry.pro_tx_hash) {
                *state = Some(entry.clone());
            }
        }
        let mut missing = BTreeMap::new();
        for (hash, entry) in &states {
            // Before its registration there is nothing to know.
            let begin = entry
                .as_ref()
                .map_or(0, |entry| entry.state.registered_height.saturating_sub(1));
            let kept = ports.history.read(&subject(ports, *hash))?;
            missing.insert(*hash, kept.missing(floor.max(begin), list.tip.height));
        }
        Ok(Self {
            ports,
            past: Past::of(&*ports.node, &ports.profile.pose),
            at: Point {
                height: list.tip.height,
                states,
                registered: list.entries.len(),
            },
            block: block(list.tip),
            tip: list.tip.height,
            missing,
            names: dress::Names::default(),
            summary: Summary::default(),
            found: Vec::new(),
        })
    }

    /// Blocks from here down to the lowest that is missing.
    fn left(&self) -> u32 {
        let lowest = self.missing.values().flatten().map(|(from, _)| *from).min();
        self.at.height - lowest.unwrap_or(self.at.height).min(self.at.height)
    }

    fn next_top(&self) -> Option<u32> {
        self.missing.values().flatten().map(|(_, to)| *to).max()
    }

    /// Down to the next snapshot, no further than a rise can be seen, and no further than all whose past is missing here have in
    /// common.
    fn bottom(&self, upper: u32) -> u32 {
        let longest = self.past.longest(self.at.registered).max(1);
        let snapshot = (upper - 1) / SNAPSHOTS * SNAPSHOTS;
        let ends = self.missing.values().flatten().flat_map(|(from, to)| [*from, *to]);
        let shared = ends.filter(|end| *end < upper).max().unwrap_or(0);
        snapshot.max(upper.saturating_sub(longest)).max(shared)
    }

    async fn read_stretch(&mut self, upper: u32) -> Result<(), Error> {
        if upper < self.at.height {
            self.at = self.past.back(&self.at, upper).await?;
            self.block = self.block_at(upper).await?;
        }
        let bottom = self.bottom(upper);
        let lower = self.past.back(&self.at, bottom).await?;
        let group: Vec<ProTxHash> = self
            .missing
            .iter()
            .filter(|(_, all)| top(all) == Some(upper))
            .map(|(hash, _)| *hash)
            .collect();
        let mut events = self.past.walk(&lower.only(&group), &self.at.only(&group)).await?;
        let mut blocks = vec![self.block_at(bottom).await?, self.block];
        let bottom_block = blocks[0];
        for (hash, events) in &mut events {
            blocks.extend(self.names.dress(self.ports, *hash, events).await?);
        }
        self.summary.calls = self.past.calls + self.names.calls;
        self.check().await?;
        let chunk = |(hash, events): (&ProTxHash, &Vec<Event>)| Chunk {
            subject: subject(self.ports, *hash),
            from: bottom,
            to: upper,
            step: self.past.step,
            start: changes::start(lower.states.get(hash).and_then(Option::as_ref)),
            events: events.clone(),
        };
        let chunks: Vec<Chunk> = events.iter().map(chunk).collect();
        self.ports.history.write(self.ports.profile.genesis, &chunks, &blocks)?;
        self.summary.blocks += upper - bottom;
        for (hash, events) in events {
            self.summary.events += events.len();
            self.found.extend(events.into_iter().map(|event| (hash, event)));
        }
        self.done(&group, bottom, &lower);
        (self.at, self.block) = (lower, bottom_block);
        Ok(())
    }

    fn done(&mut self, group: &[ProTxHash], bottom: u32, lower: &Point) {
        for hash in group {
            let Some(missing) = self.missing.get_mut(hash) else {
                continue;
            };
            match missing.first_mut() {
                Some((from, to)) if *from < bottom => *to = bottom,
                _ => drop(missing.remove(0)),
            }
            // Where it registered its past ends.
            let was = self.at.states.get(hash).is_some_and(Option::is_some);
            if was && lower.states.get(hash).is_some_and(Option::is_none) {
                missing.clear();
            }
        }
    }

    /// Nothing is kept of a chain that went another way meanwhile.
    async fn check(&mut self) -> Result<(), Error> {
        if self.block.height + chain::SETTLED < self.tip {
            return Ok(());
        }
        let now = self.block_at(self.block.height).await?;
        if now.hash == self.block.hash {
            Ok(())
        } else {
            Err(Error::Reorganised { height: now.height })
        }
    }

    async fn block_at(&mut self, height: u32) -> Result<Block, Error> {
        self.past.calls += 1;
        chain::block_at(self.ports, height).await
    }
}

fn top(missing: &[(u32, u32)]) -> Option<u32> {
    missing.first().map(|(_, to)| *to)
}

pub(super) fn block(tip: Tip) -> Block {
    Block {
        height: tip.height,
        hash: tip.hash,
        time: tip.time,
    }
}
