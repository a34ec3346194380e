//! GET_TRUSTED_INPUT, `E0 42`: the device hashes a previous transaction and vouches for one of its outputs.
//!
//! The app exits, without a status word, when a field is cut across two commands: version, outpoint, every length, the last
//! script byte with the sequence, an amount, the lock time. Scripts and the DIP-0002 payload may be cut.

use bitcoin::Txid;
use bitcoin::hashes::Hash;

use super::super::bad;
use super::{Apdu, MAX_DATA, chunked};
use crate::hw::DeviceError;
use crate::protocol::tx::put_outpoint;
use crate::protocol::wire::{DecodeError, Reader, WriteWire};
use crate::protocol::{Amount, Transaction, TxIn, TxOut};

const GET_TRUSTED_INPUT: u8 = 0x42;
/// Script bytes per command, so that the last ones and the sequence fit together.
const SCRIPT_CHUNK: usize = MAX_DATA - 4;

/// The whole transaction as commands, for its output `index`.
pub fn commands(previous: &Transaction, index: u32) -> Vec<Apdu> {
    let mut head = index.to_be_bytes().to_vec();
    head.extend_from_slice(&previous.version.to_le_bytes());
    head.put_u16(previous.kind);
    head.put_length(previous.inputs.len());
    let mut commands = vec![Apdu::app(GET_TRUSTED_INPUT, 0x00, 0x00, head)];
    for input in &previous.inputs {
        put_input(&mut commands, input);
    }
    let mut count = Vec::new();
    count.put_length(previous.outputs.len());
    commands.push(next(count));
    for output in &previous.outputs {
        put_output(&mut commands, output);
    }
    commands.extend(chunked(&end(previous), MAX_DATA, |_, _, data| next(data)));
    commands
}

fn next(data: Vec<u8>) -> Apdu {
    Apdu::app(GET_TRUSTED_INPUT, 0x80, 0x00, data)
}

fn put_input(commands: &mut Vec<Apdu>, input: &TxIn) {
    let script = input.script_sig.as_bytes();
    let mut head = Vec::with_capacity(40);
    put_outpoint(&mut head, &input.previous);
    head.put_length(script.len());
    commands.push(next(head));
    let (early, last) = script.split_at(script.len().saturating_sub(1) / SCRIPT_CHUNK * SCRIPT_CHUNK);
    commands.extend(chunked(early, SCRIPT_CHUNK, |_, _, data| next(data)));
    let mut last = last.to_vec();
    last.put_u32(input.sequence);
    commands.push(next(last));
}

fn put_output(commands: &mut Vec<Apdu>, output: &TxOut) {
    let script = output.script.as_bytes();
    let mut head = output.value.to_le_bytes().to_vec();
    head.put_length(script.len());
    commands.push(next(head));
    commands.extend(chunked(script, MAX_DATA, |_, _, data| next(data)));
}

/// `lock time | varint(L) | X`, where X is everything that follows the lock time in the transaction: the payload's length
/// and the payload. The device hashes X but not its length L. Nothing follows in an ordinary transaction.
fn end(previous: &Transaction) -> Vec<u8> {
    let mut end = previous.lock_time.to_le_bytes().to_vec();
    if previous.has_payload() {
        let mut extra = Vec::with_capacity(previous.payload.len() + 9);
        extra.put_var_bytes(&previous.payload);
        end.put_var_bytes(&extra);
    }
    end
}

/// The device's word for an output: `32 00 | nonce 2 | txid 32 | index u32 LE | amount u64 LE | mac 8`.
///
/// Opaque, apart from the three fields read here; it differs every time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedInput {
    bytes: [u8; 56],
    pub txid: Txid,
    pub index: u32,
    pub amount: Amount,
}

impl TrustedInput {
    /// # Errors
    /// [`DeviceError::BadAnswer`]
    pub fn parse(answer: &[u8]) -> Result<Self, DeviceError> {
        let bytes: [u8; 56] = answer
            .try_into()
            .map_err(|_| bad("a trusted input is not 56 bytes long"))?;
        if bytes[..2] != [0x32, 0x00] {
            return Err(bad("a trusted input does not start as one"));
        }
        let read = |mut reader: Reader<'_>| -> Result<Self, DecodeError> {
            Ok(Self {
                bytes,
                txid: Txid::from_byte_array(reader.array()?),
                index: reader.u32()?,
                amount: Amount::from_duffs(reader.u64()?),
            })
        };
        read(Reader::new(&bytes[4..])).map_err(|_| bad("a trusted input is cut off"))
    }

    pub fn as_bytes(&self) -> &[u8; 56] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ScriptBuf;
    use bitcoin::OutPoint;
    use proptest::prelude::*;

    fn spending(script_len: usize) -> Transaction {
        Transaction {
            version: 2,
            kind: 0,
            inputs: vec![TxIn {
                previous: OutPoint::null(),
                script_sig: ScriptBuf::from_bytes(vec![0x51; script_len]),
                sequence: 0xaabb_ccdd,
            }],
            outputs: Vec::new(),
            lock_time: 7,
            payload: Vec::new(),
        }
    }

    #[test]
    fn the_last_script_byte_is_never_apart_from_the_sequence() {
        for len in [0, 1, 107, 250, 251, 252, 255, 256, 259, 502, 503, 1000] {
            let commands = commands(&spending(len), 0);
            let before_count = &commands[..commands.len() - 2];
            let last = &before_count.last().unwrap().data;
            assert!(last.ends_with(&[0xdd, 0xcc, 0xbb, 0xaa]), "{len}");
            assert!(len == 0 && last.len() == 4 || last.len() > 4, "{len}");
            let scripts: usize = before_count[2..].iter().map(|command| command.data.len()).sum();
            assert_eq!(scripts, len + 4);
        }
    }

    #[test]
    fn an_empty_output_script_sends_no_empty_command() {
        let mut tx = spending(0);
        tx.outputs = vec![TxOut {
            value: 1,
            script: ScriptBuf::new(),
        }];
        assert!(commands(&tx, 0).iter().all(|command| !command.data.is_empty()));
    }

    proptest! {
        /// Taken together, the commands are the transaction itself, plus the index before and L inside.
        #[test]
        fn the_commands_carry_the_transaction_byte_for_byte(
            scripts in proptest::collection::vec(0usize..600, 0..4),
            outputs in proptest::collection::vec((any::<i64>(), 0usize..600), 0..4),
            payload in proptest::option::of(0usize..70_000),
            index: u32,
        ) {
            let mut tx = spending(0);
            tx.inputs = scripts.iter().flat_map(|len| spending(*len).inputs).collect();
            tx.outputs = outputs
                .iter()
                .map(|(value, len)| TxOut { value: *value, script: ScriptBuf::from_bytes(vec![0x6a; *len]) })
                .collect();
            if let Some(len) = payload {
                (tx.version, tx.kind, tx.payload) = (3, 5, vec![9; len]);
            }
            let commands = commands(&tx, index);
            prop_assert!(commands.iter().all(|command| (1..=MAX_DATA).contains(&command.data.len())));
            let mut sent: Vec<u8> = commands.into_iter().flat_map(|command| command.data).collect();
            prop_assert_eq!(&sent[..4], index.to_be_bytes());
            sent.drain(..4);
            let whole = tx.encode();
            if payload.is_some() {
                let mut extra = Vec::new();
                extra.put_var_bytes(&tx.payload);
                let mut length = Vec::new();
                length.put_length(extra.len());
                let at = whole.len() - extra.len();
                sent.drain(at..at + length.len());
            }
            prop_assert_eq!(sent, whole);
        }
    }
}
