//! Unconfirmed provider transactions that keep another one out (Dash Core txmempool.cpp, existsProviderTxConflict).

use bitcoin::{OutPoint, Txid};

use super::{Checks, Facts, Pending};
use crate::protocol::ProTxHash;
use crate::protocol::key::KeyId;
use crate::protocol::masternode::OperatorKey;
use crate::protocol::special_tx::{Payload, ProRegTx, Service};
use crate::protocol::tx::Transaction;

pub(super) fn check(tx: &Transaction, facts: &Facts, list: &mut Checks) {
    let clash = facts
        .pending
        .as_ref()
        .map(|pending| pending.iter().find(|other| clashes(tx, other, facts)));
    let leaving = spends_collateral(tx, facts);
    let message = match clash {
        _ if leaving => "the collateral is being spent by an unconfirmed transaction".to_owned(),
        Some(Some(other)) => format!(
            "the unconfirmed transaction {} is about the same masternode",
            other.txid
        ),
        _ => "no unconfirmed transaction may be about the same masternode, key or address".to_owned(),
    };
    let passed = if leaving {
        Some(false)
    } else {
        clash.map(|found| found.is_none())
    };
    list.judge_node("no-pending-duplicate", "protx-dup", passed, message);
}

/// Whether any unconfirmed transaction, also an ordinary payment, spends the collateral (mapNextTx in the node's check).
fn spends_collateral(tx: &Transaction, facts: &Facts) -> bool {
    match Payload::of(tx) {
        Ok(Payload::ProReg(mine)) if !mine.is_internal() => {
            matches!(facts.coin(&mine.collateral), Some(Some(coin)) if coin.spent_in_mempool)
        }
        _ => false,
    }
}

/// What nodes up to 23.1 leave to blocks: they relay a second claim to a Platform node id, and then make no block of both.
pub(super) fn check_in_block(tx: &Transaction, facts: &Facts, list: &mut Checks) {
    let Ok(payload) = Payload::of(tx) else { return };
    let mine = Claims::of(&payload, tx.txid(), facts);
    let Some(node_id) = mine.node_id.filter(|_| !facts.known) else {
        return;
    };
    let waiting = facts.pending.as_ref().map(|pending| {
        pending.iter().find(|other| {
            let theirs = Claims::of(&Payload::of(&other.tx).unwrap_or(Payload::None), other.txid, facts);
            theirs.node_id == Some(node_id) && theirs.holder != mine.holder
        })
    });
    let message = match waiting {
        Some(Some(other)) => format!(
            "the unconfirmed transaction {} claims the same Platform node id: nodes relay both, but no block may contain both (judged only in blocks)",
            other.txid
        ),
        _ => "no unconfirmed transaction may claim the same Platform node id (judged only in blocks)".to_owned(),
    };
    let passed = waiting.map(|found| found.is_none());
    list.judge_node(
        "platform-node-id-not-pending",
        "bad-protx-dup-platformnodeid",
        passed,
        message,
    );
}

/// What an unconfirmed transaction has taken, for whom: a registration for the masternode it will make, updates for theirs.
#[derive(Default)]
struct Claims {
    holder: Option<ProTxHash>,
    service: Option<Service>,
    owner: Option<KeyId>,
    /// As a node compares keys: bytes, whatever their encoding.
    operator: Option<[u8; 48]>,
    /// Not compared by the mempool, only by blocks.
    node_id: Option<[u8; 20]>,
    collateral: Option<OutPoint>,
    /// Only one change of the operator key may wait per masternode.
    changes_key: bool,
}

impl Claims {
    fn of(payload: &Payload, txid: Txid, facts: &Facts) -> Self {
        match payload {
            Payload::ProReg(payload) => Self {
                holder: Some(txid),
                service: Some(payload.service).filter(|service| !service.is_none()),
                owner: Some(payload.owner),
                operator: Some(payload.operator),
                node_id: payload.platform.map(|platform| platform.node_id),
                collateral: Some(payload.collateral).filter(|_| !payload.is_internal()),
                changes_key: false,
            },
            Payload::ProUpServ(payload) => Self {
                holder: Some(payload.pro_tx_hash),
                service: Some(payload.service).filter(|service| !service.is_none()),
                node_id: payload.platform.map(|platform| platform.node_id),
                ..Self::default()
            },
            Payload::ProUpReg(payload) => Self {
                holder: Some(payload.pro_tx_hash),
                operator: Some(payload.operator),
                changes_key: {
                    let to = OperatorKey::from_bytes(payload.operator, payload.key_encoding());
                    changes_key(facts, payload.pro_tx_hash, to)
                },
                ..Self::default()
            },
            Payload::ProUpRev(payload) => Self {
                holder: Some(payload.pro_tx_hash),
                changes_key: changes_key(facts, payload.pro_tx_hash, OperatorKey::Revoked),
                ..Self::default()
            },
            Payload::None | Payload::Unknown { .. } => Self::default(),
        }
    }
}

/// Whether a listed masternode would get another operator key than it has, or lose it.
fn changes_key(facts: &Facts, of: ProTxHash, to: OperatorKey) -> bool {
    facts
        .masternode(of)
        .is_some_and(|entry| !entry.state.operator.is_same(&to))
}

fn clashes(tx: &Transaction, other: &Pending, facts: &Facts) -> bool {
    let Ok(payload) = Payload::of(tx) else { return false };
    let theirs = Payload::of(&other.tx).unwrap_or(Payload::None);
    let theirs = Claims::of(&theirs, other.txid, facts);
    match &payload {
        Payload::ProReg(mine) => registration_clashes(mine, tx, other, &theirs, facts),
        Payload::None | Payload::Unknown { .. } => false,
        update => {
            let mine = Claims::of(update, tx.txid(), facts);
            // Also of the same masternode: the mempool knows who waits by transaction, not by masternode.
            both(&mine.service, &theirs.service)
                || both(&mine.operator, &theirs.operator)
                || (mine.holder == theirs.holder && mine.changes_key && theirs.changes_key)
        }
    }
}

fn registration_clashes(payload: &ProRegTx, tx: &Transaction, other: &Pending, theirs: &Claims, facts: &Facts) -> bool {
    let mine = Claims::of(&Payload::ProReg(Box::new(payload.clone())), tx.txid(), facts);
    let spends = |outpoint: &OutPoint| other.tx.inputs.iter().any(|input| input.previous == *outpoint);
    mine.collateral.as_ref().is_some_and(spends)
        || both(&mine.service, &theirs.service)
        || both(&mine.owner, &theirs.owner)
        || both(&mine.operator, &theirs.operator)
        || both(&mine.collateral, &theirs.collateral)
}

fn both<T: PartialEq>(mine: &Option<T>, theirs: &Option<T>) -> bool {
    mine.is_some() && mine == theirs
}
