//! What happened between two states of a masternode, and whether anything happened at all.

use crate::protocol::bls::Scheme;
use crate::protocol::masternode::OperatorKey;
use crate::protocol::masternode::entry::{Entry, State, Status};
use crate::store::history::{Change, Platform, Start};

/// What the history calls a masternode's state; the score says whether it is penalised.
pub fn status(entry: &Entry) -> Status {
    match entry.status() {
        Status::Penalised => Status::Enabled,
        other => other,
    }
}

/// What lines and lists begin with.
pub fn start(entry: Option<&Entry>) -> Start {
    entry.map_or(Start::ABSENT, |entry| Start {
        penalty: entry.state.pose_penalty,
        status: Some(status(entry)),
    })
}

/// What the blocks between two states did, as if they were one: nothing for a quiet stretch. `blocks` is how many they are.
pub fn between(before: Option<&Entry>, after: Option<&Entry>, blocks: u32) -> Vec<Change> {
    match (before, after) {
        (None, None) => Vec::new(),
        (Some(_), None) => vec![Change::Removed],
        (None, Some(after)) => arrival(after),
        (Some(before), Some(after)) => changes(before, after, blocks),
    }
}

fn arrival(entry: &Entry) -> Vec<Change> {
    let reason = entry.reason();
    let mut out = vec![Change::Registered {
        status: status(entry),
        reason,
    }];
    let to = entry.state.pose_penalty;
    if to > 0 {
        out.push(Change::Penalty { from: 0, to });
    }
    if entry.state.last_paid_height > 0 {
        out.push(Change::Paid { amount: None });
    }
    out
}

/// In the order of a block's effects: the payment goes by the list before it, then come transactions, then commitments.
fn changes(before: &Entry, after: &Entry, blocks: u32) -> Vec<Change> {
    let (old, new) = (&before.state, &after.state);
    let mut out = Vec::new();
    if new.last_paid_height > old.last_paid_height {
        out.push(Change::Paid { amount: None });
    }
    fields(old, new, &mut out);
    if new.pose_penalty != declined(before, blocks) {
        // The score that the last of the blocks found.
        let from = declined(before, blocks.saturating_sub(1));
        let to = new.pose_penalty;
        out.push(Change::Penalty { from, to });
    }
    let (from, to) = (status(before), status(after));
    if from != to {
        let reason = after.reason();
        out.push(Change::Status { from, to, reason });
    }
    out
}

fn fields(old: &State, new: &State, out: &mut Vec<Change>) {
    if old.service != new.service {
        let (from, to) = (old.service, new.service);
        out.push(Change::Service { from, to });
    }
    let told = |key: &OperatorKey| *key != OperatorKey::NotTold;
    if !old.operator.is_same(&new.operator) && told(&old.operator) && told(&new.operator) {
        let (from, to) = (basic(&old.operator), basic(&new.operator));
        out.push(Change::OperatorKey { from, to });
    }
    if old.voting != new.voting {
        let (from, to) = (old.voting, new.voting);
        out.push(Change::Voting { from, to });
    }
    if old.payout != new.payout {
        let (from, to) = (old.payout, new.payout);
        out.push(Change::Payout { from, to });
    }
    if old.operator_payout != new.operator_payout {
        let (from, to) = (old.operator_payout, new.operator_payout);
        out.push(Change::OperatorPayout { from, to });
    }
    let (from, to) = (platform(old), platform(new));
    if from != to {
        out.push(Change::Platform { from, to });
    }
}

/// The score after quiet blocks: one less each, but not while banned.
fn declined(entry: &Entry, blocks: u32) -> u32 {
    let decline = if entry.is_banned() { 0 } else { blocks };
    entry.state.pose_penalty.saturating_sub(decline)
}

/// As the history tells keys.
fn basic(key: &OperatorKey) -> OperatorKey {
    OperatorKey::from_bytes(key.to_bytes(Scheme::Basic), Scheme::Basic)
}

fn platform(state: &State) -> Platform {
    Platform {
        node_id: state.platform_node_id.clone(),
        p2p_port: state.platform_p2p_port,
        http_port: state.platform_http_port,
    }
}
