//! The PIN of a device without a keypad: it shows the digits in an order of its own, here only places are pressed.

use std::fmt;

use iced::keyboard::{self, Key, key};
use iced::widget::{Column, Row, button, column, container, row};
use iced::{Element, Length, Subscription, event};
use zeroize::{Zeroize, Zeroizing};

use crate::hw::Answer;
use crate::ui::theme::{Gap, Size, Tone};
use crate::ui::widget::{Weight, help, primary_button, text_button, toned, wide_button};

pub const EXPLANATION: &str = "The device shows the digits 1 to 9 in a new order. For each digit of your PIN, press the place \
    where that digit stands on the device.";
/// Longest PIN of any device.
const MAX: usize = 50;
/// The keys as they lie on a number pad, from the top.
const ROWS: [[u8; 3]; 3] = [[7, 8, 9], [4, 5, 6], [1, 2, 3]];
const IDS: [&str; 9] = [
    "pin-1", "pin-2", "pin-3", "pin-4", "pin-5", "pin-6", "pin-7", "pin-8", "pin-9",
];

/// The places so far.
#[derive(Default)]
pub struct Pin {
    places: Zeroizing<String>,
    /// A digit of the other keys was typed: most likely one of the PIN itself.
    digit_typed: bool,
}

/// 1 to 9, counted as on a number pad. Prints nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place(u8);

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(..)")
    }
}

#[derive(Debug, Clone)]
pub enum Message {
    Pressed(Place),
    Delete,
    Clear,
    /// On the keys above the letters.
    DigitTyped,
}

impl Pin {
    pub fn update(&mut self, message: Message) {
        self.digit_typed = matches!(message, Message::DigitTyped);
        match message {
            Message::Pressed(Place(place)) if self.places.len() < MAX => {
                // As long as it may become: a growing text leaves copies behind.
                let room = MAX - self.places.len();
                self.places.reserve_exact(room);
                self.places.push(char::from(b'0' + place));
            }
            Message::Pressed(_) | Message::DigitTyped => {}
            Message::Delete => drop(self.places.pop()),
            Message::Clear => self.places.zeroize(),
        }
    }

    /// None while nothing is entered.
    pub fn answer(&mut self) -> Option<Answer> {
        if self.places.is_empty() {
            return None;
        }
        Some(Answer::Pin(std::mem::take(&mut self.places)))
    }

    pub fn view<'a>(&self) -> Element<'a, super::Message> {
        let pad = ROWS.map(|places| Row::with_children(places.map(key)).spacing(Gap::S).into());
        let pad = Column::with_children(pad)
            .spacing(Gap::S)
            .width(KEY.0 * 3.0 + 2.0 * Gap::S);
        let entered = (!self.places.is_empty()).then_some(());
        let edit = row![
            text_button("Delete").on_press_maybe(entered.map(|()| super::Message::Pin(Message::Delete))),
            text_button("Clear").on_press_maybe(entered.map(|()| super::Message::Pin(Message::Clear)))
        ];
        let line = if self.digit_typed {
            toned(
                "Not taken: never type the digits of your PIN on the computer. Press places on the pad, or use a number pad.",
                Tone::Warning,
            )
            .size(Size::SMALL)
        } else {
            help(
                "The keys of a number pad stand for the same places. The digits themselves are seen on the device only.",
            )
        };
        column![
            container(column![self.dots(), pad, edit].spacing(Gap::S).align_x(iced::Center)).center_x(Length::Fill),
            line
        ]
        .spacing(Gap::M)
        .into()
    }

    fn dots<'a>(&self) -> Element<'a, super::Message> {
        let dots = match self.places.len() {
            0 => return help("Nothing entered yet").height(DOTS).center().into(),
            // As many as the dialog is wide.
            count @ 1..=12 => "● ".repeat(count),
            count => format!("{}… {count}", "● ".repeat(10)),
        };
        toned(dots.trim_end().to_owned(), Tone::Info)
            .height(DOTS)
            .center()
            .into()
    }

    pub fn button<'a>(&self) -> Element<'a, super::Message> {
        primary_button("Enter the PIN")
            .on_press_maybe((!self.places.is_empty()).then_some(super::Message::Submit))
            .into()
    }
}

const DOTS: f32 = 24.0;
/// Width and height of a key.
const KEY: (f32, f32) = (72.0, 52.0);

fn key<'a>(place: u8) -> Element<'a, super::Message> {
    let key: button::Button<'a, super::Message> = wide_button("•", Weight::Secondary)
        .width(KEY.0)
        .height(KEY.1)
        .on_press(super::Message::Pin(Message::Pressed(Place(place))));
    container(key).id(IDS[usize::from(place) - 1]).into()
}

