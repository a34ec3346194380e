//! Masternodes on a sandbox whose secrets are known, and things that happen to them and to others: by chance, but always the same.

use std::collections::BTreeMap;

use bitcoin::{OutPoint, ScriptBuf};

use super::*;
use crate::protocol::bls::{Scheme, SecretKey};
use crate::protocol::message::message_hash;
use crate::protocol::network::MnType;
use crate::protocol::script::{pay_to_key, script_sig};
use crate::protocol::special_tx::operator_signature::UNSIGNED;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::special_tx::{ProRegTx, ProUpRegTx, ProUpRevTx, ProUpServTx, Service};
use crate::protocol::tx::{TxIn, TxOut};
use crate::protocol::{Amount, KeyId, ProTxHash, SecpKey, Transaction};
use crate::sandbox::{Options, Sandbox};

const FEE_COIN: u64 = 100_000;
const COLLATERALS: usize = 40;

/// One of ours. Its keys come from numbers.
#[derive(Debug, Clone, Copy)]
struct Member {
    number: u16,
    operator: u16,
    kind: MnType,
    collateral: OutPoint,
}

pub struct Fleet {
    pub sandbox: Sandbox,
    scheme: Scheme,
    members: BTreeMap<ProTxHash, Member>,
    /// Confirmed outputs of a collateral's amount, by kind.
    stock: Vec<(OutPoint, MnType)>,
    next: u16,
    chance: u64,
    /// What happened, by name.
    pub happened: BTreeMap<&'static str, u32>,
}

