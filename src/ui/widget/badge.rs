//! A state in one word.

use iced::widget::{Container, container, text};
use iced::{Background, Border, Color, Theme};

use crate::ui::theme::{Gap, STRONG, Size, Tone};

/// A small chip: `badge("Enabled", Tone::Good)`.
pub fn badge<'a, M: 'a>(word: impl text::IntoFragment<'a>, tone: Tone) -> Container<'a, M> {
    let word = text(word).size(Size::SMALL).font(STRONG).wrapping(text::Wrapping::None);
    container(word)
        .padding([2.0, Gap::S])
        .style(move |theme: &Theme| chip(theme, tone))
}

/// A coloured dot before a word of a line.
pub fn dot<'a, M: 'a>(tone: Tone) -> Container<'a, M> {
    container(iced::widget::space().width(8).height(8)).style(move |theme: &Theme| container::Style {
        background: Some(Background::Color(tone.color(theme))),
        border: Border {
            radius: 4.0.into(),
            ..Border::default()
        },
        ..container::Style::default()
    })
}

fn chip(theme: &Theme, tone: Tone) -> container::Style {
    let color = tone.color(theme);
    container::Style {
        text_color: Some(color),
        background: Some(Background::Color(Color { a: 0.10, ..color })),
        border: Border {
            color: Color { a: 0.45, ..color },
            width: 1.0,
            radius: 10.0.into(),
        },
        ..container::Style::default()
    }
}
