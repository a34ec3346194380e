//! The masternode list of one height, and what blocks do to it (DIP-0003; Dash Core evo/deterministicmns.cpp).

use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, OutPoint, ScriptBuf};

use crate::protocol::ProTxHash;
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::special_tx::{ProRegTx, Service};
use crate::protocol::wire::{WriteWire, sha256d};

/// One registered masternode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masternode {
    pub pro_tx_hash: ProTxHash,
    pub kind: MnType,
    pub collateral: OutPoint,
    /// The collateral's output script; kept because lists show its address even after it was spent.
    pub collateral_script: ScriptBuf,
    /// Hundredths of a percent.
    pub operator_reward: u16,
    pub state: State,
}

/// What changes after registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Payload version the operator key came with; decides its encoding.
    pub version: u16,
    pub service: Service,
    pub registered_height: u32,
    /// 0 if never paid.
    pub last_paid_height: u32,
    pub consecutive_payments: u32,
    pub penalty: u32,
    pub revived_height: Option<u32>,
    pub ban_height: Option<u32>,
    pub revocation_reason: u16,
    pub owner: KeyId,
    pub voting: KeyId,
    pub payout: ScriptBuf,
    /// Empty: the owner gets everything.
    pub operator_payout: ScriptBuf,
    /// As in the payload that brought it; zeros when revoked.
    pub operator: [u8; 48],
    /// The node id is zero once the operator is gone; the ports stay.
    pub platform: Option<Platform>,
    pub confirmed_hash: Option<BlockHash>,
}

impl Masternode {
    /// The entry a ProRegTx mined at a height creates. Without an address it waits, banned, for its operator.
    pub fn registered(
        payload: &ProRegTx,
        kind: MnType,
        pro_tx_hash: ProTxHash,
        collateral_script: ScriptBuf,
        height: u32,
    ) -> Self {
        Self {
            pro_tx_hash,
            kind,
            collateral: payload.collateral_outpoint(pro_tx_hash),
            collateral_script,
            operator_reward: payload.operator_reward,
            state: State {
                version: payload.version,
                service: payload.service,
                registered_height: height,
                last_paid_height: 0,
                consecutive_payments: 0,
                penalty: 0,
                revived_height: None,
                ban_height: payload.service.is_none().then_some(height),
                revocation_reason: 0,
                owner: payload.owner,
                voting: payload.voting,
                payout: payload.payout.clone(),
                operator_payout: ScriptBuf::new(),
                operator: payload.operator,
                platform: payload.platform,
                confirmed_hash: None,
            },
        }
    }

    pub fn is_banned(&self) -> bool {
        self.state.ban_height.is_some()
    }

    /// Its leaf of merkleRootMNList: the simplified entry (DIP-0004), without its version.
    fn leaf(&self) -> [u8; 32] {
        let state = &self.state;
        let mut bytes = Vec::with_capacity(190);
        bytes.extend_from_slice(&self.pro_tx_hash.to_byte_array());
        bytes.extend_from_slice(&state.confirmed_hash.map_or([0; 32], |hash| hash.to_byte_array()));
        state.service.write(&mut bytes);
        bytes.extend_from_slice(&state.operator);
        bytes.extend_from_slice(&state.voting.0);
        bytes.push(u8::from(!self.is_banned()));
        if state.version >= 2 {
            bytes.put_u16(self.kind.number());
            if let Some(platform) = state.platform {
                bytes.put_u16(platform.http_port);
                bytes.extend_from_slice(&platform.node_id);
            }
        }
        sha256d(&bytes)
    }

    fn has_same_leaf(&self, other: &Self) -> bool {
        let part = |mn: &Self| {
            let state = &mn.state;
            (
                state.confirmed_hash,
                state.service,
                state.operator,
                state.voting,
                mn.is_banned(),
                state.version,
                state.platform,
            )
        };
        self.pro_tx_hash == other.pro_tx_hash && part(self) == part(other)
    }
}

/// All masternodes at one height. Cloning shares the entries.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// In the order of their hashes. There is a list per height, so each should be small.
    entries: Vec<Arc<Masternode>>,
    root: [u8; 32],
}

