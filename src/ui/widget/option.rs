//! One of several: rows of which one is chosen, each a button (a radio button's circle, the whole row to press).

use iced::widget::button::{self, Status};
use iced::widget::{Button, Column, column, container, row};
use iced::{Background, Border, Color, Element, Length, Theme};

use super::text::{muted, strong};
use crate::ui::theme::{Gap, RADIUS, colors};

/// A choice with a name and, where it needs one, a sentence.
pub fn option<'a, M: Clone + 'a>(
    name: impl Into<String>,
    sentence: impl Into<String>,
    chosen: bool,
    on_press: M,
) -> Element<'a, M> {
    let (name, sentence) = (name.into(), sentence.into());
    let mut words = column![strong(name)].spacing(2);
    if !sentence.is_empty() {
        words = words.push(muted(sentence));
    }
    option_of(words, chosen, Some(on_press)).into()
}

/// A choice of any content; without a message it cannot be chosen.
pub fn option_of<'a, M: Clone + 'a>(
    content: impl Into<Element<'a, M>>,
    chosen: bool,
    on_press: Option<M>,
) -> Button<'a, M> {
    let content = row![circle(chosen), container(content).width(Length::Fill)]
        .spacing(Gap::M)
        .align_y(iced::Center);
    button::Button::new(content)
        .padding([Gap::S + 2.0, Gap::M])
        .width(Length::Fill)
        .on_press_maybe(on_press)
        .style(move |theme, status| style(theme, status, chosen))
}

/// Choices under one another.
pub fn options<'a, M: 'a>(choices: impl IntoIterator<Item = Element<'a, M>>) -> Column<'a, M> {
    Column::with_children(choices).spacing(Gap::S)
}

fn circle<'a, M: 'a>(chosen: bool) -> Element<'a, M> {
    let inner = container(iced::widget::space())
        .center(8)
        .style(move |theme: &Theme| container::Style {
            background: chosen.then(|| Background::Color(colors(theme).primary)),
            border: Border {
                radius: 4.0.into(),
                ..Border::default()
            },
            ..container::Style::default()
        });
    container(inner)
        .center(16)
        .style(move |theme: &Theme| container::Style {
            border: Border {
                color: if chosen {
                    colors(theme).primary
                } else {
                    colors(theme).muted
                },
                width: 1.5,
                radius: 8.0.into(),
            },
            ..container::Style::default()
        })
        .into()
}

fn style(theme: &Theme, status: Status, chosen: bool) -> button::Style {
    let colors = colors(theme);
    let ground = match status {
        _ if chosen => Color {
            a: 0.08,
            ..colors.primary
        },
        Status::Active => colors.card,
        Status::Hovered | Status::Pressed => colors.hover,
        Status::Disabled => colors.page,
    };
    button::Style {
        background: Some(Background::Color(ground)),
        text_color: if status == Status::Disabled {
            colors.muted
        } else {
            colors.text
        },
        border: Border {
            color: if chosen { colors.primary } else { colors.border },
            width: 1.0,
            radius: RADIUS.into(),
        },
        ..button::Style::default()
    }
}