/// Keys of the pad, while it is on screen.
pub fn keys() -> Subscription<super::Message> {
    event::listen_with(|event, _, _| match event {
        iced::Event::Keyboard(keyboard::Event::KeyPressed {
            key,
            physical_key,
            location,
            modifiers,
            ..
        }) => of_key(&key, physical_key, location, modifiers),
        _ => None,
    })
}

fn of_key(
    key: &Key,
    physical: key::Physical,
    location: keyboard::Location,
    modifiers: keyboard::Modifiers,
) -> Option<super::Message> {
    if let Some(place) = on_number_pad(physical) {
        return Some(super::Message::Pin(Message::Pressed(place)));
    }
    let digit = matches!(key, Key::Character(text) if matches!(text.as_str(), "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9"));
    match key {
        // A keyboard that does not tell which key it was.
        Key::Character(text) if digit && location == keyboard::Location::Numpad => {
            let place = text.bytes().next().filter(|digit| *digit != b'0')? - b'0';
            Some(super::Message::Pin(Message::Pressed(Place(place))))
        }
        Key::Character(_) if digit && !modifiers.command() => Some(super::Message::Pin(Message::DigitTyped)),
        Key::Named(key::Named::Backspace) => Some(super::Message::Pressed(key::Named::Backspace, modifiers)),
        _ => None,
    }
}

/// Whatever the lock of the pad says: it is the place that counts.
fn on_number_pad(physical: key::Physical) -> Option<Place> {
    use key::Code::{Numpad1, Numpad2, Numpad3, Numpad4, Numpad5, Numpad6, Numpad7, Numpad8, Numpad9};
    let key::Physical::Code(code) = physical else {
        return None;
    };
    let keys = [
        Numpad1, Numpad2, Numpad3, Numpad4, Numpad5, Numpad6, Numpad7, Numpad8, Numpad9,
    ];
    let at = keys.iter().position(|key| *key == code)?;
    u8::try_from(at + 1).ok().map(Place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::screen::prompt;
    use keyboard::{Location, Modifiers};

    fn pressed(places: &[u8]) -> Pin {
        let mut pin = Pin::default();
        for place in places {
            pin.update(Message::Pressed(Place(*place)));
        }
        pin
    }

    fn places(pin: &mut Pin) -> String {
        match pin.answer() {
            Some(Answer::Pin(places)) => places.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn places_are_kept_in_their_order_deleted_and_cleared() {
        let mut pin = pressed(&[7, 1, 9]);
        pin.update(Message::Delete);
        pin.update(Message::Pressed(Place(5)));
        assert_eq!(places(&mut pin), "715");
        let mut pin = pressed(&[7, 1]);
        pin.update(Message::Clear);
        assert!(pin.answer().is_none(), "nothing entered is no answer");
        assert_eq!(places(&mut pressed(&[3; 60])).len(), MAX);
    }

    #[test]
    fn a_place_is_never_printed() {
        let message = prompt::Message::Pin(Message::Pressed(Place(7)));
        assert!(!format!("{message:?}").contains('7'));
    }

    #[test]
    fn keys_of_the_number_pad_are_places_with_and_without_its_lock() {
        let (none, home) = (Modifiers::empty(), Key::Named(key::Named::Home));
        let seven = key::Physical::Code(key::Code::Numpad7);
        for key in [Key::Character("7".into()), home] {
            let message = of_key(&key, seven, Location::Numpad, none);
            assert!(
                matches!(message, Some(prompt::Message::Pin(Message::Pressed(Place(7))))),
                "{key:?}"
            );
        }
        let unnamed = key::Physical::Unidentified(key::NativeCode::Unidentified);
        let message = of_key(&Key::Character("2".into()), unnamed, Location::Numpad, none);
        assert!(matches!(
            message,
            Some(prompt::Message::Pin(Message::Pressed(Place(2))))
        ));
    }

    #[test]
    fn a_digit_above_the_letters_is_not_taken_and_warned_of() {
        let row = key::Physical::Code(key::Code::Digit7);
        let message = of_key(&Key::Character("7".into()), row, Location::Standard, Modifiers::empty());
        let Some(prompt::Message::Pin(typed @ Message::DigitTyped)) = message else {
            panic!("{message:?}");
        };
        let mut pin = pressed(&[1]);
        pin.update(typed);
        assert!(pin.digit_typed);
        assert_eq!(places(&mut pin), "1");
    }
}
