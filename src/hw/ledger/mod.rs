//! Ledger devices with an app of the Bitcoin family (Dash 2.x): the port [`Device`] over USB or TCP.
//!
//! `wire` knows bytes, `transport` carries them, `client` and `spend` hold the conversation, the worker keeps it off
//! everybody's thread. Sources: LedgerHQ/app-bitcoin, and recordings of the real app (`tests/data/ledger`).

mod client;
mod spend;
mod transport;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bitcoin::bip32::{DerivationPath, Xpub};
use bitcoin::secp256k1::PublicKey;
use tokio::sync::watch;

use self::client::{Client, Connect};
use self::transport::tcp::Tcp;
use self::transport::{Transport, hid};
use super::usb::PREFIX;
use super::worker::{Served, Worker};
use super::{Device, DeviceError, DeviceInfo, Kind, Progress, Reply, ShownAddress, Spend};
use crate::protocol::message::CompactSignature;
use crate::protocol::{Profile, Transaction};

pub use self::spend::MAX_INPUTS;
pub use self::transport::hid::{Plugged, VENDOR, list, model as model_on_usb};
pub use self::wire::message::message_hash_shown;

/// How long an abandoned request may still run before the device counts as busy: that of [`Client`].
pub(super) const GRACE: Duration = <Client as Served>::GRACE;

/// An open Ledger. Its methods must be awaited inside a Tokio runtime.
pub struct Ledger {
    place: String,
    worker: Worker<Client>,
}

impl Ledger {
    /// The Ledger at a port (`3-2.1`). Blocks for some milliseconds.
    ///
    /// # Errors
    /// None is plugged in there, no permission, held by another program.
    pub fn usb(port: &str, profile: Arc<Profile>) -> Result<Self, DeviceError> {
        let place = format!("{}{port}", PREFIX);
        Self::open(place, profile, connect_usb(port.to_owned()))
    }

    /// An emulator or sandbox at `host:port`. Blocks until it accepts, at most some seconds.
    ///
    /// # Errors
    /// [`DeviceError::NotConnected`]
    pub fn network(address: &str, profile: Arc<Profile>) -> Result<Self, DeviceError> {
        let place = address.to_owned();
        let connect = move || Ok(Box::new(Tcp::connect(&place)?) as Box<dyn Transport>);
        Self::open(address.to_owned(), profile, Box::new(connect))
    }

    fn open(place: String, profile: Arc<Profile>, connect: Connect) -> Result<Self, DeviceError> {
        let mut client = Client::new(profile, connect);
        client.connected()?;
        Ok(Self {
            place,
            worker: Worker::start(client),
        })
    }

    /// True while its thread is at work; outlives the device when a question is still on the screen.
    pub fn busy(&self) -> Arc<watch::Sender<bool>> {
        self.worker.busy()
    }

    fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Client) -> Result<T, DeviceError> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(self.worker.run(request))
    }
}

impl Device for Ledger {
    fn kind(&self) -> Kind {
        Kind::Ledger
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    fn info(&self) -> Reply<'_, DeviceInfo> {
        self.ask(Client::info)
    }

    fn public_key(&self, path: DerivationPath) -> Reply<'_, PublicKey> {
        self.ask(move |client| client.public_key(&path))
    }

    fn show_address(&self, path: DerivationPath) -> Reply<'_, ShownAddress> {
        self.ask(move |client| client.show_address(&path))
    }

    fn account_xpub(&self, path: DerivationPath) -> Reply<'_, Xpub> {
        self.ask(move |client| client.account_xpub(&path))
    }

    fn sign_message(&self, path: DerivationPath, message: Vec<u8>) -> Reply<'_, CompactSignature> {
        self.ask(move |client| client.sign_message(&path, &message))
    }

    fn sign_spend(&self, spend: Spend, progress: Progress) -> Reply<'_, Transaction> {
        self.ask(move |client| client.sign_spend(&spend, &progress))
    }
}

/// What a device that nobody has open says of itself; asks the user nothing. Blocks.
///
/// # Errors
/// Why it is not ready.
pub(super) fn probe(profile: Arc<Profile>, at: Probe) -> Result<DeviceInfo, DeviceError> {
    let mut at = Some(at);
    let connect = move || match at.take() {
        Some(Probe::Usb(plugged)) => Ok(Box::new(plugged.open()?) as Box<dyn Transport>),
        Some(Probe::Network(address)) => Ok(Box::new(Tcp::connect(&address)?) as Box<dyn Transport>),
        None => Err(gone()),
    };
    Client::new(profile, Box::new(connect)).info()
}

/// Which device to probe.
pub(super) enum Probe {
    Usb(Plugged),
    Network(String),
}

/// Looked for anew each time: an app that is opened or closed comes back as another node.
fn connect_usb(port: String) -> Connect {
    Box::new(move || {
        let here = hid::list().into_iter().find(|one| one.port == port);
        let here = here.ok_or(DeviceError::NotConnected { kind: Kind::Ledger })?;
        Ok(Box::new(here.open()?) as Box<dyn Transport>)
    })
}

fn gone() -> DeviceError {
    DeviceError::Gone { kind: Kind::Ledger }
}

fn bad(what: &str) -> DeviceError {
    DeviceError::BadAnswer {
        kind: Kind::Ledger,
        what: what.to_owned(),
    }
}
