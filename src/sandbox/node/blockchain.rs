//! The chain and its blocks.

use serde_json::{Map, Value, json};

use super::call::{ADDRESS, Params, RpcError};
use super::tx_json;
use crate::protocol::wire::{WriteWire, hash_to_display, to_hex};
use crate::sandbox::chain::{Block, Chain};
use crate::sandbox::dialect::Dialect;
use crate::sandbox::handle::Shared;
use crate::sandbox::mine;

/// Of the easiest target.
const DIFFICULTY: f64 = 4.656_542_373_906_925e-10;

/// Rules the profile does not mention are in force from the first blocks on.
const BURIED: [(&str, u32); 11] = [
    ("bip34", 1),
    ("bip66", 1),
    ("bip65", 1),
    ("bip147", 0),
    ("csv", 1),
    ("dip0001", 1),
    ("dip0003", 2),
    ("dip0008", 1),
    ("dip0020", 1),
    ("dip0024", 1),
    ("realloc", 1),
];

pub fn info(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let chain = shared.chain();
    let tip = chain.tip();
    let size: usize = (0..=tip.height)
        .filter_map(|height| chain.block(height))
        .map(|block| block.size)
        .sum();
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("chain", json!(chain.profile().chain));
    put("blocks", json!(tip.height));
    put("headers", json!(tip.height));
    put("bestblockhash", json!(tip.hash.to_string()));
    put("difficulty", json!(DIFFICULTY));
    if params.dialect == Dialect::Core23 {
        put("time", json!(tip.time));
    }
    put("mediantime", json!(chain.median_time(tip.height)));
    put("verificationprogress", json!(1));
    put("initialblockdownload", json!(false));
    put("chainwork", json!(chain_work(tip.height)));
    put("size_on_disk", json!(size));
    put("pruned", json!(false));
    match params.dialect {
        Dialect::Core23 => {
            put("softforks", soft_forks(&chain));
        }
        Dialect::Core17 => {
            put("softforks", old_soft_forks());
            put("bip9_softforks", bip9_soft_forks(&chain));
        }
    }
    put("warnings", json!(""));
    Ok(Value::Object(out))
}

/// `active` speaks of the next block.
fn soft_forks(chain: &Chain) -> Value {
    let next = chain.height() + 1;
    let activation = &chain.profile().activation;
    let buried = |height: u32| json!({ "type": "buried", "active": next >= height, "height": height });
    let bip9 = |status: &str, ehf: bool, since: u32| json!({ "status": status, "start_time": 0, "timeout": i64::MAX, "min_activation_height": 0, "ehf": ehf, "since": since });
    let mut out = Map::new();
    for (name, height) in BURIED {
        out.insert(name.to_owned(), buried(height));
    }
    let never = u32::MAX;
    out.insert("v19".to_owned(), buried(activation.v19.unwrap_or(never)));
    for name in ["v20", "mn_rr"] {
        out.insert(name.to_owned(), buried(activation.mn_rr.unwrap_or(never)));
    }
    out.insert("withdrawals".to_owned(), buried(never));
    let v24 = json!({ "type": "bip9", "bip9": bip9("defined", true, 0), "active": false });
    out.insert("v24".to_owned(), v24);
    let dummy = json!({ "type": "bip9", "bip9": bip9("active", false, 1), "height": 1, "active": true });
    out.insert("testdummy".to_owned(), dummy);
    Value::Object(out)
}

fn old_soft_forks() -> Value {
    [("bip34", 2), ("bip66", 3), ("bip65", 4)]
        .iter()
        .map(|(id, version)| json!({ "id": id, "version": version, "reject": { "status": true } }))
        .collect()
}

fn bip9_soft_forks(chain: &Chain) -> Value {
    let enforced = chain.profile().activation.dip3_enforcement;
    let mut out = Map::new();
    for name in ["csv", "dip0001", "bip147", "dip0003", "dip0008", "realloc", "dip0020"] {
        let since = if name == "dip0003" { enforced } else { 1 };
        let status = if chain.height() + 1 >= since {
            "active"
        } else {
            "defined"
        };
        let entry = json!({ "status": status, "startTime": 0, "timeout": 999_999_999_999_u64, "since": since });
        out.insert(name.to_owned(), entry);
    }
    Value::Object(out)
}

/// Two hashes of work per block.
fn chain_work(height: u32) -> String {
    format!("{:064x}", (u64::from(height) + 1) * 2)
}

