//! A transaction as JSON: keys and values of Dash Core v23's `decoderawtransaction`, with what it leaves out (signatures, the
//! collateral message). One shape for every network.

use bitcoin::hashes::Hash;
use serde_json::{Map, Value, json};

use super::amount::COIN;
use super::network::Profile;
use super::script;
use super::special_tx::pro_reg::Platform;
use super::special_tx::{Payload, ProRegTx, ProUpRegTx, ProUpRevTx, ProUpServTx, Service};
use super::tx::{Transaction, TxIn, TxOut};
use super::wire::{DecodeError, hash_to_display, to_hex};

/// # Errors
/// A payload of a known type and version that is malformed.
pub fn transaction(tx: &Transaction, profile: &Profile) -> Result<Value, DecodeError> {
    let payload = Payload::of(tx)?;
    let mut out = Map::new();
    out.insert("txid".into(), json!(tx.txid().to_string()));
    out.insert("version".into(), json!(tx.version));
    out.insert("type".into(), json!(tx.kind));
    out.insert("size".into(), json!(tx.size()));
    out.insert("vin".into(), tx.inputs.iter().map(input).collect());
    out.insert(
        "vout".into(),
        tx.outputs
            .iter()
            .enumerate()
            .map(|(n, each)| output(n, each, profile))
            .collect(),
    );
    out.insert("locktime".into(), json!(tx.lock_time));
    if tx.has_payload() {
        out.insert("extraPayloadSize".into(), json!(tx.payload.len()));
        out.insert("extraPayload".into(), json!(to_hex(&tx.payload)));
    }
    put_payload(&mut out, &payload, profile);
    Ok(Value::Object(out))
}

/// The object Core names after the type, and what it leaves out: signatures and the collateral message.
fn put_payload(out: &mut Map<String, Value>, payload: &Payload, profile: &Profile) {
    let (name, object, signature) = match payload {
        Payload::ProReg(payload) => ("proRegTx", pro_reg(payload, profile), to_hex(&payload.signature)),
        Payload::ProUpServ(payload) => ("proUpServTx", pro_up_serv(payload, profile), to_hex(&payload.signature)),
        Payload::ProUpReg(payload) => ("proUpRegTx", pro_up_reg(payload, profile), to_hex(&payload.signature)),
        Payload::ProUpRev(payload) => ("proUpRevTx", pro_up_rev(payload), to_hex(&payload.signature)),
        Payload::None | Payload::Unknown { .. } => return,
    };
    out.insert(name.into(), object);
    out.insert("payloadSig".into(), json!(signature));
    if let Payload::ProReg(payload) = payload {
        out.insert("signMessage".into(), json!(payload.sign_message(profile)));
    }
}

/// The `proRegTx` object.
pub fn pro_reg(payload: &ProRegTx, profile: &Profile) -> Value {
    let mut out = Map::new();
    let collateral = payload.collateral;
    out.insert("version".into(), json!(payload.version));
    out.insert("type".into(), json!(payload.kind));
    out.insert("collateralHash".into(), json!(collateral.txid.to_string()));
    out.insert("collateralIndex".into(), json!(collateral.vout));
    out.insert("service".into(), json!(payload.service.to_string()));
    out.insert(
        "addresses".into(),
        addresses(payload.service, payload.platform.as_ref()),
    );
    out.insert("ownerAddress".into(), json!(payload.owner.address().to_text(profile)));
    out.insert("votingAddress".into(), json!(payload.voting.address().to_text(profile)));
    if let Some(payout) = script::address(payload.payout.as_bytes()) {
        out.insert("payoutAddress".into(), json!(payout.to_text(profile)));
    }
    out.insert("pubKeyOperator".into(), json!(to_hex(&payload.operator)));
    out.insert("operatorReward".into(), percent(payload.operator_reward));
    put_platform(&mut out, payload.platform.as_ref());
    out.insert("inputsHash".into(), json!(hash_to_display(&payload.inputs_hash)));
    Value::Object(out)
}

