//! Why a flow stopped.

use thiserror::Error as ThisError;

use crate::flow::operation::{FileError, Flaw, Role};
use crate::flow::wallet::CoinState;
use crate::hw::{DeviceError, Kind};
use crate::protocol::funding::Shortage;
use crate::protocol::message::SignatureError;
use crate::protocol::network::MnType;
use crate::protocol::rules::Check;
use crate::protocol::wire::DecodeError;
use crate::protocol::{Amount, OutPoint};
use crate::rpc::RpcError;
use crate::store::alert_log::AlertLogError;
use crate::store::history::HistoryError;
use crate::store::import::ImportError;
use crate::store::journal::JournalError;
use crate::store::labels::LabelsError;
use crate::store::vault::VaultError;

/// One cause, with the data to name it.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum Error {
    #[error(transparent)]
    Node(#[from] RpcError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Labels(#[from] LabelsError),
    #[error(transparent)]
    Alerts(#[from] AlertLogError),
    #[error("the record of alerts was not opened")]
    NoAlerts,
    #[error("no device is connected")]
    NoDevice,
    #[error("the vault is locked")]
    VaultLocked,
    #[error("no {device} opens this vault")]
    NoSlot { device: Kind },
    #[error("this device opens the vault already, as '{name}'")]
    AddedAlready { name: String },
    /// Its answers cannot unlock anything.
    #[error("the {device} answered the same question in two ways")]
    NotRepeatable { device: Kind },
    #[error("{}", .0.message)]
    Rule(Check),
    /// How much to send where before the operation can go on.
    #[error("not enough for the fee: {label} holds {available}; send at least {needed} to {address}")]
    FeeKeyShort {
        label: String,
        address: String,
        available: Amount,
        needed: Amount,
    },
    #[error("the coins of the account suffice for no payment: {0}")]
    Short(Shortage),
    #[error("no unspent output of exactly {amount} was found on the device")]
    NoCollateral { amount: Amount },
    #[error("{count} collaterals were found on the device: name one of them")]
    SeveralCollaterals { count: usize, outpoints: Vec<OutPoint> },
    #[error("the collateral {outpoint} is spent or does not exist")]
    CollateralMissing { outpoint: OutPoint },
    #[error("the collateral {outpoint} belongs to {owner}, not to the device key at {path} ({derived})")]
    CollateralOfAnotherKey {
        outpoint: OutPoint,
        owner: String,
        path: String,
        derived: String,
    },
    #[error("the collateral {outpoint} belongs to no key of the device's first accounts")]
    CollateralPathUnknown { outpoint: OutPoint },
    #[error("{network} has no masternodes of type {kind}")]
    NoSuchType { network: String, kind: MnType },
    #[error("{label} is a {found} key; a {wanted} key is needed")]
    KeyOfOtherKind {
        label: String,
        found: String,
        wanted: String,
    },
    #[error("this is the operator key of the masternode {pro_tx_hash}, written in the other encoding")]
    OperatorInOtherEncoding { pro_tx_hash: String },
    /// The amount of a coin is the node's word until its transaction proves it; a false one would become fee.
    #[error("the node has no proof of the coin {outpoint}: the transaction that made it is missing or another")]
    UnprovenCoin { outpoint: OutPoint },
    /// See [`crate::flow::guard`]: it is spent only if its phrase was typed.
    #[error("the coin {outpoint} is locked: if it were spent, {consequence}")]
    Guarded { outpoint: OutPoint, consequence: String },
    #[error("the coin {outpoint} is {}", not_ready(.state))]
    CoinNotReady { outpoint: OutPoint, state: CoinState },
    #[error("the account has no coin {outpoint}, or it is spent")]
    NoSuchCoin { outpoint: OutPoint },
    #[error("{count} coins would be spent at once; the device signs at most {most}")]
    TooManyCoins { count: usize, most: usize },
    /// **Duffs** per 1000 bytes.
    #[error("a fee rate of {} is not within {} and {} per 1000 bytes", .rate.short(), .least.short(), .most.short())]
    FeeRate { rate: Amount, least: Amount, most: Amount },
    #[error("the fee of {} is above the {} that any payment may cost", .fee.short(), .most.short())]
    FeeTooHigh { fee: Amount, most: Amount },
    #[error("the amount is zero")]
    NothingToPay,
    #[error("the signature does not prove the collateral key: {0}")]
    Signature(SignatureError),
    #[error("the finished transaction is not the reviewed one: {what}")]
    NotAsReviewed { what: &'static str },
    #[error("not a transaction: {0}")]
    Decode(#[from] DecodeError),
    #[error("the node is still loading blocks ({blocks} of {headers})")]
    NotSynced { blocks: u32, headers: u32 },
    #[error("operation {id} cannot be continued: {reason}")]
    CannotResume { id: i64, reason: &'static str },
    #[error("no masternode {hash} is registered")]
    NoSuchMasternode { hash: String },
    #[error("the operator of {pro_tx_hash} gave up, and the owner has not named a new operator key")]
    OperatorRevoked { pro_tx_hash: String },
    #[error("{label} is not the {role} of {pro_tx_hash}")]
    NotTheKey {
        label: String,
        role: Role,
        pro_tx_hash: String,
    },
    /// An update restates every field; one that is not known cannot be carried over.
    #[error("the node does not tell the {what} of {pro_tx_hash}")]
    NotTold { pro_tx_hash: String, what: &'static str },
    #[error("the signature of the {role} {key} cannot be made on this computer")]
    SignatureElsewhere { role: Role, key: String },
    /// A payload restates every field; what was planned before would put the old value back.
    #[error("the {field} of {pro_tx_hash} is another one than when this was planned")]
    ChangedMeanwhile { pro_tx_hash: String, field: String },
    #[error("the operation: {0}")]
    Handover(FileError),
    #[error("the pasted operator key: {0}")]
    Pasted(ImportError),
    #[error("the sandbox did not start: {reason}")]
    Sandbox { reason: String },
    /// While something was read from blocks that are gone now.
    #[error("the chain went another way at height {height}")]
    Reorganised { height: u32 },
    #[error("this computer gave no randomness")]
    NoRandomness,
}

fn not_ready(state: &CoinState) -> String {
    match state {
        CoinState::Immature { blocks_left } => format!("an immature reward: {blocks_left} more blocks"),
        CoinState::Unconfirmed => "in no block yet".to_owned(),
        CoinState::BeingSpent => "being spent already".to_owned(),
        CoinState::Ready => "ready".to_owned(),
    }
}

impl From<Flaw> for Error {
    fn from(flaw: Flaw) -> Self {
        Self::Handover(flaw.into())
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        Self::Handover(error)
    }
}

/// What a script wants to know (exit codes of the command line).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A rule, the node or the user on the device said no.
    Refused,
    /// The node or the device could not be reached or used.
    Unreachable,
}

impl Error {
    pub fn class(&self) -> Class {
        match self {
            Self::Node(error) if error.is_connection() => Class::Unreachable,
            Self::Device(error) if error.is_connection() => Class::Unreachable,
            Self::NoDevice | Self::NotSynced { .. } => Class::Unreachable,
            _ => Class::Refused,
        }
    }

    /// Short stable name for JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Node(RpcError::Rejected { .. }) => "rejected",
            Self::Node(_) | Self::NotSynced { .. } | Self::UnprovenCoin { .. } | Self::NotTold { .. } => "node",
            Self::Device(DeviceError::Declined) => "declined",
            Self::Device(_) | Self::NoDevice | Self::NotRepeatable { .. } => "device",
            Self::Vault(_)
            | Self::VaultLocked
            | Self::NoSlot { .. }
            | Self::AddedAlready { .. }
            | Self::KeyOfOtherKind { .. }
            | Self::NotTheKey { .. }
            | Self::Pasted(_)
            | Self::SignatureElsewhere { .. } => "vault",
            Self::Journal(_) | Self::CannotResume { .. } => "journal",
            Self::History(_) | Self::Reorganised { .. } => "history",
            Self::Rule(_) | Self::OperatorInOtherEncoding { .. } | Self::NoSuchType { .. } => "rule",
            Self::OperatorRevoked { .. } | Self::ChangedMeanwhile { .. } => "rule",
            Self::Handover(_) => "operation",
            Self::FeeKeyShort { .. }
            | Self::Short(_)
            | Self::NoSuchCoin { .. }
            | Self::CoinNotReady { .. }
            | Self::TooManyCoins { .. }
            | Self::NothingToPay => "funds",
            Self::FeeRate { .. } | Self::FeeTooHigh { .. } => "fee",
            Self::Guarded { .. } => "guarded",
            Self::Labels(_) => "labels",
            Self::Alerts(_) | Self::NoAlerts => "alerts",
            Self::NoCollateral { .. }
            | Self::SeveralCollaterals { .. }
            | Self::CollateralMissing { .. }
            | Self::CollateralOfAnotherKey { .. }
            | Self::CollateralPathUnknown { .. } => "collateral",
            Self::Signature(_) | Self::NotAsReviewed { .. } => "signature",
            Self::Decode(_) => "decode",
            Self::NoSuchMasternode { .. } => "not-found",
            Self::NoRandomness | Self::Sandbox { .. } => "system",
        }
    }

    /// Whether a plan that stopped for this is lost. Everything else passes: the user says yes, the cable is back, the right
    /// device is there, the vault is opened, the node answers.
    pub fn ends_plan(&self) -> bool {
        matches!(
            self,
            Self::Rule(_)
                | Self::NotAsReviewed { .. }
                | Self::ChangedMeanwhile { .. }
                | Self::Decode(_)
                | Self::CannotResume { .. }
        )
    }

    /// The node's reject string, where there is one.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Node(RpcError::Rejected { reason, .. }) => Some(reason),
            Self::Rule(check) if !check.reject.is_empty() => Some(check.reject),
            Self::CollateralMissing { .. } => Some("bad-protx-collateral"),
            // What a node answers to anything a revoked operator signs.
            Self::OperatorRevoked { .. } => Some("bad-protx-sig"),
            Self::NoSuchMasternode { .. } => Some("bad-protx-hash"),
            _ => None,
        }
    }
}
