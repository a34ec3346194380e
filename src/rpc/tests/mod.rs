//! The client against a server on loopback: recorded replies of real nodes, and everything that can go wrong on the way.

#![allow(clippy::unwrap_used)]

mod coins;
mod failures;
mod fleet;
mod hostile;
mod kept;
mod lists;
mod live;
mod mock;
mod replies;
mod server;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Auth, Client, Endpoint, Limits};
use crate::protocol::{Profile, network};
use server::{Outcome, Server, rpc};

const MODERN: &str = include_str!("../../../tests/data/dashd-23.1.2/modern-rpc.json");
const LEGACY: &str = include_str!("../../../tests/data/dashd-23.1.2/legacy-rpc.json");
const WEI: &str = include_str!("../../../tests/data/weid-0.17.0.3/rpc.json");

fn profile(name: &str) -> Arc<Profile> {
    Arc::new(network::builtin(name).unwrap())
}

/// Limits that do not keep a test waiting.
fn impatient() -> Limits {
    Limits {
        connect: Duration::from_millis(500),
        call: Duration::from_millis(500),
        scan: Duration::from_secs(1),
        body: 100_000,
        list: 20_000_000,
    }
}

fn client(server: &Server, network: &str) -> Client {
    client_with(server, network, Limits::default())
}

fn client_with(server: &Server, network: &str, limits: Limits) -> Client {
    let endpoint = Endpoint::new(&server.url, Auth::None).unwrap();
    Client::with_limits(endpoint, profile(network), limits).unwrap()
}

/// A server that knows `getblockhash 0` of a network, and for the rest asks `answer`.
async fn node(network: &str, answer: impl Fn(&str, &Value) -> Option<Outcome> + Send + Sync + 'static) -> Server {
    let genesis = profile(network).genesis.to_string();
    Server::start(move |incoming| {
        rpc(&incoming.body, &|method, params| match method {
            "getblockhash" if params[0] == json!(0) => Some(Ok(json!(genesis))),
            _ => answer(method, params),
        })
    })
    .await
}

/// Recorded replies by call.
struct Recording(Vec<Value>);

impl Recording {
    fn new(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    fn find(&self, method: &str, params: &Value) -> Option<Outcome> {
        let call = self
            .0
            .iter()
            .find(|call| call["method"] == method && call["params"] == *params)?;
        match &call["error"] {
            Value::Null => Some(Ok(call["result"].clone())),
            error if error["code"] == -32601 => None,
            error => Some(Err((
                error["code"].as_i64().unwrap(),
                error["message"].as_str().unwrap().to_owned(),
            ))),
        }
    }

    fn result(&self, method: &str, params: Value) -> Value {
        self.find(method, &params).unwrap().unwrap()
    }
}

/// A server that replays a recording. Calls the recording lacks because it was made with other parameters are derived from it.
async fn replay(text: &str, network: &str) -> Server {
    let recording = Recording::new(text);
    node(network, move |method, params| {
        let recorded = recording.find(method, params);
        recorded.or_else(|| derived(&recording, method, params))
    })
    .await
}

fn derived(recording: &Recording, method: &str, params: &Value) -> Option<Outcome> {
    match method {
        // Recorded without the third parameter, which is true by default; nothing is in the mempool.
        "gettxout" => recording
            .find(method, &json!([params[0], params[1]]))
            .or(Some(Ok(Value::Null))),
        // Of Dash, `getblock` was recorded instead: hash, height and time of the tip are those of that reply.
        "getblockheader" => {
            let chain = recording.result("getblockchaininfo", json!([]));
            (params[0] == chain["bestblockhash"]).then(|| {
                Ok(json!({"hash": params[0], "confirmations": 1, "height": chain["blocks"], "time": chain["time"]}))
            })
        }
        "getaddressmempool" => Some(Ok(json!([]))),
        // No recording names the addresses and transactions a client probes with.
        "getaddressutxos" => Some(Ok(json!([]))),
        "listwallets" => Some(Ok(json!([""]))),
        "getrawtransaction" => {
            let message = "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.";
            Some(Err((-5, message.to_owned())))
        }
        _ => None,
    }
}
