//! What is to be warned of, worked out from the list and from what is known here.

use std::collections::HashMap;

use super::Warning;
use super::known::{Known, Set};
use crate::flow::overview::{Masternode, Overview};
use crate::protocol::bls::Scheme;
use crate::protocol::masternode::OperatorKey;
use crate::protocol::{ProTxHash, script};
use crate::store::keys::Kind as KeyKind;

/// Warnings of all of mine, each one's gravest first; who has none is left out. Asks nothing: what only the node knows (its mempool)
/// is added by who asks it.
pub fn of_mine(known: &Known, overview: &Overview) -> HashMap<ProTxHash, Vec<Warning>> {
    let mine = || overview.masternodes.iter().filter(|each| each.mine);
    let doubles = Doubles::of(overview, mine());
    mine()
        .map(|each| (each.entry.pro_tx_hash, of_one(known, overview, &doubles, each)))
        .filter(|(_, found)| !found.is_empty())
        .collect()
}

/// The same of one, whosever it is.
pub fn warnings(known: &Known, overview: &Overview, masternode: &Masternode) -> Vec<Warning> {
    let doubles = Doubles::of(overview, std::iter::once(masternode));
    of_one(known, overview, &doubles, masternode)
}

fn of_one(known: &Known, overview: &Overview, doubles: &Doubles, masternode: &Masternode) -> Vec<Warning> {
    let mut found = Vec::new();
    if let Some(set) = known.set.get(&masternode.entry.pro_tx_hash) {
        changed(known, set, overview, masternode, &mut found);
    }
    mismatched(known, masternode, &mut found);
    doubles.find(masternode, &mut found);
    let (entry, state) = (&masternode.entry, &masternode.entry.state);
    if entry.operator_reward > 0 && state.operator_payout.is_none() && !entry.is_banned() {
        found.push(Warning::NoOperatorPayout {
            reward: entry.operator_reward,
        });
    }
    found.sort_by_key(|warning| std::cmp::Reverse(warning.severity()));
    found
}

/// What somebody else changed after this computer set it. A list older than the block that set it tells nothing.
fn changed(known: &Known, set: &Set, overview: &Overview, masternode: &Masternode, found: &mut Vec<Warning>) {
    let state = &masternode.entry.state;
    let known_by_now = |height: u32| height <= overview.tip.height;
    if let Some((height, payout)) = &set.payout
        && known_by_now(*height)
        && let Some(now) = state.payout
        && now.script() != *payout
        && !pays_here(known, masternode)
    {
        found.push(Warning::PayoutChanged {
            set: script::address(payout.as_bytes()),
            now: Some(now),
        });
    }
    if let Some((height, Some(key))) = &set.operator
        && known_by_now(*height)
        && masternode.roles.operator.is_none()
        && matches!(state.operator, OperatorKey::Listed { .. })
        && !state.operator.is(key)
    {
        found.push(Warning::OperatorChanged);
    }
    if let Some((height, voting)) = set.voting
        && known_by_now(height)
        && masternode.roles.voting.is_none()
        && state.voting.is_some_and(|now| now != voting)
    {
        found.push(Warning::VotingChanged);
    }
    found.extend(set.waiting.iter().map(|(operation, kind, txid)| Warning::Unfinished {
        operation: *operation,
        kind: kind.clone(),
        txid: *txid,
    }));
}

/// Its rewards go to a key of the vault.
fn pays_here(known: &Known, masternode: &Masternode) -> bool {
    let script = masternode.entry.state.payout.map(|payout| payout.script());
    match script.and_then(|script| script::destination(script.as_bytes())) {
        Some(script::Destination::Key(hash)) => known.holds(crate::protocol::KeyId(hash)),
        _ => false,
    }
}