fn bytes(role: u8, number: u16) -> [u8; 32] {
    let mut bytes = [role; 32];
    bytes[30..].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn key(role: u8, number: u16) -> SecpKey {
    SecpKey::from_bytes(&bytes(role, number)).unwrap()
}

fn id(role: u8, number: u16) -> KeyId {
    key(role, number).key_id()
}

fn pays(role: u8, number: u16) -> ScriptBuf {
    pay_to_key(&id(role, number).0)
}

fn operator(number: u16) -> SecretKey {
    SecretKey::from_bytes(&bytes(2, number)).unwrap()
}

const OWNER: u8 = 1;
const VOTING: u8 = 3;
const COLLATERAL: u8 = 4;
const FEE: u8 = 5;
const PAYOUT: u8 = 6;

fn sign(tx: &mut Transaction, role: u8) {
    for index in 0..tx.inputs.len() {
        let signature = key(role, 0).sign_der(&tx.sighash_all(index, pays(role, 0).as_bytes()));
        tx.inputs[index].script_sig = script_sig(&signature, &key(role, 0).public_key().serialize());
    }
}

impl Fleet {
    /// All collaterals belong to one key, and so do all fee coins.
    pub async fn new(network: &str, chance: u64) -> Self {
        let mut options = Options::new((*profile(network)).clone());
        options.masternodes = 20;
        let sandbox = Sandbox::start(options).await.unwrap();
        let profile = profile(network);
        let scheme = match profile.activation.v19 {
            Some(_) => Scheme::Basic,
            None => Scheme::Legacy,
        };
        let mut stock = Vec::new();
        for at in 0..COLLATERALS {
            let evo = profile.collateral_evo.filter(|_| at % 4 == 3);
            let kind = if evo.is_some() { MnType::Evo } else { MnType::Regular };
            let amount = evo.unwrap_or(profile.collateral_regular);
            let txid = sandbox.fund(pays(COLLATERAL, 0), amount).unwrap();
            stock.push((OutPoint { txid, vout: 0 }, kind));
            sandbox.mine(1);
        }
        Self {
            sandbox,
            scheme,
            members: BTreeMap::new(),
            stock,
            next: 1,
            chance,
            happened: BTreeMap::new(),
        }
    }

    pub fn client(&self, network: &str) -> Client {
        let auth = Auth::UserPassword {
            user: self.sandbox.user().to_owned(),
            password: self.sandbox.password().to_owned().into(),
        };
        let endpoint = Endpoint::new(&self.sandbox.rpc_url(), auth).unwrap();
        Client::connect(endpoint, profile(network)).unwrap()
    }

    /// A number below `below` (xorshift).
    pub fn roll(&mut self, below: usize) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 16) as usize % below
    }

    fn version(&self) -> u16 {
        if self.scheme == Scheme::Basic { 2 } else { 1 }
    }

    fn number(&mut self) -> u16 {
        self.next += 1;
        self.next
    }

    fn fresh_service(&mut self) -> Service {
        let [high, low] = self.number().to_be_bytes();
        Service::v4([198, 51, high, low].into(), 19999)
    }

    fn blank(&self) -> Transaction {
        let coin = self.sandbox.fund(pays(FEE, 0), Amount::from_duffs(FEE_COIN)).unwrap();
        Transaction {
            version: 2,
            kind: 0,
            inputs: vec![TxIn::unsigned(OutPoint { txid: coin, vout: 0 })],
            outputs: vec![TxOut::new(Amount::from_duffs(FEE_COIN - 2_000), pays(FEE, 0))],
            lock_time: 0,
            payload: Vec::new(),
        }
    }

    fn pick(&mut self) -> Option<(ProTxHash, Member)> {
        let at = self.roll(self.members.len().max(1));
        self.members.iter().nth(at).map(|(hash, member)| (*hash, *member))
    }

    /// Any masternode, of ours or not.
    fn anyone(&mut self) -> Option<ProTxHash> {
        let all = self
            .sandbox
            .with_chain(|chain| chain.list().iter().map(|mn| mn.pro_tx_hash).collect::<Vec<_>>());
        let at = self.roll(all.len());
        all.get(at).copied()
    }

    /// Sends a finished update; a node may refuse what waits or clashes with what waits.
    fn send(&mut self, what: &'static str, tx: Transaction) -> bool {
        let done = self.sandbox.submit(tx).is_ok();
        *self.happened.entry(what).or_default() += u32::from(done);
        done
    }

    /// One thing.
    pub fn happen(&mut self) {
        match self.roll(12) {
            0 | 1 => self.register(),
            2 => self.register_again(),
            3 | 4 => self.serve(true),
            5 | 6 => self.serve(false),
            7 => self.reassign(false),
            8 => self.reassign(true),
            9 => self.revoke(),
            10 => self.misbehave(),
            _ => self.leave(),
        }
    }

    fn register(&mut self) {
        if let Some((collateral, kind)) = self.stock.pop() {
            self.register_on("registered", collateral, kind);
        }
    }

    /// The same collateral under new keys: the old masternode is replaced.
    fn register_again(&mut self) {
        if let Some((hash, member)) = self.pick().filter(|_| self.chance.is_multiple_of(3)) {
            self.register_on("registered again", member.collateral, member.kind);
            self.members.remove(&hash);
        }
    }

    fn register_on(&mut self, what: &'static str, collateral: OutPoint, kind: MnType) {
        let number = self.number();
        let service = match self.roll(4) {
            0 => Service::NONE,
            _ => self.fresh_service(),
        };
        let mut tx = self.blank();
        let mut payload = ProRegTx {
            version: self.version(),
            kind: kind.number(),
            mode: 0,
            collateral,
            service,
            owner: id(OWNER, number),
            operator: operator(number).public_key().encode(self.scheme),
            voting: id(VOTING, number),
            operator_reward: 500,
            payout: pays(PAYOUT, number),
            inputs_hash: tx.inputs_hash(),
            platform: (kind == MnType::Evo).then(|| platform(number)),
            signature: Vec::new(),
        };
        let profile = self.sandbox.with_chain(|chain| chain.profile().clone());
        let digest = message_hash(&profile.message_magic, payload.sign_message(&profile).as_bytes());
        payload.signature = key(COLLATERAL, 0).sign_compact(&digest).as_bytes().to_vec();
        payload.attach(&mut tx);
        sign(&mut tx, FEE);
        let hash = tx.txid();
        if self.send(what, tx) {
            let operator = number;
            self.members.insert(
                hash,
                Member {
                    number,
                    operator,
                    kind,
                    collateral,
                },
            );
        }
    }

    /// A ProUpServTx, with an operator payout or without; it often changes nothing else.
    fn serve(&mut self, paid: bool) {
        let Some((hash, member)) = self.pick() else { return };
        let listed = self
            .sandbox
            .with_chain(|chain| chain.list().get(hash).map(|mn| mn.state.service));
        let service = match listed.filter(|service| !service.is_none()) {
            Some(service) if self.roll(3) > 0 => service,
            _ => self.fresh_service(),
        };
        let mut tx = self.blank();
        let number = self.number();
        let moved = self.roll(3) == 0;
        let mut payload = ProUpServTx {
            version: self.version(),
            kind: member.kind.number(),
            pro_tx_hash: hash,
            service,
            operator_payout: if paid { pays(PAYOUT, number) } else { ScriptBuf::new() },
            inputs_hash: tx.inputs_hash(),
            platform: (member.kind == MnType::Evo).then(|| platform(if moved { number } else { member.number })),
            signature: UNSIGNED,
        };
        payload.sign(&operator(member.operator), self.scheme, payload.encoding());
        payload.attach(&mut tx);
        sign(&mut tx, FEE);
        self.send(if paid { "served" } else { "served without payout" }, tx);
    }

    fn reassign(&mut self, change_key: bool) {
        let Some((hash, member)) = self.pick() else { return };
        let number = self.number();
        let operator_number = if change_key { number } else { member.operator };
        let mut tx = self.blank();
        let mut payload = ProUpRegTx {
            version: self.version(),
            pro_tx_hash: hash,
            mode: 0,
            operator: operator(operator_number).public_key().encode(self.scheme),
            voting: id(VOTING, number),
            payout: pays(PAYOUT, number),
            inputs_hash: tx.inputs_hash(),
            signature: Vec::new(),
        };
        payload.sign(&key(OWNER, member.number));
        payload.attach(&mut tx);
        sign(&mut tx, FEE);
        if self.send(if change_key { "new operator" } else { "new payout" }, tx)
            && let Some(member) = self.members.get_mut(&hash)
        {
            member.operator = operator_number;
        }
    }

    fn revoke(&mut self) {
        let Some((hash, member)) = self.pick() else { return };
        let mut tx = self.blank();
        let mut payload = ProUpRevTx {
            version: self.version(),
            pro_tx_hash: hash,
            reason: self.roll(4) as u16,
            inputs_hash: tx.inputs_hash(),
            signature: UNSIGNED,
        };
        payload.sign(&operator(member.operator), self.scheme, payload.encoding());
        payload.attach(&mut tx);
        sign(&mut tx, FEE);
        self.send("revoked", tx);
    }

    fn misbehave(&mut self) {
        let Some(hash) = self.anyone() else { return };
        match self.roll(4) {
            0 => self.sandbox.ban(hash).unwrap(),
            _ => self.sandbox.fail_dkg(hash).unwrap(),
        }
        *self.happened.entry("misbehaved").or_default() += 1;
    }

    /// The collateral is spent, and made anew.
    fn leave(&mut self) {
        let Some((hash, member)) = self.pick().filter(|_| self.members.len() > 8) else {
            return;
        };
        let amount = profile_collateral(&self.sandbox, member.kind);
        let left = amount.duffs() - 2_000;
        let mut tx = self.blank();
        tx.inputs = vec![TxIn::unsigned(member.collateral)];
        tx.outputs = vec![TxOut::new(Amount::from_duffs(left), pays(FEE, 0))];
        sign(&mut tx, COLLATERAL);
        if self.send("left", tx) {
            self.members.remove(&hash);
        }
    }
}

fn profile_collateral(sandbox: &Sandbox, kind: MnType) -> Amount {
    sandbox.with_chain(|chain| chain.profile().collateral(kind).unwrap())
}

fn platform(number: u16) -> Platform {
    let mut node_id = [7; 20];
    node_id[..2].copy_from_slice(&number.to_be_bytes());
    Platform {
        node_id,
        p2p_port: 22_000 + number % 500,
        http_port: 23_000 + number % 500,
    }
}
