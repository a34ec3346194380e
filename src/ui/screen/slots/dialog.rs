//! What is asked before a device is added or removed, or the passphrase changed; and what to do on the device.

use std::sync::Arc;

use iced::widget::{column, row};
use iced::{Element, Task, task};

use super::{Message, change};
use crate::flow::{Ports, unlock};
use crate::hw::Kind;
use crate::store::keys::check_label;
use crate::store::vault::{DeviceSlotInfo, Vault, VaultError};
use crate::ui::screen::vault::{LEAST, asking};
use crate::ui::theme::Gap;
use crate::ui::widget::{
    Field, SecretField, body, danger_button, help, input, muted, panel, primary_button, secondary_button, secret_input,
    warning,
};

pub(super) enum Dialog {
    Add {
        kind: Kind,
        name: Field<String>,
    },
    /// The device is asked.
    Asking {
        kind: Kind,
        name: String,
        step: Option<unlock::Step>,
        _task: task::Handle,
    },
    /// The passphrase is asked: its slot has to be wrapped again, and an unlocked screen is not enough.
    Remove {
        slot: DeviceSlotInfo,
        passphrase: SecretField,
        running: Option<task::Handle>,
    },
    Passphrase {
        old: SecretField,
        new: SecretField,
        again: SecretField,
        running: Option<task::Handle>,
    },
}

impl Dialog {
    pub fn add(kind: Kind) -> Self {
        Self::named(kind, format!("My {kind}"))
    }

    fn named(kind: Kind, name: String) -> Self {
        Self::Add {
            kind,
            name: Field::with(name.clone(), name),
        }
    }

    pub fn remove(slot: DeviceSlotInfo) -> Self {
        Self::Remove {
            slot,
            passphrase: SecretField::default(),
            running: None,
        }
    }

    pub fn passphrase() -> Self {
        Self::Passphrase {
            old: SecretField::default(),
            new: SecretField::default(),
            again: SecretField::default(),
            running: None,
        }
    }

    /// Id of the field that takes the focus.
    pub fn first_field(&self) -> &'static str {
        match self {
            Self::Add { .. } | Self::Asking { .. } => "slot-name",
            Self::Remove { .. } | Self::Passphrase { .. } => "slot-passphrase",
        }
    }

    pub fn is_asking(&self) -> bool {
        matches!(self, Self::Asking { .. })
    }

    /// Back to the name, after the device said no.
    pub fn asked_again(self) -> Self {
        match self {
            Self::Asking { kind, name, .. } => Self::named(kind, name),
            other => other,
        }
    }

    pub fn edit(&mut self, message: Message) {
        match (self, message) {
            (Self::Add { name, .. }, Message::NameEdited(text)) => name.edit(text, check_label),
            (Self::Asking { step, .. }, Message::Stepped(told)) => *step = Some(told),
            (Self::Remove { passphrase: field, .. }, Message::PassphraseEdited(text))
            | (Self::Passphrase { old: field, .. }, Message::PassphraseEdited(text))
            | (Self::Passphrase { new: field, .. }, Message::NewEdited(text))
            | (Self::Passphrase { again: field, .. }, Message::AgainEdited(text)) => field.edit(text),
            _ => {}
        }
    }

    /// The work, if everything is typed.
    pub fn submit(&mut self, ports: &Ports, vault: Arc<Vault>) -> Option<Task<Message>> {
        match self {
            Self::Add { kind, name } => {
                name.recheck(check_label);
                let (kind, name, device) = (*kind, name.value()?.clone(), ports.device.clone()?);
                let flow = unlock::enrol(device, Arc::clone(&ports.profile), vault, name.clone());
                let (task, handle) = Task::sip(flow, Message::Stepped, Message::Added).abortable();
                *self = Self::Asking {
                    kind,
                    name,
                    step: None,
                    _task: handle.abort_on_drop(),
                };
                Some(task)
            }
            Self::Remove {
                slot,
                passphrase,
                running: running @ None,
            } if !passphrase.is_empty() => {
                let (id, secret) = (slot.id(), passphrase.secret());
                let done = |removed: DeviceSlotInfo| format!("{} no longer opens the vault.", removed.name);
                Some(run(
                    running,
                    change(vault, move |vault| vault.remove_slot(&id, &secret).map(done)),
                ))
            }
            Self::Passphrase {
                old,
                new,
                again,
                running: running @ None,
            } => {
                if old.is_empty() || !is_new(new, again) {
                    return None;
                }
                let (old, new) = (old.secret(), new.secret());
                let done = |()| "The passphrase is changed.".to_owned();
                Some(run(
                    running,
                    change(vault, move |vault| vault.change_passphrase(&old, &new).map(done)),
                ))
            }
            _ => None,
        }
    }

    /// Puts an error where it belongs; gives it back where that is nowhere here.
    pub fn refuse(&mut self, error: VaultError) -> Option<VaultError> {
        let (Self::Remove {
            passphrase, running, ..
        }
        | Self::Passphrase {
            old: passphrase,
            running,
            ..
        }) = self
        else {
            return Some(error);
        };
        *running = None;
        if error != VaultError::WrongPassphrase {
            return Some(error);
        }
        passphrase.clear();
        passphrase.refuse("this is not the passphrase of the vault");
        None
    }

    pub fn view(&self) -> Element<'_, Message> {
        match self {
            Self::Add { kind, name } => adding(*kind, name),
            Self::Asking { step, .. } => asking(step.as_ref(), Message::Cancel),
            Self::Remove {
                slot,
                passphrase,
                running,
            } => removing(slot, passphrase, running.is_some()),
            Self::Passphrase {
                old,
                new,
                again,
                running,
            } => changing([old, new, again], running.is_some()),
        }
    }
}

