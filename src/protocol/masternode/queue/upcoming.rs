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

#[cfg(test)]
mod tests {
    use super::super::queue;
    use super::super::tests::{entry, hash, paid, recorded, recordings};
    use super::*;
    use crate::protocol::network::MnType;
    use bitcoin::hashes::Hash;
    use serde_json::Value;

    fn hashes(payees: &[(u32, ProTxHash)]) -> Vec<ProTxHash> {
        payees.iter().map(|(_, hash)| *hash).collect()
    }

    #[test]
    fn the_recorded_chains_paid_whom_it_names() {
        for recording in recordings() {
            let count = recording.payees.len();
            let payees = upcoming(&recording.entries, recording.tip, EvoPayments::Single, count);
            assert_eq!(hashes(&payees), recording.payees, "{}", recording.name);
            assert!(
                (recording.tip + 1..)
                    .zip(&payees)
                    .all(|(height, payee)| payee.0 == height)
            );
        }
    }

    /// A chain between V19 and MN_RR (tests/data/queue/README.md).
    const RUNS: &str = include_str!("../../../../tests/data/queue/runs.json");

    #[test]
    fn a_recorded_chain_of_runs_paid_whom_it_names() {
        let json: Value = serde_json::from_str(RUNS).expect("JSON");
        let entries: Vec<Entry> = json["entries"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|json| {
                let mut flat = json["state"].clone();
                flat["proTxHash"] = json["proTxHash"].clone();
                flat["type"] = json["type"].clone();
                recorded(&flat)
            })
            .collect();
        let payees = json["nextPayees"].as_array().expect("a list").iter();
        let payees: Vec<ProTxHash> = payees
            .map(|hash| hash.as_str().expect("a hash").parse().expect("a hash"))
            .collect();
        let tip = json["listHeight"].as_u64().expect("a height") as u32;
        let ours = upcoming(&entries, tip, EvoPayments::FourInARow, payees.len());
        assert_eq!(hashes(&ours), payees);
        assert_eq!(payees.len(), 60);
        for slot in queue(&entries, tip, EvoPayments::FourInARow) {
            assert_eq!(
                payees.iter().position(|hash| *hash == slot.pro_tx_hash),
                Some((slot.height - tip - 1) as usize)
            );
        }
    }

    #[test]
    fn runs_of_evonodes_are_begun_finished_and_begun_again() {
        let mut entries: Vec<Entry> = (1..=9)
            .map(|n| {
                let kind = if n % 3 == 0 { MnType::Evo } else { MnType::Regular };
                entry(&hash(n), kind, |state| state.last_paid_height = 80 + u32::from(n % 4))
            })
            .collect();
        for consecutive in 0..=4 {
            entries[5].state.last_paid_height = 100;
            entries[5].state.consecutive_payments = consecutive;
            for evo in [EvoPayments::Single, EvoPayments::FourInARow] {
                let payees = upcoming(&entries, 100, evo, 60);
                assert_eq!(
                    hashes(&payees),
                    paid(entries.clone(), 100, 60, evo),
                    "{consecutive} {evo:?}"
                );
                // The queue has each at its first payment.
                for slot in queue(&entries, 100, evo) {
                    let first = payees.iter().find(|(_, hash)| *hash == slot.pro_tx_hash);
                    assert_eq!(first.map(|(height, _)| *height), Some(slot.height));
                }
            }
        }
    }

    #[test]
    fn one_alone_is_paid_always_and_nobody_never() {
        for kind in [MnType::Regular, MnType::Evo] {
            let mut alone = vec![entry(&hash(1), kind, |_| ())];
            for evo in [EvoPayments::Single, EvoPayments::FourInARow] {
                let payees = upcoming(&alone, 10, evo, 11);
                assert_eq!(payees.len(), 11);
                assert_eq!(payees[10].0, 21);
                assert!(upcoming(&alone, 10, evo, 0).is_empty());
            }
            alone[0].state.pose_ban_height = Some(5);
            assert!(upcoming(&alone, 10, EvoPayments::FourInARow, 5).is_empty());
        }
        assert!(upcoming(&[], 10, EvoPayments::FourInARow, usize::MAX).is_empty());
    }

    #[test]
    fn payees_end_where_heights_end() {
        let entries = [1, 2, 3].map(|n| entry(&hash(n), MnType::Evo, |_| ()));
        for evo in [EvoPayments::Single, EvoPayments::FourInARow] {
            let payees = upcoming(&entries, u32::MAX - 2, evo, usize::MAX);
            let heights: Vec<u32> = payees.iter().map(|(height, _)| *height).collect();
            assert_eq!(heights, [u32::MAX - 1, u32::MAX]);
            assert!(upcoming(&entries, u32::MAX, evo, 5).is_empty());
        }
    }

    #[test]
    fn a_revival_that_is_still_to_come_keeps_its_place() {
        let mut entries: Vec<Entry> = (1..=3).map(|n| entry(&hash(n), MnType::Regular, |_| ())).collect();
        entries[0].state.pose_revived_height = Some(u32::MAX);
        let payees = upcoming(&entries, 100, EvoPayments::Single, 6);
        let first = |hash: &ProTxHash| hash.to_byte_array()[0];
        assert_eq!(
            hashes(&payees).iter().map(first).collect::<Vec<u8>>(),
            [2, 3, 2, 3, 2, 3]
        );
    }
}
