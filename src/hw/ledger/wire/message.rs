//! SIGN_MESSAGE, `E0 4E`: the text in chunks, then the question.

use bitcoin::bip32::DerivationPath;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::hex::DisplayHex;

use super::{Apdu, MAX_DATA, path_bytes};

const SIGN_MESSAGE: u8 = 0x4e;
/// The length is a u16.
pub const MAX_MESSAGE: usize = u16::MAX as usize;
/// Answer while the declared length is not reached, and when it is.
pub const MORE: [u8; 1] = [0];
pub const COMPLETE: [u8; 2] = [0, 0];

/// Hands the text over: `path | u16 BE length | text`, going on in further commands. At most [`MAX_MESSAGE`] bytes.
pub fn prepare(path: &DerivationPath, message: &[u8]) -> Vec<Apdu> {
    let mut head = path_bytes(path);
    head.extend_from_slice(&(message.len() as u16).to_be_bytes());
    let (fits, rest) = message.split_at(message.len().min(MAX_DATA - head.len()));
    head.extend_from_slice(fits);
    let mut commands = vec![Apdu::app(SIGN_MESSAGE, 0x00, 0x01, head)];
    for chunk in rest.chunks(MAX_DATA) {
        commands.push(Apdu::app(SIGN_MESSAGE, 0x00, 0x80, chunk.to_vec()));
    }
    commands
}

/// Asks the user and signs what was handed over.
pub fn sign() -> Apdu {
    Apdu::app(SIGN_MESSAGE, 0x80, 0x00, vec![0])
}

/// What the screen shows instead of the text: SHA256 of the text (once, without the magic), upper-case hexadecimal.
pub fn message_hash_shown(message: &[u8]) -> String {
    sha256::Hash::hash(message).as_byte_array().to_upper_hex_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::path;

    #[test]
    fn texts_around_every_chunk_border_arrive_whole() {
        let path = path::parse("m/44'/5'/0'/0/0").unwrap();
        let head = 1 + 5 * 4;
        for len in [1, 2, 139, 140, 231, 232, 233, 253, 256, 486, 487, 488, 5000, 65535] {
            let message: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let commands = prepare(&path, &message);
            let sent: Vec<u8> = commands.iter().flat_map(|command| command.data.clone()).collect();
            assert_eq!(sent[head..head + 2], (len as u16).to_be_bytes());
            assert_eq!(sent[head + 2..], message);
            assert!(commands.iter().all(|command| command.data.len() <= MAX_DATA));
            assert!(
                commands.iter().all(|command| !command.data.is_empty()),
                "no empty command for {len}"
            );
        }
    }
}
