//! Every question of every request, and everything that can happen at it. Afterwards the device is usable at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream;
use zeroize::Zeroizing;

use super::support::{
    Event, PASSPHRASE, PATIENT, Table, User, at, guarded, limits, open, options, profile, ready, vectors,
};
use super::vectors::recorded_spend;
use crate::hw::fake::FakeAsker;
use crate::hw::trezor::{Direction, Seal, Trezor};
use crate::hw::{Answer, Asker, Device, DeviceError, Kind, Look, Nobody, Progress, Question, Spend};
use crate::protocol::KeyId;
use crate::sandbox::trezor::{Model, Options, SandboxTrezor, Screen};

const OWN: &str = "m/44'/5'/0'/0/0";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Key,
    Address,
    Message,
    Spend,
    Seal,
}

const JOBS: [Job; 5] = [Job::Key, Job::Address, Job::Message, Job::Spend, Job::Seal];

/// A payment from the hidden wallet, with a lock time, of a transaction with a payload.
async fn spend(device: &Trezor) -> Result<Spend, DeviceError> {
    let all = vectors();
    let (mut spend, _) = recorded_spend(&all["transactions"][3]);
    spend.inputs.truncate(1);
    let key_id = KeyId::of(&device.public_key(at(OWN)).await?);
    let input = &mut spend.inputs[0];
    input.path = at(OWN);
    input.key_id = key_id;
    input.previous.outputs[input.outpoint.vout as usize].script = key_id.address().script();
    input.outpoint.txid = input.previous.txid();
    spend.outputs.truncate(1);
    // The rest becomes a fee that is called high.
    spend.outputs[0].value = input.amount.duffs() as i64 / 2;
    spend.outputs[0].script = KeyId([9; 20]).address().script();
    spend.change = None;
    spend.lock_time = 1_000_000;
    Ok(spend)
}

async fn run(device: &Trezor, job: Job) -> Result<(), DeviceError> {
    match job {
        Job::Key => device.public_key(at(OWN)).await.map(drop),
        Job::Address => device.show_address(at(OWN)).await.map(drop),
        Job::Message => device.sign_message(at(OWN), vec![b'x'; 100]).await.map(drop),
        Job::Spend => device
            .sign_spend(spend(device).await?, Progress::none())
            .await
            .map(drop),
        Job::Seal => {
            let seal = Seal {
                path: at("m/10'/5'/0'"),
                text: "castellan".to_owned(),
                ask_on_encrypt: true,
                ask_on_decrypt: true,
            };
            let value = Zeroizing::new(vec![7; 32]);
            device.cipher(seal, Direction::Encrypt, value).await.map(drop)
        }
    }
}

/// Questions of a request when all goes well.
async fn questions(model: Model, job: Job) -> Vec<Question> {
    let (device, _, user) = ready(guarded(model), "Dash").await;
    run(&device, job).await.unwrap();
    user.questions.lock().unwrap().clone()
}

