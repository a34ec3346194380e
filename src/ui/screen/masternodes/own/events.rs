//! What happened to it, line by line.

use iced::widget::{Column, column, row};
use iced::{Element, Length};

use super::super::words::capital;
use super::Shown;
use super::clock::Clock;
use crate::flow::history::{Change, Timeline, words};
use crate::protocol::masternode::Status;
use crate::ui::format::{self, grouped};
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{body, dot, muted};

const HEIGHT: f32 = 90.0;
const TIME: f32 = 160.0;

/// The newest so many, the newest first.
pub(super) fn lines<'a, M: 'a>(timeline: &Timeline, shown: &Shown<'a>, most: usize) -> Element<'a, M> {
    let clock = Clock::of(shown.overview, Some(timeline));
    let lines = timeline.events.iter().rev().take(most).map(|event| {
        let time = event.time.unwrap_or_else(|| clock.at(event.height));
        let sentence = capital(&words::sentence(&event.change, shown.profile));
        row![
            dot(tone(&event.change)),
            muted(grouped(event.height)).width(HEIGHT),
            muted(format::date_time(time)).width(TIME),
            body(sentence)
                .width(Length::Fill)
                .wrapping(iced::widget::text::Wrapping::WordOrGlyph)
        ]
        .spacing(Gap::S)
        .align_y(iced::Center)
        .into()
    });
    let lines: Column<'a, M> = column(lines).spacing(Gap::S);
    lines.into()
}

fn tone(change: &Change) -> Tone {
    match change {
        Change::Paid { .. } => Tone::Good,
        Change::Removed | Change::Dkg { .. } => Tone::Bad,
        Change::Penalty { from, to } if to > from => Tone::Bad,
        Change::Status {
            to: Status::Enabled | Status::Penalised,
            ..
        } => Tone::Good,
        Change::Status { .. } => Tone::Bad,
        Change::Payout { .. } | Change::OperatorKey { .. } | Change::Voting { .. } => Tone::Warning,
        Change::Registered { .. }
        | Change::Penalty { .. }
        | Change::Service { .. }
        | Change::OperatorPayout { .. }
        | Change::Platform { .. } => Tone::Info,
    }
}
