//! The node somebody else may run: read the chain, send finished transactions. No secret ever goes there.
//!
//! The port ([`Node`]) has only what the flows need; [`client`] speaks JSON-RPC, [`fake`] answers from a script in tests.
//! Everything a node says is checked as far as it can be: its chain by the genesis block, transactions by their hash.

mod broadcast;
mod capabilities;
pub mod client;
mod coins;
pub mod endpoint;
pub mod fake;
mod heartbeat;
mod http;
mod json;
mod list;
mod past;
mod pending;
pub mod types;
mod wallet;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bitcoin::{BlockHash, OutPoint, ScriptBuf, Txid};
use futures::future::BoxFuture;
use thiserror::Error;

use crate::protocol::bls::Scheme;
use crate::protocol::funding;
use crate::protocol::masternode::Entry;
use crate::protocol::masternode::queue::{EvoPayments, Spacing};
use crate::protocol::rules::{Dialect, Pending};
use crate::protocol::{Address, Amount, ProTxHash, Profile, Transaction};

pub use broadcast::reject_token;
pub use client::Client;
pub use endpoint::{Auth, Endpoint};
pub use heartbeat::Heartbeat;
pub use http::Limits;
pub use types::{Changes, ListDiff, Membership, Payment};

/// An answer to come.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, RpcError>>;

/// A full node reached from here.
pub trait Node: Send + Sync {
    /// Who it is and where it stands. Refuses a node of another chain.
    fn status(&self) -> Reply<'_, NodeStatus>;
    /// Height and hash of the tip.
    fn tip(&self) -> Reply<'_, Tip>;
    /// The whole masternode list of the tip, kept and brought up to date by what each block changed.
    fn masternodes(&self) -> Reply<'_, MasternodeList>;
    /// The whole masternode list of a height, asked anew.
    fn masternodes_at(&self, height: u32) -> Reply<'_, Vec<Entry>>;
    /// What turns the list of `base` into that of `height`, which may be the lower one. None: the node has no such call.
    fn list_diff(&self, base: u32, height: u32) -> Reply<'_, Option<ListDiff>>;
    /// The block of a height; none above the tip.
    fn block_at(&self, height: u32) -> Reply<'_, Option<Tip>>;
    /// What the last `count` blocks up to height `last` paid, oldest first. The node reads every one of these blocks.
    fn payments(&self, last: u32, count: u32) -> Reply<'_, Vec<Payment>>;
    /// The quorums a listed masternode is in, of the last `count` of each type. None: the node has no such call.
    fn memberships(&self, pro_tx_hash: ProTxHash, count: u32) -> Reply<'_, Option<Vec<Membership>>>;
    /// One masternode; none if the node does not know it.
    fn masternode(&self, pro_tx_hash: ProTxHash) -> Reply<'_, Option<Entry>>;
    /// An unspent output, as the chain alone has it, and whether the mempool spends it. None: spent in the chain or unknown;
    /// an unconfirmed output has 0 confirmations.
    fn coin(&self, outpoint: OutPoint) -> Reply<'_, Option<FoundCoin>>;
    /// A transaction, re-hashed and compared with the txid asked for. None if the node does not know it.
    fn transaction(&self, txid: Txid) -> Reply<'_, Option<FoundTx>>;
    /// Unspent outputs of addresses, confirmed and not spent in the mempool as far as the node tells.
    /// `hints` are outpoints the user named, for nodes that can search nothing.
    fn coins_of(&self, addresses: Vec<Address>, hints: Vec<OutPoint>) -> Reply<'_, CoinSearch>;
    /// What a transaction should pay and must pay at least, in **duffs** per 1000 bytes.
    fn fee_rate(&self) -> Reply<'_, FeeRate>;
    /// Unconfirmed provider transactions; none where the node cannot list its mempool.
    fn pending(&self) -> Reply<'_, Option<Vec<Pending>>>;
    /// Coins of the node's own wallet, for fees, and an address of it for the change.
    fn wallet_coins(&self) -> Reply<'_, WalletCoins>;
    /// Lets the node's wallet sign the inputs it owns. The caller compares the rest byte by byte.
    fn wallet_sign(&self, tx: Transaction) -> Reply<'_, Transaction>;
    /// Sends a finished transaction. "Already known" and "already in the chain" are success.
    fn broadcast(&self, tx: Transaction) -> Reply<'_, Txid>;
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// `/Dash Core:23.1.2/`
    pub subversion: String,
    /// `getnetworkinfo.version`: 230102.
    pub version: u64,
    pub protocol_version: u64,
    pub chain: String,
    pub genesis: BlockHash,
    pub tip: Tip,
    pub headers: u32,
    /// The node has all blocks, as far as it can know.
    pub synced: bool,
    pub connections: u32,
    pub capabilities: Capabilities,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    pub height: u32,
    pub hash: BlockHash,
    /// **Unix seconds** of the block.
    pub time: u64,
}

