//! The way into the vault: create one with its recovery phrase, restore one, or unlock it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use iced::widget::{column, row};
use iced::{Element, Task, task};

use crate::store::phrase::Phrase;
use crate::store::vault::{self as store, VaultError};
use crate::ui::theme::Gap;
use crate::ui::widget::{
    Field, SecretField, SecretText, body, card, error_notice, input, mono, muted, page, primary_button,
    secondary_button, secret_input, text_button, warning,
};
use crate::ui::work::blocking;

/// Below this a passphrase is refused: shorter ones are tried out in minutes.
const LEAST: usize = 8;
/// How many words are asked back.
const ASKED: usize = 3;

pub struct Vault {
    path: PathBuf,
    state: State,
    error: Option<VaultError>,
}

enum State {
    /// There is a file: its passphrase is asked.
    Unlocking {
        passphrase: SecretField,
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
    Opened(Result<Arc<store::Vault>, VaultError>),
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
    pub fn new(path: &Path) -> Self {
        let state = if path.exists() {
            State::Unlocking {
                passphrase: SecretField::default(),
            }
        } else {
            creating()
        };
        Self {
            path: path.to_owned(),
            state,
            error: None,
        }
    }

    pub fn update(&mut self, message: Message) -> Action {
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
            other => other,
        };
    }

    fn work(&mut self, open: impl FnOnce() -> Result<store::Vault, VaultError> + Send + 'static) -> Action {
        let (task, handle) = blocking(open, |result| Message::Opened(result.map(Arc::new))).abortable();
        let back = Box::new(std::mem::replace(&mut self.state, creating()));
        self.state = State::Working {
            back,
            _task: handle.abort_on_drop(),
        };
        self.error = None;
        Action::Run(task)
    }

    fn opened(&mut self, result: Result<Arc<store::Vault>, VaultError>) -> Action {
        let State::Working { back, .. } = std::mem::replace(&mut self.state, creating()) else {
            return Action::None;
        };
        match result {
            Ok(vault) => return Action::Opened(vault),
            Err(VaultError::WrongPassphrase) => {
                let mut passphrase = SecretField::default();
                passphrase.refuse("this is not the passphrase of the vault");
                self.state = State::Unlocking { passphrase };
            }
            Err(error) => {
                self.state = *back;
                self.error = Some(error);
            }
        }
        Action::None
    }

    pub fn view(&self) -> Element<'_, Message> {
        let content = match &self.state {
            State::Unlocking { passphrase } => unlocking(&self.path, passphrase),
            State::Creating {
                passphrase,
                again,
                source,
            } => creating_view(passphrase, again, source),
            State::Showing { phrase, .. } => showing(phrase),
            State::Confirming { asked, words, .. } => confirming(asked, words),
            State::Working { .. } => card(muted("Working: stretching the passphrase takes about a second.")).into(),
        };
        let mut all = column![].spacing(Gap::M).max_width(640);
        if let Some(error) = &self.error {
            all = all.push(error_notice(error));
        }
        page(
            self.name(),
            text_button("Close").on_press(Message::Close),
            all.push(content),
        )
    }

    fn name(&self) -> &'static str {
        match self.state {
            State::Unlocking { .. } => "Unlock the vault",
            State::Creating { .. } => "Create a vault",
            State::Showing { .. } => "Your recovery phrase",
            State::Confirming { .. } => "Confirm the recovery phrase",
            State::Working { .. } => "Vault",
        }
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

fn unlocking<'a>(path: &Path, passphrase: &'a SecretField) -> Element<'a, Message> {
    let open = (!passphrase.is_empty()).then_some(Message::Submit);
    card(
        column![
            body("The keys of your masternodes are in the vault on this computer. Its passphrase unlocks them until you close the program."),
            secret_input("Passphrase", passphrase, Message::PassphraseEdited)
                .help(path.display().to_string())
                .id("passphrase")
                .on_submit(Message::Submit),
            primary_button("Unlock").on_press_maybe(open),
        ]
        .spacing(Gap::M),
    )
    .into()
}

