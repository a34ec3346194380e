//! Who runs the server: a key made here, one of the vault, or a hosting provider's public key.

use iced::Element;
use iced::widget::column;

use super::context::Look;
use super::pasted_key::{self, PastedKey};
use super::{group, held, key_named};
use crate::flow::choice::OperatorChoice;
use crate::protocol::bls::PublicKey;
use crate::store::{KeyInfo, Kind};
use crate::ui::advice::sentence;
use crate::ui::theme::Gap;
use crate::ui::widget::option;

#[derive(Debug, Default)]
pub struct Operator {
    choice: Choice,
    pasted: PastedKey,
    error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    #[default]
    New,
    Held(String),
    /// A hosting provider's public key.
    Pasted,
}

#[derive(Debug, Clone)]
pub enum Message {
    Chosen(Choice),
    Pasted(pasted_key::Message),
    Submit,
}

impl Operator {
    pub fn update(&mut self, message: Message) {
        match message {
            Message::Chosen(choice) => self.choice = choice,
            Message::Pasted(message) => self.pasted.update(message),
            Message::Submit => {}
        }
    }

    /// A key that was made is used from now on.
    pub fn settle(&mut self, label: &str) {
        self.choice = Choice::Held(label.to_owned());
    }

    pub fn recheck(&mut self) {
        self.error = None;
        self.pasted.recheck();
    }

    pub fn refuse(&mut self, reason: &str) {
        match self.choice {
            Choice::Pasted => self.pasted.refuse(reason),
            _ => self.error = Some(sentence(reason)),
        }
    }

    /// The choice and, where the key exists already, the key.
    pub fn value(&self, keys: &[KeyInfo]) -> Option<(OperatorChoice, Option<PublicKey>)> {
        Some(match &self.choice {
            Choice::New => (OperatorChoice::New, None),
            Choice::Held(label) => {
                let key = key_named(keys, label).and_then(KeyInfo::operator);
                (OperatorChoice::Held(label.clone()), key)
            }
            Choice::Pasted => {
                let key = self.pasted.key()?;
                (OperatorChoice::Foreign(key), Some(key))
            }
        })
    }

    /// `except`: the label of the key it has now.
    pub fn view<'a>(&'a self, look: &Look<'a>, except: Option<&'a str>) -> Element<'a, Message> {
        let chosen = match &self.choice {
            Choice::Held(label) => Some(label.as_str()),
            _ => None,
        };
        let new = option(
            "A new operator key",
            "You run the server yourself.",
            self.choice == Choice::New,
            Message::Chosen(Choice::New),
        );
        let pasted = option(
            "A hosting provider's public key",
            "The provider runs the server and keeps the private key.",
            self.choice == Choice::Pasted,
            Message::Chosen(Choice::Pasted),
        );
        let held = held(look, Kind::Operator, chosen, except, |label| {
            Message::Chosen(Choice::Held(label))
        });
        let line = "Runs the server: announces its address and takes part in quorums.";
        let choices = [new].into_iter().chain(held).chain([pasted]);
        let mut parts = column![group("Operator key", line, choices, self.error.as_deref())].spacing(Gap::S);
        if self.choice == Choice::Pasted {
            parts = parts.push(self.pasted.view(look).map(|message| match message {
                pasted_key::Message::Submit => Message::Submit,
                message => Message::Pasted(message),
            }));
        }
        parts.into()
    }
}
