//! Runs the scripts of inputs: P2PKH and P2PK with SIGHASH_ALL, which is all that this sandbox's coins need.
//!
//! Anything else (P2SH, other hash types) is refused with a reason that says so; a real node would run it.

use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, ecdsa};

use super::reject::Reject;
use crate::protocol::key::KeyId;
use crate::protocol::script::{self, Destination};
use crate::protocol::tx::Transaction;

const SIGHASH_ALL: u8 = 1;

/// # Errors
/// The node's words for the first thing wrong with the input's script.
pub fn check_input(tx: &Transaction, index: usize, spent: &[u8]) -> Result<(), Reject> {
    let pushes = pushes(tx.inputs[index].script_sig.as_bytes())
        .ok_or_else(|| failed("Only push operators allowed in signatures"))?;
    let (signature, key) = match (script::destination(spent), pushes.as_slice()) {
        (Some(Destination::Key(hash)), [signature, key]) if script::is_pay_to_key(spent) => {
            if key_hash(key) != hash {
                return Err(failed("Script failed an OP_EQUALVERIFY operation"));
            }
            (*signature, *key)
        }
        (Some(Destination::Key(_)), [signature]) if !script::is_pay_to_key(spent) => {
            (*signature, &spent[1..spent.len() - 1])
        }
        (Some(Destination::Key(_)), _) => {
            return Err(failed("Operation not valid with the current stack size"));
        }
        _ => return Err(failed("the sandbox runs only P2PKH and P2PK scripts")),
    };
    check_signature(tx, index, spent, signature, key)
}

fn check_signature(tx: &Transaction, index: usize, spent: &[u8], signature: &[u8], key: &[u8]) -> Result<(), Reject> {
    let (hash_type, der) = signature
        .split_last()
        .ok_or_else(|| failed("Script evaluated without error but finished with a false/empty top stack element"))?;
    if *hash_type != SIGHASH_ALL {
        return Err(failed("Signature hash type missing or not understood"));
    }
    let signature = ecdsa::Signature::from_der(der).map_err(|_| failed("Non-canonical DER signature"))?;
    let mut low = signature;
    low.normalize_s();
    if low != signature {
        return Err(Reject::nonstandard("non-mandatory-script-verify-flag")
            .with("Non-canonical signature: S value is unnecessarily high".to_owned()));
    }
    let key = PublicKey::from_slice(key).map_err(|_| failed("Public key is neither compressed or uncompressed"))?;
    let digest = Message::from_digest(tx.sighash_all(index, spent));
    Secp256k1::verification_only()
        .verify_ecdsa(&digest, &signature, &key)
        .map_err(|_| failed("Signature must be zero for failed CHECK(MULTI)SIG operation"))
}

fn failed(why: &str) -> Reject {
    Reject::invalid(format!("mandatory-script-verify-flag-failed ({why})"))
}

fn key_hash(key: &[u8]) -> [u8; 20] {
    use bitcoin::hashes::{Hash, hash160};
    match PublicKey::from_slice(key) {
        Ok(point) if key.len() == 33 => KeyId::of(&point).0,
        _ => hash160::Hash::hash(key).to_byte_array(),
    }
}

/// The data a script pushes; none if it does anything else.
pub fn pushes(script: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = script;
    let mut out = Vec::new();
    while let [opcode, after @ ..] = rest {
        let (len, after) = match (*opcode, after) {
            (len @ 0..=75, after) => (usize::from(len), after),
            (76, [len, after @ ..]) => (usize::from(*len), after),
            (77, [low, high, after @ ..]) => (usize::from(u16::from_le_bytes([*low, *high])), after),
            _ => return None,
        };
        let (data, after) = after.split_at_checked(len)?;
        out.push(data);
        rest = after;
    }
    Some(out)
}
