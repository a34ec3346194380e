//! The node itself: what it is, what it knows, and helpers that need no chain.

use serde_json::{Map, Value, json};

use super::call::{MISC, PARAMETER, Params, RpcError};
use super::methods;
use crate::protocol::bls;
use crate::protocol::describe::coins;
use crate::sandbox::dialect::Dialect;
use crate::sandbox::handle::Shared;
use crate::sandbox::validate::RELAY_RATE;

/// Networks of `getnetworkinfo`: only 23 knows the last two.
const NETWORKS: [(&str, bool); 5] = [
    ("ipv4", true),
    ("ipv6", true),
    ("onion", false),
    ("i2p", false),
    ("cjdns", false),
];

pub fn network_info(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let coin = shared.chain().profile().coin.clone();
    let core17 = params.dialect.is_core17();
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("version", json!(params.dialect.pick(230_102, 170_003)));
    put("buildversion", json!(params.dialect.pick("v23.1.2", "v0.17.0.3")));
    let subversion = match params.dialect {
        Dialect::Core23 => format!("/{} Core:23.1.2/", capitalised(&coin)),
        Dialect::Core17 => format!("/{} Core:0.17.0.3/", capitalised(&coin)),
    };
    put("subversion", json!(subversion));
    put("protocolversion", json!(params.dialect.pick(70_240, 70_219)));
    put(
        "localservices",
        json!(params.dialect.pick("0000000000001c05", "0000000000000405")),
    );
    if !core17 {
        let names = ["NETWORK", "BLOOM", "NETWORK_LIMITED", "HEADERS_COMPRESSED", "P2P_V2"];
        put("localservicesnames", json!(names));
    }
    put("localrelay", json!(true));
    put("timeoffset", json!(0));
    put("networkactive", json!(true));
    put("connections", json!(0));
    if !core17 {
        for key in [
            "connections_in",
            "connections_out",
            "connections_mn",
            "connections_mn_in",
            "connections_mn_out",
        ] {
            put(key, json!(0));
        }
    }
    put("socketevents", json!("epoll"));
    let known = if core17 { &NETWORKS[..3] } else { &NETWORKS[..] };
    put("networks", known.iter().map(network).collect());
    put("relayfee", coins(RELAY_RATE as i64));
    put("incrementalfee", coins(RELAY_RATE as i64));
    put("localaddresses", json!([]));
    put("warnings", json!(""));
    Ok(Value::Object(out))
}

fn network((name, reachable): &(&str, bool)) -> Value {
    json!({
        "name": name,
        "limited": !reachable,
        "reachable": reachable,
        "proxy": "",
        "proxy_randomize_credentials": false,
    })
}

/// `WEI` calls its client `Wei Core`.
fn capitalised(coin: &str) -> String {
    let mut letters = coin.chars();
    letters.next().map_or_else(String::new, |first| {
        first
            .to_uppercase()
            .chain(letters.flat_map(char::to_lowercase))
            .collect()
    })
}

pub fn connection_count(_: &Shared, _: &Params<'_>) -> Result<Value, RpcError> {
    Ok(json!(0))
}

/// The transaction index; the address indexes are no part of this reply.
pub fn index_info(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let index = json!({ "txindex": { "synced": true, "best_block_height": shared.chain().height() } });
    Ok(match params.opt_text(0)? {
        None | Some("txindex") => index,
        Some(_) => json!({}),
    })
}

pub fn list_wallets(_: &Shared, _: &Params<'_>) -> Result<Value, RpcError> {
    Ok(json!([]))
}

pub fn mn_sync(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    match params.text(0)? {
        "status" => Ok(json!({
            "AssetID": 999,
            "AssetName": "MASTERNODE_SYNC_FINISHED",
            "AssetStartTime": shared.started_at,
            "Attempt": 0,
            "IsBlockchainSynced": true,
            "IsSynced": true,
        })),
        "next" => Ok(json!("sync updated to MASTERNODE_SYNC_FINISHED")),
        "reset" => Ok(json!("success")),
        _ => Err(RpcError::new(MISC, "mnsync [status|next|reset]")),
    }
}

pub fn uptime(shared: &Shared, _: &Params<'_>) -> Result<Value, RpcError> {
    Ok(json!(shared.started.elapsed().as_secs()))
}

/// Usage lines; a real node tells more.
pub fn help(_: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let text = match params.opt_text(0)? {
        Some(name) => methods::find(name, params.dialect).map_or_else(
            || format!("help: unknown command: {name}"),
            |method| method.usage.to_owned(),
        ),
        None => methods::METHODS
            .iter()
            .filter(|method| methods::find(method.name, params.dialect).is_some())
            .map(|method| method.usage)
            .collect::<Vec<_>>()
            .join("\n"),
    };
    Ok(json!(text))
}

/// `bls generate` and `bls fromsecret`: helpers that need no chain but its scheme.
pub fn bls(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let key = match params.opt_text(0)? {
        Some("generate") => bls::SecretKey::generate(|bytes| getrandom::fill(bytes))
            .map_err(|error| RpcError::new(MISC, error.to_string()))?,
        Some("fromsecret") => bls::SecretKey::from_hex(params.text(1)?).map_err(|_| bad_secret(params.dialect))?,
        _ => return Err(unknown_command("bls \"command\" ...", params.dialect)),
    };
    let scheme = if shared.chain().is_v19_next() {
        bls::Scheme::Basic
    } else {
        bls::Scheme::Legacy
    };
    let scheme = match params.opt_flag(if params.text(0)? == "generate" { 1 } else { 2 }, "legacy")? {
        Some(true) => bls::Scheme::Legacy,
        _ => scheme,
    };
    let mut out = json!({ "secret": *key.to_hex(), "public": key.public_key().to_hex(scheme) });
    if !params.dialect.is_core17() {
        out["scheme"] = json!(scheme.to_string());
    }
    Ok(out)
}

fn bad_secret(dialect: Dialect) -> RpcError {
    RpcError::new(
        PARAMETER,
        dialect.pick(
            "secretKey must be a valid BLS secret key",
            "Secret key must be a valid hex string of length 64",
        ),
    )
}

/// What an unknown sub-command is told: 0.17 shows the whole help instead.
pub fn unknown_command(usage: &str, dialect: Dialect) -> RpcError {
    match dialect {
        Dialect::Core23 => RpcError::new(PARAMETER, "Must be a valid command"),
        Dialect::Core17 => RpcError::new(MISC, usage),
    }
}
