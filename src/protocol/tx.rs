//! Transactions with DIP-0002 framing: a type in the upper half of the version, and a payload after the lock time.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Txid};

use super::amount::Amount;
use super::wire::{DecodeError, Reader, WriteWire, from_hex, sha256d, to_hex};

/// nVersion of every special transaction.
pub const SPECIAL_VERSION: i16 = 3;
/// Type numbers (DIP-0003; Dash Core primitives/transaction.h).
pub const PRO_REG: u16 = 1;
pub const PRO_UP_SERV: u16 = 2;
pub const PRO_UP_REG: u16 = 3;
pub const PRO_UP_REV: u16 = 4;
pub const COINBASE: u16 = 5;

/// A transaction of any type. `decode` and `encode` are exact inverses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    pub version: i16,
    /// 0 for classical transactions.
    pub kind: u16,
    pub inputs: Vec<TxIn>,
    pub outputs: Vec<TxOut>,
    pub lock_time: u32,
    /// Serialised only where [`Transaction::has_payload`]; empty otherwise.
    pub payload: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxIn {
    pub previous: OutPoint,
    pub script_sig: ScriptBuf,
    pub sequence: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxOut {
    /// **Duffs**, signed as on the wire: hostile transactions carry negative ones.
    pub value: i64,
    pub script: ScriptBuf,
}

impl TxIn {
    /// An input still to be signed, final sequence.
    pub fn unsigned(previous: OutPoint) -> Self {
        Self {
            previous,
            script_sig: ScriptBuf::new(),
            sequence: 0xffff_ffff,
        }
    }

    pub fn is_coinbase(&self) -> bool {
        self.previous.txid.to_byte_array() == [0; 32] && self.previous.vout == u32::MAX
    }
}

impl TxOut {
    pub fn new(value: Amount, script: ScriptBuf) -> Self {
        Self {
            value: i64::try_from(value.duffs()).unwrap_or(i64::MAX),
            script,
        }
    }

    /// The value, if it is not negative.
    pub fn amount(&self) -> Option<Amount> {
        u64::try_from(self.value).ok().map(Amount::from_duffs)
    }
}

impl Transaction {
    /// A transaction without inputs, outputs or payload, to be filled. Attaching a payload sets version and type.
    pub fn empty(version: i16) -> Self {
        Self {
            version,
            kind: 0,
            inputs: Vec::new(),
            outputs: Vec::new(),
            lock_time: 0,
            payload: Vec::new(),
        }
    }

    /// The same transaction before its inputs were signed: what a signer may not change.
    #[must_use]
    pub fn without_scripts(&self) -> Self {
        let mut bare = self.clone();
        for input in &mut bare.inputs {
            input.script_sig = ScriptBuf::new();
        }
        bare
    }

    /// Whether a payload follows the lock time.
    pub fn has_payload(&self) -> bool {
        self.version >= SPECIAL_VERSION && self.kind != 0
    }

    /// # Errors
    /// Anything but exactly one transaction in its shortest serialisation.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let tx = Self::read(&mut reader)?;
        reader.finish().map(|()| tx)
    }

    /// # Errors
    /// As [`Transaction::decode`], or not hexadecimal.
    pub fn from_hex(text: &str) -> Result<Self, DecodeError> {
        Self::decode(&from_hex(text)?)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = i16::from_le_bytes(reader.array()?);
        let kind = reader.u16()?;
        // No segwit marker exists on these chains: a zero here means no inputs (types 6, 7, 9).
        let inputs = read_many(reader, read_input)?;
        let outputs = read_many(reader, read_output)?;
        let lock_time = reader.u32()?;
        let mut tx = Self {
            version,
            kind,
            inputs,
            outputs,
            lock_time,
            payload: Vec::new(),
        };
        if tx.has_payload() {
            tx.payload = reader.var_bytes()?.to_vec();
        }
        Ok(tx)
    }

    pub fn encode(&self) -> Vec<u8> {
        self.encode_with(|_, input| input.script_sig.as_bytes())
    }

    pub fn to_hex(&self) -> String {
        to_hex(&self.encode())
    }

    /// Bytes on the wire: what fees are counted by.
    pub fn size(&self) -> usize {
        self.encode().len()
    }

    pub fn txid(&self) -> Txid {
        Txid::from_byte_array(sha256d(&self.encode()))
    }

    /// dSHA256 over all outpoints in order (DIP-0003 inputsHash), as stored.
    pub fn inputs_hash(&self) -> [u8; 32] {
        let mut bytes = Vec::with_capacity(self.inputs.len() * 36);
        for input in &self.inputs {
            put_outpoint(&mut bytes, &input.previous);
        }
        sha256d(&bytes)
    }

    /// The digest an input's SIGHASH_ALL signature covers: the original algorithm, payload included (DIP-0002).
    ///
    /// # Panics
    /// Never; an index beyond the inputs merely gives a digest nobody can use.
    pub fn sighash_all(&self, index: usize, script_code: &[u8]) -> [u8; 32] {
        let mut preimage = self.encode_with(|at, _| if at == index { script_code } else { &[] });
        preimage.put_u32(1);
        sha256d(&preimage)
    }

    /// Sum of the outputs; none if one is negative or the sum overflows.
    pub fn output_total(&self) -> Option<Amount> {
        self.outputs
            .iter()
            .try_fold(Amount::ZERO, |total, output| total.checked_add(output.amount()?))
    }

    fn encode_with<'a>(&'a self, script: impl Fn(usize, &'a TxIn) -> &'a [u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + self.payload.len());
        out.extend_from_slice(&self.version.to_le_bytes());
        out.put_u16(self.kind);
        out.put_length(self.inputs.len());
        for (at, input) in self.inputs.iter().enumerate() {
            put_outpoint(&mut out, &input.previous);
            out.put_var_bytes(script(at, input));
            out.put_u32(input.sequence);
        }
        out.put_length(self.outputs.len());
        for output in &self.outputs {
            out.extend_from_slice(&output.value.to_le_bytes());
            out.put_var_bytes(output.script.as_bytes());
        }
        out.put_u32(self.lock_time);
        if self.has_payload() {
            out.put_var_bytes(&self.payload);
        }
        out
    }
}

