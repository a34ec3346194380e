//! What an update is refused for before anything is signed: the reason is named, with the reject string a node would give; nothing
//! is sent, begun or left in the vault.

use castellan::flow::Error;
use castellan::flow::choice::{FeeSource, OneUse, OperatorChoice, OperatorSecret, VotingChoice};
use castellan::flow::operation::Role;
use castellan::flow::update::{Change, Draft, OperatorPayout, PlatformChange, Registrar, Revocation, ServiceChange};
use castellan::protocol::bls::{PublicKey, Scheme, SecretKey};
use castellan::protocol::masternode::OperatorKey;
use castellan::protocol::rules::Pending;
use castellan::protocol::special_tx::pro_up_rev::Reason;
use castellan::protocol::special_tx::{Payload, ProUpRevTx, Service};
use castellan::protocol::{Address, Amount, KeyId, Transaction};
use castellan::store::Kind;
use castellan::store::import::ImportError;

use crate::owned::NETWORKS;
use crate::update::{new_address, new_operator, new_payout, registrar, revocation, service};
use crate::world::{TIP, World};

fn key(n: u8) -> PublicKey {
    SecretKey::from_bytes(&[n; 32]).unwrap().public_key()
}

fn foreign(key: PublicKey) -> Change {
    new_operator(OperatorChoice::Foreign(key))
}

#[tokio::test]
async fn a_masternode_nobody_registered() {
    for network in NETWORKS {
        let world = World::owning(network);
        let draft = Draft {
            pro_tx_hash: world.fee_coin.txid,
            ..world.change(new_payout())
        };
        let error = world.refused(&draft).await;
        assert_eq!((error.kind(), error.reason()), ("not-found", Some("bad-protx-hash")));
    }
}

#[tokio::test]
async fn a_revoked_operator_for_everything_but_a_new_operator_key() {
    for network in NETWORKS {
        let mut world = World::owning(network);
        world.mine().state.operator = OperatorKey::Revoked;
        world.mine().state.pose_ban_height = Some(TIP - 3);
        let pro_tx_hash = world.hash().to_string();
        for change in [new_address(&world), revocation(), new_payout()] {
            let error = world.refused(&world.change(change)).await;
            assert_eq!(
                error,
                Error::OperatorRevoked {
                    pro_tx_hash: pro_tx_hash.clone()
                }
            );
            assert_eq!(error.reason(), Some("bad-protx-sig"));
        }
    }
}

#[tokio::test]
async fn a_key_that_is_not_the_masternodes_named_or_pasted() {
    let world = World::owning("dash-regtest");
    world.make(Kind::Owner, "mn2-owner");
    world.make(Kind::Operator, "mn2-operator");
    let pro_tx_hash = world.hash().to_string();
    let operator = |operator| {
        [service(ServiceChange {
            operator,
            ..ServiceChange::default()
        })]
    };
    let pasted = OneUse::parse(&"09".repeat(32)).unwrap();
    let cases = [
        (
            operator(OperatorSecret::Held("mn2-operator".into())),
            "mn2-operator",
            Role::Operator,
        ),
        (
            operator(OperatorSecret::Pasted(pasted.clone())),
            "the pasted key",
            Role::Operator,
        ),
        (
            [Change::Revoke(Revocation {
                reason: Reason::NotSpecified,
                operator: OperatorSecret::Pasted(pasted),
            })],
            "the pasted key",
            Role::Operator,
        ),
        (
            [registrar(Registrar {
                owner: Some("mn2-owner".into()),
                ..Registrar::default()
            })],
            "mn2-owner",
            Role::Owner,
        ),
    ];
    for ([change], label, role) in cases {
        let expected = Error::NotTheKey {
            label: label.into(),
            role,
            pro_tx_hash: pro_tx_hash.clone(),
        };
        assert_eq!(world.refused(&world.change(change)).await, expected);
    }
}

#[test]
fn a_pasted_text_that_is_no_operator_secret() {
    assert_eq!(OneUse::parse("  ").err(), Some(ImportError::Empty));
    for text in [
        "12ab",
        &"zz".repeat(32),
        &"09".repeat(31),
        "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA",
    ] {
        assert!(
            matches!(OneUse::parse(text), Err(ImportError::WrongForm { .. })),
            "{text}"
        );
    }
    for text in ["00".repeat(32), "ff".repeat(32)] {
        assert!(matches!(OneUse::parse(&text), Err(ImportError::Bls(_))), "{text}");
        let said = Error::Pasted(OneUse::parse(&text).expect_err("out of range")).to_string();
        assert!(!said.contains(&text), "{said}");
    }
}

