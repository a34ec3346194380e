//! A choice among few, all in sight.

use iced::widget::button::{self, Status};
use iced::widget::{Row, text};
use iced::{Background, Border, Element, Theme};

use crate::ui::theme::{Gap, RADIUS, Size, colors};

/// Names with their values; the chosen one is filled.
pub fn segments<'a, T: Copy + PartialEq + 'a, M: Clone + 'a>(
    choices: impl IntoIterator<Item = (T, String)>,
    chosen: T,
    on_choose: impl Fn(T) -> M,
) -> Element<'a, M> {
    let parts = choices.into_iter().map(|(value, name)| {
        let active = value == chosen;
        let name = text(name).size(Size::BODY).wrapping(text::Wrapping::None);
        button::Button::new(name)
            .padding([Gap::S - 2.0, Gap::M - 4.0])
            .style(move |theme, status| style(theme, status, active))
            .on_press(on_choose(value))
            .into()
    });
    Row::with_children(parts)
        .spacing(Gap::XS)
        .wrap()
        .vertical_spacing(Gap::XS)
        .into()
}

fn style(theme: &Theme, status: Status, active: bool) -> button::Style {
    let colors = colors(theme);
    let (ground, ink) = match status {
        _ if active => (colors.primary, colors.on_primary),
        Status::Hovered | Status::Pressed => (colors.hover, colors.text),
        _ => (colors.card, colors.text),
    };
    button::Style {
        background: Some(Background::Color(ground)),
        text_color: ink,
        border: Border {
            color: colors.border,
            width: 1.0,
            radius: RADIUS.into(),
        },
        ..button::Style::default()
    }
}
