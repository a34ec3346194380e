//! What a provider transaction does to the masternode it is about once it is in a block (Dash Core evo/deterministicmns.cpp,
//! BuildNewListFromBlock; DIP-0003).

use super::entry::{Entry, OperatorKey, State};
use crate::protocol::script;
use crate::protocol::special_tx::pro_reg::LEGACY_BLS;
use crate::protocol::special_tx::{Payload, ProUpRegTx, ProUpRevTx, ProUpServTx, Service};

/// The state of a masternode after the block at `height` took an update of it. None for payloads that change no existing
/// masternode.
///
/// What blocks do besides (PoSe decay, payments) is not in it.
pub fn after(entry: &Entry, payload: &Payload, height: u32) -> Option<State> {
    let mut state = entry.state.clone();
    match payload {
        Payload::ProUpServ(payload) => serve(&mut state, payload, height),
        Payload::ProUpReg(payload) => register(&mut state, payload, height),
        Payload::ProUpRev(payload) => revoke(&mut state, payload, height),
        Payload::None | Payload::ProReg(_) | Payload::Unknown { .. } => return None,
    }
    Some(state)
}

/// Whether a masternode is as an update leaves it. That it is does not prove that the update is in a block: another may have said
/// the same.
pub fn is_in(entry: &Entry, payload: &Payload) -> bool {
    let bans = |state: &State| (state.pose_ban_height, state.pose_penalty, state.pose_revived_height);
    let state = &entry.state;
    after(entry, payload, 0).is_some_and(|mut after| {
        // Of no interest here: when it was banned or revived, and what became of that since.
        (after.pose_ban_height, after.pose_penalty, after.pose_revived_height) = bans(state);
        after == *state
    })
}

fn serve(state: &mut State, payload: &ProUpServTx, height: u32) {
    state.service = payload.service;
    state.operator_payout = script::address(payload.operator_payout.as_bytes());
    if let Some(platform) = payload.platform {
        state.platform_node_id = Some(platform.node_id_hex());
        state.platform_p2p_port = Some(platform.p2p_port);
        state.platform_http_port = Some(platform.http_port);
    }
    // Any update revives, one that changes nothing too.
    if state.pose_ban_height.is_some() && state.operator != OperatorKey::Revoked {
        state.pose_penalty = 0;
        state.pose_ban_height = None;
        state.pose_revived_height = Some(height);
    }
}

fn register(state: &mut State, payload: &ProUpRegTx, height: u32) {
    if is_other_operator(state, payload) {
        reset_operator(state, payload.version);
        state.operator = OperatorKey::from_bytes(payload.operator, payload.key_encoding());
        state.pose_ban_height = state.pose_ban_height.or(Some(height));
    }
    state.voting = Some(payload.voting);
    state.payout = script::address(payload.payout.as_bytes());
}

/// Nodes compare points: the same key in another encoding is the same operator.
fn is_other_operator(state: &State, payload: &ProUpRegTx) -> bool {
    let named = OperatorKey::from_bytes(payload.operator, payload.key_encoding());
    !state.operator.is_same(&named)
}

fn revoke(state: &mut State, payload: &ProUpRevTx, height: u32) {
    reset_operator(state, LEGACY_BLS);
    state.operator = OperatorKey::Revoked;
    state.revocation_reason = payload.reason;
    state.pose_ban_height = state.pose_ban_height.or(Some(height));
}

/// The ports of an evonode stay; its identity goes.
fn reset_operator(state: &mut State, version: u16) {
    state.version = version;
    state.service = Service::NONE;
    state.operator_payout = None;
    state.platform_node_id = None;
    state.revocation_reason = 0;
}

#[cfg(test)]
mod tests {
    use bitcoin::ScriptBuf;
    use bitcoin::hashes::Hash;

    use super::*;
    use crate::protocol::bls::{PublicKey, Scheme, SecretKey};
    use crate::protocol::key::KeyId;
    use crate::protocol::network::MnType;
    use crate::protocol::special_tx::pro_up_rev::Reason;
    use crate::protocol::{Address, OutPoint, ProTxHash};

    const HEIGHT: u32 = 900;

    fn key(n: u8) -> PublicKey {
        SecretKey::from_bytes(&[n; 32]).expect("in range").public_key()
    }

    fn entry(banned: Option<u32>) -> Entry {
        Entry {
            pro_tx_hash: ProTxHash::from_byte_array([1; 32]),
            kind: MnType::Evo,
            collateral: OutPoint::null(),
            operator_reward: 100,
            confirmations: None,
            state: State {
                version: 2,
                service: Service::v4([1, 2, 3, 4].into(), 9999),
                registered_height: 5,
                last_paid_height: 800,
                consecutive_payments: 0,
                pose_penalty: 40,
                pose_revived_height: None,
                pose_ban_height: banned,
                revocation_reason: 0,
                owner: Some(KeyId([1; 20])),
                voting: Some(KeyId([2; 20])),
                payout: Some(Address::PubkeyHash([3; 20])),
                operator_payout: Some(Address::PubkeyHash([4; 20])),
                operator: OperatorKey::of(&key(1), Scheme::Basic),
                platform_node_id: Some("ab".repeat(20)),
                platform_p2p_port: Some(1),
                platform_http_port: Some(2),
            },
        }
    }

