//! A regtest chain of the real node, coins to pay fees with, and masternodes whose secrets are known.
//!
//! `Chain::start(Options::AFTER_V19)` gives a node, ports for the flows (vault with the fee key under [`FEES`], no device) and
//! mature coins; `register` adds masternodes; `fund` begins a transaction that pays its fee; `deliver` sends one and mines it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bitcoin::hashes::Hash;
use castellan::flow::{Error, Ports, Step, overview};
use castellan::protocol::funding::{self, Change, Coin};
use castellan::protocol::masternode::Entry;
use castellan::protocol::network::{self, MnType};
use castellan::protocol::script;
use castellan::protocol::{Address, Amount, OutPoint, ProTxHash, Profile, SecpKey, Transaction};
use castellan::rpc::{Auth, Client, Endpoint};
use castellan::store::{Dirs, Journal, Kind, Vault};
use serde_json::{Value, json};
use sipper::Sipper;
use tokio::sync::Mutex;

use crate::masternode::{Masternode, Wanted, collateral_key};
use crate::support::{self, Dashd};

/// Label of the fee key in the vault.
pub const FEES: &str = "fees";
/// Coins that are made at once.
const STOCK: usize = 25;
/// A height no test reaches.
const NEVER: u32 = 5_000;

/// Heights from which the rules of the eras hold.
#[derive(Clone, Copy)]
pub struct Options {
    pub v19: u32,
    pub v20: u32,
    pub mn_rr: u32,
}

impl Options {
    pub const BEFORE_V19: Self = Self::v19_at(NEVER);
    pub const AFTER_V19: Self = Self {
        v19: 1,
        v20: 100,
        mn_rr: 100,
    };
    /// After V19, evonodes are paid four times in a row.
    pub const BEFORE_MN_RR: Self = Self {
        mn_rr: NEVER,
        ..Self::AFTER_V19
    };

    /// V19 at a height to be crossed, nothing after it.
    pub const fn v19_at(height: u32) -> Self {
        Self {
            v19: height,
            v20: NEVER,
            mn_rr: NEVER,
        }
    }
}

pub struct Chain {
    pub node: Dashd,
    pub ports: Ports,
    coins: Mutex<Vec<Coin>>,
    number: AtomicU8,
    _folder: tempfile::TempDir,
}

/// The key that pays all fees, and gets the change.
pub fn fee_key() -> SecpKey {
    SecpKey::from_bytes(&[0x77; 32]).expect("in range")
}

impl Chain {
    pub async fn start(options: Options) -> Self {
        let heights = [("v19", options.v19), ("v20", options.v20), ("mn_rr", options.mn_rr)];
        let heights = heights.map(|(name, height)| format!("-testactivationheight={name}@{height}"));
        let node = Dashd::start(&[&*heights[0], &*heights[1], &*heights[2]]).await;
        let profile = Arc::new(network::builtin("dash-regtest").expect("embedded"));
        let auth = Auth::UserPassword {
            user: support::USER.into(),
            password: support::PASSWORD.to_owned().into(),
        };
        let endpoint = Endpoint::new(&node.url(), auth).expect("a URL");
        let client = Client::connect(endpoint, Arc::clone(&profile)).expect("a client");
        let folder = tempfile::tempdir().expect("a folder");
        let dirs = Dirs::at(folder.path());
        let vault = support::vault(&dirs);
        let wif = fee_key().to_wif(&profile);
        vault.import(Kind::Fee, FEES, &profile, &wif, 0).expect("imported");
        let ports = Ports {
            profile,
            node: Arc::new(client),
            device: None,
            vault: Some(Arc::new(vault)),
            journal: Arc::new(Journal::open(&dirs.journal).expect("a journal")),
            history: Arc::new(castellan::store::History::open(&dirs.history).expect("a history")),
            poll: Duration::from_millis(100),
        };
        node.mine(130).await;
        Self {
            node,
            ports,
            coins: Mutex::default(),
            number: AtomicU8::new(1),
            _folder: folder,
        }
    }

    pub fn profile(&self) -> &Profile {
        &self.ports.profile
    }

    pub async fn height(&self) -> u32 {
        self.ports.node.tip().await.expect("a tip").height
    }

    pub async fn mine_to(&self, height: u32) {
        let missing = height.checked_sub(self.height().await).expect("not passed yet");
        self.node.mine(missing).await;
    }

    /// Payload version for the next block.
    pub async fn version(&self) -> u16 {
        let status = self.ports.node.status().await.expect("a status");
        status.capabilities.payload_version()
    }

    /// A confirmed coin of the fee key that nobody took yet; makes new ones, and a block, when there are none.
    pub async fn coin(&self) -> Coin {
        let mut coins = self.coins.lock().await;
        if coins.is_empty() {
            let address = fee_key().key_id().address().to_text(self.profile());
            for _ in 0..STOCK {
                coins.push(Coin {
                    outpoint: self.node.pay(&address, "0.1").await,
                    value: Amount::from_duffs(10_000_000),
                });
            }
            self.node.mine(1).await;
        }
        coins.pop().expect("just made")
    }

    /// A transaction of a type with a fee coin and change, unsigned; `payload` is as long as the final one.
    pub async fn fund(&self, kind: u16, payload: Vec<u8>) -> Transaction {
        self.fund_with(self.coin().await, kind, payload)
    }

