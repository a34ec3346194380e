//! Signing an ordinary transaction: INPUT_START `E0 44`, FINALIZE_FULL `E0 4A`, HASH_SIGN `E0 48`.
//!
//! One round per input: all inputs, with the script of the one being signed; all outputs; then the signature. The user is
//! asked in the first round; later rounds repeat the same bytes silently.

use bitcoin::bip32::DerivationPath;

use super::trusted_input::TrustedInput;
use super::{Apdu, MAX_DATA, Packed, chunked, path_bytes};
use crate::protocol::wire::WriteWire;
use crate::protocol::{ScriptBuf, Transaction, TxOut};

const INPUT_START: u8 = 0x44;
const HASH_SIGN: u8 = 0x48;
const FINALIZE_FULL: u8 = 0x4a;
/// What the device keeps of an output until it is whole: amount, length and script (and the count before the first).
pub const MAX_OUTPUT: usize = 100;

/// Whether a round is the first, in which the user is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    First,
    Later,
}

impl Round {
    fn p2(self) -> u8 {
        match self {
            Self::First => 0x00,
            Self::Later => 0x80,
        }
    }
}

/// The inputs of a round: `version 4 | varint n`, then of each `01 | 38 | trusted input | varint | script | sequence`. The script is
/// the spent output's for the input being signed and empty for the others. As many whole inputs in a command as fit: four.
pub fn inputs<'a>(
    tx: &Transaction,
    trusted: impl IntoIterator<Item = (&'a TrustedInput, ScriptBuf)>,
    round: Round,
) -> Vec<Apdu> {
    let mut packed = Packed::default();
    let mut head = tx.version.to_le_bytes().to_vec();
    head.put_u16(tx.kind);
    head.put_length(tx.inputs.len());
    packed.whole(&head);
    for ((trusted, script), input) in trusted.into_iter().zip(&tx.inputs) {
        packed.whole(&one_input(trusted, script.as_bytes(), input.sequence));
    }
    packed.commands(|first, data| Apdu::app(INPUT_START, if first { 0x00 } else { 0x80 }, round.p2(), data))
}

/// At most 250 bytes together: the script is that of a key, 25.
fn one_input(trusted: &TrustedInput, script: &[u8], sequence: u32) -> Vec<u8> {
    let mut input = vec![0x01, 56];
    input.extend_from_slice(trusted.as_bytes());
    input.put_length(script.len());
    input.extend_from_slice(script);
    input.put_u32(sequence);
    input
}

/// Says which output is change, so that it is not shown; one zero byte if none is.
pub fn change(path: Option<&DerivationPath>) -> Apdu {
    Apdu::app(FINALIZE_FULL, 0xff, 0x00, path.map_or_else(|| vec![0], path_bytes))
}

/// The outputs of the first round: one per command, the count before the first. The device keeps no more than
/// [`MAX_OUTPUT`] bytes at a time.
pub fn outputs_one_by_one(outputs: &[TxOut]) -> Vec<Apdu> {
    let mut start = Vec::new();
    start.put_length(outputs.len());
    outputs
        .iter()
        .enumerate()
        .map(|(at, output)| {
            let mut data = std::mem::take(&mut start);
            put_output(&mut data, output);
            finalize(at + 1 == outputs.len(), data)
        })
        .collect()
}

/// The same bytes for later rounds, cut anywhere.
pub fn outputs_packed(outputs: &[TxOut], size: usize) -> Vec<Apdu> {
    let mut bytes = Vec::new();
    bytes.put_length(outputs.len());
    for output in outputs {
        put_output(&mut bytes, output);
    }
    chunked(&bytes, size.min(MAX_DATA), |_, last, data| finalize(last, data))
}

/// More than the device keeps of outputs: it answers 6a80 and forgets the list it has begun, asking nobody. No other command does;
/// the next payment's inputs leave the list as it is.
pub fn forget_outputs() -> Apdu {
    finalize(false, vec![0; MAX_OUTPUT + 1])
}

/// Signs the input of this round: `path | 00 | lock time u32 BE | 01` (the device writes it little-endian).
pub fn hash_sign(path: &DerivationPath, lock_time: u32) -> Apdu {
    let mut data = path_bytes(path);
    data.push(0);
    data.extend_from_slice(&lock_time.to_be_bytes());
    data.push(1);
    Apdu::app(HASH_SIGN, 0x00, 0x00, data)
}

fn finalize(last: bool, data: Vec<u8>) -> Apdu {
    Apdu::app(FINALIZE_FULL, if last { 0x80 } else { 0x00 }, 0x00, data)
}

fn put_output(bytes: &mut Vec<u8>, output: &TxOut) {
    bytes.extend_from_slice(&output.value.to_le_bytes());
    bytes.put_var_bytes(output.script.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::script::pay_to_key;
    use crate::protocol::{Amount, path};

    #[test]
    fn both_ways_of_cutting_outputs_send_the_same_bytes() {
        let outputs: Vec<_> = (1..300u64)
            .map(|at| TxOut::new(Amount::from_duffs(at), pay_to_key(&[at as u8; 20])))
            .collect();
        let sent = |commands: Vec<Apdu>| -> Vec<u8> { commands.into_iter().flat_map(|command| command.data).collect() };
        let single = outputs_one_by_one(&outputs);
        assert_eq!(single.len(), outputs.len());
        assert!(single.iter().rev().skip(1).all(|command| command.p1 == 0));
        assert_eq!(single.last().map(|command| command.p1), Some(0x80));
        assert_eq!(sent(single), sent(outputs_packed(&outputs, MAX_DATA)));
    }

    #[test]
    fn the_lock_time_is_big_endian() {
        let command = hash_sign(&path::parse("m/0'").unwrap(), 0x0102_0304);
        assert_eq!(command.data, [1, 0x80, 0, 0, 0, 0, 1, 2, 3, 4, 1]);
    }
}
