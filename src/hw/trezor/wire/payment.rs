//! The parts of a payment that the device asks for, from fixed data, and the pieces of the signed transaction it gives.
//!
//! Order and number of its questions are the device's: each is answered for itself. What it may not ask for is an error.

use std::collections::HashMap;

use bitcoin::bip32::DerivationPath;
use bitcoin::hashes::Hash;
use protobuf::MessageField;
use trezor_client::protos::tx_ack::TransactionType;
use trezor_client::protos::tx_ack::transaction_type::{TxInputType, TxOutputBinType, TxOutputType};
use trezor_client::protos::tx_request::{RequestType, TxRequestSerializedType};
use trezor_client::protos::{InputScriptType, OutputScriptType, SignTx, TxAck, TxRequest};

use super::coin::Coin;
use super::{bad, levels};
use crate::hw::{DeviceError, Spend};
use crate::protocol::wire::WriteWire;
use crate::protocol::{Transaction, TxOut, Txid, script};

/// A slice of extra data, at most.
const MAX_EXTRA: usize = 1024;
/// The signed transaction is no longer than this many bytes per input and output.
const MAX_PART: usize = 1024;

/// What the device may ask for.
pub struct Payment {
    unsigned: Transaction,
    inputs: Vec<TxInputType>,
    outputs: Vec<TxOutputType>,
    previous: HashMap<Vec<u8>, Previous>,
    signatures: Vec<Option<Vec<u8>>>,
    serialized: Vec<u8>,
}

struct Previous {
    tx: Transaction,
    /// The payload with its length, as it follows the lock time.
    extra: Vec<u8>,
}

/// A signed payment as the device says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// DER, without the hash type, one per input.
    pub signatures: Vec<Vec<u8>>,
    pub serialized: Vec<u8>,
}

impl Payment {
    /// `change`: number and path of the output that returns to the device and is not shown.
    ///
    /// # Errors
    /// [`DeviceError::Unsupported`] for an output that is no address.
    pub fn new(
        spend: &Spend,
        unsigned: &Transaction,
        change: Option<(usize, &DerivationPath)>,
        coin: &Coin,
    ) -> Result<Self, DeviceError> {
        let outputs = unsigned.outputs.iter().enumerate().map(|(at, output)| {
            let path = change.filter(|(change, _)| *change == at).map(|(_, path)| path);
            output_of(at, output, path, coin)
        });
        Ok(Self {
            unsigned: unsigned.clone(),
            inputs: (0..spend.inputs.len())
                .map(|at| input_of(spend, unsigned, at))
                .collect(),
            outputs: outputs.collect::<Result<_, _>>()?,
            previous: spend.inputs.iter().map(|input| Previous::of(&input.previous)).collect(),
            signatures: vec![None; spend.inputs.len()],
            serialized: Vec::new(),
        })
    }

    /// The request that begins it.
    pub fn request(&self, coin: &Coin) -> SignTx {
        let mut request = SignTx::new();
        request.set_coin_name(coin.name.to_owned());
        request.set_version(version32(&self.unsigned));
        request.set_lock_time(self.unsigned.lock_time);
        request.set_inputs_count(self.inputs.len() as u32);
        request.set_outputs_count(self.outputs.len() as u32);
        request
    }

    /// Takes the pieces of the signed transaction that come with a question.
    ///
    /// # Errors
    /// [`DeviceError::BadAnswer`]: a signature of no input, or more bytes than the transaction can have.
    pub fn collect(&mut self, piece: &TxRequestSerializedType) -> Result<(), DeviceError> {
        if let Some(index) = piece.signature_index {
            let slot = self.signatures.get_mut(index as usize);
            *slot.ok_or_else(|| bad("a signature of an input that is none"))? = Some(piece.signature().to_vec());
        }
        self.serialized.extend_from_slice(piece.serialized_tx());
        if self.serialized.len() > (self.inputs.len() + self.outputs.len() + 1) * MAX_PART {
            return Err(bad("a signed transaction longer than it can be"));
        }
        Ok(())
    }

