//! What is asked before the vault is changed or a private key leaves it.

use std::sync::Arc;

use iced::widget::{column, row};
use iced::{Element, Task};

use super::{Message, change, kind_name, purpose};
use crate::flow;
use crate::protocol::Profile;
use crate::store::keys::{Kind, check_label};
use crate::store::vault::{Vault, VaultError};
use crate::ui::theme::Gap;
use crate::ui::widget::{
    Field, SecretField, SecretText, body, danger_button, help, input, mono, muted, panel, primary_button,
    secondary_button, secret_input, segments, text_button, warning,
};
use crate::ui::work::blocking;

pub(super) enum Dialog {
    Generate {
        kind: Kind,
        label: Field<String>,
    },
    Import {
        kind: Kind,
        label: Field<String>,
        secret: SecretField,
    },
    Rename {
        label: String,
        new: Field<String>,
    },
    /// The passphrase is asked again: an unlocked screen is not enough.
    Export {
        label: String,
        passphrase: SecretField,
    },
    Exported {
        label: String,
        secret: SecretText,
    },
    /// The label has to be typed.
    Remove {
        label: String,
        typed: Field<String>,
    },
}

impl Dialog {
    pub fn generate() -> Self {
        Self::Generate {
            kind: Kind::Owner,
            label: Field::default(),
        }
    }

    pub fn import() -> Self {
        Self::Import {
            kind: Kind::Owner,
            label: Field::default(),
            secret: SecretField::default(),
        }
    }

    pub fn rename(label: String) -> Self {
        Self::Rename {
            new: Field::with(label.clone(), label.clone()),
            label,
        }
    }

    pub fn export(label: String) -> Self {
        Self::Export {
            label,
            passphrase: SecretField::default(),
        }
    }

    pub fn remove(label: String) -> Self {
        Self::Remove {
            label,
            typed: Field::default(),
        }
    }

