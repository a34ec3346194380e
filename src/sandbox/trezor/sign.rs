//! `SignTx`: the device asks for inputs, outputs and previous transactions, part by part, twice.
//!
//! First pass: all inputs, all outputs, and what the user thinks of them; then every previous transaction, hashed. Second pass, for each
//! input: all inputs and outputs again, compared with the first, for one digest. The pieces of the signed transaction come along with
//! the questions. A payload of the transaction being signed has no place in this: it is neither asked for nor hashed.

use bitcoin::hashes::{Hash, HashEngine, sha256d};
use protobuf::MessageField;
use trezor_client::protos::button_request::ButtonRequestType;
use trezor_client::protos::failure::FailureType;
use trezor_client::protos::tx_ack::TransactionType;
use trezor_client::protos::tx_ack::transaction_type::{TxInputType, TxOutputType};
use trezor_client::protos::tx_request::{RequestType, TxRequestDetailsType, TxRequestSerializedType};
use trezor_client::protos::{SignTx, TxAck, TxRequest};

use super::coin::Coin;
use super::device::{Device, Done, data_error, fail};
use super::keys::Wallet;
use crate::protocol::wire::WriteWire;
use crate::protocol::{Amount, KeyId, ScriptBuf, script};

/// A slice of extra data.
const EXTRA: u32 = 1024;
/// Duffs per 1000 bytes above which a fee is called high.
const HIGH_FEE: u64 = 100_000;
/// SIGHASH_ALL
const ALL: u32 = 1;

/// What was asked for in the first pass, to compare the second with.
struct Payment {
    coin: Coin,
    wallet: Wallet,
    version: u32,
    lock_time: u32,
    inputs: Vec<TxInputType>,
    /// What each input's key can spend.
    codes: Vec<ScriptBuf>,
    outputs: Vec<TxOutputType>,
    scripts: Vec<ScriptBuf>,
}

/// A piece of the signed transaction, to go with the next question.
type Piece = Option<TxRequestSerializedType>;

impl Device {
    pub(super) async fn sign_tx(&mut self, request: &SignTx) -> Done<()> {
        let coin = self.coin(request.coin_name())?;
        if request.inputs_count() == 0 || request.outputs_count() == 0 {
            return Err(data_error("Transaction must have at least one input and output"));
        }
        let wallet = self.wallet().await?;
        let mut payment = Payment {
            coin,
            wallet,
            version: request.version(),
            lock_time: request.lock_time(),
            inputs: Vec::new(),
            codes: Vec::new(),
            outputs: Vec::new(),
            scripts: Vec::new(),
        };
        self.first_pass(request, &mut payment).await?;
        for at in 0..payment.inputs.len() {
            self.check_previous(&payment, at).await?;
        }
        let mut piece = None;
        for at in 0..payment.inputs.len() {
            piece = self.sign_input(&payment, at, piece).await?;
        }
        for at in 0..payment.outputs.len() {
            let output = self.output(at, piece.take()).await?;
            if output != payment.outputs[at] {
                return fail(
                    FailureType::Failure_ProcessError,
                    "Transaction has changed during signing",
                );
            }
            piece = Some(payment.output_piece(at));
        }
        self.finish(piece).await
    }

    async fn first_pass(&mut self, request: &SignTx, payment: &mut Payment) -> Done<()> {
        let mut available: u64 = 0;
        for at in 0..request.inputs_count() {
            let input = self.input(at as usize, None).await?;
            let code = payment.code_of(&input)?;
            let amount = input.amount.ok_or_else(|| data_error("Expected input with amount"))?;
            available = available
                .checked_add(amount)
                .ok_or_else(|| data_error("Invalid amount specified"))?;
            payment.inputs.push(input);
            payment.codes.push(code);
        }
        let mut paid: u64 = 0;
        for at in 0..request.outputs_count() {
            let output = self.output(at as usize, None).await?;
            let script = payment.script_of(&output)?;
            paid = paid
                .checked_add(output.amount())
                .ok_or_else(|| data_error("Invalid amount specified"))?;
            if !payment.is_change(&output) {
                self.confirm_output(&payment.coin, &output, &script).await?;
            }
            payment.outputs.push(output);
            payment.scripts.push(script);
        }
        let Some(fee) = available.checked_sub(paid) else {
            return fail(FailureType::Failure_NotEnoughFunds, "Not enough funds");
        };
        self.confirm_payment(payment, paid, fee).await
    }

    async fn confirm_output(&mut self, coin: &Coin, output: &TxOutputType, script: &ScriptBuf) -> Done<()> {
        let to = match output.address() {
            "" => coin.key_address(&key_hash(script)),
            address => address.to_owned(),
        };
        let text = format!("{} to {to}", coins(output.amount(), coin));
        self.confirm(ButtonRequestType::ButtonRequest_ConfirmOutput, "Confirm sending", text)
            .await
    }

