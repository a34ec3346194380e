//! The start state, the queue, and what DKGs do.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{OutPoint, ScriptBuf};

use super::support::{NOW, key, key_id, pay, start};
use crate::protocol::address::Address;
use crate::protocol::masternode::entry::State;
use crate::protocol::masternode::{Entry, OperatorKey, reward};
use crate::protocol::network::{self, MnType};
use crate::protocol::script::{self, pay_to_key};
use crate::protocol::tx::{Transaction, TxIn, TxOut};
use crate::protocol::{Amount, ProTxHash};
use crate::sandbox::faucet::sign_inputs;
use crate::sandbox::payee::{divide, payment};
use crate::sandbox::{Chain, Dialect, Setup};

#[test]
fn the_same_seed_gives_the_same_chain_and_another_seed_another() {
    let [a, b] = [(); 2].map(|()| start("dash-regtest", 20));
    assert_eq!(a.tip().hash, b.tip().hash);
    let other = Chain::start(&Setup {
        profile: network::builtin("dash-regtest").unwrap(),
        seed: 8,
        masternodes: 20,
        device: Vec::new(),
        extras: Vec::new(),
        now: NOW,
    });
    assert_ne!(a.tip().hash, other.unwrap().tip().hash);
}

#[test]
fn a_sandbox_begins_with_its_genesis_enabled_penalised_and_banned_masternodes() {
    for (network, evonodes) in [("dash-regtest", 3), ("wei-regtest", 0)] {
        let chain = start(network, 30);
        assert_eq!(chain.block(0).unwrap().hash, chain.profile().genesis);
        assert_eq!(chain.tip().time, NOW);
        let list = chain.list();
        assert_eq!(list.len(), 30);
        assert_eq!(list.iter().filter(|mn| mn.kind == MnType::Evo).count(), evonodes);
        let banned = list.iter().filter(|mn| mn.is_banned()).count();
        assert!((1..=3).contains(&banned), "{banned}");
        assert!(list.valid().filter(|mn| mn.state.penalty > 0).count() >= 2);
        let operators: BTreeSet<_> = list.iter().map(|mn| mn.state.operator).collect();
        assert_eq!(operators.len(), 30);
        assert!(chain.mempool().is_empty());
    }
}

#[test]
fn the_device_finds_its_coins_confirmed_and_one_that_is_not() {
    let addresses: Vec<Address> = (1..=4).map(|n| Address::PubkeyHash([n; 20])).collect();
    let chain = Chain::start(&Setup {
        profile: network::builtin("dash-regtest").unwrap(),
        seed: 1,
        masternodes: 4,
        device: addresses.clone(),
        extras: Vec::new(),
        now: NOW,
    })
    .unwrap();
    let held = |index: usize| -> Vec<String> {
        let script = addresses[index].script();
        let mut coins: Vec<u64> = chain
            .coins()
            .filter(|(_, coin)| coin.script == script)
            .inspect(|(_, coin)| assert!(chain.confirmations(coin.height) >= 15))
            .map(|(_, coin)| coin.value)
            .collect();
        coins.sort_unstable();
        coins
            .into_iter()
            .map(|value| Amount::from_duffs(value).short())
            .collect()
    };
    assert_eq!(held(0), ["1000", "1000"]);
    assert_eq!(held(1), ["4000"]);
    assert_eq!(held(2), ["5", "20"]);
    assert_eq!(held(3), ["999"]);
    let fresh = chain.mempool().iter().flat_map(|entry| &entry.tx.outputs);
    assert!(fresh.into_iter().any(|output| output.script == addresses[3].script()));
}

#[test]
fn over_500_blocks_nobody_is_paid_twice_before_everyone_was_once() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut chain = start(network, 30);
        let mut last: BTreeMap<ProTxHash, u32> = BTreeMap::new();
        for _ in 0..500 {
            let valid: BTreeSet<ProTxHash> = chain.list().valid().map(|mn| mn.pro_tx_hash).collect();
            let expected = chain.payee_of(chain.height() + 1).unwrap();
            let block = chain.mine(NOW).clone();
            let paid = block.payment.unwrap().pro_tx_hash;
            assert_eq!(paid, expected);
            assert!(valid.contains(&paid));
            // Since its last payment every other masternode that is enabled was paid.
            if let Some(since) = last.insert(paid, block.height) {
                let passed_over = valid
                    .iter()
                    .filter(|hash| last.get(*hash).is_some_and(|at| *at < since));
                assert_eq!(passed_over.count(), 0, "height {}", block.height);
                assert!(last.len() >= valid.len());
            }
        }
        assert!(last.len() >= 27, "{}", last.len());
    }
}

