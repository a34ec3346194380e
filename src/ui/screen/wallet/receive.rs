//! An address to be paid to. It is given away only after the device showed the same: a program can lie about addresses, the
//! device's screen cannot.

use bitcoin::bip32::DerivationPath;
use iced::task::Handle;
use iced::widget::{column, qr_code, row, space};
use iced::{Element, Length, Task};

use crate::flow::Ports;
use crate::hw::{DeviceError, Kind};
use crate::protocol::key::KeyId;
use crate::protocol::{Profile, path};
use crate::ui::screen::part::context::Look;
use crate::ui::screen::part::{as_device_shows, page_of};
use crate::ui::theme::Gap;
use crate::ui::widget::{
    body, card, error_notice, fact_mono, heading, info, mono, muted, page_with_bar, primary_button, qr,
    secondary_button, success, text_button, title,
};

pub struct Receive {
    path: DerivationPath,
    key: KeyId,
    /// It holds something already.
    used: bool,
    state: State,
}

enum State {
    Offered,
    /// The device asks its user.
    Asking {
        device: Kind,
        _task: Handle,
    },
    Shown {
        address: String,
        on_screen: String,
        code: Box<qr_code::Data>,
    },
    Failed(DeviceError),
}

#[derive(Debug, Clone)]
pub enum Message {
    Show,
    Shown(Result<(KeyId, String), DeviceError>),
    Back,
    Copy(String),
}

pub enum Action {
    None,
    Run(Task<Message>),
    Close,
}

impl Receive {
    pub fn new(path: DerivationPath, key: KeyId, used: bool) -> Self {
        Self {
            path,
            key,
            used,
            state: State::Offered,
        }
    }

    /// The device shows it and waits for its user.
    pub fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking { .. })
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Show => return self.show(ports),
            Message::Shown(result) => self.shown(ports, result),
            Message::Back => return Action::Close,
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
        }
        Action::None
    }

    fn show(&mut self, ports: &Ports) -> Action {
        let Some(device) = ports.device.clone() else {
            return Action::None;
        };
        if matches!(self.state, State::Asking { .. }) {
            return Action::None;
        }
        let (kind, path) = (device.kind(), self.path.clone());
        let ask = async move {
            let shown = device.show_address(path).await?;
            Ok((KeyId::of(&shown.key), shown.on_screen))
        };
        let (task, handle) = Task::perform(ask, Message::Shown).abortable();
        self.state = State::Asking {
            device: kind,
            _task: handle.abort_on_drop(),
        };
        Action::Run(task)
    }

    /// The key on the device's screen has to be the one derived here.
    fn shown(&mut self, ports: &Ports, result: Result<(KeyId, String), DeviceError>) {
        let State::Asking { device, .. } = self.state else {
            return;
        };
        let address = self.key.address().to_text(&ports.profile);
        self.state = match result {
            Ok((key, _)) if key != self.key => State::Failed(DeviceError::OtherKey {
                kind: device,
                path: path::to_text(&self.path),
            }),
            // Every network's addresses fit a code; there are no longer ones.
            Ok((_, on_screen)) => match qr_code::Data::new(address.as_bytes()) {
                Ok(code) => State::Shown {
                    address,
                    on_screen,
                    code: Box::new(code),
                },
                Err(_) => State::Offered,
            },
            Err(error) => State::Failed(error),
        };
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let mut parts = column![].spacing(Gap::M);
        if self.used {
            parts = parts.push(info(
                "This address holds something already. It can be used again; a fresh one tells others less about you.",
            ));
        }
        parts = match &self.state {
            State::Offered => parts.push(self.offer(look)),
            State::Asking { device, .. } => parts.push(self.asking(*device, look)),
            State::Shown {
                address,
                on_screen,
                code,
            } => parts.push(self.confirmed(address, on_screen, code, look.profile)),
            State::Failed(DeviceError::Declined) => parts
                .push(info(
                    "You declined on the device. If it showed another address than this window, use neither of them: something \
                     between the two is not to be trusted.",
                ))
                .push(self.offer(look)),
            State::Failed(error) => parts.push(error_notice(error)).push(self.offer(look)),
        };
        page_with_bar(title("Receive"), "receive", page_of(parts), self.bar(look))
    }

    fn bar<'a>(&self, look: &Look<'a>) -> Element<'a, Message> {
        let (back, show) = match self.state {
            State::Shown { .. } => (
                primary_button("Done"),
                Some(secondary_button("Show it again").on_press(Message::Show)),
            ),
            State::Asking { .. } => (secondary_button("Cancel"), None),
            State::Offered | State::Failed(_) => {
                let ready = look.device.is_some().then_some(Message::Show);
                (
                    secondary_button("Back"),
                    Some(primary_button("Show on the device").on_press_maybe(ready)),
                )
            }
        };
        let back = back.on_press(Message::Back);
        let (left, right): (Element<'a, Message>, Element<'a, Message>) = match (&self.state, show) {
            (State::Shown { .. }, show) => (show.map_or_else(|| space().into(), Into::into), back.into()),
            (_, show) => (back.into(), show.map_or_else(|| space().into(), Into::into)),
        };
        row![left, space().width(Length::Fill), right].into()
    }

    fn offer<'a>(&self, look: &Look<'a>) -> Element<'a, Message> {
        let mut parts = column![
            heading("The device shows it first"),
            body(
                "Give an address away only after you have seen it on the device's own screen. Then it appears here, to be copied \
                 and as a code for cameras."
            ),
            fact_mono("Its key", path::to_text(&self.path)),
        ]
        .spacing(Gap::M);
        if look.device.is_none() {
            parts = parts.push(error_notice(&crate::flow::Error::NoDevice));
        }
        card(parts).into()
    }

    fn asking<'a>(&self, device: Kind, look: &Look<'a>) -> Element<'a, Message> {
        let address = self.key.address();
        let shown = as_device_shows(address, look).unwrap_or_else(|| address.to_text(look.profile));
        let mut parts = column![
            heading(format!("Look at the {device}")),
            body("It shows this address. Compare every letter; then approve it there."),
            mono(shown).size(20),
            muted(format!("Its key is {} on this device.", path::to_text(&self.path))),
        ]
        .spacing(Gap::M);
        if look.sandbox {
            parts = parts.push(info(format!(
                "This is the sandbox: its {device} is drawn at the right of the window. Approve or reject there."
            )));
        }
        card(parts).into()
    }

    fn confirmed<'a>(
        &self,
        address: &'a str,
        on_screen: &'a str,
        code: &'a qr_code::Data,
        profile: &'a Profile,
    ) -> Element<'a, Message> {
        let copy = text_button("Copy").on_press(Message::Copy(address.to_owned()));
        let mut words = column![
            row![mono(address).size(16).width(Length::Fill), copy]
                .spacing(Gap::S)
                .align_y(iced::Center),
            fact_mono("Its key", path::to_text(&self.path)),
        ]
        .spacing(Gap::M);
        if address != on_screen {
            words = words.push(fact_mono("Shown there as", on_screen)).push(muted(format!(
                "The app writes this key with another coin's prefix; on {} its address is the one above.",
                profile.name
            )));
        }
        let content = column![
            success("The device showed this address, and its key is the one derived here."),
            card(column![qr(code), words].spacing(Gap::M))
        ];
        content.spacing(Gap::M).into()
    }
}
