//! The outputs of a payment as FINALIZE_FULL streams them in the first round: which are shown, which is the change, what they sum to.
//!
//! Behaviour: LedgerHQ/lib-app-bitcoin c5e47a8, `hash_input_finalize_full.c`.

use super::apdu::{BAD_DATA, BAD_OUTPUT};
use crate::protocol::script::{Destination, destination, is_pay_to_key};

/// Bytes the device holds of outputs it has not finished.
const MAX_BUFFER: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stage {
    #[default]
    Count,
    List,
    /// All outputs are through; the fee is asked.
    Fee,
}

#[derive(Default)]
pub(super) struct Outputs {
    pub stage: Stage,
    buffer: Vec<u8>,
    total: u32,
    remaining: u32,
    /// Length of the output on the screen, still at the buffer's front.
    shown: usize,
    /// Duffs of every output so far; wraps as the device's does.
    pub sum: u64,
    change_found: bool,
    /// Key hash of the change path, once given.
    pub change: Option<[u8; 20]>,
}

/// Where the output list stands after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// More data has to come.
    Starved,
    /// The output at the front must be approved.
    Show,
    /// Every output is through.
    AllDone,
}

/// The output on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    /// From 1.
    pub number: u32,
    pub amount: u64,
    /// None for OP_RETURN.
    pub destination: Option<Destination>,
}

/// One complete output at the front of the buffer.
struct Front {
    amount: u64,
    script: Vec<u8>,
    len: usize,
}

impl Outputs {
    /// Forgets the list, not the change path. INPUT_START does not do this: a list given up halfway spoils the next one, as on the
    /// device, until an error or a refusal clears it.
    pub fn reset(&mut self) {
        *self = Self {
            change: self.change,
            total: self.total,
            remaining: self.remaining,
            ..Self::default()
        };
    }

    /// Adds a command's data and reads on.
    ///
    /// # Errors
    /// The status word: more than 100 bytes unfinished, or an output the app does not sign.
    pub fn push(&mut self, data: &[u8]) -> Result<Next, u16> {
        if self.buffer.len() + data.len() > MAX_BUFFER {
            return Err(BAD_DATA);
        }
        self.buffer.extend_from_slice(data);
        self.read_on().map_err(|Unsignable| BAD_OUTPUT)
    }

    /// The user accepted the output on the screen.
    ///
    /// # Errors
    /// The next output is none the app signs; at this point it says so with another status word.
    pub fn accepted(&mut self) -> Result<Next, u16> {
        // A question that outlived its list (the host went on meanwhile) decides nothing.
        if self.stage != Stage::List {
            return Ok(Next::Starved);
        }
        self.remaining = self.remaining.wrapping_sub(1);
        if self.remaining == 0 {
            self.stage = Stage::Fee;
            return Ok(Next::AllDone);
        }
        self.buffer.drain(..self.shown.min(self.buffer.len()));
        self.shown = 0;
        self.read_on().map_err(|Unsignable| BAD_DATA)
    }

    /// What the screen has to show, when the last answer was [`Next::Show`].
    pub fn shown(&self) -> Option<Shown> {
        let front = self.front().ok().flatten()?;
        Some(Shown {
            number: self.total.wrapping_sub(self.remaining).wrapping_add(1),
            amount: front.amount,
            destination: destination(&front.script),
        })
    }

    fn read_on(&mut self) -> Result<Next, Unsignable> {
        if self.stage == Stage::Count && !self.read_count()? {
            return Ok(self.idle());
        }
        if self.stage == Stage::Fee {
            return Err(Unsignable);
        }
        while let Some(front) = self.front()? {
            self.sum = self.sum.wrapping_add(front.amount);
            if !self.is_hidden_change(&front)? {
                self.shown = front.len;
                return Ok(Next::Show);
            }
            self.buffer.drain(..front.len);
            self.remaining = self.remaining.wrapping_sub(1);
        }
        Ok(self.idle())
    }

    fn idle(&mut self) -> Next {
        if self.remaining == 0 {
            self.stage = Stage::Fee;
            Next::AllDone
        } else {
            Next::Starved
        }
    }

