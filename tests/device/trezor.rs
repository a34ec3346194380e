//! The Trezor client against the real firmware on its emulator, whose debug link (the next port) presses the buttons.
//!
//!     TREZOR_EMULATOR=127.0.0.1:21324 cargo test --test device trezor -- --ignored --test-threads 1
//!
//! The emulator: trezor-firmware, `legacy` built with `EMULATOR=1 DEBUG_LINK=1` (Trezor One). The device is wiped.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bitcoin::base58;
use bitcoin::bip32::{ChildNumber, DerivationPath};
use castellan::hw::discovery::{State, found};
use castellan::hw::trezor::{Direction, Seal, Trezor};
use castellan::hw::{Answer, Asker, Device, DeviceError, DeviceSpec, Kind, Progress, Question, Spend, SpendInput};
use castellan::protocol::message::CompactSignature;
use castellan::protocol::network::builtin;
use castellan::protocol::wire::{from_hex, to_hex};
use castellan::protocol::{Address, Amount, KeyId, OutPoint, Profile, Transaction, TxOut, path};
use castellan::sandbox::trezor::positions;
use futures::future::BoxFuture;
use serde_json::Value;
use trezor_client::TrezorMessage;
use trezor_client::protos::debug_link_decision::DebugButton;
use trezor_client::protos::{
    ButtonAck, DebugLinkDecision, DebugLinkGetState, DebugLinkState, Initialize, LoadDevice, MessageType, WipeDevice,
};
use trezor_client::transport::ProtoMessage;
use trezor_client::transport::error::Error;
use trezor_client::transport::protocol::{Link, Protocol, ProtocolV1};
use zeroize::Zeroizing;

use crate::whole::{self, World};

const OWN: &str = "m/44'/5'/0'/0/0";
const PIN: &str = "1934";

fn address() -> (String, u16) {
    let text = std::env::var("TREZOR_EMULATOR").expect("TREZOR_EMULATOR=host:port");
    let (host, port) = text.rsplit_once(':').expect("host and port");
    (host.to_owned(), port.parse().expect("a port"))
}

/// Packets to one of the emulator's ports.
struct Port(UdpSocket);

impl Link for Port {
    fn write_chunk(&mut self, chunk: Vec<u8>) -> Result<(), Error> {
        self.0.send(&chunk)?;
        Ok(())
    }

    fn read_chunk(&mut self) -> Result<Vec<u8>, Error> {
        let mut chunk = vec![0; 64];
        self.0.recv(&mut chunk)?;
        Ok(chunk)
    }
}

struct Wire(ProtocolV1<Port>);

impl Wire {
    fn new(offset: u16) -> Self {
        let (host, port) = address();
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.connect((host, port + offset)).unwrap();
        Self(ProtocolV1 { link: Port(socket) })
    }

    fn send<M: TrezorMessage>(&mut self, message: &M) {
        let data = message.write_to_bytes().unwrap();
        self.0.write(ProtoMessage::new(M::MESSAGE_TYPE, data)).unwrap();
    }

    fn read(&mut self) -> ProtoMessage {
        self.0.read().unwrap()
    }
}

/// Whoever holds the device.
struct Hands(Mutex<Wire>);

impl Hands {
    fn press(&self, button: DebugButton) {
        // The device first has to hear that the host waits for the button.
        thread::sleep(Duration::from_millis(50));
        let mut decision = DebugLinkDecision::new();
        decision.set_button(button);
        self.0.lock().unwrap().send(&decision);
    }

    fn places(&self, pin: &str) -> String {
        let mut wire = self.0.lock().unwrap();
        wire.send(&DebugLinkGetState::new());
        let state: DebugLinkState = wire.read().into_message().unwrap();
        let digits: Vec<u8> = state.matrix().bytes().map(|digit| digit - b'0').collect();
        positions(&digits.try_into().unwrap(), pin)
    }
}

/// Wipes the emulator and loads the phrase of the vectors.
fn load(pin: Option<&str>, passphrase: bool) -> Arc<Hands> {
    let hands = Arc::new(Hands(Mutex::new(Wire::new(1))));
    let mut wire = Wire::new(0);
    wire.send(&Initialize::new());
    while wire.read().message_type() != MessageType::MessageType_Features {}
    let mut load = LoadDevice::new();
    load.mnemonics
        .push("all all all all all all all all all all all all".to_owned());
    load.pin = pin.map(str::to_owned);
    load.set_passphrase_protection(passphrase);
    load.set_label("castellan".to_owned());
    load.set_skip_checksum(true);
    wire.send(&WipeDevice::new());
    finish(&mut wire, &hands);
    wire.send(&load);
    finish(&mut wire, &hands);
    hands
}

