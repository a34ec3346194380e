//! Masternodes of a test chain: every secret of theirs is known.

use castellan::protocol::bls;
use castellan::protocol::message::message_hash;
use castellan::protocol::network::MnType;
use castellan::protocol::script;
use castellan::protocol::special_tx::pro_reg::{Platform, encoding_of};
use castellan::protocol::special_tx::{ProRegTx, Service};
use castellan::protocol::{KeyId, OutPoint, ProTxHash, Profile, SecpKey, Transaction};

/// Roles by the first byte of a secret; the rest is a number.
const OWNER: u8 = 1;
const OPERATOR: u8 = 2;
const VOTING: u8 = 3;
const COLLATERAL: u8 = 4;

/// What to register.
#[derive(Clone, Copy)]
pub struct Wanted {
    pub kind: MnType,
    /// Of the payload.
    pub version: u16,
    /// Hundredths of a percent.
    pub operator_reward: u16,
}

/// A registered masternode and the secrets of all its roles.
pub struct Masternode {
    /// Secrets, address and payout come from it.
    pub number: u8,
    pub wanted: Wanted,
    pub collateral: OutPoint,
    pub pro_tx_hash: ProTxHash,
}

fn secret(role: u8, number: u8) -> [u8; 32] {
    let mut bytes = [number; 32];
    bytes[0] = role;
    bytes
}

/// Any secp256k1 key of a number, in no role.
pub fn stranger(number: u8) -> SecpKey {
    SecpKey::from_bytes(&secret(9, number)).expect("in range")
}

/// The operator key of a number, also of numbers nobody is registered by.
pub fn operator(number: u8) -> bls::SecretKey {
    bls::SecretKey::from_bytes(&secret(OPERATOR, number)).expect("in range")
}

pub fn collateral_key(number: u8) -> SecpKey {
    SecpKey::from_bytes(&secret(COLLATERAL, number)).expect("in range")
}

impl Masternode {
    pub fn owner(&self) -> SecpKey {
        SecpKey::from_bytes(&secret(OWNER, self.number)).expect("in range")
    }

    pub fn voting(&self) -> KeyId {
        SecpKey::from_bytes(&secret(VOTING, self.number))
            .expect("in range")
            .key_id()
    }

    /// The key of the registration; updates may have replaced it.
    pub fn operator(&self) -> bls::SecretKey {
        operator(self.number)
    }

    /// Of the registration.
    pub fn service(&self, profile: &Profile) -> Service {
        Service::v4([1, 2, 3, self.number].into(), profile.p2p_port)
    }

    /// Of the registration.
    pub fn payout(&self) -> bitcoin::ScriptBuf {
        script::pay_to_key(&[self.number; 20])
    }

    /// Of the registration; none for regular ones.
    pub fn platform(&self) -> Option<Platform> {
        (self.wanted.kind == MnType::Evo).then_some(Platform {
            node_id: std::array::from_fn(|at| self.number ^ at as u8),
            p2p_port: 22_200,
            http_port: 22_201,
        })
    }

    /// The registration, signed by the collateral key; `tx` has its inputs.
    pub fn pro_reg(&self, tx: &Transaction, profile: &Profile) -> ProRegTx {
        let Wanted {
            kind,
            version,
            operator_reward,
        } = self.wanted;
        let mut payload = ProRegTx {
            version,
            kind: kind.number(),
            mode: 0,
            collateral: self.collateral,
            service: self.service(profile),
            owner: self.owner().key_id(),
            operator: self.operator().public_key().encode(encoding_of(version)),
            voting: self.voting(),
            operator_reward,
            payout: self.payout(),
            inputs_hash: tx.inputs_hash(),
            platform: self.platform(),
            signature: vec![0; 65],
        };
        self.sign(&mut payload, profile);
        payload
    }

    /// The collateral's signature over what the payload is now.
    pub fn sign(&self, payload: &mut ProRegTx, profile: &Profile) {
        let text = payload.sign_message(profile);
        let digest = message_hash(&profile.message_magic, text.as_bytes());
        let signature = collateral_key(self.number).sign_compact(&digest);
        payload.signature = signature.as_bytes().to_vec();
    }
}
