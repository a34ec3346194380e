//! How chunks reach a Trezor: WebUSB, or UDP to a firmware emulator. Both carry the same 64 bytes.

pub mod udp;
pub mod usb;

use std::time::Duration;

/// Bytes of a packet.
pub const CHUNK: usize = 64;
pub type Chunk = [u8; CHUNK];

/// The connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

/// An open connection to a device.
pub trait Pipe: Send {
    /// # Errors
    /// [`Lost`]: unplugged, or nobody listens.
    fn send(&mut self, chunk: &Chunk) -> Result<(), Lost>;

    /// The next packet, or none if there was none for so long.
    ///
    /// # Errors
    /// [`Lost`], also when that is noticed while waiting.
    fn receive(&mut self, wait: Duration) -> Result<Option<Chunk>, Lost>;

    /// Whether a device that was away is [`Lost`] for good, also when it is back at the same place.
    fn tells_of_unplugging(&self) -> bool;
}
