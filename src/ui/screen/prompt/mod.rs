//! What a device asks through the computer, over whatever page is on screen: the places of a PIN, a passphrase.
//!
//! The question is put by the device's thread; when nobody waits for it any more, the window takes this away.

mod passphrase;
mod pin;
mod told;

use iced::Element;
use iced::Task;
use iced::keyboard::{Modifiers, key::Named};
use iced::widget::{column, container, row, space};
use zeroize::Zeroizing;

use crate::hw::{Answer, Question};
use crate::ui::asker::Asked;
use crate::ui::theme::Gap;
use crate::ui::widget::{body, card, heading, info, text_button};
use passphrase::Passphrase;
use pin::Pin;

pub use pin::keys;
pub use told::{left_over, told};

/// Width of the dialog.
const WIDTH: f32 = 460.0;

/// A question with what was typed so far.
pub struct Prompt {
    id: u64,
    state: State,
}

enum State {
    Pin(Pin),
    Passphrase(Passphrase),
}

#[derive(Debug, Clone)]
pub enum Message {
    Pin(pin::Message),
    Passphrase(passphrase::Message),
    /// The main button, or Enter.
    Submit,
    Cancel,
    /// A key no field took.
    Pressed(Named, Modifiers),
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// None cancels what the device was asked for.
    Answer(Option<Answer>),
}

/// What is known of the device that asks.
pub struct Shown<'a> {
    /// `Trezor One “Savings”`
    pub device: String,
    /// The device is drawn beside the page.
    pub sandbox: Option<&'a str>,
}

impl Prompt {
    /// None where nothing is typed.
    pub fn of(asked: &Asked) -> Option<Self> {
        let state = match &asked.question {
            Question::Pin { .. } => State::Pin(Pin::default()),
            Question::Passphrase {
                on_device_possible,
                wallet,
                ..
            } => State::Passphrase(Passphrase::new(*on_device_possible, wallet.clone())),
            Question::Button { .. } => return None,
        };
        Some(Self { id: asked.id, state })
    }

    /// Of the question.
    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn is_pin(&self) -> bool {
        matches!(self.state, State::Pin(_))
    }

    /// Takes the focus away from the page below.
    pub fn focus(&self) -> Task<Message> {
        iced::widget::operation::focus(match &self.state {
            // No field: keys go to the pad.
            State::Pin(_) => "pin-pad",
            State::Passphrase(_) => passphrase::FIRST,
        })
    }

    pub fn update(&mut self, message: Message) -> Action {
        match (&mut self.state, message) {
            (_, Message::Cancel | Message::Pressed(Named::Escape, _)) => Action::Answer(None),
            (State::Pin(pin), Message::Pin(message)) => {
                pin.update(message);
                Action::None
            }
            (State::Pin(pin), Message::Pressed(Named::Backspace, _)) => {
                pin.update(pin::Message::Delete);
                Action::None
            }
            (State::Pin(pin), Message::Submit | Message::Pressed(Named::Enter, _)) => answered(pin.answer()),
            (State::Passphrase(passphrase), Message::Passphrase(message)) => passphrase.update(message),
            (State::Passphrase(passphrase), Message::Submit | Message::Pressed(Named::Enter, _)) => {
                answered(passphrase.answer())
            }
            (State::Passphrase(passphrase), Message::Pressed(Named::Tab, _)) => Action::Run(passphrase.tab()),
            _ => Action::None,
        }
    }

    pub fn view<'a>(&'a self, shown: &Shown<'a>) -> Element<'a, Message> {
        let (name, parts, submit) = match &self.state {
            State::Pin(pin) => ("PIN", pin.view(), pin.button()),
            State::Passphrase(passphrase) => ("Passphrase", passphrase.view(), passphrase.button()),
        };
        let mut content = column![
            heading(format!("{name} of the {}", shown.device)),
            body(match &self.state {
                State::Pin(_) => pin::EXPLANATION,
                State::Passphrase(_) => passphrase::EXPLANATION,
            }),
            parts
        ]
        .spacing(Gap::M);
        if let Some(words) = shown.sandbox {
            content = content.push(info(words));
        }
        let bar = row![
            text_button("Cancel").on_press(Message::Cancel),
            space().width(iced::Length::Fill),
            submit
        ];
        container(card(content.push(bar.align_y(iced::Center))).padding(Gap::L))
            .max_width(WIDTH)
            .into()
    }
}

fn answered(answer: Option<Answer>) -> Action {
    answer.map_or(Action::None, |answer| Action::Answer(Some(answer)))
}

/// The standard wallet has an empty passphrase.
fn standard() -> Answer {
    Answer::Passphrase(Zeroizing::default())
}
