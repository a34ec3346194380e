//! Which devices there are, and opening the one the user means.
//!
//! Everything here may block (USB: milliseconds; a dead network address: seconds): call it off the window's thread.

mod shared;
mod spec;

use std::path::Path;
use std::sync::Arc;

pub use self::shared::settled;
use self::shared::{Busy, Place, is_open, shared};
use super::ledger::{self, Ledger};
use super::trezor::{self, Trezor};
use super::{Asker, Device, DeviceError, DeviceInfo, DeviceSpec, Kind, diagnosis, usb};
use crate::protocol::Profile;

/// A device that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub kind: Kind,
    /// `Nano S Plus`, `Trezor One`, `emulator`
    pub model: String,
    /// `usb:3-2.1`, or host and port: with its kind the text of a [`DeviceSpec`].
    pub place: String,
    pub state: State,
    pub about: About,
}

/// What tells two devices of a kind apart, as far as it is known without a question to the user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The name its owner gave it.
    pub label: Option<String>,
    /// The wallet's fingerprint, see [`DeviceInfo::wallet`].
    pub wallet: Option<String>,
    /// It asks for its PIN before it gives a key.
    pub locked: bool,
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

/// A device that is plugged in, whatever it is ready for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugged {
    pub kind: Kind,
    /// `usb:3-2.1`
    pub place: String,
    /// As far as it shows from outside: `Nano S Plus`, `Trezor`.
    pub model: &'static str,
}

/// What is plugged in. Opens nothing and disturbs nobody; cheap enough to be asked for every second.
pub fn plugged() -> Vec<Plugged> {
    if cfg!(target_os = "linux") {
        return plugged_below(Path::new(usb::SYSFS));
    }
    let ledgers = ledger::list()
        .into_iter()
        .map(|one| (Kind::Ledger, one.port.clone(), one.model()));
    let trezors = trezor::list()
        .into_iter()
        .map(|one| (Kind::Trezor, one.port.clone(), one.model()));
    let all = ledgers.chain(trezors).map(|(kind, port, model)| Plugged {
        kind,
        place: place(&port),
        model,
    });
    all.collect()
}

fn plugged_below(sysfs: &Path) -> Vec<Plugged> {
    let known = |one: &usb::Listed| match one.vendor {
        ledger::VENDOR => Some((Kind::Ledger, ledger::model_on_usb(one.product))),
        vendor => trezor::model_on_usb(vendor, one.product).map(|model| (Kind::Trezor, model)),
    };
    let all = usb::listed(sysfs).into_iter().filter_map(|one| {
        known(&one).map(|(kind, model)| Plugged {
            kind,
            place: place(&one.port),
            model,
        })
    });
    all.collect()
}

fn place(port: &str) -> String {
    format!("{}{port}", usb::PREFIX)
}

