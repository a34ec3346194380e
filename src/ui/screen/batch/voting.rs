//! Which voting key many masternodes get.

use iced::Element;
use iced::widget::column;

use crate::flow::batch;
use crate::protocol::address::AddressError;
use crate::protocol::{Address, KeyId, Profile};
use crate::store::Kind;
use crate::ui::screen::part::context::Look;
use crate::ui::screen::part::{group, held};
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, input, option};

#[derive(Debug, Default)]
pub struct Voting {
    choice: Choice,
    address: Field<KeyId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    #[default]
    NewForAll,
    NewForEach,
    Held(String),
    /// Somebody else's address.
    Pasted,
}

#[derive(Debug, Clone)]
pub enum Message {
    Chosen(Choice),
    AddressEdited(String),
}

impl Voting {
    pub fn update(&mut self, profile: &Profile, message: Message) {
        match message {
            Message::Chosen(choice) => self.choice = choice,
            Message::AddressEdited(text) => self.address.edit(text, |text| read(text, profile)),
        }
    }

    pub fn value(&self) -> Option<batch::Voting> {
        Some(match &self.choice {
            Choice::NewForAll => batch::Voting::NewForAll,
            Choice::NewForEach => batch::Voting::NewForEach,
            Choice::Held(label) => batch::Voting::Held(label.clone()),
            Choice::Pasted => batch::Voting::Foreign(*self.address.value()?),
        })
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let chosen = match &self.choice {
            Choice::Held(label) => Some(label.as_str()),
            _ => None,
        };
        let pick = |name: &'static str, line: &'static str, to: Choice| {
            option(name, line, self.choice == to, Message::Chosen(to))
        };
        let new = [
            pick(
                "The same new key for all",
                "Made when you go on to the review. Who holds it votes with all of them.",
                Choice::NewForAll,
            ),
            pick(
                "A new key for each",
                "Made when you go on to the review, named after each masternode.",
                Choice::NewForEach,
            ),
        ];
        let held = held(look, Kind::Voting, chosen, None, |label| {
            Message::Chosen(Choice::Held(label))
        });
        let pasted = pick(
            "Somebody else's address",
            "They vote with the key of this address.",
            Choice::Pasted,
        );
        let choices = new.into_iter().chain(held).chain([pasted]);
        let mut parts = column![group("Voting key", "Votes on proposals.", choices, None)].spacing(Gap::S);
        if self.choice == Choice::Pasted {
            let field = input("Voting address", &self.address, Message::AddressEdited)
                .help("An address of a key (not of a script) on this network.")
                .mono()
                .id("voting-address");
            parts = parts.push(field);
        }
        parts.into()
    }
}

fn read(text: &str, profile: &Profile) -> Result<KeyId, AddressError> {
    Address::parse_key(text, profile).map(KeyId)
}
