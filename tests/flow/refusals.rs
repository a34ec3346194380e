//! What a registration is refused for: the reason is named, no signature is asked for, nothing is sent, nothing is begun.

use castellan::flow::error::Class;
use castellan::flow::register::{CollateralChoice, Draft, FeeSource, KeyChoice, OperatorChoice, VotingChoice};
use castellan::flow::{Error, register};
use castellan::hw::DeviceError;
use castellan::hw::fake::Outcome;
use castellan::protocol::network::MnType;
use castellan::protocol::rules::Pending;
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Address, Amount, KeyId, OutPoint, path};
use castellan::rpc::RpcError;
use castellan::store::{Kind, VaultError};

use crate::world::{TIP, World, block, told};

/// Refuses or fails the test.
async fn refusal(world: &World, draft: Draft) -> Error {
    let (outcome, node) = world.register(draft).await;
    let error = outcome.expect_err("it must be refused");
    assert_eq!(world.signatures_asked(), 0, "{error}");
    assert_eq!(told(&node), [], "{error}");
    assert_eq!(world.journal.list().unwrap(), [], "{error}");
    error
}

/// Name and reject string of the rule that refuses.
async fn rule(world: &World, draft: Draft) -> (&'static str, &'static str) {
    match refusal(world, draft).await {
        Error::Rule(check) => (check.rule, check.reject),
        other => panic!("not by a rule: {other:?}"),
    }
}

fn named(world: &World, outpoint: OutPoint) -> Draft {
    Draft {
        collateral: CollateralChoice::Named { outpoint, path: None },
        ..world.draft()
    }
}

#[tokio::test]
async fn a_collateral_of_a_wrong_amount() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut world = World::new(network);
        let amount = Amount::from_duffs(world.profile.collateral_regular.duffs() - 1);
        let outpoint = world.chain.pay(world.device_key(0, false, 1), amount);
        let refused = rule(&world, named(&world, outpoint)).await;
        assert_eq!(refused, ("collateral-amount", "bad-protx-collateral"));
    }
}

#[tokio::test]
async fn a_collateral_that_is_spent_or_never_was() {
    let mut world = World::new("dash-regtest");
    let outpoint = world.collateral;
    world.chain.spend(outpoint);
    let error = refusal(&world, named(&world, outpoint)).await;
    assert_eq!(error, Error::CollateralMissing { outpoint });
    assert_eq!(
        (error.class(), error.reason()),
        (Class::Refused, Some("bad-protx-collateral"))
    );
    let amount = world.profile.collateral_regular;
    assert_eq!(refusal(&world, world.draft()).await, Error::NoCollateral { amount });
}

#[tokio::test]
async fn a_collateral_that_an_unconfirmed_payment_spends() {
    let mut world = World::new("dash-regtest");
    world.chain.coin(world.collateral).spent_in_mempool = true;
    let refused = rule(&world, named(&world, world.collateral)).await;
    assert_eq!(refused, ("no-pending-duplicate", "protx-dup"));
    let amount = world.profile.collateral_regular;
    assert_eq!(refusal(&world, world.draft()).await, Error::NoCollateral { amount });
}

#[tokio::test]
async fn an_unconfirmed_collateral() {
    let mut world = World::new("dash-regtest");
    world.chain.coin(world.collateral).confirmations = 0;
    let refused = rule(&world, named(&world, world.collateral)).await;
    assert_eq!(refused, ("collateral-amount", "bad-protx-collateral"));
    let amount = world.profile.collateral_regular;
    assert_eq!(refusal(&world, world.draft()).await, Error::NoCollateral { amount });
}

#[tokio::test]
async fn a_collateral_of_another_key_than_the_named_paths() {
    let world = World::new("dash-regtest");
    let other = path::address(&world.profile, 0, false, 1);
    let draft = Draft {
        collateral: CollateralChoice::Named {
            outpoint: world.collateral,
            path: Some(other.clone()),
        },
        ..world.draft()
    };
    let expected = Error::CollateralOfAnotherKey {
        outpoint: world.collateral,
        owner: world.device_key(0, false, 0).address().to_text(&world.profile),
        path: path::to_text(&other),
        derived: world.device_key(0, false, 1).address().to_text(&world.profile),
    };
    assert_eq!(refusal(&world, draft).await, expected);
}

