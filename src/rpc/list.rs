//! The masternode list, kept from block to block.
//!
//! It is read whole once (megabytes); afterwards each block costs its `protx listdiff` (a few kilobytes), asked for by the
//! hashes of both blocks, so that a diff never belongs to another branch of the chain than the list it is applied to. What the
//! diff cannot say the diff back tells. After a reorganisation, after a diff that does not fit, where the node has no such
//! call, and now and then anyway, the list is read whole again.

use std::collections::HashSet;
use std::sync::Arc;

use bitcoin::BlockHash;
use serde_json::{Value, json};

use super::capabilities::evo_payments;
use super::client::Client;
use super::http::Size;
use super::types::{self, ChainInfo};
use super::{Changes, ListDiff, MasternodeList, RpcError, Tip};
use crate::protocol::ProTxHash;
use crate::protocol::masternode::entry::Entry;
use crate::protocol::masternode::queue::{EvoPayments, Spacing};
use crate::protocol::special_tx::pro_reg::encoding_of;

/// How often a list is asked for again when a block came in between.
const LIST_TRIES: usize = 3;
/// **Blocks** after which the list is read whole whatever happened, about a day: a mistake of whoever stays no longer.
const WHOLE_EVERY: u32 = 576;
/// More new masternodes in one diff than these are read with the whole list: each costs a call.
const MOST_ADDED: usize = 32;
/// **Blocks** the spacing is measured over.
const SPACING_OVER: u32 = 1_000;
/// **Blocks** between the remembered times it is measured by.
const MARK_EVERY: u32 = 100;

/// A list and what it takes to bring it up to date.
pub(super) struct Kept {
    list: MasternodeList,
    /// Height of the last list that was read whole.
    whole_at: u32,
    pace: Pace,
}

#[cfg(test)]
impl Kept {
    pub fn whole_at(&self) -> u32 {
        self.whole_at
    }
}

/// Where the chain stands.
struct Now {
    tip: Tip,
    evo: EvoPayments,
}

