//! Buttons by their weight: one primary on a page, secondary beside it, text for small things, danger for what destroys.
//!
//! Give `.on_press(..)` or `.on_press_maybe(..)`; without a message a button is drawn disabled and does nothing.

use iced::widget::button::{self, Status, Style};
use iced::widget::{Button, row, text};
use iced::{Background, Border, Color, Length, Theme};

use crate::ui::theme::{Colors, Gap, RADIUS, STRONG, Size, UI, colors};

pub fn primary_button<'a, M: 'a>(label: impl text::IntoFragment<'a>) -> Button<'a, M> {
    labelled(label).style(primary)
}

pub fn danger_button<'a, M: 'a>(label: impl text::IntoFragment<'a>) -> Button<'a, M> {
    labelled(label).style(danger)
}

pub fn secondary_button<'a, M: 'a>(label: impl text::IntoFragment<'a>) -> Button<'a, M> {
    labelled(label).style(outlined)
}

/// A small action in a line: Copy, Rename.
pub fn text_button<'a, M: 'a>(label: impl text::IntoFragment<'a>) -> Button<'a, M> {
    button::Button::new(text(label).size(Size::BODY).font(UI))
        .padding([Gap::XS, Gap::S])
        .style(plain)
}

/// An entry of the sidebar; `active` is the page on screen.
pub fn nav_button<'a, M: 'a>(label: &'a str, active: bool) -> Button<'a, M> {
    let content = row![text(label).size(Size::BODY).font(if active { STRONG } else { UI })];
    button::Button::new(content)
        .width(Length::Fill)
        .padding([Gap::S, Gap::M])
        .style(move |theme, status| nav(theme, status, active))
}

/// How much a wide button weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Primary,
    Secondary,
    Danger,
}

/// A button as wide as its place, its label in the middle.
pub fn wide_button<'a, M: 'a>(label: impl text::IntoFragment<'a>, weight: Weight) -> Button<'a, M> {
    let label = text(label).size(Size::BODY).font(STRONG).width(Length::Fill).center();
    let button = button::Button::new(label)
        .width(Length::Fill)
        .padding([Gap::S + 1.0, Gap::S]);
    match weight {
        Weight::Primary => button.style(primary),
        Weight::Secondary => button.style(outlined),
        Weight::Danger => button.style(danger),
    }
}

fn primary(theme: &Theme, status: Status) -> Style {
    filled(theme, status, |c| c.primary, |c| c.on_primary)
}

fn danger(theme: &Theme, status: Status) -> Style {
    filled(theme, status, |c| c.danger, |c| c.on_danger)
}

fn labelled<'a, M: 'a>(label: impl text::IntoFragment<'a>) -> Button<'a, M> {
    button::Button::new(text(label).size(Size::BODY).font(STRONG)).padding([Gap::S + 1.0, Gap::M])
}

fn filled(theme: &Theme, status: Status, ground: fn(&Colors) -> Color, ink: fn(&Colors) -> Color) -> Style {
    let colors = colors(theme);
    let base = ground(colors);
    let (base, ink) = match status {
        Status::Active => (base, ink(colors)),
        Status::Hovered => (mix(base, colors.text, 0.12), ink(colors)),
        Status::Pressed => (mix(base, colors.text, 0.22), ink(colors)),
        Status::Disabled => (colors.border, colors.muted),
    };
    Style {
        background: Some(Background::Color(base)),
        text_color: ink,
        border: Border {
            radius: RADIUS.into(),
            ..Border::default()
        },
        ..Style::default()
    }
}

fn outlined(theme: &Theme, status: Status) -> Style {
    let colors = colors(theme);
    let (ground, ink) = match status {
        Status::Active => (colors.card, colors.text),
        Status::Hovered => (colors.hover, colors.text),
        Status::Pressed => (colors.border, colors.text),
        Status::Disabled => (Color::TRANSPARENT, mix(colors.muted, colors.page, 0.3)),
    };
    Style {
        background: Some(Background::Color(ground)),
        text_color: ink,
        border: Border {
            color: colors.border,
            width: 1.0,
            radius: RADIUS.into(),
        },
        ..Style::default()
    }
}

fn plain(theme: &Theme, status: Status) -> Style {
    let colors = colors(theme);
    let (ground, ink) = match status {
        Status::Active => (None, colors.primary),
        Status::Hovered | Status::Pressed => (Some(colors.hover), colors.primary),
        Status::Disabled => (None, colors.muted),
    };
    Style {
        background: ground.map(Background::Color),
        text_color: ink,
        border: Border {
            radius: (RADIUS / 2.0).into(),
            ..Border::default()
        },
        ..Style::default()
    }
}

fn nav(theme: &Theme, status: Status, active: bool) -> Style {
    let colors = colors(theme);
    let ground = match status {
        _ if active => Some(colors.card),
        Status::Hovered | Status::Pressed => Some(colors.hover),
        _ => None,
    };
    Style {
        background: ground.map(Background::Color),
        text_color: match status {
            _ if active => colors.primary,
            Status::Disabled => colors.muted,
            _ => colors.text,
        },
        border: Border {
            radius: RADIUS.into(),
            ..Border::default()
        },
        ..Style::default()
    }
}

/// `amount` of `other` in `base`, 0 to 1.
pub(super) fn mix(base: Color, other: Color, amount: f32) -> Color {
    let blend = |a: f32, b: f32| a + (b - a) * amount;
    Color::from_rgb(blend(base.r, other.r), blend(base.g, other.g), blend(base.b, other.b))
}
