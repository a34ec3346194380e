//! The payment queue (Dash Core evo/deterministicmns.cpp: CompareByLastPaid, GetMNPayee, GetProjectedMNPayees).

mod spacing;
mod upcoming;

use bitcoin::hashes::Hash;

pub use spacing::{Expected, Spacing};
pub use upcoming::upcoming;

use super::entry::Entry;
use crate::protocol::ProTxHash;
use crate::protocol::network::MnType;

/// Blocks in a row an evonode is paid between V19 and MN_RR.
pub const EVO_RUN: u32 = 4;

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

/// An enabled masternode's place in the order: sorts as the queue does. Ties go by the hash's stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The height it queues from.
    since: u32,
    hash: [u8; 32],
    /// Of its entry.
    index: usize,
}

impl Place {
    fn entry(self, entries: &[Entry]) -> &Entry {
        &entries[self.index]
    }
}

/// Everybody enabled, first come first.
fn places(entries: &[Entry]) -> Vec<Place> {
    let enabled = entries.iter().enumerate().filter(|(_, entry)| !entry.is_banned());
    let place = |(index, entry): (usize, &Entry)| Place {
        since: sort_height(entry),
        hash: entry.pro_tx_hash.to_byte_array(),
        index,
    };
    let mut places: Vec<Place> = enabled.map(place).collect();
    places.sort_unstable();
    places
}

/// The queue as of a tip: enabled masternodes in the order they will be paid.
pub fn queue(entries: &[Entry], tip: u32, evo: EvoPayments) -> Vec<Slot> {
    let mut places = places(entries);
    let running = running(&places, entries, tip, evo);
    if let Some(at) = running {
        places[..=at].rotate_right(1);
    }
    // A node may claim any height: one near the last possible one gives wrong heights, not a crash.
    let mut height = tip.saturating_add(1);
    let mut slots = Vec::with_capacity(places.len());
    for (position, place) in (1..).zip(places) {
        let entry = place.entry(entries);
        slots.push(Slot {
            pro_tx_hash: entry.pro_tx_hash,
            position,
            height,
        });
        height = height.saturating_add(match running {
            Some(_) if position == 1 => turns_left(entry),
            _ => turns(entry, evo),
        });
    }
    slots
}

/// Which of the places is that of an evonode paid at the tip whose run is not over.
fn running(places: &[Place], entries: &[Entry], tip: u32, evo: EvoPayments) -> Option<usize> {
    let is_running = |entry: &Entry| {
        entry.kind == MnType::Evo && entry.state.last_paid_height == tip && entry.state.consecutive_payments < EVO_RUN
    };
    let mut entries = places.iter().map(|place| place.entry(entries));
    entries.position(|entry| evo == EvoPayments::FourInARow && is_running(entry))
}

/// How many payments are left of a run.
fn turns_left(entry: &Entry) -> u32 {
    EVO_RUN.saturating_sub(entry.state.consecutive_payments)
}

