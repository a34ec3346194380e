//! All masternodes in one table before anything is signed: what changes, what follows, what it costs, what stands against it.

use iced::widget::{Column, column, container, row};
use iced::{Element, Length};

use super::subject::Subject;
use super::{Batch, Message};
use crate::flow::Error;
use crate::flow::batch::{Item, Plans};
use crate::flow::update::{Consequence, Field, FieldName, Plan};
use crate::protocol::Profile;
use crate::ui::advice::sentence;
use crate::ui::format::{amount, count, short_hash};
use crate::ui::theme::{Gap, Size, Tone};
use crate::ui::widget::{
    body, card, divider, error_notice, fact, help, mono, muted, panel, problem, strong, success, table_header, toned,
    warning,
};

pub(super) const NAME: Length = Length::Fixed(120.0);
const FEE: Length = Length::Fixed(104.0);

pub(super) fn view<'a>(batch: &'a Batch, plans: &'a Plans) -> Element<'a, Message> {
    column![notices(batch, plans), fees(batch, plans), table(batch, plans)]
        .spacing(Gap::M)
        .into()
}

fn notices<'a>(batch: &'a Batch, plans: &'a Plans) -> Element<'a, Message> {
    let ready = plans.ready().len();
    let out = plans.items.len() - ready;
    let mut parts = column![].spacing(Gap::S);
    if let Some(short) = &plans.short {
        parts = parts.push(error_notice(short));
    }
    if ready == 0 {
        parts = parts.push(problem("None of them can be sent from here."));
    } else if out == 0 && plans.affordable() {
        parts = parts.push(success(
            "Every rule that can be checked before signing holds for all of them. Nothing has been signed or sent yet.",
        ));
    }
    if ready > 0 && out > 0 {
        let names: Vec<String> = left_out(plans)
            .map(|item| batch.subject.name(item.pro_tx_hash()))
            .collect();
        let words = format!(
            "{}: {}.",
            count(
                out,
                "masternode is left out and stays as it is",
                "masternodes are left out and stay as they are"
            ),
            names.join(", ")
        );
        parts = parts.push(warning(words));
    }
    parts.into()
}

fn left_out(plans: &Plans) -> impl Iterator<Item = &Item> {
    plans.items.iter().filter(|item| item.obstacle().is_some())
}

fn fees<'a>(batch: &'a Batch, plans: &'a Plans) -> Element<'a, Message> {
    let profile = &*batch.profile;
    let together = format!(
        "{} for {}",
        amount(plans.fees, profile),
        count(plans.ready().len(), "transaction", "transactions")
    );
    let mut facts = column![
        fact("Fees together", together),
        fact("Available", amount(plans.available, profile))
    ]
    .spacing(Gap::S);
    if plans.ready().len() > 1 {
        facts = facts.push(help(
            "Each transaction may spend the change of the one before. Nodes keep 25 of them in a row; then the next block is awaited.",
        ));
    }
    panel("Fees", facts).into()
}

fn table<'a>(batch: &'a Batch, plans: &'a Plans) -> Element<'a, Message> {
    let header = table_header([("Masternode", NAME), ("What changes", Length::Fill), ("Fee", FEE)]);
    let mut rows: Column<'a, Message> = column![header];
    for item in &plans.items {
        rows = rows.push(divider()).push(line(batch, item));
    }
    card(rows).padding(0).into()
}

fn line<'a>(batch: &'a Batch, item: &'a Item) -> Element<'a, Message> {
    let obstacle = item.obstacle();
    let mut what = column![].spacing(Gap::XS);
    let mut fee = String::new();
    if let Ok(plan) = &item.plan {
        if obstacle.is_none() {
            fee = amount(plan.review.fee, &batch.profile);
        }
        what = what.push(changes(plan));
        if obstacle.is_none() {
            what = what.push(follows(plan, &batch.profile));
        }
    }
    if let Some(error) = obstacle {
        let words = format!("Left out: {}", against(&error, &batch.subject));
        what = what.push(toned(words, Tone::Bad));
    }
    let line = row![
        name(&batch.subject, item),
        what.width(Length::Fill),
        body(fee).width(FEE)
    ]
    .spacing(Gap::M);
    container(line).padding([Gap::S + 2.0, Gap::M]).into()
}

fn name<'a>(subject: &Subject, item: &Item) -> Element<'a, Message> {
    let hash = item.pro_tx_hash();
    named(subject.name(hash), &hash.to_string())
}

/// A masternode's name and hash, as the first cell of a row.
pub(super) fn named<'a>(name: String, hash: &str) -> Element<'a, Message> {
    column![strong(name), mono(short_hash(hash)).size(Size::SMALL)]
        .spacing(2)
        .width(NAME)
        .into()
}

/// Fields that change: old, and under it new, in full.
fn changes<'a>(plan: &'a Plan) -> Element<'a, Message> {
    let changed: Vec<&Field> = plan.review.fields.iter().filter(|field| field.changes()).collect();
    if changed.is_empty() {
        return muted("Nothing changes.").into();
    }
    column(changed.into_iter().map(change)).spacing(Gap::S).into()
}

fn change<'a>(field: &'a Field) -> Element<'a, Message> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let value = |text: String| -> Element<'a, Message> {
        match field.name {
            FieldName::Status | FieldName::RevocationReason => body(text).into(),
            _ => mono(text).into(),
        }
    };
    column![
        help(field.name.label()),
        row![muted("from").width(36), value(text(&field.old))].spacing(Gap::S),
        row![muted("to").width(36), value(text(&field.new))].spacing(Gap::S)
    ]
    .spacing(2)
    .into()
}

/// What follows; what only says the new value again is left out.
fn follows<'a>(plan: &'a Plan, profile: &'a Profile) -> Element<'a, Message> {
    let all = plan.review.consequences.iter();
    let said = all.filter(|each| !matches!(each, Consequence::PaidTo { .. } | Consequence::VotesBy { .. }));
    let mut lines = column![].spacing(2);
    for each in said {
        let words = each.sentence(profile);
        lines = lines.push(if each.is_grave() {
            toned(words, Tone::Warning)
        } else {
            help(words)
        });
    }
    for each in &plan.review.warnings {
        lines = lines.push(toned(sentence(&each.sentence()), Tone::Warning));
    }
    lines.into()
}

/// Why it is left out, in the words of this page.
pub(super) fn against(error: &Error, subject: &Subject) -> String {
    match error {
        Error::SignatureElsewhere { role, .. } => {
            format!("its {role} is not in this vault. Change it alone, where that key is.")
        }
        Error::VaultLocked => format!("the vault with its {} key is locked.", subject.what.role()),
        other => sentence(other),
    }
}
