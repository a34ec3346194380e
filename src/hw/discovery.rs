//! Which devices there are, and opening the one the user means.
//!
//! Everything here may block (USB: milliseconds; a dead network address: seconds): call it off the window's thread.

use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;

use super::ledger::{self, Ledger};
use super::trezor::{self, Trezor};
use super::{Asker, Device, DeviceError, DeviceSpec, Kind};
use crate::protocol::Profile;

/// A device that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub kind: Kind,
    /// `Nano S Plus`, `Trezor One`, `emulator`
    pub model: String,
    /// `usb`, or host and port.
    pub place: String,
    pub state: State,
}

/// What a device is ready for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The right app is open, or the firmware knows the coin.
    Ready { app: String, version: String },
    /// This program has it open already; asking it from here would disturb a question on its screen. [`open`] gives it.
    Open,
    /// Locked, wrong app, no permission, ...
    NotReady(DeviceError),
}

impl FromStr for DeviceSpec {
    type Err = DeviceError;

    /// `ledger`, `trezor`, `ledger@HOST:PORT`, `trezor@HOST:PORT`.
    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let bad = || DeviceError::BadSpec { text: text.to_owned() };
        let (kind, address) = match text.trim().split_once('@') {
            Some((kind, address)) => (kind, Some(address)),
            None => (text.trim(), None),
        };
        let kind = match kind.to_ascii_lowercase().as_str() {
            "ledger" => Kind::Ledger,
            "trezor" => Kind::Trezor,
            _ => return Err(bad()),
        };
        let Some(address) = address else {
            return Ok(Self::Usb(kind));
        };
        match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0) => {
                Ok(Self::Network {
                    kind,
                    address: address.to_owned(),
                })
            }
            _ => Err(bad()),
        }
    }
}

/// Place of a device on USB.
const USB: &str = "usb";

/// The devices that match, and for what they are ready. Asks the user nothing.
pub fn found(spec: &DeviceSpec, profile: &Arc<Profile>) -> Vec<Found> {
    match spec {
        DeviceSpec::Any => [usb_ledgers(profile), usb_trezors(profile)].concat(),
        DeviceSpec::Usb(Kind::Ledger) => usb_ledgers(profile),
        DeviceSpec::Usb(Kind::Trezor) => usb_trezors(profile),
        DeviceSpec::Network {
            kind: Kind::Ledger,
            address,
        } => vec![ledger(
            "emulator",
            address,
            profile,
            ledger::Probe::Network(address.clone()),
        )],
        DeviceSpec::Network {
            kind: Kind::Trezor,
            address,
        } => vec![trezor(
            "emulator",
            address,
            profile,
            trezor::Probe::Network(address.clone()),
        )],
    }
}

/// Opens the device the user means; what it asks its user goes to `asker`. One that this program has open already is given again,
/// with the asker it has: two connections to one device steal each other's answers.
///
/// # Errors
/// None or several found, no permission, nobody listening. Whether it is ready is checked by the first request.
pub fn open(spec: &DeviceSpec, profile: Arc<Profile>, asker: Arc<dyn Asker>) -> Result<Arc<dyn Device>, DeviceError> {
    let kind = match spec {
        DeviceSpec::Any => only_kind()?,
        DeviceSpec::Usb(kind) | DeviceSpec::Network { kind, .. } => *kind,
    };
    let address = match spec {
        DeviceSpec::Network { address, .. } => Some(address.as_str()),
        _ => None,
    };
    let here = Place {
        kind,
        at: address.unwrap_or(USB).to_owned(),
        profile: Arc::clone(&profile),
    };
    shared(here, || match kind {
        Kind::Ledger => {
            let opened = address.map_or_else(
                || Ledger::usb(Arc::clone(&profile)),
                |address| Ledger::network(address, Arc::clone(&profile)),
            )?;
            let busy = opened.busy();
            Ok((Arc::new(opened), busy))
        }
        Kind::Trezor => {
            let opened = match address {
                Some(address) => Trezor::network(address, profile, asker),
                None => Trezor::usb(profile, asker),
            }?;
            let busy = opened.busy();
            Ok((Arc::new(opened), busy))
        }
    })
}

