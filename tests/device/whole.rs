//! What a masternode's owner does with a device, on a sandbox's chain that pays this very device: fund, make a collateral, register, spend
//! a reward and an asset unlock, spend many coins at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use castellan::flow::pay::{self, Purpose, Selection, Sum};
use castellan::flow::register::{self, CollateralChoice, FeeSource, KeyChoice, OperatorChoice, VotingChoice};
use castellan::flow::{Error, Ports, Step};
use castellan::hw::{Device, DeviceError, Part, derive};
use castellan::protocol::network::{self, MnType};
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Address, Amount, KeyId, OutPoint, Profile, Transaction, path};
use castellan::rpc::{Auth, Client, Endpoint};
use castellan::sandbox::{Extras, Options, Sandbox};
use castellan::store::journal::State;
use castellan::store::vault::Stretching;
use castellan::store::{Dirs, Journal, Kind, Phrase, Vault};
use sipper::Sipper;

/// Where everything that is sent goes.
const AWAY: Address = Address::PubkeyHash([0x45; 20]);
/// Coins spent at once.
const MANY: usize = 10;

/// Regtest with keys of a coin type.
pub fn regtest(coin_type: u32) -> Arc<Profile> {
    let profile = network::builtin("dash-regtest").unwrap();
    Arc::new(Profile { coin_type, ..profile })
}

pub struct World {
    sandbox: Sandbox,
    ports: Ports,
    /// Keys of account 0 by index.
    own: Vec<KeyId>,
    small: Vec<KeyId>,
    _folder: tempfile::TempDir,
}

