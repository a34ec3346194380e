//! Authentication, HTTP statuses, batches, and the sandbox's own calls, over a real connection.

use bitcoin::ScriptBuf;
use serde_json::{Value, json};

use super::support::{AUTHORIZATION, call, key_id, post, raw, result, sandbox};
use crate::protocol::script::pay_to_key;
use crate::protocol::{Amount, network};
use crate::sandbox::{Event, Options, Sandbox};

const COUNT: &str = r#"{"id":1,"method":"getblockcount","params":[]}"#;

#[tokio::test]
async fn without_the_password_nothing_is_answered() {
    let node = sandbox("dash-regtest").await;
    for wrong in [
        None,
        Some("Basic d3Jvbmc6d3Jvbmc="),
        Some("Bearer x"),
        Some("Basic %%%"),
    ] {
        assert_eq!(post(&node, wrong, "/", COUNT).await, (401, String::new()), "{wrong:?}");
    }
    assert_eq!(post(&node, Some(AUTHORIZATION), "/", COUNT).await.0, 200);
    assert_eq!(post(&node, Some(AUTHORIZATION), "/wallet/any", COUNT).await.0, 200);
    assert_eq!(post(&node, Some(AUTHORIZATION), "/elsewhere", COUNT).await.0, 404);
    assert_eq!(raw(&node, "GET", Some(AUTHORIZATION), "/", "").await.0, 405);
}