#[tokio::test]
async fn a_path_a_device_must_not_be_asked_for() {
    let world = World::new("dash-regtest");
    let draft = Draft {
        collateral: CollateralChoice::Named {
            outpoint: world.collateral,
            path: Some("m/45341'/0".parse().unwrap()),
        },
        ..world.draft()
    };
    assert!(matches!(
        refusal(&world, draft).await,
        Error::Device(DeviceError::Path(_))
    ));
}

#[tokio::test]
async fn a_collateral_that_is_not_on_the_device_or_belongs_to_a_script() {
    let mut world = World::new("dash-regtest");
    let amount = world.profile.collateral_regular;
    let outpoint = world.chain.pay(KeyId([0x77; 20]), amount);
    let error = refusal(&world, named(&world, outpoint)).await;
    assert_eq!(error, Error::CollateralPathUnknown { outpoint });
    let script = world.chain.pay(KeyId([0x78; 20]), amount);
    world.chain.coin(script).script = Address::ScriptHash([0x78; 20]).script();
    let error = refusal(&world, named(&world, script)).await;
    assert_eq!(error, Error::CollateralPathUnknown { outpoint: script });
}

#[tokio::test]
async fn several_collaterals_are_named_in_the_answer() {
    let mut world = World::new("dash-regtest");
    let amount = world.profile.collateral_regular;
    let second = world.chain.pay(world.device_key(1, false, 0), amount);
    world.chain.coin(second).confirmations = 99;
    let error = refusal(&world, world.draft()).await;
    let expected = Error::SeveralCollaterals {
        count: 2,
        outpoints: vec![second, world.collateral],
    };
    assert_eq!(error, expected, "the oldest first");
}

#[tokio::test]
async fn an_evonode_where_there_are_none_or_its_collateral_is_missing() {
    let wei = World::new("wei-regtest");
    let mut draft = wei.draft();
    draft.kind = MnType::Evo;
    assert!(matches!(
        refusal(&wei, draft).await,
        Error::NoSuchType { kind: MnType::Evo, .. }
    ));
    let dash = World::new("dash-regtest");
    let mut draft = dash.draft();
    draft.kind = MnType::Evo;
    let amount = dash.profile.collateral_evo.unwrap();
    assert_eq!(refusal(&dash, draft).await, Error::NoCollateral { amount });
}

