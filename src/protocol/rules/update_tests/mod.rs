//! Each rule of the three updates, provoked by one change to an update that obeys them all: what nodes of each generation answer.
//!
//! The tables are in `every` (rules of all transactions and all updates), `serv`, `reg` and `rev`, `evo` and `pending`.

mod every;
mod evo;
mod pending;
mod reg;
mod rev;
mod serv;

use bitcoin::ScriptBuf;
use bitcoin::hashes::Hash;

use super::tests::{coin, key, listed, operator, outpoint};
use super::*;
use crate::protocol::ProTxHash;
use crate::protocol::amount::Amount;
use crate::protocol::key::SecpKey;
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::network::builtin;
use crate::protocol::script;
use crate::protocol::special_tx::operator_signature::{self, UNSIGNED};
use crate::protocol::special_tx::pro_reg::encoding_of;
use crate::protocol::special_tx::{ProUpRegTx, ProUpRevTx, ProUpServTx, Service};
use crate::protocol::tx::{TxIn, TxOut};
use crate::protocol::{Transaction, bls};

/// The masternode all updates here are about, and another one.
const MINE: u8 = 0x21;
const OTHER: u8 = 0x55;
const FEE: u8 = 0x12;
const OPERATOR: u8 = 2;

fn hash(n: u8) -> ProTxHash {
    ProTxHash::from_byte_array([n; 32])
}

fn secret(n: u8) -> bls::SecretKey {
    bls::SecretKey::from_bytes(&[n; 32]).expect("in range")
}

/// A network's nodes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Generation {
    network: &'static str,
    dialect: Dialect,
    /// Of payloads: 1 is the legacy scheme, 2 the basic one.
    max_version: u16,
}

const fn generation(network: &'static str, dialect: Dialect, max_version: u16) -> Generation {
    Generation {
        network,
        dialect,
        max_version,
    }
}

const NEW: Generation = generation("dash", Dialect::V23, 2);
/// The same nodes on a chain that has not reached V19.
const BEFORE_V19: Generation = generation("dash", Dialect::V23, 1);
const FROM_19_TO_22: Generation = generation("dash", Dialect::V19, 2);
const OLD: Generation = generation("wei", Dialect::V17, 1);

const GENERATIONS: [Generation; 4] = [NEW, BEFORE_V19, FROM_19_TO_22, OLD];

type Change = fn(&mut Case);

/// One update of each type of the same masternode, the chain around it, and how to change either; `kind` is the one judged.
struct Case {
    generation: Generation,
    profile: Profile,
    kind: u16,
    serv: ProUpServTx,
    reg: ProUpRegTx,
    rev: ProUpRevTx,
    tx: Transaction,
    facts: Facts,
    signer: bls::SecretKey,
    owner: SecpKey,
    fee: SecpKey,
    sign: bool,
    /// Once the payload is signed.
    then: Change,
    /// Once the inputs are signed.
    last: Change,
}

impl Case {
    fn new(generation: Generation, kind: u16) -> Self {
        let profile = builtin(generation.network).expect("embedded");
        let version = generation.max_version;
        let payout = script::pay_to_key(&[9; 20]);
        let tx = Transaction {
            version: 3,
            kind,
            inputs: vec![TxIn::unsigned(outpoint(FEE))],
            outputs: vec![TxOut::new(Amount::from_duffs(99_000), script::pay_to_key(&[8; 20]))],
            lock_time: 0,
            payload: vec![],
        };
        Self {
            facts: facts(&profile, version),
            generation,
            kind,
            serv: ProUpServTx {
                version,
                kind: 0,
                pro_tx_hash: hash(MINE),
                service: Service::v4([1, 2, 3, 4].into(), profile.p2p_port),
                operator_payout: payout.clone(),
                inputs_hash: [0; 32],
                platform: None,
                signature: UNSIGNED,
            },
            reg: ProUpRegTx {
                version,
                pro_tx_hash: hash(MINE),
                mode: 0,
                operator: operator(OPERATOR).encode(encoding_of(version)),
                voting: key(3).key_id(),
                payout,
                inputs_hash: [0; 32],
                signature: vec![],
            },
            rev: ProUpRevTx {
                version,
                pro_tx_hash: hash(MINE),
                reason: 1,
                inputs_hash: [0; 32],
                signature: UNSIGNED,
            },
            profile,
            tx,
            signer: secret(OPERATOR),
            owner: key(1),
            fee: key(5),
            sign: true,
            then: |_| (),
            last: |_| (),
        }
    }

