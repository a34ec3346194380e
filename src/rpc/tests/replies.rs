//! Recorded replies of Dash Core 23.1.2 and WEI Core 0.17.0.3 give the values that stand in them.

use std::time::Instant;

use bitcoin::{OutPoint, Txid};
use serde_json::{Value, json};

use super::*;
use crate::protocol::bls::Scheme;
use crate::protocol::masternode::{Entry, Status};
use crate::protocol::network::MnType;
use crate::protocol::rules::Dialect;
use crate::protocol::{Address, Amount};
use crate::rpc::json::parse;
use crate::rpc::{FeeRate, Node, RpcError, types};

fn txid(text: &str) -> Txid {
    text.parse().unwrap()
}

fn entry<'a>(entries: &'a [Entry], start: &str) -> &'a Entry {
    let mut found = entries
        .iter()
        .filter(|entry| entry.pro_tx_hash.to_string().starts_with(start));
    found.next().unwrap()
}

#[tokio::test]
async fn a_modern_node_tells_its_chain_and_what_it_can_do() {
    let server = replay(MODERN, "dash-regtest").await;
    let status = client(&server, "dash-regtest").status().await.unwrap();
    assert_eq!(
        (status.subversion.as_str(), status.version),
        ("/Dash Core:23.1.2/", 230_102)
    );
    assert_eq!((status.protocol_version, status.chain.as_str()), (70_240, "regtest"));
    assert_eq!(
        (status.tip.height, status.headers, status.tip.time),
        (471, 471, 1_795_179_722)
    );
    assert!(status.tip.hash.to_string().starts_with("1f05f53e4e2f"));
    // It has no peers, so its masternode sync never ends; it has all blocks there are.
    assert!(status.synced && status.connections == 0);
    let can = status.capabilities;
    assert!(can.v19_active && can.mn_rr_active && can.dialect == Dialect::V23);
    assert_eq!((can.scheme(), can.payload_version()), (Scheme::Basic, 2));
    assert!(can.scan_tx_out_set && can.test_mempool_accept && can.list_diff);
    assert_eq!(
        (can.address_index, can.tx_index, can.wallet),
        (Some(true), Some(true), Some(true))
    );
}

#[tokio::test]
async fn before_v19_the_same_node_is_legacy_although_the_profile_says_otherwise() {
    let server = replay(LEGACY, "dash-regtest").await;
    let can = client(&server, "dash-regtest").status().await.unwrap().capabilities;
    assert!(!can.v19_active && !can.mn_rr_active && can.dialect == Dialect::V23);
    assert_eq!((can.scheme(), can.payload_version()), (Scheme::Legacy, 1));
}

#[tokio::test]
async fn a_wei_node_is_legacy_and_lacks_the_newer_calls() {
    let server = replay(WEI, "wei-regtest").await;
    let status = client(&server, "wei-regtest").status().await.unwrap();
    assert_eq!(
        (status.subversion.as_str(), status.version),
        ("/Wei Core:0.17.0.3/", 170_003)
    );
    assert_eq!((status.tip.height, status.tip.time), (2_216, 1_795_184_949));
    let can = status.capabilities;
    assert!(!can.v19_active && !can.mn_rr_active && can.dialect == Dialect::V17);
    assert!(!can.scan_tx_out_set && !can.test_mempool_accept && !can.list_diff);
}

