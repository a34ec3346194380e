//! Every field of a masternode before and after, as text to be shown side by side.

use crate::protocol::Profile;
use crate::protocol::bls::Scheme;
use crate::protocol::masternode::entry::State;
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::pro_up_rev::Reason;

/// What can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldName {
    Status,
    Service,
    OperatorPayout,
    PlatformNodeId,
    PlatformP2pPort,
    PlatformHttpPort,
    OperatorKey,
    Voting,
    Payout,
    RevocationReason,
}

impl FieldName {
    /// As Dash Core's RPCs name it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Service => "service",
            Self::OperatorPayout => "operatorPayoutAddress",
            Self::PlatformNodeId => "platformNodeID",
            Self::PlatformP2pPort => "platformP2PPort",
            Self::PlatformHttpPort => "platformHTTPPort",
            Self::OperatorKey => "pubKeyOperator",
            Self::Voting => "votingAddress",
            Self::Payout => "payoutAddress",
            Self::RevocationReason => "revocationReason",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Status => "Status",
            Self::Service => "Address",
            Self::OperatorPayout => "Operator payout",
            Self::PlatformNodeId => "Platform node id",
            Self::PlatformP2pPort => "Platform P2P port",
            Self::PlatformHttpPort => "Platform HTTP port",
            Self::OperatorKey => "Operator key",
            Self::Voting => "Voting address",
            Self::Payout => "Payout address",
            Self::RevocationReason => "Revocation reason",
        }
    }
}

/// A field before and after; none where there is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: FieldName,
    pub old: Option<String>,
    pub new: Option<String>,
}

impl Field {
    pub fn changes(&self) -> bool {
        self.old != self.new
    }
}

/// All fields, also those that stay.
///
/// Operator keys are written as the network writes new ones, before and after alike: the same key must not look like another.
pub(super) fn fields(before: &Entry, after: &State, profile: &Profile, encoding: Scheme) -> Vec<Field> {
    let then = Entry {
        state: after.clone(),
        ..before.clone()
    };
    let (old, new) = (texts(before, profile, encoding), texts(&then, profile, encoding));
    let pair =
        |((name, old), (_, new)): ((FieldName, Option<String>), (FieldName, Option<String>))| Field { name, old, new };
    old.into_iter().zip(new).map(pair).collect()
}

fn texts(entry: &Entry, profile: &Profile, encoding: Scheme) -> Vec<(FieldName, Option<String>)> {
    let state = &entry.state;
    let address = |address: Option<crate::protocol::Address>| address.map(|address| address.to_text(profile));
    let mut all = vec![
        (FieldName::Status, Some(entry.status().as_text().to_owned())),
        (
            FieldName::Service,
            (!state.service.is_none()).then(|| state.service.to_string()),
        ),
        (FieldName::OperatorPayout, address(state.operator_payout)),
    ];
    if entry.kind == MnType::Evo {
        let port = |port: Option<u16>| port.map(|port| port.to_string());
        all.extend([
            (FieldName::PlatformNodeId, state.platform_node_id.clone()),
            (FieldName::PlatformP2pPort, port(state.platform_p2p_port)),
            (FieldName::PlatformHttpPort, port(state.platform_http_port)),
        ]);
    }
    all.extend([
        (FieldName::OperatorKey, operator(entry, encoding)),
        (FieldName::Voting, address(state.voting.map(|id| id.address()))),
        (FieldName::Payout, address(state.payout)),
    ]);
    let revoked = (state.operator == OperatorKey::Revoked).then_some(state.revocation_reason);
    let named = |number| Reason::from_number(number).map_or_else(|| number.to_string(), |reason| reason.to_string());
    all.push((FieldName::RevocationReason, revoked.map(named)));
    all
}

fn operator(entry: &Entry, encoding: Scheme) -> Option<String> {
    match entry.state.operator {
        OperatorKey::Revoked => None,
        key => Some(key.to_hex(encoding)),
    }
}
