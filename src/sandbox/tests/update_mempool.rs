//! Updates that wait: what they keep out, what blocks make of them, and when they have to go.

use bitcoin::ScriptBuf;
use serde_json::json;

use super::support::{Bench, NOW, key, key_id, operator, pay, result, sandbox, serve, verdict};
use super::update_bench::Updates;
use crate::protocol::Amount;
use crate::protocol::network::MnType;
use crate::protocol::script::pay_to_key;
use crate::protocol::special_tx::{ProRegTx, Service};
use crate::protocol::tx::{PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV, TxIn};
use crate::sandbox::faucet::sign_inputs;

const BOTH: [&str; 2] = ["dash-regtest", "wei-regtest"];
const OK: &str = "accepted";
const DUP: &str = "protx-dup";

fn is_waiting(updates: &Updates, txid: bitcoin::Txid) -> bool {
    updates.chain.mempool().get(txid).is_some()
}

#[test]
fn only_one_change_of_the_operator_key_may_wait() {
    for network in BOTH {
        let mut updates = Updates::new(network, MnType::Regular);
        updates.set_operator(25);
        updates.send(PRO_UP_REG);
        assert_eq!(updates.verdict(PRO_UP_REG), DUP, "the same again");
        updates.set_operator(26);
        assert_eq!(updates.verdict(PRO_UP_REG), DUP, "a second key");
        assert_eq!(updates.verdict(PRO_UP_REV), DUP);
        assert_eq!(updates.verdict(PRO_UP_SERV), OK, "by the operator that still is");
        updates.operator = Some(operator(25));
        assert_eq!(updates.verdict(PRO_UP_SERV), "bad-protx-sig", "by the one to come");
        updates.set_operator(15);
        assert_eq!(updates.verdict(PRO_UP_REG), OK, "the key stays");
    }
}

#[test]
fn while_a_revocation_waits_no_other_and_no_new_key_may() {
    for network in BOTH {
        let mut updates = Updates::new(network, MnType::Regular);
        updates.send(PRO_UP_REV);
        assert_eq!(updates.verdict(PRO_UP_REV), DUP);
        assert_eq!(updates.verdict(PRO_UP_REG), OK, "the key stays");
        updates.set_operator(25);
        assert_eq!(updates.verdict(PRO_UP_REG), DUP);
    }
}

/// Dash Core txmempool.cpp: its maps lead to the txid of who waits, and that is compared with the masternode's hash.
#[test]
fn an_address_or_operator_key_that_waits_is_taken_even_for_its_own_masternode() {
    for network in BOTH {
        let mut updates = Updates::new(network, MnType::Regular);
        updates.send(PRO_UP_SERV);
        updates.serv.operator_payout = ScriptBuf::new();
        assert_eq!(updates.verdict(PRO_UP_SERV), DUP, "the same address");
        updates.serv.service.port += 1;
        assert_eq!(updates.verdict(PRO_UP_SERV), OK, "another address");
        assert_eq!(updates.verdict(PRO_UP_REG), OK, "payout and voting key beside it");
        updates.send(PRO_UP_REG);
        updates.reg.payout = pay_to_key(&key_id(19).0);
        assert_eq!(updates.verdict(PRO_UP_REG), DUP, "the same operator key");
        updates.chain.mine(NOW);
        assert_eq!(updates.verdict(PRO_UP_REG), OK, "one after the other");
    }
}

/// A second registration beside the updates of the first: what it claims, and the verdict.
#[test]
fn an_address_or_key_of_a_waiting_update_is_taken_for_registrations() {
    type Claim = fn(&mut ProRegTx, &Updates);
    let claims: [(Claim, &str); 3] = [
        (|_, _| {}, OK),
        (|payload, updates| payload.service = updates.serv.service, DUP),
        (|payload, updates| payload.operator = updates.reg.operator, DUP),
    ];
    for network in BOTH {
        for (claim, expected) in claims {
            let mut bench = Bench::new(network, MnType::Regular);
            let value = bench.chain.profile().collateral_regular;
            let collateral = pay(&mut bench.chain, pay_to_key(&key_id(10).0), value);
            let fee = pay(&mut bench.chain, pay_to_key(&key_id(11).0), Amount::from_coins(2));
            let (mut payload, tx, signer) = (bench.payload.clone(), bench.tx.clone(), bench.signer.clone());
            let mut updates = Updates::of(bench);
            updates.set_operator(25);
            updates.send(PRO_UP_SERV);
            updates.send(PRO_UP_REG);
            payload.collateral = collateral;
            payload.owner = key_id(32);
            payload.operator = operator(35).public_key().encode(payload.key_encoding());
            payload.service.port += 5;
            claim(&mut payload, &updates);
            let mut second = Bench {
                chain: updates.chain,
                payload,
                tx,
                fee_coin: fee,
                signer,
            };
            second.tx.inputs = vec![TxIn::unsigned(fee)];
            second.payload.inputs_hash = second.tx.inputs_hash();
            assert_eq!(second.verdict(), expected, "{network}");
        }
    }
}

