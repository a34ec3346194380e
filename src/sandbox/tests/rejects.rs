//! Every refusal of a ProRegTx, provoked by one change to a good one, in both dialects.

use bitcoin::ScriptBuf;

use super::support::{Bench, NOW, key, key_id, operator, pay, verdict};
use crate::protocol::network::MnType;
use crate::protocol::script::{pay_to_key, pay_to_script};
use crate::protocol::special_tx::Service;
use crate::protocol::tx::{PRO_UP_SERV, Transaction, TxIn, TxOut};
use crate::protocol::{Amount, bls};
use crate::sandbox::faucet::sign_inputs;

const BOTH: [&str; 2] = ["dash-regtest", "wei-regtest"];

type Change = fn(&mut Bench);

/// Each change on its own to a good registration; (what, change, verdict of 23, verdict of 0.17).
fn judge(kind: MnType, cases: &[(&str, Change, &str, &str)]) {
    for network in BOTH {
        if kind == MnType::Evo && network == "wei-regtest" {
            continue;
        }
        let mut bench = Bench::new(network, kind);
        assert_eq!(bench.verdict(), "accepted", "{network}");
        let good = (bench.payload.clone(), bench.tx.clone(), bench.signer.clone());
        for (what, change, core23, core17) in cases {
            change(&mut bench);
            let expected = bench.chain.dialect().pick(*core23, *core17);
            assert_eq!(bench.verdict(), expected, "{network}: {what}");
            (bench.payload, bench.tx, bench.signer) = good.clone();
        }
    }
}

fn same(
    what: &'static str,
    change: Change,
    reject: &'static str,
) -> (&'static str, Change, &'static str, &'static str) {
    (what, change, reject, reject)
}

#[test]
fn fields_are_refused_one_by_one() {
    let ok = "accepted";
    judge(
        MnType::Regular,
        &[
            (
                "version 0",
                |b| b.payload.version = 0,
                "bad-protx-payload",
                "bad-protx-version",
            ),
            (
                "version 4",
                |b| b.payload.version = 4,
                "bad-protx-payload",
                "bad-protx-version",
            ),
            ("type 2", |b| b.payload.kind = 2, "bad-protx-type", "bad-protx-type"),
            same("mode 1", |b| b.payload.mode = 1, "bad-protx-mode"),
            same("no owner", |b| b.payload.owner.0 = [0; 20], "bad-protx-key-null"),
            same("no voting key", |b| b.payload.voting.0 = [0; 20], "bad-protx-key-null"),
            same("no operator", |b| b.payload.operator = [0; 48], "bad-protx-key-null"),
            (
                "operator off the curve",
                |b| b.payload.operator = [0xbf; 48],
                "bad-protx-key-null",
                "bad-protx-payload",
            ),
            (
                "operator at infinity",
                |b| {
                    b.payload.operator = [0; 48];
                    b.payload.operator[0] = 0xc0;
                },
                "bad-protx-key-null",
                ok,
            ),
            same(
                "payout to a bare key",
                |b| b.payload.payout = bare_key(),
                "bad-protx-payee",
            ),
            same(
                "payout burnt",
                |b| b.payload.payout = ScriptBuf::from_bytes(vec![0x6a]),
                "bad-protx-payee",
            ),
            same(
                "payout to the owner",
                |b| b.payload.payout = pay_to_key(&key_id(12).0),
                "bad-protx-payee-reuse",
            ),
            same(
                "payout to the voting key",
                |b| b.payload.payout = pay_to_key(&key_id(13).0),
                "bad-protx-payee-reuse",
            ),
            same(
                "payout to the collateral",
                |b| b.payload.payout = pay_to_key(&key_id(10).0),
                ok,
            ),
            same("payout to a script", |b| b.payload.payout = pay_to_script(&[1; 20]), ok),
            same("one key for owner and voting", |b| b.payload.voting = key_id(12), ok),
            same(
                "100.01 %",
                |b| b.payload.operator_reward = 10_001,
                "bad-protx-operator-reward",
            ),
            same("100 %", |b| b.payload.operator_reward = 10_000, ok),
            same("no address", |b| b.payload.service = Service::NONE, ok),
            same(
                "private address",
                |b| b.payload.service.ip = "::ffff:10.0.0.1".parse().unwrap(),
                ok,
            ),
            (
                "IPv6",
                |b| b.payload.service.ip = "2a00::1".parse().unwrap(),
                "bad-protx-netinfo-addr-type",
                "bad-protx-ipaddr",
            ),
            (
                "IPv6 for documentation",
                |b| b.payload.service.ip = "2001:db8::1".parse().unwrap(),
                "bad-protx-sig",
                "bad-protx-ipaddr",
            ),
            (
                "0.0.0.0",
                |b| b.payload.service.ip = "::ffff:0.0.0.0".parse().unwrap(),
                "bad-protx-sig",
                "bad-protx-ipaddr",
            ),
            (
                "255.255.255.255",
                |b| b.payload.service.ip = "::ffff:255.255.255.255".parse().unwrap(),
                "bad-protx-sig",
                "bad-protx-ipaddr",
            ),
            (
                "port of the main network",
                |b| b.payload.service.port = 9999,
                "bad-protx-netinfo-port",
                "bad-protx-ipaddr-port",
            ),
            same(
                "owner is the collateral's key",
                |b| b.payload.owner = key_id(10),
                "bad-protx-collateral-reuse",
            ),
            same(
                "voting key is the collateral's",
                |b| b.payload.voting = key_id(10),
                "bad-protx-collateral-reuse",
            ),
            same(
                "collateral index",
                |b| b.payload.collateral.vout = 1,
                "bad-protx-collateral",
            ),
            same(
                "collateral of another amount",
                |b| b.payload.collateral = b.fee_coin,
                "bad-protx-collateral",
            ),
            same(
                "inputs of another transaction",
                |b| b.payload.inputs_hash[0] ^= 1,
                "bad-protx-inputs-hash",
            ),
            same("signed by another key", |b| b.signer = Some(key(14)), "bad-protx-sig"),
            same("not signed", |b| b.signer = None, "bad-protx-sig"),
        ],
    );
}