/// What this node can do and which rules its next block follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Basic BLS and payload version 2 hold for the next block.
    pub v19_active: bool,
    pub mn_rr_active: bool,
    pub dialect: Dialect,
    /// None: not known (no answer told).
    pub address_index: Option<bool>,
    pub scan_tx_out_set: bool,
    pub test_mempool_accept: bool,
    pub list_diff: bool,
    pub tx_index: Option<bool>,
    pub wallet: Option<bool>,
}

impl Capabilities {
    /// Scheme of operator signatures in the next block.
    pub fn scheme(&self) -> Scheme {
        if self.v19_active { Scheme::Basic } else { Scheme::Legacy }
    }

    /// Payload version to emit.
    pub fn payload_version(&self) -> u16 {
        if self.v19_active { 2 } else { 1 }
    }

    pub fn evo_payments(&self) -> EvoPayments {
        if self.v19_active && !self.mn_rr_active {
            EvoPayments::FourInARow
        } else {
            EvoPayments::Single
        }
    }
}

/// The list and the tip it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct MasternodeList {
    pub tip: Tip,
    /// Shared with everyone who asked at this tip.
    pub entries: Arc<Vec<Entry>>,
    /// How the next block pays evonodes.
    pub evo: EvoPayments,
    /// Of the last thousand blocks or so.
    pub spacing: Spacing,
}

impl MasternodeList {
    /// A list read elsewhere (a saved one), with nothing to ask: the rest is as the profile has it.
    pub fn saved(tip: Tip, entries: Vec<Entry>, profile: &Profile) -> Self {
        Self {
            tip,
            entries: Arc::new(entries),
            evo: capabilities::evo_payments_by_height(tip.height, &profile.activation),
            spacing: Spacing::target(profile),
        }
    }

    pub fn find(&self, pro_tx_hash: ProTxHash) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.pro_tx_hash == pro_tx_hash)
    }
}

/// An output that is not spent in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCoin {
    pub outpoint: OutPoint,
    pub value: Amount,
    pub script: ScriptBuf,
    pub confirmations: u32,
    pub coinbase: bool,
    pub spent_in_mempool: bool,
}

/// How coins were found, for the user to judge how complete the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CoinSource {
    AddressIndex,
    UtxoScan,
    WatchOnlyWallet,
    NamedOutpoints,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoinSearch {
    pub coins: Vec<FoundCoin>,
    pub source: CoinSource,
}

/// What the node's wallet can pay with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletCoins {
    pub coins: Vec<FoundCoin>,
    pub change: Address,
}

impl From<&FoundCoin> for funding::Coin {
    fn from(found: &FoundCoin) -> Self {
        Self {
            outpoint: found.outpoint,
            value: found.value,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTx {
    pub tx: Transaction,
    /// 0: unconfirmed.
    pub confirmations: u32,
    pub height: Option<u32>,
    pub block: Option<BlockHash>,
}

/// **Duffs** per 1000 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeRate {
    /// Worth paying.
    pub advised: Amount,
    /// Less is not relayed.
    pub relay: Amount,
}

/// What went wrong between here and a node's answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RpcError {
    #[error("no connection to {url}: {kind}")]
    Unreachable { url: String, kind: String },
    #[error("{url} did not answer within {seconds} seconds")]
    Timeout { url: String, seconds: u64 },
    #[error("the certificate of {url} is not trusted: {reason}")]
    Certificate { url: String, reason: String },
    #[error("{url} refused user and password")]
    Unauthorized { url: String },
    #[error("{url} does not allow this computer or the call {method}")]
    Forbidden { url: String, method: String },
    #[error("{url} has too much to do")]
    Busy { url: String },
    #[error("the node is starting: {message}")]
    WarmingUp { message: String },
    #[error("{url} did not answer like a node: {reason}")]
    NotANode { url: String, reason: String },
    #[error("the answer to {method} is larger than {limit} bytes")]
    TooLarge { method: String, limit: usize },
    #[error("the answer to {method} is malformed at {field}")]
    Malformed { method: String, field: String },
    #[error("the node does not know the call {method}")]
    UnknownMethod { method: String },
    #[error("{method} failed: {message} ({code})")]
    Failed { method: String, code: i64, message: String },
    /// The reason is cut to the reject token: `bad-protx-dup-key`.
    #[error("the node rejected the transaction: {reason}")]
    Rejected { reason: String, detail: String },
    #[error("the node is on another chain: its first block is {found}, {network} begins with {expected}")]
    OtherChain {
        found: BlockHash,
        expected: BlockHash,
        network: String,
    },
    #[error("the node answered {method} with data of another transaction")]
    OtherData { method: String },
    #[error("this node cannot search coins: it has no address index, no UTXO scan and no watch-only wallet")]
    NoCoinSearch,
    #[error("the cookie file {path} cannot be read: {kind}")]
    Cookie { path: String, kind: String },
    #[error("'{url}' is not a node's URL like http://host:9998")]
    BadUrl { url: String },
}

impl RpcError {
    /// True where the node could not be reached or is not fit to answer (exit code 3), false where it answered "no".
    pub fn is_connection(&self) -> bool {
        !matches!(self, Self::Rejected { .. } | Self::Failed { .. })
    }
}