#[tokio::test]
async fn a_modern_list_reads_into_entries() {
    let server = replay(MODERN, "dash-regtest").await;
    let list = client(&server, "dash-regtest").masternodes().await.unwrap();
    assert_eq!((list.tip.height, list.entries.len()), (471, 8));
    let evo = entry(&list.entries, "603265b7");
    assert_eq!(
        (evo.kind, evo.operator_reward, evo.confirmations),
        (MnType::Evo, 1_000, Some(49))
    );
    assert_eq!(
        evo.collateral.to_string(),
        "6c387bf76f62a31f0c13decfd28d2ff36dac945815f83bb51a072b1cc0b34b4b:1"
    );
    let state = &evo.state;
    assert_eq!(
        (state.version, state.service.to_string().as_str()),
        (2, "5.6.7.9:19999")
    );
    assert_eq!(
        (state.registered_height, state.last_paid_height, state.pose_penalty),
        (425, 471, 0)
    );
    assert_eq!((state.pose_ban_height, state.pose_revived_height), (None, None));
    assert_eq!(
        state.platform_node_id.as_deref(),
        Some("f2dbd9b0a1f541a7c44d34a58674d0262f5feca6")
    );
    assert_eq!(
        (state.platform_p2p_port, state.platform_http_port),
        (Some(22831), Some(22832))
    );
    let profile = profile("dash-regtest");
    let text = |address: Option<Address>| address.map(|address| address.to_text(&profile));
    assert_eq!(
        text(state.owner.map(|key| key.address())).as_deref(),
        Some("yToyz4nvyEWW9BiG9cSYF3Q9ehiLBALnpY")
    );
    assert_eq!(
        text(state.voting.map(|key| key.address())).as_deref(),
        Some("yeNYGpuEMLJgLKAESf5oHN7UU7udHpSd3J")
    );
    assert_eq!(
        text(state.payout).as_deref(),
        Some("yMrZZK9pRnBcKYdHvP9KBasTSbLquoybrq")
    );
    assert_eq!(
        text(state.operator_payout).as_deref(),
        Some("yb2ecSbUhQdNBgCD5GU9GZMdyMV4ToNyPG")
    );
    assert!(state.operator.point().is_some());
    assert!(state.operator.to_hex(Scheme::Basic).starts_with("a29ba241dff1a8e6"));
    assert_eq!(evo.status(), Status::Enabled);

    let revoked = entry(&list.entries, "2723f16d");
    assert_eq!((revoked.operator_reward, revoked.state.revocation_reason), (550, 3));
    assert_eq!(
        (revoked.status(), revoked.state.pose_ban_height),
        (Status::Revoked, Some(441))
    );
    assert_eq!(entry(&list.entries, "8538c171").status(), Status::WaitingForService);
    assert_eq!(entry(&list.entries, "4a0c0858").operator_reward, 3_333);
    assert_eq!(entry(&list.entries, "d626cec2").operator_reward, 10_000);
}

#[tokio::test]
async fn operator_keys_of_a_legacy_chain_are_read_in_their_encoding() {
    for (recording, network) in [(LEGACY, "dash-regtest"), (WEI, "wei-regtest")] {
        let server = replay(recording, network).await;
        let list = client(&server, network).masternodes().await.unwrap();
        let recorded = Recording::new(recording).result("protx", json!(["list", "registered", true]));
        assert_eq!(list.entries.len(), 7);
        for json in recorded.as_array().unwrap() {
            let entry = list.find(txid(json["proTxHash"].as_str().unwrap())).unwrap();
            assert!(entry.state.operator.is_revoked() || entry.state.operator.point().is_some());
            assert_eq!(entry.state.version, 1);
            assert_eq!(
                entry.state.operator.to_hex(Scheme::Legacy),
                json["state"]["pubKeyOperator"]
            );
        }
    }
}

#[tokio::test]
async fn a_wei_entry_has_its_own_way_of_saying_no_address() {
    let server = replay(WEI, "wei-regtest").await;
    let list = client(&server, "wei-regtest").masternodes().await.unwrap();
    let changed = entry(&list.entries, "035f4048");
    assert_eq!(
        (changed.kind, changed.status()),
        (MnType::Regular, Status::WaitingForService)
    );
    let revived = entry(&list.entries, "6a5ff389");
    assert_eq!(
        (revived.state.pose_revived_height, revived.state.consecutive_payments),
        (Some(2_132), 0)
    );
    assert_eq!(revived.state.service.to_string(), "9.9.9.11:19999");
}

#[tokio::test]
async fn one_masternode_is_found_or_is_not() {
    for (recording, network, known) in [
        (
            MODERN,
            "dash-regtest",
            "4a0c08588bed8c446885e3e778452733ea1040533e2b06f9ff9331c8977e3850",
        ),
        (
            WEI,
            "wei-regtest",
            "6a5ff389e5702cdd2b5921974f22fdd145d7116e014906d9139f899761550b1c",
        ),
    ] {
        let server = replay(recording, network).await;
        let client = client(&server, network);
        let found = client.masternode(txid(known)).await.unwrap().unwrap();
        assert_eq!(found.pro_tx_hash, txid(known));
        assert_eq!(client.masternode(txid(&"00".repeat(32))).await, Ok(None));
    }
}

