//! What happened to a masternode of mine that its owner wants to be told of, in types and in words.
//!
//! [`between`] finds it by comparing two looks at the list ([`Seen`]). Looking, keeping and sending are [`super::watch`]'s.

mod between;
mod condition;
mod rules;
mod seen;
mod sentence;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::notify::Urgency;
use crate::protocol::{OutPoint, ProTxHash};

pub use between::{Suspicion, after_reorganisation, between, suspicions};
pub use condition::{Condition, UnknownCondition};
pub use rules::Rules;
pub use seen::{Seen, Snapshot};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// None: it is about the node.
    pub of: Option<Of>,
    pub what: What,
    /// Height of the list that showed it. It may have happened some blocks before, if those were not looked at.
    pub height: u32,
    /// **Unix seconds**: of that block; by this computer's clock where the node is silent.
    pub time: u64,
    /// An operation of this computer's journal did it.
    pub own: bool,
}

/// Whom it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of {
    pub pro_tx_hash: ProTxHash,
    /// What it is called here.
    pub name: String,
}

/// What it was. Addresses and services are as the network writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    Status {
        from: Standing,
        to: Standing,
    },
    /// `from`: what the score would be if nothing had happened.
    ScoreRose {
        from: u32,
        to: u32,
        max: u32,
        dkg: Option<Dkg>,
    },
    /// Into danger (the next failed DKG bans) or out of it.
    DangerLine {
        into: bool,
        penalty: u32,
        line: u32,
        /// **Blocks**; 0 out of danger.
        blocks_to_safe: u32,
    },
    /// In the block of this height. The amount, in **duffs**, is what the block paid, where the node tells.
    Paid {
        block: u32,
        amount: Option<u64>,
    },
    /// It was first in the queue, and the block of this height paid somebody else.
    PaymentMissed {
        block: u32,
    },
    /// It is in the list no more. `spent`: whether its collateral is; none if the node could not say.
    Removed {
        collateral: OutPoint,
        spent: Option<bool>,
    },
    Payout {
        from: Option<String>,
        to: Option<String>,
    },
    OperatorPayout {
        from: Option<String>,
        to: Option<String>,
    },
    Address {
        from: String,
        to: String,
    },
    /// Another operator key; a revocation is a [`What::Status`].
    OperatorKey,
    Voting {
        from: Option<String>,
        to: Option<String>,
    },
    /// The list could not be read for so long.
    NodeDown {
        minutes: u64,
        cause: String,
    },
    NodeUp,
}

/// Whether a masternode is enabled, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Enabled,
    /// Banned for failed DKGs.
    Misbehaved,
    /// Registered without an address.
    NoAddress,
    /// Its operator key was changed; the new operator has not announced an address yet.
    OperatorChanged,
    /// The operator gave up, for this reason (0-3, DIP-0003).
    Revoked(u16),
}

impl Standing {
    pub fn is_banned(self) -> bool {
        self != Self::Enabled
    }
}

/// A DKG in which it failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dkg {
    /// `llmq_60_75`
    pub kind: String,
    pub quorum: String,
    pub height: u32,
}

/// What can be switched off on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Status,
    Penalty,
    Danger,
    Payment,
    PaymentMissed,
    Removed,
    PayoutChanged,
    AddressChanged,
    OperatorChanged,
    VotingChanged,
    NodeDown,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Status,
        Self::Penalty,
        Self::Danger,
        Self::Payment,
        Self::PaymentMissed,
        Self::Removed,
        Self::PayoutChanged,
        Self::AddressChanged,
        Self::OperatorChanged,
        Self::VotingChanged,
        Self::NodeDown,
    ];

    /// As it is written in settings, JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Penalty => "penalty",
            Self::Danger => "danger",
            Self::Payment => "payment",
            Self::PaymentMissed => "payment-missed",
            Self::Removed => "removed",
            Self::PayoutChanged => "payout-changed",
            Self::AddressChanged => "address-changed",
            Self::OperatorChanged => "operator-changed",
            Self::VotingChanged => "voting-changed",
            Self::NodeDown => "node-down",
        }
    }

    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Alert {
    pub fn kind(&self) -> Kind {
        match &self.what {
            What::Status { .. } => Kind::Status,
            What::ScoreRose { .. } => Kind::Penalty,
            What::DangerLine { .. } => Kind::Danger,
            What::Paid { .. } => Kind::Payment,
            What::PaymentMissed { .. } => Kind::PaymentMissed,
            What::Removed { .. } => Kind::Removed,
            What::Payout { .. } | What::OperatorPayout { .. } => Kind::PayoutChanged,
            What::Address { .. } => Kind::AddressChanged,
            What::OperatorKey => Kind::OperatorChanged,
            What::Voting { .. } => Kind::VotingChanged,
            What::NodeDown { .. } | What::NodeUp => Kind::NodeDown,
        }
    }

    /// How loudly it is told: what costs money or what somebody else did goes first, what was done from here last.
    pub fn urgency(&self) -> Urgency {
        match &self.what {
            _ if self.own => Urgency::Low,
            What::Status { to, .. } if to.is_banned() => Urgency::Critical,
            What::DangerLine { into: true, .. }
            | What::PaymentMissed { .. }
            | What::Removed { .. }
            | What::Payout { .. }
            | What::OperatorPayout { .. }
            | What::Address { .. }
            | What::OperatorKey
            | What::Voting { .. } => Urgency::Critical,
            What::ScoreRose { .. } | What::NodeDown { .. } | What::Status { .. } => Urgency::Normal,
            What::Paid { .. } | What::DangerLine { into: false, .. } | What::NodeUp => Urgency::Low,
        }
    }

    /// What the masternode is called; none for what is about the node.
    pub fn name(&self) -> Option<&str> {
        self.of.as_ref().map(|of| of.name.as_str())
    }
}
