//! Grounds: the page, cards on it, big choices, scrolling.

use iced::widget::button::{self, Status};
use iced::widget::{Button, Column, Container, Scrollable, column, container, row, scrollable, space};
use iced::{Background, Border, Element, Length, Padding, Theme};

use super::divider::divider;
use super::text::{heading, muted, title};
use crate::ui::theme::{Gap, RADIUS, colors};

/// A page: its name, what can be done (right), and its content, which scrolls.
pub fn page<'a, M: 'a>(
    name: impl Into<String>,
    actions: impl Into<Element<'a, M>>,
    content: impl Into<Element<'a, M>>,
) -> Element<'a, M> {
    let head = row![title(name.into()), space().width(Length::Fill), actions.into()]
        .spacing(Gap::S)
        .align_y(iced::Center);
    let body = scroll(container(content).padding(Padding {
        top: 0.0,
        right: Gap::L,
        bottom: Gap::L,
        left: Gap::L,
    }));
    column![
        container(head).padding(Padding {
            top: Gap::L,
            right: Gap::L,
            bottom: Gap::M,
            left: Gap::L
        }),
        body.height(Length::Fill)
    ]
    .height(Length::Fill)
    .into()
}

/// A page between a head and a bar that both stay while the content scrolls: the title, and what leads away and what leads on. `id`: of
/// what scrolls.
pub fn page_with_bar<'a, M: 'a>(
    head: impl Into<Element<'a, M>>,
    id: &'static str,
    content: impl Into<Element<'a, M>>,
    bar: impl Into<Element<'a, M>>,
) -> Element<'a, M> {
    let edge = Padding {
        top: Gap::L,
        right: Gap::L,
        bottom: Gap::M,
        left: Gap::L,
    };
    let body = container(content).padding(Padding { top: 0.0, ..edge }.bottom(Gap::L));
    column![
        container(head).padding(edge),
        scroll(body).id(id).height(Length::Fill),
        divider(),
        container(bar).padding([Gap::M, Gap::L]),
    ]
    .height(Length::Fill)
    .into()
}

/// A page's part that belongs together.
pub fn card<'a, M: 'a>(content: impl Into<Element<'a, M>>) -> Container<'a, M> {
    container(content).padding(Gap::M).width(Length::Fill).style(card_style)
}

/// A card with a heading.
pub fn panel<'a, M: 'a>(name: impl Into<String>, content: impl Into<Element<'a, M>>) -> Container<'a, M> {
    card(column![heading(name.into()), content.into()].spacing(Gap::M))
}

/// One of few big choices: a name and a sentence, the whole card a button.
pub fn choice<'a, M: Clone + 'a>(name: &'a str, sentence: impl Into<String>) -> Button<'a, M> {
    let content: Column<'a, M> = column![heading(name), muted(sentence.into())].spacing(Gap::S);
    button::Button::new(content)
        .padding(Gap::L)
        .width(Length::Fill)
        .style(choice_style)
}

/// Vertical scrolling with this program's rails.
pub fn scroll<'a, M: 'a>(content: impl Into<Element<'a, M>>) -> Scrollable<'a, M> {
    scrollable(content)
        .direction(scrollable::Direction::Vertical(
            scrollable::Scrollbar::new().width(8).scroller_width(6).margin(2),
        ))
        .width(Length::Fill)
        .style(scroll_style)
}

pub(crate) fn card_style(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style {
        text_color: Some(colors.text),
        background: Some(Background::Color(colors.card)),
        border: Border {
            color: colors.border,
            width: 1.0,
            radius: RADIUS.into(),
        },
        ..container::Style::default()
    }
}

fn choice_style(theme: &Theme, status: Status) -> button::Style {
    let colors = colors(theme);
    let (ground, edge) = match status {
        Status::Active => (colors.card, colors.border),
        Status::Hovered | Status::Pressed => (colors.hover, colors.primary),
        Status::Disabled => (colors.page, colors.border),
    };
    button::Style {
        background: Some(Background::Color(ground)),
        text_color: colors.text,
        border: Border {
            color: edge,
            width: 1.0,
            radius: RADIUS.into(),
        },
        ..button::Style::default()
    }
}

pub fn scroll_style(theme: &Theme, status: scrollable::Status) -> scrollable::Style {
    let colors = colors(theme);
    let mut style = scrollable::default(theme, status);
    let rail = scrollable::Rail {
        background: None,
        border: Border::default(),
        scroller: scrollable::Scroller {
            background: Background::Color(match status {
                scrollable::Status::Active { .. } => colors.border,
                _ => colors.muted,
            }),
            border: Border {
                radius: 3.0.into(),
                ..Border::default()
            },
        },
    };
    style.container = container::Style::default();
    style.vertical_rail = rail;
    style.horizontal_rail = rail;
    style
}
