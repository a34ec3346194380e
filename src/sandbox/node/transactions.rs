//! Transactions: reading, testing, sending, and the mempool.

use serde_json::{Map, Value, json};

use super::call::{ADDRESS, ALREADY_IN_CHAIN, DESERIALIZATION, Params, RpcError, VERIFY, VERIFY_REJECTED};
use super::tx_json;
use crate::protocol::amount::COIN;
use crate::protocol::describe::coins;
use crate::protocol::tx::Transaction;
use crate::sandbox::chain::Chain;
use crate::sandbox::dialect::Dialect;
use crate::sandbox::handle::Shared;
use crate::sandbox::mempool::Entry;
use crate::sandbox::reject::Reject;
use crate::sandbox::validate::RELAY_RATE;

/// **Duffs** per 1000 bytes above which a fee is taken for a mistake.
const MAX_FEE_RATE: u64 = COIN / 10;
/// Bytes the mempool may take.
const MAX_MEMPOOL: u64 = 300_000_000;

fn decode_failed(dialect: Dialect) -> RpcError {
    let message = dialect.pick(
        "TX decode failed. Make sure the tx has at least one input.",
        "TX decode failed",
    );
    RpcError::new(DESERIALIZATION, message)
}

fn parse(hex: &str, dialect: Dialect) -> Result<Transaction, RpcError> {
    Transaction::from_hex(hex).map_err(|_| decode_failed(dialect))
}

pub fn decode(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let tx = parse(params.text(0)?, params.dialect)?;
    Ok(Value::Object(tx_json::decoded(&shared.chain(), &tx)))
}

pub fn raw(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let txid = params.hash(0, "parameter 1")?;
    let verbose = params.opt_flag(1, "verbose")?.unwrap_or(false);
    let chain = shared.chain();
    let (tx, height) = chain.transaction(txid).ok_or_else(|| {
        RpcError::new(
            ADDRESS,
            "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.",
        )
    })?;
    Ok(if verbose {
        tx_json::verbose(&chain, &tx, height)
    } else {
        json!(tx.to_hex())
    })
}

pub fn send(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let dialect = params.dialect;
    let tx = parse(params.text(0)?, dialect)?;
    let txid = tx.txid();
    // The second parameter is a flag of 0.17 and a rate of later nodes, where 0 means no limit.
    let limited = match params.value(1) {
        Some(Value::Number(rate)) => rate.as_f64() != Some(0.0),
        _ => true,
    };
    {
        let chain = shared.chain();
        if chain.mempool().get(txid).is_some() {
            return Ok(json!(txid.to_string()));
        }
        if chain.has_unspent_output(txid) {
            let message = dialect.pick(
                "Transaction already in block chain",
                "transaction already in block chain",
            );
            return Err(RpcError::new(ALREADY_IN_CHAIN, message));
        }
        if limited && dialect == Dialect::Core23 && fee_is_absurd(&chain, &tx) {
            let message = "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)";
            return Err(RpcError::new(VERIFY, message));
        }
    }
    shared
        .submit(tx)
        .map(|txid| json!(txid.to_string()))
        .map_err(|reject| refused(&reject, dialect))
}

fn fee_is_absurd(chain: &Chain, tx: &Transaction) -> bool {
    chain
        .test(tx)
        .is_ok_and(|accepted| accepted.fee > MAX_FEE_RATE * accepted.size as u64 / 1000)
}

fn refused(reject: &Reject, dialect: Dialect) -> RpcError {
    if reject.is_missing_inputs() {
        return RpcError::new(
            VERIFY,
            dialect.pick(crate::sandbox::reject::MISSING_INPUTS, "Missing inputs"),
        );
    }
    let message = match dialect {
        Dialect::Core23 => reject.to_string(),
        Dialect::Core17 => format!("{reject} (code {})", reject.code),
    };
    RpcError::new(VERIFY_REJECTED, message)
}

/// One transaction at a time, as nodes did until packages came.
pub fn test_accept(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let Some(Value::Array(hexes)) = params.value(0) else {
        return Err(RpcError::new(super::call::TYPE, "Expected type array"));
    };
    let [Value::String(hex)] = hexes.as_slice() else {
        return Err(RpcError::parameter("The sandbox tests one transaction at a time."));
    };
    let tx = parse(hex, params.dialect)?;
    let chain = shared.chain();
    let mut out = Map::new();
    out.insert("txid".to_owned(), json!(tx.txid().to_string()));
    let reason = match chain.test(&tx) {
        Ok(accepted) if accepted.fee > MAX_FEE_RATE * accepted.size as u64 / 1000 => "max-fee-exceeded".to_owned(),
        Ok(accepted) => {
            out.insert("allowed".to_owned(), json!(true));
            out.insert("vsize".to_owned(), json!(accepted.size));
            out.insert("fees".to_owned(), json!({ "base": coins(accepted.fee as i64) }));
            return Ok(json!([out]));
        }
        Err(reject) if reject.is_missing_inputs() => "missing-inputs".to_owned(),
        Err(reject) => reject.reason.into_owned(),
    };
    out.insert("allowed".to_owned(), json!(false));
    out.insert("reject-reason".to_owned(), json!(reason));
    Ok(json!([out]))
}

/// A chain this quiet tells nothing about fees.
pub fn estimate_fee(_: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let blocks = params.integer(0)?;
    Ok(json!({ "errors": ["Insufficient data or no feerate found"], "blocks": blocks }))
}

pub fn mempool_info(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let chain = shared.chain();
    let bytes: usize = chain.mempool().iter().map(|entry| entry.size).sum();
    let fees: u64 = chain.mempool().iter().map(|entry| entry.fee).sum();
    let core23 = params.dialect == Dialect::Core23;
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    if core23 {
        put("loaded", json!(true));
    }
    put("size", json!(chain.mempool().len()));
    put("bytes", json!(bytes));
    put("usage", json!(64 + 2 * bytes));
    if core23 {
        put("total_fee", coins(fees as i64));
    }
    put("maxmempool", json!(MAX_MEMPOOL));
    put("mempoolminfee", coins(RELAY_RATE as i64));
    put("minrelaytxfee", coins(RELAY_RATE as i64));
    put("instantsendlocks", json!(0));
    if core23 {
        put("unbroadcastcount", json!(0));
    }
    Ok(Value::Object(out))
}

pub fn raw_mempool(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let chain = shared.chain();
    if params.opt_flag(0, "verbose")?.unwrap_or(false) {
        let entries = chain
            .mempool()
            .iter()
            .map(|entry| (entry.txid.to_string(), details(&chain, entry)));
        return Ok(Value::Object(entries.collect()));
    }
    Ok(chain.mempool().iter().map(|entry| entry.txid.to_string()).collect())
}

fn details(chain: &Chain, entry: &Entry) -> Value {
    let parents = entry.tx.inputs.iter().map(|input| input.previous.txid);
    let depends: std::collections::BTreeSet<String> = parents
        .filter(|txid| chain.mempool().get(*txid).is_some())
        .map(|txid| txid.to_string())
        .collect();
    json!({
        "size": entry.size,
        "fee": coins(entry.fee as i64),
        "time": entry.time,
        "height": entry.height,
        "depends": depends,
        "instantlock": false,
    })
}
