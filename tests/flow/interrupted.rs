//! Registrations that stop before anything is sent: what the journal then holds, and how they go on.
//!
//! A plan stays open unless a rule, or a transaction that is not the reviewed one, ends it: the device's owner may have
//! changed their mind, the cable may be back, the vault may be open by then.

use bitcoin::bip32::{DerivationPath, Xpub};
use bitcoin::secp256k1::PublicKey;
use castellan::flow::{Error, Ports, Step, register, resume};
use castellan::hw::fake::{FakeDevice, Outcome};
use castellan::hw::{Device, DeviceError, DeviceInfo, Kind, Progress, Reply, ShownAddress, Spend};
use castellan::protocol::message::CompactSignature;
use castellan::protocol::{Transaction, path};
use castellan::rpc::RpcError;
use castellan::rpc::fake::FakeNode;
use castellan::store::journal::{Event, State};
use sipper::Sipper;
use std::sync::Arc;
use std::time::Duration;

use crate::world::{World, names, run, told};

/// Signs every message with the key of the next address.
struct OtherKey(FakeDevice, DerivationPath);

impl Device for OtherKey {
    fn kind(&self) -> Kind {
        self.0.kind()
    }
    fn place(&self) -> String {
        self.0.place()
    }
    fn info(&self) -> Reply<'_, DeviceInfo> {
        self.0.info()
    }
    fn public_key(&self, path: DerivationPath) -> Reply<'_, PublicKey> {
        self.0.public_key(path)
    }
    fn show_address(&self, path: DerivationPath) -> Reply<'_, ShownAddress> {
        self.0.show_address(path)
    }
    fn account_xpub(&self, path: DerivationPath) -> Reply<'_, Xpub> {
        self.0.account_xpub(path)
    }
    fn sign_message(&self, _: DerivationPath, message: Vec<u8>) -> Reply<'_, CompactSignature> {
        self.0.sign_message(self.1.clone(), message)
    }
    fn sign_spend(&self, spend: Spend, progress: Progress) -> Reply<'_, Transaction> {
        self.0.sign_spend(spend, progress)
    }
}

/// Starts and must fail; nothing is sent.
async fn stopped(ports: &Ports, node: &FakeNode, plan: register::Plan) -> Error {
    let (outcome, steps) = run(ports, node, register::register(ports.clone(), plan)).await;
    let error = outcome.expect_err("it must stop");
    assert_eq!(told(node), [], "{error}");
    assert!(!steps.iter().any(|step| matches!(step, Step::Broadcasting { .. })));
    error
}

/// Goes on to the block.
async fn goes_on(world: &World, ports: &Ports, node: &FakeNode) {
    let before = node.broadcasts().len();
    let id = world.operation().id;
    let (outcome, _) = run(ports, node, resume::resume(ports.clone(), id)).await;
    let outcome = outcome.unwrap();
    assert_eq!(node.broadcasts()[before..], [outcome.tx]);
    assert_eq!(world.operation().state(), State::Mined);
}

#[tokio::test]
async fn a_refusal_or_loss_of_the_device_leaves_the_plan_open_and_it_goes_on_later() {
    let kind = Kind::Ledger;
    let expected = [
        (Outcome::Decline, DeviceError::Declined),
        (Outcome::Gone, DeviceError::Gone { kind }),
        (
            Outcome::Fail(DeviceError::Locked { kind }),
            DeviceError::Locked { kind },
        ),
    ];
    for (outcome, error) in expected {
        let world = World::new("dash-regtest");
        let (plan, ports, node) = world.plan(world.draft()).await;
        world.device.then(outcome);
        assert_eq!(stopped(&ports, &node, plan).await, Error::Device(error));
        let operation = world.operation();
        assert_eq!(
            (names(&operation), operation.state()),
            (vec!["planned"], State::Planned)
        );
        assert_eq!(world.journal.unfinished().unwrap().len(), 1);
        assert_eq!(world.signatures_asked(), 1);
        goes_on(&world, &ports, &node).await;
        assert_eq!(world.signatures_asked(), 2);
    }
}

#[tokio::test]
async fn a_signature_of_another_key_is_found_out_and_not_kept() {
    let world = World::new("dash-regtest");
    let (plan, good, node) = world.plan(world.draft()).await;
    let other = path::address(&world.profile, 0, false, 1);
    let mut ports = good.clone();
    ports.device = Some(Arc::new(OtherKey(FakeDevice::new(world.profile.clone()), other)));
    assert!(matches!(stopped(&ports, &node, plan).await, Error::Signature(_)));
    assert_eq!(names(&world.operation()), ["planned"]);
    goes_on(&world, &good, &node).await;
    assert_eq!(world.signatures_asked(), 1, "only the right device");
}

