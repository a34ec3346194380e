//! The embedded devices: the one in use beside every page, and what can be done to it.

use iced::widget::{column, row};
use iced::{Element, Length};

use super::{Message, Sandbox, WIDTH, glass};
use crate::hw::Kind;
use crate::sandbox::{ledger, trezor};
use crate::ui::theme::Gap;
use crate::ui::widget::{
    Weight, body, heading, help, muted, panel, secondary_button, secret_input, segments, text_button, tick, wide_button,
};

/// PIN of the sandbox's Trezor, where it has one.
pub const PIN: &str = "1234";
const ANSWER: &str = "It asks: compare its screen with the page, then answer.";
const NOTHING: &str = "Nothing to answer. When it asks, compare its screen with the page.";
const UNPLUGGED: &str = "It is unplugged.";

impl Sandbox {
    /// Its screen and buttons.
    pub(super) fn beside(&self) -> Element<'_, Message> {
        let width = WIDTH - 2.0 * Gap::M;
        let drawn = match self.kind {
            Kind::Ledger => glass::of_ledger(&self.screen, width),
            Kind::Trezor => glass::of_trezor(&self.trezor, width),
        };
        let cable = if self.is_plugged() {
            text_button("Pull the cable").on_press(Message::Unplug)
        } else {
            text_button("Plug in the cable").on_press(Message::PlugIn)
        };
        column![heading(self.name()), drawn]
            .push(self.entry())
            .push(self.buttons())
            .push(help(self.hint()))
            .push(cable)
            .spacing(Gap::S)
            .into()
    }

    fn name(&self) -> String {
        match (self.kind, self.trezor_panel()) {
            (Kind::Trezor, Some(panel)) => format!("Sandbox {}", model_name(panel.settings().model)),
            _ => "Sandbox Ledger".to_owned(),
        }
    }

    fn is_plugged(&self) -> bool {
        match self.kind {
            Kind::Ledger => self.screen != ledger::Screen::Unplugged,
            Kind::Trezor => self.trezor != trezor::Screen::Unplugged,
        }
    }

    /// What is typed on the device itself.
    fn entry(&self) -> Option<Element<'_, Message>> {
        let name = match (self.kind, &self.trezor) {
            (Kind::Trezor, trezor::Screen::PinEntry) => "PIN, on its screen",
            (Kind::Trezor, trezor::Screen::PassphraseEntry) => "Passphrase, on its screen",
            _ => return None,
        };
        let field = secret_input(name, &self.typed, Message::Typed)
            .id("sandbox-entry")
            .on_submit(Message::Enter);
        let enter = wide_button("Enter on the device", Weight::Primary).on_press(Message::Enter);
        Some(column![field, enter].spacing(Gap::XS).into())
    }

    fn buttons(&self) -> Element<'_, Message> {
        let (asks, typing) = match self.kind {
            Kind::Ledger => (self.screen.prompt().is_some(), false),
            Kind::Trezor => (
                self.trezor.prompt().is_some(),
                matches!(self.trezor, trezor::Screen::PinEntry | trezor::Screen::PassphraseEntry),
            ),
        };
        let approve = wide_button("Approve", Weight::Primary).on_press_maybe(asks.then_some(Message::Approve));
        let reject = wide_button("Reject", Weight::Danger).on_press_maybe((asks || typing).then_some(Message::Reject));
        row![approve, reject].spacing(Gap::S).into()
    }

    fn hint(&self) -> String {
        match self.kind {
            Kind::Ledger => match &self.screen {
                ledger::Screen::Unplugged => UNPLUGGED,
                ledger::Screen::Locked => "It is locked.",
                ledger::Screen::Dashboard => "No app is open.",
                ledger::Screen::Idle { .. } => NOTHING,
                ledger::Screen::Prompt(_) => ANSWER,
            }
            .to_owned(),
            Kind::Trezor => match &self.trezor {
                trezor::Screen::Unplugged => UNPLUGGED.to_owned(),
                trezor::Screen::Home => NOTHING.to_owned(),
                trezor::Screen::PinMatrix(_) => {
                    format!("Its PIN is {PIN}. Press the places of these digits in the window.")
                }
                trezor::Screen::PinEntry => format!("Its PIN is {PIN}."),
                trezor::Screen::PassphraseOnHost | trezor::Screen::PassphraseEntry => {
                    "Any passphrase will do; each opens a wallet of its own.".to_owned()
                }
                trezor::Screen::Prompt(_) => ANSWER.to_owned(),
            },
        }
    }

    /// Which device is used, and what it is made to do.
    pub(super) fn choices(&self) -> Element<'_, Message> {
        let mut parts = column![].spacing(Gap::M);
        if self.trezor_panel().is_some() {
            let kinds = [Kind::Ledger, Kind::Trezor].map(|kind| (kind, kind.to_string()));
            parts = parts.push(line("Use the", segments(kinds, self.kind, Message::Use)));
        }
        let switches = match (self.kind, self.trezor_panel()) {
            (Kind::Trezor, Some(panel)) => trezor_switches(panel.settings()),
            _ => ledger_switches(),
        };
        let words = muted("See what the program says when a device is not ready:");
        panel("Device", parts.push(switches.0).push(words).push(switches.1)).into()
    }
}

/// What is set, and what is done.
type Switches<'a> = (Element<'a, Message>, Element<'a, Message>);

fn ledger_switches<'a>() -> Switches<'a> {
    let deeds = row![
        secondary_button("Unplug it").on_press(Message::Unplug),
        secondary_button("Plug it in").on_press(Message::PlugIn),
        secondary_button("Lock it").on_press(Message::Lock),
        secondary_button("Unlock it").on_press(Message::Unlock),
        secondary_button("Close the app").on_press(Message::CloseApp),
        secondary_button("Open the app").on_press(Message::OpenApp)
    ];
    (iced::widget::space().into(), wrapped(deeds))
}

fn trezor_switches<'a>(settings: trezor::Settings) -> Switches<'a> {
    let models =
        [trezor::Model::One, trezor::Model::T, trezor::Model::Safe3].map(|model| (model, model_name(model).to_owned()));
    let set = column![
        line("It is a", segments(models, settings.model, Message::Model)),
        tick(settings.has_pin, Message::Pin).label(format!("It asks for a PIN, {PIN}")),
        tick(settings.passphrase, Message::Passphrase).label("It asks for a passphrase")
    ];
    let lock = settings.has_pin.then_some(Message::Lock);
    let deeds = row![
        secondary_button("Unplug it").on_press(Message::Unplug),
        secondary_button("Plug it in").on_press(Message::PlugIn),
        secondary_button("Lock it").on_press_maybe(lock)
    ];
    (set.spacing(Gap::M).into(), wrapped(deeds))
}

fn wrapped<'a>(buttons: iced::widget::Row<'a, Message>) -> Element<'a, Message> {
    buttons.spacing(Gap::S).wrap().vertical_spacing(Gap::S).into()
}

fn line<'a>(words: &'a str, choices: Element<'a, Message>) -> Element<'a, Message> {
    row![body(words), iced::widget::container(choices).width(Length::Fill)]
        .spacing(Gap::M)
        .align_y(iced::Center)
        .into()
}

fn model_name(model: trezor::Model) -> &'static str {
    match model {
        trezor::Model::One => "Trezor One",
        trezor::Model::T => "Trezor Model T",
        trezor::Model::Safe3 => "Trezor Safe 3",
    }
}
