//! Registrations that succeed, in every form the draft allows.

use castellan::flow::register::{
    self, CollateralChoice, FeeSource, KeyChoice, OperatorChoice, PlatformChoice, VotingChoice, Warning,
};
use castellan::flow::{Error, Step};
use castellan::hw::fake::Request as Asked;
use castellan::protocol::bls::{self, Scheme};
use castellan::protocol::message::{CompactSignature, message_hash};
use castellan::protocol::network::MnType;
use castellan::protocol::rules;
use castellan::protocol::special_tx::{Payload, ProRegTx, Service};
use castellan::protocol::{Amount, KeyId, Profile, SecpKey, Transaction, path, script};
use castellan::rpc::fake::Request;
use castellan::store::Kind;
use castellan::store::journal::State;

use crate::world::{TIP, World, names, run, told};

fn payload(tx: &Transaction) -> ProRegTx {
    match Payload::of(tx) {
        Ok(Payload::ProReg(payload)) => *payload,
        other => panic!("no registration: {other:?}"),
    }
}

/// The transaction before anybody signed.
fn unsigned(tx: &Transaction) -> Transaction {
    let (mut bare, mut payload) = (tx.clone(), payload(tx));
    for input in &mut bare.inputs {
        input.script_sig = Default::default();
    }
    payload.signature.clear();
    bare.payload = payload.encode();
    bare
}

fn signer(payload: &ProRegTx, profile: &Profile) -> KeyId {
    let text = payload.sign_message(profile);
    let signature = CompactSignature::from_slice(&payload.signature).unwrap();
    let digest = message_hash(&profile.message_magic, text.as_bytes());
    signature.recover_key_id(&digest).unwrap()
}

#[tokio::test]
async fn a_registration_asks_the_device_once_and_sends_one_finished_transaction() {
    for (network, version, encoding) in [("dash-regtest", 2, Scheme::Basic), ("wei-regtest", 1, Scheme::Legacy)] {
        let world = World::new(network);
        let (plan, ports, node) = world.plan(world.draft()).await;
        assert_eq!(world.signatures_asked(), 0, "planning asks for no signature");
        assert_eq!(told(&node), [], "planning tells the node nothing");
        let (outcome, steps) = run(&ports, &node, register::register(ports.clone(), plan.clone())).await;
        let outcome = outcome.unwrap();

        let signing: Vec<Asked> = world.device.requests();
        let messages: Vec<&Asked> = signing
            .iter()
            .filter(|each| matches!(each, Asked::SignMessage(..)))
            .collect();
        let first = path::address(&world.profile, 0, false, 0);
        assert_eq!(
            messages,
            [&Asked::SignMessage(first, plan.message.clone().into_bytes())]
        );
        assert_eq!(world.signatures_asked(), 1);

        assert_eq!(told(&node), [Request::Broadcast(outcome.tx.clone())]);
        let sent = Transaction::decode(&node.broadcasts()[0].encode()).unwrap();
        assert_eq!(unsigned(&sent), plan.unsigned);
        let signed = payload(&sent);
        assert_eq!(signed.sign_message(&world.profile), plan.message);
        assert_eq!(signer(&signed, &world.profile), world.device_key(0, false, 0));
        assert_eq!((signed.version, signed.collateral), (version, world.collateral));
        let operator = world.vault.bls("mn1-operator").unwrap().public_key();
        assert_eq!(signed.operator, operator.encode(encoding));
        assert_eq!(signed.owner, world.key_id("mn1-owner"));
        assert_eq!(signed.voting, world.key_id("mn1-voting"));

        let fees = world.key_id("fees").address().script();
        assert_eq!(sent.inputs.len(), 1);
        assert_eq!(sent.inputs[0].previous, world.fee_coin);
        assert_eq!(rules::is_signed(&sent, 0, fees.as_bytes()), Some(true));
        assert_eq!(sent.outputs.len(), 1);
        assert_eq!(sent.outputs[0].script, fees);
        let paid = Amount::from_coins(1)
            .checked_sub(sent.outputs[0].amount().unwrap())
            .unwrap();
        assert_eq!(paid, plan.fee);
        assert!(
            paid.duffs() >= 2 * sent.size() as u64 && paid.duffs() <= 2 * (sent.size() as u64 + 4),
            "{paid}"
        );

        assert_eq!((outcome.pro_tx_hash, outcome.height), (sent.txid(), TIP + 1));
        let operation = world.operation();
        let all = ["planned", "signed", "finished", "broadcasting", "sent", "mined"];
        assert_eq!(names(&operation), all);
        assert_eq!(operation.finished(), Some((sent.txid(), sent.to_hex().as_str())));
        assert_eq!((operation.state(), operation.network.as_str()), (State::Mined, network));
        assert!(matches!(
            steps.as_slice(),
            [
                Step::Planned { .. },
                Step::ConfirmMessage { .. },
                Step::DeviceSigned,
                Step::InputsSigned { .. },
                Step::Verified { .. },
                Step::Broadcasting { .. },
                ..,
                Step::Mined { .. },
            ]
        ));
        let Step::ConfirmMessage {
            text, hash, address, ..
        } = &steps[1]
        else {
            panic!("{steps:?}")
        };
        assert_eq!((text, hash), (&plan.message, &plan.message_hash()));
        assert_eq!(address, &plan.collateral_address().to_text(&world.profile));
    }
}

