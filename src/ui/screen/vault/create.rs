//! Making a vault: the forms, and the recovery phrase shown and asked back.

use iced::Element;
use iced::widget::{column, row};

use super::{ASKED, LEAST, Message, Source};
use crate::store::phrase::Phrase;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    Field, SecretField, body, card, input, mono, primary_button, secondary_button, secret_input, text_button, warning,
};

pub(super) fn creating<'a>(
    passphrase: &'a SecretField,
    again: &'a SecretField,
    source: &'a Source,
) -> Element<'a, Message> {
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

pub(super) fn showing(phrase: &Phrase) -> Element<'_, Message> {
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

pub(super) fn confirming<'a>(asked: &[usize; ASKED], words: &'a [Field<()>; ASKED]) -> Element<'a, Message> {
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
