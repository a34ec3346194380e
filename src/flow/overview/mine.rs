//! Which masternodes are mine: by the keys of the vault, and by what this computer registered.

use std::collections::{HashMap, HashSet};

use bitcoin::hashes::Hash;

use crate::flow::operation::Kind;
use crate::flow::{Error, Ports};
use crate::protocol::bls::Scheme;
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::{KeyId, ProTxHash, script};
use crate::store::journal::Journal;
use crate::store::vault::Vault;

/// Labels of the keys this vault holds for a masternode.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roles {
    pub owner: Option<String>,
    pub voting: Option<String>,
    pub operator: Option<String>,
}

impl Roles {
    pub fn any(&self) -> bool {
        self.owner.is_some() || self.voting.is_some() || self.operator.is_some()
    }

    /// The operations these keys can sign for a masternode of theirs. A revoked one knows no operator key.
    pub fn can(&self) -> Vec<Kind> {
        let operator = self.operator.is_some().then_some([Kind::UpdateService, Kind::Revoke]);
        let owner = self.owner.is_some().then_some(Kind::UpdateRegistrar);
        let mut all: Vec<Kind> = operator.into_iter().flatten().chain(owner).collect();
        all.sort_by_key(|kind| Kind::ALL.iter().position(|each| each == kind));
        all
    }

    /// What the masternode is called here: what its keys' labels begin with (`mn1-owner` is `mn1`'s), else the first eight digits
    /// of its hash.
    pub fn name(&self, hash: ProTxHash) -> String {
        let of = |label: &Option<String>, role: &str| {
            let (name, rest) = label.as_deref()?.rsplit_once(role)?;
            let numbered = rest
                .strip_prefix('-')
                .is_some_and(|n| n.bytes().all(|byte| byte.is_ascii_digit()));
            (!name.is_empty() && (rest.is_empty() || numbered)).then(|| name.to_owned())
        };
        of(&self.owner, "-owner")
            .or_else(|| of(&self.operator, "-operator"))
            .or_else(|| of(&self.voting, "-voting"))
            .unwrap_or_else(|| short(hash))
    }
}

/// The keys of a vault that an entry names.
pub fn roles(vault: Option<&Vault>, entry: &Entry) -> Roles {
    vault.map(|vault| KeyIndex::of(vault).roles(entry)).unwrap_or_default()
}

/// The first eight digits of a hash as it is shown, without writing all of it: lists have thousands.
fn short(hash: ProTxHash) -> String {
    let last = hash.to_byte_array().last_chunk().copied().unwrap_or_default();
    format!("{:08x}", u32::from_le_bytes(last))
}

/// What counts as mine besides the vault's keys.
#[derive(Debug, Clone, Default)]
pub struct Mine {
    /// Registered from here, as the journal tells.
    pub hashes: HashSet<ProTxHash>,
}

/// Masternodes this computer's journal knows of.
///
/// # Errors
/// Of the journal.
pub fn mine(ports: &Ports) -> Result<Mine, Error> {
    registered_here(&ports.journal, &ports.profile.name)
}

/// The same of a journal alone, for one network.
///
/// # Errors
/// Of the journal.
pub fn registered_here(journal: &Journal, network: &str) -> Result<Mine, Error> {
    let mut mine = Mine::default();
    for operation in journal.list()? {
        if operation.kind == "register"
            && operation.network == network
            && let Some(txid) = operation.finished().map(|(txid, _)| txid)
        {
            mine.hashes.insert(txid);
        }
    }
    Ok(mine)
}

/// The vault's public keys, for looking entries up.
pub(super) struct KeyIndex {
    secp: HashMap<KeyId, String>,
    operator: HashMap<OperatorKey, String>,
}

impl KeyIndex {
    pub(super) fn of(vault: &Vault) -> Self {
        let mut index = Self {
            secp: HashMap::new(),
            operator: HashMap::new(),
        };
        for key in vault.list() {
            if let Some(id) = key.key_id() {
                index.secp.insert(id, key.label.clone());
            }
            if let Some(point) = key.operator() {
                // A list writes it in the one or the other.
                for encoding in [Scheme::Legacy, Scheme::Basic] {
                    let listed = OperatorKey::of(&point, encoding);
                    index.operator.insert(listed, key.label.clone());
                }
            }
        }
        index
    }

    pub(super) fn roles(&self, entry: &Entry) -> Roles {
        let operator = self.operator.get(&entry.state.operator).cloned();
        Roles {
            owner: entry.state.owner.and_then(|id| self.secp.get(&id).cloned()),
            voting: entry.state.voting.and_then(|id| self.secp.get(&id).cloned()),
            operator,
        }
    }

    pub(super) fn holds_payout(&self, entry: &Entry) -> bool {
        let script = entry.state.payout.map(|payout| payout.script());
        match script.and_then(|script| script::destination(script.as_bytes())) {
            Some(script::Destination::Key(hash)) => self.secp.contains_key(&KeyId(hash)),
            _ => false,
        }
    }
}
