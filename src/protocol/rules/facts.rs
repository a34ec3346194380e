//! What the rules need to know of a node's state, and how its generation words a refusal.

use std::collections::HashMap;

use bitcoin::{OutPoint, ScriptBuf, Txid};

use crate::protocol::amount::Amount;
use crate::protocol::masternode::Entry;

/// Generations of nodes by their reject strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// 0.17 and 18: no evonodes, one payload version.
    V17,
    /// 19 to 22: evonodes, but address rules worded as before.
    V19,
    V23,
}

impl Dialect {
    /// From `getnetworkinfo.version`.
    pub fn of_version(version: u64) -> Self {
        match version {
            0..190_000 => Self::V17,
            190_000..230_000 => Self::V19,
            _ => Self::V23,
        }
    }

    /// The older or the newer wording.
    pub(crate) fn word(self, until_22: &'static str, from_23: &'static str) -> &'static str {
        if self == Self::V23 { from_23 } else { until_22 }
    }
}

/// A node's state around one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Of the tip.
    pub height: u32,
    /// The masternode list of the tip.
    pub masternodes: Vec<Entry>,
    /// Outputs the transaction names: its inputs and its collateral. None: unknown or spent in the chain.
    pub coins: HashMap<OutPoint, Option<Coin>>,
    /// **Duffs** per 1000 bytes a transaction must pay to be relayed.
    pub relay_fee: Amount,
    pub coinbase_maturity: u32,
    /// The transaction itself, if the node has it already.
    pub known: bool,
    /// Unconfirmed provider transactions; none where the node does not tell.
    pub pending: Option<Vec<Pending>>,
}

/// An output that is not spent in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    pub value: Amount,
    pub script: ScriptBuf,
    /// 0: unconfirmed.
    pub confirmations: u32,
    pub coinbase: bool,
    /// Spent by an unconfirmed transaction.
    pub spent_in_mempool: bool,
}

/// An unconfirmed transaction of other people that may stand in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub txid: Txid,
    pub tx: crate::protocol::Transaction,
}

impl Facts {
    /// An output as the chain has it; the outer none means it was not asked for.
    pub fn coin(&self, outpoint: &OutPoint) -> Option<Option<&Coin>> {
        self.coins.get(outpoint).map(Option::as_ref)
    }
}
