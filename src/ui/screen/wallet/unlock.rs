//! The question before a locked coin can be spent: what would happen, and the phrase that says one has read it.

use iced::Element;
use iced::widget::{column, row, space};
use iced::{Length, Task};
use thiserror::Error;

use crate::flow::guard;
use crate::flow::wallet::WalletCoin;
use crate::protocol::Profile;
use crate::ui::advice::sentence;
use crate::ui::format::amount;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    Field, body, card, danger_button, fact, fact_mono, heading, input, mono, secondary_button, warning,
};

/// Widest the question gets.
const WIDTH: f32 = 560.0;

#[derive(Debug)]
pub struct Unlock {
    coin: Box<WalletCoin>,
    /// What has to be typed, to the letter.
    phrase: String,
    typed: Field<()>,
}

#[derive(Debug, Clone)]
pub enum Message {
    Typed(String),
    Submit,
    Cancel,
}

pub enum Action {
    None,
    Unlock(Box<WalletCoin>),
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not the phrase yet")]
struct NotThePhrase;

impl Unlock {
    pub fn new(coin: WalletCoin, profile: &Profile) -> (Self, Task<Message>) {
        let phrase = guard::phrase(&coin, profile);
        let new = Self {
            coin: Box::new(coin),
            phrase,
            typed: Field::default(),
        };
        (new, iced::widget::operation::focus("unlock-phrase"))
    }

    pub fn update(&mut self, message: Message) -> Action {
        match message {
            Message::Typed(text) => {
                let phrase = &self.phrase;
                let read = |text: &str| (text.trim() == phrase.as_str()).then_some(()).ok_or(NotThePhrase);
                self.typed.edit(text, read);
                Action::None
            }
            Message::Submit if self.typed.value().is_some() => Action::Unlock(self.coin.clone()),
            Message::Submit => Action::None,
            Message::Cancel => Action::Close,
        }
    }

    pub fn view<'a>(&'a self, profile: &'a Profile) -> Element<'a, Message> {
        let facts = column![
            fact("Amount", amount(self.coin.own.coin.value, profile)),
            fact_mono("Output", self.coin.own.coin.outpoint.to_string()),
        ]
        .spacing(Gap::S);
        let mut parts = column![heading("Unlock this coin?"), facts].spacing(Gap::M);
        for guard in &self.coin.guards {
            parts = parts.push(warning(sentence(&guard.consequence(profile))));
        }
        let ready = self.typed.value().map(|()| Message::Submit);
        let field = input("Type it here", &self.typed, Message::Typed)
            .help("To the letter.")
            .mono()
            .id("unlock-phrase")
            .on_submit_maybe(ready.clone());
        let buttons = row![
            secondary_button("Keep it locked").on_press(Message::Cancel),
            space().width(Length::Fill),
            danger_button("Unlock").on_press_maybe(ready)
        ];
        let parts = parts
            .push(body("If that is what you want, type this phrase:"))
            .push(mono(self.phrase.as_str()))
            .push(field)
            .push(buttons);
        card(parts).padding(Gap::L).max_width(WIDTH).into()
    }
}
