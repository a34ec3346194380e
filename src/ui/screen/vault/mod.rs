//! The way into the vault: create one with its recovery phrase, restore one, or unlock it, by passphrase or by a device.

mod create;
mod device;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use iced::widget::column;
use iced::{Element, Task, task};

use crate::flow::{Error, Ports, unlock};
use crate::hw::{DeviceError, Kind};
use crate::store::phrase::Phrase;
use crate::store::vault::{self as store, VaultError};
use crate::ui::screen::devices::Seen;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    Field, SecretField, SecretText, body, card, error_notice, info, muted, page, primary_button, secret_input,
    text_button,
};
use crate::ui::work::blocking;

pub use device::asking;

/// Below this a passphrase is refused: shorter ones are tried out in minutes.
pub const LEAST: usize = 8;
/// How many words are asked back.
const ASKED: usize = 3;

pub struct Vault {
    path: PathBuf,
    state: State,
    /// The kinds of device that open the vault too.
    openers: Vec<Kind>,
    error: Option<Error>,
}

enum State {
    /// There is a file: its passphrase is asked, or one of its devices.
    Unlocking {
        passphrase: SecretField,
    },
    /// A device is asked.
    Asking {
        step: Option<unlock::Step>,
        _task: task::Handle,
    },
    /// There is none.
    Creating {
        passphrase: SecretField,
        again: SecretField,
        source: Source,
    },
    /// The phrase is on screen, this once.
    Showing {
        phrase: Phrase,
        passphrase: SecretText,
    },
    /// Some of its words are asked back.
    Confirming {
        phrase: Phrase,
        passphrase: SecretText,
        asked: [usize; ASKED],
        words: [Field<()>; ASKED],
    },
    Working {
        back: Box<State>,
        _task: task::Handle,
    },
}

/// Where the keys of a new vault come from.
enum Source {
    New,
    Restored(SecretField),
}

#[derive(Debug, Clone)]
pub enum Message {
    PassphraseEdited(SecretText),
    AgainEdited(SecretText),
    Restore(bool),
    PhraseEdited(SecretText),
    Submit,
    /// The words are written down.
    Written,
    WordEdited(usize, String),
    Back,
    OpenersRead(Vec<Kind>),
    ByDevice,
    Stepped(unlock::Step),
    Opened(Result<Arc<store::Vault>, Error>),
    Close,
}

pub enum Action {
    None,
    Run(Task<Message>),
    Opened(Arc<store::Vault>),
    Close,
}

