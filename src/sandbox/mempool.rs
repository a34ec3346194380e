//! Unconfirmed transactions, and what two of them must not both claim.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bitcoin::{OutPoint, Txid};

use crate::protocol::special_tx::ProRegTx;
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
    pub pro_reg: Option<Box<ProRegTx>>,
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

    /// `protx-dup`: a waiting registration claims an address, key, Platform id or collateral of this one, or a waiting
    /// transaction spends its collateral.
    pub fn conflicts_with_registration(&self, payload: &ProRegTx) -> bool {
        if !payload.is_internal() && self.spenders.contains_key(&payload.collateral) {
            return true;
        }
        self.entries
            .iter()
            .filter_map(|entry| entry.pro_reg.as_ref())
            .any(|waiting| {
                let same_service = !payload.service.is_none() && waiting.service == payload.service;
                let same_collateral = !payload.is_internal() && waiting.collateral == payload.collateral;
                let node_id = |of: &ProRegTx| of.platform.map(|platform| platform.node_id);
                let same_node = node_id(payload).is_some() && node_id(payload) == node_id(waiting);
                same_service
                    || same_collateral
                    || same_node
                    || waiting.owner == payload.owner
                    || waiting.operator == payload.operator
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
