//! The Ledger client against the real Dash app on an emulator, with the buttons pressed through Speculos' REST port.
//!
//!     speculos --display headless --apdu-port 9999 --api-port 5000 \
//!       --seed "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about" app.elf
//!     SPECULOS=127.0.0.1:9999 SPECULOS_API=127.0.0.1:5000 cargo test --test device ledger -- --ignored --test-threads 1
//!
//! The app: LedgerHQ/app-bitcoin built with `COIN=dash`, for a Nano S Plus.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bitcoin::bip32::DerivationPath;
use castellan::hw::discovery::{State, found, open};
use castellan::hw::ledger::{Ledger, message_hash_shown};
use castellan::hw::{Device, DeviceError, DeviceSpec, Kind, Nobody, Part, Progress, Spend, SpendInput, derive};
use castellan::protocol::message::{CompactSignature, message_hash, verify};
use castellan::protocol::network::builtin;
use castellan::protocol::{Address, Amount, KeyId, OutPoint, Profile, ScriptBuf, Transaction, TxIn, TxOut, path};
use serde_json::Value;

use crate::whole::{self, World};

fn speculos() -> DeviceSpec {
    let address = std::env::var("SPECULOS").expect("SPECULOS=host:port");
    format!("ledger@{address}").parse().expect("host and port")
}

fn profile(name: &str) -> Arc<Profile> {
    Arc::new(builtin(name).expect("embedded"))
}

fn device() -> Arc<dyn Device> {
    open(&speculos(), profile("dash"), Arc::new(Nobody)).expect("an emulator that listens")
}

fn at(text: &str) -> DerivationPath {
    path::parse(text).unwrap()
}

fn api(request: &str, body: &str) -> String {
    let address = std::env::var("SPECULOS_API").unwrap_or_else(|_| "127.0.0.1:5000".to_owned());
    let mut stream = TcpStream::connect(&address).expect("SPECULOS_API=host:port");
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default()
}

