//! Each rule of the three updates, provoked by one change to an update that obeys them all.

use bitcoin::ScriptBuf;
use bitcoin::hashes::Hash;

use super::tests::{coin, key, listed, operator, outpoint};
use super::*;
use crate::protocol::ProTxHash;
use crate::protocol::amount::Amount;
use crate::protocol::key::{KeyId, SecpKey};
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::network::{MnType, builtin};
use crate::protocol::script;
use crate::protocol::special_tx::operator_signature::UNSIGNED;
use crate::protocol::special_tx::pro_reg::{Platform, encoding_of};
use crate::protocol::special_tx::{ProUpRegTx, ProUpRevTx, ProUpServTx, Service};
use crate::protocol::tx::{TxIn, TxOut};
use crate::protocol::{Transaction, bls};

/// The masternode all updates here are about, and another one.
const MINE: u8 = 0x21;
const OTHER: u8 = 0x55;
const FEE: u8 = 0x12;
const OPERATOR: u8 = 2;

fn hash(n: u8) -> ProTxHash {
    ProTxHash::from_byte_array([n; 32])
}

fn secret(n: u8) -> bls::SecretKey {
    bls::SecretKey::from_bytes(&[n; 32]).expect("in range")
}

/// One update of each type of the same masternode, the chain around it, and how to change either; `kind` is the one judged.
struct Case {
    profile: Profile,
    dialect: Dialect,
    max_version: u16,
    kind: u16,
    serv: ProUpServTx,
    reg: ProUpRegTx,
    rev: ProUpRevTx,
    tx: Transaction,
    facts: Facts,
    signer: bls::SecretKey,
    owner: SecpKey,
    sign: bool,
}

impl Case {
    fn new(network: &str, kind: u16) -> Self {
        let profile = builtin(network).expect("embedded");
        let modern = profile.activation.v19.is_some();
        let version = if modern { 2 } else { 1 };
        let payout = script::pay_to_key(&[9; 20]);
        let tx = Transaction {
            version: 3,
            kind,
            inputs: vec![TxIn::unsigned(outpoint(FEE))],
            outputs: vec![TxOut::new(Amount::from_duffs(99_000), script::pay_to_key(&[8; 20]))],
            lock_time: 0,
            payload: vec![],
        };
        let entry = listed(MINE, |entry| {
            entry.operator_reward = 500;
            entry.state.version = version;
            entry.state.owner = Some(key(1).key_id());
            entry.state.voting = Some(key(3).key_id());
            entry.state.operator = OperatorKey::Known(operator(OPERATOR));
        });
        let other = listed(OTHER, |entry| {
            entry.state.version = version;
            entry.state.operator = OperatorKey::Known(operator(6));
        });
        let mut facts = Facts {
            height: 3_000_000,
            masternodes: vec![other, entry],
            relay_fee: Amount::from_duffs(1_000),
            coinbase_maturity: 100,
            pending: Some(vec![]),
            ..Facts::default()
        };
        let collateral = coin(profile.collateral_regular, key(4).key_id());
        facts.coins.insert(outpoint(MINE), Some(collateral));
        let fee = coin(Amount::from_duffs(100_000), key(5).key_id());
        facts.coins.insert(outpoint(FEE), Some(fee));
        Self {
            dialect: if modern { Dialect::V23 } else { Dialect::V17 },
            max_version: version,
            kind,
            serv: ProUpServTx {
                version,
                kind: 0,
                pro_tx_hash: hash(MINE),
                service: Service::v4([1, 2, 3, 4].into(), profile.p2p_port),
                operator_payout: payout.clone(),
                inputs_hash: [0; 32],
                platform: None,
                signature: UNSIGNED,
            },
            reg: ProUpRegTx {
                version,
                pro_tx_hash: hash(MINE),
                mode: 0,
                operator: operator(OPERATOR).encode(encoding_of(version)),
                voting: key(3).key_id(),
                payout,
                inputs_hash: [0; 32],
                signature: vec![],
            },
            rev: ProUpRevTx {
                version,
                pro_tx_hash: hash(MINE),
                reason: 1,
                inputs_hash: [0; 32],
                signature: UNSIGNED,
            },
            profile,
            tx,
            facts,
            signer: secret(OPERATOR),
            owner: key(1),
            sign: true,
        }
    }