    /// False while the count is not complete.
    fn read_count(&mut self) -> Result<bool, Unsignable> {
        let (count, len) = match self.buffer[..] {
            [] | [0xfd] | [0xfd, _] | [0xfe] | [0xfe, _] | [0xfe, _, _] | [0xfe, _, _, _] => return Ok(false),
            [0xff, ..] => return Err(Unsignable),
            [0xfd, low, high, ..] => (u32::from_le_bytes([low, high, 0, 0]), 3),
            [0xfe, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]), 5),
            [small, ..] => (u32::from(small), 1),
        };
        self.buffer.drain(..len);
        self.total = count;
        self.remaining = count;
        self.stage = Stage::List;
        Ok(true)
    }

    /// The complete output at the front, if there is one.
    fn front(&self) -> Result<Option<Front>, Unsignable> {
        let Some((amount, rest)) = self.buffer.split_at_checked(8) else {
            return Ok(None);
        };
        let (script_len, head) = match rest {
            [] | [0xfd] | [0xfd, _] => return Ok(None),
            [0xfe | 0xff, ..] => return Err(Unsignable),
            [0xfd, low, high, ..] => (usize::from(u16::from_le_bytes([*low, *high])), 3),
            [small, ..] => (usize::from(*small), 1),
        };
        Ok(rest.get(head..head + script_len).map(|script| Front {
            amount: amount.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            script: script.to_vec(),
            len: 8 + head + script_len,
        }))
    }

    /// Whether the output is the change, which is not shown.
    fn is_hidden_change(&mut self, front: &Front) -> Result<bool, Unsignable> {
        let data = front.script.first() == Some(&0x6a);
        let to_key = is_pay_to_key(&front.script);
        let to_script = matches!(destination(&front.script), Some(Destination::Script(_)));
        if !(to_key || to_script || (data && front.amount == 0)) {
            return Err(Unsignable);
        }
        if !to_key || self.change.is_none_or(|hash| front.script[3..23] != hash) {
            return Ok(false);
        }
        if self.change_found {
            return Err(Unsignable);
        }
        self.change_found = true;
        Ok(true)
    }
}

/// An output the app does not know, a second change output, or a malformed list.
struct Unsignable;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::script::{pay_to_key, pay_to_script};

    fn output(amount: u64, script: &[u8]) -> Vec<u8> {
        [&amount.to_le_bytes()[..], &[script.len() as u8], script].concat()
    }

    fn to_key(byte: u8) -> Vec<u8> {
        pay_to_key(&[byte; 20]).into_bytes()
    }

    #[test]
    fn outputs_are_shown_one_by_one_and_the_change_is_not() {
        let mut outputs = Outputs {
            change: Some([2; 20]),
            ..Outputs::default()
        };
        assert_eq!(outputs.push(&[3]), Ok(Next::Starved));
        assert_eq!(outputs.push(&output(10, &to_key(1))), Ok(Next::Show));
        assert_eq!(outputs.shown().map(|shown| (shown.number, shown.amount)), Some((1, 10)));
        assert_eq!(outputs.accepted(), Ok(Next::Starved));
        assert_eq!(outputs.push(&output(20, &to_key(2))), Ok(Next::Starved));
        let to_script = pay_to_script(&[3; 20]).into_bytes();
        assert_eq!(outputs.push(&output(30, &to_script)), Ok(Next::Show));
        assert_eq!(outputs.shown().map(|shown| shown.number), Some(3));
        assert_eq!(outputs.accepted(), Ok(Next::AllDone));
        assert_eq!(outputs.sum, 60);
    }

    #[test]
    fn a_second_change_output_and_a_funded_op_return_are_refused() {
        let mut twice = Outputs {
            change: Some([2; 20]),
            ..Outputs::default()
        };
        assert_eq!(twice.push(&[2]), Ok(Next::Starved));
        assert_eq!(twice.push(&output(1, &to_key(2))), Ok(Next::Starved));
        assert_eq!(twice.push(&output(1, &to_key(2))), Err(BAD_OUTPUT));
        let funded = [&[1][..], &output(1, &[0x6a])].concat();
        assert_eq!(Outputs::default().push(&funded), Err(BAD_OUTPUT));
        let unknown = [&[1][..], &output(0, &[0x51])].concat();
        assert_eq!(Outputs::default().push(&unknown), Err(BAD_OUTPUT));
    }

    #[test]
    fn an_output_may_have_a_hundred_bytes_and_no_more() {
        let op_return = |len: usize| output(0, &[&[0x6a][..], &vec![7; len - 10]].concat());
        let mut outputs = Outputs::default();
        assert_eq!(outputs.push(&[1]), Ok(Next::Starved));
        assert_eq!(outputs.push(&op_return(100)), Ok(Next::Show));
        assert_eq!(outputs.shown().and_then(|shown| shown.destination), None);
        let mut outputs = Outputs::default();
        assert_eq!(outputs.push(&[1]), Ok(Next::Starved));
        assert_eq!(outputs.push(&op_return(101)), Err(BAD_DATA));
    }
}
