//! Replies made to break something end in an error that names the field.

use bitcoin::OutPoint;
use serde_json::{Value, json};

use super::*;
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::network::MnType;
use crate::rpc::{Node, RpcError, types};

/// A recorded entry with one field replaced, or removed.
fn changed(path: &str, value: Option<Value>) -> String {
    let mut entry = Recording::new(MODERN).result("protx", json!(["list", "registered", true]))[3].clone();
    let (parent, key) = path.rsplit_once('.').map_or(("", path), |(parent, key)| (parent, key));
    let object = match parent {
        "" => &mut entry,
        parent => &mut entry[parent],
    };
    match value {
        Some(value) => object[key] = value,
        None => drop(object.as_object_mut().unwrap().remove(key)),
    }
    json!([entry]).to_string()
}

fn read(text: &str) -> Result<Entry, RpcError> {
    types::masternodes(text, &profile("dash-regtest")).map(|mut entries| entries.remove(0))
}

fn huge(digits: &str) -> Value {
    serde_json::from_str(digits).unwrap()
}

#[test]
fn a_wrong_field_of_an_entry_is_named() {
    for (path, value) in [
        ("proTxHash", json!("zz")),
        ("proTxHash", json!(5)),
        ("collateralHash", json!("22")),
        ("collateralIndex", json!(-1)),
        ("collateralIndex", huge("4294967296")),
        ("type", json!("Titan")),
        ("type", json!(1)),
        ("operatorReward", json!(5.255)),
        ("operatorReward", json!(100.01)),
        ("operatorReward", json!(-5)),
        ("operatorReward", huge("1e400")),
        ("operatorReward", json!(true)),
        ("confirmations", json!(-2)),
        ("confirmations", huge("99999999999999999999999")),
        ("state", json!([])),
        ("state", json!("state")),
        ("state.version", json!(65_536)),
        ("state.registeredHeight", json!(-1)),
        ("state.lastPaidHeight", json!("12")),
        ("state.lastPaidHeight", json!(1.5)),
        ("state.PoSePenalty", json!(-1)),
        ("state.PoSeRevivedHeight", json!(-2)),
        ("state.PoSeBanHeight", json!({})),
        ("state.ownerAddress", json!("yToyz4nvyEWW9BiG9cSYF3Q9ehiLBALnpZ")),
        ("state.votingAddress", json!("XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5")),
        ("state.payoutAddress", json!(["y"])),
        ("state.pubKeyOperator", json!("a29b")),
        ("state.pubKeyOperator", json!("é".repeat(48))),
        ("state.platformNodeID", json!("f2")),
    ] {
        let expected = RpcError::Malformed {
            method: "protx list".to_owned(),
            field: format!("[0].{path}"),
        };
        assert_eq!(
            read(&changed(path, Some(value.clone()))),
            Err(expected),
            "{path} {value}"
        );
    }
    for (service, field) in [
        (json!({"core_p2p": [7]}), "[0].state.addresses.core_p2p[0]"),
        (json!({"core_p2p": 5}), "[0].state.addresses.core_p2p"),
        (json!([]), "[0].state.addresses"),
    ] {
        let error = read(&changed("state.addresses", Some(service))).unwrap_err();
        assert!(matches!(error, RpcError::Malformed { field: named, .. } if named == field));
    }
}

#[test]
fn an_address_that_is_no_ip_does_not_cost_the_list() {
    for address in ["abcdefghijklmnop.onion:9999", "node.example.org:9999", ""] {
        let entry = read(&changed("state.addresses", Some(json!({"core_p2p": [address]})))).unwrap();
        assert!(entry.state.service.is_none(), "{address}");
    }
}

#[test]
fn the_fields_that_every_version_has_must_be_there() {
    for path in [
        "proTxHash",
        "collateralHash",
        "collateralIndex",
        "state",
        "state.registeredHeight",
        "state.lastPaidHeight",
        "state.PoSePenalty",
        "state.PoSeRevivedHeight",
        "state.PoSeBanHeight",
    ] {
        for value in [None, Some(Value::Null)] {
            let error = read(&changed(path, value)).unwrap_err();
            assert!(matches!(error, RpcError::Malformed { field, .. } if field == format!("[0].{path}")));
        }
    }
}

