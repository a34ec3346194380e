//! Where one is in a wizard.

use iced::widget::{Row, container, row, text};
use iced::{Background, Border, Element, Theme};

use super::text::{muted, strong};
use crate::ui::theme::{Gap, STRONG, Size, colors};

/// The names of all steps; `current` counts from 0. Steps before it have a tick.
pub fn step_indicator<'a, M: 'a>(names: &[&'a str], current: usize) -> Element<'a, M> {
    let steps = names.iter().enumerate().map(|(at, name)| step(at, name, current));
    Row::with_children(steps)
        .spacing(Gap::M - Gap::XS)
        .align_y(iced::Center)
        .wrap()
        .vertical_spacing(Gap::S)
        .into()
}

fn step<'a, M: 'a>(at: usize, name: &'a str, current: usize) -> Element<'a, M> {
    let sign = if at < current {
        "✓".to_owned()
    } else {
        (at + 1).to_string()
    };
    let reached = at <= current;
    let circle = container(text(sign).size(Size::SMALL).font(STRONG))
        .center(20)
        .style(move |theme: &Theme| circle_style(theme, reached));
    let name = if at == current { strong(name) } else { muted(name) };
    row![circle, name].spacing(Gap::XS).align_y(iced::Center).into()
}

fn circle_style(theme: &Theme, reached: bool) -> container::Style {
    let colors = colors(theme);
    let (ground, ink) = if reached {
        (colors.primary, colors.on_primary)
    } else {
        (colors.border, colors.text)
    };
    container::Style {
        text_color: Some(ink),
        background: Some(Background::Color(ground)),
        border: Border {
            radius: 10.0.into(),
            ..Border::default()
        },
        ..container::Style::default()
    }
}
