//! Somebody who sits before a device and answers everything but one question.

use std::sync::{Arc, Mutex};

use castellan::hw::{Answer, Asker, Question};
use castellan::sandbox::ledger;
use castellan::sandbox::trezor::{self, Screen, positions};
use futures::future::BoxFuture;
use tokio::sync::Notify;
use zeroize::Zeroizing;

pub const PIN: &str = "1934";
pub const PASSPHRASE: &str = "abc";
const WRONG_PIN: &str = "5678";
const OTHER_PASSPHRASE: &str = "another";

/// What the user does at one question, instead of what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Says no: by the device's button, or by closing the question on the host.
    Decline,
    /// Cancels the operation on the host, whatever is asked.
    Cancel,
    /// Goes away.
    Leave,
    /// Pulls the cable.
    Unplug,
    WrongPin,
    OtherPassphrase,
}

pub const EVENTS: [Event; 6] = [
    Event::Decline,
    Event::Cancel,
    Event::Leave,
    Event::Unplug,
    Event::WrongPin,
    Event::OtherPassphrase,
];

#[derive(Clone)]
pub enum Panel {
    Ledger(ledger::Panel),
    Trezor(trezor::Panel),
}

pub struct User {
    pub panel: Panel,
    /// At which question from the first on, and what.
    strange: Mutex<Option<(usize, Event)>>,
    seen: Mutex<Vec<String>>,
    /// The strange question is there, and nobody will answer it.
    pub stuck: Notify,
}

impl User {
    pub fn new(panel: Panel, strange: Option<(usize, Event)>) -> Arc<Self> {
        Arc::new(Self {
            panel,
            strange: Mutex::new(strange),
            seen: Mutex::default(),
            stuck: Notify::new(),
        })
    }

    /// The questions so far.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Whether the strange question has come.
    pub fn was_strange(&self) -> bool {
        self.strange.lock().unwrap().is_none()
    }

    fn turn(&self, question: String) -> Option<Event> {
        let mut seen = self.seen.lock().unwrap();
        seen.push(question);
        let number = seen.len() - 1;
        self.strange
            .lock()
            .unwrap()
            .take_if(|(at, _)| *at == number)
            .map(|(_, event)| event)
    }

    /// Presses the buttons of a Ledger, for ever.
    pub async fn at_ledger(self: Arc<Self>) {
        let Panel::Ledger(panel) = &self.panel else { return };
        let mut screen = panel.watch();
        loop {
            let shown = screen.wait_for(|screen| screen.prompt().is_some()).await;
            let Ok(question) = shown.map(|shown| shown.lines().remove(0)) else {
                return;
            };
            match self.turn(question) {
                None => drop(panel.approve()),
                Some(Event::Decline) => drop(panel.reject()),
                Some(Event::Unplug) => panel.unplug(),
                Some(_) => {
                    self.stuck.notify_one();
                    let _ = screen.wait_for(|screen| screen.prompt().is_none()).await;
                }
            }
        }
    }

    async fn at_trezor(&self, panel: &trezor::Panel, question: Question) -> Option<Answer> {
        let mut screen = panel.watch();
        let shown = screen.wait_for(|screen| *screen != Screen::Home).await.ok()?.clone();
        match self.turn(words(&question, &shown)) {
            None => answer(panel, &question, &shown, PIN, PASSPHRASE),
            Some(Event::Decline) if matches!(question, Question::Button { .. }) => {
                panel.reject();
                Some(Answer::Seen)
            }
            Some(Event::Decline) => None,
            Some(Event::WrongPin) => {
                // A device that takes the PIN itself asks again at once; then the user gives up.
                if shown == Screen::PinEntry {
                    *self.strange.lock().unwrap() = Some((self.seen().len(), Event::Decline));
                }
                answer(panel, &question, &shown, WRONG_PIN, PASSPHRASE)
            }
            Some(Event::OtherPassphrase) => answer(panel, &question, &shown, PIN, OTHER_PASSPHRASE),
            Some(Event::Unplug) => {
                panel.unplug();
                self.gone(&question).await
            }
            Some(Event::Cancel | Event::Leave) => {
                self.stuck.notify_one();
                self.gone(&question).await
            }
        }
    }

    /// What is only told needs no answer; everything else gets none.
    async fn gone(&self, question: &Question) -> Option<Answer> {
        match question {
            Question::Button { .. } => Some(Answer::Seen),
            Question::Pin { .. } | Question::Passphrase { .. } => std::future::pending().await,
        }
    }
}

impl Asker for User {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<Answer>> {
        Box::pin(async move {
            match &self.panel {
                Panel::Trezor(panel) => self.at_trezor(panel, question).await,
                Panel::Ledger(_) => None,
            }
        })
    }
}

fn words(question: &Question, shown: &Screen) -> String {
    match (question, shown) {
        (Question::Pin { .. }, _) => "PIN on the host".to_owned(),
        (Question::Passphrase { .. }, _) => "passphrase on the host".to_owned(),
        (Question::Button { .. }, Screen::PinEntry) => "PIN on the device".to_owned(),
        (Question::Button { .. }, Screen::PassphraseEntry) => "passphrase on the device".to_owned(),
        (Question::Button { .. }, shown) => shown
            .prompt()
            .map_or_else(|| format!("{shown:?}"), |prompt| prompt.title.to_owned()),
    }
}

fn answer(panel: &trezor::Panel, question: &Question, shown: &Screen, pin: &str, passphrase: &str) -> Option<Answer> {
    match (question, shown) {
        (Question::Pin { .. }, Screen::PinMatrix(matrix)) => Some(Answer::Pin(Zeroizing::new(positions(matrix, pin)))),
        (Question::Pin { .. }, _) => None,
        (Question::Passphrase { on_device_possible, .. }, _) => Some(match on_device_possible {
            true => Answer::PassphraseOnDevice,
            false => Answer::Passphrase(Zeroizing::new(passphrase.to_owned())),
        }),
        (Question::Button { .. }, shown) => {
            match shown {
                Screen::PinEntry => panel.enter(pin),
                Screen::PassphraseEntry => panel.enter(passphrase),
                _ => panel.approve(),
            };
            Some(Answer::Seen)
        }
    }
}
