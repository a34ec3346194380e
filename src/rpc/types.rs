//! Replies of nodes turned into our types. Fields this program does not know are ignored; most may be missing, because ten years
//! of versions disagree about them (Dash Core 0.17 to 23; the source of each shape is a recorded reply in tests/data).

mod diff;
mod entry;
mod list;
mod past;

use std::collections::HashSet;
use std::str::FromStr;

use bitcoin::{BlockHash, OutPoint, ScriptBuf, Txid};

use super::json::{Json, malformed, parse_list};
use super::{FoundCoin, FoundTx, RpcError, Tip};
use crate::protocol::masternode::Entry;
use crate::protocol::wire::from_hex;
use crate::protocol::{Amount, Profile, Transaction};

pub use diff::{Changes, ListDiff};
pub(super) use entry::entry;
pub use past::{Membership, Payment};

/// Reads a saved or received reply of `protx list registered true`: a JSON array of entries.
///
/// # Errors
/// [`RpcError::Malformed`] with the path of the first field that is wrong, or that names a masternode twice.
pub fn masternodes(text: &str, profile: &Profile) -> Result<Vec<Entry>, RpcError> {
    if let Some(entries) = list::masternodes(text, profile) {
        return Ok(entries);
    }
    carefully(text, profile)
}

/// The same field by field, which takes its time and knows what is wrong.
fn carefully(text: &str, profile: &Profile) -> Result<Vec<Entry>, RpcError> {
    let method = "protx list";
    let mut seen = HashSet::new();
    parse_list(method, text, |json| {
        let entry = entry(json, profile)?;
        if seen.insert(entry.pro_tx_hash) {
            Ok(entry)
        } else {
            Err(json.get("proTxHash")?.malformed())
        }
    })
}

/// `getnetworkinfo`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NetworkInfo {
    pub version: u64,
    pub subversion: String,
    pub protocol_version: u64,
    pub connections: u32,
    pub relay_fee: Option<Amount>,
}

impl NetworkInfo {
    pub fn read(json: &Json<'_>) -> Result<Self, RpcError> {
        Ok(Self {
            version: json.get("version")?.u64()?,
            subversion: json
                .optional("subversion", |json| json.text_owned())?
                .unwrap_or_default(),
            protocol_version: json.optional("protocolversion", |json| json.u64())?.unwrap_or(0),
            connections: json.optional("connections", |json| json.u32())?.unwrap_or(0),
            relay_fee: json.optional("relayfee", |json| json.coins())?,
        })
    }
}

/// `getblockchaininfo`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChainInfo {
    pub chain: String,
    pub blocks: u32,
    pub headers: u32,
    pub best: BlockHash,
    pub initial_download: bool,
    /// Of the best block; told from 23 on.
    pub time: Option<u64>,
    pub forks: Forks,
}

/// Whether the deployments we care about hold for the next block; none where the node does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Forks {
    /// The node lists deployments at all.
    pub told: bool,
    pub v19: Option<bool>,
    pub mn_rr: Option<bool>,
}

impl ChainInfo {
    pub fn read(json: &Json<'_>) -> Result<Self, RpcError> {
        let blocks = json.get("blocks")?.u32()?;
        Ok(Self {
            chain: json.optional("chain", |json| json.text_owned())?.unwrap_or_default(),
            blocks,
            headers: json.optional("headers", |json| json.u32())?.unwrap_or(blocks),
            best: json.get("bestblockhash")?.parsed()?,
            initial_download: json
                .optional("initialblockdownload", |json| json.flag())?
                .unwrap_or(false),
            time: json.optional("time", |json| json.u64())?,
            forks: Forks::of_chain_info(json)?,
        })
    }
}

impl Forks {
    fn of_chain_info(json: &Json<'_>) -> Result<Self, RpcError> {
        // From 20 on `softforks` is an object with `active`; before, it is a list of old BIPs, and `bip9_softforks` has a `status`.
        let modern = json.maybe("softforks")?.filter(|forks| forks.is_object());
        let older = json.maybe("bip9_softforks")?;
        Self::of(modern.as_ref(), older.as_ref())
    }

    /// `getdeploymentinfo`, where newer nodes tell instead.
    pub fn of_deployment_info(json: &Json<'_>) -> Result<Self, RpcError> {
        Self::of(Some(&json.get("deployments")?), None)
    }

    fn of(modern: Option<&Json<'_>>, older: Option<&Json<'_>>) -> Result<Self, RpcError> {
        let active = |key: &str| -> Result<Option<bool>, RpcError> {
            let now = modern.map(|forks| forks.optional(key, |fork| fork.get("active")?.flag()));
            let then = older.map(|forks| forks.optional(key, |fork| Ok(fork.get("status")?.text()? == "active")));
            Ok(now.transpose()?.flatten().or(then.transpose()?.flatten()))
        };
        Ok(Self {
            told: modern.is_some() || older.is_some(),
            v19: active("v19")?,
            mn_rr: active("mn_rr")?,
        })
    }
}

/// `getblockheader`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub hash: BlockHash,
    pub height: u32,
    pub time: u64,
}

impl Header {
    pub fn tip(self) -> Tip {
        Tip {
            height: self.height,
            hash: self.hash,
            time: self.time,
        }
    }

