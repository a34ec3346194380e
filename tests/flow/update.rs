//! Each update as it should go: the very bytes, what stays and what changes, what follows, and who has to sign.

use castellan::flow::choice::{OneUse, OperatorChoice, OperatorSecret, VotingChoice};
use castellan::flow::operation::{Missing, Role};
use castellan::flow::update::{
    self, Change, Consequence, FieldName, OperatorPayout, PlatformChange, Registrar, Revocation, ServiceChange, Warning,
};
use castellan::flow::{Error, overview};
use castellan::protocol::bls::{Scheme, SecretKey, Signature};
use castellan::protocol::masternode::OperatorKey;
use castellan::protocol::message::CompactSignature;
use castellan::protocol::special_tx::pro_reg::Platform;
use castellan::protocol::special_tx::pro_up_rev::Reason;
use castellan::protocol::special_tx::{Payload, Service};
use castellan::protocol::{Address, KeyId, Transaction};
use castellan::rpc::RpcError;
use castellan::store::journal::State;

use crate::owned::{NETWORKS, NODE_ID, assert_paid, changes, kept, stored, text};
use crate::world::{TIP, World, names, run, told};

const NEW_PAYOUT: Address = Address::PubkeyHash([0x99; 20]);

pub fn service(change: ServiceChange) -> Change {
    Change::Service(change)
}

pub fn new_address(world: &World) -> Change {
    service(ServiceChange {
        service: Some(Service::v4([5, 6, 7, 8].into(), world.profile.p2p_port)),
        ..ServiceChange::default()
    })
}

pub fn registrar(change: Registrar) -> Change {
    Change::Registrar(change)
}

pub fn new_payout() -> Change {
    registrar(Registrar {
        payout: Some(NEW_PAYOUT),
        ..Registrar::default()
    })
}

pub fn new_operator(choice: OperatorChoice) -> Change {
    registrar(Registrar {
        operator: Some(choice),
        ..Registrar::default()
    })
}

pub fn revocation() -> Change {
    Change::Revoke(Revocation {
        reason: Reason::CompromisedKeys,
        operator: OperatorSecret::OfTheVault,
    })
}

/// The payload must be the expected bytes and the operator's signature over their hash.
fn assert_signed_by_operator(world: &World, tx: &Transaction, expected: &[u8]) {
    let (body, signature) = tx.payload.split_at(tx.payload.len() - 96);
    assert_eq!(body, expected);
    let scheme = world.scheme();
    let signature = Signature::decode(scheme, signature).unwrap();
    let digest = castellan::protocol::wire::sha256d(body);
    assert!(world.operator("mn1-operator").verify(scheme, &digest, &signature));
}

fn assert_signed_by_owner(world: &World, tx: &Transaction, expected: &[u8]) {
    let (body, signature) = tx.payload.split_at(tx.payload.len() - 66);
    assert_eq!((body, signature[0]), (expected, 65));
    let signature = CompactSignature::from_slice(&signature[1..]).unwrap();
    let digest = castellan::protocol::wire::sha256d(body);
    assert_eq!(signature.recover_key_id(&digest).unwrap(), world.key_id("mn1-owner"));
}

fn version(world: &World) -> u8 {
    if world.profile.activation.v19.is_some() { 2 } else { 1 }
}

/// `76a914..88ac` with its length.
fn key_script(hash: [u8; 20]) -> Vec<u8> {
    [&[0x19, 0x76, 0xa9, 0x14][..], &hash, &[0x88, 0xac]].concat()
}

/// The bytes of protocol version 1 or 2, written out by hand.
fn service_bytes(world: &World, ip: [u8; 4], payout: &[u8], evo: &[u8], tx: &Transaction) -> Vec<u8> {
    let mut out = vec![version(world), 0];
    if version(world) == 2 {
        out.extend([u8::from(!evo.is_empty()), 0]);
    }
    out.extend(stored(world.hash()));
    out.extend([[0; 10].as_slice(), &[0xff, 0xff], &ip].concat());
    out.extend(world.profile.p2p_port.to_be_bytes());
    out.extend(payout);
    out.extend(tx.inputs_hash());
    out.extend(evo);
    out
}