    fn serve(payout: ScriptBuf) -> Payload {
        Payload::ProUpServ(Box::new(ProUpServTx {
            version: 2,
            kind: 0,
            pro_tx_hash: ProTxHash::from_byte_array([1; 32]),
            service: Service::v4([5, 6, 7, 8].into(), 9999),
            operator_payout: payout,
            inputs_hash: [0; 32],
            platform: None,
            signature: [0; 96],
        }))
    }

    fn register(operator: PublicKey, version: u16) -> Payload {
        let encoding = if version == 1 { Scheme::Legacy } else { Scheme::Basic };
        Payload::ProUpReg(Box::new(ProUpRegTx {
            version,
            pro_tx_hash: ProTxHash::from_byte_array([1; 32]),
            mode: 0,
            operator: operator.encode(encoding),
            voting: KeyId([8; 20]),
            payout: script::pay_to_key(&[9; 20]),
            inputs_hash: [0; 32],
            signature: Vec::new(),
        }))
    }

    fn revoke() -> Payload {
        let hash = ProTxHash::from_byte_array([1; 32]);
        Payload::ProUpRev(Box::new(ProUpRevTx::unsigned(
            2,
            hash,
            Reason::CompromisedKeys,
            [0; 32],
        )))
    }

    #[test]
    fn a_service_update_of_a_healthy_masternode_leaves_penalty_and_queue_alone() {
        let before = entry(None);
        let state = after(&before, &serve(script::pay_to_key(&[7; 20])), HEIGHT).expect("an update");
        assert_eq!(state.service.to_string(), "5.6.7.8:9999");
        assert_eq!(state.operator_payout, Some(Address::PubkeyHash([7; 20])));
        let rest = |state: &State| (state.pose_penalty, state.pose_revived_height, state.last_paid_height);
        assert_eq!(rest(&state), rest(&before.state));
    }

    #[test]
    fn an_empty_operator_payout_erases_the_address() {
        let state = after(&entry(None), &serve(ScriptBuf::new()), HEIGHT).expect("an update");
        assert_eq!(state.operator_payout, None);
    }

    #[test]
    fn a_service_update_revives_a_banned_masternode_and_not_a_revoked_one() {
        let state = after(&entry(Some(850)), &serve(ScriptBuf::new()), HEIGHT).expect("an update");
        let revived = (state.pose_ban_height, state.pose_penalty, state.pose_revived_height);
        assert_eq!(revived, (None, 0, Some(HEIGHT)));
        let mut revoked = entry(Some(850));
        revoked.state.operator = OperatorKey::Revoked;
        let state = after(&revoked, &serve(ScriptBuf::new()), HEIGHT).expect("an update");
        assert_eq!(state.pose_ban_height, Some(850));
    }

    #[test]
    fn another_operator_key_bans_and_wipes_and_the_same_point_in_another_encoding_does_not() {
        let state = after(&entry(None), &register(key(2), 2), HEIGHT).expect("an update");
        assert!(state.operator.is(&key(2)));
        assert!(state.service.is_none() && state.operator_payout.is_none() && state.platform_node_id.is_none());
        assert_eq!((state.pose_ban_height, state.pose_penalty), (Some(HEIGHT), 40));

        let same = after(&entry(None), &register(key(1), 1), HEIGHT).expect("an update");
        assert_eq!((same.version, same.pose_ban_height), (2, None));
        assert!(!same.service.is_none());
        assert_eq!(
            (same.voting, same.payout),
            (Some(KeyId([8; 20])), Some(Address::PubkeyHash([9; 20])))
        );
    }

    #[test]
    fn a_masternode_that_is_banned_already_keeps_the_height_of_its_ban() {
        for payload in [register(key(2), 2), revoke()] {
            let state = after(&entry(Some(850)), &payload, HEIGHT).expect("an update");
            assert_eq!(state.pose_ban_height, Some(850));
        }
    }

    #[test]
    fn a_revocation_zeroes_the_operator_and_keeps_the_reason() {
        let state = after(&entry(None), &revoke(), HEIGHT).expect("an update");
        assert_eq!(state.operator, OperatorKey::Revoked);
        assert_eq!(
            (state.revocation_reason, state.version, state.pose_ban_height),
            (2, 1, Some(HEIGHT))
        );
        assert!(state.service.is_none() && state.operator_payout.is_none());
    }

    #[test]
    fn the_owner_can_put_a_revoked_operator_back() {
        let mut revoked = entry(Some(850));
        revoked.state.operator = OperatorKey::Revoked;
        revoked.state.revocation_reason = 3;
        let state = after(&revoked, &register(key(1), 2), HEIGHT).expect("an update");
        assert!(state.operator.is(&key(1)));
        assert_eq!((state.revocation_reason, state.pose_ban_height), (0, Some(850)));
    }
}
