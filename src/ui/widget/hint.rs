//! A sentence that appears where the pointer rests: why a button cannot be pressed.

use iced::widget::{container, tooltip};
use iced::{Background, Border, Element, Theme};

use super::text::body;
use crate::ui::theme::{Gap, RADIUS, colors};

/// Widest a hint gets.
const WIDTH: f32 = 320.0;

/// Content with a sentence about it; without one, the content alone.
pub fn hint<'a, M: 'a>(content: impl Into<Element<'a, M>>, words: Option<String>) -> Element<'a, M> {
    let Some(words) = words else {
        return content.into();
    };
    let words = container(body(words))
        .padding([Gap::S, Gap::M])
        .max_width(WIDTH)
        .style(style);
    tooltip(content, words, tooltip::Position::Bottom)
        .gap(Gap::XS)
        .padding(0)
        .into()
}

fn style(theme: &Theme) -> container::Style {
    let colors = colors(theme);
    container::Style {
        text_color: Some(colors.text),
        background: Some(Background::Color(colors.sidebar)),
        border: Border {
            color: colors.border,
            width: 1.0,
            radius: RADIUS.into(),
        },
        ..container::Style::default()
    }
}
