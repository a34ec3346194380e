//! Three recorded chains told again: every registration and every update, submitted at its recorded height, must be accepted
//! and leave the masternode list the real node showed.

use bitcoin::ScriptBuf;
use serde_json::{Value, json};

use super::shapes::{numbers_as_floats, recorded};
use super::support::{NOW, result, serve};
use crate::protocol::network;
use crate::protocol::script::pay_to_key;
use crate::protocol::special_tx::Payload;
use crate::protocol::tx::Transaction;
use crate::sandbox::chain::Coin;
use crate::sandbox::script_check::pushes;
use crate::sandbox::{Chain, Sandbox};

struct Story {
    network: &'static str,
    transactions: &'static str,
    calls: &'static str,
    v19: Option<u32>,
    mn_rr: Option<u32>,
    /// The tip of most recorded calls.
    height: u32,
}

/// Activation heights as in the recorded `getblockchaininfo`.
const STORIES: [Story; 3] = [
    Story {
        network: "dash-regtest",
        transactions: "dashd-23.1.2/legacy-transactions.json",
        calls: "dashd-23.1.2/legacy-rpc.json",
        v19: Some(90_000),
        mn_rr: Some(90_000),
        height: 466,
    },
    Story {
        network: "dash-regtest",
        transactions: "dashd-23.1.2/modern-transactions.json",
        calls: "dashd-23.1.2/modern-rpc.json",
        v19: Some(2),
        mn_rr: Some(300),
        height: 471,
    },
    Story {
        network: "wei-regtest",
        transactions: "weid-0.17.0.3/transactions.json",
        calls: "weid-0.17.0.3/rpc.json",
        v19: None,
        mn_rr: None,
        height: 2216,
    },
];

/// What a transaction spends, as far as it is not there yet: outputs to the keys that signed, and a collateral.
fn provide(chain: &mut Chain, tx: &Transaction) {
    let mut value = tx.output_total().unwrap().duffs() + 10_000;
    for input in &tx.inputs {
        let signed = pushes(input.script_sig.as_bytes()).unwrap();
        let key = bitcoin::secp256k1::PublicKey::from_slice(signed[1]).unwrap();
        let hash = crate::protocol::key::KeyId::of(&key);
        put_coin(chain, input.previous, value, pay_to_key(&hash.0));
        value = 0;
    }
}

fn put_coin(chain: &mut Chain, outpoint: bitcoin::OutPoint, value: u64, script: ScriptBuf) {
    let height = Some(chain.height() - 1);
    chain.coins.entry(outpoint).or_insert(Coin {
        value,
        script,
        height,
        coinbase: false,
    });
}

impl Story {
    fn chain(&self) -> Chain {
        let mut profile = network::builtin(self.network).unwrap();
        profile.activation.v19 = self.v19;
        profile.activation.mn_rr = self.mn_rr;
        Chain::new(profile, 1, NOW)
    }

    /// All that was recorded, each mined at its height, and then up to `height`.
    fn tell_until(&self, height: u32) -> Chain {
        let mut chain = self.chain();
        for case in recorded(self.transactions) {
            let at = u32::try_from(case["decoded"]["height"].as_u64().unwrap()).unwrap();
            if at > height {
                break;
            }
            while chain.height() + 1 < at {
                chain.mine(NOW);
            }
            let tx = Transaction::from_hex(case["hex"].as_str().unwrap()).unwrap();
            provide(&mut chain, &tx);
            self.provide_collateral(&mut chain, &tx);
            let txid = chain.submit(tx, NOW).map_err(|reject| (reject, &case["what"])).unwrap();
            assert_eq!(txid.to_string(), case["txid"]);
            chain.mine(NOW);
        }
        while chain.height() < height {
            chain.mine(NOW);
        }
        chain
    }

    /// External collaterals are paid to the addresses the node printed with its masternodes.
    fn provide_collateral(&self, chain: &mut Chain, tx: &Transaction) {
        let Ok(Payload::ProReg(payload)) = Payload::of(tx) else {
            return;
        };
        if payload.is_internal() {
            return;
        }
        let list = self.listed();
        let mn = list.iter().find(|mn| mn["proTxHash"] == tx.txid().to_string()).unwrap();
        let address = crate::protocol::Address::parse(mn["collateralAddress"].as_str().unwrap(), chain.profile());
        let value = chain.profile().collateral(payload.mn_type().unwrap()).unwrap().duffs();
        put_coin(chain, payload.collateral, value, address.unwrap().script());
    }

    fn listed(&self) -> Vec<Value> {
        let calls = recorded(self.calls);
        let list = calls
            .iter()
            .find(|call| call["params"] == json!(["list", "registered", true]));
        list.unwrap()["result"].as_array().unwrap().clone()
    }
}

/// The entries by proTxHash, without what depends on more than the story.
fn entries(list: &Value) -> Vec<Value> {
    let mut all: Vec<Value> = list.as_array().unwrap().iter().map(numbers_as_floats).collect();
    for entry in &mut all {
        for key in ["metaInfo", "wallet", "confirmations"] {
            entry.as_object_mut().unwrap().remove(key);
        }
    }
    all.sort_by_key(|entry| entry["proTxHash"].to_string());
    all
}

async fn assert_same_list(node: &Sandbox, params: Value, theirs: &Value) {
    let ours = result(node, "protx", params).await;
    for (ours, theirs) in entries(&ours).iter().zip(entries(theirs)) {
        assert_eq!(*ours, theirs);
    }
    assert_eq!(entries(&ours).len(), entries(theirs).len());
}

