//! The passphrase of a hidden wallet. No passphrase is ever wrong, so a new one is typed twice.

use iced::widget::{column, row};
use iced::{Element, Task};

use super::{Action, standard};
use crate::hw::Answer;
use crate::hw::trezor::{MAX_PASSPHRASE, passphrase_bytes};
use crate::ui::theme::{Gap, Size, Tone};
use crate::ui::widget::{SecretField, SecretText, info, primary_button, secondary_button, secret_input, tick, toned};

pub const EXPLANATION: &str = "A passphrase opens a hidden wallet. None is wrong: each one, also a mistyped one, opens another \
    wallet with keys of its own.";
pub const FIRST: &str = "device-passphrase";
const AGAIN: &str = "device-passphrase-again";

pub struct Passphrase {
    on_device: bool,
    /// The wallet that was open so far.
    wallet: Option<String>,
    first: SecretField,
    /// Only where any passphrase would do.
    again: SecretField,
    shown: bool,
}

#[derive(Debug, Clone)]
pub enum Message {
    Edited(SecretText),
    EditedAgain(SecretText),
    Show(bool),
    /// Enter in the first of two fields.
    Next,
    Focused(&'static str),
    Standard,
    OnDevice,
}

impl Passphrase {
    pub fn new(on_device: bool, wallet: Option<String>) -> Self {
        Self {
            on_device,
            wallet,
            first: SecretField::default(),
            again: SecretField::default(),
            shown: false,
        }
    }

    fn is_twice(&self) -> bool {
        self.wallet.is_none()
    }

    pub fn update(&mut self, message: Message) -> Action {
        match message {
            Message::Edited(text) => {
                self.first.edit(text);
                self.look_at_length();
                self.look_at_both();
            }
            Message::EditedAgain(text) => {
                self.again.edit(text);
                self.look_at_both();
            }
            Message::Show(shown) => self.shown = shown,
            Message::Next => return Action::Run(focus(AGAIN)),
            Message::Focused(id) => return Action::Run(focus(id)),
            Message::Standard => return Action::Answer(Some(standard())),
            Message::OnDevice => return Action::Answer(Some(Answer::PassphraseOnDevice)),
        }
        Action::None
    }

    fn look_at_length(&mut self) {
        let bytes = passphrase_bytes(self.first.text());
        if bytes > MAX_PASSPHRASE {
            self.first.refuse(format!(
                "it has {bytes} bytes; a device takes at most {MAX_PASSPHRASE}, and letters beyond English ones count for more than one"
            ));
        }
    }

    /// As far as the second one goes.
    fn look_at_both(&mut self) {
        let (first, again) = (self.first.text(), self.again.text());
        if first.starts_with(again) {
            let text = SecretText::from(self.again.secret());
            self.again.edit(text);
        } else {
            self.again.refuse("the two are not the same");
        }
    }

    /// None, and the reason at the field, where it cannot be used.
    pub fn answer(&mut self) -> Option<Answer> {
        if self.first.is_empty() {
            self.first.refuse("type a passphrase, or take the standard wallet");
            return None;
        }
        if self.first.error().is_some() {
            return None;
        }
        if self.is_twice() && self.first.text() != self.again.text() {
            self.again.refuse("the two are not the same");
            return None;
        }
        let text = self.first.secret();
        self.first.clear();
        self.again.clear();
        Some(Answer::Passphrase(text))
    }

    /// To the other field, wherever the focus is.
    pub fn tab(&self) -> Task<super::Message> {
        if !self.is_twice() {
            return focus(FIRST);
        }
        iced::widget::operation::is_focused(FIRST)
            .map(|first| super::Message::Passphrase(Message::Focused(if first { AGAIN } else { FIRST })))
    }

    pub fn view(&self) -> Element<'_, super::Message> {
        let mut parts = column![].spacing(Gap::S);
        if let Some(wallet) = &self.wallet {
            parts = parts.push(info(format!(
                "Wallet {wallet} was open so far: enter its passphrase. Another one would open another wallet and is refused."
            )));
        }
        let enter = if self.is_twice() {
            super::Message::Passphrase(Message::Next)
        } else {
            super::Message::Submit
        };
        let edited = |text| super::Message::Passphrase(Message::Edited(text));
        let first = secret_input("Passphrase", &self.first, edited)
            .revealed(self.shown)
            .help(self.length())
            .id(FIRST)
            .on_submit(enter);
        parts = parts.push(first);
        if self.is_twice() {
            let edited = |text| super::Message::Passphrase(Message::EditedAgain(text));
            let again = secret_input("Once more", &self.again, edited)
                .revealed(self.shown)
                .id(AGAIN)
                .on_submit(super::Message::Submit);
            parts = parts.push(again);
        }
        if let Some(words) = blanks(self.first.text()) {
            parts = parts.push(toned(words, Tone::Warning).size(Size::SMALL));
        }
        let show =
            tick(self.shown, |shown| super::Message::Passphrase(Message::Show(shown))).label("Show what is typed");
        column![parts.push(show), self.ways()].spacing(Gap::M).into()
    }

