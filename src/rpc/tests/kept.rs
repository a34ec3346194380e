//! The list that is kept by diffs is the list the node has.

use std::sync::atomic::Ordering;

use futures::future::join_all;
use serde_json::{Value, json};

use super::client;
use super::fleet::Fleet;
use super::mock::{Mock, START};
use super::server::Server;
use crate::protocol::masternode::Entry;
use crate::rpc::{Heartbeat, MasternodeList, Node};

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

/// How often the whole list, and how often a diff was asked for.
fn lists_and_diffs(server: &Server) -> (usize, usize) {
    let heard = server.heard();
    let asked = |what: &str| heard.iter().filter(|call| call.body["params"][0] == what).count();
    (asked("list"), asked("listdiff"))
}

/// Calls and bytes of everything, requests included, since the last look.
struct Meter {
    calls: usize,
    bytes: usize,
}

impl Meter {
    fn read(server: &Server, mock: &Mock) -> Self {
        let asked: usize = server
            .heard()
            .iter()
            .map(|call| call.head.len() + call.body.to_string().len())
            .sum();
        Self {
            calls: server.methods().len(),
            bytes: asked + mock.bytes.load(Ordering::Relaxed),
        }
    }

    fn since(&mut self, server: &Server, mock: &Mock) -> (usize, usize) {
        let now = Self::read(server, mock);
        let spent = (now.calls - self.calls, now.bytes - self.bytes);
        *self = now;
        spent
    }
}

#[tokio::test]
async fn a_quiet_block_of_4000_masternodes_costs_three_calls_and_a_few_kilobytes() {
    // As on the main network: 4,000 masternodes of which some hundred have a score.
    let mock = Mock::new(4_000, 120);
    let server = mock.serve().await;
    let client = client(&server, "dash-regtest");
    let mut heartbeat = Heartbeat::default();
    heartbeat.look(&client).await.unwrap();
    let first = client.masternodes().await.unwrap();
    assert_eq!((first.entries.len(), first.spacing.seconds), (4_000, 150.0));
    let mut meter = Meter::read(&server, &mock);
    for _ in 0..25 {
        assert_eq!(
            heartbeat.look(&client).await.unwrap().tip.height,
            mock.height.load(Ordering::Relaxed)
        );
        let (calls, bytes) = meter.since(&server, &mock);
        assert!(
            calls == 1 && bytes < 1_000,
            "a look without news: {calls} calls, {bytes} bytes"
        );
        mock.mine(1);
        let list = client.masternodes().await.unwrap();
        let (calls, bytes) = meter.since(&server, &mock);
        assert!(calls <= 3 && bytes <= 50_000, "a block: {calls} calls, {bytes} bytes");
        assert_eq!(list.tip.height, mock.height.load(Ordering::Relaxed));
        heartbeat.look(&client).await.unwrap();
        meter.since(&server, &mock);
    }
    assert_eq!(lists_and_diffs(&server).0, 1, "read whole once");
    let fresh = super::client(&server, "dash-regtest").masternodes().await.unwrap();
    assert!(client.masternodes().await.unwrap().entries == fresh.entries);
}

#[tokio::test]
async fn blocks_that_were_missed_cost_one_diff_and_everybody_waits_for_the_same() {
    let mock = Mock::new(50, 3);
    let server = mock.serve().await;
    let client = client(&server, "dash-regtest");
    client.masternodes().await.unwrap();
    mock.mine(17);
    let lists = join_all((0..8).map(|_| client.masternodes())).await;
    assert!(lists.iter().all(|list| list.as_ref().unwrap().tip.height == START + 17));
    // The one diff, and the one back, because an operator payout may have gone.
    assert_eq!(lists_and_diffs(&server), (1, 2));
}

#[tokio::test]
async fn a_reorganisation_and_a_day_of_blocks_are_read_whole() {
    let mock = Mock::new(50, 3);
    let server = mock.serve().await;
    let client = client(&server, "dash-regtest");
    let first = client.masternodes().await.unwrap();
    mock.mine(5);
    client.masternodes().await.unwrap();
    // The same height, another block.
    mock.branch.store(1, Ordering::Relaxed);
    let other = client.masternodes().await.unwrap();
    assert_eq!(
        (lists_and_diffs(&server).0, other.tip.height),
        (2, first.tip.height + 5)
    );
    // Higher, and the block the list is of is no longer known.
    mock.branch.store(2, Ordering::Relaxed);
    mock.mine(2);
    let other = client.masternodes().await.unwrap();
    assert_eq!(
        (lists_and_diffs(&server).0, other.tip.height),
        (3, first.tip.height + 7)
    );
    // Back to the lower one.
    mock.height.store(START + 1, Ordering::Relaxed);
    assert_eq!(client.masternodes().await.unwrap().tip.height, START + 1);
    assert_eq!(lists_and_diffs(&server).0, 4);
    mock.mine(600);
    client.masternodes().await.unwrap();
    assert_eq!(lists_and_diffs(&server).0, 5);
}

