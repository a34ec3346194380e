//! Lines: a name with its value, rows of a table.

use iced::widget::button::{self, Status};
use iced::widget::{Button, Row, container, row, text};
use iced::{Background, Border, Element, Length, Theme};

use super::button::text_button;
use super::text::{body, mono, muted};
use crate::ui::theme::{Gap, STRONG, Size, colors};

/// Width of the names in a column of `key_value` lines.
const NAME: f32 = 160.0;

/// A name and a value in words.
pub fn key_value<'a, M: 'a>(name: &'a str, value: impl Into<String>) -> Row<'a, M> {
    line(name).push(body(value.into()).width(Length::Fill))
}

/// A name and a hash, address or key in full, with a button that copies it.
pub fn copy_row<'a, M: Clone + 'a>(
    name: &'a str,
    value: impl Into<String>,
    on_copy: impl Fn(String) -> M,
) -> Row<'a, M> {
    let value = value.into();
    let copy = text_button("Copy").on_press(on_copy(value.clone()));
    line(name).push(mono(value).width(Length::Fill)).push(copy)
}

/// A name and any element.
pub fn key_element<'a, M: 'a>(name: &'a str, value: impl Into<Element<'a, M>>) -> Row<'a, M> {
    line(name).push(container(value).width(Length::Fill))
}

fn line<'a, M: 'a>(name: &'a str) -> Row<'a, M> {
    row![muted(name).width(NAME)].spacing(Gap::M).align_y(iced::Center)
}

/// Cells and their widths, as a header of a list.
pub fn table_header<'a, M: 'a>(cells: impl IntoIterator<Item = (&'a str, Length)>) -> Element<'a, M> {
    let cells = cells.into_iter().map(|(name, width)| {
        let style = super::text::colored(|colors| colors.muted);
        text(name)
            .size(Size::SMALL)
            .font(STRONG)
            .width(width)
            .wrapping(text::Wrapping::None)
            .style(style)
            .into()
    });
    container(Row::with_children(cells).spacing(Gap::M))
        .padding([Gap::S, Gap::M])
        .width(Length::Fill)
        .into()
}

/// A row of a list, pressable as a whole; give `.on_press(..)`. Use the header's widths.
pub fn table_row<'a, M: Clone + 'a>(cells: impl IntoIterator<Item = (Element<'a, M>, Length)>) -> Button<'a, M> {
    let cells = cells
        .into_iter()
        .map(|(cell, width)| container(cell).width(width).clip(true).into());
    let content = Row::with_children(cells)
        .spacing(Gap::M)
        .align_y(iced::Center)
        .height(Length::Fill);
    button::Button::new(content)
        .padding([0.0, Gap::M])
        .width(Length::Fill)
        .height(ROW)
        .style(row_style)
}

/// A line of a list as high as told, pressable as a whole; give `.on_press(..)`.
pub fn line_button<'a, M: Clone + 'a>(content: impl Into<Element<'a, M>>, height: f32) -> Button<'a, M> {
    button::Button::new(content)
        .padding([0.0, Gap::M])
        .width(Length::Fill)
        .height(height)
        .style(row_style)
}

/// Height of every row; a virtual list counts with it.
pub const ROW: f32 = 54.0;

fn row_style(theme: &Theme, status: Status) -> button::Style {
    let colors = colors(theme);
    button::Style {
        background: match status {
            Status::Hovered | Status::Pressed => Some(Background::Color(colors.hover)),
            _ => None,
        },
        text_color: colors.text,
        border: Border::default(),
        ..button::Style::default()
    }
}
