//! Replies of the sandbox against recorded replies of real nodes: every key a real node has, and nothing it has not, with
//! values of the same kind.

use std::collections::BTreeMap;

use bitcoin::ScriptBuf;
use serde_json::{Map, Value, json};

use super::support::{call, result, sandbox};
use crate::protocol::Amount;
use crate::sandbox::Sandbox;

/// Keys that differ on purpose, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("wallet", "the recorded nodes had a wallet loaded, the sandbox has none"),
    ("qcTx", "the sandbox mines no quorum commitments"),
    ("nextblockhash", "recorded at the tip"),
    ("operatorPayoutAddress", "only after a ProUpServTx set it"),
];

pub fn recorded(file: &str) -> Vec<Value> {
    let path = format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The recorded result of the call with these parameters, else of the first that begins so.
fn reply<'a>(calls: &'a [Value], method: &str, params: &[Value]) -> &'a Value {
    let of_method = |call: &&Value| call["method"] == method && call.get("result").is_some();
    let given = |call: &Value| call["params"].as_array().cloned().unwrap_or_default();
    let exact = calls.iter().filter(of_method).find(|call| given(call) == params);
    let begins = || {
        calls
            .iter()
            .filter(of_method)
            .find(|call| given(call).starts_with(params))
    };
    &exact.or_else(begins).unwrap_or_else(|| panic!("{method} {params:?}"))["result"]
}

/// All paths of a value with the kind found there; list elements are merged, keys made of hashes or heights too.
fn shape(value: &Value, path: &str, out: &mut BTreeMap<String, &'static str>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(all) => {
            all.iter().for_each(|each| shape(each, &format!("{path}[]"), out));
            "list"
        }
        Value::Object(map) => {
            for (key, each) in map.iter().filter(|(key, _)| !is_exception(key)) {
                let data = key.len() >= 64 || key.bytes().all(|byte| byte.is_ascii_digit());
                let key = if data { "*" } else { key };
                shape(each, &format!("{path}.{key}"), out);
            }
            "object"
        }
    };
    out.insert(path.to_owned(), kind);
}

fn is_exception(key: &str) -> bool {
    EXCEPTIONS.iter().any(|(name, _)| *name == key)
}

/// Same keys of the same kinds.
fn assert_same_shape(what: &str, ours: &Value, theirs: &Value) {
    let of = |value| {
        let mut out = BTreeMap::new();
        shape(value, "", &mut out);
        out
    };
    assert_eq!(of(ours), of(theirs), "{what}");
}

async fn evonode(node: &Sandbox) -> Value {
    result(node, "protx", json!(["list", "evo"])).await[0].clone()
}

async fn compare(node: &Sandbox, calls: &[Value], cases: &[(&str, Value)]) {
    for (method, params) in cases {
        let ours = result(node, method, params.clone()).await;
        let begin: &[Value] = params.as_array().unwrap();
        assert_same_shape(&format!("{method} {params}"), &ours, reply(calls, method, begin));
    }
}

#[tokio::test]
async fn replies_have_the_keys_of_dash_core_23() {
    let calls = recorded("dashd-23.1.2/modern-rpc.json");
    let node = sandbox("dash-regtest").await;
    compare(
        &node,
        &calls,
        &[
            ("getblockchaininfo", json!([])),
            ("getnetworkinfo", json!([])),
            ("getmempoolinfo", json!([])),
            ("mnsync", json!(["status"])),
            ("masternode", json!(["count"])),
            ("masternode", json!(["winners"])),
            ("masternodelist", json!(["full"])),
            ("masternodelist", json!(["status"])),
            ("protx", json!(["list", "registered"])),
            ("getblockcount", json!([])),
            ("getbestblockhash", json!([])),
            ("uptime", json!([])),
        ],
    )
    .await;
    compare_entries(&node, &calls).await;
    compare_coins(&node, &calls).await;
    let height = node.height();
    let diff = result(&node, "protx", json!(["listdiff", height - 40, height])).await;
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&diff), keys(reply(&calls, "protx", &[json!("listdiff")])));
    let payments = result(&node, "masternode", json!(["payments"])).await;
    assert_same_shape("payments", &payments, reply(&calls, "masternode", &[json!("payments")]));
}