    async fn confirm_payment(&mut self, payment: &Payment, paid: u64, fee: u64) -> Done<()> {
        let shown = |amount| coins(amount, &payment.coin);
        let size = (payment.inputs.len() * 148 + payment.outputs.len() * 34 + 10) as u64;
        if fee > HIGH_FEE * size / 1000 {
            let code = ButtonRequestType::ButtonRequest_FeeOverThreshold;
            self.confirm(code, "Really send with a high fee?", shown(fee)).await?;
        }
        let sign = ButtonRequestType::ButtonRequest_SignTx;
        if payment.lock_time != 0 {
            let text = format!("Locked until {}", payment.lock_time);
            self.confirm(sign, "Locktime for this transaction", text).await?;
        }
        let text = format!("{} including a fee of {}", shown(paid.saturating_add(fee)), shown(fee));
        self.confirm(sign, "Really send?", text).await
    }

    /// Streams a previous transaction: it must be the one that is named, and pay what the input says.
    async fn check_previous(&mut self, payment: &Payment, at: usize) -> Done<()> {
        let input = self.input(at, None).await?;
        payment.compare(at, &input)?;
        let hash = input.prev_hash().to_vec();
        let meta = self.ask(RequestType::TXMETA, Some(&hash), 0, None).await?;
        let mut engine = sha256d::Hash::engine();
        let mut bytes = Vec::new();
        bytes.put_u32(meta.version());
        bytes.put_length(meta.inputs_cnt() as usize);
        for at in 0..meta.inputs_cnt() {
            let part = self.ask(RequestType::TXINPUT, Some(&hash), at, None).await?;
            let spent = part.inputs.first().ok_or_else(|| data_error("Expected input"))?;
            put_input(&mut bytes, spent, spent.script_sig());
            engine.input(&std::mem::take(&mut bytes));
        }
        bytes.put_length(meta.outputs_cnt() as usize);
        let mut paid = None;
        for at in 0..meta.outputs_cnt() {
            let part = self.ask(RequestType::TXOUTPUT, Some(&hash), at, None).await?;
            let output = part.bin_outputs.first().ok_or_else(|| data_error("Expected output"))?;
            bytes.put_u64(output.amount());
            bytes.put_var_bytes(output.script_pubkey());
            engine.input(&std::mem::take(&mut bytes));
            if at == input.prev_index() {
                paid = Some((output.amount(), output.script_pubkey().to_vec()));
            }
        }
        bytes.put_u32(meta.lock_time());
        bytes.extend(self.extra_data(&hash, meta.extra_data_len()).await?);
        engine.input(&bytes);
        let mut found = sha256d::Hash::from_engine(engine).to_byte_array();
        found.reverse();
        if found[..] != hash {
            return Err(data_error("Encountered invalid prevhash"));
        }
        let (amount, script) = paid.ok_or_else(|| data_error("Not enough outputs in previous transaction."))?;
        if amount != input.amount() {
            return Err(data_error("Invalid amount specified"));
        }
        if script != payment.codes[at].as_bytes() {
            return Err(data_error("Input does not match scriptPubKey"));
        }
        Ok(())
    }

    async fn extra_data(&mut self, hash: &[u8], length: u32) -> Done<Vec<u8>> {
        let mut data = Vec::new();
        while (data.len() as u32) < length {
            let mut details = details(0, Some(hash));
            details.set_extra_data_offset(data.len() as u32);
            details.set_extra_data_len(EXTRA.min(length - data.len() as u32));
            let wanted = details.extra_data_len() as usize;
            let part = self.ask_for(RequestType::TXEXTRADATA, details, None).await?;
            if part.extra_data().len() != wanted {
                return Err(data_error("Invalid extra data"));
            }
            data.extend_from_slice(part.extra_data());
        }
        Ok(data)
    }

    async fn sign_input(&mut self, payment: &Payment, signing: usize, mut piece: Piece) -> Done<Piece> {
        let mut preimage = payment.version.to_le_bytes().to_vec();
        preimage.put_length(payment.inputs.len());
        for at in 0..payment.inputs.len() {
            let input = self.input(at, piece.take()).await?;
            payment.compare(at, &input)?;
            let code: &[u8] = if at == signing {
                payment.codes[at].as_bytes()
            } else {
                &[]
            };
            put_input(&mut preimage, &input, code);
        }
        preimage.put_length(payment.outputs.len());
        for at in 0..payment.outputs.len() {
            let output = self.output(at, None).await?;
            if output != payment.outputs[at] {
                return fail(
                    FailureType::Failure_ProcessError,
                    "Transaction has changed during signing",
                );
            }
            preimage.extend(payment.output_bytes(at));
        }
        preimage.put_u32(payment.lock_time);
        preimage.put_u32(ALL);
        payment
            .input_piece(signing, sha256d::Hash::hash(&preimage).to_byte_array())
            .map(Some)
    }

    async fn input(&mut self, at: usize, piece: Piece) -> Done<TxInputType> {
        let part = self.ask(RequestType::TXINPUT, None, at as u32, piece).await?;
        part.inputs
            .into_iter()
            .next()
            .ok_or_else(|| data_error("Expected input"))
    }

    async fn output(&mut self, at: usize, piece: Piece) -> Done<TxOutputType> {
        let part = self.ask(RequestType::TXOUTPUT, None, at as u32, piece).await?;
        part.outputs
            .into_iter()
            .next()
            .ok_or_else(|| data_error("Expected output"))
    }