impl World {
    pub async fn new(profile: Arc<Profile>, device: Arc<dyn Device>) -> Self {
        let mut keys = Vec::new();
        for (account, count) in [(0, 6), (1, 10)] {
            let xpub = device.account_xpub(path::account(&profile, account)).await.unwrap();
            let key = |index| KeyId::of(&derive(&xpub, false, index));
            keys.push((0..count).map(key).collect::<Vec<_>>());
        }
        let (small, own) = (keys.pop().unwrap(), keys.pop().unwrap());
        let sandbox = Sandbox::start(Options {
            masternodes: 4,
            device: own[..4].iter().map(|key| key.address()).collect(),
            extras: vec![Extras {
                rewards: own[4].address(),
                unlock: own[5].address(),
                small: small.iter().map(|key| key.address()).collect(),
            }],
            ..Options::new(Profile::clone(&profile))
        })
        .await
        .unwrap();
        // It begins with an unconfirmed coin.
        sandbox.mine(1);
        let auth = Auth::UserPassword {
            user: sandbox.user().to_owned(),
            password: sandbox.password().to_owned().into(),
        };
        let endpoint = Endpoint::new(&sandbox.rpc_url(), auth).unwrap();
        let node = Client::connect(endpoint, Arc::clone(&profile)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let dirs = Dirs::at(folder.path());
        dirs.create().unwrap();
        let phrase = Phrase::generate().unwrap();
        let vault = Vault::create_with(&dirs.vault, "test", &phrase, Stretching::MINIMAL).unwrap();
        vault.generate(Kind::Fee, "fees", &profile, 0).unwrap();
        let ports = Ports {
            node: Arc::new(node),
            device: Some(device),
            vault: Some(Arc::new(vault)),
            journal: Arc::new(Journal::open(&dirs.journal).unwrap()),
            history: Arc::new(castellan::store::History::open(&dirs.history).unwrap()),
            poll: Duration::from_millis(20),
            profile,
        };
        Self {
            sandbox,
            ports,
            own,
            small,
            _folder: folder,
        }
    }

    /// All of it, one after the other.
    pub async fn everything(&self) {
        // First, so that no other payment takes them.
        self.spend_special(4, 5).await;
        self.spend_special(5, 9).await;
        self.fund().await;
        self.collateral().await;
        self.register().await;
        self.spend_many().await;
        let operations = self.ports.journal.list().unwrap();
        assert!(operations.iter().all(|operation| operation.state() == State::Mined));
        assert_eq!(operations.len(), 6);
    }

    async fn fund(&self) {
        let vault = self.ports.vault.as_ref().unwrap();
        let to = vault.info("fees").unwrap().key_id().unwrap().address();
        let amount = Amount::from_coins(1);
        let label = "fees".to_owned();
        let outcome = self
            .pay(0, Purpose::Fund { label, to, amount }, Selection::Automatic)
            .await;
        assert_eq!(outcome.unwrap().0.tx.outputs[0].script, to.script());
    }

    /// The device shows the address first, and then the output as any other.
    async fn collateral(&self) {
        let kind = MnType::Regular;
        let (outcome, steps) = self
            .pay(0, Purpose::Collateral { kind }, Selection::Automatic)
            .await
            .unwrap();
        assert!(steps.iter().any(|step| matches!(step, Step::ConfirmAddress { .. })));
        let made = outcome.made.unwrap();
        let output = &outcome.tx.outputs[made.vout as usize];
        assert_eq!(output.amount(), Some(self.ports.profile.collateral_regular));
    }

    async fn register(&self) {
        let collateral = self.coins(&self.own[..1]).remove(0);
        let draft = register::Draft {
            name: "mn1".into(),
            kind: MnType::Regular,
            collateral: CollateralChoice::Named {
                outpoint: collateral,
                path: Some(path::address(&self.ports.profile, 0, false, 0)),
            },
            service: Service::v4([1, 2, 3, 4].into(), self.ports.profile.p2p_port),
            owner: KeyChoice::New,
            operator: OperatorChoice::New,
            voting: VotingChoice::New,
            payout: Address::PubkeyHash([0x44; 20]),
            operator_reward: 525,
            platform: None,
            fee_from: FeeSource::Key("fees".into()),
        };
        let plan = register::prepare(&self.ports, draft).await.unwrap();
        assert_eq!(plan.verdict.failure_before_signing(), None);
        let (outcome, _) = self.mined(register::register(self.ports.clone(), plan)).await;
        let hash = outcome.unwrap().pro_tx_hash;
        let entry = self.ports.node.masternode(hash).await.unwrap().unwrap();
        assert_eq!(entry.collateral, collateral);
    }

    /// A coin that a transaction of this type made.
    async fn spend_special(&self, address: usize, kind: u16) {
        let ready = |outpoint: &OutPoint| {
            self.sandbox.with_chain(|chain| {
                let coin = chain.coin(outpoint).unwrap();
                !coin.coinbase || chain.confirmations(coin.height) >= self.ports.profile.coinbase_maturity
            })
        };
        let coins = self.coins(&self.own[address..=address]);
        let coin: OutPoint = coins.into_iter().find(ready).unwrap();
        let made = self.sandbox.with_chain(|chain| chain.transaction(coin.txid).unwrap().0);
        assert_eq!(made.kind, kind);
        let (outcome, _) = self.send(0, &[coin]).await.unwrap();
        assert_eq!(spent(&outcome.tx), [coin]);
    }

    /// Each input is told of twice: when what made it was read, and when it is signed.
    async fn spend_many(&self) {
        let coins = self.coins(&self.small);
        let started = Instant::now();
        let (outcome, steps) = self.send(1, &coins[..MANY]).await.unwrap();
        println!("{MANY} inputs: {:?}", started.elapsed());
        assert_eq!(outcome.tx.inputs.len(), MANY);
        for part in [Part::Reading, Part::Signing] {
            let told: Vec<usize> = steps
                .iter()
                .filter_map(|step| match step {
                    Step::DeviceWorks(done) if done.part == part => Some(done.done),
                    _ => None,
                })
                .collect();
            assert!(told.is_sorted() && told.last() == Some(&MANY), "{part:?}: {told:?}");
        }
    }

    /// What the user says no to is not sent, and can be done at once after.
    pub async fn declined(&self) {
        let coins = self.coins(&self.small);
        let declined = self.send(1, &coins[..1]).await.map(drop);
        assert_eq!(declined, Err(Error::Device(DeviceError::Declined)));
        assert!(self.sandbox.with_chain(|chain| chain.mempool().is_empty()));
    }

    /// Dropped while the device asks; whoever is at the device answers later.
    pub async fn cancelled(&self, wait: Duration) {
        let coins = self.coins(&self.small);
        let run = self.send(1, &coins[..2]);
        assert!(tokio::time::timeout(wait, run).await.is_err(), "nobody answered");
        let last = self.ports.journal.list().unwrap();
        let last = last.iter().max_by_key(|operation| operation.id).unwrap();
        assert_eq!(last.state(), State::Cancelled);
        assert!(self.sandbox.with_chain(|chain| chain.mempool().is_empty()));
    }

    /// One small coin is sent, whole.
    pub async fn sends(&self) {
        let coins = self.coins(&self.small);
        assert!(self.send(1, &coins[..1]).await.is_ok());
    }

    /// Part of one coin is sent, the rest returns.
    pub async fn sends_with_change(&self) -> Result<(), Error> {
        let sum = Sum::Exactly(Amount::from_duffs(1_000_000));
        let purpose = Purpose::Send { to: AWAY, sum };
        self.pay(1, purpose, Selection::Automatic).await.map(drop)
    }

    async fn send(&self, account: u32, coins: &[OutPoint]) -> Result<(pay::Outcome, Vec<Step>), Error> {
        let chosen = Selection::Chosen {
            coins: coins.iter().copied().collect(),
            unlocked: BTreeMap::new(),
        };
        let all = Purpose::Send {
            to: AWAY,
            sum: Sum::All,
        };
        self.pay(account, all, chosen).await
    }

    async fn pay(&self, account: u32, purpose: Purpose, coins: Selection) -> Result<(pay::Outcome, Vec<Step>), Error> {
        let draft = pay::Draft {
            account: path::account(&self.ports.profile, account),
            purpose,
            coins,
            rate: None,
        };
        let plan = pay::prepare(&self.ports, draft).await?;
        let (outcome, steps) = self.mined(pay::pay(self.ports.clone(), plan)).await;
        outcome.map(|outcome| (outcome, steps))
    }

    async fn mined<T>(&self, flow: impl Sipper<Result<T, Error>, Step>) -> (Result<T, Error>, Vec<Step>) {
        let mut flow = flow.pin();
        let mut steps = Vec::new();
        while let Some(step) = flow.sip().await {
            if matches!(step, Step::WaitingForBlock { .. }) {
                self.sandbox.mine(1);
            }
            steps.push(step);
        }
        (flow.await, steps)
    }

    /// Confirmed coins of some keys.
    fn coins(&self, keys: &[KeyId]) -> Vec<OutPoint> {
        let scripts: Vec<_> = keys.iter().map(|key| key.address().script()).collect();
        self.sandbox.with_chain(|chain| {
            let own = chain.coins().filter(|(_, coin)| scripts.contains(&coin.script));
            own.map(|(outpoint, _)| *outpoint).collect()
        })
    }
}

fn spent(tx: &Transaction) -> Vec<OutPoint> {
    tx.inputs.iter().map(|input| input.previous).collect()
}