    pub fn fund_with(&self, coin: Coin, kind: u16, payload: Vec<u8>) -> Transaction {
        let template = Transaction {
            kind,
            payload,
            ..Transaction::empty(3)
        };
        // Twice what is relayed: payloads grow by what a test puts into them.
        let rate = Amount::from_duffs(2_000);
        let change = fee_key().key_id().address().script();
        let funded = funding::fund(&template, &[coin], rate, &change, Change::Required);
        funded.expect("enough").tx
    }

    /// Registers masternodes of the given kinds, all in one block.
    pub async fn register(&self, wanted: &[Wanted]) -> Vec<Masternode> {
        let mut made = Vec::new();
        for &wanted in wanted {
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            let collateral = self.collateral(number, wanted.kind).await;
            made.push(Masternode {
                number,
                wanted,
                collateral,
                pro_tx_hash: ProTxHash::all_zeros(),
            });
        }
        // Confirmed here if not already.
        self.node.mine(1).await;
        for masternode in &mut made {
            let tx = self.registration(masternode).await;
            masternode.pro_tx_hash = tx.txid();
            self.send(&tx).await;
        }
        self.node.mine(1).await;
        for masternode in &made {
            self.entry(masternode).await;
        }
        made
    }

    /// Pays the collateral of a number to its own key, unconfirmed.
    pub async fn collateral(&self, number: u8, kind: MnType) -> OutPoint {
        let address = collateral_key(number).key_id().address();
        self.collateral_to(address, kind).await
    }

    /// Pays a collateral to an address, unconfirmed.
    pub async fn collateral_to(&self, address: Address, kind: MnType) -> OutPoint {
        let amount = self.profile().collateral(kind).expect("known on this network");
        let coins = amount.duffs() / 100_000_000;
        while self.balance().await < coins as f64 + 100.0 {
            self.node.mine(10).await;
        }
        let address = address.to_text(self.profile());
        self.node.pay(&address, &coins.to_string()).await
    }

    /// One confirmed coin more for a key of the vault.
    pub async fn pay_key(&self, vault: &Vault, label: &str, coins: &str) -> OutPoint {
        let key = vault
            .info(label)
            .expect("held")
            .key_id()
            .expect("on a curve of addresses");
        let outpoint = self.node.pay(&key.address().to_text(self.profile()), coins).await;
        self.node.mine(1).await;
        outpoint
    }

    /// Runs a flow to its end; each block it waits for is mined.
    pub async fn run<T>(&self, flow: impl Sipper<Result<T, Error>, Step>) -> Result<T, Error> {
        let mut flow = flow.pin();
        while let Some(step) = flow.sip().await {
            if matches!(step, Step::WaitingForBlock { .. }) {
                self.node.mine(1).await;
            }
        }
        flow.await
    }

    /// A masternode with all that follows from its place in the list.
    pub async fn masternode(&self, ports: &Ports, hash: ProTxHash) -> overview::Masternode {
        overview::one(ports, hash).await.expect("listed").1
    }

    /// What `protx info` prints.
    pub async fn info(&self, hash: ProTxHash) -> Value {
        self.node.call("protx", json!(["info", hash.to_string()])).await
    }

    async fn balance(&self) -> f64 {
        let balance = self.node.call("getbalance", json!([])).await;
        balance.to_string().parse().expect("a number")
    }

    /// The signed ProRegTx of a masternode whose collateral is confirmed.
    pub async fn registration(&self, masternode: &Masternode) -> Transaction {
        let draft = masternode.pro_reg(&Transaction::empty(3), self.profile());
        let mut tx = self.fund(1, draft.encode()).await;
        masternode.pro_reg(&tx, self.profile()).attach(&mut tx);
        sign_inputs(tx)
    }

    /// Sends through our client, judged by our rules first.
    pub async fn send(&self, tx: &Transaction) {
        let sent = castellan::flow::transaction::send(&self.ports, tx).await;
        assert_eq!(sent, Ok(tx.txid()));
    }

    /// Sends and mines; the height of the block.
    pub async fn deliver(&self, tx: &Transaction) -> u32 {
        self.send(tx).await;
        self.node.mine(1).await;
        let found = self.ports.node.transaction(tx.txid()).await.expect("an answer");
        found.and_then(|found| found.height).expect("in the block")
    }

    /// The state as our client reads it.
    pub async fn entry(&self, masternode: &Masternode) -> Entry {
        let entry = self.ports.node.masternode(masternode.pro_tx_hash).await;
        entry.expect("an answer").expect("listed")
    }

    /// The state as `protx info` prints it.
    pub async fn state(&self, masternode: &Masternode) -> Value {
        let params = json!(["info", masternode.pro_tx_hash.to_string()]);
        self.node.call("protx", params).await["state"].clone()
    }
}

/// Signs all inputs with the fee key.
pub fn sign_inputs(tx: Transaction) -> Transaction {
    sign_inputs_with(&fee_key(), tx)
}

/// Signs all inputs, which pay to the fee key, with any key.
pub fn sign_inputs_with(key: &SecpKey, mut tx: Transaction) -> Transaction {
    let spent = script::pay_to_key(&fee_key().key_id().0);
    for at in 0..tx.inputs.len() {
        let signature = key.sign_der(&tx.sighash_all(at, spent.as_bytes()));
        tx.inputs[at].script_sig = script::script_sig(&signature, &key.public_key().serialize());
    }
    tx
}
