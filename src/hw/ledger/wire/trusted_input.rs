//! GET_TRUSTED_INPUT, `E0 42`: the device hashes a previous transaction and vouches for one of its outputs.
//!
//! The app exits, without a status word, when a field is cut across two commands: version, outpoint, every length, the last
//! script byte with the sequence, an amount, the lock time. Scripts and the DIP-0002 payload may be cut.

use bitcoin::Txid;
use bitcoin::hashes::Hash;

use super::super::bad;
use super::{Apdu, Packed};
use crate::hw::DeviceError;
use crate::protocol::tx::put_outpoint;
use crate::protocol::wire::{DecodeError, Reader, WriteWire};
use crate::protocol::{Amount, Transaction, TxIn, TxOut};

const GET_TRUSTED_INPUT: u8 = 0x42;
/// The whole transaction as commands, for its output `index`; as many fields in each as fit.
pub fn commands(previous: &Transaction, index: u32) -> Vec<Apdu> {
    let mut packed = Packed::default();
    let mut head = index.to_be_bytes().to_vec();
    head.extend_from_slice(&previous.version.to_le_bytes());
    head.put_u16(previous.kind);
    head.put_length(previous.inputs.len());
    packed.whole(&head);
    for input in &previous.inputs {
        put_input(&mut packed, input);
    }
    let mut count = Vec::new();
    count.put_length(previous.outputs.len());
    packed.whole(&count);
    for output in &previous.outputs {
        put_output(&mut packed, output);
    }
    put_end(&mut packed, previous);
    packed.commands(|first, data| Apdu::app(GET_TRUSTED_INPUT, if first { 0x00 } else { 0x80 }, 0x00, data))
}

fn put_input(packed: &mut Packed, input: &TxIn) {
    let script = input.script_sig.as_bytes();
    let mut head = Vec::with_capacity(45);
    put_outpoint(&mut head, &input.previous);
    head.put_length(script.len());
    packed.whole(&head);
    let (loose, last) = script.split_at(script.len().saturating_sub(1));
    packed.loose(loose);
    let mut last = last.to_vec();
    last.put_u32(input.sequence);
    packed.whole(&last);
}

fn put_output(packed: &mut Packed, output: &TxOut) {
    let script = output.script.as_bytes();
    let mut head = output.value.to_le_bytes().to_vec();
    head.put_length(script.len());
    packed.whole(&head);
    packed.loose(script);
}

/// `lock time | varint(L) | X`, where X is everything that follows the lock time in the transaction: the payload's length
/// and the payload. The device hashes X but not its length L, which must come with the lock time. Nothing follows in an ordinary
/// transaction.
fn put_end(packed: &mut Packed, previous: &Transaction) {
    let mut end = previous.lock_time.to_le_bytes().to_vec();
    let mut extra = Vec::new();
    if previous.has_payload() {
        extra.put_var_bytes(&previous.payload);
        end.put_length(extra.len());
    }
    packed.whole(&end);
    packed.loose(&extra);
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
    use crate::hw::ledger::wire::MAX_DATA;
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

    /// Reads commands as the app does: a field it wants whole must not go on in the next one.
    fn parse(commands: &[Apdu]) {
        let mut stream = Stream {
            commands,
            command: 0,
            at: 0,
        };
        stream.whole(8);
        for _ in 0..stream.length() {
            stream.whole(36);
            let script = stream.length();
            stream.loose(script.saturating_sub(1));
            stream.whole(script.min(1) + 4);
        }
        for _ in 0..stream.length() {
            stream.whole(8);
            let script = stream.length();
            stream.loose(script);
        }
        stream.whole(4);
        if stream.at < stream.commands[stream.command].data.len() {
            let extra = stream.length();
            stream.loose(extra);
        }
        assert!(stream.command + 1 == commands.len() && stream.at == commands[stream.command].data.len());
    }

    struct Stream<'a> {
        commands: &'a [Apdu],
        command: usize,
        at: usize,
    }

    impl Stream<'_> {
        /// A field, which the app looks for at the beginning of the next command if this one is used up.
        fn whole(&mut self, count: usize) -> Vec<u8> {
            if self.at == self.commands[self.command].data.len() {
                (self.command, self.at) = (self.command + 1, 0);
            }
            let field = &self.commands[self.command].data[self.at..self.at + count];
            self.at += count;
            field.to_vec()
        }

        /// A length, which must be in the same command as what is before it, unless it begins one.
        fn length(&mut self) -> usize {
            match self.whole(1)[0] {
                0xfd => usize::from(u16::from_le_bytes(self.whole(2).try_into().unwrap())),
                0xfe => u32::from_le_bytes(self.whole(4).try_into().unwrap()) as usize,
                small => usize::from(small),
            }
        }

        fn loose(&mut self, count: usize) {
            (0..count).for_each(|_| drop(self.whole(1)));
        }
    }

    #[test]
    fn a_small_transaction_is_one_command() {
        let mut tx = spending(107);
        tx.outputs = vec![
            TxOut {
                value: 1,
                script: ScriptBuf::from_bytes(vec![0x6a; 25]),
            };
            2
        ];
        assert_eq!(tx.encode().len(), 226);
        assert_eq!(commands(&tx, 1).len(), 1);
    }

    #[test]
    fn the_last_script_byte_is_never_apart_from_the_sequence() {
        for len in [
            0, 1, 107, 201, 202, 203, 204, 205, 206, 207, 250, 255, 256, 502, 503, 1000,
        ] {
            let commands = commands(&spending(len), 0);
            parse(&commands);
            let end = [0xdd, 0xcc, 0xbb, 0xaa];
            let with = commands
                .iter()
                .find(|command| command.data.windows(4).any(|part| part == end));
            let at = with.unwrap().data.windows(4).position(|part| part == end).unwrap();
            assert!(len == 0 || with.unwrap().data[at - 1] == 0x51, "{len}");
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
            parse(&commands);
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
