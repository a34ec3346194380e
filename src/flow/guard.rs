//! The collateral guard: which coins must never be spent by accident, why, and what would happen if they were.
//!
//! One answer for everything that spends: payments of the device, fees of the vault's keys and of the node's wallet, operations
//! from other machines. A coin is guarded if
//! - a listed masternode names it as its collateral, whoever's it is;
//! - a registration in this computer's journal names it. One that was cancelled, or failed before anything was sent, no longer
//!   counts; one that failed later does, because what was sent may still be mined, and one that is mined does too, because a node
//!   that lies or lags may leave its masternode out of the list;
//! - it was made here to become a collateral;
//! - it holds exactly what a collateral of the network holds.
//!
//! A masternode depends on the outpoint alone: other coins on its collateral's address may be spent, and rewards paid there
//! must be. [`Collaterals::on_address`] tells of them, for labels and warnings.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bitcoin::ScriptBuf;

use super::overview::roles;
use super::wallet::WalletCoin;
use super::{Error, Ports, operation, pay};
use crate::protocol::masternode::Entry;
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Payload;
use crate::protocol::{Amount, OutPoint, ProTxHash, Profile};
use crate::rpc::FoundCoin;
use crate::store::journal::{self, State};
use crate::store::vault::Vault;

/// Why a coin must not be spent by accident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// It is the collateral of a listed masternode.
    Backs {
        pro_tx_hash: ProTxHash,
        /// What the masternode is called here.
        name: String,
        /// This vault has a key of it, or it was registered here.
        mine: bool,
    },
    /// A registration of the journal names it as its collateral.
    Planned {
        /// Number in the journal.
        id: i64,
        /// Its transaction may have left this computer.
        sent: bool,
    },
    /// It was made here to become a collateral.
    Made {
        /// Number in the journal.
        id: i64,
        kind: MnType,
    },
    /// It holds exactly the amount of a collateral.
    LooksLike { kind: MnType },
}

impl Guard {
    /// What would happen if the coin were spent: one sentence without its full stop.
    pub fn consequence(&self, profile: &Profile) -> String {
        match self {
            Self::Backs { name, mine, .. } => {
                let whose = if *mine {
                    ""
                } else {
                    ", none of whose keys is in this vault,"
                };
                format!(
                    "the masternode {name}{whose} leaves the list with the next block: it is paid nothing any more, loses its place \
                     in the queue, and can only be registered anew, with another collateral"
                )
            }
            Self::Planned { id, sent: false } => {
                format!(
                    "the registration begun here as number {id} of the journal becomes invalid: nodes will refuse it"
                )
            }
            Self::Planned { id, sent: true } => format!(
                "the masternode of the registration sent from here, number {id} of the journal, leaves the list or never comes into it"
            ),
            Self::Made { id, kind } => format!(
                "the collateral of {}, made here by number {id} of the journal, is taken apart: none can be registered \
                 with it any more",
                kind_name(*kind)
            ),
            Self::LooksLike { kind } => {
                let amount = profile.collateral(*kind).unwrap_or(Amount::ZERO).short();
                format!(
                    "it holds exactly the {amount} {} of {}'s collateral: if one is registered with it or is to be, that \
                     masternode is lost",
                    profile.ticker,
                    kind_name(*kind)
                )
            }
        }
    }

    /// How grave it is: who was told of one and agreed has not agreed to a graver one.
    pub(super) fn gravity(&self) -> u8 {
        match self {
            Self::LooksLike { .. } => 1,
            Self::Made { .. } => 2,
            Self::Planned { .. } => 3,
            Self::Backs { .. } => 4,
        }
    }

    /// As a table names it: `collateral of mn1`.
    pub fn label(&self) -> String {
        match self {
            Self::Backs { name, .. } => format!("collateral of {name}"),
            Self::Planned { id, .. } => format!("collateral of registration {id}"),
            Self::Made { .. } => "collateral, made here".to_owned(),
            Self::LooksLike { .. } => "holds a collateral's amount".to_owned(),
        }
    }
}

