//! Trezor devices (One and Model T) whose firmware knows Dash: the port [`Device`] over WebUSB or an emulator's UDP.
//!
//! `wire` knows messages, `transport` carries packets, `link` sits between them and trezor-client's protocol, `talk` holds one request
//! with all its questions, `client` and `spend` what is asked, the worker keeps it off everybody's thread. Sources:
//! trezor-firmware, docs/common, and vectors of its emulators (`tests/data/trezor`). Why it is built so: `docs/adr/0003`.

mod cipher;
mod client;
mod link;
mod spend;
mod talk;
mod transport;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bitcoin::bip32::{DerivationPath, Xpub};
use bitcoin::secp256k1::PublicKey;
use tokio::sync::watch;
use zeroize::Zeroizing;

use self::client::{Client, Connect};
use self::transport::udp::Udp;
use self::transport::{Pipe, usb};
use super::usb::PREFIX;
use super::worker::{Served, Worker};
use super::{Asker, Device, DeviceError, DeviceInfo, Kind, Nobody, Progress, Reply, ShownAddress, Spend};
use crate::protocol::message::CompactSignature;
use crate::protocol::{Profile, Transaction};

pub use self::cipher::{Direction, Seal};
pub use self::client::MAX_MESSAGE;
pub use self::spend::MAX_INPUTS;
pub use self::talk::{Limits, MAX_PASSPHRASE, passphrase_bytes};
pub use self::transport::usb::{Plugged, list, model as model_on_usb};
pub use self::wire::model::is_without_dash;

/// Whether Trezor firmware knows a network's coin.
pub fn knows(profile: &Profile) -> bool {
    wire::coin::of(profile).is_ok()
}

/// How long a cancelled question may take to end: that of [`Client`].
pub(super) const GRACE: Duration = <Client as Served>::GRACE;

/// An open Trezor. Its methods must be awaited inside a Tokio runtime.
pub struct Trezor {
    place: String,
    worker: Worker<Client>,
}

impl Trezor {
    /// The Trezor at a port (`3-2.1`). Blocks for some milliseconds.
    ///
    /// # Errors
    /// None is plugged in there, no permission, held by another program; a network no Trezor knows.
    pub fn usb(port: &str, profile: Arc<Profile>, asker: Arc<dyn Asker>) -> Result<Self, DeviceError> {
        let place = format!("{}{port}", PREFIX);
        Self::open(place, profile, connect_usb(port.to_owned()), asker, Limits::default())
    }

    /// An emulator or sandbox at `host:port`. Blocks until it answers, at most some seconds.
    ///
    /// # Errors
    /// [`DeviceError::NotConnected`], [`DeviceError::UnknownCoin`]
    pub fn network(address: &str, profile: Arc<Profile>, asker: Arc<dyn Asker>) -> Result<Self, DeviceError> {
        Self::network_with(address, profile, asker, Limits::default())
    }

    /// The same with a patience of one's own.
    ///
    /// # Errors
    /// As [`Trezor::network`].
    pub fn network_with(
        address: &str,
        profile: Arc<Profile>,
        asker: Arc<dyn Asker>,
        limits: Limits,
    ) -> Result<Self, DeviceError> {
        let connect = connect_network(address.to_owned());
        Self::open(address.to_owned(), profile, connect, asker, limits)
    }

    fn open(
        place: String,
        profile: Arc<Profile>,
        connect: Connect,
        asker: Arc<dyn Asker>,
        limits: Limits,
    ) -> Result<Self, DeviceError> {
        let coin = wire::coin::of(&profile)?;
        let mut client = Client::new(profile, coin, connect, asker, limits);
        client.connected()?;
        Ok(Self {
            place,
            worker: Worker::start(client),
        })
    }

    /// True while its thread is at work; outlives the device while a question is being cancelled.
    pub fn busy(&self) -> Arc<watch::Sender<bool>> {
        self.worker.busy()
    }

    /// En- or decrypts a value of 16 to 1024 bytes (a multiple of 16) under a key of the device.
    ///
    /// # Errors
    /// Declined, or a value, text or path that is refused.
    pub fn cipher(&self, seal: Seal, direction: Direction, value: Zeroizing<Vec<u8>>) -> Reply<'_, Zeroizing<Vec<u8>>> {
        self.ask(move |client| client.cipher(&seal, direction, &value))
    }

    fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Client) -> Result<T, DeviceError> + Send + 'static,
    ) -> Reply<'_, T> {
        let after_hello = |client: &mut Client| {
            client.ready()?;
            request(client)
        };
        Box::pin(self.worker.run(after_hello))
    }
}

impl Device for Trezor {
    fn kind(&self) -> Kind {
        Kind::Trezor
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    fn info(&self) -> Reply<'_, DeviceInfo> {
        Box::pin(self.worker.run(Client::info))
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

/// Which device to probe.
pub(super) enum Probe {
    Usb(Plugged),
    Network(String),
}

/// What a device that nobody has open is ready for.
pub(super) struct Probed {
    pub model: String,
    /// What it says of itself, and whether it asks for its PIN first.
    pub ready: Result<(DeviceInfo, bool), DeviceError>,
}

/// Model and readiness of a device that nobody has open; asks the user nothing. Blocks.
pub(super) fn probe(profile: Arc<Profile>, at: Probe) -> Probed {
    let (unknown, connect): (_, Connect) = match at {
        Probe::Usb(plugged) => (
            plugged.model(),
            Box::new(move || Ok(Box::new(plugged.open()?) as Box<dyn Pipe>)),
        ),
        Probe::Network(address) => ("emulator", connect_network(address)),
    };
    let ready = wire::coin::of(&profile).and_then(|coin| {
        let mut client = Client::new(profile, coin, connect, Arc::new(Nobody), Limits::default());
        let info = client.info()?;
        Ok((info, client.is_locked()))
    });
    let model = match &ready {
        Ok((info, _)) => info.model.clone(),
        Err(DeviceError::NoCoinOnModel { model, .. } | DeviceError::OldFirmware { model, .. }) => Some(model.clone()),
        Err(_) => None,
    };
    Probed {
        model: model.unwrap_or_else(|| unknown.to_owned()),
        ready,
    }
}

fn connect_network(address: String) -> Connect {
    Box::new(move || Ok(Box::new(Udp::connect(&address)?) as Box<dyn Pipe>))
}

/// Looked for anew each time: plugged in again it has another number.
fn connect_usb(port: String) -> Connect {
    Box::new(move || {
        let here = usb::list().into_iter().find(|one| one.port == port);
        let here = here.ok_or(DeviceError::NotConnected { kind: Kind::Trezor })?;
        Ok(Box::new(here.open()?) as Box<dyn Pipe>)
    })
}

fn gone() -> DeviceError {
    DeviceError::Gone { kind: Kind::Trezor }
}

fn timed_out() -> DeviceError {
    DeviceError::TimedOut { kind: Kind::Trezor }
}

fn bad(what: &str) -> DeviceError {
    DeviceError::BadAnswer {
        kind: Kind::Trezor,
        what: what.to_owned(),
    }
}

fn unsupported(what: String) -> DeviceError {
    DeviceError::Unsupported {
        kind: Kind::Trezor,
        what,
    }
}
