//! A chain written down as data, a vault with a fee key, a journal, and a device with coins.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bitcoin::bip32::DerivationPath;
use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Txid};
use castellan::flow::register::{
    self, CollateralChoice, Draft, FeeSource, KeyChoice, OperatorChoice, Plan, VotingChoice,
};
use castellan::flow::{Error, Ports, Step};
use castellan::hw::fake::{FakeDevice, Request as Asked};
use castellan::hw::{Device, derive};
use castellan::protocol::bls::Scheme;
use castellan::protocol::masternode::entry::State as EntryState;
use castellan::protocol::masternode::{Entry, OperatorKey};
use castellan::protocol::network::{self, MnType};
use castellan::protocol::rules::{Dialect, Pending};
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Address, Amount, KeyId, OutPoint, Profile, SecpKey, Transaction, TxIn, TxOut, path};
use castellan::rpc::fake::{FakeNode, Request};
use castellan::rpc::{
    Capabilities, CoinSearch, CoinSource, FeeRate, FoundCoin, FoundTx, MasternodeList, NodeStatus, RpcError, Tip,
    WalletCoins,
};
use castellan::store::journal::{Event, Operation};
use castellan::store::vault::Stretching;
use castellan::store::{Dirs, History, Journal, Kind, Phrase, Vault};
use futures::FutureExt;
use sipper::Sipper;

/// Tip of the chain that a flow begins on; its transaction is in the block after it.
pub const TIP: u32 = 500;
/// Any flow with scripted ports is over in milliseconds; longer means it waits for something that never comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the scripted node knows.
pub struct Chain {
    pub status: Result<NodeStatus, RpcError>,
    pub entries: Vec<Entry>,
    pub coins: Vec<FoundCoin>,
    pub transactions: HashMap<Txid, Transaction>,
    pub pending: Option<Vec<Pending>>,
    pub fee_rate: FeeRate,
    pub broadcast: Option<Result<Txid, RpcError>>,
    /// Key of the node's own wallet, and its coins.
    pub wallet: (SecpKey, Vec<FoundCoin>),
    made: u8,
}

impl Chain {
    fn new(profile: &Profile) -> Self {
        Self {
            status: Ok(status(profile)),
            entries: (1..=3).map(|n| entry(n, profile)).collect(),
            coins: Vec::new(),
            transactions: HashMap::new(),
            pending: Some(Vec::new()),
            fee_rate: FeeRate {
                advised: Amount::from_duffs(2_000),
                relay: Amount::from_duffs(1_000),
            },
            broadcast: None,
            wallet: (SecpKey::from_bytes(&[7; 32]).unwrap(), Vec::new()),
            made: 0,
        }
    }

    /// A confirmed transaction that pays a key.
    pub fn pay(&mut self, to: KeyId, amount: Amount) -> OutPoint {
        self.made += 1;
        let before = OutPoint {
            txid: Txid::from_byte_array([self.made; 32]),
            vout: 0,
        };
        let tx = Transaction {
            version: 2,
            kind: 0,
            inputs: vec![TxIn::unsigned(before)],
            outputs: vec![
                TxOut::new(Amount::from_duffs(5_000), KeyId([0xee; 20]).address().script()),
                TxOut::new(amount, to.address().script()),
            ],
            lock_time: 0,
            payload: Vec::new(),
        };
        let outpoint = OutPoint {
            txid: tx.txid(),
            vout: 1,
        };
        self.coins.push(FoundCoin {
            outpoint,
            value: amount,
            script: to.address().script(),
            confirmations: 30,
            coinbase: false,
            spent_in_mempool: false,
        });
        self.transactions.insert(tx.txid(), tx);
        outpoint
    }

    /// The coin, to be changed.
    pub fn coin(&mut self, outpoint: OutPoint) -> &mut FoundCoin {
        self.coins.iter_mut().find(|coin| coin.outpoint == outpoint).unwrap()
    }

    pub fn spend(&mut self, outpoint: OutPoint) {
        self.coins.retain(|coin| coin.outpoint != outpoint);
    }

    /// A node that answers all of this, forever.
    pub fn node(&self) -> FakeNode {
        let mut node = FakeNode::new()
            .with_status(self.status.clone())
            .with_tip(Ok(tip(TIP)))
            .with_masternodes(Ok(MasternodeList::saved(
                tip(TIP),
                self.entries.clone(),
                &castellan::protocol::network::builtin("dash-regtest").unwrap(),
            )))
            .with_coins_of(Ok(CoinSearch {
                coins: self.coins.clone(),
                source: CoinSource::AddressIndex,
            }))
            .with_fee_rate(Ok(self.fee_rate))
            .with_pending(Ok(self.pending.clone()))
            .with_wallet_coins(Ok(WalletCoins {
                coins: self.wallet.1.clone(),
                change: self.wallet.0.key_id().address(),
            }));
        for coin in self.coins.iter().chain(&self.wallet.1) {
            node = node.with_coin(coin.outpoint, Ok(Some(coin.clone())));
        }
        for (txid, tx) in &self.transactions {
            let found = FoundTx {
                tx: tx.clone(),
                confirmations: 30,
                height: Some(TIP - 29),
                block: Some(block(TIP - 29)),
            };
            node = node.with_transaction(*txid, Ok(Some(found)));
        }
        match &self.broadcast {
            Some(answer) => node.with_broadcast(answer.clone()),
            None => node,
        }
    }
}