/// Keys of the vault that carry its name and are not what the chain names. One that this computer replaced itself is merely old.
fn mismatched(known: &Known, masternode: &Masternode, found: &mut Vec<Warning>) {
    let (state, roles) = (&masternode.entry.state, &masternode.roles);
    if !roles.any() {
        return;
    }
    let name = roles.name(masternode.entry.pro_tx_hash);
    let set = known.set.get(&masternode.entry.pro_tx_hash);
    let operator_is_ours = set
        .and_then(|set| set.operator.as_ref())
        .is_some_and(|(_, key)| key.as_ref().is_some_and(|key| state.operator.is(key)));
    let operator_is_told = matches!(state.operator, OperatorKey::Listed { .. });
    let voting_is_ours = set
        .and_then(|set| set.voting)
        .is_some_and(|(_, key)| state.voting == Some(key));
    let missing = [
        (KeyKind::Owner, roles.owner.is_none() && state.owner.is_some()),
        (
            KeyKind::Operator,
            roles.operator.is_none() && operator_is_told && !operator_is_ours,
        ),
        (
            KeyKind::Voting,
            roles.voting.is_none() && state.voting.is_some() && !voting_is_ours,
        ),
    ];
    for (role, _) in missing.into_iter().filter(|(_, missing)| *missing) {
        if let Some(key) = known.named(&name, role) {
            found.push(Warning::KeyMismatch {
                role,
                label: key.label.clone(),
            });
        }
    }
    if let Some(node_id) = &state.platform_node_id
        && let Some(key) = known.named(&name, KeyKind::Platform)
        && key.node_id().as_ref() != Some(node_id)
    {
        found.push(Warning::KeyMismatch {
            role: KeyKind::Platform,
            label: key.label.clone(),
        });
    }
}

/// Who else in the list has the address or the operator key of one of mine. Nodes refuse that; lists of laxer ones have it all the
/// same.
#[derive(Debug, Default)]
struct Doubles {
    services: HashMap<String, Vec<ProTxHash>>,
    /// By the bytes in each encoding.
    operators: HashMap<[u8; 48], Vec<ProTxHash>>,
}

impl Doubles {
    /// Only what is one of these masternodes' is looked for.
    fn of<'a>(overview: &Overview, these: impl Iterator<Item = &'a Masternode>) -> Self {
        let mut doubles = Self::default();
        for masternode in these {
            let state = &masternode.entry.state;
            if !state.service.is_none() {
                doubles.services.insert(state.service.to_string(), Vec::new());
            }
            for bytes in both(&state.operator) {
                doubles.operators.insert(bytes, Vec::new());
            }
        }
        for each in &overview.masternodes {
            doubles.take(each);
        }
        doubles
    }

    fn take(&mut self, each: &Masternode) {
        let (hash, state) = (each.entry.pro_tx_hash, &each.entry.state);
        if let Some(found) = self.services.get_mut(&state.service.to_string()) {
            found.push(hash);
        }
        if let OperatorKey::Listed { bytes, .. } = &state.operator
            && let Some(found) = self.operators.get_mut(bytes)
        {
            found.push(hash);
        }
    }

    fn find(&self, masternode: &Masternode, found: &mut Vec<Warning>) {
        let (hash, state) = (masternode.entry.pro_tx_hash, &masternode.entry.state);
        let other = |all: Option<&Vec<ProTxHash>>| all?.iter().find(|each| **each != hash).copied();
        if let Some(other) = other(self.services.get(&state.service.to_string())) {
            found.push(Warning::SameAddress { other });
        }
        let keys = both(&state.operator);
        if let Some(other) = keys.iter().find_map(|bytes| other(self.operators.get(bytes))) {
            found.push(Warning::SameOperatorKey { other });
        }
    }
}

/// An operator key as it is listed and in the other encoding.
fn both(key: &OperatorKey) -> Vec<[u8; 48]> {
    match key {
        OperatorKey::Listed { bytes, encoding } => {
            let other = match encoding {
                Scheme::Legacy => Scheme::Basic,
                Scheme::Basic => Scheme::Legacy,
            };
            let point = key.point().map(|point| point.encode(other));
            std::iter::once(*bytes).chain(point).collect()
        }
        OperatorKey::Revoked | OperatorKey::NotTold => Vec::new(),
    }
}
