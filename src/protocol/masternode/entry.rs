//! One entry of the masternode list, as `protx list registered true` tells it (Dash Core evo/deterministicmns.h).

use bitcoin::OutPoint;

use crate::protocol::address::Address;
use crate::protocol::bls;
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Service;
use crate::protocol::{ProTxHash, bls::Scheme};

/// A masternode's state at a height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub pro_tx_hash: ProTxHash,
    pub kind: MnType,
    pub collateral: OutPoint,
    /// Hundredths of a percent.
    pub operator_reward: u16,
    /// Confirmations of the collateral, where the node knows them.
    pub confirmations: Option<u32>,
    pub state: State,
}

/// The part that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// 1: the operator key is printed in the legacy encoding; absent in nodes before 19, which know no other.
    pub version: u16,
    pub service: Service,
    pub registered_height: u32,
    /// 0 if never paid.
    pub last_paid_height: u32,
    pub consecutive_payments: u32,
    pub pose_penalty: u32,
    pub pose_revived_height: Option<u32>,
    /// Set means banned.
    pub pose_ban_height: Option<u32>,
    pub revocation_reason: u16,
    /// Absent for shared masternodes of later nodes.
    pub owner: Option<KeyId>,
    pub voting: Option<KeyId>,
    pub payout: Option<Address>,
    pub operator_payout: Option<Address>,
    pub operator: OperatorKey,
    pub platform_node_id: Option<String>,
    /// Evonodes only, and only where the node tells.
    pub platform_p2p_port: Option<u16>,
    pub platform_http_port: Option<u16>,
}

/// The operator key of a list entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorKey {
    /// All zero: revoked by its operator, waiting for the owner.
    Revoked,
    Known(bls::PublicKey),
    /// Bytes that are no key in the entry's encoding (nodes are laxer than this program).
    Odd([u8; 48]),
}

impl OperatorKey {
    /// Reads the 48 bytes in the encoding of the entry's state version.
    pub fn from_bytes(bytes: [u8; 48], encoding: Scheme) -> Self {
        if bytes == [0; 48] {
            return Self::Revoked;
        }
        bls::PublicKey::decode(encoding, &bytes).map_or(Self::Odd(bytes), Self::Known)
    }

    /// The 48 bytes in an encoding; zeros when revoked.
    pub fn to_bytes(&self, encoding: Scheme) -> [u8; 48] {
        match self {
            Self::Revoked => [0; 48],
            Self::Known(key) => key.encode(encoding),
            Self::Odd(bytes) => *bytes,
        }
    }

    /// Hexadecimal in an encoding; zeros when revoked.
    pub fn to_hex(&self, encoding: Scheme) -> String {
        crate::protocol::wire::to_hex(&self.to_bytes(encoding))
    }
}

/// What a masternode is doing, in the words of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Enabled,
    /// Enabled with a penalty: it missed a DKG not long ago.
    Penalised,
    /// Banned for misbehaviour.
    PoseBanned,
    /// Registered without address, or its operator key was changed: a ProUpServTx enables it.
    WaitingForService,
    /// The operator gave up; the owner has to name a new operator.
    Revoked,
}

impl Entry {
    pub fn is_banned(&self) -> bool {
        self.state.pose_ban_height.is_some()
    }

    pub fn status(&self) -> Status {
        match (self.is_banned(), self.state.operator) {
            (false, _) if self.state.pose_penalty > 0 => Status::Penalised,
            (false, _) => Status::Enabled,
            (true, OperatorKey::Revoked) => Status::Revoked,
            (true, _) if self.state.service.is_none() => Status::WaitingForService,
            (true, _) => Status::PoseBanned,
        }
    }

    /// The encoding this entry's operator key is printed in.
    pub fn key_encoding(&self) -> Scheme {
        if self.state.version <= 1 {
            Scheme::Legacy
        } else {
            Scheme::Basic
        }
    }
}

impl Status {
    /// As `masternodelist` has it where it has one, else more precise.
    pub fn as_text(self) -> &'static str {
        match self {
            Self::Enabled | Self::Penalised => "ENABLED",
            Self::PoseBanned => "POSE_BANNED",
            Self::WaitingForService => "WAITING_FOR_SERVICE",
            Self::Revoked => "REVOKED",
        }
    }
}
