//! Recorded transactions, each with the state of a chain in which a node accepts it.

use std::sync::LazyLock;

use bitcoin::hashes::{Hash, hash160};
use bitcoin::{OutPoint, Txid};
use serde_json::Value;

use super::change::{sign_inputs, sign_payload};
use super::{LEGACY, MODERN, PUBLISHED, WEI, cases, hex, profile};
use crate::protocol::bls::PublicKey;
use crate::protocol::masternode::entry::State;
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::message::message_hash;
use crate::protocol::network::{MnType, Profile};
use crate::protocol::rules::{Coin, Context, Dialect, Facts};
use crate::protocol::special_tx::{Payload, ProRegTx, Service};
use crate::protocol::tx::{Transaction, TxOut};
use crate::protocol::{Address, Amount, KeyId, script};

/// A transaction and everything it is judged against.
#[derive(Clone)]
pub(super) struct World {
    pub profile: &'static Profile,
    pub dialect: Dialect,
    pub max_version: u16,
    pub tx: Transaction,
    pub facts: Facts,
}

static WORLDS: LazyLock<Vec<World>> = LazyLock::new(|| {
    let recorded = |text, profile, dialect, max_version| {
        let template = World::new(profile, dialect, max_version);
        cases(text).into_iter().map(move |case| template.around(&case))
    };
    let published = cases(PUBLISHED)
        .into_iter()
        .filter(|case| case["kind"] == "tx")
        .filter_map(|case| World::published(&case));
    recorded(MODERN, "dash-regtest", Dialect::V23, 2)
        .chain(recorded(LEGACY, "dash-regtest", Dialect::V23, 1))
        .chain(recorded(WEI, "wei-regtest", Dialect::V17, 1))
        .chain(published)
        .collect()
});

pub(super) fn worlds() -> &'static [World] {
    &WORLDS
}

/// Network, type and txid of the recordings, in the order in which inputs name them.
pub fn recordings() -> Vec<String> {
    let name = |world: &World| format!("{} type {} {}", world.profile.name, world.tx.kind, world.tx.txid());
    worlds().iter().map(name).collect()
}

impl World {
    fn new(network: &str, dialect: Dialect, max_version: u16) -> Self {
        Self {
            profile: profile(network),
            dialect,
            max_version,
            tx: Transaction::empty(2),
            facts: Facts {
                height: 3_000_000,
                relay_fee: Amount::from_duffs(1_000),
                coinbase_maturity: 100,
                pending: Some(Vec::new()),
                ..Facts::default()
            },
        }
    }

