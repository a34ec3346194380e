//! Payments from the device: which coins they spend, and that the device's transaction is the reviewed one.

use std::sync::Arc;

use bitcoin::bip32::{DerivationPath, Xpub};
use bitcoin::secp256k1::PublicKey;
use castellan::flow::fund::{self, Plan};
use castellan::flow::{Error, Ports, Step, resume};
use castellan::hw::fake::{FakeDevice, Outcome};
use castellan::hw::{Device, DeviceError, DeviceInfo, Kind, Progress, Reply, ShownAddress, Spend};
use castellan::protocol::message::CompactSignature;
use castellan::protocol::{Address, Amount, KeyId, OutPoint, Transaction, path, rules};
use castellan::rpc::fake::FakeNode;
use castellan::store::Journal;
use castellan::store::journal::{Event, State};

use crate::world::{TIP, World, names, run, told};

/// A device account with a collateral and two coins to spend: 2 on the first change address, 3 on the third address.
struct Payer {
    world: World,
    coins: [OutPoint; 2],
    to: Address,
}

impl Payer {
    fn new(network: &str) -> Self {
        let mut world = World::new(network);
        let two = world.chain.pay(world.device_key(0, true, 0), Amount::from_coins(2));
        let three = world.chain.pay(world.device_key(0, false, 2), Amount::from_coins(3));
        let to = world.key_id("fees").address();
        Self {
            world,
            coins: [two, three],
            to,
        }
    }

    async fn prepare(&self, amount: Amount) -> (Result<Plan, Error>, Ports, FakeNode) {
        let (ports, node) = self.world.ports();
        let account = path::account(&self.world.profile, 0);
        let plan = fund::prepare(&ports, self.to, amount, account).await;
        assert_eq!(
            (self.world.signatures_asked(), told(&node)),
            (0, vec![]),
            "planning only reads"
        );
        assert_eq!(self.world.journal.list().unwrap(), []);
        (plan, ports, node)
    }

    async fn refusal(&self, amount: Amount) -> Error {
        self.prepare(amount).await.0.expect_err("it must be refused")
    }
}

fn spent(tx: &Transaction) -> Vec<OutPoint> {
    tx.inputs.iter().map(|input| input.previous).collect()
}

#[tokio::test]
async fn a_payment_returns_its_change_to_the_next_unused_change_address() {
    for network in ["dash-regtest", "wei-regtest"] {
        let payer = Payer::new(network);
        let (plan, ports, node) = payer.prepare(Amount::from_coins(4)).await;
        let plan = plan.unwrap();
        let (outcome, steps) = run(&ports, &node, fund::pay(ports.clone(), plan.clone())).await;
        let outcome = outcome.unwrap();
        assert_eq!(
            spent(&outcome.tx),
            [payer.coins[1], payer.coins[0]],
            "the largest first"
        );
        assert_eq!(node.broadcasts(), std::slice::from_ref(&outcome.tx));
        let change = payer.world.device_key(0, true, 1);
        let outputs: Vec<_> = outcome.tx.outputs.iter().map(|output| output.script.clone()).collect();
        assert_eq!(outputs, [payer.to.script(), change.address().script()]);
        assert_eq!(plan.spend.change, Some(path::address(&payer.world.profile, 0, true, 1)));
        let kept = plan.change.unwrap();
        assert_eq!(kept.checked_add(plan.fee), Some(Amount::from_coins(1)));
        assert_eq!(outcome.tx.outputs[1].amount(), Some(kept));
        for (at, key) in [
            (0, payer.world.device_key(0, false, 2)),
            (1, payer.world.device_key(0, true, 0)),
        ] {
            let script = key.address().script();
            assert_eq!(rules::is_signed(&outcome.tx, at, script.as_bytes()), Some(true));
        }
        assert_eq!(
            (outcome.height, outcome.fee, payer.world.signatures_asked()),
            (TIP + 1, plan.fee, 1)
        );
        let operation = payer.world.operation();
        let all = ["planned", "signed", "finished", "broadcasting", "sent", "mined"];
        assert_eq!((operation.kind.as_str(), names(&operation)), ("fund", all.to_vec()));
        assert!(
            matches!(&steps[1], Step::ConfirmPayment { outputs, .. } if outputs.len() == 1),
            "change is not shown"
        );
    }
}

#[tokio::test]
async fn collaterals_and_young_or_spent_coins_are_never_spent() {
    let payer = |change: fn(&mut World, OutPoint)| {
        let mut payer = Payer::new("dash-regtest");
        let large = payer
            .world
            .chain
            .pay(payer.world.device_key(0, false, 5), Amount::from_coins(50));
        change(&mut payer.world, large);
        payer
    };
    let untouchable: [fn(&mut World, OutPoint); 6] = [
        |world, large| world.chain.entries[0].collateral = large,
        |world, large| world.chain.coin(large).confirmations = 0,
        |world, large| world.chain.coin(large).spent_in_mempool = true,
        |world, large| {
            world.chain.coin(large).coinbase = true;
            world.chain.coin(large).confirmations = world.profile.coinbase_maturity - 1;
        },
        |world, large| world.chain.coin(large).value = world.profile.collateral_regular,
        |world, large| world.chain.coin(large).value = world.profile.collateral_evo.unwrap(),
    ];
    for (at, change) in untouchable.into_iter().enumerate() {
        let payer = payer(change);
        // The large coin would do alone.
        let plan = payer.prepare(Amount::from_coins(4)).await.0.unwrap();
        assert_eq!(spent(&plan.unsigned), [payer.coins[1], payer.coins[0]], "{at}");
        // The collateral alone would pay this many times over.
        assert!(
            matches!(payer.refusal(Amount::from_coins(10)).await, Error::Short(_)),
            "{at}"
        );
    }
    let ripe = payer(|world, large| {
        world.chain.coin(large).coinbase = true;
        world.chain.coin(large).confirmations = world.profile.coinbase_maturity;
    });
    assert!(ripe.prepare(Amount::from_coins(10)).await.0.is_ok());
}