#[test]
fn before_mn_rr_evonodes_are_paid_four_times_in_a_row() {
    let chain = start("dash-regtest", 30);
    let evonode = |hash: ProTxHash| chain.list().get(hash).is_some_and(|mn| mn.kind == MnType::Evo);
    let payees: Vec<ProTxHash> = (200..=420)
        .filter_map(|height| chain.block(height)?.payment.as_ref())
        .map(|payment| payment.pro_tx_hash)
        .collect();
    let runs: Vec<(ProTxHash, usize)> = payees.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
    // The first and the last run may be cut by the window.
    for (payee, length) in &runs[1..runs.len() - 1] {
        assert_eq!(*length, if evonode(*payee) { 4 } else { 1 });
    }
    assert!(runs.iter().any(|(payee, _)| evonode(*payee)));
}

#[test]
fn a_projection_comes_true_while_nothing_changes() {
    let mut chain = start("dash-regtest", 10);
    let projected = chain.projected_payees(20);
    assert_eq!(projected.len(), 20);
    // Ten masternodes: one DKG at most falls into the next ten blocks, and bans none.
    for expected in projected.iter().take(10) {
        assert_eq!(chain.mine(NOW).payment.as_ref().unwrap().pro_tx_hash, *expected);
    }
}

#[test]
fn scores_rise_by_66_fall_by_one_and_ban_at_100() {
    let mut chain = start("dash-regtest", 10);
    let hash = chain
        .list()
        .valid()
        .find(|mn| mn.state.penalty == 0)
        .unwrap()
        .pro_tx_hash;
    let state = |chain: &Chain| chain.list().get(hash).unwrap().state.clone();
    chain.fail_dkg(hash).unwrap();
    chain.mine(NOW);
    assert_eq!(state(&chain).penalty, 66);
    chain.mine(NOW);
    assert_eq!((state(&chain).penalty, state(&chain).ban_height), (65, None));
    chain.fail_dkg(hash).unwrap();
    chain.mine(NOW);
    assert_eq!(
        (state(&chain).penalty, state(&chain).ban_height),
        (100, Some(chain.height()))
    );
    for _ in 0..15 {
        assert_ne!(chain.mine(NOW).payment.as_ref().unwrap().pro_tx_hash, hash);
    }
    assert_eq!(state(&chain).penalty, 100, "banned scores do not fall");
    use bitcoin::hashes::Hash;
    assert!(chain.fail_dkg(ProTxHash::all_zeros()).is_err());
}

#[test]
fn rewards_are_divided_as_the_network_divides_them() {
    // Height 471 of the recorded 23.1.2 chain: 4.0032799 coins without fees.
    let modern = divide(Dialect::Core23, 400_327_990, 0, true);
    assert_eq!(
        (modern.platform, modern.masternode + modern.platform),
        (112_592_247, 300_245_992)
    );
    assert_eq!(modern.miner, 100_081_998);
    // Height 2216 of the recorded 0.17 chain: 57.53070228 coins.
    let old = divide(Dialect::Core17, 5_753_059_228, 0, false);
    assert_eq!((old.miner, old.masternode), (3_164_182_576, 2_588_876_652));
}

#[test]
fn an_operator_gets_its_part_once_it_named_an_address() {
    let chain = start("dash-regtest", 10);
    let mut mn = chain.list().iter().next().unwrap().clone();
    let division = divide(Dialect::Core23, 400_327_990, 0, true);
    mn.operator_reward = 1000;
    assert_eq!(payment(&mn, division).outputs.len(), 2);
    mn.state.operator_payout = ScriptBuf::from_bytes(vec![0x51]);
    let amounts: Vec<u64> = payment(&mn, division)
        .outputs
        .iter()
        .map(|(_, amount)| *amount)
        .collect();
    // As recorded at height 471: 10 % of what Platform leaves.
    assert_eq!(amounts, [112_592_247, 168_888_371, 18_765_374]);
}

#[test]
fn a_block_pays_out_exactly_what_it_creates() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut chain = start(network, 10);
        chain
            .fund(&[(ScriptBuf::from_bytes(vec![0x51]), Amount::from_coins(1))], NOW)
            .unwrap();
        let block = chain.mine(NOW).clone();
        let (coinbase, _) = chain.transaction(block.txids[0]).unwrap();
        let subsidy = crate::sandbox::payee::subsidy(chain.profile(), block.height);
        assert!(block.fees > 0);
        assert_eq!(coinbase.output_total().unwrap().duffs(), subsidy + block.fees);
    }
}

#[test]
fn a_block_pays_its_masternode_what_is_foretold() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut chain = start(network, 10);
        let rules = chain.profile().reward.clone().unwrap();
        // Those who ask for a part get an address.
        let list = std::sync::Arc::make_mut(chain.lists.last_mut().unwrap());
        list.update_where(
            |mn| mn.operator_reward > 0,
            |state| state.operator_payout = pay_to_key(&[7; 20]),
        );
        let mut with_operator = 0;
        // Over a decline of the subsidy.
        for round in 0..170 {
            if round % 10 == 0 {
                chain
                    .fund(&[(ScriptBuf::from_bytes(vec![0x51]), Amount::from_coins(1))], NOW)
                    .unwrap();
            }
            let block = chain.mine(NOW).clone();
            let payment = block.payment.unwrap();
            let payee = chain.list().get(payment.pro_tx_hash).unwrap();
            let entry = listed(payee);
            let fees = Amount::from_duffs(block.fees);
            let foretold = reward::expected(&entry, block.height, &rules, fees).unwrap();
            let parts = [foretold.platform, foretold.owner, foretold.operator].map(Amount::duffs);
            let paid: Vec<u64> = payment.outputs.iter().map(|(_, amount)| *amount).collect();
            let foretold: Vec<u64> = parts.into_iter().filter(|amount| *amount > 0).collect();
            assert_eq!(paid, foretold, "{network} {}", block.height);
            with_operator += usize::from(parts[2] > 0);
        }
        let evo = chain.profile().collateral_evo.is_some();
        assert_eq!(rules.platform_from.is_some(), evo);
        assert!(with_operator > 0, "{network}");
    }
}