#[tokio::test]
async fn a_new_address_keeps_the_operator_payout_and_the_place_in_the_queue() {
    for network in NETWORKS {
        let world = World::owning(network);
        let (plan, outcome, _) = world.update(new_address(&world)).await;
        let payout = key_script([0x70; 20]);
        let expected = service_bytes(&world, [5, 6, 7, 8], &payout, &[], &outcome.tx);
        assert_signed_by_operator(&world, &outcome.tx, &expected);
        assert_eq!((outcome.tx.version, outcome.tx.kind, outcome.tx.lock_time), (3, 2, 0));
        assert_paid(&world, &plan, &outcome.tx);
        assert_eq!((outcome.pro_tx_hash, outcome.height), (world.hash(), TIP + 1));
        assert_eq!(outcome.fee, plan.review.fee);
        let changed = changes(&plan);
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert_eq!(
            changed["service"],
            (Some("9.9.9.1:19899".into()), Some("5.6.7.8:19899".into()))
        );
        let kept_payout = text(Address::PubkeyHash([0x70; 20]), &world);
        assert_eq!(kept(&plan, FieldName::OperatorPayout), Some(kept_payout));
        assert_eq!(kept(&plan, FieldName::Status).as_deref(), Some("ENABLED"));
        assert_eq!(plan.review.consequences, [Consequence::KeepsQueue]);
        assert_eq!((plan.review.warnings.as_slice(), plan.name.as_str()), (&[][..], "mn1"));
        let events = ["planned", "signed", "finished", "broadcasting", "sent", "mined"];
        assert_eq!(names(&world.operation()), events);
        assert_eq!(world.operation().kind, "update-service");
    }
}

#[tokio::test]
async fn an_operator_payout_is_erased_only_when_asked_for_and_that_is_said() {
    for network in NETWORKS {
        let world = World::owning(network);
        let old = Some(text(Address::PubkeyHash([0x70; 20]), &world));
        let erase = ServiceChange {
            operator_payout: OperatorPayout::Erase,
            ..ServiceChange::default()
        };
        let (plan, outcome, _) = world.update(service(erase)).await;
        let expected = service_bytes(&world, [9, 9, 9, 1], &[0], &[], &outcome.tx);
        assert_signed_by_operator(&world, &outcome.tx, &expected);
        assert_eq!(changes(&plan)["operatorPayoutAddress"], (old.clone(), None));
        let unpaid = Consequence::OperatorUnpaid { reward: 525 };
        assert!(unpaid.is_grave() && unpaid.sentence(&world.profile).contains("5.25 %"));
        assert_eq!(plan.review.consequences, [Consequence::KeepsQueue, unpaid]);

        let world = World::owning(network);
        let address = Address::ScriptHash([0x71; 20]);
        let to = ServiceChange {
            operator_payout: OperatorPayout::To(address),
            ..ServiceChange::default()
        };
        let (plan, outcome, _) = world.update(service(to)).await;
        let script = [&[0x17, 0xa9, 0x14][..], &[0x71; 20], &[0x87]].concat();
        let expected = service_bytes(&world, [9, 9, 9, 1], &script, &[], &outcome.tx);
        assert_signed_by_operator(&world, &outcome.tx, &expected);
        let paid = Consequence::OperatorPaidTo { address };
        assert_eq!(plan.review.consequences, [Consequence::KeepsQueue, paid]);
    }
}

