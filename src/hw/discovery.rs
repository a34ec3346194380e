//! Which devices there are, and opening the one the user means.
//!
//! Everything here may block (USB: milliseconds; a dead network address: seconds): call it off the window's thread.

use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;

use super::ledger::{self, Ledger, Probe, USB};
use super::{Device, DeviceError, DeviceSpec, Kind};
use crate::protocol::Profile;

/// A device that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub kind: Kind,
    /// `Nano S Plus`, `emulator`
    pub model: String,
    /// `usb`, or host and port.
    pub place: String,
    pub state: State,
}

/// What a device is ready for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The right app is open.
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

/// The devices that match, and for what they are ready. Asks the user nothing.
///
/// # Errors
/// Only if the kind of device is not supported; no device is an empty list.
pub fn found(spec: &DeviceSpec, profile: &Arc<Profile>) -> Result<Vec<Found>, DeviceError> {
    match spec {
        DeviceSpec::Any | DeviceSpec::Usb(Kind::Ledger) => Ok(found_usb(profile)),
        DeviceSpec::Network {
            kind: Kind::Ledger,
            address,
        } => Ok(vec![look(
            "emulator",
            address,
            profile,
            Probe::Network(address.clone()),
        )]),
        DeviceSpec::Usb(Kind::Trezor) | DeviceSpec::Network { kind: Kind::Trezor, .. } => Err(no_trezor()),
    }
}

/// Opens the device the user means. One that this program has open already is given again: two connections to one device
/// steal each other's answers.
///
/// # Errors
/// None or several found, no permission, nobody listening. Which app is open is checked by the first request.
pub fn open(spec: &DeviceSpec, profile: Arc<Profile>) -> Result<Arc<dyn Device>, DeviceError> {
    match spec {
        DeviceSpec::Any | DeviceSpec::Usb(Kind::Ledger) => shared(USB, &profile, || Ledger::usb(Arc::clone(&profile))),
        DeviceSpec::Network {
            kind: Kind::Ledger,
            address,
        } => shared(address, &profile, || Ledger::network(address, Arc::clone(&profile))),
        DeviceSpec::Usb(Kind::Trezor) | DeviceSpec::Network { kind: Kind::Trezor, .. } => Err(no_trezor()),
    }
}

/// The udev rules that let users open a Ledger on Linux; packages install them, others copy them by hand.
pub fn udev_rule() -> &'static str {
    include_str!("../../packaging/linux/70-castellan-ledger.rules")
}

fn found_usb(profile: &Arc<Profile>) -> Vec<Found> {
    ledger::list()
        .into_iter()
        .map(|plugged| look(plugged.model(), USB, profile, Probe::Usb(plugged.clone())))
        .collect()
}

fn look(model: &str, place: &str, profile: &Arc<Profile>, at: Probe) -> Found {
    let state = if is_open(place) {
        State::Open
    } else {
        match ledger::probe(Arc::clone(profile), at) {
            Ok((app, version)) => State::Ready { app, version },
            Err(error) => State::NotReady(error),
        }
    };
    Found {
        kind: Kind::Ledger,
        model: model.to_owned(),
        place: place.to_owned(),
        state,
    }
}

fn no_trezor() -> DeviceError {
    DeviceError::Unsupported {
        kind: Kind::Trezor,
        what: "Trezor support comes later".to_owned(),
    }
}

/// A device opened here. Dropped by everybody it may still be at work, until the user answers on its screen.
struct OpenPlace {
    place: String,
    device: Weak<Ledger>,
    busy: Arc<watch::Sender<bool>>,
}

impl OpenPlace {
    fn in_use(&self) -> bool {
        self.device.strong_count() > 0 || *self.busy.borrow()
    }
}

/// A global, because the devices on the table are: whoever opens the same one must get the same connection.
fn open_places() -> MutexGuard<'static, Vec<OpenPlace>> {
    static OPEN: Mutex<Vec<OpenPlace>> = Mutex::new(Vec::new());
    let mut places = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    places.retain(OpenPlace::in_use);
    places
}

fn is_open(place: &str) -> bool {
    open_places().iter().any(|open| open.place == place)
}

fn shared(
    place: &str,
    profile: &Arc<Profile>,
    connect: impl FnOnce() -> Result<Ledger, DeviceError>,
) -> Result<Arc<dyn Device>, DeviceError> {
    let mut places = open_places();
    if let Some(open) = places.iter().find(|open| open.place == place) {
        return match open.device.upgrade() {
            Some(device) if device.profile() == profile => Ok(device),
            _ => Err(DeviceError::Busy { kind: Kind::Ledger }),
        };
    }
    let device = Arc::new(connect()?);
    places.push(OpenPlace {
        place: place.to_owned(),
        device: Arc::downgrade(&device),
        busy: device.busy(),
    });
    Ok(device)
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn a_trezor_is_refused_with_a_sentence() {
        let dash = Arc::new(builtin("dash").unwrap());
        let refused = found(&DeviceSpec::Usb(Kind::Trezor), &dash).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a Trezor cannot do this: Trezor support comes later"
        );
        assert!(open(&DeviceSpec::Usb(Kind::Trezor), dash).is_err());
    }

    #[test]
    fn a_device_opened_twice_is_one_connection_and_is_not_probed_meanwhile() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let spec: DeviceSpec = format!("ledger@{}", listener.local_addr().unwrap()).parse().unwrap();
        let dash = Arc::new(builtin("dash").unwrap());
        let first = open(&spec, Arc::clone(&dash)).unwrap();
        let second = open(&spec, Arc::clone(&dash)).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(found(&spec, &dash).unwrap()[0].state, State::Open);
        let wei = Arc::new(builtin("wei").unwrap());
        assert_eq!(
            open(&spec, wei).map(drop),
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
        let state = found(&spec, &dash).unwrap().remove(0).state;
        assert_eq!(state, State::NotReady(DeviceError::NotConnected { kind: Kind::Ledger }));
    }

    #[test]
    fn the_udev_rule_names_the_vendor_and_sorts_before_the_seat_rules() {
        assert!(udev_rule().contains("2c97") && udev_rule().contains("uaccess"));
    }
}
