//! The list that is kept by diffs is the list the node has.

use std::sync::Arc;

use super::fleet::Fleet;
use super::*;
use crate::protocol::masternode::Entry;
use crate::rpc::{ListDiff, MasternodeList, Node};

/// The list as somebody reads it who never asked before.
async fn whole(fleet: &Fleet, network: &str) -> MasternodeList {
    fleet.client(network).masternodes().await.unwrap()
}

fn differences(kept: &[Entry], whole: &[Entry]) -> Vec<String> {
    let pairs = kept.iter().zip(whole).filter(|(kept, whole)| kept != whole);
    let mut all: Vec<String> = pairs.map(|(kept, whole)| format!("{kept:?}\n{whole:?}")).collect();
    if kept.len() != whole.len() {
        all.push(format!("{} and {}", kept.len(), whole.len()));
    }
    all
}

async fn follow(network: &str, chance: u64) {
    let mut fleet = Fleet::new(network, chance).await;
    let client = fleet.client(network);
    let start = client.masternodes().await.unwrap();
    let mut checked = 0;
    while checked < 320 {
        for _ in 0..fleet.roll(4) {
            fleet.happen();
        }
        let missed = if fleet.roll(8) == 0 {
            1 + fleet.roll(6) as u32
        } else {
            1
        };
        fleet.sandbox.mine(missed);
        let kept = client.masternodes().await.unwrap();
        let whole = whole(&fleet, network).await;
        assert_eq!(kept.tip, whole.tip);
        let differences = differences(&kept.entries, &whole.entries);
        assert!(
            differences.is_empty(),
            "{network} {}: {differences:#?}",
            kept.tip.height
        );
        assert_eq!((kept.evo, kept.spacing.measured_over > 0), (whole.evo, true));
        checked += 1;
    }
    for (what, times) in &fleet.happened {
        assert!(*times > 2, "{what} happened {times} times");
    }
    assert_eq!(fleet.happened.len(), 9, "{:?}", fleet.happened);
    let read_whole_at = client.list.lock().await.as_ref().unwrap().whole_at();
    match network {
        "wei-regtest" => assert!(read_whole_at > start.tip.height + 300, "it has no diffs"),
        _ => assert_eq!(read_whole_at, start.tip.height, "it was read whole once"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_kept_by_diffs_equals_the_whole_list_at_every_block() {
    follow("dash-regtest", 0x1234_5678_9abc).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_diffs_gives_the_whole_list_at_every_block() {
    follow("wei-regtest", 0x9876_5432_1fed).await;
}