#[tokio::test]
async fn too_little_money_tells_what_there_is_and_what_is_needed() {
    let payer = Payer::new("wei-regtest");
    let Error::Short(short) = payer.refusal(Amount::from_coins(5)).await else {
        panic!("too little")
    };
    assert_eq!(short.available, Amount::from_coins(5));
    assert!(short.needed > short.available);
}

#[tokio::test]
async fn an_output_nodes_do_not_relay_is_refused_before_the_device_is_asked() {
    let payer = Payer::new("dash-regtest");
    let error = payer.refusal(Amount::from_duffs(545)).await;
    assert!(
        matches!(&error, Error::Rule(check) if check.reject == "dust"),
        "{error:?}"
    );
    assert!(payer.prepare(Amount::from_duffs(546)).await.0.is_ok());
}

/// Signs well and then changes the transaction.
struct Tampering(FakeDevice, fn(&mut Transaction));

impl Device for Tampering {
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
    fn sign_message(&self, path: DerivationPath, message: Vec<u8>) -> Reply<'_, CompactSignature> {
        self.0.sign_message(path, message)
    }
    fn sign_spend(&self, spend: Spend, progress: Progress) -> Reply<'_, Transaction> {
        Box::pin(async move {
            let mut tx = self.0.sign_spend(spend, progress).await?;
            (self.1)(&mut tx);
            Ok(tx)
        })
    }
}

#[tokio::test]
async fn a_transaction_the_device_changed_is_found_out() {
    let changes: [fn(&mut Transaction); 7] = [
        |tx| tx.outputs[0].script = KeyId([0x66; 20]).address().script(),
        |tx| tx.outputs[0].value += 1,
        |tx| tx.outputs.truncate(1),
        |tx| tx.lock_time = 1,
        |tx| tx.inputs[0].sequence = 0,
        |tx| tx.inputs[0].previous = OutPoint::null(),
        |tx| tx.inputs[0].script_sig = Default::default(),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let payer = Payer::new("dash-regtest");
        let (plan, mut ports, node) = payer.prepare(Amount::from_coins(1)).await;
        ports.device = Some(Arc::new(Tampering(
            FakeDevice::new(payer.world.profile.clone()),
            change,
        )));
        let (outcome, _) = run(&ports, &node, fund::pay(ports.clone(), plan.unwrap())).await;
        assert!(matches!(outcome, Err(Error::NotAsReviewed { .. })), "{at}: {outcome:?}");
        assert_eq!(told(&node), [], "{at}");
        assert_eq!(names(&payer.world.operation()), ["planned", "failed"], "{at}");
    }
}

#[tokio::test]
async fn a_declined_payment_is_over_and_must_be_planned_anew() {
    let payer = Payer::new("dash-regtest");
    let (plan, ports, node) = payer.prepare(Amount::from_coins(1)).await;
    payer.world.device.then(Outcome::Decline);
    let (outcome, _) = run(&ports, &node, fund::pay(ports.clone(), plan.unwrap())).await;
    assert_eq!(outcome.err(), Some(Error::Device(DeviceError::Declined)));
    let operation = payer.world.operation();
    assert_eq!((names(&operation), told(&node)), (vec!["planned", "failed"], vec![]));
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), operation.id)).await;
    assert!(matches!(outcome, Err(Error::CannotResume { .. })), "{outcome:?}");
    assert_eq!((payer.world.signatures_asked(), told(&node)), (1, vec![]));
}

/// The events of a payment that went well, up to a number of them, in a new journal.
fn cut(payer: &Payer, count: usize) -> Arc<Journal> {
    let operation = payer.world.operation();
    let journal = Journal::open(&payer.world.folder().join(format!("cut-{count}.sqlite"))).unwrap();
    let plan: serde_json::Value = serde_json::from_str(operation.plan().unwrap()).unwrap();
    let id = journal.begin("fund", &operation.network, &plan, 1).unwrap();
    for entry in &operation.events[1..count] {
        journal.record(id, &entry.event, 2).unwrap();
    }
    Arc::new(journal)
}

#[tokio::test]
async fn a_signed_payment_goes_on_after_a_crash_without_the_device() {
    let payer = Payer::new("dash-regtest");
    let (plan, ports, node) = payer.prepare(Amount::from_coins(1)).await;
    let (outcome, _) = run(&ports, &node, fund::pay(ports.clone(), plan.unwrap())).await;
    let tx = outcome.unwrap().tx;
    for count in 2..=6 {
        let (mut ports, node) = payer.world.ports();
        ports.device = None;
        ports.journal = cut(&payer, count);
        let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
        assert_eq!(outcome.unwrap().tx, tx, "{count}");
        let events = ports.journal.get(1).unwrap();
        assert_eq!(
            names(&events).iter().filter(|name| **name == "mined").count(),
            1,
            "{count}"
        );
    }
    let (mut ports, node) = payer.world.ports();
    ports.journal = cut(&payer, 1);
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
    assert!(matches!(outcome, Err(Error::CannotResume { .. })), "{outcome:?}");
    let operation = ports.journal.get(1).unwrap();
    assert_eq!((operation.state(), told(&node)), (State::Failed, vec![]));
    assert!(matches!(&operation.events[1].event, Event::Failed { .. }));
}