#[tokio::test]
async fn an_evonode_keeps_its_platform_fields_byte_for_byte() {
    let world = World::owning_evo();
    let (plan, outcome, _) = world.update(new_address(&world)).await;
    let mut evo: Vec<u8> = (1..=20).rev().collect();
    evo.extend(22_200u16.to_le_bytes());
    evo.extend(22_201u16.to_le_bytes());
    let payout = key_script([0x70; 20]);
    let expected = service_bytes(&world, [5, 6, 7, 8], &payout, &evo, &outcome.tx);
    assert_signed_by_operator(&world, &outcome.tx, &expected);
    assert_eq!(kept(&plan, FieldName::PlatformNodeId).as_deref(), Some(NODE_ID));
    assert_eq!(kept(&plan, FieldName::PlatformP2pPort).as_deref(), Some("22200"));
    assert_eq!(kept(&plan, FieldName::PlatformHttpPort).as_deref(), Some("22201"));

    // One of them changes, the others stay.
    let world = World::owning_evo();
    let change = ServiceChange {
        platform: PlatformChange {
            http_port: Some(443),
            ..PlatformChange::default()
        },
        ..ServiceChange::default()
    };
    let (plan, outcome, _) = world.update(service(change)).await;
    let Payload::ProUpServ(payload) = Payload::of(&outcome.tx).unwrap() else {
        panic!("a ProUpServTx")
    };
    let node_id = Platform::node_id_from_hex(NODE_ID).unwrap();
    let platform = payload.platform.unwrap();
    assert_eq!(
        (platform.node_id, platform.p2p_port, platform.http_port),
        (node_id, 22_200, 443)
    );
    assert_eq!(
        changes(&plan).into_iter().collect::<Vec<_>>(),
        [("platformHTTPPort", (Some("22201".into()), Some("443".into())))]
    );
}

#[tokio::test]
async fn an_evonode_whose_ports_the_node_does_not_tell_needs_them_named() {
    let mut world = World::owning_evo();
    world.mine().state.platform_p2p_port = None;
    let not_told = |what| Error::NotTold {
        pro_tx_hash: world.hash().to_string(),
        what,
    };
    let error = world.refused(&world.change(new_address(&world))).await;
    assert_eq!(error, not_told("Platform P2P port"));
    let named = ServiceChange {
        platform: PlatformChange {
            p2p_port: Some(22_300),
            ..PlatformChange::default()
        },
        ..ServiceChange::default()
    };
    let (plan, ..) = world.planned(service(named)).await;
    assert_eq!(changes(&plan)["platformP2PPort"], (None, Some("22300".into())));
}

fn registrar_bytes(world: &World, operator: [u8; 48], voting: KeyId, payout: [u8; 20], tx: &Transaction) -> Vec<u8> {
    let mut out = vec![version(world), 0];
    out.extend(stored(world.hash()));
    out.extend([0, 0]);
    out.extend(operator);
    out.extend(voting.0);
    out.extend(key_script(payout));
    out.extend(tx.inputs_hash());
    out
}

#[tokio::test]
async fn a_new_payout_address_keeps_both_keys_and_costs_nothing() {
    for network in NETWORKS {
        let world = World::owning(network);
        let (plan, outcome, _) = world.update(new_payout()).await;
        let operator = world.operator("mn1-operator").encode(world.scheme());
        let voting = world.key_id("mn1-voting");
        let expected = registrar_bytes(&world, operator, voting, [0x99; 20], &outcome.tx);
        assert_signed_by_owner(&world, &outcome.tx, &expected);
        assert_paid(&world, &plan, &outcome.tx);
        let old = text(Address::PubkeyHash([0x61; 20]), &world);
        assert_eq!(
            changes(&plan).into_iter().collect::<Vec<_>>(),
            [("payoutAddress", (Some(old), Some(text(NEW_PAYOUT, &world))))]
        );
        let address = NEW_PAYOUT;
        assert_eq!(
            plan.review.consequences,
            [Consequence::KeepsQueue, Consequence::PaidTo { address }]
        );
        assert!(!plan.review.consequences.iter().any(Consequence::is_grave));
        assert_eq!(names(&world.operation()).len(), 6);
        assert_eq!(world.operation().kind, "update-registrar");
    }
}

