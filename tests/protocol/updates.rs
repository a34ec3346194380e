//! Recorded ProUpServTx, ProUpRegTx and ProUpRevTx: decoded, rebuilt from their fields and signed again as the nodes did.

use castellan::protocol::bls::{PublicKey, Scheme, SecretKey};
use castellan::protocol::special_tx::pro_reg::{Platform, encoding_of};
use castellan::protocol::special_tx::{Payload, ProUpRegTx, ProUpRevTx, ProUpServTx, Service};
use castellan::protocol::tx::{PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV};
use castellan::protocol::wire::{from_hex, hash_to_display, to_hex};
use castellan::protocol::{Address, KeyId, Profile, ScriptBuf, SecpKey, Transaction, describe};
use serde_json::Value;

use super::{assert_same, network_of, protx_of_kind, recorded, text};

const NAMES: [&str; 3] = ["proUpServTx", "proUpRegTx", "proUpRevTx"];

/// The node's own object of an update, with the transaction it describes.
struct Update {
    profile: Profile,
    case: Value,
    name: &'static str,
    node: Value,
    tx: Transaction,
}

fn updates() -> Vec<Update> {
    let mut found = Vec::new();
    for (profile, case) in recorded() {
        let Some(name) = NAMES.into_iter().find(|name| case["decoded"].get(*name).is_some()) else {
            continue;
        };
        found.push(Update {
            profile,
            name,
            node: case["decoded"][name].clone(),
            tx: Transaction::from_hex(text(&case, "hex")).expect("a real transaction"),
            case,
        });
    }
    found
}

fn published() -> Vec<(Profile, Value, Transaction)> {
    protx_of_kind("tx")
        .into_iter()
        .map(|case| {
            let tx = Transaction::from_hex(text(&case, "hex")).expect("a real transaction");
            (network_of(&case), case, tx)
        })
        .filter(|(_, _, tx)| (PRO_UP_SERV..=PRO_UP_REV).contains(&tx.kind))
        .collect()
}

fn payload(tx: &Transaction) -> Payload {
    Payload::of(tx).expect("recorded payloads are well-formed")
}

fn encoded(payload: &Payload) -> Vec<u8> {
    match payload {
        Payload::ProUpServ(payload) => payload.encode(),
        Payload::ProUpReg(payload) => payload.encode(),
        Payload::ProUpRev(payload) => payload.encode(),
        other => panic!("not an update: {other:?}"),
    }
}

fn payload_hash(payload: &Payload) -> [u8; 32] {
    match payload {
        Payload::ProUpServ(payload) => payload.payload_hash(),
        Payload::ProUpReg(payload) => payload.payload_hash(),
        Payload::ProUpRev(payload) => payload.payload_hash(),
        other => panic!("not an update: {other:?}"),
    }
}

fn hash(value: &Value, key: &str) -> [u8; 32] {
    let mut bytes: [u8; 32] = from_hex(text(value, key)).expect("hex").try_into().expect("32 bytes");
    bytes.reverse();
    bytes
}

fn number(value: &Value, key: &str) -> u16 {
    value[key].as_u64().and_then(|n| n.try_into().ok()).expect("a number")
}

fn script(value: &Value, key: &str, profile: &Profile) -> ScriptBuf {
    value[key].as_str().map_or_else(ScriptBuf::new, |address| {
        Address::parse(address, profile).expect("an address").script()
    })
}

#[test]
fn tx_decode_prints_recorded_updates_as_the_nodes_did() {
    let mut count = [0; 3];
    for update in updates() {
        let ours = describe::transaction(&update.tx, &update.profile).expect("a real transaction");
        let ours_object = ours[update.name].as_object().expect("described");
        for (key, value) in update.node.as_object().expect("an object") {
            assert_same(&ours_object[key], value, key);
        }
        // WEI's node knows neither the type nor the address list.
        let newer = ["type", "addresses"]
            .iter()
            .filter(|key| update.node.get(**key).is_none());
        let newer = newer.filter(|_| update.name == "proUpServTx").count();
        let theirs = update.node.as_object().expect("an object").len();
        assert_eq!(ours_object.len(), theirs + newer, "{}", update.case["what"]);
        let signature = text(&ours, "payloadSig");
        assert!(to_hex(&update.tx.payload).ends_with(signature) && signature.len() >= 130);
        count[NAMES.iter().position(|name| *name == update.name).expect("listed")] += 1;
    }
    assert_eq!(count, [8, 9, 6]);
}