pub fn count(shared: &Shared, _: &Params<'_>) -> Result<Value, RpcError> {
    Ok(json!(shared.chain().height()))
}

pub fn best_block_hash(shared: &Shared, _: &Params<'_>) -> Result<Value, RpcError> {
    Ok(json!(shared.chain().tip().hash.to_string()))
}

pub fn hash(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let height = params.height(0)?;
    let chain = shared.chain();
    let block = chain.block(height).ok_or_else(out_of_range)?;
    Ok(json!(block.hash.to_string()))
}

pub fn out_of_range() -> RpcError {
    RpcError::parameter("Block height out of range")
}

/// The block a parameter names.
pub fn find_block<'a>(chain: &'a Chain, params: &Params<'_>, index: usize, name: &str) -> Result<&'a Block, RpcError> {
    let hash = params.hash(index, name)?;
    chain
        .block_by_hash(&hash)
        .ok_or_else(|| RpcError::new(ADDRESS, "Block not found"))
}

pub fn header(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let chain = shared.chain();
    let block = find_block(&chain, params, 0, "hash")?;
    if params.opt_flag(1, "verbose")? == Some(false) {
        return Ok(json!(to_hex(&raw_header(&chain, block))));
    }
    let mut out = header_start(&chain, block);
    out.extend(header_end(&chain, block));
    Ok(Value::Object(out))
}

fn header_start(chain: &Chain, block: &Block) -> Map<String, Value> {
    object(json!({
        "hash": block.hash.to_string(),
        "confirmations": chain.confirmations(Some(block.height)),
        "height": block.height,
        "version": mine::VERSION,
        "versionHex": format!("{:08x}", mine::VERSION),
        "merkleroot": hash_to_display(&block.merkle_root),
    }))
}

fn header_end(chain: &Chain, block: &Block) -> Map<String, Value> {
    let mut out = object(json!({
        "time": block.time,
        "mediantime": chain.median_time(block.height),
        "nonce": block.nonce,
        "bits": format!("{:08x}", mine::BITS),
        "difficulty": DIFFICULTY,
        "chainwork": chain_work(block.height),
        "nTx": block.txids.len(),
    }));
    let neighbour = |height: Option<u32>| height.and_then(|height| chain.block(height));
    if let Some(previous) = neighbour(block.height.checked_sub(1)) {
        out.insert("previousblockhash".to_owned(), json!(previous.hash.to_string()));
    }
    if let Some(next) = neighbour(Some(block.height + 1)) {
        out.insert("nextblockhash".to_owned(), json!(next.hash.to_string()));
    }
    out.insert("chainlock".to_owned(), json!(false));
    out
}

/// Verbosity 0 the raw block, 1 (or true) with txids, 2 with transactions.
pub fn block(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let verbosity = match params.value(1) {
        Some(Value::Bool(verbose)) => i64::from(*verbose),
        _ => params.opt_integer(1)?.unwrap_or(1),
    };
    let chain = shared.chain();
    let block = find_block(&chain, params, 0, "blockhash")?;
    if verbosity <= 0 {
        return Ok(json!(to_hex(&raw_block(&chain, block))));
    }
    let txs = block.txids.iter().map(|txid| match verbosity {
        1 => json!(txid.to_string()),
        _ => tx_json::in_block(&chain, *txid),
    });
    let mut out = header_start(&chain, block);
    out.extend(header_end(&chain, block));
    out.insert("size".to_owned(), json!(block.size));
    out.insert("tx".to_owned(), txs.collect());
    let coinbase = block.txids.first().and_then(|txid| chain.transaction(*txid));
    if let Some(cb_tx) = coinbase.and_then(|(tx, _)| tx_json::cb_tx(&tx)) {
        out.insert("cbTx".to_owned(), cb_tx);
    }
    Ok(Value::Object(out))
}

fn raw_header(chain: &Chain, block: &Block) -> Vec<u8> {
    use bitcoin::hashes::Hash;
    let previous = block.height.checked_sub(1).and_then(|height| chain.block(height));
    let hash = previous.map_or_else(bitcoin::BlockHash::all_zeros, |block| block.hash);
    mine::header(hash, block.merkle_root, block.time, block.nonce)
}

fn raw_block(chain: &Chain, block: &Block) -> Vec<u8> {
    let mut out = raw_header(chain, block);
    out.put_length(block.txids.len());
    for (tx, _) in block.txids.iter().filter_map(|txid| chain.transaction(*txid)) {
        out.extend(tx.encode());
    }
    out
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
