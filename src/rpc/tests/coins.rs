//! Coins are found by whatever the node offers, and only those that were asked for.

use std::collections::HashSet;

use bitcoin::{OutPoint, Txid};
use serde_json::{Value, json};

use super::server::{Outgoing, Server, rpc};
use super::*;
use crate::protocol::{Address, Amount, ScriptBuf, Transaction, TxIn, TxOut};
use crate::rpc::{CoinSource, FoundCoin, Node, RpcError};

const OWNER: [u8; 20] = [9; 20];

fn address() -> Address {
    Address::PubkeyHash(OWNER)
}

fn outpoint(number: u8) -> OutPoint {
    OutPoint {
        txid: format!("{number:02x}").repeat(32).parse().unwrap(),
        vout: u32::from(number),
    }
}

fn script_hex(hash: u8) -> String {
    Address::PubkeyHash([hash; 20]).script().to_hex_string()
}

fn unspent(confirmations: u32, hash: u8) -> Value {
    json!({"bestblock": "22".repeat(32), "confirmations": confirmations, "value": 5.0,
           "scriptPubKey": {"hex": script_hex(hash)}, "coinbase": true})
}

/// `gettxout` of coins 1 to 9: 1 young, 2 unconfirmed, 3 of somebody else; the rest spent or unknown.
fn gettxout(params: &Value) -> Value {
    let found = (1..=3).find(|number| params[0] == json!(outpoint(*number).txid.to_string()));
    match found {
        Some(1) => unspent(50, 9),
        Some(2) => unspent(0, 9),
        Some(3) => unspent(50, 8),
        _ => Value::Null,
    }
}

fn no_index() -> Option<Outcome> {
    let message = "Address index is disabled. You should run Dash Core with -addressindex (requires reindex)";
    Some(Err((-32600, message.to_owned())))
}

fn places(coins: &[FoundCoin]) -> HashSet<OutPoint> {
    coins.iter().map(|coin| coin.outpoint).collect()
}

#[tokio::test]
async fn the_recorded_address_index_gives_the_recorded_coins() {
    for (recording, network, owner, count, total) in [
        (
            MODERN,
            "dash-regtest",
            "yQvgcGcAkMPUTkCWcJMezXxZ4uEv8aSqW4",
            4,
            799_974_465,
        ),
        (
            LEGACY,
            "dash-regtest",
            "ycL5kKSTBPKUdJJ7DW5PxNYyb82KSqdbJq",
            1,
            99_996_285,
        ),
        (WEI, "wei-regtest", "ydGbskWEEFo7LX4U2Z4QL1h8fB6CfRurct", 2, 199_996_274),
    ] {
        let recording_read = Recording::new(recording);
        let recorded = recording_read.result("getaddressutxos", json!([{"addresses": [owner]}]));
        let tip = recording_read.result("getblockcount", json!([])).as_u64().unwrap();
        let utxos = recorded.as_array().unwrap().clone();
        let server = node(network, move |method, params| match method {
            // These coins are young, so each is asked for; the recording has them in the index only.
            "gettxout" => {
                let utxo = utxos
                    .iter()
                    .find(|utxo| utxo["txid"] == params[0] && utxo["outputIndex"] == params[1])
                    .unwrap();
                let value = Amount::from_duffs(utxo["satoshis"].as_u64().unwrap()).to_string();
                let value: Value = serde_json::from_str(&value).unwrap();
                let confirmations = tip - utxo["height"].as_u64().unwrap() + 1;
                Some(Ok(
                    json!({"bestblock": "22".repeat(32), "confirmations": confirmations, "value": value,
                               "scriptPubKey": {"hex": utxo["script"]}, "coinbase": false}),
                ))
            }
            "getaddressmempool" => Some(Ok(json!([]))),
            _ => recording_read.find(method, params),
        })
        .await;
        let owner = Address::parse(owner, &profile(network)).unwrap();
        let found = client(&server, network)
            .coins_of(vec![owner], Vec::new())
            .await
            .unwrap();
        assert_eq!((found.source, found.coins.len()), (CoinSource::AddressIndex, count));
        assert_eq!(found.coins.iter().map(|coin| coin.value).sum::<Amount>().duffs(), total);
        let heights: HashSet<u64> = recorded
            .as_array()
            .unwrap()
            .iter()
            .map(|utxo| utxo["height"].as_u64().unwrap())
            .collect();
        for coin in &found.coins {
            assert_eq!(coin.script, owner.script());
            assert!(heights.contains(&(tip + 1 - u64::from(coin.confirmations))));
        }
    }
}