#[test]
fn every_update_decodes_and_encodes_to_its_payload() {
    let mut count = 0;
    let transactions = updates().into_iter().map(|update| update.tx);
    for tx in transactions.chain(published().into_iter().map(|(_, _, tx)| tx)) {
        let payload = payload(&tx);
        assert_eq!(to_hex(&encoded(&payload)), to_hex(&tx.payload));
        let mut again = tx.clone();
        again.payload.clear();
        again.version = 1;
        match &payload {
            Payload::ProUpServ(payload) => payload.attach(&mut again),
            Payload::ProUpReg(payload) => payload.attach(&mut again),
            Payload::ProUpRev(payload) => payload.attach(&mut again),
            other => panic!("not an update: {other:?}"),
        }
        assert_eq!(again, tx);
        count += 1;
    }
    assert!(count >= 40, "only {count} updates were read");
}

fn pro_up_serv(node: &Value, tx: &Transaction, profile: &Profile) -> ProUpServTx {
    let service: Service = text(node, "service").parse().expect("a service");
    ProUpServTx {
        version: number(node, "version"),
        kind: node.get("type").map_or(0, |_| number(node, "type")),
        pro_tx_hash: text(node, "proTxHash").parse().expect("a hash"),
        service,
        operator_payout: script(node, "operatorPayoutAddress", profile),
        inputs_hash: tx.inputs_hash(),
        platform: node.get("platformNodeID").map(|id| Platform {
            node_id: Platform::node_id_from_hex(id.as_str().expect("hex")).expect("hex"),
            p2p_port: number(node, "platformP2PPort"),
            http_port: number(node, "platformHTTPPort"),
        }),
        signature: [0; 96],
    }
}

fn pro_up_reg(node: &Value, tx: &Transaction, profile: &Profile) -> ProUpRegTx {
    ProUpRegTx {
        version: number(node, "version"),
        pro_tx_hash: text(node, "proTxHash").parse().expect("a hash"),
        mode: 0,
        operator: from_hex(text(node, "pubKeyOperator"))
            .expect("hex")
            .try_into()
            .expect("48 bytes"),
        voting: KeyId(Address::parse_key(text(node, "votingAddress"), profile).expect("an address")),
        payout: script(node, "payoutAddress", profile),
        inputs_hash: tx.inputs_hash(),
        signature: Vec::new(),
    }
}

fn pro_up_rev(node: &Value, tx: &Transaction) -> ProUpRevTx {
    ProUpRevTx {
        version: number(node, "version"),
        pro_tx_hash: text(node, "proTxHash").parse().expect("a hash"),
        reason: number(node, "reason"),
        inputs_hash: tx.inputs_hash(),
        signature: [0; 96],
    }
}

/// V19 is active on the modern chain only; there the payloads have version 2.
fn scheme_of(version: u16) -> Scheme {
    encoding_of(version)
}

#[test]
fn payloads_rebuilt_from_their_fields_and_signed_with_the_recorded_secret_are_the_nodes_payloads() {
    let mut signed = 0;
    for update in updates() {
        let Update {
            node,
            tx,
            profile,
            case,
            ..
        } = &update;
        let secret = case["operator"]["secret"].as_str();
        let secret = secret.map(|secret| SecretKey::from_hex(secret).expect("a secret"));
        match (tx.kind, secret) {
            (PRO_UP_SERV, Some(secret)) => {
                let mut ours = pro_up_serv(node, tx, profile);
                let scheme = scheme_of(ours.version);
                ours.sign(&secret, scheme, ours.encoding());
                assert!(ours.is_signed_by(&secret.public_key(), scheme, ours.encoding()));
                assert_eq!(to_hex(&ours.encode()), to_hex(&tx.payload), "{}", case["what"]);
                signed += 1;
            }
            (PRO_UP_REV, Some(secret)) => {
                let mut ours = pro_up_rev(node, tx);
                let scheme = scheme_of(ours.version);
                ours.sign(&secret, scheme, ours.encoding());
                assert!(ours.is_signed_by(&secret.public_key(), scheme, ours.encoding()));
                assert_eq!(to_hex(&ours.encode()), to_hex(&tx.payload), "{}", case["what"]);
                signed += 1;
            }
            _ => {
                let mut ours = pro_up_reg(node, tx, profile);
                let theirs = ProUpRegTx::decode(&tx.payload).expect("recorded");
                ours.signature = theirs.signature;
                assert_eq!(to_hex(&ours.encode()), to_hex(&tx.payload), "{}", case["what"]);
            }
        }
    }
    assert_eq!(signed, 14);
}

