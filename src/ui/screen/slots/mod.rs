//! What unlocks the vault: its passphrase, which can be changed, and devices, which can be added and removed.

mod dialog;

use std::sync::Arc;

use iced::widget::{Row, column, row, space};
use iced::{Element, Length, Task};

use self::dialog::Dialog;
use crate::flow::{Error, Ports, unlock};
use crate::hw::DeviceError;
use crate::store::vault::{DeviceSlotInfo, SlotInfo, Vault, VaultError};
use crate::ui::format;
use crate::ui::screen::devices::Seen;
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{
    SecretText, badge, body, card, error_notice, help, info, mono, page, primary_button, strong, success, text_button,
};
use crate::ui::work::blocking;

pub struct Slots {
    vault: Arc<Vault>,
    slots: Vec<SlotInfo>,
    dialog: Option<Dialog>,
    outcome: Option<Outcome>,
}

/// How the last change ended.
enum Outcome {
    Done(String),
    Failed(Error),
}

#[derive(Debug, Clone)]
pub enum Message {
    Add,
    Remove(String),
    ChangePassphrase,
    NameEdited(String),
    PassphraseEdited(SecretText),
    NewEdited(SecretText),
    AgainEdited(SecretText),
    Submit,
    Cancel,
    Stepped(unlock::Step),
    Added(Result<DeviceSlotInfo, Error>),
    /// The file was changed, and what to say of it.
    Changed(Result<String, VaultError>),
    Close,
}

pub enum Action {
    None,
    Run(Task<Message>),
    Close,
}

impl Slots {
    /// # Errors
    /// [`Error::VaultLocked`]: the vault's own screen comes first.
    pub fn new(ports: &Ports) -> Result<Self, Error> {
        let vault = Arc::clone(ports.vault()?);
        Ok(Self {
            slots: vault.slots(),
            vault,
            dialog: None,
            outcome: None,
        })
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Add => return self.add(ports),
            Message::Remove(id) => return self.remove(&id),
            Message::ChangePassphrase => return self.open(Dialog::passphrase()),
            Message::NameEdited(_)
            | Message::PassphraseEdited(_)
            | Message::NewEdited(_)
            | Message::AgainEdited(_)
            | Message::Stepped(_) => {
                if let Some(dialog) = &mut self.dialog {
                    dialog.edit(message);
                }
            }
            Message::Submit => return self.submit(ports),
            Message::Cancel => self.close(),
            Message::Added(result) => self.added(result),
            Message::Changed(result) => self.changed(result),
            Message::Close => return Action::Close,
        }
        Action::None
    }

    /// True while Esc closes something here.
    pub fn has_dialog(&self) -> bool {
        self.dialog.is_some()
    }

    fn open(&mut self, dialog: Dialog) -> Action {
        self.close();
        let focus = dialog.first_field();
        self.dialog = Some(dialog);
        Action::Run(iced::widget::operation::focus(focus))
    }

    fn close(&mut self) {
        self.dialog = None;
        self.outcome = None;
    }

    fn add(&mut self, ports: &Ports) -> Action {
        match &ports.device {
            Some(device) => self.open(Dialog::add(device.kind())),
            None => {
                self.outcome = Some(Outcome::Failed(Error::NoDevice));
                Action::None
            }
        }
    }

    fn remove(&mut self, id: &str) -> Action {
        let slot = self
            .slots
            .iter()
            .filter_map(SlotInfo::device)
            .find(|slot| slot.id() == id);
        match slot {
            Some(slot) => self.open(Dialog::remove(slot.clone())),
            None => Action::None,
        }
    }

    fn submit(&mut self, ports: &Ports) -> Action {
        let Some(dialog) = &mut self.dialog else {
            return Action::None;
        };
        let task = dialog.submit(ports, Arc::clone(&self.vault));
        if task.is_some() {
            self.outcome = None;
        }
        task.map_or(Action::None, Action::Run)
    }

    fn added(&mut self, result: Result<DeviceSlotInfo, Error>) {
        if !self.dialog.as_ref().is_some_and(Dialog::is_asking) {
            return;
        }
        match result {
            Ok(added) => {
                self.dialog = None;
                self.slots = self.vault.slots();
                let kind = unlock::kind(added.vendor);
                self.outcome = Some(Outcome::Done(format!(
                    "{} opens the vault from now on, after you confirm on the {kind} each time.",
                    added.name
                )));
            }
            Err(error) => {
                self.dialog = self.dialog.take().map(Dialog::asked_again);
                self.outcome = Some(Outcome::Failed(error));
            }
        }
    }

    fn changed(&mut self, result: Result<String, VaultError>) {
        let Some(dialog) = &mut self.dialog else {
            return;
        };
        self.outcome = match result {
            Ok(done) => {
                self.dialog = None;
                self.slots = self.vault.slots();
                Some(Outcome::Done(done))
            }
            Err(error) => dialog.refuse(error).map(|error| Outcome::Failed(error.into())),
        };
    }

    /// With what is known of the device in use.
    pub fn view<'a>(&'a self, seen: &'a Seen) -> Element<'a, Message> {
        let actions = row![
            text_button("Back to the keys").on_press(Message::Close),
            primary_button(add_words(seen))
                .on_press_maybe((seen.is_ready() && self.dialog.is_none()).then_some(Message::Add))
        ]
        .spacing(Gap::S)
        .align_y(iced::Center);
        let mut content = column![].spacing(Gap::M);
        match &self.outcome {
            None => {}
            Some(Outcome::Done(words)) => content = content.push(success(words.clone())),
            Some(Outcome::Failed(Error::Device(DeviceError::Declined))) => {
                content = content.push(info("You declined on the device. Nothing was changed."));
            }
            Some(Outcome::Failed(error)) => content = content.push(error_notice(error)),
        }
        if let Some(dialog) = &self.dialog {
            content = content.push(dialog.view());
        }
        page("What unlocks the vault", actions, content.push(self.list()))
    }

    fn list(&self) -> Element<'_, Message> {
        let lines = self.slots.iter().map(line);
        let explained = help(
            "Losing a device loses nothing of the vault: the passphrase goes on opening it, and the recovery phrase brings back the keys that were made here.",
        );
        column![card(column(lines).spacing(Gap::M)), explained]
            .spacing(Gap::M)
            .into()
    }
}

