//! Alerts in words, the same on the window, on the terminal and in every message.

use super::{Alert, Dkg, Kind, Standing, What};
use crate::flow::words::{about, count, grouped};
use crate::protocol::{Amount, Profile};

impl Kind {
    /// For a switch: what it tells of.
    pub fn label(self) -> &'static str {
        match self {
            Self::Status => "Status",
            Self::Penalty => "PoSe score",
            Self::Danger => "Danger line",
            Self::Payment => "Payment received",
            Self::PaymentMissed => "Payment missed",
            Self::Removed => "Collateral spent",
            Self::PayoutChanged => "Payout address",
            Self::AddressChanged => "Network address",
            Self::OperatorChanged => "Operator key",
            Self::VotingChanged => "Voting key",
            Self::NodeDown => "Node",
        }
    }

    /// For a switch: when it is told.
    pub fn help(self) -> &'static str {
        match self {
            Self::Status => "Banned, waiting for its operator, revoked, or enabled again.",
            Self::Penalty => "The score rose: it failed in a DKG.",
            Self::Danger => "From here the next failed DKG bans it; and when that is over.",
            Self::Payment => "A block paid it.",
            Self::PaymentMissed => "It was first in the queue, and the block paid somebody else.",
            Self::Removed => "It left the list of masternodes.",
            Self::PayoutChanged => "The owner's or the operator's payout goes to another address.",
            Self::AddressChanged => "It is announced at another IP address or port.",
            Self::OperatorChanged => "The owner named another operator.",
            Self::VotingChanged => "The owner gave the votes to another key.",
            Self::NodeDown => "The list could not be read for some time; and when it can be again.",
        }
    }
}

impl Alert {
    /// A title: whom it is about and of what kind.
    pub fn title(&self) -> String {
        match self.name() {
            Some(name) => format!("{name}: {}", self.headline()),
            None => self.headline().to_owned(),
        }
    }

    fn headline(&self) -> &'static str {
        match &self.what {
            What::Status { to, .. } => match to {
                Standing::Enabled => "enabled",
                Standing::Misbehaved => "banned",
                Standing::NoAddress | Standing::OperatorChanged => "waiting for its operator",
                Standing::Revoked(_) => "revoked",
            },
            What::ScoreRose { .. } => "PoSe score rose",
            What::DangerLine { into: true, .. } => "in danger",
            What::DangerLine { into: false, .. } => "out of danger",
            What::Paid { .. } => "paid",
            What::PaymentMissed { .. } => "payment missed",
            What::Removed { .. } => "removed",
            What::Payout { .. } => "payout address changed",
            What::OperatorPayout { .. } => "operator payout changed",
            What::Address { .. } => "network address changed",
            What::OperatorKey => "operator key changed",
            What::Voting { .. } => "voting key changed",
            What::NodeDown { .. } => "The node does not answer",
            What::NodeUp => "The node answers again",
        }
    }

    /// One or two sentences: what happened and what it means.
    pub fn sentence(&self, profile: &Profile) -> String {
        let name = self.name().unwrap_or("the node");
        match &self.what {
            What::Status { to, .. } => standing(name, *to, self.own),
            What::ScoreRose { from, to, max, dkg } => score(name, *from, *to, *max, dkg.as_ref()),
            What::DangerLine {
                into, blocks_to_safe, ..
            } => danger(name, *into, *blocks_to_safe, profile),
            What::Paid { block, amount } => paid(name, *block, *amount, profile),
            What::PaymentMissed { block } => format!(
                "{name} was first in the queue, but block {} paid another masternode.",
                grouped(*block)
            ),
            What::Removed { collateral, spent } => {
                let outpoint = collateral.to_string();
                removed(name, &outpoint, *spent, self.own)
            }
            What::Payout { to, .. } => self.changed(&format!("The payout address of {name}"), to.as_deref(), OWNER),
            What::OperatorPayout { to, .. } => {
                self.changed(&format!("The operator payout of {name}"), to.as_deref(), OPERATOR)
            }
            What::Address { from, to } => {
                let subject = format!("The network address of {name} (it was {from})");
                self.changed(&subject, Some(to), OPERATOR)
            }
            What::OperatorKey => self.changed(&format!("The operator key of {name}"), Some("another one"), OWNER),
            What::Voting { to, .. } => self.changed(&format!("The voting address of {name}"), to.as_deref(), OWNER),
            What::NodeDown { minutes, cause } => format!(
                "The list of masternodes could not be read for {}: {cause}. Until the node answers, nothing is watched.",
                count(*minutes as usize, "minute", "minutes")
            ),
            What::NodeUp => "The list of masternodes can be read again.".to_owned(),
        }
    }

    /// What was done from here is told calmly; anything else names the key that somebody must have.
    fn changed(&self, subject: &str, to: Option<&str>, key: &str) -> String {
        let to = to.unwrap_or("none");
        if self.own {
            format!("{subject} is now {to}, as you set it from this computer.")
        } else {
            format!(
                "{subject} is now {to}. It was not set from this computer: if you do not know of it, somebody else has {key}."
            )
        }
    }
}