impl Vault {
    /// Asks for the passphrase of the file, or for a new one where there is no file.
    pub fn new(path: &Path) -> (Self, Task<Message>) {
        let (state, read) = if path.exists() {
            let path = path.to_owned();
            let read = blocking(move || unlock::openers(&path), Message::OpenersRead);
            (unlocking_state(), read)
        } else {
            (creating(), Task::none())
        };
        let page = Self {
            path: path.to_owned(),
            state,
            openers: Vec::new(),
            error: None,
        };
        (page, Task::batch([iced::widget::operation::focus("passphrase"), read]))
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::PassphraseEdited(text) => self.edit(text, |state| match state {
                State::Unlocking { passphrase } | State::Creating { passphrase, .. } => Some(passphrase),
                _ => None,
            }),
            Message::AgainEdited(text) => self.edit(text, |state| match state {
                State::Creating { again, .. } => Some(again),
                _ => None,
            }),
            Message::PhraseEdited(text) => self.edit(text, |state| match state {
                State::Creating {
                    source: Source::Restored(phrase),
                    ..
                } => Some(phrase),
                _ => None,
            }),
            Message::Restore(restore) => self.choose_source(restore),
            Message::Submit => return self.submit(),
            Message::Written => self.ask_words(),
            Message::WordEdited(at, text) => self.edit_word(at, text),
            Message::Back => self.back(),
            Message::OpenersRead(openers) => self.openers = openers,
            Message::ByDevice => return self.ask_device(ports),
            Message::Stepped(step) => self.stepped(step),
            Message::Opened(result) => return self.opened(result),
            Message::Close => return Action::Close,
        }
        Action::None
    }

    fn edit(&mut self, text: SecretText, field: impl FnOnce(&mut State) -> Option<&mut SecretField>) {
        self.error = None;
        if let Some(field) = field(&mut self.state) {
            field.edit(text);
        }
    }

    fn choose_source(&mut self, restore: bool) {
        if let State::Creating { source, .. } = &mut self.state {
            *source = if restore {
                Source::Restored(SecretField::default())
            } else {
                Source::New
            };
        }
    }

    fn edit_word(&mut self, at: usize, text: String) {
        if let State::Confirming {
            phrase, asked, words, ..
        } = &mut self.state
            && let (Some(field), Some(number)) = (words.get_mut(at), asked.get(at))
        {
            let whole = phrase.text();
            let right = whole.split_whitespace().nth(*number);
            field.edit(text, |typed| {
                if right == Some(typed.trim().to_lowercase().as_str()) {
                    Ok(())
                } else {
                    Err("this is another word")
                }
            });
        }
    }

    fn submit(&mut self) -> Action {
        match &mut self.state {
            State::Unlocking { passphrase } if !passphrase.is_empty() => {
                let (path, secret) = (self.path.clone(), passphrase.secret());
                self.work(move || store::Vault::open(&path, &secret))
            }
            State::Creating { .. } => self.submit_new(),
            State::Confirming {
                phrase,
                passphrase,
                words,
                ..
            } if words.iter().all(|word| word.value().is_some()) => {
                let (path, phrase, secret) = (self.path.clone(), phrase.clone(), passphrase.clone());
                self.work(move || store::Vault::create(&path, secret.as_str(), &phrase))
            }
            _ => Action::None,
        }
    }

    fn submit_new(&mut self) -> Action {
        let State::Creating {
            passphrase,
            again,
            source,
        } = &mut self.state
        else {
            return Action::None;
        };
        if passphrase.text().chars().count() < LEAST {
            passphrase.refuse(format!("use at least {LEAST} characters"));
            return Action::None;
        }
        if passphrase.text() != again.text() {
            again.refuse("the two passphrases differ");
            return Action::None;
        }
        let secret = SecretText::from(passphrase.text().to_owned());
        match source {
            Source::New => match Phrase::generate() {
                Ok(phrase) => {
                    self.state = State::Showing {
                        phrase,
                        passphrase: secret,
                    }
                }
                Err(error) => passphrase.refuse(error),
            },
            Source::Restored(words) => match Phrase::parse(words.text()) {
                Ok(phrase) => {
                    let path = self.path.clone();
                    return self.work(move || store::Vault::create(&path, secret.as_str(), &phrase));
                }
                Err(error) => words.refuse(error),
            },
        }
        Action::None
    }

    fn ask_words(&mut self) {
        if let State::Showing { .. } = self.state {
            let State::Showing { phrase, passphrase } = std::mem::replace(&mut self.state, creating()) else {
                return;
            };
            let asked = some_positions(phrase.text().split_whitespace().count());
            self.state = State::Confirming {
                phrase,
                passphrase,
                asked,
                words: Default::default(),
            };
        }
    }

    fn back(&mut self) {
        self.error = None;
        self.state = match std::mem::replace(&mut self.state, creating()) {
            State::Confirming { phrase, passphrase, .. } => State::Showing { phrase, passphrase },
            State::Showing { .. } => creating(),
            State::Asking { .. } => unlocking_state(),
            other => other,
        };
    }

    fn ask_device(&mut self, ports: &Ports) -> Action {
        let (State::Unlocking { .. }, Some(device)) = (&self.state, &ports.device) else {
            return Action::None;
        };
        let flow = unlock::unlock(Arc::clone(device), Arc::clone(&ports.profile), self.path.clone());
        let opened = |result: Result<store::Vault, Error>| Message::Opened(result.map(Arc::new));
        let (task, handle) = Task::sip(flow, Message::Stepped, opened).abortable();
        self.error = None;
        self.state = State::Asking {
            step: None,
            _task: handle.abort_on_drop(),
        };
        Action::Run(task)
    }

    fn stepped(&mut self, told: unlock::Step) {
        if let State::Asking { step, .. } = &mut self.state {
            *step = Some(told);
        }
    }

    fn work(&mut self, open: impl FnOnce() -> Result<store::Vault, VaultError> + Send + 'static) -> Action {
        let opened = |result: Result<_, VaultError>| Message::Opened(result.map(Arc::new).map_err(Error::from));
        let (task, handle) = blocking(open, opened).abortable();
        let back = Box::new(std::mem::replace(&mut self.state, creating()));
        self.state = State::Working {
            back,
            _task: handle.abort_on_drop(),
        };
        self.error = None;
        Action::Run(task)
    }

    fn opened(&mut self, result: Result<Arc<store::Vault>, Error>) -> Action {
        let error = match result {
            Ok(vault) => return Action::Opened(vault),
            Err(error) => error,
        };
        match (std::mem::replace(&mut self.state, creating()), error) {
            (State::Working { .. }, Error::Vault(VaultError::WrongPassphrase)) => {
                let mut passphrase = SecretField::default();
                passphrase.refuse("this is not the passphrase of the vault");
                self.state = State::Unlocking { passphrase };
            }
            (State::Working { back, .. }, error) => {
                self.state = *back;
                self.error = Some(error);
            }
            (State::Asking { .. }, error) => {
                self.state = unlocking_state();
                self.error = Some(error);
            }
            // Of work that was left.
            (other, _) => self.state = other,
        }
        Action::None
    }

    /// With what is known of the device in use.
    pub fn view<'a>(&'a self, seen: &'a Seen) -> Element<'a, Message> {
        let content = match &self.state {
            State::Unlocking { passphrase } => self.unlocking(passphrase, seen),
            State::Asking { step, .. } => asking(step.as_ref(), Message::Back),
            State::Creating {
                passphrase,
                again,
                source,
            } => create::creating(passphrase, again, source),
            State::Showing { phrase, .. } => create::showing(phrase),
            State::Confirming { asked, words, .. } => create::confirming(asked, words),
            State::Working { .. } => card(muted("Working: stretching the passphrase takes about a second.")).into(),
        };
        let mut all = column![].spacing(Gap::M).max_width(640);
        match &self.error {
            None => {}
            Some(Error::Device(DeviceError::Declined)) => {
                all = all.push(info("You declined on the device. The vault stays locked."));
            }
            Some(error) => all = all.push(error_notice(error)),
        }
        page(
            self.name(),
            text_button("Close").on_press(Message::Close),
            all.push(content),
        )
    }

    fn unlocking<'a>(&'a self, passphrase: &'a SecretField, seen: &'a Seen) -> Element<'a, Message> {
        let open = (!passphrase.is_empty()).then_some(Message::Submit);
        let by_passphrase = card(
            column![
                body("The keys of your masternodes are in the vault on this computer. Its passphrase unlocks them until you close the program."),
                secret_input("Passphrase", passphrase, Message::PassphraseEdited)
                    .help(self.path.display().to_string())
                    .id("passphrase")
                    .on_submit(Message::Submit),
                primary_button("Unlock").on_press_maybe(open),
            ]
            .spacing(Gap::M),
        );
        let by_devices = self.openers.iter().map(|kind| device::way_in(*kind, seen));
        column![by_passphrase].extend(by_devices).spacing(Gap::M).into()
    }

    fn name(&self) -> &'static str {
        match self.state {
            State::Unlocking { .. } | State::Asking { .. } => "Unlock the vault",
            State::Creating { .. } => "Create a vault",
            State::Showing { .. } => "Your recovery phrase",
            State::Confirming { .. } => "Confirm the recovery phrase",
            State::Working { .. } => "Vault",
        }
    }
}

fn unlocking_state() -> State {
    State::Unlocking {
        passphrase: SecretField::default(),
    }
}

fn creating() -> State {
    State::Creating {
        passphrase: SecretField::default(),
        again: SecretField::default(),
        source: Source::New,
    }
}

/// Three different places, sorted; the first ones on a computer without randomness, where no phrase is made either.
fn some_positions(count: usize) -> [usize; ASKED] {
    let mut places: Vec<usize> = (0..count.max(ASKED)).collect();
    let mut random = [0; ASKED];
    if getrandom::fill(&mut random).is_err() {
        return [0, 1, 2];
    }
    let mut asked = random.map(|byte: u8| places.swap_remove(usize::from(byte) % places.len()));
    asked.sort_unstable();
    asked
}
