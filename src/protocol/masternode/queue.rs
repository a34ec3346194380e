//! The payment queue (Dash Core evo/deterministicmns.cpp: CompareByLastPaid, GetMNPayee, GetProjectedMNPayees).

use bitcoin::hashes::Hash;

use super::entry::Entry;
use crate::protocol::ProTxHash;
use crate::protocol::network::MnType;

/// Blocks in a row an evonode is paid between V19 and MN_RR.
const EVO_RUN: u32 = 4;

/// A masternode's place: it is paid in the blocks `height..height + blocks` if nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub pro_tx_hash: ProTxHash,
    /// 1 = paid in the next block.
    pub position: u32,
    /// Height of its (first) payment.
    pub height: u32,
}

/// How evonodes are paid at the next block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvoPayments {
    /// As every other masternode: before V19 (none exist) and from MN_RR on.
    Single,
    /// Four blocks in a row.
    FourInARow,
}

/// Height by which the queue sorts an entry: last payment, or a later revival, or for a node never paid nor revived its registration.
pub fn sort_height(entry: &Entry) -> u32 {
    let state = &entry.state;
    match state.pose_revived_height {
        Some(revived) if revived > state.last_paid_height => revived,
        _ if state.last_paid_height == 0 => state.registered_height,
        _ => state.last_paid_height,
    }
}

/// The queue as of a tip: enabled masternodes in the order they will be paid. Ties go by the hash's stored bytes.
pub fn queue(entries: &[Entry], tip: u32, evo: EvoPayments) -> Vec<Slot> {
    let mut order: Vec<&Entry> = entries.iter().filter(|entry| !entry.is_banned()).collect();
    order.sort_by_key(|entry| (sort_height(entry), entry.pro_tx_hash.to_byte_array()));
    let running = order
        .iter()
        .position(|entry| evo == EvoPayments::FourInARow && is_running(entry, tip));
    let mut next = tip + 1;
    let mut slots = Vec::with_capacity(order.len());
    if let Some(at) = running {
        let entry = order.remove(at);
        let left = EVO_RUN - entry.state.consecutive_payments;
        slots.push((entry, next));
        next += left;
    }
    for entry in order {
        slots.push((entry, next));
        next += if evo == EvoPayments::FourInARow && entry.kind == MnType::Evo {
            EVO_RUN
        } else {
            1
        };
    }
    let place = |(at, (entry, height)): (usize, (&Entry, u32))| Slot {
        pro_tx_hash: entry.pro_tx_hash,
        position: at as u32 + 1,
        height,
    };
    slots.into_iter().enumerate().map(place).collect()
}

/// An evonode paid at the tip whose run of four is not over.
fn is_running(entry: &Entry, tip: u32) -> bool {
    entry.kind == MnType::Evo
        && entry.state.last_paid_height == tip
        && entry.state.consecutive_payments > 0
        && entry.state.consecutive_payments < EVO_RUN
}
