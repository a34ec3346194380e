//! A node that accepted a transaction and does not know it any more: it is handed in again, and given up only where it is certain
//! that no block has it.

use bitcoin::Txid;
use castellan::flow::{Error, Step, register};
use castellan::rpc::fake::FakeNode;
use castellan::rpc::{Node, RpcError};
use castellan::store::journal::State;
use sipper::Sipper;

use crate::world::{TIP, World, mine, names, tip};

/// What becomes of a registration whose node never knows it between two blocks.
struct Told {
    outcome: Result<u32, Error>,
    /// Heights that were waited at.
    waited: Vec<u32>,
    node: FakeNode,
}

fn refused(reason: &str) -> Result<Txid, RpcError> {
    Err(RpcError::Rejected {
        reason: reason.into(),
        detail: reason.into(),
    })
}

/// Sends, with these answers to what is handed in again; two more blocks come, and a third has the transaction. The fee coin is
/// there or gone meanwhile.
async fn told(world: &World, again: Vec<Result<Txid, RpcError>>, coin_is_there: bool) -> Told {
    let (plan, ports, node) = world.plan(world.draft()).await;
    let polls = [TIP, TIP, TIP + 1, TIP + 1, TIP + 1, TIP + 2, TIP + 2, TIP + 3];
    // The first stands in the script already.
    let node = polls[1..].iter().fold(node, |node, at| node.with_tip(Ok(tip(*at))));
    let mut again = Some(again);
    let mut waited = Vec::new();
    let mut flow = register::register(ports.clone(), plan).pin();
    let all = async {
        let mut sent = None;
        while let Some(step) = flow.sip().await {
            match step {
                Step::Broadcasting { txid } => {
                    let answers = again.take().expect("announced once");
                    let first = node.clone().with_broadcast(Ok(txid));
                    let _ = answers.into_iter().fold(first, FakeNode::with_broadcast);
                    sent = Some(txid);
                    if !coin_is_there {
                        let _ = node.clone().with_coin(world.fee_coin, Ok(None));
                        node.coin(world.fee_coin).await.unwrap();
                    }
                }
                Step::WaitingForBlock { height, .. } => {
                    waited.push(height);
                    if height == TIP + 3 {
                        mine(&ports, &node, sent.unwrap());
                        node.transaction(sent.unwrap()).await.unwrap();
                    }
                }
                _ => {}
            }
        }
        flow.await.map(|outcome| outcome.height)
    };
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(30), all).await;
    Told {
        outcome: outcome.expect("the flow ends"),
        waited,
        node,
    }
}

/// A world whose node has a transaction index or none.
fn world(tx_index: bool) -> World {
    let mut world = World::new("dash-regtest");
    world.chain.status.as_mut().unwrap().capabilities.tx_index = Some(tx_index);
    world
}

#[tokio::test]
async fn what_a_node_does_not_know_any_more_is_handed_in_again_after_each_block() {
    for tx_index in [true, false] {
        let world = world(tx_index);
        let told = told(&world, vec![], true).await;
        assert_eq!(told.outcome, Ok(TIP + 1));
        assert_eq!(told.waited, [TIP, TIP + 1, TIP + 2, TIP + 3]);
        let sent = told.node.broadcasts();
        assert_eq!(sent.len(), 4, "once, and once after each block");
        assert!(sent.iter().all(|tx| *tx == sent[0]), "the very same");
        let events = ["planned", "signed", "finished", "broadcasting", "sent", "mined"];
        assert_eq!(names(&world.operation()), events);
    }
}

#[tokio::test]
async fn a_dropped_transaction_that_is_refused_fails_with_the_nodes_reason() {
    // The index proves that it is in no block, or the coin it would have spent does.
    for (tx_index, coin_is_there) in [(true, true), (true, false), (false, true)] {
        let world = world(tx_index);
        let told = told(&world, vec![refused("bad-protx-sig")], coin_is_there).await;
        let error = told.outcome.expect_err("refused");
        assert_eq!((error.kind(), error.reason()), ("rejected", Some("bad-protx-sig")));
        assert_eq!(told.waited, [TIP], "noticed with the next block");
        assert_eq!(told.node.broadcasts().len(), 2);
        let operation = world.operation();
        assert_eq!(operation.state(), State::Failed);
        let events = ["planned", "signed", "finished", "broadcasting", "sent", "failed"];
        assert_eq!(names(&operation), events);
    }
}

#[tokio::test]
async fn what_may_be_mined_never_fails_whatever_the_node_says() {
    // Without index, its outputs spent and its coin gone: a node knows nothing of a mined transaction, and refuses it.
    for reason in ["bad-txns-inputs-missingorspent", "protx-dup", "bad-protx-sig"] {
        let world = world(false);
        let told = told(&world, vec![refused(reason)], false).await;
        assert_eq!(told.outcome, Ok(TIP + 1), "{reason}");
        assert_eq!(told.waited, [TIP, TIP + 1, TIP + 2, TIP + 3]);
        assert_eq!(world.operation().state(), State::Mined);
    }
}

#[tokio::test]
async fn a_node_that_is_lost_when_it_is_handed_in_again_is_waited_for() {
    let gone = || {
        Err(RpcError::Unreachable {
            url: "http://node".into(),
            kind: "connection refused".into(),
        })
    };
    let failed = || {
        Err(RpcError::Failed {
            method: "sendrawtransaction".into(),
            code: -32603,
            message: "internal".into(),
        })
    };
    let world = world(true);
    let told = told(&world, vec![gone(), failed()], true).await;
    assert_eq!(told.outcome, Ok(TIP + 1));
    assert_eq!(world.operation().state(), State::Mined);
}
