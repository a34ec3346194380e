//! The form of each operation, filled from the chain.

use iced::widget::column;
use iced::{Element, Task};

use super::service;
use super::signer::{self, Signer};
use super::subject::Subject;
use super::what::What;
use crate::flow::operation::Role;
use crate::flow::update::{Change, Registrar, Revocation};
use crate::protocol::Profile;
use crate::protocol::rules::Check;
use crate::protocol::special_tx::pro_up_rev::Reason;
use crate::store::KeyInfo;
use crate::ui::advice::sentence;
use crate::ui::screen::part::context::{Context, Look};
use crate::ui::screen::part::group;
use crate::ui::screen::part::operator::{self, Operator};
use crate::ui::screen::part::payout::{self, Payout};
use crate::ui::screen::part::voting::{self, Voting};
use crate::ui::theme::Gap;
use crate::ui::widget::{fact_mono, info, option, warning};

pub enum Form {
    Service(service::Form),
    Operator(Operator),
    Voting(Voting),
    Payout(Payout),
    Revoke { reason: Reason, signer: Signer },
}

#[derive(Debug, Clone)]
pub enum Message {
    Service(service::Message),
    Operator(operator::Message),
    Voting(voting::Message),
    Payout(payout::Message),
    ReasonChosen(Reason),
    Signer(signer::Message),
    Submit,
}

impl Form {
    pub fn new(what: What, subject: &Subject, profile: &Profile) -> Self {
        match what {
            What::Service | What::Revive => Self::Service(service::Form::new(subject)),
            What::OperatorKey => Self::Operator(Operator::default()),
            What::VotingKey => Self::Voting(Voting::default()),
            What::Payout => Self::Payout(match subject.entry.state.payout {
                Some(payout) => Payout::with(payout, profile),
                None => Payout::default(),
            }),
            What::Revoke => Self::Revoke {
                reason: Reason::NotSpecified,
                signer: Signer::new(subject),
            },
        }
    }

    pub fn update(&mut self, cx: &Context<'_>, subject: &Subject, message: Message) -> Task<Message> {
        match (self, message) {
            (Self::Service(form), Message::Service(message)) => form.update(cx.profile(), subject, message),
            (Self::Operator(form), Message::Operator(message)) => form.update(message),
            (Self::Voting(form), Message::Voting(message)) => form.update(cx, message),
            (Self::Payout(form), Message::Payout(message)) => return form.update(cx, message).map(from_payout),
            (Self::Revoke { reason, .. }, Message::ReasonChosen(chosen)) => *reason = chosen,
            (Self::Revoke { signer, .. }, Message::Signer(message)) => signer.update(subject, message),
            _ => {}
        }
        Task::none()
    }

    /// What a new reading of the fields' text says; errors of an older review are forgotten.
    pub fn recheck(&mut self, profile: &Profile) {
        match self {
            Self::Operator(form) => form.recheck(),
            Self::Voting(form) => form.recheck(profile),
            Self::Service(_) | Self::Payout(_) | Self::Revoke { .. } => {}
        }
    }

    /// The change, once every field is right.
    pub fn change(&self, keys: &[KeyInfo], subject: &Subject) -> Option<Change> {
        let registrar = Registrar::default();
        Some(match self {
            Self::Service(form) => Change::Service(form.change()?),
            Self::Operator(form) => Change::Registrar(Registrar {
                operator: Some(form.value(keys)?.0),
                ..registrar
            }),
            Self::Voting(form) => Change::Registrar(Registrar {
                voting: Some(form.value(keys, subject.entry.state.owner)?.0),
                ..registrar
            }),
            Self::Payout(form) => Change::Registrar(Registrar {
                payout: Some(form.value()?),
                ..registrar
            }),
            Self::Revoke { reason, signer } => Change::Revoke(Revocation {
                reason: *reason,
                operator: signer.value()?,
            }),
        })
    }

