use std::str::FromStr;

use bitcoin::bip32::DerivationPath;
use proptest::prelude::*;
use tokio::sync::mpsc;

use super::super::device::Device;
use super::super::keys::{InputKey, Keys};
use super::super::{AppIdentity, Options, SandboxLedger, Screen, TEST_PHRASE};
use super::host::{H, Host, apdu, key_path, ok, path, question, shows, start};
use crate::protocol::message::{CompactSignature, message_hash};
use crate::protocol::network;
use crate::protocol::{KeyId, message};

const NAME: &str = "b001000000";

/// Without its socket.
fn device() -> Device {
    let keys = Keys::from_phrase(TEST_PHRASE, "").unwrap();
    Device::new(AppIdentity::default(), keys.into(), InputKey::random().unwrap(), false)
}

fn idle() -> Screen {
    Screen::Idle { app: "Dash".to_owned() }
}

fn message_data(levels: &[u32], text: &[u8]) -> Vec<u8> {
    [&path(levels)[..], &(text.len() as u16).to_be_bytes(), text].concat()
}

/// The compact form of `30|parity DER`.
fn compact(mut der: Vec<u8>) -> CompactSignature {
    let parity = der[0] & 1;
    der[0] &= 0xfe;
    let signature = bitcoin::secp256k1::ecdsa::Signature::from_der(&der).unwrap();
    let mut bytes = [31 + parity; 65];
    bytes[1..].copy_from_slice(&signature.serialize_compact());
    CompactSignature::from_bytes(bytes)
}

