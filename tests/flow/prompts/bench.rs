//! A sandbox's node, a vault, and as many devices of one kind as there are scenes: each scene has its own device, journal, fee key and
//! collateral, so that nothing of one shows in another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bitcoin::bip32::DerivationPath;
use castellan::flow::pay::{self, Purpose, Selection, Sum};
use castellan::flow::register::{self, CollateralChoice, Draft, FeeSource, KeyChoice, OperatorChoice, VotingChoice};
use castellan::flow::{Error, Ports, Step, resume};
use castellan::hw::ledger::Ledger;
use castellan::hw::trezor::{Limits, Trezor};
use castellan::hw::{Device, DeviceError, derive};
use castellan::protocol::network::{self, MnType};
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Address, Amount, KeyId, OutPoint, Profile, path};
use castellan::rpc::{Auth, Client, Endpoint, Node};
use castellan::sandbox::ledger::SandboxLedger;
use castellan::sandbox::trezor::{Model, SandboxTrezor, Screen};
use castellan::sandbox::{Options, Sandbox, ledger, trezor};
use castellan::store::vault::Stretching;
use castellan::store::{Dirs, Journal, Kind, Phrase, Vault};
use sipper::Sipper;
use zeroize::Zeroizing;

use super::user::{Event, PIN, Panel, User};

/// How long a host waits for a user who has left.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Nothing takes longer, whatever else the computer does.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Make {
    Ledger,
    One,
    T,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    Register,
    Send,
}

pub struct Bench {
    pub make: Make,
    pub profile: Arc<Profile>,
    pub chain: Sandbox,
    vault: Arc<Vault>,
    node: Arc<dyn Node>,
    folder: tempfile::TempDir,
    scenes: AtomicU8,
    /// The device's first two addresses: collaterals, and money to send.
    own: [KeyId; 2],
}

/// One device and all that belongs to it.
pub struct Seat {
    pub number: u8,
    pub user: Arc<User>,
    pub ports: Ports,
    collateral: OutPoint,
    emulator: Emulator,
    presses: Option<tokio::task::JoinHandle<()>>,
}

enum Emulator {
    Ledger(SandboxLedger),
    Trezor(SandboxTrezor),
}

