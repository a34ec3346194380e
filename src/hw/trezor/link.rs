//! The link below trezor-client's protocol: packets of one message with a time limit, and a way out.
//!
//! A read waits in short slices. When nobody waits for the answer any more, or the user took too long, it sends one `Cancel`,
//! which the device answers like anything else, and goes on reading: so the two stay in step (docs/adr/0003).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use trezor_client::protos::MessageType;
use trezor_client::transport::error::Error;
use trezor_client::transport::protocol::Link;
use zeroize::{Zeroize, Zeroizing};

use super::transport::{CHUNK, Chunk, Lost, Pipe};

/// How often a waiting read looks whether it is still wanted.
const SLICE: Duration = Duration::from_millis(100);
/// How long a device may take to answer a `Cancel`.
const CANCEL: Duration = Duration::from_secs(5);
/// Bytes of a packet before the data: `? # #`, type, length; in later packets only `?`.
const HEAD: usize = 9;
/// More than any answer that is asked for.
const MAX_MESSAGE: usize = 64 * 1024;

/// Why a read ended early. The device was told to give up its question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Nobody waits any more.
    Abandoned,
    /// The user took too long.
    Late,
}

/// Packets to and from one device.
pub struct Wire {
    pipe: Box<dyn Pipe>,
    abandoned: Arc<AtomicBool>,
    deadline: Instant,
    /// Whether a `Cancel` at the deadline is the way to get an answer after all.
    user: bool,
    stopped: Option<Stopped>,
    /// Bytes of the message that is being read which are still to come.
    missing: usize,
    /// Whether packets that begin no message are skipped: leftovers of another program.
    syncing: bool,
    /// A packet that came while the user was looked after.
    early: Option<Chunk>,
}

impl Wire {
    pub fn new(pipe: Box<dyn Pipe>) -> Self {
        Self {
            pipe,
            abandoned: Arc::default(),
            deadline: Instant::now(),
            user: false,
            stopped: None,
            missing: 0,
            syncing: false,
            early: None,
        }
    }

    /// Begins a request, which ends with a `Cancel` once `abandoned` is set.
    pub fn begin(&mut self, abandoned: Arc<AtomicBool>) {
        self.abandoned = abandoned;
        self.stopped = None;
        self.missing = 0;
        self.early = None;
    }

    pub fn sync(&mut self, syncing: bool) {
        self.syncing = syncing;
    }

    /// Until when the next message has to come; `user`: because somebody has to press buttons.
    pub fn expect(&mut self, limit: Duration, user: bool) {
        self.deadline = Instant::now() + limit;
        self.user = user;
        self.missing = 0;
    }

    pub fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    /// Why a `Cancel` was sent in this request, if one was.
    pub fn stopped(&self) -> Option<Stopped> {
        self.stopped
    }

    /// Looks whether the device is still there while it waits for an answer of ours. It sends nothing meanwhile.
    pub fn look(&mut self) -> Result<(), Error> {
        match self.pipe.receive(Duration::from_millis(1)) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(Error::DeviceBadMagic),
            Err(Lost) => Err(Error::DeviceDisconnected),
        }
    }

    /// As [`Wire::look`], where the line can tell of a device that was away meanwhile.
    pub fn is_quiet(&mut self) -> bool {
        self.pipe.tells_of_unplugging() && self.look().is_ok()
    }

    /// Waits a moment for an answer, and keeps it for the next read. True if one is there.
    pub fn arrived(&mut self) -> Result<bool, Error> {
        if self.early.is_none() {
            self.early = self.pipe.receive(SLICE).map_err(|Lost| Error::DeviceDisconnected)?;
        }
        Ok(self.early.is_some())
    }

    /// Sends a message whose bytes are wiped on the way; the protocol would leave copies behind.
    pub fn write_secret(&mut self, kind: MessageType, payload: &[u8]) -> Result<(), Error> {
        let mut data = Zeroizing::new(Vec::with_capacity(8 + payload.len()));
        data.extend_from_slice(b"##");
        data.extend_from_slice(&(kind as u16).to_be_bytes());
        data.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        data.extend_from_slice(payload);
        for part in data.chunks(CHUNK - 1) {
            let mut chunk = Zeroizing::new([0; CHUNK]);
            chunk[0] = b'?';
            chunk[1..=part.len()].copy_from_slice(part);
            self.send(&chunk)?;
        }
        Ok(())
    }

    /// Tells the device to give up; it answers with a failure.
    pub fn cancel(&mut self, why: Stopped) -> Result<(), Error> {
        self.stopped = Some(why);
        self.expect_cancelled();
        let mut chunk = [0; CHUNK];
        chunk[..3].copy_from_slice(b"?##");
        chunk[3..5].copy_from_slice(&(MessageType::MessageType_Cancel as u16).to_be_bytes());
        self.send(&chunk)
    }

    fn expect_cancelled(&mut self) {
        self.deadline = Instant::now() + CANCEL;
        self.user = false;
    }

    fn send(&mut self, chunk: &Chunk) -> Result<(), Error> {
        self.pipe.send(chunk).map_err(|Lost| Error::DeviceDisconnected)
    }

    fn next(&mut self) -> Result<Chunk, Error> {
        loop {
            if self.stopped.is_none() && self.is_abandoned() {
                self.cancel(Stopped::Abandoned)?;
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                if !self.user || self.stopped.is_some() {
                    return Err(Error::DeviceReadTimeout);
                }
                self.cancel(Stopped::Late)?;
                continue;
            }
            if let Some(chunk) = self.early.take() {
                return Ok(chunk);
            }
            match self.pipe.receive(left.min(SLICE)) {
                Ok(Some(chunk)) => return Ok(chunk),
                Ok(None) => {}
                Err(Lost) => return Err(Error::DeviceDisconnected),
            }
        }
    }

    /// Whether a packet is the one that may come now. The protocol above prints and believes what does not fit.
    fn accept(&mut self, chunk: &Chunk) -> Result<bool, Error> {
        if self.missing > 0 {
            if chunk[0] != b'?' {
                return Err(Error::DeviceBadMagic);
            }
            self.missing = self.missing.saturating_sub(CHUNK - 1);
            return Ok(true);
        }
        if &chunk[..3] != b"?##" {
            return if self.syncing {
                Ok(false)
            } else {
                Err(Error::DeviceBadMagic)
            };
        }
        let length = u32::from_be_bytes([chunk[5], chunk[6], chunk[7], chunk[8]]) as usize;
        if length > MAX_MESSAGE {
            return Err(Error::UnexpectedChunkSizeFromDevice(length));
        }
        self.missing = length.saturating_sub(CHUNK - HEAD);
        Ok(true)
    }
}

impl Link for Wire {
    fn write_chunk(&mut self, mut chunk: Vec<u8>) -> Result<(), Error> {
        let packet =
            Chunk::try_from(chunk.as_slice()).map_err(|_| Error::UnexpectedChunkSizeFromDevice(chunk.len()))?;
        chunk.zeroize();
        self.send(&packet)
    }

    fn read_chunk(&mut self) -> Result<Vec<u8>, Error> {
        loop {
            let chunk = self.next()?;
            if self.accept(&chunk)? {
                return Ok(chunk.to_vec());
            }
        }
    }
}