#[tokio::test]
async fn an_evonode_is_registered_with_its_platform_fields() {
    let mut world = World::new("dash-regtest");
    let evo = world.profile.collateral_evo.unwrap();
    let collateral = world.chain.pay(world.device_key(1, false, 3), evo);
    let mut draft = world.draft();
    draft.kind = MnType::Evo;
    draft.platform = Some(PlatformChoice {
        node_id: [5; 20],
        p2p_port: 22200,
        http_port: 22201,
    });
    let (outcome, _) = world.register(draft).await;
    let sent = payload(&outcome.unwrap().tx);
    assert_eq!((sent.kind, sent.version, sent.collateral), (1, 2, collateral));
    assert_eq!(sent.platform.map(|platform| platform.node_id), Some([5; 20]));
    assert_eq!(signer(&sent, &world.profile), world.device_key(1, false, 3));
}

#[tokio::test]
async fn a_regular_masternode_carries_no_platform_fields_even_if_the_draft_has_some() {
    let world = World::new("dash-regtest");
    let mut draft = world.draft();
    draft.platform = Some(PlatformChoice {
        node_id: [5; 20],
        p2p_port: 22200,
        http_port: 22201,
    });
    let (outcome, _) = world.register(draft).await;
    assert_eq!(payload(&outcome.unwrap().tx).platform, None);
}

#[tokio::test]
async fn an_operator_key_of_a_hosting_provider_makes_no_key_here() {
    let world = World::new("wei-regtest");
    let key = bls::SecretKey::from_bytes(&[9; 32]).unwrap().public_key();
    let mut draft = world.draft();
    draft.operator = OperatorChoice::Foreign(key);
    let (plan, ..) = world.plan(draft.clone()).await;
    assert!(plan.warnings.contains(&Warning::ForeignOperator));
    assert!(plan.keys.iter().all(|(role, _)| *role != "operator"));
    let (outcome, _) = world.register(draft).await;
    assert_eq!(payload(&outcome.unwrap().tx).operator, key.encode(Scheme::Legacy));
    assert!(world.vault.list().iter().all(|key| key.kind != Kind::Operator));
}

#[tokio::test]
async fn votes_go_to_an_address_of_somebody_else_or_stay_with_the_owner() {
    let world = World::new("dash-regtest");
    let mut draft = world.draft();
    draft.voting = VotingChoice::Foreign(KeyId([0x33; 20]));
    let (plan, ..) = world.plan(draft.clone()).await;
    assert_eq!(plan.payload.voting, KeyId([0x33; 20]));
    draft.voting = VotingChoice::SameAsOwner;
    draft.owner = KeyChoice::Held("mn1-owner".into());
    let (plan, ..) = world.plan(draft.clone()).await;
    assert_eq!(plan.payload.voting, plan.payload.owner);
    assert!(plan.warnings.contains(&Warning::OwnerIsVoting));
    let (outcome, _) = world.register(draft).await;
    assert_eq!(payload(&outcome.unwrap().tx).voting, world.key_id("mn1-owner"));
}

#[tokio::test]
async fn without_an_address_it_is_registered_to_wait_for_its_operator() {
    for network in ["dash-regtest", "wei-regtest"] {
        let world = World::new(network);
        let mut draft = world.draft();
        draft.service = Service::NONE;
        let (plan, ..) = world.plan(draft.clone()).await;
        assert!(plan.warnings.contains(&Warning::NoService));
        let (outcome, _) = world.register(draft).await;
        assert_eq!(payload(&outcome.unwrap().tx).service, Service::NONE);
    }
}

#[tokio::test]
async fn a_collateral_can_be_named_with_or_without_its_path() {
    let mut world = World::new("dash-regtest");
    let amount = world.profile.collateral_regular;
    let second = world.chain.pay(world.device_key(2, true, 4), amount);
    for named in [None, Some(path::address(&world.profile, 2, true, 4))] {
        let mut draft = world.draft();
        draft.collateral = CollateralChoice::Named {
            outpoint: second,
            path: named,
        };
        let (plan, ..) = world.plan(draft).await;
        assert_eq!(plan.payload.collateral, second);
        assert_eq!(plan.collateral_path, path::address(&world.profile, 2, true, 4));
    }
}