#[test]
fn owner_signatures_verify_and_are_reproduced_where_the_key_is_recorded() {
    let (mut verified, mut made) = (0, 0);
    for update in updates().into_iter().filter(|update| update.tx.kind == PRO_UP_REG) {
        let mut payload = ProUpRegTx::decode(&update.tx.payload).expect("recorded");
        let theirs = payload.signature.clone();
        let signer = payload.signer().expect("65 bytes");
        assert!((31..=34).contains(&theirs[0]));
        if let Some(wif) = update.case["ownerWif"].as_str() {
            let owner = SecpKey::from_wif(wif, &update.profile).expect("a regtest key");
            assert_eq!(signer, owner.key_id());
            assert_eq!(signer.address().to_text(&update.profile), text(&update.case, "owner"));
            payload.sign(&owner);
            assert_eq!(payload.signature, theirs);
            made += 1;
        }
        // The owner is the one who registered the masternode, where that was recorded.
        if let Some(owner) = registered_owner(&update) {
            assert_eq!(signer.address().to_text(&update.profile), owner);
            verified += 1;
        }
    }
    for (profile, case, tx) in published().into_iter().filter(|(_, _, tx)| tx.kind == PRO_UP_REG) {
        let mut payload = ProUpRegTx::decode(&tx.payload).expect("published");
        let signer = payload.signer().expect("65 bytes").address().to_text(&profile);
        let keys = &case["keys"]["owner"];
        let owner = case["expected"]["ownerAddress"].as_str().or(keys["address"].as_str());
        assert_eq!(Some(signer.as_str()), owner, "{}", case["name"]);
        verified += 1;
        if let Some(wif) = keys["wif"].as_str() {
            let theirs = payload.signature.clone();
            payload.sign(&SecpKey::from_wif(wif, &profile).expect("a published key"));
            assert_eq!(payload.signature, theirs, "{}", case["name"]);
            made += 1;
        }
    }
    assert!(verified >= 8 && made >= 5, "{verified} verified, {made} made");
}

fn registered_owner(update: &Update) -> Option<String> {
    let of = text(&update.node, "proTxHash");
    let registration = recorded().into_iter().find(|(_, case)| case["txid"] == of)?.1;
    registration["decoded"]["proRegTx"]["ownerAddress"]
        .as_str()
        .map(str::to_owned)
}

#[test]
fn published_updates_decode_to_the_published_fields() {
    let mut count = 0;
    for (profile, case, tx) in published() {
        let expected = &case["expected"];
        let name = text(&case, "name");
        let payload = payload(&tx);
        let ours = describe::transaction(&tx, &profile).expect("a real transaction");
        let object = NAMES.iter().find_map(|name| ours.get(*name)).expect("described");
        for key in [
            "version",
            "type",
            "proTxHash",
            "service",
            "operatorPayoutAddress",
            "pubKeyOperator",
            "votingAddress",
            "payoutAddress",
            "reason",
            "inputsHash",
        ] {
            if let Some(value) = expected.get(key) {
                assert_eq!(&object[key], value, "{key} of {name}");
            }
        }
        assert_eq!(ours["payloadSig"], expected["payloadSig"], "{name}");
        assert_eq!(
            hash_to_display(&payload_hash(&payload)),
            text(expected, "payloadHash"),
            "{name}"
        );
        assert_eq!(payload_hash(&payload), hash(expected, "payloadHash"));
        if let Some(message) = expected["blsMessage"].as_str() {
            assert_eq!(to_hex(&payload_hash(&payload)), message, "{name}");
        }
        count += 1;
    }
    assert!(count >= 20, "only {count} updates were read");
}

#[test]
fn published_operator_signatures_verify_and_are_reproduced_where_the_secret_is_published() {
    let (mut verified, mut made) = (0, 0);
    for (_, case, tx) in published() {
        let (expected, name) = (&case["expected"], text(&case, "name"));
        let version = number(expected, "version");
        let scheme = text(expected, "blsScheme").parse().expect("a scheme");
        let secret = case["keys"]["operatorBls"]["secret"].as_str();
        let secret = secret.map(|secret| SecretKey::from_hex(secret).expect("a secret"));
        let listed = expected["operatorPubKey"].as_str();
        let key = listed
            .map(|key| PublicKey::from_hex(scheme, key).expect("a key"))
            .or(secret.as_ref().map(SecretKey::public_key));
        let Some(key) = key else { continue };
        let encoding = encoding_of(version);
        let (holds, again) = match payload(&tx) {
            Payload::ProUpServ(payload) => {
                let holds = payload.is_signed_by(&key, scheme, encoding);
                let mut again = payload.clone();
                secret.iter().for_each(|secret| again.sign(secret, scheme, encoding));
                (holds, again.encode())
            }
            Payload::ProUpRev(payload) => {
                let holds = payload.is_signed_by(&key, scheme, encoding);
                let mut again = payload.clone();
                secret.iter().for_each(|secret| again.sign(secret, scheme, encoding));
                (holds, again.encode())
            }
            _ => continue,
        };
        assert!(holds, "{name}");
        assert_eq!(to_hex(&again), to_hex(&tx.payload), "{name}");
        verified += 1;
        made += u32::from(secret.is_some());
    }
    assert!(verified >= 9 && made >= 5, "{verified} verified, {made} made");
}