#[tokio::test]
async fn an_empty_fee_key_tells_how_much_to_send_where() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut world = World::new(network);
        world.chain.spend(world.fee_coin);
        let error = refusal(&world, world.draft()).await;
        let Error::FeeKeyShort {
            label,
            address,
            available,
            needed,
        } = &error
        else {
            panic!("{error:?}")
        };
        let expected = world.key_id("fees").address().to_text(&world.profile);
        assert_eq!((label.as_str(), address, *available), ("fees", &expected, Amount::ZERO));
        // As much as it says is enough.
        world.chain.pay(world.key_id("fees"), *needed);
        let (outcome, _) = world.register(world.draft()).await;
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_fee_key_whose_coins_are_all_too_young_or_spent_or_collaterals() {
    let changes: [fn(&mut World); 5] = [
        |world| world.chain.coin(world.fee_coin).confirmations = 0,
        |world| world.chain.coin(world.fee_coin).spent_in_mempool = true,
        |world| world.chain.coin(world.fee_coin).coinbase = true,
        |world| world.chain.coin(world.fee_coin).value = world.profile.collateral_regular,
        |world| world.chain.entries[1].collateral = world.fee_coin,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut world = World::new("dash-regtest");
        change(&mut world);
        let draft = named(&world, world.collateral);
        let error = refusal(&world, draft).await;
        assert!(
            matches!(
                error,
                Error::FeeKeyShort {
                    available: Amount::ZERO,
                    ..
                }
            ),
            "{at}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_key_of_the_wrong_kind_for_its_role() {
    let world = World::new("dash-regtest");
    world.make(Kind::Owner, "o");
    world.make(Kind::Operator, "b");
    type Change = fn(&mut Draft);
    let drafts: [(Change, &str, &str); 5] = [
        (|draft| draft.fee_from = FeeSource::Key("o".into()), "owner", "fee"),
        (|draft| draft.owner = KeyChoice::Held("fees".into()), "fee", "owner"),
        (|draft| draft.owner = KeyChoice::Held("b".into()), "operator", "owner"),
        (
            |draft| draft.operator = OperatorChoice::Held("o".into()),
            "owner",
            "operator",
        ),
        (|draft| draft.voting = VotingChoice::Held("o".into()), "owner", "voting"),
    ];
    for (change, found, wanted) in drafts {
        let mut draft = world.draft();
        change(&mut draft);
        match refusal(&world, draft).await {
            Error::KeyOfOtherKind {
                found: is,
                wanted: must,
                ..
            } => assert_eq!((is.as_str(), must.as_str()), (found, wanted)),
            other => panic!("{other:?}"),
        }
    }
    let mut draft = world.draft();
    draft.owner = KeyChoice::Held("nobody".into());
    assert!(matches!(
        refusal(&world, draft).await,
        Error::Vault(VaultError::UnknownLabel { .. })
    ));
}

#[tokio::test]
async fn a_refused_draft_leaves_no_new_keys_behind() {
    let mut world = World::new("dash-regtest");
    world.chain.spend(world.fee_coin);
    refusal(&world, world.draft()).await;
    let mut wrong = world.draft();
    wrong.voting = VotingChoice::Held("fees".into());
    refusal(&world, wrong).await;
    let labels: Vec<String> = world.vault.list().into_iter().map(|key| key.label).collect();
    assert_eq!(labels, ["fees"]);
}

#[tokio::test]
async fn an_operator_key_in_use_whatever_its_encoding() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut world = World::new(network);
        world.make(Kind::Operator, "taken");
        let key = world.vault.bls("taken").unwrap().public_key();
        world.chain.entries[1].state.name_operator(&key);
        let mut draft = world.draft();
        draft.operator = OperatorChoice::Held("taken".into());
        let refused = rule(&world, draft.clone()).await;
        assert_eq!(refused, ("operator-key-unique", "bad-protx-dup-key"));
        draft.operator = OperatorChoice::Foreign(key);
        assert_eq!(rule(&world, draft).await, refused);
    }
    let mut world = World::new("dash-regtest");
    world.make(Kind::Operator, "taken");
    world.chain.entries[1]
        .state
        .name_operator(&world.vault.bls("taken").unwrap().public_key());
    world.chain.entries[1].state.version = 1;
    let mut draft = world.draft();
    draft.operator = OperatorChoice::Held("taken".into());
    let pro_tx_hash = world.chain.entries[1].pro_tx_hash.to_string();
    let expected = Error::OperatorInOtherEncoding { pro_tx_hash };
    assert_eq!(refusal(&world, draft).await, expected);
}

#[tokio::test]
async fn an_owner_key_or_an_address_in_use() {
    for (network, word) in [
        ("dash-regtest", "bad-protx-dup-netinfo-entry"),
        ("wei-regtest", "bad-protx-dup-addr"),
    ] {
        let mut world = World::new(network);
        let mut draft = world.draft();
        draft.service = world.chain.entries[2].state.service;
        assert_eq!(rule(&world, draft).await, ("service-unique", word));
        world.make(Kind::Owner, "o");
        world.chain.entries[0].state.owner = Some(world.key_id("o"));
        let mut draft = world.draft();
        draft.owner = KeyChoice::Held("o".into());
        assert_eq!(rule(&world, draft).await, ("owner-key-unique", "bad-protx-dup-key"));
    }
}

#[tokio::test]
async fn a_payout_to_the_owner_or_voting_key_and_a_reward_above_all() {
    let world = World::new("dash-regtest");
    world.make(Kind::Owner, "o");
    world.make(Kind::Voting, "v");
    let held = |payout: &str, reward| Draft {
        owner: KeyChoice::Held("o".into()),
        voting: VotingChoice::Held("v".into()),
        payout: world.key_id(payout).address(),
        operator_reward: reward,
        ..world.draft()
    };
    assert_eq!(
        rule(&world, held("o", 0)).await,
        ("payout-not-owner", "bad-protx-payee-reuse")
    );
    assert_eq!(
        rule(&world, held("v", 0)).await,
        ("payout-not-voting", "bad-protx-payee-reuse")
    );
    let refused = rule(&world, held("fees", 10_001)).await;
    assert_eq!(refused, ("operator-reward", "bad-protx-operator-reward"));
}

