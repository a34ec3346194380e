//! The keys in the vault: make, import, name, export, remove. Only public parts are shown; a private key leaves by export.

mod dialog;

use std::sync::Arc;

use iced::widget::{Row, column, row, space};
use iced::{Element, Length, Task, task};

use self::dialog::Dialog;
use crate::flow::{self, Ports};
use crate::protocol::Profile;
use crate::store::keys::{KeyInfo, Kind, Origin, Public};
use crate::store::vault::{Vault, VaultError};
use crate::ui::format;
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{
    SecretText, badge, card, error_notice, heading, help, mono, muted, page, primary_button, secondary_button, strong,
    text_button,
};
use crate::ui::work::blocking;

pub struct Keys {
    vault: Arc<Vault>,
    profile: Arc<Profile>,
    keys: Vec<KeyInfo>,
    dialog: Option<Dialog>,
    /// What is being written to the vault.
    running: Option<task::Handle>,
    error: Option<VaultError>,
}

#[derive(Debug, Clone)]
pub enum Message {
    Generate,
    Import,
    Rename(String),
    Export(String),
    Remove(String),
    KindChosen(Kind),
    LabelEdited(String),
    SecretEdited(SecretText),
    Submit,
    Cancel,
    /// The vault was changed; the list is read again.
    Changed(Result<(), VaultError>),
    Exported(Result<SecretText, VaultError>),
    Copy(String),
    CopySecret,
    /// To what unlocks the vault.
    Slots,
}

pub enum Action {
    None,
    Run(Task<Message>),
    Slots,
}

impl Keys {
    /// # Errors
    /// [`flow::Error::VaultLocked`]: the vault's own screen comes first.
    pub fn new(ports: &Ports) -> Result<Self, flow::Error> {
        let vault = Arc::clone(ports.vault()?);
        let keys = vault.list();
        let profile = Arc::clone(&ports.profile);
        Ok(Self {
            vault,
            profile,
            keys,
            dialog: None,
            running: None,
            error: None,
        })
    }

    pub fn update(&mut self, message: Message) -> Action {
        match message {
            Message::Generate => return self.open(Dialog::generate()),
            Message::Import => return self.open(Dialog::import()),
            Message::Rename(label) => return self.open(Dialog::rename(label)),
            Message::Export(label) => return self.open(Dialog::export(label)),
            Message::Remove(label) => return self.open(Dialog::remove(label)),
            Message::KindChosen(_) | Message::LabelEdited(_) | Message::SecretEdited(_) => {
                if let Some(dialog) = &mut self.dialog {
                    dialog.edit(message);
                }
            }
            Message::Submit => return self.submit(),
            Message::Cancel => self.close(),
            Message::Changed(result) => self.changed(result),
            Message::Exported(result) => self.exported(result),
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
            Message::CopySecret => return self.copy_secret(),
            Message::Slots => return Action::Slots,
        }
        Action::None
    }

    fn open(&mut self, dialog: Dialog) -> Action {
        self.close();
        let focus = dialog.first_field();
        self.dialog = Some(dialog);
        Action::Run(iced::widget::operation::focus(focus))
    }

    fn close(&mut self) {
        self.dialog = None;
        self.running = None;
        self.error = None;
    }

    fn submit(&mut self) -> Action {
        let Some(dialog) = self.dialog.as_mut().filter(|_| self.running.is_none()) else {
            return Action::None;
        };
        let vault = Arc::clone(&self.vault);
        let profile = Arc::clone(&self.profile);
        let Some(task) = dialog.submit(vault, profile) else {
            return Action::None;
        };
        let (task, handle) = task.abortable();
        self.running = Some(handle.abort_on_drop());
        self.error = None;
        Action::Run(task)
    }

    fn changed(&mut self, result: Result<(), VaultError>) {
        self.running = None;
        match result {
            Ok(()) => {
                self.close();
                self.keys = self.vault.list();
            }
            Err(error) => {
                self.error = self
                    .dialog
                    .as_mut()
                    .map_or(Some(error.clone()), |dialog| dialog.refuse(error))
            }
        }
    }

    fn exported(&mut self, result: Result<SecretText, VaultError>) {
        self.running = None;
        match (&mut self.dialog, result) {
            (Some(dialog), Ok(secret)) => dialog.show(secret),
            (Some(dialog), Err(error)) => self.error = dialog.refuse(error),
            (None, _) => {}
        }
    }

