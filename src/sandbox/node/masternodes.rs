//! `masternode` and `masternodelist`.

use serde_json::{Map, Value, json};

use super::blockchain::find_block;
use super::call::{INTERNAL, MISC, Params, RpcError};
use super::control::unknown_command;
use super::tx_json;
use crate::protocol::network::MnType;
use crate::protocol::wire::to_hex;
use crate::sandbox::chain::{Block, Chain};
use crate::sandbox::dialect::Dialect;
use crate::sandbox::handle::Shared;
use crate::sandbox::masternodes::Masternode;

/// Blocks back that `winners` shows unless told, and at most so many ahead.
const WINNERS_BACK: u32 = 10;
const WINNERS_AHEAD: usize = 20;

pub fn masternode(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let rest = params.rest();
    let chain = shared.chain();
    match params.opt_text(0)? {
        Some("count") => count(&chain, &rest),
        Some("list") => list_of(&chain, &rest),
        Some("winners") => winners(&chain, &rest),
        Some("payments") => payments(&chain, &rest),
        Some("status") => {
            let text = params.dialect.pick(
                "This node does not run an active masternode.",
                "This is not a masternode",
            );
            Err(RpcError::new(INTERNAL, text))
        }
        Some("outputs") => Ok(params.dialect.pick(json!([]), json!({}))),
        Some(old @ ("current" | "winner")) if params.dialect.is_core17() => Err(RpcError::new(
            MISC,
            format!("DEPRECATED: set -deprecatedrpc=masternode_{old} to enable it"),
        )),
        _ => Err(unknown_command("masternode \"command\" ...", params.dialect)),
    }
}

fn count(chain: &Chain, rest: &Params<'_>) -> Result<Value, RpcError> {
    if !rest.values.is_empty() {
        return Err(RpcError::new(
            MISC,
            "masternode count\nGet information about number of masternodes.\n",
        ));
    }
    let tally = |picks: &dyn Fn(&Masternode) -> bool| {
        let total = chain.list().iter().filter(|mn| picks(mn)).count();
        let enabled = chain.list().valid().filter(|mn| picks(mn)).count();
        json!({ "total": total, "enabled": enabled })
    };
    let mut out = tally(&|_| true);
    if rest.dialect == Dialect::Core23 {
        out["detailed"] = json!({
            "regular": tally(&|mn| mn.kind == MnType::Regular),
            "evo": tally(&|mn| mn.kind == MnType::Evo),
        });
    }
    Ok(out)
}

fn winners(chain: &Chain, rest: &Params<'_>) -> Result<Value, RpcError> {
    let back = match rest.opt_text(0)? {
        Some(text) => text.trim().parse().unwrap_or(WINNERS_BACK),
        None => WINNERS_BACK,
    };
    let filter = rest.opt_text(1)?.unwrap_or("");
    let tip = chain.height();
    let mut out = Map::new();
    let mut put = |height: u32, payee: String| {
        if payee.contains(filter) {
            out.insert(height.to_string(), json!(payee));
        }
    };
    for height in tip.saturating_sub(back).max(1)..=tip {
        let list = chain.list_at(height - 1);
        let payee = chain.payee_of(height).and_then(|hash| list?.get(hash));
        put(
            height,
            payee.map_or_else(|| "Unknown".to_owned(), |mn| payees(chain, mn)),
        );
    }
    let ahead = chain.list().valid().count().min(WINNERS_AHEAD);
    for (height, hash) in (tip + 1..).zip(chain.projected_payees(ahead)) {
        if let Some(mn) = chain.list().get(hash) {
            put(height, payees(chain, mn));
        }
    }
    Ok(Value::Object(out))
}

/// `payout` or `payout, operatorPayout`.
fn payees(chain: &Chain, mn: &Masternode) -> String {
    let text = |script: &bitcoin::ScriptBuf| tx_json::address_text(chain.profile(), script.as_bytes());
    let payout = text(&mn.state.payout).unwrap_or_default();
    match text(&mn.state.operator_payout) {
        Some(operator) => format!("{payout}, {operator}"),
        None => payout,
    }
}

/// `masternode payments [blockhash] [count]`; a negative count goes back.
fn payments(chain: &Chain, rest: &Params<'_>) -> Result<Value, RpcError> {
    let last = match rest.opt_text(0)? {
        Some(_) => find_block(chain, rest, 0, "blockhash")?.height,
        None => chain.height(),
    };
    let count = rest.opt_integer(1)?.unwrap_or(1);
    let span = u32::try_from(count.unsigned_abs())
        .unwrap_or(u32::MAX)
        .saturating_sub(1);
    let range = match count {
        0 => return Ok(json!([])),
        1.. => last..=last.saturating_add(span).min(chain.height()),
        _ => last.saturating_sub(span)..=last,
    };
    Ok(range
        .filter_map(|height| chain.block(height))
        .filter_map(|block| paid(chain, block))
        .collect())
}