fn finish(wire: &mut Wire, hands: &Hands) {
    loop {
        let message = wire.read();
        match message.message_type() {
            MessageType::MessageType_ButtonRequest => {
                wire.send(&ButtonAck::new());
                hands.press(DebugButton::YES);
            }
            MessageType::MessageType_Success => return,
            other => panic!("{other:?}"),
        }
    }
}

/// Says no to one question, nothing at all to another, yes to the rest.
struct User {
    hands: Arc<Hands>,
    passphrase: &'static str,
    declines: Option<usize>,
    ignores: Option<usize>,
    wrong_pin: AtomicUsize,
    asked: AtomicUsize,
}

impl User {
    fn new(hands: &Arc<Hands>) -> Self {
        Self {
            hands: Arc::clone(hands),
            passphrase: "",
            declines: None,
            ignores: None,
            wrong_pin: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
        }
    }

    fn answer(&self, question: &Question) -> Option<Answer> {
        let number = Some(self.asked.fetch_add(1, Ordering::SeqCst));
        let declines = number == self.declines;
        match question {
            Question::Button { .. } if number == self.ignores => Some(Answer::Seen),
            Question::Button { .. } => {
                self.hands
                    .press(if declines { DebugButton::NO } else { DebugButton::YES });
                Some(Answer::Seen)
            }
            _ if declines => None,
            Question::Pin { .. } => {
                let wrong = self.wrong_pin.swap(0, Ordering::SeqCst) == 1;
                let pin = if wrong { "5678" } else { PIN };
                Some(Answer::Pin(Zeroizing::new(self.hands.places(pin))))
            }
            Question::Passphrase { .. } => Some(Answer::Passphrase(Zeroizing::new(self.passphrase.to_owned()))),
        }
    }
}

impl Asker for User {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<Answer>> {
        Box::pin(async move { self.answer(&question) })
    }
}

async fn open(coin: &str, user: User) -> Arc<Trezor> {
    let (host, port) = address();
    let asker: Arc<dyn Asker> = Arc::new(user);
    let profile = profile(coin);
    let opened = tokio::task::spawn_blocking(move || Trezor::network(&format!("{host}:{port}"), profile, asker));
    Arc::new(opened.await.unwrap().expect("an emulator that listens"))
}

fn profile(coin: &str) -> Arc<Profile> {
    let name = if coin == "Dash" { "dash" } else { "dash-testnet" };
    Arc::new(builtin(name).unwrap())
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../data/trezor/trezor.json")).unwrap()
}

