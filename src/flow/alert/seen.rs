//! What a look at the list left behind: all that alerts are found by, of the masternodes that are watched. Public data only; it is
//! kept between two runs.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::BlockHash;
use serde::{Deserialize, Serialize};

use super::Standing;
use crate::flow::overview::{Masternode, Overview};
use crate::protocol::bls::Scheme;
use crate::protocol::masternode::entry::BanReason;
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::{Address, OutPoint, ProTxHash, Profile};

/// Blocks remembered to tell a reorganisation by: deeper ones do not happen where ChainLocks are.
const REMEMBERED: usize = 60;

/// One look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub height: u32,
    pub hash: BlockHash,
    /// **Unix seconds** of the block.
    pub time: u64,
    pub masternodes: BTreeMap<ProTxHash, Snapshot>,
    /// Blocks of the looks before, oldest first.
    pub blocks: Vec<(u32, BlockHash)>,
}

/// One masternode in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub name: String,
    /// False: only still watched because it was mine.
    pub mine: bool,
    pub standing: Standing,
    pub penalty: u32,
    pub max: u32,
    pub danger_line: u32,
    /// **Blocks**.
    pub blocks_to_safe: u32,
    pub revived: Option<u32>,
    /// 0: never.
    pub last_paid: u32,
    /// Height of the block that pays it next, if nothing changes.
    pub due: Option<u32>,
    pub service: String,
    pub payout: Option<String>,
    pub operator_payout: Option<String>,
    pub voting: Option<String>,
    /// In the basic encoding, whatever the list has; none: revoked, or not told by this node.
    pub operator: Option<String>,
    pub collateral: OutPoint,
}

impl Seen {
    /// What a list shows of mine, of those named besides, and of those that were watched `before`.
    pub fn of(overview: &Overview, profile: &Profile, named: &BTreeSet<ProTxHash>, before: Option<&Self>) -> Self {
        let known = |hash: &ProTxHash| before.and_then(|before| before.masternodes.get(hash));
        let watched = overview.masternodes.iter().filter_map(|each| {
            let hash = each.entry.pro_tx_hash;
            let known = known(&hash);
            let mine = each.mine || named.contains(&hash);
            (mine || known.is_some()).then(|| (hash, Snapshot::of(each, mine, profile, known)))
        });
        Self {
            height: overview.tip.height,
            hash: overview.tip.hash,
            time: overview.tip.time,
            masternodes: watched.collect(),
            blocks: Vec::new(),
        }
    }

    /// Takes the place of an older look. `keep`: those that are no longer mine stay watched (the vault that would tell is locked).
    #[must_use]
    pub fn following(mut self, before: Option<&Self>, keep: bool) -> Self {
        self.masternodes.retain(|_, each| each.mine || keep);
        if let Some(before) = before {
            self.blocks.clone_from(&before.blocks);
        }
        // What a reorganisation took away is no longer of this chain.
        self.blocks.retain(|(height, _)| *height < self.height);
        self.blocks.push((self.height, self.hash));
        let extra = self.blocks.len().saturating_sub(REMEMBERED);
        self.blocks.drain(..extra);
        self
    }

    pub fn is_of_same_block(&self, other: &Self) -> bool {
        (self.height, self.hash) == (other.height, other.hash)
    }
}

impl Snapshot {
    fn of(masternode: &Masternode, mine: bool, profile: &Profile, known: Option<&Self>) -> Self {
        let (entry, outlook, roles) = (&masternode.entry, &masternode.outlook, &masternode.roles);
        let state = &entry.state;
        let text = |address: Option<Address>| address.map(|address| address.to_text(profile));
        let name = match known {
            // Without the vault its name is not known any more.
            Some(known) if !roles.any() => known.name.clone(),
            _ => masternode.name.clone(),
        };
        Self {
            name,
            mine,
            standing: masternode.reason.into(),
            penalty: outlook.penalty,
            max: outlook.max,
            danger_line: outlook.danger_line,
            blocks_to_safe: outlook.blocks_to_safe,
            revived: state.pose_revived_height,
            last_paid: state.last_paid_height,
            due: masternode.slot.map(|slot| slot.height),
            service: state.service.to_string(),
            // What one node does not tell another one may have told: it is not gone.
            payout: text(state.payout).or_else(|| known.and_then(|known| known.payout.clone())),
            operator_payout: text(state.operator_payout),
            voting: text(state.voting.map(|id| id.address())).or_else(|| known.and_then(|known| known.voting.clone())),
            operator: operator(entry, known),
            collateral: entry.collateral,
        }
    }

    /// The next failed DKG bans it.
    pub fn is_in_danger(&self) -> bool {
        !self.standing.is_banned() && self.penalty >= self.danger_line
    }
}

fn operator(entry: &Entry, known: Option<&Snapshot>) -> Option<String> {
    match entry.state.operator {
        OperatorKey::Listed { .. } => Some(entry.state.operator.to_hex(Scheme::Basic)),
        OperatorKey::NotTold => known.and_then(|known| known.operator.clone()),
        OperatorKey::Revoked => None,
    }
}

impl From<Option<BanReason>> for Standing {
    fn from(reason: Option<BanReason>) -> Self {
        match reason {
            None => Self::Enabled,
            Some(BanReason::Misbehaviour) => Self::Misbehaved,
            Some(BanReason::NoAddress) => Self::NoAddress,
            Some(BanReason::OperatorChanged) => Self::OperatorChanged,
            Some(BanReason::Revoked { reason }) => Self::Revoked(reason),
        }
    }
}