    fn entry(&mut self, n: u8) -> &mut Entry {
        let mut entries = self.facts.masternodes.iter_mut();
        entries
            .find(|entry| entry.pro_tx_hash == hash(n))
            .expect("both are listed")
    }

    fn scheme(&self) -> bls::Scheme {
        encoding_of(self.max_version)
    }

    fn payload(&mut self) -> Vec<u8> {
        let inputs_hash = self.tx.inputs_hash();
        for each in [
            &mut self.serv.inputs_hash,
            &mut self.reg.inputs_hash,
            &mut self.rev.inputs_hash,
        ] {
            if *each == [0; 32] {
                *each = inputs_hash;
            }
        }
        let scheme = self.scheme();
        if self.sign {
            self.serv.sign(&self.signer, scheme, self.serv.encoding());
            self.rev.sign(&self.signer, scheme, self.rev.encoding());
            self.reg.sign(&self.owner);
        }
        match self.kind {
            PRO_UP_SERV => self.serv.encode(),
            PRO_UP_REG => self.reg.encode(),
            _ => self.rev.encode(),
        }
    }

    fn verdict(mut self) -> Verdict {
        if self.tx.payload.is_empty() {
            self.tx.payload = self.payload();
        }
        let spent = script::pay_to_key(&key(5).key_id().0);
        let signature = key(5).sign_der(&self.tx.sighash_all(0, spent.as_bytes()));
        self.tx.inputs[0].script_sig = script::script_sig(&signature, &key(5).public_key().serialize());
        let context = Context {
            profile: &self.profile,
            dialect: self.dialect,
            max_version: self.max_version,
            facts: Some(&self.facts),
        };
        check(&self.tx, &context)
    }

    /// Another unconfirmed update, as this case would send it.
    fn wait_for(&mut self, network: &str, kind: u16, change: impl FnOnce(&mut Case)) {
        let mut other = Case::new(network, kind);
        change(&mut other);
        let mut tx = other.tx.clone();
        tx.lock_time = 1;
        tx.payload = other.payload();
        let pending = Pending { txid: tx.txid(), tx };
        self.facts.pending = Some(vec![pending]);
    }
}

fn reject(network: &str, kind: u16, change: impl FnOnce(&mut Case)) -> Option<&'static str> {
    let mut case = Case::new(network, kind);
    change(&mut case);
    case.verdict().failure().map(|check| check.reject)
}

const ALL: [u16; 3] = [PRO_UP_SERV, PRO_UP_REG, PRO_UP_REV];