/// Evonodes and regular masternodes each against their like.
async fn compare_entries(node: &Sandbox, calls: &[Value]) {
    let recorded = reply(calls, "protx", &[json!("list"), json!("valid"), json!(true)]);
    let of_kind = |list: &Value, kind: &str| -> Value {
        let list = list.as_array().unwrap();
        list.iter().find(|entry| entry["type"] == kind).unwrap().clone()
    };
    let ours = result(node, "protx", json!(["list", "valid", true])).await;
    for kind in ["Regular", "Evo"] {
        assert_same_shape(kind, &of_kind(&ours, kind), &of_kind(recorded, kind));
    }
    let info = result(node, "protx", json!(["info", evonode(node).await])).await;
    assert_same_shape("info", &info, &of_kind(recorded, "Evo"));
    let listed = |list: &Value, kind: &str| -> Value {
        let entries = list.as_object().unwrap().values();
        let mut enabled = entries.filter(|entry| entry["type"] == kind && entry["status"] == "ENABLED");
        enabled.next().unwrap().clone()
    };
    let ours = result(node, "masternodelist", json!(["json"])).await;
    let theirs = reply(calls, "masternodelist", &[json!("json")]);
    for kind in ["Regular", "Evo"] {
        assert_same_shape(kind, &listed(&ours, kind), &listed(theirs, kind));
    }
}

/// Coins, blocks and addresses; needs a payment to look at.
async fn compare_coins(node: &Sandbox, calls: &[Value]) {
    let (address, script) = node.with_chain(|chain| {
        let address = super::support::key_id(1).address();
        (address.to_text(chain.profile()), address.script())
    });
    let txid = node.fund(script, Amount::from_coins(1000)).unwrap().to_string();
    node.mine(1);
    let find = |method: &str| reply(calls, method, &[]);
    let same = |method: &str, ours: &Value| assert_same_shape(method, ours, find(method));
    same("gettxout", &result(node, "gettxout", json!([txid, 0])).await);
    let of = json!([{ "addresses": [address] }]);
    same("getaddressutxos", &result(node, "getaddressutxos", of.clone()).await);
    same("getaddressbalance", &result(node, "getaddressbalance", of).await);
    same(
        "validateaddress",
        &result(node, "validateaddress", json!([address])).await,
    );
    if calls
        .iter()
        .any(|call| call["method"] == "scantxoutset" && call.get("result").is_some())
    {
        let descriptor = json!(["start", [format!("addr({address})")]]);
        same("scantxoutset", &result(node, "scantxoutset", descriptor).await);
    }
    compare_blocks(node, calls).await;
}

async fn compare_blocks(node: &Sandbox, calls: &[Value]) {
    let best = result(node, "getbestblockhash", json!([])).await;
    let block = result(node, "getblock", json!([best, 2])).await;
    let recorded = reply(calls, "getblock", &[]);
    // Of the transactions only the coinbase is of the same kind in both.
    let without_txs = |block: &Value| {
        let mut block: Map<String, Value> = block.as_object().unwrap().clone();
        block.remove("tx");
        Value::Object(block)
    };
    assert_same_shape("block", &without_txs(&block), &without_txs(recorded));
    assert_same_shape("coinbase", &block["tx"][0], &recorded["tx"][0]);
    assert!(
        calls.iter().all(|call| call["method"] != "getblockheader") || {
            let ours = result(node, "getblockheader", json!([best])).await;
            assert_same_shape("header", &ours, reply(calls, "getblockheader", &[]));
            true
        }
    );
}

