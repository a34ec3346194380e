//! Payloads as a node of a generation reads them, whatever the version field says: what it cannot read is `bad-protx-payload`,
//! what it can read but does not accept `bad-protx-version`.

use super::{Context, Dialect};
use crate::protocol::bls::{BlsError, PublicKey, Scheme, Signature};
use crate::protocol::special_tx::pro_reg::encoding_of;
use crate::protocol::special_tx::{ProRegTx, ProUpRegTx, ProUpRevTx, ProUpServTx, net_info};

const FORM: &str = "bad-protx-payload";
const VERSION: &str = "bad-protx-version";

/// A payload, or what a node says instead.
pub(super) type Read<T> = Result<T, &'static str>;

pub(super) fn pro_reg(payload: &[u8], context: &Context<'_>) -> Read<ProRegTx> {
    match (context.dialect, version(payload)?) {
        (Dialect::V17, _) => {
            let read = ProRegTx::decode_layout(payload, false).map_err(|_| FORM)?;
            key_of_17(&read.operator).map(|()| read)
        }
        (_, 1 | 2) => ProRegTx::decode(payload).map_err(|_| FORM),
        (Dialect::V23, 3) if net_info::is_pro_reg_v3(payload) => Err(VERSION),
        _ => Err(FORM),
    }
}

pub(super) fn pro_up_serv(payload: &[u8], context: &Context<'_>) -> Read<ProUpServTx> {
    let read = match (context.dialect, version(payload)?) {
        (Dialect::V17, _) => ProUpServTx::decode_layout(payload, false),
        (_, 1 | 2) => ProUpServTx::decode(payload),
        (Dialect::V23, 3) if net_info::is_pro_up_serv_v3(payload) => return Err(VERSION),
        _ => return Err(FORM),
    };
    let read = read.map_err(|_| FORM)?;
    signature(&read.signature, read.version, context.dialect).map(|()| read)
}

pub(super) fn pro_up_reg(payload: &[u8], context: &Context<'_>) -> Read<ProUpRegTx> {
    refuse_unread_version(payload, context)?;
    let read = ProUpRegTx::decode_layout(payload).map_err(|_| FORM)?;
    if context.dialect == Dialect::V17 {
        key_of_17(&read.operator)?;
    }
    Ok(read)
}

pub(super) fn pro_up_rev(payload: &[u8], context: &Context<'_>) -> Read<ProUpRevTx> {
    refuse_unread_version(payload, context)?;
    let read = ProUpRevTx::decode_layout(payload).map_err(|_| FORM)?;
    signature(&read.signature, read.version, context.dialect).map(|()| read)
}

fn version(payload: &[u8]) -> Read<u16> {
    payload
        .first_chunk::<2>()
        .map(|bytes| u16::from_le_bytes(*bytes))
        .ok_or(FORM)
}

/// Types 3 and 4 have one layout. Nodes stop reading at a version above the highest they know of any type, and the rest is
/// left over; 23 knows version 3 of other types.
fn refuse_unread_version(payload: &[u8], context: &Context<'_>) -> Read<()> {
    match (context.dialect, version(payload)?) {
        (Dialect::V17, _) | (_, 1 | 2) | (Dialect::V23, 3) => Ok(()),
        _ => Err(FORM),
    }
}

/// 0.17 reads the operator key while parsing, in the one encoding it knows: bytes that are no point are a malformed payload.
/// Infinity and points outside the subgroup are points to it. It even accepts them as keys; this program refuses those.
fn key_of_17(operator: &[u8; 48]) -> Read<()> {
    let is_infinity = PublicKey::decode(Scheme::Basic, operator) == Err(BlsError::Infinity);
    match PublicKey::decode(Scheme::Legacy, operator) {
        Ok(_) | Err(BlsError::Null | BlsError::NotInSubgroup) => Ok(()),
        Err(_) if is_infinity => Ok(()),
        Err(_) => Err(FORM),
    }
}

/// Every generation reads the signature while parsing, laxer than this program in the legacy encoding: points outside the
/// subgroup pass, and from 19 on those off the curve too unless the sign bit is set. None of them ever verifies.
fn signature(bytes: &[u8; 96], version: u16, dialect: Dialect) -> Read<()> {
    let encoding = if dialect == Dialect::V17 {
        Scheme::Legacy
    } else {
        encoding_of(version)
    };
    match (Signature::decode(encoding, bytes), encoding) {
        (Ok(_) | Err(BlsError::Null), _) | (Err(BlsError::NotInSubgroup), Scheme::Legacy) => Ok(()),
        (Err(BlsError::NotOnCurve), Scheme::Legacy) if dialect != Dialect::V17 && bytes[0] & 0x80 == 0 => Ok(()),
        _ => Err(FORM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::wire::from_hex;

    const VECTORS: &str = include_str!("../../../tests/data/bls/bls.json");

    #[test]
    fn signatures_are_read_or_refused_as_recorded_of_dashd() {
        let vectors: serde_json::Value = serde_json::from_str(VECTORS).expect("test data is JSON");
        let mut count = 0;
        for case in vectors["signature_encodings"].as_array().expect("a list") {
            let bytes = from_hex(case["bytes"].as_str().or(case["hex"].as_str()).expect("bytes")).expect("hex");
            let Ok(bytes) = <[u8; 96]>::try_from(bytes.as_slice()) else {
                continue;
            };
            for (name, version) in [("legacy", 1), ("basic", 2)] {
                let accepted = case[name]["dashd_stream_accepts_as_valid"].as_bool().expect("recorded");
                // No signature at all is read too, as none.
                let expected = accepted || bytes == [0; 96];
                assert_eq!(
                    signature(&bytes, version, Dialect::V23).is_ok(),
                    expected,
                    "{name}: {case}"
                );
                count += 1;
            }
        }
        assert!(count >= 40, "only {count} encodings were read");
    }
}