    /// Id of the field that takes the focus.
    pub fn first_field(&self) -> &'static str {
        match self {
            Self::Export { .. } | Self::Exported { .. } => "key-passphrase",
            _ => "key-label",
        }
    }

    pub fn edit(&mut self, message: Message) {
        match (self, message) {
            (Self::Generate { kind, .. } | Self::Import { kind, .. }, Message::KindChosen(chosen)) => *kind = chosen,
            (
                Self::Generate { label: field, .. }
                | Self::Import { label: field, .. }
                | Self::Rename { new: field, .. },
                Message::LabelEdited(text),
            ) => field.edit(text, check_label),
            (Self::Remove { label, typed }, Message::LabelEdited(text)) => {
                typed.edit(text, |text| {
                    if text == label {
                        Ok(text.to_owned())
                    } else {
                        Err("type the key's label")
                    }
                });
            }
            (Self::Import { secret, .. }, Message::SecretEdited(text)) => secret.edit(text),
            (Self::Export { passphrase, .. }, Message::SecretEdited(text)) => passphrase.edit(text),
            _ => {}
        }
    }

    /// The work, if everything is typed.
    pub fn submit(&mut self, vault: Arc<Vault>, profile: Arc<Profile>) -> Option<Task<Message>> {
        let now = flow::now();
        match self {
            Self::Generate { kind, label } => {
                label.recheck(check_label);
                let (kind, label) = (*kind, label.value()?.clone());
                Some(change(vault, move |vault| {
                    vault.generate(kind, &label, &profile, now).map(drop)
                }))
            }
            Self::Import { kind, label, secret } => {
                label.recheck(check_label);
                let (kind, label, secret) = (*kind, label.value()?.clone(), secret.secret());
                Some(change(vault, move |vault| {
                    vault.import(kind, &label, &profile, &secret, now).map(drop)
                }))
            }
            Self::Rename { label, new } => {
                let (label, new) = (label.clone(), new.value()?.clone());
                Some(change(vault, move |vault| vault.rename(&label, &new)))
            }
            Self::Remove { label, typed } => {
                typed.value()?;
                let label = label.clone();
                Some(change(vault, move |vault| vault.remove(&label).map(drop)))
            }
            Self::Export { label, passphrase } if !passphrase.is_empty() => {
                let (label, passphrase) = (label.clone(), passphrase.secret());
                let export = move || {
                    // The file is asked, not the open vault: only the passphrase of now counts.
                    Vault::open(vault.path(), &passphrase)?;
                    vault.export(&label).map(SecretText::from)
                };
                Some(blocking(export, Message::Exported))
            }
            Self::Export { .. } | Self::Exported { .. } => None,
        }
    }

    /// Puts an error to the field it belongs to; gives it back where it belongs to none.
    pub fn refuse(&mut self, error: VaultError) -> Option<VaultError> {
        match (self, error) {
            (Self::Export { passphrase, .. }, VaultError::WrongPassphrase) => {
                passphrase.clear();
                passphrase.refuse("this is not the passphrase of the vault");
            }
            (Self::Import { secret, .. }, VaultError::Import(error)) => secret.refuse(error),
            (Self::Import { secret, .. }, error @ VaultError::Duplicate { .. }) => secret.refuse(error),
            (
                Self::Generate { label, .. } | Self::Import { label, .. } | Self::Rename { new: label, .. },
                error @ (VaultError::Label(_) | VaultError::LabelTaken { .. }),
            ) => label.refuse(error),
            (_, error) => return Some(error),
        }
        None
    }

    pub fn show(&mut self, secret: SecretText) {
        if let Self::Export { label, .. } = self {
            *self = Self::Exported {
                label: std::mem::take(label),
                secret,
            };
        }
    }

    pub fn shown(&self) -> Option<&SecretText> {
        match self {
            Self::Exported { secret, .. } => Some(secret),
            _ => None,
        }
    }

    pub fn view(&self, busy: bool) -> Element<'_, Message> {
        let submit = (!busy).then_some(Message::Submit);
        match self {
            Self::Generate { kind, label } => {
                let fields = column![
                    kinds(*kind),
                    label_input(label),
                    help("The key is derived from your recovery phrase, so the words bring it back.")
                ];
                framed("Make a key", fields, primary_button("Make").on_press_maybe(submit))
            }
            Self::Import { kind, label, secret } => {
                let fields = column![
                    kinds(*kind),
                    label_input(label),
                    secret_input("Private key", secret, Message::SecretEdited)
                        .help(import_help(*kind))
                        .id("key-secret")
                        .on_submit(Message::Submit),
                    help("Your recovery phrase does not bring an imported key back: keep a copy of it.")
                ];
                framed("Import a key", fields, primary_button("Import").on_press_maybe(submit))
            }
            Self::Rename { label, new } => {
                let fields = column![body(format!("Label of {label}")), label_input(new)];
                framed("Rename a key", fields, primary_button("Rename").on_press_maybe(submit))
            }
            Self::Export { label, passphrase } => {
                let submit = submit.filter(|_| !passphrase.is_empty());
                let fields = column![
                    warning(format!(
                        "Whoever sees the private key of {label} can use it. Export it only to put it where it is needed, such as the operator's server."
                    )),
                    secret_input("Passphrase of the vault", passphrase, Message::SecretEdited)
                        .id("key-passphrase")
                        .on_submit(Message::Submit)
                ];
                framed(
                    "Export a private key",
                    fields,
                    danger_button("Show the private key").on_press_maybe(submit),
                )
            }
            Self::Exported { label, secret } => {
                let fields = column![
                    body(format!("Private key of {label}")),
                    row![
                        mono(secret.as_str()).width(iced::Fill),
                        text_button("Copy").on_press(Message::CopySecret)
                    ],
                    help("A copied key stays in the clipboard until something else is copied.")
                ];
                let close = secondary_button("Close").on_press(Message::Cancel);
                panel("Exported", fields.push(close).spacing(Gap::S)).into()
            }
            Self::Remove { label, typed } => {
                let submit = submit.filter(|_| typed.value().is_some());
                let fields = column![
                    warning(
                        "A removed key that was imported is lost unless you have it elsewhere. A key of the phrase can be made again from the words."
                    ),
                    input("Type the label to confirm", typed, Message::LabelEdited)
                        .help(label.as_str())
                        .id("key-label")
                        .on_submit(Message::Submit)
                ];
                framed("Remove a key", fields, danger_button("Remove").on_press_maybe(submit))
            }
        }
    }
}

fn framed<'a>(
    name: &'static str,
    fields: iced::widget::Column<'a, Message>,
    submit: iced::widget::Button<'a, Message>,
) -> Element<'a, Message> {
    let buttons = row![secondary_button("Cancel").on_press(Message::Cancel), submit].spacing(Gap::S);
    panel(name, fields.push(buttons).spacing(Gap::S)).into()
}

fn kinds<'a>(chosen: Kind) -> Element<'a, Message> {
    let names = Kind::ALL.map(|kind| (kind, kind_name(kind).to_owned()));
    column![
        segments(names, chosen, Message::KindChosen),
        muted(format!("{} keys {}.", kind_name(chosen), purpose(chosen)))
    ]
    .spacing(Gap::S)
    .into()
}

fn label_input(label: &Field<String>) -> Element<'_, Message> {
    input("Label", label, Message::LabelEdited)
        .help("A name for you, such as mn1-owner.")
        .id("key-label")
        .on_submit(Message::Submit)
        .into()
}

fn import_help(kind: Kind) -> &'static str {
    match kind {
        Kind::Owner | Kind::Voting | Kind::Fee => "As WIF or 64 hex digits.",
        Kind::Operator => "64 hex digits, as `bls generate` prints the secret.",
        Kind::Platform => "Base64 of node_key.json, or its hex digits.",
    }
}
