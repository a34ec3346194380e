//! What each update does to its masternode, mined on a healthy one and on a banned one (the table of consequences in
//! DIP-0003 and Dash Core evo/deterministicmns.cpp).

use bitcoin::ScriptBuf;

use super::support::{Bench, NOW, operator, start};
use super::update_bench::{ALL, Updates};
use crate::protocol::bls::Scheme;
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Service;
use crate::protocol::tx::{PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV};
use crate::sandbox::masternodes::State;

/// Every profile with every kind of masternode it has.
const WORLDS: [(&str, MnType); 3] = [
    ("dash-regtest", MnType::Regular),
    ("dash-regtest", MnType::Evo),
    ("wei-regtest", MnType::Regular),
];

/// A masternode of each world, healthy or banned by misbehaviour, with the height of its ban.
fn worlds(banned: bool) -> impl Iterator<Item = (Updates, Option<u32>)> {
    WORLDS.into_iter().map(move |(network, kind)| {
        let mut updates = Updates::new(network, kind);
        if !banned {
            return (updates, None);
        }
        updates.chain.ban(updates.hash).unwrap();
        updates.chain.mine(NOW);
        let state = updates.state();
        assert_eq!((state.penalty, state.ban_height), (100, Some(updates.chain.height())));
        (updates, state.ban_height)
    })
}

#[test]
fn every_update_is_accepted_on_every_profile_for_every_kind_of_masternode() {
    for (updates, _) in worlds(false).chain(worlds(true)) {
        for kind in ALL {
            assert_eq!(updates.verdict(kind), "accepted", "type {kind}");
        }
    }
}

#[test]
fn a_service_update_of_a_healthy_masternode_changes_its_address_and_nothing_of_its_queue() {
    for (mut updates, _) in worlds(false) {
        let before = updates.state();
        updates.mine(PRO_UP_SERV);
        let expected = State {
            service: updates.serv.service,
            operator_payout: Updates::pays_to(16),
            platform: updates.serv.platform,
            confirmed_hash: updates.state().confirmed_hash,
            last_paid_height: updates.state().last_paid_height,
            ..before
        };
        assert_eq!(updates.state(), expected);
        // Left out is erased.
        updates.serv.operator_payout = ScriptBuf::new();
        updates.mine(PRO_UP_SERV);
        assert_eq!(updates.state().operator_payout, ScriptBuf::new());
    }
}

#[test]
fn a_service_update_revives_a_banned_masternode_even_with_its_old_address() {
    for (mut updates, _) in worlds(true) {
        updates.serv.service = updates.state().service;
        let height = updates.mine(PRO_UP_SERV);
        let state = updates.state();
        assert_eq!(
            (state.penalty, state.ban_height, state.revived_height),
            (0, None, Some(height))
        );
    }
}

#[test]
fn the_same_operator_key_leaves_all_but_voting_key_and_payout() {
    for (mut updates, _) in worlds(false).chain(worlds(true)) {
        updates.chain.mine(NOW);
        let before = updates.state();
        updates.mine(PRO_UP_REG);
        let after = updates.state();
        let expected = State {
            voting: updates.reg.voting,
            payout: updates.reg.payout.clone(),
            last_paid_height: after.last_paid_height,
            ..before
        };
        assert_eq!(after, expected);
    }
}

#[test]
fn another_operator_key_bans_wipes_and_waits_for_its_operator() {
    for (mut updates, banned_at) in worlds(false).chain(worlds(true)) {
        let before = updates.state();
        updates.set_operator(25);
        let height = updates.mine(PRO_UP_REG);
        let state = updates.state();
        assert_eq!(state.ban_height, banned_at.or(Some(height)));
        assert_eq!(state.service, Service::NONE);
        assert!(state.operator_payout.is_empty());
        assert_eq!(state.operator, updates.reg.operator);
        assert_eq!(state.version, updates.reg.version);
        assert_eq!(
            (state.penalty, state.revived_height),
            (before.penalty, before.revived_height)
        );
        assert_eq!(state.registered_height, before.registered_height);
        if let (Some(platform), Some(before)) = (state.platform, before.platform) {
            assert_eq!((platform.node_id, platform.p2p_port), ([0; 20], before.p2p_port));
        }
        assert_eq!(updates.verdict(PRO_UP_SERV), "bad-protx-sig", "by the old operator");
        updates.operator = Some(operator(25));
        let revived = updates.mine(PRO_UP_SERV);
        let state = updates.state();
        assert_eq!((state.ban_height, state.revived_height), (None, Some(revived)));
        assert_eq!((state.penalty, state.platform), (0, updates.serv.platform));
    }
}

#[test]
fn a_revocation_leaves_no_key_and_the_owner_may_put_the_same_one_back() {
    for (mut updates, banned_at) in worlds(false).chain(worlds(true)) {
        let before = updates.state();
        let height = updates.mine(PRO_UP_REV);
        let state = updates.state();
        assert_eq!((state.operator, state.version), ([0; 48], 1));
        assert_eq!((state.service, state.revocation_reason), (Service::NONE, 2));
        assert_eq!(state.ban_height, banned_at.or(Some(height)));
        assert_eq!((state.penalty, state.voting), (before.penalty, before.voting));
        assert!(state.operator_payout.is_empty());
        for kind in [PRO_UP_SERV, PRO_UP_REV] {
            assert_eq!(updates.verdict(kind), "bad-protx-sig", "type {kind} after a revocation");
        }
        updates.mine(PRO_UP_REG);
        let state = updates.state();
        assert_eq!((state.operator, state.revocation_reason), (updates.reg.operator, 0));
        assert_eq!(state.version, updates.reg.version);
        assert_eq!(state.ban_height, banned_at.or(Some(height)));
        let revived = updates.mine(PRO_UP_SERV);
        assert_eq!(updates.state().revived_height, Some(revived));
    }
}

