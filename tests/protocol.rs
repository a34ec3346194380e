//! Real transactions of real nodes: what the program decodes, builds and verifies must be theirs, byte for byte.
//! Where the bytes come from: `tests/data/README.md`.

use castellan::protocol::bls::{Scheme, SecretKey};
use castellan::protocol::message::{self, CompactSignature};
use castellan::protocol::network::{self, MnType, Profile};
use castellan::protocol::special_tx::pro_reg::{Platform, encoding_of};
use castellan::protocol::special_tx::{Payload, ProRegTx, Service};
use castellan::protocol::wire::{from_hex, hash_to_display, to_hex};
use castellan::protocol::{Address, OutPoint, SecpKey, Transaction, describe};
use serde_json::Value;

#[path = "protocol/payees.rs"]
mod payees;
#[path = "protocol/updates.rs"]
mod updates;

const MODERN: &str = include_str!("data/dashd-23.1.2/modern-transactions.json");
const LEGACY: &str = include_str!("data/dashd-23.1.2/legacy-transactions.json");
const WEI: &str = include_str!("data/weid-0.17.0.3/transactions.json");
const PROTX: &str = include_str!("data/protx/protx.json");

fn profile(name: &str) -> Profile {
    network::builtin(name).unwrap_or_else(|| panic!("{name} is embedded"))
}

fn cases(text: &str) -> Vec<Value> {
    serde_json::from_str(text).expect("test data is JSON")
}

/// Recorded transactions of both nodes, with the network they were made on.
fn recorded() -> Vec<(Profile, Value)> {
    [(MODERN, "dash-regtest"), (LEGACY, "dash-regtest"), (WEI, "wei-regtest")]
        .into_iter()
        .flat_map(|(text, network)| cases(text).into_iter().map(move |case| (profile(network), case)))
        .collect()
}

fn protx_of_kind(kind: &str) -> Vec<Value> {
    cases(PROTX).into_iter().filter(|case| case["kind"] == kind).collect()
}

fn network_of(case: &Value) -> Profile {
    match case["network"].as_str().unwrap_or_default() {
        "dash-mainnet" => profile("dash"),
        text if text.contains("wei") => profile("wei"),
        text if text.contains("regtest") => profile("dash-regtest"),
        text if text.contains("test") => profile("dash-testnet"),
        other => panic!("a network the tests do not know: {other}"),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is a text in {value}"))
}

fn pro_reg(tx: &Transaction) -> Option<ProRegTx> {
    match Payload::of(tx).expect("recorded payloads are well-formed") {
        Payload::ProReg(payload) => Some(*payload),
        _ => None,
    }
}

/// Numbers as numbers: 5.5 and 5.50 are the same, whatever text a writer chose.
fn assert_same(ours: &Value, theirs: &Value, at: &str) {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => {
            let number = |n: &serde_json::Number| n.to_string().parse::<f64>().expect("a number");
            assert!((number(a) - number(b)).abs() < 1e-9, "{at}: {a} is not {b}");
        }
        _ => assert_eq!(ours, theirs, "{at}"),
    }
}

#[test]
fn every_recorded_transaction_decodes_and_encodes_to_its_bytes_and_txid() {
    let mut count = 0;
    for (_, case) in recorded() {
        let hex = text(&case, "hex");
        let tx = Transaction::from_hex(hex).expect("a real transaction");
        assert_eq!(tx.to_hex(), hex);
        assert_eq!(tx.txid().to_string(), text(&case, "txid"));
        count += 1;
    }
    for case in protx_of_kind("tx") {
        let tx = Transaction::from_hex(text(&case, "hex")).expect("a real transaction");
        assert_eq!(tx.to_hex(), text(&case, "hex"), "{}", case["name"]);
        assert_eq!(
            tx.txid().to_string(),
            text(&case["expected"], "txid"),
            "{}",
            case["name"]
        );
        assert_eq!(
            tx.payload.len() as u64,
            case["expected"]["payloadSize"].as_u64().expect("a length")
        );
        count += 1;
    }
    assert!(count > 60, "only {count} cases were read");
}

