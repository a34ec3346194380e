//! Calls no real node has: what scripts and tests do to a sandbox.

use serde_json::{Value, json};

use super::call::{ADDRESS, Params, RpcError, VERIFY};
use crate::protocol::{Address, Amount, ProTxHash, ScriptBuf};
use crate::sandbox::handle::Shared;

/// As many blocks as one call may ask for.
const MOST_BLOCKS: i64 = 10_000;

/// Hashes of the blocks mined.
pub fn mine(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let count = params.opt_integer(0)?.unwrap_or(1);
    if !(0..=MOST_BLOCKS).contains(&count) {
        return Err(RpcError::parameter(format!("at most {MOST_BLOCKS} blocks at once")));
    }
    let hashes = shared.mine(u32::try_from(count).unwrap_or(0));
    Ok(hashes.iter().map(ToString::to_string).collect())
}

/// Takes blocks back and mines others, one more unless told; their hashes.
pub fn reorg(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let count = params.integer(0)?;
    let blocks = params.opt_integer(1)?.unwrap_or(count.saturating_add(1));
    if !(1..=MOST_BLOCKS).contains(&count) || !(0..=MOST_BLOCKS).contains(&blocks) {
        return Err(RpcError::parameter(format!("at most {MOST_BLOCKS} blocks at once")));
    }
    let hashes = shared.reorg(u32::try_from(count).unwrap_or(0), u32::try_from(blocks).unwrap_or(0));
    Ok(hashes.iter().map(ToString::to_string).collect())
}

/// The txid of an unconfirmed payment.
pub fn fund(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let txid = shared
        .fund(&[payment(shared, params)?])
        .map_err(|error| RpcError::new(VERIFY, error.to_string()))?;
    Ok(json!(txid.to_string()))
}

/// The txid of an unconfirmed asset unlock.
pub fn asset_unlock(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let txid = shared
        .unlock_assets(&[payment(shared, params)?])
        .map_err(|error| RpcError::new(VERIFY, error.to_string()))?;
    Ok(json!(txid.to_string()))
}

/// The height of the block whose miner's part the address will get.
pub fn reward(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let address = address(shared, params)?;
    Ok(json!(shared.chain().reward(address.script())))
}

fn address(shared: &Shared, params: &Params<'_>) -> Result<Address, RpcError> {
    Address::parse(params.text(0)?, shared.chain().profile())
        .map_err(|error| RpcError::new(ADDRESS, format!("Invalid address: {error}")))
}

/// Address and amount.
fn payment(shared: &Shared, params: &Params<'_>) -> Result<(ScriptBuf, Amount), RpcError> {
    let amount: Amount = match params.value(1) {
        Some(Value::String(text)) => text.parse(),
        Some(other) => other.to_string().parse(),
        None => "".parse(),
    }
    .map_err(|error| RpcError::parameter(format!("Invalid amount: {error}")))?;
    Ok((address(shared, params)?.script(), amount))
}

/// The height at which the masternode will be banned.
pub fn ban(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let hash: ProTxHash = params.hash(0, "proTxHash")?;
    let mut chain = shared.chain();
    chain
        .ban(hash)
        .map_err(|_| RpcError::parameter(format!("{hash} not found")))?;
    Ok(json!(chain.height() + 1))
}

/// The height at which the DKG will fail.
pub fn fail_dkg(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let hash: ProTxHash = params.hash(0, "proTxHash")?;
    let mut chain = shared.chain();
    chain
        .fail_dkg(hash)
        .map_err(|_| RpcError::parameter(format!("{hash} not found")))?;
    Ok(json!(chain.height() + 1))
}