/// 32 bytes as stored and the index, little-endian.
pub fn put_outpoint(out: &mut Vec<u8>, outpoint: &OutPoint) {
    out.extend_from_slice(&outpoint.txid.to_byte_array());
    out.put_u32(outpoint.vout);
}

pub fn read_outpoint(reader: &mut Reader<'_>) -> Result<OutPoint, DecodeError> {
    let txid = Txid::from_byte_array(reader.array()?);
    Ok(OutPoint {
        txid,
        vout: reader.u32()?,
    })
}

fn read_input(reader: &mut Reader<'_>) -> Result<TxIn, DecodeError> {
    Ok(TxIn {
        previous: read_outpoint(reader)?,
        script_sig: ScriptBuf::from_bytes(reader.var_bytes()?.to_vec()),
        sequence: reader.u32()?,
    })
}

fn read_output(reader: &mut Reader<'_>) -> Result<TxOut, DecodeError> {
    Ok(TxOut {
        value: i64::from_le_bytes(reader.array()?),
        script: ScriptBuf::from_bytes(reader.var_bytes()?.to_vec()),
    })
}

fn read_many<T>(
    reader: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    // The count is hostile input: grow as elements really arrive instead of reserving what it claims.
    let count = reader.length()?;
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(read(reader)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_input_transaction_keeps_its_payload() {
        // An asset unlock (type 9) of the Ledger recordings' kind: no inputs, one output, payload.
        let tx = Transaction {
            version: 3,
            kind: 9,
            inputs: Vec::new(),
            outputs: vec![TxOut::new(
                Amount::from_duffs(500_000_000),
                ScriptBuf::from_bytes(vec![0x51]),
            )],
            lock_time: 0,
            payload: vec![1; 145],
        };
        assert_eq!(Transaction::decode(&tx.encode()), Ok(tx));
    }

    #[test]
    fn a_classical_transaction_has_no_payload_even_with_version_3() {
        let tx = Transaction {
            version: 3,
            kind: 0,
            inputs: Vec::new(),
            outputs: Vec::new(),
            lock_time: 7,
            payload: Vec::new(),
        };
        assert_eq!(tx.encode().len(), 4 + 1 + 1 + 4);
        assert_eq!(Transaction::decode(&tx.encode()), Ok(tx));
    }

    #[test]
    fn a_count_beyond_the_data_ends_in_an_error() {
        let mut bytes = vec![1, 0, 0, 0];
        bytes.extend([0xff; 9]);
        assert!(Transaction::decode(&bytes).is_err());
    }
}