    pub fn read(json: &Json<'_>) -> Result<Self, RpcError> {
        Ok(Self {
            hash: json.get("hash")?.parsed()?,
            height: json.get("height")?.u32()?,
            time: json.get("time")?.u64()?,
        })
    }
}

/// `gettxout`: none where the node says null. The block the answer belongs to comes with it.
pub(super) fn unspent(
    json: &Json<'_>,
    outpoint: OutPoint,
    profile: &Profile,
) -> Result<Option<(FoundCoin, BlockHash)>, RpcError> {
    if json.is_null() {
        return Ok(None);
    }
    let coin = FoundCoin {
        outpoint,
        value: money(&json.get("value")?, profile, |json| json.coins())?,
        script: json.get("scriptPubKey")?.get("hex")?.script()?,
        confirmations: json.get("confirmations")?.u32()?,
        // What is not told may be a reward: it is not called mature before it is as old as one has to be.
        coinbase: json.optional("coinbase", |json| json.flag())?.unwrap_or(true),
        spent_in_mempool: false,
    };
    Ok(Some((coin, json.get("bestblock")?.parsed()?)))
}

/// `getrawtransaction` with verbosity: only the bytes are believed, and only if they hash to the txid.
pub(super) fn raw_transaction(json: &Json<'_>, txid: Txid) -> Result<FoundTx, RpcError> {
    let hex = json.get("hex")?;
    let tx = Transaction::from_hex(hex.text()?).map_err(|_| hex.malformed())?;
    same_transaction(json.method(), tx, txid).and_then(|tx| {
        Ok(FoundTx {
            tx,
            confirmations: json.optional("confirmations", |json| json.u32())?.unwrap_or(0),
            // -1: in a block that is not in the chain.
            height: json.optional("height", |json| json.unless_minus_one())?.flatten(),
            block: json.optional("blockhash", |json| json.parsed())?,
        })
    })
}

/// `getrawtransaction` without verbosity: the bytes alone.
pub(super) fn bare_transaction(json: &Json<'_>, txid: Txid) -> Result<Transaction, RpcError> {
    let tx = Transaction::from_hex(json.text()?).map_err(|_| json.malformed())?;
    same_transaction(json.method(), tx, txid)
}

fn same_transaction(method: &str, tx: Transaction, txid: Txid) -> Result<Transaction, RpcError> {
    if tx.txid() == txid {
        Ok(tx)
    } else {
        Err(RpcError::OtherData {
            method: method.to_owned(),
        })
    }
}

/// An output as an index, a scan or a wallet lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub outpoint: OutPoint,
    pub script: ScriptBuf,
    pub value: Amount,
    /// None: not told.
    pub height: Option<u32>,
}

impl Listed {
    /// An element of `getaddressutxos`.
    pub fn indexed(json: &Json<'_>, profile: &Profile) -> Result<Self, RpcError> {
        let duffs = |json: &Json<'_>| json.u64().map(Amount::from_duffs);
        Ok(Self {
            outpoint: outpoint(json, "outputIndex")?,
            script: json.get("script")?.script()?,
            value: money(&json.get("satoshis")?, profile, duffs)?,
            height: Some(json.get("height")?.u32()?),
        })
    }

    /// An element of `scantxoutset.unspents` or of `listunspent`.
    pub fn scanned(json: &Json<'_>, profile: &Profile) -> Result<Self, RpcError> {
        Ok(Self {
            outpoint: outpoint(json, "vout")?,
            script: json.get("scriptPubKey")?.script()?,
            value: money(&json.get("amount")?, profile, |json| json.coins())?,
            height: json.optional("height", |json| json.u32())?,
        })
    }
}

/// `txid` and an index.
pub(super) fn outpoint(json: &Json<'_>, index: &str) -> Result<OutPoint, RpcError> {
    Ok(OutPoint {
        txid: json.get("txid")?.parsed()?,
        vout: json.get(index)?.u32()?,
    })
}

/// An element of `getaddressmempool`: the output it spends, if it is a spend.
pub(super) fn mempool_spend(json: &Json<'_>) -> Result<Option<OutPoint>, RpcError> {
    let Some(txid) = json.optional("prevtxid", |json| json.parsed::<Txid>())? else {
        return Ok(None);
    };
    let vout = json.get("prevout")?.u32()?;
    Ok(Some(OutPoint { txid, vout }))
}

/// An amount not beyond all the coin's money.
fn money(
    json: &Json<'_>,
    profile: &Profile,
    read: impl FnOnce(&Json<'_>) -> Result<Amount, RpcError>,
) -> Result<Amount, RpcError> {
    let amount = read(json)?;
    if amount <= profile.max_money {
        Ok(amount)
    } else {
        Err(json.malformed())
    }
}

/// A list of hashes or other texts.
pub(super) fn texts<T: FromStr<Err: std::fmt::Display>>(json: &Json<'_>) -> Result<Vec<T>, RpcError> {
    json.items()?.map(|item| item.parsed()).collect()
}

/// Bytes of a hexadecimal text of a fixed length.
fn fixed_hex<const N: usize>(json: &Json<'_>) -> Result<[u8; N], RpcError> {
    let bytes = from_hex(json.text()?).map_err(|_| json.malformed())?;
    bytes.try_into().map_err(|_| malformed(json.method(), &json.path()))
}
