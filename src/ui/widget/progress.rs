//! What has happened, what happens now, what is to come: a list, nothing that spins.

use iced::Length;
use iced::widget::{Column, column, row};

use super::text::{body, muted, strong, toned};
use crate::ui::theme::{Gap, Tone};

/// One line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Done,
    /// Under way.
    Now,
    Next,
    Failed,
}

/// Lines in their order.
pub fn progress_list<'a, M: 'a>(lines: impl IntoIterator<Item = (Progress, String)>) -> Column<'a, M> {
    lines
        .into_iter()
        .fold(column![].spacing(Gap::S), |list, (state, words)| {
            let (sign, tone) = match state {
                Progress::Done => ("✓", Tone::Good),
                Progress::Now => ("●", Tone::Info),
                Progress::Next => ("○", Tone::Neutral),
                Progress::Failed => ("✗", Tone::Bad),
            };
            let words = match state {
                Progress::Now | Progress::Failed => strong(words),
                Progress::Done => body(words),
                Progress::Next => muted(words),
            };
            let words = words
                .wrapping(iced::widget::text::Wrapping::WordOrGlyph)
                .width(Length::Fill);
            list.push(row![toned(sign, tone).width(16), words].spacing(Gap::S))
        })
}