fn creating_view<'a>(passphrase: &'a SecretField, again: &'a SecretField, source: &'a Source) -> Element<'a, Message> {
    let ready = (!passphrase.is_empty() && !again.is_empty()).then_some(Message::Submit);
    let mut fields = column![
        body("The vault keeps the keys of your masternodes on this computer, encrypted. The collateral stays on your device and never comes here."),
        secret_input("Passphrase", passphrase, Message::PassphraseEdited)
            .help(strength(passphrase.text()))
            .id("passphrase"),
        secret_input("Passphrase again", again, Message::AgainEdited).id("again").on_submit(Message::Submit),
    ]
    .spacing(Gap::S);
    fields = match source {
        Source::New => fields.push(text_button("I have a recovery phrase already").on_press(Message::Restore(true))),
        Source::Restored(words) => fields
            .push(
                secret_input("Recovery phrase", words, Message::PhraseEdited)
                    .help("12 to 24 words with spaces between them.")
                    .id("phrase")
                    .on_submit(Message::Submit),
            )
            .push(text_button("Make a new recovery phrase").on_press(Message::Restore(false))),
    };
    card(fields.push(primary_button("Continue").on_press_maybe(ready))).into()
}

fn showing(phrase: &Phrase) -> Element<'_, Message> {
    let whole = phrase.text();
    let words: Vec<String> = whole
        .split_whitespace()
        .enumerate()
        .map(|(at, word)| format!("{:>2}  {word}", at + 1))
        .collect();
    let columns = words.chunks(words.len().div_ceil(3)).map(|part| {
        column(part.iter().map(|word| mono(word.clone()).into()))
            .spacing(Gap::S)
            .width(iced::Fill)
            .into()
    });
    column![
        warning("Write these words down in their order, on paper. Who has them has all keys of this vault; without them nothing brings the keys back. They are shown this once."),
        card(iced::widget::Row::with_children(columns).spacing(Gap::M)),
        row![
            secondary_button("Back").on_press(Message::Back),
            primary_button("I have written them down").on_press(Message::Written)
        ]
        .spacing(Gap::S),
    ]
    .spacing(Gap::M)
    .into()
}

const WORD_IDS: [&str; ASKED] = ["word-0", "word-1", "word-2"];
const WORD_NAMES: [&str; 24] = [
    "Word 1", "Word 2", "Word 3", "Word 4", "Word 5", "Word 6", "Word 7", "Word 8", "Word 9", "Word 10", "Word 11",
    "Word 12", "Word 13", "Word 14", "Word 15", "Word 16", "Word 17", "Word 18", "Word 19", "Word 20", "Word 21",
    "Word 22", "Word 23", "Word 24",
];

fn confirming<'a>(asked: &[usize; ASKED], words: &'a [Field<()>; ASKED]) -> Element<'a, Message> {
    let fields = (0..ASKED).map(|at| {
        input(
            WORD_NAMES.get(asked[at]).copied().unwrap_or("Word"),
            &words[at],
            move |text| Message::WordEdited(at, text),
        )
        .id(WORD_IDS[at])
        .on_submit(Message::Submit)
        .into()
    });
    let ready = words
        .iter()
        .all(|word| word.value().is_some())
        .then_some(Message::Submit);
    card(
        column![
            body("Type these words from your paper. The vault is created when all are right."),
            column(fields).spacing(Gap::S),
            row![
                secondary_button("Back").on_press(Message::Back),
                primary_button("Create the vault").on_press_maybe(ready)
            ]
            .spacing(Gap::S)
        ]
        .spacing(Gap::M),
    )
    .into()
}

/// A rough word about how long guessing takes: different characters count, repetition does not.
fn strength(passphrase: &str) -> String {
    let length = passphrase.chars().count();
    let mut letters: Vec<char> = passphrase.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    match (length, letters.len()) {
        (0, _) => format!("At least {LEAST} characters; several unrelated words are best. It cannot be reset."),
        (..LEAST, _) => format!("Too short: at least {LEAST} characters."),
        (_, ..6) => "Weak: it repeats few characters.".to_owned(),
        (..12, _) => "Weak: a computer guesses this in days.".to_owned(),
        (..18, _) => "Fair. More words make it stronger.".to_owned(),
        _ => "Strong.".to_owned(),
    }
}
