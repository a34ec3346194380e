//! What addresses hold (the node's address index), and what they sign.

use bitcoin::{OutPoint, ScriptBuf};
use serde_json::{Map, Value, json};

use super::call::{ADDRESS, Params, RpcError, TYPE};
use super::tx_json;
use crate::protocol::address::{Address, AddressError};
use crate::protocol::message::{self, CompactSignature, SignatureError};
use crate::protocol::wire::to_hex;
use crate::sandbox::chain::{Chain, Coin};
use crate::sandbox::dialect::Dialect;
use crate::sandbox::handle::Shared;

/// Scripts of `{"addresses":[..]}` or of a single address.
fn scripts(chain: &Chain, params: &Params<'_>) -> Result<Vec<ScriptBuf>, RpcError> {
    let invalid = || RpcError::new(ADDRESS, "Invalid address");
    let parse = |text: &Value| {
        let text = text.as_str().ok_or_else(invalid)?;
        Address::parse(text, chain.profile())
            .map(Address::script)
            .map_err(|_| invalid())
    };
    match params.value(0) {
        Some(text @ Value::String(_)) => parse(text).map(|script| vec![script]),
        Some(Value::Object(object)) => object
            .get("addresses")
            .and_then(Value::as_array)
            .ok_or_else(|| RpcError::new(ADDRESS, "Addresses is expected to be an array"))?
            .iter()
            .map(parse)
            .collect(),
        _ => Err(invalid()),
    }
}

/// Confirmed coins of scripts, oldest first.
fn coins_of<'a>(chain: &'a Chain, scripts: &[ScriptBuf]) -> Vec<(&'a OutPoint, &'a Coin)> {
    let mut found: Vec<(&OutPoint, &Coin)> = chain
        .coins()
        .filter(|(_, coin)| scripts.contains(&coin.script))
        .collect();
    found.sort_by_key(|(outpoint, coin)| (coin.height, **outpoint));
    found
}

pub fn utxos(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let chain = shared.chain();
    let scripts = scripts(&chain, params)?;
    Ok(coins_of(&chain, &scripts)
        .into_iter()
        .map(|(outpoint, coin)| {
            json!({
                "address": tx_json::address_text(chain.profile(), coin.script.as_bytes()),
                "txid": outpoint.txid.to_string(),
                "outputIndex": outpoint.vout,
                "script": to_hex(coin.script.as_bytes()),
                "satoshis": coin.value,
                "height": coin.height,
            })
        })
        .collect())
}

pub fn balance(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let chain = shared.chain();
    let scripts = scripts(&chain, params)?;
    let next = chain.height() + 1;
    let maturity = chain.profile().coinbase_maturity;
    let (mut balance, mut immature) = (0, 0);
    for (_, coin) in coins_of(&chain, &scripts) {
        balance += coin.value;
        if coin.coinbase && next.saturating_sub(coin.height.unwrap_or(next)) < maturity {
            immature += coin.value;
        }
    }
    let received: u64 = chain
        .mined()
        .flat_map(|(_, tx, _)| &tx.outputs)
        .filter(|output| scripts.contains(&output.script))
        .map(|output| output.value.unsigned_abs())
        .sum();
    Ok(json!({
        "balance": balance,
        "balance_immature": immature,
        "balance_spendable": balance - immature,
        "received": received,
    }))
}

/// What the mempool gives to and takes from addresses.
pub fn mempool(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let chain = shared.chain();
    let scripts = scripts(&chain, params)?;
    let mut out = Vec::new();
    let delta = |script: &ScriptBuf, entry: &crate::sandbox::mempool::Entry, index: usize, satoshis: i64| {
        let mut delta = Map::new();
        let address = tx_json::address_text(chain.profile(), script.as_bytes());
        delta.insert("address".to_owned(), json!(address));
        delta.insert("txid".to_owned(), json!(entry.txid.to_string()));
        delta.insert("index".to_owned(), json!(index));
        delta.insert("satoshis".to_owned(), json!(satoshis));
        delta.insert("timestamp".to_owned(), json!(entry.time));
        delta
    };
    for entry in chain.mempool().iter() {
        for (index, input) in entry.tx.inputs.iter().enumerate() {
            let spent = chain.coin_with_mempool(&input.previous);
            if let Some(coin) = spent.filter(|coin| scripts.contains(&coin.script)) {
                let mut delta = delta(&coin.script, entry, index, -(coin.value as i64));
                delta.insert("prevtxid".to_owned(), json!(input.previous.txid.to_string()));
                delta.insert("prevout".to_owned(), json!(input.previous.vout));
                out.push(Value::Object(delta));
            }
        }
        for (index, output) in entry.tx.outputs.iter().enumerate() {
            if scripts.contains(&output.script) {
                out.push(Value::Object(delta(&output.script, entry, index, output.value)));
            }
        }
    }
    Ok(Value::Array(out))
}

pub fn validate(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let text = params.text(0)?;
    let chain = shared.chain();
    Ok(match Address::parse(text, chain.profile()) {
        Ok(address) => json!({
            "isvalid": true,
            "address": address.to_text(chain.profile()),
            "scriptPubKey": to_hex(address.script().as_bytes()),
            "isscript": matches!(address, Address::ScriptHash(_)),
        }),
        Err(_) if params.dialect.is_core17() => json!({ "isvalid": false }),
        Err(error) => json!({ "isvalid": false, "error": reason(&error) }),
    })
}

fn reason(error: &AddressError) -> &'static str {
    match error {
        AddressError::OtherNetwork { .. } => "Invalid prefix for Base58-encoded address",
        AddressError::Length { .. } => "Invalid length for Base58 address",
        _ => "Invalid checksum or length of Base58 address",
    }
}

pub fn verify_message(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let chain = shared.chain();
    let address = Address::parse(params.text(0)?, chain.profile())
        .map_err(|_| RpcError::new(params.dialect.pick(ADDRESS, TYPE), "Invalid address"))?;
    if matches!(address, Address::ScriptHash(_)) {
        return Err(RpcError::new(TYPE, "Address does not refer to key"));
    }
    let signature = match CompactSignature::from_base64(params.text(1)?) {
        Ok(signature) => signature,
        Err(SignatureError::NotBase64) => {
            let code = match params.dialect {
                Dialect::Core23 => TYPE,
                Dialect::Core17 => ADDRESS,
            };
            return Err(RpcError::new(code, "Malformed base64 encoding"));
        }
        Err(_) => return Ok(json!(false)),
    };
    let verdict = message::verify(chain.profile(), address, params.text(2)?.as_bytes(), &signature);
    Ok(json!(verdict.is_ok()))
}
