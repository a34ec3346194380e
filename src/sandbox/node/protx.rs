//! `protx list`, `info` and `listdiff`.

use serde_json::{Map, Value, json};

use super::blockchain::{find_block, out_of_range};
use super::call::{MISC, PARAMETER, Params, RpcError};
use super::control::unknown_command;
use super::{methods, tx_json};
use crate::protocol::ProTxHash;
use crate::protocol::network::{MnType, Profile};
use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::wire::to_hex;
use crate::sandbox::chain::Chain;
use crate::sandbox::dialect::Dialect;
use crate::sandbox::handle::{Shared, now};
use crate::sandbox::masternodes::{List, Masternode, State};

/// Sub-commands that need a wallet.
const WALLET: [&str; 9] = [
    "register",
    "register_evo",
    "register_fund",
    "register_prepare",
    "register_submit",
    "revoke",
    "update_registrar",
    "update_service",
    "update_service_evo",
];

pub fn protx(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let rest = params.rest();
    let chain = shared.chain();
    match params.opt_text(0)? {
        Some("list") => list(&chain, &rest),
        Some("info") => info(&chain, &rest),
        Some("listdiff") if params.dialect == Dialect::Core23 => list_diff(&chain, &rest),
        Some(name) if WALLET.contains(&name) => Err(methods::no_wallet(params.dialect)),
        _ => Err(unknown_command("protx \"command\" ...", params.dialect)),
    }
}

fn list(chain: &Chain, rest: &Params<'_>) -> Result<Value, RpcError> {
    let kind = rest.opt_text(0)?.unwrap_or("registered");
    let core23 = rest.dialect == Dialect::Core23;
    let picks: fn(&Masternode) -> bool = match kind {
        "registered" => |_| true,
        "valid" => |mn| !mn.is_banned(),
        "evo" if core23 => |mn| mn.kind == MnType::Evo,
        "wallet" if core23 => return Err(methods::no_wallet(rest.dialect)),
        "wallet" => {
            let text = "\"protx list wallet\" not supported when wallet is disabled";
            return Err(RpcError::new(MISC, text));
        }
        _ => return Err(RpcError::parameter("invalid type specified")),
    };
    let detailed = rest.opt_flag(1, "detailed")?.unwrap_or(false);
    let height = rest
        .opt_integer(2)?
        .map_or(Some(chain.height()), |height| u32::try_from(height).ok());
    let masternodes = height
        .and_then(|height| chain.list_at(height))
        .ok_or_else(|| RpcError::parameter("invalid height specified"))?;
    Ok(masternodes
        .iter()
        .filter(|mn| picks(mn))
        .map(|mn| match detailed {
            true => full_entry(chain, mn, chain.height()),
            false => json!(mn.pro_tx_hash.to_string()),
        })
        .collect())
}

fn info(chain: &Chain, rest: &Params<'_>) -> Result<Value, RpcError> {
    let hash: ProTxHash = rest.hash(0, "proTxHash")?;
    // Naming a block is newer than 0.17.
    let height = match rest.opt_text(1)? {
        Some(_) if rest.dialect == Dialect::Core23 => find_block(chain, rest, 1, "blockHash")?.height,
        _ => chain.height(),
    };
    let mn = chain.list_at(height).and_then(|list| list.get(hash));
    mn.map(|mn| full_entry(chain, mn, height))
        .ok_or_else(|| RpcError::new(PARAMETER, format!("{hash} not found")))
}

/// What changed between two lists, in either direction; entries that are new in full, the others by their changed fields. As on
/// real nodes, what became empty is left out, and so an update may say nothing at all.
fn list_diff(chain: &Chain, rest: &Params<'_>) -> Result<Value, RpcError> {
    let (base_height, height) = (
        block_index(chain, rest, 0, "baseBlock")?,
        block_index(chain, rest, 1, "block")?,
    );
    let at = |height| chain.list_at(height).ok_or_else(out_of_range);
    let (base, list) = (at(base_height)?, at(height)?);
    let missing_in = |from: &List, other: &List| -> Vec<ProTxHash> {
        let hashes = from.iter().map(|mn| mn.pro_tx_hash);
        hashes.filter(|hash| other.get(*hash).is_none()).collect()
    };
    let added: Vec<Value> = missing_in(list, base)
        .into_iter()
        .filter_map(|hash| list.get(hash))
        .map(|mn| Value::Object(entry(chain, mn)))
        .collect();
    let removed: Vec<String> = missing_in(base, list).iter().map(ToString::to_string).collect();
    let updated: Vec<Value> = list
        .iter()
        .filter_map(|mn| {
            let before = base.get(mn.pro_tx_hash).filter(|before| before.state != mn.state)?;
            Some(json!({ mn.pro_tx_hash.to_string(): state_changes(chain, &before.state, &mn.state) }))
        })
        .collect();
    Ok(json!({
        "baseHeight": base_height,
        "blockHeight": height,
        "addedMNs": added,
        "removedMNs": removed,
        "updatedMNs": updated,
    }))
}

/// A block by its hash, or by its height from 1 on.
fn block_index(chain: &Chain, rest: &Params<'_>, index: usize, name: &str) -> Result<u32, RpcError> {
    if let Ok(block) = find_block(chain, rest, index, name) {
        return Ok(block.height);
    }
    let height = rest.height(index)?;
    match (1..=chain.height()).contains(&height) {
        true => Ok(height),
        false => Err(RpcError::new(
            MISC,
            format!("{name} must be a chain height and not {height}"),
        )),
    }
}

