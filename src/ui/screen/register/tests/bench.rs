//! A wizard on a bench: clicks go in, tasks run to their end, texts come out.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Txid};
use futures::StreamExt;
use futures::stream::{BoxStream, SelectAll};
use iced::{Settings, Size};
use iced_test::runtime::{self, task};
use iced_test::selector::{self, Candidate};
use iced_test::Simulator;
use tempfile::TempDir;

use super::super::{Action, Message, Register};
use crate::flow::Ports;
use crate::hw::fake::FakeDevice;
use crate::protocol::bls;
use crate::protocol::masternode::entry::State;
use crate::protocol::masternode::{Entry, OperatorKey};
use crate::protocol::network::{self, MnType};
use crate::protocol::rules::Dialect;
use crate::protocol::special_tx::Service;
use crate::protocol::{Address, Amount, KeyId, OutPoint, Profile, path};
use crate::rpc::fake::FakeNode;
use crate::rpc::{Capabilities, CoinSearch, CoinSource, FeeRate, FoundCoin, MasternodeList, NodeStatus, Tip};
use crate::store::vault::Stretching;
use crate::store::{Journal, Kind, Phrase, Vault};
use crate::ui::theme::{FONTS, UI};

/// Quiet for so long means that nothing more will come.
const QUIET: Duration = Duration::from_millis(700);

pub struct Bench {
    pub ports: Ports,
    pub wizard: Register,
    pub device: Arc<FakeDevice>,
    /// The last action other than work.
    pub closed: bool,
    pub opened: Option<Txid>,
    runtime: tokio::runtime::Runtime,
    _folder: TempDir,
}

impl Bench {
    /// The device holds a collateral at its first address, the vault has the fee key `pay` with a hundredth of a coin.
    pub fn new(network: &str) -> Self {
        Self::with(network, |_| {})
    }

    /// The same with a collateral for an evonode.
    pub fn evo(network: &str) -> Self {
        Self::build(network, MnType::Evo, |_| {})
    }

    pub fn with(network: &str, prepare: impl FnOnce(&Vault)) -> Self {
        Self::build(network, MnType::Regular, prepare)
    }

