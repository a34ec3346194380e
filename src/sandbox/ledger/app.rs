//! The coin's app: one command in, one answer or one question out.
//!
//! Behaviour: LedgerHQ/app-bitcoin b7c6323 with lib-app-bitcoin c5e47a8 (Dash app 2.4.6), as recorded in tests/data/ledger. Not modelled,
//! because no Dash client uses it: segwit inputs (INPUT_START with P2 02..05 answers 6b00 here) and the Omni text of OP_RETURN outputs.

use std::sync::Arc;

use bitcoin::base58;

use super::apdu::{
    Answer, BAD_DATA, BAD_LENGTH, BAD_P1_P2, CONDITIONS, Command, Halt, INTERNAL, UNKNOWN_INS, WRONG_CLA,
};
use super::keys::{InputKey, Keys, Path, hash160};
use super::message::MessageSigning;
use super::outputs::Outputs;
use super::screen::Prompt;
use super::stream::{Hashes, Stream};

/// Which app is installed and for which coin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppIdentity {
    /// `Dash`
    pub name: String,
    /// `2.4.6`
    pub version: String,
    /// Message magic is `<coin_id> Signed Message:\n`: `DarkCoin`.
    pub coin_id: String,
    /// On screen behind amounts: `DASH`.
    pub ticker: String,
    /// Version bytes of the addresses it shows.
    pub pubkey_prefix: u8,
    pub script_prefix: u8,
    /// BIP-0044 coin type whose paths it answers silently; 0 for none in particular.
    pub coin_type: u32,
}

impl Default for AppIdentity {
    /// The recorded app.
    fn default() -> Self {
        Self {
            name: "Dash".to_owned(),
            version: "2.4.6".to_owned(),
            coin_id: "DarkCoin".to_owned(),
            ticker: "DASH".to_owned(),
            pubkey_prefix: 76,
            script_prefix: 16,
            coin_type: 5,
        }
    }
}

/// What came of a command or a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Answer(Answer),
    /// The answer comes when the user has decided.
    Ask(Prompt),
}

pub(super) type Handled = Result<Outcome, Halt>;

/// The question on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// Approving releases an answer that is ready.
    Release(Answer),
    Message,
    /// An output, or the fee.
    Payment,
    SignPath,
}

/// The open app. Its memory is gone when it is closed.
pub(super) struct App {
    pub identity: AppIdentity,
    pub keys: Arc<Keys>,
    pub input_key: InputKey,
    pub hashes: Hashes,
    pub stream: Stream,
    pub outputs: Outputs,
    pub message: MessageSigning,
    /// In the first round of a payment everything is shown; the others must repeat it.
    pub first_round: bool,
    pub change_path_given: bool,
    /// Authorization digest of the first round.
    pub approved: [u8; 32],
    /// Data of the answer a payment's question holds back.
    pub held_back: Vec<u8>,
    pub sign_path: Path,
    pub question: Option<Question>,
}

impl App {
    pub fn new(identity: AppIdentity, keys: Arc<Keys>, input_key: InputKey) -> Self {
        Self {
            identity,
            keys,
            input_key,
            hashes: Hashes::default(),
            stream: Stream::default(),
            outputs: Outputs::default(),
            message: MessageSigning::default(),
            first_round: false,
            change_path_given: false,
            approved: [0; 32],
            held_back: Vec::new(),
            sign_path: Path::default(),
            question: None,
        }
    }

    /// Answers a command. A question on the screen stays there, but nobody waits for it any more.
    ///
    /// # Errors
    /// A bare status word, or the app closes.
    pub fn handle(&mut self, command: Command<'_>) -> Handled {
        if command.cla != 0xe0 {
            return Err(Halt::Refuse(WRONG_CLA));
        }
        if command.data.is_empty() && matches!(command.ins, 0x40 | 0x42 | 0x44 | 0x48 | 0x4a | 0x4e) {
            return Err(Halt::Refuse(BAD_LENGTH));
        }
        match command.ins {
            0x16 => answer(self.coin_version()),
            0x24 => answer([1]),
            0x26 => self.set_operation_mode(command.data),
            0x40 => self.wallet_public_key(command),
            0x42 => self.trusted_input(command),
            0x44 => self.input_start(command),
            0x48 => self.hash_sign(command),
            0x4a => self.finalize(command),
            0x4e => self.sign_message(command),
            0xc4 => answer(self.firmware_version()),
            0xd0 => answer(self.keys.fingerprint()),
            _ => Err(Halt::Refuse(UNKNOWN_INS)),
        }
    }