const OWNER: &str = "its owner key";
const OPERATOR: &str = "its operator key";

fn standing(name: &str, to: Standing, own: bool) -> String {
    let as_you_did = if own { ", as you did from this computer" } else { "" };
    match to {
        Standing::Enabled => format!("{name} is enabled again{as_you_did}."),
        Standing::Misbehaved => format!(
            "{name} is banned: it failed in too many DKGs. It is not paid until its operator sends a service update, \
             and then waits at the end of the queue."
        ),
        Standing::NoAddress => format!("{name} has no address yet: a service update of its operator enables it."),
        Standing::OperatorChanged => format!(
            "{name} has another operator key{as_you_did}, and is not paid until the new operator sends a service update."
        ),
        Standing::Revoked(reason) => format!(
            "The operator of {name} gave up ({}){as_you_did}. It is not paid until its owner names another operator key.",
            revocation(reason)
        ),
    }
}

/// DIP-0003.
fn revocation(reason: u16) -> &'static str {
    match reason {
        1 => "termination of service",
        2 => "compromised keys",
        3 => "change of keys",
        _ => "no reason given",
    }
}

fn score(name: &str, from: u32, to: u32, max: u32, dkg: Option<&Dkg>) -> String {
    let (from, to, max) = (grouped(from), grouped(to), grouped(max));
    let failed = match dkg {
        Some(dkg) => format!("it failed in the DKG of {} at height {}", dkg.kind, grouped(dkg.height)),
        None => "it failed in a DKG".to_owned(),
    };
    format!("The PoSe score of {name} rose from {from} to {to} of {max}: {failed}.")
}

fn danger(name: &str, into: bool, blocks_to_safe: u32, profile: &Profile) -> String {
    if !into {
        return format!("{name} is out of danger: it survives one failed DKG.");
    }
    let seconds = u64::from(blocks_to_safe) * u64::from(profile.spacing);
    format!(
        "One more failed DKG bans {name}; it is safe again in {}, {}.",
        count(blocks_to_safe as usize, "block", "blocks"),
        about(seconds)
    )
}

fn paid(name: &str, block: u32, amount: Option<u64>, profile: &Profile) -> String {
    let block = grouped(block);
    match amount {
        Some(duffs) => format!(
            "{name} was paid {} {} in block {block}.",
            Amount::from_duffs(duffs).short(),
            profile.ticker
        ),
        None => format!("{name} was paid in block {block}."),
    }
}

fn removed(name: &str, outpoint: &str, spent: Option<bool>, own: bool) -> String {
    match (spent, own) {
        (_, true) => {
            format!("{name} left the list: its collateral {outpoint} was spent, as you did from this computer.")
        }
        (Some(true), false) => format!(
            "{name} left the list: its collateral {outpoint} was spent, and not from this computer. If you do not know of it, \
             somebody else has the collateral's key."
        ),
        (Some(false), false) => format!(
            "{name} left the list though its collateral {outpoint} is unspent: another registration with it took its place."
        ),
        (None, false) => {
            format!("{name} left the list. The node could not say whether its collateral {outpoint} was spent.")
        }
    }
}
