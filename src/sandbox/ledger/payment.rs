//! Signing a payment: trusted inputs, then per input a round of INPUT_START, FINALIZE_FULL and HASH_SIGN.

use bitcoin::hashes::HashEngine;

use super::apdu::{Answer, BAD_DATA, BAD_LENGTH, BAD_OUTPUT, BAD_P1_P2, CONDITIONS, Command, Halt, INTERNAL};
use super::app::{App, Handled, Outcome, Question, answer};
use super::keys::{Path, hash160};
use super::outputs::{Next, Stage};
use super::screen::Prompt;
use super::stream::{Mode, State};
use crate::protocol::script::Destination;

const MORE: u8 = 0x00;
const LAST: u8 = 0x80;
const CHANGE_PATH: u8 = 0xff;

impl App {
    /// Streams a previous transaction and vouches for one of its outputs.
    pub(super) fn trusted_input(&mut self, command: Command<'_>) -> Handled {
        let data = match command.p1 {
            MORE => {
                let (index, rest) = command.data.split_first_chunk().ok_or(Halt::Crash)?;
                self.stream.restart(Mode::TrustedInput);
                self.stream.target = u32::from_be_bytes(*index);
                self.stream.target_found = false;
                rest
            }
            LAST => command.data,
            _ => return Err(Halt::Refuse(BAD_P1_P2)),
        };
        if command.p2 != 0 {
            return Err(Halt::Refuse(BAD_P1_P2));
        }
        self.stream
            .feed(Mode::TrustedInput, data, &mut self.hashes, &self.input_key)?;
        if self.stream.state != State::Parsed {
            return answer([]);
        }
        self.stream.state = State::Idle;
        if !self.stream.target_found {
            return Err(Halt::Refuse(BAD_DATA));
        }
        self.vouch()
    }

    fn vouch(&self) -> Handled {
        let mut nonce = [0; 2];
        getrandom::fill(&mut nonce).map_err(|_| Halt::Refuse(INTERNAL))?;
        let mut data = vec![0x32, 0];
        data.extend_from_slice(&nonce);
        data.extend_from_slice(&self.hashes.full_digest());
        data.extend_from_slice(&self.stream.target.to_le_bytes());
        data.extend_from_slice(&self.stream.amount.to_le_bytes());
        data.extend_from_slice(&self.input_key.mac(&data));
        answer(data)
    }

    /// The inputs of a round: `P2=00` begins a payment, `P2=80` a later round of it.
    pub(super) fn input_start(&mut self, command: Command<'_>) -> Handled {
        match command.p1 {
            0 => self.stream.restart(Mode::Signature),
            0x80 => {}
            _ => return Err(Halt::Refuse(BAD_P1_P2)),
        }
        match (command.p1, command.p2) {
            (0, 0) => {
                self.first_round = true;
                self.stream.relaxed = false;
                self.outputs.change = None;
                self.change_path_given = false;
            }
            (_, 0 | 0x80) => {}
            _ => return Err(Halt::Refuse(BAD_P1_P2)),
        }
        self.stream
            .feed(Mode::Signature, command.data, &mut self.hashes, &self.input_key)?;
        answer([])
    }

    /// The change path, then the outputs.
    pub(super) fn finalize(&mut self, command: Command<'_>) -> Handled {
        if !matches!(command.p1, MORE | LAST | CHANGE_PATH) {
            return Err(Halt::Refuse(BAD_P1_P2));
        }
        let handled = if self.stream.state != State::PresignReady {
            Err(Halt::Refuse(CONDITIONS))
        } else if command.p1 == CHANGE_PATH {
            self.change_path(command.data)
        } else {
            self.take_outputs(command.data, command.p1 == LAST)
        };
        if let Err(Halt::Refuse(_)) = handled {
            self.discard_payment();
        }
        handled
    }

    fn change_path(&mut self, data: &[u8]) -> Handled {
        if !self.first_round {
            return answer([]);
        }
        if self.change_path_given {
            return Err(Halt::Refuse(CONDITIONS));
        }
        if data[0] == 0 {
            return answer([]);
        }
        let (path, _) = Path::read(data, Halt::Refuse(BAD_OUTPUT))?;
        let node = path.derivable().and_then(|levels| self.keys.public(levels));
        let node = node.ok_or(Halt::Refuse(BAD_OUTPUT))?;
        self.outputs.change = Some(hash160(&node.key.serialize()));
        self.change_path_given = true;
        if path.is_unusual(self.identity.coin_type, 1) {
            // Refusing it answers 6985 and leaves the payment as it is.
            let prompt = Prompt::change_path(path.on_screen());
            return self.ask(Question::Release(Answer::ok([])), prompt);
        }
        answer([])
    }

    fn take_outputs(&mut self, data: &[u8], last: bool) -> Handled {
        self.hashes.full.input(data);
        let next = if self.first_round {
            self.outputs.push(data).map_err(Halt::Refuse)?
        } else {
            Next::Starved
        };
        self.hashes.authorization.input(data);
        self.held_back = if last { vec![0, 0] } else { vec![0] };
        if last {
            self.check_round()?;
        }
        self.show(next)
    }