#[tokio::test]
async fn a_coin_is_read_from_its_script_and_not_from_its_address() {
    for (recording, network, outpoint, coins, confirmations) in [
        (
            MODERN,
            "dash-regtest",
            "eb76ac339c16de189d8ef047906744076ac750952a88d7cab5b2a8e999c492e0:1",
            1_000,
            70,
        ),
        (
            LEGACY,
            "dash-regtest",
            "e2d027b306ded357f786197c8f31b9cfbe9d1f5ffe550ba07f448bd5c0c3cd5c:1",
            1_000,
            65,
        ),
        (
            WEI,
            "wei-regtest",
            "2fe1db80984ab38462bfd909033ac723a052ba904ab47bafcaa1c214b4229b92:1",
            40_000,
            111,
        ),
    ] {
        let server = replay(recording, network).await;
        let client = client(&server, network);
        let outpoint: OutPoint = outpoint.parse().unwrap();
        let coin = client.coin(outpoint).await.unwrap().unwrap();
        assert_eq!((coin.outpoint, coin.value), (outpoint, Amount::from_coins(coins)));
        assert_eq!(
            (coin.confirmations, coin.coinbase, coin.spent_in_mempool),
            (confirmations, false, false)
        );
        let address = crate::protocol::script::address(coin.script.as_bytes()).unwrap();
        let recorded = Recording::new(recording).result("gettxout", json!([outpoint.txid.to_string(), 1]));
        let script = &recorded["scriptPubKey"];
        let told = script.get("address").unwrap_or(&script["addresses"][0]);
        assert_eq!(address.to_text(&profile(network)), *told);
        assert_eq!(client.coin(OutPoint { vout: 9, ..outpoint }).await, Ok(None));
    }
}

