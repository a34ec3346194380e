//! Payments from the device: which coins they spend, that the device's transaction is the reviewed one, what the journal keeps.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bitcoin::ScriptBuf;
use castellan::flow::pay::{self, Draft, MAX_FEE, MAX_INPUTS, MAX_RATE, Purpose, Selection, Sum, Warning};
use castellan::flow::wallet::CoinState;
use castellan::flow::{Error, Step, resume};
use castellan::hw::fake::{Outcome, Request as Asked};
use castellan::hw::{DeviceError, Done, Part, ShownAddress};
use castellan::protocol::network::MnType;
use castellan::protocol::{Address, Amount, KeyId, OutPoint, Transaction, TxIn, path, rules};
use castellan::store::Journal;
use castellan::store::journal::{Event, State};
use futures::FutureExt;
use sipper::Sipper;

use crate::payer::{Lying, Payer, chosen, spent};
use crate::world::{TIP, World, names, run, told};

#[tokio::test]
async fn a_payment_returns_its_change_to_the_next_unused_change_address() {
    for network in ["dash-regtest", "wei-regtest"] {
        let payer = Payer::new(network);
        let (plan, ports, node) = payer.prepare(Amount::from_coins(4)).await;
        let plan = plan.unwrap();
        let (outcome, steps) = run(&ports, &node, pay::pay(ports.clone(), plan.clone())).await;
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
        assert_eq!(kept.amount.checked_add(plan.fee), Some(Amount::from_coins(1)));
        assert_eq!(
            (outcome.tx.outputs[1].amount(), kept.address),
            (Some(kept.amount), change.address())
        );
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
        assert_eq!((operation.kind.as_str(), names(&operation)), ("send", all.to_vec()));
        assert!(
            matches!(&steps[1], Step::ConfirmPayment { outputs, .. } if outputs.len() == 1),
            "change is not shown"
        );
        let works = |part, done| Step::DeviceWorks(Done { part, done, of: 2 });
        assert_eq!(
            steps[2..6],
            [
                works(Part::Reading, 1),
                works(Part::Reading, 2),
                works(Part::Signing, 1),
                works(Part::Signing, 2)
            ]
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

#[tokio::test]
async fn a_transaction_the_device_changed_is_found_out() {
    let changes: [fn(&mut Transaction); 11] = [
        // A signature that is right elsewhere.
        |tx| tx.inputs[0].script_sig = tx.inputs[1].script_sig.clone(),
        |tx| tx.inputs.swap(0, 1),
        |tx| tx.version = 1,
        |tx| tx.inputs.push(TxIn::unsigned(OutPoint::null())),
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
        let (plan, mut ports, node) = payer.prepare(Amount::from_coins(4)).await;
        ports.device = Some(Arc::new(Lying {
            tampers: change,
            ..Lying::of(&payer.world)
        }));
        let (outcome, _) = run(&ports, &node, pay::pay(ports.clone(), plan.unwrap())).await;
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
    let (outcome, _) = run(&ports, &node, pay::pay(ports.clone(), plan.unwrap())).await;
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
    let id = journal.begin(&operation.kind, &operation.network, &plan, 1).unwrap();
    for entry in &operation.events[1..count] {
        journal.record(id, &entry.event, 2).unwrap();
    }
    Arc::new(journal)
}

#[tokio::test]
async fn a_signed_payment_goes_on_after_a_crash_without_the_device() {
    let payer = Payer::new("dash-regtest");
    let (plan, ports, node) = payer.prepare(Amount::from_coins(1)).await;
    let (outcome, _) = run(&ports, &node, pay::pay(ports.clone(), plan.unwrap())).await;
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

#[tokio::test]
async fn all_of_an_account_goes_out_without_change() {
    for network in ["dash-regtest", "wei-regtest"] {
        let payer = Payer::new(network);
        let purpose = Purpose::Send {
            to: Address::ScriptHash([0x77; 20]),
            sum: Sum::All,
        };
        let (plan, outcome, _) = payer.pay(payer.draft(purpose, Selection::Automatic)).await;
        let both: HashSet<_> = spent(&outcome.tx).into_iter().collect();
        assert_eq!(both, payer.coins.into_iter().collect(), "the collateral stays");
        assert_eq!((plan.change, plan.spend.change), (None, None));
        let outputs = &outcome.tx.outputs;
        assert_eq!(outputs.len(), 1);
        assert_eq!(outputs[0].script, Address::ScriptHash([0x77; 20]).script());
        assert_eq!(plan.amount.checked_add(plan.fee), Some(Amount::from_coins(5)));
        assert_eq!(outputs[0].amount(), Some(plan.amount));
        // As many bytes as it has, at the node's 2 duffs each; a signature may be two bytes shorter than reckoned with.
        let most = 2 * outcome.tx.size() as u64;
        assert!((most..most + 16).contains(&plan.fee.duffs()), "{} {most}", plan.fee);
    }
}

#[tokio::test]
async fn exactly_the_chosen_coins_are_spent() {
    let payer = Payer::new("dash-regtest");
    let two = payer.coins[0];
    let draft = |purpose, coins: &[OutPoint]| payer.draft(purpose, chosen(coins, &[]));
    let one = payer.exactly(Amount::from_coins(1));
    // Both, though the larger one would do.
    let (plan, ..) = payer.prepare_draft(draft(one.clone(), &payer.coins)).await;
    let plan = plan.unwrap();
    assert_eq!(spent(&plan.unsigned).len(), 2);
    assert_eq!(
        plan.change.unwrap().amount.checked_add(plan.fee),
        Some(Amount::from_coins(4))
    );
    // Only the smaller one: too little for 2 and the fee.
    let short = payer
        .prepare_draft(draft(payer.exactly(Amount::from_coins(2)), &[two]))
        .await
        .0;
    assert!(
        matches!(&short, Err(Error::Short(short)) if short.available == Amount::from_coins(2)),
        "{short:?}"
    );
    let all = Purpose::Send {
        to: payer.to,
        sum: Sum::All,
    };
    let (plan, ..) = payer.prepare_draft(draft(all, &[two])).await;
    assert_eq!(spent(&plan.unwrap().unsigned), [two]);
    let foreign = OutPoint {
        txid: payer.world.chain.entries[0].pro_tx_hash,
        vout: 7,
    };
    let unknown = payer.prepare_draft(draft(one, &[two, foreign])).await.0;
    assert_eq!(unknown.err(), Some(Error::NoSuchCoin { outpoint: foreign }));
}

#[tokio::test]
async fn chosen_coins_that_are_not_ready_are_refused() {
    let mut payer = Payer::new("dash-regtest");
    let [two, three] = payer.coins;
    let refused = async |payer: &Payer| {
        let draft = payer.draft(payer.exactly(Amount::from_coins(1)), chosen(&[three], &[]));
        payer.prepare_draft(draft).await.0.err()
    };
    let not_ready = |state| Some(Error::CoinNotReady { outpoint: three, state });
    payer.world.chain.coin(three).coinbase = true;
    assert_eq!(
        refused(&payer).await,
        not_ready(CoinState::Immature { blocks_left: 70 })
    );
    payer.world.chain.coin(three).confirmations = 0;
    assert_eq!(refused(&payer).await, not_ready(CoinState::Unconfirmed));
    payer.world.chain.coin(three).spent_in_mempool = true;
    assert_eq!(refused(&payer).await, not_ready(CoinState::BeingSpent));
    let (plan, ..) = payer.prepare(Amount::from_coins(1)).await;
    assert_eq!(spent(&plan.unwrap().unsigned), [two]);
}

#[tokio::test]
async fn a_young_reward_the_node_calls_an_ordinary_coin_is_found_out() {
    let mut payer = Payer::new("dash-regtest");
    let key = payer.world.device_key(0, false, 6);
    let named = payer.world.chain.pay(key, Amount::from_coins(50));
    // The same output, of a coinbase.
    let mut reward = payer.world.chain.transactions.remove(&named.txid).unwrap();
    reward.inputs[0].previous = OutPoint::null();
    let outpoint = OutPoint {
        txid: reward.txid(),
        vout: 1,
    };
    payer.world.chain.coin(named).outpoint = outpoint;
    payer.world.chain.transactions.insert(reward.txid(), reward);
    let left = payer.world.profile.coinbase_maturity - 30;
    let immature = Error::CoinNotReady {
        outpoint,
        state: CoinState::Immature { blocks_left: left },
    };
    assert_eq!(payer.refusal(Amount::from_coins(20)).await, immature);
    payer.world.chain.coin(outpoint).confirmations += left;
    let (plan, ..) = payer.prepare(Amount::from_coins(20)).await;
    assert_eq!(spent(&plan.unwrap().unsigned), [outpoint]);
}

#[tokio::test]
async fn fee_rates_are_bounded_whoever_asks_for_them() {
    let payer = Payer::new("dash-regtest");
    let with_rate = async |payer: &Payer, rate: Option<u64>| {
        let draft = Draft {
            rate: rate.map(Amount::from_duffs),
            ..payer.draft(payer.exactly(Amount::from_coins(1)), Selection::Automatic)
        };
        payer.prepare_draft(draft).await.0
    };
    let slow = with_rate(&payer, Some(1_000)).await.unwrap();
    let usual = with_rate(&payer, None).await.unwrap();
    let dear = with_rate(&payer, Some(1_000_001)).await.unwrap();
    assert_eq!(usual.fee.duffs(), 2 * slow.fee.duffs());
    assert!(usual.warnings.is_empty(), "{:?}", usual.warnings);
    assert!(
        matches!(slow.warnings[..], [Warning::LowRate { .. }]),
        "{:?}",
        slow.warnings
    );
    assert!(
        matches!(dear.warnings[..], [Warning::HighRate { .. }]),
        "{:?}",
        dear.warnings
    );
    for rate in [0, 999, MAX_RATE.duffs() + 1, u64::MAX] {
        let refused = with_rate(&payer, Some(rate)).await;
        assert!(matches!(refused, Err(Error::FeeRate { .. })), "{rate}: {refused:?}");
    }
    let mut payer = payer;
    payer.world.chain.fee_rate.advised = Amount::from_coins(1);
    assert!(matches!(with_rate(&payer, None).await, Err(Error::FeeRate { .. })));
    // At the highest rate 45 inputs would cost more than any payment may.
    let key = payer.world.device_key(0, false, 7);
    let many: Vec<_> = (0..45)
        .map(|_| payer.world.chain.pay(key, Amount::from_coins(1)))
        .collect();
    let draft = Draft {
        rate: Some(MAX_RATE),
        ..payer.draft(payer.exactly(Amount::from_coins(1)), chosen(&many, &[]))
    };
    let refused = payer.prepare_draft(draft).await.0;
    assert!(
        matches!(refused, Err(Error::FeeTooHigh { fee, most }) if fee > most && most == MAX_FEE),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_unusual_is_warned_of() {
    let payer = Payer::new("dash-regtest");
    let warnings = async |duffs| payer.prepare(Amount::from_duffs(duffs)).await.0.unwrap().warnings;
    assert!(matches!(warnings(5_000).await[..], [Warning::HighFee { .. }]));
    // 300 duffs of change are dust.
    let left = 200_000_000 - 2 * (10 + 149 + 34) - 300;
    let lost = Amount::from_duffs(300);
    assert_eq!(warnings(left).await, [Warning::NoChangeOf { left: lost }]);
    let mut payer = payer;
    let rich = payer.world.device_key(0, false, 9);
    payer.world.chain.pay(rich, Amount::from_coins(1_500));
    let plan = payer.prepare(payer.world.profile.collateral_regular).await.0.unwrap();
    let kind = MnType::Regular;
    assert_eq!(plan.warnings, [Warning::PaysCollateralAmount { kind }]);
}

#[tokio::test]
async fn more_coins_than_a_device_signs_at_once_are_refused() {
    let mut payer = Payer::new("dash-regtest");
    let key = payer.world.device_key(0, false, 8);
    for _ in 0..MAX_INPUTS {
        payer.world.chain.pay(key, Amount::from_duffs(1_000_000));
    }
    let all = |payer: &Payer| {
        let sum = Sum::All;
        payer.draft(Purpose::Send { to: payer.to, sum }, Selection::Automatic)
    };
    let refused = payer.prepare_draft(all(&payer)).await.0;
    let (count, most) = (MAX_INPUTS + 2, MAX_INPUTS);
    assert_eq!(refused.err(), Some(Error::TooManyCoins { count, most }));
    payer.world.chain.spend(payer.coins[0]);
    payer.world.chain.spend(payer.coins[1]);
    let plan = payer.prepare_draft(all(&payer)).await.0.unwrap();
    assert_eq!(plan.inputs.len(), MAX_INPUTS);
    let nothing = payer.draft(payer.exactly(Amount::ZERO), Selection::Automatic);
    assert_eq!(payer.prepare_draft(nothing).await.0.err(), Some(Error::NothingToPay));
}

#[tokio::test]
async fn a_collateral_is_shown_as_an_address_first_and_is_never_change() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut payer = Payer::new(network);
        let rich = payer.world.device_key(0, false, 3);
        let amount = payer.world.profile.collateral_regular;
        let more = [amount, Amount::from_coins(7)].into_iter().sum();
        payer.world.chain.pay(rich, more);
        let kind = MnType::Regular;
        let draft = payer.draft(Purpose::Collateral { kind }, Selection::Automatic);
        let (plan, outcome, steps) = payer.pay(draft).await;
        // 0 to 3 were used.
        let own = path::address(&payer.world.profile, 0, false, 4);
        let key = payer.world.device_key(0, false, 4);
        assert_eq!((plan.to, plan.to_path.as_ref()), (key.address(), Some(&own)));
        assert_eq!(outcome.tx.outputs[0].amount(), Some(amount));
        assert_eq!(outcome.tx.outputs[0].script, key.address().script());
        let made = OutPoint {
            txid: outcome.txid,
            vout: 0,
        };
        assert_eq!(outcome.made, Some(made));
        let change = path::address(&payer.world.profile, 0, true, 1);
        assert_eq!(
            plan.spend.change,
            Some(change),
            "what the device hides is the change alone"
        );
        let at = steps
            .iter()
            .position(|step| matches!(step, Step::ConfirmAddress { .. }));
        let then = steps
            .iter()
            .position(|step| matches!(step, Step::ConfirmPayment { .. }));
        assert_eq!((at, then), (Some(1), Some(2)));
        let Step::ConfirmAddress { address, .. } = &steps[1] else {
            panic!("checked above")
        };
        let asked = payer.world.device.requests();
        let shown = asked.iter().position(|asked| *asked == Asked::ShowAddress(own.clone()));
        let signed = asked.iter().position(|asked| matches!(asked, Asked::SignSpend(_)));
        assert!(shown.is_some() && shown < signed, "{asked:?}");
        // As the device writes it: a fork's with the parent's prefix.
        let again = payer.world.device.clone();
        let again = castellan::hw::Device::show_address(&*again, own)
            .now_or_never()
            .unwrap();
        assert_eq!(*address, again.unwrap().on_screen);
        assert_eq!(payer.world.operation().kind, "collateral");
    }
}

#[tokio::test]
async fn a_device_that_shows_another_address_than_the_one_paid_gets_no_payment_to_sign() {
    let shows: [fn(&mut ShownAddress); 3] = [
        |shown| {
            shown.on_screen = KeyId([1; 20])
                .address()
                .to_text(&castellan::protocol::network::builtin("dash").unwrap())
        },
        |shown| shown.on_screen.clear(),
        |shown| {
            let other = castellan::protocol::SecpKey::from_bytes(&[9; 32]).unwrap();
            shown.key = other.public_key();
        },
    ];
    for shows in shows {
        let mut payer = Payer::new("dash-regtest");
        let rich = payer.world.device_key(0, false, 3);
        payer.world.chain.pay(rich, Amount::from_coins(2_000));
        let kind = MnType::Regular;
        let draft = payer.draft(Purpose::Collateral { kind }, Selection::Automatic);
        let (plan, mut ports, node) = payer.prepare_draft(draft).await;
        let device = Lying {
            shows,
            ..Lying::of(&payer.world)
        };
        let device = Arc::new(device);
        ports.device = Some(device.clone());
        let (outcome, _) = run(&ports, &node, pay::pay(ports.clone(), plan.unwrap())).await;
        assert!(matches!(outcome, Err(Error::NotAsReviewed { .. })), "{outcome:?}");
        let asked = device.device.requests();
        assert!(
            !asked.iter().any(|asked| matches!(asked, Asked::SignSpend(_))),
            "{asked:?}"
        );
        assert_eq!(
            (told(&node), names(&payer.world.operation())),
            (vec![], vec!["planned", "failed"])
        );
    }
}

#[tokio::test]
async fn a_payment_to_an_own_address_is_shown_first_and_never_taken_for_change() {
    let payer = Payer::new("dash-regtest");
    let next_change = payer.world.device_key(0, true, 1).address();
    let sum = Sum::Exactly(Amount::from_coins(1));
    let draft = payer.draft(Purpose::Send { to: next_change, sum }, Selection::Automatic);
    let (plan, outcome, steps) = payer.pay(draft).await;
    assert_eq!(plan.to_path, Some(path::address(&payer.world.profile, 0, true, 1)));
    assert!(matches!(&steps[1], Step::ConfirmAddress { .. }), "{steps:?}");
    let change = plan.change.unwrap();
    assert_eq!(change.path, path::address(&payer.world.profile, 0, true, 2));
    let scripts: HashSet<&ScriptBuf> = outcome.tx.outputs.iter().map(|output| &output.script).collect();
    assert_eq!(scripts.len(), 2);
}

#[tokio::test]
async fn a_payment_is_judged_again_after_the_device_signed() {
    let changes: [fn(&mut World, OutPoint); 3] = [
        |world, coin| world.chain.spend(coin),
        |world, coin| world.chain.coin(coin).spent_in_mempool = true,
        |world, coin| world.chain.entries[0].collateral = coin,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut payer = Payer::new("dash-regtest");
        let (plan, ports, _) = payer.prepare(Amount::from_coins(4)).await;
        let coin = payer.coins[0];
        change(&mut payer.world, coin);
        let (mut later, node) = payer.world.ports();
        later.journal = ports.journal;
        let (outcome, _) = run(&later, &node, pay::pay(later.clone(), plan.unwrap())).await;
        let expected = match &outcome {
            Err(Error::Guarded { outpoint, .. }) => at == 2 && *outpoint == coin,
            Err(Error::Rule(_)) => at < 2,
            _ => false,
        };
        assert!(expected, "{at}: {outcome:?}");
        assert_eq!(told(&node), [], "{at}");
        assert_eq!(names(&payer.world.operation()), ["planned", "signed", "failed"], "{at}");
        let resumed = run(&later, &node, resume::resume(later.clone(), 1)).await.0;
        assert!(resumed.is_err(), "{at}: {resumed:?}");
        assert_eq!(told(&node), [], "{at}");
    }
}

#[tokio::test]
async fn a_payment_dropped_while_the_device_asks_is_cancelled_and_the_next_one_works() {
    let payer = Payer::new("dash-regtest");
    let (plan, ports, node) = payer.prepare(Amount::from_coins(1)).await;
    let plan = plan.unwrap();
    payer.world.device.then(Outcome::Wait);
    let mut flow = pay::pay(ports.clone(), plan.clone()).pin();
    let stuck = async { while flow.sip().await.is_some() {} };
    assert!(tokio::time::timeout(Duration::from_millis(50), stuck).await.is_err());
    assert_eq!(payer.world.operation().state(), State::Planned);
    drop(flow);
    let operation = payer.world.operation();
    assert_eq!((names(&operation), told(&node)), (vec!["planned", "cancelled"], vec![]));
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), operation.id)).await;
    assert!(matches!(outcome, Err(Error::CannotResume { .. })), "{outcome:?}");
    let (outcome, _) = run(&ports, &node, pay::pay(ports.clone(), plan)).await;
    assert!(outcome.is_ok(), "{outcome:?}");
}

#[tokio::test]
async fn a_payment_dropped_after_it_was_sent_goes_on_later() {
    let payer = Payer::new("dash-regtest");
    let (plan, ports, node) = payer.prepare(Amount::from_coins(1)).await;
    let mut flow = pay::pay(ports.clone(), plan.unwrap()).pin();
    while let Some(step) = flow.sip().await {
        if matches!(step, Step::WaitingForBlock { .. }) {
            break;
        }
    }
    drop(flow);
    let operation = payer.world.operation();
    assert_eq!(
        names(&operation),
        ["planned", "signed", "finished", "broadcasting", "sent"]
    );
    let (outcome, _) = run(&ports, &node, resume::resume(ports.clone(), operation.id)).await;
    assert_eq!(outcome.unwrap().height, TIP + 1);
}

#[tokio::test]
async fn a_fee_key_is_filled_by_the_same_payment() {
    let payer = Payer::new("wei-regtest");
    let purpose = Purpose::Fund {
        label: "fees".into(),
        to: payer.to,
        amount: Amount::from_coins(1),
    };
    let (plan, outcome, _) = payer.pay(payer.draft(purpose, Selection::Automatic)).await;
    assert_eq!((plan.to_path, outcome.made), (None, None));
    assert_eq!(payer.world.operation().kind, "fund");
}

#[tokio::test]
async fn an_evo_collateral_needs_a_network_that_knows_evonodes() {
    let payer = Payer::new("wei-regtest");
    assert_eq!(payer.world.profile.collateral_evo, None);
    let kind = MnType::Evo;
    let draft = payer.draft(Purpose::Collateral { kind }, Selection::Automatic);
    let refused = payer.prepare_draft(draft).await.0;
    assert!(matches!(refused, Err(Error::NoSuchType { .. })), "{refused:?}");
}
