//! A chain with a listed masternode all of whose keys are known, and one good update of each type.

use bitcoin::{OutPoint, ScriptBuf};

use super::support::{Bench, NOW, key, key_id, operator, verdict};
use crate::protocol::bls::{self, Scheme};
use crate::protocol::key::SecpKey;
use crate::protocol::network::MnType;
use crate::protocol::script::pay_to_key;
use crate::protocol::special_tx::operator_signature::UNSIGNED;
use crate::protocol::special_tx::{ProUpRegTx, ProUpRevTx, ProUpServTx, Service};
use crate::protocol::tx::{PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV, Transaction, TxIn, TxOut};
use crate::protocol::{Amount, ProTxHash};
use crate::sandbox::Chain;
use crate::sandbox::faucet::sign_inputs;
use crate::sandbox::masternodes::State;

pub const ALL: [u16; 3] = [PRO_UP_SERV, PRO_UP_REG, PRO_UP_REV];

/// Keys by number as in [`Bench`]: 10 collateral, 11 fee, 12 owner, 13 voting, 14 payout, 15 operator; 16 is paid for the
/// operator. Operator reward 5 %.
pub struct Updates {
    pub chain: Chain,
    pub hash: ProTxHash,
    pub serv: ProUpServTx,
    pub reg: ProUpRegTx,
    pub rev: ProUpRevTx,
    /// Who signs; none: nobody.
    pub operator: Option<bls::SecretKey>,
    pub owner: Option<SecpKey>,
    pub scheme: Scheme,
    /// Confirmed coins of key 11, one for each update.
    fees: Vec<OutPoint>,
}

const FEE_COIN: u64 = 100_000;

impl Updates {
    pub fn new(network: &str, kind: MnType) -> Self {
        Self::of(Bench::new(network, kind))
    }

    /// Registers the bench's masternode.
    pub fn of(mut bench: Bench) -> Self {
        let hash = bench.chain.submit(bench.build(), NOW).unwrap();
        bench.chain.mine(NOW);
        let (version, scheme) = match bench.chain.is_v19_next() {
            true => (2, Scheme::Basic),
            false => (1, Scheme::Legacy),
        };
        let registered = bench.payload;
        let mut updates = Self {
            hash,
            serv: ProUpServTx {
                version,
                kind: registered.kind,
                pro_tx_hash: hash,
                service: Service::v4([198, 51, 100, 8].into(), 19999),
                operator_payout: pay_to_key(&key_id(16).0),
                inputs_hash: [0; 32],
                platform: registered.platform,
                signature: UNSIGNED,
            },
            reg: ProUpRegTx {
                version,
                pro_tx_hash: hash,
                mode: 0,
                operator: operator(15).public_key().encode(scheme),
                voting: key_id(17),
                payout: pay_to_key(&key_id(18).0),
                inputs_hash: [0; 32],
                signature: Vec::new(),
            },
            rev: ProUpRevTx {
                version,
                pro_tx_hash: hash,
                reason: 2,
                inputs_hash: [0; 32],
                signature: UNSIGNED,
            },
            operator: Some(operator(15)),
            owner: Some(key(12)),
            scheme,
            chain: bench.chain,
            fees: Vec::new(),
        };
        updates.refuel();
        updates
    }

    /// Sixteen fee coins more.
    pub fn refuel(&mut self) {
        let coin = (pay_to_key(&key_id(11).0), Amount::from_duffs(FEE_COIN));
        let txid = self.chain.fund(&vec![coin; 16], NOW).unwrap();
        self.chain.mine(NOW);
        self.fees.extend((0..16).map(|vout| OutPoint { txid, vout }));
    }

    fn blank(&self) -> Transaction {
        let fee = *self.fees.last().unwrap();
        Transaction {
            version: 2,
            kind: 0,
            inputs: vec![TxIn::unsigned(fee)],
            outputs: vec![TxOut::new(
                Amount::from_duffs(FEE_COIN - 1_000),
                pay_to_key(&key_id(11).0),
            )],
            lock_time: 0,
            payload: Vec::new(),
        }
    }

    /// The update of a type as it stands, signed by everyone it needs. A payload whose inputs hash is not zero keeps it.
    pub fn build(&self, kind: u16) -> Transaction {
        let mut tx = self.blank();
        let own = tx.inputs_hash();
        let inputs_hash = |set: [u8; 32]| if set == [0; 32] { own } else { set };
        match kind {
            PRO_UP_SERV => {
                let mut payload = self.serv.clone();
                payload.inputs_hash = inputs_hash(payload.inputs_hash);
                if let Some(operator) = &self.operator {
                    payload.sign(operator, self.scheme, payload.encoding());
                }
                payload.attach(&mut tx);
            }
            PRO_UP_REG => {
                let mut payload = self.reg.clone();
                payload.inputs_hash = inputs_hash(payload.inputs_hash);
                if let Some(owner) = &self.owner {
                    payload.sign(owner);
                }
                payload.attach(&mut tx);
            }
            _ => {
                let mut payload = self.rev.clone();
                payload.inputs_hash = inputs_hash(payload.inputs_hash);
                if let Some(operator) = &self.operator {
                    payload.sign(operator, self.scheme, payload.encoding());
                }
                payload.attach(&mut tx);
            }
        }
        sign_inputs(&mut tx, &key(11));
        tx
    }

    /// What the node says of the update.
    pub fn verdict(&self, kind: u16) -> String {
        verdict(self.chain.test(&self.build(kind)).map(drop))
    }

    /// Sends the update; the next one is paid from another coin.
    pub fn send(&mut self, kind: u16) -> bitcoin::Txid {
        let tx = self.build(kind);
        self.fees.pop();
        self.chain.submit(tx, NOW).unwrap()
    }

    /// Sends and mines the update; its height.
    pub fn mine(&mut self, kind: u16) -> u32 {
        let txid = self.send(kind);
        self.chain.mine(NOW);
        assert!(self.chain.transaction(txid).unwrap().1.is_some(), "not mined");
        self.chain.height()
    }

    pub fn state(&self) -> State {
        self.chain.list().get(self.hash).unwrap().state.clone()
    }

    /// Another operator: number of its key.
    pub fn set_operator(&mut self, number: u8) {
        self.reg.operator = operator(number).public_key().encode(self.reg.key_encoding());
    }

    pub fn pays_to(number: u8) -> ScriptBuf {
        pay_to_key(&key_id(number).0)
    }
}
