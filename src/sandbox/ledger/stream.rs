//! The app's transaction parser: bytes arrive in any number of commands and are hashed as they pass, never kept.
//!
//! Two commands feed it. GET_TRUSTED_INPUT streams a whole previous transaction, payload included; INPUT_START streams the
//! inputs of the transaction to be signed. Some fields must not be cut across two commands: the app then closes.
//!
//! Behaviour: LedgerHQ/lib-app-bitcoin c5e47a8, `transaction.c`.

use bitcoin::hashes::{Hash, HashEngine, sha256};

use super::apdu::Halt;
use super::keys::InputKey;

/// `32 00 | nonce 2 | txid 32 | index u32 LE | amount u64 LE | mac 8`.
pub(super) const TRUSTED_INPUT: usize = 56;
const TRUSTED_MAGIC: u8 = 0x32;
/// Bytes the MAC covers.
const VOUCHED: usize = TRUSTED_INPUT - 8;

/// The two running hashes, of which the device has one pair for everything: a message signed between two rounds of a
/// payment ruins the payment.
#[derive(Default)]
pub(super) struct Hashes {
    /// What gets signed.
    pub full: sha256::HashEngine,
    /// What the user approved, which later rounds must repeat. For messages, the hash on the screen.
    pub authorization: sha256::HashEngine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    TrustedInput,
    Signature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum State {
    #[default]
    Idle,
    Inputs,
    InputScript,
    InputsDone,
    Outputs,
    OutputScript,
    OutputsDone,
    Payload,
    /// A previous transaction is complete.
    Parsed,
    /// The inputs are complete; outputs come with FINALIZE_FULL.
    PresignReady,
    SignReady,
}

/// Where the parser stands between two commands.
#[derive(Default)]
pub(super) struct Stream {
    pub state: State,
    /// Inputs or outputs still to come.
    remaining: u32,
    /// Index of the output being read.
    current: u32,
    script_left: u32,
    /// Duffs: sum of the inputs (signature), or of the wanted output (trusted input).
    pub amount: u64,
    /// The output a trusted input is made of.
    pub target: u32,
    pub target_found: bool,
    /// An input without a vouched amount was seen: the fee is unknown.
    pub relaxed: bool,
    /// Scripts differ between rounds, so the authorization leaves them out.
    skip_authorization: bool,
}

impl Hashes {
    /// Digest of a copy: the device's engine goes on from where it was.
    pub fn full_digest(&self) -> [u8; 32] {
        let single = sha256::Hash::from_engine(self.full.clone());
        sha256::Hash::hash(single.as_byte_array()).to_byte_array()
    }

    pub fn authorization_digest(&self) -> [u8; 32] {
        sha256::Hash::from_engine(self.authorization.clone()).to_byte_array()
    }
}

impl Stream {
    /// The first command of a transaction.
    pub fn restart(&mut self, mode: Mode) {
        self.state = State::Idle;
        self.skip_authorization = mode == Mode::TrustedInput;
    }

    /// Takes the data of one command.
    ///
    /// # Errors
    /// Crash: a field was cut, a trusted input is not of this device, or a length is beyond 32 bits.
    pub fn feed(&mut self, mode: Mode, data: &[u8], hashes: &mut Hashes, key: &InputKey) -> Result<(), Halt> {
        let mut chunk = Chunk { data, hashes };
        while self.advance(mode, &mut chunk, key)? {}
        Ok(())
    }

    /// One step; false when it needs more data or has come to its end.
    fn advance(&mut self, mode: Mode, chunk: &mut Chunk<'_>, key: &InputKey) -> Result<bool, Halt> {
        match self.state {
            State::Idle => self.begin(chunk).map(|()| true),
            State::Inputs if self.remaining == 0 => Ok(self.go(State::InputsDone)),
            State::InputsDone if mode == Mode::Signature => Ok(self.go(State::PresignReady)),
            State::Outputs if self.remaining == 0 => Ok(self.go(State::OutputsDone)),
            State::Payload if self.script_left == 0 => Ok(self.go(State::Parsed)),
            State::Parsed | State::PresignReady | State::SignReady => Ok(false),
            _ if chunk.data.is_empty() => Ok(false),
            State::Inputs => self.input(mode, chunk, key).map(|()| true),
            State::InputScript => self.input_script(mode, chunk).map(|()| true),
            State::InputsDone => self.output_count(chunk).map(|()| true),
            State::Outputs => self.output(chunk).map(|()| true),
            State::OutputScript => self.output_script(chunk).map(|()| true),
            State::OutputsDone => self.lock_time(chunk).map(|()| true),
            State::Payload => self.pass_script(chunk, self.script_left).map(|()| true),
        }
    }

    fn go(&mut self, state: State) -> bool {
        self.state = state;
        true
    }

    fn begin(&mut self, chunk: &mut Chunk<'_>) -> Result<(), Halt> {
        *chunk.hashes = Hashes::default();
        self.amount = 0;
        self.current = 0;
        self.script_left = 0;
        chunk.pass(4, !self.skip_authorization)?;
        self.remaining = self.varint(chunk)?;
        self.state = State::Inputs;
        Ok(())
    }