    fn entry(&mut self, n: u8) -> &mut Entry {
        let mut entries = self.facts.masternodes.iter_mut();
        entries
            .find(|entry| entry.pro_tx_hash == hash(n))
            .expect("both are listed")
    }

    fn coin(&mut self, n: u8) -> &mut Coin {
        let coin = self.facts.coins.get_mut(&outpoint(n));
        coin.and_then(Option::as_mut).expect("the chain has it")
    }

    /// The coin of one more input.
    fn add_input(&mut self, n: u8) {
        self.tx.inputs.push(TxIn::unsigned(outpoint(n)));
        let coin = coin(Amount::from_duffs(100_000), key(5).key_id());
        self.facts.coins.insert(outpoint(n), Some(coin));
    }

    fn add_output(&mut self, duffs: i64, script: &[u8]) {
        self.tx.outputs.push(TxOut {
            value: duffs,
            script: ScriptBuf::from_bytes(script.to_vec()),
        });
    }

    /// All three payloads in a version, with the operator key written as that version does.
    fn set_version(&mut self, version: u16) {
        (self.serv.version, self.reg.version, self.rev.version) = (version, version, version);
        self.reg.operator = operator(OPERATOR).encode(encoding_of(version));
    }

    fn set_hash(&mut self, hash: ProTxHash) {
        (self.serv.pro_tx_hash, self.reg.pro_tx_hash, self.rev.pro_tx_hash) = (hash, hash, hash);
    }

    fn set_inputs_hash(&mut self, hash: [u8; 32]) {
        (self.serv.inputs_hash, self.reg.inputs_hash, self.rev.inputs_hash) = (hash, hash, hash);
    }

    /// The operator's signature under other circumstances: scheme, encoding, and what is signed.
    fn sign_as_operator(&mut self, scheme: bls::Scheme, encoding: bls::Scheme, digest: fn([u8; 32]) -> [u8; 32]) {
        let sign = |hash| operator_signature::sign(&self.signer, scheme, encoding, &digest(hash));
        match self.kind {
            PRO_UP_SERV => self.serv.signature = sign(self.serv.payload_hash()),
            _ => self.rev.signature = sign(self.rev.payload_hash()),
        }
    }

    fn scheme(&self) -> bls::Scheme {
        encoding_of(self.generation.max_version)
    }

    fn payload(&mut self) -> Vec<u8> {
        let inputs_hash = self.tx.inputs_hash();
        for each in [
            &mut self.serv.inputs_hash,
            &mut self.reg.inputs_hash,
            &mut self.rev.inputs_hash,
        ] {
            if *each == [0; 32] {
                *each = inputs_hash;
            }
        }
        let scheme = self.scheme();
        if self.sign {
            match self.kind {
                PRO_UP_SERV => self.serv.sign(&self.signer, scheme, self.serv.encoding()),
                PRO_UP_REG => self.reg.sign(&self.owner),
                _ => self.rev.sign(&self.signer, scheme, self.rev.encoding()),
            }
        }
        (self.then)(self);
        match self.kind {
            PRO_UP_SERV => self.serv.encode(),
            PRO_UP_REG => self.reg.encode(),
            _ => self.rev.encode(),
        }
    }

    fn verdict(mut self) -> Verdict {
        if self.tx.payload.is_empty() {
            self.tx.payload = self.payload();
        }
        let spent = script::pay_to_key(&key(5).key_id().0);
        for at in 0..self.tx.inputs.len() {
            let signature = self.fee.sign_der(&self.tx.sighash_all(at, spent.as_bytes()));
            self.tx.inputs[at].script_sig = script::script_sig(&signature, &self.fee.public_key().serialize());
        }
        (self.last)(&mut self);
        let context = Context {
            profile: &self.profile,
            dialect: self.generation.dialect,
            max_version: self.generation.max_version,
            facts: Some(&self.facts),
        };
        check(&self.tx, &context)
    }
}

/// A chain with the masternode, another one, and the coins.
fn facts(profile: &Profile, version: u16) -> Facts {
    let mine = listed(MINE, |entry| {
        entry.operator_reward = 500;
        entry.state.version = version;
        entry.state.owner = Some(key(1).key_id());
        entry.state.voting = Some(key(3).key_id());
        entry.state.name_operator(&operator(OPERATOR));
    });
    let other = listed(OTHER, |entry| {
        entry.state.version = version;
        entry.state.name_operator(&operator(6));
    });
    let collateral = coin(profile.collateral_regular, key(4).key_id());
    let fee = coin(Amount::from_duffs(100_000), key(5).key_id());
    Facts {
        height: 3_000_000,
        masternodes: vec![other, mine],
        coins: [(outpoint(MINE), Some(collateral)), (outpoint(FEE), Some(fee))].into(),
        relay_fee: Amount::from_duffs(1_000),
        coinbase_maturity: 100,
        pending: Some(vec![]),
        ..Facts::default()
    }
}