fn add_words(seen: &Seen) -> String {
    match seen {
        Seen::Open { kind, info: Ok(_), .. } => format!("Add this {kind}"),
        _ => "Add a device".to_owned(),
    }
}

fn line(slot: &SlotInfo) -> Element<'_, Message> {
    match slot {
        SlotInfo::Passphrase => {
            let change = text_button("Change").on_press(Message::ChangePassphrase);
            named(
                strong("Passphrase").into(),
                change.into(),
                body("Opens the vault always; it can be changed, not removed.").into(),
            )
        }
        SlotInfo::Device(info) => {
            let kind = unlock::kind(info.vendor).to_string();
            let name = row![strong(info.name.as_str()), badge(kind, Tone::Neutral)].spacing(Gap::S);
            let remove = text_button("Remove").on_press(Message::Remove(info.id()));
            let facts = row![
                mono(format!("wallet {}", info.wallet)).width(Length::Fill),
                help(format::date_time(info.created))
            ]
            .spacing(Gap::S);
            named(name.into(), remove.into(), facts.into())
        }
        SlotInfo::Unknown { kind } => named(
            strong(format!("Of kind {kind}")).into(),
            Row::new().into(),
            body("Made by another version of this program; kept as it is.").into(),
        ),
    }
}

fn named<'a>(
    name: Element<'a, Message>,
    action: Element<'a, Message>,
    facts: Element<'a, Message>,
) -> Element<'a, Message> {
    let head = row![name, space().width(Length::Fill), action]
        .spacing(Gap::S)
        .align_y(iced::Center);
    column![head, facts].spacing(2).into()
}

/// Runs a change of the vault off the window's thread.
fn change(
    vault: Arc<Vault>,
    edit: impl FnOnce(&Vault) -> Result<String, VaultError> + Send + 'static,
) -> Task<Message> {
    blocking(move || edit(&vault), Message::Changed)
}
