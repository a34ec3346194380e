//! One entry of the masternode list, as `protx list registered true` tells it (Dash Core evo/deterministicmns.h).

use bitcoin::OutPoint;

use crate::protocol::ProTxHash;
use crate::protocol::address::Address;
use crate::protocol::bls::{PublicKey, Scheme};
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::pro_reg::encoding_of;
use crate::protocol::special_tx::pro_up_rev::Reason;

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

/// The operator key of a list entry, as bytes: whether they are a point of the curve is looked at when somebody asks, not for
/// each of the thousands of entries of a list.
///
/// Equal means the same bytes in the same encoding; [`OperatorKey::is_same`] compares points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperatorKey {
    /// All zero: revoked by its operator, waiting for the owner.
    Revoked,
    /// 48 bytes and the encoding that the entry's state version says they are in. Maybe no key at all: nodes are laxer than this
    /// program.
    Listed { bytes: [u8; 48], encoding: Scheme },
    /// The node did not tell.
    NotTold,
}

impl OperatorKey {
    /// The 48 bytes in the encoding of the entry's state version.
    pub fn from_bytes(bytes: [u8; 48], encoding: Scheme) -> Self {
        if bytes == [0; 48] {
            Self::Revoked
        } else {
            Self::Listed { bytes, encoding }
        }
    }

    /// A key, written in an encoding.
    pub fn of(key: &PublicKey, encoding: Scheme) -> Self {
        let bytes = key.encode(encoding);
        Self::Listed { bytes, encoding }
    }

    pub fn is_revoked(&self) -> bool {
        *self == Self::Revoked
    }

    /// The key. Decoding checks that the bytes are a point of the right group, which takes a quarter of a millisecond. None for
    /// bytes that are none, and where there are no bytes.
    pub fn point(&self) -> Option<PublicKey> {
        match self {
            Self::Listed { bytes, encoding } => PublicKey::decode(*encoding, bytes).ok(),
            Self::Revoked | Self::NotTold => None,
        }
    }

    /// Whether it is this key, however it is written. A point has one form per encoding, so nothing is decoded.
    pub fn is(&self, key: &PublicKey) -> bool {
        match self {
            Self::Listed { bytes, encoding } => key.encode(*encoding) == *bytes,
            Self::Revoked | Self::NotTold => false,
        }
    }

    /// Whether both are the same point, in whichever encoding each is written; of bytes that are no point, whether they are equal.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Listed { encoding: one, .. }, Self::Listed { encoding: two, .. }) if one != two => {
                other.point().is_some_and(|key| self.is(&key))
            }
            _ => self == other,
        }
    }

    /// The 48 bytes in an encoding; zeros when revoked or not told. Bytes that are no key stay as they are.
    pub fn to_bytes(&self, encoding: Scheme) -> [u8; 48] {
        match self {
            Self::Revoked | Self::NotTold => [0; 48],
            Self::Listed { bytes, encoding: own } if *own == encoding => *bytes,
            Self::Listed { bytes, .. } => self.point().map_or(*bytes, |key| key.encode(encoding)),
        }
    }

    /// Hexadecimal in an encoding; zeros when revoked or not told.
    pub fn to_hex(&self, encoding: Scheme) -> String {
        crate::protocol::wire::to_hex(&self.to_bytes(encoding))
    }
}