#[test]
fn tx_decode_prints_what_the_nodes_decoded() {
    let mut registrations = 0;
    for (profile, case) in recorded() {
        let node = &case["decoded"];
        let tx = Transaction::from_hex(text(&case, "hex")).expect("a real transaction");
        let ours = describe::transaction(&tx, &profile).expect("a real transaction");
        for key in [
            "txid",
            "version",
            "type",
            "size",
            "locktime",
            "extraPayloadSize",
            "extraPayload",
        ] {
            assert_eq!(ours[key], node[key], "{key} of {}", case["what"]);
        }
        assert_outputs(&ours, node);
        for (ours, theirs) in ours["vin"]
            .as_array()
            .expect("inputs")
            .iter()
            .zip(node["vin"].as_array().expect("inputs"))
        {
            assert_eq!((&ours["txid"], &ours["vout"]), (&theirs["txid"], &theirs["vout"]));
        }
        if let Some(theirs) = node.get("proRegTx") {
            assert_pro_reg(&ours["proRegTx"], theirs);
            registrations += 1;
        }
    }
    assert!(registrations >= 20, "only {registrations} registrations were compared");
}

fn assert_outputs(ours: &Value, node: &Value) {
    let (ours, theirs) = (
        ours["vout"].as_array().expect("outputs"),
        node["vout"].as_array().expect("outputs"),
    );
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_same(&ours["value"], &theirs["value"], "value");
        assert_eq!(ours["n"], theirs["n"]);
        let (a, b) = (&ours["scriptPubKey"], &theirs["scriptPubKey"]);
        assert_eq!(a["hex"], b["hex"]);
        // WEI's node prints a list where Dash's prints one address.
        let address = b.get("address").or_else(|| b["addresses"].get(0));
        assert_eq!(a.get("address"), address);
    }
}

fn assert_pro_reg(ours: &Value, theirs: &Value) {
    for (key, value) in theirs.as_object().expect("an object") {
        if key == "service" && value == "[0:0:0:0:0:0:0:0]:0" {
            assert_eq!(ours[key], "[::]:0");
        } else {
            assert_same(&ours[key], value, key);
        }
    }
    // Every key of Dash Core 23 is there, also where an older node printed fewer.
    for key in [
        "version",
        "type",
        "collateralHash",
        "collateralIndex",
        "service",
        "addresses",
        "ownerAddress",
        "votingAddress",
        "payoutAddress",
        "pubKeyOperator",
        "operatorReward",
        "inputsHash",
    ] {
        assert!(ours.get(key).is_some(), "{key} is missing");
    }
    if theirs.get("addresses").is_some() {
        assert_eq!(
            ours.as_object().map(serde_json::Map::len),
            theirs.as_object().map(serde_json::Map::len)
        );
    }
}

#[test]
fn published_payloads_decode_to_the_published_fields() {
    let mut count = 0;
    for case in protx_of_kind("tx") {
        let (expected, profile) = (&case["expected"], network_of(&case));
        let tx = Transaction::from_hex(text(&case, "hex")).expect("a real transaction");
        assert_eq!(
            hash_to_display(&tx.inputs_hash()),
            text(expected, "inputsHash"),
            "{}",
            case["name"]
        );
        let Some(payload) = pro_reg(&tx) else { continue };
        count += 1;
        let ours = describe::pro_reg(&payload, &profile);
        for key in [
            "version",
            "type",
            "collateralHash",
            "collateralIndex",
            "ownerAddress",
            "votingAddress",
            "payoutAddress",
            "pubKeyOperator",
            "inputsHash",
        ] {
            assert_eq!(ours[key], expected[key], "{key} of {}", case["name"]);
        }
        assert_eq!(
            payload.service,
            text(expected, "service").parse().expect("a service"),
            "{}",
            case["name"]
        );
        assert_eq!(
            u64::from(payload.operator_reward),
            expected["operatorReward"].as_u64().expect("raw")
        );
        assert_eq!(to_hex(&payload.owner.0), text(expected, "keyIDOwner"));
        assert_eq!(to_hex(&payload.voting.0), text(expected, "keyIDVoting"));
        assert_eq!(to_hex(payload.payout.as_bytes()), text(expected, "scriptPayout"));
        assert_eq!(hash_to_display(&payload.payload_hash()), text(expected, "payloadHash"));
        assert_eq!(
            to_hex(&payload.encode_unsigned()),
            text(expected, "payloadHashPreimage")
        );
        assert_eq!(payload.sign_message(&profile), text(expected, "signMessage"));
        if let Some(id) = expected.get("platformNodeID") {
            assert_eq!(Some(&ours["platformNodeID"]), Some(id));
        }
        assert_eq!(payload.encode(), tx.payload);
    }
    assert!(count >= 12, "only {count} registrations were read");
}

