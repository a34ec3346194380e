//! A running sandbox: the chain, its node on loopback, and the clock that mines.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bitcoin::{BlockHash, ScriptBuf, Txid};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::asset_unlock::UnlockError;
use super::chain::{Chain, NotListed};
use super::faucet::FaucetError;
use super::node;
use super::reject::Reject;
use super::start::{Extras, Setup, StartError};
use crate::protocol::address::Address;
use crate::protocol::network::Profile;
use crate::protocol::tx::Transaction;
use crate::protocol::{Amount, ProTxHash};

/// Events a slow listener may lag behind before it misses some.
const EVENTS: usize = 256;

/// How a sandbox is set up.
#[derive(Clone)]
pub struct Options {
    pub profile: Profile,
    /// How many masternodes the chain starts with.
    pub masternodes: usize,
    /// **Seconds** between blocks; 0: only on demand.
    pub block_seconds: u64,
    /// Same seed, same keys and fates.
    pub seed: u64,
    /// Loopback port of the node; 0: any free one.
    pub rpc_port: u16,
    pub user: String,
    pub password: String,
    /// Addresses of the newcomer's device, see [`Setup::device`].
    pub device: Vec<Address>,
    /// What devices hold besides, see [`Setup::extras`].
    pub extras: Vec<Extras>,
}

impl Options {
    /// Thirty masternodes, blocks on demand, any port.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            masternodes: 30,
            block_seconds: 0,
            seed: 1,
            rpc_port: 0,
            user: "sandbox".to_owned(),
            password: "sandbox".to_owned(),
            device: Vec::new(),
            extras: Vec::new(),
        }
    }
}

/// What happened on the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    BlockMined {
        height: u32,
        hash: BlockHash,
        /// Coinbase included.
        transactions: usize,
    },
    TransactionAccepted {
        txid: Txid,
    },
}

/// Why a sandbox did not start.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SandboxError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the sandbox cannot listen on 127.0.0.1:{port}: {kind}")]
    Listen { port: u16, kind: std::io::ErrorKind },
    #[error("the sandbox's start state was not finished")]
    Interrupted,
}

/// What the node's connections and the clock share.
pub(super) struct Shared {
    chain: Mutex<Chain>,
    events: broadcast::Sender<Event>,
    pub(super) started: Instant,
    pub(super) started_at: u64,
    pub(super) user: String,
    pub(super) password: String,
}

impl Shared {
    /// The chain; a panic elsewhere does not lock everyone out.
    pub(super) fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn mine(&self, count: u32) -> Vec<BlockHash> {
        (0..count).map(|_| self.mine_one()).collect()
    }

    fn mine_one(&self) -> BlockHash {
        self.mine_on(&mut self.chain())
    }

    /// Takes blocks back and mines others at once: nobody sees the chain between.
    pub(super) fn reorg(&self, count: u32, blocks: u32) -> Vec<BlockHash> {
        let mut chain = self.chain();
        chain.take_back(count);
        (0..blocks).map(|_| self.mine_on(&mut chain)).collect()
    }

    fn mine_on(&self, chain: &mut Chain) -> BlockHash {
        let block = chain.mine(now());
        let event = Event::BlockMined {
            height: block.height,
            hash: block.hash,
            transactions: block.txids.len(),
        };
        let hash = block.hash;
        // Sent while the chain is locked, so that events keep its order. Nobody listening is fine.
        let _ = self.events.send(event);
        hash
    }

    pub(super) fn submit(&self, tx: Transaction) -> Result<Txid, Reject> {
        let mut chain = self.chain();
        let txid = chain.submit(tx, now())?;
        let _ = self.events.send(Event::TransactionAccepted { txid });
        Ok(txid)
    }

    pub(super) fn fund(&self, payments: &[(ScriptBuf, Amount)]) -> Result<Txid, FaucetError> {
        let mut chain = self.chain();
        let txid = chain.fund(payments, now())?;
        let _ = self.events.send(Event::TransactionAccepted { txid });
        Ok(txid)
    }

    pub(super) fn unlock_assets(&self, payments: &[(ScriptBuf, Amount)]) -> Result<Txid, UnlockError> {
        let mut chain = self.chain();
        let txid = chain.unlock_assets(payments, now())?;
        let _ = self.events.send(Event::TransactionAccepted { txid });
        Ok(txid)
    }
}

/// A sandbox that runs until it is dropped. Any number run side by side.
pub struct Sandbox {
    shared: Arc<Shared>,
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
    /// Seconds between blocks; 0: only on demand.
    period: watch::Sender<u64>,
}