#[test]
fn a_masternode_registered_without_address_waits_for_its_operator() {
    for (network, kind) in WORLDS {
        let mut bench = Bench::new(network, kind);
        bench.payload.service = Service::NONE;
        let mut updates = Updates::of(bench);
        let registered = updates.state().registered_height;
        assert_eq!(updates.state().ban_height, Some(registered));
        let height = updates.mine(PRO_UP_SERV);
        let state = updates.state();
        assert_eq!((state.ban_height, state.revived_height), (None, Some(height)));
        assert_eq!(state.registered_height, registered);
    }
}

#[test]
fn a_revived_masternode_is_paid_after_everyone_who_was_there() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut updates = Updates::new(network, MnType::Regular);
        updates.chain.ban(updates.hash).unwrap();
        updates.chain.mine(NOW);
        let height = updates.mine(PRO_UP_SERV);
        let others: Vec<_> = updates.chain.list().valid().map(|mn| mn.pro_tx_hash).collect();
        let mut paid = Vec::new();
        while paid.last() != Some(&updates.hash) {
            paid.push(updates.chain.mine(NOW).payment.as_ref().unwrap().pro_tx_hash);
        }
        // The one paid in the block of the revival has the same height; their hashes decide.
        assert!(
            paid.len() + 1 >= others.len(),
            "paid {} blocks after {height}",
            paid.len()
        );
    }
}

#[test]
fn a_healthy_masternode_keeps_its_turn_over_address_voting_key_and_payout() {
    for network in ["dash-regtest", "wei-regtest"] {
        let [mut with, mut without] = [(); 2].map(|()| Updates::new(network, MnType::Regular));
        with.mine(PRO_UP_SERV);
        with.mine(PRO_UP_REG);
        without.chain.mine(NOW);
        without.chain.mine(NOW);
        assert_eq!(with.chain.projected_payees(20), without.chain.projected_payees(20));
    }
}

#[test]
fn operators_are_paid_by_the_address_they_named_and_no_longer() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut updates = Updates::new(network, MnType::Regular);
        let shares = |updates: &mut Updates, payout: ScriptBuf| {
            updates.serv.operator_payout = payout;
            updates.mine(PRO_UP_SERV);
            loop {
                let payment = updates.chain.mine(NOW).payment.clone().unwrap();
                if payment.pro_tx_hash == updates.hash {
                    let is_operators = |(script, _): &&(ScriptBuf, u64)| *script == Updates::pays_to(16);
                    let operators: u64 = payment
                        .outputs
                        .iter()
                        .filter(is_operators)
                        .map(|(_, amount)| amount)
                        .sum();
                    let owners: u64 = payment.outputs.iter().map(|(_, amount)| amount).sum::<u64>() - operators;
                    break (operators, owners);
                }
            }
        };
        let (operators, owners) = shares(&mut updates, Updates::pays_to(16));
        assert!(operators > 0 && operators * 15 < owners, "5 %: {operators} of {owners}");
        assert_eq!(shares(&mut updates, ScriptBuf::new()).0, 0);
    }
}

/// The same point in the encoding of version 2 is the same key, and the list goes on writing it as before.
#[test]
fn a_masternode_of_version_1_keeps_its_version_until_its_key_changes() {
    let mut bench = Bench::new("dash-regtest", MnType::Regular);
    bench.payload.version = 1;
    bench.payload.operator = operator(15).public_key().encode(Scheme::Legacy);
    let mut updates = Updates::of(bench);
    assert_eq!((updates.reg.version, updates.state().version), (2, 1));
    let before = updates.state();
    updates.mine(PRO_UP_SERV);
    updates.mine(PRO_UP_REG);
    let state = updates.state();
    assert_eq!(
        (state.version, state.operator, state.ban_height),
        (1, before.operator, None)
    );
    assert_eq!(state.service, updates.serv.service);
    updates.set_operator(25);
    updates.mine(PRO_UP_REG);
    assert_eq!(updates.state().version, 2);
    // And back: the version is that of the payload that changed the key.
    (updates.reg.version, updates.operator) = (1, Some(operator(26)));
    updates.set_operator(26);
    updates.mine(PRO_UP_REG);
    assert_eq!(updates.state().version, 1);
    updates.mine(PRO_UP_SERV);
    assert_eq!(updates.state().ban_height, None);
}

#[test]
fn a_ban_by_hand_is_one_by_misbehaviour() {
    let mut chain = start("dash-regtest", 6);
    let hash = chain.list().valid().next().unwrap().pro_tx_hash;
    chain.fail_dkg(hash).unwrap();
    chain.ban(hash).unwrap();
    chain.mine(NOW);
    let state = chain.list().get(hash).unwrap().state.clone();
    assert_eq!((state.penalty, state.ban_height), (100, Some(chain.height())));
    chain.ban(hash).unwrap();
    chain.mine(NOW);
    assert_eq!(
        chain.list().get(hash).unwrap().state,
        state,
        "once banned, the height stays"
    );
    use bitcoin::hashes::Hash;
    assert!(chain.ban(crate::protocol::ProTxHash::all_zeros()).is_err());
}