fn at(text: &str) -> DerivationPath {
    path::parse(text).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
#[ignore = "needs TREZOR_EMULATOR, see the header"]
async fn keys_addresses_and_messages_are_the_recorded_ones() {
    let all = vectors();
    let hands = load(None, false);
    for coin in ["Dash", "Dash Testnet"] {
        let recorded = &all["coins"][coin];
        let device = open(coin, User::new(&hands)).await;
        let info = device.info().await.unwrap();
        assert_eq!(info.label.as_deref(), Some("castellan"));
        assert_eq!(info.wallet.as_deref(), Some("5c9e228d"));
        let account = device.account_xpub(at(text(&recorded["account_path"]))).await.unwrap();
        assert_eq!(
            account.encode()[4..],
            base58::decode_check(text(&recorded["xpub"])).unwrap()[4..]
        );
        for (path, expected) in recorded["addresses"].as_object().unwrap() {
            let shown = device.show_address(at(path)).await.unwrap();
            assert_eq!(shown.on_screen, text(&expected["address"]));
            assert_eq!(shown.key.to_string(), text(&expected["public_key"]));
        }
        for recorded in recorded["messages"].as_array().unwrap() {
            let message = from_hex(text(&recorded["message_utf8_hex"])).unwrap();
            let signed = device.sign_message(at(text(&recorded["path"])), message).await;
            let expected = CompactSignature::from_base64(text(&recorded["signature_base64"])).unwrap();
            assert_eq!(signed, Ok(expected));
        }
    }
    let (host, port) = address();
    let spec: DeviceSpec = format!("trezor@{host}:{port}").parse().unwrap();
    let seen = tokio::task::spawn_blocking(move || found(&spec, &profile("Dash")))
        .await
        .unwrap();
    assert!(
        matches!(&seen[0].state, State::Ready { app, .. } if app == "Dash"),
        "{seen:?}"
    );
    assert_eq!(seen[0].model, "Trezor One");
}

fn recorded_spend(recorded: &Value) -> Spend {
    let profile = profile(text(&recorded["coin"]));
    let input = |input: &Value| {
        let previous = Transaction::from_hex(text(&input["prev_tx_hex"])).unwrap();
        SpendInput {
            path: at(text(&input["path"])),
            key_id: KeyId(Address::parse_key(text(&input["address"]), &profile).unwrap()),
            outpoint: OutPoint {
                txid: previous.txid(),
                vout: input["prev_index"].as_u64().unwrap() as u32,
            },
            amount: Amount::from_duffs(input["amount"].as_u64().unwrap()),
            previous,
        }
    };
    let output = |output: &Value| {
        let address = Address::parse(text(&output["address"]), &profile).unwrap();
        TxOut::new(Amount::from_duffs(output["amount"].as_u64().unwrap()), address.script())
    };
    let outputs = recorded["outputs"].as_array().unwrap();
    Spend {
        inputs: recorded["inputs"].as_array().unwrap().iter().map(input).collect(),
        outputs: outputs.iter().map(output).collect(),
        change: outputs.iter().find_map(|output| output["change_path"].as_str()).map(at),
        lock_time: recorded["lock_time"].as_u64().unwrap() as u32,
    }
}

#[tokio::test]
#[ignore = "needs TREZOR_EMULATOR, see the header"]
async fn payments_also_of_special_transactions_outputs_are_signed_to_the_recorded_bytes() {
    let hands = load(None, false);
    let all = vectors();
    let ordinary = all["transactions"].as_array().unwrap().iter();
    let ordinary: Vec<&Value> = ordinary
        .filter(|recorded| recorded["version32"] == "0x00000002")
        .collect();
    assert_eq!(ordinary.len(), 3);
    for recorded in ordinary {
        let device = open(text(&recorded["coin"]), User::new(&hands)).await;
        let signed = device
            .sign_spend(recorded_spend(recorded), Progress::none())
            .await
            .unwrap();
        assert_eq!(
            signed.to_hex(),
            text(&recorded["signed_tx_hex"]),
            "{}",
            recorded["name"]
        );
    }
}

#[tokio::test]
#[ignore = "needs TREZOR_EMULATOR, see the header"]
async fn many_inputs_and_a_lock_time_are_signed() {
    let hands = load(None, false);
    let device = open("Dash", User::new(&hands)).await;
    let mut spend = recorded_spend(&vectors()["transactions"][0]);
    let first = spend.inputs[0].clone();
    spend.inputs = (0..10)
        .map(|number| {
            let mut input = first.clone();
            input.previous.lock_time = number;
            input.outpoint.txid = input.previous.txid();
            input
        })
        .collect();
    spend.lock_time = 2_000_000;
    let signed = device.sign_spend(spend, Progress::none()).await.unwrap();
    assert_eq!((signed.inputs.len(), signed.lock_time), (10, 2_000_000));
}

#[tokio::test]
#[ignore = "needs TREZOR_EMULATOR, see the header"]
async fn what_is_sealed_is_the_recorded_secret() {
    let hands = load(None, false);
    let device = open("Dash", User::new(&hands)).await;
    for recorded in vectors()["cipher_key_value"].as_array().unwrap() {
        let levels = recorded["address_n"].as_array().unwrap().iter();
        let path: Vec<_> = levels
            .map(|level| ChildNumber::from(level.as_u64().unwrap() as u32))
            .collect();
        let seal = Seal {
            path: DerivationPath::from(path),
            text: text(&recorded["key"]).to_owned(),
            ask_on_encrypt: recorded["ask_on_encrypt"].as_bool().unwrap(),
            ask_on_decrypt: recorded["ask_on_decrypt"].as_bool().unwrap(),
        };
        let value = Zeroizing::new(from_hex(text(&recorded["value"])).unwrap());
        let sealed = device
            .cipher(seal.clone(), Direction::Encrypt, value.clone())
            .await
            .unwrap();
        assert_eq!(to_hex(&sealed), text(&recorded["encrypted"]));
        assert_eq!(device.cipher(seal, Direction::Decrypt, sealed).await, Ok(value));
    }
}

#[tokio::test]
#[ignore = "needs TREZOR_EMULATOR, see the header"]
async fn pin_and_passphrase_open_the_recorded_hidden_wallet_once() {
    let hands = load(Some(PIN), true);
    let user = User {
        passphrase: "abc",
        wrong_pin: AtomicUsize::new(1),
        ..User::new(&hands)
    };
    let device = open("Dash", user).await;
    lock();
    assert_eq!(device.info().await.unwrap().wallet, None);
    assert_eq!(device.public_key(at(OWN)).await, Err(DeviceError::PinWrong));
    let shown = device.show_address(at(OWN)).await.unwrap();
    assert_eq!(
        shown.on_screen,
        text(&vectors()["passphrase_abc"][format!("Dash {OWN}")])
    );
    assert!(device.info().await.unwrap().wallet.is_some());
}

/// The questions of a signed text: PIN, passphrase, two buttons for it, then the text's pages.
#[tokio::test]
#[ignore = "needs TREZOR_EMULATOR, see the header"]
async fn declined_or_abandoned_at_any_question_it_goes_on() {
    let hands = load(Some(PIN), true);
    let new = || User {
        passphrase: "abc",
        ..User::new(&hands)
    };
    for number in 0..6 {
        let device = open(
            "Dash",
            User {
                declines: Some(number),
                ..new()
            },
        )
        .await;
        lock();
        let refused = device.sign_message(at(OWN), b"hello".to_vec()).await;
        let expected = match number {
            0 => DeviceError::PinCancelled,
            1 => DeviceError::PassphraseCancelled,
            _ => DeviceError::Declined,
        };
        assert_eq!(refused, Err(expected), "{number}");
        assert!(
            device.sign_message(at(OWN), b"hello".to_vec()).await.is_ok(),
            "{number}"
        );
    }
    for number in 2..6 {
        let device = open(
            "Dash",
            User {
                ignores: Some(number),
                ..new()
            },
        )
        .await;
        lock();
        let asked = device.sign_message(at(OWN), b"hello".to_vec());
        assert!(
            tokio::time::timeout(Duration::from_secs(5), asked).await.is_err(),
            "{number}"
        );
        assert!(
            device.sign_message(at(OWN), b"hello".to_vec()).await.is_ok(),
            "{number}"
        );
    }
}

/// As after ten minutes.
fn lock() {
    let mut wire = Wire::new(0);
    wire.send(&trezor_client::protos::LockDevice::new());
    wire.read();
}

#[tokio::test]
#[ignore = "needs TREZOR_EMULATOR, see the header"]
async fn foreign_paths_are_refused_by_their_name() {
    let hands = load(None, false);
    let device = open("Dash", User::new(&hands)).await;
    for path in ["m/9'/5'/3'/1'/0", "m/44'/1'/0'/0/0", "m/44'/5'/101'/0/0"] {
        let forbidden = DeviceError::ForbiddenPath {
            kind: Kind::Trezor,
            path: path.to_owned(),
        };
        assert_eq!(device.show_address(at(path)).await.map(drop), Err(forbidden));
    }
    assert!(device.sign_message(at(OWN), vec![b'x'; 1024]).await.is_ok());
}

async fn world(user: User) -> World {
    let (host, port) = address();
    let profile = whole::regtest(1);
    let (ours, asker): (_, Arc<dyn Asker>) = (Arc::clone(&profile), Arc::new(user));
    let opened = tokio::task::spawn_blocking(move || Trezor::network(&format!("{host}:{port}"), ours, asker)).await;
    World::new(profile, Arc::new(opened.unwrap().expect("an emulator that listens"))).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs TREZOR_EMULATOR, see the header"]
async fn registration_funding_collateral_and_spends_of_rewards_and_asset_unlocks() {
    let hands = load(None, false);
    world(User::new(&hands)).await.everything().await;
}

/// The questions of a payment without change: the output, the whole.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs TREZOR_EMULATOR, see the header"]
async fn a_payment_declined_or_cancelled_at_any_question_is_not_sent_and_the_next_one_is() {
    let hands = load(None, false);
    for number in 0..2 {
        let declining = User {
            declines: Some(number),
            ..User::new(&hands)
        };
        let declined = world(declining).await;
        declined.declined().await;
        declined.sends().await;
        let ignoring = User {
            ignores: Some(number),
            ..User::new(&hands)
        };
        let cancelled = world(ignoring).await;
        cancelled.cancelled(Duration::from_secs(5)).await;
        cancelled.sends().await;
    }
}