/// What rewards depend on.
fn listed(mn: &crate::sandbox::masternodes::Masternode) -> Entry {
    let state = &mn.state;
    Entry {
        pro_tx_hash: mn.pro_tx_hash,
        kind: mn.kind,
        collateral: mn.collateral,
        operator_reward: mn.operator_reward,
        confirmations: None,
        state: State {
            version: state.version,
            service: state.service,
            registered_height: state.registered_height,
            last_paid_height: state.last_paid_height,
            consecutive_payments: state.consecutive_payments,
            pose_penalty: state.penalty,
            pose_revived_height: state.revived_height,
            pose_ban_height: state.ban_height,
            revocation_reason: state.revocation_reason,
            owner: Some(state.owner),
            voting: Some(state.voting),
            payout: script::address(state.payout.as_bytes()),
            operator_payout: script::address(state.operator_payout.as_bytes()),
            operator: OperatorKey::NotTold,
            platform_node_id: None,
            platform_p2p_port: None,
            platform_http_port: None,
        },
    }
}

/// Lists of a real node with the payees of the blocks that followed.
#[test]
fn recorded_queues_are_paid_in_the_recorded_order() {
    let path = format!("{}/tests/data/protx/protx.json", env!("CARGO_MANIFEST_DIR"));
    let cases: Vec<serde_json::Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut compared = 0;
    for case in cases.iter().filter(|case| case["kind"] == "queue") {
        let expected = &case["expected"];
        let height = u32::try_from(expected["listHeight"].as_u64().unwrap()).unwrap();
        let in_runs = expected["rules"].as_str().unwrap().starts_with("V19 active");
        let list = recorded_list(&expected["entries"]);
        let payees = expected["nextPayees"].as_array().unwrap();
        let projected = crate::sandbox::payee::project(&list, height, payees.len(), |_| in_runs);
        for (ours, theirs) in projected.iter().zip(payees) {
            assert_eq!(
                &ours.to_string(),
                theirs["proTxHash"].as_str().or(theirs.as_str()).unwrap()
            );
            compared += 1;
        }
    }
    assert!(compared >= 10, "{compared}");
}

fn recorded_list(entries: &serde_json::Value) -> crate::sandbox::masternodes::List {
    let model = start("dash-regtest", 1).list().iter().next().unwrap().clone();
    let mut list = crate::sandbox::masternodes::List::default();
    for entry in entries.as_array().unwrap() {
        let height = |key: &str| u32::try_from(entry[key].as_i64().unwrap()).ok();
        let mut mn = model.clone();
        mn.pro_tx_hash = entry["proTxHash"].as_str().unwrap().parse().unwrap();
        mn.kind = if entry["type"] == "Evo" {
            MnType::Evo
        } else {
            MnType::Regular
        };
        mn.state.registered_height = height("registeredHeight").unwrap();
        mn.state.last_paid_height = height("lastPaidHeight").unwrap();
        mn.state.consecutive_payments = height("consecutivePayments").unwrap();
        mn.state.revived_height = height("PoSeRevivedHeight");
        mn.state.ban_height = height("PoSeBanHeight");
        list.insert(mn);
    }
    list
}

#[test]
fn the_26th_unconfirmed_transaction_in_a_row_is_refused_until_a_block_comes() {
    let mut chain = start("dash-regtest", 3);
    let own = pay_to_key(&key_id(11).0);
    let mut last = pay(&mut chain, own.clone(), Amount::from_coins(2));
    let next = |before: OutPoint, left: u64| {
        let mut tx = Transaction::empty(2);
        tx.inputs = vec![TxIn::unsigned(before)];
        tx.outputs = vec![TxOut::new(Amount::from_duffs(left), own.clone())];
        sign_inputs(&mut tx, &key(11));
        tx
    };
    for n in 1..=26u64 {
        let tx = next(last, 200_000_000 - n * 1_000);
        let txid = tx.txid();
        match chain.submit(tx.clone(), NOW) {
            Ok(_) => assert!(n < 26),
            Err(reject) => {
                assert_eq!((n, &*reject.reason), (26, "too-long-mempool-chain"));
                chain.mine(NOW);
                chain.submit(tx, NOW).unwrap();
            }
        }
        last = OutPoint { txid, vout: 0 };
    }
}
