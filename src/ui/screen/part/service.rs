//! Reads the address of a masternode as people type it.

use std::net::Ipv4Addr;

use crate::protocol::Profile;
use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::service::ServiceError;

/// A bare IPv4 address gets the network's port; what comes of it is shown on the review.
pub fn read(text: &str, profile: &Profile) -> Result<Service, ServiceError> {
    let service = match text.trim().parse::<Ipv4Addr>() {
        Ok(ip) => Service::v4(ip, profile.p2p_port),
        Err(_) => text.parse()?,
    };
    service.check_typed(profile).map(|()| service)
}

/// The line under the field.
pub fn port_help(profile: &Profile) -> String {
    let port = profile.p2p_port;
    if profile.service.is_mainnet {
        format!(
            "An IPv4 address others can reach. The port must be {port} on this network; without one, {port} is taken."
        )
    } else {
        format!(
            "An IPv4 address others can reach. The usual port of this network is {port}; without one, {port} is taken."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::network;

    #[test]
    fn a_bare_address_gets_the_port_of_the_network() {
        let dash = network::builtin("dash").expect("embedded");
        assert_eq!(
            read("45.76.230.239", &dash)
                .map(|service| service.to_string())
                .as_deref(),
            Ok("45.76.230.239:9999")
        );
        assert!(matches!(
            read("45.76.230.239:1", &dash),
            Err(ServiceError::MainnetPort { .. })
        ));
        assert!(matches!(read("10.0.0.1", &dash), Err(ServiceError::Unroutable { .. })));
        assert!(matches!(
            read("masternode.example", &dash),
            Err(ServiceError::Malformed { .. })
        ));
    }
}
