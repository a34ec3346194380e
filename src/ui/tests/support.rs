//! A window with everything below it made up, and ways to look at it.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, OutPoint, Txid};
use futures::channel::mpsc;
use futures::{Stream, StreamExt, stream};
use iced::{Size, Task};
use iced_test::Simulator;
use iced_test::selector::Candidate;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::flow::overview::{self, Mine, Overview};
use crate::flow::{self, Ports};
use crate::hw::discovery::{self, Found};
use crate::hw::{self, DeviceError, DeviceInfo, DeviceSpec, Kind};
use crate::protocol::bls::{self, Scheme};
use crate::protocol::key::KeyId;
use crate::protocol::masternode::entry::{Entry, OperatorKey, State};
use crate::protocol::network::{self, MnType};
use crate::protocol::rules::Dialect;
use crate::protocol::special_tx::Service;
use crate::protocol::{Address, Amount, Profile, Transaction, TxIn, TxOut};
use crate::rpc::fake::FakeNode;
use crate::rpc::{
    Capabilities, CoinSearch, CoinSource, FeeRate, FoundCoin, FoundTx, MasternodeList, NodeStatus, RpcError, Tip,
};
use crate::setup::{Choice, Connection, NodeChoice};
use crate::store::dirs::Dirs;
use crate::store::journal::Journal;
use crate::store::keys::Kind as Key;
use crate::store::phrase::Phrase;
use crate::store::vault::Vault;
use crate::store::vault::seal::Stretching;
use crate::ui::screen::devices::Seen;
use crate::ui::session::{NodeView, Session};
use crate::ui::{App, Link, Message, Options, theme};

/// Words of a vault whose keys are always the same.
pub const PHRASE: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
pub const PASSPHRASE: &str = "correct horse battery";

/// An app over a folder of its own.
pub struct Fixture {
    pub app: App,
    pub dirs: Dirs,
    /// Outlives the app: what the sandbox serves runs on it.
    pub runtime: Runtime,
    _home: TempDir,
}

/// Messages of work that goes on beside the test.
pub struct Begun(mpsc::UnboundedReceiver<Message>);

impl Fixture {
    /// The first start.
    pub fn fresh() -> Self {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::at(home.path());
        let (mut app, _) = App::new(Options {
            dirs: dirs.clone(),
            choice: None,
        });
        // No test puts anything on the desktop of whoever runs it.
        app.ways = |settings, _| crate::setup::sinks(settings, false);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        Self {
            app,
            dirs,
            runtime,
            _home: home,
        }
    }

    /// Connected to a made-up node; no vault, no device, no list.
    pub fn connected() -> Self {
        let mut fixture = Self::fresh();
        let profile = profile();
        let ports = Ports {
            profile: Arc::clone(&profile),
            node: Arc::new(FakeNode::new().with_status(Ok(status()))),
            device: None,
            vault: None,
            journal: Arc::new(Journal::open(&fixture.dirs.journal).unwrap()),
            history: Arc::new(crate::store::History::open(&fixture.dirs.history).unwrap()),
            poll: Duration::from_secs(1),
        };
        let connection = Connection {
            ports,
            sandbox: None,
            device: DeviceSpec::Any,
            specs: Vec::new(),
        };
        let mut session = Session::new(1, choice(), connection, fixture.app.asker.clone());
        session.node = NodeView::Up(Box::new(status()));
        fixture.app.link = Link::Up(Box::new(session));
        fixture.app.screen = crate::ui::Screen::Masternodes;
        fixture
    }

    /// The same with an unlocked vault.
    pub fn unlocked() -> Self {
        let mut fixture = Self::connected();
        let vault = small_vault(&fixture.dirs);
        fixture.session().unlock(vault);
        fixture
    }

    /// The page of a masternode whose keys are all in the vault, on a made-up node. `answer`: what it says to a transaction.
    pub fn owning(answer: Option<RpcError>) -> Self {
        let mut fixture = Self::connected();
        let vault = small_vault(&fixture.dirs);
        let make = |kind, label: &str| vault.generate(kind, label, &profile(), 1_700_000_000).unwrap();
        let mut mine = entry(0);
        mine.state.owner = make(Key::Owner, "mn1-owner").key_id();
        mine.state.voting = make(Key::Voting, "mn1-voting").key_id();
        let operator = make(Key::Operator, "mn1-operator").operator().unwrap();
        mine.state.name_operator(&operator);
        let fee = make(Key::Fee, "fees").key_id().unwrap();
        let mut entries: Vec<Entry> = (1..20).map(entry).collect();
        entries.insert(0, mine);
        let session = fixture.session();
        session.connection.ports.node = Arc::new(paying_node(fee, entries, answer));
        session.unlock(vault);
        fixture.send_and_run(Message::Masternodes(crate::ui::masternodes::Message::Refresh));
        fixture.send(Message::Masternodes(crate::ui::masternodes::Message::Open(hash(0))));
        fixture
    }

