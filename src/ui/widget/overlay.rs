//! A dialog over a page that stays visible and cannot be pressed meanwhile.

use iced::widget::{Stack, center, container, opaque};
use iced::{Background, Color, Element, Length};

use super::card::scroll;
use crate::ui::theme::Gap;

/// The page, and the dialog over it if there is one. The page keeps its state while a dialog comes and goes.
pub fn overlay<'a, M: 'a>(base: impl Into<Element<'a, M>>, dialog: Option<Element<'a, M>>) -> Element<'a, M> {
    let dialog = dialog.map(|dialog| {
        // Scrolls where the window is lower than it.
        let dialog = scroll(container(dialog).padding(Gap::M).center_x(Length::Fill));
        opaque(center(dialog).style(dim))
    });
    Stack::with_children([base.into()]).extend(dialog).into()
}

fn dim(_: &iced::Theme) -> container::Style {
    container::Style {
        background: Some(Background::Color(Color {
            a: 0.45,
            ..Color::BLACK
        })),
        ..container::Style::default()
    }
}
