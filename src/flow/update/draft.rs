//! What the user wants changed.

use crate::flow::choice::{FeeSource, OperatorChoice, OperatorSecret, VotingChoice};
use crate::flow::operation::Kind;
use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::pro_up_rev::Reason;
use crate::protocol::{Address, ProTxHash};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub pro_tx_hash: ProTxHash,
    pub change: Change,
    pub fee_from: FeeSource,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Service(ServiceChange),
    Registrar(Registrar),
    Revoke(Revocation),
}

impl Change {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Service(_) => Kind::UpdateService,
            Self::Registrar(_) => Kind::UpdateRegistrar,
            Self::Revoke(_) => Kind::Revoke,
        }
    }
}

/// A ProUpServTx. On a banned masternode it is what revives it, also if it changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceChange {
    /// None: as it is.
    pub service: Option<Service>,
    pub operator_payout: OperatorPayout,
    /// Evonodes only.
    pub platform: PlatformChange,
    pub operator: OperatorSecret,
}

/// Where the operator's share goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OperatorPayout {
    #[default]
    Keep,
    /// Nowhere: the owner gets the whole reward.
    Erase,
    To(Address),
}

/// Platform fields of an evonode; none stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlatformChange {
    /// As on the wire.
    pub node_id: Option<[u8; 20]>,
    pub p2p_port: Option<u16>,
    pub http_port: Option<u16>,
}

/// A ProUpRegTx; what is none stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registrar {
    pub operator: Option<OperatorChoice>,
    pub voting: Option<VotingChoice>,
    pub payout: Option<Address>,
    /// Label of the owner key; it has to be the one the chain names. None: the one the vault holds.
    pub owner: Option<String>,
    /// Begins the labels of new keys; none: the masternode's own name.
    pub name: Option<String>,
}

/// A ProUpRevTx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    pub reason: Reason,
    pub operator: OperatorSecret,
}