    /// The user answered the question on the screen.
    pub fn decide(&mut self, approved: bool) -> Option<Outcome> {
        let refused = || Outcome::Answer(Answer::status(CONDITIONS));
        Some(match self.question.take()? {
            Question::Payment => self.payment_decided(approved),
            _ if !approved => refused(),
            Question::Release(answer) => Outcome::Answer(answer),
            Question::Message => Outcome::Answer(self.message_signature()),
            Question::SignPath => Outcome::Answer(self.input_signature()),
        })
    }

    pub fn ask(&mut self, question: Question, prompt: Prompt) -> Handled {
        self.question = Some(question);
        Ok(Outcome::Ask(prompt))
    }

    /// `hash` is of a key (P2PKH) or a script (P2SH), with the app's own prefix.
    pub fn address_text(&self, prefix: u8, hash: &[u8; 20]) -> String {
        base58::encode_check(&[&[prefix][..], hash].concat())
    }

    /// p2pkh u16 BE | p2sh u16 BE | family | coin id | ticker.
    fn coin_version(&self) -> Vec<u8> {
        let mut data = vec![0, self.identity.pubkey_prefix, 0, self.identity.script_prefix, 1];
        put_text(&mut data, &self.identity.coin_id);
        put_text(&mut data, &self.identity.ticker);
        data
    }

    /// Features, architecture, the app's version in three bytes, and three constants.
    fn firmware_version(&self) -> Vec<u8> {
        let mut parts = self.identity.version.split('.').map(|part| part.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        vec![0x1a, 0x30, next(), next(), next(), 1, 0, 3]
    }

    fn set_operation_mode(&self, data: &[u8]) -> Handled {
        match data {
            [] => Err(Halt::Refuse(BAD_DATA)),
            [1, ..] | [_] => answer([]),
            _ => Err(Halt::Refuse(BAD_DATA)),
        }
    }

    /// Key, address and chain code of a path; shown when asked for, and always for another coin's path.
    fn wallet_public_key(&mut self, command: Command<'_>) -> Handled {
        let (display, wrapped) = match (command.p1, command.p2) {
            (0 | 1, 0 | 1) => (command.p1 == 1, command.p2 == 1),
            _ => return Err(Halt::Refuse(BAD_P1_P2)),
        };
        let too_deep = if display { Halt::Crash } else { Halt::Refuse(INTERNAL) };
        let (path, _) = Path::read(command.data, too_deep)?;
        let node = path
            .derivable()
            .and_then(|levels| self.keys.public(levels))
            .ok_or(Halt::Refuse(INTERNAL))?;
        let key_hash = hash160(&node.key.serialize());
        let address = if wrapped {
            let redeem = [&[0, 20][..], &key_hash].concat();
            self.address_text(self.identity.script_prefix, &hash160(&redeem))
        } else {
            self.address_text(self.identity.pubkey_prefix, &key_hash)
        };
        let mut data = vec![65];
        data.extend_from_slice(&node.key.serialize_uncompressed());
        put_text(&mut data, &address);
        data.extend_from_slice(&node.chain_code);
        if !display && !path.is_foreign(self.identity.coin_type) {
            return answer(data);
        }
        let warn = display && path.is_unusual(self.identity.coin_type, 0);
        let prompt = Prompt::address(&address, warn.then(|| path.on_screen()));
        self.ask(Question::Release(Answer::ok(data)), prompt)
    }
}

pub(super) fn answer(data: impl Into<Vec<u8>>) -> Handled {
    Ok(Outcome::Answer(Answer::ok(data)))
}

/// One length byte and the text.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    let len = text.len().min(255);
    out.push(len as u8);
    out.extend_from_slice(&text.as_bytes()[..len]);
}
