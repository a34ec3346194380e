//! The list with what follows from it.

use std::sync::Arc;

use castellan::flow::{Error, overview};
use castellan::protocol::bls::Scheme;
use castellan::protocol::masternode::OperatorKey;
use castellan::protocol::masternode::pose::{Outlook, PoseRules};
use castellan::protocol::{KeyId, ProTxHash};
use castellan::rpc::RpcError;
use castellan::rpc::fake::FakeNode;
use castellan::store::Kind;

use crate::world::{TIP, World, entry, tip};

async fn read(world: &World) -> overview::Overview {
    let (ports, _) = world.ports();
    overview::overview(&ports).await.unwrap()
}

fn mine(overview: &overview::Overview) -> Vec<u8> {
    use bitcoin::hashes::Hash;
    let own = overview.masternodes.iter().filter(|each| each.mine);
    own.map(|each| each.entry.pro_tx_hash.to_byte_array()[0]).collect()
}

#[tokio::test]
async fn a_masternode_is_mine_by_any_key_of_the_vault_and_each_role_has_its_label() {
    let mut world = World::new("dash-regtest");
    for (kind, label) in [(Kind::Owner, "o"), (Kind::Voting, "v"), (Kind::Operator, "b")] {
        world.make(kind, label);
    }
    assert_eq!(mine(&read(&world).await), [0u8; 0]);
    let profile = world.profile.clone();
    world.chain.entries = (1..=6).map(|n| entry(n, &profile)).collect();
    world.chain.entries[0].state.owner = Some(world.key_id("o"));
    world.chain.entries[1].state.voting = Some(world.key_id("v"));
    world.chain.entries[2]
        .state
        .name_operator(&world.vault.bls("b").unwrap().public_key());
    world.chain.entries[3].state.payout = Some(world.key_id("fees").address());
    world.chain.entries[4].state.operator_payout = Some(KeyId([1; 20]).address());
    let read = read(&world).await;
    assert_eq!(mine(&read), [1, 2, 3, 4]);
    let roles: Vec<_> = read.masternodes.iter().map(|each| each.roles.clone()).collect();
    assert_eq!(roles[0].owner.as_deref(), Some("o"));
    assert_eq!(roles[1].voting.as_deref(), Some("v"));
    assert_eq!(roles[2].operator.as_deref(), Some("b"));
    assert!(!roles[3].any() && !roles[5].any());
}

#[tokio::test]
async fn the_operator_key_is_recognised_in_either_encoding() {
    let mut world = World::new("dash-regtest");
    world.make(Kind::Operator, "b");
    let key = world.vault.bls("b").unwrap().public_key();
    for (n, scheme) in [(0, Scheme::Legacy), (1, Scheme::Basic)] {
        world.chain.entries[n].state.version = if scheme == Scheme::Legacy { 1 } else { 2 };
        world.chain.entries[n].state.operator = OperatorKey::from_bytes(key.encode(scheme), scheme);
    }
    assert_eq!(mine(&read(&world).await), [1, 2]);
}

#[tokio::test]
async fn without_the_vault_nothing_is_mine_but_what_the_journal_registered() {
    let mut world = World::new("dash-regtest");
    let (outcome, _) = world.register(world.draft()).await;
    let hash: ProTxHash = outcome.unwrap().pro_tx_hash;
    let profile = world.profile.clone();
    let mut registered = entry(9, &profile);
    registered.pro_tx_hash = hash;
    world.chain.entries.push(registered);
    let (mut ports, _) = world.ports();
    ports.vault = None;
    let read = overview::overview(&ports).await.unwrap();
    let own: Vec<_> = read.masternodes.iter().filter(|each| each.mine).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].entry.pro_tx_hash, hash);
    assert!(!own[0].roles.any());
}

#[tokio::test]
async fn places_in_the_queue_and_their_times_follow_from_the_tip() {
    let mut world = World::new("dash-regtest");
    world.chain.entries[0].state.last_paid_height = TIP;
    world.chain.entries[1].state.pose_ban_height = Some(TIP - 1);
    world.chain.entries[2].state.pose_penalty = 1;
    let read = read(&world).await;
    assert_eq!(read.tip, tip(TIP));
    let place = |n: usize| read.masternodes[n].slot.map(|slot| (slot.position, slot.height));
    assert_eq!(
        (place(0), place(1), place(2)),
        (Some((2, TIP + 2)), None, Some((1, TIP + 1)))
    );
    assert!(read.masternodes.iter().all(|each| each.queue_length == 2));
    let spacing = u64::from(world.profile.spacing);
    let likely = |n: usize| read.masternodes[n].expected_time.map(|time| time.likely);
    assert_eq!(likely(0), Some(tip(TIP).time + 2 * spacing));
    assert_eq!(likely(1), None);
    assert_eq!(
        read.masternodes[2].outlook,
        Outlook::new(1, false, 3, &PoseRules::default())
    );
}

#[tokio::test]
async fn one_masternode_is_found_by_its_hash_or_said_to_be_unknown() {
    let world = World::new("wei-regtest");
    let (ports, _) = world.ports();
    let hash = world.chain.entries[1].pro_tx_hash;
    let (at, found) = overview::one(&ports, hash).await.unwrap();
    assert_eq!((at.height, found.entry.pro_tx_hash), (TIP, hash));
    let unknown = world.collateral.txid;
    let refused = overview::one(&ports, unknown).await;
    let hash = unknown.to_string();
    assert_eq!(refused.err(), Some(Error::NoSuchMasternode { hash }));
}

#[tokio::test]
async fn an_unreachable_node_has_no_overview() {
    let world = World::new("dash-regtest");
    let gone = RpcError::Busy {
        url: "http://node".into(),
    };
    let (mut ports, _) = world.ports();
    ports.node = Arc::new(FakeNode::new().with_masternodes(Err(gone.clone())));
    assert_eq!(overview::overview(&ports).await.err(), Some(Error::Node(gone)));
}