#[test]
fn collateral_signatures_of_real_registrations_verify_against_their_address() {
    let mut count = 0;
    for (profile, case) in recorded() {
        let Some(address) = case["collateralAddress"].as_str() else {
            continue;
        };
        let tx = Transaction::from_hex(text(&case, "hex")).expect("a real transaction");
        let payload = pro_reg(&tx).expect("a registration");
        let message = payload.sign_message(&profile);
        assert_eq!(message, text(&case, "signMessage"), "{}", case["what"]);
        let signature = payload.compact_signature().expect("an external collateral");
        let address = Address::parse(address, &profile).expect("an address");
        assert_eq!(
            message::verify(&profile, address, message.as_bytes(), &signature),
            Ok(())
        );
        if let Some(base64) = case["sig"].as_str() {
            assert_eq!(signature.to_base64(), base64);
        }
        count += 1;
    }
    for case in protx_of_kind("tx") {
        let (expected, profile) = (&case["expected"], network_of(&case));
        let Some(address) = expected["collateralAddress"].as_str() else {
            continue;
        };
        let tx = Transaction::from_hex(text(&case, "hex")).expect("a real transaction");
        let payload = pro_reg(&tx).expect("a registration");
        let message = payload.sign_message(&profile);
        let digest = message::message_hash(&profile.message_magic, message.as_bytes());
        if let Some(hash) = expected["signedMessageHash"].as_str() {
            assert!(
                to_hex(&digest) == hash || hash_to_display(&digest) == hash,
                "{}",
                case["name"]
            );
        }
        let signature = match expected["collateralSignatureBase64"].as_str() {
            Some(base64) => CompactSignature::from_base64(base64).expect("65 bytes"),
            None => payload.compact_signature().expect("65 bytes"),
        };
        let address = Address::parse(address, &profile).expect("an address");
        assert_eq!(
            message::verify(&profile, address, message.as_bytes(), &signature),
            Ok(()),
            "{}",
            case["name"]
        );
        count += 1;
    }
    assert!(count >= 20, "only {count} signatures were verified");
}

/// The inputs a node was given, turned into a payload by this program.
fn build(case: &Value, profile: &Profile, version: u16, inputs_hash: [u8; 32]) -> Option<ProRegTx> {
    let inputs = case
        .get("inputs")
        .filter(|inputs| inputs.get("collateralHash").is_some())?;
    let txid = text(inputs, "collateralHash").parse().expect("a txid");
    let vout = inputs["collateralIndex"].as_u64().expect("an index") as u32;
    let key = |name| castellan::protocol::KeyId(Address::parse_key(text(inputs, name), profile).expect("an address"));
    let operator = SecretKey::from_hex(text(&inputs["operator"], "secret"))
        .expect("a secret")
        .public_key();
    let reward = inputs["reward"].to_string().parse::<f64>().expect("a percentage");
    let service = text(inputs, "service");
    Some(ProRegTx {
        version,
        kind: MnType::Regular.number(),
        mode: 0,
        collateral: OutPoint { txid, vout },
        service: if service.is_empty() {
            Service::NONE
        } else {
            service.parse().expect("a service")
        },
        owner: key("owner"),
        operator: operator.encode(encoding_of(version)),
        voting: key("voting"),
        operator_reward: (reward * 100.0).round() as u16,
        payout: Address::parse(text(inputs, "payout"), profile)
            .expect("an address")
            .script(),
        inputs_hash,
        platform: None,
        signature: Vec::new(),
    })
}