    pub fn session(&mut self) -> &mut Session {
        match &mut self.app.link {
            Link::Up(session) => session,
            _ => panic!("not connected"),
        }
    }

    pub fn list(&mut self, overview: Overview) {
        self.send(Message::Masternodes(crate::ui::masternodes::Message::Read(Ok(
            Arc::new(overview),
        ))));
    }

    pub fn device(&mut self, seen: Seen) {
        self.device_at(DeviceSpec::Any, seen);
    }

    pub fn device_at(&mut self, spec: DeviceSpec, seen: Seen) {
        let device = seen.is_ready().then(|| {
            let device: Arc<dyn hw::Device> = Arc::new(hw::fake::FakeDevice::new(profile()));
            device
        });
        self.send(Message::DeviceFound(1, crate::ui::DeviceFound { spec, seen, device }));
    }

    pub fn send(&mut self, message: Message) {
        drop(self.app.update(message));
    }

    /// Lets a task run to its end and gives its messages to the app, and so on.
    pub fn run(&mut self, task: Task<Message>) {
        let mut tasks = vec![task];
        while let Some(task) = tasks.pop() {
            for message in self.runtime.block_on(outputs(task).collect::<Vec<_>>()) {
                tasks.push(self.app.update(message));
            }
        }
    }

    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Clicks, and lets what it starts go on by itself.
    pub fn begin(&mut self, label: &str) -> Begun {
        let (sender, receiver) = mpsc::unbounded();
        for message in self.clicked_in(label, Size::new(1000.0, 4000.0)) {
            let messages = outputs(self.app.update(message)).map(Ok).boxed();
            self.runtime.spawn(messages.forward(sender.clone()));
        }
        Begun(receiver)
    }

    /// Waits for what was begun and gives its messages to the app.
    pub fn finish(&mut self, begun: Begun) {
        for message in self.runtime.block_on(begun.0.collect::<Vec<_>>()) {
            self.send_and_run(message);
        }
    }

    /// What was begun as its messages, once it is over.
    pub fn collect(&self, begun: Begun) -> tokio::task::JoinHandle<Vec<Message>> {
        self.runtime.spawn(begun.0.collect::<Vec<_>>())
    }

    /// Waits until the sandbox's device asks, as the subscription of the panel does.
    pub fn until_prompt(&mut self) {
        let session = self.session();
        let (id, run) = (session.id, session.connection.sandbox.clone().unwrap());
        let screen = self.runtime.block_on(async {
            let mut screens = run.panel.watch();
            screens
                .wait_for(|screen| screen.prompt().is_some())
                .await
                .unwrap()
                .clone()
        });
        self.send(Message::Sandbox(crate::ui::sandbox::Message::ScreenChanged(id, screen)));
    }

    /// Connected to a sandbox of a network of its own, with a block every second.
    pub fn on_sandbox(network: &str) -> Self {
        Self::on_sandbox_with(network, DeviceSpec::Any)
    }

    /// The same with one of its devices.
    pub fn on_sandbox_with(network: &str, device: DeviceSpec) -> Self {
        let mut fixture = Self::fresh();
        let choice = Choice {
            profile: Arc::new(network::builtin(network).unwrap()),
            node: NodeChoice::Sandbox { block_seconds: 1 },
            device,
        };
        let task = fixture.app.connect(choice);
        fixture.run(task);
        assert!(matches!(fixture.app.link, Link::Up(_)), "{:?}", fixture.texts());
        fixture
    }

    /// Clicks as [`Fixture::click`] does, in a window so tall that nothing has to be scrolled to.
    #[track_caller]
    pub fn press(&mut self, label: &str) -> usize {
        let mut ui = self.ui_of(Size::new(1000.0, 4000.0));
        if let Err(error) = ui.click(label) {
            panic!("{label}: {error:?}\n{}", self.texts().join("\n"));
        }
        let messages: Vec<Message> = ui.into_messages().collect();
        let count = messages.len();
        messages.into_iter().for_each(|message| self.send_and_run(message));
        count
    }

