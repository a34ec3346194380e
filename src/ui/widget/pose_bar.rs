//! How near a ban is: the penalty as a bar, the danger line across it, and what one more failed DKG would add.

use iced::widget::canvas::{self, Frame, Geometry, Path, Stroke};
use iced::{Color, Element, Length, Point, Rectangle, Renderer, Size, Theme, mouse};

use super::button::mix;
use crate::protocol::masternode::pose::Outlook;
use crate::ui::theme::{Tone, colors};

const HEIGHT: f32 = 14.0;
/// Of the bar itself; the danger line reaches above and below it.
const GIRTH: f32 = 8.0;

/// A bar from 0 to the maximum, as wide as its place.
pub fn pose_bar<'a, M: 'a>(outlook: &Outlook, banned: bool) -> Element<'a, M> {
    canvas::Canvas::new(Bar::of(outlook, banned))
        .width(Length::Fill)
        .height(HEIGHT)
        .into()
}

/// Everything as parts of the maximum, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bar {
    filled: f32,
    /// Where one more failed DKG would bring it; none when banned.
    next: Option<f32>,
    danger: f32,
    tone: Tone,
}

impl Bar {
    fn of(outlook: &Outlook, banned: bool) -> Self {
        let part = |penalty: u32| (f64::from(penalty) / f64::from(outlook.max.max(1))).min(1.0) as f32;
        let step = outlook.max.saturating_sub(outlook.danger_line);
        Self {
            filled: part(outlook.penalty),
            next: (!banned && outlook.penalty > 0).then(|| part(outlook.penalty.saturating_add(step))),
            danger: part(outlook.danger_line),
            tone: tone(outlook, banned),
        }
    }
}

/// What a penalty means, as a colour.
pub fn tone(outlook: &Outlook, banned: bool) -> Tone {
    match outlook.penalty {
        _ if banned => Tone::Bad,
        0 => Tone::Good,
        penalty if penalty >= outlook.danger_line => Tone::Bad,
        _ => Tone::Warning,
    }
}

impl<M> canvas::Program<M> for Bar {
    type State = ();

    fn draw(&self, _: &(), renderer: &Renderer, theme: &Theme, bounds: Rectangle, _: mouse::Cursor) -> Vec<Geometry> {
        let ink = colors(theme);
        let tone = self.tone.color(theme);
        let mut frame = Frame::new(renderer, bounds.size());
        let wide = frame.width();
        let top = (bounds.height - GIRTH) / 2.0;
        let mut piece = |to: f32, color: Color| {
            let size = Size::new((wide * to).max(GIRTH).min(wide), GIRTH);
            let path = Path::rounded_rectangle(Point::new(0.0, top), size, (GIRTH / 2.0).into());
            frame.fill(&path, color);
        };
        piece(1.0, ink.border);
        if let Some(next) = self.next {
            piece(next, mix(ink.border, tone, 0.25));
        }
        if self.filled > 0.0 {
            piece(self.filled, tone);
        }
        // Light around it, so that it is seen on the filled part too.
        let x = (wide * self.danger).round();
        let line = Path::line(Point::new(x, 0.0), Point::new(x, bounds.height));
        frame.stroke(&line, Stroke::default().with_color(ink.card).with_width(5.0));
        frame.stroke(&line, Stroke::default().with_color(ink.danger).with_width(2.0));
        vec![frame.into_geometry()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::masternode::pose::PoseRules;

    fn outlook(penalty: u32, registered: usize) -> Outlook {
        Outlook::new(penalty, false, registered, &PoseRules::default())
    }

    #[test]
    fn a_failed_dkg_fills_two_thirds_and_shows_that_the_next_one_bans() {
        let clean = Bar::of(&outlook(0, 100), false);
        assert_eq!((clean.filled, clean.next, clean.danger), (0.0, None, 0.34));
        assert_eq!(clean.tone, Tone::Good);
        let struck = Bar::of(&outlook(66, 100), false);
        assert_eq!((struck.filled, struck.next, struck.tone), (0.66, Some(1.0), Tone::Bad));
        let easing = Bar::of(&outlook(20, 100), false);
        assert_eq!((easing.next, easing.tone), (Some(0.86), Tone::Warning));
    }

    #[test]
    fn a_banned_one_has_nothing_to_come() {
        let banned = Bar::of(&outlook(0, 100), true);
        assert_eq!((banned.next, banned.tone), (None, Tone::Bad));
    }
}