#[test]
fn payloads_built_from_the_nodes_inputs_are_the_nodes_payloads() {
    let mut count = 0;
    for (profile, case) in recorded() {
        let tx = Transaction::from_hex(text(&case, "hex")).expect("a real transaction");
        if tx.kind != castellan::protocol::tx::PRO_REG {
            continue;
        }
        let version = u16::from_le_bytes([tx.payload[0], tx.payload[1]]);
        let Some(mut payload) = build(&case, &profile, version, tx.inputs_hash()) else {
            continue;
        };
        if let Some(unsigned) = case["unsigned"].as_str() {
            let prepared = Transaction::from_hex(unsigned).expect("register_prepare");
            assert_eq!(to_hex(&payload.encode()), to_hex(&prepared.payload), "{}", case["what"]);
        }
        assert_eq!(payload.sign_message(&profile), text(&case, "signMessage"));
        payload.signature = CompactSignature::from_base64(text(&case, "sig"))
            .expect("65 bytes")
            .as_bytes()
            .to_vec();
        assert_eq!(to_hex(&payload.encode()), to_hex(&tx.payload), "{}", case["what"]);
        count += 1;
    }
    assert!(count >= 15, "only {count} payloads were built");
}

#[test]
fn a_recorded_collateral_key_signs_the_recorded_signature() {
    // WEI's recordings carry the collateral keys; RFC 6979 makes the signature reproducible.
    let mut count = 0;
    for (profile, case) in recorded() {
        let Some(wif) = case["inputs"]["collateralWif"].as_str() else {
            continue;
        };
        let (Some(message), Some(sig)) = (case["signMessage"].as_str(), case["sig"].as_str()) else {
            continue;
        };
        let key = SecpKey::from_wif(wif, &profile).expect("a regtest key");
        let digest = message::message_hash(&profile.message_magic, message.as_bytes());
        assert_eq!(key.sign_compact(&digest).to_base64(), sig);
        count += 1;
    }
    assert!(count >= 4, "only {count} signatures were made");
}

#[test]
fn input_signatures_of_real_special_transactions_verify_with_the_payload_in_the_digest() {
    let mut count = 0;
    for case in protx_of_kind("tx") {
        let tx = Transaction::from_hex(text(&case, "hex")).expect("a real transaction");
        for at in 0..tx.inputs.len() {
            let script_sig = tx.inputs[at].script_sig.as_bytes();
            if script_sig.is_empty() {
                continue;
            }
            let key = &script_sig[script_sig.len() - 33..];
            let hash = <bitcoin::hashes::hash160::Hash as bitcoin::hashes::Hash>::hash(key);
            let spent = castellan::protocol::script::pay_to_key(bitcoin::hashes::Hash::as_byte_array(&hash));
            let signed = castellan::protocol::rules::is_signed(&tx, at, spent.as_bytes());
            assert_eq!(signed, Some(true), "input {at} of {}", case["name"]);
            count += 1;
        }
        for (at, preimage) in case["sighashPreimages"].as_array().into_iter().flatten().enumerate() {
            let preimage = from_hex(
                preimage
                    .as_str()
                    .or_else(|| preimage["preimage"].as_str())
                    .expect("hex"),
            )
            .expect("hex");
            let digest = castellan::protocol::wire::sha256d(&preimage);
            let script_sig = tx.inputs[at].script_sig.as_bytes();
            let key = &script_sig[script_sig.len() - 33..];
            let hash = <bitcoin::hashes::hash160::Hash as bitcoin::hashes::Hash>::hash(key);
            let spent = castellan::protocol::script::pay_to_key(bitcoin::hashes::Hash::as_byte_array(&hash));
            assert_eq!(tx.sighash_all(at, spent.as_bytes()), digest, "{}", case["name"]);
        }
    }
    assert!(count >= 25, "only {count} signatures were verified");
}

