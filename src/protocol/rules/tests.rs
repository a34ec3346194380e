//! Each rule of a ProRegTx, provoked by one change to a registration that obeys them all.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Txid};

use super::*;
use crate::protocol::amount::Amount;
use crate::protocol::key::{KeyId, SecpKey};
use crate::protocol::masternode::entry::State;
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::message::message_hash;
use crate::protocol::network::{MnType, builtin};
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::special_tx::{ProRegTx, Service};
use crate::protocol::tx::{TxIn, TxOut};
use crate::protocol::{bls, script};

pub(super) fn key(n: u8) -> SecpKey {
    SecpKey::from_bytes(&[n; 32]).expect("in range")
}

pub(super) fn operator(n: u8) -> bls::PublicKey {
    bls::SecretKey::from_bytes(&[n; 32]).expect("in range").public_key()
}

pub(super) fn outpoint(n: u8) -> OutPoint {
    OutPoint {
        txid: Txid::from_byte_array([n; 32]),
        vout: 0,
    }
}

const COLLATERAL: u8 = 0x11;
const FEE: u8 = 0x12;

/// A registration, the chain around it, and how to change either.
struct Case {
    profile: Profile,
    dialect: Dialect,
    max_version: u16,
    payload: ProRegTx,
    tx: Transaction,
    facts: Facts,
    /// Sign after the change, as an honest user of a changed payload would.
    sign: bool,
}

impl Case {
    fn new(network: &str) -> Self {
        let profile = builtin(network).expect("embedded");
        let modern = profile.activation.v19.is_some();
        let version = if modern { 2 } else { 1 };
        let encoding = crate::protocol::special_tx::pro_reg::encoding_of(version);
        let payload = ProRegTx {
            version,
            kind: 0,
            mode: 0,
            collateral: outpoint(COLLATERAL),
            service: Service::v4([1, 2, 3, 4].into(), profile.p2p_port),
            owner: key(1).key_id(),
            operator: operator(2).encode(encoding),
            voting: key(3).key_id(),
            operator_reward: 0,
            payout: script::pay_to_key(&[9; 20]),
            inputs_hash: [0; 32],
            platform: None,
            signature: Vec::new(),
        };
        let tx = Transaction {
            version: 3,
            kind: PRO_REG,
            inputs: vec![TxIn::unsigned(outpoint(FEE))],
            outputs: vec![TxOut::new(Amount::from_duffs(99_000), script::pay_to_key(&[8; 20]))],
            lock_time: 0,
            payload: vec![],
        };
        let mut facts = Facts {
            height: 3_000_000,
            relay_fee: Amount::from_duffs(1_000),
            coinbase_maturity: 100,
            pending: Some(vec![]),
            ..Facts::default()
        };
        let collateral = coin(profile.collateral_regular, key(4).key_id());
        facts.coins.insert(outpoint(COLLATERAL), Some(collateral));
        facts
            .coins
            .insert(outpoint(FEE), Some(coin(Amount::from_duffs(100_000), key(5).key_id())));
        let dialect = if modern { Dialect::V23 } else { Dialect::V17 };
        Self {
            profile,
            dialect,
            max_version: version,
            payload,
            tx,
            facts,
            sign: true,
        }
    }

    fn verdict(mut self) -> Verdict {
        if self.payload.inputs_hash == [0; 32] {
            self.payload.inputs_hash = self.tx.inputs_hash();
        }
        if self.sign && !self.payload.is_internal() {
            let text = self.payload.sign_message(&self.profile);
            let digest = message_hash(&self.profile.message_magic, text.as_bytes());
            self.payload.signature = key(4).sign_compact(&digest).as_bytes().to_vec();
        }
        if self.tx.payload.is_empty() {
            self.tx.payload = self.payload.encode();
        }
        let spent = script::pay_to_key(&key(5).key_id().0);
        for at in 0..self.tx.inputs.len() {
            let signature = key(5).sign_der(&self.tx.sighash_all(at, spent.as_bytes()));
            self.tx.inputs[at].script_sig = script::script_sig(&signature, &key(5).public_key().serialize());
        }
        let context = Context {
            profile: &self.profile,
            dialect: self.dialect,
            max_version: self.max_version,
            facts: Some(&self.facts),
        };
        check(&self.tx, &context)
    }
}

