//! A transaction of any type: what decodes encodes to the same bytes, has their txid, and can be shown.

use bitcoin::hashes::Hash;

use super::{LEGACY, MODERN, PROFILES, PUBLISHED, WEI, cases, hex};
use crate::protocol::describe;
use crate::protocol::special_tx::Payload;
use crate::protocol::tx::Transaction;
use crate::protocol::wire::{sha256d, to_hex};

/// The input is the transaction.
pub fn transaction(bytes: &[u8]) {
    let Ok(tx) = Transaction::decode(bytes) else {
        return;
    };
    assert_eq!(tx.encode(), bytes, "what decodes encodes to the same bytes");
    assert_eq!(tx.size(), bytes.len());
    assert_eq!(tx.txid().to_byte_array(), sha256d(bytes));
    let bare = tx.without_scripts();
    assert_eq!(Transaction::decode(&bare.encode()).as_ref(), Ok(&bare));
    assert_eq!(bare.inputs_hash(), tx.inputs_hash());
    if let Some(input) = tx.inputs.first() {
        let script = input.script_sig.as_bytes();
        assert_eq!(bare.sighash_all(0, script), tx.sighash_all(0, script));
    }
    tx.output_total();
    let payload = Payload::of(&tx);
    if let Ok(payload) = &payload {
        attached(payload, &tx);
    }
    shown(&tx, payload.is_ok());
}

/// A payload that was read goes back into the transaction it came from.
fn attached(payload: &Payload, tx: &Transaction) {
    match payload {
        Payload::None => {
            assert!(tx.payload.is_empty());
            return;
        }
        Payload::Unknown { kind, .. } => {
            assert_eq!(*kind, tx.kind);
            return;
        }
        _ => {}
    }
    let mut again = tx.clone();
    again.payload.clear();
    payload.attach(&mut again);
    // Transactions of later versions carry payloads too; the program writes version 3.
    again.version = tx.version;
    assert_eq!(&again, tx);
}

fn shown(tx: &Transaction, is_well_formed: bool) {
    for profile in PROFILES.iter() {
        let shown = describe::transaction(tx, profile);
        assert_eq!(shown.is_ok(), is_well_formed);
        let Ok(shown) = shown else { continue };
        assert_eq!(shown["txid"], tx.txid().to_string());
        assert_eq!(shown["vout"].as_array().map(Vec::len), Some(tx.outputs.len()));
        let text = shown.to_string();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).ok(),
            Some(shown),
            "JSON that reads back"
        );
        assert!(!tx.has_payload() || text.contains(&to_hex(&tx.payload)));
    }
}

/// Every recorded and published transaction, the refused ones too.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    [MODERN, LEGACY, WEI, PUBLISHED]
        .into_iter()
        .flat_map(cases)
        .filter(|case| !matches!(case["kind"].as_str(), Some(kind) if kind != "tx" && kind != "invalid-tx"))
        .map(|case| hex(&case))
        .collect()
}