#[test]
fn operator_keys_of_the_recordings_are_derived_in_their_encoding() {
    let mut count = 0;
    for (_, case) in recorded() {
        let operator = &case["inputs"]["operator"];
        let Some(secret) = operator["secret"].as_str() else {
            continue;
        };
        // WEI's node names no scheme: it knows only the legacy one.
        let scheme = operator["scheme"]
            .as_str()
            .map_or(Scheme::Legacy, |name| name.parse().expect("a scheme"));
        let key = SecretKey::from_hex(secret).expect("a secret").public_key();
        assert_eq!(key.to_hex(scheme), text(operator, "public"));
        count += 1;
    }
    assert!(count >= 20, "only {count} keys were derived");
}

#[test]
fn an_evonode_registration_keeps_its_platform_fields_in_their_byte_order() {
    let case = cases(MODERN)
        .into_iter()
        .find(|case| case["what"] == "ProRegTx evonode")
        .expect("recorded");
    let payload = pro_reg(&Transaction::from_hex(text(&case, "hex")).expect("real")).expect("a registration");
    let node_id = text(&case["decoded"]["proRegTx"], "platformNodeID");
    let platform = Platform {
        node_id: Platform::node_id_from_hex(node_id).expect("hex"),
        p2p_port: 22821,
        http_port: 22822,
    };
    assert_eq!(payload.platform, Some(platform));
    assert_eq!(payload.mn_type(), Some(MnType::Evo));
}

mod rules {
    use super::*;
    use castellan::protocol::rules::{Context, Dialect, check};

    #[test]
    fn transactions_of_nodes_own_negative_tests_are_refused_for_the_nodes_reason() {
        let mut count = 0;
        for case in protx_of_kind("invalid-tx") {
            let tx = Transaction::from_hex(text(&case, "hex")).expect("a transaction");
            if tx.kind != castellan::protocol::tx::PRO_REG {
                continue;
            }
            let profile = profile("dash");
            let legacy = text(&case["expected"], "networkState").contains("not active");
            let context = Context {
                profile: &profile,
                dialect: Dialect::V23,
                // Core's own case runs the version-1 evonode in both states and expects the type's refusal in both.
                max_version: if legacy { 1 } else { 2 },
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
        assert!(count >= 5, "only {count} transactions were judged");
    }

    #[test]
    fn every_recorded_registration_obeys_the_rules_that_need_no_node() {
        for (profile, case) in recorded() {
            let tx = Transaction::from_hex(text(&case, "hex")).expect("a real transaction");
            if tx.kind != castellan::protocol::tx::PRO_REG {
                continue;
            }
            let verdict = check(&tx, &Context::offline(&profile));
            assert_eq!(verdict.failure(), None, "{}", case["txid"]);
            assert!(
                verdict
                    .checks
                    .iter()
                    .any(|check| check.passed.is_none() && check.needs_node)
            );
        }
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decoding_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Transaction::decode(&bytes);
            let _ = ProRegTx::decode(&bytes);
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(mut bytes in Just(from_hex(text(&cases(MODERN)[0], "hex")).expect("hex")),
            at in 0usize..468, value in any::<u8>()) {
            bytes[at] = value;
            if let Ok(tx) = Transaction::decode(&bytes) {
                prop_assert_eq!(tx.encode(), bytes);
                if let Ok(Payload::ProReg(payload)) = Payload::of(&tx) {
                    prop_assert_eq!(payload.encode(), tx.payload);
                }
            }
        }

        #[test]
        fn judging_a_mutated_registration_never_panics(at in 0usize..468, value in any::<u8>(), cut in 0usize..40) {
            let mut bytes = from_hex(text(&cases(MODERN)[0], "hex")).expect("hex");
            bytes[at] = value;
            bytes.truncate(bytes.len() - cut);
            if let Ok(tx) = Transaction::decode(&bytes) {
                let profile = profile("dash-regtest");
                let verdict = castellan::protocol::rules::check(&tx, &castellan::protocol::rules::Context::offline(&profile));
                prop_assert!(!verdict.checks.is_empty());
                let _ = describe::transaction(&tx, &profile);
            }
        }
    }
}
