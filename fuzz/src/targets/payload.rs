//! The four payloads, and everything smaller that is read from bytes or text a stranger wrote.

use std::fmt::Debug;

use super::{PROFILES, PUBLISHED, cases, hex, transaction};
use crate::protocol::bls::{PublicKey, Scheme, SecretKey, Signature};
use crate::protocol::message::CompactSignature;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::special_tx::{Payload, ProRegTx, ProUpRegTx, ProUpRevTx, ProUpServTx, Service, net_info};
use crate::protocol::tx::{PRO_REG, PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV, Transaction};
use crate::protocol::wire::{DecodeError, Reader, sha256d};
use crate::protocol::{Address, Amount, SecpKey, describe, path, script};

/// The input is a payload of each type, in the version it says and in those of other ones; then a script, keys, and text.
pub fn payload(bytes: &[u8]) {
    payloads(bytes);
    for version in 1..=3_u16 {
        let mut other = bytes.to_vec();
        if let Some(field) = other.first_chunk_mut() {
            *field = version.to_le_bytes();
        }
        if other != bytes {
            payloads(&other);
        }
    }
    scripts(bytes);
    encodings(bytes);
    service(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        texts(text);
    }
}

macro_rules! round_trip {
    ($kind:ident, $bytes:ident, $signature_len:expr) => {
        if let Ok(payload) = $kind::decode($bytes) {
            let again = payload.encode();
            assert_eq!(again, $bytes, "what decodes encodes to the same bytes");
            assert_eq!($kind::decode(&again).as_ref(), Ok(&payload));
            let hashed = payload.encode_unsigned();
            assert_eq!(payload.payload_hash(), sha256d(&hashed));
            assert!($bytes.starts_with(&hashed));
            assert_eq!(
                $bytes.len() - hashed.len(),
                $signature_len(&payload),
                "the rest is the signature"
            );
        }
    };
}

fn payloads(bytes: &[u8]) {
    round_trip!(ProRegTx, bytes, |payload: &ProRegTx| with_length(&payload.signature));
    round_trip!(ProUpServTx, bytes, |_: &ProUpServTx| Signature::LENGTH);
    round_trip!(ProUpRegTx, bytes, |payload: &ProUpRegTx| with_length(
        &payload.signature
    ));
    round_trip!(ProUpRevTx, bytes, |_: &ProUpRevTx| Signature::LENGTH);
    if let Ok(payload) = ProRegTx::decode(bytes) {
        operator(payload.key_encoding(), &payload.operator);
        // Whether a signature is there or not, and whatever it is.
        let signature = payload.compact_signature();
        assert_eq!(signature.is_some(), payload.signature.len() == 65);
        for profile in PROFILES.iter() {
            let message = payload.sign_message(profile);
            assert_eq!(message.split('|').count(), 5, "{message}");
            describe::pro_reg(&payload, profile);
        }
    }
    if let Ok(payload) = ProUpRegTx::decode(bytes) {
        operator(payload.key_encoding(), &payload.operator);
        assert!(payload.signer().is_err() || payload.signature.len() == 65);
    }
    of_transactions(bytes);
}

fn with_length(signature: &[u8]) -> usize {
    signature.len() + if signature.len() < 0xfd { 1 } else { 3 }
}

