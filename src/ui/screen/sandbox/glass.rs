//! A small device: dark body, darker screen, its text in white.

use iced::widget::{Column, container, row, space, text};
use iced::{Background, Border, Color, Element, Length};

use crate::sandbox::{ledger, trezor};
use crate::ui::theme::{Gap, MONO, Size};

/// Height of the device's screen while little is on it.
const HEIGHT: f32 = 84.0;
/// Text longer than this is small.
const LONG: usize = 40;
/// Of the digits of a PIN, which are compared by their places.
const DIGITS: f32 = 22.0;

pub fn of_ledger<'a, M: 'a>(screen: &ledger::Screen, width: f32) -> Element<'a, M> {
    drawn(screen.lines(), None, matches!(screen, ledger::Screen::Unplugged), width)
}

pub fn of_trezor<'a, M: 'a>(screen: &trezor::Screen, width: f32) -> Element<'a, M> {
    let size = matches!(screen, trezor::Screen::PinMatrix(_)).then_some(DIGITS);
    drawn(screen.lines(), size, *screen == trezor::Screen::Unplugged, width)
}

fn drawn<'a, M: 'a>(lines: Vec<String>, size: Option<f32>, off: bool, width: f32) -> Element<'a, M> {
    let lines = lines.into_iter().map(|line| {
        let fitting = if line.chars().count() > LONG {
            Size::SMALL - 1.0
        } else {
            Size::SMALL
        };
        text(line)
            .size(size.unwrap_or(fitting))
            .font(MONO)
            .wrapping(text::Wrapping::WordOrGlyph)
            .center()
            .width(Length::Fill)
            .into()
    });
    let lines: Column<'a, M> = Column::with_children(lines).spacing(Gap::S).width(Length::Fill);
    // As high as its text, and never lower than a device's screen.
    let glass = container(row![lines, space().height(HEIGHT)].align_y(iced::Center))
        .width(Length::Fill)
        .padding(Gap::S + 2.0)
        .style(move |_| container::Style {
            text_color: Some(Color::WHITE),
            background: Some(Background::Color(if off {
                Color::from_rgb8(24, 24, 26)
            } else {
                Color::BLACK
            })),
            border: Border {
                radius: 4.0.into(),
                ..Border::default()
            },
            ..container::Style::default()
        });
    container(glass)
        .padding(10)
        .width(width)
        .style(|_| container::Style {
            background: Some(Background::Color(Color::from_rgb8(52, 56, 64))),
            border: Border {
                color: Color::from_rgb8(90, 96, 106),
                width: 1.0,
                radius: 14.0.into(),
            },
            ..container::Style::default()
        })
        .into()
}