    /// The first round is remembered; the others must be the same payment.
    fn check_round(&mut self) -> Result<(), Halt> {
        let digest = self.hashes.authorization_digest();
        if self.first_round {
            self.approved = digest;
            return Ok(());
        }
        if digest != self.approved {
            return Err(Halt::Refuse(CONDITIONS));
        }
        self.stream.state = State::SignReady;
        self.outputs.reset();
        Ok(())
    }

    fn show(&mut self, next: Next) -> Handled {
        match next {
            Next::Starved => answer(self.held_back.clone()),
            Next::Show => {
                let prompt = self.output_prompt().ok_or(Halt::Refuse(BAD_DATA))?;
                self.ask(Question::Payment, prompt)
            }
            Next::AllDone => {
                let prompt = self.fee_prompt().ok_or(Halt::Refuse(BAD_DATA))?;
                self.ask(Question::Payment, prompt)
            }
        }
    }

    fn output_prompt(&self) -> Option<Prompt> {
        let shown = self.outputs.shown()?;
        let address = match shown.destination {
            Some(Destination::Key(hash)) => self.address_text(self.identity.pubkey_prefix, &hash),
            Some(Destination::Script(hash)) => self.address_text(self.identity.script_prefix, &hash),
            None => "OP_RETURN".to_owned(),
        };
        Some(Prompt::output(
            shown.number,
            shown.amount,
            &self.identity.ticker,
            &address,
        ))
    }

    /// None where the outputs are worth more than the inputs.
    fn fee_prompt(&self) -> Option<Prompt> {
        let fee = if self.stream.relaxed {
            None
        } else {
            Some(self.stream.amount.checked_sub(self.outputs.sum)?)
        };
        Some(Prompt::fee(fee, &self.identity.ticker))
    }

    /// The user decided about an output or the fee.
    pub(super) fn payment_decided(&mut self, approved: bool) -> Outcome {
        if !approved {
            self.discard_payment();
            return Outcome::Answer(Answer::status(CONDITIONS));
        }
        if self.outputs.stage == Stage::Fee {
            self.first_round = false;
            self.stream.state = State::SignReady;
            self.outputs.reset();
            return Outcome::Answer(Answer::ok(self.held_back.clone()));
        }
        let next = self.outputs.accepted().map_err(Halt::Refuse);
        next.and_then(|next| self.show(next)).unwrap_or_else(|_| {
            // At this point the app sends the held-back bytes along with the refusal.
            self.discard_payment();
            Outcome::Answer(Answer {
                data: self.held_back.clone(),
                status: BAD_DATA,
            })
        })
    }

    fn discard_payment(&mut self) {
        self.stream.state = State::Idle;
        self.outputs.reset();
    }

    /// `path | 00 | lock time u32 BE | hash type`.
    pub(super) fn hash_sign(&mut self, command: Command<'_>) -> Handled {
        if command.p1 != 0 || command.p2 != 0 {
            return Err(Halt::Refuse(BAD_P1_P2));
        }
        if command.data.len() < 7 {
            return Err(Halt::Refuse(BAD_LENGTH));
        }
        let handled = self.read_and_sign(command.data);
        if let Err(Halt::Refuse(CONDITIONS | BAD_DATA)) = handled {
            self.stream.state = State::Idle;
        }
        handled
    }

    fn read_and_sign(&mut self, data: &[u8]) -> Handled {
        if self.stream.state != State::SignReady {
            return Err(Halt::Refuse(CONDITIONS));
        }
        let (path, rest) = Path::read(data, Halt::Refuse(BAD_DATA))?;
        let (skipped, rest) = rest.split_first().ok_or(Halt::Refuse(BAD_LENGTH))?;
        let tail = rest.get(usize::from(*skipped)..);
        let Some([a, b, c, d, kind, ..]) = tail else {
            return Err(Halt::Refuse(BAD_LENGTH));
        };
        if *kind != 1 {
            return Err(Halt::Refuse(BAD_DATA));
        }
        // Goes into the running hash for good: a second HASH_SIGN of a round signs something else.
        self.hashes.full.input(&[*d, *c, *b, *a, 1, 0, 0, 0]);
        self.sign_path = path;
        if self.sign_path.asks_to_sign(self.identity.coin_type) {
            let prompt = Prompt::sign_path(self.sign_path.on_screen());
            return self.ask(Question::SignPath, prompt);
        }
        Ok(Outcome::Answer(self.input_signature()))
    }

    /// `DER | 01`, the first byte with the y parity.
    pub(super) fn input_signature(&mut self) -> Answer {
        let digest = self.hashes.full_digest();
        let path = self.sign_path.derivable();
        let mut signature = path
            .and_then(|levels| self.keys.sign(levels, digest))
            .unwrap_or_else(|| vec![0, 0]);
        signature.push(1);
        Answer::ok(signature)
    }
}