    fn length(&self) -> String {
        match passphrase_bytes(self.first.text()) {
            0 => String::new(),
            bytes => format!("{bytes} of {MAX_PASSPHRASE} bytes"),
        }
    }

    /// Without typing it here.
    fn ways(&self) -> Element<'_, super::Message> {
        let way = |name, message| secondary_button(name).on_press(super::Message::Passphrase(message));
        let standard = way("Standard wallet (no passphrase)", Message::Standard);
        let on_device = self.on_device.then(|| way("Enter it on the device", Message::OnDevice));
        row![standard]
            .push(on_device)
            .spacing(Gap::S)
            .wrap()
            .vertical_spacing(Gap::S)
            .into()
    }

    pub fn button(&self) -> Element<'_, super::Message> {
        primary_button("Open the hidden wallet")
            .on_press(super::Message::Submit)
            .into()
    }
}

fn focus(id: &'static str) -> Task<super::Message> {
    iced::widget::operation::focus(id)
}

/// A blank at an end is seen by nobody and opens another wallet.
fn blanks(text: &str) -> Option<&'static str> {
    match (
        text.starts_with(char::is_whitespace),
        text.ends_with(char::is_whitespace),
    ) {
        (true, true) => Some("It begins and ends with a blank; both are part of it."),
        (true, false) => Some("It begins with a blank, which is part of it."),
        (false, true) => Some("It ends with a blank, which is part of it."),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(wallet: Option<&str>, first: &str, again: &str) -> Passphrase {
        let mut passphrase = Passphrase::new(true, wallet.map(str::to_owned));
        passphrase.update(Message::Edited(first.to_owned().into()));
        passphrase.update(Message::EditedAgain(again.to_owned().into()));
        passphrase
    }

    fn text(answer: Option<Answer>) -> Option<String> {
        match answer? {
            Answer::Passphrase(text) => Some(text.to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_one_is_typed_twice_and_a_known_one_once() {
        let mut new = typed(None, "abc", "");
        assert!(new.answer().is_none());
        assert_eq!(new.again.error(), Some("The two are not the same."));
        assert_eq!(text(typed(None, "abc", "abc").answer()).as_deref(), Some("abc"));
        assert_eq!(
            text(typed(Some("5c9e228d"), "abc", "").answer()).as_deref(),
            Some("abc")
        );
    }

    #[test]
    fn a_difference_is_shown_as_soon_as_it_is_one() {
        assert_eq!(typed(None, "abc", "ab").again.error(), None);
        let mut passphrase = typed(None, "abc", "abd");
        assert!(passphrase.again.error().is_some());
        passphrase.update(Message::Edited("abd".to_owned().into()));
        assert!(passphrase.again.error().is_none());
    }

    #[test]
    fn one_that_is_too_long_is_refused_where_it_is_typed_in_the_form_the_device_gets() {
        assert!(typed(None, &"x".repeat(50), "").first.error().is_none());
        let mut long = typed(None, &"x".repeat(51), &"x".repeat(51));
        assert!(long.first.error().is_some_and(|error| error.contains("51 bytes")));
        assert!(long.answer().is_none());
        // Composed it is two bytes, decomposed three.
        assert!(typed(None, &"\u{e9}".repeat(17), "").first.error().is_some());
    }

    #[test]
    fn blanks_at_an_end_are_told_of() {
        assert_eq!(blanks("a b"), None);
        assert!(blanks(" a").is_some_and(|words| words.contains("begins")));
        assert!(blanks("a ").is_some_and(|words| words.contains("ends")));
    }

    #[test]
    fn nothing_typed_is_not_the_standard_wallet_by_accident() {
        let mut passphrase = typed(None, "", "");
        assert!(passphrase.answer().is_none());
        assert!(
            passphrase
                .first
                .error()
                .is_some_and(|error| error.contains("standard wallet"))
        );
        let Action::Answer(Some(answer)) = passphrase.update(Message::Standard) else {
            panic!("no answer");
        };
        assert_eq!(text(Some(answer)).as_deref(), Some(""));
    }
}
