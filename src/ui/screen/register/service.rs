//! Step 2: where the masternode can be reached, or that this is decided later.

use iced::Element;
use iced::widget::column;

use super::sketch::Sketch;
use crate::protocol::Profile;
use crate::protocol::rules::Check;
use crate::protocol::special_tx::Service;
use crate::ui::screen::part::context::{Context, Look};
use crate::ui::screen::part::page_of;
use crate::ui::screen::part::service::{port_help, read};
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, info, input, label, option, options};

pub(super) const RULES: [&str; 2] = ["service", "service-unique"];

#[derive(Debug)]
pub struct Form {
    mode: Mode,
    address: Field<Service>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Address,
    Later,
}

#[derive(Debug, Clone)]
pub enum Message {
    ModeChosen(Mode),
    AddressEdited(String),
    Submit,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            mode: Mode::Address,
            address: Field::default(),
        }
    }
}

impl Form {
    pub fn update(&mut self, cx: &Context<'_>, message: Message) {
        match message {
            Message::ModeChosen(mode) => self.mode = mode,
            Message::AddressEdited(text) => self.address.edit(text, |text| read(text, cx.profile())),
            Message::Submit => {}
        }
    }

    /// Reads the address again, for what other steps or the node say may have changed.
    pub fn recheck(&mut self, profile: &Profile) {
        if self.address.is_touched() {
            self.address.recheck(|text| read(text, profile));
        }
    }

    pub fn apply(&self, sketch: &mut Sketch) -> bool {
        sketch.service = match self.mode {
            Mode::Address => self.address.value().copied(),
            Mode::Later => Some(Service::NONE),
        };
        sketch.service.is_some()
    }

    pub fn revert(sketch: &mut Sketch) {
        sketch.service = None;
    }

    pub fn refuse(&mut self, failures: &[Check]) {
        if let Some(check) = failures.first() {
            self.address.refuse(&check.message);
        }
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let choices = [
            option(
                "The masternode has a public address",
                "You know the server it will run on.",
                self.mode == Mode::Address,
                Message::ModeChosen(Mode::Address),
            ),
            option(
                "Register without an address for now",
                "It waits, without payments, until its operator announces an address.",
                self.mode == Mode::Later,
                Message::ModeChosen(Mode::Later),
            ),
        ];
        let parts = column![column![label("Service"), options(choices)].spacing(Gap::S)].spacing(Gap::L);
        page_of(match self.mode {
            Mode::Address => parts.push(self.address_view(look.profile)),
            Mode::Later => parts.push(info(
                "Registered without an address the masternode counts as banned. Its operator ends that with an update of the service address (ProUpServTx).",
            )),
        })
    }

    fn address_view<'a>(&'a self, profile: &'a Profile) -> Element<'a, Message> {
        input("Address and port", &self.address, Message::AddressEdited)
            .placeholder("IP:PORT")
            .help(port_help(profile))
            .mono()
            .id("service")
            .on_submit(Message::Submit)
            .into()
    }
}