type Change = fn(&mut Case);
type Row = (&'static str, Change, &'static str, &'static str);

fn judge(kind: u16, table: &[Row]) {
    for (what, change, modern, old) in table {
        for (network, expected) in [("dash", modern), ("wei", old)] {
            let expected = Some(*expected).filter(|expected| *expected != "accepted");
            assert_eq!(
                reject(network, kind, change),
                expected,
                "type {kind}, {what} on {network}"
            );
        }
    }
}

const fn same(what: &'static str, change: Change, reject: &'static str) -> Row {
    (what, change, reject, reject)
}

#[test]
fn good_updates_pass_every_rule_on_every_network() {
    for network in crate::protocol::network::builtin_names() {
        for kind in ALL {
            let verdict = Case::new(network, kind).verdict();
            assert_eq!(verdict.failure(), None, "{network} {kind}");
            assert!(
                verdict.checks.iter().all(|check| check.passed == Some(true)),
                "{network}: {:?}",
                verdict.checks
            );
        }
    }
}

#[test]
fn rules_of_all_updates_give_the_reject_string_of_both_generations() {
    fn versions(case: &mut Case, version: u16) {
        let encoding = encoding_of(version);
        (case.serv.version, case.reg.version, case.rev.version) = (version, version, version);
        case.reg.operator = operator(OPERATOR).encode(encoding);
    }
    let table: &[Row] = &[
        (
            "version 0",
            |c| versions(c, 0),
            "bad-protx-payload",
            "bad-protx-version",
        ),
        (
            "version 4",
            |c| c.tx.payload = [4, 0, 1, 1].into(),
            "bad-protx-payload",
            "bad-protx-payload",
        ),
        same("no payload fields", |c| c.tx.payload = vec![1, 0], "bad-protx-payload"),
        same("half a version", |c| c.tx.payload = vec![1], "bad-protx-payload"),
        same(
            "trailing byte",
            |c| {
                c.tx.payload = c.payload();
                c.tx.payload.push(0);
            },
            "bad-protx-payload",
        ),
        same(
            "truncated",
            |c| {
                c.tx.payload = c.payload();
                c.tx.payload.pop();
            },
            "bad-protx-payload",
        ),
        same("not listed", |c| c.facts.masternodes.clear(), "bad-protx-hash"),
        same(
            "hash reversed",
            |c| {
                let mut bytes = [MINE; 32];
                bytes[0] = 1;
                let wrong = ProTxHash::from_byte_array(bytes);
                (c.serv.pro_tx_hash, c.reg.pro_tx_hash, c.rev.pro_tx_hash) = (wrong, wrong, wrong);
            },
            "bad-protx-hash",
        ),
        same(
            "inputs hash",
            |c| (c.serv.inputs_hash, c.reg.inputs_hash, c.rev.inputs_hash) = ([1; 32], [1; 32], [1; 32]),
            "bad-protx-inputs-hash",
        ),
        same("unsigned", |c| c.sign = false, "bad-protx-sig"),
        same(
            "signed by strangers",
            |c| (c.signer, c.owner) = (secret(7), key(7)),
            "bad-protx-sig",
        ),
        same("fee", |c| c.tx.outputs[0].value = 99_950, "min relay fee not met"),
    ];
    for kind in ALL {
        judge(kind, table);
    }
}

#[test]
fn rules_of_a_service_update_give_the_reject_string_of_both_generations() {
    judge(
        PRO_UP_SERV,
        &[
            (
                "version 2 where nodes know 1",
                |c| c.serv.version = 2,
                "accepted",
                "bad-protx-payload",
            ),
            (
                "no address",
                |c| c.serv.service = Service::NONE,
                "bad-protx-netinfo-empty",
                "bad-protx-ipaddr",
            ),
            (
                "an address nodes read as none",
                |c| c.serv.service = Service::v4([255; 4].into(), 9999),
                "bad-protx-netinfo-empty",
                "bad-protx-ipaddr",
            ),
            (
                "private",
                |c| c.serv.service = Service::v4([10, 0, 0, 1].into(), 9999),
                "bad-protx-netinfo-addr-unroutable",
                "bad-protx-ipaddr",
            ),
            (
                "ipv6",
                |c| c.serv.service.ip = "2a00:1450::1".parse().expect("v6"),
                "bad-protx-netinfo-addr-type",
                "bad-protx-ipaddr",
            ),
            (
                "port",
                |c| c.serv.service.port = 1,
                "bad-protx-netinfo-port",
                "bad-protx-ipaddr-port",
            ),
            (
                "address of another",
                |c| c.entry(OTHER).state.service = c.serv.service,
                "bad-protx-dup-netinfo-entry",
                "bad-protx-dup-addr",
            ),
            same(
                "its own address",
                |c| c.entry(MINE).state.service = c.serv.service,
                "accepted",
            ),
            same(
                "no reward to pay out",
                |c| c.entry(MINE).operator_reward = 0,
                "bad-protx-operator-payee",
            ),
            same(
                "no reward and no payout",
                |c| {
                    c.entry(MINE).operator_reward = 0;
                    c.serv.operator_payout = ScriptBuf::new();
                },
                "accepted",
            ),
            same(
                "operator payout to nobody",
                |c| c.serv.operator_payout = ScriptBuf::from_bytes(vec![0x6a]),
                "bad-protx-operator-payee",
            ),
            same(
                "operator payout to a script",
                |c| c.serv.operator_payout = script::pay_to_script(&[1; 20]),
                "accepted",
            ),
            same(
                "operator payout to the owner key",
                |c| c.serv.operator_payout = key(1).key_id().address().script(),
                "accepted",
            ),
            same(
                "revoked",
                |c| c.entry(MINE).state.operator = OperatorKey::Revoked,
                "bad-protx-sig",
            ),
            same("key of another", |c| c.signer = secret(6), "bad-protx-sig"),
            same("banned", |c| c.entry(MINE).state.pose_ban_height = Some(7), "accepted"),
            (
                "evonode updated as regular",
                |c| c.entry(MINE).kind = MnType::Evo,
                "bad-protx-type-mismatch",
                "accepted",
            ),
        ],
    );
}

#[test]
fn rules_of_a_registrar_update_give_the_reject_string_of_both_generations() {
    judge(
        PRO_UP_REG,
        &[
            (
                "version 3",
                |c| c.reg.version = 3,
                "bad-protx-version",
                "bad-protx-version",
            ),
            same("mode", |c| c.reg.mode = 1, "bad-protx-mode"),
            same("operator zero", |c| c.reg.operator = [0; 48], "bad-protx-key-null"),
            (
                "operator no key",
                |c| c.reg.operator = [0xff; 48],
                "bad-protx-key-null",
                "bad-protx-payload",
            ),
            same("voting zero", |c| c.reg.voting = KeyId([0; 20]), "bad-protx-key-null"),
            same(
                "payout to nobody",
                |c| c.reg.payout = ScriptBuf::from_bytes(vec![0x6a]),
                "bad-protx-payee",
            ),
            same("no payout", |c| c.reg.payout = ScriptBuf::new(), "bad-protx-payee"),
            same(
                "payout is the listed owner",
                |c| c.reg.payout = key(1).key_id().address().script(),
                "bad-protx-payee-reuse",
            ),
            same(
                "payout is the new voting key",
                |c| c.reg.payout = c.reg.voting.address().script(),
                "bad-protx-payee-reuse",
            ),
            same(
                "payout is the collateral",
                |c| c.reg.payout = key(4).key_id().address().script(),
                "accepted",
            ),
            same(
                "collateral spent",
                |c| {
                    c.facts.coins.insert(outpoint(MINE), None);
                },
                "bad-protx-collateral",
            ),
            same(
                "collateral to nobody",
                |c| {
                    if let Some(Some(coin)) = c.facts.coins.get_mut(&outpoint(MINE)) {
                        coin.script = ScriptBuf::from_bytes(vec![0x51]);
                    }
                },
                "bad-protx-collateral-dest",
            ),
            same(
                "voting is the collateral",
                |c| c.reg.voting = key(4).key_id(),
                "bad-protx-collateral-reuse",
            ),
            same(
                "owner is the collateral",
                |c| {
                    c.entry(MINE).state.owner = Some(key(4).key_id());
                    c.owner = key(4);
                },
                "bad-protx-collateral-reuse",
            ),
            same(
                "operator of another",
                |c| c.reg.operator = operator(6).encode(c.reg.key_encoding()),
                "bad-protx-dup-key",
            ),
            same(
                "a new operator",
                |c| c.reg.operator = operator(8).encode(c.reg.key_encoding()),
                "accepted",
            ),
            same(
                "voting key of another",
                |c| c.entry(OTHER).state.voting = Some(c.reg.voting),
                "accepted",
            ),
            same(
                "revoked gets its key back",
                |c| c.entry(MINE).state.operator = OperatorKey::Revoked,
                "accepted",
            ),
            same(
                "before enforcement",
                |c| c.facts.height = c.profile.activation.dip3_enforcement.saturating_sub(2),
                "bad-protx-key-not-same",
            ),
            same(
                "signature too short",
                |c| {
                    c.sign = false;
                    c.reg.signature = vec![31; 64];
                },
                "bad-protx-sig",
            ),
        ],
    );
}

#[test]
fn rules_of_a_revocation_give_the_reject_string_of_both_generations() {
    judge(
        PRO_UP_REV,
        &[
            (
                "version 3",
                |c| c.rev.version = 3,
                "bad-protx-version",
                "bad-protx-payload",
            ),
            same("reason 4", |c| c.rev.reason = 4, "bad-protx-reason"),
            same(
                "reason before the masternode",
                |c| {
                    c.rev.reason = 0xffff;
                    c.facts.masternodes.clear();
                },
                "bad-protx-reason",
            ),
            same("reason 0", |c| c.rev.reason = 0, "accepted"),
            same(
                "revoked already",
                |c| c.entry(MINE).state.operator = OperatorKey::Revoked,
                "bad-protx-sig",
            ),
            same(
                "signed by the owner's choice",
                |c| c.signer = secret(1),
                "bad-protx-sig",
            ),
        ],
    );
}

#[test]
fn the_scheme_is_the_chains_and_the_encoding_the_versions() {
    for kind in [PRO_UP_SERV, PRO_UP_REV] {
        // A version-1 payload after V19: basic scheme in legacy encoding, and nothing else.
        let hybrid = |case: &mut Case| (case.serv.version, case.rev.version) = (1, 1);
        assert_eq!(reject("dash", kind, hybrid), None);
        let legacy = |case: &mut Case| {
            hybrid(case);
            case.payload();
            case.serv
                .sign(&secret(OPERATOR), bls::Scheme::Legacy, bls::Scheme::Legacy);
            case.rev
                .sign(&secret(OPERATOR), bls::Scheme::Legacy, bls::Scheme::Legacy);
            case.sign = false;
        };
        assert_eq!(reject("dash", kind, legacy), Some("bad-protx-sig"));
        let early = |case: &mut Case| {
            hybrid(case);
            case.max_version = 1;
        };
        assert_eq!(reject("dash", kind, early), None);
        assert_eq!(
            reject("dash", kind, |case| case.max_version = 1),
            Some("bad-protx-version")
        );
    }
}

fn evo(case: &mut Case) {
    case.serv.kind = 1;
    case.serv.platform = Some(Platform {
        node_id: [5; 20],
        p2p_port: 26656,
        http_port: 443,
    });
    case.entry(MINE).kind = MnType::Evo;
}

#[test]
fn evonodes_have_rules_of_their_own() {
    let with = |change: Change| {
        reject("dash", PRO_UP_SERV, |case| {
            evo(case);
            change(case);
        })
    };
    let table: &[(&str, Change, Option<&str>)] = &[
        ("good", |_| (), None),
        (
            "node id",
            |c| c.serv.platform.iter_mut().for_each(|p| p.node_id = [0; 20]),
            Some("bad-protx-platform-nodeid"),
        ),
        (
            "p2p port",
            |c| c.serv.platform.iter_mut().for_each(|p| p.p2p_port = 1),
            Some("bad-protx-platform-p2p-port"),
        ),
        (
            "http port",
            |c| c.serv.platform.iter_mut().for_each(|p| p.http_port = 1),
            Some("bad-protx-platform-http-port"),
        ),
        (
            "node id of another",
            |c| c.entry(OTHER).state.platform_node_id = c.serv.platform.map(|p| p.node_id_hex()),
            Some("bad-protx-dup-platformnodeid"),
        ),
        (
            "its own node id",
            |c| c.entry(MINE).state.platform_node_id = c.serv.platform.map(|p| p.node_id_hex()),
            None,
        ),
        (
            "regular masternode updated as evonode",
            |c| c.entry(MINE).kind = MnType::Regular,
            Some("bad-protx-type-mismatch"),
        ),
        (
            "unknown type",
            |c| (c.serv.kind, c.serv.platform) = (7, None),
            Some("bad-protx-type-mismatch"),
        ),
    ];
    for (what, change, expected) in table {
        assert_eq!(with(*change), *expected, "{what}");
    }
    let mut case = Case::new("dash", PRO_UP_SERV);
    case.entry(MINE).kind = MnType::Evo;
    let verdict = case.verdict();
    let failure = verdict.failure().expect("blocks refuse it");
    assert!(failure.message.contains("judged only in blocks"), "{}", failure.message);
}

#[test]
fn unconfirmed_transactions_keep_out_what_they_have_taken() {
    for network in ["dash", "wei"] {
        let judge = |kind, waiting, change: fn(&mut Case)| {
            reject(network, kind, |case| case.wait_for(network, waiting, change))
        };
        let new_key: Change = |c| c.reg.operator = operator(8).encode(c.reg.key_encoding());
        let other: Change = |c| {
            (c.serv.pro_tx_hash, c.reg.pro_tx_hash, c.rev.pro_tx_hash) = (hash(OTHER), hash(OTHER), hash(OTHER));
        };
        let dup = Some("protx-dup");
        // Who waits is known by its txid, not by its masternode.
        assert_eq!(judge(PRO_UP_SERV, PRO_UP_SERV, |_| ()), dup, "one address twice");
        let elsewhere: Change = |c| c.serv.service.port += 1;
        assert_eq!(judge(PRO_UP_SERV, PRO_UP_SERV, elsewhere), None, "two addresses");
        assert_eq!(judge(PRO_UP_REG, PRO_UP_REG, |_| ()), dup, "one key twice");
        assert_eq!(judge(PRO_UP_SERV, PRO_UP_SERV, other), dup, "one address for two");
        assert_eq!(judge(PRO_UP_REG, PRO_UP_SERV, |_| ()), None);
        assert_eq!(judge(PRO_UP_SERV, PRO_UP_REG, new_key), None);
        assert_eq!(
            judge(PRO_UP_REG, PRO_UP_REG, new_key),
            None,
            "the key stays in one of them"
        );
        assert_eq!(judge(PRO_UP_REG, PRO_UP_REV, |_| ()), None, "the key stays");
        assert_eq!(judge(PRO_UP_REG, PRO_UP_REG, other), dup, "one key for two");
        assert_eq!(judge(PRO_UP_REV, PRO_UP_REG, new_key), dup, "two key changes");
        assert_eq!(judge(PRO_UP_REV, PRO_UP_REG, |_| ()), None);
        assert_eq!(judge(PRO_UP_REV, PRO_UP_REV, |_| ()), dup);
        assert_eq!(judge(PRO_UP_REV, PRO_UP_REV, other), None);
        let second = reject(network, PRO_UP_REG, |case| {
            new_key(case);
            case.wait_for(network, PRO_UP_REV, |_| ());
        });
        assert_eq!(second, dup, "a new key while a revocation waits");
    }
}

#[test]
fn a_waiting_platform_node_id_is_what_blocks_refuse() {
    let waiting = |change: fn(&mut Case)| {
        let mut case = Case::new("dash", PRO_UP_SERV);
        evo(&mut case);
        case.wait_for("dash", PRO_UP_SERV, change);
        case.verdict()
    };
    let other: Change = |c| {
        evo(c);
        c.serv.pro_tx_hash = hash(OTHER);
        c.serv.service.port += 1;
    };
    let verdict = waiting(other);
    let failure = verdict.failure().expect("no block can have both");
    assert_eq!(failure.rule, "platform-node-id-not-pending");
    assert!(failure.message.contains("judged only in blocks"), "{}", failure.message);
    let again: Change = |c| {
        evo(c);
        c.serv.service.port += 1;
    };
    assert_eq!(waiting(again).failure(), None, "its own");
}

#[test]
fn bytes_are_compared_in_the_mempool_and_in_the_list_whatever_they_mean() {
    let both = (10..30)
        .map(|n| operator(n).encode(bls::Scheme::Basic))
        .find(|bytes| bytes[0] & 0x20 == 0)
        .expect("half of all keys");
    let listed = reject("dash", PRO_UP_REG, |case| {
        (case.reg.version, case.reg.operator) = (1, both);
        case.entry(OTHER).state.operator = OperatorKey::from_bytes(both, bls::Scheme::Basic);
    });
    assert_eq!(listed, Some("bad-protx-dup-key"));
    let waiting = reject("dash", PRO_UP_REG, |case| {
        (case.reg.version, case.reg.operator) = (1, both);
        case.wait_for("dash", PRO_UP_REG, |other| {
            other.reg.pro_tx_hash = hash(OTHER);
            other.reg.operator = (10..30)
                .map(|n| operator(n).encode(bls::Scheme::Basic))
                .find(|bytes| bytes[0] & 0x20 == 0)
                .expect("the same");
        });
    });
    assert_eq!(waiting, Some("protx-dup"));
}

#[test]
fn legacy_bytes_that_are_no_key_are_taken_by_nodes_and_warned_of() {
    let mut off_curve = [0; 48];
    off_curve[47] = 1;
    let mut off_subgroup = [0; 48];
    (off_subgroup[0], off_subgroup[47]) = (0x80, 4);
    for bytes in [off_curve, off_subgroup] {
        let (accepted, warnings) = warned("dash", |case| (case.reg.version, case.reg.operator) = (1, bytes));
        assert!(accepted && warnings.len() == 1, "{warnings:?}");
        let basic = reject("dash", PRO_UP_REG, |case| case.reg.operator = bytes);
        assert_eq!(basic, Some("bad-protx-key-null"));
    }
}

#[test]
fn a_signature_in_the_other_encoding_is_read_as_none() {
    for (version, encoding) in [(1, bls::Scheme::Basic), (2, bls::Scheme::Legacy)] {
        for kind in [PRO_UP_SERV, PRO_UP_REV] {
            let found = reject("dash", kind, |case| {
                (case.serv.version, case.rev.version) = (version, version);
                case.payload();
                case.serv.sign(&secret(OPERATOR), bls::Scheme::Basic, encoding);
                case.rev.sign(&secret(OPERATOR), bls::Scheme::Basic, encoding);
                case.sign = false;
            });
            assert_eq!(found, Some("bad-protx-sig"), "type {kind} version {version}");
        }
    }
}

#[test]
fn addresses_nodes_cannot_hold_are_none_to_them() {
    for ip in ["fd87:d87e:eb43::1", "fd6b:88c0:8724::1", "2001:db8::1"] {
        let found = reject("dash", PRO_UP_SERV, |case| {
            case.serv.service.ip = ip.parse().expect("v6")
        });
        assert_eq!(found, Some("bad-protx-netinfo-empty"), "{ip}");
    }
}

#[test]
fn locked_and_unusual_transactions_are_judged_as_nodes_do() {
    let table: &[(&str, Change, Option<&str>)] = &[
        ("version 4", |c| c.tx.version = 4, Some("version")),
        ("type 5", |c| c.tx.kind = 5, Some("bad-cbtx-invalid")),
        (
            "a later block",
            |c| (c.tx.lock_time, c.tx.inputs[0].sequence) = (3_000_001, 0),
            Some("non-final"),
        ),
        (
            "the block that passed",
            |c| (c.tx.lock_time, c.tx.inputs[0].sequence) = (3_000_000, 0),
            None,
        ),
        ("a lock time nothing heeds", |c| c.tx.lock_time = 3_000_001, None),
        (
            "a young coin",
            |c| c.tx.inputs[0].sequence = 0xffff,
            Some("non-BIP68-final"),
        ),
        ("an old coin", |c| c.tx.inputs[0].sequence = 1, None),
        (
            "a bare key just too small",
            |c| {
                let script = [&[33, 2][..], &[9; 32], &[0xac]].concat();
                c.tx.outputs
                    .push(TxOut::new(Amount::from_duffs(575), ScriptBuf::from_bytes(script)));
            },
            Some("dust"),
        ),
        (
            "dust before nonsense",
            |c| {
                c.tx.outputs[0].value = 1;
                c.tx.outputs
                    .push(TxOut::new(Amount::from_duffs(1), ScriptBuf::from_bytes(vec![0x51])));
            },
            Some("dust"),
        ),
        (
            "nonsense before dust",
            |c| {
                c.tx.outputs[0].script = ScriptBuf::from_bytes(vec![0x51]);
                c.tx.outputs
                    .push(TxOut::new(Amount::from_duffs(1), script::pay_to_key(&[1; 20])));
            },
            Some("scriptpubkey"),
        ),
    ];
    for (what, change, expected) in table {
        assert_eq!(reject("dash", PRO_UP_REV, *change), *expected, "{what}");
    }
    // By time: nobody here knows the blocks' median time.
    let mut case = Case::new("dash", PRO_UP_REV);
    (case.tx.lock_time, case.tx.inputs[0].sequence) = (1_700_000_000, 0x0040_0001);
    let verdict = case.verdict();
    let unknown = verdict.checks.iter().filter(|check| check.passed.is_none());
    let unknown: Vec<&str> = unknown.map(|check| check.reject).collect();
    assert_eq!(unknown, ["non-final", "non-BIP68-final"]);
}

fn warned(network: &str, change: impl FnOnce(&mut Case)) -> (bool, Vec<String>) {
    let mut case = Case::new(network, PRO_UP_REG);
    change(&mut case);
    let verdict = case.verdict();
    let warnings = verdict.warnings().map(|check| check.message.clone()).collect();
    (verdict.accepted(), warnings)
}

#[test]
fn a_key_another_masternode_has_in_the_other_encoding_is_accepted_with_a_warning() {
    let (accepted, warnings) = warned("dash", |case| {
        case.reg.operator = operator(6).encode(bls::Scheme::Basic);
        case.entry(OTHER).state.version = 1;
    });
    assert!(accepted && warnings.len() == 1, "{warnings:?}");
    assert_eq!(warned("dash", |_| ()), (true, vec![]));
    // The own key, in the encoding of a newer payload: nothing changes and nothing is said.
    assert_eq!(
        warned("dash", |case| case.entry(MINE).state.version = 1),
        (true, vec![])
    );
}

#[test]
fn a_key_pasted_in_the_wrong_encoding_is_warned_of_where_a_node_takes_it_for_its_negative() {
    let mut seen = 0;
    for n in 10..30 {
        let legacy = operator(n).encode(bls::Scheme::Legacy);
        let (accepted, warnings) = warned("dash", |case| {
            case.entry(MINE).state.operator = OperatorKey::Known(operator(n));
            case.reg.operator = legacy;
        });
        // Half of all keys read in both encodings; the rest are refused by everybody.
        assert_eq!(accepted, legacy[0] & 0x80 != 0);
        assert_eq!(warnings.len(), 1);
        seen += usize::from(accepted);
    }
    assert!((3..18).contains(&seen), "{seen} of 20");
}