fn screen() -> String {
    let events: Value = serde_json::from_str(&api("GET /events?currentscreenonly=true", "")).unwrap();
    let lines = events["events"].as_array().unwrap().iter();
    lines
        .filter_map(|event| event["text"].as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

fn press(button: &str) {
    api(&format!("POST /button/{button}"), r#"{"action":"press-and-release"}"#);
}

#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Approve,
    Reject,
}

/// Somebody at the device, who pages through what it shows and answers every question.
struct User {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<String>>>,
}

impl User {
    fn who(answer: Answer) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let leave = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut seen: Vec<String> = Vec::new();
            let mut page = 0;
            while !leave.load(Ordering::SeqCst) {
                let text = screen();
                if text.is_empty() || text.contains("ready") {
                    page = 0;
                    thread::sleep(Duration::from_millis(30));
                    continue;
                }
                page += 1;
                let decides = match answer {
                    Answer::Approve => {
                        text.starts_with("Approve")
                            || text.starts_with("Accept")
                            || (text == "Sign message" && page > 2)
                    }
                    Answer::Reject => {
                        (text.starts_with("Cancel") || text.starts_with("Reject")) && !text.contains("not sure")
                    }
                };
                press(if decides { "both" } else { "right" });
                if decides {
                    page = 0;
                }
                seen.push(text);
                thread::sleep(Duration::from_millis(60));
            }
            seen
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// Leaves; what was on the screen.
    fn leave(mut self) -> String {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap().join("\n")
    }
}

fn recorded(pointer: &str) -> String {
    let text = include_str!("../data/ledger/ledger.json");
    let all: Value = serde_json::from_str(text).unwrap();
    all["derived"].pointer(pointer).unwrap().as_str().unwrap().to_owned()
}

#[tokio::test]
#[ignore = "needs SPECULOS and SPECULOS_API, see the header"]
async fn keys_and_addresses_are_those_of_the_phrase() {
    let dash = profile("dash");
    let before = found(&speculos(), &dash);
    assert!(
        matches!(&before[0].state, State::Ready { app, .. } if app == "Dash"),
        "{before:?}"
    );
    let device = device();
    assert_eq!(device.info().await.unwrap().ticker, "DASH");
    let account = device.account_xpub(at("m/44'/5'/0'")).await.unwrap();
    let key = device.public_key(at("m/44'/5'/0'/0/0")).await.unwrap();
    assert_eq!(derive(&account, false, 0), key);
    assert_eq!(
        KeyId::of(&key).address().to_text(&dash),
        "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5"
    );
    let user = User::who(Answer::Approve);
    let shown = device.show_address(at("m/44'/5'/0'/0/0")).await.unwrap();
    assert_eq!(
        (shown.key, shown.on_screen.as_str()),
        (key, "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5")
    );
    user.leave();
    let user = User::who(Answer::Reject);
    assert_eq!(
        device.show_address(at("m/44'/5'/0'/0/0")).await,
        Err(DeviceError::Declined)
    );
    user.leave();
}

#[tokio::test]
#[ignore = "needs SPECULOS and SPECULOS_API, see the header"]
async fn messages_of_every_length_are_signed_and_the_hash_is_the_one_shown() {
    let (device, dash) = (device(), profile("dash"));
    let path = at("m/44'/5'/0'/0/0");
    let text = recorded("/collateral_message/message");
    let user = User::who(Answer::Approve);
    let signature = device
        .sign_message(path.clone(), text.clone().into_bytes())
        .await
        .unwrap();
    let expected = CompactSignature::from_base64(&recorded("/collateral_message/signature_base64"));
    assert_eq!(signature, expected.unwrap());
    let screen: String = user.leave().chars().filter(char::is_ascii_alphanumeric).collect();
    assert!(screen.contains(&message_hash_shown(text.as_bytes())[..32]), "{screen}");
    let user = User::who(Answer::Approve);
    let address = Address::parse("XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5", &dash).unwrap();
    for len in [1, 231, 232, 233, 487, 488, 65535] {
        let text: Vec<u8> = (0..len).map(|at| (at * 7) as u8).collect();
        let signature = device.sign_message(path.clone(), text.clone()).await.unwrap();
        assert_eq!(verify(&dash, address, &text, &signature), Ok(()), "{len}");
    }
    user.leave();
    let user = User::who(Answer::Reject);
    assert_eq!(
        device.sign_message(path, b"no".to_vec()).await,
        Err(DeviceError::Declined)
    );
    user.leave();
}

#[tokio::test]
#[ignore = "needs SPECULOS and SPECULOS_API, see the header"]
async fn the_recorded_payment_is_signed_to_the_same_bytes() {
    let device = device();
    let spend = recorded_spend();
    let user = User::who(Answer::Approve);
    let signed = device.sign_spend(spend.clone(), Progress::none()).await.unwrap();
    let screen = user.leave();
    assert_eq!(signed.to_hex(), recorded("/spend/signed_tx"));
    // Some versions of the app write the ticker first.
    for amount in ["1.5", "0.001"] {
        let written = [format!("{amount} DASH"), format!("DASH {amount}")];
        assert!(written.iter().any(|amount| screen.contains(amount)), "{screen}");
    }
    assert!(!screen.contains("1001.499"), "change is not shown: {screen}");
    let user = User::who(Answer::Reject);
    assert_eq!(
        device.sign_spend(spend, Progress::none()).await,
        Err(DeviceError::Declined)
    );
    user.leave();
    assert_eq!(device.info().await.unwrap().app, "Dash");
}

fn recorded_spend() -> Spend {
    let signed = Transaction::from_hex(&recorded("/spend/signed_tx")).unwrap();
    let input = |name: &str, vout: u32, path: &str| {
        let previous = Transaction::from_hex(&recorded(&format!("/spend/{name}"))).unwrap();
        spend_input(previous, vout, at(path))
    };
    Spend {
        inputs: vec![
            input("prev0", 0, "m/44'/5'/0'/0/0"),
            input("prev1", 1, "m/44'/5'/0'/0/1"),
        ],
        outputs: signed.outputs,
        change: Some(at("m/44'/5'/0'/1/0")),
        lock_time: 0,
    }
}

fn spend_input(previous: Transaction, vout: u32, path: DerivationPath) -> SpendInput {
    let output = &previous.outputs[vout as usize];
    let Some(Address::PubkeyHash(hash)) = castellan::protocol::script::address(output.script.as_bytes()) else {
        panic!("pays a key");
    };
    SpendInput {
        path,
        key_id: KeyId(hash),
        outpoint: OutPoint {
            txid: previous.txid(),
            vout,
        },
        amount: output.amount().unwrap(),
        previous,
    }
}

/// Previous transactions as awkward as they come: a long payload, long and empty scripts, no inputs.
fn awkward(own: &ScriptBuf, number: u8) -> Transaction {
    let script = |len: usize| ScriptBuf::from_bytes(vec![0x6a; len]);
    let spent = |len: usize| TxIn {
        script_sig: script(len),
        ..TxIn::unsigned(OutPoint::null())
    };
    let output = |value: u64, script: ScriptBuf| TxOut::new(Amount::from_duffs(value), script);
    let (inputs, payload_len) = match number % 3 {
        0 => (vec![spent(0), spent(251), spent(252), spent(600)], 0),
        1 => (vec![spent(107)], 20_000),
        _ => (Vec::new(), 145),
    };
    Transaction {
        version: if payload_len == 0 { 2 } else { 3 },
        kind: [0, 5, 9][usize::from(number % 3)],
        inputs,
        outputs: vec![
            output(5, script(0)),
            output(100_000_000, own.clone()),
            output(7, script(300)),
        ],
        lock_time: u32::from(number),
        payload: vec![number; payload_len],
    }
}

#[tokio::test]
#[ignore = "needs SPECULOS and SPECULOS_API, see the header"]
async fn awkward_previous_transactions_no_change_and_a_lock_time() {
    let device = device();
    let path = at("m/44'/5'/0'/0/0");
    let own = KeyId::of(&device.public_key(path.clone()).await.unwrap())
        .address()
        .script();
    let inputs = (0..6).map(|number| spend_input(awkward(&own, number), 1, path.clone()));
    let mut data = vec![0x6a, 0x4c, 87];
    data.extend([7; 87]);
    let spend = Spend {
        inputs: inputs.collect(),
        outputs: vec![
            TxOut::new(Amount::ZERO, ScriptBuf::from_bytes(data)),
            TxOut::new(Amount::from_duffs(599_900_000), Address::ScriptHash([3; 20]).script()),
        ],
        change: None,
        lock_time: 1_234_567,
    };
    let user = User::who(Answer::Approve);
    let signed = device.sign_spend(spend, Progress::none()).await.unwrap();
    let screen = user.leave();
    assert_eq!((signed.inputs.len(), signed.lock_time), (6, 1_234_567));
    // The screen breaks lines anywhere.
    assert!(screen.replace(' ', "").contains("OP_RETURN"), "{screen}");
}

/// Small previous transactions, all to the first address.
fn many(own: &ScriptBuf, path: &DerivationPath, count: u8) -> Spend {
    let previous = |number: u8| Transaction {
        version: 2,
        kind: 0,
        inputs: vec![TxIn {
            script_sig: ScriptBuf::from_bytes(vec![number; 107]),
            ..TxIn::unsigned(OutPoint::null())
        }],
        outputs: vec![TxOut::new(Amount::from_coins(1), own.clone())],
        lock_time: u32::from(number),
        payload: Vec::new(),
    };
    let inputs = (0..count).map(|number| spend_input(previous(number), 0, path.clone()));
    Spend {
        inputs: inputs.collect(),
        outputs: vec![TxOut::new(
            Amount::from_duffs(u64::from(count) * 100_000_000 - 100_000),
            Address::ScriptHash([3; 20]).script(),
        )],
        change: None,
        lock_time: 0,
    }
}

#[tokio::test]
#[ignore = "needs SPECULOS and SPECULOS_API, see the header"]
async fn fifty_inputs_are_signed_and_told_and_a_payment_ends_in_the_middle() {
    let device = device();
    let path = at("m/44'/5'/0'/0/0");
    let own = KeyId::of(&device.public_key(path.clone()).await.unwrap())
        .address()
        .script();
    let told = Arc::new(Mutex::new(Vec::new()));
    let progress = || {
        let told = Arc::clone(&told);
        Progress::new(move |done| told.lock().unwrap().push((done.part, done.done)))
    };
    let user = User::who(Answer::Approve);
    let signed = device.sign_spend(many(&own, &path, 50), progress()).await.unwrap();
    assert_eq!(signed.inputs.len(), 50);
    let parts = |part| (1..=50).map(move |done| (part, done));
    let all: Vec<_> = parts(Part::Reading).chain(parts(Part::Signing)).collect();
    assert_eq!(*told.lock().unwrap(), all);
    told.lock().unwrap().clear();
    let some = async {
        while told.lock().unwrap().len() < 60 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = some => {}
        _ = device.sign_spend(many(&own, &path, 50), progress()) => panic!("too fast"),
    }
    let dropped = Instant::now();
    assert_eq!(device.info().await.unwrap().app, "Dash");
    assert!(dropped.elapsed() < Duration::from_secs(1), "{:?}", dropped.elapsed());
    assert!(device.sign_spend(many(&own, &path, 2), Progress::none()).await.is_ok());
    user.leave();
}

#[tokio::test]
#[ignore = "needs SPECULOS and SPECULOS_API, see the header"]
async fn a_question_nobody_waits_for_keeps_the_device_busy_until_it_is_answered() {
    let device = device();
    let path = at("m/44'/5'/0'/0/0");
    device.info().await.unwrap();
    let asked = device.show_address(path.clone());
    assert!(tokio::time::timeout(Duration::from_millis(500), asked).await.is_err());
    assert_eq!(device.info().await, Err(DeviceError::Busy { kind: Kind::Ledger }));
    let spec = speculos();
    assert_eq!(found(&spec, &profile("dash"))[0].state, State::Open);
    let user = User::who(Answer::Reject);
    tokio::time::sleep(Duration::from_secs(2)).await;
    user.leave();
    assert_eq!(device.info().await.unwrap().app, "Dash");
}

#[tokio::test]
#[ignore = "needs SPECULOS and SPECULOS_API, see the header"]
async fn a_fork_signs_with_its_own_paths_in_its_parents_app() {
    let wei = profile("wei");
    let device = open(&speculos(), Arc::clone(&wei), Arc::new(Nobody)).unwrap();
    let user = User::who(Answer::Approve);
    let account = device.account_xpub(at("m/44'/1308'/0'")).await.unwrap();
    let signature = device
        .sign_message(at("m/44'/1308'/0'/0/0"), b"for a fork".to_vec())
        .await
        .unwrap();
    user.leave();
    let digest = message_hash(&wei.message_magic, b"for a fork");
    assert_eq!(
        signature.recover_key_id(&digest),
        Ok(KeyId::of(&derive(&account, false, 0)))
    );
}

/// Keys of the app's own coin type, which it tells without asking, on a chain whose coins are worth nothing.
async fn world() -> World {
    let profile = whole::regtest(5);
    let address = std::env::var("SPECULOS").expect("SPECULOS=host:port");
    let ours = Arc::clone(&profile);
    let opened = tokio::task::spawn_blocking(move || Ledger::network(&address, ours)).await;
    World::new(profile, Arc::new(opened.unwrap().expect("an emulator that listens"))).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs SPECULOS and SPECULOS_API, see the header"]
async fn registration_funding_collateral_and_spends_of_rewards_and_asset_unlocks() {
    let world = world().await;
    let user = User::who(Answer::Approve);
    world.everything().await;
    user.leave();
    let user = User::who(Answer::Reject);
    world.declined().await;
    user.leave();
    let user = User::who(Answer::Approve);
    world.sends().await;
    user.leave();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs SPECULOS and SPECULOS_API, see the header"]
async fn a_payment_cancelled_at_an_output_and_accepted_later_does_not_spoil_the_next() {
    let world = world().await;
    let cancelled = tokio::time::timeout(Duration::from_secs(4), world.sends_with_change()).await;
    assert!(cancelled.is_err(), "nobody answered");
    let user = User::who(Answer::Approve);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(world.sends_with_change().await, Ok(()));
    user.leave();
}

#[tokio::test]
#[ignore = "needs SPECULOS and SPECULOS_API, see the header"]
async fn the_same_text_is_signed_to_the_same_bytes() {
    let device = device();
    let user = User::who(Answer::Approve);
    let path = at("m/10'/5'/0'");
    let [first, second] = [
        device
            .sign_message(path.clone(), b"a secret of castellan".to_vec())
            .await,
        device.sign_message(path, b"a secret of castellan".to_vec()).await,
    ];
    user.leave();
    assert!(first.is_ok());
    assert_eq!(first, second);
}
