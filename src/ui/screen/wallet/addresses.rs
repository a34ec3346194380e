//! The addresses of an account: what each holds, what it is called, what it is for.

use iced::widget::text::Wrapping;
use iced::widget::{column, container, row, space};
use iced::{Element, Length, Task};

use crate::flow::Ports;
use crate::flow::wallet::{Account, WalletAddress};
use crate::protocol::key::KeyId;
use crate::protocol::{Profile, path};
use crate::store::labels::MAX_LABEL;
use crate::store::{Item, Labels, LabelsError};
use crate::ui::format::{amount, count};
use crate::ui::theme::{Gap, Size, Tone};
use crate::ui::widget::{
    Field, badge, card, divider, error_notice, field::plain_input, help, mono, muted, strong, text_button, tick,
};
use crate::ui::work::blocking;

/// Lines drawn at once.
const PORTION: usize = 100;

#[derive(Debug, Default)]
pub struct Addresses {
    /// Those that hold nothing and have no label too.
    unused: bool,
    editing: Option<Editing>,
    error: Option<LabelsError>,
    drawn: Drawn,
}

#[derive(Debug)]
struct Drawn(usize);

impl Default for Drawn {
    fn default() -> Self {
        Self(PORTION)
    }
}

/// A label being written.
#[derive(Debug)]
struct Editing {
    key: KeyId,
    text: Field<String>,
}

#[derive(Debug, Clone)]
pub enum Message {
    ShowUnused(bool),
    More,
    /// Begins to write the label of an address.
    Edit(KeyId),
    Edited(String),
    Keep,
    Kept(Result<(KeyId, String), LabelsError>),
    Cancel,
    /// Shows it on the device.
    Show(KeyId),
    Copy(String),
}

impl Addresses {
    pub fn is_editing(&self) -> bool {
        self.editing.is_some()
    }

    pub fn update(&mut self, ports: &Ports, accounts: &mut [Account], message: Message) -> Task<Message> {
        match message {
            Message::ShowUnused(unused) => self.unused = unused,
            Message::More => self.drawn.0 += PORTION,
            Message::Edit(key) => return self.edit(accounts, key),
            Message::Edited(text) => {
                if let Some(editing) = &mut self.editing {
                    editing.text.edit(text, read_label);
                }
            }
            Message::Keep => return self.keep(ports),
            Message::Kept(Ok((key, label))) => self.kept(accounts, key, label),
            Message::Kept(Err(error)) => self.error = Some(error),
            Message::Cancel => self.editing = None,
            Message::Copy(text) => return iced::clipboard::write(text),
            Message::Show(_) => {}
        }
        Task::none()
    }

    fn edit(&mut self, accounts: &[Account], key: KeyId) -> Task<Message> {
        let address = accounts
            .iter()
            .flat_map(|account| &account.addresses)
            .find(|address| address.key_id == key);
        let label = address.and_then(|address| address.label.clone()).unwrap_or_default();
        self.error = None;
        self.editing = Some(Editing {
            key,
            text: Field::with(label.clone(), label),
        });
        iced::widget::operation::focus("address-label")
    }

    fn keep(&mut self, ports: &Ports) -> Task<Message> {
        let Some(editing) = &self.editing else {
            return Task::none();
        };
        let Some(label) = editing.text.value().map(|label| label.trim().to_owned()) else {
            return Task::none();
        };
        let key = editing.key;
        let path = Labels::beside(ports.journal.path(), &ports.profile.name);
        let item = Item::Address(key.address().to_text(&ports.profile));
        blocking(
            move || {
                Labels::open(&path)?.set(&item, &label)?;
                Ok((key, label))
            },
            Message::Kept,
        )
    }

    /// On screen at once; what follows from an address's label for its coins comes with the next reading.
    fn kept(&mut self, accounts: &mut [Account], key: KeyId, label: String) {
        self.editing = None;
        self.error = None;
        let label = (!label.is_empty()).then_some(label);
        for account in accounts {
            for address in account.addresses.iter_mut().filter(|address| address.key_id == key) {
                address.label.clone_from(&label);
            }
        }
    }

    pub fn view<'a>(&'a self, account: &'a Account, profile: &'a Profile) -> Element<'a, Message> {
        let next = account.next_receive.1;
        let in_use = |address: &&WalletAddress| {
            self.unused
                || address.coins > 0
                || address.label.is_some()
                || address.key_id == next
                || self.is_edited(address.key_id)
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
        if let Some(error) = &self.error {
            parts = parts.push(error_notice(error));
        }
        parts.push(card(list).padding(0)).into()
    }

    fn is_edited(&self, key: KeyId) -> bool {
        self.editing.as_ref().is_some_and(|editing| editing.key == key)
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
        let third = if self.is_edited(key) {
            self.editor()
        } else {
            let (label, edit) = match &address.label {
                Some(label) => (muted(label.as_str()), "Edit the label"),
                None => (muted(""), "Add a label"),
            };
            // One to be paid to is copied after the device has shown it.
            let hand_out = if address.change {
                text_button("Copy").on_press(Message::Copy(text))
            } else {
                text_button("Show on the device").on_press(Message::Show(key))
            };
            row![
                label.width(Length::Fill),
                text_button(edit).on_press(Message::Edit(key)),
                hand_out
            ]
            .align_y(iced::Center)
            .into()
        };
        let lines = column![first, second.wrap().vertical_spacing(Gap::XS), third].spacing(2);
        container(lines).padding([Gap::S, Gap::M]).width(Length::Fill).into()
    }

    fn editor(&self) -> Element<'_, Message> {
        let Some(editing) = &self.editing else {
            return space().into();
        };
        let keep = editing.text.value().map(|_| Message::Keep);
        let field = plain_input("What it is for", editing.text.text(), Message::Edited)
            .id("address-label")
            .on_submit_maybe(keep.clone());
        let line = row![
            field,
            text_button("Keep").on_press_maybe(keep),
            text_button("Cancel").on_press(Message::Cancel)
        ]
        .spacing(Gap::S)
        .align_y(iced::Center);
        column![line, editing.text.error().map(help)].into()
    }
}

/// As the store takes it.
fn read_label(text: &str) -> Result<String, LabelsError> {
    let label = text.trim();
    let len = label.chars().count();
    if label.chars().any(char::is_control) {
        return Err(LabelsError::SeveralLines);
    }
    if len > MAX_LABEL {
        return Err(LabelsError::TooLong { len });
    }
    Ok(label.to_owned())
}
