//! The collateral guard: what it knows, what it says, and that nothing spends what it holds.

use castellan::flow::guard::{self, Collaterals, Guard};
use castellan::flow::pay::{self, Purpose, Selection, Sum, Warning};
use castellan::flow::register::{self, FeeSource};
use castellan::flow::wallet::{self, WalletCoin};
use castellan::flow::{Error, Ports, Step, resume};
use castellan::hw::fake::Outcome;
use castellan::protocol::network::MnType;
use castellan::protocol::{Amount, OutPoint, ProTxHash};
use castellan::store::Kind;
use castellan::store::journal::Event;
use castellan::store::labels::Labels;
use sipper::Sipper;

use crate::payer::{Payer, chosen, spent};
use crate::world::{World, names, run, told};

async fn coins(world: &World) -> Vec<WalletCoin> {
    let (ports, _) = world.ports();
    let paths = wallet::default_accounts(&ports);
    let accounts = wallet::accounts(&ports, &Labels::default(), &paths, 0).await.unwrap();
    accounts.into_iter().flat_map(|account| account.coins).collect()
}

async fn coin(world: &World, outpoint: OutPoint) -> WalletCoin {
    let all = coins(world).await;
    all.into_iter().find(|coin| coin.outpoint() == outpoint).unwrap()
}

/// The guards of the collateral.
async fn guards(world: &World) -> Vec<Guard> {
    coin(world, world.collateral).await.guards
}

fn planned(id: i64, sent: bool) -> Vec<Guard> {
    vec![Guard::Planned { id, sent }]
}

const LOOKS: Guard = Guard::LooksLike { kind: MnType::Regular };

#[tokio::test]
async fn a_registration_guards_its_collateral_from_its_plan_until_it_is_given_up() {
    let world = World::new("dash-regtest");
    assert_eq!(guards(&world).await, [LOOKS]);
    let (plan, ports, node) = world.plan(world.draft()).await;
    assert_eq!(guards(&world).await, [LOOKS], "a plan nobody began");
    world.device.then(Outcome::Decline);
    let (outcome, _) = run(&ports, &node, register::register(ports.clone(), plan.clone())).await;
    assert!(outcome.is_err());
    // Declined today, resumed tomorrow.
    assert_eq!(names(&world.operation()), ["planned"]);
    assert_eq!(guards(&world).await, planned(1, false));
    let text = planned(1, false)[0].consequence(&world.profile);
    assert!(text.contains("number 1 of the journal becomes invalid"), "{text}");
    world.journal.record(1, &Event::Cancelled, 1).unwrap();
    assert_eq!(guards(&world).await, [LOOKS]);
}

#[tokio::test]
async fn a_registration_that_failed_after_it_was_sent_still_guards_its_collateral() {
    for sent in [false, true] {
        let world = World::new("dash-regtest");
        let (plan, ports, _) = world.plan(world.draft()).await;
        let operation = plan.operation();
        let id = ports
            .journal
            .begin("register", &world.profile.name, &operation, 1)
            .unwrap();
        if sent {
            world.journal.record(id, &Event::finished(&plan.unsigned), 1).unwrap();
            world.journal.record(id, &Event::Broadcasting, 1).unwrap();
        }
        let failed = Event::Failed { reason: "no".into() };
        world.journal.record(id, &failed, 1).unwrap();
        let expected = if sent { planned(id, true) } else { vec![LOOKS] };
        assert_eq!(guards(&world).await, expected);
    }
}

#[tokio::test]
async fn a_registered_collateral_is_guarded_by_name_and_still_if_the_node_denies_its_masternode() {
    let mut world = World::new("dash-regtest");
    let (outcome, _) = world.register(world.draft()).await;
    let hash = outcome.unwrap().pro_tx_hash;
    assert_eq!(guards(&world).await, planned(1, true));
    let mut entry = world.chain.entries[0].clone();
    entry.pro_tx_hash = hash;
    entry.collateral = world.collateral;
    entry.state.owner = Some(world.key_id("mn1-owner"));
    world.chain.entries.push(entry);
    let backs = Guard::Backs {
        pro_tx_hash: hash,
        name: "mn1".into(),
        mine: true,
    };
    assert_eq!(guards(&world).await, std::slice::from_ref(&backs));
    let text = backs.consequence(&world.profile);
    for part in ["mn1 leaves the list with the next block", "place in the queue"] {
        assert!(text.contains(part), "{text}");
    }
    let collateral = coin(&world, world.collateral).await;
    assert_eq!(collateral.label.as_deref(), Some("collateral of mn1"));
    let phrase = guard::phrase(&collateral, &world.profile);
    assert_eq!(phrase, "spend the collateral of mn1");
    assert!(guard::is_phrase(
        " spend the collateral of mn1 ",
        &collateral,
        &world.profile
    ));
    assert!(!guard::is_phrase("spend", &collateral, &world.profile));
}

