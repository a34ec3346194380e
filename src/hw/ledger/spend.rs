//! An ordinary payment from device keys: checked here first, signed input by input, verified before it is handed out.

use std::collections::HashSet;

use bitcoin::secp256k1::PublicKey;

use super::bad;
use super::client::{Asks, Client, other_key};
use super::wire::MAX_DATA;
use super::wire::signature::DeviceSignature;
use super::wire::spend::{self as wire, Round};
use super::wire::trusted_input::{self, TrustedInput};
use crate::hw::{DeviceError, Kind, Spend, SpendInput};
use crate::protocol::{Amount, KeyId, ScriptBuf, Transaction, TxIn, TxOut, path, script};

/// Inputs of one payment. Each costs a round over all of them: 50 are some 5000 commands.
pub const MAX_INPUTS: usize = 50;
/// Dash Core's `CTransaction::CURRENT_VERSION` of ordinary transactions.
const VERSION: i16 = 2;
/// A lock time is enforced only if a sequence is not final.
const NOT_FINAL: u32 = 0xffff_fffe;
const OP_RETURN: u8 = 0x6a;

impl Client {
    /// Signs a payment. The user confirms each foreign output and the fee on the device.
    pub fn sign_spend(&mut self, spend: &Spend) -> Result<Transaction, DeviceError> {
        check(spend)?;
        let keys = self.input_keys(spend)?;
        self.check_change(spend)?;
        let mut trusted = Vec::with_capacity(spend.inputs.len());
        for input in &spend.inputs {
            trusted.push(self.trusted_input(&input.previous, input.outpoint.vout, input.amount)?);
        }
        let unsigned = unsigned(spend);
        let mut signed = unsigned.clone();
        for (at, (input, key)) in spend.inputs.iter().zip(&keys).enumerate() {
            let answer = self.round(spend, &unsigned, &trusted, at)?;
            let code = script::pay_to_key(&input.key_id.0);
            let der = DeviceSignature::of_input(&answer)?
                .verified_der(&unsigned.sighash_all(at, code.as_bytes()), key)
                .ok_or_else(|| other_key(&input.path))?;
            signed.inputs[at].script_sig = script::script_sig(&der, &key.serialize());
        }
        Ok(signed)
    }

    fn input_keys(&mut self, spend: &Spend) -> Result<Vec<PublicKey>, DeviceError> {
        let key_of = |input: &SpendInput| {
            let key = self.public_key(&input.path)?;
            if KeyId::of(&key) == input.key_id {
                Ok(key)
            } else {
                Err(other_key(&input.path))
            }
        };
        spend.inputs.iter().map(key_of).collect()
    }

    /// Exactly one output pays the change key. The device refuses two (6f0f), and shows as a payment what pays another key.
    fn check_change(&mut self, spend: &Spend) -> Result<(), DeviceError> {
        let Some(change) = &spend.change else { return Ok(()) };
        let script = script::pay_to_key(&KeyId::of(&self.public_key(change)?).0);
        match spend.outputs.iter().filter(|output| output.script == script).count() {
            1 => Ok(()),
            count => Err(unsupported(format!(
                "sign a payment with {count} outputs to its change key instead of one"
            ))),
        }
    }

    /// Has the device hash a previous transaction and compares what it says of the output.
    pub fn trusted_input(
        &mut self,
        previous: &Transaction,
        index: u32,
        amount: Amount,
    ) -> Result<TrustedInput, DeviceError> {
        let mut answer = Vec::new();
        for command in trusted_input::commands(previous, index) {
            answer = self.exchange(&command, Asks::Nothing)?;
        }
        let trusted = TrustedInput::parse(&answer)?;
        if (trusted.txid, trusted.index, trusted.amount) == (previous.txid(), index, amount) {
            Ok(trusted)
        } else {
            Err(bad("a trusted input is of another output"))
        }
    }