#[tokio::test]
async fn a_new_voting_key_is_made_or_named_and_the_rest_is_kept() {
    for network in NETWORKS {
        let world = World::owning(network);
        let change = registrar(Registrar {
            voting: Some(VotingChoice::New),
            ..Registrar::default()
        });
        let (plan, outcome, _) = world.update(change).await;
        assert_eq!(plan.keys, [("voting", "mn1-voting-2".to_owned())]);
        assert_eq!(plan.made, ["mn1-voting-2"]);
        let voting = world.key_id("mn1-voting-2");
        let operator = world.operator("mn1-operator").encode(world.scheme());
        let expected = registrar_bytes(&world, operator, voting, [0x61; 20], &outcome.tx);
        assert_signed_by_owner(&world, &outcome.tx, &expected);
        let address = voting.address();
        assert_eq!(
            plan.review.consequences,
            [Consequence::KeepsQueue, Consequence::VotesBy { address }]
        );
    }
}

#[tokio::test]
async fn a_masternode_of_version_1_on_a_v19_chain_keeps_its_operator_in_the_new_encoding() {
    let mut world = World::owning("dash-regtest");
    let key = world.operator("mn1-operator");
    world.mine().state.version = 1;
    world.mine().state.operator = OperatorKey::from_bytes(key.encode(Scheme::Legacy), Scheme::Legacy);
    let (plan, outcome, _) = world.update(new_payout()).await;
    let expected = registrar_bytes(
        &world,
        key.encode(Scheme::Basic),
        world.key_id("mn1-voting"),
        [0x99; 20],
        &outcome.tx,
    );
    assert_signed_by_owner(&world, &outcome.tx, &expected);
    assert_eq!(changes(&plan).into_keys().collect::<Vec<_>>(), ["payoutAddress"]);
    let address = NEW_PAYOUT;
    assert_eq!(
        plan.review.consequences,
        [Consequence::KeepsQueue, Consequence::PaidTo { address }]
    );
    world.apply(&outcome.tx);
    assert_eq!((world.mine().state.version, world.mine().is_banned()), (1, false));
}

#[tokio::test]
async fn another_operator_key_costs_the_place_in_the_queue_by_the_number() {
    for network in NETWORKS {
        let world = World::owning(network);
        let (plan, outcome, _) = world.update(new_operator(OperatorChoice::New)).await;
        let new = world.operator("mn1-operator-2");
        let voting = world.key_id("mn1-voting");
        let expected = registrar_bytes(&world, new.encode(world.scheme()), voting, [0x61; 20], &outcome.tx);
        assert_signed_by_owner(&world, &outcome.tx, &expected);
        let address = Address::PubkeyHash([0x70; 20]);
        assert_eq!(
            plan.review.consequences,
            [
                Consequence::BannedAtOnce { revoked: false },
                Consequence::AddressWiped {
                    service: "9.9.9.1:19899".into()
                },
                Consequence::OperatorPayoutWiped { address },
                Consequence::PlaceInQueueLost {
                    position: 2,
                    of: 3,
                    blocks: 2,
                    later: 1
                },
                Consequence::OperatorMustAnnounce,
            ]
        );
        assert!(plan.review.consequences[..4].iter().all(Consequence::is_grave));
        let sentence = plan.review.consequences[3].sentence(&world.profile);
        assert!(
            sentence.contains("number 2 of 3") && sentence.contains("in 2 blocks"),
            "{sentence}"
        );
        assert!(sentence.contains("at least 1 block later"), "{sentence}");
        let changed = changes(&plan);
        let scheme = world.scheme();
        let keys = (
            Some(world.operator("mn1-operator").to_hex(scheme)),
            Some(new.to_hex(scheme)),
        );
        assert_eq!(changed["pubKeyOperator"], keys);
        assert_eq!(changed["service"], (Some("9.9.9.1:19899".into()), None));
        assert_eq!(
            changed["status"],
            (Some("ENABLED".into()), Some("WAITING_FOR_SERVICE".into()))
        );
        assert_eq!(changed.len(), 4);
    }
}

#[tokio::test]
async fn another_operator_key_wipes_the_platform_id_of_an_evonode_and_leaves_its_ports() {
    let world = World::owning_evo();
    let (plan, ..) = world.planned(new_operator(OperatorChoice::New)).await;
    let wiped = Consequence::PlatformIdWiped {
        node_id: NODE_ID.into(),
    };
    assert!(plan.review.consequences.contains(&wiped) && wiped.is_grave());
    assert_eq!(changes(&plan)["platformNodeID"], (Some(NODE_ID.into()), None));
    assert_eq!(kept(&plan, FieldName::PlatformP2pPort).as_deref(), Some("22200"));
}

