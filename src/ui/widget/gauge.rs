//! How far a long work is, as a bar.

use iced::widget::{ProgressBar, progress_bar};
use iced::{Background, Border, Theme};

use crate::ui::theme::colors;

const GIRTH: f32 = 8.0;

/// `done` of `of`; an empty work is done.
pub fn gauge<'a>(done: usize, of: usize) -> ProgressBar<'a> {
    let part = if of == 0 { 1.0 } else { done as f32 / of as f32 };
    progress_bar(0.0..=1.0, part)
        .girth(GIRTH)
        .style(|theme: &Theme| progress_bar::Style {
            background: Background::Color(colors(theme).border),
            bar: Background::Color(colors(theme).primary),
            border: Border {
                radius: (GIRTH / 2.0).into(),
                ..Border::default()
            },
        })
}