#[test]
fn a_service_update_of_another_type_waits_and_is_never_mined_until_it_fits() {
    let mut updates = Updates::new("dash-regtest", MnType::Evo);
    let before = updates.state();
    (updates.serv.kind, updates.serv.platform) = (0, None);
    let misfit = updates.send(PRO_UP_SERV);
    // What spends its change has to wait too, everything else goes on.
    let change = bitcoin::OutPoint { txid: misfit, vout: 0 };
    let mut child = updates.build(PRO_UP_REG);
    (child.version, child.kind, child.payload) = (2, 0, Vec::new());
    child.inputs = vec![TxIn::unsigned(change)];
    child.outputs[0].value -= 1_000;
    sign_inputs(&mut child, &key(11));
    let child = updates.chain.submit(child, NOW).unwrap();
    updates.mine(PRO_UP_REG);
    for _ in 0..5 {
        updates.chain.mine(NOW);
        assert!(is_waiting(&updates, misfit) && is_waiting(&updates, child));
    }
    assert_eq!(updates.state().service, before.service);
    // With its masternode it goes.
    let collateral = updates.chain.list().get(updates.hash).unwrap().collateral;
    let mut spend = updates.build(PRO_UP_REG);
    (spend.version, spend.kind, spend.payload) = (2, 0, Vec::new());
    spend.inputs = vec![TxIn::unsigned(collateral)];
    sign_inputs(&mut spend, &key(10));
    assert_eq!(verdict(updates.chain.test(&spend).map(drop)), OK);
    updates.chain.submit(spend, NOW).unwrap();
    updates.chain.mine(NOW);
    assert!(updates.chain.mempool().is_empty());
}

/// 0.17 has no such rule, and its payload no type.
#[test]
fn on_0_17_every_service_update_is_mined() {
    let mut updates = Updates::new("wei-regtest", MnType::Regular);
    updates.serv.kind = 1;
    updates.mine(PRO_UP_SERV);
    assert_eq!(updates.state().service, updates.serv.service);
}

#[test]
fn what_waits_of_a_masternode_that_is_gone_or_changed_its_operator_is_dropped() {
    // Held back from the block that changes the key, as by a miner who has no room for it.
    let mut updates = Updates::new("dash-regtest", MnType::Evo);
    (updates.serv.kind, updates.serv.platform) = (0, None);
    let by_old_key = updates.send(PRO_UP_SERV);
    updates.set_operator(25);
    updates.mine(PRO_UP_REG);
    assert!(!is_waiting(&updates, by_old_key));
    assert!(updates.chain.transaction(by_old_key).is_none());
}

#[test]
fn updates_of_one_block_take_effect_in_their_order() {
    for network in BOTH {
        let mut updates = Updates::new(network, MnType::Regular);
        updates.send(PRO_UP_REV);
        updates.send(PRO_UP_SERV);
        updates.chain.mine(NOW);
        let state = updates.state();
        assert_eq!(state.service, updates.serv.service, "set though there is no key");
        assert_eq!(
            (state.ban_height, state.revived_height),
            (Some(updates.chain.height()), None)
        );
        let mut updates = Updates::new(network, MnType::Regular);
        updates.send(PRO_UP_SERV);
        updates.send(PRO_UP_REV);
        updates.chain.mine(NOW);
        assert_eq!(updates.state().service, Service::NONE);
    }
}

#[tokio::test]
async fn a_waiting_update_is_listed_and_read_as_every_transaction() {
    for network in BOTH {
        let mut updates = Updates::new(network, MnType::Regular);
        let tx = updates.build(PRO_UP_SERV);
        let txid = updates.send(PRO_UP_SERV);
        let hash = updates.hash.to_string();
        let node = serve(updates.chain).await;
        assert_eq!(
            result(&node, "getrawmempool", json!([])).await,
            json!([txid.to_string()])
        );
        assert_eq!(
            result(&node, "getrawtransaction", json!([txid.to_string()])).await,
            json!(tx.to_hex())
        );
        let read = result(&node, "getrawtransaction", json!([txid.to_string(), 1])).await;
        assert_eq!(read["proUpServTx"]["proTxHash"], hash);
        assert_eq!(read.get("height"), None);
        node.mine(1);
        let info = result(&node, "protx", json!(["info", hash])).await;
        assert_eq!(info["state"]["service"], "198.51.100.8:19999");
        assert!(info["state"]["operatorPayoutAddress"].is_string());
        let listed = result(&node, "masternodelist", json!(["json", hash])).await;
        let entry = listed.as_object().unwrap().values().next().unwrap().clone();
        assert_eq!(
            (&entry["address"], &entry["status"]),
            (&json!("198.51.100.8:19999"), &json!("ENABLED"))
        );
    }
}

#[tokio::test]
async fn scripts_ban_masternodes() {
    for network in BOTH {
        let node = sandbox(network).await;
        let list = result(&node, "protx", json!(["list", "valid"])).await;
        let hash = list[0].clone();
        let height = result(&node, "sandbox_ban", json!([hash])).await;
        assert_eq!(height, node.height() + 1);
        node.mine(3);
        let info = result(&node, "protx", json!(["info", hash])).await;
        assert_eq!(
            (&info["state"]["PoSeBanHeight"], &info["state"]["PoSePenalty"]),
            (&height, &json!(100))
        );
        let status = result(&node, "masternodelist", json!(["status"])).await;
        let banned = status
            .as_object()
            .unwrap()
            .values()
            .filter(|status| *status == "POSE_BANNED");
        assert!(banned.count() >= 1);
        let (_, reply) = super::support::call(&node, "sandbox_ban", json!(["00".repeat(32)])).await;
        assert_eq!(reply["error"]["code"], -8);
    }
}
