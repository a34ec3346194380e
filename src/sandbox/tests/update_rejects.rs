//! Every refusal of an update, provoked by one change to a good one, in both dialects.

use bitcoin::ScriptBuf;
use bitcoin::hashes::Hash;

use super::shapes::recorded;
use super::support::{NOW, key, key_id, operator, verdict};
use super::update_bench::{ALL, Updates};
use crate::protocol::bls::Scheme;
use crate::protocol::network::{self, MnType};
use crate::protocol::script::{pay_to_key, pay_to_script};
use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::tx::{PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV, Transaction};
use crate::protocol::{ProTxHash, message};
use crate::sandbox::faucet::sign_inputs;
use crate::sandbox::reject::Reject;
use crate::sandbox::{Chain, pro_up};

const BOTH: [&str; 2] = ["dash-regtest", "wei-regtest"];

type Change = fn(&mut Updates);
/// What, change, verdict of 23, verdict of 0.17.
type Row = (&'static str, Change, &'static str, &'static str);

const OK: &str = "accepted";

const fn same(what: &'static str, change: Change, reject: &'static str) -> Row {
    (what, change, reject, reject)
}

/// Each change on its own to the good update of a type.
fn judge(kind: u16, masternode: MnType, rows: &[Row]) {
    for network in BOTH {
        if masternode == MnType::Evo && network == "wei-regtest" {
            continue;
        }
        let mut updates = Updates::new(network, masternode);
        assert_eq!(updates.verdict(kind), OK, "{network}");
        let good = (updates.serv.clone(), updates.reg.clone(), updates.rev.clone());
        let signers = (updates.operator.clone(), updates.owner.clone(), updates.scheme);
        for (what, change, core23, core17) in rows {
            change(&mut updates);
            let expected = updates.chain.dialect().pick(*core23, *core17);
            assert_eq!(updates.verdict(kind), expected, "{network}, type {kind}: {what}");
            (updates.serv, updates.reg, updates.rev) = good.clone();
            (updates.operator, updates.owner, updates.scheme) = signers.clone();
        }
    }
}

fn set_version(updates: &mut Updates, version: u16) {
    (updates.serv.version, updates.reg.version, updates.rev.version) = (version, version, version);
    updates.set_operator(15);
}

fn set_hash(updates: &mut Updates, hash: ProTxHash) {
    (
        updates.serv.pro_tx_hash,
        updates.reg.pro_tx_hash,
        updates.rev.pro_tx_hash,
    ) = (hash, hash, hash);
}

#[test]
fn what_all_updates_share_is_refused_one_by_one() {
    for kind in ALL {
        judge(
            kind,
            MnType::Regular,
            &[
                (
                    "version 0",
                    |u| set_version(u, 0),
                    "bad-protx-payload",
                    "bad-protx-version",
                ),
                same(
                    "unknown masternode",
                    |u| set_hash(u, ProTxHash::all_zeros()),
                    "bad-protx-hash",
                ),
                same(
                    "inputs of another transaction",
                    |u| {
                        (u.serv.inputs_hash, u.reg.inputs_hash, u.rev.inputs_hash) = ([1; 32], [1; 32], [1; 32]);
                    },
                    "bad-protx-inputs-hash",
                ),
                same("not signed", |u| (u.operator, u.owner) = (None, None), "bad-protx-sig"),
                same(
                    "signed by strangers",
                    |u| (u.operator, u.owner) = (Some(operator(16)), Some(key(16))),
                    "bad-protx-sig",
                ),
            ],
        );
    }
}

#[test]
fn a_service_update_is_refused_field_by_field() {
    judge(
        PRO_UP_SERV,
        MnType::Regular,
        &[
            (
                "no address",
                |u| u.serv.service = Service::NONE,
                "bad-protx-netinfo-empty",
                "bad-protx-ipaddr",
            ),
            (
                "0.0.0.0",
                |u| u.serv.service.ip = "::ffff:0.0.0.0".parse().unwrap(),
                "bad-protx-netinfo-empty",
                "bad-protx-ipaddr",
            ),
            (
                "IPv6",
                |u| u.serv.service.ip = "2a00::1".parse().unwrap(),
                "bad-protx-netinfo-addr-type",
                "bad-protx-ipaddr",
            ),
            (
                "port of the main network",
                |u| u.serv.service.port = 9999,
                "bad-protx-netinfo-port",
                "bad-protx-ipaddr-port",
            ),
            (
                "address of another",
                |u| u.serv.service = other(u).state.service,
                "bad-protx-dup-netinfo-entry",
                "bad-protx-dup-addr",
            ),
            same("its own address", |u| u.serv.service = u.state().service, OK),
            same(
                "private address",
                |u| u.serv.service.ip = "::ffff:10.0.0.1".parse().unwrap(),
                OK,
            ),
            same("no operator payout", |u| u.serv.operator_payout = ScriptBuf::new(), OK),
            same(
                "operator payout to a script",
                |u| u.serv.operator_payout = pay_to_script(&[1; 20]),
                OK,
            ),
            same(
                "operator payout to the owner",
                |u| u.serv.operator_payout = pay_to_key(&key_id(12).0),
                OK,
            ),
            same(
                "operator payout burnt",
                |u| u.serv.operator_payout = ScriptBuf::from_bytes(vec![0x6a]),
                "bad-protx-operator-payee",
            ),
            (
                "version 1 and its scheme where there is another",
                |u| (u.serv.version, u.scheme) = (1, Scheme::Legacy),
                "bad-protx-sig",
                OK,
            ),
            (
                "the chain's scheme in the encoding of version 1",
                |u| u.serv.version = 1,
                OK,
                OK,
            ),
            (
                "the other scheme",
                |u| {
                    u.scheme = match u.scheme {
                        Scheme::Basic => Scheme::Legacy,
                        Scheme::Legacy => Scheme::Basic,
                    }
                },
                "bad-protx-sig",
                "bad-protx-sig",
            ),
            (
                "another type than the registered one",
                |u| {
                    u.serv.kind = 1;
                    u.serv.platform = Some(platform(22_200, 22_201));
                },
                OK,
                OK,
            ),
        ],
    );
}

fn other(updates: &Updates) -> crate::sandbox::masternodes::Masternode {
    let mut others = updates.chain.list().iter().filter(|mn| mn.pro_tx_hash != updates.hash);
    others.next().unwrap().clone()
}

fn platform(p2p_port: u16, http_port: u16) -> Platform {
    Platform {
        node_id: [7; 20],
        p2p_port,
        http_port,
    }
}

#[test]
fn platform_fields_of_a_service_update_are_refused_one_by_one() {
    judge(
        PRO_UP_SERV,
        MnType::Evo,
        &[
            same("other Platform fields", |u| u.serv.platform = Some(platform(1, 2)), OK),
            same(
                "no node id",
                |u| u.serv.platform.as_mut().unwrap().node_id = [0; 20],
                "bad-protx-platform-nodeid",
            ),
            same(
                "P2P port of the main network",
                |u| u.serv.platform = Some(platform(9999, 2)),
                "bad-protx-platform-p2p-port",
            ),
            same(
                "HTTP port of the main network",
                |u| u.serv.platform = Some(platform(1, 9999)),
                "bad-protx-platform-http-port",
            ),
            same(
                "both ports alike",
                |u| u.serv.platform = Some(platform(1, 1)),
                "bad-protx-platform-dup-ports",
            ),
            same(
                "P2P port is the core port",
                |u| u.serv.platform = Some(platform(19999, 1)),
                "bad-protx-platform-dup-ports",
            ),
            same(
                "as a regular masternode",
                |u| (u.serv.kind, u.serv.platform) = (0, None),
                OK,
            ),
        ],
    );
}

#[test]
fn a_platform_id_of_another_evonode_is_taken() {
    let mut updates = Updates::new("dash-regtest", MnType::Evo);
    let list = updates.chain.lists.last_mut().unwrap();
    let mut list_with_evo = (**list).clone();
    let regular = list_with_evo
        .iter()
        .find(|mn| mn.kind == MnType::Regular)
        .unwrap()
        .pro_tx_hash;
    list_with_evo.update(regular, |state| state.platform = Some(platform(1, 2)));
    *list = std::sync::Arc::new(list_with_evo);
    updates.serv.platform.as_mut().unwrap().node_id = [7; 20];
    assert_eq!(updates.verdict(PRO_UP_SERV), "bad-protx-dup-platformnodeid");
    updates.serv.platform.as_mut().unwrap().node_id = [8; 20];
    assert_eq!(updates.verdict(PRO_UP_SERV), OK);
}

#[test]
fn without_a_reward_there_is_no_operator_payout() {
    for network in BOTH {
        let mut bench = super::support::Bench::new(network, MnType::Regular);
        bench.payload.operator_reward = 0;
        let mut updates = Updates::of(bench);
        assert_eq!(updates.verdict(PRO_UP_SERV), "bad-protx-operator-payee");
        updates.serv.operator_payout = ScriptBuf::new();
        assert_eq!(updates.verdict(PRO_UP_SERV), OK);
    }
}

#[test]
fn a_registrar_update_is_refused_field_by_field() {
    judge(
        PRO_UP_REG,
        MnType::Regular,
        &[
            same("mode 1", |u| u.reg.mode = 1, "bad-protx-mode"),
            same("no voting key", |u| u.reg.voting.0 = [0; 20], "bad-protx-key-null"),
            same("no operator", |u| u.reg.operator = [0; 48], "bad-protx-key-null"),
            (
                "operator off the curve",
                |u| u.reg.operator = [0xbf; 48],
                "bad-protx-key-null",
                "bad-protx-payload",
            ),
            (
                "operator at infinity",
                |u| {
                    u.reg.operator = [0; 48];
                    u.reg.operator[0] = 0xc0;
                },
                "bad-protx-key-null",
                OK,
            ),
            same(
                "payout burnt",
                |u| u.reg.payout = ScriptBuf::from_bytes(vec![0x6a]),
                "bad-protx-payee",
            ),
            same(
                "payout to the owner",
                |u| u.reg.payout = pay_to_key(&key_id(12).0),
                "bad-protx-payee-reuse",
            ),
            same(
                "payout to the new voting key",
                |u| u.reg.payout = pay_to_key(&key_id(17).0),
                "bad-protx-payee-reuse",
            ),
            same(
                "payout to the old voting key",
                |u| u.reg.payout = pay_to_key(&key_id(13).0),
                OK,
            ),
            same(
                "payout to the collateral",
                |u| u.reg.payout = pay_to_key(&key_id(10).0),
                OK,
            ),
            same("payout to a script", |u| u.reg.payout = pay_to_script(&[1; 20]), OK),
            same(
                "voting key is the collateral's",
                |u| u.reg.voting = key_id(10),
                "bad-protx-collateral-reuse",
            ),
            same("one key for owner and voting", |u| u.reg.voting = key_id(12), OK),
            same(
                "operator of another",
                |u| u.reg.operator = other(u).state.operator,
                "bad-protx-dup-key",
            ),
            same("signed by the voting key", |u| u.owner = Some(key(13)), "bad-protx-sig"),
            ("version 1", |u| set_version(u, 1), OK, OK),
        ],
    );
}

#[test]
fn an_operator_key_of_another_in_the_other_encoding_goes_unnoticed() {
    let mut updates = Updates::new("dash-regtest", MnType::Regular);
    let theirs = other(&updates);
    let key = crate::protocol::bls::PublicKey::decode(Scheme::Basic, &theirs.state.operator).unwrap();
    updates.reg.version = 1;
    updates.reg.operator = key.encode(Scheme::Legacy);
    assert_eq!(updates.verdict(PRO_UP_REG), OK);
}

#[test]
fn an_owner_signs_the_payload_itself_and_no_text() {
    for network in BOTH {
        let mut updates = Updates::new(network, MnType::Regular);
        let mut tx = updates.build(PRO_UP_REG);
        updates.reg.inputs_hash = tx.inputs_hash();
        let magic = &updates.chain.profile().message_magic;
        let text = crate::protocol::wire::hash_to_display(&updates.reg.payload_hash());
        let digest = message::message_hash(magic, text.as_bytes());
        updates.reg.signature = key(12).sign_compact(&digest).as_bytes().to_vec();
        updates.reg.attach(&mut tx);
        sign_inputs(&mut tx, &key(11));
        assert_eq!(verdict(updates.chain.test(&tx).map(drop)), "bad-protx-sig");
        let reject = updates.chain.test(&tx).unwrap_err();
        assert_eq!(reject.detail.is_empty(), network == "dash-regtest", "{reject}");
    }
}

#[test]
fn an_operator_signs_the_hash_as_it_is_stored() {
    for network in BOTH {
        let mut updates = Updates::new(network, MnType::Regular);
        for kind in [PRO_UP_SERV, PRO_UP_REV] {
            let mut tx = updates.build(kind);
            let mut reversed = match kind {
                PRO_UP_SERV => {
                    updates.serv.inputs_hash = tx.inputs_hash();
                    updates.serv.payload_hash()
                }
                _ => {
                    updates.rev.inputs_hash = tx.inputs_hash();
                    updates.rev.payload_hash()
                }
            };
            reversed.reverse();
            let signature = operator(15).sign(updates.scheme, &reversed).encode(updates.scheme);
            let at = tx.payload.len() - 96;
            tx.payload[at..].copy_from_slice(&signature);
            sign_inputs(&mut tx, &key(11));
            assert_eq!(verdict(updates.chain.test(&tx).map(drop)), "bad-protx-sig", "{kind}");
        }
    }
}

#[test]
fn a_collateral_that_was_never_there_again_is_missed() {
    for network in BOTH {
        let mut updates = Updates::new(network, MnType::Regular);
        let collateral = updates.chain.list().get(updates.hash).unwrap().collateral;
        let coin = updates.chain.coins.remove(&collateral).unwrap();
        assert_eq!(updates.verdict(PRO_UP_REG), "bad-protx-collateral");
        let bare = crate::sandbox::chain::Coin {
            script: ScriptBuf::from_bytes(vec![0x51]),
            ..coin
        };
        updates.chain.coins.insert(collateral, bare);
        assert_eq!(updates.verdict(PRO_UP_REG), "bad-protx-collateral-dest");
    }
}

#[test]
fn before_enforcement_the_new_voting_key_is_the_owners() {
    for network in BOTH {
        let mut updates = Updates::new(network, MnType::Regular);
        updates.chain.profile.activation.dip3_enforcement = 10_000;
        assert_eq!(updates.verdict(PRO_UP_REG), "bad-protx-key-not-same");
        updates.reg.voting = key_id(12);
        assert_eq!(updates.verdict(PRO_UP_REG), OK);
    }
}

#[test]
fn reasons_of_a_revocation_end_at_3_and_are_looked_at_first() {
    judge(
        PRO_UP_REV,
        MnType::Regular,
        &[
            same("reason 0", |u| u.rev.reason = 0, OK),
            same("reason 3", |u| u.rev.reason = 3, OK),
            same("reason 4", |u| u.rev.reason = 4, "bad-protx-reason"),
            same(
                "reason 4 of nobody",
                |u| (u.rev.reason, u.rev.pro_tx_hash) = (4, ProTxHash::all_zeros()),
                "bad-protx-reason",
            ),
        ],
    );
}

#[test]
fn where_routable_addresses_are_asked_for_private_ones_are_refused() {
    for (network, expected) in [
        ("dash-regtest", "bad-protx-netinfo-addr-unroutable"),
        ("wei-regtest", "bad-protx-ipaddr"),
    ] {
        let mut updates = Updates::new(network, MnType::Regular);
        updates.chain.profile.service.routable_only = true;
        updates.serv.service = Service::v4([192, 168, 0, 1].into(), 19999);
        assert_eq!(updates.verdict(PRO_UP_SERV), expected);
        updates.serv.service = Service::v4([1, 2, 3, 4].into(), 19999);
        assert_eq!(updates.verdict(PRO_UP_SERV), OK);
    }
}

#[test]
fn no_cut_and_no_extra_byte_of_a_payload_parses() {
    for network in BOTH {
        let updates = Updates::new(network, MnType::Regular);
        for kind in ALL {
            let good = updates.build(kind);
            let judge = |payload: &[u8]| {
                let mut tx = good.clone();
                // Not signed again: scripts are run last.
                tx.payload = payload.to_vec();
                verdict(updates.chain.test(&tx).map(drop))
            };
            for cut in 0..good.payload.len() {
                assert_eq!(judge(&good.payload[..cut]), "bad-protx-payload", "{kind} {cut}");
            }
            assert_eq!(judge(&[good.payload.as_slice(), &[0]].concat()), "bad-protx-payload");
        }
    }
}

/// The signature is read while the payload is, in the encoding of its version.
#[test]
fn a_signature_that_is_no_point_makes_the_payload_malformed() {
    for network in BOTH {
        let updates = Updates::new(network, MnType::Regular);
        for kind in [PRO_UP_SERV, PRO_UP_REV] {
            let mut tx = updates.build(kind);
            let at = tx.payload.len() - 96;
            tx.payload[at..].fill(0xff);
            sign_inputs(&mut tx, &key(11));
            assert_eq!(verdict(updates.chain.test(&tx).map(drop)), "bad-protx-payload");
        }
    }
}

#[test]
fn what_0_17_makes_of_version_2() {
    let mut updates = Updates::new("wei-regtest", MnType::Regular);
    // It has a type field too many.
    updates.serv.version = 2;
    assert_eq!(updates.verdict(PRO_UP_SERV), "bad-protx-payload");
    // The layouts of the others did not change; keys and signatures are read as legacy whatever the version.
    let mut tx = updates.build(PRO_UP_REG);
    tx.payload[0] = 2;
    sign_inputs(&mut tx, &key(11));
    assert_eq!(verdict(updates.chain.test(&tx).map(drop)), "bad-protx-version");
    let mut tx = updates.build(PRO_UP_REV);
    tx.payload[0] = 2;
    sign_inputs(&mut tx, &key(11));
    assert_eq!(verdict(updates.chain.test(&tx).map(drop)), "bad-protx-version");
}

#[test]
fn version_3_is_known_by_its_form_and_refused_by_its_number() {
    let updates = Updates::new("dash-regtest", MnType::Regular);
    let judge = |kind: u16, payload: Vec<u8>| {
        let mut tx = updates.build(kind);
        tx.payload = payload;
        sign_inputs(&mut tx, &key(11));
        verdict(updates.chain.test(&tx).map(drop))
    };
    let old = updates.build(PRO_UP_SERV).payload;
    // Version, type and hash, an empty list of addresses, and the rest behind the 18 bytes of the old address.
    let new = [&[3, 0], &old[2..36], &[1, 0], &old[54..]].concat();
    assert_eq!(judge(PRO_UP_SERV, new), "bad-protx-version");
    for kind in [PRO_UP_REG, PRO_UP_REV] {
        let mut payload = updates.build(kind).payload;
        payload[0] = 3;
        assert_eq!(judge(kind, payload), "bad-protx-version");
    }
}

#[test]
fn before_v19_version_2_is_too_new_and_its_scheme_too() {
    let mut updates = Updates::new("dash-regtest", MnType::Regular);
    updates.chain.profile.activation.v19 = Some(100_000);
    for kind in ALL {
        assert_eq!(updates.verdict(kind), "bad-protx-version");
    }
    set_version(&mut updates, 1);
    assert_eq!(updates.verdict(PRO_UP_REG), OK);
    for kind in [PRO_UP_SERV, PRO_UP_REV] {
        updates.scheme = Scheme::Basic;
        assert_eq!(updates.verdict(kind), "bad-protx-sig");
        updates.scheme = Scheme::Legacy;
        assert_eq!(updates.verdict(kind), OK);
    }
    // The block before the first basic one: what is judged is the next.
    updates.chain.profile.activation.v19 = Some(updates.chain.height() + 1);
    assert_eq!(updates.verdict(PRO_UP_SERV), "bad-protx-sig");
    set_version(&mut updates, 2);
    updates.scheme = Scheme::Basic;
    assert_eq!(updates.verdict(PRO_UP_SERV), OK);
}

/// Dash Core's own trivially invalid updates, judged before V19 as its test does.
#[test]
fn recorded_invalid_updates_are_refused_with_the_recorded_words() {
    let mut profile = network::builtin("dash").unwrap();
    profile.activation.v19 = Some(u32::MAX);
    let chain = Chain::new(profile, 1, NOW);
    let cases = recorded("protx/protx.json");
    let mut compared = 0;
    for case in cases.iter().filter(|case| case["kind"] == "invalid-tx") {
        let tx = Transaction::from_hex(case["hex"].as_str().unwrap()).unwrap();
        let Some(result) = judge_payload(&chain, &tx) else {
            continue;
        };
        assert_eq!(verdict(result), case["expected"]["reject"], "{}", case["name"]);
        compared += 1;
    }
    assert_eq!(compared, 5);
}

/// None: not an update.
fn judge_payload(chain: &Chain, tx: &Transaction) -> Option<Result<(), Reject>> {
    Some(match tx.kind {
        PRO_UP_SERV => pro_up::parse_pro_up_serv(chain, tx).and_then(|p| pro_up::check_pro_up_serv(chain, tx, &p)),
        PRO_UP_REG => pro_up::parse_pro_up_reg(chain, tx).and_then(|p| pro_up::check_pro_up_reg(chain, tx, &p)),
        PRO_UP_REV => pro_up::parse_pro_up_rev(chain, tx).and_then(|p| pro_up::check_pro_up_rev(chain, tx, &p)),
        _ => return None,
    })
}
