//! What each update does to its masternode, mined on a healthy one and on a banned one (the table of consequences in
//! DIP-0003 and Dash Core evo/deterministicmns.cpp).

use bitcoin::ScriptBuf;

use super::support::{NOW, operator};
use super::update_bench::{ALL, Updates};
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
