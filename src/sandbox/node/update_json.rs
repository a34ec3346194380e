//! The objects of decoded updates, as the node prints them (Dash Core evo/core_write.cpp, evo/providertx.h).

use serde_json::{Map, Value, json};

use super::tx_json::{address_text, addresses, service};
use crate::protocol::network::Profile;
use crate::protocol::special_tx::{ProUpRegTx, ProUpRevTx, ProUpServTx};
use crate::protocol::wire::{hash_to_display, to_hex};
use crate::sandbox::dialect::Dialect;

/// The `proUpServTx` object.
pub fn pro_up_serv(payload: &ProUpServTx, profile: &Profile, dialect: Dialect) -> Value {
    let core23 = dialect == Dialect::Core23;
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("version", json!(payload.version));
    if core23 {
        put("type", json!(payload.kind));
    }
    put("proTxHash", json!(payload.pro_tx_hash.to_string()));
    put("service", json!(service(&payload.service, dialect)));
    if core23 {
        put("addresses", addresses(&payload.service, payload.platform.as_ref()));
    }
    if let Some(operator) = address_text(profile, payload.operator_payout.as_bytes()) {
        put("operatorPayoutAddress", json!(operator));
    }
    if let Some(platform) = payload.platform {
        put("platformNodeID", json!(platform.node_id_hex()));
        put("platformP2PPort", json!(platform.p2p_port));
        put("platformHTTPPort", json!(platform.http_port));
    }
    put("inputsHash", json!(hash_to_display(&payload.inputs_hash)));
    Value::Object(out)
}

/// The `proUpRegTx` object.
pub fn pro_up_reg(payload: &ProUpRegTx, profile: &Profile) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("version", json!(payload.version));
    put("proTxHash", json!(payload.pro_tx_hash.to_string()));
    put("votingAddress", json!(payload.voting.address().to_text(profile)));
    if let Some(payout) = address_text(profile, payload.payout.as_bytes()) {
        put("payoutAddress", json!(payout));
    }
    put("pubKeyOperator", json!(to_hex(&payload.operator)));
    put("inputsHash", json!(hash_to_display(&payload.inputs_hash)));
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
