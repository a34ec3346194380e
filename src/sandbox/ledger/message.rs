//! SIGN_MESSAGE: a text in chunks, its hash on the screen, a signature with the y parity in its first byte.

use bitcoin::hashes::HashEngine;

use super::apdu::{Answer, BAD_DATA, BAD_P1_P2, Command, Halt};
use super::app::{App, Handled, Outcome, Question, answer};
use super::keys::Path;
use super::screen::Prompt;
use super::stream::Hashes;
use crate::protocol::wire::WriteWire;

/// A message on its way in.
#[derive(Default)]
pub(super) struct MessageSigning {
    path: Path,
    /// Bytes declared, 0 when no message was begun.
    length: u16,
    received: u16,
}

impl App {
    pub(super) fn sign_message(&mut self, command: Command<'_>) -> Handled {
        let prepared = match (command.p1, command.p2) {
            (0, 0 | 1) => self.begin_message(command.data, command.p2 == 1),
            (0, 0x80) => self.add_to_message(command.data),
            (0x80, _) => return self.sign_prepared_message(),
            _ => return Err(Halt::Refuse(BAD_P1_P2)),
        };
        if prepared.is_err() {
            self.forget_message();
        }
        prepared
    }

    /// `path | length (u16 BE, or u8 in the old form) | first bytes`.
    fn begin_message(&mut self, data: &[u8], two_bytes: bool) -> Handled {
        let bad = Halt::Refuse(BAD_DATA);
        self.forget_message();
        let (path, rest) = Path::read(data, bad)?;
        let (length, first) = match rest {
            [high, low, first @ ..] if two_bytes => (u16::from_be_bytes([*high, *low]), first),
            [length, first @ ..] if !two_bytes => (u16::from(*length), first),
            _ => return Err(bad),
        };
        if length == 0 {
            return Err(bad);
        }
        self.message = MessageSigning {
            path,
            length,
            received: 0,
        };
        self.hashes = Hashes::default();
        let magic = format!("{} Signed Message:\n", self.identity.coin_id);
        let mut head = Vec::new();
        head.put_var_bytes(magic.as_bytes());
        head.put_length(usize::from(length));
        self.hashes.full.input(&head);
        self.add_to_message(first)
    }

    fn add_to_message(&mut self, data: &[u8]) -> Handled {
        let message = &mut self.message;
        // At most 255 bytes come at once, so the sum fits.
        if usize::from(message.received) + data.len() > usize::from(message.length) {
            return Err(Halt::Refuse(BAD_DATA));
        }
        message.received += data.len() as u16;
        self.hashes.full.input(data);
        self.hashes.authorization.input(data);
        if message.received == message.length {
            answer([0, 0])
        } else {
            answer([0])
        }
    }

    fn sign_prepared_message(&mut self) -> Handled {
        if self.message.length == 0 || self.message.received != self.message.length {
            self.forget_message();
            return Err(Halt::Refuse(BAD_DATA));
        }
        if self.message.path.is_bit_id() {
            return Ok(Outcome::Answer(self.message_signature()));
        }
        let hash = crate::protocol::wire::to_hex(&self.hashes.authorization_digest()).to_uppercase();
        self.ask(Question::Message, Prompt::message(hash))
    }

    /// For a path it may not derive the app answers two zero bytes with a good status.
    pub(super) fn message_signature(&mut self) -> Answer {
        let digest = self.hashes.full_digest();
        let path = self.message.path.derivable();
        let signature = path.and_then(|levels| self.keys.sign(levels, digest));
        self.forget_message();
        Answer::ok(signature.unwrap_or_else(|| vec![0, 0]))
    }

    /// The app keeps message and payment in one place: what was approved of a payment is gone as well.
    fn forget_message(&mut self) {
        self.message = MessageSigning::default();
        self.approved = [0; 32];
    }
}