    /// The field with an id says this text instead of what it said.
    #[track_caller]
    pub fn fill(&mut self, id: &'static str, text: &str) {
        self.keys(id, |ui| {
            let _ = ui.simulate(select_all().map(iced::Event::Keyboard));
            let _ = ui.tap_key(iced::keyboard::key::Named::Backspace);
        });
        for letter in text.chars() {
            self.keys(id, |ui| {
                let _ = ui.tap_key(iced::keyboard::key::Named::End);
                let _ = ui.typewrite(letter.encode_utf8(&mut [0; 4]));
            });
        }
    }

    #[track_caller]
    fn keys(&mut self, id: &'static str, type_it: impl FnOnce(&mut Simulator<'_, Message>)) {
        let mut ui = self.ui_of(Size::new(1000.0, 4000.0));
        ui.click(iced_test::selector::id(id))
            .unwrap_or_else(|error| panic!("{id}: {error:?}"));
        type_it(&mut ui);
        let messages: Vec<Message> = ui.into_messages().collect();
        messages.into_iter().for_each(|message| self.send_and_run(message));
    }

    /// Whether a button is there and says nothing.
    pub fn is_disabled(&self, label: &str) -> bool {
        self.clicked(label).is_empty()
    }

    fn clicked(&self, label: &str) -> Vec<Message> {
        self.clicked_in(label, Size::new(1000.0, 700.0))
    }

    #[track_caller]
    fn clicked_in(&self, label: &str, size: Size) -> Vec<Message> {
        let mut ui = self.ui_of(size);
        ui.click(label)
            .unwrap_or_else(|error| panic!("{label}: {error:?}\n{}", self.texts().join("\n")));
        ui.into_messages().collect()
    }

    pub fn send_and_run(&mut self, message: Message) {
        let task = self.app.update(message);
        self.run(task);
    }

    pub fn ui(&self) -> Simulator<'_, Message> {
        self.ui_of(Size::new(1000.0, 700.0))
    }

    pub fn ui_of(&self, size: Size) -> Simulator<'_, Message> {
        let fonts = theme::FONTS.into_iter().map(Into::into).collect();
        Simulator::with_size(
            iced::Settings {
                fonts,
                ..crate::ui::settings()
            },
            size,
            self.app.view(),
        )
    }

    /// Clicks what has this text and gives the messages to the app; answers how many there were.
    pub fn click(&mut self, label: &str) -> usize {
        let messages = self.clicked(label);
        let count = messages.len();
        messages.into_iter().for_each(|message| self.send_and_run(message));
        count
    }

    /// Types into the field with an id, behind what is there.
    pub fn type_into(&mut self, id: &'static str, text: &str) {
        let mut ui = self.ui();
        ui.click(iced_test::selector::id(id))
            .unwrap_or_else(|error| panic!("{id}: {error:?}"));
        let _ = ui.tap_key(iced::keyboard::key::Named::End);
        let _ = ui.typewrite(text);
        let messages: Vec<Message> = ui.into_messages().collect();
        assert!(!messages.is_empty(), "{id} takes no text");
        messages.into_iter().for_each(|message| self.send(message));
    }

    /// Every text on screen.
    pub fn texts(&self) -> Vec<String> {
        let found = std::sync::Mutex::new(Vec::new());
        let _ = self
            .ui_of(Size::new(1000.0, 3000.0))
            .find(|candidate: Candidate<'_>| -> Option<()> {
                match candidate {
                    Candidate::Text { content, .. } => found.lock().unwrap().push(content.to_owned()),
                    Candidate::TextInput { state, .. } => found.lock().unwrap().push(state.text().to_owned()),
                    _ => {}
                }
                None
            });
        found.into_inner().unwrap()
    }

    #[track_caller]
    pub fn assert_shows(&self, parts: &[&str]) {
        let texts = self.texts();
        for part in parts {
            assert!(
                texts.iter().any(|text| text.contains(part)),
                "'{part}' is not in:\n{}",
                texts.join("\n")
            );
        }
    }

    #[track_caller]
    pub fn assert_hides(&self, part: &str) {
        let texts = self.texts();
        assert!(
            !texts.iter().any(|text| text.contains(part)),
            "'{part}' is in:\n{}",
            texts.join("\n")
        );
    }
}

pub fn select_all() -> [iced::keyboard::Event; 3] {
    use iced::keyboard::{Event, Key, Location, Modifiers, key};
    let letter = Key::Character("a".into());
    let all = Event::KeyPressed {
        key: letter.clone(),
        modified_key: letter,
        physical_key: key::Physical::Code(key::Code::KeyA),
        location: Location::Standard,
        modifiers: Modifiers::COMMAND,
        text: None,
        repeat: false,
    };
    let held = Event::ModifiersChanged;
    [held(Modifiers::COMMAND), all, held(Modifiers::empty())]
}