#[test]
fn evonode_fields_are_refused_one_by_one() {
    fn platform(bench: &mut Bench) -> &mut crate::protocol::special_tx::pro_reg::Platform {
        bench.payload.platform.as_mut().unwrap()
    }
    judge(
        MnType::Evo,
        &[
            same("version 1", |b| b.payload.version = 1, "bad-protx-evo-version"),
            same(
                "no node id",
                |b| platform(b).node_id = [0; 20],
                "bad-protx-platform-nodeid",
            ),
            same(
                "no node id nor address",
                |b| {
                    b.payload.service = Service::NONE;
                    platform(b).node_id = [0; 20];
                },
                "bad-protx-platform-nodeid",
            ),
            same(
                "P2P port of the main network",
                |b| platform(b).p2p_port = 9999,
                "bad-protx-platform-p2p-port",
            ),
            same(
                "HTTP port of the main network",
                |b| platform(b).http_port = 9999,
                "bad-protx-platform-http-port",
            ),
            same(
                "both ports alike",
                |b| platform(b).http_port = 22200,
                "bad-protx-platform-dup-ports",
            ),
            same(
                "P2P port is the core port",
                |b| platform(b).p2p_port = 19999,
                "bad-protx-platform-dup-ports",
            ),
        ],
    );
}

#[test]
fn an_evonode_on_a_regular_collateral_is_refused_and_on_0_17_the_type_is_unknown() {
    let mut bench = Bench::new("dash-regtest", MnType::Evo);
    bench.payload.collateral = pay(&mut bench.chain, pay_to_key(&key_id(10).0), Amount::from_coins(1000));
    assert_eq!(bench.verdict(), "bad-protx-collateral");
    let mut old = Bench::new("wei-regtest", MnType::Regular);
    old.payload.kind = 1;
    assert_eq!(old.verdict(), "bad-protx-type");
    old.payload.platform = Some(crate::protocol::special_tx::pro_reg::Platform {
        node_id: [9; 20],
        p2p_port: 22200,
        http_port: 22201,
    });
    assert_eq!(
        old.verdict(),
        "bad-protx-payload",
        "0.17 stumbles over the Platform fields"
    );
}

