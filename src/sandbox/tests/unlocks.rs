//! Rewards and asset unlocks: what devices hold of them at the start, and how more of them are made.

use bitcoin::OutPoint;
use serde_json::{Value, json};

use super::support::{NOW, key, key_id, result, serve, start, verdict};
use crate::protocol::amount::COIN;
use crate::protocol::network;
use crate::protocol::script::pay_to_key;
use crate::protocol::tx::{Transaction, TxIn, TxOut};
use crate::protocol::wire::hash_to_display;
use crate::protocol::{Address, Amount};
use crate::sandbox::asset_unlock::{ASSET_UNLOCK, AssetUnlock};
use crate::sandbox::faucet::sign_inputs;
use crate::sandbox::start::SMALL_COINS;
use crate::sandbox::{Chain, Extras, Setup, UnlockError};

fn address(number: u8) -> Address {
    key_id(number).address()
}

fn extras(first: u8) -> Extras {
    Extras {
        rewards: address(first),
        unlock: address(first + 1),
        small: vec![address(first + 2), address(first + 3)],
    }
}

fn with_extras(network: &str) -> Chain {
    Chain::start(&Setup {
        profile: network::builtin(network).unwrap(),
        seed: 7,
        masternodes: 6,
        device: Vec::new(),
        extras: vec![extras(40), extras(50)],
        now: NOW,
    })
    .unwrap()
}

/// Outpoint, value and whether it is of a coinbase.
fn held(chain: &Chain, address: Address) -> Vec<(OutPoint, u64, bool)> {
    let script = address.script();
    let coins = chain.coins().filter(|(_, coin)| coin.script == script);
    coins
        .map(|(outpoint, coin)| (*outpoint, coin.value, coin.coinbase))
        .collect()
}

/// A payment of one coin to nobody in particular, signed by a key of the tests.
fn spend(outpoint: OutPoint, value: u64, owner: u8) -> Transaction {
    let to = pay_to_key(&key_id(99).0);
    let mut tx = Transaction {
        inputs: vec![TxIn::unsigned(outpoint)],
        outputs: vec![TxOut::new(Amount::from_duffs(value - 1_000), to)],
        ..Transaction::empty(2)
    };
    sign_inputs(&mut tx, &key(owner));
    tx
}

#[test]
fn each_device_starts_with_a_mature_and_an_immature_reward_and_many_small_coins() {
    for (network, unlocks) in [("dash-regtest", 1), ("wei-regtest", 0), ("dash", 0)] {
        let chain = with_extras(network);
        for first in [40, 50] {
            let rewards = held(&chain, address(first));
            assert!(rewards.iter().all(|(_, _, coinbase)| *coinbase), "{network}");
            let mut verdicts: Vec<String> = rewards
                .iter()
                .map(|(outpoint, value, _)| verdict(chain.test(&spend(*outpoint, *value, first)).map(drop)))
                .collect();
            verdicts.sort_unstable();
            assert_eq!(
                verdicts,
                ["accepted", "bad-txns-premature-spend-of-coinbase"],
                "{network}"
            );

            let unlocked = held(&chain, address(first + 1));
            assert_eq!(unlocked.len(), unlocks, "{network}");
            for (outpoint, value, coinbase) in unlocked {
                let (tx, _) = chain.transaction(outpoint.txid).unwrap();
                assert_eq!((tx.kind, tx.inputs.len(), coinbase), (ASSET_UNLOCK, 0, false));
                assert_eq!(chain.test(&spend(outpoint, value, first + 1)).map(drop), Ok(()));
            }

            let small = [held(&chain, address(first + 2)), held(&chain, address(first + 3))].concat();
            assert_eq!(small.len(), SMALL_COINS, "{network}");
            assert!(small.iter().all(|(_, value, _)| *value < COIN));
        }
    }
}

#[test]
fn an_asset_unlock_is_mined_once_and_taken_out_of_the_credit_pool() {
    let mut chain = start("dash-regtest", 6);
    let pay = [(address(60).script(), Amount::from_coins(7))];
    let before = chain.credit_pool;
    let txid = chain.unlock_assets(&pay, NOW).unwrap();
    let second = chain.unlock_assets(&pay, NOW).unwrap();
    let (tx, height) = chain.transaction(txid).unwrap();
    assert_eq!(height, None);
    assert_eq!(Transaction::decode(&tx.encode()).as_ref(), Ok(tx.as_ref()));
    let index = |txid| AssetUnlock::of(&chain.transaction(txid).unwrap().0).unwrap().index;
    assert_eq!((index(txid), index(second)), (0, 1));
    let block = chain.mine(NOW).clone();
    assert_eq!(block.fees, 2 * 2_000);
    let earned = chain.transaction(block.txids[0]).unwrap().0.outputs[1]
        .value
        .unsigned_abs();
    assert_eq!(chain.credit_pool, before + earned - 14 * COIN - 4_000);
    assert_eq!(held(&chain, address(60)).len(), 2);
    let again = chain.submit(Transaction::clone(&tx), NOW).map(drop);
    assert_eq!(verdict(again), "bad-assetunlock-duplicated-index");
}