fn looks(questions: &[Question]) -> Vec<Option<Look>> {
    let look = |question: &Question| match question {
        Question::Button { look, .. } => Some(*look),
        _ => None,
    };
    questions.iter().map(look).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_model_asks_what_its_firmware_asks() {
    let one = questions(Model::One, Job::Spend).await;
    assert_eq!(one[0], Question::Pin { kind: Kind::Trezor });
    assert!(matches!(
        one[1],
        Question::Passphrase {
            on_device_possible: false,
            wallet: None,
            ..
        }
    ));
    let payment = [Look::Output, Look::Fee, Look::Payment, Look::Payment].map(Some);
    assert_eq!(
        looks(&one[2..]),
        [&[Some(Look::Text), Some(Look::Text)][..], &payment].concat()
    );
    let t = questions(Model::T, Job::Spend).await;
    assert_eq!(looks(&t)[..2], [Some(Look::Pin), None]);
    assert!(matches!(
        t[1],
        Question::Passphrase {
            on_device_possible: true,
            ..
        }
    ));
}

/// What a request ends with when the question goes that way; none where it cannot.
fn outcome(event: Event, question: &Question) -> Option<DeviceError> {
    let kind = Kind::Trezor;
    Some(match (event, question) {
        // Its other button shows the QR code.
        (
            Event::Decline,
            Question::Button {
                look: Look::Address, ..
            },
        ) => return None,
        (Event::Decline, Question::Pin { .. } | Question::Button { look: Look::Pin, .. }) => DeviceError::PinCancelled,
        (Event::Decline, Question::Passphrase { .. }) => DeviceError::PassphraseCancelled,
        (Event::Decline, Question::Button { .. }) => DeviceError::Declined,
        (Event::WrongPin, Question::Pin { .. }) => DeviceError::PinWrong,
        (Event::WrongPin, _) => return None,
        (Event::Leave, _) => DeviceError::TimedOut { kind },
        (Event::Unplug, _) => DeviceError::Gone { kind },
    })
}

async fn bench(model: Model, strange: (usize, Event), patience: Duration) -> (Arc<Trezor>, Arc<Table>, Arc<User>, u16) {
    let table = Arc::new(Table::default());
    let trezor = SandboxTrezor::start(guarded(model)).unwrap();
    let address = trezor.address();
    table.put(trezor);
    let user = User::new(&table, Some(strange));
    let asker = Arc::clone(&user) as Arc<dyn Asker>;
    let device = open(address.to_string(), profile("Dash"), asker, limits(patience)).await;
    (device, table, user, address.port())
}

/// Plugs a device in where the other was.
async fn plug_in(table: &Table, model: Model, port: u16) {
    let options = Options { port, ..guarded(model) };
    for _ in 0..200 {
        if let Ok(trezor) = SandboxTrezor::start(options.clone()) {
            return table.put(trezor);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the port stays taken");
}

async fn usable(device: &Trezor, table: &Table, scene: &str) {
    let started = Instant::now();
    let key = device.public_key(at(OWN)).await;
    assert!(key.is_ok(), "{scene}: {key:?}");
    let shown = device.show_address(at(OWN)).await;
    assert!(shown.is_ok(), "{scene}: {shown:?}");
    assert!(started.elapsed() < Duration::from_secs(20), "{scene}");
    assert_eq!(table.panel().unwrap().screen(), Screen::Home, "{scene}");
}

async fn ends(model: Model, job: Job, strange: (usize, Event), expected: DeviceError) {
    let scene = format!("{model:?} {job:?} {strange:?}");
    let patience = if strange.1 == Event::Leave {
        Duration::from_millis(1500)
    } else {
        PATIENT
    };
    let (device, table, _, port) = bench(model, strange, patience).await;
    assert_eq!(run(&device, job).await, Err(expected), "{scene}");
    if strange.1 == Event::Unplug {
        plug_in(&table, model, port).await;
    }
    usable(&device, &table, &scene).await;
}

/// Nobody waits for the answer any more.
async fn abandoned(model: Model, job: Job, number: usize) {
    let scene = format!("{model:?} {job:?} abandoned at {number}");
    let (device, table, user, _) = bench(model, (number, Event::Leave), PATIENT).await;
    let running = Arc::clone(&device);
    let request = tokio::spawn(async move { run(&running, job).await });
    while user.asked.load(Ordering::SeqCst) <= number {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled(), "{scene}");
    usable(&device, &table, &scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn declined_late_unplugged_or_abandoned_at_any_question_it_ends_with_its_reason_and_goes_on() {
    let mut scenes = Vec::new();
    for model in [Model::One, Model::T] {
        for job in JOBS {
            for (number, question) in questions(model, job).await.into_iter().enumerate() {
                for event in [Event::Decline, Event::WrongPin, Event::Leave, Event::Unplug] {
                    if let Some(expected) = outcome(event, &question) {
                        scenes.push((model, job, number, Some((event, expected))));
                    }
                }
                scenes.push((model, job, number, None));
            }
        }
    }
    assert!(scenes.len() > 150, "{}", scenes.len());
    stream::iter(scenes)
        .for_each_concurrent(24, |(model, job, number, end)| async move {
            let scene = async move {
                match end {
                    Some((event, expected)) => ends(model, job, (number, event), expected).await,
                    None => abandoned(model, job, number).await,
                }
            };
            tokio::spawn(scene).await.unwrap();
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_asks_once_and_a_locked_device_asks_for_the_pin_only() {
    let (device, table, user) = ready(guarded(Model::One), "Dash").await;
    run(&device, Job::Key).await.unwrap();
    let first = user.asked.load(Ordering::SeqCst);
    assert_eq!(first, 4, "PIN, passphrase, two buttons");
    run(&device, Job::Address).await.unwrap();
    assert_eq!(user.asked.load(Ordering::SeqCst), first + 1);
    table.panel().unwrap().lock();
    run(&device, Job::Message).await.unwrap();
    let asked = user.questions.lock().unwrap()[first + 1..].to_vec();
    assert_eq!(
        asked
            .iter()
            .filter(|question| matches!(question, Question::Pin { .. }))
            .count(),
        1
    );
    assert!(
        !asked
            .iter()
            .any(|question| matches!(question, Question::Passphrase { .. }))
    );
}

/// A device, and an asker with these passphrases.
async fn hidden(model: Model, answers: Vec<Option<Answer>>) -> (Arc<Trezor>, SandboxTrezor, Arc<FakeAsker>) {
    let options = Options {
        passphrase: true,
        auto_approve: true,
        ..options(model)
    };
    let trezor = SandboxTrezor::start(options).unwrap();
    let asker = Arc::new(FakeAsker::new(answers));
    let shared = Arc::clone(&asker) as Arc<dyn Asker>;
    let device = open(trezor.address().to_string(), profile("Dash"), shared, limits(PATIENT)).await;
    (device, trezor, asker)
}

fn passphrase(text: &str) -> Option<Answer> {
    Some(Answer::Passphrase(Zeroizing::new(text.to_owned())))
}

#[tokio::test(flavor = "multi_thread")]
async fn another_passphrase_after_the_device_forgot_the_session_is_another_wallet() {
    let (device, trezor, asker) = hidden(
        Model::One,
        vec![passphrase("abc"), passphrase("abd"), passphrase("abc")],
    )
    .await;
    let first = device.public_key(at(OWN)).await.unwrap();
    let port = trezor.address().port();
    drop(trezor);
    let table = Table::default();
    for _ in 0..200 {
        let options = Options {
            passphrase: true,
            auto_approve: true,
            port,
            ..options(Model::One)
        };
        if let Ok(trezor) = SandboxTrezor::start(options) {
            table.put(trezor);
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let other = device.public_key(at(OWN)).await;
    assert!(matches!(other, Err(DeviceError::OtherWallet { .. })), "{other:?}");
    assert_eq!(device.public_key(at(OWN)).await, Ok(first));
    let asked = asker.questions();
    let wallets: Vec<bool> = asked
        .iter()
        .filter_map(|question| match question {
            Question::Passphrase { wallet, .. } => Some(wallet.is_some()),
            _ => None,
        })
        .collect();
    assert_eq!(wallets, [false, true, true], "the wallet that is meant is named");
}

#[tokio::test(flavor = "multi_thread")]
async fn passphrases_are_sent_in_one_form_and_not_beyond_their_length() {
    let (one, _plugged, _) = hidden(Model::One, vec![passphrase("\u{e9}")]).await;
    let (other, _also_plugged, _) = hidden(Model::One, vec![passphrase("e\u{301}")]).await;
    let key = one.public_key(at(OWN)).await;
    assert!(key.is_ok(), "{key:?}");
    assert_eq!(other.public_key(at(OWN)).await, key);
    let (device, _third, _) = hidden(
        Model::One,
        vec![passphrase(&"x".repeat(51)), passphrase(&"x".repeat(50))],
    )
    .await;
    let long = DeviceError::PassphraseTooLong { len: 51, max: 50 };
    assert_eq!(device.public_key(at(OWN)).await, Err(long));
    assert!(device.public_key(at(OWN)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_is_entered_on_the_device_only_where_it_can_be() {
    let (device, trezor, _) = hidden(Model::T, vec![Some(Answer::PassphraseOnDevice)]).await;
    let panel = trezor.panel();
    let typing = tokio::spawn(async move {
        let mut screen = panel.watch();
        screen
            .wait_for(|screen| *screen == Screen::PassphraseEntry)
            .await
            .unwrap();
        panel.enter(PASSPHRASE);
    });
    let key = device.public_key(at(OWN)).await.unwrap();
    typing.await.unwrap();
    let (host, _plugged, _) = hidden(Model::T, vec![passphrase(PASSPHRASE)]).await;
    assert_eq!(host.public_key(at(OWN)).await, Ok(key));
    let (one, _also_plugged, _) = hidden(Model::One, vec![Some(Answer::PassphraseOnDevice)]).await;
    assert_eq!(one.public_key(at(OWN)).await, Err(DeviceError::PassphraseCancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_cannot_be_used_says_why() {
    let kind = Kind::Trezor;
    let no_dash = DeviceError::NoCoinOnModel {
        model: "Trezor Safe 3".to_owned(),
        coin: "Dash".to_owned(),
    };
    let old = DeviceError::OldFirmware {
        model: "Trezor One".to_owned(),
        found: "1.9.4".to_owned(),
        minimum: "1.10".to_owned(),
    };
    let bare = options(Model::One);
    for (options, reason) in [
        (
            Options {
                bootloader: true,
                ..bare.clone()
            },
            DeviceError::Bootloader { kind },
        ),
        (
            Options {
                phrase: Zeroizing::default(),
                ..bare.clone()
            },
            DeviceError::NotInitialised { kind },
        ),
        (
            Options {
                version: (1, 9, 4),
                ..bare.clone()
            },
            old,
        ),
        (options(Model::Safe3), no_dash),
    ] {
        let (device, ..) = ready(options, "Dash").await;
        assert_eq!(device.info().await, Err(reason.clone()));
        assert_eq!(device.public_key(at(OWN)).await, Err(reason));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_other_trees_are_told_but_do_not_sign() {
    let (device, ..) = ready(options(Model::One), "Dash").await;
    for path in ["m/9'/5'/3'/1'/0", "m/44'/1'/0'/0/0", "m/44'/5'/101'/0/0"] {
        assert!(device.public_key(at(path)).await.is_ok());
        let forbidden = DeviceError::ForbiddenPath {
            kind: Kind::Trezor,
            path: path.to_owned(),
        };
        assert_eq!(device.show_address(at(path)).await.map(drop), Err(forbidden.clone()));
        assert_eq!(
            device.sign_message(at(path), vec![b'x']).await.map(drop),
            Err(forbidden)
        );
    }
    let long = device.sign_message(at(OWN), vec![b'x'; 1025]).await;
    assert!(matches!(long, Err(DeviceError::Unsupported { .. })));
    assert!(device.sign_message(at(OWN), vec![b'x'; 1024]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_type_a_question_is_cancelled_and_looking_asks_nothing() {
    let trezor = SandboxTrezor::start(guarded(Model::One)).unwrap();
    let device = open(
        trezor.address().to_string(),
        profile("Dash"),
        Arc::new(Nobody),
        limits(PATIENT),
    )
    .await;
    assert_eq!(device.info().await.unwrap().version, "1.14.2");
    assert_eq!(device.public_key(at(OWN)).await, Err(DeviceError::PinCancelled));
    assert_eq!(device.info().await.unwrap().wallet, None);
    assert_eq!(trezor.panel().screen(), Screen::Home);
}