mod rules {
    use super::*;
    use crate::profile;
    use castellan::protocol::rules::{Context, Dialect, check};

    #[test]
    fn updates_of_nodes_own_negative_tests_are_refused_for_the_nodes_reason() {
        let mut count = 0;
        for case in protx_of_kind("invalid-tx") {
            let tx = Transaction::from_hex(text(&case, "hex")).expect("a transaction");
            if !(PRO_UP_SERV..=PRO_UP_REV).contains(&tx.kind) {
                continue;
            }
            let context = Context {
                profile: &profile("dash"),
                dialect: Dialect::V23,
                max_version: if text(&case["expected"], "networkState").contains("not active") {
                    1
                } else {
                    2
                },
                facts: None,
            };
            let verdict = check(&tx, &context);
            let failure = verdict
                .failures()
                .find(|check| check.reject.starts_with("bad-protx"))
                .expect("refused");
            assert_eq!(failure.reject, text(&case["expected"], "reject"), "{}", case["name"]);
            count += 1;
        }
        assert_eq!(count, 5);
    }

    #[test]
    fn every_recorded_update_obeys_the_rules_that_need_no_node() {
        for update in updates() {
            let verdict = check(&update.tx, &Context::offline(&update.profile));
            // The chain before V19 accepts the same payloads as one on which it never came.
            assert_eq!(verdict.failure(), None, "{}", update.case["what"]);
            let unknown = |rule| {
                let found = verdict.checks.iter().find(|check| check.rule == rule);
                found.is_some_and(|check| check.needs_node && check.passed.is_none())
            };
            assert!(unknown("masternode-listed") && unknown("payload-signature"));
        }
    }
}

mod properties {
    use super::*;
    use castellan::protocol::rules::{Context, check};
    use proptest::prelude::*;

    fn one_of(bytes: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
        (0..bytes.len()).prop_map(move |at| bytes[at].clone())
    }

    fn any_update() -> impl Strategy<Value = Vec<u8>> {
        one_of(updates().iter().map(|update| update.tx.encode()).collect())
    }

    proptest! {
        #[test]
        fn decoding_any_bytes_as_an_update_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = ProUpServTx::decode(&bytes);
            let _ = ProUpRegTx::decode(&bytes);
            let _ = ProUpRevTx::decode(&bytes);
        }

        #[test]
        fn a_changed_update_encodes_to_the_bytes_it_was_read_from(mut bytes in any_update(), at in any::<prop::sample::Index>(),
            value in any::<u8>()) {
            let at = at.index(bytes.len());
            bytes[at] = value;
            if let Ok(tx) = Transaction::decode(&bytes) {
                prop_assert_eq!(tx.encode(), bytes);
                if let Ok(payload @ (Payload::ProUpServ(_) | Payload::ProUpReg(_) | Payload::ProUpRev(_))) = Payload::of(&tx) {
                    prop_assert_eq!(encoded(&payload), tx.payload);
                }
            }
        }

        #[test]
        fn a_version_this_program_does_not_know_is_unknown_and_no_error(bytes in any_update(), version in 3u16..) {
            let mut tx = Transaction::decode(&bytes).expect("recorded");
            tx.payload[..2].copy_from_slice(&version.to_le_bytes());
            let unknown = Payload::Unknown { kind: tx.kind, version: Some(version) };
            prop_assert_eq!(Payload::of(&tx), Ok(unknown));
        }

        #[test]
        fn judging_a_changed_update_never_panics(mut bytes in any_update(), at in any::<prop::sample::Index>(), value in any::<u8>(),
            cut in 0usize..40, network in 0usize..2) {
            let at = at.index(bytes.len());
            bytes[at] = value;
            bytes.truncate(bytes.len() - cut);
            if let Ok(tx) = Transaction::decode(&bytes) {
                let profile = crate::profile(["dash-regtest", "wei-regtest"][network]);
                prop_assert!(!check(&tx, &Context::offline(&profile)).checks.is_empty());
                let _ = describe::transaction(&tx, &profile);
            }
        }
    }
}