/// How many blocks in a row pay it when its turn comes.
fn turns(entry: &Entry, evo: EvoPayments) -> u32 {
    match (evo, entry.kind) {
        (EvoPayments::FourInARow, MnType::Evo) => EVO_RUN,
        _ => 1,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::protocol::masternode::OperatorKey;
    use crate::protocol::masternode::entry::State;
    use crate::protocol::special_tx::Service;
    use bitcoin::OutPoint;
    use serde_json::Value;

    /// Lists of real chains and the masternodes their next blocks paid (tests/data/README.md).
    const RECORDED: &str = include_str!("../../../../tests/data/protx/protx.json");

    pub(super) fn entry(hash: &str, kind: MnType, change: impl FnOnce(&mut State)) -> Entry {
        let mut entry = Entry {
            pro_tx_hash: hash.parse().expect("a hash"),
            kind,
            collateral: OutPoint::null(),
            operator_reward: 0,
            confirmations: None,
            state: State {
                version: 2,
                service: Service::NONE,
                registered_height: 1,
                last_paid_height: 0,
                consecutive_payments: 0,
                pose_penalty: 0,
                pose_revived_height: None,
                pose_ban_height: None,
                revocation_reason: 0,
                owner: None,
                voting: None,
                payout: None,
                operator_payout: None,
                operator: OperatorKey::Revoked,
                platform_node_id: None,
                platform_p2p_port: None,
                platform_http_port: None,
            },
        };
        change(&mut entry.state);
        entry
    }

    pub(super) fn recorded(json: &Value) -> Entry {
        let height = |key: &str| json[key].as_u64().map(|height| height as u32);
        let kind = if json["type"] == "Evo" {
            MnType::Evo
        } else {
            MnType::Regular
        };
        entry(json["proTxHash"].as_str().expect("a hash"), kind, |state| {
            state.registered_height = height("registeredHeight").expect("a height");
            state.last_paid_height = height("lastPaidHeight").expect("a height");
            state.consecutive_payments = height("consecutivePayments").expect("a number");
            // -1 where it never happened.
            state.pose_revived_height = height("PoSeRevivedHeight");
            state.pose_ban_height = height("PoSeBanHeight");
        })
    }

    /// A chain's list, the height it is of, and who the following blocks paid.
    pub(super) struct Recording {
        pub(super) name: String,
        pub(super) entries: Vec<Entry>,
        pub(super) tip: u32,
        pub(super) payees: Vec<ProTxHash>,
    }

    /// Neither was made while evonodes are paid four times in a row.
    pub(super) fn recordings() -> Vec<Recording> {
        let all: Vec<Value> = serde_json::from_str(RECORDED).expect("JSON");
        let lists = all.iter().filter(|vector| vector["kind"] == "queue");
        let read = |vector: &Value| {
            let list = &vector["expected"];
            let payees = list["nextPayees"].as_array().expect("a list");
            Recording {
                name: vector["name"].as_str().expect("a name").to_owned(),
                entries: list["entries"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(recorded)
                    .collect(),
                tip: list["listHeight"].as_u64().expect("a height") as u32,
                payees: payees
                    .iter()
                    .map(|hash| hash.as_str().expect("a hash").parse().expect("a hash"))
                    .collect(),
            }
        };
        lists.map(read).collect()
    }

    /// Who each of the next `count` blocks pays, if only payments change the list (BuildNewListFromBlock).
    pub(super) fn paid(mut entries: Vec<Entry>, tip: u32, count: usize, evo: EvoPayments) -> Vec<ProTxHash> {
        let mut payees = Vec::with_capacity(count);
        for at in tip..tip + count as u32 {
            let payee = queue(&entries, at, evo)[0].pro_tx_hash;
            for entry in &mut entries {
                let runs = entry.kind == MnType::Evo && evo == EvoPayments::FourInARow;
                if entry.pro_tx_hash == payee {
                    entry.state.last_paid_height = at + 1;
                    entry.state.consecutive_payments += u32::from(runs);
                } else {
                    entry.state.consecutive_payments = 0;
                }
            }
            payees.push(payee);
        }
        payees
    }

    #[test]
    fn the_recorded_chains_paid_in_the_order_of_the_queue() {
        let recordings = recordings();
        assert_eq!(recordings.len(), 2);
        for recording in recordings {
            let slots = queue(&recording.entries, recording.tip, EvoPayments::Single);
            assert_eq!(slots.len(), recording.entries.len(), "{}", recording.name);
            for (at, slot) in slots.iter().enumerate() {
                assert_eq!(slot.pro_tx_hash, recording.payees[at], "{} {at}", recording.name);
                let (position, height) = (at as u32 + 1, recording.tip + at as u32 + 1);
                assert_eq!((slot.position, slot.height), (position, height));
            }
        }
    }

    #[test]
    fn the_blocks_after_the_first_round_paid_as_the_queue_goes_on() {
        for recording in recordings() {
            let count = recording.payees.len();
            assert!(count > recording.entries.len(), "{}", recording.name);
            let payees = paid(recording.entries, recording.tip, count, EvoPayments::Single);
            assert_eq!(payees, recording.payees, "{}", recording.name);
        }
    }

    pub(super) fn hash(n: u8) -> String {
        format!("{n:02x}").repeat(32)
    }

    #[test]
    fn an_evonode_is_paid_four_times_and_a_begun_run_is_finished_first() {
        let entries = vec![
            entry(&hash(1), MnType::Regular, |state| state.last_paid_height = 90),
            entry(&hash(2), MnType::Evo, |state| state.last_paid_height = 91),
            entry(&hash(3), MnType::Regular, |state| state.last_paid_height = 92),
            entry(&hash(4), MnType::Evo, |state| {
                state.last_paid_height = 100;
                state.consecutive_payments = 3;
            }),
        ];
        let heights = |slots: Vec<Slot>| -> Vec<(u8, u32, u32)> {
            let first = |slot: &Slot| slot.pro_tx_hash.to_byte_array()[0];
            slots
                .iter()
                .map(|slot| (first(slot), slot.position, slot.height))
                .collect()
        };
        let now = queue(&entries, 100, EvoPayments::FourInARow);
        assert_eq!(heights(now), [(4, 1, 101), (1, 2, 102), (2, 3, 103), (3, 4, 107)]);
        let later = queue(&entries, 100, EvoPayments::Single);
        assert_eq!(heights(later), [(1, 1, 101), (2, 2, 102), (3, 3, 103), (4, 4, 104)]);
        let payees = paid(entries, 100, 11, EvoPayments::FourInARow);
        let firsts: Vec<u8> = payees.iter().map(|hash| hash.to_byte_array()[0]).collect();
        assert_eq!(firsts, [4, 1, 2, 2, 2, 2, 3, 4, 4, 4, 4]);
    }

    #[test]
    fn the_banned_wait_outside_and_the_revived_go_to_the_end() {
        let entries = vec![
            entry(&hash(1), MnType::Regular, |state| state.pose_ban_height = Some(50)),
            entry(&hash(2), MnType::Regular, |state| {
                state.last_paid_height = 60;
                state.pose_revived_height = Some(99);
            }),
            entry(&hash(3), MnType::Regular, |state| state.registered_height = 98),
            // Revived before its last payment: that no longer matters.
            entry(&hash(4), MnType::Regular, |state| {
                state.last_paid_height = 70;
                state.pose_revived_height = Some(40);
            }),
        ];
        let order: Vec<u8> = queue(&entries, 100, EvoPayments::Single)
            .iter()
            .map(|slot| slot.pro_tx_hash.to_byte_array()[0])
            .collect();
        assert_eq!(order, [4, 3, 2]);
    }

    #[test]
    fn of_two_at_the_same_height_the_lower_stored_hash_comes_first() {
        // Shown hashes are reversed: the last shown byte is the first stored one.
        let (low, high) = (format!("{}01", "ff".repeat(31)), format!("{}02", "00".repeat(31)));
        let entries = vec![
            entry(&high, MnType::Regular, |_| {}),
            entry(&low, MnType::Regular, |_| {}),
        ];
        let slots = queue(&entries, 9, EvoPayments::Single);
        assert_eq!(slots[0].pro_tx_hash.to_string(), low);
    }

    #[test]
    fn a_tip_at_the_last_possible_height_has_a_queue_too() {
        let entries = ["11", "22", "33"].map(|byte| entry(&byte.repeat(32), MnType::Evo, |_| ()));
        for evo in [EvoPayments::Single, EvoPayments::FourInARow] {
            let slots = queue(&entries, u32::MAX, evo);
            let heights: Vec<u32> = slots.iter().map(|slot| slot.height).collect();
            assert_eq!(heights, [u32::MAX; 3]);
        }
    }
}
