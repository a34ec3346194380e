//! A text that is read while it is typed: the value it means, or why it means none, shown where it is typed.

use std::fmt;

use iced::widget::text_input::{self, Status, Style};
use iced::widget::{column, text};
use iced::{Background, Border, Element, Theme};
use zeroize::{Zeroize, Zeroizing};

use super::text::{help, label};
use crate::ui::advice::sentence;
use crate::ui::theme::{Gap, MONO, RADIUS, Size, Tone, UI, colors};

/// Text typed and what it was read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<T> {
    text: String,
    state: State<T>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State<T> {
    /// Nothing was typed yet; no error is shown.
    Untouched,
    Good(T),
    /// The sentence to show.
    Bad(String),
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self {
            text: String::new(),
            state: State::Untouched,
        }
    }
}

impl<T> Field<T> {
    /// A field that begins with a value.
    pub fn with(text: impl Into<String>, value: T) -> Self {
        Self {
            text: text.into(),
            state: State::Good(value),
        }
    }

    /// Takes what is typed now and reads it.
    pub fn edit<E: fmt::Display>(&mut self, text: String, read: impl FnOnce(&str) -> Result<T, E>) {
        self.state = match read(&text) {
            Ok(value) => State::Good(value),
            Err(error) => State::Bad(sentence(&error)),
        };
        self.text = text;
    }

    /// Reads the same text again: what it depends on has changed, or the user goes on without having typed.
    pub fn recheck<E: fmt::Display>(&mut self, read: impl FnOnce(&str) -> Result<T, E>) {
        let text = std::mem::take(&mut self.text);
        self.edit(text, read);
    }

    /// Shows a reason found elsewhere (by a rule, by the node) at this field.
    pub fn refuse(&mut self, reason: impl fmt::Display) {
        self.state = State::Bad(sentence(&reason));
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn value(&self) -> Option<&T> {
        match &self.state {
            State::Good(value) => Some(value),
            _ => None,
        }
    }

    /// The sentence under the field.
    pub fn error(&self) -> Option<&str> {
        match &self.state {
            State::Bad(reason) => Some(reason),
            _ => None,
        }
    }

    pub fn is_touched(&self) -> bool {
        !matches!(self.state, State::Untouched)
    }
}

/// A secret in a message: wiped when dropped, prints nothing.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_inner(self) -> Zeroizing<String> {
        self.0
    }
}

impl From<Zeroizing<String>> for SecretText {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// A field for a passphrase or a private key: shown as dots, wiped.
#[derive(Debug, Clone, Default)]
pub struct SecretField {
    text: SecretText,
    error: Option<String>,
}

impl SecretField {
    pub fn edit(&mut self, text: SecretText) {
        self.text = text;
        self.error = None;
    }

    pub fn refuse(&mut self, reason: impl fmt::Display) {
        self.error = Some(sentence(&reason));
    }

    pub fn clear(&mut self) {
        self.text.0.zeroize();
        self.error = None;
    }

    pub fn text(&self) -> &str {
        &self.text.0
    }

    /// A copy for the one who uses it.
    pub fn secret(&self) -> Zeroizing<String> {
        self.text.0.clone()
    }

    pub fn is_empty(&self) -> bool {
        self.text.0.is_empty()
    }

    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

/// A field on screen: name, box, and one line of help or error.
pub struct Input<'a, M> {
    name: &'a str,
    text: &'a str,
    error: Option<&'a str>,
    help: Option<String>,
    placeholder: &'a str,
    id: Option<&'static str>,
    on_edit: Option<Box<dyn Fn(String) -> M + 'a>>,
    on_submit: Option<M>,
    mono: bool,
    secure: bool,
}

/// A field: `input("Payout address", &self.payout, Message::PayoutEdited).help("..").mono().id("payout")`.
pub fn input<'a, T, M: Clone + 'a>(
    name: &'a str,
    field: &'a Field<T>,
    on_edit: impl Fn(String) -> M + 'a,
) -> Input<'a, M> {
    Input {
        name,
        text: &field.text,
        error: field.error(),
        help: None,
        placeholder: "",
        id: None,
        on_edit: Some(Box::new(on_edit)),
        on_submit: None,
        mono: false,
        secure: false,
    }
}

/// The same for a secret; what is typed is drawn as dots.
pub fn secret_input<'a, M: Clone + 'a>(
    name: &'a str,
    field: &'a SecretField,
    on_edit: impl Fn(SecretText) -> M + 'a,
) -> Input<'a, M> {
    Input {
        name,
        text: field.text(),
        error: field.error(),
        help: None,
        placeholder: "",
        id: None,
        on_edit: Some(Box::new(move |text| on_edit(text.into()))),
        on_submit: None,
        mono: false,
        secure: true,
    }
}