/// With its article.
fn kind_name(kind: MnType) -> &'static str {
    match kind {
        MnType::Regular => "a regular masternode",
        MnType::Evo => "an evonode",
    }
}

/// What has to be typed before a guarded coin may be spent: no click does it, and no habit.
pub fn phrase(coin: &WalletCoin, profile: &Profile) -> String {
    let backed = coin.guards.iter().find_map(|guard| match guard {
        Guard::Backs { name, .. } => Some(format!("spend the collateral of {name}")),
        _ => None,
    });
    backed.unwrap_or_else(|| format!("spend {} {}", coin.own.coin.value.short(), profile.ticker))
}

/// Whether a text is the phrase of a coin.
pub fn is_phrase(typed: &str, coin: &WalletCoin, profile: &Profile) -> bool {
    typed.trim() == phrase(coin, profile)
}

/// What would happen if a coin were spent, all of it.
pub fn consequences(guards: &[Guard], profile: &Profile) -> String {
    let all: Vec<String> = guards.iter().map(|guard| guard.consequence(profile)).collect();
    all.join("; ")
}

/// How grave the gravest of a coin's guards is; 0 without any.
pub fn gravity(guards: &[Guard]) -> u8 {
    guards.iter().map(Guard::gravity).max().unwrap_or(0)
}

/// What the list and the journal know of collaterals, at one moment.
#[derive(Debug, Clone)]
pub struct Collaterals {
    profile: Arc<Profile>,
    vault: Option<Arc<Vault>>,
    listed: HashMap<OutPoint, Entry>,
    /// Listed masternodes by the scripts their rewards go to: the owner's, the operator's.
    payouts: HashMap<ScriptBuf, Vec<(ProTxHash, bool)>>,
    by_hash: HashMap<ProTxHash, OutPoint>,
    /// Registered here.
    mine: HashSet<ProTxHash>,
    planned: HashMap<OutPoint, Vec<(i64, bool)>>,
    made: HashMap<OutPoint, (i64, MnType)>,
}

impl Collaterals {
    /// # Errors
    /// Of the node and the journal: what is not known is not spent.
    pub async fn read(ports: &Ports) -> Result<Self, Error> {
        let list = ports.node.masternodes().await?;
        Self::of(ports, Arc::unwrap_or_clone(list.entries))
    }

    /// With a list that was read already.
    ///
    /// # Errors
    /// Of the journal.
    pub fn of(ports: &Ports, entries: Vec<Entry>) -> Result<Self, Error> {
        let mut known = Self {
            profile: Arc::clone(&ports.profile),
            vault: ports.vault.clone(),
            listed: HashMap::new(),
            payouts: HashMap::new(),
            by_hash: HashMap::new(),
            mine: HashSet::new(),
            planned: HashMap::new(),
            made: HashMap::new(),
        };
        for entry in entries {
            known.note_entry(entry);
        }
        for entry in ports.journal.list()? {
            if entry.network == ports.profile.name {
                known.note_operation(&entry);
            }
        }
        Ok(known)
    }

    fn note_entry(&mut self, entry: Entry) {
        let rewards = [(entry.state.payout, false), (entry.state.operator_payout, true)];
        for (address, operator) in rewards {
            if let Some(address) = address {
                let hash = entry.pro_tx_hash;
                self.payouts.entry(address.script()).or_default().push((hash, operator));
            }
        }
        self.by_hash.insert(entry.pro_tx_hash, entry.collateral);
        self.listed.insert(entry.collateral, entry);
    }

    fn note_operation(&mut self, entry: &journal::Operation) {
        if let Some((outpoint, kind)) = pay::made(entry) {
            self.made.insert(outpoint, (entry.id, kind));
        }
        if entry.kind != operation::Kind::Register.name() {
            return;
        }
        let txid = entry.finished().map(|(txid, _)| txid);
        self.mine.extend(txid);
        let sent = entry.is_past_no_return();
        let given_up = matches!(entry.state(), State::Cancelled | State::Failed) && !sent;
        if !given_up && let Some(outpoint) = planned_collateral(entry) {
            self.planned.entry(outpoint).or_default().push((entry.id, sent));
        }
    }

