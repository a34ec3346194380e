//! The client on a real node, which this file starts on a chain of its own:
//!
//!     DASHD_EXE=/path/to/dashd cargo test --lib rpc::tests::live -- --ignored

use std::process::{Child, Command};

use serde_json::{Value, json};

use super::*;
use crate::protocol::{Address, Amount, Transaction};
use crate::rpc::http::Size;
use crate::rpc::json::parse;
use crate::rpc::{CoinSource, Node, RpcError};

struct Dashd {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Dashd {
    async fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(std::env::var("DASHD_EXE").expect("DASHD_EXE names a dashd"))
            .args([
                "-regtest",
                "-server=1",
                "-listen=0",
                "-dnsseed=0",
                "-fallbackfee=0.0001",
                "-printtoconsole=0",
            ])
            .arg(format!("-datadir={}", folder.path().display()))
            .arg(format!("-rpcport={port}"))
            .args(arguments)
            .spawn()
            .unwrap();
        let node = Self { child, folder, port };
        for _ in 0..100 {
            match node.client().tip().await {
                Ok(_) => return node,
                Err(RpcError::Unreachable { .. } | RpcError::Cookie { .. } | RpcError::WarmingUp { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        panic!("the node did not start");
    }

    fn client(&self) -> Client {
        let cookie = Auth::Cookie(self.folder.path().join("regtest/.cookie"));
        let endpoint = Endpoint::new(&format!("http://127.0.0.1:{}", self.port), cookie).unwrap();
        Client::connect(endpoint, profile("dash-regtest")).unwrap()
    }
}

impl Drop for Dashd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn ask(client: &Client, method: &str, params: Value) -> Value {
    let raw = client.ask(method, params, Size::Small).await.unwrap();
    serde_json::from_str(raw.get()).unwrap()
}

/// A wallet with money, and its mining address.
async fn fund(client: &Client) -> Address {
    // With descriptors: builds without Berkeley DB know no other wallets.
    ask(
        client,
        "createwallet",
        json!(["w", false, false, "", false, true, false]),
    )
    .await;
    let text = ask(client, "getnewaddress", json!([])).await;
    ask(client, "generatetoaddress", json!([110, text])).await;
    Address::parse(text.as_str().unwrap(), &profile("dash-regtest")).unwrap()
}

#[tokio::test]
#[ignore = "needs a dashd: set DASHD_EXE"]
async fn a_node_with_indexes_answers_every_call() {
    let node = Dashd::start(&["-txindex=1", "-addressindex=1"]).await;
    let client = node.client();
    let miner = fund(&client).await;
    let status = client.status().await.unwrap();
    assert_eq!(status.tip.height, 110);
    let can = &status.capabilities;
    assert_eq!(
        (can.address_index, can.tx_index, can.wallet),
        (Some(true), Some(true), Some(true))
    );
    assert!(status.synced && can.v19_active);
    assert_eq!(*client.masternodes().await.unwrap().entries, []);

    let mined = client.coins_of(vec![miner], Vec::new()).await.unwrap();
    assert_eq!((mined.source, mined.coins.len()), (CoinSource::AddressIndex, 110));
    assert!(
        mined
            .coins
            .iter()
            .filter(|coin| coin.confirmations < 100)
            .all(|coin| coin.coinbase)
    );

    let profile = profile("dash-regtest");
    let target = Address::PubkeyHash([5; 20]);
    let sent = ask(&client, "sendtoaddress", json!([target.to_text(&profile), 7.5])).await;
    let txid = sent.as_str().unwrap().parse().unwrap();
    let found = client.transaction(txid).await.unwrap().unwrap();
    assert_eq!((found.confirmations, found.height), (0, None));
    let vout = found
        .tx
        .outputs
        .iter()
        .position(|output| output.script == target.script())
        .unwrap() as u32;
    let outpoint = bitcoin::OutPoint { txid, vout };
    let coin = client.coin(outpoint).await.unwrap().unwrap();
    assert_eq!((coin.value, coin.confirmations), (Amount::from_duffs(750_000_000), 0));
    assert!(
        client
            .coin(found.tx.inputs[0].previous)
            .await
            .unwrap()
            .unwrap()
            .spent_in_mempool
    );
    assert_eq!(client.pending().await, Ok(Some(Vec::new())));
    assert_eq!(client.coins_of(vec![target], Vec::new()).await.unwrap().coins, []);
    let left = client.coins_of(vec![miner], Vec::new()).await.unwrap().coins;
    assert!(left.iter().all(|coin| coin.outpoint != found.tx.inputs[0].previous));

    // Sent again: from the mempool, mined, and with inputs that never were.
    assert_eq!(client.broadcast(found.tx.clone()).await, Ok(txid));
    ask(&client, "generatetoaddress", json!([1, miner.to_text(&profile)])).await;
    assert_eq!(client.broadcast(found.tx.clone()).await, Ok(txid));
    let mut other: Transaction = found.tx.clone();
    other.inputs[0].previous.vout = 77;
    assert!(
        matches!(client.broadcast(other).await, Err(RpcError::Rejected { reason, .. }) if reason == "bad-txns-inputs-missingorspent")
    );
    let mined = client.transaction(txid).await.unwrap().unwrap();
    assert_eq!((mined.confirmations, mined.height), (1, Some(111)));
    assert_eq!(client.coins_of(vec![target], Vec::new()).await.unwrap().coins.len(), 1);
    let rate = client.fee_rate().await.unwrap();
    assert!(rate.relay.duffs() >= 1_000 && rate.advised.duffs() >= 2_000, "{rate:?}");
    assert_eq!(client.masternode(txid).await, Ok(None));
}

#[tokio::test]
#[ignore = "needs a dashd: set DASHD_EXE"]
async fn a_node_without_indexes_is_scanned_and_its_blocks_are_searched() {
    let node = Dashd::start(&["-txindex=0", "-addressindex=0"]).await;
    let client = node.client();
    let miner = fund(&client).await;
    let can = client.status().await.unwrap().capabilities;
    assert_eq!((can.address_index, can.tx_index), (Some(false), Some(false)));
    let found = client.coins_of(vec![miner], Vec::new()).await.unwrap();
    assert_eq!((found.source, found.coins.len()), (CoinSource::UtxoScan, 110));
    assert!(
        found
            .coins
            .iter()
            .all(|coin| coin.coinbase && coin.script == miner.script())
    );
    let coin = &found.coins[0];
    let tx = client.transaction(coin.outpoint.txid).await.unwrap().unwrap();
    assert_eq!(tx.confirmations, coin.confirmations);
    assert_eq!(tx.tx.outputs[coin.outpoint.vout as usize].amount(), Some(coin.value));

    // The wallet, as an older node without the scan would be asked.
    client.learned().scan = Some(false);
    let profile = profile("dash-regtest");
    let collateral = ask(&client, "getnewaddress", json!([])).await;
    let sent = ask(&client, "sendtoaddress", json!([collateral, 1000])).await;
    ask(&client, "generatetoaddress", json!([1, miner.to_text(&profile)])).await;
    let collateral = Address::parse(collateral.as_str().unwrap(), &profile).unwrap();
    let by_wallet = client.coins_of(vec![collateral], Vec::new()).await.unwrap();
    assert_eq!(
        (by_wallet.source, by_wallet.coins.len()),
        (CoinSource::WatchOnlyWallet, 1)
    );
    let coin = by_wallet.coins[0].clone();
    assert_eq!(
        (coin.outpoint.txid.to_string(), coin.value),
        (sent.as_str().unwrap().to_owned(), Amount::from_coins(1000))
    );
    let lock = json!([false, [{"txid": sent, "vout": coin.outpoint.vout}]]);
    ask(&client, "lockunspent", lock).await;
    assert_eq!(client.coins_of(vec![collateral], Vec::new()).await.unwrap(), by_wallet);

    // Nobody's address: only what is named is found.
    let stranger = Address::PubkeyHash([5; 20]);
    assert_eq!(
        client.coins_of(vec![stranger], Vec::new()).await,
        Err(RpcError::NoCoinSearch)
    );
    let named = client
        .coins_of(vec![stranger, collateral], vec![coin.outpoint])
        .await
        .unwrap();
    assert_eq!((named.source, named.coins), (CoinSource::NamedOutpoints, vec![coin]));
    let raw = client.ask("getblockcount", json!([]), Size::Small).await.unwrap();
    assert_eq!(parse("getblockcount", &raw, |json| json.u32()), Ok(111));
}