#[tokio::test]
async fn a_message_of_any_length_is_signed_with_the_paths_key() {
    let (ledger, panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let key = ledger
        .public_key(&DerivationPath::from_str("m/44'/5'/0'/0/4").unwrap())
        .unwrap();
    for length in [1, 2, 139, 252, 253, 254, 1000, 65535] {
        let text: Vec<u8> = (0..length).map(|at: u32| at as u8).collect();
        let (first, rest) = text.split_at(text.len().min(200));
        let head = [&path(&key_path(0, 4))[..], &(length as u16).to_be_bytes(), first].concat();
        let mut reply = ok(host.command(0x4e, 0, 1, &head).await).unwrap();
        for chunk in rest.chunks(255) {
            assert_eq!(reply, [0]);
            reply = ok(host.command(0x4e, 0, 0x80, chunk).await).unwrap();
        }
        assert_eq!(reply, [0, 0]);
        let der = ok(host.command(0x4e, 0x80, 0, &[0]).await).unwrap();
        let digest = message_hash("DarkCoin Signed Message:\n", &text);
        assert_eq!(
            compact(der).recover_key_id(&digest),
            Ok(KeyId::of(&key)),
            "{length} bytes"
        );
    }
    assert_eq!(panel.answered().len(), 8);
}

#[tokio::test]
async fn the_guides_collateral_message_has_the_recorded_hash_and_signature() {
    let (ledger, panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let json = include_str!("../../../../tests/data/ledger/ledger.json");
    let recorded = &serde_json::from_str::<serde_json::Value>(json).unwrap()["derived"]["collateral_message"];
    let field = |key: &str| recorded[key].as_str().unwrap();
    let data = message_data(&key_path(0, 0), field("message").as_bytes());
    ok(host.command(0x4e, 0, 1, &data).await).unwrap();
    let signature = compact(ok(host.command(0x4e, 0x80, 0, &[0]).await).unwrap());
    assert_eq!(signature.to_base64(), field("signature_base64"));
    let pages = &panel.answered()[0].prompt.pages;
    assert_eq!(pages[..], ["Sign message", "Message hash", field("sha256_shown")]);
}

#[tokio::test]
async fn messages_that_do_not_fit_their_length_are_refused() {
    let (ledger, _panel) = start(true);
    let mut host = Host::connect(ledger.address()).await;
    let sign = apdu(0x4e, 0x80, 0, &[0]);
    assert_eq!(ok(host.exchange(&sign).await), Err(0x6a80), "nothing prepared");
    let short = [&path(&key_path(0, 0))[..], &[0, 9], b"hello"].concat();
    assert_eq!(ok(host.command(0x4e, 0, 1, &short).await), Ok(vec![0]));
    assert_eq!(ok(host.command(0x4e, 0, 0x80, b"too long").await), Err(0x6a80));
    assert_eq!(ok(host.command(0x4e, 0, 1, &short).await), Ok(vec![0]));
    assert_eq!(ok(host.exchange(&sign).await), Err(0x6a80), "incomplete");
    assert_eq!(ok(host.command(0x4e, 0, 2, &short).await), Err(0x6b00));
    assert_eq!(ok(host.command(0x4e, 0, 1, &path(&[H; 11])).await), Err(0x6a80));
}

#[tokio::test]
async fn a_bitid_path_signs_without_a_question() {
    let (ledger, panel) = start(false);
    let mut host = Host::connect(ledger.address()).await;
    let data = message_data(&[H | 0xb11d, 0], b"hello");
    ok(host.command(0x4e, 0, 1, &data).await).unwrap();
    assert!(ok(host.command(0x4e, 0x80, 0, &[0]).await).unwrap().len() > 60);
    assert!(panel.answered().is_empty());
}

#[tokio::test]
async fn refusing_a_message_or_an_address_answers_6985() {
    let (ledger, panel) = start(false);
    let mut host = Host::connect(ledger.address()).await;
    let data = message_data(&key_path(0, 0), b"hello");
    ok(host.command(0x4e, 0, 1, &data).await).unwrap();
    let asking = [
        apdu(0x4e, 0x80, 0, &[0]),
        apdu(0x40, 1, 0, &path(&key_path(0, 0))),
        apdu(0x40, 1, 0, &path(&key_path(1, 0))),
        apdu(0x40, 0, 0, &path(&[H | 44, H | 1])),
    ];
    for command in asking {
        host.send(&command).await;
        question(&panel).await;
        assert!(panel.reject());
        assert_eq!(host.receive().await, Some((Vec::new(), 0x6985)));
        assert_eq!(panel.screen(), idle());
    }
    assert!(!panel.approve() && !panel.reject(), "nothing is asked any more");
}

#[tokio::test]
async fn a_locked_device_answers_nothing_but_5515() {
    let (ledger, panel) = start(false);
    let mut host = Host::connect(ledger.address()).await;
    panel.lock();
    for command in [NAME, "e016000000", "b0a7000000", "e0"] {
        assert_eq!(host.hex(command).await, Some((Vec::new(), 0x5515)));
    }
    assert_eq!(panel.screen(), Screen::Locked);
    panel.unlock();
    assert!(ok(host.hex(NAME).await).is_ok());
}

#[tokio::test]
async fn a_command_during_a_question_is_answered_and_the_questions_answer_forgotten() {
    let (ledger, panel) = start(false);
    let mut host = Host::connect(ledger.address()).await;
    host.send(&apdu(0x40, 1, 0, &path(&key_path(0, 0)))).await;
    question(&panel).await;
    assert!(ok(host.hex(NAME).await).is_ok());
    assert!(panel.screen().prompt().is_some(), "the question stays");
    assert!(panel.approve());
    // Had the late answer come, it would be the next one.
    assert_eq!(ok(host.hex("e024000000").await), Ok(vec![1]));
}

#[tokio::test]
async fn quitting_the_app_during_a_question_answers_and_closes() {
    let (ledger, panel) = start(false);
    let mut host = Host::connect(ledger.address()).await;
    host.send(&apdu(0x40, 1, 0, &path(&key_path(0, 0)))).await;
    question(&panel).await;
    assert_eq!(host.hex("b0a7000000").await, Some((Vec::new(), 0x9000)));
    assert_eq!(host.receive().await, None);
    assert_eq!(panel.screen(), Screen::Dashboard);
}

#[tokio::test]
async fn an_older_connection_stays_open_and_hears_nothing() {
    let (ledger, _panel) = start(false);
    let mut old = Host::connect(ledger.address()).await;
    ok(old.hex(NAME).await).unwrap();
    let mut new = Host::connect(ledger.address()).await;
    ok(new.hex(NAME).await).unwrap();
    old.send(&apdu(0x24, 0, 0, &[])).await;
    let silence = tokio::time::timeout(std::time::Duration::from_millis(100), old.receive()).await;
    assert!(silence.is_err());
}

#[test]
fn a_late_answer_goes_to_the_newest_connection() {
    let mut device = device();
    let (old_answers, mut old) = mpsc::unbounded_channel();
    let (old_id, _) = device.connect(old_answers).unwrap();
    device.receive(old_id, &apdu(0x40, 1, 0, &path(&key_path(0, 0))));
    let (new_answers, mut new) = mpsc::unbounded_channel();
    device.connect(new_answers).unwrap();
    device.receive(old_id, &apdu(0x24, 0, 0, &[]));
    assert!(new.try_recv().is_err(), "the older one's command was not heard");
    assert!(device.decide(true));
    assert!(new.try_recv().is_ok_and(|frame| frame.ends_with(&[0x90, 0])));
    assert!(old.try_recv().is_err());
}

#[tokio::test]
async fn the_dashboard_opens_the_app_when_the_user_agrees() {
    let (ledger, panel) = start(false);
    panel.dashboard();
    let mut host = Host::connect(ledger.address()).await;
    let (name, _) = host.hex(NAME).await.unwrap();
    assert_eq!(name[2..7], *b"BOLOS");
    assert_eq!(ok(host.hex("e016000000").await), Err(0x6e01));
    assert_eq!(ok(host.command(0xd8, 0, 0, b"Chess").await), Err(0x6807));

    host.send(&apdu(0xd8, 0, 0, b"Dash")).await;
    assert_eq!(question(&panel).await, ["Open app Dash"]);
    panel.reject();
    assert_eq!(host.receive().await, Some((Vec::new(), 0x5501)));

    host.send(&apdu(0xd8, 0, 0, b"Dash")).await;
    question(&panel).await;
    panel.approve();
    assert_eq!(host.receive().await, Some((Vec::new(), 0x9000)));
    assert_eq!(host.receive().await, None, "the device leaves the bus");
    shows(&panel, idle()).await;
    assert!(ok(Host::connect(ledger.address()).await.hex("e016000000").await).is_ok());
}

#[tokio::test]
async fn another_app_names_itself_and_serves_nothing() {
    let (ledger, panel) = start(true);
    panel.open_app("Bitcoin");
    let mut host = Host::connect(ledger.address()).await;
    let (name, _) = host.hex(NAME).await.unwrap();
    assert_eq!(name[2..9], *b"Bitcoin");
    assert_eq!(ok(host.hex("e016000000").await), Err(0x6e00));
}

#[tokio::test]
async fn pulling_the_cable_ends_connections_until_it_is_back() {
    let (ledger, panel) = start(false);
    let mut host = Host::connect(ledger.address()).await;
    host.send(&apdu(0x40, 1, 0, &path(&key_path(0, 0)))).await;
    question(&panel).await;
    panel.unplug();
    assert_eq!(host.receive().await, None);
    assert_eq!(panel.screen(), Screen::Unplugged);
    assert!(!panel.approve());
    assert_eq!(Host::connect(ledger.address()).await.receive().await, None);
    panel.plug_in();
    panel.open_app("Dash");
    assert!(ok(Host::connect(ledger.address()).await.hex(NAME).await).is_ok());
}

#[tokio::test]
async fn dropping_the_handle_ends_the_device() {
    let (ledger, _panel) = start(false);
    let address = ledger.address();
    let mut host = Host::connect(address).await;
    ok(host.hex(NAME).await).unwrap();
    drop(ledger);
    assert_eq!(host.receive().await, None);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_forks_profile_gets_the_app_it_names_and_other_phrases_other_keys() {
    let wei = network::builtin("wei").unwrap();
    let options = Options {
        phrase: "legal winner thank year wave sausage worth useful legal winner thank yellow"
            .to_owned()
            .into(),
        auto_approve: true,
        ..Options::for_profile(&wei)
    };
    let ledger = SandboxLedger::start(options).unwrap();
    let mut host = Host::connect(ledger.address()).await;
    let path_text = DerivationPath::from_str("m/44'/1308'/0'/0/0").unwrap();
    let address = ledger.key_address(&path_text).unwrap();
    let data = message_data(&[H | 44, H | 1308, H, 0, 0], b"collateral");
    ok(host.command(0x4e, 0, 1, &data).await).unwrap();
    let signature = compact(ok(host.command(0x4e, 0x80, 0, &[0]).await).unwrap());
    assert_eq!(message::verify(&wei, address, b"collateral", &signature), Ok(()));
    let (other, _panel) = start(true);
    assert_ne!(other.key_address(&path_text), Some(address));
}

#[tokio::test]
async fn what_is_no_phrase_and_a_taken_port_are_errors() {
    let bad = Options {
        phrase: "not a phrase".to_owned().into(),
        ..Options::default()
    };
    let error = SandboxLedger::start(bad).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    let (ledger, _panel) = start(true);
    let taken = Options {
        port: ledger.address().port(),
        ..Options::default()
    };
    let error = SandboxLedger::start(taken).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn without_a_runtime_it_says_so_instead_of_panicking() {
    assert!(SandboxLedger::start(Options::default()).is_err());
}

/// Commands near what the app understands: the right class and instructions, the first parameters, any data.
fn any_command() -> impl Strategy<Value = Vec<u8>> {
    let ins = prop::sample::select(vec![0x16, 0x26, 0x40, 0x42, 0x44, 0x48, 0x4a, 0x4e, 0xd8]);
    let parameter = prop::sample::select(vec![0u8, 1, 0x80, 0xff]);
    let byte = prop_oneof![4 => prop::sample::select(vec![0u8, 1, 2, 4, 0x19, 0x38, 0xfd]), 1 => any::<u8>()];
    (ins, parameter.clone(), parameter, prop::collection::vec(byte, 0..80))
        .prop_map(|(ins, p1, p2, data)| apdu(ins, p1, p2, &data))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_sequence_of_commands_and_buttons_breaks_the_device(
        commands in prop::collection::vec((any_command(), any::<Option<bool>>()), 1..60),
    ) {
        let mut device = device();
        for (command, button) in commands {
            let (answers, mut outgoing) = mpsc::unbounded_channel();
            let (id, enumeration) = device.connect(answers).unwrap();
            device.receive(id, &command);
            if let Some(approved) = button {
                device.decide(approved);
            }
            let mut replies = 0;
            while outgoing.try_recv().is_ok() {
                replies += 1;
            }
            prop_assert!(replies <= 1);
            if enumeration.has_changed().unwrap() {
                device.open(Some("Dash"));
            }
        }
    }
}
