//! What it is doing now, and what to mind.

use iced::widget::{column, row};
use iced::{Element, Length};

use super::super::Message;
use super::super::card::tone;
use super::super::words::{self, When};
use super::Shown;
use crate::flow;
use crate::flow::overview::Masternode;
use crate::flow::warning::Warning;
use crate::protocol::Profile;
use crate::ui::format;
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{
    badge, body, framed, hint, key_element, key_value, muted, pose_bar, strong, text_button, toned,
};

/// The gravest first, each with its next step.
pub(super) fn warnings<'a>(shown: &Shown<'a>) -> impl Iterator<Item = Element<'a, Message>> + use<'a> {
    let profile = shown.profile;
    shown.warnings.iter().map(move |warning| one(warning, profile))
}

pub(super) fn one<'a>(warning: &Warning, profile: &Profile) -> Element<'a, Message> {
    let tone = tone(warning.severity());
    let sign = if tone == Tone::Info { "●" } else { "⚠" };
    let mut lines = column![
        strong(warning.sentence(profile)).width(Length::Fill),
        body(warning.next_step()).width(Length::Fill)
    ]
    .spacing(Gap::XS);
    if matches!(warning, Warning::Unfinished { .. }) {
        lines = lines.push(text_button("Open the journal").on_press(Message::OpenJournal));
    }
    framed(row![toned(sign, tone), lines].spacing(Gap::S), tone).into()
}

pub(super) fn view<'a>(shown: &Shown<'a>) -> Element<'a, Message> {
    let masternode = shown.masternode;
    let entry = &masternode.entry;
    let (word, tone) = words::chip(masternode);
    let chip = row![badge(word, tone), muted(entry.status().as_text())]
        .spacing(Gap::S)
        .align_y(iced::Center);
    let mut pose = column![
        row![
            body(words::penalty(masternode)).width(Length::Fill),
            muted(format!(
                "danger line at {}",
                format::grouped(masternode.outlook.danger_line)
            ))
        ],
        pose_bar(&masternode.outlook, entry.is_banned())
    ]
    .spacing(2);
    if !entry.is_banned() {
        pose = pose.push(body(words::pose_sentence(masternode, shown.overview)));
    }
    let mut lines = column![
        key_element("Status", chip),
        key_value("Meaning", explanation(masternode)),
        key_element("PoSe penalty", pose),
        key_element("Next payment", payment(shown)),
        key_value("Last paid", words::capital(&words::last_paid(masternode))),
    ];
    if let Some(banned) = entry.state.pose_ban_height {
        lines = lines.push(key_value("Banned at", format::height(banned)));
    }
    if let Some(revived) = entry.state.pose_revived_height {
        lines = lines.push(key_value("Revived at", format::height(revived)));
    }
    lines
        .push(key_value("As of block", format::height(shown.overview.tip.height)))
        .spacing(Gap::S)
        .into()
}

fn payment<'a>(shown: &Shown<'a>) -> Element<'a, Message> {
    let masternode = shown.masternode;
    let Some(when) = When::of(masternode) else {
        return body("Not in the payment queue").into();
    };
    let wait = words::capital(&when.wait(flow::now()));
    let mut first = format!("{wait} ({})", when.day());
    if let Some(reward) = words::reward(masternode, shown.profile) {
        first = format!("{first}, about {reward}");
    }
    let block = format!("in block {}", format::height(when.height));
    let second = match words::place(masternode) {
        Some(place) => format!("{}, {block}", words::capital(&place)),
        None => words::capital(&block),
    };
    let mut lines = column![body(first), muted(second)].spacing(2);
    if let Some(range) = when.range_sentence() {
        lines = lines.push(muted(range));
    }
    hint(lines, Some(when.precisely()))
}

/// What the status means and what follows from it.
fn explanation(masternode: &Masternode) -> String {
    match masternode.reason {
        Some(reason) => reason.sentence(),
        None if masternode.outlook.penalty > 0 => {
            "It failed a DKG not long ago; the penalty falls by one with every block.".to_owned()
        }
        None => "It serves and is in the payment queue.".to_owned(),
    }
}