#[tokio::test]
async fn keys_of_another_kind_are_not_taken() {
    let world = World::owning("dash-regtest");
    world.make(Kind::Owner, "other-owner");
    let kinds = [
        (new_operator(OperatorChoice::Held("mn1-owner".into())), "operator"),
        (
            registrar(Registrar {
                voting: Some(VotingChoice::Held("fees".into())),
                ..Registrar::default()
            }),
            "voting",
        ),
        (
            registrar(Registrar {
                owner: Some("mn1-voting".into()),
                ..Registrar::default()
            }),
            "owner",
        ),
        (
            service(ServiceChange {
                operator: OperatorSecret::Held("fees".into()),
                ..ServiceChange::default()
            }),
            "operator",
        ),
    ];
    for (change, kind) in kinds {
        let error = world.refused(&world.change(change)).await;
        assert!(
            matches!(&error, Error::KeyOfOtherKind { wanted, .. } if wanted == kind),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn rules_with_the_reject_string_of_the_node() {
    for network in NETWORKS {
        let modern = network == "dash-regtest";
        let word = |old, new| if modern { new } else { old };
        let mut world = World::owning(network);
        let twin = world.chain.entries[1].state.service;
        let at = |service_: Service| {
            service(ServiceChange {
                service: Some(service_),
                ..ServiceChange::default()
            })
        };
        let taken = world.broken(at(twin)).await;
        assert_eq!(
            taken,
            (
                "service-unique",
                word("bad-protx-dup-addr", "bad-protx-dup-netinfo-entry")
            )
        );
        let none = world.broken(at(Service::NONE)).await;
        assert_eq!(
            none,
            ("service-present", word("bad-protx-ipaddr", "bad-protx-netinfo-empty"))
        );
        let port = world.broken(at(Service::v4([5, 6, 7, 8].into(), 9_999))).await;
        assert_eq!(port.1, word("bad-protx-ipaddr-port", "bad-protx-netinfo-port"));

        let payout = |payout| {
            registrar(Registrar {
                payout: Some(payout),
                ..Registrar::default()
            })
        };
        let owner = payout(world.key_id("mn1-owner").address());
        assert_eq!(world.broken(owner).await, ("payout-not-owner", "bad-protx-payee-reuse"));
        let voting = payout(world.key_id("mn1-voting").address());
        assert_eq!(
            world.broken(voting).await,
            ("payout-not-voting", "bad-protx-payee-reuse")
        );
        let voting = registrar(Registrar {
            voting: Some(VotingChoice::Foreign(KeyId([0xcc; 20]))),
            ..Registrar::default()
        });
        assert_eq!(
            world.broken(voting).await,
            ("collateral-key-apart", "bad-protx-collateral-reuse")
        );
        let collateral = world.mine().collateral;
        world.chain.spend(collateral);
        assert_eq!(
            world.broken(new_payout()).await,
            ("collateral-unspent", "bad-protx-collateral")
        );

        let mut world = World::owning(network);
        world.mine().operator_reward = 0;
        world.mine().state.operator_payout = None;
        let payout = service(ServiceChange {
            operator_payout: OperatorPayout::To(Address::PubkeyHash([1; 20])),
            ..ServiceChange::default()
        });
        assert_eq!(
            world.broken(payout).await,
            ("operator-payout-earned", "bad-protx-operator-payee")
        );
    }
}

#[tokio::test]
async fn a_platform_node_id_of_another_evonode() {
    let mut world = World::owning_evo();
    world.chain.entries[1].state.platform_node_id = Some("ab".repeat(20));
    let change = service(ServiceChange {
        platform: PlatformChange {
            node_id: Some([0xab; 20]),
            ..PlatformChange::default()
        },
        ..ServiceChange::default()
    });
    assert_eq!(
        world.broken(change).await,
        ("platform-node-id-unique", "bad-protx-dup-platformnodeid")
    );
}

#[tokio::test]
async fn a_second_change_of_the_operator_key_while_one_is_pending() {
    for network in NETWORKS {
        let mut world = World::owning(network);
        let version = if network == "dash-regtest" { 2 } else { 1 };
        let mut tx = Transaction::empty(3);
        let pending = ProUpRevTx::unsigned(version, world.hash(), Reason::NotSpecified, [0; 32]);
        Payload::ProUpRev(Box::new(pending)).attach(&mut tx);
        world.chain.pending = Some(vec![Pending { txid: tx.txid(), tx }]);
        let change = new_operator(OperatorChoice::New);
        assert_eq!(world.broken(change).await, ("no-pending-duplicate", "protx-dup"));
        // It does not stand in the way of anything else.
        world.planned(new_payout()).await;
    }
}

#[tokio::test]
async fn an_operator_key_of_another_masternode_as_the_node_compares_and_as_it_does_not() {
    for network in NETWORKS {
        let mut world = World::owning(network);
        let version = world.mine().state.version;
        world.chain.entries[1].state.name_operator(&key(40));
        assert_eq!(
            world.broken(foreign(key(40))).await,
            ("operator-key-unique", "bad-protx-dup-key")
        );
        // Read in the wrong encoding the other's key is its negative, which nobody can sign for.
        let other = Error::OperatorInOtherEncoding {
            pro_tx_hash: world.chain.entries[1].pro_tx_hash.to_string(),
        };
        assert_eq!(world.refused(&world.change(foreign(key(40).opposite()))).await, other);
        if version == 2 {
            // Listed in the old encoding it escapes the node.
            world.chain.entries[1].state.version = 1;
            assert_eq!(world.refused(&world.change(foreign(key(40)))).await, other);
        }
    }
}

#[tokio::test]
async fn the_masternodes_own_operator_key_in_the_wrong_encoding() {
    for (network, version) in [("dash-regtest", 2), ("dash-regtest", 1), ("wei-regtest", 1)] {
        let mut world = World::owning(network);
        world.mine().state.version = version;
        // A key whose bytes are well-formed in both encodings, read in the wrong one as a person would paste it.
        let (written, meant) = match world.scheme() {
            Scheme::Basic => (Scheme::Legacy, Scheme::Basic),
            Scheme::Legacy => (Scheme::Basic, Scheme::Legacy),
        };
        let both = |n: &u8| PublicKey::decode(meant, &key(*n).encode(written)).is_ok();
        let n = (1..=100).find(both).unwrap();
        let misread = PublicKey::decode(meant, &key(n).encode(written)).unwrap();
        assert_eq!(misread, key(n).opposite());
        world.mine().state.name_operator(&key(n));
        let own = Error::OperatorInOtherEncoding {
            pro_tx_hash: world.hash().to_string(),
        };
        assert_eq!(world.refused(&world.change(foreign(misread))).await, own);
        // The key as it is stays as it is.
        world.planned(foreign(key(n))).await;
    }
}

#[tokio::test]
async fn somebody_elses_copy_of_the_own_key_does_not_stop_other_changes_unless_the_node_would() {
    let mut world = World::owning("dash-regtest");
    let operator = world.mine().state.operator;
    world.chain.entries[1].state.operator = operator;
    world.chain.entries[1].state.version = 1;
    world.planned(new_payout()).await;
    world.chain.entries.swap(0, 1);
    let draft = Draft {
        pro_tx_hash: world.chain.entries[1].pro_tx_hash,
        ..world.change(new_payout())
    };
    let (ports, _) = world.ports();
    let plan = castellan::flow::update::prepare(&ports, &draft).await.unwrap();
    assert_eq!(plan.review.failure(), None);
}

#[tokio::test]
async fn an_empty_fee_key_says_how_much_it_needs() {
    for network in NETWORKS {
        let mut world = World::owning(network);
        world.chain.spend(world.fee_coin);
        for change in [new_address(&world), new_operator(OperatorChoice::New), revocation()] {
            let error = world.refused(&world.change(change)).await;
            let Error::FeeKeyShort {
                label,
                address,
                available,
                needed,
            } = &error
            else {
                panic!("{error:?}")
            };
            let fees = world.key_id("fees").address().to_text(&world.profile);
            assert_eq!((label.as_str(), address, *available), ("fees", &fees, Amount::ZERO));
            assert!((900..2_500).contains(&needed.duffs()), "{needed}");
            assert!(
                error
                    .to_string()
                    .starts_with("not enough for the fee: fees holds 0.00000000; send at least"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn a_fee_from_an_address_no_single_key_holds() {
    let world = World::owning("dash-regtest");
    let mut draft = world.change(new_payout());
    draft.fee_from = FeeSource::Elsewhere(Address::ScriptHash([1; 20]));
    let error = world.refused(&draft).await;
    assert!(matches!(error, Error::KeyOfOtherKind { .. }), "{error:?}");
}

#[tokio::test]
async fn a_node_that_is_not_synced_or_does_not_tell_a_field_that_is_carried_over() {
    for network in NETWORKS {
        let mut world = World::owning(network);
        if let Ok(status) = &mut world.chain.status {
            status.headers = TIP + 10;
        }
        let (blocks, headers) = (TIP, TIP + 10);
        let error = world.refused(&world.change(new_payout())).await;
        assert_eq!(error, Error::NotSynced { blocks, headers });

        let mut world = World::owning(network);
        let not_told = |world: &World, what| Error::NotTold {
            pro_tx_hash: world.hash().to_string(),
            what,
        };
        world.mine().state.operator = OperatorKey::NotTold;
        for change in [new_address(&world), revocation(), new_payout()] {
            let error = world.refused(&world.change(change)).await;
            assert_eq!(error, not_told(&world, "operator key"));
        }
        let mut world = World::owning(network);
        world.mine().state.payout = None;
        let error = world.refused(&world.change(new_operator(OperatorChoice::New))).await;
        assert_eq!(error, not_told(&world, "payout address"));
        world.mine().state.voting = None;
        let error = world.refused(&world.change(new_payout())).await;
        assert_eq!(error, not_told(&world, "voting key"));
        world.mine().state.owner = None;
        let error = world.refused(&world.change(new_payout())).await;
        assert_eq!(error, not_told(&world, "owner key"));
    }
}
