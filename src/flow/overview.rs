//! The masternode list with what follows from it: status, PoSe outlook, queue position, expected payment, and which are ours.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::operation::Kind;
use super::{Error, Ports};
use crate::protocol::ProTxHash;
use crate::protocol::bls::Scheme;
use crate::protocol::masternode::pose::{self, Outlook};
use crate::protocol::masternode::queue::{self, EvoPayments, Slot};
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::script;
use crate::rpc::Tip;
use crate::store::vault::Vault;

/// A masternode and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masternode {
    pub entry: Entry,
    /// None when banned.
    pub slot: Option<Slot>,
    pub queue_length: u32,
    pub outlook: Outlook,
    /// **Unix seconds**, from the target spacing.
    pub next_payment_time: Option<u64>,
    pub roles: Roles,
    pub mine: bool,
}

/// Labels of the keys this vault holds for a masternode.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roles {
    pub owner: Option<String>,
    pub voting: Option<String>,
    pub operator: Option<String>,
}

impl Roles {
    pub fn any(&self) -> bool {
        self.owner.is_some() || self.voting.is_some() || self.operator.is_some()
    }

    /// The operations these keys can sign for a masternode of theirs. A revoked one knows no operator key.
    pub fn can(&self) -> Vec<Kind> {
        let operator = self.operator.is_some().then_some([Kind::UpdateService, Kind::Revoke]);
        let owner = self.owner.is_some().then_some(Kind::UpdateRegistrar);
        let mut all: Vec<Kind> = operator.into_iter().flatten().chain(owner).collect();
        all.sort_by_key(|kind| Kind::ALL.iter().position(|each| each == kind));
        all
    }

    /// What the masternode is called here: what its keys' labels begin with (`mn1-owner` is `mn1`'s), else the first eight digits
    /// of its hash.
    pub fn name(&self, hash: ProTxHash) -> String {
        let of = |label: &Option<String>, role: &str| {
            let (name, rest) = label.as_deref()?.rsplit_once(role)?;
            let numbered = rest
                .strip_prefix('-')
                .is_some_and(|n| n.bytes().all(|byte| byte.is_ascii_digit()));
            (!name.is_empty() && (rest.is_empty() || numbered)).then(|| name.to_owned())
        };
        of(&self.owner, "-owner")
            .or_else(|| of(&self.operator, "-operator"))
            .or_else(|| of(&self.voting, "-voting"))
            .unwrap_or_else(|| hash.to_string()[..8].to_owned())
    }
}

/// The keys of a vault that an entry names.
pub fn roles(vault: Option<&Vault>, entry: &Entry) -> Roles {
    vault.map(|vault| KeyIndex::of(vault).roles(entry)).unwrap_or_default()
}

/// The list at one tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    pub tip: Tip,
    pub masternodes: Vec<Masternode>,
}

/// What counts as mine besides the vault's keys.
#[derive(Debug, Clone, Default)]
pub struct Mine {
    /// Registered from here, as the journal tells.
    pub hashes: HashSet<ProTxHash>,
}

/// Reads the list and works everything out.
///
/// # Errors
/// Of the node, the vault or the journal.
pub async fn overview(ports: &Ports) -> Result<Overview, Error> {
    let status = ports.node.status().await?;
    let list = ports.node.masternodes().await?;
    let mine = mine(ports)?;
    let evo = status.capabilities.evo_payments();
    Ok(assemble(
        Arc::unwrap_or_clone(list.entries),
        list.tip,
        evo,
        ports.profile.spacing,
        ports.vault.as_deref(),
        &mine,
    ))
}

/// The same for one masternode.
///
/// # Errors
/// As [`overview`], and [`Error::NoSuchMasternode`].
pub async fn one(ports: &Ports, hash: ProTxHash) -> Result<(Tip, Masternode), Error> {
    let overview = overview(ports).await?;
    let found = overview
        .masternodes
        .into_iter()
        .find(|masternode| masternode.entry.pro_tx_hash == hash);
    found
        .map(|found| (overview.tip, found))
        .ok_or_else(|| Error::NoSuchMasternode { hash: hash.to_string() })
}

/// Works out a list that was read elsewhere (a saved one, too).
pub fn assemble(
    entries: Vec<Entry>,
    tip: Tip,
    evo: EvoPayments,
    spacing: u32,
    vault: Option<&Vault>,
    mine: &Mine,
) -> Overview {
    let registered = entries.len();
    let slots: HashMap<ProTxHash, Slot> = queue::queue(&entries, tip.height, evo)
        .into_iter()
        .map(|slot| (slot.pro_tx_hash, slot))
        .collect();
    let keys = vault.map(KeyIndex::of);
    let length = slots.len() as u32;
    let build = |entry: Entry| {
        let slot = slots.get(&entry.pro_tx_hash).copied();
        let roles = keys.as_ref().map(|keys| keys.roles(&entry)).unwrap_or_default();
        let payout = keys.as_ref().is_some_and(|keys| keys.holds_payout(&entry));
        Masternode {
            slot,
            queue_length: length,
            outlook: pose::outlook(entry.state.pose_penalty, registered),
            next_payment_time: slot.map(|slot| {
                let blocks = slot.height.saturating_sub(tip.height);
                tip.time.saturating_add(u64::from(blocks) * u64::from(spacing))
            }),
            mine: roles.any() || payout || mine.hashes.contains(&entry.pro_tx_hash),
            roles,
            entry,
        }
    };
    Overview {
        tip,
        masternodes: entries.into_iter().map(build).collect(),
    }
}

/// Masternodes this computer's journal knows of.
///
/// # Errors
/// Of the journal.
pub fn mine(ports: &Ports) -> Result<Mine, Error> {
    let mut mine = Mine::default();
    for operation in ports.journal.list()? {
        if operation.kind == "register"
            && operation.network == ports.profile.name
            && let Some(txid) = operation.finished().map(|(txid, _)| txid)
        {
            mine.hashes.insert(txid);
        }
    }
    Ok(mine)
}

/// The vault's public keys, for looking entries up.
struct KeyIndex {
    secp: HashMap<crate::protocol::KeyId, String>,
    operator: HashMap<OperatorKey, String>,
}

impl KeyIndex {
    fn of(vault: &Vault) -> Self {
        let mut index = Self {
            secp: HashMap::new(),
            operator: HashMap::new(),
        };
        for key in vault.list() {
            if let Some(id) = key.key_id() {
                index.secp.insert(id, key.label.clone());
            }
            if let Some(point) = key.operator() {
                // A list writes it in the one or the other.
                for encoding in [Scheme::Legacy, Scheme::Basic] {
                    let listed = OperatorKey::of(&point, encoding);
                    index.operator.insert(listed, key.label.clone());
                }
            }
        }
        index
    }

    fn roles(&self, entry: &Entry) -> Roles {
        let operator = self.operator.get(&entry.state.operator).cloned();
        Roles {
            owner: entry.state.owner.and_then(|id| self.secp.get(&id).cloned()),
            voting: entry.state.voting.and_then(|id| self.secp.get(&id).cloned()),
            operator,
        }
    }

    fn holds_payout(&self, entry: &Entry) -> bool {
        let script = entry.state.payout.map(|payout| payout.script());
        match script.and_then(|script| script::destination(script.as_bytes())) {
            Some(script::Destination::Key(hash)) => self.secp.contains_key(&crate::protocol::KeyId(hash)),
            _ => false,
        }
    }
}