pub(super) fn coin(value: Amount, owner: KeyId) -> Coin {
    Coin {
        value,
        script: owner.address().script(),
        confirmations: 20,
        coinbase: false,
        spent_in_mempool: false,
    }
}

pub(super) fn listed(n: u8, change: impl FnOnce(&mut Entry)) -> Entry {
    let mut entry = Entry {
        pro_tx_hash: Txid::from_byte_array([n; 32]),
        kind: MnType::Regular,
        collateral: outpoint(n),
        operator_reward: 0,
        confirmations: Some(100),
        state: State {
            version: 2,
            service: Service::v4([9, 9, 9, n].into(), 9999),
            registered_height: 1,
            last_paid_height: 0,
            consecutive_payments: 0,
            pose_penalty: 0,
            pose_revived_height: None,
            pose_ban_height: None,
            revocation_reason: 0,
            owner: Some(KeyId([n; 20])),
            voting: None,
            payout: None,
            operator_payout: None,
            operator: OperatorKey::Revoked,
            platform_node_id: None,
            platform_p2p_port: None,
            platform_http_port: None,
        },
    };
    change(&mut entry);
    entry
}

fn reject(network: &str, change: impl FnOnce(&mut Case)) -> Option<&'static str> {
    let mut case = Case::new(network);
    change(&mut case);
    case.verdict().failure().map(|check| check.reject)
}

#[test]
fn a_good_registration_passes_every_rule_on_every_network() {
    for network in crate::protocol::network::builtin_names() {
        let verdict = Case::new(network).verdict();
        assert_eq!(verdict.failure(), None, "{network}");
        assert!(
            verdict.checks.iter().all(|check| check.passed == Some(true)),
            "{network}: {:?}",
            verdict.checks
        );
    }
}

fn evo(case: &mut Case) {
    case.payload.kind = 1;
    case.payload.platform = Some(Platform {
        node_id: [5; 20],
        p2p_port: 26656,
        http_port: 443,
    });
    let collateral = coin(case.profile.collateral_evo.expect("dash has evonodes"), key(4).key_id());
    case.facts.coins.insert(outpoint(COLLATERAL), Some(collateral));
}

fn internal(case: &mut Case) {
    case.payload.collateral = OutPoint {
        txid: Txid::from_byte_array([0; 32]),
        vout: 1,
    };
    let amount = case.profile.collateral_regular;
    case.tx
        .outputs
        .push(TxOut::new(amount, script::pay_to_key(&key(4).key_id().0)));
    case.facts.coins.insert(
        outpoint(FEE),
        Some(coin(
            amount.checked_add(Amount::from_coins(1)).expect("small"),
            key(5).key_id(),
        )),
    );
}

type Change = fn(&mut Case);