fn paid(chain: &Chain, block: &Block) -> Option<Value> {
    let payment = block.payment.as_ref()?;
    let payees: Vec<Value> = payment
        .outputs
        .iter()
        .map(|(script, amount)| {
            json!({
                "address": tx_json::address_text(chain.profile(), script.as_bytes()).unwrap_or_default(),
                "script": to_hex(script.as_bytes()),
                "amount": amount,
            })
        })
        .collect();
    // 0.17 looks the payee up in the list of the block itself and so names the next block's.
    let named = match chain.dialect() {
        Dialect::Core23 => Some(payment.pro_tx_hash),
        Dialect::Core17 => chain.payee_of(block.height + 1),
    };
    let entry = json!({
        "proTxHash": named.map(|hash| hash.to_string()),
        "amount": payment.total(),
        "payees": payees,
    });
    Some(json!({
        "height": block.height,
        "blockhash": block.hash.to_string(),
        "amount": payment.total(),
        "masternodes": [entry],
    }))
}

pub fn list(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    list_of(&shared.chain(), params)
}

fn list_of(chain: &Chain, params: &Params<'_>) -> Result<Value, RpcError> {
    let mode = params.opt_text(0)?.unwrap_or("json").to_lowercase();
    let filter = params.opt_text(1)?.unwrap_or("");
    let mut out = Map::new();
    for mn in chain.list().iter() {
        if mode == "evo" && mn.kind != MnType::Evo {
            continue;
        }
        let key = format!("{}-{}", mn.collateral.txid, mn.collateral.vout);
        let value = entry(chain, mn, &mode, params.dialect)
            .ok_or_else(|| unknown_command("masternodelist ( \"mode\" \"filter\" )", params.dialect))?;
        // In the modes that print all of an entry any of it may match, else the outpoint or the one value.
        if filter.is_empty() || key.contains(filter) || value.to_string().contains(filter) {
            out.insert(key, value);
        }
    }
    Ok(Value::Object(out))
}

fn entry(chain: &Chain, mn: &Masternode, mode: &str, dialect: Dialect) -> Option<Value> {
    let state = &mn.state;
    let core23 = dialect == Dialect::Core23;
    let shown = Shown::of(chain, mn);
    let penalty = if core23 {
        format!(" {}", state.penalty)
    } else {
        String::new()
    };
    let short_address = if core23 && state.service.is_none() {
        ""
    } else {
        &shown.service
    };
    Some(match mode {
        "addr" => json!(short_address),
        "full" => json!(format!(
            "{:>18}{penalty} {} {:>10} {:>6} {short_address}",
            shown.status, shown.payee, shown.last_paid_time, state.last_paid_height
        )),
        "info" => json!(format!("{:>18}{penalty} {} {short_address}", shown.status, shown.payee)),
        "json" => shown.json(mn, dialect),
        "recent" | "evo" if core23 => shown.json(mn, dialect),
        "lastpaidblock" => json!(state.last_paid_height),
        "lastpaidtime" => json!(shown.last_paid_time),
        "owneraddress" => json!(shown.owner),
        "payee" => json!(shown.payee),
        "pubkeyoperator" => json!(to_hex(&state.operator)),
        "status" => json!(shown.status),
        "votingaddress" => json!(shown.voting),
        _ => return None,
    })
}

/// An entry's values as text.
struct Shown {
    service: String,
    payee: String,
    status: &'static str,
    last_paid_time: u64,
    owner: String,
    voting: String,
    collateral: String,
}

impl Shown {
    fn of(chain: &Chain, mn: &Masternode) -> Self {
        let profile = chain.profile();
        let state = &mn.state;
        let text = |script: &bitcoin::ScriptBuf| {
            tx_json::address_text(profile, script.as_bytes()).unwrap_or_else(|| "UNKNOWN".to_owned())
        };
        let last_paid = chain.block(state.last_paid_height);
        Self {
            service: state.service.to_string(),
            payee: text(&state.payout),
            status: if mn.is_banned() { "POSE_BANNED" } else { "ENABLED" },
            last_paid_time: last_paid.filter(|block| block.height > 0).map_or(0, |block| block.time),
            owner: state.owner.address().to_text(profile),
            voting: state.voting.address().to_text(profile),
            collateral: text(&mn.collateral_script),
        }
    }

    fn json(&self, mn: &Masternode, dialect: Dialect) -> Value {
        let state = &mn.state;
        let core23 = dialect == Dialect::Core23;
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
        put("proTxHash", json!(mn.pro_tx_hash.to_string()));
        put("address", json!(self.service));
        if core23 {
            put("addresses", tx_json::addresses(&state.service, state.platform.as_ref()));
        }
        put("payee", json!(self.payee));
        put("status", json!(self.status));
        if core23 {
            put("type", json!(mn.kind.to_string()));
            if let Some(platform) = state.platform {
                put("platformNodeID", json!(platform.node_id_hex()));
                put("platformP2PPort", json!(platform.p2p_port));
                put("platformHTTPPort", json!(platform.http_port));
            }
            put("pospenaltyscore", json!(state.penalty));
            put("consecutivePayments", json!(state.consecutive_payments));
        }
        put("lastpaidtime", json!(self.last_paid_time));
        put("lastpaidblock", json!(state.last_paid_height));
        put("owneraddress", json!(self.owner));
        put("votingaddress", json!(self.voting));
        put("collateraladdress", json!(self.collateral));
        put("pubkeyoperator", json!(to_hex(&state.operator)));
        Value::Object(out)
    }
}
