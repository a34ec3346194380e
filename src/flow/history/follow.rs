//! Recording as blocks come.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::rebuild::{block, read_back};
use super::{chain, changes, dress, subject};
use crate::flow::overview::Overview;
use crate::flow::{Error, Ports};
use crate::protocol::ProTxHash;
use crate::protocol::masternode::Entry;
use crate::rpc::{MasternodeList, Tip};
use crate::store::history::{Chunk, Event};

/// **Blocks** (two days on most networks) that are read by themselves after a pause; what is older is read when somebody asks.
const CATCH_UP: u32 = 1_152;
/// **Blocks** after which a chain that seemed quiet is compared with what is kept.
const COMPARE: u32 = 100;

/// A list and the block it is of.
#[derive(Debug, Clone)]
pub struct Look {
    pub tip: Tip,
    pub entries: Arc<Vec<Entry>>,
}

impl From<&MasternodeList> for Look {
    fn from(list: &MasternodeList) -> Self {
        Self {
            tip: list.tip,
            entries: Arc::clone(&list.entries),
        }
    }
}

impl From<&Overview> for Look {
    fn from(overview: &Overview) -> Self {
        Self {
            tip: overview.tip,
            entries: Arc::clone(&overview.entries),
        }
    }
}

/// The records of one connection: knows the list before. Several may ask it to record; it does one after the other.
#[derive(Debug, Default)]
pub struct Recorder {
    last: Mutex<Option<(Look, HashSet<ProTxHash>)>>,
}

impl Recorder {
    /// As [`follow`], for every new list there is. A list that was recorded already costs nothing, and whoever is watched from now
    /// on begins with it.
    ///
    /// # Errors
    /// Of the node and the history; the next list then closes the gap.
    pub async fn record(
        &self,
        ports: &Ports,
        watched: &HashSet<ProTxHash>,
        look: Look,
    ) -> Result<Vec<(ProTxHash, Event)>, Error> {
        let mut last = self.last.lock().await;
        // Taken, so that after an error or a cancellation all begin anew.
        let before = last.take();
        let is_old = |hash: &&ProTxHash| before.as_ref().is_some_and(|(_, known)| known.contains(*hash));
        let (old, new): (HashSet<ProTxHash>, HashSet<ProTxHash>) = watched.iter().partition(is_old);
        let mut found = match &before {
            Some((before, _)) => follow(ports, &old, Some(before), &look).await?,
            None => Vec::new(),
        };
        if !new.is_empty() {
            found.extend(follow(ports, &new, None, &look).await?);
        }
        *last = Some((look, watched.clone()));
        Ok(found)
    }

    /// Records an overview for those that are mine and for those of which something is known already.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub async fn record_overview(&self, ports: &Ports, overview: &Overview) -> Result<Vec<(ProTxHash, Event)>, Error> {
        let known = ports.history.subjects(ports.profile.genesis)?;
        let mine = overview.masternodes.iter().filter(|each| each.mine);
        let watched = mine.map(|each| each.entry.pro_tx_hash).chain(known).collect();
        self.record(ports, &watched, Look::from(overview)).await
    }
}