/// The messages of a task.
pub fn outputs(task: Task<Message>) -> impl Stream<Item = Message> + Send + use<> {
    let actions = iced_test::runtime::task::into_stream(task).unwrap_or_else(|| stream::empty().boxed());
    actions.filter_map(async |action| match action {
        iced_test::runtime::Action::Output(message) => Some(message),
        _ => None,
    })
}

pub fn profile() -> Arc<Profile> {
    Arc::new(network::builtin("dash-testnet").unwrap())
}

pub fn choice() -> Choice {
    let url = "http://127.0.0.1:19998".to_owned();
    let node = NodeChoice::Remote {
        url,
        user: None,
        password: None,
        cookie: None,
    };
    Choice {
        profile: profile(),
        node,
        device: DeviceSpec::Any,
    }
}

/// Argon2 at its lowest cost: the tests do not guess.
pub fn small_vault(dirs: &Dirs) -> Arc<Vault> {
    let phrase = Phrase::parse(PHRASE).unwrap();
    Arc::new(Vault::create_with(&dirs.vault, PASSPHRASE, &phrase, cheap()).unwrap())
}

pub fn cheap() -> Stretching {
    Stretching {
        memory_kib: 8 * 1024,
        iterations: 1,
        lanes: 1,
    }
}

/// What a node answers to a transaction it does not take.
pub fn refusal() -> RpcError {
    RpcError::Rejected {
        reason: "bad-protx-hash".to_owned(),
        detail: String::new(),
    }
}

/// A node with a list and one proven coin of a fee key.
fn paying_node(fee: KeyId, entries: Vec<Entry>, answer: Option<RpcError>) -> FakeNode {
    let value = Amount::from_duffs(1_000_000);
    let payment = Transaction {
        version: 2,
        kind: 0,
        inputs: vec![TxIn::unsigned(OutPoint::new(hash(7), 1))],
        outputs: vec![TxOut::new(value, fee.address().script())],
        lock_time: 0,
        payload: Vec::new(),
    };
    let txid = payment.txid();
    let coin = |outpoint, key: KeyId| FoundCoin {
        outpoint,
        value,
        script: key.address().script(),
        confirmations: 100,
        coinbase: false,
        spent_in_mempool: false,
    };
    let money = coin(OutPoint::new(txid, 0), fee);
    let made = FoundTx {
        tx: payment,
        confirmations: 100,
        height: Some(1_234_467),
        block: None,
    };
    let tip = tip();
    let mut node = FakeNode::new()
        .with_status(Ok(NodeStatus { tip, ..status() }))
        .with_tip(Ok(tip))
        .with_pending(Ok(Some(Vec::new())))
        .with_fee_rate(Ok(FeeRate {
            advised: Amount::from_duffs(1_000),
            relay: Amount::from_duffs(1_000),
        }))
        .with_coins_of(Ok(CoinSearch {
            coins: vec![money.clone()],
            source: CoinSource::AddressIndex,
        }))
        .with_coin(money.outpoint, Ok(Some(money)))
        .with_transaction(txid, Ok(Some(made)));
    for entry in &entries {
        let collateral = coin(entry.collateral, KeyId([0x44; 20]));
        node = node.with_coin(entry.collateral, Ok(Some(collateral)));
    }
    if let Some(error) = answer {
        node = node.with_broadcast(Err(error));
    }
    node.with_masternodes(Ok(MasternodeList::saved(tip, entries, &profile())))
}

pub fn tip() -> Tip {
    Tip {
        height: 1_234_567,
        hash: BlockHash::all_zeros(),
        // A little ahead, so that "in about 3 minutes" stays that while the test runs.
        time: flow::now() + 20,
    }
}

pub fn status() -> NodeStatus {
    NodeStatus {
        subversion: "/Dash Core:23.1.2/".to_owned(),
        version: 230_102,
        protocol_version: 70_238,
        chain: "test".to_owned(),
        genesis: profile().genesis,
        tip: Tip {
            time: 1_700_000_000,
            ..tip()
        },
        headers: 1_234_567,
        synced: true,
        connections: 8,
        capabilities: Capabilities {
            v19_active: true,
            mn_rr_active: true,
            dialect: Dialect::V23,
            address_index: Some(true),
            scan_tx_out_set: true,
            test_mempool_accept: true,
            list_diff: true,
            tx_index: Some(true),
            wallet: Some(false),
        },
    }
}

