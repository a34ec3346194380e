//! Before a masternode is revived: what its list entry, the others', the vault, the fee key and its port tell.

use castellan::flow::Error;
use castellan::flow::choice::FeeSource;
use castellan::flow::revive::{self, Diagnosis, Finding, Mood, Unreachable};
use castellan::protocol::bls::Scheme;
use castellan::protocol::masternode::OperatorKey;
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Amount, KeyId};
use castellan::rpc::RpcError;

use crate::owned::NETWORKS;
use crate::world::{TIP, World, entry, told};

/// An address of this computer where nothing listens: the look takes no time.
fn closed() -> Service {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    Service::v4([127, 0, 0, 1].into(), port)
}

/// Banned for misbehaviour twenty blocks ago.
fn banned(network: &str) -> World {
    let mut world = World::owning(network);
    let state = &mut world.mine().state;
    state.service = closed();
    state.pose_ban_height = Some(TIP - 20);
    state.pose_penalty = 100;
    world
}

async fn look(world: &World) -> Diagnosis {
    let (ports, node) = world.ports();
    let source = FeeSource::Key("fees".into());
    let diagnosis = revive::look(&ports, world.hash(), Some(&source)).await.unwrap();
    assert_eq!((told(&node), world.journal.list().unwrap()), (vec![], vec![]));
    for finding in &diagnosis.findings {
        let sentence = finding.sentence("DASH");
        assert!(sentence.ends_with(['.', ':']) && !sentence.contains("  "), "{sentence}");
    }
    diagnosis
}

fn moods(diagnosis: &Diagnosis) -> Vec<Mood> {
    diagnosis.findings.iter().map(Finding::mood).collect()
}

#[tokio::test]
async fn a_misbehaved_masternode_whose_port_is_closed() {
    for network in NETWORKS {
        let mut world = banned(network);
        let service = world.mine().state.service;
        let found = look(&world).await;
        let expected = [
            Finding::Misbehaved {
                since: TIP - 20,
                blocks: 20,
                penalty: 100,
            },
            Finding::OperatorKeyHere {
                label: "mn1-operator".into(),
            },
            Finding::Unreachable {
                service,
                why: Unreachable::Refused,
            },
            Finding::FeeCoins {
                available: Amount::from_coins(1),
            },
            Finding::Causes,
        ];
        assert_eq!(found.findings, expected);
        assert_eq!(
            moods(&found),
            [Mood::Open, Mood::Good, Mood::Bad, Mood::Good, Mood::Open]
        );
        // Told to be down, but that is for the user to decide.
        assert!(found.can_revive() && !found.is_clear());
    }
}

#[tokio::test]
async fn a_port_that_answers_from_here() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::v4([127, 0, 0, 1].into(), listener.local_addr().unwrap().port());
    assert_eq!(revive::address(service).await, Finding::Reachable { service });
    let mut world = banned("dash-regtest");
    world.mine().state.service = service;
    let found = look(&world).await;
    assert!(found.is_clear() && found.can_revive(), "{found:?}");
    assert_eq!(revive::address(Service::NONE).await, Finding::NoAddress);
}

#[tokio::test]
async fn bans_that_are_no_misbehaviour_are_told_apart() {
    let mut world = banned("wei-regtest");
    world.mine().state.service = Service::NONE;
    let found = look(&world).await;
    assert_eq!(found.findings[0], Finding::WaitsForAddress { since: TIP - 20 });
    assert!(found.findings.contains(&Finding::NoAddress) && found.can_revive());
    assert!(!found.findings.contains(&Finding::Causes));

    world.mine().state.operator = OperatorKey::Revoked;
    world.mine().state.revocation_reason = 2;
    let found = look(&world).await;
    assert_eq!(found.findings[0], Finding::Revoked { reason: 2 });
    assert!(found.findings[0].sentence("WEI").contains("compromised keys"));
    assert!(!found.can_revive());

    let mut world = World::owning("dash-regtest");
    world.mine().state.service = closed();
    let found = look(&world).await;
    assert_eq!(found.findings[0], Finding::NotBanned);
    assert!(!found.can_revive());
}

#[tokio::test]
async fn an_operator_key_elsewhere_an_address_taken_and_an_empty_fee_key() {
    let mut world = banned("dash-regtest");
    let service = world.mine().state.service;
    world.mine().state.operator = OperatorKey::from_bytes([3; 48], Scheme::Basic);
    world.chain.entries[2].state.service = service;
    let by = world.chain.entries[2].pro_tx_hash;
    world.chain.spend(world.fee_coin);
    let found = look(&world).await;
    let label = "fees".to_owned();
    assert_eq!(found.findings[1], Finding::OperatorKeyElsewhere);
    assert_eq!(found.findings[2], Finding::AddressTaken { by });
    assert_eq!(found.findings[4], Finding::NoFeeCoins { label: label.clone() });
    // What is there but too little is as good as nothing.
    let fees = world.key_id("fees");
    world.chain.pay(fees, Amount::from_duffs(1_000));
    assert_eq!(look(&world).await.findings[4], Finding::NoFeeCoins { label });
    world.chain.pay(fees, Amount::from_duffs(1_000));
    let available = Amount::from_duffs(2_000);
    assert_eq!(look(&world).await.findings[4], Finding::FeeCoins { available });
}

#[tokio::test]
async fn many_bans_at_the_same_time_are_the_networks_trouble() {
    let mut world = banned("dash-regtest");
    let profile = world.profile.clone();
    for n in 10..20 {
        let mut other = entry(n, &profile);
        other.state.pose_ban_height = Some(TIP - 20 - 28 * u32::from(n - 9));
        world.chain.entries.push(other);
    }
    assert_eq!(look(&world).await.findings[1], Finding::NetworkEvent { others: 10 });
    // One of them a little earlier, or banned for another reason, and it is no event.
    world.chain.entries[12].state.pose_ban_height = Some(TIP - 20 - 289);
    assert_ne!(look(&world).await.findings[1], Finding::NetworkEvent { others: 9 });
    world.chain.entries[12].state.pose_ban_height = Some(TIP - 20);
    world.chain.entries[12].state.service = Service::NONE;
    assert!(matches!(
        look(&world).await.findings[1],
        Finding::OperatorKeyHere { .. }
    ));
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_left_out_or_said() {
    let world = banned("wei-regtest");
    let (mut ports, _) = world.ports();
    ports.vault = None;
    let found = revive::look(&ports, world.hash(), None).await.unwrap();
    assert!(found.findings.contains(&Finding::OperatorKeyElsewhere));
    let source = FeeSource::Key("fees".into());
    assert_eq!(
        revive::look(&ports, world.hash(), Some(&source)).await.err(),
        Some(Error::VaultLocked)
    );
    let (ports, _) = world.ports();
    let hash = world.fee_coin.txid;
    let unknown = revive::look(&ports, hash, None).await;
    assert_eq!(unknown.err(), Some(Error::NoSuchMasternode { hash: hash.to_string() }));
    // A node that cannot search coins tells all the rest.
    let node = castellan::rpc::fake::FakeNode::new()
        .with_masternodes(Ok(castellan::rpc::MasternodeList::saved(
            crate::world::tip(TIP),
            world.chain.entries.clone(),
            &world.profile,
        )))
        .with_coins_of(Err(RpcError::NoCoinSearch));
    let (mut ports, _) = world.ports();
    ports.node = std::sync::Arc::new(node);
    let source = FeeSource::Elsewhere(KeyId([1; 20]).address());
    let found = revive::look(&ports, world.hash(), Some(&source)).await.unwrap();
    assert_eq!(found.findings.len(), 4);
}