/// The devices that match, and for what they are ready. Asks the user nothing.
pub fn found(spec: &DeviceSpec, profile: &Arc<Profile>) -> Vec<Found> {
    match spec {
        DeviceSpec::Any => [usb_ledgers(None, profile), usb_trezors(None, profile)].concat(),
        DeviceSpec::Usb(Kind::Ledger) => usb_ledgers(None, profile),
        DeviceSpec::Usb(Kind::Trezor) => usb_trezors(None, profile),
        DeviceSpec::Port {
            kind: Kind::Ledger,
            port,
        } => usb_ledgers(Some(port), profile),
        DeviceSpec::Port {
            kind: Kind::Trezor,
            port,
        } => usb_trezors(Some(port), profile),
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
    match spec {
        DeviceSpec::Any => {
            let (kind, port) = only(Kind::Ledger, [ledger_ports(), trezor_ports()].concat())?;
            open_port(kind, &port, profile, asker)
        }
        DeviceSpec::Usb(kind) => {
            let ports = match kind {
                Kind::Ledger => ledger_ports(),
                Kind::Trezor => trezor_ports(),
            };
            open_port(*kind, &only(*kind, ports)?.1, profile, asker)
        }
        DeviceSpec::Port { kind, port } => open_port(*kind, port, profile, asker),
        DeviceSpec::Network { kind, address } => open_network(*kind, address, profile, asker),
    }
}

fn ledger_ports() -> Vec<(Kind, String)> {
    let all = ledger::list().into_iter();
    all.map(|one| (Kind::Ledger, one.port)).collect()
}

fn trezor_ports() -> Vec<(Kind, String)> {
    let all = trezor::list().into_iter();
    all.map(|one| (Kind::Trezor, one.port)).collect()
}

/// The only one; `missing` is said to be missing if there is none.
fn only(missing: Kind, mut all: Vec<(Kind, String)>) -> Result<(Kind, String), DeviceError> {
    match all.len() {
        0 => Err(DeviceError::NotConnected { kind: missing }),
        1 => Ok(all.remove(0)),
        count => Err(DeviceError::Several { count }),
    }
}

fn open_port(
    kind: Kind,
    port: &str,
    profile: Arc<Profile>,
    asker: Arc<dyn Asker>,
) -> Result<Arc<dyn Device>, DeviceError> {
    let at = place(port);
    shared(here(kind, &at, &profile), || match kind {
        Kind::Ledger => Ledger::usb(port, profile).map(keep_ledger),
        Kind::Trezor => Trezor::usb(port, profile, asker).map(keep_trezor),
    })
}

fn open_network(
    kind: Kind,
    address: &str,
    profile: Arc<Profile>,
    asker: Arc<dyn Asker>,
) -> Result<Arc<dyn Device>, DeviceError> {
    shared(here(kind, address, &profile), || match kind {
        Kind::Ledger => Ledger::network(address, profile).map(keep_ledger),
        Kind::Trezor => Trezor::network(address, profile, asker).map(keep_trezor),
    })
}

fn here(kind: Kind, at: &str, profile: &Arc<Profile>) -> Place {
    Place {
        kind,
        at: at.to_owned(),
        profile: Arc::clone(profile),
    }
}

fn keep_ledger(opened: Ledger) -> (Arc<dyn Device>, Busy) {
    let busy = opened.busy();
    (Arc::new(opened), busy)
}

fn keep_trezor(opened: Trezor) -> (Arc<dyn Device>, Busy) {
    let busy = opened.busy();
    (Arc::new(opened), busy)
}

fn usb_ledgers(port: Option<&str>, profile: &Arc<Profile>) -> Vec<Found> {
    let all = ledger::list().into_iter();
    all.filter(|one| port.is_none_or(|port| one.port == port))
        .map(|one| {
            let (model, at) = (one.model(), place(&one.port));
            ledger(model, &at, profile, ledger::Probe::Usb(one))
        })
        .collect()
}

fn usb_trezors(port: Option<&str>, profile: &Arc<Profile>) -> Vec<Found> {
    let all = trezor::list().into_iter();
    all.filter(|one| port.is_none_or(|port| one.port == port))
        .map(|one| {
            let (model, at) = (one.model(), place(&one.port));
            trezor(model, &at, profile, trezor::Probe::Usb(one))
        })
        .collect()
}

fn ledger(model: &str, place: &str, profile: &Arc<Profile>, at: ledger::Probe) -> Found {
    let ready = (!is_open(Kind::Ledger, place)).then(|| ledger::probe(Arc::clone(profile), at));
    seen(
        Kind::Ledger,
        model,
        place,
        ready.map(|ready| ready.map(|info| (info, false))),
    )
}

fn trezor(model: &str, place: &str, profile: &Arc<Profile>, at: trezor::Probe) -> Found {
    if is_open(Kind::Trezor, place) {
        return seen(Kind::Trezor, model, place, None);
    }
    let probed = trezor::probe(Arc::clone(profile), at);
    seen(Kind::Trezor, &probed.model, place, Some(probed.ready))
}

/// `ready`: what it says of itself, and whether it is locked; none for one that is open here.
fn seen(kind: Kind, model: &str, place: &str, ready: Option<Result<(DeviceInfo, bool), DeviceError>>) -> Found {
    let (state, about) = match ready {
        None => (State::Open, About::default()),
        Some(Err(error)) => {
            let reason = diagnosis::blamed(error, kind, place);
            let locked = matches!(reason, DeviceError::Locked { .. });
            let about = About {
                locked,
                ..About::default()
            };
            (State::NotReady(reason), about)
        }
        Some(Ok((info, locked))) => {
            let (app, version) = (info.app, info.version);
            let (label, wallet) = (info.label, info.wallet);
            (State::Ready { app, version }, About { label, wallet, locked })
        }
    };
    Found {
        kind,
        model: model.to_owned(),
        place: place.to_owned(),
        state,
        about,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::Nobody;
    use crate::protocol::network::builtin;
    use std::net::TcpListener;

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

    #[cfg(unix)]
    #[test]
    fn what_is_plugged_in_is_listed_with_its_place_and_model() {
        let machine = usb::tests::machine();
        let ledger = Plugged {
            kind: Kind::Ledger,
            place: "usb:3-2.1".to_owned(),
            model: "Nano S Plus",
        };
        let trezor = Plugged {
            kind: Kind::Trezor,
            place: "usb:3-4".to_owned(),
            model: "Trezor",
        };
        assert_eq!(plugged_below(machine.path()), [ledger, trezor]);
        std::fs::remove_file(machine.path().join("bus/usb/devices/3-2.1")).unwrap();
        assert_eq!(plugged_below(machine.path()).len(), 1, "unplugged");
    }

    #[test]
    fn of_several_none_is_chosen_and_of_one_its_port() {
        let ports = |all: &[(Kind, &str)]| all.iter().map(|(kind, port)| (*kind, (*port).to_owned())).collect();
        let (ledger, trezor) = (Kind::Ledger, Kind::Trezor);
        let missing = DeviceError::NotConnected { kind: trezor };
        assert_eq!(only(trezor, Vec::new()), Err(missing));
        assert_eq!(only(ledger, ports(&[(trezor, "3-4")])), Ok((trezor, "3-4".to_owned())));
        let two = ports(&[(ledger, "3-2.1"), (ledger, "3-3")]);
        assert_eq!(only(ledger, two), Err(DeviceError::Several { count: 2 }));
    }

    #[test]
    fn a_port_where_nothing_is_plugged_in_is_not_connected() {
        let dash = Arc::new(builtin("dash").unwrap());
        for kind in [Kind::Ledger, Kind::Trezor] {
            let port = "99-9.9".to_owned();
            let spec = DeviceSpec::Port { kind, port };
            assert_eq!(found(&spec, &dash), []);
            let opened = open(&spec, Arc::clone(&dash), Arc::new(Nobody));
            assert_eq!(opened.map(drop), Err(DeviceError::NotConnected { kind }));
        }
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
}
