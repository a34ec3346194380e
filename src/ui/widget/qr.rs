//! A code for cameras. Dark on white in every theme: cameras do not read the reverse.

use iced::widget::{Container, container, qr_code};
use iced::{Background, Border, Color, Theme};

use crate::ui::theme::{Gap, RADIUS};

/// Side of one cell, in logical pixels.
const CELL: f32 = 6.0;

/// The code with the quiet zone around it.
pub fn qr<'a, M: 'a>(data: &'a qr_code::Data) -> Container<'a, M> {
    let code = qr_code(data).cell_size(CELL).style(|_: &Theme| qr_code::Style {
        cell: Color::BLACK,
        background: Color::WHITE,
    });
    container(code).padding(Gap::S).style(|_: &Theme| container::Style {
        background: Some(Background::Color(Color::WHITE)),
        border: Border {
            radius: RADIUS.into(),
            ..Border::default()
        },
        ..container::Style::default()
    })
}