    fn copy_secret(&self) -> Action {
        match self.dialog.as_ref().and_then(Dialog::shown) {
            Some(secret) => Action::Run(iced::clipboard::write(secret.as_str().to_owned())),
            None => Action::None,
        }
    }

    /// True while Esc closes something here.
    pub fn has_dialog(&self) -> bool {
        self.dialog.is_some()
    }

    pub fn view(&self) -> Element<'_, Message> {
        let actions = row![
            text_button("Passphrase and devices").on_press(Message::Slots),
            secondary_button("Import a key").on_press(Message::Import),
            primary_button("Make a key").on_press(Message::Generate)
        ]
        .spacing(Gap::S)
        .align_y(iced::Center);
        let mut content = column![].spacing(Gap::M);
        if let Some(error) = &self.error {
            content = content.push(error_notice(error));
        }
        if let Some(dialog) = &self.dialog {
            content = content.push(dialog.view(self.running.is_some()));
        }
        page("Keys", actions, content.push(self.list()))
    }

    fn list(&self) -> Element<'_, Message> {
        let here: Vec<&KeyInfo> = self
            .keys
            .iter()
            .filter(|key| key.network.name == self.profile.name)
            .collect();
        let elsewhere = self.keys.len() - here.len();
        let mut content = column![].spacing(Gap::M);
        if here.is_empty() {
            content = content.push(card(muted(format!(
                "There are no keys of {} yet. The Register wizard makes those it needs; here you can make or import them beforehand.",
                self.profile.name
            ))));
        }
        for kind in Kind::ALL {
            let keys: Vec<&KeyInfo> = here.iter().copied().filter(|key| key.kind == kind).collect();
            if !keys.is_empty() {
                content = content.push(group(kind, keys));
            }
        }
        if elsewhere > 0 {
            let keys = format::count(elsewhere, "key", "keys");
            content = content.push(help(format!(
                "{keys} of other networks are in this vault too; connect to those networks to see them."
            )));
        }
        content.into()
    }
}

/// What a kind of key is for.
pub fn purpose(kind: Kind) -> &'static str {
    match kind {
        Kind::Owner => "sign changes of a masternode's operator, voting key and payout",
        Kind::Voting => "vote on proposals",
        Kind::Operator => "run the masternode; also set on its server",
        Kind::Fee => "hold a little money that pays for transactions",
        Kind::Platform => "identify an evonode on Platform",
    }
}

pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Owner => "Owner",
        Kind::Voting => "Voting",
        Kind::Operator => "Operator",
        Kind::Fee => "Fee",
        Kind::Platform => "Platform",
    }
}

fn group<'a>(kind: Kind, keys: Vec<&'a KeyInfo>) -> Element<'a, Message> {
    let head = row![heading(format!("{} keys", kind_name(kind))), muted(purpose(kind))]
        .spacing(Gap::S)
        .align_y(iced::Bottom);
    let lines = keys.into_iter().map(line);
    card(column![head].extend(lines).spacing(Gap::M)).into()
}

fn line(key: &KeyInfo) -> Element<'_, Message> {
    let label = || key.label.clone();
    let public = key.public.to_string();
    let origin = match &key.origin {
        Origin::Derived { path, .. } => badge(format!("phrase {path}"), Tone::Neutral),
        Origin::Imported => badge("imported", Tone::Info),
    };
    let shown = match key.public {
        Public::Bls(_) => format::shorten(&public, 24, 12),
        _ => public.clone(),
    };
    let actions: [(&str, Message); 4] = [
        ("Copy", Message::Copy(public)),
        ("Rename", Message::Rename(label())),
        ("Export", Message::Export(label())),
        ("Remove", Message::Remove(label())),
    ];
    let buttons = actions.map(|(name, message)| text_button(name).on_press(message).into());
    column![
        row![
            strong(key.label.as_str()),
            origin,
            space().width(Length::Fill),
            Row::with_children(buttons)
        ]
        .spacing(Gap::S)
        .align_y(iced::Center),
        row![mono(shown).width(Length::Fill), help(format::date_time(key.created))].spacing(Gap::S)
    ]
    .spacing(2)
    .into()
}

/// Runs a change of the vault off the window's thread.
fn change(vault: Arc<Vault>, edit: impl FnOnce(&Vault) -> Result<(), VaultError> + Send + 'static) -> Task<Message> {
    blocking(move || edit(&vault), Message::Changed)
}
