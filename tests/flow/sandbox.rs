//! The end of a registration against a node that answers over HTTP: what it knows already is success.

use std::sync::Arc;
use std::time::Duration;

use castellan::flow::{Ports, Step, register, resume};
use castellan::hw::fake::FakeDevice;
use castellan::protocol::{Amount, network};
use castellan::rpc::{Auth, Client, Endpoint};
use castellan::sandbox::{Options, Sandbox};
use castellan::store::Journal;
use castellan::store::journal::{Operation, State};
use sipper::Sipper;

use crate::world::World;

/// A world whose node is the sandbox; its device and vault have money there.
pub async fn start(network: &str) -> (World, Ports, Sandbox) {
    let world = World::new(network);
    let mut options = Options::new(network::builtin(network).unwrap());
    options.device = (0..4).map(|at| world.device_key(0, false, at).address()).collect();
    let sandbox = Sandbox::start(options).await.unwrap();
    let fees = world.key_id("fees").address().script();
    sandbox.fund(fees, Amount::from_coins(1)).unwrap();
    sandbox.mine(1);
    let auth = Auth::UserPassword {
        user: sandbox.user().to_owned(),
        password: sandbox.password().to_owned().into(),
    };
    let endpoint = Endpoint::new(&sandbox.rpc_url(), auth).unwrap();
    let (mut ports, _) = world.ports();
    ports.node = Arc::new(Client::connect(endpoint, world.profile.clone()).unwrap());
    ports.poll = Duration::from_millis(20);
    (world, ports, sandbox)
}

/// Sent and in the mempool; then the program dies.
async fn sent(world: &World, ports: &Ports) -> Operation {
    let mut draft = world.draft();
    let all = castellan::flow::wallet::candidates(ports, &castellan::flow::wallet::default_accounts(ports)).await;
    let first = all.unwrap().into_iter().find(|each| each.kind == draft.kind).unwrap();
    draft.collateral = register::CollateralChoice::Named {
        outpoint: first.outpoint,
        path: Some(first.path),
    };
    let plan = register::prepare(ports, draft).await.unwrap();
    assert_eq!(plan.verdict.failure_before_signing(), None);
    let mut flow = register::register(ports.clone(), plan).pin();
    while let Some(step) = flow.sip().await {
        if matches!(step, Step::WaitingForBlock { .. }) {
            break;
        }
    }
    world.operation()
}

/// The journal as a crash right after the point of no return leaves it: nobody heard the node's answer.
fn unheard(world: &World, operation: &Operation, name: &str) -> Arc<Journal> {
    let journal = Journal::open(&world.folder().join(name)).unwrap();
    let plan: serde_json::Value = serde_json::from_str(operation.plan().unwrap()).unwrap();
    let id = journal.begin(&operation.kind, &operation.network, &plan, 1).unwrap();
    for entry in &operation.events[1..4] {
        journal.record(id, &entry.event, 2).unwrap();
    }
    assert_eq!(journal.get(id).unwrap().state(), State::Broadcasting);
    Arc::new(journal)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_the_node_has_already_is_success() {
    for network in ["dash-regtest", "wei-regtest"] {
        let (world, mut ports, sandbox) = start(network).await;
        let operation = sent(&world, &ports).await;
        let (txid, hex) = operation.finished().unwrap();
        let tx = castellan::protocol::Transaction::from_hex(hex).unwrap();
        ports.device = Some(Arc::new(FakeDevice::new(world.profile.clone())));

        // In the mempool: it is sent again, and "already in mempool" is taken as success.
        assert_eq!(ports.node.broadcast(tx.clone()).await, Ok(txid), "{network}");
        ports.journal = unheard(&world, &operation, "in-mempool.sqlite");
        let mut flow = resume::resume(ports.clone(), 1).pin();
        while let Some(step) = flow.sip().await {
            if matches!(step, Step::WaitingForBlock { .. }) && ports.node.masternode(txid).await == Ok(None) {
                sandbox.mine(1);
            }
        }
        let outcome = flow.await.unwrap();
        assert_eq!((outcome.txid, outcome.height), (txid, sandbox.height()), "{network}");
        assert_eq!(ports.journal.get(1).unwrap().state(), State::Mined);
        assert!(ports.node.masternode(txid).await.unwrap().is_some());

        // In the chain: -27, and a resumed operation does not even send.
        assert_eq!(ports.node.broadcast(tx).await, Ok(txid), "{network}");
        ports.journal = unheard(&world, &operation, "in-chain.sqlite");
        let outcome = resume::resume(ports.clone(), 1).await.unwrap();
        assert_eq!(
            (outcome.txid, ports.journal.get(1).unwrap().state()),
            (txid, State::Mined)
        );
        assert_eq!(world.signatures_asked(), 1);
    }
}
