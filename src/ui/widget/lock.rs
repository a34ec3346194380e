//! The sign of what is locked.

use iced::widget::{Svg, svg};

use crate::ui::theme::Tone;

const SIDE: f32 = 18.0;

/// A padlock in the colour of its meaning.
pub fn lock<'a>(tone: Tone) -> Svg<'a> {
    let picture = include_bytes!("../../../assets/icons/lock.svg");
    svg(svg::Handle::from_memory(picture.as_slice()))
        .width(SIDE)
        .height(SIDE)
        .style(move |theme, _| svg::Style {
            color: Some(tone.color(theme)),
        })
}