fn state_changes(chain: &Chain, before: &State, after: &State) -> Map<String, Value> {
    // Keys and addresses are written with the version that tells how to read them.
    let with_version = before.operator != after.operator || before.service != after.service;
    let addresses = changed_addresses(before, after);
    let before = state(before, chain.profile(), chain.dialect());
    let changed = |key: &str, value: &Value| before.get(key) != Some(value) || (with_version && key == "version");
    let mut out: Map<String, Value> = state(after, chain.profile(), chain.dialect())
        .into_iter()
        .filter(|(key, value)| key != "addresses" && changed(key, value))
        .collect();
    if !addresses.is_empty() {
        out.insert("addresses".to_owned(), Value::Object(addresses));
    }
    out
}

/// The `addresses` of a diff: a port of Platform's that changed without the address stands behind one that means nothing.
fn changed_addresses(before: &State, after: &State) -> Map<String, Value> {
    let mut out = Map::new();
    let moved = before.service != after.service;
    if moved && !after.service.is_none() {
        out.insert("core_p2p".to_owned(), json!([after.service.to_string()]));
    }
    let mut port = |name: &str, port: fn(&Platform) -> u16| {
        let (was, is) = (before.platform.as_ref().map(port), after.platform.as_ref().map(port));
        if let Some(port) = is.filter(|_| is != was) {
            let text = match moved {
                true => Service { port, ..after.service }.to_string(),
                false => format!("255.255.255.255:{port}"),
            };
            out.insert(name.to_owned(), json!([text]));
        }
    };
    port("platform_p2p", |platform| platform.p2p_port);
    port("platform_https", |platform| platform.http_port);
    out
}

/// An entry with what the node adds of its own knowledge. The confirmations are those at a height.
fn full_entry(chain: &Chain, mn: &Masternode, height: u32) -> Value {
    let mut out = entry(chain, mn);
    let confirmations = chain.coin(&mn.collateral).map_or(-1, |coin| {
        i64::from(chain.confirmations(coin.height)) - i64::from(chain.height() - height)
    });
    out.insert("confirmations".to_owned(), json!(confirmations));
    out.insert("metaInfo".to_owned(), meta_info(chain.dialect()));
    Value::Object(out)
}

/// Nobody was ever connected to, and so the last time is as long ago as time is old.
fn meta_info(dialect: Dialect) -> Value {
    let elapsed = now();
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("lastDSQ", json!(0));
    put("mixingTxCount", json!(0));
    if dialect == Dialect::Core23 {
        put("outboundAttemptCount", json!(0));
    }
    put("lastOutboundAttempt", json!(0));
    put("lastOutboundAttemptElapsed", json!(elapsed));
    put("lastOutboundSuccess", json!(0));
    put("lastOutboundSuccessElapsed", json!(elapsed));
    if dialect == Dialect::Core23 {
        put("is_platform_banned", json!(false));
        put("platform_ban_height_updated", json!(0));
    }
    Value::Object(out)
}

fn entry(chain: &Chain, mn: &Masternode) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    if chain.dialect() == Dialect::Core23 {
        put("type", json!(mn.kind.to_string()));
    }
    put("proTxHash", json!(mn.pro_tx_hash.to_string()));
    put("collateralHash", json!(mn.collateral.txid.to_string()));
    put("collateralIndex", json!(mn.collateral.vout));
    if let Some(address) = tx_json::address_text(chain.profile(), mn.collateral_script.as_bytes()) {
        put("collateralAddress", json!(address));
    }
    put("operatorReward", tx_json::percent(mn.operator_reward));
    put(
        "state",
        Value::Object(state(&mn.state, chain.profile(), chain.dialect())),
    );
    out
}

fn state(state: &State, profile: &Profile, dialect: Dialect) -> Map<String, Value> {
    let core23 = dialect == Dialect::Core23;
    let height = |height: Option<u32>| height.map_or(json!(-1), |height| json!(height));
    let address = |script: &bitcoin::ScriptBuf| tx_json::address_text(profile, script.as_bytes());
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    if core23 {
        put("version", json!(state.version));
    }
    put("service", json!(tx_json::service(&state.service, dialect)));
    if core23 {
        put("addresses", tx_json::addresses(&state.service, state.platform.as_ref()));
    }
    put("registeredHeight", json!(state.registered_height));
    put("lastPaidHeight", json!(state.last_paid_height));
    if core23 {
        put("consecutivePayments", json!(state.consecutive_payments));
    }
    put("PoSePenalty", json!(state.penalty));
    put("PoSeRevivedHeight", height(state.revived_height));
    put("PoSeBanHeight", height(state.ban_height));
    put("revocationReason", json!(state.revocation_reason));
    put("ownerAddress", json!(state.owner.address().to_text(profile)));
    put("votingAddress", json!(state.voting.address().to_text(profile)));
    if let Some(platform) = state.platform {
        put("platformNodeID", json!(platform.node_id_hex()));
        put("platformP2PPort", json!(platform.p2p_port));
        put("platformHTTPPort", json!(platform.http_port));
    }
    if let Some(payout) = address(&state.payout) {
        put("payoutAddress", json!(payout));
    }
    put("pubKeyOperator", json!(to_hex(&state.operator)));
    if let Some(operator) = address(&state.operator_payout) {
        put("operatorPayoutAddress", json!(operator));
    }
    out
}