pub fn hash(number: u32) -> Txid {
    let mut bytes = [0x5a; 32];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    bytes[28..].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_le_bytes());
    Txid::from_byte_array(bytes)
}

pub fn entry(number: u32) -> Entry {
    let secret = bls::SecretKey::from_bytes(&[7; 32]).unwrap();
    let key = |last: u8| KeyId([last; 20]);
    Entry {
        pro_tx_hash: hash(number),
        kind: if number % 5 == 4 { MnType::Evo } else { MnType::Regular },
        collateral: OutPoint {
            txid: hash(number + 100_000),
            vout: number % 3,
        },
        operator_reward: 525,
        confirmations: Some(1_000 + number),
        state: State {
            version: 2,
            service: Service::v4(std::net::Ipv4Addr::new(45, 76, 230, (number % 250) as u8), 19_999),
            registered_height: 1_000_000 + number,
            last_paid_height: 1_234_000 + number,
            consecutive_payments: 0,
            pose_penalty: 0,
            pose_revived_height: None,
            pose_ban_height: None,
            revocation_reason: 0,
            owner: Some(key(1)),
            voting: Some(key(2)),
            payout: Some(Address::PubkeyHash([3; 20])),
            operator_payout: None,
            operator: OperatorKey::from_bytes(secret.public_key().encode(Scheme::Basic), Scheme::Basic),
            platform_node_id: None,
            platform_p2p_port: None,
            platform_http_port: None,
        },
    }
}

/// One masternode in each status, all of them mine, and `others` that are not.
pub fn overview(others: u32) -> Overview {
    let mut entries: Vec<Entry> = (0..5).map(entry).collect();
    entries[1].state.pose_penalty = 66;
    entries[2].state.pose_ban_height = Some(1_234_500);
    entries[3].state.pose_ban_height = Some(1_234_400);
    entries[3].state.service = Service::NONE;
    entries[4].state.pose_ban_height = Some(1_234_300);
    entries[4].state.operator = OperatorKey::Revoked;
    entries[4].state.revocation_reason = 2;
    let mine = Mine {
        hashes: entries.iter().map(|entry| entry.pro_tx_hash).collect(),
    };
    entries.extend((5..5 + others).map(entry));
    assembled(entries, &mine)
}

/// What follows from a list.
pub fn assembled(entries: Vec<Entry>, mine: &Mine) -> Overview {
    let profile = profile();
    overview::assemble(&MasternodeList::saved(tip(), entries, &profile), &profile, None, mine)
}

pub fn ready_device() -> Seen {
    let info = DeviceInfo {
        kind: Kind::Ledger,
        app: "Dash".to_owned(),
        version: "2.2.1".to_owned(),
        ticker: "DASH".to_owned(),
        model: Some("Nano S Plus".to_owned()),
        label: None,
        wallet: Some("5f1c6a2e".to_owned()),
    };
    Seen::Open {
        kind: Kind::Ledger,
        place: "usb:1-2".to_owned(),
        info: Ok(info),
    }
}

pub fn ready_trezor() -> Seen {
    let info = DeviceInfo {
        kind: Kind::Trezor,
        app: "Dash Testnet".to_owned(),
        version: "1.14.2".to_owned(),
        ticker: "tDASH".to_owned(),
        model: Some("Trezor One".to_owned()),
        label: Some("Savings".to_owned()),
        wallet: None,
    };
    Seen::Open {
        kind: Kind::Trezor,
        place: "usb:3-2.1".to_owned(),
        info: Ok(info),
    }
}

pub fn found(kind: Kind, model: &str, place: &str, ready: Result<(&str, &str), DeviceError>) -> Found {
    Found {
        kind,
        model: model.to_owned(),
        place: place.to_owned(),
        about: discovery::About::default(),
        state: match ready {
            Ok((app, version)) => discovery::State::Ready {
                app: app.to_owned(),
                version: version.to_owned(),
            },
            Err(error) => discovery::State::NotReady(error),
        },
    }
}

/// Three devices at once, the first in use.
pub fn table() -> Vec<Found> {
    let safe = DeviceError::NoCoinOnModel {
        model: "Trezor Safe 3".to_owned(),
        coin: "Dash".to_owned(),
    };
    vec![
        Found {
            state: discovery::State::Open,
            ..found(Kind::Ledger, "Nano S Plus", "usb:1-2", Ok(("", "")))
        },
        found(Kind::Trezor, "Trezor One", "usb:3-2.1", Ok(("Dash Testnet", "1.14.2"))),
        found(Kind::Trezor, "Trezor Safe 3", "usb:3-2.2", Err(safe)),
    ]
}
