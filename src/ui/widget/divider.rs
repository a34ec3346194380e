//! A thin line between parts of a page.

use iced::widget::rule;
use iced::{Element, Theme};

use crate::ui::theme::colors;

pub fn divider<'a, M: 'a>() -> Element<'a, M> {
    let style = |theme: &Theme| rule::Style {
        color: colors(theme).border,
        radius: 0.0.into(),
        fill_mode: rule::FillMode::Full,
        snap: true,
    };
    rule::horizontal(1).style(style).into()
}
