//! Whole stories against a node that answers over HTTP and judges by its own reading of the rules.

use std::sync::Arc;
use std::time::Duration;

use castellan::flow::choice::{FeeSource, OperatorChoice, VotingChoice};
use castellan::flow::update::{self, Change, Draft, OperatorPayout, Registrar, ServiceChange};
use castellan::flow::{Error, Ports, Step, overview, register, resume, revive};
use castellan::hw::fake::FakeDevice;
use castellan::protocol::masternode::{Entry, Status};
use castellan::protocol::network::MnType;
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Address, Amount, ProTxHash, network};
use castellan::rpc::{Auth, Client, Endpoint};
use castellan::sandbox::{Options, Sandbox};
use castellan::store::Journal;
use castellan::store::journal::{Operation, State};
use sipper::Sipper;

use crate::update::revocation;
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

/// Runs a flow; every transaction it waits for is in the next block.
pub async fn mined<T>(sandbox: &Sandbox, flow: impl Sipper<Result<T, Error>, Step>) -> Result<T, Error> {
    let mut flow = flow.pin();
    while let Some(step) = flow.sip().await {
        if matches!(step, Step::WaitingForBlock { .. }) {
            sandbox.mine(1);
        }
    }
    flow.await
}

/// A masternode of the world's vault in the sandbox, registered by the device.
pub async fn registered(world: &World, ports: &Ports, sandbox: &Sandbox, kind: MnType) -> ProTxHash {
    let all = castellan::flow::wallet::candidates(ports, &castellan::flow::wallet::default_accounts(ports)).await;
    let first = all.unwrap().into_iter().find(|each| each.kind == kind).unwrap();
    let platform = (kind == MnType::Evo).then_some(register::PlatformChoice {
        node_id: [0x5a; 20],
        p2p_port: 22_200,
        http_port: 22_201,
    });
    let draft = register::Draft {
        kind,
        platform,
        collateral: register::CollateralChoice::Named {
            outpoint: first.outpoint,
            path: Some(first.path),
        },
        ..world.draft()
    };
    let plan = register::prepare(ports, draft).await.unwrap();
    assert_eq!(plan.verdict.failure_before_signing(), None);
    let outcome = mined(sandbox, register::register(ports.clone(), plan)).await.unwrap();
    outcome.pro_tx_hash
}

/// An update from plan to block. The list must then be what the review promised.
pub async fn updated(ports: &Ports, sandbox: &Sandbox, hash: ProTxHash, change: Change) -> Entry {
    let draft = Draft {
        pro_tx_hash: hash,
        change,
        fee_from: FeeSource::Key("fees".into()),
    };
    let plan = update::prepare(ports, &draft).await.unwrap();
    assert_eq!((plan.review.failure(), plan.review.missing.as_slice()), (None, &[][..]));
    let promised = plan.review.fields.clone();
    mined(sandbox, update::update(ports.clone(), plan)).await.unwrap();
    let entry = ports.node.masternode(hash).await.unwrap().unwrap();
    let held = Registrar {
        operator: Some(OperatorChoice::Held("mn1-operator".into())),
        ..Registrar::default()
    };
    let next = Draft {
        change: Change::Registrar(held),
        ..draft
    };
    let now = update::prepare(ports, &next).await.unwrap().review.fields;
    let promised: Vec<_> = promised.into_iter().map(|field| (field.name, field.new)).collect();
    let listed: Vec<_> = now.into_iter().map(|field| (field.name, field.old)).collect();
    assert_eq!(listed, promised);
    entry
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_masternode_as_its_reviews_promised_it() {
    let kinds = [
        ("dash-regtest", MnType::Regular),
        ("dash-regtest", MnType::Evo),
        ("wei-regtest", MnType::Regular),
    ];
    for (network, kind) in kinds {
        let (world, ports, sandbox) = start(network).await;
        let hash = registered(&world, &ports, &sandbox, kind).await;
        let service = |ip: [u8; 4], operator_payout| {
            Change::Service(ServiceChange {
                service: Some(Service::v4(ip.into(), world.profile.p2p_port)),
                operator_payout,
                ..ServiceChange::default()
            })
        };
        let share = Address::PubkeyHash([0x31; 20]);
        let entry = updated(&ports, &sandbox, hash, service([4, 4, 4, 4], OperatorPayout::To(share))).await;
        assert_eq!((entry.state.operator_payout, entry.is_banned()), (Some(share), false));
        let entry = updated(&ports, &sandbox, hash, service([4, 4, 4, 5], OperatorPayout::Keep)).await;
        assert_eq!(entry.state.operator_payout, Some(share), "kept");
        let payout = Address::PubkeyHash([0x32; 20]);
        let both = Change::Registrar(Registrar {
            payout: Some(payout),
            voting: Some(VotingChoice::New),
            ..Registrar::default()
        });
        let entry = updated(&ports, &sandbox, hash, both).await;
        assert_eq!((entry.state.payout, entry.is_banned()), (Some(payout), false));

        // Banned for misbehaviour, looked at, revived by an update that changes nothing.
        sandbox.ban(hash).unwrap();
        sandbox.mine(1);
        let source = FeeSource::Key("fees".into());
        let diagnosis = revive::look(&ports, hash, Some(&source)).await.unwrap();
        assert!(diagnosis.can_revive(), "{diagnosis:?}");
        assert!(matches!(
            diagnosis.findings[0],
            revive::Finding::Misbehaved { blocks: 0, .. }
        ));
        let entry = updated(&ports, &sandbox, hash, Change::Service(ServiceChange::default())).await;
        assert_eq!(
            (entry.status(), entry.state.pose_revived_height),
            (Status::Enabled, Some(sandbox.height()))
        );

        // Another operator key, made here; then the operator gives up and the owner puts the first one back.
        let other = Change::Registrar(Registrar {
            operator: Some(OperatorChoice::New),
            ..Registrar::default()
        });
        let entry = updated(&ports, &sandbox, hash, other).await;
        assert_eq!(entry.status(), Status::WaitingForService);
        let roles = overview::roles(Some(&world.vault), &entry);
        assert_eq!(roles.operator.as_deref(), Some("mn1-operator-2"));
        let mut announced = ServiceChange {
            service: Some(Service::v4([4, 4, 4, 6].into(), world.profile.p2p_port)),
            ..ServiceChange::default()
        };
        announced.platform.node_id = (kind == MnType::Evo).then_some([0x5b; 20]);
        let entry = updated(&ports, &sandbox, hash, Change::Service(announced)).await;
        assert_eq!((entry.status(), entry.state.operator_payout), (Status::Enabled, None));
        let entry = updated(&ports, &sandbox, hash, revocation()).await;
        assert_eq!((entry.status(), entry.state.revocation_reason), (Status::Revoked, 2));
        let back = Change::Registrar(Registrar {
            operator: Some(OperatorChoice::Held("mn1-operator".into())),
            ..Registrar::default()
        });
        let entry = updated(&ports, &sandbox, hash, back).await;
        assert_eq!(entry.status(), Status::WaitingForService);
        let states: Vec<State> = world.journal.list().unwrap().iter().map(Operation::state).collect();
        assert_eq!(states, [State::Mined; 9], "{network}");
        assert_eq!(world.signatures_asked(), 1);
    }
}