#[test]
fn an_output_whose_origin_is_not_told_counts_as_a_reward() {
    let block = "00".repeat(32);
    let text = |origin: &str| {
        let output = r#""confirmations":5,"value":1,"scriptPubKey":{"hex":"51"}"#;
        format!(r#"{{"bestblock":"{block}",{output}{origin}}}"#)
    };
    let profile = profile("dash-regtest");
    for (origin, coinbase) in [
        ("", true),
        (r#","coinbase":true"#, true),
        (r#","coinbase":false"#, false),
    ] {
        let raw = serde_json::value::RawValue::from_string(text(origin)).unwrap();
        let coin = parse("gettxout", &raw, |json| {
            types::unspent(json, OutPoint::null(), &profile)
        })
        .unwrap();
        assert_eq!(coin.map(|(coin, _)| coin.coinbase), Some(coinbase));
    }
}

#[tokio::test]
async fn fees_are_estimated_or_follow_the_relay_minimum() {
    for (recording, network, estimate) in [
        (MODERN, "dash-regtest", 10_142),
        (LEGACY, "dash-regtest", 10_127),
        (WEI, "wei-regtest", 10_154),
    ] {
        let server = replay(recording, network).await;
        let expected = FeeRate {
            advised: Amount::from_duffs(estimate),
            relay: Amount::from_duffs(1_000),
        };
        assert_eq!(client(&server, network).fee_rate().await, Ok(expected));
    }
    let recording = Recording::new(MODERN);
    let server = node("dash-regtest", move |method, params| match method {
        // Verbatim from a node without enough blocks.
        "estimatesmartfee" => Some(Ok(
            json!({"errors": ["Insufficient data or no feerate found"], "blocks": 2}),
        )),
        "getmempoolinfo" => Some(Ok(json!({"mempoolminfee": 0.00003}))),
        _ => recording.find(method, params),
    })
    .await;
    let rate = client(&server, "dash-regtest").fee_rate().await.unwrap();
    assert_eq!((rate.relay.duffs(), rate.advised.duffs()), (3_000, 6_000));
}

#[tokio::test]
async fn deployments_are_read_in_each_generations_shape() {
    for (fields, version, expected) in [
        (
            json!({"softforks": {"v19": {"type": "buried", "active": true, "height": 1}}}),
            230_102,
            true,
        ),
        (
            json!({"softforks": [], "bip9_softforks": {"v19": {"status": "active"}}}),
            190_000,
            true,
        ),
        (
            json!({"softforks": [], "bip9_softforks": {"v19": {"status": "locked_in"}}}),
            190_000,
            false,
        ),
        (
            json!({"softforks": [], "bip9_softforks": {"dip0003": {"status": "active"}}}),
            180_202,
            false,
        ),
        // Hidden, and no `getdeploymentinfo`: the profile's height, which regtest has passed.
        (json!({}), 240_000, true),
    ] {
        let mut chain = json!({"blocks": 10, "headers": 10, "bestblockhash": "22".repeat(32)});
        chain
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let server = node("dash-regtest", move |method, params| match method {
            "getnetworkinfo" => Some(Ok(json!({"version": version}))),
            "getblockchaininfo" => Some(Ok(chain.clone())),
            "getblockheader" => Some(Ok(json!({"hash": params[0], "height": 10, "time": 5}))),
            _ => None,
        })
        .await;
        let status = client(&server, "dash-regtest").status().await.unwrap();
        assert_eq!(status.capabilities.v19_active, expected, "{version}");
        assert_eq!(status.capabilities.address_index, Some(false));
        assert_eq!(status.capabilities.wallet, Some(false));
    }
}

#[tokio::test]
async fn newer_nodes_tell_deployments_in_a_call_of_their_own() {
    let server = node("dash-regtest", |method, params| match method {
        "getnetworkinfo" => Some(Ok(json!({"version": 240_000}))),
        "getblockchaininfo" => Some(Ok(json!({"blocks": 10, "bestblockhash": "22".repeat(32)}))),
        "getblockheader" => Some(Ok(json!({"hash": params[0], "height": 10, "time": 5}))),
        "getdeploymentinfo" => Some(Ok(
            json!({"deployments": {"v19": {"active": false}, "mn_rr": {"active": false}}}),
        )),
        _ => None,
    })
    .await;
    let can = client(&server, "dash-regtest").status().await.unwrap().capabilities;
    assert!(!can.v19_active && !can.mn_rr_active);
}

#[tokio::test]
async fn a_list_and_its_tip_belong_together_even_while_blocks_arrive() {
    let calls = std::sync::atomic::AtomicU32::new(0);
    let hash = |height: u32| format!("{height:064x}");
    let recording = Recording::new(MODERN);
    let server = node("dash-regtest", move |method, params| match method {
        // A new block at every look.
        "getbestblockhash" => Some(Ok(json!(hash(
            calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
        )))),
        "getblockheader" => {
            let height = u32::from_str_radix(&params[0].as_str().unwrap()[56..], 16).unwrap();
            Some(Ok(json!({"hash": params[0], "height": height, "time": 5})))
        }
        "protx" if params.as_array().unwrap().len() == 4 => {
            assert_eq!(params[3], json!(2));
            Some(Ok(json!([])))
        }
        _ => recording.find(method, params),
    })
    .await;
    let list = client(&server, "dash-regtest").masternodes().await.unwrap();
    assert_eq!((list.tip.height, list.entries.len()), (2, 0));
}

#[tokio::test]
async fn the_list_of_one_tip_is_fetched_once() {
    let server = replay(MODERN, "dash-regtest").await;
    let client = client(&server, "dash-regtest");
    let first = client.masternodes().await.unwrap();
    assert_eq!(client.masternodes().await.unwrap(), first);
    let fetched = server.methods().iter().filter(|method| *method == "protx").count();
    assert_eq!(fetched, 1);
}

/// Many copies of a recorded entry with hashes of their own.
fn long_list(count: usize) -> String {
    let recorded = Recording::new(MODERN).result("protx", json!(["list", "registered", true]));
    let entries = (0..count).map(|index| {
        let mut entry = recorded[index % 8].clone();
        entry["proTxHash"] = json!(format!("{index:064x}"));
        entry
    });
    Value::Array(entries.collect()).to_string()
}

#[test]
fn a_long_list_takes_time_in_proportion_to_its_length() {
    let profile = profile("dash-regtest");
    let time = |count| {
        let text = long_list(count);
        let start = Instant::now();
        assert_eq!(types::masternodes(&text, &profile).unwrap().len(), count);
        start.elapsed()
    };
    let (short, long) = (time(250), time(2_000));
    // Eight times as long; thirty leaves room for a busy machine and none for a square.
    assert!(long < short * 30, "{short:?} {long:?}");
}

#[test]
fn a_masternode_listed_twice_is_no_list() {
    let recorded = Recording::new(MODERN).result("protx", json!(["list", "registered", true]));
    let twice = json!([recorded[0], recorded[0]]).to_string();
    let expected = RpcError::Malformed {
        method: "protx list".to_owned(),
        field: "[1].proTxHash".to_owned(),
    };
    assert_eq!(types::masternodes(&twice, &profile("dash-regtest")), Err(expected));
}

#[tokio::test]
async fn the_version_of_a_masternode_is_told_where_the_node_reached_it() {
    let peers = json!([
        // It came to the node from a port of its own: not known to be that masternode.
        {"addr": "203.0.113.7:50123", "version": 70_100},
        {"addr": "203.0.113.7:9999", "version": 70_230},
        // Not yet greeted; and a Tor address, which no list here can have.
        {"addr": "203.0.113.8:9999", "version": 0},
        {"addr": "kpgvmscirrdqpekbqjsvw5teanhatztpp2gl6eee4zkowvwfxwenqaid.onion:9999", "version": 70_240},
    ]);
    let server = node("dash", move |method, _| {
        (method == "getpeerinfo").then(|| Ok(peers.clone()))
    })
    .await;
    let client = client(&server, "dash");
    for (service, version) in [
        ("203.0.113.7:9999", Some(70_230)),
        ("203.0.113.8:9999", None),
        ("203.0.113.9:9999", None),
    ] {
        assert_eq!(
            client.peer_version(service.parse().unwrap()).await,
            Ok(version),
            "{service}"
        );
    }
}
