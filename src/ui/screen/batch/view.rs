//! The page: form, review, progress and result, with their buttons.

use iced::widget::{Column, column, container, row, space};
use iced::{Element, Length};

use super::review::{self, against, named};
use super::subject::Subject;
use super::table::{Line, LineState, Table};
use super::{Batch, Form, Message, PAGE, State, may_send};
use crate::flow::batch::{Failure, Left};
use crate::ui::advice::{Advice, sentence};
use crate::ui::format::{count, height, short_hash};
use crate::ui::screen::part::page_of;
use crate::ui::theme::{Gap, Size, Tone};
use crate::ui::widget::{
    badge, body, card, divider, error_notice, help, info, mono, muted, page_with_bar, primary_button, secondary_button,
    success, table_header, text_button, title, toned, warning,
};

const STATE: Length = Length::Fixed(92.0);
const BAR: f32 = 36.0;

pub(super) fn view(batch: &Batch) -> Element<'_, Message> {
    let (left, right) = buttons(batch);
    let head = column![title(batch.subject.what.name()), muted(subtitle(batch))].spacing(Gap::XS);
    // As high as its buttons, also while there are none.
    let bar = row![space().height(BAR), container(left).width(Length::Fill), right].align_y(iced::Center);
    page_with_bar(head, PAGE, content(batch), bar)
}

fn subtitle(batch: &Batch) -> String {
    let names: Vec<&str> = batch.subject.chosen.iter().map(|each| each.name.as_str()).collect();
    let selected = count(names.len(), "masternode is selected", "masternodes are selected");
    // Of a long list the beginning is enough: the review has them all.
    let shown = names.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    let more = if names.len() > 8 { ", …" } else { "" };
    format!("{selected}: {shown}{more}")
}

fn content(batch: &Batch) -> Element<'_, Message> {
    match &batch.state {
        State::Editing => form(batch),
        State::Preparing { .. } => muted("Reading the chain and making the plans. Nothing is signed yet.").into(),
        State::Refused(error) => page_of(
            column![
                error_notice(error),
                muted("Nothing was signed and nothing was sent. What you have filled in is kept.")
            ]
            .spacing(Gap::M),
        ),
        State::Reviewing(plans) => review::view(batch, plans),
        State::Running { table, .. } => {
            let words = format!(
                "{} You can look at other pages meanwhile; what is sent cannot be called back.",
                table.summary()
            );
            column![info(words), lines(batch, table)].spacing(Gap::M).into()
        }
        State::Replanning { table, .. } => column![info("Planning anew what failed."), lines(batch, table)]
            .spacing(Gap::M)
            .into(),
        State::Finished(table) => column![result(table), lines(batch, table)].spacing(Gap::M).into(),
    }
}

fn form(batch: &Batch) -> Element<'_, Message> {
    let look = batch.look();
    let mut parts = column![].spacing(Gap::L);
    if batch.fee.is_funding() {
        return page_of(parts.push(batch.fee.view(&look).map(Message::Fee)));
    }
    if let Some(words) = keyless(batch) {
        parts = parts.push(info(words));
    }
    parts = parts.push(match &batch.form {
        Form::Payout(form) => form.view(&look).map(Message::Payout),
        Form::Voting(form) => form.view(&look).map(Message::Voting),
        Form::Services(form) => form.view().map(Message::Services),
    });
    page_of(parts.push(batch.fee.view(&look).map(Message::Fee)))
}

/// Those among the selected whose key is not here.
fn keyless(batch: &Batch) -> Option<String> {
    let out: Vec<&str> = batch
        .subject
        .chosen
        .iter()
        .filter(|each| !each.signed_here)
        .map(|each| each.name.as_str())
        .collect();
    if out.is_empty() {
        return None;
    }
    let (keys, role) = (
        if out.len() == 1 { "key of" } else { "keys of" },
        batch.subject.what.role(),
    );
    Some(format!(
        "The {role} {keys} {} not in this vault: left out of what is sent.",
        match out[..] {
            [one] => format!("{one} is"),
            _ => format!("{} are", out.join(", ")),
        }
    ))
}

fn result(table: &Table) -> Element<'_, Message> {
    let failed = table.failed().len();
    if failed == 0 {
        return success(table.summary()).into();
    }
    warning(format!(
        "{} The others went on; what failed can be tried again by itself.",
        table.summary()
    ))
    .into()
}

fn lines<'a>(batch: &'a Batch, table: &'a Table) -> Element<'a, Message> {
    let header = table_header([("Masternode", review::NAME), ("State", STATE), ("", Length::Fill)]);
    let mut rows: Column<'a, Message> = column![header];
    for line in table.lines() {
        rows = rows.push(divider()).push(line_view(&batch.subject, line));
    }
    card(rows).padding(0).into()
}

