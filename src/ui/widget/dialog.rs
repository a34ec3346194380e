//! A question over a page: the page stays in sight but takes no clicks until it is answered.

use iced::widget::{center, container, mouse_area, opaque, scrollable, stack};
use iced::{Background, Color, Element, Theme};

use super::card::card_style;
use crate::ui::theme::Gap;

/// Widest a dialog gets.
const WIDTH: f32 = 560.0;

/// The dialog in the middle of the page; a click beside it says `on_close`.
pub fn dialog<'a, M: Clone + 'a>(
    page: impl Into<Element<'a, M>>,
    content: impl Into<Element<'a, M>>,
    on_close: M,
) -> Element<'a, M> {
    let content = container(scrollable(container(content).padding(Gap::L)))
        .max_width(WIDTH)
        .style(card_style);
    let veil = center(opaque(content)).padding(Gap::L).style(|_: &Theme| container::Style {
        background: Some(Background::Color(Color {
            a: 0.55,
            ..Color::BLACK
        })),
        ..container::Style::default()
    });
    stack![page.into(), opaque(mouse_area(veil).on_press(on_close))].into()
}