    /// A plan was signed or handed over: the keys made for it are used from now on, no new ones are made.
    pub fn settle(&mut self, keys: &[(&'static str, String)]) {
        for (role, label) in keys {
            match (&mut *self, *role) {
                (Self::Operator(form), "operator") => form.settle(label),
                (Self::Voting(form), "voting") => form.settle(label),
                _ => {}
            }
        }
    }

    /// Shows a broken rule where it can be mended; false if that is not here.
    pub fn refuse(&mut self, check: &Check) -> bool {
        let rule = check.rule;
        match self {
            Self::Service(form) => return form.refuse(check),
            Self::Operator(form) if rule.starts_with("operator-key") => form.refuse(&check.message),
            Self::Voting(form) if rule.contains("voting") => form.refuse(&check.message),
            Self::Voting(form) if rule == "collateral-key-apart" => form.refuse(&check.message),
            Self::Payout(form) if rule.starts_with("payout") => form.refuse(&check.message),
            _ => return false,
        }
        true
    }

    /// Where typing begins.
    pub fn first_field(&self) -> Option<&'static str> {
        match self {
            Self::Service(_) => Some("service"),
            Self::Payout(_) => Some("payout"),
            Self::Operator(_) | Self::Voting(_) | Self::Revoke { .. } => None,
        }
    }

    pub fn view<'a>(&'a self, look: &Look<'a>, subject: &'a Subject) -> Element<'a, Message> {
        let roles = &subject.roles;
        match self {
            Self::Service(form) => form.view(look, subject).map(|message| match message {
                service::Message::Submit => Message::Submit,
                message => Message::Service(message),
            }),
            Self::Operator(form) => {
                let form = form.view(look, roles.operator.as_deref()).map(|message| match message {
                    operator::Message::Submit => Message::Submit,
                    message => Message::Operator(message),
                });
                by_owner(form, now_operator(subject, look), look, subject)
            }
            Self::Voting(form) => {
                let form = form.view(look, roles.voting.as_deref()).map(|message| match message {
                    voting::Message::Submit => Message::Submit,
                    message => Message::Voting(message),
                });
                let now = subject.entry.state.voting.map(|id| id.address().to_text(look.profile));
                by_owner(form, now, look, subject)
            }
            Self::Payout(form) => {
                let now = subject.entry.state.payout.map(|address| address.to_text(look.profile));
                by_owner(form.view(look).map(from_payout), now, look, subject)
            }
            Self::Revoke { reason, signer } => revoke(*reason, signer, subject),
        }
    }
}

fn from_payout(message: payout::Message) -> Message {
    match message {
        payout::Message::Submit => Message::Submit,
        message => Message::Payout(message),
    }
}

fn now_operator(subject: &Subject, look: &Look<'_>) -> Option<String> {
    subject.operator().map(|key| key.to_hex(look.scheme()))
}

/// What the owner signs: what there is now, the form, and whose signature it takes.
fn by_owner<'a>(
    form: Element<'a, Message>,
    now: Option<String>,
    look: &Look<'a>,
    subject: &'a Subject,
) -> Element<'a, Message> {
    let mut parts = column![fact_mono("Now", now.unwrap_or_else(|| "none".to_owned())), form].spacing(Gap::L);
    parts = parts.push(match (&subject.roles.owner, subject.entry.state.owner) {
        (Some(label), _) => info(format!("Signed by the owner key in this vault: {label}.")),
        (None, owner) => {
            let owner = owner.map_or_else(String::new, |id| format!(" of {}", id.address().to_text(look.profile)));
            let role = Role::Owner;
            warning(format!(
                "The {role}{owner} is not in this vault. After the review you export the operation to a file, and who holds that key completes it."
            ))
        }
    });
    parts.into()
}

fn revoke<'a>(chosen: Reason, signer: &'a Signer, subject: &'a Subject) -> Element<'a, Message> {
    let reasons = Reason::ALL.map(|reason| {
        option(
            sentence(&reason.to_string()).trim_end_matches('.').to_owned(),
            line_of(reason),
            chosen == reason,
            Message::ReasonChosen(reason),
        )
    });
    let line = "It is written into the list for everybody to read; it has no other effect.";
    let signer = signer.view(subject).map(|message| match message {
        signer::Message::Submit => Message::Submit,
        message => Message::Signer(message),
    });
    column![
        warning("A revocation bans the masternode at once. Only its owner can name a new operator afterwards."),
        group("Reason", line, reasons.into_iter(), None),
        signer
    ]
    .spacing(Gap::L)
    .into()
}

fn line_of(reason: Reason) -> &'static str {
    match reason {
        Reason::NotSpecified => "You say nothing about it.",
        Reason::TerminationOfService => "You no longer run the server.",
        Reason::CompromisedKeys => "Somebody else may know the operator key.",
        Reason::ChangeOfKeys => "The operator key is to be replaced.",
    }
}