#[test]
fn each_broken_rule_gives_the_reject_string_of_both_generations() {
    let table: &[(&str, Change, &str, &str)] = &[
        (
            "version 0",
            |c| c.payload.version = 0,
            "bad-protx-payload",
            "bad-protx-version",
        ),
        (
            "version 3",
            |c| c.payload.version = 3,
            "bad-protx-payload",
            "bad-protx-version",
        ),
        ("mode", |c| c.payload.mode = 1, "bad-protx-mode", "bad-protx-mode"),
        ("type 2", |c| c.payload.kind = 2, "bad-protx-type", "bad-protx-type"),
        (
            "owner zero",
            |c| c.payload.owner = KeyId([0; 20]),
            "bad-protx-key-null",
            "bad-protx-key-null",
        ),
        (
            "voting zero",
            |c| c.payload.voting = KeyId([0; 20]),
            "bad-protx-key-null",
            "bad-protx-key-null",
        ),
        (
            "operator zero",
            |c| c.payload.operator = [0; 48],
            "bad-protx-key-null",
            "bad-protx-key-null",
        ),
        (
            "payout to nobody",
            |c| c.payload.payout = ScriptBuf::from_bytes(vec![0x6a]),
            "bad-protx-payee",
            "bad-protx-payee",
        ),
        (
            "payout is owner",
            |c| c.payload.payout = c.payload.owner.address().script(),
            "bad-protx-payee-reuse",
            "bad-protx-payee-reuse",
        ),
        (
            "payout is voting",
            |c| c.payload.payout = c.payload.voting.address().script(),
            "bad-protx-payee-reuse",
            "bad-protx-payee-reuse",
        ),
        (
            "reward",
            |c| c.payload.operator_reward = 10_001,
            "bad-protx-operator-reward",
            "bad-protx-operator-reward",
        ),
        (
            "port",
            |c| c.payload.service.port = 10_000,
            "bad-protx-netinfo-port",
            "bad-protx-ipaddr-port",
        ),
        (
            "private",
            |c| c.payload.service = Service::v4([10, 0, 0, 1].into(), 9999),
            "bad-protx-netinfo-addr-unroutable",
            "bad-protx-ipaddr",
        ),
        (
            "ipv6",
            |c| c.payload.service.ip = "2a00:1450::1".parse().expect("v6"),
            "bad-protx-netinfo-addr-type",
            "bad-protx-ipaddr",
        ),
        (
            "an address nodes read as none",
            |c| c.payload.service.ip = "2001:db8::1".parse().expect("v6"),
            "bad-protx-sig",
            "bad-protx-ipaddr",
        ),
        (
            "broadcast",
            |c| c.payload.service = Service::v4([255; 4].into(), 9999),
            "bad-protx-sig",
            "bad-protx-ipaddr",
        ),
        (
            "collateral unknown",
            |c| {
                c.facts.coins.insert(outpoint(COLLATERAL), None);
            },
            "bad-protx-collateral",
            "bad-protx-collateral",
        ),
        (
            "collateral amount",
            |c| {
                c.facts.coins.insert(
                    outpoint(COLLATERAL),
                    Some(coin(Amount::from_coins(999), key(4).key_id())),
                );
            },
            "bad-protx-collateral",
            "bad-protx-collateral",
        ),
        (
            "collateral unconfirmed",
            |c| {
                if let Some(Some(coin)) = c.facts.coins.get_mut(&outpoint(COLLATERAL)) {
                    coin.confirmations = 0;
                }
            },
            "bad-protx-collateral",
            "bad-protx-collateral",
        ),
        (
            "collateral P2SH",
            |c| {
                if let Some(Some(coin)) = c.facts.coins.get_mut(&outpoint(COLLATERAL)) {
                    coin.script = script::pay_to_script(&[1; 20]);
                }
            },
            "bad-protx-collateral-pkh",
            "bad-protx-collateral-pkh",
        ),
        (
            "owner is collateral",
            |c| c.payload.owner = key(4).key_id(),
            "bad-protx-collateral-reuse",
            "bad-protx-collateral-reuse",
        ),
        (
            "voting is collateral",
            |c| c.payload.voting = key(4).key_id(),
            "bad-protx-collateral-reuse",
            "bad-protx-collateral-reuse",
        ),
        (
            "service taken",
            |c| {
                let s = c.payload.service;
                c.facts.masternodes.push(listed(0x55, |e| e.state.service = s));
            },
            "bad-protx-dup-netinfo-entry",
            "bad-protx-dup-addr",
        ),
        (
            "owner taken",
            |c| {
                let o = c.payload.owner;
                c.facts.masternodes.push(listed(0x55, |e| e.state.owner = Some(o)));
            },
            "bad-protx-dup-key",
            "bad-protx-dup-key",
        ),
        (
            "operator taken",
            |c| {
                let v = c.payload.version;
                c.facts.masternodes.push(listed(0x55, |e| {
                    e.state.version = v;
                    e.state.name_operator(&operator(2));
                }));
            },
            "bad-protx-dup-key",
            "bad-protx-dup-key",
        ),
        (
            "inputs hash",
            |c| c.payload.inputs_hash = [1; 32],
            "bad-protx-inputs-hash",
            "bad-protx-inputs-hash",
        ),
        ("unsigned", |c| c.sign = false, "bad-protx-sig", "bad-protx-sig"),
        (
            "trailing byte",
            |c| {
                c.tx.payload = c.payload.encode();
                c.tx.payload.push(0);
            },
            "bad-protx-payload",
            "bad-protx-payload",
        ),
        (
            "truncated",
            |c| {
                c.tx.payload = c.payload.encode();
                c.tx.payload.pop();
            },
            "bad-protx-payload",
            "bad-protx-payload",
        ),
        (
            "fee",
            |c| c.tx.outputs[0].value = 99_900,
            "min relay fee not met",
            "min relay fee not met",
        ),
        (
            "no money",
            |c| c.tx.outputs[0].value = 100_001,
            "bad-txns-in-belowout",
            "bad-txns-in-belowout",
        ),
        (
            "input gone",
            |c| {
                c.facts.coins.insert(outpoint(FEE), None);
            },
            "bad-txns-inputs-missingorspent",
            "Missing inputs",
        ),
        (
            "input pending",
            |c| {
                if let Some(Some(coin)) = c.facts.coins.get_mut(&outpoint(FEE)) {
                    coin.spent_in_mempool = true;
                }
            },
            "txn-mempool-conflict",
            "txn-mempool-conflict",
        ),
        (
            "immature",
            |c| {
                if let Some(Some(coin)) = c.facts.coins.get_mut(&outpoint(FEE)) {
                    coin.coinbase = true;
                }
            },
            "bad-txns-premature-spend-of-coinbase",
            "bad-txns-premature-spend-of-coinbase",
        ),
        (
            "no outputs",
            |c| c.tx.outputs.clear(),
            "bad-txns-vout-empty",
            "bad-txns-vout-empty",
        ),
        (
            "no inputs",
            |c| c.tx.inputs.clear(),
            "bad-txns-vin-empty",
            "bad-txns-vin-empty",
        ),
        (
            "negative",
            |c| c.tx.outputs[0].value = -1,
            "bad-txns-vout-negative",
            "bad-txns-vout-negative",
        ),
        (
            "too large",
            |c| c.tx.outputs[0].value = i64::MAX,
            "bad-txns-vout-toolarge",
            "bad-txns-vout-toolarge",
        ),
        ("dust", |c| c.tx.outputs[0].value = 545, "dust", "dust"),
        (
            "twice",
            |c| {
                let input = c.tx.inputs[0].clone();
                c.tx.inputs.push(input);
            },
            "bad-txns-inputs-duplicate",
            "bad-txns-inputs-duplicate",
        ),
        ("unknown type", |c| c.tx.kind = 77, "bad-txns-type", "bad-txns-type"),
        (
            "payload size",
            |c| c.tx.payload = vec![1; 10_001],
            "bad-txns-payload-oversize",
            "bad-txns-payload-oversize",
        ),
        (
            "input unsigned by its key",
            |c| {
                if let Some(Some(coin)) = c.facts.coins.get_mut(&outpoint(FEE)) {
                    coin.script = script::pay_to_key(&[7; 20]);
                }
            },
            "mandatory-script-verify-flag-failed",
            "mandatory-script-verify-flag-failed",
        ),
    ];
    for (what, change, modern, old) in table {
        assert_eq!(reject("dash", change), Some(*modern), "{what} on dash");
        assert_eq!(reject("wei", change), Some(*old), "{what} on wei");
    }
}