    fn build(network: &str, kind: MnType, prepare: impl FnOnce(&Vault)) -> Self {
        let profile = Arc::new(network::builtin(network).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(&folder);
        prepare(&vault);
        let fee = vault.generate(Kind::Fee, "pay", &profile, 0).unwrap().key_id().unwrap();
        let device = Arc::new(FakeDevice::new(profile.clone()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let node = runtime.block_on(node(&profile, &*device, kind, fee));
        let ports = Ports {
            journal: Arc::new(Journal::open(&folder.path().join("journal")).unwrap()),
            profile,
            node: Arc::new(node),
            device: Some(device.clone()),
            vault: Some(Arc::new(vault)),
            poll: Duration::from_millis(20),
        };
        let (wizard, task) = Register::new(&ports);
        let mut bench = Self { ports, wizard, device, closed: false, opened: None, runtime, _folder: folder };
        bench.run(Action::Run(task));
        bench
    }

    pub fn profile(&self) -> &Profile {
        &self.ports.profile
    }

    fn screen(&self) -> Simulator<'_, Message> {
        // Tall enough that nothing has to be scrolled to.
        self.screen_of(Size::new(1000.0, 4000.0))
    }

    fn screen_of(&self, size: Size) -> Simulator<'_, Message> {
        let fonts = FONTS.iter().map(|font| (*font).into()).collect();
        Simulator::with_size(Settings { fonts, default_font: UI, ..Settings::default() }, size, self.wizard.view())
    }

    /// Writes pictures of what is on screen, light and dark, into the folder `CASTELLAN_PICTURES` names.
    pub fn picture(&self, name: &str) {
        self.draw(name, Size::new(800.0, 700.0));
    }

    /// The same with everything that would have to be scrolled to.
    pub fn tall_picture(&self, name: &str) {
        self.draw(name, Size::new(1000.0, 2300.0));
    }

    fn draw(&self, name: &str, size: Size) {
        let folder = std::env::var("CASTELLAN_PICTURES").unwrap();
        for (theme, word) in [(crate::ui::theme::light(), "light"), (crate::ui::theme::dark(), "dark")] {
            let file = format!("{folder}/{name}-{word}");
            self.screen_of(size).snapshot(&theme).unwrap().matches_image(file).unwrap();
        }
    }

    /// Presses what carries this text; says whether anything happened.
    pub fn click(&mut self, text: &str) -> bool {
        let mut screen = self.screen();
        screen.click(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        self.take(screen.into_messages().collect())
    }

    /// Replaces the text of a field.
    pub fn fill(&mut self, id: &'static str, text: &str) {
        let mut screen = self.screen();
        screen.click(selector::id(id)).unwrap_or_else(|error| panic!("{id}: {error}"));
        let select_all = iced::keyboard::Key::Character("a".into());
        let _ = screen.simulate([iced::Event::Keyboard(pressed(select_all, iced::keyboard::Modifiers::COMMAND))]);
        let _ = screen.tap_key(iced::keyboard::key::Named::Backspace);
        let _ = screen.typewrite(text);
        // Each key stroke saw the text of before: only the last message of a fresh field counts, so send the whole text.
        let last = screen.into_messages().last();
        let message = last.map(|message| with_text(message, text));
        self.take(message.into_iter().collect());
    }

    fn take(&mut self, messages: Vec<Message>) -> bool {
        let any = !messages.is_empty();
        for message in messages {
            let action = self.wizard.update(&self.ports, message);
            self.run(action);
        }
        any
    }

    /// Does what the wizard asks for until nothing more comes.
    fn run(&mut self, action: Action) {
        let mut running: SelectAll<BoxStream<'static, runtime::Action<Message>>> = SelectAll::new();
        self.begin(&mut running, action);
        while let Ok(Some(done)) = self.runtime.block_on(async { tokio::time::timeout(QUIET, running.next()).await }) {
            if let runtime::Action::Output(message) = done {
                let action = self.wizard.update(&self.ports, message);
                self.begin(&mut running, action);
            }
        }
    }

    fn begin(&mut self, running: &mut SelectAll<BoxStream<'static, runtime::Action<Message>>>, action: Action) {
        match action {
            Action::None => {}
            Action::Run(task) => running.extend(task::into_stream(task)),
            Action::Open(hash) => self.opened = Some(hash),
            Action::Close => self.closed = true,
        }
    }

    pub fn send(&mut self, message: Message) {
        self.take(vec![message]);
    }

    /// Says whether a text with these words is on screen.
    pub fn sees(&self, words: &str) -> bool {
        self.texts().iter().any(|text| text.contains(words))
    }

    pub fn texts(&self) -> Vec<String> {
        let mut all = Vec::new();
        let _ = self.screen().find(|candidate: Candidate<'_>| -> Option<()> {
            if let Candidate::Text { content, .. } = candidate {
                all.push(content.to_owned());
            }
            None
        });
        all
    }

    #[track_caller]
    pub fn expect(&self, words: &str) {
        assert!(self.sees(words), "{words:?} is not among {:#?}", self.texts());
    }

    /// The step cannot be left, and says why.
    #[track_caller]
    pub fn refuses(&mut self, words: &str) {
        self.expect(words);
        assert!(!self.click("Next"), "Next is not disabled");
    }

    /// Searches the device, takes the only collateral, and goes on.
    pub fn pass_collateral(&mut self) {
        self.click("Search the device");
        assert!(self.click("Next"), "{:#?}", self.texts());
    }

    pub fn pass_service(&mut self) {
        self.fill("service", &format!("45.76.230.240:{}", self.profile().p2p_port));
        assert!(self.click("Next"), "{:#?}", self.texts());
    }

    /// An address of this network that belongs to nobody.
    pub fn stranger(&self) -> String {
        Address::PubkeyHash([0x77; 20]).to_text(self.profile())
    }
}

/// The text box sends one message per key; replaying them all would need the view between them.
fn with_text(message: Message, text: &str) -> Message {
    use super::super::{collateral, fee, funding, keys, payout, platform, service};
    let text = text.to_owned();
    match message {
        Message::Collateral(collateral::Message::OutpointEdited(_)) => Message::Collateral(collateral::Message::OutpointEdited(text)),
        Message::Collateral(collateral::Message::PathEdited(_)) => Message::Collateral(collateral::Message::PathEdited(text)),
        Message::Service(service::Message::AddressEdited(_)) => Message::Service(service::Message::AddressEdited(text)),
        Message::Platform(platform::Message::NodeIdEdited(_)) => Message::Platform(platform::Message::NodeIdEdited(text)),
        Message::Platform(platform::Message::P2pPortEdited(_)) => Message::Platform(platform::Message::P2pPortEdited(text)),
        Message::Platform(platform::Message::HttpPortEdited(_)) => Message::Platform(platform::Message::HttpPortEdited(text)),
        Message::Keys(keys::Message::NameEdited(_)) => Message::Keys(keys::Message::NameEdited(text)),
        Message::Keys(keys::Message::PublicKeyEdited(_)) => Message::Keys(keys::Message::PublicKeyEdited(text)),
        Message::Keys(keys::Message::VotingAddressEdited(_)) => Message::Keys(keys::Message::VotingAddressEdited(text)),
        Message::Payout(payout::Message::PayoutEdited(_)) => Message::Payout(payout::Message::PayoutEdited(text)),
        Message::Payout(payout::Message::RewardEdited(_)) => Message::Payout(payout::Message::RewardEdited(text)),
        Message::Fee(fee::Message::Funding(funding::Message::AmountEdited(_))) => {
            Message::Fee(fee::Message::Funding(funding::Message::AmountEdited(text)))
        }
        other => panic!("{other:?} is no edited text"),
    }
}

fn pressed(key: iced::keyboard::Key, modifiers: iced::keyboard::Modifiers) -> iced::keyboard::Event {
    iced::keyboard::Event::KeyPressed {
        key: key.clone(),
        modified_key: key,
        physical_key: iced::keyboard::key::Physical::Unidentified(iced::keyboard::key::NativeCode::Unidentified),
        location: iced::keyboard::Location::Standard,
        modifiers,
        text: None,
        repeat: false,
    }
}

fn vault(folder: &TempDir) -> Vault {
    let cheap = Stretching { memory_kib: 64, iterations: 1, lanes: 1 };
    Vault::create_with(&folder.path().join("vault"), "passphrase", &Phrase::generate().unwrap(), cheap).unwrap()
}

/// Outpoint of the collateral on the device.
pub fn collateral() -> OutPoint {
    OutPoint { txid: Txid::from_byte_array([0xc0; 32]), vout: 1 }
}

/// A regular collateral somebody else owns.
pub fn foreign() -> OutPoint {
    OutPoint { txid: Txid::from_byte_array([0xf0; 32]), vout: 0 }
}

/// An output of another amount on the device.
pub fn small() -> OutPoint {
    OutPoint { txid: Txid::from_byte_array([0x50; 32]), vout: 0 }
}

/// The operator key of the only listed masternode.
pub fn listed_operator() -> bls::PublicKey {
    bls::SecretKey::from_bytes(&[9; 32]).unwrap().public_key()
}

async fn node(profile: &Profile, device: &dyn crate::hw::Device, kind: MnType, fee: KeyId) -> FakeNode {
    let own = KeyId::of(&device.public_key(path::address(profile, 0, false, 0)).await.unwrap());
    let tip = Tip { height: 5_000, hash: BlockHash::from_byte_array([1; 32]), time: 1_700_000_000 };
    let amount = profile.collateral(kind).unwrap();
    let backing = coin(collateral(), amount, own, 20);
    let money = coin(OutPoint { txid: Txid::from_byte_array([0xfe; 32]), vout: 0 }, Amount::from_duffs(1_000_000), fee, 9);
    let coins = vec![backing.clone(), money.clone()];
    FakeNode::new()
        .with_status(Ok(status(profile, tip)))
        .with_tip(Ok(tip))
        .with_masternodes(Ok(MasternodeList { tip, entries: vec![listed(profile)] }))
        .with_fee_rate(Ok(FeeRate { advised: Amount::from_duffs(1_000), relay: Amount::from_duffs(1_000) }))
        .with_pending(Ok(Some(Vec::new())))
        .with_coins_of(Ok(CoinSearch { coins, source: CoinSource::AddressIndex }))
        .with_coin(collateral(), Ok(Some(backing)))
        .with_coin(money.outpoint, Ok(Some(money)))
        .with_coin(foreign(), Ok(Some(coin(foreign(), amount, KeyId([0x66; 20]), 20))))
        .with_coin(small(), Ok(Some(coin(small(), Amount::from_coins(5), own, 20))))
}

fn coin(outpoint: OutPoint, value: Amount, key: KeyId, confirmations: u32) -> FoundCoin {
    FoundCoin { outpoint, value, script: key.address().script(), confirmations, coinbase: false, spent_in_mempool: false }
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
        collateral: OutPoint { txid: Txid::from_byte_array([0xbb; 32]), vout: 0 },
        operator_reward: 0,
        confirmations: Some(1_000),
        state: State {
            version: if profile.activation.v19.is_some() { 2 } else { 1 },
            service: format!("45.76.230.239:{}", profile.p2p_port).parse::<Service>().unwrap(),
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
            operator: OperatorKey::Known(listed_operator()),
            platform_node_id: None,
        },
    }
}