fn reject(generation: Generation, kind: u16, change: impl FnOnce(&mut Case)) -> Option<&'static str> {
    let mut case = Case::new(generation, kind);
    change(&mut case);
    case.verdict().failure().map(|check| check.reject)
}

const ALL: [u16; 3] = [PRO_UP_SERV, PRO_UP_REG, PRO_UP_REV];

const ACCEPTED: &str = "accepted";

/// One change, and what each generation says of it.
struct Row {
    what: &'static str,
    change: Change,
    /// Dash Core 23 after V19; the others say the same in their words unless named.
    new: &'static str,
    before_v19: Option<&'static str>,
    since_19: Option<&'static str>,
    old: Option<&'static str>,
}

const fn row(what: &'static str, change: Change, new: &'static str) -> Row {
    Row {
        what,
        change,
        new,
        before_v19: None,
        since_19: None,
        old: None,
    }
}

impl Row {
    const fn before_v19(mut self, answer: &'static str) -> Self {
        self.before_v19 = Some(answer);
        self
    }

    const fn since_19(mut self, answer: &'static str) -> Self {
        self.since_19 = Some(answer);
        self
    }

    const fn old(mut self, answer: &'static str) -> Self {
        self.old = Some(answer);
        self
    }

    fn answer(&self, generation: Generation) -> &'static str {
        let named = match generation {
            BEFORE_V19 => self.before_v19,
            OLD => self.old,
            _ if generation.dialect == Dialect::V19 => self.since_19,
            _ => None,
        };
        named.unwrap_or_else(|| match generation.dialect {
            Dialect::V23 => self.new,
            Dialect::V17 | Dialect::V19 => until_22(self.new),
        })
    }

    fn is_malformed(&self) -> bool {
        GENERATIONS
            .iter()
            .any(|generation| self.answer(*generation) != ACCEPTED)
    }
}

/// How nodes before 23 word what is wrong with an address.
fn until_22(reject: &'static str) -> &'static str {
    match reject {
        "bad-protx-netinfo-empty" | "bad-protx-netinfo-addr-unroutable" | "bad-protx-netinfo-addr-type" => {
            "bad-protx-ipaddr"
        }
        "bad-protx-netinfo-port" => "bad-protx-ipaddr-port",
        "bad-protx-dup-netinfo-entry" => "bad-protx-dup-addr",
        other => other,
    }
}

fn judge(generations: &[Generation], kind: u16, table: &[Row]) {
    for row in table {
        for generation in generations {
            let answer = reject(*generation, kind, row.change).unwrap_or(ACCEPTED);
            assert_eq!(
                answer,
                row.answer(*generation),
                "type {kind}, {}, {generation:?}",
                row.what
            );
        }
    }
}

#[test]
fn good_updates_pass_every_rule_in_every_generation_and_network() {
    let networks = crate::protocol::network::builtin_names().map(|network| {
        let modern = builtin(network).is_some_and(|profile| profile.activation.v19.is_some());
        match modern {
            true => generation(network, Dialect::V23, 2),
            false => generation(network, Dialect::V17, 1),
        }
    });
    for generation in networks.chain(GENERATIONS) {
        for kind in ALL {
            let verdict = Case::new(generation, kind).verdict();
            assert_eq!(verdict.failure(), None, "{generation:?} {kind}");
            let all = verdict.checks.iter().all(|check| check.passed == Some(true));
            assert!(all, "{generation:?}: {:?}", verdict.checks);
        }
    }
}

#[test]
fn the_tables_hold_150_malformed_updates_and_more() {
    let tables: [(&str, &[Row]); 8] = [
        ("every transaction", every::FRAME),
        ("every update", every::PAYLOAD),
        ("service", serv::ROWS),
        ("registrar", reg::ROWS),
        ("revocation", rev::ROWS),
        ("operator's signature", serv::SIGNATURES),
        ("evonode", evo::ROWS),
        ("unconfirmed", pending::ROWS),
    ];
    let rows = tables
        .iter()
        .flat_map(|(table, rows)| rows.iter().map(move |row| (table, row)));
    let malformed = rows.filter(|(_, row)| row.is_malformed());
    let distinct: std::collections::BTreeSet<_> = malformed.map(|(table, row)| (*table, row.what)).collect();
    assert!(distinct.len() >= 150, "only {} malformed updates", distinct.len());
}