#[tokio::test]
async fn a_collateral_of_somebody_elses_masternode_on_this_device_is_guarded_too() {
    let mut world = World::new("dash-regtest");
    world.chain.entries[1].collateral = world.collateral;
    let hash: ProTxHash = world.chain.entries[1].pro_tx_hash;
    let all = guards(&world).await;
    let [Guard::Backs { mine: false, name, .. }] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(*name, hash.to_string()[..8]);
    assert!(
        all[0]
            .consequence(&world.profile)
            .contains("none of whose keys is in this vault")
    );
}

/// Every kind of guarded coin, all large enough to pay alone.
fn guarded_coins(payer: &mut Payer) -> Vec<OutPoint> {
    let key = payer.world.device_key(0, false, 5);
    let chain = &mut payer.world.chain;
    let backing = chain.pay(key, Amount::from_coins(500));
    chain.entries[0].collateral = backing;
    let mut all = vec![payer.world.collateral, backing];
    all.extend(payer.world.profile.collateral_evo.map(|evo| chain.pay(key, evo)));
    all
}

#[tokio::test]
async fn guarded_coins_are_never_chosen_and_are_refused_when_chosen_without_their_phrase() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut payer = Payer::new(network);
        let guarded = guarded_coins(&mut payer);
        let all = Purpose::Send {
            to: payer.to,
            sum: Sum::All,
        };
        let plan = payer
            .prepare_draft(payer.draft(all.clone(), Selection::Automatic))
            .await;
        let mut both = spent(&plan.0.unwrap().unsigned);
        both.sort();
        let mut free = payer.coins.to_vec();
        free.sort();
        assert_eq!(both, free);
        assert!(matches!(payer.refusal(Amount::from_coins(10)).await, Error::Short(_)));
        for outpoint in guarded {
            let pick = |unlocked: &[OutPoint]| payer.draft(all.clone(), chosen(&[payer.coins[0], outpoint], unlocked));
            let refused = payer.prepare_draft(pick(&[])).await.0;
            let Err(Error::Guarded {
                outpoint: named,
                consequence,
            }) = refused
            else {
                panic!("{network} {outpoint}: {refused:?}")
            };
            assert_eq!(named, outpoint);
            assert!(consequence.contains("masternode"), "{consequence}");
            // The phrase of another coin unlocks nothing.
            assert!(payer.prepare_draft(pick(&[payer.coins[0]])).await.0.is_err());
            let plan = payer.prepare_draft(pick(&[outpoint])).await.0.unwrap();
            assert!(spent(&plan.unsigned).contains(&outpoint));
            assert!(
                matches!(&plan.warnings[0], Warning::SpendsGuarded { outpoint: warned, .. } if *warned == outpoint),
                "{:?}",
                plan.warnings
            );
            assert!(plan.warnings[0].is_grave());
        }
    }
}

#[tokio::test]
async fn an_unlocked_collateral_can_be_spent_to_the_end() {
    let mut payer = Payer::new("dash-regtest");
    let collateral = payer.world.collateral;
    payer.world.chain.entries[0].collateral = collateral;
    let purpose = payer.exactly(Amount::from_coins(900));
    let draft = payer.draft(purpose, chosen(&[collateral], &[collateral]));
    let (_, outcome, _) = payer.pay(draft).await;
    assert_eq!(spent(&outcome.tx), [collateral]);
}

/// The plan of a payment that spends what only looks like a collateral, with its phrase typed.
async fn unlocked_plan(payer: &Payer) -> (pay::Plan, Ports) {
    let collateral = payer.world.collateral;
    let purpose = payer.exactly(Amount::from_coins(900));
    let draft = payer.draft(purpose, chosen(&[collateral], &[collateral]));
    let (plan, ports, _) = payer.prepare_draft(draft).await;
    (plan.unwrap(), ports)
}

#[tokio::test]
async fn who_agreed_to_spend_what_looks_like_a_collateral_did_not_agree_to_spend_one() {
    let mut payer = Payer::new("dash-regtest");
    let (plan, _) = unlocked_plan(&payer).await;
    payer.world.chain.entries[0].collateral = payer.world.collateral;
    let (ports, node) = payer.world.ports();
    let (outcome, _) = run(&ports, &node, pay::pay(ports.clone(), plan)).await;
    assert!(
        matches!(outcome, Err(Error::Guarded { outpoint, .. }) if outpoint == payer.world.collateral),
        "{outcome:?}"
    );
    assert_eq!(told(&node), []);
    assert_eq!(names(&payer.world.operation()), ["planned", "signed", "failed"]);
}