fn line_view<'a>(subject: &Subject, line: &'a Line) -> Element<'a, Message> {
    let (word, tone) = word(&line.state);
    let content = row![
        named(line.name.clone(), &line.pro_tx_hash.to_string()),
        container(badge(word, tone)).width(STATE),
        container(detail(subject, line)).width(Length::Fill)
    ]
    .spacing(Gap::M)
    .align_y(iced::Center);
    container(content).padding([Gap::S + 2.0, Gap::M]).into()
}

fn word(state: &LineState) -> (String, Tone) {
    let (word, tone) = match state {
        LineState::LeftOut(_) => ("Left out", Tone::Neutral),
        LineState::Waiting | LineState::Held => ("Waiting", Tone::Neutral),
        LineState::Working => ("Signing", Tone::Info),
        LineState::Signed => ("Signed", Tone::Info),
        LineState::Sent { .. } => ("Sent", Tone::Info),
        LineState::Done { .. } => ("In a block", Tone::Good),
        LineState::Failed(_) => ("Failed", Tone::Bad),
    };
    (word.to_owned(), tone)
}

fn detail<'a>(subject: &Subject, line: &'a Line) -> Element<'a, Message> {
    let tx = |txid: &crate::protocol::Txid| -> [Element<'a, Message>; 2] {
        let full = txid.to_string();
        let short = mono(short_hash(&full)).size(Size::SMALL);
        [short.into(), text_button("Copy").on_press(Message::Copy(full)).into()]
    };
    match &line.state {
        LineState::LeftOut(error) => muted(sentence(&against(error, subject))).into(),
        LineState::Waiting | LineState::Working | LineState::Signed => help("").into(),
        LineState::Held => help("For the next block: nodes keep no more unconfirmed transactions in a row.").into(),
        LineState::Sent { txid } => in_line(tx(txid)),
        LineState::Done { txid, height: at } => {
            let block: Element<'a, Message> = body(format!("Block {}", height(*at))).into();
            let open = text_button("Open").on_press(Message::Open(line.pro_tx_hash)).into();
            in_line([block].into_iter().chain(tx(txid)).chain([open]))
        }
        LineState::Failed(failure) => failed(failure),
    }
}

/// Side by side, below one another where there is no room.
fn in_line<'a>(parts: impl IntoIterator<Item = Element<'a, Message>>) -> Element<'a, Message> {
    row(parts)
        .spacing(Gap::S)
        .align_y(iced::Center)
        .wrap()
        .vertical_spacing(0)
        .into()
}

fn failed(Failure { error, left }: &Failure) -> Element<'_, Message> {
    let mut words = column![toned(sentence(error), Tone::Bad)].spacing(2);
    words = match left {
        Left::Sent { .. } => words.push(help(
            "A node may have it. Retrying looks for it and sends the same transaction: it cannot happen twice.",
        )),
        Left::Unsent { .. } | Left::Nothing => words.push(help(error.advice().unwrap_or_default())),
    };
    words.into()
}

/// Left and right end of the bar.
fn buttons(batch: &Batch) -> (Element<'_, Message>, Element<'_, Message>) {
    let cancel = || secondary_button("Cancel").on_press(Message::Cancel);
    let back = || secondary_button("Back").on_press(Message::Back);
    match &batch.state {
        State::Editing => {
            let ready = batch.request().is_some() && batch.fee.chosen_source().is_some() && !batch.fee.is_funding();
            let review = primary_button("Review").on_press_maybe(ready.then_some(Message::Submit));
            (cancel().into(), review.into())
        }
        State::Preparing { .. } | State::Refused(_) => (cancel().into(), back().into()),
        State::Reviewing(plans) => {
            let all = format!("Sign and send all ({})", plans.ready().len());
            let send = primary_button(all).on_press_maybe(may_send(plans).then_some(Message::Submit));
            (cancel().into(), row![back(), send].spacing(Gap::S).into())
        }
        State::Running { .. } | State::Replanning { .. } => (row![].into(), row![].into()),
        State::Finished(table) => {
            let failed = table.failed().len();
            if failed == 0 {
                return (row![].into(), primary_button("Done").on_press(Message::Submit).into());
            }
            let retry = primary_button(format!("Retry failed ({failed})")).on_press(Message::Retry);
            let done = secondary_button("Done").on_press(Message::Submit);
            (row![].into(), row![done, retry].spacing(Gap::S).into())
        }
    }
}