impl Bench {
    pub async fn new(make: Make) -> Self {
        let profile = Arc::new(network::builtin("dash-regtest").unwrap());
        let options = Options {
            masternodes: 4,
            ..Options::new(Profile::clone(&profile))
        };
        let chain = Sandbox::start(options).await.unwrap();
        let auth = Auth::UserPassword {
            user: chain.user().to_owned(),
            password: chain.password().to_owned().into(),
        };
        let endpoint = Endpoint::new(&chain.rpc_url(), auth).unwrap();
        let node = Client::connect(endpoint, Arc::clone(&profile)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let dirs = Dirs::at(folder.path());
        dirs.create().unwrap();
        let phrase = Phrase::generate().unwrap();
        let vault = Vault::create_with(&dirs.vault, "test", &phrase, Stretching::MINIMAL).unwrap();
        let mut bench = Self {
            make,
            profile,
            chain,
            vault: Arc::new(vault),
            node: Arc::new(node),
            folder,
            scenes: AtomicU8::new(0),
            own: [KeyId([0; 20]); 2],
        };
        let seat = bench.seat(None, LONGEST).await;
        let account = path::account(&bench.profile, 0);
        let xpub = seat.device().account_xpub(account).await.unwrap();
        bench.own = [0, 1].map(|index| KeyId::of(&derive(&xpub, false, index)));
        for _ in 0..2 {
            let money = bench.own[1].address().script();
            bench.chain.fund(money, Amount::from_coins(100)).unwrap();
        }
        bench.chain.mine(1);
        bench
    }

    /// A locked device that is plugged in just now, with a collateral and a fee key, which the next block confirms.
    pub async fn seat(&self, strange: Option<(usize, Event)>, patience: Duration) -> Seat {
        let number = self.scenes.fetch_add(1, Ordering::SeqCst);
        let emulator = self.emulator();
        let user = User::new(emulator.panel(), strange);
        let presses = matches!(emulator, Emulator::Ledger(_)).then(|| tokio::spawn(Arc::clone(&user).at_ledger()));
        let device = self.open(&emulator, &user, patience).await;
        self.vault
            .generate(Kind::Fee, &fee_key(number), &self.profile, 0)
            .unwrap();
        let fees = self.vault.info(&fee_key(number)).unwrap().key_id().unwrap();
        let script = fees.address().script();
        self.chain.fund(script, Amount::from_coins(1)).unwrap();
        let script = self.own[0].address().script();
        let txid = self.chain.fund(script, self.profile.collateral_regular).unwrap();
        let journal = Journal::open(&self.folder.path().join(format!("journal-{number}.sqlite"))).unwrap();
        let ports = Ports {
            profile: Arc::clone(&self.profile),
            node: Arc::clone(&self.node),
            device: Some(device),
            vault: Some(Arc::clone(&self.vault)),
            journal: Arc::new(journal),
            history: Arc::new(castellan::store::History::in_memory().unwrap()),
            poll: Duration::from_millis(5),
        };
        Seat {
            number,
            user,
            ports,
            collateral: OutPoint { txid, vout: 0 },
            emulator,
            presses,
        }
    }

    fn emulator(&self) -> Emulator {
        let model = match self.make {
            Make::Ledger => {
                let mut options = ledger::Options::for_profile(&self.profile);
                // As in every sandbox: keys of the test network are told without asking.
                options.app.coin_type = self.profile.coin_type;
                return Emulator::Ledger(SandboxLedger::start(options).unwrap());
            }
            Make::One => Model::One,
            Make::T => Model::T,
        };
        let options = trezor::Options {
            pin: Some(Zeroizing::new(PIN.to_owned())),
            passphrase: true,
            ..trezor::Options::new(model)
        };
        Emulator::Trezor(SandboxTrezor::start(options).unwrap())
    }

    /// Opening blocks, so it has a thread of its own.
    async fn open(&self, emulator: &Emulator, user: &Arc<User>, patience: Duration) -> Arc<dyn Device> {
        let profile = Arc::clone(&self.profile);
        let asker = Arc::clone(user);
        let limits = Limits {
            hello: LONGEST,
            quick: LONGEST,
            user: patience,
        };
        let address = emulator.address();
        let is_ledger = matches!(emulator, Emulator::Ledger(_));
        let open = move || -> Result<Arc<dyn Device>, DeviceError> {
            Ok(if is_ledger {
                Arc::new(Ledger::network(&address, profile)?)
            } else {
                Arc::new(Trezor::network_with(&address, profile, asker, limits)?)
            })
        };
        tokio::task::spawn_blocking(open).await.unwrap().unwrap()
    }

    /// Closes the device and opens it again, as the device page does.
    pub async fn reopen(&self, seat: &mut Seat) {
        seat.ports.device = None;
        seat.ports.device = Some(self.open(&seat.emulator, &seat.user, LONGEST).await);
    }

    /// A whole run, from the draft to the block.
    pub async fn run(&self, seat: &Seat, job: Job) -> Result<(), Error> {
        match (job, seat.ports.journal.unfinished()?.first()) {
            (Job::Register, Some(begun)) => {
                let flow = resume::resume(seat.ports.clone(), begun.id);
                self.mined(flow).await
            }
            (Job::Register, None) => {
                let plan = register::prepare(&seat.ports, self.draft(seat)).await?;
                assert_eq!(plan.verdict.failure_before_signing(), None);
                self.mined(register::register(seat.ports.clone(), plan)).await
            }
            (Job::Send, _) => {
                let plan = pay::prepare(&seat.ports, self.payment()).await?;
                self.mined(pay::pay(seat.ports.clone(), plan)).await
            }
        }
    }

    async fn mined<T>(&self, flow: impl Sipper<Result<T, Error>, Step>) -> Result<(), Error> {
        let mut flow = flow.pin();
        while let Some(step) = flow.sip().await {
            if matches!(step, Step::WaitingForBlock { .. }) {
                self.chain.mine(1);
            }
        }
        flow.await.map(drop)
    }

    fn draft(&self, seat: &Seat) -> Draft {
        Draft {
            name: format!("mn{}", seat.number),
            kind: MnType::Regular,
            collateral: CollateralChoice::Named {
                outpoint: seat.collateral,
                path: Some(self.first_path()),
            },
            service: Service::v4([1, 2, 3, seat.number].into(), self.profile.p2p_port),
            owner: KeyChoice::New,
            operator: OperatorChoice::New,
            voting: VotingChoice::New,
            payout: Address::PubkeyHash([0x44; 20]),
            operator_reward: 525,
            platform: None,
            fee_from: FeeSource::Key(fee_key(seat.number)),
        }
    }

    fn payment(&self) -> pay::Draft {
        pay::Draft {
            account: path::account(&self.profile, 0),
            purpose: Purpose::Send {
                to: Address::PubkeyHash([0x45; 20]),
                sum: Sum::Exactly(Amount::from_coins(1)),
            },
            coins: Selection::Automatic,
            rate: None,
        }
    }

    /// What a node would tell of anything that was sent: height, waiting transactions, coins.
    pub fn traces(&self) -> (u32, usize, usize) {
        self.chain
            .with_chain(|chain| (chain.height(), chain.mempool().len(), chain.coins().count()))
    }

    pub fn first_path(&self) -> DerivationPath {
        path::address(&self.profile, 0, false, 0)
    }

    pub fn first_key(&self) -> KeyId {
        self.own[0]
    }
}

impl Seat {
    pub fn device(&self) -> &Arc<dyn Device> {
        self.ports.device.as_ref().unwrap()
    }

    pub fn is_idle(&self) -> bool {
        match &self.user.panel {
            Panel::Ledger(panel) => matches!(panel.screen(), ledger::Screen::Idle { .. }),
            Panel::Trezor(panel) => panel.screen() == Screen::Home,
        }
    }

    /// Pulls the cable.
    pub async fn unplug(&self) {
        match &self.user.panel {
            Panel::Ledger(panel) => panel.unplug(),
            Panel::Trezor(panel) => {
                panel.unplug();
                let mut screen = panel.watch();
                let _ = screen.wait_for(|screen| *screen == Screen::Unplugged).await;
            }
        }
    }

    /// Puts the cable back, and opens the app where there are apps.
    pub async fn plug_in(&self) {
        match &self.user.panel {
            Panel::Ledger(panel) => {
                panel.plug_in();
                panel.open_app("Dash");
            }
            Panel::Trezor(panel) => {
                panel.plug_in();
                let mut screen = panel.watch();
                let _ = screen.wait_for(|screen| *screen == Screen::Home).await;
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(presses) = &self.presses {
            presses.abort();
        }
    }
}

impl Emulator {
    fn panel(&self) -> Panel {
        match self {
            Self::Ledger(device) => Panel::Ledger(device.panel()),
            Self::Trezor(device) => Panel::Trezor(device.panel()),
        }
    }

    fn address(&self) -> String {
        match self {
            Self::Ledger(device) => device.address().to_string(),
            Self::Trezor(device) => device.address().to_string(),
        }
    }
}

fn fee_key(number: u8) -> String {
    format!("fees{number}")
}
