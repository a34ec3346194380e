//! The masternode list with what follows from it: status, PoSe outlook, queue position, expected payment, and which are ours.
//!
//! Window, terminal and alerts all begin here. [`forecast`] looks further ahead, [`words`] says it, [`column`] puts it into tables.

pub mod column;
pub mod forecast;
mod mine;
pub mod words;

use std::collections::HashMap;
use std::sync::Arc;

pub use column::Column;
pub use mine::{Mine, Roles, mine, registered_here, roles};

use super::{Error, Ports};
use crate::protocol::masternode::pose::{self, Level, Outlook};
use crate::protocol::masternode::queue::{self, EvoPayments, Expected, Slot, Spacing};
use crate::protocol::masternode::reward::{self, Reward};
use crate::protocol::masternode::{BanReason, Entry};
use crate::protocol::network::MnType;
use crate::protocol::{Amount, ProTxHash, Profile};
use crate::rpc::{MasternodeList, Tip};
use crate::store::vault::Vault;
use mine::KeyIndex;

/// A masternode and what it means.
#[derive(Debug, Clone, PartialEq)]
pub struct Masternode {
    pub entry: Entry,
    /// What it is called here: see [`Roles::name`].
    pub name: String,
    /// None when banned.
    pub slot: Option<Slot>,
    /// How many are in the queue, for sentences about this one alone.
    pub queue_length: u32,
    pub outlook: Outlook,
    pub level: Level,
    /// None when not banned.
    pub reason: Option<BanReason>,
    /// When its next payment is expected. None when banned, and where the time of the tip is not known.
    pub expected_time: Option<Expected>,
    /// What its next payment is expected to be, fees aside. None when banned, and where the network's rewards are not known.
    pub expected_reward: Option<Reward>,
    pub roles: Roles,
    pub mine: bool,
}

impl Masternode {
    pub fn hash(&self) -> ProTxHash {
        self.entry.pro_tx_hash
    }
}

/// The list at one tip.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// Its time is 0 where it is not known (a saved list).
    pub tip: Tip,
    pub masternodes: Vec<Masternode>,
    /// As the node tells them, in the order of [`Overview::masternodes`].
    pub entries: Arc<Vec<Entry>>,
    /// Masternodes that are paid in turn: those not banned.
    pub queue_length: u32,
    pub spacing: Spacing,
    pub evo: EvoPayments,
    /// All of them.
    pub registered: Counts,
    /// Those not banned.
    pub enabled: Counts,
}

/// How many masternodes there are of each type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub regular: usize,
    pub evo: usize,
}

impl Counts {
    fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        entries.fold(Self::default(), |mut counts, entry| {
            match entry.kind {
                MnType::Regular => counts.regular += 1,
                MnType::Evo => counts.evo += 1,
            }
            counts
        })
    }

    pub fn all(&self) -> usize {
        self.regular + self.evo
    }
}

impl Overview {
    /// How many payments a whole round of the queue has.
    pub fn round(&self) -> usize {
        let runs = self.evo == EvoPayments::FourInARow;
        let weight = |each: &Masternode| {
            if runs && each.entry.kind == MnType::Evo {
                queue::EVO_RUN as usize
            } else {
                1
            }
        };
        let waiting = self.masternodes.iter().filter(|each| each.slot.is_some());
        waiting.map(weight).sum()
    }

    pub fn find(&self, hash: ProTxHash) -> Option<&Masternode> {
        self.masternodes.iter().find(|each| each.hash() == hash)
    }

    pub fn mine(&self) -> impl Iterator<Item = &Masternode> {
        self.masternodes.iter().filter(|each| each.mine)
    }

    /// How long blocks take, in **seconds**, at the observed spacing.
    pub fn seconds(&self, blocks: u32) -> u64 {
        self.spacing.seconds_of(blocks)
    }
}

