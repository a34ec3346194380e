//! Updates that a real node has, had, or has lost again: sent before a crash, or thrown out of its mempool by a block.

use std::sync::Arc;

use castellan::flow::batch::{self, Left, Part, Progress};
use castellan::flow::choice::{FeeSource, OperatorChoice, OperatorSecret};
use castellan::flow::operation::Outcome;
use castellan::flow::update::{self, Change, Draft, OperatorPayout, Plan, Registrar, Revocation, ServiceChange};
use castellan::flow::{Error, Ports, Step, resume};
use castellan::protocol::masternode::Status;
use castellan::protocol::network::MnType;
use castellan::protocol::special_tx::Service;
use castellan::protocol::special_tx::pro_up_rev::Reason;
use castellan::protocol::{Address, Transaction};
use castellan::store::journal::{Event, Operation, State};
use castellan::store::{Journal, Kind};
use serde_json::{Value, json};
use sipper::Sipper;

use crate::chain::{Chain, Options};
use crate::life::Life;

const ADDRESS: [u8; 4] = [6, 6, 6, 6];

fn moves() -> Change {
    Change::Service(ServiceChange {
        service: Some(Service::v4(ADDRESS.into(), 20_300)),
        operator_payout: OperatorPayout::Keep,
        ..ServiceChange::default()
    })
}

fn pays_to(payout: Address) -> Change {
    Change::Registrar(Registrar {
        payout: Some(payout),
        ..Registrar::default()
    })
}

/// Runs until the transaction is about to leave, then dies: the journal's last word is that it may have been sent.
async fn dies_while_sending(ports: &Ports, plan: Plan) -> Operation {
    let mut flow = Box::pin(update::update(ports.clone(), plan).pin());
    while let Some(step) = flow.sip().await {
        if matches!(step, Step::Broadcasting { .. }) {
            break;
        }
    }
    drop(flow);
    let operation = ports.journal.list().expect("read").remove(0);
    assert_eq!(
        operation.events.last().map(|entry| &entry.event),
        Some(&Event::Broadcasting)
    );
    operation
}

fn finished(operation: &Operation) -> Transaction {
    let (_, hex) = operation.finished().expect("finished");
    Transaction::from_hex(hex).expect("a transaction")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn after_a_crash_while_sending_it_goes_on_whether_the_node_has_it_or_not() {
    let chain = Chain::start(Options::AFTER_V19).await;
    chain.coin().await;
    let life = Life::begin(&chain, MnType::Regular, "mn").await;
    // Where it was when the program ended: still here, in the mempool, in a block.
    for arrived in 0..3_u8 {
        let payout = Address::PubkeyHash([0x30 + arrived; 20]);
        let plan = life.plan(pays_to(payout)).await;
        let operation = dies_while_sending(&life.ports, plan).await;
        let tx = finished(&operation);
        if arrived > 0 {
            life.ports.node.broadcast(tx.clone()).await.expect("sent");
        }
        if arrived > 1 {
            chain.node.mine(1).await;
        }
        let outcome = chain
            .run(resume::resume(life.ports.clone(), operation.id))
            .await
            .expect("mined");
        assert_eq!((outcome.tx, outcome.height), (tx, chain.height().await));
        assert_eq!(life.entry().await.state.payout, Some(payout));
        let events = life.ports.journal.get(operation.id).expect("kept").events;
        let mined = |event: &Event| matches!(event, Event::Mined { .. });
        assert_eq!(events.iter().filter(|entry| mined(&entry.event)).count(), 1);
    }
}

/// A block with a change made by another machine that the node keeps aside: it goes back to the time before, and its mempool has
/// nothing of it.
struct Aside(Value);

impl Aside {
    async fn with(life: &Life<'_>, change: Change) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let other = Ports {
            journal: Arc::new(Journal::open(&folder.path().join("journal")).expect("a journal")),
            history: Arc::new(castellan::store::History::in_memory().expect("a history")),
            ..life.ports.clone()
        };
        let draft = Draft {
            fee_from: FeeSource::Key("other".into()),
            ..life.draft(change)
        };
        let plan = update::prepare(&other, &draft).await.expect("a plan");
        life.chain
            .run(update::update(other.clone(), plan))
            .await
            .expect("mined");
        let node = &life.chain.node;
        let block = node.call("getbestblockhash", json!([])).await;
        // Of the last ten blocks a node that goes back keeps the transactions in its mempool (InvalidateBlock).
        node.mine(11).await;
        node.call("invalidateblock", json!([block])).await;
        assert_eq!(node.call("getrawmempool", json!([])).await, json!([]));
        Self(block)
    }

    async fn arrive(&self, life: &Life<'_>) {
        life.chain.node.call("reconsiderblock", json!([self.0])).await;
        assert_eq!(
            life.chain.node.call("getrawmempool", json!([])).await,
            json!([]),
            "thrown out"
        );
    }
}

