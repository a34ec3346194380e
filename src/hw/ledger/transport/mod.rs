//! How commands reach a Ledger: USB HID, or TCP to an emulator. Both carry the same bytes.
//!
//! One exchange at a time, on one connection that is kept: the app forgets the pending answer when another command arrives
//! during a question, and an emulator sends a late answer to whoever connected last. So nothing here polls or repeats.

pub mod framing;
pub mod hid;
pub mod tcp;

use std::time::Duration;

use super::{bad, gone};
use crate::hw::DeviceError;

/// An open connection to a device.
pub trait Transport: Send {
    /// Sends a command and waits for its answer: data and status word.
    ///
    /// With a limit, silence for so long counts as a lost connection; commands that may put a question to the user have none.
    ///
    /// # Errors
    /// [`DeviceError::Gone`] when the connection is lost (an app that exits closes it), [`DeviceError::BadAnswer`] for an
    /// answer that breaks the framing. After either the connection is of no use.
    fn exchange(&mut self, command: &[u8], limit: Option<Duration>) -> Result<(Vec<u8>, u16), DeviceError>;
}

/// Parts an answer into its data and the status word at its end.
fn split_status(mut answer: Vec<u8>) -> Result<(Vec<u8>, u16), DeviceError> {
    let Some(at) = answer.len().checked_sub(2) else {
        return Err(bad("an answer without a status word"));
    };
    let status = u16::from_be_bytes([answer[at], answer[at + 1]]);
    answer.truncate(at);
    Ok((answer, status))
}
