//! Which masternodes are changed, and what of them.

use crate::flow::batch::Known;
use crate::flow::operation::Kind;
use crate::flow::overview::{Masternode, Overview};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Service;
use crate::protocol::{KeyId, ProTxHash};

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    Payout,
    Voting,
    Services,
}

impl What {
    pub const ALL: [Self; 3] = [Self::Payout, Self::Voting, Self::Services];

    /// On the button that begins it, and over its page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Payout => "New payout address",
            Self::Voting => "New voting key",
            Self::Services => "New addresses from a list",
        }
    }

    /// Whose key signs it.
    pub fn role(self) -> &'static str {
        match self {
            Self::Payout | Self::Voting => "owner",
            Self::Services => "operator",
        }
    }

    pub fn kind(self) -> Kind {
        match self {
            Self::Payout | Self::Voting => Kind::UpdateRegistrar,
            Self::Services => Kind::UpdateService,
        }
    }

    /// Whether the key that signs it is in the vault.
    pub fn is_signed_here(self, masternode: &Masternode) -> bool {
        match self {
            Self::Payout | Self::Voting => masternode.roles.owner.is_some(),
            Self::Services => masternode.roles.operator.is_some(),
        }
    }
}

/// One of the masternodes that were selected.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub pro_tx_hash: ProTxHash,
    pub name: String,
    pub service: Service,
    pub kind: MnType,
    /// Owner and voting key: rewards are not paid to them.
    pub keys: Vec<KeyId>,
    /// The key that signs the change is in the vault.
    pub signed_here: bool,
}

/// What a batch is opened with.
#[derive(Debug, Clone)]
pub struct Subject {
    pub what: What,
    pub chosen: Vec<Chosen>,
    /// All masternodes a list may name.
    pub known: Vec<Known>,
}

impl Subject {
    /// The selected masternodes of a list, by name.
    pub fn new(what: What, overview: &Overview, is_selected: impl Fn(ProTxHash) -> bool) -> Self {
        let all = &overview.masternodes;
        let selected = all.iter().filter(|each| is_selected(each.entry.pro_tx_hash));
        let mut chosen: Vec<Chosen> = selected.map(|each| chosen_one(what, each)).collect();
        chosen.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            what,
            chosen,
            known: all.iter().map(known_one).collect(),
        }
    }

    pub fn hashes(&self) -> Vec<ProTxHash> {
        self.chosen.iter().map(|each| each.pro_tx_hash).collect()
    }

    /// What it is called here.
    pub fn name(&self, hash: ProTxHash) -> String {
        let known = self.known.iter().find(|each| each.pro_tx_hash == hash);
        known.map_or_else(|| hash.to_string()[..8].to_owned(), |each| each.name.clone())
    }

    /// Of the largest transaction among them.
    pub fn largest(&self) -> MnType {
        let is_evo = self.chosen.iter().any(|each| each.kind == MnType::Evo);
        if is_evo { MnType::Evo } else { MnType::Regular }
    }
}

fn chosen_one(what: What, masternode: &Masternode) -> Chosen {
    let entry = &masternode.entry;
    Chosen {
        pro_tx_hash: entry.pro_tx_hash,
        name: masternode.roles.name(entry.pro_tx_hash),
        service: entry.state.service,
        kind: entry.kind,
        keys: entry.state.owner.into_iter().chain(entry.state.voting).collect(),
        signed_here: what.is_signed_here(masternode),
    }
}

fn known_one(masternode: &Masternode) -> Known {
    let hash = masternode.entry.pro_tx_hash;
    Known {
        pro_tx_hash: hash,
        name: masternode.roles.name(hash),
    }
}
