//! The user's side of the device: its screen and buttons, for a window, a script or a test.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use zeroize::Zeroizing;

/// How many answered questions are remembered.
const MEMORY: usize = 100;

/// What is on the screen now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Screen {
    #[default]
    Home,
    /// Digits in an order of this question, from the place of key 1 to that of key 9.
    PinMatrix([u8; 9]),
    /// The host is asked for the passphrase.
    PassphraseOnHost,
    /// The PIN is entered here (Model T).
    PinEntry,
    /// The passphrase is entered here (Model T).
    PassphraseEntry,
    /// A question waits for the buttons.
    Prompt(Prompt),
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub title: &'static str,
    pub text: String,
}

/// A question the user has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub prompt: Prompt,
    pub approved: bool,
}

/// What the user does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    Approve,
    Reject,
    Type(Zeroizing<String>),
}

/// A handle on the device; clones are handles on the same one.
#[derive(Clone)]
pub struct Panel(Arc<Shared>);

pub(super) struct Shared {
    state: Mutex<State>,
    screen: watch::Sender<Screen>,
    /// Counts what the user did, so that the device wakes.
    done: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    auto_approve: bool,
    lock: bool,
    deed: Option<Deed>,
    answered: VecDeque<Answered>,
}

impl Shared {
    pub fn new(auto_approve: bool) -> Arc<Self> {
        let state = State {
            auto_approve,
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            screen: watch::Sender::default(),
            done: watch::Sender::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a screen; what was done before it is forgotten.
    pub fn show(&self, screen: Screen) {
        self.state().deed = None;
        self.screen.send_replace(screen);
    }

    /// What the user does about the screen. Questions are approved by themselves where that is set; texts never.
    pub async fn deed(&self) -> Deed {
        let mut done = self.done.subscribe();
        loop {
            done.mark_unchanged();
            if let Some(deed) = self.take() {
                return deed;
            }
            // Fails only if this is dropped, which it is not: it is borrowed.
            let _ = done.changed().await;
        }
    }

    fn take(&self) -> Option<Deed> {
        let prompt = matches!(*self.screen.borrow(), Screen::Prompt(_));
        let mut state = self.state();
        let auto = prompt && state.auto_approve;
        state.deed.take().or_else(|| auto.then_some(Deed::Approve))
    }

    pub fn remember(&self, prompt: Prompt, approved: bool) {
        let mut state = self.state();
        if state.answered.len() == MEMORY {
            state.answered.pop_front();
        }
        state.answered.push_back(Answered { prompt, approved });
    }

    /// Whether the user locked the device since this was asked last.
    pub fn take_lock(&self) -> bool {
        std::mem::take(&mut self.state().lock)
    }

    fn act(&self, deed: Deed) -> bool {
        let asked = *self.screen.borrow() != Screen::Home;
        if asked {
            self.state().deed = Some(deed);
            self.done.send_modify(|count| *count += 1);
        }
        asked
    }
}

impl Panel {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// What is on the screen now.
    pub fn screen(&self) -> Screen {
        self.0.screen.borrow().clone()
    }

    /// The screen as it changes. Questions that are approved by themselves pass quickly; [`Panel::answered`] has them.
    pub fn watch(&self) -> watch::Receiver<Screen> {
        self.0.screen.subscribe()
    }

    /// Accepts the question on the screen; false if there is none.
    pub fn approve(&self) -> bool {
        self.0.act(Deed::Approve)
    }

    /// Refuses the question on the screen; false if there is none.
    pub fn reject(&self) -> bool {
        self.0.act(Deed::Reject)
    }

    /// Enters a PIN or passphrase on the device (Model T); false if none is asked for.
    pub fn enter(&self, text: &str) -> bool {
        self.0.act(Deed::Type(Zeroizing::new(text.to_owned())))
    }

    /// Whether every question is accepted at once, the one on the screen included.
    pub fn auto_approve(&self, auto: bool) {
        self.0.state().auto_approve = auto;
        self.0.done.send_modify(|count| *count += 1);
    }

    /// The last questions and what was pressed, oldest first.
    pub fn answered(&self) -> Vec<Answered> {
        self.0.state().answered.iter().cloned().collect()
    }

    /// Locks it, as it does by itself after ten minutes: the PIN is asked again, the wallet stays selected.
    pub fn lock(&self) {
        self.0.state().lock = true;
    }
}

impl Screen {
    pub fn prompt(&self) -> Option<&Prompt> {
        match self {
            Self::Prompt(prompt) => Some(prompt),
            _ => None,
        }
    }
}

/// The places of a PIN on a screen: what the host is to send.
pub fn positions(matrix: &[u8; 9], pin: &str) -> String {
    pin.bytes()
        .filter_map(|digit| matrix.iter().position(|shown| b'0' + *shown == digit))
        .map(|at| char::from(b'1' + at as u8))
        .collect()
}
