//! An ordinary payment from device keys: checked here first, asked for part by part, verified before it is handed out.

use bitcoin::bip32::DerivationPath;
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1, ecdsa::Signature};
use trezor_client::protos::TxRequest;
use trezor_client::protos::tx_request::RequestType;

use super::client::{Client, other_key};
use super::wire::payment::{Payment, Signed};
use super::{bad, unsupported};
use crate::hw::{DeviceError, Done, Kind, Part, Progress, Spend, SpendInput, spend};
use crate::protocol::{KeyId, Transaction, TxOut, script};

/// Inputs of one payment. Each is asked for again for every other: 50 are some 3000 questions.
pub const MAX_INPUTS: usize = 50;
/// SIGHASH_ALL
const ALL: u8 = 1;

impl Client {
    /// Signs a payment. The user confirms each foreign output and the fee on the device.
    pub fn sign_spend(&mut self, spend: &Spend, progress: &Progress) -> Result<Transaction, DeviceError> {
        self.sign_payment(spend, &spend::unsigned(spend), progress)
    }

    /// As [`Client::sign_spend`], of a transaction made from the payment already.
    pub fn sign_payment(
        &mut self,
        spend: &Spend,
        unsigned: &Transaction,
        progress: &Progress,
    ) -> Result<Transaction, DeviceError> {
        spend::check(spend, Kind::Trezor, MAX_INPUTS, check_output)?;
        let keys = self.input_keys(spend)?;
        let change = self.change(spend)?;
        let payment = Payment::new(spend, unsigned, change.zip(spend.change.as_ref()), self.coin)?;
        let signed = self.conversation(payment, &spend.inputs[0].path, Steps::new(progress, spend.inputs.len()))?;
        finished(spend, unsigned, &keys, &signed)
    }

    /// The device asks; whatever it asks for that does not exist ends it.
    pub(super) fn conversation(
        &mut self,
        mut payment: Payment,
        path: &DerivationPath,
        mut steps: Steps<'_>,
    ) -> Result<Signed, DeviceError> {
        let mut question: TxRequest = self.call(&payment.request(self.coin), path)?;
        loop {
            let taken = question
                .serialized
                .as_ref()
                .map_or(Ok(()), |piece| payment.collect(piece));
            if taken.is_ok() {
                steps.note(&question);
            }
            match taken.and_then(|()| payment.answer(&question)) {
                Ok(Some(answer)) => question = self.call(&answer, path)?,
                Ok(None) => return payment.signed(),
                Err(error) => return Err(self.give_up(error)),
            }
        }
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

    /// The one output that pays the change key. The device would hide any number of them.
    fn change(&mut self, spend: &Spend) -> Result<Option<usize>, DeviceError> {
        let Some(change) = &spend.change else { return Ok(None) };
        let script = script::pay_to_key(&KeyId::of(&self.public_key(change)?).0);
        let mut found = (0..).zip(&spend.outputs).filter(|(_, output)| output.script == script);
        match (found.next(), found.count()) {
            (Some((at, _)), 0) => Ok(Some(at)),
            (first, more) => Err(unsupported(format!(
                "sign a payment with {} outputs to its change key instead of one",
                usize::from(first.is_some()) + more
            ))),
        }
    }
}

/// Counts, by what the device asks, how far it is. It reads a previous transaction for each input and then signs them, but the order
/// within each part and how often it asks is its own.
pub(super) struct Steps<'a> {
    progress: &'a Progress,
    of: usize,
    read: usize,
    reading: bool,
    signed: usize,
}

impl<'a> Steps<'a> {
    pub(super) fn new(progress: &'a Progress, of: usize) -> Self {
        Self {
            progress,
            of,
            read: 0,
            reading: false,
            signed: 0,
        }
    }

    /// A question whose pieces were taken already.
    fn note(&mut self, question: &TxRequest) {
        let part = question.request_type.and_then(|part| part.enum_value().ok());
        let previous = question
            .details
            .as_ref()
            .is_some_and(|details| details.tx_hash.is_some());
        let next = part == Some(RequestType::TXMETA);
        if self.reading && (next || !previous) {
            self.read_up_to(self.read + 1);
        }
        self.reading = previous;
        if question
            .serialized
            .as_ref()
            .is_some_and(|piece| piece.signature_index.is_some())
        {
            self.read_up_to(self.of);
            self.signed += 1;
            self.tell(Part::Signing, self.signed);
        }
    }

    fn read_up_to(&mut self, count: usize) {
        while self.read < count.min(self.of) {
            self.read += 1;
            self.tell(Part::Reading, self.read);
        }
    }

    fn tell(&self, part: Part, done: usize) {
        let (of, done) = (self.of, done.min(self.of));
        self.progress.tell(Done { part, done, of });
    }
}

/// The signed transaction, put together here from verified signatures, and the same as the device wrote it.
fn finished(
    spend: &Spend,
    unsigned: &Transaction,
    keys: &[PublicKey],
    signed: &Signed,
) -> Result<Transaction, DeviceError> {
    let mut tx = unsigned.clone();
    let inputs = spend.inputs.iter().zip(keys).zip(&signed.signatures);
    for (at, ((input, key), der)) in inputs.enumerate() {
        let code = script::pay_to_key(&input.key_id.0);
        let digest = Message::from_digest(unsigned.sighash_all(at, code.as_bytes()));
        let signature = Signature::from_der(der).map_err(|_| bad("a signature that is none"))?;
        Secp256k1::verification_only()
            .verify_ecdsa(&digest, &signature, key)
            .map_err(|_| other_key(&input.path))?;
        let with_type = [der.as_slice(), &[ALL]].concat();
        tx.inputs[at].script_sig = script::script_sig(&with_type, &key.serialize());
    }
    if tx.encode() == signed.serialized {
        Ok(tx)
    } else {
        Err(bad("a signed transaction other than the one that was asked for"))
    }
}

/// The firmware knows P2PKH and P2SH.
fn check_output(number: usize, output: &TxOut) -> Result<(), DeviceError> {
    let script = output.script.as_bytes();
    if script::is_pay_to_key(script) || script::is_pay_to_script(script) {
        Ok(())
    } else {
        Err(unsupported(format!("pay the script of output {number}")))
    }
}