#[tokio::test]
async fn the_index_drops_spends_and_foreign_scripts_and_asks_only_for_young_coins() {
    let utxo = |number: u8, height: u32, hash: u8| {
        let at = outpoint(number);
        json!({"txid": at.txid.to_string(), "outputIndex": at.vout, "script": script_hex(hash), "satoshis": 500_000_000, "height": height})
    };
    let utxos = json!([
        utxo(1, 451, 9),
        utxo(4, 100, 9),
        utxo(5, 100, 9),
        utxo(6, 100, 8),
        utxo(7, 490, 9),
        utxo(4, 100, 9)
    ]);
    let spend = json!([{"txid": "aa".repeat(32), "index": 0, "satoshis": -5, "prevtxid": outpoint(5).txid.to_string(), "prevout": 5},
                       {"txid": "aa".repeat(32), "index": 0, "satoshis": 5}]);
    let server = node("dash-regtest", move |method, params| match method {
        "getaddressutxos" => Some(Ok(utxos.clone())),
        "getaddressmempool" => Some(Ok(spend.clone())),
        "getblockcount" => Some(Ok(json!(500))),
        "gettxout" => Some(Ok(gettxout(params))),
        _ => None,
    })
    .await;
    let found = client(&server, "dash-regtest")
        .coins_of(vec![address()], Vec::new())
        .await
        .unwrap();
    // 1 is young and there, 4 old; 5 is being spent, 6 somebody else's, 7 young and gone.
    assert_eq!(places(&found.coins), HashSet::from([outpoint(1), outpoint(4)]));
    assert_eq!(found.coins.len(), 2);
    let young = found.coins.iter().find(|coin| coin.outpoint == outpoint(1)).unwrap();
    assert!(young.coinbase && young.confirmations == 50);
    let old = found.coins.iter().find(|coin| coin.outpoint == outpoint(4)).unwrap();
    assert_eq!(old.confirmations, 401);
    assert_eq!(
        server.methods().iter().filter(|method| *method == "gettxout").count(),
        2
    );
}