#[tokio::test]
async fn a_revocation_bans_names_its_reason_and_leaves_it_to_the_owner() {
    for network in NETWORKS {
        let world = World::owning(network);
        let (plan, outcome, _) = world.update(revocation()).await;
        let mut expected = vec![version(&world), 0];
        expected.extend(stored(world.hash()));
        expected.extend([2, 0]);
        expected.extend(outcome.tx.inputs_hash());
        assert_signed_by_operator(&world, &outcome.tx, &expected);
        assert_paid(&world, &plan, &outcome.tx);
        let address = Address::PubkeyHash([0x70; 20]);
        let service = "9.9.9.1:19899".to_owned();
        assert_eq!(
            plan.review.consequences,
            [
                Consequence::BannedAtOnce { revoked: true },
                Consequence::AddressWiped { service },
                Consequence::OperatorPayoutWiped { address },
                Consequence::PlaceInQueueLost {
                    position: 2,
                    of: 3,
                    blocks: 2,
                    later: 1
                },
                Consequence::OwnerMustNameOperator,
            ]
        );
        let changed = changes(&plan);
        assert_eq!(changed["revocationReason"], (None, Some("compromised keys".into())));
        assert_eq!(changed["status"], (Some("ENABLED".into()), Some("REVOKED".into())));
        assert_eq!(changed["pubKeyOperator"].1, None);
        assert_eq!(world.operation().kind, "revoke");
    }
}

#[tokio::test]
async fn what_is_banned_already_has_no_place_to_lose_and_a_service_update_revives_it() {
    for network in NETWORKS {
        let mut world = World::owning(network);
        world.mine().state.pose_ban_height = Some(TIP - 5);
        world.mine().state.pose_penalty = 100;
        let (plan, ..) = world.planned(service(ServiceChange::default())).await;
        assert_eq!(plan.review.consequences, [Consequence::Revived { behind: 2 }]);
        assert_eq!(
            changes(&plan).into_iter().collect::<Vec<_>>(),
            [("status", (Some("POSE_BANNED".into()), Some("ENABLED".into())))]
        );
        let (plan, ..) = world.planned(revocation()).await;
        assert!(plan.review.consequences.contains(&Consequence::NotInQueue));
        assert!(
            !plan
                .review
                .consequences
                .contains(&Consequence::BannedAtOnce { revoked: true })
        );
        let (plan, ..) = world.planned(registrar(Registrar::default())).await;
        assert_eq!(
            plan.review.consequences,
            [Consequence::NothingChanges, Consequence::NotInQueue]
        );
    }
}

#[tokio::test]
async fn an_update_that_changes_nothing_says_so() {
    let world = World::owning("wei-regtest");
    for change in [service(ServiceChange::default()), registrar(Registrar::default())] {
        let (plan, ..) = world.planned(change).await;
        assert!(changes(&plan).is_empty());
        assert_eq!(
            plan.review.consequences,
            [Consequence::NothingChanges, Consequence::KeepsQueue]
        );
    }
}

#[tokio::test]
async fn the_owner_names_an_operator_after_a_revocation_also_the_same_one() {
    let mut world = World::owning("dash-regtest");
    let (_, outcome, _) = world.update(revocation()).await;
    world.apply(&outcome.tx);
    assert_eq!(world.mine().state.operator, OperatorKey::Revoked);
    world.fee_coin = world
        .chain
        .pay(world.key_id("fees"), castellan::protocol::Amount::from_coins(1));
    let held = OperatorChoice::Held("mn1-operator".into());
    let (plan, ..) = world.planned(new_operator(held)).await;
    assert_eq!(
        plan.review.consequences,
        [Consequence::NotInQueue, Consequence::OperatorMustAnnounce]
    );
    let changed = changes(&plan);
    assert_eq!(changed["revocationReason"], (Some("compromised keys".into()), None));
}