#[test]
fn evonodes_have_rules_of_their_own() {
    assert_eq!(reject("dash", evo), None);
    let with = |change: Change| {
        reject("dash", |case| {
            evo(case);
            change(case);
        })
    };
    let platform = |case: &mut Case, change: fn(&mut Platform)| {
        if let Some(platform) = &mut case.payload.platform {
            change(platform);
        }
    };
    assert_eq!(
        with(|c| c.payload.platform = Some(Platform {
            node_id: [0; 20],
            p2p_port: 26656,
            http_port: 443
        })),
        Some("bad-protx-platform-nodeid")
    );
    assert_eq!(
        reject("dash", |c| {
            evo(c);
            platform(c, |p| p.p2p_port = 1);
        }),
        Some("bad-protx-platform-p2p-port")
    );
    assert_eq!(
        reject("dash", |c| {
            evo(c);
            platform(c, |p| p.http_port = 1);
        }),
        Some("bad-protx-platform-http-port")
    );
    assert_eq!(
        reject("dash-regtest", |c| {
            evo(c);
            platform(c, |p| p.http_port = p.p2p_port);
        }),
        Some("bad-protx-platform-dup-ports")
    );
    assert_eq!(with(|c| c.payload.version = 1), Some("bad-protx-evo-version"));
    let taken = |c: &mut Case| {
        let id = c.payload.platform.map(|platform| platform.node_id_hex());
        c.facts
            .masternodes
            .push(listed(0x55, |entry| entry.state.platform_node_id = id));
    };
    assert_eq!(
        reject("dash", |c| {
            evo(c);
            taken(c);
        }),
        Some("bad-protx-dup-platformnodeid")
    );
    // 0.17 has no evonodes: the Platform fields are bytes too many.
    assert_eq!(
        reject("wei", |c| {
            c.payload.kind = 1;
            c.payload.platform = Some(Platform {
                node_id: [5; 20],
                p2p_port: 1,
                http_port: 2,
            });
        }),
        Some("bad-protx-payload")
    );
}