/// Folder, vault, journal, chain and device of one test.
pub struct World {
    pub profile: Arc<Profile>,
    pub chain: Chain,
    pub vault: Arc<Vault>,
    pub journal: Arc<Journal>,
    pub history: Arc<History>,
    pub device: Arc<FakeDevice>,
    /// On the device's first address.
    pub collateral: OutPoint,
    /// One coin on the vault's key `fees`.
    pub fee_coin: OutPoint,
    folder: tempfile::TempDir,
}

impl World {
    /// A device with one collateral, a vault with money on its fee key.
    pub fn new(network: &str) -> Self {
        let profile = Arc::new(network::builtin(network).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let dirs = Dirs::at(folder.path());
        dirs.create().unwrap();
        let phrase = Phrase::generate().unwrap();
        let vault = Vault::create_with(&dirs.vault, "test", &phrase, Stretching::MINIMAL).unwrap();
        vault.generate(Kind::Fee, "fees", &profile, 0).unwrap();
        let mut chain = Chain::new(&profile);
        let collateral = chain.pay(device_key(&profile, 0, false, 0), profile.collateral_regular);
        let fee_coin = chain.pay(vault.info("fees").unwrap().key_id().unwrap(), Amount::from_coins(1));
        Self {
            chain,
            vault: Arc::new(vault),
            journal: Arc::new(Journal::open(&dirs.journal).unwrap()),
            history: Arc::new(History::open(&dirs.history).unwrap()),
            device: Arc::new(FakeDevice::new(Arc::clone(&profile))),
            collateral,
            fee_coin,
            profile,
            folder,
        }
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Ports to the chain as it is now, and the node behind them.
    pub fn ports(&self) -> (Ports, FakeNode) {
        let node = self.chain.node();
        let ports = Ports {
            profile: Arc::clone(&self.profile),
            node: Arc::new(node.clone()),
            device: Some(Arc::clone(&self.device) as Arc<dyn Device>),
            vault: Some(Arc::clone(&self.vault)),
            journal: Arc::clone(&self.journal),
            history: Arc::clone(&self.history),
            poll: Duration::from_millis(1),
        };
        (ports, node)
    }

    /// A regular masternode with new keys of the vault.
    pub fn draft(&self) -> Draft {
        Draft {
            name: "mn1".into(),
            kind: MnType::Regular,
            collateral: CollateralChoice::Find,
            service: Service::v4([1, 2, 3, 4].into(), self.profile.p2p_port),
            owner: KeyChoice::New,
            operator: OperatorChoice::New,
            voting: VotingChoice::New,
            payout: Address::PubkeyHash([0x44; 20]),
            operator_reward: 525,
            platform: None,
            fee_from: FeeSource::Key("fees".into()),
        }
    }

    pub fn key_id(&self, label: &str) -> KeyId {
        self.vault.info(label).unwrap().key_id().unwrap()
    }

    pub fn make(&self, kind: Kind, label: &str) {
        self.vault.generate(kind, label, &self.profile, 0).unwrap();
    }

    pub fn device_key(&self, account: u32, change: bool, index: u32) -> KeyId {
        device_key(&self.profile, account, change, index)
    }

    /// Times the device was asked for a signature of any kind.
    pub fn signatures_asked(&self) -> usize {
        let signing = |asked: &Asked| matches!(asked, Asked::SignMessage(..) | Asked::SignSpend(_));
        self.device.requests().iter().filter(|asked| signing(asked)).count()
    }

    /// The only operation.
    pub fn operation(&self) -> Operation {
        let mut all = self.journal.list().unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    /// Prepares and registers, and mines what was sent.
    pub async fn register(&self, draft: Draft) -> (Result<register::Outcome, Error>, FakeNode) {
        let (ports, node) = self.ports();
        let plan = match register::prepare(&ports, draft).await {
            Ok(plan) => plan,
            Err(error) => return (Err(error), node),
        };
        let (outcome, _) = run(&ports, &node, register::register(ports.clone(), plan)).await;
        (outcome, node)
    }

    /// A plan that must be possible, with the ports it was made with.
    pub async fn plan(&self, draft: Draft) -> (Plan, Ports, FakeNode) {
        let (ports, node) = self.ports();
        let plan = register::prepare(&ports, draft).await.unwrap();
        assert_eq!(plan.verdict.failure_before_signing(), None);
        (plan, ports, node)
    }
}

/// Runs a flow to its end; what it sends is in the next block.
pub async fn run<T>(
    ports: &Ports,
    node: &FakeNode,
    flow: impl Sipper<Result<T, Error>, Step>,
) -> (Result<T, Error>, Vec<Step>) {
    let all = async {
        let mut flow = flow.pin();
        let mut steps = Vec::new();
        while let Some(step) = flow.sip().await {
            if let Step::Broadcasting { txid } = step {
                mine(ports, node, txid);
            }
            steps.push(step);
        }
        (flow.await, steps)
    };
    tokio::time::timeout(PATIENCE, all).await.expect("the flow ends")
}

/// From now on the node has the finished transaction in the block after [`TIP`].
pub fn mine(ports: &Ports, node: &FakeNode, txid: Txid) {
    let operations = ports.journal.list().unwrap();
    let hex = operations
        .iter()
        .find_map(|each| each.finished().filter(|(found, _)| *found == txid));
    let tx = Transaction::from_hex(hex.expect("finished before it is sent").1).unwrap();
    let _ = node.clone().with_transaction(txid, Ok(Some(mined(tx))));
}

pub fn mined(tx: Transaction) -> FoundTx {
    FoundTx {
        tx,
        confirmations: 1,
        height: Some(TIP + 1),
        block: Some(block(TIP + 1)),
    }
}

pub fn block(height: u32) -> BlockHash {
    BlockHash::from_byte_array([(height % 251) as u8; 32])
}

pub fn tip(height: u32) -> Tip {
    Tip {
        height,
        hash: block(height),
        time: 1_700_000_000,
    }
}

/// The names of the events, without what they carry.
pub fn names(operation: &Operation) -> Vec<&'static str> {
    operation.events.iter().map(|entry| name(&entry.event)).collect()
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::Planned { .. } => "planned",
        Event::Signed { .. } => "signed",
        Event::Finished { .. } => "finished",
        Event::Broadcasting => "broadcasting",
        Event::Sent { .. } => "sent",
        Event::Mined { .. } => "mined",
        Event::Failed { .. } => "failed",
        Event::Cancelled => "cancelled",
    }
}

/// What a node was told, as opposed to asked.
pub fn told(node: &FakeNode) -> Vec<Request> {
    let telling = |request: &Request| matches!(request, Request::Broadcast(_) | Request::WalletSign(_));
    node.requests().into_iter().filter(telling).collect()
}

/// The key of a path of the fake device, from another one with the same phrase, which leaves no trace in its memory.
pub fn device_key(profile: &Profile, account: u32, change: bool, index: u32) -> KeyId {
    let device = FakeDevice::new(Arc::new(profile.clone()));
    let at: DerivationPath = path::account(profile, account);
    let xpub = device.account_xpub(at).now_or_never().unwrap().unwrap();
    KeyId::of(&derive(&xpub, change, index))
}

fn status(profile: &Profile) -> NodeStatus {
    let modern = profile.activation.v19.is_some();
    let (version, dialect) = if modern {
        (230_102, Dialect::V23)
    } else {
        (170_003, Dialect::V17)
    };
    NodeStatus {
        subversion: "/Fake/".into(),
        version,
        protocol_version: 70_000,
        chain: profile.chain.clone(),
        genesis: profile.genesis,
        tip: tip(TIP),
        headers: TIP,
        synced: true,
        connections: 8,
        capabilities: Capabilities {
            v19_active: modern,
            mn_rr_active: modern,
            dialect,
            address_index: Some(true),
            scan_tx_out_set: modern,
            test_mempool_accept: modern,
            list_diff: modern,
            tx_index: Some(true),
            wallet: Some(true),
        },
    }
}

/// An enabled masternode of somebody else.
pub fn entry(n: u8, profile: &Profile) -> Entry {
    Entry {
        pro_tx_hash: Txid::from_byte_array([n; 32]),
        kind: MnType::Regular,
        collateral: OutPoint {
            txid: Txid::from_byte_array([0xc0 + n; 32]),
            vout: 0,
        },
        operator_reward: 0,
        confirmations: Some(200),
        state: EntryState {
            version: if profile.activation.v19.is_some() { 2 } else { 1 },
            service: Service::v4([9, 9, 9, n].into(), profile.p2p_port),
            registered_height: 100,
            last_paid_height: TIP - 10 + u32::from(n),
            consecutive_payments: 0,
            pose_penalty: 0,
            pose_revived_height: None,
            pose_ban_height: None,
            revocation_reason: 0,
            owner: Some(KeyId([n; 20])),
            voting: Some(KeyId([0x50 + n; 20])),
            payout: Some(Address::PubkeyHash([0x60 + n; 20])),
            operator_payout: None,
            // No key.
            operator: OperatorKey::from_bytes([n; 48], Scheme::Basic),
            platform_node_id: None,
            platform_p2p_port: None,
            platform_http_port: None,
        },
    }
}