/// Reads the list and works everything out. Asks the node for its list alone.
///
/// # Errors
/// Of the node or the journal.
pub async fn overview(ports: &Ports) -> Result<Overview, Error> {
    let list = ports.node.masternodes().await?;
    let mine = mine(ports)?;
    Ok(assemble(&list, &ports.profile, ports.vault.as_deref(), &mine))
}

/// The same for one masternode.
///
/// # Errors
/// As [`overview`], and [`Error::NoSuchMasternode`].
pub async fn one(ports: &Ports, hash: ProTxHash) -> Result<(Tip, Masternode), Error> {
    let overview = overview(ports).await?;
    let found = overview.masternodes.into_iter().find(|each| each.hash() == hash);
    found
        .map(|found| (overview.tip, found))
        .ok_or_else(|| Error::NoSuchMasternode { hash: hash.to_string() })
}

/// A list that was saved at a height, as if a node told it. `time` is that of the block, in **Unix seconds**; without it no times
/// are foretold. What a node would tell of its chain is taken from the profile.
pub fn saved(entries: Vec<Entry>, height: u32, time: Option<u64>, profile: &Profile) -> MasternodeList {
    let tip = Tip {
        height,
        hash: profile.genesis,
        time: time.unwrap_or(0),
    };
    MasternodeList::saved(tip, entries, profile)
}

/// Works out a list, wherever it was read.
pub fn assemble(list: &MasternodeList, profile: &Profile, vault: Option<&Vault>, mine: &Mine) -> Overview {
    let entries = &list.entries;
    let slots = queue::queue(entries, list.tip.height, list.evo);
    let build = Builder {
        list,
        profile,
        length: u32::try_from(slots.len()).unwrap_or(u32::MAX),
        slots: slots.into_iter().map(|slot| (slot.pro_tx_hash, slot)).collect(),
        keys: vault.map(KeyIndex::of),
        mine,
    };
    Overview {
        tip: list.tip,
        masternodes: entries.iter().map(|entry| build.masternode(entry)).collect(),
        entries: Arc::clone(entries),
        queue_length: build.length,
        spacing: list.spacing,
        evo: list.evo,
        registered: Counts::of(entries.iter()),
        enabled: Counts::of(entries.iter().filter(|entry| !entry.is_banned())),
    }
}

/// What all masternodes of a list share.
struct Builder<'a> {
    list: &'a MasternodeList,
    profile: &'a Profile,
    slots: HashMap<ProTxHash, Slot>,
    length: u32,
    keys: Option<KeyIndex>,
    mine: &'a Mine,
}

impl Builder<'_> {
    fn masternode(&self, entry: &Entry) -> Masternode {
        let slot = self.slots.get(&entry.pro_tx_hash).copied();
        let roles = self.keys.as_ref().map(|keys| keys.roles(entry)).unwrap_or_default();
        let payout = self.keys.as_ref().is_some_and(|keys| keys.holds_payout(entry));
        let outlook = pose::outlook(entry, self.list.entries.len(), &self.profile.pose);
        Masternode {
            name: roles.name(entry.pro_tx_hash),
            slot,
            queue_length: self.length,
            outlook,
            level: outlook.level(),
            reason: entry.reason(),
            expected_time: slot.and_then(|slot| expected_time(self.list, slot.height)),
            expected_reward: slot.and_then(|slot| self.reward(entry, slot.height)),
            mine: roles.any() || payout || self.mine.hashes.contains(&entry.pro_tx_hash),
            roles,
            entry: entry.clone(),
        }
    }

    fn reward(&self, entry: &Entry, height: u32) -> Option<Reward> {
        let rules = self.profile.reward.as_ref()?;
        reward::expected(entry, height, rules, Amount::ZERO)
    }
}

/// None where the time of the tip is not known.
fn expected_time(list: &MasternodeList, height: u32) -> Option<Expected> {
    let blocks = height.saturating_sub(list.tip.height);
    (list.tip.time > 0).then(|| list.spacing.after(list.tip.time, blocks))
}