#[tokio::test]
async fn what_is_legal_but_unwise_is_warned_of() {
    let mut world = World::owning("dash-regtest");
    if let Ok(status) = &mut world.chain.status {
        status.synced = false;
    }
    let change = registrar(Registrar {
        operator: Some(OperatorChoice::Foreign(
            SecretKey::from_bytes(&[9; 32]).unwrap().public_key(),
        )),
        voting: Some(VotingChoice::SameAsOwner),
        payout: Some(KeyId([0xcc; 20]).address()),
        ..Registrar::default()
    });
    let (plan, ..) = world.planned(change).await;
    assert_eq!(
        plan.review.warnings,
        [
            Warning::NodeNotSynced,
            Warning::RoleLeavesVault { role: Role::Operator },
            Warning::OwnerIsVoting,
            Warning::PayoutIsCollateral
        ]
    );
    assert!(
        plan.review
            .warnings
            .iter()
            .all(|warning| !warning.sentence().is_empty())
    );
}

#[tokio::test]
async fn a_key_that_is_not_here_is_named_and_nothing_is_begun() {
    for network in NETWORKS {
        let mut world = World::owning(network);
        let (owner, operator) = (KeyId([0x0a; 20]), SecretKey::from_bytes(&[9; 32]).unwrap().public_key());
        world.mine().state.owner = Some(owner);
        world.mine().state.name_operator(&operator);
        let expected = [
            (new_address(&world), Role::Operator, operator.to_hex(world.scheme())),
            (revocation(), Role::Operator, operator.to_hex(world.scheme())),
            (new_payout(), Role::Owner, owner.address().to_text(&world.profile)),
        ];
        for (change, role, key) in expected {
            let (plan, ports, node) = world.planned(change).await;
            let missing = Missing { role, key: key.clone() };
            assert_eq!(plan.review.missing, [missing]);
            let (outcome, _) = run(&ports, &node, update::update(ports.clone(), plan)).await;
            assert_eq!(outcome.err(), Some(Error::SignatureElsewhere { role, key }));
            assert_eq!((told(&node), world.journal.list().unwrap()), (vec![], vec![]));
        }
        // Without a vault nothing can be signed, but it can be planned if somebody else pays.
        let (mut ports, _) = world.ports();
        ports.vault = None;
        let mut draft = world.change(new_address(&world));
        draft.fee_from = castellan::flow::choice::FeeSource::Elsewhere(world.key_id("fees").address());
        let plan = update::prepare(&ports, &draft).await.unwrap();
        let roles: Vec<Role> = plan.review.missing.iter().map(|missing| missing.role).collect();
        assert_eq!(roles, [Role::Operator, Role::Fee]);
        assert_eq!(plan.name, world.hash().to_string()[..8]);
    }
}

#[tokio::test]
async fn a_pasted_operator_key_signs_once_and_is_kept_nowhere() {
    for network in NETWORKS {
        let mut world = World::owning(network);
        let secret = "09".repeat(32);
        let once = OneUse::parse(&secret).unwrap();
        world.mine().state.name_operator(&once.public_key());
        let labels = world.labels();
        let change = service(ServiceChange {
            operator: OperatorSecret::Pasted(once.clone()),
            ..ServiceChange::default()
        });
        assert!(!format!("{change:?}").contains("0909"));
        let (plan, outcome, _) = world.update(change).await;
        assert!(!format!("{plan:?}").contains(&secret));
        let Payload::ProUpServ(payload) = Payload::of(&outcome.tx).unwrap() else {
            panic!("a ProUpServTx")
        };
        assert!(payload.is_signed_by(&once.public_key(), world.scheme(), world.scheme()));
        assert_eq!(world.labels(), labels);
        let journal = std::fs::read(world.folder().join("journal.sqlite")).unwrap();
        let log = std::fs::read(world.folder().join("journal.sqlite-wal")).unwrap_or_default();
        for bytes in [journal, log] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
            assert!(!bytes.windows(32).any(|window| window == [9; 32]));
        }
    }
}