#[tokio::test]
async fn replies_have_the_keys_of_wei_core_0_17() {
    let calls = recorded("weid-0.17.0.3/rpc.json");
    let node = sandbox("wei-regtest").await;
    compare(
        &node,
        &calls,
        &[
            ("getblockchaininfo", json!([])),
            ("getnetworkinfo", json!([])),
            ("getmempoolinfo", json!([])),
            ("mnsync", json!(["status"])),
            ("masternode", json!(["count"])),
            ("masternode", json!(["winners"])),
            ("masternode", json!(["payments"])),
            ("masternode", json!(["outputs"])),
            ("masternodelist", json!(["json"])),
            ("masternodelist", json!(["full"])),
            ("masternodelist", json!(["info"])),
            ("masternodelist", json!(["pubKeyOperator"])),
            ("protx", json!(["list", "registered"])),
            ("protx", json!(["list", "valid", true])),
            ("bls", json!(["generate"])),
            (
                "getaddressmempool",
                json!([{ "addresses": ["ydGbskWEEFo7LX4U2Z4QL1h8fB6CfRurct"] }]),
            ),
            ("uptime", json!([])),
        ],
    )
    .await;
    compare_coins(&node, &calls).await;
}

/// Calls whose answer does not depend on the chain: code, text and HTTP status are the recorded ones.
#[tokio::test]
async fn errors_are_worded_as_the_real_nodes_word_them() {
    for (network, file) in [
        ("dash-regtest", "dashd-23.1.2/modern-rpc.json"),
        ("wei-regtest", "weid-0.17.0.3/rpc.json"),
    ] {
        let node = sandbox(network).await;
        let mut compared = 0;
        for recorded in recorded(file) {
            let method = recorded["method"].as_str().unwrap();
            let theirs = &recorded["error"];
            // Not served here, dependent on that node's chain, or its whole help text.
            let skipped = ["getspentinfo", "getblocktemplate", "getspecialtxes"].contains(&method)
                || theirs["code"] == -27
                || theirs["message"]
                    .as_str()
                    .is_none_or(|text| text.contains("Available commands") || text.contains("\"command\""));
            if skipped {
                continue;
            }
            let (status, reply) = call(&node, method, recorded["params"].clone()).await;
            assert_eq!(&reply["error"], theirs, "{network} {method} {}", recorded["params"]);
            if let Some(recorded_status) = recorded.get("httpStatus") {
                assert_eq!(&json!(status), recorded_status, "{method}");
            }
            compared += 1;
        }
        assert!(compared >= 5, "{network}: {compared}");
    }
}

/// The recorded transactions, decoded again: values and all.
#[tokio::test]
async fn recorded_registrations_decode_to_the_recorded_json() {
    let node = sandbox("wei-regtest").await;
    let mut compared = 0;
    for recorded in recorded("weid-0.17.0.3/transactions.json") {
        if !recorded["what"].as_str().unwrap().starts_with("ProRegTx") {
            continue;
        }
        let ours = result(&node, "decoderawtransaction", json!([recorded["hex"]])).await;
        assert_eq!(
            numbers_as_floats(&ours),
            numbers_as_floats(&recorded["decoderawtransaction"])
        );
        compared += 1;
    }
    assert!(compared >= 5);
}

/// Recordings went through a JSON writer that prints 1000.00000000 as 1000.0.
pub fn numbers_as_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().map(|number| format!("{number:.8}"))),
        Value::Array(all) => all.iter().map(numbers_as_floats).collect(),
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, each)| (key.clone(), numbers_as_floats(each)));
            let mut sorted: Vec<(String, Value)> = pairs.collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(sorted.into_iter().collect())
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn a_mined_registration_reads_as_a_recorded_one() {
    let node = sandbox("dash-regtest").await;
    let recorded = recorded("dashd-23.1.2/modern-transactions.json");
    let of = |what: &str| recorded.iter().find(|tx| tx["what"] == what).unwrap()["decoded"].clone();
    let list = result(&node, "protx", json!(["list", "registered", true])).await;
    for (kind, what) in [("Regular", "ProRegTx external collateral"), ("Evo", "ProRegTx evonode")] {
        let entry = list
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["type"] == kind)
            .unwrap();
        let ours = result(&node, "getrawtransaction", json!([entry["proTxHash"], 1])).await;
        assert_same_shape(what, &ours, &of(what));
    }
    // Coins to nowhere have no address and are nobody's.
    let txid = node
        .fund(ScriptBuf::from_bytes(vec![0x51]), Amount::from_coins(1))
        .unwrap()
        .to_string();
    let odd = result(&node, "getrawtransaction", json!([txid, true])).await;
    assert_eq!(odd["vout"][0]["scriptPubKey"]["type"], json!("nonstandard"));
}