#[tokio::test]
async fn without_a_device_or_with_a_locked_vault_it_waits_for_them() {
    let world = World::new("dash-regtest");
    let (plan, good, node) = world.plan(world.draft()).await;
    let mut ports = good.clone();
    ports.device = None;
    assert_eq!(stopped(&ports, &node, plan).await, Error::NoDevice);
    assert_eq!(names(&world.operation()), ["planned"]);
    let id = world.operation().id;
    let mut ports = good.clone();
    ports.vault = None;
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), id)).await;
    assert_eq!(outcome.err(), Some(Error::VaultLocked));
    assert_eq!(names(&world.operation()), ["planned", "signed"]);
    // The signature is kept: the device may be in its drawer by now.
    let mut ports = good;
    ports.device = None;
    goes_on(&world, &ports, &node).await;
    assert_eq!(world.signatures_asked(), 1);
    assert_eq!(
        names(&world.operation())[1..],
        ["signed", "finished", "broadcasting", "sent", "mined"]
    );
}

#[tokio::test]
async fn a_rule_broken_since_the_plan_ends_it_with_the_reason() {
    let mut world = World::new("dash-regtest");
    let (plan, ..) = world.plan(world.draft()).await;
    world.chain.spend(world.collateral);
    let (ports, node) = world.ports();
    let error = stopped(&ports, &node, plan).await;
    assert!(
        matches!(&error, Error::Rule(check) if check.reject == "bad-protx-collateral"),
        "{error:?}"
    );
    let operation = world.operation();
    assert_eq!(names(&operation), ["planned", "signed", "failed"]);
    let Event::Failed { reason } = &operation.events[2].event else {
        panic!("failed")
    };
    assert_eq!(reason, &error.to_string());
}

#[tokio::test]
async fn a_node_lost_while_verifying_leaves_the_signature_and_sends_nothing() {
    let mut world = World::new("dash-regtest");
    let (plan, good, node) = world.plan(world.draft()).await;
    let gone = RpcError::Unreachable {
        url: "http://node".into(),
        kind: "connection reset".into(),
    };
    world.chain.status = Err(gone.clone());
    let (ports, lost) = world.ports();
    assert_eq!(stopped(&ports, &lost, plan).await, Error::Node(gone));
    assert_eq!(names(&world.operation()), ["planned", "signed"]);
    goes_on(&world, &good, &node).await;
    assert_eq!(world.signatures_asked(), 1);
}

/// The step a flow is dropped at.
type Stop = fn(&Step) -> bool;

/// Runs until a step and drops the flow there.
async fn dropped_at(ports: &Ports, plan: register::Plan, stop: Stop) {
    let mut flow = register::register(ports.clone(), plan).pin();
    while let Some(step) = flow.sip().await {
        if stop(&step) {
            return;
        }
    }
    panic!("it ended before that step");
}

/// Drops a flow whose device shows its question and gets no answer.
async fn dropped_at_the_prompt(world: &World, ports: &Ports, plan: register::Plan) {
    world.device.then(Outcome::Wait);
    let flow = register::register(ports.clone(), plan);
    let ended = tokio::time::timeout(Duration::from_millis(50), flow).await;
    assert!(ended.is_err(), "{ended:?}");
    assert_eq!(world.signatures_asked(), 1);
}

#[tokio::test]
async fn dropped_while_the_device_asks_it_stays_planned_and_can_be_resumed() {
    let world = World::new("dash-regtest");
    let (plan, ports, node) = world.plan(world.draft()).await;
    dropped_at_the_prompt(&world, &ports, plan).await;
    assert_eq!(told(&node), []);
    assert_eq!(world.operation().state(), State::Planned);
    goes_on(&world, &ports, &node).await;
}

#[tokio::test]
async fn dropped_at_any_step_before_the_last_safe_one_nothing_is_sent_and_it_goes_on() {
    let stops: [(Stop, usize); 4] = [
        (|step| matches!(step, Step::Planned { .. }), 1),
        (|step| matches!(step, Step::DeviceSigned), 0),
        (|step| matches!(step, Step::InputsSigned { .. }), 0),
        (|step| matches!(step, Step::Verified { .. }), 0),
    ];
    for (stop, asked_again) in stops {
        let world = World::new("wei-regtest");
        let (plan, ports, node) = world.plan(world.draft()).await;
        dropped_at(&ports, plan, stop).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(told(&node), []);
        let operation = world.operation();
        assert!(!operation.state().is_over());
        let asked = world.signatures_asked();
        goes_on(&world, &ports, &node).await;
        assert_eq!(world.signatures_asked() - asked, asked_again);
    }
}

#[tokio::test]
async fn a_cancelled_registration_stays_cancelled() {
    let world = World::new("dash-regtest");
    let (plan, ports, node) = world.plan(world.draft()).await;
    dropped_at_the_prompt(&world, &ports, plan).await;
    let id = world.operation().id;
    world.journal.record(id, &Event::Cancelled, 0).unwrap();
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), id)).await;
    assert!(matches!(outcome, Err(Error::CannotResume { .. })), "{outcome:?}");
    assert_eq!(
        (told(&node), names(&world.operation())),
        (vec![], vec!["planned", "cancelled"])
    );
}
