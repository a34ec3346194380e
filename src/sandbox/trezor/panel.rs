//! The user's side of the device: its screen and buttons, its cable and settings, for a window, a script or a test.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use zeroize::Zeroizing;

use super::{Model, Options};

/// How many answered questions are remembered.
const MEMORY: usize = 100;

/// What is on the screen now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Screen {
    #[default]
    Home,
    /// No cable.
    Unplugged,
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

/// What kind of device it is now, and what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub model: Model,
    pub has_pin: bool,
    pub passphrase: bool,
    pub plugged: bool,
    /// The PIN will be asked for.
    pub locked: bool,
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
    cable: watch::Sender<Cable>,
}

/// Whether the device has power, and how often that was taken from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cable {
    plugged: bool,
    pulled: u64,
}

struct State {
    options: Options,
    /// Since the device was told of the options last: lock it, and forget which wallets are selected.
    lock: bool,
    forget: bool,
    unlocked: bool,
    deed: Option<Deed>,
    answered: VecDeque<Answered>,
}

impl Shared {
    pub fn new(options: Options) -> Arc<Self> {
        let state = State {
            unlocked: options.pin.is_none(),
            options,
            lock: false,
            forget: false,
            deed: None,
            answered: VecDeque::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            screen: watch::Sender::default(),
            done: watch::Sender::default(),
            cable: watch::Sender::new(Cable {
                plugged: true,
                pulled: 0,
            }),
        })
    }

    /// What the device is to be like from now on.
    pub fn options(&self) -> Options {
        self.state().options.clone()
    }

    /// Whether the user locked the device since this was asked last, and whether selected wallets are to be forgotten.
    pub fn take_changes(&self) -> (bool, bool) {
        let mut state = self.state();
        (std::mem::take(&mut state.lock), std::mem::take(&mut state.forget))
    }

    pub fn note_unlocked(&self, unlocked: bool) {
        self.state().unlocked = unlocked;
    }

    /// Waits until the device has power; which power that is, for [`Shared::pulled`].
    pub async fn plugged_in(&self) -> u64 {
        let mut cable = self.cable.subscribe();
        // Fails only if this is dropped, which it is not: it is borrowed.
        cable
            .wait_for(|cable| cable.plugged)
            .await
            .map_or(0, |cable| cable.pulled)
    }

    /// Waits until the device loses that power, if only for a moment.
    pub async fn pulled(&self, power: u64) {
        let _ = self.cable.subscribe().wait_for(|cable| cable.pulled != power).await;
    }

    fn set_cable(&self, plugged: bool) {
        self.cable.send_modify(|cable| {
            cable.pulled += u64::from(cable.plugged);
            cable.plugged = plugged;
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
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
        let auto = prompt && state.options.auto_approve;
        state.deed.take().or_else(|| auto.then_some(Deed::Approve))
    }

    pub fn remember(&self, prompt: Prompt, approved: bool) {
        let mut state = self.state();
        if state.answered.len() == MEMORY {
            state.answered.pop_front();
        }
        state.answered.push_back(Answered { prompt, approved });
    }

    fn act(&self, deed: Deed) -> bool {
        let asked = !matches!(*self.screen.borrow(), Screen::Home | Screen::Unplugged);
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
        self.0.change(|state| state.options.auto_approve = auto);
        self.0.done.send_modify(|count| *count += 1);
    }

    /// The last questions and what was pressed, oldest first.
    pub fn answered(&self) -> Vec<Answered> {
        self.0.state().answered.iter().cloned().collect()
    }

    /// Locks it, as it does by itself after ten minutes: the PIN is asked again, the wallet stays selected.
    pub fn lock(&self) {
        self.0.change(State::lock);
    }

    pub fn settings(&self) -> Settings {
        let state = self.0.state();
        Settings {
            model: state.options.model,
            has_pin: state.options.pin.is_some(),
            passphrase: state.options.passphrase,
            plugged: self.0.cable.borrow().plugged,
            locked: !state.unlocked,
        }
    }

    /// Sets a PIN of digits 1 to 9 and locks the device, or takes it away. It holds from the next request on. False, and nothing
    /// changes, for what is no PIN.
    pub fn set_pin(&self, pin: Option<&str>) -> bool {
        let is_pin = |pin: &str| !pin.is_empty() && pin.bytes().all(|digit| matches!(digit, b'1'..=b'9'));
        if !pin.is_none_or(is_pin) {
            return false;
        }
        self.0.change(|state| {
            state.options.pin = pin.map(|pin| Zeroizing::new(pin.to_owned()));
            state.lock();
        });
        true
    }

    /// Whether a passphrase is asked for, from the next request on; the wallets that were selected are forgotten.
    pub fn set_passphrase(&self, asked: bool) {
        self.0.change(|state| {
            state.options.passphrase = asked;
            state.forget = true;
        });
    }

    /// Pulls the cable: whatever it did ends without an answer. It forgets its sessions and, where it has a PIN, is locked.
    pub fn unplug(&self) {
        self.0.set_cable(false);
    }

    /// Puts the cable back; it answers a moment later.
    pub fn plug_in(&self) {
        if !self.0.cable.borrow().plugged {
            self.0.set_cable(true);
        }
    }

    /// Puts another device with the same wallet and settings in its place; one that is plugged in is pulled first.
    pub fn set_model(&self, model: Model) {
        self.0.change(|state| {
            state.options.model = model;
            state.options.version = model.version();
        });
        if self.0.cable.borrow().plugged {
            self.0.set_cable(true);
        }
    }
}

impl State {
    fn lock(&mut self) {
        self.lock = true;
        self.unlocked = self.options.pin.is_none();
    }
}

impl Screen {
    /// The text, line by line; a Home screen's is the device's own.
    pub fn lines(&self) -> Vec<String> {
        let row = |digits: &[u8]| digits.iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
        match self {
            Self::Unplugged => Vec::new(),
            Self::Home => vec!["Trezor".to_owned()],
            // As on a keypad: the places of keys 7, 8, 9 are at the top.
            Self::PinMatrix(digits) => [&digits[6..], &digits[3..6], &digits[..3]].map(row).into(),
            Self::PinEntry => vec!["Enter PIN".to_owned()],
            Self::PassphraseOnHost => vec!["Enter the passphrase on the computer".to_owned()],
            Self::PassphraseEntry => vec!["Enter passphrase".to_owned()],
            Self::Prompt(prompt) => vec![prompt.title.to_owned(), prompt.text.clone()],
        }
    }

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