    pub fn context(&self) -> Context<'_> {
        Context {
            profile: self.profile,
            dialect: self.dialect,
            max_version: self.max_version,
            facts: Some(&self.facts),
        }
    }

    /// A published transaction on its network, as it was when its payload version was the newest.
    fn published(case: &Value) -> Option<Self> {
        let network = case["network"].as_str()?;
        let (network, dialect) = match network {
            "dash-mainnet" => ("dash", Dialect::V23),
            "dash-testnet" => ("dash-testnet", Dialect::V23),
            "wei-mainnet" => ("wei", Dialect::V17),
            _ => return None,
        };
        let tx = Transaction::decode(&hex(case)).expect("published transactions are real");
        let version = u16::from_le_bytes(*tx.payload.first_chunk()?);
        let signed = tx.inputs.iter().all(|input| !input.script_sig.is_empty());
        signed.then(|| Self::new(network, dialect, version).around(case))
    }

    /// The coins it spends, its collateral, its masternode: from what the transaction itself proves about them.
    fn around(&self, case: &Value) -> Self {
        let mut world = self.clone();
        world.tx = Transaction::decode(&hex(case)).expect("recorded transactions are real");
        world.put_inputs();
        match Payload::of(&world.tx).expect("recorded payloads are well-formed") {
            Payload::ProReg(payload) => world.put_collateral(&payload),
            update => world.put_masternode(&update, operator_of(case)),
        }
        world
    }

    fn put_inputs(&mut self) {
        let paid = self.tx.output_total().expect("recorded values are in range");
        let mut value = paid.checked_add(Amount::from_duffs(100_000)).expect("far below 2^64");
        for input in &self.tx.inputs {
            // P2PKH: the last push of the script is the key.
            let script_sig = input.script_sig.as_bytes();
            let push = usize::from(*script_sig.first().unwrap_or(&0));
            let key = script_sig.get(push + 2..).unwrap_or_default();
            let owner = KeyId(hash160::Hash::hash(key).to_byte_array());
            let coin = coin(std::mem::take(&mut value), owner.address());
            self.facts.coins.insert(input.previous, Some(coin));
        }
    }

    fn put_collateral(&mut self, payload: &ProRegTx) {
        if payload.is_internal() {
            return;
        }
        let text = payload.sign_message(self.profile);
        let digest = message_hash(&self.profile.message_magic, text.as_bytes());
        let signer = payload
            .compact_signature()
            .and_then(|signature| signature.recover_key_id(&digest).ok());
        let value = payload.mn_type().and_then(|kind| self.profile.collateral(kind));
        let coin = coin(value.unwrap_or_default(), signer.unwrap_or_default().address());
        self.facts.coins.insert(payload.collateral, Some(coin));
    }

    fn put_masternode(&mut self, update: &Payload, operator: Option<PublicKey>) {
        let mut entry = listed(0x21, self.max_version);
        entry.pro_tx_hash = update.pro_tx_hash().unwrap_or(entry.pro_tx_hash);
        if let Some(key) = operator {
            entry.state.name_operator(&key);
        }
        let mut sign = operator.is_none();
        match update {
            Payload::ProUpServ(payload) => entry.kind = payload.mn_type().unwrap_or(entry.kind),
            Payload::ProUpReg(payload) => {
                entry.state.owner = payload.signer().ok();
                sign = false;
            }
            _ => {}
        }
        let collateral = coin(self.profile.collateral_regular, Address::PubkeyHash([0xc1; 20]));
        self.facts.coins.insert(entry.collateral, Some(collateral));
        self.facts.masternodes = vec![listed(0x55, self.max_version), entry];
        if sign {
            // Nobody published this operator's key.
            sign_payload(self);
            sign_inputs(self);
        }
    }
}

/// The operator key in the list when an update was made, where the recording tells.
fn operator_of(case: &Value) -> Option<PublicKey> {
    let recorded = case["operator"]["public"].as_str();
    let text = recorded.or_else(|| case["expected"]["operatorPubKey"].as_str())?;
    let tx = Transaction::decode(&hex(case)).ok()?;
    let version = u16::from_le_bytes(*tx.payload.first_chunk()?);
    let encoding = crate::protocol::special_tx::pro_reg::encoding_of(version);
    PublicKey::from_hex(encoding, text).ok()
}

pub(super) fn coin(value: Amount, owner: Address) -> Coin {
    Coin {
        value,
        script: owner.script(),
        confirmations: 200,
        coinbase: false,
        spent_in_mempool: false,
    }
}

pub(super) fn listed(n: u8, version: u16) -> Entry {
    let hash = Txid::from_byte_array([n; 32]);
    Entry {
        pro_tx_hash: hash,
        kind: MnType::Regular,
        collateral: OutPoint { txid: hash, vout: 0 },
        operator_reward: 500,
        confirmations: Some(100),
        state: State {
            version,
            service: Service::v4([9, 9, 9, n].into(), 19_999),
            registered_height: 1,
            last_paid_height: 0,
            consecutive_payments: 0,
            pose_penalty: 0,
            pose_revived_height: None,
            pose_ban_height: None,
            revocation_reason: 0,
            owner: Some(KeyId([n; 20])),
            voting: Some(KeyId([n ^ 1; 20])),
            payout: None,
            operator_payout: None,
            operator: OperatorKey::Revoked,
            platform_node_id: None,
            platform_p2p_port: None,
            platform_http_port: None,
        },
    }
}

/// An output to whoever, for transactions that need one more.
pub(super) fn output(duffs: u64) -> TxOut {
    TxOut::new(Amount::from_duffs(duffs), script::pay_to_key(&[8; 20]))
}
