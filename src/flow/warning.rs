//! What an owner should know of a masternode without asking: what does not fit what was set from here, what the vault says, and what
//! keeps it from working. Only what is certain; each with what follows from it and the next step.
//!
//! [`Known`] is what this computer knows besides the chain, read once for a whole list.

mod known;
#[cfg(test)]
mod tests;
mod warned;

use bitcoin::Txid;

use super::overview::Overview;
use crate::protocol::{Address, ProTxHash, Profile};
use crate::store::keys::Kind as KeyKind;

pub use known::{Gone, Known};
pub use warned::{of_mine, warnings};

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Note,
    /// Something is to be done.
    Mind,
    /// Money or the masternode itself is at stake.
    Grave,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Its collateral is an input of an unconfirmed transaction.
    CollateralBeingSpent,
    /// The payout address is not the one this computer set last.
    PayoutChanged { set: Option<Address>, now: Option<Address> },
    /// The operator key is not the one this computer set last, and none of the vault.
    OperatorChanged,
    /// The voting key is not the one this computer set last, and none of the vault.
    VotingChanged,
    /// The vault has a key of this masternode's name for a role, and the chain names another one.
    KeyMismatch { role: KeyKind, label: String },
    /// The node is connected to it and it speaks a protocol version too old.
    OutdatedProtocol { version: u32, minimum: u32 },
    /// Another registered masternode announces the same address.
    SameAddress { other: ProTxHash },
    /// Another registered masternode has the same operator key.
    SameOperatorKey { other: ProTxHash },
    /// The operator has a share and no address to be paid at: the owner gets all.
    NoOperatorPayout { reward: u16 },
    /// A finished transaction of this computer that is in no block yet.
    Unfinished { operation: i64, kind: String, txid: Txid },
}

impl Warning {
    pub fn severity(&self) -> Severity {
        match self {
            Self::CollateralBeingSpent | Self::PayoutChanged { .. } | Self::OperatorChanged | Self::VotingChanged => {
                Severity::Grave
            }
            Self::KeyMismatch { .. }
            | Self::OutdatedProtocol { .. }
            | Self::SameAddress { .. }
            | Self::SameOperatorKey { .. } => Severity::Mind,
            Self::NoOperatorPayout { .. } | Self::Unfinished { .. } => Severity::Note,
        }
    }

    /// A few words, for a list.
    pub fn short(&self) -> String {
        match self {
            Self::CollateralBeingSpent => "its collateral is being spent".to_owned(),
            Self::PayoutChanged { .. } => "its payout address was changed elsewhere".to_owned(),
            Self::OperatorChanged => "its operator key was changed elsewhere".to_owned(),
            Self::VotingChanged => "its voting key was changed elsewhere".to_owned(),
            Self::KeyMismatch { role, .. } => format!("the vault's {role} key is another one"),
            Self::OutdatedProtocol { .. } => "its version is too old".to_owned(),
            Self::SameAddress { .. } => "another masternode has its address".to_owned(),
            Self::SameOperatorKey { .. } => "another masternode has its operator key".to_owned(),
            Self::NoOperatorPayout { .. } => "the operator's share has no address".to_owned(),
            Self::Unfinished { .. } => "a transaction of it is in no block yet".to_owned(),
        }
    }

    /// What is so, and what follows from it: one or two sentences.
    pub fn sentence(&self, profile: &Profile) -> String {
        let written = |address: &Option<Address>| {
            address.map_or_else(|| "no address".to_owned(), |address| address.to_text(profile))
        };
        match self {
            Self::CollateralBeingSpent => {
                "A transaction that spends its collateral waits for a block. With it the masternode is removed from the list for good."
                    .to_owned()
            }
            Self::PayoutChanged { set, now } => format!(
                "Its rewards go to {}, but from here they were directed to {}. Whoever has the owner key changed that elsewhere.",
                written(now),
                written(set)
            ),
            Self::OperatorChanged => {
                "Its operator key is not the one that was set from here. Whoever has the owner key changed it elsewhere; its holder runs \
                 the server now."
                    .to_owned()
            }
            Self::VotingChanged => {
                "Its voting key is not the one that was set from here. Whoever has the owner key changed it elsewhere; its holder votes \
                 now."
                    .to_owned()
            }
            Self::KeyMismatch { role, label } => format!(
                "The vault's key {label} is not the {role} key that the chain names: with it nothing can be signed for this masternode."
            ),
            Self::OutdatedProtocol { version, minimum } => format!(
                "Its server speaks protocol {version}, and the network demands {minimum} of masternodes: other members vote it out of \
                 DKG sessions, and two such failures ban it."
            ),
            Self::SameAddress { other } => format!(
                "Masternode {} announces the same address: only one of them can be reached there, and the other one fails its DKG \
                 sessions.",
                short(*other)
            ),
            Self::SameOperatorKey { other } => format!(
                "Masternode {} has the same operator key: a server with it can serve only one of them.",
                short(*other)
            ),
            Self::NoOperatorPayout { reward } => format!(
                "Its operator is promised {}.{:02} % but announced no address for it: all of the reward goes to the owner.",
                reward / 100,
                reward % 100
            ),
            Self::Unfinished { kind, txid, .. } => format!(
                "The {kind} transaction {} was made here and is in no block yet.",
                short(*txid)
            ),
        }
    }

    /// What to do about it, in a sentence.
    pub fn next_step(&self) -> String {
        match self {
            Self::CollateralBeingSpent => {
                "If that was not you, the collateral's key is in other hands: move what else it holds to new keys at once."
            }
            Self::PayoutChanged { .. } => {
                "If that was not you, set the payout address anew at once, and register with a new owner key: the old one is in other hands."
            }
            Self::OperatorChanged => {
                "If that was not you, set the operator key anew, and register with a new owner key: the old one is in other hands."
            }
            Self::VotingChanged => {
                "If that was not you, set the voting key anew, and register with a new owner key: the old one is in other hands."
            }
            Self::KeyMismatch { .. } => {
                "Import the right key on the Keys page, or give this one another name if it is of another masternode."
            }
            Self::OutdatedProtocol { .. } => "Update the software of its server and start it again.",
            Self::SameAddress { .. } => "Announce the right address of each with “Update service”.",
            Self::SameOperatorKey { .. } => "Give one of them a new operator key with “Update operator key”.",
            Self::NoOperatorPayout { .. } => "Its operator names an address with “Update service”.",
            Self::Unfinished { operation, .. } => {
                return format!("See what became of it in the journal, number {operation}.");
            }
        }
        .to_owned()
    }
}

fn short(hash: Txid) -> String {
    format!("{}…", &hash.to_string()[..8])
}

/// Everything known of masternodes that were registered from here and are in the list no more.
pub fn gone(known: &Known, overview: &Overview) -> Vec<Gone> {
    known.gone(overview)
}
