//! What a mined update does to its masternode (Dash Core evo/deterministicmns.cpp, BuildNewListFromBlock; evo/dmnstate.h).

use bitcoin::ScriptBuf;

use super::masternodes::State;
use crate::protocol::bls::{PublicKey, Scheme};
use crate::protocol::special_tx::pro_reg::{LEGACY_BLS, encoding_of};
use crate::protocol::special_tx::{ProUpRegTx, ProUpRevTx, ProUpServTx, Service};

const NO_KEY: [u8; 48] = [0; 48];

impl State {
    /// The address, the operator's payout and Platform's fields are replaced by what the payload says, empty or not. A banned
    /// masternode is revived if it has all its keys.
    pub fn serve(&mut self, payload: &ProUpServTx, height: u32) {
        self.service = payload.service;
        self.operator_payout = payload.operator_payout.clone();
        if payload.platform.is_some() {
            self.platform = payload.platform;
        }
        let has_keys = self.operator != NO_KEY && !self.voting.is_null() && !self.owner.is_null();
        if self.ban_height.is_some() && has_keys {
            self.penalty = 0;
            self.ban_height = None;
            self.revived_height = Some(height);
        }
    }

    /// Another operator key makes the masternode wait, banned, for its new operator; the same point in whatever encoding
    /// leaves the operator's part alone.
    pub fn reassign(&mut self, payload: &ProUpRegTx, height: u32) {
        if self.changes_operator(payload) {
            self.dismiss_operator(height);
            self.version = payload.version;
            self.operator = payload.operator;
        }
        self.voting = payload.voting;
        self.payout = payload.payout.clone();
    }

    /// The operator gives up: the masternode waits, banned, for its owner to name another.
    pub fn revoke(&mut self, payload: &ProUpRevTx, height: u32) {
        self.dismiss_operator(height);
        self.revocation_reason = payload.reason;
    }

    /// Whether the payload brings another operator key than the listed one, as points.
    pub(super) fn changes_operator(&self, payload: &ProUpRegTx) -> bool {
        let (listed, given) = (encoding_of(self.version), payload.key_encoding());
        !is_same_key((&self.operator, listed), (&payload.operator, given))
    }

    pub(super) fn is_revoked(&self) -> bool {
        self.operator == NO_KEY
    }

    /// Everything that was the operator's. A ban that was there keeps its height; score, queue and last payment stay.
    fn dismiss_operator(&mut self, height: u32) {
        self.version = LEGACY_BLS;
        self.operator = NO_KEY;
        self.service = Service::NONE;
        self.operator_payout = ScriptBuf::new();
        self.revocation_reason = 0;
        if let Some(platform) = &mut self.platform {
            platform.node_id = [0; 20];
        }
        self.ban_height.get_or_insert(height);
    }
}

fn is_same_key(a: (&[u8; 48], Scheme), b: (&[u8; 48], Scheme)) -> bool {
    if a.1 == b.1 {
        return a.0 == b.0;
    }
    match (PublicKey::decode(a.1, a.0), PublicKey::decode(b.1, b.0)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
