//! What changed between two masternode lists, as `protx listdiff` prints it (Dash Core rpc/evo.cpp, evo/dmnstate.cpp:
//! CDeterministicMNStateDiff::ToJson).

use std::collections::HashSet;

use super::entry::{address, entry, key_id, node_id, operator, port, service};
use super::texts;
use crate::protocol::key::KeyId;
use crate::protocol::masternode::entry::{Entry, OperatorKey, State};
use crate::protocol::special_tx::Service;
use crate::protocol::{Address, ProTxHash, Profile};
use crate::rpc::RpcError;
use crate::rpc::json::Json;

/// What turns the list of one height into that of another, which may be the lower one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListDiff {
    /// Height of the list it is applied to.
    pub base: u32,
    /// Height of the list it gives.
    pub height: u32,
    /// Without confirmations.
    pub added: Vec<Entry>,
    pub removed: Vec<ProTxHash>,
    pub updated: Vec<(ProTxHash, Changes)>,
}

/// New values of the fields of a [`State`] that changed. None: as before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Also told, changed or not, beside a new operator key or address.
    pub version: Option<u16>,
    pub service: Option<Service>,
    pub registered_height: Option<u32>,
    pub last_paid_height: Option<u32>,
    pub consecutive_payments: Option<u32>,
    pub pose_penalty: Option<u32>,
    pub pose_revived_height: Option<Option<u32>>,
    pub pose_ban_height: Option<Option<u32>>,
    pub revocation_reason: Option<u16>,
    pub owner: Option<KeyId>,
    pub voting: Option<KeyId>,
    pub payout: Option<Address>,
    /// `Some(None)`: the operator gets nothing any more.
    pub operator_payout: Option<Option<Address>>,
    pub operator: Option<OperatorKey>,
    pub platform_node_id: Option<Option<String>>,
    pub platform_p2p_port: Option<Option<u16>>,
    pub platform_http_port: Option<Option<u16>>,
}

impl ListDiff {
    /// Reads a reply. Nodes leave out what became empty; see [`ListDiff::fill_gaps`].
    pub(in crate::rpc) fn read(json: &Json<'_>, profile: &Profile) -> Result<Self, RpcError> {
        let mut named = HashSet::new();
        let mut once = |hash: ProTxHash, json: &Json<'_>| match named.insert(hash) {
            true => Ok(()),
            false => Err(json.malformed()),
        };
        let mut diff = Self {
            base: json.get("baseHeight")?.u32()?,
            height: json.get("blockHeight")?.u32()?,
            added: Vec::new(),
            removed: Vec::new(),
            updated: Vec::new(),
        };
        for item in json.get("addedMNs")?.items()? {
            let added = entry(&item, profile)?;
            once(added.pro_tx_hash, &item)?;
            diff.added.push(added);
        }
        diff.removed = texts(&json.get("removedMNs")?)?;
        for hash in &diff.removed {
            once(*hash, &json.get("removedMNs")?)?;
        }
        for item in json.get("updatedMNs")?.items()? {
            for (hash, state) in item.fields()? {
                let hash = hash.parse().map_err(|_| item.malformed())?;
                once(hash, &item)?;
                diff.updated.push((hash, Changes::read(&state, profile)?));
            }
        }
        Ok(diff)
    }

    /// Nothing is different.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.updated.is_empty()
    }

    /// Completes what a node cannot say: an operator payout that is gone is left out of the diff, but the diff back (from
    /// `height` to `base`) brings it again.
    pub(in crate::rpc) fn fill_gaps(&mut self, back: &Self) {
        let brought: HashSet<ProTxHash> = back
            .updated
            .iter()
            .filter(|(_, changes)| changes.operator_payout.is_some())
            .map(|(hash, _)| *hash)
            .collect();
        for (hash, changes) in &mut self.updated {
            if changes.operator_payout.is_none() && brought.contains(hash) {
                changes.operator_payout = Some(None);
            }
        }
    }
}

impl Changes {
    fn read(json: &Json<'_>, profile: &Profile) -> Result<Self, RpcError> {
        let height = |key: &str| json.optional(key, |json| json.unless_minus_one());
        let number = |key: &str| json.optional(key, |json| json.u32());
        let version = json.optional("version", |json| json.u16())?;
        let address_told = json.maybe("service")?.is_some() || json.maybe("addresses")?.is_some();
        Ok(Self {
            version,
            service: address_told.then(|| service_of(json)).transpose()?.flatten(),
            registered_height: number("registeredHeight")?,
            last_paid_height: number("lastPaidHeight")?,
            consecutive_payments: number("consecutivePayments")?,
            pose_penalty: number("PoSePenalty")?,
            pose_revived_height: height("PoSeRevivedHeight")?,
            pose_ban_height: height("PoSeBanHeight")?,
            revocation_reason: json.optional("revocationReason", |json| json.u16())?,
            owner: json.optional("ownerAddress", |json| key_id(json, profile))?,
            voting: json.optional("votingAddress", |json| key_id(json, profile))?,
            payout: json.optional("payoutAddress", |json| address(json, profile))?,
            operator_payout: json.optional("operatorPayoutAddress", |json| address(json, profile).map(Some))?,
            operator: json.optional("pubKeyOperator", |json| {
                // Without it nobody knows how to read the key; nodes always tell both.
                let version = version.ok_or_else(|| json.malformed())?;
                operator(json, version)
            })?,
            platform_node_id: json.optional("platformNodeID", node_id)?,
            platform_p2p_port: json.optional("platformP2PPort", port)?,
            platform_http_port: json.optional("platformHTTPPort", port)?,
        })
    }

    /// Brings a state up to date.
    pub fn apply(&self, state: &mut State) {
        put(&mut state.version, self.version);
        put(&mut state.service, self.service);
        put(&mut state.registered_height, self.registered_height);
        put(&mut state.last_paid_height, self.last_paid_height);
        put(&mut state.consecutive_payments, self.consecutive_payments);
        put(&mut state.pose_penalty, self.pose_penalty);
        put(&mut state.pose_revived_height, self.pose_revived_height);
        put(&mut state.pose_ban_height, self.pose_ban_height);
        put(&mut state.revocation_reason, self.revocation_reason);
        put(&mut state.owner, self.owner.map(Some));
        put(&mut state.voting, self.voting.map(Some));
        put(&mut state.payout, self.payout.map(Some));
        put(&mut state.operator_payout, self.operator_payout);
        put(&mut state.operator, self.operator);
        put(&mut state.platform_node_id, self.platform_node_id.clone());
        put(&mut state.platform_p2p_port, self.platform_p2p_port);
        put(&mut state.platform_http_port, self.platform_http_port);
    }
}

fn put<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// The address, unless all that is told of addresses is a port of Platform's.
fn service_of(json: &Json<'_>) -> Result<Option<Service>, RpcError> {
    let core = match json.maybe("addresses")? {
        Some(addresses) => addresses.maybe("core_p2p")?.is_some(),
        None => false,
    };
    match core || json.maybe("service")?.is_some() {
        true => service(json).map(Some),
        false => Ok(None),
    }
}