#[test]
fn a_payload_with_a_byte_too_many_or_too_few_does_not_parse() {
    for network in BOTH {
        let bench = Bench::new(network, MnType::Regular);
        for change in [
            |payload: &mut Vec<u8>| payload.push(0),
            |payload: &mut Vec<u8>| payload.truncate(payload.len() - 1),
        ] {
            let mut tx = bench.build();
            change(&mut tx.payload);
            sign_inputs(&mut tx, &key(11));
            assert_eq!(verdict(bench.chain.test(&tx).map(drop)), "bad-protx-payload");
        }
    }
}

#[test]
fn version_2_is_too_new_for_0_17_and_version_3_for_everyone() {
    let mut old = Bench::new("wei-regtest", MnType::Regular);
    old.payload.version = 2;
    assert_eq!(old.verdict(), "bad-protx-version");
    let bench = Bench::new("dash-regtest", MnType::Regular);
    let mut tx = bench.build();
    // The version 2 layout up to the address, the empty address list of version 3, then the rest.
    let old = tx.payload.clone();
    tx.payload = [&[3, 0], &old[2..42], &[1, 0], &old[60..]].concat();
    sign_inputs(&mut tx, &key(11));
    assert_eq!(verdict(bench.chain.test(&tx).map(drop)), "bad-protx-version");
}

#[test]
fn the_form_of_the_collateral_decides() {
    for network in BOTH {
        let mut bench = Bench::new(network, MnType::Regular);
        let value = bench.chain.profile().collateral_regular;
        for (script, expected) in [
            (pay_to_script(&[5; 20]), "bad-protx-collateral-pkh"),
            (ScriptBuf::from_bytes(vec![0x51]), "bad-protx-collateral-dest"),
            (bare_key(), "accepted"),
        ] {
            bench.payload.collateral = pay(&mut bench.chain, script, value);
            assert_eq!(bench.verdict(), expected, "{network}");
        }
        let unconfirmed = bench.chain.fund(&[(pay_to_key(&key_id(10).0), value)], NOW).unwrap();
        bench.payload.collateral.txid = unconfirmed;
        assert_eq!(bench.verdict(), "bad-protx-collateral", "{network}: unconfirmed");
    }
}

/// P2PK of key 10.
fn bare_key() -> ScriptBuf {
    let mut script = vec![33];
    script.extend(key(10).public_key().serialize());
    script.push(0xac);
    ScriptBuf::from_bytes(script)
}

#[test]
fn an_internal_collateral_needs_its_output_and_no_signature() {
    for network in BOTH {
        let mut bench = Bench::new(network, MnType::Regular);
        let value = bench.chain.profile().collateral_regular;
        let coin = pay(
            &mut bench.chain,
            pay_to_key(&key_id(11).0),
            value.checked_add(Amount::from_coins(1)).unwrap(),
        );
        bench.tx.inputs = vec![TxIn::unsigned(coin)];
        bench.tx.outputs.insert(0, TxOut::new(value, pay_to_key(&key_id(10).0)));
        bench.tx.outputs[1].value = 99_990_000;
        bench.payload.inputs_hash = bench.tx.inputs_hash();
        bench.payload.collateral = bitcoin::OutPoint { txid: zero(), vout: 0 };
        assert_eq!(bench.verdict(), "bad-protx-sig", "signed though internal");
        bench.signer = None;
        assert_eq!(bench.verdict(), "accepted");
        bench.payload.collateral.vout = 2;
        assert_eq!(bench.verdict(), "bad-protx-collateral-index");
        bench.payload.collateral.vout = 1;
        assert_eq!(bench.verdict(), "bad-protx-collateral");
        bench.payload.collateral.vout = 0;
        let txid = bench.chain.submit(bench.build(), NOW).unwrap();
        bench.chain.mine(NOW);
        assert_eq!(bench.chain.list().get(txid).unwrap().collateral.txid, txid);
    }
}

fn zero() -> bitcoin::Txid {
    use bitcoin::hashes::Hash;
    bitcoin::Txid::all_zeros()
}

