//! Updates that stop half-way: crashes behind every event of the journal, keys that are gone by then, masternodes that changed
//! meanwhile, and nodes that know little of a mined transaction.

use castellan::flow::choice::{OneUse, OperatorChoice, OperatorSecret};
use castellan::flow::operation::Role;
use castellan::flow::update::{self, Change, ServiceChange};
use castellan::flow::{Error, Step, resume};
use castellan::protocol::masternode::OperatorKey;
use castellan::protocol::{Address, Transaction};
use castellan::rpc::FoundCoin;
use castellan::store::journal::{Event, State};
use sipper::Sipper;
use std::sync::Arc;

use crate::owned::NETWORKS;
use crate::resume::{count, crashed, only, ports};
use crate::update::{new_address, new_operator, new_payout, revocation, service};
use crate::world::{TIP, World, mined, names, run, told};

/// One of each kind, and a change of the operator key.
fn all(world: &World) -> [Change; 4] {
    let held = new_operator(OperatorChoice::Held("mn1-operator-2".into()));
    [new_address(world), new_payout(), held, revocation()]
}

#[tokio::test]
async fn after_a_crash_behind_any_event_an_update_ends_mined_exactly_once() {
    for network in NETWORKS {
        for at in 0..4 {
            let mut world = World::owning(network);
            world.make(castellan::store::Kind::Operator, "mn1-operator-2");
            let change = all(&world)[at].clone();
            let (_, outcome, _) = world.update(change).await;
            let operation = world.operation();
            assert_eq!(operation.events.len(), 6);
            for kept in 1..=6 {
                let journal = crashed(world.folder(), &operation, kept);
                let (ports, node) = ports(&mut world, Arc::clone(&journal));
                let (resumed, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
                let resumed = resumed.unwrap();
                // Every signature is deterministic: even a crash before them ends in the same transaction.
                assert_eq!(
                    (resumed.tx, resumed.height),
                    (outcome.tx.clone(), TIP + 1),
                    "{network} {at} {kept}"
                );
                let sent: &[Transaction] = if kept == 6 {
                    &[]
                } else {
                    std::slice::from_ref(&outcome.tx)
                };
                assert_eq!(node.broadcasts(), sent, "{network} {at} {kept}");
                let after = only(&journal);
                let counted = ["planned", "signed", "finished", "mined"].map(|name| count(&after, name));
                assert_eq!(
                    (after.state(), counted),
                    (State::Mined, [1; 4]),
                    "{network} {at} {kept}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_pasted_key_that_is_gone_is_named_where_it_had_not_signed_and_not_missed_where_it_had() {
    for network in NETWORKS {
        let mut world = World::owning(network);
        let once = OneUse::parse(&"09".repeat(32)).unwrap();
        world.mine().state.name_operator(&once.public_key());
        let change = service(ServiceChange {
            operator: OperatorSecret::Pasted(once.clone()),
            ..ServiceChange::default()
        });
        let (_, outcome, _) = world.update(change).await;
        let operation = world.operation();

        let journal = crashed(world.folder(), &operation, 1);
        let (early, node) = ports(&mut world, Arc::clone(&journal));
        let (resumed, _) = run(&early, &node, resume::resume(early.clone(), 1)).await;
        let key = once.public_key().to_hex(world.scheme());
        let role = Role::Operator;
        assert_eq!(resumed.err(), Some(Error::SignatureElsewhere { role, key }));
        assert_eq!((told(&node), names(&only(&journal))), (vec![], vec!["planned"]));
        // Pasted again it goes on.
        let again = resume::resume_with(early.clone(), 1, Some(once));
        let (resumed, _) = run(&early, &node, again).await;
        assert_eq!(resumed.unwrap().tx, outcome.tx);

        let journal = crashed(world.folder(), &operation, 2);
        let (late, node) = ports(&mut world, Arc::clone(&journal));
        let (resumed, _) = run(&late, &node, resume::resume(late.clone(), 1)).await;
        assert_eq!(resumed.unwrap().tx, outcome.tx);
    }
}

#[tokio::test]
async fn dropped_before_it_is_sent_nothing_is_sent_and_it_can_go_on_or_be_cancelled() {
    type Stop = fn(&Step) -> bool;
    let stops: [Stop; 4] = [
        |step| matches!(step, Step::Planned { .. }),
        |step| matches!(step, Step::PayloadSigned { .. }),
        |step| matches!(step, Step::InputsSigned { .. }),
        |step| matches!(step, Step::Verified { .. }),
    ];
    for stop in stops {
        let world = World::owning("wei-regtest");
        let (plan, ports, node) = world.planned(new_operator(OperatorChoice::New)).await;
        let mut flow = update::update(ports.clone(), plan.clone()).pin();
        while let Some(step) = flow.sip().await {
            if stop(&step) {
                break;
            }
        }
        drop(flow);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        assert_eq!(told(&node), []);
        // As long as it may go on its key stays.
        update::discard(&ports, &plan);
        assert!(world.labels().contains(&"mn1-operator-2".to_owned()));
        let id = world.operation().id;
        world.journal.record(id, &Event::Cancelled, 0).unwrap();
        update::discard(&ports, &plan);
        assert!(!world.labels().contains(&"mn1-operator-2".to_owned()));
        let (resumed, _) = run(&ports, &node, resume::resume(ports.clone(), id)).await;
        assert!(matches!(resumed, Err(Error::CannotResume { .. })));
    }
}

#[tokio::test]
async fn an_update_planned_before_another_one_does_not_put_the_old_value_back() {
    for network in NETWORKS {
        let mut world = World::owning(network);
        let (_, outcome, _) = world.update(new_payout()).await;
        let operation = world.operation();
        type Meanwhile = fn(&mut World);
        let changes: [(Meanwhile, &str); 3] = [
            (
                |world| world.mine().state.payout = Some(Address::PubkeyHash([0x55; 20])),
                "payoutAddress",
            ),
            (
                |world| world.mine().state.operator = OperatorKey::Revoked,
                "pubKeyOperator",
            ),
            (
                |world| world.mine().state.voting = Some(castellan::protocol::KeyId([0x55; 20])),
                "votingAddress",
            ),
        ];
        let before = world.mine().clone();
        for (change, field) in changes {
            *world.mine() = before.clone();
            change(&mut world);
            for kept in [1, 2] {
                let folder = tempfile::tempdir().unwrap();
                let journal = crashed(folder.path(), &operation, kept);
                let (ports, node) = ports(&mut world, Arc::clone(&journal));
                let (resumed, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
                let expected = Error::ChangedMeanwhile {
                    pro_tx_hash: outcome.pro_tx_hash.to_string(),
                    field: field.into(),
                };
                assert_eq!(resumed.err(), Some(expected));
                assert_eq!((told(&node), only(&journal).state()), (vec![], State::Failed));
            }
        }
        // A ban, a penalty or a payment meanwhile is none of its business.
        *world.mine() = before;
        world.mine().state.last_paid_height = TIP;
        world.mine().state.pose_penalty = 66;
        let folder = tempfile::tempdir().unwrap();
        let journal = crashed(folder.path(), &operation, 1);
        let (ports, node) = ports(&mut world, Arc::clone(&journal));
        let (resumed, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
        assert_eq!(resumed.unwrap().tx, outcome.tx);
    }
}

/// The change output of a transaction as a coin with so many confirmations.
fn change(tx: &Transaction, confirmations: u32) -> FoundCoin {
    FoundCoin {
        outpoint: castellan::protocol::OutPoint {
            txid: tx.txid(),
            vout: 0,
        },
        value: tx.outputs[0].amount().unwrap(),
        script: tx.outputs[0].script.clone(),
        confirmations,
        coinbase: false,
        spent_in_mempool: false,
    }
}

#[tokio::test]
async fn without_a_transaction_index_a_mined_update_is_found_by_its_change() {
    for network in NETWORKS {
        let mut world = World::owning(network);
        let (_, outcome, _) = world.update(new_address(&world)).await;
        let operation = world.operation();
        let journal = crashed(world.folder(), &operation, 4);
        let (ports, node) = ports(&mut world, Arc::clone(&journal));
        let coin = change(&outcome.tx, 3);
        let node = node.with_coin(coin.outpoint, Ok(Some(coin)));
        let (resumed, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
        assert_eq!((resumed.unwrap().height, told(&node)), (TIP - 2, vec![]));
        assert_eq!(only(&journal).state(), State::Mined);
    }
}

#[tokio::test]
async fn where_even_the_change_is_spent_the_masternode_tells() {
    for network in NETWORKS {
        for at in 0..4 {
            let mut world = World::owning(network);
            world.make(castellan::store::Kind::Operator, "mn1-operator-2");
            let update = all(&world)[at].clone();
            let (_, outcome, _) = world.update(update).await;
            let operation = world.operation();
            // Its inputs are spent, but the masternode is as before: another transaction spent them.
            world.chain.spend(world.fee_coin);
            let unchanged = world.mine().clone();
            let journal = crashed(world.folder(), &operation, 5);
            let (before, node) = ports(&mut world, Arc::clone(&journal));
            let node = node.with_masternode(unchanged.pro_tx_hash, Ok(Some(unchanged)));
            let patience = std::time::Duration::from_millis(30);
            let waiting = tokio::time::timeout(patience, resume::resume(before.clone(), 1)).await;
            assert!(waiting.is_err(), "{network} {at}: {waiting:?}");
            assert_eq!(node.broadcasts().len(), 1);

            world.apply(&outcome.tx);
            let changed = world.mine().clone();
            let journal = crashed(world.folder(), &operation, 4);
            let (after, node) = ports(&mut world, Arc::clone(&journal));
            let node = node.with_masternode(changed.pro_tx_hash, Ok(Some(changed)));
            let (resumed, _) = run(&after, &node, resume::resume(after.clone(), 1)).await;
            assert_eq!((resumed.unwrap().height, told(&node)), (TIP, vec![]), "{network} {at}");
        }
    }
}

#[tokio::test]
async fn what_was_mined_meanwhile_is_not_sent_again() {
    let mut world = World::owning("dash-regtest");
    let (_, outcome, _) = world.update(revocation()).await;
    let operation = world.operation();
    let journal = crashed(world.folder(), &operation, 4);
    let (ports, node) = ports(&mut world, Arc::clone(&journal));
    let node = node.with_transaction(outcome.txid, Ok(Some(mined(outcome.tx))));
    let (resumed, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
    assert_eq!((resumed.unwrap().height, told(&node)), (TIP + 1, vec![]));
}
