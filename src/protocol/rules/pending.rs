//! Unconfirmed provider transactions that keep another one out (Dash Core txmempool.cpp, existsProviderTxConflict).

use bitcoin::{OutPoint, Txid};

use super::{Checks, Facts, Pending};
use crate::protocol::ProTxHash;
use crate::protocol::bls::PublicKey;
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

/// What an unconfirmed transaction has taken, for whom: a registration for the masternode it will make, updates for theirs.
#[derive(Default)]
struct Claims {
    holder: Option<ProTxHash>,
    service: Option<Service>,
    owner: Option<KeyId>,
    /// As a node compares keys here: bytes, whatever they are read as.
    operator: Option<[u8; 48]>,
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
                ..Self::default()
            },
            Payload::ProUpReg(payload) => Self {
                holder: Some(payload.pro_tx_hash),
                operator: Some(payload.operator),
                changes_key: changes_key(facts, payload.pro_tx_hash, payload.operator_key().ok()),
                ..Self::default()
            },
            Payload::ProUpRev(payload) => Self {
                holder: Some(payload.pro_tx_hash),
                changes_key: changes_key(facts, payload.pro_tx_hash, None),
                ..Self::default()
            },
            Payload::None | Payload::Unknown { .. } => Self::default(),
        }
    }
}

/// Whether a listed masternode would get another operator key than it has, or lose it.
fn changes_key(facts: &Facts, of: ProTxHash, to: Option<PublicKey>) -> bool {
    let to = to.map_or(OperatorKey::Revoked, OperatorKey::Known);
    facts.masternode(of).is_some_and(|entry| entry.state.operator != to)
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
            // The node's maps lead to the txid of who waits, and it compares that with the masternode: an address or key that
            // waits is taken also for its own masternode.
            (mine.holder == theirs.holder && mine.changes_key && theirs.changes_key)
                || both(&mine.service, &theirs.service)
                || both(&mine.operator, &theirs.operator)
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
        || both(&mine.node_id, &theirs.node_id)
        || both(&mine.collateral, &theirs.collateral)
}

fn both<T: PartialEq>(mine: &Option<T>, theirs: &Option<T>) -> bool {
    mine.is_some() && mine == theirs
}