#[test]
fn an_internal_collateral_is_judged_from_the_transaction_alone() {
    assert_eq!(reject("dash", internal), None);
    assert_eq!(
        reject("dash", |c| {
            internal(c);
            c.payload.collateral.vout = 7;
        }),
        Some("bad-protx-collateral-index")
    );
    assert_eq!(
        reject("dash", |c| {
            internal(c);
            c.payload.collateral.vout = 0;
        }),
        Some("bad-protx-collateral")
    );
    assert_eq!(
        reject("dash", |c| {
            internal(c);
            c.payload.signature = vec![31; 65];
        }),
        Some("bad-protx-sig")
    );
    assert_eq!(
        reject("dash", |c| {
            internal(c);
            c.payload.owner = key(4).key_id();
        }),
        Some("bad-protx-collateral-reuse")
    );
}

#[test]
fn what_nodes_allow_is_not_refused() {
    let allowed: &[(&str, Change)] = &[
        ("no address", |c| c.payload.service = Service::NONE),
        ("owner is voting", |c| c.payload.voting = c.payload.owner),
        ("payout is collateral", |c| {
            c.payload.payout = key(4).key_id().address().script()
        }),
        ("payout to a script", |c| {
            c.payload.payout = script::pay_to_script(&[1; 20])
        }),
        ("the address of the masternode it replaces", |c| {
            let service = c.payload.service;
            c.facts
                .masternodes
                .push(listed(COLLATERAL, |entry| entry.state.service = service));
        }),
        ("a voting key of another masternode", |c| {
            let voting = c.payload.voting;
            c.facts
                .masternodes
                .push(listed(0x55, |entry| entry.state.voting = Some(voting)));
        }),
        ("one confirmation", |c| {
            if let Some(Some(coin)) = c.facts.coins.get_mut(&outpoint(COLLATERAL)) {
                coin.confirmations = 1;
            }
        }),
        ("the same operator in the other encoding", |c| {
            let other = if c.payload.version == 2 { 1 } else { 2 };
            c.facts.masternodes.push(listed(0x55, |entry| {
                entry.state.version = other;
                entry.state.name_operator(&operator(2));
            }));
        }),
    ];
    for (what, change) in allowed {
        assert_eq!(reject("dash", change), None, "{what} on dash");
        assert_eq!(reject("wei", change), None, "{what} on wei");
    }
}

