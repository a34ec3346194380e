//! Who is paid block by block, for longer than one round.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{EvoPayments, Place, places, running, turns, turns_left};
use crate::protocol::ProTxHash;
use crate::protocol::masternode::entry::Entry;

/// The payees of the next `count` blocks, each with the height of its block, if nothing but payments changes the list. Goes on over
/// the end of the round; evonodes appear once per block of their run. Empty if none is enabled; shorter where heights end.
pub fn upcoming(entries: &[Entry], tip: u32, evo: EvoPayments, count: usize) -> Vec<(u32, ProTxHash)> {
    let places = places(entries);
    let running = running(&places, entries, tip, evo);
    let mut first = running.map(|at| (places[at], turns_left(places[at].entry(entries))));
    let others = places.iter().enumerate().filter(|(at, _)| Some(*at) != running);
    let mut waiting: BinaryHeap<Reverse<Place>> = others.map(|(_, place)| Reverse(*place)).collect();
    let mut payees = Vec::new();
    let mut height = tip;
    while payees.len() < count {
        let next = || {
            waiting
                .pop()
                .map(|Reverse(place)| (place, turns(place.entry(entries), evo)))
        };
        let Some((mut place, turns)) = first.take().or_else(next) else {
            break;
        };
        for _ in 0..turns {
            let Some(next) = height.checked_add(1).filter(|_| payees.len() < count) else {
                return payees;
            };
            height = next;
            payees.push((height, place.entry(entries).pro_tx_hash));
        }
        // Back to the end. A revival that is still to come, which no chain has, would count instead.
        let revived = place.entry(entries).state.pose_revived_height;
        place.since = revived.map_or(height, |revived| revived.max(height));
        waiting.push(Reverse(place));
    }
    payees
}