/// Records what a new list says of the masternodes that are watched, and answers what is new. To be called once for each list,
/// with the one before it, or none for the first of a run; costs no call for a quiet block, and nothing is written for it.
///
/// Blocks that were missed are read from the node, those of a pause up to two days too; after a reorganisation what was read
/// from the blocks that are gone is forgotten, and the new ones are read.
///
/// # Errors
/// Of the node and the history.
pub async fn follow(
    ports: &Ports,
    watched: &HashSet<ProTxHash>,
    before: Option<&Look>,
    after: &Look,
) -> Result<Vec<(ProTxHash, Event)>, Error> {
    let Some(before) = before else {
        return begin(ports, watched, after).await;
    };
    if before.tip == after.tip {
        return Ok(Vec::new());
    }
    if before.tip.height.checked_add(1) != Some(after.tip.height) {
        return catch_up(ports, watched, after).await;
    }
    let mut chunks = step(ports, watched, before, after);
    let loud = chunks.iter().any(|chunk| !chunk.events.is_empty());
    let known = ports.history.block(ports.profile.genesis, after.tip.height)?;
    if known.is_some_and(|known| known.hash != after.tip.hash) {
        // Taken back once, and grown again.
        return catch_up(ports, watched, after).await;
    }
    if loud || after.tip.height.is_multiple_of(COMPARE) {
        // A block that follows on the one before it, and not on another of its height?
        if !chain::is_on(ports, &block(before.tip)).await? {
            return catch_up(ports, watched, after).await;
        }
    }
    let mut names = dress::Names::default();
    for chunk in chunks.iter_mut().filter(|chunk| !chunk.events.is_empty()) {
        names.dress(ports, chunk.subject.hash, &mut chunk.events).await?;
    }
    let genesis = ports.profile.genesis;
    ports
        .history
        .see(genesis, Some(block(before.tip)), block(after.tip), &chunks)?;
    let events = |chunk: Chunk| {
        let hash = chunk.subject.hash;
        chunk.events.into_iter().map(move |event| (hash, event))
    };
    Ok(chunks.into_iter().flat_map(events).collect())
}

/// What one block did to each of the watched.
fn step(ports: &Ports, watched: &HashSet<ProTxHash>, before: &Look, after: &Look) -> Vec<Chunk> {
    let (old, new) = (of(watched, before), of(watched, after));
    let at = block(after.tip);
    let chunk = |hash: &ProTxHash| {
        let (old, new) = (old.get(hash).copied(), new.get(hash).copied());
        let events = changes::between(old, new, 1);
        Chunk {
            subject: subject(ports, *hash),
            from: before.tip.height,
            to: after.tip.height,
            step: 1,
            start: changes::start(old),
            events: events.into_iter().map(|change| Event::new(at, change)).collect(),
        }
    };
    watched.iter().map(chunk).collect()
}

fn of<'a>(watched: &HashSet<ProTxHash>, list: &'a Look) -> BTreeMap<ProTxHash, &'a Entry> {
    let known = list.entries.iter().filter(|entry| watched.contains(&entry.pro_tx_hash));
    known.map(|entry| (entry.pro_tx_hash, entry)).collect()
}

/// The first list of a run.
async fn begin(ports: &Ports, watched: &HashSet<ProTxHash>, after: &Look) -> Result<Vec<(ProTxHash, Event)>, Error> {
    let found = catch_up(ports, watched, after).await?;
    let entries = of(watched, after);
    let here = |hash: &ProTxHash| Chunk {
        subject: subject(ports, *hash),
        from: after.tip.height,
        to: after.tip.height,
        step: 1,
        start: changes::start(entries.get(hash).copied()),
        events: Vec::new(),
    };
    let chunks: Vec<Chunk> = watched.iter().map(here).collect();
    ports
        .history
        .see(ports.profile.genesis, None, block(after.tip), &chunks)?;
    Ok(found)
}

/// Reads what came between the last that is known of each and a list, where that is not long ago.
async fn catch_up(ports: &Ports, watched: &HashSet<ProTxHash>, list: &Look) -> Result<Vec<(ProTxHash, Event)>, Error> {
    chain::agree(ports, list.tip.height).await?;
    let mut floors: BTreeMap<u32, Vec<ProTxHash>> = BTreeMap::new();
    for hash in watched {
        let kept = ports.history.read(&subject(ports, *hash))?;
        let last = kept.ranges.last().map(|range| range.to);
        if let Some(last) = last.filter(|last| last.saturating_add(CATCH_UP) >= list.tip.height) {
            floors.entry(last).or_default().push(*hash);
        }
    }
    let mut found = Vec::new();
    for (floor, hashes) in floors {
        let (_, events) = read_back(ports, list, &hashes, floor, None).await?;
        found.extend(events);
    }
    Ok(found)
}