#[test]
fn addresses_and_keys_of_listed_masternodes_are_taken() {
    for network in BOTH {
        let mut bench = Bench::new(network, MnType::Regular);
        let other = bench.chain.list().iter().next().unwrap().state.clone();
        let good = bench.payload.clone();
        bench.payload.service = other.service;
        let expected = bench
            .chain
            .dialect()
            .pick("bad-protx-dup-netinfo-entry", "bad-protx-dup-addr");
        assert_eq!(bench.verdict(), expected);
        bench.payload = good.clone();
        bench.payload.owner = other.owner;
        assert_eq!(bench.verdict(), "bad-protx-dup-key");
        bench.payload = good.clone();
        bench.payload.operator = other.operator;
        assert_eq!(bench.verdict(), "bad-protx-dup-key");
        bench.payload = good;
        bench.payload.voting = other.owner;
        assert_eq!(bench.verdict(), "accepted", "another's owner key may vote");
    }
}

#[test]
fn a_platform_id_of_a_listed_evonode_is_taken() {
    let mut bench = Bench::new("dash-regtest", MnType::Evo);
    let another = |bench: &mut Bench| {
        let fee = pay(&mut bench.chain, pay_to_key(&key_id(11).0), Amount::from_coins(2));
        bench.tx.inputs = vec![TxIn::unsigned(fee)];
        bench.payload.inputs_hash = bench.tx.inputs_hash();
        bench.payload.collateral = pay(&mut bench.chain, pay_to_key(&key_id(10).0), Amount::from_coins(4000));
        bench.payload.service.port += 1;
        bench.payload.owner = key_id(22);
        bench.payload.operator = operator(25).public_key().encode(bls::Scheme::Basic);
    };
    another(&mut bench);
    let late = bench.build();
    another(&mut bench);
    bench.payload.owner = key_id(24);
    bench.payload.operator = operator(26).public_key().encode(bls::Scheme::Basic);
    let first = bench.chain.submit(bench.build(), NOW).unwrap();
    // Seen on 23.1.2: both wait, and no block can hold both.
    let second = bench.chain.submit(late, NOW).unwrap();
    bench.chain.mine(NOW);
    assert!(bench.chain.list().get(first).is_some() && bench.chain.list().get(second).is_none());
    assert!(bench.chain.mempool().get(second).is_none());
    another(&mut bench);
    assert_eq!(bench.verdict(), "bad-protx-dup-platformnodeid");
    bench.payload.platform.as_mut().unwrap().node_id = [10; 20];
    assert_eq!(bench.verdict(), "accepted");
}

#[test]
fn before_enforcement_owner_and_voting_key_are_one() {
    for network in BOTH {
        let mut bench = Bench::new(network, MnType::Regular);
        bench.chain.profile.activation.dip3_enforcement = 10_000;
        assert_eq!(bench.verdict(), "bad-protx-key-not-same");
        bench.payload.voting = bench.payload.owner;
        assert_eq!(bench.verdict(), "accepted");
    }
}

#[test]
fn where_routable_addresses_are_asked_for_private_ones_are_refused() {
    for (network, expected) in [
        ("dash-regtest", "bad-protx-netinfo-addr-unroutable"),
        ("wei-regtest", "bad-protx-ipaddr"),
    ] {
        let mut bench = Bench::new(network, MnType::Regular);
        bench.chain.profile.service.routable_only = true;
        for private in [
            "10.1.2.3",
            "192.168.0.1",
            "172.31.0.1",
            "127.0.0.1",
            "100.64.0.1",
            "198.51.100.7",
            "203.0.113.9",
        ] {
            bench.payload.service = Service::v4(private.parse().unwrap(), 19999);
            assert_eq!(bench.verdict(), expected, "{private}");
        }
        for public in ["1.2.3.4", "172.32.0.1", "100.128.0.1", "224.0.0.1"] {
            bench.payload.service = Service::v4(public.parse().unwrap(), 19999);
            assert_eq!(bench.verdict(), "accepted", "{public}");
        }
    }
}

#[test]
fn signature_headers_are_read_as_the_node_reads_them() {
    let bench = Bench::new("dash-regtest", MnType::Regular);
    for (shift, expected) in [
        (0, "accepted"),
        (8, "accepted"),
        (4, "bad-protx-sig"),
        (252, "bad-protx-sig"),
    ] {
        let mut tx = bench.build();
        let header = tx.payload.len() - 65;
        tx.payload[header] = tx.payload[header].wrapping_add(shift);
        sign_inputs(&mut tx, &key(11));
        assert_eq!(verdict(bench.chain.test(&tx).map(drop)), expected, "header + {shift}");
    }
}

