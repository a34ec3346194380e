//! What is legal in a registration, but worth a second look.

use super::collateral::Collateral;
use super::draft::Draft;
use super::keys::Keys;
use crate::flow::Ports;
use crate::flow::choice::OperatorChoice;

/// Legal, but worth a second look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    FewConfirmations {
        have: u32,
        advised: u32,
    },
    /// It has every block it knows of, but its masternode sync is not done: what it tells may be old.
    NodeNotSynced,
    /// The collateral backs this masternode: it is replaced and its queue position lost.
    Replaces {
        pro_tx_hash: String,
    },
    OwnerIsVoting,
    PayoutIsCollateral,
    /// Registered banned until its operator announces an address.
    NoService,
    /// The operator's secret is kept elsewhere.
    ForeignOperator,
}

pub(super) fn warn(
    ports: &Ports,
    draft: &Draft,
    keys: &Keys,
    collateral: &Collateral,
    replaces: Option<String>,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let advised = ports.profile.advised_confirmations;
    if collateral.coin.confirmations < advised {
        warnings.push(Warning::FewConfirmations {
            have: collateral.coin.confirmations,
            advised,
        });
    }
    warnings.extend(replaces.map(|pro_tx_hash| Warning::Replaces { pro_tx_hash }));
    if keys.owner == keys.voting {
        warnings.push(Warning::OwnerIsVoting);
    }
    if draft.payout == collateral.key_id.address() {
        warnings.push(Warning::PayoutIsCollateral);
    }
    if draft.service.is_none() {
        warnings.push(Warning::NoService);
    }
    if matches!(draft.operator, OperatorChoice::Foreign(_)) {
        warnings.push(Warning::ForeignOperator);
    }
    warnings
}

impl Warning {
    pub fn sentence(&self) -> String {
        match self {
            Self::FewConfirmations { have, advised } => {
                format!(
                    "the collateral has {have} confirmations; one is enough to register, {advised} are needed to serve in quorums"
                )
            }
            Self::Replaces { pro_tx_hash } => {
                format!(
                    "the collateral backs the masternode {pro_tx_hash}: it will be replaced and its place in the payment queue is lost"
                )
            }
            Self::NodeNotSynced => "the node says that it is not synchronised yet: its list may be old".into(),
            Self::OwnerIsVoting => "owner and voting key are the same: who holds the one can use the other".into(),
            Self::PayoutIsCollateral => "rewards are paid to the address of the collateral".into(),
            Self::NoService => "without an address the masternode stays banned until its operator announces one".into(),
            Self::ForeignOperator => "only the holder of the operator's secret can start this masternode".into(),
        }
    }
}
