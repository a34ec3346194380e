//! A sentence that appears beside what is pointed at.

use iced::widget::{Tooltip, container, text, tooltip};
use iced::{Background, Border, Element, Theme};

use crate::ui::theme::{Gap, RADIUS, Size, colors};

/// Widest it gets.
const WIDTH: f32 = 300.0;

/// Works on disabled buttons too: that is where a reason is wanted most.
pub fn hint<'a, M: 'a>(content: impl Into<Element<'a, M>>, sentence: impl Into<String>) -> Tooltip<'a, M> {
    let words = container(text(sentence.into()).size(Size::SMALL))
        .padding([Gap::S, Gap::S + 2.0])
        .max_width(WIDTH)
        .style(|theme: &Theme| {
            let colors = colors(theme);
            container::Style {
                text_color: Some(colors.text),
                background: Some(Background::Color(colors.hover)),
                border: Border {
                    color: colors.border,
                    width: 1.0,
                    radius: (RADIUS / 2.0).into(),
                },
                ..container::Style::default()
            }
        });
    tooltip(content, words, tooltip::Position::Bottom).gap(Gap::XS)
}
