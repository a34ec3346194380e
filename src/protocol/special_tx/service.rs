//! The service address of payload versions 1 and 2: 16 bytes of IPv6-mapped address and a big-endian port.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

use crate::protocol::network::{Profile, ServiceRules};
use crate::protocol::wire::{DecodeError, Reader, WriteWire};

/// Address and port as on the wire (18 bytes). All zero means "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service {
    pub ip: Ipv6Addr,
    pub port: u16,
}

/// Why a service address is not one a node accepts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServiceError {
    #[error("the service address is missing")]
    Empty,
    #[error("'{text}' is not an address like 1.2.3.4:9999")]
    Malformed { text: String },
    #[error("{ip} is not an IPv4 address; masternodes are registered with IPv4")]
    NotIpv4 { ip: Ipv6Addr },
    #[error("{ip} is not a valid address")]
    Invalid { ip: Ipv4Addr },
    #[error("{ip} is a private or reserved address that other nodes cannot reach")]
    Unroutable { ip: Ipv4Addr },
    #[error("port {port} is refused: on {network} it must be {required}")]
    MainnetPort { port: u16, required: u16, network: String },
    #[error("port {port} is refused: it belongs to the main network")]
    PortOfMainnet { port: u16 },
    #[error("port 0 cannot be reached")]
    NoPort,
}

impl Service {
    pub const NONE: Self = Self {
        ip: Ipv6Addr::UNSPECIFIED,
        port: 0,
    };

    pub fn v4(ip: Ipv4Addr, port: u16) -> Self {
        Self {
            ip: ip.to_ipv6_mapped(),
            port,
        }
    }

    /// No address at all: the masternode is registered banned and waits for its operator.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            ip: Ipv6Addr::from(reader.array::<16>()?),
            port: reader.u16_be()?,
        })
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ip.octets());
        out.put_u16_be(self.port);
    }

    /// What a node would refuse about this (non-empty) address.
    ///
    /// # Errors
    /// The first refusal, in the node's order: form, routability, port.
    pub fn check(&self, profile: &Profile) -> Result<(), ServiceError> {
        let ip = self.ip.to_ipv4_mapped().ok_or(ServiceError::NotIpv4 { ip: self.ip })?;
        if ip.is_unspecified() || ip.is_broadcast() {
            return Err(ServiceError::Invalid { ip });
        }
        let ServiceRules {
            routable_only,
            mainnet_port,
            is_mainnet,
        } = profile.service;
        if routable_only && !is_routable(ip) {
            return Err(ServiceError::Unroutable { ip });
        }
        self.check_port(mainnet_port, is_mainnet, profile)
    }

    fn check_port(&self, mainnet_port: u16, is_mainnet: bool, profile: &Profile) -> Result<(), ServiceError> {
        match (is_mainnet, self.port == mainnet_port) {
            (true, false) => Err(ServiceError::MainnetPort {
                port: self.port,
                required: mainnet_port,
                network: profile.name.clone(),
            }),
            (false, true) => Err(ServiceError::PortOfMainnet { port: self.port }),
            _ => Ok(()),
        }
    }

    /// CNetAddr::IsValid: not unspecified, broadcast, of the documentation range 2001:db8::/32, or in the ranges that stood for
    /// Tor's first addresses (fd87:d87e:eb43::/48) and for a node's own names (fd6b:88c0:8724::/48). Nodes from 23 on read an
    /// address that is not valid as none at all.
    pub fn is_valid_address(&self) -> bool {
        if let Some(ip) = self.ip.to_ipv4_mapped() {
            return !ip.is_unspecified() && !ip.is_broadcast();
        }
        let reserved = matches!(
            self.ip.segments(),
            [0x2001, 0x0db8, ..] | [0xfd87, 0xd87e, 0xeb43, ..] | [0xfd6b, 0x88c0, 0x8724, ..]
        );
        !self.ip.is_unspecified() && !reserved
    }

    /// Stricter than the node: what a person typed must also be usable. A node takes port 0.
    ///
    /// # Errors
    /// Those of [`Service::check`], and port 0.
    pub fn check_typed(&self, profile: &Profile) -> Result<(), ServiceError> {
        self.check(profile)?;
        if self.port == 0 {
            Err(ServiceError::NoPort)
        } else {
            Ok(())
        }
    }
}