#[tokio::test]
async fn an_address_that_no_masternode_may_have() {
    let world = World::new("dash-regtest");
    let mut draft = world.draft();
    draft.service = Service::v4([1, 2, 3, 4].into(), 9999);
    assert_eq!(rule(&world, draft).await, ("service", "bad-protx-netinfo-port"));
    let main = World::new("dash");
    for ip in [[10, 0, 0, 1], [192, 168, 1, 1], [127, 0, 0, 1]] {
        let mut draft = main.draft();
        draft.service = Service::v4(ip.into(), 9999);
        assert_eq!(rule(&main, draft).await.0, "service", "{ip:?}");
    }
    let mut draft = main.draft();
    draft.service = Service::v4([1, 2, 3, 4].into(), 19999);
    assert_eq!(rule(&main, draft).await, ("service", "bad-protx-netinfo-port"));
}

#[tokio::test]
async fn a_registration_that_waits_in_the_mempool_already() {
    let mut world = World::new("dash-regtest");
    let (plan, ..) = world.plan(world.draft()).await;
    let mut other = plan.unsigned.clone();
    other.inputs[0].previous = OutPoint::null();
    world.chain.pending = Some(vec![Pending {
        txid: other.txid(),
        tx: other,
    }]);
    let refused = rule(&world, world.draft()).await;
    assert_eq!(refused, ("no-pending-duplicate", "protx-dup"));
}

#[tokio::test]
async fn a_node_of_another_chain_or_without_all_blocks_or_gone() {
    let mut world = World::new("dash-regtest");
    let good = world.chain.status.clone().unwrap();
    let other = RpcError::OtherChain {
        found: block(1),
        expected: world.profile.genesis,
        network: world.profile.name.clone(),
    };
    let gone = RpcError::Unreachable {
        url: "http://node".into(),
        kind: "connection refused".into(),
    };
    for error in [other, gone] {
        world.chain.status = Err(error.clone());
        let refused = refusal(&world, world.draft()).await;
        assert_eq!((refused.class(), refused), (Class::Unreachable, Error::Node(error)));
    }
    let mut behind = good.clone();
    behind.headers = TIP + 7;
    world.chain.status = Ok(behind);
    let expected = Error::NotSynced {
        blocks: TIP,
        headers: TIP + 7,
    };
    assert_eq!(refusal(&world, world.draft()).await, expected);
    // All blocks it knows of, but not sure of the rest (so are test networks of one node): worth a word, not a refusal.
    let mut unsure = good;
    unsure.synced = false;
    world.chain.status = Ok(unsure);
    let (ports, _) = world.ports();
    let plan = register::prepare(&ports, world.draft()).await.unwrap();
    assert!(plan.warnings.contains(&register::Warning::NodeNotSynced));
}

#[tokio::test]
async fn no_device_an_absent_one_or_a_locked_vault() {
    let world = World::new("dash-regtest");
    let (mut ports, _) = world.ports();
    ports.device = None;
    let refused = register::prepare(&ports, world.draft()).await;
    assert_eq!(refused.err(), Some(Error::NoDevice));
    let (mut ports, _) = world.ports();
    ports.vault = None;
    let refused = register::prepare(&ports, world.draft()).await;
    assert_eq!(refused.err(), Some(Error::VaultLocked));
    world.device.then(Outcome::Gone);
    let error = refusal(&world, world.draft()).await;
    assert!(matches!(error, Error::Device(DeviceError::Gone { .. })));
}

#[tokio::test]
async fn a_plan_that_a_rule_refuses_cannot_be_started() {
    let world = World::new("dash-regtest");
    let mut draft = world.draft();
    draft.operator_reward = 10_001;
    let (ports, _) = world.ports();
    let plan = register::prepare(&ports, draft)
        .await
        .expect("a plan to look at, with its verdict");
    assert!(plan.verdict.failure_before_signing().is_some());
    let error = register::register(ports, plan).await.expect_err("it must not start");
    assert!(matches!(error, Error::Rule(_)));
    assert_eq!((world.signatures_asked(), world.journal.list().unwrap().len()), (0, 0));
}