#[test]
fn a_pending_registration_of_the_same_things_keeps_another_out() {
    let mut other = Case::new("dash");
    other.payload.owner = KeyId([77; 20]);
    let mut other_tx = other.tx.clone();
    other_tx.payload = other.payload.encode();
    let pending = Pending {
        txid: other_tx.txid(),
        tx: other_tx,
    };
    assert_eq!(
        reject("dash", |case| case.facts.pending = Some(vec![pending])),
        Some("protx-dup")
    );
    let mut spends_collateral = Case::new("dash").tx;
    spends_collateral.kind = 0;
    spends_collateral.inputs[0].previous = outpoint(COLLATERAL);
    let pending = Pending {
        txid: spends_collateral.txid(),
        tx: spends_collateral,
    };
    assert_eq!(
        reject("dash", |case| case.facts.pending = Some(vec![pending])),
        Some("protx-dup")
    );
}

#[test]
fn a_collateral_that_a_pending_payment_spends_is_refused() {
    let spent = |case: &mut Case| {
        let coin = case.facts.coins.get_mut(&outpoint(COLLATERAL)).and_then(Option::as_mut);
        coin.expect("the case has a collateral").spent_in_mempool = true;
    };
    for network in ["dash", "wei"] {
        assert_eq!(reject(network, spent), Some("protx-dup"));
    }
}

#[test]
fn before_v19_only_version_1_is_accepted() {
    let early = |case: &mut Case| case.max_version = 1;
    assert_eq!(reject("dash", early), Some("bad-protx-version"));
    assert_eq!(
        reject("dash", |case| {
            early(case);
            case.payload.version = 1;
            case.payload.operator = operator(2).encode(bls::Scheme::Legacy);
        }),
        None
    );
}

#[test]
fn before_enforcement_owner_and_voting_key_are_one() {
    assert_eq!(
        reject("dash", |case| case.facts.height = 1_000_000),
        Some("bad-protx-key-not-same")
    );
}

#[test]
fn without_a_node_state_rules_are_listed_as_not_judged() {
    let case = Case::new("dash");
    let profile = case.profile.clone();
    let mut tx = case.tx.clone();
    tx.payload = case.payload.encode();
    let verdict = check(&tx, &Context::offline(&profile));
    for rule in [
        "collateral-amount",
        "owner-key-unique",
        "operator-key-unique",
        "service-unique",
        "inputs-unspent",
        "input-scripts",
    ] {
        let found = verdict
            .checks
            .iter()
            .find(|check| check.rule == rule)
            .unwrap_or_else(|| panic!("{rule}"));
        assert!(found.needs_node && found.passed.is_none(), "{rule}");
    }
}

#[test]
fn a_key_pasted_in_the_other_encoding_is_refused_where_its_bytes_tell() {
    // Half of all keys read as their negative in the other encoding; the rest are refused.
    let mut refused = 0;
    for n in 1..40u8 {
        let key = operator(n);
        let verdict = reject("wei", |case| case.payload.operator = key.encode(bls::Scheme::Basic));
        refused += usize::from(verdict == Some("bad-protx-payload"));
        assert!(verdict.is_none() || verdict == Some("bad-protx-payload"));
    }
    assert!((5..35).contains(&refused), "{refused} of 39");
}

#[test]
fn the_highest_numbers_a_node_can_tell_are_judged_by_and_crash_nothing() {
    assert_eq!(reject("dash", |case| case.facts.height = u32::MAX), None);
    let fee = |case: &mut Case| case.facts.relay_fee = Amount::from_duffs(u64::MAX);
    assert_eq!(reject("dash", fee), Some("min relay fee not met"));
    let coins = |case: &mut Case| {
        for outpoint in [outpoint(7), outpoint(FEE)] {
            let coin = coin(Amount::from_duffs(u64::MAX), key(5).key_id());
            case.facts.coins.insert(outpoint, Some(coin));
        }
        case.tx.inputs.push(TxIn::unsigned(outpoint(7)));
    };
    assert_eq!(reject("dash", coins), None);
}