/// CNetAddr::IsRoutable for IPv4 (src/netaddress.cpp): RFC 1918, 2544, 3927, 5737, 6598 and local ranges are not.
fn is_routable(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let reserved = match a {
        0 | 10 | 127 => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || (b == 0 && c == 2),
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    };
    !reserved
}

impl fmt::Display for Service {
    /// As Dash Core prints it; none is `[::]:0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip.to_ipv4_mapped() {
            Some(ip) => write!(f, "{ip}:{}", self.port),
            None => write!(f, "[{}]:{}", self.ip, self.port),
        }
    }
}

impl FromStr for Service {
    type Err = ServiceError;

    /// `1.2.3.4:9999`, `[v6]:port`; every form of "no address" that nodes print (`[::]:0`, `[0:0:0:0:0:0:0:0]:0`, `00..00:0`).
    fn from_str(text: &str) -> Result<Self, ServiceError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ServiceError::Empty);
        }
        let malformed = || ServiceError::Malformed { text: text.to_owned() };
        let (host, port) = text.rsplit_once(':').ok_or_else(malformed)?;
        let digits_only = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = if digits_only {
            port.parse().map_err(|_| malformed())?
        } else {
            return Err(malformed());
        };
        if let Ok(ip) = host.parse::<Ipv4Addr>() {
            return Ok(Self::v4(ip, port));
        }
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if let Some(Ok(ip)) = inner.map(str::parse) {
            return Ok(Self { ip, port });
        }
        if host.len() == 32 && host.bytes().all(|byte| byte == b'0') && port == 0 {
            return Ok(Self::NONE);
        }
        Err(malformed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::network;

    fn refusal(network: &str, service: &str) -> Option<ServiceError> {
        let profile = network::builtin(network).expect("embedded");
        service
            .parse::<Service>()
            .and_then(|service| service.check_typed(&profile))
            .err()
    }

    #[test]
    fn every_spelling_of_no_address_reads_as_none() {
        for text in ["[::]:0", "[0:0:0:0:0:0:0:0]:0", "00000000000000000000000000000000:0"] {
            assert_eq!(text.parse(), Ok(Service::NONE), "{text}");
        }
        assert_eq!(Service::NONE.to_string(), "[::]:0");
    }

    #[test]
    fn mainnet_wants_its_port_and_others_refuse_it() {
        assert_eq!(refusal("dash", "45.76.230.239:9999"), None);
        assert!(matches!(
            refusal("dash", "45.76.230.239:19999"),
            Some(ServiceError::MainnetPort { .. })
        ));
        assert!(matches!(
            refusal("dash-testnet", "45.76.230.239:9999"),
            Some(ServiceError::PortOfMainnet { .. })
        ));
        assert_eq!(refusal("dash-testnet", "45.76.230.239:19999"), None);
    }

    #[test]
    fn unreachable_addresses_are_refused_but_on_regtest() {
        for ip in [
            "10.0.0.1",
            "172.31.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "198.19.0.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
        ] {
            let service = format!("{ip}:9999");
            assert!(
                matches!(refusal("dash", &service), Some(ServiceError::Unroutable { .. })),
                "{ip}"
            );
            assert_eq!(refusal("dash-regtest", &format!("{ip}:19999")), None);
        }
        assert!(matches!(
            refusal("dash-regtest", "0.0.0.0:19999"),
            Some(ServiceError::Invalid { .. })
        ));
        assert!(matches!(
            refusal("dash", "[2001:db8::1]:9999"),
            Some(ServiceError::NotIpv4 { .. })
        ));
        assert_eq!(refusal("dash-regtest", "1.2.3.4:0"), Some(ServiceError::NoPort));
        for text in [
            "1.2.3.4",
            "1.2.3.4:",
            "1.2.3.4:99999",
            "1.2.3.4:+9",
            "host:9999",
            "1.2.3:9999",
        ] {
            assert!(
                matches!(refusal("dash", text), Some(ServiceError::Malformed { .. })),
                "{text}"
            );
        }
    }
}