#[tokio::test]
async fn the_search_leaves_out_collaterals_in_use_and_unconfirmed_ones() {
    let mut world = World::new("dash-regtest");
    let amount = world.profile.collateral_regular;
    let used = world.chain.pay(world.device_key(0, false, 1), amount);
    world.chain.entries[0].collateral = used;
    let young = world.chain.pay(world.device_key(0, false, 2), amount);
    world.chain.coin(young).confirmations = 0;
    let leaving = world.chain.pay(world.device_key(0, false, 3), amount);
    world.chain.coin(leaving).spent_in_mempool = true;
    let (plan, ..) = world.plan(world.draft()).await;
    assert_eq!(plan.payload.collateral, world.collateral);
}

#[tokio::test]
async fn a_collateral_in_use_may_be_named_and_the_plan_says_what_it_replaces() {
    let mut world = World::new("dash-regtest");
    world.chain.entries[0].collateral = world.collateral;
    let mut draft = world.draft();
    draft.collateral = CollateralChoice::Named {
        outpoint: world.collateral,
        path: None,
    };
    draft.service = world.chain.entries[0].state.service;
    let (plan, ..) = world.plan(draft).await;
    let pro_tx_hash = world.chain.entries[0].pro_tx_hash.to_string();
    assert!(plan.warnings.contains(&Warning::Replaces { pro_tx_hash }));
}

/// What the node's wallet will answer: the planned transaction as the device and the wallet sign it.
fn signed_by_wallet(world: &World, plan: &register::Plan, key: &SecpKey) -> Transaction {
    use castellan::hw::{Device, fake::FakeDevice};
    use futures::FutureExt;
    let scout = FakeDevice::new(world.profile.clone());
    let message = plan.message.clone().into_bytes();
    let signature = scout.sign_message(plan.collateral_path.clone(), message).now_or_never();
    let mut payload = plan.payload.clone();
    payload.signature = signature.unwrap().unwrap().as_bytes().to_vec();
    let mut tx = plan.unsigned.clone();
    tx.payload = payload.encode();
    for at in 0..tx.inputs.len() {
        let digest = tx.sighash_all(at, key.key_id().address().script().as_bytes());
        tx.inputs[at].script_sig = script::script_sig(&key.sign_der(&digest), &key.public_key().serialize());
    }
    tx
}

/// A world whose fee the node's wallet pays.
async fn wallet_world() -> (
    World,
    register::Plan,
    castellan::flow::Ports,
    castellan::rpc::fake::FakeNode,
) {
    let mut world = World::new("dash-regtest");
    let owner = world.chain.wallet.0.key_id();
    let outpoint = world.chain.pay(owner, Amount::from_coins(2));
    let coin = world.chain.coin(outpoint).clone();
    world.chain.wallet.1.push(coin);
    let mut draft = world.draft();
    draft.fee_from = FeeSource::NodeWallet;
    let (plan, ports, node) = world.plan(draft).await;
    assert_eq!(plan.unsigned.inputs[0].previous, outpoint);
    (world, plan, ports, node)
}

#[tokio::test]
async fn the_nodes_wallet_can_pay_and_sees_nothing_but_the_transaction() {
    let (world, plan, ports, node) = wallet_world().await;
    let signed = signed_by_wallet(&world, &plan, &world.chain.wallet.0);
    let node = node.with_wallet_sign(Ok(signed.clone()));
    let (outcome, _) = run(&ports, &node, register::register(ports.clone(), plan)).await;
    assert_eq!(outcome.unwrap().tx, signed);
    let mut asked = signed.clone();
    asked.inputs[0].script_sig = Default::default();
    assert_eq!(told(&node), [Request::WalletSign(asked), Request::Broadcast(signed)]);
}

#[tokio::test]
async fn a_wallet_that_changes_an_output_or_does_not_sign_sends_nothing() {
    let (world, plan, ports, node) = wallet_world().await;
    let mut stolen = plan.clone();
    stolen.unsigned.outputs[0].script = KeyId([0x99; 20]).address().script();
    let answer = signed_by_wallet(&world, &stolen, &world.chain.wallet.0);
    let node = node.with_wallet_sign(Ok(answer));
    let (outcome, _) = run(&ports, &node, register::register(ports.clone(), plan)).await;
    assert!(matches!(outcome, Err(Error::NotAsReviewed { .. })), "{outcome:?}");
    assert_eq!(node.broadcasts(), []);
    assert_eq!(names(&world.operation()), ["planned", "signed", "failed"]);

    let (world, plan, ports, node) = wallet_world().await;
    let mut answer = signed_by_wallet(&world, &plan, &world.chain.wallet.0);
    answer.inputs[0].script_sig = Default::default();
    let node = node.with_wallet_sign(Ok(answer));
    let (outcome, _) = run(&ports, &node, register::register(ports.clone(), plan)).await;
    assert!(
        matches!(&outcome, Err(Error::Rule(check)) if check.rule == "input-scripts"),
        "{outcome:?}"
    );
    assert_eq!(node.broadcasts(), []);
}
