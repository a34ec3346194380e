//! A crash after every event of the journal, and what a node may say to a transaction it was sent before.

use std::path::Path;
use std::sync::Arc;

use castellan::flow::{Error, Ports, Step, register, resume};
use castellan::protocol::Transaction;
use castellan::rpc::RpcError;
use castellan::rpc::fake::FakeNode;
use castellan::store::Journal;
use castellan::store::journal::{Event, Operation, State};
use sipper::Sipper;

use crate::world::{TIP, World, entry, mined, names, run, told};

/// A registration that went well, and the world it went well in.
async fn registered(network: &str) -> (World, Operation, Transaction) {
    let world = World::new(network);
    let (outcome, _) = world.register(world.draft()).await;
    let operation = world.operation();
    assert_eq!(operation.events.len(), 6);
    (world, operation, outcome.unwrap().tx)
}

/// A journal as the disk has it when the program dies after the first `count` events: the files of one that is still open,
/// its write-ahead log not yet folded in.
pub fn crashed(folder: &Path, operation: &Operation, count: usize) -> Arc<Journal> {
    let before = folder.join(format!("before-{count}.sqlite"));
    let journal = Journal::open(&before).unwrap();
    let plan: serde_json::Value = serde_json::from_str(operation.plan().unwrap()).unwrap();
    let id = journal.begin(&operation.kind, &operation.network, &plan, 1).unwrap();
    for entry in &operation.events[1..count] {
        journal.record(id, &entry.event, 2).unwrap();
    }
    let after = folder.join(format!("after-{count}.sqlite"));
    copy(&before, &after);
    drop(journal);
    Arc::new(Journal::open(&after).unwrap())
}

fn copy(from: &Path, to: &Path) {
    for end in ["", "-wal"] {
        let name = |path: &Path| format!("{}{end}", path.display());
        std::fs::copy(name(from), name(to)).unwrap();
    }
}

pub fn only(journal: &Journal) -> Operation {
    let mut all = journal.list().unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

pub fn count(operation: &Operation, name: &str) -> usize {
    names(operation).iter().filter(|each| **each == name).count()
}

/// Ports to the world with another journal; the device is a new one that has not been asked anything.
pub fn ports(world: &mut World, journal: Arc<Journal>) -> (Ports, FakeNode) {
    world.device = Arc::new(castellan::hw::fake::FakeDevice::new(world.profile.clone()));
    world.journal = journal;
    world.ports()
}

#[tokio::test]
async fn after_a_crash_behind_any_event_it_ends_mined_exactly_once() {
    for network in ["dash-regtest", "wei-regtest"] {
        let (mut world, operation, tx) = registered(network).await;
        for kept in 1..=6 {
            let journal = crashed(world.folder(), &operation, kept);
            let (ports, node) = ports(&mut world, Arc::clone(&journal));
            let id = only(&journal).id;
            let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), id)).await;
            let outcome = outcome.unwrap();
            // Both signatures are deterministic: even a crash before them ends in the same transaction.
            assert_eq!((outcome.txid, &outcome.tx), (tx.txid(), &tx), "{network} {kept}");
            assert_eq!(outcome.height, TIP + 1);
            assert_eq!(world.signatures_asked(), usize::from(kept < 2), "{network} {kept}");
            let sent: &[Transaction] = if kept == 6 { &[] } else { std::slice::from_ref(&tx) };
            assert_eq!(node.broadcasts(), sent, "{network} {kept}");
            let after = only(&journal);
            assert_eq!(
                (after.state(), count(&after, "mined")),
                (State::Mined, 1),
                "{network} {kept}"
            );
            assert_eq!(
                (
                    count(&after, "planned"),
                    count(&after, "signed"),
                    count(&after, "finished")
                ),
                (1, 1, 1)
            );
        }
    }
}

#[tokio::test]
async fn what_was_mined_meanwhile_is_not_sent_again() {
    let (mut world, operation, tx) = registered("dash-regtest").await;
    for kept in [4, 5] {
        let journal = crashed(world.folder(), &operation, kept);
        let (ports, node) = ports(&mut world, Arc::clone(&journal));
        let node = node.with_transaction(tx.txid(), Ok(Some(mined(tx.clone()))));
        let (outcome, steps) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
        assert_eq!(outcome.unwrap().height, TIP + 1);
        assert_eq!(told(&node), []);
        assert!(!steps.iter().any(|step| matches!(step, Step::Broadcasting { .. })));
        let after = only(&journal);
        assert_eq!((after.state(), count(&after, "mined")), (State::Mined, 1));
    }
}