#[test]
fn the_other_fields_may_be_missing() {
    let without = |path| read(&changed(path, None)).unwrap();
    assert_eq!(without("type").kind, MnType::Regular);
    assert_eq!(without("operatorReward").operator_reward, 0);
    assert_eq!(without("confirmations").confirmations, None);
    assert_eq!(without("state.version").state.version, 1);
    assert_eq!(without("state.ownerAddress").state.owner, None);
    assert_eq!(without("state.pubKeyOperator").state.operator, OperatorKey::NotTold);
    assert_eq!(without("state.addresses").state.service.to_string(), "5.6.7.9:19999");
    assert_eq!(without("metaInfo").state.registered_height, 425);
    assert_eq!(
        read(&changed("confirmations", Some(json!(-1)))).unwrap().confirmations,
        None
    );
    assert_eq!(
        read(&changed("type", Some(json!("HighPerformance")))).unwrap().kind,
        MnType::Evo
    );
    for (percent, hundredths) in [
        (json!(5.25), 525),
        (json!("0.01"), 1),
        (huge("1e1"), 1_000),
        (huge("33.330"), 3_333),
    ] {
        let entry = read(&changed("operatorReward", Some(percent))).unwrap();
        assert_eq!(entry.operator_reward, hundredths);
    }
}

#[test]
fn what_is_no_list_is_refused_and_deep_nesting_does_no_harm() {
    let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    for text in ["", "{}", "null", "[", "[1]", "[null]", deep.as_str()] {
        let error = types::masternodes(text, &profile("dash-regtest")).unwrap_err();
        assert!(matches!(error, RpcError::Malformed { .. }));
    }
}

/// What a coin's call says when `gettxout` gives this.
async fn coin_error(reply: Value) -> Option<String> {
    let server = node("dash-regtest", move |_, _| Some(Ok(reply.clone()))).await;
    match client(&server, "dash-regtest").coin(OutPoint::null()).await {
        Err(RpcError::Malformed { field, .. }) => Some(field),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_wrong_field_of_a_coin_is_named() {
    let good = json!({"bestblock": "22".repeat(32), "confirmations": 1, "value": 1.0, "scriptPubKey": {"hex": "51"}});
    for (key, value, field) in [
        ("value", json!(-1.0), "value"),
        ("value", huge("21000000.00000001"), "value"),
        ("value", huge("1e999999999999"), "value"),
        ("value", huge("0.000000001"), "value"),
        ("value", json!({"$serde_json::private::Number": "x"}), "result"),
        ("confirmations", json!(-1), "confirmations"),
        ("confirmations", huge("1e3"), "confirmations"),
        ("scriptPubKey", json!({"hex": "5"}), "scriptPubKey.hex"),
        ("scriptPubKey", json!({"address": "y"}), "scriptPubKey.hex"),
        ("scriptPubKey", json!("51"), "scriptPubKey"),
        ("coinbase", json!("yes"), "coinbase"),
        ("bestblock", json!("zz"), "bestblock"),
    ] {
        let mut reply = good.clone();
        reply[key] = value;
        assert_eq!(coin_error(reply.clone()).await.as_deref(), Some(field), "{reply}");
    }
    for reply in [json!([]), json!(7), json!("null"), json!(true)] {
        assert_eq!(coin_error(reply).await.as_deref(), Some("result"));
    }
}

#[tokio::test]
async fn no_call_panics_whatever_the_node_says() {
    let tx = crate::protocol::Transaction {
        version: 2,
        kind: 0,
        inputs: Vec::new(),
        outputs: Vec::new(),
        lock_time: 0,
        payload: Vec::new(),
    };
    let address = crate::protocol::Address::PubkeyHash([7; 20]);
    for reply in [
        json!(null),
        json!(true),
        json!(-1),
        huge("123456789012345678901234567890"),
        json!("text"),
        json!([]),
        json!([null]),
        json!([[[]]]),
        json!({}),
        json!({"hex": "00", "version": -1, "blocks": -5, "success": true, "unspents": [{}]}),
    ] {
        let server = node("dash-regtest", {
            let reply = reply.clone();
            move |_, _| Some(Ok(reply.clone()))
        })
        .await;
        let client = client(&server, "dash-regtest");
        let txid = tx.txid();
        assert!(client.status().await.is_err(), "{reply}");
        assert!(client.tip().await.is_err());
        assert!(client.masternodes().await.is_err());
        assert!(client.masternode(txid).await.is_err());
        assert!(client.transaction(txid).await.is_err());
        assert!(client.broadcast(tx.clone()).await.is_err());
        // An empty list or a null is an answer to some of these.
        let _ = client.coin(OutPoint::null()).await;
        let _ = client.coins_of(vec![address], vec![OutPoint::null()]).await;
        let _ = client.fee_rate().await;
        let _ = client.pending().await;
    }
}
