//! A box to tick.

use iced::widget::checkbox::{self, Status};
use iced::widget::{Checkbox, checkbox as new};
use iced::{Background, Border, Color, Theme};

use crate::ui::theme::{Gap, RADIUS, Size, colors};

/// A box that is ticked or not; give `.label(..)` for words beside it.
pub fn tick<'a, M: 'a>(ticked: bool, on_toggle: impl Fn(bool) -> M + 'a) -> Checkbox<'a, M> {
    new(ticked)
        .on_toggle(on_toggle)
        .size(18)
        .spacing(Gap::S)
        .text_size(Size::BODY)
        .style(style)
}

fn style(theme: &Theme, status: Status) -> checkbox::Style {
    let colors = colors(theme);
    let (Status::Active { is_checked } | Status::Hovered { is_checked } | Status::Disabled { is_checked }) = status;
    let hovered = matches!(status, Status::Hovered { .. });
    checkbox::Style {
        background: Background::Color(if is_checked { colors.primary } else { colors.card }),
        icon_color: if is_checked {
            colors.on_primary
        } else {
            Color::TRANSPARENT
        },
        border: Border {
            color: if is_checked || hovered {
                colors.primary
            } else {
                colors.muted
            },
            width: 1.5,
            radius: (RADIUS / 2.0).into(),
        },
        text_color: Some(colors.text),
    }
}
