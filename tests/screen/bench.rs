//! A wizard with a scripted node and device, and a real vault and journal.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Txid};
use castellan::flow::Ports;
use castellan::hw::Device;
use castellan::hw::fake::FakeDevice;
use castellan::protocol::bls;
use castellan::protocol::masternode::entry::State;
use castellan::protocol::masternode::{Entry, OperatorKey};
use castellan::protocol::network::{self, MnType};
use castellan::protocol::rules::Dialect;
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Address, Amount, KeyId, OutPoint, Profile, Transaction, TxIn, TxOut, path};
use castellan::rpc::fake::FakeNode;
use castellan::rpc::{
    Capabilities, CoinSearch, CoinSource, FeeRate, FoundCoin, FoundTx, MasternodeList, NodeStatus, Tip,
};
use castellan::store::vault::Stretching;
use castellan::store::{Journal, Kind, Phrase, Vault};
use tempfile::TempDir;

use super::stage::Stage;

/// What happens to the collateral after it was found.
#[derive(Debug, Clone, Copy)]
pub enum Meanwhile {
    Nothing,
    /// A reorganisation took its block away.
    Unconfirmed,
    Spent,
}

pub struct Bench {
    stage: Stage,
    pub device: Arc<FakeDevice>,
    _folder: TempDir,
}

impl Deref for Bench {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl DerefMut for Bench {
    fn deref_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }
}

impl Bench {
    /// The device holds a collateral at its first address, the vault has the fee key `pay` with a hundredth of a coin.
    pub fn new(network: &str) -> Self {
        Self::with(network, |_| {})
    }

    /// The same with a collateral for an evonode.
    pub fn evo(network: &str) -> Self {
        Self::build(network, MnType::Evo, Meanwhile::Nothing, |_| {})
    }

    pub fn with(network: &str, prepare: impl FnOnce(&Vault)) -> Self {
        Self::build(network, MnType::Regular, Meanwhile::Nothing, prepare)
    }

    /// The collateral changes between the search and the review.
    pub fn meanwhile(network: &str, meanwhile: Meanwhile) -> Self {
        Self::build(network, MnType::Regular, meanwhile, |_| {})
    }

