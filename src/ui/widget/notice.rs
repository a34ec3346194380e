//! Sentences that stand out: something to know, to mind, or that failed with what to do next.

use iced::widget::{Container, column, container, row};
use iced::{Background, Border, Length, Theme};

use super::button::mix;
use super::text::{body, strong, toned};
use crate::ui::advice::{Advice, sentence};
use crate::ui::theme::{Gap, RADIUS, Tone, colors};

/// A sentence in a box of its tone.
pub fn notice<'a, M: 'a>(words: impl Into<String>, tone: Tone) -> Container<'a, M> {
    framed(
        row![mark(tone), body(words.into()).width(Length::Fill)].spacing(Gap::S),
        tone,
    )
}

pub fn info<'a, M: 'a>(words: impl Into<String>) -> Container<'a, M> {
    notice(words, Tone::Info)
}

pub fn success<'a, M: 'a>(words: impl Into<String>) -> Container<'a, M> {
    notice(words, Tone::Good)
}

pub fn warning<'a, M: 'a>(words: impl Into<String>) -> Container<'a, M> {
    notice(words, Tone::Warning)
}

/// A failure without an error type at hand.
pub fn problem<'a, M: 'a>(words: impl Into<String>) -> Container<'a, M> {
    notice(words, Tone::Bad)
}

/// An error: what happened, and under it the next step. Where nothing is broken it is no red matter.
pub fn error_notice<'a, M: 'a>(error: &impl Advice) -> Container<'a, M> {
    error_toned(error, if error.is_calm() { Tone::Info } else { Tone::Bad })
}

/// The same where something is merely not ready.
pub fn not_ready_notice<'a, M: 'a>(error: &impl Advice) -> Container<'a, M> {
    error_toned(error, Tone::Warning)
}

fn error_toned<'a, M: 'a>(error: &impl Advice, tone: Tone) -> Container<'a, M> {
    let mut lines = column![strong(sentence(error)).width(Length::Fill)].spacing(Gap::XS);
    if let Some(advice) = error.advice() {
        lines = lines.push(body(advice).width(Length::Fill));
    }
    framed(row![mark(tone), lines].spacing(Gap::S), tone)
}

fn mark<'a>(tone: Tone) -> iced::widget::Text<'a> {
    let sign = match tone {
        Tone::Good => "✓",
        Tone::Bad => "✗",
        Tone::Warning => "⚠",
        Tone::Info | Tone::Neutral => "●",
    };
    toned(sign, tone)
}

/// Any content in a notice's frame.
pub fn framed<'a, M: 'a>(content: impl Into<iced::Element<'a, M>>, tone: Tone) -> Container<'a, M> {
    container(content)
        .padding([Gap::S + 2.0, Gap::M])
        .width(Length::Fill)
        .style(move |theme: &Theme| {
            let color = tone.color(theme);
            container::Style {
                text_color: Some(colors(theme).text),
                background: Some(Background::Color(mix(colors(theme).card, color, 0.08))),
                border: Border {
                    color: mix(colors(theme).card, color, 0.5),
                    width: 1.0,
                    radius: RADIUS.into(),
                },
                ..container::Style::default()
            }
        })
}