impl State {
    /// Puts a key in, in the encoding of this state's version.
    pub fn name_operator(&mut self, key: &PublicKey) {
        self.operator = OperatorKey::of(key, encoding_of(self.version));
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

/// Why a masternode is banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BanReason {
    /// It failed in more DKGs than the rules forgive.
    Misbehaviour,
    /// It was registered without an address.
    NoAddress,
    /// Its owner named another operator key.
    OperatorChanged,
    /// Its operator gave up.
    Revoked { reason: u16 },
}

impl BanReason {
    /// For a column of a table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Misbehaviour => "misbehaviour",
            Self::NoAddress => "no address",
            Self::OperatorChanged => "operator changed",
            Self::Revoked { .. } => "revoked",
        }
    }

    /// What happened and what ends it.
    pub fn sentence(self) -> String {
        match self {
            Self::Misbehaviour => {
                "It failed in too many quorum DKGs. A service update by its operator enables it again.".to_owned()
            }
            Self::NoAddress => {
                "It was registered without an address. A service update by its operator enables it.".to_owned()
            }
            Self::OperatorChanged => {
                "Its owner named another operator key. A service update by the new operator enables it again."
                    .to_owned()
            }
            Self::Revoked { reason } => {
                let told = Reason::from_number(reason).filter(|reason| *reason != Reason::NotSpecified);
                let told = told.map_or_else(String::new, |reason| format!(" ({reason})"));
                format!("Its operator gave up{told}. Its owner has to name a new operator key first.")
            }
        }
    }
}

impl Entry {
    /// Why it is banned; None if it is not.
    ///
    /// A list tells it only in part: who is banned without an address had none when it was registered or lost it with its operator
    /// key, and in the first case has been banned since its registration.
    pub fn reason(&self) -> Option<BanReason> {
        let since = self.state.pose_ban_height?;
        Some(match self.status() {
            Status::Revoked => BanReason::Revoked {
                reason: self.state.revocation_reason,
            },
            Status::WaitingForService if since == self.state.registered_height => BanReason::NoAddress,
            Status::WaitingForService => BanReason::OperatorChanged,
            Status::PoseBanned | Status::Enabled | Status::Penalised => BanReason::Misbehaviour,
        })
    }

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
        encoding_of(self.state.version)
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use bitcoin::hashes::Hash;

    use super::*;
    use crate::protocol::bls::SecretKey;

    fn key(n: u8) -> PublicKey {
        SecretKey::from_bytes(&[n; 32]).expect("in range").public_key()
    }

    fn both(n: u8) -> [OperatorKey; 2] {
        [Scheme::Legacy, Scheme::Basic].map(|encoding| OperatorKey::of(&key(n), encoding))
    }

    #[test]
    fn a_key_is_the_same_in_either_encoding_and_equal_in_one() {
        let [legacy, basic] = both(7);
        assert!(legacy.is_same(&basic) && basic.is_same(&legacy) && legacy != basic);
        for listed in [legacy, basic] {
            assert_eq!(listed.point(), Some(key(7)));
            assert!(listed.is(&key(7)) && !listed.is(&key(8)) && !listed.is(&key(7).opposite()));
            for encoding in [Scheme::Legacy, Scheme::Basic] {
                assert_eq!(listed.to_bytes(encoding), key(7).encode(encoding));
                assert_eq!(listed.to_hex(encoding), key(7).to_hex(encoding));
            }
        }
        let others = both(8);
        assert!(
            others
                .iter()
                .all(|other| !legacy.is_same(other) && !basic.is_same(other))
        );
    }

    #[test]
    fn the_same_bytes_in_another_encoding_are_another_key() {
        // Some key whose bytes are well-formed in both.
        let (bytes, named) = (1..=u8::MAX)
            .map(|n| (key(n).encode(Scheme::Basic), key(n)))
            .find(|(bytes, _)| PublicKey::decode(Scheme::Legacy, bytes).is_ok())
            .expect("every second one is");
        let [legacy, basic] = [Scheme::Legacy, Scheme::Basic].map(|encoding| OperatorKey::from_bytes(bytes, encoding));
        assert!(basic.is(&named) && legacy.is(&named.opposite()));
        assert!(!legacy.is_same(&basic) && legacy != basic);
    }

    #[test]
    fn bytes_that_are_no_key_are_kept_and_are_nobodys() {
        for bytes in [[0xff; 48], [1; 48], [0xbf; 48]] {
            for encoding in [Scheme::Legacy, Scheme::Basic] {
                let odd = OperatorKey::from_bytes(bytes, encoding);
                assert_eq!((odd.point(), odd.is(&key(7))), (None, false));
                assert_eq!(odd.to_bytes(Scheme::Legacy), bytes);
                assert_eq!(odd.to_bytes(Scheme::Basic), bytes);
                assert!(odd.is_same(&odd) && !odd.is_revoked());
                assert!(both(7).iter().all(|known| !odd.is_same(known) && !known.is_same(&odd)));
            }
        }
    }