#[tokio::test]
async fn without_a_transaction_index_the_list_tells_that_it_was_mined() {
    let (mut world, operation, tx) = registered("wei-regtest").await;
    let journal = crashed(world.folder(), &operation, 4);
    let mut listed = entry(9, &world.profile);
    listed.pro_tx_hash = tx.txid();
    listed.state.registered_height = TIP - 3;
    let (ports, node) = ports(&mut world, Arc::clone(&journal));
    let node = node.with_masternode(tx.txid(), Ok(Some(listed)));
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
    assert_eq!((outcome.unwrap().height, told(&node)), (TIP - 3, vec![]));
}

/// Every copy that a crash could have left while the flow really ran goes on to the same end.
#[tokio::test]
async fn a_copy_of_the_journal_taken_at_any_step_goes_on() {
    let mut world = World::new("dash-regtest");
    let (plan, live, node) = world.plan(world.draft()).await;
    let folder = tempfile::tempdir().unwrap();
    let source = world.folder().join("journal.sqlite");
    let mut copies = Vec::new();
    let mut txid = None;
    let mut flow = register::register(live.clone(), plan).pin();
    while let Some(step) = flow.sip().await {
        let to = folder.path().join(format!("{}.sqlite", copies.len()));
        copy(&source, &to);
        if let Step::Broadcasting { txid: sent } = step {
            crate::world::mine(&live, &node, sent);
            txid = Some(sent);
        }
        copies.push((step, to));
    }
    flow.await.unwrap();
    assert!(copies.len() >= 7, "{copies:?}");
    for (step, path) in copies {
        let journal = Arc::new(Journal::open(&path).unwrap());
        let durable = only(&journal);
        match step {
            Step::DeviceSigned | Step::InputsSigned { .. } | Step::Verified { .. } => {
                assert!(durable.signature("collateral").is_some(), "{step:?}");
            }
            Step::Broadcasting { .. } => assert!(durable.is_past_no_return() && durable.finished().is_some()),
            Step::Mined { .. } => assert_eq!(durable.state(), State::Mined),
            _ => {}
        }
        let (ports, node) = ports(&mut world, Arc::clone(&journal));
        let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), durable.id)).await;
        assert_eq!(Some(outcome.unwrap().txid), txid, "{step:?}");
        assert_eq!(count(&only(&journal), "mined"), 1, "{step:?}");
    }
}

#[tokio::test]
async fn a_node_lost_while_sending_leaves_it_open_and_it_is_sent_again() {
    let gone = RpcError::Timeout {
        url: "http://node".into(),
        seconds: 30,
    };
    let mut world = World::new("dash-regtest");
    world.chain.broadcast = Some(Err(gone.clone()));
    let (outcome, node) = world.register(world.draft()).await;
    assert_eq!(outcome.err(), Some(Error::Node(gone)));
    let operation = world.operation();
    let events = ["planned", "signed", "finished", "broadcasting"];
    assert_eq!(
        (names(&operation), operation.state()),
        (events.to_vec(), State::Broadcasting)
    );
    assert_eq!(world.journal.unfinished().unwrap().len(), 1);
    let first = node.broadcasts().remove(0);
    world.chain.broadcast = None;
    let (ports, node) = world.ports();
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), operation.id)).await;
    assert_eq!((outcome.unwrap().tx, node.broadcasts()), (first.clone(), vec![first]));
    assert_eq!(world.signatures_asked(), 1);
}

#[tokio::test]
async fn a_node_lost_when_asked_again_changes_nothing() {
    let (mut world, operation, tx) = registered("dash-regtest").await;
    let gone = RpcError::Unreachable {
        url: "http://node".into(),
        kind: "connection refused".into(),
    };
    let journal = crashed(world.folder(), &operation, 4);
    let before = only(&journal);
    world.chain.status = Err(gone.clone());
    let (away, node) = ports(&mut world, Arc::clone(&journal));
    let (outcome, _) = run(&away, &node, resume::resume(away.clone(), 1)).await;
    assert_eq!(outcome.err(), Some(Error::Node(gone.clone())));
    assert_eq!((only(&journal), told(&node)), (before.clone(), vec![]));
    let fresh = World::new("dash-regtest");
    world.chain.status = fresh.chain.status;
    let (half, node) = ports(&mut world, Arc::clone(&journal));
    let node = node.with_transaction(tx.txid(), Err(gone.clone()));
    let (outcome, _) = run(&half, &node, resume::resume(half.clone(), 1)).await;
    assert_eq!(outcome.err(), Some(Error::Node(gone)));
    assert_eq!((only(&journal), told(&node)), (before, vec![]));
}