async fn roles(world: &World) -> overview::Roles {
    let (ports, _) = world.ports();
    overview::one(&ports, world.hash()).await.unwrap().1.roles
}

#[tokio::test]
async fn a_key_made_for_an_update_is_in_the_vault_before_it_is_sent_and_the_masternodes_when_mined() {
    let mut world = World::owning("dash-regtest");
    assert_eq!(roles(&world).await.operator.as_deref(), Some("mn1-operator"));
    let (plan, ports, node) = world.planned(new_operator(OperatorChoice::New)).await;
    assert_eq!(plan.made, ["mn1-operator-2"]);
    // On disk, not only in memory.
    let dirs = castellan::store::Dirs::at(world.folder());
    let reopened = castellan::store::Vault::open(&dirs.vault, "test").unwrap();
    assert_eq!(
        reopened.bls("mn1-operator-2").unwrap().public_key(),
        world.operator("mn1-operator-2")
    );
    assert_eq!(roles(&world).await.operator.as_deref(), Some("mn1-operator"));
    let (outcome, _) = run(&ports, &node, update::update(ports.clone(), plan.clone())).await;
    world.apply(&outcome.unwrap().tx);
    let after = roles(&world).await;
    assert_eq!(after.operator.as_deref(), Some("mn1-operator-2"));
    assert_eq!(after.name(world.hash()), "mn1");
    // Too late to take it back.
    update::discard(&ports, &plan);
    assert!(world.labels().contains(&"mn1-operator-2".to_owned()));
}

#[tokio::test]
async fn a_key_made_for_a_plan_is_taken_back_with_it() {
    let world = World::owning("dash-regtest");
    let before = world.labels();
    let (plan, ports, _) = world.planned(new_operator(OperatorChoice::New)).await;
    update::discard(&ports, &plan);
    assert_eq!(world.labels(), before);
    // Nor does one stay of a plan that was dropped before it was made.
    let (mut ports, _) = world.ports();
    ports.node = std::sync::Arc::new(world.chain.node().with_silent_fee_rate());
    let draft = world.change(new_operator(OperatorChoice::New));
    let patience = std::time::Duration::from_millis(50);
    let dropped = tokio::time::timeout(patience, update::prepare(&ports, &draft)).await;
    assert!(dropped.is_err());
    assert_eq!(world.labels(), before);
}

#[tokio::test]
async fn a_broadcast_that_may_have_arrived_keeps_the_key_and_the_journal_open() {
    let mut world = World::owning("dash-regtest");
    let gone = RpcError::Timeout {
        url: "http://node".into(),
        seconds: 30,
    };
    world.chain.broadcast = Some(Err(gone.clone()));
    let (plan, ports, node) = world.planned(new_operator(OperatorChoice::New)).await;
    let (outcome, _) = run(&ports, &node, update::update(ports.clone(), plan.clone())).await;
    assert_eq!(outcome.err(), Some(Error::Node(gone)));
    assert_eq!(world.operation().state(), State::Broadcasting);
    update::discard(&ports, &plan);
    assert!(world.labels().contains(&"mn1-operator-2".to_owned()));
}

#[tokio::test]
async fn the_key_of_an_exported_update_stays_until_it_is_cancelled() {
    let world = World::owning("dash-regtest");
    let (ports, node) = world.ports();
    let mut draft = world.change(new_operator(OperatorChoice::New));
    draft.fee_from = castellan::flow::choice::FeeSource::Elsewhere(world.key_id("fees").address());
    let plan = update::prepare(&ports, &draft).await.unwrap();
    let (exported, _) = run(&ports, &node, update::export(ports.clone(), plan.clone())).await;
    exported.unwrap();
    update::discard(&ports, &plan);
    assert!(
        world.labels().contains(&"mn1-operator-2".to_owned()),
        "its file may come back"
    );
    let cancelled = castellan::store::journal::Event::Cancelled;
    world.journal.record(world.operation().id, &cancelled, 0).unwrap();
    update::discard(&ports, &plan);
    assert!(!world.labels().contains(&"mn1-operator-2".to_owned()));
}