    #[test]
    fn no_key_is_either_revoked_or_not_told() {
        let revoked = OperatorKey::from_bytes([0; 48], Scheme::Basic);
        assert_eq!(revoked, OperatorKey::Revoked);
        assert!(revoked.is_revoked() && !OperatorKey::NotTold.is_revoked());
        assert!(!revoked.is_same(&OperatorKey::NotTold));
        for nothing in [revoked, OperatorKey::NotTold] {
            assert_eq!((nothing.point(), nothing.is(&key(7))), (None, false));
            assert_eq!(nothing.to_hex(Scheme::Legacy), "0".repeat(96));
            assert!(!nothing.is_same(&both(7)[0]) && !both(7)[1].is_same(&nothing));
        }
    }

    fn banned(at: Option<u32>, operator: OperatorKey, service: Service) -> Entry {
        Entry {
            pro_tx_hash: ProTxHash::from_byte_array([1; 32]),
            kind: MnType::Regular,
            collateral: OutPoint::null(),
            operator_reward: 0,
            confirmations: None,
            state: State {
                version: 2,
                service,
                registered_height: 500,
                last_paid_height: 0,
                consecutive_payments: 0,
                pose_penalty: 0,
                pose_revived_height: None,
                pose_ban_height: at,
                revocation_reason: 3,
                owner: None,
                voting: None,
                payout: None,
                operator_payout: None,
                operator,
                platform_node_id: None,
                platform_p2p_port: None,
                platform_http_port: None,
            },
        }
    }

    #[test]
    fn a_ban_has_one_of_four_reasons() {
        let known = OperatorKey::of(&key(7), Scheme::Basic);
        let somewhere = Service::v4([1, 2, 3, 4].into(), 9999);
        for (at, operator, service, reason) in [
            (None, known, somewhere, None),
            (None, OperatorKey::Revoked, Service::NONE, None),
            (Some(900), known, somewhere, Some(BanReason::Misbehaviour)),
            (Some(500), known, somewhere, Some(BanReason::Misbehaviour)),
            (Some(500), known, Service::NONE, Some(BanReason::NoAddress)),
            (Some(501), known, Service::NONE, Some(BanReason::OperatorChanged)),
            (
                Some(501),
                OperatorKey::NotTold,
                Service::NONE,
                Some(BanReason::OperatorChanged),
            ),
            (
                Some(500),
                OperatorKey::Revoked,
                Service::NONE,
                Some(BanReason::Revoked { reason: 3 }),
            ),
            (
                Some(900),
                OperatorKey::Revoked,
                somewhere,
                Some(BanReason::Revoked { reason: 3 }),
            ),
        ] {
            assert_eq!(
                banned(at, operator, service).reason(),
                reason,
                "{at:?} {operator:?} {service}"
            );
        }
    }

    #[test]
    fn a_reason_is_a_word_and_a_sentence() {
        let revoked = |reason| BanReason::Revoked { reason };
        let all = [
            BanReason::Misbehaviour,
            BanReason::NoAddress,
            BanReason::OperatorChanged,
            revoked(0),
        ];
        let words: HashSet<&str> = all.iter().map(|reason| reason.word()).collect();
        assert_eq!(words.len(), 4);
        for reason in all.into_iter().chain([1, 2, 3, 4, u16::MAX].map(revoked)) {
            let sentence = reason.sentence();
            assert!(sentence.starts_with("It") && sentence.ends_with('.'), "{sentence}");
        }
        assert!(revoked(2).sentence().contains("(compromised keys)"));
        assert!(!revoked(0).sentence().contains('(') && !revoked(77).sentence().contains('('));
    }
}