#[tokio::test]
async fn errors_have_the_nodes_codes_and_statuses() {
    for network in ["dash-regtest", "wei-regtest"] {
        let node = sandbox(network).await;
        for (body, status, code) in [
            ("{", 500, -32700),
            ("7", 500, -32700),
            (r#"{"id":1}"#, 400, -32600),
            (r#"{"id":1,"method":7}"#, 400, -32600),
            (r#"{"id":1,"method":"getblockcount","params":7}"#, 400, -32600),
            (r#"{"id":1,"method":"nosuchmethod"}"#, 404, -32601),
            (r#"{"id":1,"method":"getblockhash","params":[999999]}"#, 500, -8),
            (r#"{"id":1,"method":"getblockhash","params":[-1]}"#, 500, -8),
            (r#"{"id":1,"method":"getblockhash","params":[]}"#, 500, -1),
            (r#"{"id":1,"method":"sendrawtransaction","params":["zz"]}"#, 500, -22),
            (
                r#"{"id":1,"method":"getaddressutxos","params":[{"addresses":["zz"]}]}"#,
                500,
                -5,
            ),
        ] {
            let (found, reply) = post(&node, Some(AUTHORIZATION), "/", body).await;
            let reply: Value = serde_json::from_str(&reply).unwrap();
            assert_eq!((found, &reply["error"]["code"]), (status, &json!(code)), "{body}");
            assert_eq!(reply["result"], Value::Null);
        }
    }
}

#[tokio::test]
async fn a_batch_is_answered_in_order_with_status_200() {
    let node = sandbox("dash-regtest").await;
    let batch = r#"[{"id":"a","method":"getblockcount"},{"id":"b","method":"nosuchmethod"},7]"#;
    let (status, reply) = post(&node, Some(AUTHORIZATION), "/", batch).await;
    let reply: Value = serde_json::from_str(&reply).unwrap();
    assert_eq!(status, 200);
    assert_eq!(reply[0], json!({ "result": node.height(), "error": null, "id": "a" }));
    assert_eq!(reply[1]["error"]["code"], json!(-32601));
    assert_eq!(reply[2]["error"]["code"], json!(-32600));
}

#[tokio::test]
async fn amounts_have_eight_decimals() {
    let node = sandbox("dash-regtest").await;
    let script = pay_to_key(&key_id(1).0);
    let txid = node.fund(script, Amount::from_coins(7)).unwrap();
    let body = json!({ "id": 1, "method": "gettxout", "params": [txid.to_string(), 0] }).to_string();
    let (_, reply) = post(&node, Some(AUTHORIZATION), "/", &body).await;
    assert!(reply.contains("\"value\":7.00000000,"), "{reply}");
    assert!(reply.contains("\"confirmations\":0,"), "{reply}");
    let confirmed_only = json!([txid.to_string(), 0, false]);
    assert_eq!(result(&node, "gettxout", confirmed_only.clone()).await, Value::Null);
    node.mine(1);
    assert_eq!(
        result(&node, "gettxout", confirmed_only).await["confirmations"],
        json!(1)
    );
}

#[tokio::test]
async fn methods_0_17_lacks_are_unknown_there() {
    let node = sandbox("wei-regtest").await;
    for (method, params) in [
        ("scantxoutset", json!(["start", []])),
        ("testmempoolaccept", json!([["00"]])),
        ("getindexinfo", json!([])),
    ] {
        let (status, reply) = call(&node, method, params).await;
        assert_eq!((status, &reply["error"]["code"]), (404, &json!(-32601)), "{method}");
    }
    let (status, reply) = call(&node, "protx", json!(["listdiff", 1, 2])).await;
    assert_eq!((status, &reply["error"]["code"]), (500, &json!(-1)));
}

#[tokio::test]
async fn scripts_mine_fund_and_fail_dkgs() {
    let node = sandbox("dash-regtest").await;
    let mut events = node.subscribe();
    let start = node.height();
    let hashes = result(&node, "sandbox_mine", json!([3])).await;
    assert_eq!(hashes.as_array().unwrap().len(), 3);
    assert_eq!(result(&node, "getblockcount", json!([])).await, json!(start + 3));
    assert_eq!(result(&node, "getbestblockhash", json!([])).await, hashes[2]);
    assert!(matches!(events.recv().await, Ok(Event::BlockMined { height, .. }) if height == start + 1));
    let address = node.with_chain(|chain| key_id(3).address().to_text(chain.profile()));
    let txid = result(&node, "sandbox_fund", json!([address, 1.25])).await;
    assert_eq!(result(&node, "getrawmempool", json!([])).await, json!([txid]));
    result(&node, "sandbox_mine", json!([])).await;
    let utxos = result(&node, "getaddressutxos", json!([{ "addresses": [address] }])).await;
    assert_eq!(utxos[0]["satoshis"], json!(125_000_000));
    let hash = result(&node, "protx", json!(["list", "valid"])).await[0].clone();
    let score = |entry: &Value| entry["state"]["PoSePenalty"].as_u64().unwrap();
    let before = score(&result(&node, "protx", json!(["info", hash])).await);
    assert_eq!(
        result(&node, "sandbox_fail_dkg", json!([hash])).await,
        json!(node.height() + 1)
    );
    node.mine(1);
    let after = score(&result(&node, "protx", json!(["info", hash])).await);
    assert_eq!(after, (before.saturating_sub(1) + 66).min(100));
}

#[tokio::test]
async fn sending_again_is_no_error_until_it_is_mined() {
    for (network, text) in [
        ("dash-regtest", "Transaction already in block chain"),
        ("wei-regtest", "transaction already in block chain"),
    ] {
        let node = sandbox(network).await;
        let txid = node
            .fund(pay_to_key(&key_id(1).0), Amount::from_coins(1))
            .unwrap()
            .to_string();
        let hex = result(&node, "getrawtransaction", json!([txid])).await;
        assert_eq!(result(&node, "sendrawtransaction", json!([hex])).await, json!(txid));
        node.mine(1);
        let (_, reply) = call(&node, "sendrawtransaction", json!([hex])).await;
        assert_eq!(reply["error"], json!({ "code": -27, "message": text }));
    }
}

#[tokio::test]
async fn a_refusal_is_worded_as_its_node_words_it() {
    use super::support::{NOW, key};
    use crate::protocol::tx::{Transaction, TxIn, TxOut};
    for (network, code, expected) in [
        ("dash-regtest", -26, "min relay fee not met, 0 < "),
        ("wei-regtest", -26, "min relay fee not met, 0 < "),
    ] {
        let node = sandbox(network).await;
        let txid = node.fund(pay_to_key(&key_id(11).0), Amount::from_coins(1)).unwrap();
        let mut tx = Transaction {
            version: 1,
            kind: 0,
            inputs: vec![TxIn::unsigned(bitcoin::OutPoint { txid, vout: 0 })],
            outputs: vec![TxOut::new(Amount::from_coins(1), pay_to_key(&[1; 20]))],
            lock_time: 0,
            payload: Vec::new(),
        };
        crate::sandbox::faucet::sign_inputs(&mut tx, &key(11));
        let (_, reply) = call(&node, "sendrawtransaction", json!([tx.to_hex()])).await;
        assert_eq!(reply["error"]["code"], json!(code));
        let text = reply["error"]["message"].as_str().unwrap().to_owned();
        assert!(text.starts_with(expected), "{text}");
        assert_eq!(text.ends_with(" (code 66)"), network == "wei-regtest", "{text}");
        // Half a coin for a payment of 200 bytes is a mistake.
        tx.outputs[0].value = 50_000_000;
        crate::sandbox::faucet::sign_inputs(&mut tx, &key(11));
        let (_, reply) = call(&node, "sendrawtransaction", json!([tx.to_hex()])).await;
        let expected = match network {
            "wei-regtest" => json!({ "code": -26, "message": "absurdly-high-fee, 50000000 > 10000000 (code 256)" }),
            _ => {
                json!({ "code": -25, "message": "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)" })
            }
        };
        assert_eq!(reply["error"], expected, "{NOW}");
    }
}

#[tokio::test]
async fn two_sandboxes_do_not_disturb_each_other_and_a_dropped_one_is_gone() {
    let (a, b) = tokio::join!(sandbox("dash-regtest"), sandbox("wei-regtest"));
    assert_ne!(a.rpc_url(), b.rpc_url());
    let before = (a.height(), b.height());
    a.mine(2);
    assert_eq!((a.height(), b.height()), (before.0 + 2, before.1));
    let port = a.rpc_port();
    drop(a);
    tokio::time::timeout(std::time::Duration::from_secs(5), async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    assert!(b.fund(ScriptBuf::from_bytes(vec![0x51]), Amount::from_coins(1)).is_ok());
}

#[tokio::test]
async fn blocks_come_by_themselves_when_a_pace_is_set() {
    let mut options = Options::new(network::builtin("dash-regtest").unwrap());
    options.masternodes = 2;
    options.block_seconds = 1;
    let node = Sandbox::start(options).await.unwrap();
    let mut events = node.subscribe();
    let start = node.height();
    let event = tokio::time::timeout(std::time::Duration::from_secs(20), events.recv()).await;
    assert!(matches!(event, Ok(Ok(Event::BlockMined { height, .. })) if height > start));
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = sandbox("dash-regtest").await;
    let mut options = Options::new(network::builtin("dash-regtest").unwrap());
    options.rpc_port = first.rpc_port();
    let refused = Sandbox::start(options).await.err().map(|error| error.to_string());
    assert!(refused.is_some_and(|text| text.contains(&first.rpc_port().to_string())));
}
