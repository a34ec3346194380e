//! Text that has to fit a cell. Its width is judged by the kind of its letters, rather too wide than too narrow: shaping every cell in
//! every frame to measure it would cost more than drawing it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use iced::advanced::graphics::text::Paragraph;
use iced::advanced::text::{Alignment, LineHeight, Paragraph as _, Shaping, Text, Wrapping};
use iced::alignment::Vertical;
use iced::{Font, Size};

use crate::ui::theme::{MONO, STRONG};

/// Widths of letters in parts of the size of the text, of the fonts this program has.
const NARROW: f32 = 0.30;
const SLIM: f32 = 0.42;
const ROUND: f32 = 0.62;
const USUAL: f32 = 0.58;
const CAPITAL: f32 = 0.72;
const WIDE: f32 = 0.95;
/// Every letter of the fixed-width font.
const FIXED: f32 = 0.60;
/// How much wider the strong font is.
const HEAVIER: f32 = 1.05;

fn letter(letter: char, font: Font) -> f32 {
    let width = match letter {
        _ if font == MONO => return FIXED,
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' | ' ' | '·' => NARROW,
        'f' | 'r' | 't' | 'I' | '(' | ')' | '/' | '-' | '[' | ']' => SLIM,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' => WIDE,
        'A'..='Z' => CAPITAL,
        '0'..='9' | 'b' | 'd' | 'g' | 'h' | 'n' | 'o' | 'p' | 'q' | 'u' => ROUND,
        '!'..='~' => USUAL,
        _ => WIDE,
    };
    if font == STRONG { width * HEAVIER } else { width }
}

/// About how wide a text is, in logical pixels.
pub(super) fn width(text: &str, font: Font, size: f32) -> f32 {
    text.chars().map(|each| letter(each, font)).sum::<f32>() * size
}

/// The text, or as much of its beginning as fits and an ellipsis: what is cut off is always seen to be.
pub(super) fn fitting(text: &str, room: f32, font: Font, size: f32) -> Cow<'_, str> {
    if width(text, font, size) <= room {
        return Cow::Borrowed(text);
    }
    let mut left = room - letter('…', font) * size;
    let fits = |each: &char| {
        left -= letter(*each, font) * size;
        left >= 0.0
    };
    let begin: String = text.chars().take_while(fits).collect();
    Cow::Owned(format!("{}…", begin.trim_end()))
}

/// True widths of short texts, in logical pixels. Shaped once each: a table says the same numbers in every frame.
#[derive(Debug, Default)]
pub(super) struct Widths(RefCell<HashMap<(String, Font, u32), f32>>);

/// More are forgotten: a sorted column of 100,000 numbers is scrolled through only in parts.
const MOST: usize = 4_096;

impl Widths {
    pub fn of(&self, text: &str, font: Font, size: f32) -> f32 {
        let mut known = self.0.borrow_mut();
        if known.len() >= MOST {
            known.clear();
        }
        let key = (text.to_owned(), font, size.to_bits());
        *known.entry(key).or_insert_with(|| shaped(text, font, size))
    }
}

fn shaped(text: &str, font: Font, size: f32) -> f32 {
    let paragraph = Paragraph::with_text(Text {
        content: text,
        bounds: Size::INFINITE,
        size: size.into(),
        line_height: LineHeight::default(),
        font,
        align_x: Alignment::Default,
        align_y: Vertical::Top,
        shaping: Shaping::Auto,
        wrapping: Wrapping::None,
    });
    paragraph.min_width()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::UI;

    #[test]
    fn a_text_that_fits_is_whole_and_another_shows_that_it_is_not() {
        let address = "45.76.230.115:19999";
        assert_eq!(fitting(address, 160.0, UI, 14.0), address);
        let cut = fitting(address, 100.0, UI, 14.0);
        assert!(
            cut.ends_with('…') && address.starts_with(cut.trim_end_matches('…')),
            "{cut}"
        );
        assert!(width(&cut, UI, 14.0) <= 100.0);
        assert_eq!(fitting("in about 3 minutes", 80.0, UI, 14.0), "in about…");
        assert_eq!(fitting("wide", 1.0, UI, 14.0), "…");
    }
}