/// The kind of the only device on USB. None at all is left to be said by the Ledger's own search.
fn only_kind() -> Result<Kind, DeviceError> {
    match (ledger::list().len(), trezor::list().len()) {
        (_, 0) => Ok(Kind::Ledger),
        (0, _) => Ok(Kind::Trezor),
        (ledgers, trezors) => Err(DeviceError::Several {
            count: ledgers + trezors,
        }),
    }
}

/// The udev rules that let users open a device on Linux; packages install them, others copy them by hand.
pub fn udev_rule(kind: Kind) -> &'static str {
    match kind {
        Kind::Ledger => include_str!("../../packaging/linux/70-castellan-ledger.rules"),
        Kind::Trezor => include_str!("../../packaging/linux/70-castellan-trezor.rules"),
    }
}

fn usb_ledgers(profile: &Arc<Profile>) -> Vec<Found> {
    ledger::list()
        .into_iter()
        .map(|plugged| ledger(plugged.model(), USB, profile, ledger::Probe::Usb(plugged.clone())))
        .collect()
}

fn usb_trezors(profile: &Arc<Profile>) -> Vec<Found> {
    trezor::list()
        .into_iter()
        .map(|plugged| trezor(plugged.model(), USB, profile, trezor::Probe::Usb(plugged.clone())))
        .collect()
}

fn ledger(model: &str, place: &str, profile: &Arc<Profile>, at: ledger::Probe) -> Found {
    let ready = (!is_open(Kind::Ledger, place)).then(|| ledger::probe(Arc::clone(profile), at));
    seen(Kind::Ledger, model, place, ready)
}

fn trezor(model: &str, place: &str, profile: &Arc<Profile>, at: trezor::Probe) -> Found {
    if is_open(Kind::Trezor, place) {
        return seen(Kind::Trezor, model, place, None);
    }
    let probed = trezor::probe(Arc::clone(profile), at);
    seen(Kind::Trezor, probed.model, place, Some(probed.ready))
}

fn seen(kind: Kind, model: &str, place: &str, ready: Option<Result<(String, String), DeviceError>>) -> Found {
    Found {
        kind,
        model: model.to_owned(),
        place: place.to_owned(),
        state: match ready {
            None => State::Open,
            Some(Ok((app, version))) => State::Ready { app, version },
            Some(Err(error)) => State::NotReady(error),
        },
    }
}

/// Where and for what network a device is open.
struct Place {
    kind: Kind,
    at: String,
    profile: Arc<Profile>,
}

/// A device opened here. Dropped by everybody it may still be at work, until its question is answered or cancelled.
struct OpenPlace {
    place: Place,
    device: Weak<dyn Device>,
    busy: Busy,
}

/// Whether the device's thread is at work.
type Busy = Arc<watch::Sender<bool>>;

impl OpenPlace {
    fn in_use(&self) -> bool {
        self.device.strong_count() > 0 || *self.busy.borrow()
    }

    fn is_at(&self, kind: Kind, at: &str) -> bool {
        self.place.kind == kind && self.place.at == at
    }
}

/// A global, because the devices on the table are: whoever opens the same one must get the same connection.
fn open_places() -> MutexGuard<'static, Vec<OpenPlace>> {
    static OPEN: Mutex<Vec<OpenPlace>> = Mutex::new(Vec::new());
    let mut places = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    places.retain(OpenPlace::in_use);
    places
}

fn is_open(kind: Kind, at: &str) -> bool {
    open_places().iter().any(|open| open.is_at(kind, at))
}