    async fn ask(&mut self, part: RequestType, hash: Option<&[u8]>, at: u32, piece: Piece) -> Done<TransactionType> {
        self.ask_for(part, details(at, hash), piece).await
    }

    async fn ask_for(
        &mut self,
        part: RequestType,
        details: TxRequestDetailsType,
        piece: Piece,
    ) -> Done<TransactionType> {
        let mut request = TxRequest::new();
        request.set_request_type(part);
        request.details = MessageField::some(details);
        request.serialized = MessageField::from_option(piece);
        let ack: TxAck = self.ask_host(&request, FailureType::Failure_ActionCancelled).await?;
        ack.tx
            .into_option()
            .ok_or_else(|| data_error("No transaction provided"))
    }

    async fn finish(&mut self, piece: Piece) -> Done<()> {
        let mut request = TxRequest::new();
        request.set_request_type(RequestType::TXFINISHED);
        request.serialized = MessageField::from_option(piece);
        self.send(&request).await
    }
}

impl Payment {
    fn compare(&self, at: usize, input: &TxInputType) -> Done<()> {
        if *input == self.inputs[at] {
            Ok(())
        } else {
            fail(
                FailureType::Failure_ProcessError,
                "Transaction has changed during signing",
            )
        }
    }

    fn code_of(&self, input: &TxInputType) -> Done<ScriptBuf> {
        if input.prev_hash().len() != 32 {
            return Err(data_error("Provided prev_hash is invalid"));
        }
        self.key_script(&input.address_n)
    }

    fn key_script(&self, path: &[u32]) -> Done<ScriptBuf> {
        if !self.coin.allows(path) {
            return Err(data_error("Forbidden key path"));
        }
        let key = self.wallet.key(path).ok_or_else(|| data_error("Failed to derive"))?;
        Ok(script::pay_to_key(&KeyId::of(&key).0))
    }

    fn script_of(&self, output: &TxOutputType) -> Done<ScriptBuf> {
        if !output.address_n.is_empty() {
            return self.key_script(&output.address_n);
        }
        let script = self.coin.script_of(output.address());
        script.ok_or_else(|| data_error("Failed to compile output"))
    }

    /// Outputs to the account of all inputs are not shown, however many.
    fn is_change(&self, output: &TxOutputType) -> bool {
        let account = |path: &[u32]| path.get(..3).map(<[u32]>::to_vec);
        let to = account(&output.address_n);
        to.is_some() && self.inputs.iter().all(|input| account(&input.address_n) == to)
    }

    fn input_piece(&self, at: usize, digest: [u8; 32]) -> Done<TxRequestSerializedType> {
        let input = &self.inputs[at];
        let derived = || data_error("Failed to derive");
        let signature = self.wallet.sign(&input.address_n, digest).ok_or_else(derived)?;
        let key = self.wallet.key(&input.address_n).ok_or_else(derived)?;
        let with_type = [signature.as_slice(), &[ALL as u8]].concat();
        let script_sig = script::script_sig(&with_type, &key.serialize());
        let mut bytes = Vec::new();
        if at == 0 {
            bytes.put_u32(self.version);
            bytes.put_length(self.inputs.len());
        }
        put_input(&mut bytes, input, script_sig.as_bytes());
        let mut piece = TxRequestSerializedType::new();
        piece.set_signature_index(at as u32);
        piece.set_signature(signature);
        piece.set_serialized_tx(bytes);
        Ok(piece)
    }

    fn output_piece(&self, at: usize) -> TxRequestSerializedType {
        let mut bytes = Vec::new();
        if at == 0 {
            bytes.put_length(self.outputs.len());
        }
        bytes.extend(self.output_bytes(at));
        if at + 1 == self.outputs.len() {
            bytes.put_u32(self.lock_time);
        }
        let mut piece = TxRequestSerializedType::new();
        piece.set_serialized_tx(bytes);
        piece
    }

    fn output_bytes(&self, at: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.put_u64(self.outputs[at].amount());
        bytes.put_var_bytes(self.scripts[at].as_bytes());
        bytes
    }
}

fn details(at: u32, hash: Option<&[u8]>) -> TxRequestDetailsType {
    let mut details = TxRequestDetailsType::new();
    details.set_request_index(at);
    details.tx_hash = hash.map(<[u8]>::to_vec);
    details
}

fn put_input(out: &mut Vec<u8>, input: &TxInputType, script: &[u8]) {
    out.extend(input.prev_hash().iter().rev());
    out.put_u32(input.prev_index());
    out.put_var_bytes(script);
    out.put_u32(input.sequence());
}

fn key_hash(script: &ScriptBuf) -> [u8; 20] {
    match script::destination(script.as_bytes()) {
        Some(script::Destination::Key(hash) | script::Destination::Script(hash)) => hash,
        None => [0; 20],
    }
}

fn coins(duffs: u64, coin: &Coin) -> String {
    format!("{} {}", Amount::from_duffs(duffs).short(), coin.ticker)
}