    fn build(network: &str, kind: MnType, meanwhile: Meanwhile, prepare: impl FnOnce(&Vault)) -> Self {
        let profile = Arc::new(network::builtin(network).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(&folder);
        prepare(&vault);
        let fee = vault.generate(Kind::Fee, "pay", &profile, 0).unwrap().key_id().unwrap();
        let device = Arc::new(FakeDevice::new(profile.clone()));
        let runtime = runtime();
        let node = runtime.block_on(node(&profile, &*device, kind, meanwhile, fee));
        let ports = Ports {
            journal: Arc::new(Journal::open(&folder.path().join("journal")).unwrap()),
            history: Arc::new(castellan::store::History::in_memory().unwrap()),
            profile,
            node: Arc::new(node),
            device: Some(device.clone()),
            vault: Some(Arc::new(vault)),
            poll: Duration::from_millis(20),
        };
        Self {
            stage: Stage::new(runtime, ports),
            device,
            _folder: folder,
        }
    }

    /// Searches the device, takes the only collateral, and goes on.
    pub fn pass_collateral(&mut self) {
        self.click("Search the device");
        self.next();
    }

    pub fn pass_service(&mut self) {
        let service = format!("45.76.230.240:{}", self.profile().p2p_port);
        self.fill("service", &service);
        self.next();
    }

    /// An address of this network that belongs to nobody.
    pub fn stranger(&self) -> String {
        Address::PubkeyHash([0x77; 20]).to_text(self.profile())
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn vault(folder: &TempDir) -> Vault {
    Vault::create_with(
        &folder.path().join("vault"),
        "passphrase",
        &Phrase::generate().unwrap(),
        Stretching::MINIMAL,
    )
    .unwrap()
}

/// Outpoint of the collateral on the device.
pub fn collateral() -> OutPoint {
    OutPoint {
        txid: Txid::from_byte_array([0xc0; 32]),
        vout: 1,
    }
}

/// A regular collateral somebody else owns.
pub fn foreign() -> OutPoint {
    OutPoint {
        txid: Txid::from_byte_array([0xf0; 32]),
        vout: 0,
    }
}

/// An output of another amount on the device.
pub fn small() -> OutPoint {
    OutPoint {
        txid: Txid::from_byte_array([0x50; 32]),
        vout: 0,
    }
}

/// The operator key of the only listed masternode.
pub fn listed_operator() -> bls::PublicKey {
    bls::SecretKey::from_bytes(&[9; 32]).unwrap().public_key()
}

async fn node(profile: &Profile, device: &dyn Device, kind: MnType, meanwhile: Meanwhile, fee: KeyId) -> FakeNode {
    let own = KeyId::of(&device.public_key(path::address(profile, 0, false, 0)).await.unwrap());
    let tip = Tip {
        height: 5_000,
        hash: BlockHash::from_byte_array([1; 32]),
        time: 1_700_000_000,
    };
    let amount = profile.collateral(kind).unwrap();
    let backing = coin(collateral(), amount, own, 20);
    let value = Amount::from_duffs(1_000_000);
    // The plan compares a fee coin with the transaction that made it.
    let payment = Transaction {
        version: 2,
        kind: 0,
        inputs: vec![TxIn::unsigned(small())],
        outputs: vec![TxOut::new(value, fee.address().script())],
        lock_time: 0,
        payload: Vec::new(),
    };
    let txid = payment.txid();
    let money = coin(OutPoint { txid, vout: 0 }, value, fee, 9);
    let payment = FoundTx {
        tx: payment,
        confirmations: 9,
        height: Some(4_992),
        block: None,
    };
    let coins = vec![backing.clone(), money.clone()];
    let backing_later = match meanwhile {
        Meanwhile::Nothing => Some(backing),
        Meanwhile::Unconfirmed => Some(FoundCoin {
            confirmations: 0,
            ..backing
        }),
        Meanwhile::Spent => None,
    };
    FakeNode::new()
        .with_status(Ok(status(profile, tip)))
        .with_tip(Ok(tip))
        .with_masternodes(Ok(MasternodeList::saved(tip, vec![listed(profile)], profile)))
        .with_fee_rate(Ok(FeeRate {
            advised: Amount::from_duffs(1_000),
            relay: Amount::from_duffs(1_000),
        }))
        .with_pending(Ok(Some(Vec::new())))
        .with_coins_of(Ok(CoinSearch {
            coins,
            source: CoinSource::AddressIndex,
        }))
        .with_coin(collateral(), Ok(backing_later))
        .with_coin(money.outpoint, Ok(Some(money)))
        .with_transaction(txid, Ok(Some(payment)))
        .with_coin(foreign(), Ok(Some(coin(foreign(), amount, KeyId([0x66; 20]), 20))))
        .with_coin(small(), Ok(Some(coin(small(), Amount::from_coins(5), own, 20))))
}

fn coin(outpoint: OutPoint, value: Amount, key: KeyId, confirmations: u32) -> FoundCoin {
    FoundCoin {
        outpoint,
        value,
        script: key.address().script(),
        confirmations,
        coinbase: false,
        spent_in_mempool: false,
    }
}

fn status(profile: &Profile, tip: Tip) -> NodeStatus {
    let modern = profile.activation.v19.is_some();
    NodeStatus {
        subversion: "/Fake:1/".into(),
        version: if modern { 230_102 } else { 170_003 },
        protocol_version: 70_240,
        chain: profile.chain.clone(),
        genesis: profile.genesis,
        tip,
        headers: tip.height,
        synced: true,
        connections: 8,
        capabilities: Capabilities {
            v19_active: modern,
            mn_rr_active: modern,
            dialect: if modern { Dialect::V23 } else { Dialect::V17 },
            address_index: Some(true),
            scan_tx_out_set: modern,
            test_mempool_accept: true,
            list_diff: true,
            tx_index: Some(true),
            wallet: Some(false),
        },
    }
}

fn listed(profile: &Profile) -> Entry {
    Entry {
        pro_tx_hash: Txid::from_byte_array([0xaa; 32]),
        kind: MnType::Regular,
        collateral: OutPoint {
            txid: Txid::from_byte_array([0xbb; 32]),
            vout: 0,
        },
        operator_reward: 0,
        confirmations: Some(1_000),
        state: State {
            version: if profile.activation.v19.is_some() { 2 } else { 1 },
            service: format!("45.76.230.239:{}", profile.p2p_port)
                .parse::<Service>()
                .unwrap(),
            registered_height: 100,
            last_paid_height: 200,
            consecutive_payments: 0,
            pose_penalty: 0,
            pose_revived_height: None,
            pose_ban_height: None,
            revocation_reason: 0,
            owner: Some(KeyId([0x55; 20])),
            voting: Some(KeyId([0x56; 20])),
            payout: Some(Address::PubkeyHash([0x57; 20])),
            operator_payout: None,
            operator: OperatorKey::of(&listed_operator(), bls::Scheme::Basic),
            platform_node_id: None,
            platform_p2p_port: None,
            platform_http_port: None,
        },
    }
}
