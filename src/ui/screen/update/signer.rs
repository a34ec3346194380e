//! The operator's signature: by the vault's key, by a key pasted for this once, or by somebody else.

use std::fmt;

use iced::Element;
use iced::widget::column;

use super::subject::Subject;
use crate::flow::choice::{OneUse, OperatorSecret};
use crate::protocol::bls::PublicKey;
use crate::store::import::ImportError;
use crate::ui::screen::part::group;
use crate::ui::theme::Gap;
use crate::ui::widget::{SecretField, SecretText, option, secret_input, success};

#[derive(Debug)]
pub struct Signer {
    choice: Choice,
    pasted: Pasted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Vault,
    Paste,
    /// Nobody here: the operation is exported.
    HandOver,
}

#[derive(Debug, Clone)]
pub enum Message {
    Chosen(Choice),
    Edited(SecretText),
    Submit,
}

/// A secret that is read while it is typed, and compared with the operator's public key.
#[derive(Debug, Default)]
pub struct Pasted {
    field: SecretField,
    once: Option<OneUse>,
}

/// A text that is not the operator's secret.
#[derive(Debug, PartialEq, Eq)]
enum NotIt {
    Unreadable(ImportError),
    OtherKey,
}

impl fmt::Display for NotIt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::OtherKey => f.write_str("this is a key of another operator, not of this masternode's"),
        }
    }
}

impl Pasted {
    /// Takes what is typed; `wanted` is the operator the list names.
    pub fn edit(&mut self, text: SecretText, wanted: Option<PublicKey>) {
        let read = OneUse::parse(text.as_str().trim()).map_err(NotIt::Unreadable);
        let read = read.and_then(|once| match wanted {
            Some(wanted) if once.public_key() != wanted => Err(NotIt::OtherKey),
            _ => Ok(once),
        });
        self.field.edit(text);
        self.once = match read {
            Ok(once) => Some(once),
            Err(reason) => {
                self.field.refuse(reason);
                None
            }
        };
    }

    pub fn once(&self) -> Option<&OneUse> {
        self.once.as_ref()
    }

    pub fn view<'a, M: Clone + 'a>(&'a self, on_edit: impl Fn(SecretText) -> M + 'a, on_submit: M) -> Element<'a, M> {
        let field = secret_input("Secret key of the operator", &self.field, on_edit)
            .help("64 hexadecimal digits. It is used for this operation only and kept nowhere.")
            .id("operator-secret")
            .on_submit(on_submit);
        let mut parts = column![field].spacing(Gap::S);
        if self.once.is_some() {
            parts = parts.push(success("It is the key of this masternode's operator."));
        }
        parts.into()
    }
}

impl Signer {
    /// The vault's key where it is there.
    pub fn new(subject: &Subject) -> Self {
        Self {
            choice: if subject.roles.operator.is_some() {
                Choice::Vault
            } else {
                Choice::HandOver
            },
            pasted: Pasted::default(),
        }
    }

    pub fn update(&mut self, subject: &Subject, message: Message) {
        match message {
            Message::Chosen(choice) => {
                self.choice = choice;
                self.pasted = Pasted::default();
            }
            Message::Edited(text) => self.pasted.edit(text, subject.operator()),
            Message::Submit => {}
        }
    }

    pub fn value(&self) -> Option<OperatorSecret> {
        match self.choice {
            Choice::Vault | Choice::HandOver => Some(OperatorSecret::OfTheVault),
            Choice::Paste => self.pasted.once.clone().map(OperatorSecret::Pasted),
        }
    }

    pub fn view<'a>(&'a self, subject: &'a Subject) -> Element<'a, Message> {
        let pick =
            |name: String, line: &'static str, to: Choice| option(name, line, self.choice == to, Message::Chosen(to));
        let first = match &subject.roles.operator {
            Some(label) => pick(label.clone(), "The operator key in this vault.", Choice::Vault),
            None => pick(
                "Hand it over".to_owned(),
                "After the review you export the operation to a file, and who holds the operator key completes it.",
                Choice::HandOver,
            ),
        };
        let paste = pick(
            "Paste the key for this once".to_owned(),
            "It is kept nowhere.",
            Choice::Paste,
        );
        let choices = group(
            "Signed by",
            "The operator signs this.",
            [first, paste].into_iter(),
            None,
        );
        let mut parts = column![choices].spacing(Gap::S);
        if self.choice == Choice::Paste {
            parts = parts.push(self.pasted.view(Message::Edited, Message::Submit));
        }
        parts.into()
    }
}