impl Client {
    pub(super) async fn read_masternodes(&self) -> Result<MasternodeList, RpcError> {
        // Held while fetching: whoever asks meanwhile waits for the same answer.
        let mut kept = self.list.lock().await;
        let now = self.now().await?;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.list.tip == now.tip) {
            return Ok(kept.list.clone());
        }
        let stepped = match kept.as_ref() {
            Some(old) => self.step(old, &now).await?,
            None => None,
        };
        let new = match stepped {
            Some(new) => new,
            None => self.whole(now, kept.take().map(|old| old.pace)).await?,
        };
        let list = new.list.clone();
        *kept = Some(new);
        Ok(list)
    }

    async fn now(&self) -> Result<Now, RpcError> {
        let chain = self.get("getblockchaininfo", json!([]), ChainInfo::read).await?;
        let tip = match chain.time {
            Some(time) => Tip {
                height: chain.blocks,
                hash: chain.best,
                time,
            },
            None => self.tip_of(chain.best).await?,
        };
        self.learned().tip = Some(tip);
        let version = self.version().await?;
        let forks = match self.learned().forks {
            Some(forks) if !chain.forks.told => forks,
            _ => chain.forks,
        };
        let evo = evo_payments(version, tip.height, forks, &self.profile.activation);
        Ok(Now { tip, evo })
    }

    /// The kept list with what happened since. None: it has to be read whole.
    async fn step(&self, old: &Kept, now: &Now) -> Result<Option<Kept>, RpcError> {
        let is_due = now.tip.height >= old.whole_at.saturating_add(WHOLE_EVERY);
        let is_forward = now.tip.height > old.list.tip.height;
        if is_due || !is_forward || !self.has_list_diff().await? {
            return Ok(None);
        }
        let Some(diff) = self.diff_since(&old.list, now.tip).await? else {
            return Ok(None);
        };
        let Some(entries) = applied(&old.list, diff, now.tip) else {
            tracing::warn!(height = now.tip.height, "a list diff does not fit the list it is for");
            return Ok(None);
        };
        let mut pace = old.pace.clone();
        pace.passed(now.tip);
        Ok(Some(Kept {
            list: MasternodeList {
                tip: now.tip,
                entries: Arc::new(entries),
                evo: now.evo,
                spacing: pace.spacing(now.tip, Spacing::target(&self.profile)),
            },
            whole_at: old.whole_at,
            pace,
        }))
    }

    /// The complete diff to the new tip; none if there is no sound one.
    async fn diff_since(&self, list: &MasternodeList, tip: Tip) -> Result<Option<ListDiff>, RpcError> {
        let Some(mut diff) = self.sound_diff(list.tip, tip).await? else {
            return Ok(None);
        };
        if has_gaps(&diff, &list.entries) {
            let Some(back) = self.sound_diff(tip, list.tip).await? else {
                return Ok(None);
            };
            diff.fill_gaps(&back);
        }
        let is_listed = |entry: &Entry| find(&list.entries, entry.pro_tx_hash).is_some();
        if diff.added.len() > MOST_ADDED || diff.added.iter().any(is_listed) {
            return Ok(None);
        }
        for added in &mut diff.added {
            // As the list prints it, with the confirmations of its collateral.
            let params = json!(["info", added.pro_tx_hash.to_string(), tip.hash.to_string()]);
            let read = |json: &super::json::Json<'_>| types::entry(json, &self.profile);
            match self.get("protx", params, read).await {
                Ok(entry) if entry.pro_tx_hash == added.pro_tx_hash => *added = entry,
                Err(error) if !is_no_answer(&error) => return Err(error),
                Ok(_) | Err(_) => return Ok(None),
            }
        }
        Ok(Some(diff))
    }

    /// None where the node refuses, or answers about other blocks.
    async fn sound_diff(&self, base: Tip, tip: Tip) -> Result<Option<ListDiff>, RpcError> {
        let answer = self
            .ask_diff(json!(base.hash.to_string()), json!(tip.hash.to_string()))
            .await;
        match answer {
            Ok(diff) => Ok(diff.filter(|diff| (diff.base, diff.height) == (base.height, tip.height))),
            Err(error) if is_no_answer(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn whole(&self, now: Now, pace: Option<Pace>) -> Result<Kept, RpcError> {
        let (tip, mut entries) = self.fetch(now.tip).await?;
        entries.sort_unstable_by_key(|entry| entry.pro_tx_hash);
        let evo = match tip == now.tip {
            true => now.evo,
            false => self.now().await?.evo,
        };
        let mut pace = match pace.filter(|pace| pace.reaches(tip)) {
            Some(pace) => pace,
            None => self.measure(tip).await,
        };
        pace.passed(tip);
        let spacing = pace.spacing(tip, Spacing::target(&self.profile));
        Ok(Kept {
            list: MasternodeList {
                tip,
                entries: Arc::new(entries),
                evo,
                spacing,
            },
            whole_at: tip.height,
            pace,
        })
    }

    async fn fetch(&self, mut tip: Tip) -> Result<(Tip, Vec<Entry>), RpcError> {
        for _ in 0..LIST_TRIES {
            let entries = self.entries(json!(["list", "registered", true])).await?;
            let after: BlockHash = self.get("getbestblockhash", json!([]), |json| json.parsed()).await?;
            if after == tip.hash {
                return Ok((tip, entries));
            }
            tip = self.tip_of(after).await?;
        }
        // Blocks come faster than lists: ask for the list of a height. Slower for the node, therefore last.
        let entries = self.entries(json!(["list", "registered", true, tip.height])).await?;
        Ok((tip, entries))
    }

    pub(super) async fn entries(&self, params: Value) -> Result<Vec<Entry>, RpcError> {
        let raw = self.ask("protx", params, Size::List).await?;
        let profile = Arc::clone(&self.profile);
        // Megabytes of text are read: not on a thread that others wait for.
        let read = tokio::task::spawn_blocking(move || types::masternodes(raw.get(), &profile));
        read.await.expect("reading a reply does not panic")
    }

    /// A time a thousand blocks ago. Without one the target spacing has to do.
    async fn measure(&self, tip: Tip) -> Pace {
        // The first block's time is the coin's, not the chain's.
        let far = tip.height.saturating_sub(SPACING_OVER).max(1);
        let block = match far < tip.height {
            true => self.read_block_at(far).await.ok().flatten(),
            false => None,
        };
        Pace {
            marks: block.into_iter().collect(),
        }
    }
}

/// The node is there, but it no longer has the block, does not answer this call, or not in a way to be read: the whole list will
/// tell.
fn is_no_answer(error: &RpcError) -> bool {
    matches!(
        error,
        RpcError::Failed { .. }
            | RpcError::Malformed { .. }
            | RpcError::TooLarge { .. }
            | RpcError::UnknownMethod { .. }
            | RpcError::Forbidden { .. }
    )
}

/// Whether something may have become empty unsaid.
fn has_gaps(diff: &ListDiff, entries: &[Entry]) -> bool {
    diff.updated.iter().any(|(hash, changes)| {
        let pays_operator = |entry: &Entry| entry.state.operator_payout.is_some();
        changes.operator_payout.is_none() && find(entries, *hash).is_some_and(|at| pays_operator(&entries[at]))
    })
}

/// Entries are kept in the order of their hashes.
fn find(entries: &[Entry], hash: ProTxHash) -> Option<usize> {
    entries.binary_search_by_key(&hash, |entry| entry.pro_tx_hash).ok()
}

/// The list with a diff applied; none if the diff does not fit.
fn applied(list: &MasternodeList, diff: ListDiff, tip: Tip) -> Option<Vec<Entry>> {
    let mut entries = list.entries.to_vec();
    let blocks = tip.height.checked_sub(list.tip.height)?;
    for entry in &mut entries {
        entry.confirmations = entry.confirmations.map(|count| count.saturating_add(blocks));
    }
    for (hash, changes) in &diff.updated {
        let at = find(&entries, *hash)?;
        apply(changes, &mut entries[at])?;
    }
    let removed: HashSet<ProTxHash> = diff.removed.iter().copied().collect();
    if !removed.iter().all(|hash| find(&entries, *hash).is_some()) {
        return None;
    }
    entries.retain(|entry| !removed.contains(&entry.pro_tx_hash));
    for added in diff.added {
        let at = entries.binary_search_by_key(&added.pro_tx_hash, |entry| entry.pro_tx_hash);
        entries.insert(at.err()?, added);
    }
    pays_one_a_block(&entries, list.tip.height, tip.height).then_some(entries)
}

fn apply(changes: &Changes, entry: &mut Entry) -> Option<()> {
    let state = &mut entry.state;
    let was = encoding_of(state.version);
    changes.apply(state);
    // A key that is from now on written otherwise, but was not told.
    let unread = changes.operator.is_none() && encoding_of(state.version) != was && !state.operator.is_revoked();
    (!unread).then_some(())
}

/// Every block since `from` pays at most one masternode, and none pays after the tip.
fn pays_one_a_block(entries: &[Entry], from: u32, tip: u32) -> bool {
    let mut paid = HashSet::new();
    entries
        .iter()
        .map(|entry| entry.state.last_paid_height)
        .filter(|height| *height > from)
        .all(|height| height <= tip && paid.insert(height))
}

/// Times of blocks gone by, for the spacing: oldest first.
#[derive(Debug, Clone)]
struct Pace {
    marks: Vec<Tip>,
}

impl Pace {
    /// The oldest mark is old enough, and none is of a block that no longer is.
    fn reaches(&self, tip: Tip) -> bool {
        let far = tip.height.saturating_sub(SPACING_OVER).max(1);
        self.marks.first().is_some_and(|mark| mark.height <= far)
            && self.marks.last().is_some_and(|mark| mark.height <= tip.height)
    }

    fn passed(&mut self, tip: Tip) {
        let is_due = self
            .marks
            .last()
            .is_none_or(|mark| tip.height >= mark.height.saturating_add(MARK_EVERY));
        if is_due {
            self.marks.push(tip);
        }
        while self
            .marks
            .get(1)
            .is_some_and(|mark| mark.height.saturating_add(SPACING_OVER) <= tip.height)
        {
            self.marks.remove(0);
        }
    }

    fn spacing(&self, tip: Tip, target: Spacing) -> Spacing {
        let first = self.marks.first();
        let observed = first.and_then(|first| Spacing::observed((first.height, first.time), (tip.height, tip.time)));
        observed.unwrap_or(target)
    }
}
