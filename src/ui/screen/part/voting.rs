//! Who votes: a key made here, one of the vault, the owner, or somebody else.

use iced::Element;
use iced::widget::column;

use super::context::{Context, Look};
use super::{group, held, key_named};
use crate::flow::choice::VotingChoice;
use crate::protocol::address::AddressError;
use crate::protocol::{Address, KeyId, Profile};
use crate::store::{KeyInfo, Kind};
use crate::ui::advice::sentence;
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, input, option};

#[derive(Debug, Default)]
pub struct Voting {
    choice: Choice,
    address: Field<KeyId>,
    error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    SameAsOwner,
    #[default]
    New,
    Held(String),
    /// Somebody else's address.
    Pasted,
}

#[derive(Debug, Clone)]
pub enum Message {
    Chosen(Choice),
    AddressEdited(String),
    Submit,
}

impl Voting {
    pub fn update(&mut self, cx: &Context<'_>, message: Message) {
        match message {
            Message::Chosen(choice) => self.choice = choice,
            Message::AddressEdited(text) => self.address.edit(text, |text| read(text, cx.profile())),
            Message::Submit => {}
        }
    }

    /// A key that was made is used from now on.
    pub fn settle(&mut self, label: &str) {
        self.choice = Choice::Held(label.to_owned());
    }

    pub fn recheck(&mut self, profile: &Profile) {
        self.error = None;
        if self.address.is_touched() {
            self.address.recheck(|text| read(text, profile));
        }
    }

    pub fn refuse(&mut self, reason: &str) {
        match self.choice {
            Choice::Pasted => self.address.refuse(reason),
            _ => self.error = Some(sentence(reason)),
        }
    }

    /// The choice and, where the key exists already, the key.
    pub fn value(&self, keys: &[KeyInfo], owner: Option<KeyId>) -> Option<(VotingChoice, Option<KeyId>)> {
        Some(match &self.choice {
            Choice::SameAsOwner => (VotingChoice::SameAsOwner, owner),
            Choice::New => (VotingChoice::New, None),
            Choice::Held(label) => {
                let key = key_named(keys, label).and_then(KeyInfo::key_id);
                (VotingChoice::Held(label.clone()), key)
            }
            Choice::Pasted => {
                let key = *self.address.value()?;
                (VotingChoice::Foreign(key), Some(key))
            }
        })
    }

    /// `except`: the label of the key it has now.
    pub fn view<'a>(&'a self, look: &Look<'a>, except: Option<&'a str>) -> Element<'a, Message> {
        let chosen = match &self.choice {
            Choice::Held(label) => Some(label.as_str()),
            _ => None,
        };
        let pick = |name: &'static str, line: &'static str, to: Choice| {
            option(name, line, self.choice == to, Message::Chosen(to))
        };
        let new = pick(
            "A new voting key",
            "Can be handed to somebody who votes for you.",
            Choice::New,
        );
        let same = pick(
            "Same as the owner key",
            "One key fewer, but it cannot be handed out.",
            Choice::SameAsOwner,
        );
        let pasted = pick(
            "Somebody else's address",
            "They vote with the key of this address.",
            Choice::Pasted,
        );
        let held = held(look, Kind::Voting, chosen, except, |label| {
            Message::Chosen(Choice::Held(label))
        });
        let choices = [new, same].into_iter().chain(held).chain([pasted]);
        let mut parts = column![group(
            "Voting key",
            "Votes on proposals.",
            choices,
            self.error.as_deref()
        )]
        .spacing(Gap::S);
        if self.choice == Choice::Pasted {
            let field = input("Voting address", &self.address, Message::AddressEdited)
                .help("An address of a key (not of a script) on this network.")
                .mono()
                .id("voting-address")
                .on_submit(Message::Submit);
            parts = parts.push(field);
        }
        parts.into()
    }
}

fn read(text: &str, profile: &Profile) -> Result<KeyId, AddressError> {
    Address::parse_key(text, profile).map(KeyId)
}