/// Sends a change and, before any block has it, lets a block throw it out.
async fn thrown_out(life: &Life<'_>, change: Change, aside: &Aside) -> Result<Outcome, Error> {
    let mut flow = update::update(life.ports.clone(), life.plan(change).await).pin();
    let mut waited = 0;
    while let Some(step) = flow.sip().await {
        if matches!(step, Step::WaitingForBlock { .. }) {
            waited += 1;
            assert_eq!(waited, 1, "it waits on");
            aside.arrive(life).await;
        }
    }
    flow.await
}

fn names_operator() -> Change {
    Change::Registrar(Registrar {
        operator: Some(OperatorChoice::New),
        ..Registrar::default()
    })
}

async fn with_two_purses(options: Options) -> Chain {
    let chain = Chain::start(options).await;
    chain.coin().await;
    let vault = chain.ports.vault().expect("open").clone();
    vault.generate(Kind::Fee, "other", chain.profile(), 0).expect("a key");
    chain.pay_key(&vault, "other", "0.1").await;
    chain
}

/// The block gives the address to another masternode: the waiting update is thrown out, and refused when it is handed in again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn an_update_that_a_block_throws_out_fails_with_the_nodes_reason() {
    for options in [Options::BEFORE_V19, Options::AFTER_V19] {
        let chain = with_two_purses(options).await;
        let life = Life::begin(&chain, MnType::Regular, "mn").await;
        let rival = Life::begin(&chain, MnType::Regular, "rival").await;
        let aside = Aside::with(&rival, moves()).await;
        let error = thrown_out(&life, moves(), &aside).await.expect_err("refused");
        assert_eq!(
            (error.kind(), error.reason()),
            ("rejected", Some("bad-protx-dup-netinfo-entry"))
        );
        let operation = life.ports.journal.list().expect("read").remove(0);
        assert_eq!(operation.state(), State::Failed);
        let again = resume::resume(life.ports.clone(), operation.id)
            .await
            .expect_err("refused");
        assert_eq!(again.reason(), error.reason());
    }
}

/// The block names another operator, which wipes the address: what was planned from it means something else now.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn an_update_of_an_operator_that_was_replaced_fails_with_what_changed() {
    let chain = with_two_purses(Options::AFTER_V19).await;
    let life = Life::begin(&chain, MnType::Regular, "mn").await;
    let aside = Aside::with(&life, names_operator()).await;
    let error = thrown_out(&life, moves(), &aside).await.expect_err("not sent again");
    assert!(
        matches!(&error, Error::ChangedMeanwhile { field, .. } if field == "service"),
        "{error}"
    );
    let operation = life.ports.journal.list().expect("read").remove(0);
    assert_eq!(operation.state(), State::Failed);
    assert_eq!(life.entry().await.status(), Status::WaitingForService);
}

/// The owner's waiting update names the operator key that the block revokes. A node would take it again, and the key would be back.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn an_update_that_would_bring_a_revoked_key_back_is_not_sent_again() {
    let chain = with_two_purses(Options::AFTER_V19).await;
    let life = Life::begin(&chain, MnType::Regular, "mn").await;
    let by = Change::Revoke(Revocation {
        reason: Reason::CompromisedKeys,
        operator: OperatorSecret::OfTheVault,
    });
    let aside = Aside::with(&life, by).await;
    let error = thrown_out(&life, pays_to(Address::PubkeyHash([0x31; 20])), &aside).await;
    let error = error.expect_err("not sent again");
    assert!(
        matches!(&error, Error::ChangedMeanwhile { field, .. } if field == "pubKeyOperator"),
        "{error}"
    );
    let operation = life.ports.journal.list().expect("read").remove(0);
    assert_eq!(operation.state(), State::Failed);
    // That it was right not to: the node sees nothing wrong in it.
    let tx = finished(&operation);
    let verdict = chain.node.call("testmempoolaccept", json!([[tx.to_hex()]])).await;
    assert_eq!(verdict[0]["allowed"], true, "{verdict}");
    let again = resume::resume(life.ports.clone(), operation.id)
        .await
        .expect_err("nor then");
    assert!(matches!(again, Error::ChangedMeanwhile { .. }), "{again}");
    assert_eq!(life.entry().await.status(), Status::Revoked);
}

/// A batch of one, thrown out in the same way.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn a_batch_notices_what_a_block_throws_out() {
    let chain = with_two_purses(Options::AFTER_V19).await;
    let life = Life::begin(&chain, MnType::Regular, "mn").await;
    let aside = Aside::with(&life, names_operator()).await;
    let part = Part::Send(Box::new(life.plan(moves()).await));
    let mut flow = batch::run(life.ports.clone(), vec![part]).pin();
    let mut thrown = false;
    while let Some(Progress { event, .. }) = flow.sip().await {
        if matches!(event, batch::Event::Step(Step::WaitingForBlock { .. })) && !thrown {
            thrown = true;
            aside.arrive(&life).await;
        }
    }
    let failure = flow.await.remove(0).expect_err("refused");
    assert!(matches!(failure.error, Error::ChangedMeanwhile { .. }), "{failure:?}");
    assert!(matches!(failure.left, Left::Unsent { .. }), "{failure:?}");
}
