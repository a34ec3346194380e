//! An ordinary payment from device keys: checked here first, signed input by input, verified before it is handed out.

use bitcoin::secp256k1::PublicKey;

use super::bad;
use super::client::{Asks, Client, other_key};
use super::wire::MAX_DATA;
use super::wire::signature::DeviceSignature;
use super::wire::spend::{self as wire, Round};
use super::wire::trusted_input::{self, TrustedInput};
use crate::hw::{DeviceError, Done, Kind, Part, Progress, Spend, SpendInput, spend};
use crate::protocol::{Amount, KeyId, ScriptBuf, Transaction, TxOut, script};

/// Inputs of one payment. Each costs a round over all of them: 50 are some 800 commands (`docs/devices.md` has the formula).
pub const MAX_INPUTS: usize = 50;
const OP_RETURN: u8 = 0x6a;

impl Client {
    /// Signs a payment. The user confirms each foreign output and the fee on the device.
    pub fn sign_spend(&mut self, spend: &Spend, progress: &Progress) -> Result<Transaction, DeviceError> {
        spend::check(spend, Kind::Ledger, MAX_INPUTS, check_output)?;
        let keys = self.input_keys(spend)?;
        self.check_change(spend)?;
        let of = spend.inputs.len();
        let tell = |part, done| progress.tell(Done { part, done, of });
        let mut trusted = Vec::with_capacity(of);
        for input in &spend.inputs {
            trusted.push(self.trusted_input(&input.previous, input.outpoint.vout, input.amount)?);
            tell(Part::Reading, trusted.len());
        }
        let unsigned = spend::unsigned(spend);
        let mut signed = unsigned.clone();
        for (at, (input, key)) in spend.inputs.iter().zip(&keys).enumerate() {
            let answer = self.round(spend, &unsigned, &trusted, at)?;
            let code = script::pay_to_key(&input.key_id.0);
            let der = DeviceSignature::of_input(&answer)?
                .verified_der(&unsigned.sighash_all(at, code.as_bytes()), key)
                .ok_or_else(|| other_key(&input.path))?;
            signed.inputs[at].script_sig = script::script_sig(&der, &key.serialize());
            tell(Part::Signing, at + 1);
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

    /// Nobody waits any more, and the device holds half a list of outputs, which would become the beginning of the next one.
    fn abandoned_outputs(&mut self, error: &DeviceError) {
        if *error == (DeviceError::Busy { kind: Kind::Ledger }) {
            self.send_anyway(&wire::forget_outputs());
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
        let with_script = trusted.iter().enumerate().map(|(at, trusted)| {
            let code = if at == signing {
                script::pay_to_key(&spend.inputs[at].key_id.0)
            } else {
                ScriptBuf::new()
            };
            (trusted, code)
        });
        for command in wire::inputs(tx, with_script, round) {
            self.exchange(&command, Asks::Nothing)?;
        }
        let outputs = match round {
            Round::First => {
                self.exchange(&wire::change(spend.change.as_ref()), Asks::User)?;
                wire::outputs_one_by_one(&tx.outputs)
            }
            Round::Later => wire::outputs_packed(&tx.outputs, MAX_DATA),
        };
        for command in outputs {
            self.exchange(&command, Asks::User)
                .inspect_err(|error| self.abandoned_outputs(error))?;
        }
        self.exchange(&wire::hash_sign(&spend.inputs[signing].path, tx.lock_time), Asks::User)
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

fn unsupported(what: String) -> DeviceError {
    DeviceError::Unsupported {
        kind: Kind::Ledger,
        what,
    }
}
