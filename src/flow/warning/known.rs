//! What this computer knows of masternodes besides the chain: what it set itself, and which keys it holds.

use std::collections::{HashMap, HashSet};

use bitcoin::{OutPoint, ScriptBuf, Txid};

use crate::flow::overview::{Overview, Roles};
use crate::flow::{Error, Ports};
use crate::protocol::bls;
use crate::protocol::key::KeyId;
use crate::protocol::special_tx::Payload;
use crate::protocol::{ProTxHash, Transaction};
use crate::store::journal::{Event, Operation};
use crate::store::keys::{KeyInfo, Kind as KeyKind};
use crate::store::vault::Vault;

/// Read once for a whole list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// By masternode.
    pub(super) set: HashMap<ProTxHash, Set>,
    pub(super) keys: Vec<KeyInfo>,
}

/// What this computer's transactions set last, each with the height of the block that has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Set {
    pub payout: Option<(u32, ScriptBuf)>,
    pub voting: Option<(u32, KeyId)>,
    /// None within: revoked.
    pub operator: Option<(u32, Option<bls::PublicKey>)>,
    pub registered: Option<Registered>,
    /// Finished, in no block yet.
    pub waiting: Vec<(i64, String, Txid)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Registered {
    pub height: u32,
    pub collateral: OutPoint,
    pub owner: KeyId,
}

/// A masternode that was registered from here and is listed no more: its collateral was spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    pub pro_tx_hash: ProTxHash,
    /// After its owner key, else the begin of its hash.
    pub name: String,
    pub registered: u32,
    pub collateral: OutPoint,
}

impl Known {
    /// # Errors
    /// Of the journal.
    pub fn read(ports: &Ports) -> Result<Self, Error> {
        let operations = ports.journal.list()?;
        Ok(Self::of(&operations, &ports.profile.name, ports.vault.as_deref()))
    }

    /// The same of a journal's operations (newest first, as it lists them) on one network.
    pub fn of(operations: &[Operation], network: &str, vault: Option<&Vault>) -> Self {
        let mut known = Self::default();
        for operation in operations.iter().rev().filter(|each| each.network == network) {
            known.take(operation);
        }
        if let Some(vault) = vault {
            known.keys = vault.list();
            known.keys.retain(|key| key.network.name == network);
        }
        known
    }

    fn take(&mut self, operation: &Operation) {
        let Some((txid, hex)) = operation.finished() else {
            return;
        };
        let payload = Transaction::from_hex(hex).ok().and_then(|tx| Payload::of(&tx).ok());
        let Some((hash, payload)) = payload.and_then(|payload| Some((subject(&payload, txid)?, payload))) else {
            return;
        };
        let set = self.set.entry(hash).or_default();
        match mined(operation) {
            Some(height) => set.take(height, &payload, txid),
            None if !operation.state().is_over() => {
                set.waiting.push((operation.id, operation.kind.clone(), txid));
            }
            None => {}
        }
    }

    /// Those registered from here before the list's block whose collateral backs none that is listed.
    pub(super) fn gone(&self, overview: &Overview) -> Vec<Gone> {
        let listed: HashSet<ProTxHash> = overview.masternodes.iter().map(|each| each.entry.pro_tx_hash).collect();
        let backing: HashSet<OutPoint> = overview.masternodes.iter().map(|each| each.entry.collateral).collect();
        let mut gone: Vec<Gone> = self
            .set
            .iter()
            .filter(|(hash, _)| !listed.contains(*hash))
            .filter_map(|(hash, set)| Some((hash, set.registered?)))
            .filter(|(_, was)| was.height <= overview.tip.height && !backing.contains(&was.collateral))
            .map(|(hash, was)| Gone {
                pro_tx_hash: *hash,
                name: self.name(*hash, was.owner),
                registered: was.height,
                collateral: was.collateral,
            })
            .collect();
        gone.sort_by_key(|each| (each.registered, each.pro_tx_hash));
        gone
    }

    fn name(&self, hash: ProTxHash, owner: KeyId) -> String {
        let key = self.keys.iter().find(|key| key.key_id() == Some(owner));
        let roles = Roles {
            owner: key.map(|key| key.label.clone()),
            ..Roles::default()
        };
        roles.name(hash)
    }

    /// The vault's key of a role that carries a masternode's name: `mn1-operator`, or `mn1-operator-2`.
    pub(super) fn named(&self, name: &str, role: KeyKind) -> Option<&KeyInfo> {
        let begins = format!("{name}-{role}");
        let numbered = |rest: &str| {
            rest.strip_prefix('-')
                .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let fits = |key: &&KeyInfo| {
            let rest = key.label.strip_prefix(&begins);
            key.kind == role && rest.is_some_and(|rest| rest.is_empty() || numbered(rest))
        };
        self.keys.iter().find(fits)
    }

    pub(super) fn holds(&self, id: KeyId) -> bool {
        self.keys.iter().any(|key| key.key_id() == Some(id))
    }
}

impl Set {
    /// Later blocks replace what earlier ones set.
    fn take(&mut self, height: u32, payload: &Payload, txid: Txid) {
        match payload {
            Payload::ProReg(payload) => {
                later(&mut self.payout, height, payload.payout.clone());
                later(&mut self.voting, height, payload.voting);
                self.take_operator(height, payload.operator_key().ok());
                self.registered = Some(Registered {
                    height,
                    collateral: payload.collateral_outpoint(txid),
                    owner: payload.owner,
                });
            }
            Payload::ProUpReg(payload) => {
                later(&mut self.payout, height, payload.payout.clone());
                later(&mut self.voting, height, payload.voting);
                self.take_operator(height, payload.operator_key().ok());
            }
            Payload::ProUpRev(_) => later(&mut self.operator, height, None),
            _ => {}
        }
    }

    fn take_operator(&mut self, height: u32, key: Option<bls::PublicKey>) {
        if key.is_some() {
            later(&mut self.operator, height, key);
        }
    }
}

fn later<T>(place: &mut Option<(u32, T)>, height: u32, value: T) {
    if place.as_ref().is_none_or(|(before, _)| *before <= height) {
        *place = Some((height, value));
    }
}

/// The masternode a payload is about; a registration is known by its own txid.
fn subject(payload: &Payload, txid: Txid) -> Option<ProTxHash> {
    match payload {
        Payload::ProReg(_) => Some(txid),
        Payload::ProUpServ(payload) => Some(payload.pro_tx_hash),
        Payload::ProUpReg(payload) => Some(payload.pro_tx_hash),
        Payload::ProUpRev(payload) => Some(payload.pro_tx_hash),
        Payload::None | Payload::Unknown { .. } => None,
    }
}

fn mined(operation: &Operation) -> Option<u32> {
    operation.events.iter().rev().find_map(|entry| match entry.event {
        Event::Mined { height, .. } => Some(height),
        _ => None,
    })
}
