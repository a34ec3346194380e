//! Unspent outputs: one by its outpoint, many by a scan.

use std::collections::BTreeSet;

use bitcoin::OutPoint;
use serde_json::{Value, json};

use super::call::{ADDRESS, Params, RpcError};
use super::tx_json;
use crate::protocol::address::Address;
use crate::protocol::describe::coins;
use crate::protocol::wire::from_hex;
use crate::protocol::{Profile, ScriptBuf};
use crate::sandbox::handle::Shared;

/// `gettxout`: null for what is spent or unknown.
pub fn tx_out(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let outpoint = OutPoint {
        txid: params.hash(0, "txid")?,
        vout: params.height(1)?,
    };
    let with_mempool = params.opt_flag(2, "include_mempool")?.unwrap_or(true);
    let chain = shared.chain();
    let coin = if !with_mempool {
        chain.coin(&outpoint).cloned()
    } else if chain.mempool().spender(&outpoint).is_some() {
        None
    } else {
        chain.coin_with_mempool(&outpoint)
    };
    Ok(coin.map_or(Value::Null, |coin| {
        json!({
            "bestblock": chain.tip().hash.to_string(),
            "confirmations": chain.confirmations(coin.height),
            "value": coins(coin.value as i64),
            "scriptPubKey": tx_json::script_pub_key(chain.profile(), params.dialect, coin.script.as_bytes()),
            "coinbase": coin.coinbase,
        })
    }))
}

/// `scantxoutset "start" ["addr(..)", "raw(..)"]`; a scan is over before it could be asked about or aborted.
pub fn scan(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    match params.text(0)? {
        "start" => {}
        "status" => return Ok(Value::Null),
        "abort" => return Ok(json!(false)),
        other => return Err(RpcError::parameter(format!("Invalid action '{other}'"))),
    }
    let Some(Value::Array(objects)) = params.value(1) else {
        return Err(RpcError::new(
            super::call::MISC,
            "scanobjects argument is required for the start action",
        ));
    };
    let chain = shared.chain();
    let scripts: BTreeSet<ScriptBuf> = objects
        .iter()
        .map(|object| script_of(object, chain.profile()))
        .collect::<Result<_, _>>()?;
    let mut total = 0;
    let unspents: Vec<Value> = chain
        .coins()
        .filter(|(_, coin)| scripts.contains(&coin.script))
        .map(|(outpoint, coin)| {
            total += coin.value;
            json!({
                "txid": outpoint.txid.to_string(),
                "vout": outpoint.vout,
                "scriptPubKey": crate::protocol::wire::to_hex(coin.script.as_bytes()),
                "desc": tx_json::descriptor(chain.profile(), coin.script.as_bytes()),
                "amount": coins(coin.value as i64),
                "coinbase": coin.coinbase,
                "height": coin.height,
            })
        })
        .collect();
    Ok(json!({
        "success": true,
        "txouts": chain.coins().count(),
        "height": chain.height(),
        "bestblock": chain.tip().hash.to_string(),
        "unspents": unspents,
        "total_amount": coins(total as i64),
    }))
}

fn script_of(object: &Value, profile: &Profile) -> Result<ScriptBuf, RpcError> {
    let text = object
        .as_str()
        .or_else(|| object.get("desc").and_then(Value::as_str))
        .ok_or_else(|| RpcError::parameter("Descriptor needs to be provided in scan object"))?;
    let invalid = |why: &str| RpcError::new(ADDRESS, format!("{why} '{text}'"));
    let body = match text.split_once('#') {
        Some((body, checksum)) if checksum == tx_json::descriptor_checksum(body) => body,
        Some(_) => return Err(invalid("Provided checksum does not match in")),
        None => text,
    };
    let inside = |name: &str| body.strip_prefix(name).and_then(|rest| rest.strip_suffix(')'));
    if let Some(address) = inside("addr(") {
        return Address::parse(address, profile)
            .map(Address::script)
            .map_err(|_| invalid("Address is not valid in"));
    }
    if let Some(hex) = inside("raw(") {
        return from_hex(hex)
            .map(ScriptBuf::from_bytes)
            .map_err(|_| invalid("Raw script is not hex in"));
    }
    Err(invalid("The sandbox scans for addr() and raw() only, not for"))
}