impl List {
    /// How many are registered, banned ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn get(&self, hash: ProTxHash) -> Option<&Masternode> {
        self.find(hash).ok().map(|at| self.entries[at].as_ref())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Masternode> {
        self.entries.iter().map(Arc::as_ref)
    }

    /// Where an entry stands, or would stand.
    fn find(&self, hash: ProTxHash) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&hash, |entry| entry.pro_tx_hash)
    }

    /// Those that are not banned.
    pub fn valid(&self) -> impl Iterator<Item = &Masternode> {
        self.iter().filter(|mn| !mn.is_banned())
    }

    pub fn by_collateral(&self, outpoint: OutPoint) -> Option<&Masternode> {
        self.iter().find(|mn| mn.collateral == outpoint)
    }

    /// merkleRootMNList, as stored.
    pub fn root(&self) -> [u8; 32] {
        self.root
    }

    pub fn insert(&mut self, mn: Masternode) {
        match self.find(mn.pro_tx_hash) {
            Ok(at) => self.entries[at] = Arc::new(mn),
            Err(at) => self.entries.insert(at, Arc::new(mn)),
        }
    }

    pub fn remove(&mut self, hash: ProTxHash) {
        if let Ok(at) = self.find(hash) {
            self.entries.remove(at);
        }
    }

    /// Changes one state; nothing if it is not listed.
    pub fn update(&mut self, hash: ProTxHash, change: impl FnOnce(&mut State)) {
        if let Ok(at) = self.find(hash) {
            change(&mut Arc::make_mut(&mut self.entries[at]).state);
        }
    }

    /// Changes every state the test picks; the others stay shared.
    pub fn update_where(&mut self, picks: impl Fn(&Masternode) -> bool, change: impl Fn(&mut State)) {
        for entry in &mut self.entries {
            if picks(entry) {
                change(&mut Arc::make_mut(entry).state);
            }
        }
    }

    /// Score at which a masternode is banned.
    pub fn max_penalty(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX).max(100)
    }

    /// A failed DKG: 66 % of the maximum, and the ban when the maximum is reached.
    pub fn punish(&mut self, hash: ProTxHash, height: u32) {
        let max = self.max_penalty();
        let step = u32::try_from(u64::from(max) * 66 / 100).unwrap_or(max);
        self.update(hash, |state| {
            state.penalty = state.penalty.saturating_add(step).min(max);
            if state.penalty == max && state.ban_height.is_none() {
                state.ban_height = Some(height);
            }
        });
    }

    /// Misbehaviour without the detour over DKGs: the full score, and the ban unless there is one.
    pub fn ban(&mut self, hash: ProTxHash, height: u32) {
        let max = self.max_penalty();
        self.update(hash, |state| {
            state.penalty = max;
            state.ban_height.get_or_insert(height);
        });
    }

    /// What every block forgives those that are not banned.
    pub fn decay(&mut self) {
        self.update_where(|mn| !mn.is_banned() && mn.state.penalty > 0, |state| state.penalty -= 1);
    }

    /// Brings the merkle root up to date; `before` is the list this one grew from.
    pub fn seal(&mut self, before: &Self) {
        let unchanged = self.len() == before.len()
            && self
                .entries
                .iter()
                .zip(&before.entries)
                .all(|(a, b)| Arc::ptr_eq(a, b) || a.has_same_leaf(b));
        if !unchanged {
            self.root = merkle_root(self.iter().map(Masternode::leaf).collect());
        }
    }
}

/// The merkle root of hashes as stored; zeros of none.
pub fn merkle_root(mut level: Vec<[u8; 32]>) -> [u8; 32] {
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| sha256d(&[pair[0], *pair.last().expect("chunks are never empty")].concat()))
            .collect();
    }
    level.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_an_odd_level_repeats_its_last_hash() {
        let [a, b, c] = [[1; 32], [2; 32], [3; 32]];
        let left = sha256d(&[a, b].concat());
        let right = sha256d(&[c, c].concat());
        assert_eq!(merkle_root(vec![a, b, c]), sha256d(&[left, right].concat()));
        assert_eq!(merkle_root(vec![a]), a);
        assert_eq!(merkle_root(Vec::new()), [0; 32]);
    }
}