#[test]
fn two_waiting_registrations_must_not_claim_the_same() {
    for network in BOTH {
        let mut bench = Bench::new(network, MnType::Regular);
        let second_fee = pay(&mut bench.chain, pay_to_key(&key_id(11).0), Amount::from_coins(2));
        let first = bench.build();
        let txid = bench.chain.submit(first.clone(), NOW).unwrap();
        assert_eq!(verdict(bench.chain.test(&first).map(drop)), "txn-already-in-mempool");
        let mut changed = first;
        changed.lock_time = 1;
        assert_eq!(verdict(bench.chain.test(&changed).map(drop)), "txn-mempool-conflict");
        bench.tx.inputs = vec![TxIn::unsigned(second_fee)];
        bench.payload.inputs_hash = bench.tx.inputs_hash();
        assert_eq!(bench.verdict(), "protx-dup");
        // Too small a fee hides it.
        bench.tx.outputs[0].value = 199_999_900;
        assert_eq!(bench.verdict(), "min relay fee not met");
        bench.chain.mine(NOW);
        bench.tx.outputs[0].value = 199_990_000;
        assert!(bench.chain.list().get(txid).is_some());
        assert_eq!(bench.verdict(), "bad-protx-dup-key");
    }
}

#[test]
fn a_registration_whose_collateral_is_being_spent_is_refused_and_one_spent_later_dies_in_its_block() {
    for network in BOTH {
        let mut bench = Bench::new(network, MnType::Regular);
        let value = bench.chain.profile().collateral_regular.duffs() as i64;
        let mut spend = Transaction {
            version: 1,
            kind: 0,
            inputs: vec![TxIn::unsigned(bench.payload.collateral)],
            outputs: vec![TxOut {
                value: value - 1000,
                script: pay_to_key(&[1; 20]),
            }],
            lock_time: 0,
            payload: Vec::new(),
        };
        sign_inputs(&mut spend, &key(10));
        let registered = bench.chain.submit(bench.build(), NOW).unwrap();
        bench.chain.submit(spend, NOW).unwrap();
        let before = bench.chain.list().len();
        bench.chain.mine(NOW);
        assert!(bench.chain.list().get(registered).is_none());
        assert_eq!(bench.chain.list().len(), before);
        assert!(
            bench.chain.transaction(registered).unwrap().1.is_some(),
            "mined all the same"
        );
    }
}

#[test]
fn the_same_collateral_again_replaces_the_masternode_and_needs_new_keys() {
    for network in BOTH {
        let mut bench = Bench::new(network, MnType::Regular);
        let first = bench.chain.submit(bench.build(), NOW).unwrap();
        bench.chain.mine(NOW);
        let fee = pay(&mut bench.chain, pay_to_key(&key_id(11).0), Amount::from_coins(2));
        bench.tx.inputs = vec![TxIn::unsigned(fee)];
        bench.payload.inputs_hash = bench.tx.inputs_hash();
        assert_eq!(bench.verdict(), "bad-protx-dup-key");
        bench.payload.owner = key_id(22);
        bench.payload.operator = operator(25).public_key().encode(bench.payload.key_encoding());
        let second = bench.chain.submit(bench.build(), NOW).unwrap();
        bench.chain.mine(NOW);
        assert!(bench.chain.list().get(first).is_none());
        let entry = bench.chain.list().get(second).unwrap();
        assert_eq!(entry.state.registered_height, bench.chain.height());
    }
}

#[test]
fn types_that_are_none_of_a_masternode_are_refused() {
    for network in BOTH {
        let bench = Bench::new(network, MnType::Regular);
        let mut tx = bench.build();
        for (kind, expected) in [(6, "bad-tx-type"), (8, "bad-tx-type"), (77, "bad-txns-type")] {
            tx.kind = kind;
            sign_inputs(&mut tx, &key(11));
            assert_eq!(verdict(bench.chain.test(&tx).map(drop)), expected);
        }
        tx.kind = PRO_UP_SERV;
        sign_inputs(&mut tx, &key(11));
        assert_eq!(verdict(bench.chain.test(&tx).map(drop)), "bad-protx-payload");
    }
}