    /// Every reason not to spend a coin, the gravest first; none for one that may be spent.
    pub fn guards(&self, coin: &FoundCoin) -> Vec<Guard> {
        self.guards_of(coin.outpoint, coin.value)
    }

    /// As [`Collaterals::guards`], of an output that holds so much.
    pub fn guards_of(&self, outpoint: OutPoint, value: Amount) -> Vec<Guard> {
        let mut guards: Vec<Guard> = self.backed_by(outpoint).into_iter().collect();
        let backs = !guards.is_empty();
        for (id, sent) in self.planned.get(&outpoint).into_iter().flatten() {
            // What was sent is what the list shows.
            if !(backs && *sent) {
                guards.push(Guard::Planned { id: *id, sent: *sent });
            }
        }
        if guards.is_empty() {
            let made = self.made.get(&outpoint);
            guards.extend(made.map(|(id, kind)| Guard::Made { id: *id, kind: *kind }));
        }
        if guards.is_empty() {
            let kind = self.profile.collateral_kind(value);
            guards.extend(kind.map(|kind| Guard::LooksLike { kind }));
        }
        guards
    }

    pub fn is_guarded(&self, coin: &FoundCoin) -> bool {
        let outpoint = &coin.outpoint;
        self.profile.collateral_kind(coin.value).is_some()
            || self.listed.contains_key(outpoint)
            || self.planned.contains_key(outpoint)
            || self.made.contains_key(outpoint)
    }

    /// Coins that may pay: confirmed, mature, unspent also in the mempool, and not guarded.
    pub fn is_spendable(&self, coin: &FoundCoin) -> bool {
        !coin.spent_in_mempool
            && coin.confirmations > 0
            && (!coin.coinbase || coin.confirmations >= self.profile.coinbase_maturity)
            && !self.is_guarded(coin)
    }

    fn backed_by(&self, outpoint: OutPoint) -> Option<Guard> {
        let entry = self.listed.get(&outpoint)?;
        let roles = roles(self.vault.as_deref(), entry);
        let hash = entry.pro_tx_hash;
        Some(Guard::Backs {
            pro_tx_hash: hash,
            name: roles.name(hash),
            mine: roles.any() || self.mine.contains(&hash),
        })
    }

    /// Names of the listed masternodes whose collateral is one of these coins: of the address that holds them, if they are all of it.
    pub fn on_address<'a>(&self, coins: impl IntoIterator<Item = &'a FoundCoin>) -> Vec<String> {
        let listed = coins.into_iter().filter_map(|coin| self.listed.get(&coin.outpoint));
        listed.map(|entry| self.name(entry)).collect()
    }

    /// What rewards are paid to a script: `payout of mn1`, `operator payout of mn2`.
    pub fn rewards(&self, script: &ScriptBuf) -> Option<String> {
        let (hash, operator) = self.payouts.get(script)?.first()?;
        let entry = self.listed.get(self.by_hash.get(hash)?)?;
        let what = if *operator { "operator payout" } else { "payout" };
        Some(format!("{what} of {}", self.name(entry)))
    }

    fn name(&self, entry: &Entry) -> String {
        roles(self.vault.as_deref(), entry).name(entry.pro_tx_hash)
    }
}

/// The collateral a registration of the journal names: an output of its own is known only once that is finished.
fn planned_collateral(entry: &journal::Operation) -> Option<OutPoint> {
    let planned = operation::Operation::from_text(entry.plan()?).ok()?;
    match planned.payload().ok()? {
        Payload::ProReg(payload) if payload.is_internal() => Some(OutPoint {
            txid: entry.finished()?.0,
            vout: payload.collateral.vout,
        }),
        Payload::ProReg(payload) => Some(payload.collateral),
        _ => None,
    }
}