impl Sandbox {
    /// Builds the chain and serves its node on loopback.
    ///
    /// # Errors
    /// The port is taken, or block 1 has not the money for so many masternodes.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let port = options.rpc_port;
        let refused = |error: std::io::Error| SandboxError::Listen {
            port,
            kind: error.kind(),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let setup = Setup {
            profile: options.profile.clone(),
            seed: options.seed,
            masternodes: options.masternodes,
            device: options.device.clone(),
            extras: options.extras.clone(),
            now: now(),
        };
        let chain = tokio::task::spawn_blocking(move || Chain::start(&setup))
            .await
            .map_err(|_| SandboxError::Interrupted)??;
        Ok(Self::serve(chain, options, listener, address))
    }

    /// Serves a chain that is there already.
    pub(super) fn serve(chain: Chain, options: Options, listener: TcpListener, address: SocketAddr) -> Self {
        let shared = Arc::new(Shared {
            chain: Mutex::new(chain),
            events: broadcast::channel(EVENTS).0,
            started: Instant::now(),
            started_at: now(),
            user: options.user,
            password: options.password,
        });
        let period = watch::Sender::new(options.block_seconds);
        let tasks = vec![
            tokio::spawn(node::serve(listener, Arc::clone(&shared))),
            tokio::spawn(mine_on_time(Arc::clone(&shared), period.subscribe())),
        ];
        Self {
            shared,
            address,
            tasks,
            period,
        }
    }

    /// `http://127.0.0.1:port`
    pub fn rpc_url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn rpc_port(&self) -> u16 {
        self.address.port()
    }

    pub fn user(&self) -> &str {
        &self.shared.user
    }

    pub fn password(&self) -> &str {
        &self.shared.password
    }

    pub fn height(&self) -> u32 {
        self.shared.chain().height()
    }

    /// Mines blocks now; their hashes.
    pub fn mine(&self, count: u32) -> Vec<BlockHash> {
        self.shared.mine(count)
    }

    /// Takes the last blocks back and mines others instead; their hashes. A node gives up blocks only for a longer chain, so
    /// `blocks` should be more than `count`.
    pub fn reorg(&self, count: u32, blocks: u32) -> Vec<BlockHash> {
        self.shared.reorg(count, blocks)
    }

    /// Seconds between blocks; 0: only on demand.
    pub fn block_seconds(&self) -> u64 {
        *self.period.borrow()
    }

    /// Mines from now on every so many seconds; 0: only on demand.
    pub fn mine_every(&self, seconds: u64) {
        self.period.send_replace(seconds);
    }

    /// Pays a script from the faucet; confirmed by the next block.
    ///
    /// # Errors
    /// The faucet is empty, or the amount is none a transaction can have.
    pub fn fund(&self, script: ScriptBuf, amount: Amount) -> Result<Txid, FaucetError> {
        self.shared.fund(&[(script, amount)])
    }

    /// Pays a script from Platform's credit pool by an asset unlock; confirmed by the next block.
    ///
    /// # Errors
    /// The network has no asset unlocks, or the pool holds less.
    pub fn unlock_assets(&self, script: ScriptBuf, amount: Amount) -> Result<Txid, UnlockError> {
        self.shared.unlock_assets(&[(script, amount)])
    }

    /// Pays the miner's part of a block to come to a script; that block's height.
    pub fn reward(&self, script: ScriptBuf) -> u32 {
        self.shared.chain().reward(script)
    }

    /// Takes a transaction as the node does.
    ///
    /// # Errors
    /// Why not.
    pub fn submit(&self, tx: Transaction) -> Result<Txid, Reject> {
        self.shared.submit(tx)
    }

    /// Makes a masternode miss the DKG of the next block.
    ///
    /// # Errors
    /// It is not in the list.
    pub fn fail_dkg(&self, pro_tx_hash: ProTxHash) -> Result<(), NotListed> {
        self.shared.chain().fail_dkg(pro_tx_hash)
    }

    /// Makes the next block ban a masternode, as two missed DKGs in a row would.
    ///
    /// # Errors
    /// It is not in the list.
    pub fn ban(&self, pro_tx_hash: ProTxHash) -> Result<(), NotListed> {
        self.shared.chain().ban(pro_tx_hash)
    }

    /// Blocks and accepted transactions from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.shared.events.subscribe()
    }

    /// Looks at the chain, which stands still meanwhile.
    pub fn with_chain<T>(&self, look: impl FnOnce(&Chain) -> T) -> T {
        look(&self.shared.chain())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn mine_on_time(shared: Arc<Shared>, mut period: watch::Receiver<u64>) {
    loop {
        let seconds = *period.borrow_and_update();
        let due = async {
            match seconds {
                0 => std::future::pending().await,
                seconds => tokio::time::sleep(Duration::from_secs(seconds)).await,
            }
        };
        tokio::select! {
            () = due => drop(shared.mine(1)),
            changed = period.changed() => if changed.is_err() { return },
        }
    }
}

/// **Unix seconds**.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
