//! A node that lies about coins.

use castellan::flow::pay::{self, Draft, Purpose, Selection, Sum};
use castellan::flow::{Error, register};
use castellan::protocol::{Amount, KeyId, OutPoint, path};

use crate::payer::Payer;
use crate::world::{World, told};

/// Planning fails with this error, and nothing is asked of the device or told to the node.
async fn unproven(world: &World) {
    let outpoint = world.fee_coin;
    let (outcome, node) = world.register(world.draft()).await;
    assert_eq!(outcome.err(), Some(Error::UnprovenCoin { outpoint }));
    assert_eq!((world.signatures_asked(), told(&node)), (0, vec![]));
    assert_eq!(world.journal.list().unwrap(), []);
}

#[tokio::test]
async fn a_fee_coin_told_smaller_than_it_is_would_become_fee_and_is_refused() {
    let mut world = World::new("dash-regtest");
    world.chain.coin(world.fee_coin).value = Amount::from_duffs(50_000);
    unproven(&world).await;
}

#[tokio::test]
async fn a_fee_coin_without_the_transaction_that_made_it_is_refused() {
    let mut world = World::new("dash-regtest");
    world.chain.transactions.remove(&world.fee_coin.txid);
    unproven(&world).await;
}

#[tokio::test]
async fn a_changed_previous_transaction_is_refused() {
    let mut world = World::new("dash-regtest");
    // The node changes coin and transaction alike; only the hash tells.
    let lie = Amount::from_coins(3);
    let previous = world.chain.transactions.get_mut(&world.fee_coin.txid).unwrap();
    previous.outputs[1].value = 3 * 100_000_000;
    world.chain.coin(world.fee_coin).value = lie;
    unproven(&world).await;

    let mut world = World::new("dash-regtest");
    let coin = world.chain.pay(world.device_key(0, false, 5), Amount::from_coins(2));
    let previous = world.chain.transactions.get_mut(&coin.txid).unwrap();
    previous.outputs[1].value = 3 * 100_000_000;
    world.chain.coin(coin).value = lie;
    let (ports, _) = world.ports();
    let account = path::account(&world.profile, 0);
    let draft = Draft {
        account,
        purpose: Purpose::Send {
            to: world.key_id("fees").address(),
            sum: Sum::Exactly(Amount::from_coins(1)),
        },
        coins: Selection::Automatic,
        rate: None,
    };
    let refused = pay::prepare(&ports, draft).await;
    assert_eq!(refused.err(), Some(Error::UnprovenCoin { outpoint: coin }));
    assert_eq!(world.signatures_asked(), 0);
}

#[tokio::test]
async fn a_node_that_lies_about_a_coin_of_the_device_gets_no_payment() {
    let lies: [fn(&mut World, OutPoint); 5] = [
        // The rest would become fee, or be missing.
        |world, coin| world.chain.coin(coin).value = Amount::from_duffs(150_000_000),
        |world, coin| world.chain.coin(coin).value = Amount::from_duffs(250_000_000),
        |world, coin| world.chain.coin(coin).script = world.device_key(0, false, 6).address().script(),
        |world, coin| drop(world.chain.transactions.remove(&coin.txid)),
        |world, coin| {
            let other = world.chain.transactions[&world.fee_coin.txid].clone();
            world.chain.transactions.insert(coin.txid, other);
        },
    ];
    for (at, lie) in lies.into_iter().enumerate() {
        let mut payer = Payer::new("dash-regtest");
        let coin = payer.coins[0];
        lie(&mut payer.world, coin);
        let refused = payer.refusal(Amount::from_coins(1)).await;
        assert_eq!(refused, Error::UnprovenCoin { outpoint: coin }, "{at}");
    }
}

#[tokio::test]
async fn a_coin_of_somebody_else_is_not_taken_for_the_fee_keys() {
    let mut world = World::new("dash-regtest");
    // Smaller than the fee key's coin: it would be taken first.
    let foreign = world.chain.pay(KeyId([0x13; 20]), Amount::from_duffs(50_000_000));
    let (plan, ..) = world.plan(world.draft()).await;
    assert_eq!(plan.unsigned.inputs[0].previous, world.fee_coin);
    assert!(plan.fee_inputs.iter().all(|input| input.outpoint != foreign));
}

#[tokio::test]
async fn a_coin_that_is_or_looks_like_a_collateral_never_pays_the_fee() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut world = World::new(network);
        let fees = world.key_id("fees");
        let mut guarded = vec![world.chain.pay(fees, world.profile.collateral_regular)];
        if let Some(evo) = world.profile.collateral_evo {
            guarded.push(world.chain.pay(fees, evo));
        }
        let listed = world.chain.pay(fees, Amount::from_duffs(50_000_000));
        world.chain.entries[2].collateral = listed;
        guarded.push(listed);
        // Larger than all of these: the smallest coin that suffices is taken first.
        world.chain.spend(world.fee_coin);
        let ordinary = world.chain.pay(fees, Amount::from_coins(90_000));
        let (outcome, _) = world.register(world.draft()).await;
        let spent: Vec<_> = outcome.unwrap().tx.inputs.iter().map(|input| input.previous).collect();
        assert_eq!(spent, [ordinary], "{network}");
        assert!(guarded.iter().all(|coin| !spent.contains(coin)));
    }
}

#[tokio::test]
async fn the_node_calling_the_chosen_collateral_a_fee_coin_does_not_spend_it() {
    let mut world = World::new("dash-regtest");
    // One key for both, and an amount no guard knows: only the outpoint tells.
    let owner = world.device_key(0, false, 0);
    world.chain.coin(world.collateral).script = owner.address().script();
    let coin = world.chain.coin(world.collateral).clone();
    world.chain.wallet.1.push(coin);
    let mut draft = world.draft();
    draft.fee_from = register::FeeSource::NodeWallet;
    let (outcome, node) = world.register(draft).await;
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
    assert_eq!((world.signatures_asked(), told(&node)), (0, vec![]));
}