impl<'a, M: Clone + 'a> Input<'a, M> {
    /// The line shown while nothing is wrong.
    pub fn help(mut self, line: impl Into<String>) -> Self {
        self.help = Some(line.into());
        self
    }

    pub fn placeholder(mut self, example: &'a str) -> Self {
        self.placeholder = example;
        self
    }

    /// For focus and tests.
    pub fn id(mut self, id: &'static str) -> Self {
        self.id = Some(id);
        self
    }

    pub fn on_submit(mut self, message: M) -> Self {
        self.on_submit = Some(message);
        self
    }

    pub fn on_submit_maybe(mut self, message: Option<M>) -> Self {
        self.on_submit = message;
        self
    }

    /// For hashes, addresses, keys.
    pub fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    /// Whether a secret is readable for once.
    pub fn revealed(mut self, shown: bool) -> Self {
        self.secure = !shown;
        self
    }

    pub fn disabled(mut self) -> Self {
        self.on_edit = None;
        self
    }
}

impl<'a, M: Clone + 'a> From<Input<'a, M>> for Element<'a, M> {
    fn from(input: Input<'a, M>) -> Self {
        let wrong = input.error.is_some();
        let mut field = text_input::TextInput::new(input.placeholder, input.text)
            .secure(input.secure)
            .font(if input.mono { MONO } else { UI })
            .size(Size::BODY)
            .padding([Gap::S, Gap::S + 2.0])
            .on_submit_maybe(input.on_submit)
            .style(move |theme, status| field_style(theme, status, wrong));
        if let Some(on_edit) = input.on_edit {
            field = field.on_input(on_edit);
        }
        if let Some(id) = input.id {
            field = field.id(id);
        }
        // The line is always there, so that nothing jumps when an error comes or goes.
        let line = match input.error {
            Some(error) => {
                let bad = |theme: &Theme| text::Style {
                    color: Some(Tone::Bad.color(theme)),
                };
                text(error).size(Size::SMALL).style(bad)
            }
            None => help(input.help.unwrap_or_default()),
        };
        column![label(input.name), field, line].spacing(Gap::XS).into()
    }
}

/// A box without name and line, for a filter.
pub fn plain_input<'a, M: Clone + 'a>(
    placeholder: &'a str,
    text: &'a str,
    on_edit: impl Fn(String) -> M + 'a,
) -> text_input::TextInput<'a, M> {
    text_input::TextInput::new(placeholder, text)
        .font(UI)
        .size(Size::BODY)
        .padding([Gap::S - 1.0, Gap::S + 2.0])
        .on_input(on_edit)
        .style(|theme, status| field_style(theme, status, false))
}

pub fn field_style(theme: &Theme, status: Status, wrong: bool) -> Style {
    let colors = colors(theme);
    let edge = match status {
        _ if wrong => colors.danger,
        Status::Focused { .. } => colors.primary,
        Status::Hovered => colors.muted,
        _ => colors.border,
    };
    let ground = if status == Status::Disabled {
        colors.page
    } else {
        colors.card
    };
    Style {
        background: Background::Color(ground),
        border: Border {
            color: edge,
            width: 1.0,
            radius: (RADIUS - 2.0).into(),
        },
        icon: colors.muted,
        placeholder: iced::Color { a: 0.7, ..colors.muted },
        value: colors.text,
        selection: iced::Color {
            a: 0.35,
            ..colors.primary
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<u8, std::num::ParseIntError> {
        text.parse()
    }

    #[test]
    fn an_untouched_field_shows_no_error_and_has_no_value() {
        let field = Field::<u8>::default();
        assert_eq!((field.value(), field.error(), field.is_touched()), (None, None, false));
    }

    #[test]
    fn an_error_is_a_sentence_and_goes_when_the_text_is_right() {
        let mut field = Field::default();
        field.edit("x".into(), read);
        assert_eq!(field.error(), Some("Invalid digit found in string."));
        assert_eq!(field.value(), None);
        field.edit("7".into(), read);
        assert_eq!((field.value(), field.error()), (Some(&7), None));
        field.refuse("taken");
        assert_eq!(
            (field.value(), field.error(), field.text()),
            (None, Some("Taken."), "7")
        );
        field.recheck(read);
        assert_eq!(field.value(), Some(&7));
    }

    #[test]
    fn a_secret_prints_nothing() {
        let mut field = SecretField::default();
        field.edit("hunter2".to_owned().into());
        assert!(!format!("{field:?}").contains("hunter2"));
        assert_eq!(field.text(), "hunter2");
        field.clear();
        assert!(field.is_empty());
    }
}
