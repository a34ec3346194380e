//! Reads what an evonode is on Platform as people type it.

use std::fmt;

use crate::protocol::Profile;
use crate::protocol::special_tx::pro_reg::Platform;

/// A text that is no Platform node id.
#[derive(Debug)]
pub struct NoNodeId;

impl fmt::Display for NoNodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Platform node id has 40 hexadecimal digits")
    }
}

/// A text that is no port.
#[derive(Debug)]
pub struct NoPort;

impl fmt::Display for NoPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port is a number from 1 to 65535")
    }
}

/// The line under the two ports.
pub fn ports_help(profile: &Profile) -> String {
    match (&profile.platform, profile.service.is_mainnet) {
        (Some(rules), true) => format!(
            "On this network they must be {} and {}.",
            rules.p2p_port, rules.http_port
        ),
        _ => "The usual ports of this network are filled in. The three ports of an evonode must differ.".to_owned(),
    }
}

/// # Errors
/// It is none.
pub fn read_node_id(text: &str) -> Result<[u8; 20], NoNodeId> {
    Platform::node_id_from_hex(text.trim()).map_err(|_| NoNodeId)
}

/// # Errors
/// It is none.
pub fn read_port(text: &str) -> Result<u16, NoPort> {
    text.trim().parse().ok().filter(|port| *port != 0).ok_or(NoPort)
}
