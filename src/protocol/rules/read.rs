//! Payloads as a node of a generation reads them, whatever the version field says: what it cannot read is `bad-protx-payload`,
//! what it can read but does not accept `bad-protx-version`.

use super::{Context, Dialect};
use crate::protocol::bls::{BlsError, PublicKey, Scheme, Signature};
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
    signature(&read.signature, context.dialect).map(|()| read)
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
    signature(&read.signature, context.dialect).map(|()| read)
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

/// Every generation reads the signature while parsing. From 19 on, bytes that are none in the payload's encoding but one in the
/// other are read as no signature. None of what only a node reads ever verifies.
fn signature(bytes: &[u8; 96], dialect: Dialect) -> Read<()> {
    let readable =
        is_read(bytes, Scheme::Legacy, dialect) || (dialect != Dialect::V17 && is_read(bytes, Scheme::Basic, dialect));
    if readable { Ok(()) } else { Err(FORM) }
}

/// Laxer than this program in the legacy encoding: points outside the subgroup pass, and from 19 on those off the curve too
/// unless the sign bit is set.
fn is_read(bytes: &[u8; 96], encoding: Scheme, dialect: Dialect) -> bool {
    match (Signature::decode(encoding, bytes), encoding) {
        (Ok(_) | Err(BlsError::Null), _) | (Err(BlsError::NotInSubgroup), Scheme::Legacy) => true,
        (Err(BlsError::NotOnCurve), Scheme::Legacy) => dialect != Dialect::V17 && bytes[0] & 0x80 == 0,
        _ => false,
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
            let accepts = |name: &str| case[name]["dashd_stream_accepts_as_valid"].as_bool().expect("recorded");
            // No signature at all is read too, as none.
            let expected = accepts("legacy") || accepts("basic") || bytes == [0; 96];
            assert_eq!(signature(&bytes, Dialect::V23).is_ok(), expected, "{case}");
            for (name, encoding) in [("legacy", Scheme::Legacy), ("basic", Scheme::Basic)] {
                let expected = accepts(name) || bytes == [0; 96];
                assert_eq!(is_read(&bytes, encoding, Dialect::V23), expected, "{name}: {case}");
                count += 1;
            }
        }
        assert!(count >= 40, "only {count} encodings were read");
    }
}
