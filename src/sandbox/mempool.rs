//! Unconfirmed transactions, and what two of them must not both claim.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bitcoin::{OutPoint, Txid};

use crate::protocol::ProTxHash;
use crate::protocol::key::KeyId;
use crate::protocol::special_tx::{Payload, ProRegTx, Service};
use crate::protocol::tx::Transaction;

/// Ancestors, and descendants of any ancestor, that a transaction may have, itself included.
const CHAIN_LIMIT: usize = 25;

/// One waiting transaction.
#[derive(Debug, Clone)]
pub struct Entry {
    pub txid: Txid,
    pub tx: Arc<Transaction>,
    /// **Duffs**.
    pub fee: u64,
    /// Bytes.
    pub size: usize,
    /// **Unix seconds** of arrival.
    pub time: u64,
    /// Height of the tip at arrival.
    pub height: u32,
    pub payload: Payload,
    /// It gives its masternode another operator key than the tip's list has, or takes it away.
    pub changes_operator: bool,
}

/// In order of arrival, so parents stand before their children.
#[derive(Debug, Clone, Default)]
pub struct Mempool {
    entries: Vec<Entry>,
    spenders: HashMap<OutPoint, Txid>,
}

impl Mempool {
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn get(&self, txid: Txid) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.txid == txid)
    }

    /// Who spends an output.
    pub fn spender(&self, outpoint: &OutPoint) -> Option<Txid> {
        self.spenders.get(outpoint).copied()
    }

    pub fn add(&mut self, entry: Entry) {
        for input in &entry.tx.inputs {
            self.spenders.insert(input.previous, entry.txid);
        }
        self.entries.push(entry);
    }

    /// Takes everything out, to be offered again after a block.
    pub fn drain(&mut self) -> Vec<Entry> {
        self.spenders.clear();
        std::mem::take(&mut self.entries)
    }

    /// `protx-dup`: what a payload claims is claimed by a waiting one, a waiting transaction spends its collateral, or the
    /// operator key of its masternode is about to change already. `changes_operator` as in [`Entry`].
    ///
    /// Nodes remember who waits by transaction and compare that with the masternode, and so refuse the same address, or the
    /// same operator key, also for one and the same masternode.
    pub fn conflicts_with(&self, payload: &Payload, changes_operator: bool) -> bool {
        match payload {
            Payload::ProReg(payload) => self.conflicts_with_registration(payload),
            Payload::ProUpServ(payload) => self.claims().any(|claims| claims.service == Some(payload.service)),
            Payload::ProUpReg(payload) => {
                (changes_operator && self.awaits_change_of(payload.pro_tx_hash))
                    || self.claims().any(|claims| claims.operator == Some(payload.operator))
            }
            Payload::ProUpRev(payload) => changes_operator && self.awaits_change_of(payload.pro_tx_hash),
            Payload::None | Payload::Unknown { .. } => false,
        }
    }

    fn claims(&self) -> impl Iterator<Item = Claims> {
        self.entries.iter().map(|entry| Claims::of(&entry.payload))
    }

    fn awaits_change_of(&self, masternode: ProTxHash) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.changes_operator && entry.payload.pro_tx_hash() == Some(masternode))
    }

    fn conflicts_with_registration(&self, payload: &ProRegTx) -> bool {
        if !payload.is_internal() && self.spenders.contains_key(&payload.collateral) {
            return true;
        }
        let mine = Claims::of_registration(payload);
        self.claims().any(|waiting| {
            both(mine.service, waiting.service)
                || both(mine.owner, waiting.owner)
                || both(mine.operator, waiting.operator)
                || both(mine.collateral, waiting.collateral)
        })
    }

    /// Whether a transaction would make a chain of unconfirmed ones too long: the detail a node gives.
    pub fn chain_too_long(&self, tx: &Transaction) -> Option<String> {
        let ancestors = self.ancestors(tx);
        if ancestors.len() + 1 > CHAIN_LIMIT {
            return Some(format!("too many unconfirmed ancestors [limit: {CHAIN_LIMIT}]"));
        }
        let crowded = ancestors.iter().find(|txid| self.descendants(**txid) + 1 > CHAIN_LIMIT);
        crowded.map(|txid| format!("too many descendants for tx {txid} [limit: {CHAIN_LIMIT}]"))
    }

    fn ancestors(&self, tx: &Transaction) -> BTreeSet<Txid> {
        let mut found = BTreeSet::new();
        let mut open: Vec<Txid> = tx.inputs.iter().map(|input| input.previous.txid).collect();
        while let Some(txid) = open.pop() {
            if let Some(parent) = self.get(txid).filter(|_| found.insert(txid)) {
                open.extend(parent.tx.inputs.iter().map(|input| input.previous.txid));
            }
        }
        found
    }

    /// Itself included.
    fn descendants(&self, of: Txid) -> usize {
        // Parents come first, so one pass finds all.
        let mut family = BTreeSet::from([of]);
        for entry in &self.entries {
            if entry
                .tx
                .inputs
                .iter()
                .any(|input| family.contains(&input.previous.txid))
            {
                family.insert(entry.txid);
            }
        }
        family.len()
    }
}

/// What nobody else may claim while a payload waits.
#[derive(Default)]
struct Claims {
    service: Option<Service>,
    owner: Option<KeyId>,
    /// As bytes: another writing of the same key goes unnoticed.
    operator: Option<[u8; 48]>,
    collateral: Option<OutPoint>,
}

impl Claims {
    fn of(payload: &Payload) -> Self {
        match payload {
            Payload::ProReg(payload) => Self::of_registration(payload),
            Payload::ProUpServ(payload) => Self {
                service: Some(payload.service),
                ..Self::default()
            },
            Payload::ProUpReg(payload) => Self {
                operator: Some(payload.operator),
                ..Self::default()
            },
            Payload::ProUpRev(_) | Payload::None | Payload::Unknown { .. } => Self::default(),
        }
    }

    fn of_registration(payload: &ProRegTx) -> Self {
        Self {
            service: Some(payload.service).filter(|service| !service.is_none()),
            owner: Some(payload.owner),
            operator: Some(payload.operator),
            collateral: Some(payload.collateral).filter(|_| !payload.is_internal()),
        }
    }
}

fn both<T: PartialEq>(mine: Option<T>, theirs: Option<T>) -> bool {
    mine.is_some() && mine == theirs
}
