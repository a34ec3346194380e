//! The addresses of an account: what each holds, what it is called, what it is for.

use iced::widget::text::Wrapping;
use iced::widget::{column, container, row, space};
use iced::{Element, Length, Task};

use super::label::{self, Kept, Labelling};
use crate::flow::Ports;
use crate::flow::wallet::{Account, WalletAddress};
use crate::protocol::key::KeyId;
use crate::protocol::{Profile, path};
use crate::store::Item;
use crate::ui::format::{amount, count};
use crate::ui::theme::{Gap, Size, Tone};
use crate::ui::widget::{badge, card, divider, help, mono, muted, strong, text_button, tick};

/// Lines drawn at once.
const PORTION: usize = 100;

#[derive(Debug, Default)]
pub struct Addresses {
    /// Those that hold nothing and have no label too.
    unused: bool,
    labels: Labelling,
    drawn: Drawn,
}

#[derive(Debug)]
struct Drawn(usize);

impl Default for Drawn {
    fn default() -> Self {
        Self(PORTION)
    }
}

#[derive(Debug, Clone)]
pub enum Message {
    ShowUnused(bool),
    More,
    Label(label::Message),
    /// Shows it on the device.
    Show(KeyId),
    Copy(String),
}

impl Addresses {
    pub fn is_editing(&self) -> bool {
        self.labels.is_editing()
    }

    pub fn update(&mut self, ports: &Ports, accounts: &mut [Account], message: Message) -> Task<Message> {
        match message {
            Message::ShowUnused(unused) => self.unused = unused,
            Message::More => self.drawn.0 += PORTION,
            Message::Label(message) => return self.label(ports, accounts, message),
            Message::Copy(text) => return iced::clipboard::write(text),
            Message::Show(_) => {}
        }
        Task::none()
    }

    fn label(&mut self, ports: &Ports, accounts: &mut [Account], message: label::Message) -> Task<Message> {
        let (task, kept) = self.labels.update(ports, message);
        if let Some(kept) = kept {
            put(accounts, &ports.profile, &kept);
        }
        task.map(Message::Label)
    }

    pub fn view<'a>(&'a self, account: &'a Account, profile: &'a Profile) -> Element<'a, Message> {
        let next = account.next_receive.1;
        let in_use = |address: &&WalletAddress| {
            self.unused
                || address.coins > 0
                || address.label.is_some()
                || address.key_id == next
                || self.labels.is_of(&item(address, profile))
        };
        let shown: Vec<&WalletAddress> = account.addresses.iter().filter(in_use).collect();
        let mut list = column![];
        for (at, address) in shown.iter().take(self.drawn.0).enumerate() {
            if at > 0 {
                list = list.push(divider());
            }
            list = list.push(self.line(address, address.key_id == next, profile));
        }
        if shown.len() > self.drawn.0 {
            let more = text_button("Show more").on_press(Message::More);
            list = list.push(divider()).push(container(more).padding(Gap::M));
        }
        let unused = row![
            tick(self.unused, Message::ShowUnused).label("Unused ones too"),
            space().height(28)
        ]
        .align_y(iced::Center);
        let mut parts = column![unused].spacing(Gap::S);
        parts = parts.push(self.labels.error().map(|error| error.map(Message::Label)));
        parts.push(card(list).padding(0)).into()
    }

    fn line<'a>(&'a self, address: &'a WalletAddress, next: bool, profile: &'a Profile) -> Element<'a, Message> {
        let text = address.key_id.address().to_text(profile);
        let key = address.key_id;
        let holds: Element<'a, Message> = match address.coins {
            0 => help("empty").into(),
            number => column![
                strong(amount(address.holds, profile)).wrapping(Wrapping::None),
                help(count(number, "coin", "coins"))
            ]
            .align_x(iced::Right)
            .into(),
        };
        let first = row![mono(text.clone()).width(Length::Fill), holds]
            .spacing(Gap::M)
            .align_y(iced::Center);
        let chain = if address.change { "change" } else { "receiving" };
        let mut second = row![mono(path::to_text(&address.path)).size(Size::SMALL), help(chain)].spacing(Gap::S);
        if next {
            second = second.push(badge("Next to receive", Tone::Info));
        }
        for name in &address.backs {
            second = second.push(badge(format!("backs {name}"), Tone::Warning));
        }
        let editor = self
            .labels
            .editor()
            .filter(|_| self.labels.is_of(&item(address, profile)));
        let third = if let Some(editor) = editor {
            editor.map(Message::Label)
        } else {
            let (label, edit) = match &address.label {
                Some(label) => (muted(label.as_str()), "Edit the label"),
                None => (muted(""), "Add a label"),
            };
            let begin = label::Message::Edit(item(address, profile), address.label.clone().unwrap_or_default());
            // One to be paid to is copied after the device has shown it.
            let hand_out = if address.change {
                text_button("Copy").on_press(Message::Copy(text))
            } else {
                text_button("Show on the device").on_press(Message::Show(key))
            };
            row![
                label.width(Length::Fill),
                text_button(edit).on_press(Message::Label(begin)),
                hand_out
            ]
            .align_y(iced::Center)
            .into()
        };
        let lines = column![first, second.wrap().vertical_spacing(Gap::XS), third].spacing(2);
        container(lines).padding([Gap::S, Gap::M]).width(Length::Fill).into()
    }
}

/// What its label is kept under.
fn item(address: &WalletAddress, profile: &Profile) -> Item {
    Item::Address(address.key_id.address().to_text(profile))
}

/// On screen at once; what follows from an address's label for its coins comes with the next reading.
fn put(accounts: &mut [Account], profile: &Profile, kept: &Kept) {
    let addresses = accounts.iter_mut().flat_map(|account| &mut account.addresses);
    for address in addresses.filter(|address| item(address, profile) == kept.item) {
        address.label.clone_from(&kept.label);
    }
}
