//! What an update was planned from: the fields of the masternode that its payload carries over.
//!
//! A payload restates everything. One that was planned a while ago would put back what has changed since: an old payout address, or
//! an operator key that was given up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::protocol::bls::Scheme;
use crate::protocol::masternode::Entry;
use crate::protocol::wire::to_hex;

/// Names as Dash Core's RPCs have them, with the values of one moment; what the node did not tell is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Base(BTreeMap<String, String>);

impl Base {
    /// The fields that an update of this kind restates.
    pub fn of(kind: Kind, entry: &Entry) -> Self {
        let state = &entry.state;
        let script = |address: crate::protocol::Address| to_hex(address.script().as_bytes());
        let fields = match kind {
            Kind::UpdateService => vec![
                ("service", Some(state.service.to_string())),
                (
                    "operatorPayoutAddress",
                    Some(state.operator_payout.map(script).unwrap_or_default()),
                ),
                ("platformNodeID", state.platform_node_id.clone()),
                ("platformP2PPort", state.platform_p2p_port.map(|port| port.to_string())),
                (
                    "platformHTTPPort",
                    state.platform_http_port.map(|port| port.to_string()),
                ),
            ],
            Kind::UpdateRegistrar => vec![
                ("pubKeyOperator", Some(state.operator.to_hex(Scheme::Basic))),
                ("votingAddress", state.voting.map(|id| to_hex(&id.0))),
                ("payoutAddress", state.payout.map(script)),
            ],
            Kind::Register | Kind::Revoke => Vec::new(),
        };
        let told = |(name, value): (&str, Option<String>)| Some((name.to_owned(), value?));
        Self(fields.into_iter().filter_map(told).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first field that has another value in the other one. What only one of them tells is passed over: nodes tell more or less.
    pub fn changed<'a>(&'a self, now: &Self) -> Option<&'a str> {
        let other = |(name, value): &(&String, &String)| now.0.get(*name).is_some_and(|now| now != *value);
        self.0.iter().find(other).map(|(name, _)| name.as_str())
    }
}