    /// The answer to a question; none when the device has finished.
    ///
    /// # Errors
    /// [`DeviceError::BadAnswer`]: it asks for something that does not exist.
    pub fn answer(&self, question: &TxRequest) -> Result<Option<TxAck>, DeviceError> {
        let unknown = || bad("a question that is none");
        let part = question.request_type.and_then(|part| part.enum_value().ok());
        let part = part.ok_or_else(unknown)?;
        if part == RequestType::TXFINISHED {
            return Ok(None);
        }
        let details = question.details.as_ref().ok_or_else(unknown)?;
        let at = details.request_index() as usize;
        let none = || bad("a question about something that does not exist");
        let mut tx = TransactionType::new();
        match (part, details.tx_hash.as_ref()) {
            (RequestType::TXINPUT, None) => tx.inputs.push(self.inputs.get(at).ok_or_else(none)?.clone()),
            (RequestType::TXOUTPUT, None) => tx.outputs.push(self.outputs.get(at).ok_or_else(none)?.clone()),
            (part, Some(hash)) => {
                let previous = self.previous.get(hash).ok_or_else(none)?;
                match part {
                    RequestType::TXMETA => tx = previous.meta(),
                    RequestType::TXINPUT => tx.inputs.push(previous.input(at).ok_or_else(none)?),
                    RequestType::TXOUTPUT => tx.bin_outputs.push(previous.output(at).ok_or_else(none)?),
                    RequestType::TXEXTRADATA => {
                        let (from, len) = (details.extra_data_offset() as usize, details.extra_data_len() as usize);
                        tx.set_extra_data(previous.extra(from, len).ok_or_else(none)?);
                    }
                    _ => return Err(unknown()),
                }
            }
            _ => return Err(unknown()),
        }
        let mut answer = TxAck::new();
        answer.tx = MessageField::some(tx);
        Ok(Some(answer))
    }

    /// # Errors
    /// [`DeviceError::BadAnswer`]: it finished without having signed every input.
    pub fn signed(self) -> Result<Signed, DeviceError> {
        let signatures: Option<Vec<_>> = self.signatures.into_iter().collect();
        Ok(Signed {
            signatures: signatures.ok_or_else(|| bad("an input without a signature"))?,
            serialized: self.serialized,
        })
    }
}

impl Previous {
    /// With its hash, in the order it is shown.
    fn of(tx: &Transaction) -> (Vec<u8>, Self) {
        let mut extra = Vec::new();
        if tx.has_payload() {
            extra.put_var_bytes(&tx.payload);
        }
        let previous = Self { tx: tx.clone(), extra };
        (shown(tx.txid()), previous)
    }

    fn meta(&self) -> TransactionType {
        let mut meta = TransactionType::new();
        meta.set_version(version32(&self.tx));
        meta.set_lock_time(self.tx.lock_time);
        meta.set_inputs_cnt(self.tx.inputs.len() as u32);
        meta.set_outputs_cnt(self.tx.outputs.len() as u32);
        if !self.extra.is_empty() {
            meta.set_extra_data_len(self.extra.len() as u32);
        }
        meta
    }

    fn input(&self, at: usize) -> Option<TxInputType> {
        let spent = self.tx.inputs.get(at)?;
        let mut input = TxInputType::new();
        input.set_prev_hash(shown(spent.previous.txid));
        input.set_prev_index(spent.previous.vout);
        input.set_script_sig(spent.script_sig.to_bytes());
        input.set_sequence(spent.sequence);
        Some(input)
    }

    fn output(&self, at: usize) -> Option<TxOutputBinType> {
        let paid = self.tx.outputs.get(at)?;
        let mut output = TxOutputBinType::new();
        output.set_amount(paid.value as u64);
        output.set_script_pubkey(paid.script.to_bytes());
        Some(output)
    }

    fn extra(&self, from: usize, len: usize) -> Option<Vec<u8>> {
        let end = from.checked_add(len).filter(|_| len <= MAX_EXTRA)?;
        self.extra.get(from..end).map(<[u8]>::to_vec)
    }
}

fn input_of(spend: &Spend, unsigned: &Transaction, at: usize) -> TxInputType {
    let (input, bare) = (&spend.inputs[at], &unsigned.inputs[at]);
    let mut part = TxInputType::new();
    part.address_n = levels(&input.path);
    part.set_prev_hash(shown(input.outpoint.txid));
    part.set_prev_index(input.outpoint.vout);
    part.set_amount(input.amount.duffs());
    part.set_sequence(bare.sequence);
    part.set_script_type(InputScriptType::SPENDADDRESS);
    part
}

fn output_of(
    at: usize,
    output: &TxOut,
    change: Option<&DerivationPath>,
    coin: &Coin,
) -> Result<TxOutputType, DeviceError> {
    let unsupported = || super::super::unsupported(format!("pay the script of output {}", at + 1));
    let mut part = TxOutputType::new();
    part.set_amount(output.amount().ok_or_else(unsupported)?.duffs());
    part.set_script_type(OutputScriptType::PAYTOADDRESS);
    match change {
        Some(path) => part.address_n = levels(path),
        None => {
            let bytes = output.script.as_bytes();
            let simple = script::is_pay_to_key(bytes) || script::is_pay_to_script(bytes);
            let address = script::address(bytes).filter(|_| simple).ok_or_else(unsupported)?;
            part.set_address(coin.address(address));
        }
    }
    Ok(part)
}

/// The 32 bits before the inputs: the type in the upper half.
fn version32(tx: &Transaction) -> u32 {
    u32::from(tx.version as u16) | u32::from(tx.kind) << 16
}

/// A hash in the order it is shown, as the device wants it.
fn shown(txid: Txid) -> Vec<u8> {
    let mut bytes = txid.to_byte_array();
    bytes.reverse();
    bytes.to_vec()
}