#[test]
fn only_the_quorum_can_unlock_and_only_for_a_while() {
    let mut chain = start("dash-regtest", 6);
    let txid = chain
        .unlock_assets(&[(address(60).script(), Amount::from_coins(7))], NOW)
        .unwrap();
    let good = Transaction::clone(&chain.transaction(txid).unwrap().0);
    let payload = AssetUnlock::of(&good).unwrap();
    // The mempool forgets it; a stranger brings it again.
    chain.mempool.drain();
    assert_eq!(chain.test(&good).map(|accepted| accepted.fee), Ok(2_000));

    type Change = fn(&mut Transaction, &mut AssetUnlock);
    let cases: [(&str, Change); 8] = [
        ("bad-assetunlock-not-verified", |tx, _| tx.outputs[0].value += 1),
        ("bad-assetunlock-not-verified", |_, payload| payload.index += 1),
        ("bad-assetunlock-not-verified", |_, payload| payload.signature[5] ^= 1),
        ("bad-assetunlock-quorum-hash", |_, payload| payload.quorum_hash[0] ^= 1),
        ("bad-assetunlocktx-version", |_, payload| payload.version = 2),
        ("bad-txns-assetunlock-fee-outofrange", |_, payload| payload.fee = 0),
        ("bad-assetunlock-too-late", |_, payload| payload.requested_height += 1),
        ("bad-assetunlocktx-too-many-outs", |tx, _| {
            tx.outputs = vec![tx.outputs[0].clone(); 33];
        }),
    ];
    for (expected, change) in cases {
        let (mut tx, mut payload) = (good.clone(), payload.clone());
        change(&mut tx, &mut payload);
        tx.payload = payload.encode();
        assert_eq!(verdict(chain.test(&tx).map(drop)), expected);
    }
    let mut fed = good.clone();
    let coin = chain.coins().next().map(|(outpoint, _)| *outpoint).unwrap();
    fed.inputs.push(TxIn::unsigned(coin));
    assert_eq!(verdict(chain.test(&fed).map(drop)), "bad-assetunlocktx-have-input");
    let mut cut = good.clone();
    cut.payload.pop();
    assert_eq!(verdict(chain.test(&cut).map(drop)), "bad-assetunlocktx-payload");
    for _ in 0..47 {
        chain.mine(NOW);
    }
    assert_eq!(verdict(chain.test(&good).map(drop)), "accepted");
    chain.mine(NOW);
    assert_eq!(verdict(chain.test(&good).map(drop)), "bad-assetunlock-too-late");
}

#[test]
fn platform_pays_no_more_than_it_holds_and_nothing_where_it_is_not() {
    let mut chain = start("dash-regtest", 6);
    let most = Amount::from_duffs(chain.credit_pool - 2_000);
    let script = address(60).script();
    let too_much = most.checked_add(Amount::from_duffs(1)).unwrap();
    assert!(matches!(
        chain.unlock_assets(&[(script.clone(), too_much)], NOW),
        Err(UnlockError::Empty { .. })
    ));
    chain.unlock_assets(&[(script.clone(), most)], NOW).unwrap();
    assert!(matches!(
        chain.unlock_assets(&[(script.clone(), Amount::from_coins(1))], NOW),
        Err(UnlockError::Empty { .. })
    ));
    let mut wei = start("wei-regtest", 6);
    let refused = wei.unlock_assets(&[(script, Amount::from_coins(1))], NOW);
    assert_eq!(refused, Err(UnlockError::NotActive));
}

#[tokio::test]
async fn scripts_make_rewards_and_asset_unlocks_and_read_them_as_a_node_prints_them() {
    let sandbox = serve(start("dash-regtest", 6)).await;
    let to = sandbox.with_chain(|chain| address(60).to_text(chain.profile()));
    let height = result(&sandbox, "sandbox_reward", json!([to])).await;
    assert_eq!(height, json!(sandbox.height() + 1));
    let txid = result(&sandbox, "sandbox_asset_unlock", json!([to, "2.5"])).await;
    let mempool = result(&sandbox, "getrawmempool", json!([true])).await;
    assert_eq!(mempool[txid.as_str().unwrap()]["fee"].to_string(), "0.00002000");
    result(&sandbox, "sandbox_mine", json!([1])).await;

    let hash = result(&sandbox, "getblockhash", json!([height])).await;
    let block = result(&sandbox, "getblock", json!([hash, 2])).await;
    let coinbase = &block["tx"][0];
    assert_eq!(coinbase["vout"][0]["scriptPubKey"]["address"], json!(to));
    assert_eq!(coinbase.get("fee"), None);
    assert_eq!(block["tx"][1]["fee"].to_string(), "0.00002000");

    let tx = result(&sandbox, "getrawtransaction", json!([txid, true])).await;
    assert_eq!(
        (&tx["type"], &tx["vin"], &tx["vout"][0]["valueSat"]),
        (&json!(9), &json!([]), &json!(250_000_000))
    );
    let unlock = &tx["assetUnlockTx"];
    let keys: Vec<&str> = unlock.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["version", "index", "fee", "requestedHeight", "quorumHash", "quorumSig"]
    );
    let payload = AssetUnlock::decode(&crate::protocol::wire::from_hex(tx["extraPayload"].as_str().unwrap()).unwrap());
    assert_eq!(
        unlock["quorumHash"],
        json!(hash_to_display(&payload.unwrap().quorum_hash))
    );
    let decoded = result(&sandbox, "decoderawtransaction", json!([tx["hex"]])).await;
    assert_eq!(&decoded["assetUnlockTx"], unlock);

    let out = |txid: Value, vout: u32| {
        let sandbox = &sandbox;
        async move { result(sandbox, "gettxout", json!([txid, vout])).await }
    };
    assert_eq!(out(txid.clone(), 0).await["coinbase"], json!(false));
    assert_eq!(out(coinbase["txid"].clone(), 0).await["coinbase"], json!(true));
    let scan = result(&sandbox, "scantxoutset", json!(["start", [format!("addr({to})")]])).await;
    let flags: Vec<&Value> = scan["unspents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|coin| &coin["coinbase"])
        .collect();
    assert!(flags.len() == 2 && flags.contains(&&json!(true)) && flags.contains(&&json!(false)));
}