#[tokio::test]
async fn without_an_index_the_recorded_scan_is_used_and_the_index_not_asked_again() {
    let owner = Address::parse("yQvgcGcAkMPUTkCWcJMezXxZ4uEv8aSqW4", &profile("dash-regtest")).unwrap();
    let script = owner.script().to_hex_string();
    let recording = Recording::new(MODERN);
    let server = node("dash-regtest", move |method, params| match method {
        "getaddressutxos" => no_index(),
        // One of the four is being spent.
        "gettxout" if params[1] == json!(0) && params[0].as_str().unwrap().starts_with("2474") => Some(Ok(Value::Null)),
        "gettxout" => Some(Ok(
            json!({"bestblock": "22".repeat(32), "confirmations": 31, "value": 1.0,
                                     "scriptPubKey": {"hex": script}}),
        )),
        "scantxoutset" => recording.find(method, params),
        _ => None,
    })
    .await;
    let client = client(&server, "dash-regtest");
    for _ in 0..2 {
        let found = client.coins_of(vec![owner], Vec::new()).await.unwrap();
        assert_eq!((found.source, found.coins.len()), (CoinSource::UtxoScan, 3));
    }
    assert_eq!(
        server
            .methods()
            .iter()
            .filter(|method| *method == "getaddressutxos")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_scan_that_is_running_already_is_a_busy_node() {
    let server = node("dash-regtest", |method, _| match method {
        "getaddressutxos" => no_index(),
        "scantxoutset" => Some(Err((
            -8,
            "Scan already in progress, use action \"abort\" or \"status\"".to_owned(),
        ))),
        _ => None,
    })
    .await;
    let found = client(&server, "dash-regtest")
        .coins_of(vec![address()], Vec::new())
        .await;
    assert!(matches!(found, Err(RpcError::Busy { .. })));
}

/// A node with nothing but a wallet that watches the address or does not.
async fn wallet_node(watches: bool) -> Server {
    node("wei-regtest", move |method, params| match method {
        "getaddressutxos" => Some(Err((-5, "No information available for address".to_owned()))),
        "getaddressinfo" => Some(Ok(json!({"ismine": false, "iswatchonly": watches}))),
        "listunspent" => Some(Ok(
            json!([{"txid": outpoint(1).txid.to_string(), "vout": 1, "scriptPubKey": script_hex(9), "amount": 5.0}]),
        )),
        // A collateral, which wallets hide from the list above.
        "listlockunspent" => Some(Ok(json!([{"txid": outpoint(3).txid.to_string(), "vout": 3}]))),
        "gettxout" if params[0] == json!(outpoint(3).txid.to_string()) => Some(Ok(unspent(9, 9))),
        "gettxout" => Some(Ok(gettxout(params))),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn an_old_node_with_a_watching_wallet_finds_also_locked_collaterals() {
    let server = wallet_node(true).await;
    let found = client(&server, "wei-regtest")
        .coins_of(vec![address()], Vec::new())
        .await
        .unwrap();
    assert_eq!(found.source, CoinSource::WatchOnlyWallet);
    assert_eq!(places(&found.coins), HashSet::from([outpoint(1), outpoint(3)]));
}

#[tokio::test]
async fn a_wallet_that_does_not_know_the_address_is_not_believed() {
    let server = wallet_node(false).await;
    let client = client(&server, "wei-regtest");
    assert_eq!(
        client.coins_of(vec![address()], Vec::new()).await,
        Err(RpcError::NoCoinSearch)
    );
    let found = client.coins_of(vec![address()], vec![outpoint(1)]).await.unwrap();
    assert_eq!((found.source, found.coins.len()), (CoinSource::NamedOutpoints, 1));
}

#[tokio::test]
async fn named_outpoints_count_only_if_confirmed_unspent_and_of_the_address() {
    let server = node("wei-regtest", |method, params| {
        (method == "gettxout").then(|| Ok(gettxout(params)))
    })
    .await;
    let hints = vec![outpoint(1), outpoint(2), outpoint(3), outpoint(4), outpoint(1)];
    let found = client(&server, "wei-regtest")
        .coins_of(vec![address()], hints)
        .await
        .unwrap();
    assert_eq!(found.source, CoinSource::NamedOutpoints);
    assert_eq!(
        found.coins.iter().map(|coin| coin.outpoint).collect::<Vec<_>>(),
        [outpoint(1)]
    );
}

#[tokio::test]
async fn where_outputs_cannot_be_asked_for_the_transaction_proves_them() {
    let tx = Transaction {
        version: 2,
        kind: 0,
        inputs: vec![TxIn::unsigned(outpoint(1))],
        outputs: vec![TxOut::new(Amount::from_coins(3), address().script())],
        lock_time: 0,
        payload: Vec::new(),
    };
    let (txid, hex) = (tx.txid(), tx.to_hex());
    let server = node("wei-regtest", move |method, _| {
        (method == "getrawtransaction").then(|| Ok(json!({"hex": hex, "confirmations": 7, "height": 3})))
    })
    .await;
    let hints = vec![OutPoint { txid, vout: 0 }, OutPoint { txid, vout: 1 }];
    let found = client(&server, "wei-regtest")
        .coins_of(vec![address()], hints)
        .await
        .unwrap();
    assert_eq!((found.coins.len(), found.coins[0].value), (1, Amount::from_coins(3)));
    assert_eq!((found.coins[0].confirmations, found.coins[0].coinbase), (7, false));
}

#[tokio::test]
async fn a_server_without_batches_is_asked_one_by_one() {
    let genesis = profile("wei-regtest").genesis.to_string();
    let server = Server::start(move |incoming| {
        if incoming.body.is_array() {
            return Outgoing::Answer(400, "batches are not allowed".to_owned());
        }
        rpc(&incoming.body, &|method, params| match method {
            "getblockhash" => Some(Ok(json!(genesis))),
            "gettxout" => Some(Ok(gettxout(params))),
            _ => None,
        })
    })
    .await;
    let client = client(&server, "wei-regtest");
    for _ in 0..2 {
        let found = client
            .coins_of(vec![address()], vec![outpoint(1), outpoint(4)])
            .await
            .unwrap();
        assert_eq!(found.coins.len(), 1);
    }
    assert_eq!(
        server
            .heard()
            .iter()
            .filter(|incoming| incoming.body.is_array())
            .count(),
        1
    );
}

#[tokio::test]
async fn a_coin_tells_whether_it_is_unconfirmed_or_being_spent() {
    let server = node("dash-regtest", |method, params| {
        let mempool = params[2] == json!(true);
        let coin = match (params[1].as_u64(), mempool) {
            (Some(1), false) | (Some(2), _) => unspent(7, 9),
            (Some(3), true) => unspent(0, 9),
            _ => Value::Null,
        };
        (method == "gettxout").then_some(Ok(coin))
    })
    .await;
    let client = client(&server, "dash-regtest");
    let told = |number| {
        let client = &client;
        async move {
            let coin = client.coin(outpoint(number)).await.unwrap();
            coin.map(|coin| (coin.confirmations, coin.spent_in_mempool))
        }
    };
    assert_eq!(told(1).await, Some((7, true)));
    assert_eq!(told(2).await, Some((7, false)));
    assert_eq!(told(3).await, Some((0, false)));
    assert_eq!(told(4).await, None);
}

fn transaction(number: u32, version: i16, kind: u16) -> Transaction {
    Transaction {
        version,
        kind,
        inputs: Vec::new(),
        outputs: vec![TxOut::new(Amount::ZERO, ScriptBuf::new())],
        lock_time: number,
        payload: if kind == 0 { Vec::new() } else { vec![1] },
    }
}

/// A node whose mempool holds these; the last of them is gone when it is asked for.
async fn mempool(transactions: Vec<Transaction>) -> Server {
    let known: Vec<(Txid, String)> = transactions.iter().map(|tx| (tx.txid(), tx.to_hex())).collect();
    node("dash-regtest", move |method, params| match method {
        "getrawmempool" => Some(Ok(json!(
            known.iter().map(|(txid, _)| txid.to_string()).collect::<Vec<_>>()
        ))),
        "getrawtransaction" => {
            let at = known
                .iter()
                .position(|(txid, _)| params[0] == json!(txid.to_string()))
                .unwrap();
            let gone = at + 1 == known.len();
            Some(if gone {
                Err((-5, "No such".to_owned()))
            } else {
                Ok(json!(known[at].1))
            })
        }
        _ => None,
    })
    .await
}

#[tokio::test]
async fn pending_provider_transactions_are_found_and_looked_at_once() {
    let wanted = [transaction(1, 3, 1), transaction(2, 3, 4)];
    let others = [transaction(3, 2, 0), transaction(4, 3, 5), transaction(5, 3, 2)];
    let server = mempool([&wanted[..], &others[..]].concat()).await;
    let client = client(&server, "dash-regtest");
    for _ in 0..2 {
        let pending = client.pending().await.unwrap().unwrap();
        let found: HashSet<Txid> = pending.iter().map(|pending| pending.tx.txid()).collect();
        assert_eq!(found, HashSet::from([wanted[0].txid(), wanted[1].txid()]));
    }
    // Five at first; then only the one that was gone.
    assert_eq!(
        server
            .methods()
            .iter()
            .filter(|method| *method == "getrawtransaction")
            .count(),
        6
    );
}

#[tokio::test]
async fn a_mempool_too_large_to_look_through_is_not_known() {
    let many = |count| (0..count).map(|number| transaction(number, 2, 0)).collect();
    let server = mempool(many(2_001)).await;
    assert_eq!(client(&server, "dash-regtest").pending().await, Ok(None));
    assert_eq!(server.methods().len(), 2);
    let server = mempool(many(700)).await;
    let client = client(&server, "dash-regtest");
    assert_eq!(client.pending().await, Ok(None), "500 looked at, 200 still to come");
    assert_eq!(client.pending().await, Ok(Some(Vec::new())));
    let server = node("dash-regtest", |_, _| None).await;
    assert_eq!(super::client(&server, "dash-regtest").pending().await, Ok(None));
}
