//! What the user wants registered: typed already, so that a flow has no text to parse.

use bitcoin::bip32::DerivationPath;

use crate::flow::choice::{FeeSource, KeyChoice, OperatorChoice, PlatformChoice, VotingChoice};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Service;
use crate::protocol::{Address, OutPoint};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Begins the labels of new keys: `mn1` makes `mn1-owner`.
    pub name: String,
    pub kind: MnType,
    pub collateral: CollateralChoice,
    /// [`Service::NONE`]: registered banned, waiting for its operator.
    pub service: Service,
    pub owner: KeyChoice,
    pub operator: OperatorChoice,
    pub voting: VotingChoice,
    pub payout: Address,
    /// Hundredths of a percent.
    pub operator_reward: u16,
    /// Evonodes only.
    pub platform: Option<PlatformChoice>,
    pub fee_from: FeeSource,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CollateralChoice {
    /// The only unused output of the right amount on the device.
    Find,
    /// This output; without a path the device's first accounts are searched for its key.
    Named {
        outpoint: OutPoint,
        path: Option<DerivationPath>,
    },
}