/// The `proUpServTx` object.
pub fn pro_up_serv(payload: &ProUpServTx, profile: &Profile) -> Value {
    let mut out = Map::new();
    out.insert("version".into(), json!(payload.version));
    out.insert("type".into(), json!(payload.kind));
    out.insert("proTxHash".into(), json!(payload.pro_tx_hash.to_string()));
    out.insert("service".into(), json!(payload.service.to_string()));
    out.insert(
        "addresses".into(),
        addresses(payload.service, payload.platform.as_ref()),
    );
    if let Some(payout) = script::address(payload.operator_payout.as_bytes()) {
        out.insert("operatorPayoutAddress".into(), json!(payout.to_text(profile)));
    }
    put_platform(&mut out, payload.platform.as_ref());
    out.insert("inputsHash".into(), json!(hash_to_display(&payload.inputs_hash)));
    Value::Object(out)
}

/// The `proUpRegTx` object.
pub fn pro_up_reg(payload: &ProUpRegTx, profile: &Profile) -> Value {
    let mut out = Map::new();
    out.insert("version".into(), json!(payload.version));
    out.insert("proTxHash".into(), json!(payload.pro_tx_hash.to_string()));
    out.insert("votingAddress".into(), json!(payload.voting.address().to_text(profile)));
    if let Some(payout) = script::address(payload.payout.as_bytes()) {
        out.insert("payoutAddress".into(), json!(payout.to_text(profile)));
    }
    out.insert("pubKeyOperator".into(), json!(to_hex(&payload.operator)));
    out.insert("inputsHash".into(), json!(hash_to_display(&payload.inputs_hash)));
    Value::Object(out)
}

/// The `proUpRevTx` object.
pub fn pro_up_rev(payload: &ProUpRevTx) -> Value {
    json!({
        "version": payload.version,
        "proTxHash": payload.pro_tx_hash.to_string(),
        "reason": payload.reason,
        "inputsHash": hash_to_display(&payload.inputs_hash),
    })
}

fn put_platform(out: &mut Map<String, Value>, platform: Option<&Platform>) {
    if let Some(platform) = platform {
        out.insert("platformNodeID".into(), json!(platform.node_id_hex()));
        out.insert("platformP2PPort".into(), json!(platform.p2p_port));
        out.insert("platformHTTPPort".into(), json!(platform.http_port));
    }
}

/// Hundredths of a percent as the percentage Core prints: 525 is 5.25, 550 is 5.5, 0 is 0.
pub fn percent(hundredths: u16) -> Value {
    if hundredths.is_multiple_of(100) {
        json!(hundredths / 100)
    } else {
        let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        number(text.trim_end_matches('0'))
    }
}

fn addresses(service: Service, platform: Option<&Platform>) -> Value {
    let mut out = Map::new();
    if !service.is_none() {
        out.insert("core_p2p".into(), json!([service.to_string()]));
        if let Some(platform) = platform {
            let at = |port| Service { port, ..service }.to_string();
            out.insert("platform_https".into(), json!([at(platform.http_port)]));
            out.insert("platform_p2p".into(), json!([at(platform.p2p_port)]));
        }
    }
    Value::Object(out)
}

fn input(input: &TxIn) -> Value {
    if input.is_coinbase() {
        return json!({ "coinbase": to_hex(input.script_sig.as_bytes()), "sequence": input.sequence });
    }
    json!({
        "txid": input.previous.txid.to_string(),
        "vout": input.previous.vout,
        "scriptSig": { "hex": to_hex(input.script_sig.as_bytes()) },
        "sequence": input.sequence,
    })
}

fn output(n: usize, output: &TxOut, profile: &Profile) -> Value {
    let mut script = Map::new();
    script.insert("hex".into(), json!(to_hex(output.script.as_bytes())));
    // Core names an address for P2PKH and P2SH only, though P2PK has a destination.
    let bytes = output.script.as_bytes();
    if script::is_pay_to_key(bytes) || script::is_pay_to_script(bytes) {
        let address = script::address(bytes).map(|address| address.to_text(profile));
        script.insert("address".into(), json!(address));
    }
    json!({
        "value": coins(output.value),
        "valueSat": output.value,
        "n": n,
        "scriptPubKey": Value::Object(script),
    })
}

/// Coins as the JSON number Core prints: eight decimals, exact at any size.
pub fn coins(duffs: i64) -> Value {
    let sign = if duffs < 0 { "-" } else { "" };
    let duffs = duffs.unsigned_abs();
    number(&format!("{sign}{}.{:08}", duffs / COIN, duffs % COIN))
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).expect("digits and a point are a JSON number")
}

/// Whether an outpoint is the null one of internal collaterals and coinbases.
pub fn is_null(outpoint: &bitcoin::OutPoint) -> bool {
    outpoint.txid.to_byte_array() == [0; 32]
}
