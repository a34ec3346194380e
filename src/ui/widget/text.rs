//! Text by its role.

use iced::widget::{Text, text};
use iced::{Color, Theme};

use crate::ui::theme::{Colors, MONO, STRONG, Size, Tone, colors};

/// The name of a page.
pub fn title<'a>(content: impl text::IntoFragment<'a>) -> Text<'a> {
    text(content).size(Size::TITLE).font(STRONG)
}

/// The name of a part of a page.
pub fn heading<'a>(content: impl text::IntoFragment<'a>) -> Text<'a> {
    text(content).size(Size::HEADING).font(STRONG)
}

pub fn body<'a>(content: impl text::IntoFragment<'a>) -> Text<'a> {
    text(content).size(Size::BODY)
}

pub fn strong<'a>(content: impl text::IntoFragment<'a>) -> Text<'a> {
    text(content).size(Size::BODY).font(STRONG)
}

/// What matters less than the text beside it.
pub fn muted<'a>(content: impl text::IntoFragment<'a>) -> Text<'a> {
    text(content)
        .size(Size::BODY)
        .style(|theme: &Theme| of(colors(theme).muted))
}

/// The name of a field.
pub fn label<'a>(content: impl text::IntoFragment<'a>) -> Text<'a> {
    text(content).size(Size::BODY).font(STRONG)
}

/// A line under a field.
pub fn help<'a>(content: impl text::IntoFragment<'a>) -> Text<'a> {
    text(content)
        .size(Size::SMALL)
        .style(|theme: &Theme| of(colors(theme).muted))
}

/// A hash, address or key; breaks anywhere.
pub fn mono<'a>(content: impl text::IntoFragment<'a>) -> Text<'a> {
    text(content)
        .size(Size::BODY - 1.0)
        .font(MONO)
        .wrapping(text::Wrapping::WordOrGlyph)
}

/// Text in the colour of its meaning.
pub fn toned<'a>(content: impl text::IntoFragment<'a>, tone: Tone) -> Text<'a> {
    text(content)
        .size(Size::BODY)
        .style(move |theme: &Theme| of(tone.color(theme)))
}

/// A text style from one of the theme's colours.
pub fn colored(pick: impl Fn(&Colors) -> Color) -> impl Fn(&Theme) -> text::Style {
    move |theme| of(pick(colors(theme)))
}

fn of(color: Color) -> text::Style {
    text::Style { color: Some(color) }
}