fn shared(
    place: Place,
    connect: impl FnOnce() -> Result<(Arc<dyn Device>, Busy), DeviceError>,
) -> Result<Arc<dyn Device>, DeviceError> {
    let mut places = open_places();
    if let Some(open) = places.iter().find(|open| open.is_at(place.kind, &place.at)) {
        return match open.device.upgrade() {
            Some(device) if open.place.profile == place.profile => Ok(device),
            _ => Err(DeviceError::Busy { kind: place.kind }),
        };
    }
    let (device, busy) = connect()?;
    places.push(OpenPlace {
        place,
        device: Arc::downgrade(&device),
        busy,
    });
    Ok(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::Nobody;
    use crate::protocol::network::builtin;
    use std::net::TcpListener;

    #[test]
    fn a_device_is_named_by_kind_or_by_kind_and_address() {
        let network = |kind, address: &str| DeviceSpec::Network {
            kind,
            address: address.to_owned(),
        };
        for (text, spec) in [
            ("ledger", DeviceSpec::Usb(Kind::Ledger)),
            (" Trezor ", DeviceSpec::Usb(Kind::Trezor)),
            ("ledger@127.0.0.1:9999", network(Kind::Ledger, "127.0.0.1:9999")),
            ("ledger@[::1]:9999", network(Kind::Ledger, "[::1]:9999")),
            ("trezor@localhost:21324", network(Kind::Trezor, "localhost:21324")),
        ] {
            assert_eq!(text.parse(), Ok(spec), "{text}");
        }
        for text in [
            "",
            "keepkey",
            "ledger@",
            "ledger@host",
            "ledger@:1",
            "ledger@host:0",
            "ledger@host:70000",
        ] {
            let error = text.parse::<DeviceSpec>();
            assert_eq!(error, Err(DeviceError::BadSpec { text: text.to_owned() }));
        }
    }

    #[test]
    fn a_network_no_trezor_knows_is_refused_before_anything_is_opened() {
        let wei = Arc::new(builtin("wei").unwrap());
        let reason = DeviceError::UnknownCoin {
            kind: Kind::Trezor,
            network: "wei".to_owned(),
        };
        let spec: DeviceSpec = "trezor@127.0.0.1:1".parse().unwrap();
        assert_eq!(found(&spec, &wei)[0].state, State::NotReady(reason.clone()));
        assert_eq!(open(&spec, wei, Arc::new(Nobody)).map(drop), Err(reason));
    }

    #[test]
    fn a_device_opened_twice_is_one_connection_and_is_not_probed_meanwhile() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let spec: DeviceSpec = format!("ledger@{}", listener.local_addr().unwrap()).parse().unwrap();
        let dash = Arc::new(builtin("dash").unwrap());
        let first = open(&spec, Arc::clone(&dash), Arc::new(Nobody)).unwrap();
        let second = open(&spec, Arc::clone(&dash), Arc::new(Nobody)).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(found(&spec, &dash)[0].state, State::Open);
        let wei = Arc::new(builtin("wei").unwrap());
        assert_eq!(
            open(&spec, wei, Arc::new(Nobody)).map(drop),
            Err(DeviceError::Busy { kind: Kind::Ledger })
        );
        listener.set_nonblocking(true).unwrap();
        assert!(
            listener.accept().is_ok() && listener.accept().is_err(),
            "one connection"
        );
    }

    #[test]
    fn an_address_where_nobody_listens_is_found_not_ready() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let spec: DeviceSpec = format!("ledger@{}", listener.local_addr().unwrap()).parse().unwrap();
        drop(listener);
        let dash = Arc::new(builtin("dash").unwrap());
        let state = found(&spec, &dash).remove(0).state;
        assert_eq!(state, State::NotReady(DeviceError::NotConnected { kind: Kind::Ledger }));
    }

    #[test]
    fn the_udev_rules_name_the_vendor_and_sort_before_the_seat_rules() {
        for (kind, vendor) in [(Kind::Ledger, "2c97"), (Kind::Trezor, "1209")] {
            assert!(udev_rule(kind).contains(vendor) && udev_rule(kind).contains("uaccess"));
        }
    }
}