    fn input(&mut self, mode: Mode, chunk: &mut Chunk<'_>, key: &InputKey) -> Result<(), Halt> {
        match mode {
            Mode::TrustedInput => {
                chunk.pass(36, false)?;
            }
            Mode::Signature => {
                self.outpoint_to_sign(chunk, key)?;
                self.skip_authorization = true;
            }
        }
        self.script_left = self.varint(chunk)?;
        self.state = State::InputScript;
        Ok(())
    }

    /// `01 | 38 | trusted input`, or `00 | outpoint`.
    fn outpoint_to_sign(&mut self, chunk: &mut Chunk<'_>, key: &InputKey) -> Result<(), Halt> {
        match chunk.take(1)? {
            [0] => {
                self.relaxed = true;
                chunk.pass(36, !self.skip_authorization).map(drop)
            }
            [1] if chunk.take(1)? == [TRUSTED_INPUT as u8] => {
                let (vouched, mac) = chunk.take(TRUSTED_INPUT)?.split_at(VOUCHED);
                if vouched[0] != TRUSTED_MAGIC || key.mac(vouched) != mac {
                    return Err(Halt::Crash);
                }
                chunk.hash(&vouched[4..40], !self.skip_authorization);
                let amount = vouched[40..].try_into().map_err(|_| Halt::Crash)?;
                self.amount = self.amount.checked_add(u64::from_le_bytes(amount)).ok_or(Halt::Crash)?;
                Ok(())
            }
            _ => Err(Halt::Crash),
        }
    }

    /// The last byte of a script and the sequence must come together.
    fn input_script(&mut self, mode: Mode, chunk: &mut Chunk<'_>) -> Result<(), Halt> {
        if self.script_left > 1 {
            return self.pass_script(chunk, self.script_left - 1);
        }
        chunk.pass(self.script_left as usize, !self.skip_authorization)?;
        self.script_left = 0;
        if mode == Mode::Signature {
            self.skip_authorization = false;
        }
        chunk.pass(4, !self.skip_authorization)?;
        self.remaining -= 1;
        self.state = State::Inputs;
        Ok(())
    }

    fn output_count(&mut self, chunk: &mut Chunk<'_>) -> Result<(), Halt> {
        self.remaining = self.varint(chunk)?;
        self.current = 0;
        self.state = State::Outputs;
        Ok(())
    }

    fn output(&mut self, chunk: &mut Chunk<'_>) -> Result<(), Halt> {
        let amount: [u8; 8] = chunk
            .pass(8, !self.skip_authorization)?
            .try_into()
            .map_err(|_| Halt::Crash)?;
        if self.current == self.target {
            self.amount = u64::from_le_bytes(amount);
            self.target_found = true;
        }
        self.script_left = self.varint(chunk)?;
        self.state = State::OutputScript;
        Ok(())
    }

    fn output_script(&mut self, chunk: &mut Chunk<'_>) -> Result<(), Halt> {
        if self.script_left > 0 {
            return self.pass_script(chunk, self.script_left);
        }
        self.remaining -= 1;
        self.current = self.current.wrapping_add(1);
        self.state = State::Outputs;
        Ok(())
    }

    /// What follows in the same command is the length of the rest (DIP-0002 payload with its own length), itself not hashed.
    fn lock_time(&mut self, chunk: &mut Chunk<'_>) -> Result<(), Halt> {
        chunk.pass(4, !self.skip_authorization)?;
        if chunk.data.is_empty() {
            self.state = State::Parsed;
            return Ok(());
        }
        self.script_left = chunk.varint()?.0;
        self.state = State::Payload;
        Ok(())
    }

    fn pass_script(&mut self, chunk: &mut Chunk<'_>, most: u32) -> Result<(), Halt> {
        let count = chunk.data.len().min(most as usize);
        chunk.pass(count, !self.skip_authorization)?;
        self.script_left -= count as u32;
        Ok(())
    }

    fn varint(&self, chunk: &mut Chunk<'_>) -> Result<u32, Halt> {
        let (value, bytes) = chunk.varint()?;
        chunk.hash(bytes, !self.skip_authorization);
        Ok(value)
    }
}

/// What is left of a command's data, and where it is hashed.
struct Chunk<'a> {
    data: &'a [u8],
    hashes: &'a mut Hashes,
}

impl<'a> Chunk<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Halt> {
        let (taken, rest) = self.data.split_at_checked(count).ok_or(Halt::Crash)?;
        self.data = rest;
        Ok(taken)
    }

    fn pass(&mut self, count: usize, authorize: bool) -> Result<&'a [u8], Halt> {
        let taken = self.take(count)?;
        self.hash(taken, authorize);
        Ok(taken)
    }

    fn hash(&mut self, bytes: &[u8], authorize: bool) {
        self.hashes.full.input(bytes);
        if authorize {
            self.hashes.authorization.input(bytes);
        }
    }

    /// A compactSize of up to 32 bits in any form, and its bytes.
    fn varint(&mut self) -> Result<(u32, &'a [u8]), Halt> {
        let all = self.data;
        let value = match self.take(1)? {
            [0xfd] => self.take(2)?,
            [0xfe] => self.take(4)?,
            [0xff] => return Err(Halt::Crash),
            small => small,
        };
        let number = value
            .iter()
            .rev()
            .fold(0u32, |number, byte| number << 8 | u32::from(*byte));
        Ok((number, &all[..all.len() - self.data.len()]))
    }
}
