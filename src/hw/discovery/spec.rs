//! Which device the user means, as text: `ledger`, `trezor@usb:3-2.1`, `ledger@host:port`.

use std::fmt;
use std::str::FromStr;

use crate::hw::{DeviceError, DeviceSpec, Kind, usb};

impl DeviceSpec {
    /// The device at a place as [`Device::place`](crate::hw::Device::place) or [`Found`](super::Found) tells it; none for a text that is
    /// no place.
    pub fn at(kind: Kind, place: &str) -> Option<Self> {
        if let Some(port) = place.strip_prefix(usb::PREFIX) {
            let port = port.to_owned();
            return usb::is_port(&port).then_some(Self::Port { kind, port });
        }
        let (host, port) = place.rsplit_once(':')?;
        let good = !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0);
        let address = place.to_owned();
        good.then_some(Self::Network { kind, address })
    }
}

impl FromStr for DeviceSpec {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let bad = || DeviceError::BadSpec { text: text.to_owned() };
        let (kind, place) = match text.trim().split_once('@') {
            Some((kind, place)) => (kind, Some(place)),
            None => (text.trim(), None),
        };
        let kind = match kind.to_ascii_lowercase().as_str() {
            "ledger" => Kind::Ledger,
            "trezor" => Kind::Trezor,
            _ => return Err(bad()),
        };
        match place {
            None => Ok(Self::Usb(kind)),
            Some(place) => Self::at(kind, place).ok_or_else(bad),
        }
    }
}

/// As it is read; [`DeviceSpec::Any`], which has no name, as `any`.
impl fmt::Display for DeviceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |kind: &Kind| kind.to_string().to_lowercase();
        match self {
            Self::Any => f.write_str("any"),
            Self::Usb(kind) => f.write_str(&name(kind)),
            Self::Port { kind, port } => write!(f, "{}@{}{port}", name(kind), usb::PREFIX),
            Self::Network { kind, address } => write!(f, "{}@{address}", name(kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_by_kind_or_by_kind_and_address() {
        let network = |kind, address: &str| DeviceSpec::Network {
            kind,
            address: address.to_owned(),
        };
        for (text, spec) in [
            ("ledger", DeviceSpec::Usb(Kind::Ledger)),
            (" Trezor ", DeviceSpec::Usb(Kind::Trezor)),
            (
                "ledger@usb:3-2.1",
                DeviceSpec::Port {
                    kind: Kind::Ledger,
                    port: "3-2.1".to_owned(),
                },
            ),
            ("ledger@127.0.0.1:9999", network(Kind::Ledger, "127.0.0.1:9999")),
            ("ledger@[::1]:9999", network(Kind::Ledger, "[::1]:9999")),
            ("trezor@localhost:21324", network(Kind::Trezor, "localhost:21324")),
        ] {
            assert_eq!(text.parse(), Ok(spec.clone()), "{text}");
            assert_eq!(spec.to_string(), text.trim().to_lowercase());
        }
        for text in [
            "",
            "keepkey",
            "ledger@",
            "ledger@host",
            "ledger@:1",
            "ledger@host:0",
            "ledger@host:70000",
            "ledger@usb:",
            "ledger@usb:3-2 1",
        ] {
            let error = text.parse::<DeviceSpec>();
            assert_eq!(error, Err(DeviceError::BadSpec { text: text.to_owned() }));
        }
    }
}