#[test]
fn ordinary_rules_of_form_policy_and_money_hold() {
    let bench = Bench::new("dash-regtest", MnType::Regular);
    let coin = bench.fee_coin;
    let good = || Transaction {
        version: 1,
        kind: 0,
        inputs: vec![TxIn::unsigned(coin)],
        outputs: vec![TxOut {
            value: 199_000_000,
            script: pay_to_key(&[1; 20]),
        }],
        lock_time: 0,
        payload: Vec::new(),
    };
    let judge = |change: &dyn Fn(&mut Transaction), signer: u8| {
        let mut tx = good();
        change(&mut tx);
        sign_inputs(&mut tx, &key(signer));
        verdict(bench.chain.test(&tx).map(drop))
    };
    let refused = |change: &dyn Fn(&mut Transaction)| judge(change, 11);
    assert_eq!(refused(&|_| {}), "accepted");
    assert_eq!(refused(&|tx| tx.outputs.clear()), "bad-txns-vout-empty");
    assert_eq!(refused(&|tx| tx.inputs.clear()), "bad-txns-vin-empty");
    assert_eq!(
        refused(&|tx| tx.inputs.push(TxIn::unsigned(coin))),
        "bad-txns-inputs-duplicate"
    );
    assert_eq!(refused(&|tx| tx.outputs[0].value = -1), "bad-txns-vout-negative");
    assert_eq!(refused(&|tx| tx.outputs[0].value = i64::MAX), "bad-txns-vout-toolarge");
    assert_eq!(refused(&|tx| tx.outputs[0].value = 200_000_001), "bad-txns-in-belowout");
    assert_eq!(
        refused(&|tx| tx.outputs[0].value = 199_999_990),
        "min relay fee not met"
    );
    assert_eq!(refused(&|tx| tx.outputs[0].value = 545), "dust");
    assert_eq!(refused(&|tx| tx.outputs[0].value = 546), "accepted");
    assert_eq!(
        refused(&|tx| tx.outputs[0].script = ScriptBuf::from_bytes(vec![0x51])),
        "scriptpubkey"
    );
    assert_eq!(refused(&|tx| tx.version = 4), "version");
    assert_eq!(
        refused(&|tx| tx.inputs[0].previous.vout = 9),
        "bad-txns-inputs-missingorspent"
    );
    assert_eq!(
        refused(&|tx| {
            tx.lock_time = 100_000;
            tx.inputs[0].sequence = 0;
        }),
        "non-final"
    );
    let wrong_key = judge(&|_| {}, 12);
    assert_eq!(
        wrong_key,
        "mandatory-script-verify-flag-failed (Script failed an OP_EQUALVERIFY operation)"
    );
    let mut tampered = good();
    sign_inputs(&mut tampered, &key(11));
    tampered.outputs[0].value -= 1;
    assert_eq!(
        verdict(bench.chain.test(&tampered).map(drop)),
        "mandatory-script-verify-flag-failed (Signature must be zero for failed CHECK(MULTI)SIG operation)"
    );
}

#[test]
fn a_young_coinbase_cannot_be_spent() {
    let mut bench = Bench::new("dash-regtest", MnType::Regular);
    let coinbase = bench.chain.tip().txids[0];
    let mut tx = bench.tx.clone();
    tx.inputs = vec![TxIn::unsigned(bitcoin::OutPoint {
        txid: coinbase,
        vout: 0,
    })];
    tx.outputs[0].value = 90_000_000;
    let faucet = bench.chain.faucet.clone();
    sign_inputs(&mut tx, &faucet);
    let refused = bench.chain.test(&tx).unwrap_err();
    assert_eq!(refused.reason, "bad-txns-premature-spend-of-coinbase");
    for _ in 0..99 {
        bench.chain.mine(NOW);
    }
    assert_eq!(verdict(bench.chain.test(&tx).map(drop)), "accepted");
}

#[test]
fn hostile_bytes_in_the_payload_never_panic() {
    let bench = Bench::new("dash-regtest", MnType::Regular);
    let good = bench.build();
    for cut in 0..good.payload.len() {
        let mut tx = good.clone();
        tx.payload.truncate(cut);
        sign_inputs(&mut tx, &key(11));
        assert!(bench.chain.test(&tx).is_err(), "{cut}");
    }
}