#[tokio::test]
async fn every_recorded_update_is_accepted_and_leaves_the_recorded_list() {
    for story in STORIES {
        let node = serve(story.tell_until(story.height)).await;
        let mut compared = 0;
        for call in recorded(story.calls) {
            let params = call["params"].as_array().cloned().unwrap_or_default();
            let is_list = call["method"] == "protx" && params.first() == Some(&json!("list"));
            if call.get("when").is_some() || !is_list || params.get(2) != Some(&json!(true)) || params[1] == "wallet" {
                continue;
            }
            assert_same_list(&node, json!(params), &call["result"]).await;
            compared += 1;
        }
        assert!(compared >= 2, "{}: {compared}", story.calls);
    }
}

/// The list as it was before the revocations, healthy and with its operator payout.
#[tokio::test]
async fn before_its_revocations_the_recorded_chain_had_the_recorded_list() {
    let story = &STORIES[2];
    let calls = recorded(story.calls);
    let before = calls.iter().find(|call| {
        call["params"] == json!(["list", "valid", true])
            && call["when"]
                .as_str()
                .is_some_and(|when| when.starts_with("before the revocations"))
    });
    let node = serve(story.tell_until(2182)).await;
    assert_same_list(&node, json!(["list", "valid", true]), &before.unwrap()["result"]).await;
}

#[tokio::test]
async fn recorded_differences_between_heights_are_ours_too() {
    for story in &STORIES[..2] {
        let calls = recorded(story.calls);
        let theirs = calls.iter().find(|call| call["params"][0] == "listdiff").unwrap();
        let node = serve(story.tell_until(story.height)).await;
        let ours = result(&node, "protx", theirs["params"].clone()).await;
        let updated = |diff: &Value| {
            let mut all = diff["updatedMNs"].as_array().unwrap().clone();
            all.sort_by_key(Value::to_string);
            all
        };
        assert_eq!(updated(&ours), updated(&theirs["result"]));
        assert_eq!(ours["addedMNs"], theirs["result"]["addedMNs"]);
        assert_eq!(ours["removedMNs"], theirs["result"]["removedMNs"]);
    }
}

/// Payees are found by list alone, so the recorded winners must be ours.
#[tokio::test]
async fn recorded_winners_are_ours_too() {
    for story in STORIES {
        let calls = recorded(story.calls);
        let theirs = calls
            .iter()
            .find(|call| call["method"] == "masternode" && call["params"] == json!(["winners"]));
        let node = serve(story.tell_until(story.height)).await;
        let ours = result(&node, "masternode", json!(["winners"])).await;
        assert_eq!(ours, theirs.unwrap()["result"], "{}", story.calls);
    }
}

/// Mined updates are printed as the node printed them; blocks, times and the coins spent are the story's.
#[tokio::test]
async fn recorded_updates_are_printed_as_recorded() {
    const NAMES: [&str; 3] = ["proUpServTx", "proUpRegTx", "proUpRevTx"];
    for story in STORIES {
        let node = serve(story.tell_until(story.height)).await;
        let mut compared = 0;
        for case in recorded(story.transactions) {
            let Some(name) = NAMES.into_iter().find(|name| case["decoded"].get(*name).is_some()) else {
                continue;
            };
            let mined = result(&node, "getrawtransaction", json!([case["txid"], 1])).await;
            let decoded = result(&node, "decoderawtransaction", json!([case["hex"]])).await;
            for ours in [&mined, &decoded] {
                for key in [name, "extraPayload", "extraPayloadSize", "type", "version", "vout"] {
                    let theirs = &case["decoded"][key];
                    assert_eq!(numbers_as_floats(&ours[key]), numbers_as_floats(theirs), "{key}");
                }
            }
            let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&mined[name]), keys(&case["decoded"][name]), "in the node's order");
            assert_eq!(keys(&mined), keys(&case["decoded"]));
            compared += 1;
        }
        assert!(compared >= 7, "{}: {compared}", story.transactions);
    }
}

/// The other list, of banned, revoked and waiting masternodes too; the times of payments are the story's.
#[tokio::test]
async fn the_recorded_masternodelist_is_ours_too() {
    fn untimed(list: &Value) -> Value {
        let mut list = list.clone();
        for entry in list.as_object_mut().unwrap().values_mut() {
            match entry {
                Value::Object(entry) => entry["lastpaidtime"] = json!(0),
                Value::String(text) => {
                    let words: Vec<&str> = text.split_whitespace().collect();
                    let is_time = |word: &&&str| word.len() != 10 || word.parse::<u64>().is_err();
                    *text = words.iter().filter(is_time).copied().collect::<Vec<_>>().join(" ");
                }
                _ => {}
            }
        }
        list
    }
    for story in STORIES {
        let node = serve(story.tell_until(story.height)).await;
        let calls = recorded(story.calls);
        let of_list = calls
            .iter()
            .filter(|call| call["method"] == "masternodelist" && call["result"].is_object());
        let mut compared = 0;
        for call in of_list.filter(|call| call.get("when").is_none()) {
            let mode = &call["params"][0];
            if mode == "lastpaidtime" {
                continue;
            }
            let ours = result(&node, "masternodelist", call["params"].clone()).await;
            assert_eq!(untimed(&ours), untimed(&call["result"]), "{} {mode}", story.calls);
            compared += 1;
        }
        let count = calls.iter().find(|call| call["params"] == json!(["count"]));
        assert_eq!(
            result(&node, "masternode", json!(["count"])).await,
            count.unwrap()["result"]
        );
        assert!(compared >= 3, "{}: {compared}", story.calls);
    }
}