/// Refuses a new passphrase where it is typed.
fn is_new(new: &mut SecretField, again: &mut SecretField) -> bool {
    if new.text().chars().count() < LEAST {
        new.refuse(format!("use at least {LEAST} characters"));
        return false;
    }
    if new.text() != again.text() {
        again.refuse("the two passphrases differ");
        return false;
    }
    true
}

fn run(running: &mut Option<task::Handle>, task: Task<Message>) -> Task<Message> {
    let (task, handle) = task.abortable();
    *running = Some(handle.abort_on_drop());
    task
}

fn adding(kind: Kind, name: &Field<String>) -> Element<'_, Message> {
    let asks = match kind {
        Kind::Ledger => {
            "The Ledger asks twice now, and once each time it opens the vault: it signs a text that is made for this vault alone, and shows the hash of it."
        }
        Kind::Trezor => {
            "The Trezor asks once now, and once each time it opens the vault: it deciphers a value that is made for this vault alone, and shows the vault's name."
        }
    };
    let ready = name.value().map(|_| Message::Submit);
    let field = input("Name", name, Message::NameEdited)
        .help("What you call the device.")
        .id("slot-name")
        .on_submit_maybe(ready.clone());
    let lines = column![
        body(format!(
            "With this {kind} connected and unlocked, a confirmation on it opens the vault instead of the passphrase."
        )),
        help(asks),
        warning(
            "Who has the device, its PIN and a copy of the vault's file can open it. A passphrase wallet of the device guards against that."
        ),
        field,
        buttons(primary_button("Add the device").on_press_maybe(ready).into()),
    ];
    panel(format!("Add this {kind}"), lines.spacing(Gap::S)).into()
}

fn removing<'a>(slot: &'a DeviceSlotInfo, passphrase: &'a SecretField, running: bool) -> Element<'a, Message> {
    let ready = (!passphrase.is_empty() && !running).then_some(Message::Submit);
    let field = secret_input("Passphrase of the vault", passphrase, Message::PassphraseEdited)
        .help("Needed because the vault is encrypted anew.")
        .id("slot-passphrase")
        .on_submit_maybe(ready.clone());
    let lines = column![
        body(format!("{} will no longer open this vault.", slot.name)),
        warning(
            "Copies of the file made before today can still be opened by it. If it is in other hands, move what the vault's keys control."
        ),
        field,
        buttons(danger_button("Remove the device").on_press_maybe(ready).into()),
        working(running),
    ];
    panel(format!("Remove {}", slot.name), lines.spacing(Gap::S)).into()
}

fn changing<'a>([old, new, again]: [&'a SecretField; 3], running: bool) -> Element<'a, Message> {
    let typed = !old.is_empty() && !new.is_empty() && !again.is_empty();
    let ready = (typed && !running).then_some(Message::Submit);
    let lines = column![
        secret_input("Passphrase now", old, Message::PassphraseEdited).id("slot-passphrase"),
        secret_input("New passphrase", new, Message::NewEdited)
            .help(format!(
                "At least {LEAST} characters; several unrelated words are best."
            ))
            .id("slot-new"),
        secret_input("New passphrase again", again, Message::AgainEdited)
            .id("slot-again")
            .on_submit_maybe(ready.clone()),
        help("Devices open the vault as before."),
        buttons(primary_button("Change the passphrase").on_press_maybe(ready).into()),
        working(running),
    ];
    panel("Another passphrase", lines.spacing(Gap::S)).into()
}

fn buttons(go: Element<'_, Message>) -> Element<'_, Message> {
    row![secondary_button("Cancel").on_press(Message::Cancel), go]
        .spacing(Gap::S)
        .into()
}

fn working<'a>(running: bool) -> Element<'a, Message> {
    if running {
        muted("Working: stretching the passphrase takes about a second.").into()
    } else {
        iced::widget::space().into()
    }
}
