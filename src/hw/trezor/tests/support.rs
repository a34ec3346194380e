//! A device on the table: the sandbox's, a user who answers it, and the vectors.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bitcoin::bip32::DerivationPath;
use futures::future::BoxFuture;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::hw::trezor::Trezor;
use crate::hw::trezor::talk::Limits;
use crate::hw::{Answer, Asker, Question};
use crate::protocol::network::builtin;
use crate::protocol::{Profile, path};
use crate::sandbox::trezor::{Model, Options, Panel, SandboxTrezor, Screen, positions};

pub const PIN: &str = "1934";
pub const PASSPHRASE: &str = "abc";

pub fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../tests/data/trezor/trezor.json")).unwrap()
}

pub fn profile(coin: &str) -> Arc<Profile> {
    let name = match coin {
        "Dash" => "dash",
        "Dash Testnet" => "dash-testnet",
        other => panic!("{other}"),
    };
    Arc::new(builtin(name).unwrap())
}

pub fn at(text: &str) -> DerivationPath {
    path::parse(text).unwrap()
}

/// What the user does at one of the device's questions. At all others: what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Says no: by the device's button, or by closing the question on the host.
    Decline,
    WrongPin,
    /// Goes away; nobody answers.
    Leave,
    /// Pulls the cable.
    Unplug,
}

/// Somebody at device and host, who answers everything but one question.
pub struct User {
    table: Arc<Table>,
    strange: Option<(usize, Event)>,
    /// Questions so far.
    pub asked: AtomicUsize,
    pub questions: Mutex<Vec<Question>>,
}

/// What lies on the table; unplugging takes it away.
#[derive(Default)]
pub struct Table(Mutex<Option<SandboxTrezor>>);

impl Table {
    pub fn put(&self, trezor: SandboxTrezor) {
        *self.0.lock().unwrap() = Some(trezor);
    }

    pub fn take(&self) -> Option<SandboxTrezor> {
        self.0.lock().unwrap().take()
    }

    pub fn panel(&self) -> Option<Panel> {
        self.0.lock().unwrap().as_ref().map(SandboxTrezor::panel)
    }
}

impl User {
    pub fn new(table: &Arc<Table>, strange: Option<(usize, Event)>) -> Arc<Self> {
        Arc::new(Self {
            table: Arc::clone(table),
            strange,
            asked: AtomicUsize::new(0),
            questions: Mutex::default(),
        })
    }

    /// Waits until the device shows its question.
    async fn screen(&self) -> (Panel, Screen) {
        let panel = self.table.panel().unwrap();
        let mut screen = panel.watch();
        let shown = screen.wait_for(|screen| *screen != Screen::Home).await.unwrap().clone();
        (panel, shown)
    }

    async fn answer(&self, question: Question) -> Option<Answer> {
        match question {
            Question::Pin { .. } => {
                let (_, Screen::PinMatrix(matrix)) = self.screen().await else {
                    return None;
                };
                Some(Answer::Pin(Zeroizing::new(positions(&matrix, PIN))))
            }
            Question::Passphrase { .. } => Some(Answer::Passphrase(Zeroizing::new(PASSPHRASE.to_owned()))),
            Question::Button { .. } => {
                match self.screen().await {
                    (panel, Screen::PinEntry) => panel.enter(PIN),
                    (panel, Screen::PassphraseEntry) => panel.enter(PASSPHRASE),
                    (panel, _) => panel.approve(),
                };
                Some(Answer::Seen)
            }
        }
    }

    async fn strange(&self, event: Event, question: Question) -> Option<Answer> {
        let button = matches!(question, Question::Button { .. });
        match event {
            Event::Decline if button => {
                self.screen().await.0.reject();
                Some(Answer::Seen)
            }
            Event::Decline => None,
            Event::WrongPin => {
                let (_, Screen::PinMatrix(matrix)) = self.screen().await else {
                    return None;
                };
                Some(Answer::Pin(Zeroizing::new(positions(&matrix, "5678"))))
            }
            Event::Leave if button => Some(Answer::Seen),
            Event::Unplug => {
                drop(self.table.take());
                if button {
                    Some(Answer::Seen)
                } else {
                    std::future::pending().await
                }
            }
            Event::Leave => std::future::pending().await,
        }
    }
}

impl Asker for User {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<Answer>> {
        self.questions.lock().unwrap().push(question.clone());
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            match self.strange {
                Some((at, event)) if at == number => self.strange(event, question).await,
                _ => self.answer(question).await,
            }
        })
    }
}

/// Long enough for any answer of the sandbox, short enough for tests of what takes too long.
pub fn limits(user: Duration) -> Limits {
    Limits {
        hello: Duration::from_secs(20),
        quick: Duration::from_secs(20),
        user,
    }
}

pub const PATIENT: Duration = Duration::from_secs(60);

/// Opening blocks, so it has a thread of its own.
pub async fn open(address: String, profile: Arc<Profile>, asker: Arc<dyn Asker>, limits: Limits) -> Arc<Trezor> {
    let opened = tokio::task::spawn_blocking(move || Trezor::network_with(&address, profile, asker, limits));
    Arc::new(opened.await.unwrap().unwrap())
}

pub fn options(model: Model) -> Options {
    Options::new(model)
}

/// A device that asks for everything it can.
pub fn guarded(model: Model) -> Options {
    Options {
        pin: Some(Zeroizing::new(PIN.to_owned())),
        passphrase: true,
        ..Options::new(model)
    }
}

/// The device and whoever answers it with yes.
pub async fn ready(options: Options, coin: &str) -> (Arc<Trezor>, Arc<Table>, Arc<User>) {
    let table = Arc::new(Table::default());
    let trezor = SandboxTrezor::start(options).unwrap();
    let address = trezor.address().to_string();
    table.put(trezor);
    let user = User::new(&table, None);
    let device = open(
        address,
        profile(coin),
        Arc::clone(&user) as Arc<dyn Asker>,
        limits(PATIENT),
    )
    .await;
    (device, table, user)
}