/// Every type tells malformed bytes of a known version from a version it does not know.
fn of_transactions(bytes: &[u8]) {
    let version = bytes.first_chunk::<2>().map(|bytes| u16::from_le_bytes(*bytes));
    for kind in [PRO_REG, PRO_UP_SERV, PRO_UP_REG, PRO_UP_REV, 5, 77] {
        let mut tx = Transaction::empty(3);
        tx.kind = kind;
        tx.payload = bytes.to_vec();
        let known = kind <= PRO_UP_REV;
        match Payload::of(&tx) {
            Ok(Payload::Unknown { version: read, .. }) => {
                assert_eq!(read, version);
                assert!(!known || !matches!(version, Some(1 | 2)));
            }
            Ok(Payload::None) => panic!("a transaction of type {kind} has a payload"),
            Ok(_) => assert!(known && matches!(version, Some(1 | 2))),
            Err(error) => assert!(known && !matches!(error, DecodeError::UnknownVersion { .. })),
        }
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    for is_version_3 in [net_info::is_pro_reg_v3, net_info::is_pro_up_serv_v3] {
        assert!(
            !is_version_3(bytes) || !is_version_3(&longer),
            "a payload ends where it ends"
        );
    }
}

fn operator(encoding: Scheme, bytes: &[u8; 48]) {
    if let Ok(key) = PublicKey::decode(encoding, bytes) {
        assert_eq!(key.encode(encoding), *bytes, "one encoding per key");
    }
}

fn scripts(bytes: &[u8]) {
    let destination = script::destination(bytes);
    let Some(address) = script::address(bytes) else {
        assert_eq!(destination, None);
        return;
    };
    let standard = script::is_pay_to_key(bytes) || script::is_pay_to_script(bytes);
    assert_eq!(standard, address.script().as_bytes() == bytes);
    for profile in PROFILES.iter() {
        assert_eq!(Address::parse(&address.to_text(profile), profile), Ok(address));
    }
}

/// Keys and signatures at the start of the input: what decodes has this one encoding, and survives the other one.
fn encodings(bytes: &[u8]) {
    for (scheme, other) in [(Scheme::Basic, Scheme::Legacy), (Scheme::Legacy, Scheme::Basic)] {
        if let Some(bytes) = bytes.first_chunk::<48>() {
            operator(scheme, bytes);
            if let Ok(key) = PublicKey::decode(scheme, bytes) {
                assert_eq!(PublicKey::decode(other, &key.encode(other)), Ok(key));
            }
        }
        if let Some(bytes) = bytes.first_chunk::<96>()
            && let Ok(signature) = Signature::decode(scheme, bytes)
        {
            assert_eq!(signature.encode(scheme), *bytes);
            assert_eq!(Signature::decode(other, &signature.encode(other)), Ok(signature));
        }
    }
    if let Some(bytes) = bytes.first_chunk::<65>() {
        let signature = CompactSignature::from_bytes(*bytes);
        assert_eq!(CompactSignature::from_base64(&signature.to_base64()), Ok(signature));
        if let Ok(signer) = signature.recover_key_id(&[7; 32]) {
            // Headers 27..30 are of uncompressed keys, which no masternode can have.
            let normal = signature.normalised(&[7; 32], signer);
            assert!(
                normal.is_ok_and(|normal| normal.recover_key_id(&[7; 32]) == Ok(signer)) || !is_compressed(bytes[0])
            );
        }
    }
    net_info::skip(&mut Reader::new(bytes)).ok();
}

fn is_compressed(header: u8) -> bool {
    header.wrapping_sub(27) & 4 != 0
}

fn service(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let Ok(service) = Service::read(&mut reader) else {
        return;
    };
    let mut again = Vec::new();
    service.write(&mut again);
    assert_eq!(again, bytes[..18]);
    reads_back(service);
    for profile in PROFILES.iter() {
        let usable = service.check_typed(profile).is_ok();
        assert!(!usable || (service.check(profile).is_ok() && service.is_valid_address() && !service.is_none()));
    }
}

/// What is printed can be typed in again.
fn reads_back<T>(value: T)
where
    T: std::fmt::Display + std::str::FromStr<Err: Debug> + PartialEq + Debug,
{
    assert_eq!(value.to_string().parse::<T>().expect("it was printed"), value);
}

fn texts(text: &str) {
    if let Ok(service) = text.parse::<Service>() {
        reads_back(service);
    }
    if let Ok(amount) = text.parse::<Amount>() {
        reads_back(amount);
    }
    if let Ok(path) = path::parse(text) {
        assert_eq!(path::parse(&path::to_text(&path)), Ok(path));
    }
    if let Ok(id) = Platform::node_id_from_hex(text) {
        let platform = Platform {
            node_id: id,
            p2p_port: 0,
            http_port: 0,
        };
        assert_eq!(platform.node_id_hex(), text.trim().to_ascii_lowercase());
    }
    for profile in PROFILES.iter() {
        if let Ok(address) = Address::parse(text, profile) {
            assert_eq!(address.to_text(profile), text.trim());
        }
        if let Ok(key) = SecpKey::from_wif(text, profile) {
            assert_eq!(*key.to_wif(profile), text.trim());
        }
    }
    for scheme in [Scheme::Basic, Scheme::Legacy] {
        if let Ok(key) = PublicKey::from_hex(scheme, text) {
            assert_eq!(key.to_hex(scheme), text.trim().to_ascii_lowercase());
        }
    }
    if let Ok(key) = SecretKey::from_hex(text) {
        assert_eq!(*key.to_hex(), text.trim().to_ascii_lowercase());
    }
}

/// The payloads of every seed transaction, address structures of version 3, and one text of each kind.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let payloads = transaction::seeds().into_iter().map(|bytes| {
        let tx = Transaction::decode(&bytes).expect("seeds are real transactions");
        tx.payload
    });
    let structures = cases(PUBLISHED)
        .into_iter()
        .filter(|case| case["kind"] == "netinfo")
        .flat_map(|case| [hex(&case), version_3(&hex(&case))]);
    let all = payloads.chain(structures).chain(parts()).chain(samples());
    all.filter(|seed| !seed.is_empty()).collect()
}

/// A ProRegTx of version 3 around an address structure.
fn version_3(structure: &[u8]) -> Vec<u8> {
    let mut out = vec![3, 0, 0, 0, 0, 0];
    out.extend([5; 36]);
    out.extend_from_slice(structure);
    out.extend([6; 20 + 48 + 20 + 2]);
    out.extend([0; 34]);
    out
}

/// What payloads are made of, at the start of an input: outputs, keys and signatures of real ones.
fn parts() -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for bytes in transaction::seeds() {
        let tx = Transaction::decode(&bytes).expect("seeds are real transactions");
        match Payload::of(&tx) {
            Ok(Payload::ProReg(payload)) => out.extend([
                payload.operator.to_vec(),
                payload.signature,
                payload.payout.into_bytes(),
            ]),
            Ok(Payload::ProUpServ(payload)) => {
                let mut address = Vec::new();
                payload.service.write(&mut address);
                out.extend([payload.signature.to_vec(), address]);
            }
            _ => {}
        }
    }
    out
}

fn samples() -> Vec<Vec<u8>> {
    [
        "1.2.3.4:9999",
        "[::]:0",
        "[0:0:0:0:0:0:0:0]:0",
        "[2a00:1450::1]:9999",
        "00000000000000000000000000000000:0",
        "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5",
        "yjSPYvgUiAQ9AFj5tKFA8thFLoLBUxQERb",
        "cTVm7EkgzNBPcwAKGYHfvyK8cyrRAC8n3SUUw8qjLqCg2rpcczfo",
        "086064ea42f106755812cb8d0a7aeed4c6405949",
        "m/44'/5'/0'/0/0",
        "1000.00000001",
        "95fde78acb5f6886ddaf5d0056610167c513d09c1c98efabbc7cdcc69beea113779a80abfcdfb65a7bafaeabcdaffe48",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