#[tokio::test]
async fn a_node_of_another_chain_is_sent_nothing() {
    let (mut world, operation, _) = registered("dash-regtest").await;
    for kept in [3, 4] {
        let journal = crashed(world.folder(), &operation, kept);
        let other = RpcError::OtherChain {
            found: crate::world::block(1),
            expected: world.profile.genesis,
            network: world.profile.name.clone(),
        };
        world.chain.status = Err(other.clone());
        let (ports, node) = ports(&mut world, Arc::clone(&journal));
        let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
        assert_eq!(outcome.err(), Some(Error::Node(other)));
        assert_eq!((told(&node), only(&journal).events.len()), (vec![], kept));
    }
}

#[tokio::test]
async fn a_rejected_transaction_fails_with_the_nodes_reason_and_may_be_tried_again() {
    let rejected = RpcError::Rejected {
        reason: "bad-protx-dup-key".into(),
        detail: "bad-protx-dup-key".into(),
    };
    let mut world = World::new("dash-regtest");
    world.chain.broadcast = Some(Err(rejected.clone()));
    let (outcome, _) = world.register(world.draft()).await;
    let error = outcome.expect_err("rejected");
    assert_eq!((error.kind(), error.reason()), ("rejected", Some("bad-protx-dup-key")));
    let operation = world.operation();
    assert_eq!(
        names(&operation),
        ["planned", "signed", "finished", "broadcasting", "failed"]
    );
    let reason = Event::Failed {
        reason: rejected.to_string(),
    };
    assert_eq!(operation.events[4].event, reason);
    assert!(rejected.to_string().contains("bad-protx-dup-key"));
    world.chain.broadcast = None;
    let (ports, node) = world.ports();
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), operation.id)).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(world.operation().state(), State::Mined);
}

#[tokio::test]
async fn a_lost_connection_while_waiting_for_the_block_is_waited_out() {
    let (mut world, operation, tx) = registered("dash-regtest").await;
    let journal = crashed(world.folder(), &operation, 3);
    let (ports, node) = ports(&mut world, Arc::clone(&journal));
    let gone = || RpcError::Unreachable {
        url: "http://node".into(),
        kind: "connection reset".into(),
    };
    let node = node
        .with_transaction(tx.txid(), Ok(None))
        .with_transaction(tx.txid(), Err(gone()))
        .with_transaction(tx.txid(), Err(gone()))
        .with_transaction(tx.txid(), Ok(None));
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(node.broadcasts(), [tx]);
}

#[tokio::test]
async fn a_connection_that_stays_lost_leaves_it_sent() {
    let (mut world, operation, tx) = registered("dash-regtest").await;
    let journal = crashed(world.folder(), &operation, 3);
    let (ports, node) = ports(&mut world, Arc::clone(&journal));
    let gone = RpcError::Unreachable {
        url: "http://node".into(),
        kind: "connection reset".into(),
    };
    let node = node.with_transaction(tx.txid(), Err(gone.clone()));
    // Driven without `run`: nothing mines here.
    let outcome = resume::resume(ports.clone(), 1).await;
    assert_eq!(outcome.err(), Some(Error::Node(gone)));
    assert_eq!((only(&journal).state(), node.broadcasts()), (State::Sent, vec![tx]));
}

#[tokio::test]
async fn an_operation_of_another_network_or_none_at_all_is_not_begun() {
    let (world, _, _) = registered("dash-regtest").await;
    let other = World::new("wei-regtest");
    let (mut ports, node) = other.ports();
    ports.journal = Arc::clone(&world.journal);
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
    assert!(matches!(outcome, Err(Error::CannotResume { id: 1, .. })));
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), 77)).await;
    assert!(matches!(outcome, Err(Error::Journal(_))));
    assert_eq!(node.requests(), []);
}
