//! The output scripts masternode transactions use, and what a node reads from them.

use bitcoin::ScriptBuf;
use bitcoin::hashes::{Hash, hash160};

use super::address::Address;

/// What a node's `ExtractDestination` sees in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// P2PKH, or P2PK (which has the same destination): hash160 of the key.
    Key([u8; 20]),
    /// P2SH.
    Script([u8; 20]),
}

/// The destination of a script, or none (OP_RETURN, bare multisig, anything else).
pub fn destination(script: &[u8]) -> Option<Destination> {
    match script {
        [0x76, 0xa9, 0x14, hash @ .., 0x88, 0xac] if hash.len() == 20 => Some(Destination::Key(array(hash))),
        [0xa9, 0x14, hash @ .., 0x87] if hash.len() == 20 => Some(Destination::Script(array(hash))),
        [len, key @ .., 0xac] if usize::from(*len) == key.len() && is_public_key(key) => {
            Some(Destination::Key(hash160::Hash::hash(key).to_byte_array()))
        }
        _ => None,
    }
}

/// The P2PKH script of a key hash: 25 bytes.
pub fn pay_to_key(hash: &[u8; 20]) -> ScriptBuf {
    let mut bytes = vec![0x76, 0xa9, 0x14];
    bytes.extend_from_slice(hash);
    bytes.extend_from_slice(&[0x88, 0xac]);
    ScriptBuf::from_bytes(bytes)
}

/// The P2SH script of a script hash: 23 bytes.
pub fn pay_to_script(hash: &[u8; 20]) -> ScriptBuf {
    let mut bytes = vec![0xa9, 0x14];
    bytes.extend_from_slice(hash);
    bytes.push(0x87);
    ScriptBuf::from_bytes(bytes)
}

/// True for exactly the 25-byte P2PKH form.
pub fn is_pay_to_key(script: &[u8]) -> bool {
    script.len() == 25 && matches!(destination(script), Some(Destination::Key(_)))
}

/// True for exactly the 23-byte P2SH form.
pub fn is_pay_to_script(script: &[u8]) -> bool {
    matches!(destination(script), Some(Destination::Script(_)))
}

/// The address form of a script, if it has one.
pub fn address(script: &[u8]) -> Option<Address> {
    destination(script).map(|destination| match destination {
        Destination::Key(hash) => Address::PubkeyHash(hash),
        Destination::Script(hash) => Address::ScriptHash(hash),
    })
}

/// scriptSig of a P2PKH input: the DER signature with its hash type, then the compressed key.
pub fn script_sig(der_and_type: &[u8], key: &[u8; 33]) -> ScriptBuf {
    let mut bytes = Vec::with_capacity(der_and_type.len() + 35);
    bytes.push(der_and_type.len() as u8);
    bytes.extend_from_slice(der_and_type);
    bytes.push(33);
    bytes.extend_from_slice(key);
    ScriptBuf::from_bytes(bytes)
}

fn array(hash: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(hash);
    out
}

/// A public key by its form: compressed, uncompressed or hybrid.
pub(crate) fn is_public_key(key: &[u8]) -> bool {
    matches!((key.len(), key.first()), (33, Some(2 | 3)) | (65, Some(4 | 6 | 7)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_as_a_node_reads_it() {
        let hash = [7; 20];
        assert_eq!(destination(pay_to_key(&hash).as_bytes()), Some(Destination::Key(hash)));
        assert_eq!(
            destination(pay_to_script(&hash).as_bytes()),
            Some(Destination::Script(hash))
        );
        assert!(is_pay_to_key(pay_to_key(&hash).as_bytes()) && !is_pay_to_script(pay_to_key(&hash).as_bytes()));
        assert_eq!(destination(&[0x6a]), None);
        assert_eq!(destination(&[]), None);
    }

    #[test]
    fn pay_to_public_key_has_a_destination_but_is_not_pay_to_key_hash() {
        let mut script = vec![33, 2];
        script.extend([9; 32]);
        script.push(0xac);
        assert!(matches!(destination(&script), Some(Destination::Key(_))));
        assert!(!is_pay_to_key(&script));
    }
}
