//! The sandbox's node through the client that talks to real ones.

use std::sync::Arc;

use castellan::protocol::masternode::queue;
use castellan::protocol::network;
use castellan::protocol::{Address, Amount};
use castellan::rpc::{Auth, Client, Endpoint, Node};
use castellan::sandbox::{Options, Sandbox};

async fn start(name: &str) -> (Sandbox, Client) {
    let profile = network::builtin(name).expect("embedded");
    let mut options = Options::new(profile.clone());
    options.device = (1..=4).map(|n| Address::PubkeyHash([n; 20])).collect();
    let sandbox = Sandbox::start(options).await.expect("a free port");
    let auth = Auth::UserPassword {
        user: sandbox.user().to_owned(),
        password: sandbox.password().to_owned().into(),
    };
    let endpoint = Endpoint::new(&sandbox.rpc_url(), auth).expect("a URL");
    let client = Client::connect(endpoint, Arc::new(profile)).expect("a client");
    (sandbox, client)
}

#[tokio::test]
async fn the_client_takes_the_sandbox_for_a_node_of_the_network() {
    for (name, v19) in [("dash-regtest", true), ("wei-regtest", false)] {
        let (sandbox, client) = start(name).await;
        let status = client.status().await.expect("the right chain");
        assert_eq!(status.tip.height, sandbox.height());
        assert!(status.synced, "{name}");
        let can = &status.capabilities;
        assert_eq!(
            (can.v19_active, can.test_mempool_accept, can.list_diff),
            (v19, v19, v19)
        );
        let list = client.masternodes().await.expect("a list");
        assert_eq!(list.entries.len(), 30);
        let first = &list.entries[0];
        let again = client.masternode(first.pro_tx_hash).await.expect("an entry");
        assert_eq!(again.map(|entry| entry.collateral), Some(first.collateral));
        assert!(client.fee_rate().await.expect("a rate").advised >= Amount::from_duffs(1000));
    }
}

#[tokio::test]
async fn the_client_finds_the_devices_coins_and_the_waiting_one() {
    for (name, kinds) in [("dash-regtest", [2, 1, 2, 1]), ("wei-regtest", [2, 0, 2, 1])] {
        let (sandbox, client) = start(name).await;
        for (index, expected) in (1..=4).zip(kinds) {
            let address = Address::PubkeyHash([index; 20]);
            let found = client.coins_of(vec![address], Vec::new()).await.expect("a search");
            assert_eq!(found.coins.len(), expected, "{name} {index}");
            assert!(found.coins.iter().all(|coin| coin.confirmations >= 15));
        }
        sandbox.mine(1);
        let address = Address::PubkeyHash([4; 20]);
        let found = client.coins_of(vec![address], Vec::new()).await.expect("a search");
        assert_eq!(found.coins.len(), 2, "{name}: confirmed by the next block");
    }
}

/// The app's queue and the sandbox's own payee rule were written apart; they must agree on who is next.
#[tokio::test]
async fn the_apps_queue_predicts_whom_the_sandbox_pays() {
    for name in ["dash-regtest", "wei-regtest"] {
        let (sandbox, client) = start(name).await;
        let status = client.status().await.expect("a status");
        for _ in 0..40 {
            let list = client.masternodes().await.expect("a list");
            let height = list.tip.height;
            let evo = status.capabilities.evo_payments();
            let slots = queue::queue(&list.entries, height, evo);
            sandbox.mine(1);
            let paid = sandbox.with_chain(|chain| chain.tip().payment.as_ref().map(|payment| payment.pro_tx_hash));
            assert_eq!(slots.first().map(|slot| slot.pro_tx_hash), paid, "{name} {height}");
        }
    }
}
