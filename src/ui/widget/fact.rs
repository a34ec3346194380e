//! What is known of one thing: a name, its value, and what to know of the value. Narrow enough for a page beside a panel.

use iced::widget::{Column, column, container, row};
use iced::{Element, Length, Padding};

use super::button::text_button;
use super::text::{body, mono, muted};
use crate::ui::theme::Gap;

/// Width of the names.
const NAME: f32 = 130.0;
const LOWERED: Padding = Padding {
    top: Gap::XS,
    right: 0.0,
    bottom: 0.0,
    left: 0.0,
};

/// In words.
pub fn fact<'a, M: 'a>(name: &'a str, value: impl Into<String>) -> Element<'a, M> {
    line(name, body(value.into()))
}

/// A hash, address or path.
pub fn fact_mono<'a, M: 'a>(name: &'a str, value: impl Into<String>) -> Element<'a, M> {
    line(name, mono(value.into()))
}

/// A hash, address or key in full, with a button that copies it, and a remark under it (or none).
pub fn fact_copied<'a, M: Clone + 'a>(
    name: &'a str,
    value: impl Into<String>,
    remark: impl Into<String>,
    on_copy: impl Fn(String) -> M,
) -> Element<'a, M> {
    let (value, remark) = (value.into(), remark.into());
    let copy = text_button("Copy").on_press(on_copy(value.clone()));
    let mut words: Column<'a, M> = column![mono(value)];
    if !remark.is_empty() {
        words = words.push(body(remark));
    }
    // As far down as the button's text.
    let words = container(words).padding(LOWERED).width(Length::Fill);
    let name = container(muted(name).width(NAME)).padding(LOWERED);
    row![name, words, copy].spacing(Gap::M).into()
}

fn line<'a, M: 'a>(name: &'a str, value: impl Into<Element<'a, M>>) -> Element<'a, M> {
    row![muted(name).width(NAME), container(value).width(Length::Fill)]
        .spacing(Gap::M)
        .into()
}
