//! The user before the sandbox's Trezor: what it shows, and what is typed for it into the window.

use iced_test::selector::id;

use super::support::Fixture;
use crate::sandbox::trezor::{Panel, Screen, positions};
use crate::ui::Message;
use crate::ui::screen::sandbox::Message as Sandbox;

/// Of the hidden wallet the tests open.
pub const HIDDEN: &str = "hidden";

const KEYS: [&str; 9] = [
    "pin-1", "pin-2", "pin-3", "pin-4", "pin-5", "pin-6", "pin-7", "pin-8", "pin-9",
];

impl Fixture {
    pub fn trezor(&mut self) -> Panel {
        let run = self.session().connection.sandbox.clone().unwrap();
        run.trezor.as_ref().unwrap().panel()
    }

    /// What the device shows, once it shows something; drawn as the subscription would have it.
    pub fn trezor_screen(&mut self) -> Screen {
        let panel = self.trezor();
        let shown = self.wait(async move {
            let mut screen = panel.watch();
            let asks = |screen: &Screen| !matches!(screen, Screen::Home | Screen::Unplugged);
            screen.wait_for(asks).await.unwrap().clone()
        });
        let id = self.session().id;
        self.send(Message::Sandbox(Sandbox::TrezorChanged(id, shown.clone())));
        shown
    }

    /// Presses the places of digits.
    #[track_caller]
    pub fn enter_pin(&mut self, digits: &str) {
        let Screen::PinMatrix(matrix) = self.trezor_screen() else {
            panic!("it shows no digits");
        };
        for place in positions(&matrix, digits).bytes() {
            let messages: Vec<Message> = {
                let mut ui = self.ui();
                ui.click(id(KEYS[usize::from(place - b'1')])).unwrap();
                ui.into_messages().collect()
            };
            messages.into_iter().for_each(|message| self.send(message));
        }
        self.click("Enter the PIN");
    }

    /// Types a passphrase; `new`: its wallet is opened for the first time, and it is asked for twice.
    #[track_caller]
    pub fn enter_passphrase(&mut self, passphrase: &str, new: bool) {
        self.fill("device-passphrase", passphrase);
        if new {
            self.fill("device-passphrase-again", passphrase);
        }
        self.click("Open the hidden wallet");
    }
}