    fn round(
        &mut self,
        spend: &Spend,
        tx: &Transaction,
        trusted: &[TrustedInput],
        signing: usize,
    ) -> Result<Vec<u8>, DeviceError> {
        let round = if signing == 0 { Round::First } else { Round::Later };
        self.exchange(&wire::start(tx, round), Asks::Nothing)?;
        for (at, (trusted, input)) in trusted.iter().zip(&tx.inputs).enumerate() {
            let code = if at == signing {
                script::pay_to_key(&spend.inputs[at].key_id.0)
            } else {
                ScriptBuf::new()
            };
            for command in wire::input(trusted, code.as_bytes(), input.sequence, round) {
                self.exchange(&command, Asks::Nothing)?;
            }
        }
        let outputs = match round {
            Round::First => {
                self.exchange(&wire::change(spend.change.as_ref()), Asks::User)?;
                wire::outputs_one_by_one(&tx.outputs)
            }
            Round::Later => wire::outputs_packed(&tx.outputs, MAX_DATA),
        };
        for command in outputs {
            self.exchange(&command, Asks::User)?;
        }
        self.exchange(&wire::hash_sign(&spend.inputs[signing].path, tx.lock_time), Asks::User)
    }
}

/// All that can be refused before the device is touched.
fn check(spend: &Spend) -> Result<(), DeviceError> {
    match spend.inputs.len() {
        1..=MAX_INPUTS => {}
        count => {
            return Err(unsupported(format!(
                "spend {count} inputs at once, only 1 to {MAX_INPUTS}"
            )));
        }
    }
    let mut seen = HashSet::new();
    for input in &spend.inputs {
        path::check(&input.path)?;
        check_previous(input)?;
        if !seen.insert(input.outpoint) {
            return Err(unsupported("spend one output twice".to_owned()));
        }
    }
    spend.change.as_ref().map_or(Ok(()), path::check)?;
    check_outputs(spend)
}

/// The previous transaction is the one named, and the output in it is what the plan says.
fn check_previous(input: &SpendInput) -> Result<(), DeviceError> {
    let output = usize::try_from(input.outpoint.vout)
        .ok()
        .and_then(|at| input.previous.outputs.get(at));
    let same = output.is_some_and(|output| {
        output.amount() == Some(input.amount) && output.script == script::pay_to_key(&input.key_id.0)
    });
    if same && input.previous.txid() == input.outpoint.txid {
        Ok(())
    } else {
        Err(DeviceError::PreviousTx)
    }
}

fn check_outputs(spend: &Spend) -> Result<(), DeviceError> {
    if spend.outputs.is_empty() {
        return Err(unsupported("sign a payment without outputs".to_owned()));
    }
    let mut paid = Amount::ZERO;
    for (number, output) in (1..).zip(&spend.outputs) {
        check_output(number, output)?;
        paid = output
            .amount()
            .and_then(|amount| paid.checked_add(amount))
            .ok_or_else(|| unsupported(format!("pay the amount of output {number}")))?;
    }
    let available = spend
        .inputs
        .iter()
        .try_fold(Amount::ZERO, |sum, input| sum.checked_add(input.amount));
    match available {
        Some(available) if available >= paid => Ok(()),
        _ => Err(unsupported("pay more than the inputs hold".to_owned())),
    }
}

/// The app knows P2PKH, P2SH and OP_RETURN without value.
fn check_output(number: usize, output: &TxOut) -> Result<(), DeviceError> {
    let bytes = output.script.as_bytes();
    if script::is_pay_to_key(bytes) || script::is_pay_to_script(bytes) {
        return Ok(());
    }
    if bytes.first() != Some(&OP_RETURN) {
        return Err(unsupported(format!("pay the script of output {number}")));
    }
    if output.value != 0 {
        return Err(unsupported(format!(
            "burn coins in output {number} (OP_RETURN with a value)"
        )));
    }
    // Value, length byte and script, and the count that shares the first command.
    if 8 + 1 + bytes.len() + 1 > wire::MAX_OUTPUT {
        return Err(unsupported(format!(
            "sign the {} bytes of data in output {number}",
            bytes.len()
        )));
    }
    Ok(())
}

fn unsigned(spend: &Spend) -> Transaction {
    let sequence = if spend.lock_time == 0 { u32::MAX } else { NOT_FINAL };
    let input = |input: &SpendInput| TxIn {
        sequence,
        ..TxIn::unsigned(input.outpoint)
    };
    Transaction {
        version: VERSION,
        kind: 0,
        inputs: spend.inputs.iter().map(input).collect(),
        outputs: spend.outputs.clone(),
        lock_time: spend.lock_time,
        payload: Vec::new(),
    }
}

fn unsupported(what: String) -> DeviceError {
    DeviceError::Unsupported {
        kind: Kind::Ledger,
        what,
    }
}
