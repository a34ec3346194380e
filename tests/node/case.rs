//! One update that obeys every rule, and everything that may be changed about it before or after it is signed.

use castellan::protocol::bls::{Scheme, SecretKey};
use castellan::protocol::funding::Coin;
use castellan::protocol::masternode::Entry;
use castellan::protocol::special_tx::operator_signature::UNSIGNED;
use castellan::protocol::special_tx::pro_reg::encoding_of;
use castellan::protocol::special_tx::pro_up_rev::Reason;
use castellan::protocol::special_tx::{ProUpRegTx, ProUpRevTx, ProUpServTx};
use castellan::protocol::tx::{PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV};
use castellan::protocol::{ProTxHash, SecpKey, Transaction};

use crate::chain::{Chain, fee_key, sign_inputs_with};
use crate::masternode::Masternode;

/// The payload of one of the three types.
#[derive(Clone)]
pub enum Update {
    Serv(ProUpServTx),
    Reg(ProUpRegTx),
    Rev(ProUpRevTx),
}

pub struct Case {
    pub update: Update,
    pub tx: Transaction,
    /// Signs types 2 and 4.
    pub operator: SecretKey,
    /// Signs type 3.
    pub owner: SecpKey,
    /// The chain's.
    pub scheme: Scheme,
    /// Of the operator's signature; none: the payload version's.
    pub encoding: Option<Scheme>,
    /// None: that of the inputs.
    pub inputs_hash: Option<[u8; 32]>,
    pub signed: bool,
    /// Changes the payload's bytes after it is signed.
    pub after: fn(&mut Vec<u8>),
    /// Signs the inputs.
    pub payer: SecpKey,
    /// Changes the transaction after everything is signed.
    pub last: fn(&mut Transaction),
}

impl Case {
    /// An update of a type that changes nothing of the masternode's present state, for the next block; in the version asked for.
    pub async fn new(chain: &Chain, of: &Masternode, kind: u16, version: u16) -> Self {
        let coin = chain.coin().await;
        Self::with(chain, of, kind, version, coin).await
    }

    /// As [`Case::new`], paid by a given coin.
    pub async fn with(chain: &Chain, of: &Masternode, kind: u16, version: u16, coin: Coin) -> Self {
        let entry = chain.entry(of).await;
        let update = match kind {
            PRO_UP_SERV => Update::Serv(serv(chain, of, &entry, version)),
            PRO_UP_REG => Update::Reg(reg(of, &entry, version)),
            PRO_UP_REV => Update::Rev(ProUpRevTx::unsigned(
                version,
                of.pro_tx_hash,
                Reason::NotSpecified,
                [0; 32],
            )),
            _ => panic!("no update has type {kind}"),
        };
        let status = chain.ports.node.status().await.expect("a status");
        let mut case = Self {
            update,
            tx: Transaction::empty(3),
            operator: of.operator(),
            owner: of.owner(),
            scheme: status.capabilities.scheme(),
            encoding: None,
            inputs_hash: None,
            signed: true,
            after: |_| {},
            payer: fee_key(),
            last: |_| {},
        };
        case.sign();
        case.tx = chain.fund_with(coin, kind, case.payload());
        case
    }

    pub fn serv(&mut self) -> &mut ProUpServTx {
        match &mut self.update {
            Update::Serv(payload) => payload,
            _ => panic!("another type"),
        }
    }

    pub fn reg(&mut self) -> &mut ProUpRegTx {
        match &mut self.update {
            Update::Reg(payload) => payload,
            _ => panic!("another type"),
        }
    }

    pub fn rev(&mut self) -> &mut ProUpRevTx {
        match &mut self.update {
            Update::Rev(payload) => payload,
            _ => panic!("another type"),
        }
    }

    pub fn version(&mut self) -> &mut u16 {
        match &mut self.update {
            Update::Serv(payload) => &mut payload.version,
            Update::Reg(payload) => &mut payload.version,
            Update::Rev(payload) => &mut payload.version,
        }
    }

    pub fn pro_tx_hash(&mut self) -> &mut ProTxHash {
        match &mut self.update {
            Update::Serv(payload) => &mut payload.pro_tx_hash,
            Update::Reg(payload) => &mut payload.pro_tx_hash,
            Update::Rev(payload) => &mut payload.pro_tx_hash,
        }
    }

    fn sign(&mut self) {
        let inputs_hash = self.inputs_hash.unwrap_or_else(|| self.tx.inputs_hash());
        match &mut self.update {
            Update::Serv(payload) => payload.inputs_hash = inputs_hash,
            Update::Reg(payload) => payload.inputs_hash = inputs_hash,
            Update::Rev(payload) => payload.inputs_hash = inputs_hash,
        }
        if !self.signed {
            return;
        }
        match &mut self.update {
            Update::Serv(payload) => {
                let encoding = self.encoding.unwrap_or(payload.encoding());
                payload.sign(&self.operator, self.scheme, encoding);
            }
            Update::Reg(payload) => payload.sign(&self.owner),
            Update::Rev(payload) => {
                let encoding = self.encoding.unwrap_or(payload.encoding());
                payload.sign(&self.operator, self.scheme, encoding);
            }
        }
    }

    fn payload(&self) -> Vec<u8> {
        match &self.update {
            Update::Serv(payload) => payload.encode(),
            Update::Reg(payload) => payload.encode(),
            Update::Rev(payload) => payload.encode(),
        }
    }

    /// Signs payload and inputs.
    pub fn finish(mut self) -> Transaction {
        self.sign();
        self.tx.payload = self.payload();
        (self.after)(&mut self.tx.payload);
        let mut tx = sign_inputs_with(&self.payer, self.tx);
        (self.last)(&mut tx);
        tx
    }
}

fn serv(chain: &Chain, of: &Masternode, entry: &Entry, version: u16) -> ProUpServTx {
    let listed = entry.state.service;
    let service = if listed.is_none() {
        of.service(chain.profile())
    } else {
        listed
    };
    let payout = entry.state.operator_payout.map(|payout| payout.script());
    ProUpServTx {
        version,
        kind: if version >= 2 { entry.kind.number() } else { 0 },
        pro_tx_hash: of.pro_tx_hash,
        service,
        operator_payout: payout.unwrap_or_default(),
        inputs_hash: [0; 32],
        platform: of.platform(),
        signature: UNSIGNED,
    }
}

fn reg(of: &Masternode, entry: &Entry, version: u16) -> ProUpRegTx {
    ProUpRegTx {
        version,
        pro_tx_hash: of.pro_tx_hash,
        mode: 0,
        operator: of.operator().public_key().encode(encoding_of(version)),
        voting: entry.state.voting.expect("a voting key"),
        payout: entry.state.payout.expect("a payout address").script(),
        inputs_hash: [0; 32],
        signature: vec![],
    }
}