fn update(diff: &mut Value, hash: &str, changes: Value) {
    diff["updatedMNs"]
        .as_array_mut()
        .unwrap()
        .push(json!({ hash: changes }));
}

/// Diffs that cannot be right, and how to make them of right ones.
fn lies() -> Vec<(&'static str, fn(&mut Value))> {
    vec![
        ("another base", |diff| diff["baseHeight"] = json!(7)),
        ("another height", |diff| diff["blockHeight"] = json!(7)),
        ("no heights", |diff| *diff = json!({})),
        ("no object", |diff| *diff = json!([1, 2, 3])),
        ("nothing", |diff| *diff = Value::Null),
        ("an update of nobody", |diff| {
            update(diff, &"ee".repeat(32), json!({"PoSePenalty": 1}))
        }),
        ("an update of no hash", |diff| {
            update(diff, "mn1", json!({"PoSePenalty": 1}))
        }),
        ("the same twice", |diff| {
            let first = diff["updatedMNs"][0].clone();
            diff["updatedMNs"].as_array_mut().unwrap().push(first);
        }),
        ("an update that is no object", |diff| {
            diff["updatedMNs"] = json!([5, "x", null])
        }),
        ("a removal of nobody", |diff| {
            diff["removedMNs"] = json!(["ee".repeat(32)])
        }),
        ("a removal that is no hash", |diff| diff["removedMNs"] = json!([{}, 1])),
        ("removed twice", |diff| {
            diff["removedMNs"] = json!([format!("{:064x}", 1), format!("{:064x}", 1)])
        }),
        ("a payment after the tip", |diff| {
            update(
                diff,
                &format!("{:064x}", 7919 * 40 + 1),
                json!({"lastPaidHeight": u32::MAX}),
            );
        }),
        ("two payments in a block", |diff| {
            let height = diff["blockHeight"].clone();
            update(
                diff,
                &format!("{:064x}", 7919 * 40 + 1),
                json!({"lastPaidHeight": height}),
            );
        }),
        ("a negative score", |diff| {
            update(diff, &format!("{:064x}", 7919 * 40 + 1), json!({"PoSePenalty": -5}))
        }),
        ("a key without its version", |diff| {
            update(
                diff,
                &format!("{:064x}", 7919 * 40 + 1),
                json!({"pubKeyOperator": "11".repeat(48)}),
            );
        }),
        ("another encoding of a key that is not told", |diff| {
            update(diff, &format!("{:064x}", 7919 * 40 + 1), json!({"version": 2}));
        }),
        ("an addition that is listed", |diff| {
            let state = json!({"registeredHeight": 1, "lastPaidHeight": 0, "PoSePenalty": 0, "PoSeRevivedHeight": -1, "PoSeBanHeight": -1});
            let hash = format!("{:064x}", 7919 * 40 + 1);
            diff["addedMNs"] =
                json!([{"proTxHash": hash, "collateralHash": hash, "collateralIndex": 0, "state": state}]);
        }),
        ("more additions than are believed", |diff| {
            let state = json!({"registeredHeight": 1, "lastPaidHeight": 0, "PoSePenalty": 0, "PoSeRevivedHeight": -1, "PoSeBanHeight": -1});
            let all = (0..5_000).map(|at| {
                let hash = format!("ff{at:062x}");
                json!({"proTxHash": hash, "collateralHash": hash, "collateralIndex": 0, "state": state})
            });
            diff["addedMNs"] = all.collect();
        }),
    ]
}

#[tokio::test]
async fn a_diff_that_cannot_be_right_is_answered_with_the_whole_list() {
    for (what, spoil) in lies() {
        let mock = Mock::new(50, 3);
        let server = mock.serve().await;
        let client = client(&server, "dash-regtest");
        client.masternodes().await.unwrap();
        *mock.spoil.lock().unwrap() = Some(spoil);
        mock.mine(1);
        let list = client.masternodes().await.unwrap();
        assert_eq!((lists_and_diffs(&server).0, list.entries.len()), (2, 50), "{what}");
        // And the next block is followed again.
        *mock.spoil.lock().unwrap() = None;
        mock.mine(1);
        let list = client.masternodes().await.unwrap();
        let fresh = super::client(&server, "dash-regtest").masternodes().await.unwrap();
        assert!(list.entries == fresh.entries && list.tip == fresh.tip, "{what}");
        assert_eq!(lists_and_diffs(&server).0, 3, "{what}");
    }
}

#[tokio::test]
async fn a_node_that_knows_no_diffs_is_asked_once() {
    let mock = Mock::new(50, 3);
    mock.no_diffs.store(true, Ordering::Relaxed);
    let server = mock.serve().await;
    let client = client(&server, "dash-regtest");
    for read in 1..=4 {
        client.masternodes().await.unwrap();
        client.masternodes().await.unwrap();
        assert_eq!(lists_and_diffs(&server), (read, usize::from(read > 1)));
        mock.mine(1);
    }
    assert_eq!(client.list_diff(START, START + 1).await, Ok(None));
}