#[tokio::test]
async fn a_phrase_typed_before_a_coin_became_a_collateral_unlocks_it_no_more() {
    let mut payer = Payer::new("dash-regtest");
    let collateral = payer.world.collateral;
    let told = guard::gravity(&guards(&payer.world).await);
    let coins = Selection::Chosen {
        coins: [collateral].into(),
        unlocked: [(collateral, told)].into(),
    };
    let draft = payer.draft(payer.exactly(Amount::from_coins(900)), coins);
    assert!(payer.prepare_draft(draft.clone()).await.0.is_ok());
    payer.world.chain.entries[0].collateral = collateral;
    let refused = payer.prepare_draft(draft).await.0;
    assert!(
        matches!(refused, Err(Error::Guarded { outpoint, .. }) if outpoint == collateral),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_payment_gone_on_with_later_spends_no_coin_that_has_become_a_collateral() {
    let mut payer = Payer::new("dash-regtest");
    let (plan, ports) = unlocked_plan(&payer).await;
    let mut flow = pay::pay(ports, plan).pin();
    while let Some(step) = flow.sip().await {
        if matches!(step, Step::Broadcasting { .. }) {
            break;
        }
    }
    drop(flow);
    payer.world.chain.entries[0].collateral = payer.world.collateral;
    let (ports, node) = payer.world.ports();
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), 1)).await;
    assert!(
        matches!(outcome, Err(Error::Guarded { outpoint, .. }) if outpoint == payer.world.collateral),
        "{outcome:?}"
    );
    assert_eq!(told(&node), []);
    assert_eq!(
        names(&payer.world.operation()),
        ["planned", "signed", "finished", "broadcasting", "sent", "failed"]
    );
}

#[tokio::test]
async fn a_coin_beside_a_collateral_may_be_spent_and_is_named() {
    let mut payer = Payer::new("dash-regtest");
    let key = payer.world.device_key(0, false, 0);
    let beside = payer.world.chain.pay(key, Amount::from_coins(20));
    payer.world.chain.entries[0].collateral = payer.world.collateral;
    let name = payer.world.chain.entries[0].pro_tx_hash.to_string()[..8].to_owned();
    let found = coin(&payer.world, beside).await;
    assert!(found.is_free());
    let label = format!("beside the collateral of {name}");
    assert_eq!(found.label, Some(label));
    let plan = payer.prepare(Amount::from_coins(10)).await.0.unwrap();
    assert_eq!(spent(&plan.unsigned), [beside]);
    let outpoint = beside;
    assert_eq!(plan.warnings, [Warning::BesideCollateral { outpoint, name }]);
}

#[tokio::test]
async fn a_collateral_made_here_is_guarded_from_the_moment_it_is_sent() {
    let mut payer = Payer::new("dash-regtest");
    let rich = payer.world.device_key(0, false, 3);
    payer.world.chain.pay(rich, Amount::from_coins(1_200));
    let kind = MnType::Regular;
    let draft = payer.draft(Purpose::Collateral { kind }, Selection::Automatic);
    let (plan, ports, node) = payer.prepare_draft(draft).await;
    let mut flow = pay::pay(ports.clone(), plan.unwrap()).pin();
    let mut sent = None;
    while let Some(step) = flow.sip().await {
        if let Step::Broadcasting { txid } = step {
            sent = Some(OutPoint { txid, vout: 0 });
            break;
        }
    }
    let made = sent.unwrap();
    let tx = castellan::protocol::Transaction::from_hex(payer.world.operation().finished().unwrap().1).unwrap();
    let found = castellan::rpc::FoundCoin {
        outpoint: made,
        // No amount a guard would know.
        value: Amount::from_coins(1),
        script: tx.outputs[0].script.clone(),
        confirmations: 3,
        coinbase: false,
        spent_in_mempool: false,
    };
    let known = Collaterals::read(&ports).await.unwrap();
    assert!(known.is_guarded(&found) && !known.is_spendable(&found));
    let guards = known.guards(&found);
    assert_eq!(guards, [Guard::Made { id: 1, kind }]);
    assert_eq!(guards[0].label(), "collateral, made here");
    drop((flow, node));
}

#[tokio::test]
async fn a_planned_collateral_pays_no_fee_from_a_key_nor_from_the_nodes_wallet() {
    let mut world = World::new("dash-regtest");
    // A registration of the journal names the fee key's own coin: no list and no amount tells.
    let (plan, ..) = world.plan(world.draft()).await;
    let mut operation = plan.operation();
    let mut payload = plan.payload.clone();
    payload.collateral = world.fee_coin;
    payload.attach(&mut operation.unsigned);
    let id = world
        .journal
        .begin("register", &world.profile.name, &operation, 1)
        .unwrap();
    world.make(Kind::Fee, "other");
    let short = |outcome: Result<register::Outcome, Error>| {
        assert!(
            matches!(
                outcome,
                Err(Error::FeeKeyShort {
                    available: Amount::ZERO,
                    ..
                })
            ),
            "{outcome:?}"
        );
    };
    let (outcome, node) = world.register(world.draft()).await;
    short(outcome);
    assert_eq!(told(&node), []);
    let coin = world.chain.coin(world.fee_coin).clone();
    world.chain.wallet.1.push(coin);
    let mut draft = world.draft();
    draft.fee_from = FeeSource::NodeWallet;
    let (outcome, node) = world.register(draft.clone()).await;
    short(outcome);
    assert_eq!(told(&node), []);
    world.journal.record(id, &Event::Cancelled, 2).unwrap();
    let (ports, _) = world.ports();
    let plan = register::prepare(&ports, draft).await.unwrap();
    assert_eq!(plan.fee_inputs[0].outpoint, world.fee_coin);
}
