//! What is done with a table: pointer, wheel, scroll bars, keys.

use iced::advanced::{Shell, mouse};
use iced::keyboard::{self, Key, key::Named};
use iced::mouse::{Button, ScrollDelta};
use iced::{Event, Point, Vector};

use super::geometry::{Axis, Geometry, Hit, ROW};
use super::{State, Table, Tick};

/// Pixels a line of the wheel is, as in every other list here.
const WHEEL_LINE: f32 = 60.0;
/// Pixels the arrow keys scroll sideways.
const SIDEWAYS: f32 = 120.0;

/// A thumb held by the pointer, `grip` pixels from its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Drag {
    axis: Axis,
    grip: f32,
}

impl Drag {
    pub fn hit(self) -> Hit {
        match self.axis {
            Axis::Vertical => Hit::Vertical,
            Axis::Horizontal => Hit::Horizontal,
        }
    }
}

impl<M: Clone> Table<'_, M> {
    pub(super) fn heard(
        &self,
        state: &mut State,
        event: &Event,
        geometry: &Geometry,
        cursor: mouse::Cursor,
        shell: &mut Shell<'_, M>,
    ) {
        // A list that became shorter may have left the offset behind.
        state.offset = geometry.clamp(state.offset);
        match event {
            Event::Mouse(mouse::Event::WheelScrolled { delta }) if cursor.is_over(geometry.bounds()) => {
                let to = state.offset - wheel(*delta, state.modifiers);
                self.scroll(state, to, geometry, shell);
                self.hover(state, geometry, cursor, shell);
                shell.capture_event();
            }
            Event::Mouse(mouse::Event::CursorMoved { .. }) => self.moved(state, geometry, cursor, shell),
            Event::Mouse(mouse::Event::CursorLeft) => self.hover(state, geometry, cursor, shell),
            Event::Mouse(mouse::Event::ButtonPressed(Button::Left)) => self.pressed(state, geometry, cursor, shell),
            Event::Mouse(mouse::Event::ButtonReleased(Button::Left)) => self.released(state, geometry, cursor, shell),
            Event::Keyboard(keyboard::Event::ModifiersChanged(modifiers)) => state.modifiers = *modifiers,
            Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, .. })
                if state.focused && !shell.is_event_captured() =>
            {
                self.key(state, key, *modifiers, geometry, shell);
            }
            _ => {}
        }
    }

    fn moved(&self, state: &mut State, geometry: &Geometry, cursor: mouse::Cursor, shell: &mut Shell<'_, M>) {
        if let (Some(drag), Some(point)) = (state.drag, cursor.position()) {
            let body = geometry.body();
            let start = match drag.axis {
                Axis::Vertical => point.y - body.y - drag.grip,
                Axis::Horizontal => point.x - body.x - drag.grip,
            };
            let to = geometry.dragged(drag.axis, start, state.offset);
            self.scroll(state, to, geometry, shell);
            shell.capture_event();
        }
        self.hover(state, geometry, cursor, shell);
    }

    fn hover(&self, state: &mut State, geometry: &Geometry, cursor: mouse::Cursor, shell: &mut Shell<'_, M>) {
        let hover = cursor.position().and_then(|point| geometry.hit(point, state.offset));
        if hover != state.hover {
            state.hover = hover;
            shell.request_redraw();
        }
    }

    fn pressed(&self, state: &mut State, geometry: &Geometry, cursor: mouse::Cursor, shell: &mut Shell<'_, M>) {
        let point = cursor.position();
        let hit = point.and_then(|point| geometry.hit(point, state.offset));
        if state.focused != hit.is_some() {
            state.focused = hit.is_some();
            shell.request_redraw();
        }
        let (Some(hit), Some(point)) = (hit, point) else {
            return;
        };
        match hit {
            Hit::Vertical => self.grab(Axis::Vertical, point, state, geometry, shell),
            Hit::Horizontal => self.grab(Axis::Horizontal, point, state, geometry, shell),
            hit => state.pressed = Some(hit),
        }
        shell.capture_event();
    }

    /// Takes hold of a thumb; beside it, the thumb comes to the pointer.
    fn grab(&self, axis: Axis, point: Point, state: &mut State, geometry: &Geometry, shell: &mut Shell<'_, M>) {
        let bar = match axis {
            Axis::Vertical => geometry.vertical(state.offset),
            Axis::Horizontal => geometry.horizontal(state.offset),
        };
        let Some((rail, thumb)) = bar else {
            return;
        };
        let (at, start, length, origin) = match axis {
            Axis::Vertical => (point.y, thumb.y, thumb.height, rail.y),
            Axis::Horizontal => (point.x, thumb.x, thumb.width, rail.x),
        };
        let grip = if (start..start + length).contains(&at) {
            at - start
        } else {
            length / 2.0
        };
        state.drag = Some(Drag { axis, grip });
        let to = geometry.dragged(axis, at - origin - grip, state.offset);
        self.scroll(state, to, geometry, shell);
    }

    fn released(&self, state: &mut State, geometry: &Geometry, cursor: mouse::Cursor, shell: &mut Shell<'_, M>) {
        if state.drag.take().is_some() {
            shell.request_redraw();
            return;
        }
        let hit = cursor.position().and_then(|point| geometry.hit(point, state.offset));
        let Some(hit) = state.pressed.take().filter(|pressed| Some(*pressed) == hit) else {
            return;
        };
        let told = match hit {
            Hit::Header(column) => tell(&self.on_sort, column),
            Hit::AllBox => tell(&self.on_tick, Tick::All),
            Hit::Box(row) => tell(&self.on_tick, self.tick(row, state.modifiers)),
            Hit::Row(row) if self.on_tick.is_some() && (state.modifiers.shift() || state.modifiers.command()) => {
                tell(&self.on_tick, self.tick(row, state.modifiers))
            }
            Hit::Row(row) => tell(&self.on_open, row),
            Hit::Nothing | Hit::Vertical | Hit::Horizontal => None,
        };
        if let Some(message) = told {
            shell.publish(message);
            shell.capture_event();
        }
    }

    fn tick(&self, row: usize, modifiers: keyboard::Modifiers) -> Tick {
        if modifiers.shift() {
            Tick::To(row)
        } else {
            Tick::One(row)
        }
    }

    fn key(
        &self,
        state: &mut State,
        key: &Key,
        modifiers: keyboard::Modifiers,
        geometry: &Geometry,
        shell: &mut Shell<'_, M>,
    ) {
        let current = self.current.filter(|row| *row < self.rows.len());
        let told = match key.as_ref() {
            Key::Named(Named::Enter) => current.and_then(|row| tell(&self.on_open, row)),
            Key::Named(Named::Space) => current.and_then(|row| tell(&self.on_tick, self.tick(row, modifiers))),
            Key::Character("a") if modifiers.command() => tell(&self.on_tick, Tick::All),
            Key::Character("c") if modifiers.command() => self.on_copy.clone(),
            Key::Named(named) => return self.go(state, named, current, geometry, shell),
            _ => None,
        };
        if let Some(message) = told {
            shell.publish(message);
            shell.capture_event();
        }
    }

    /// Moves with the arrow keys, Page, Home and End.
    fn go(&self, state: &mut State, key: Named, current: Option<usize>, geometry: &Geometry, shell: &mut Shell<'_, M>) {
        if let Named::ArrowLeft | Named::ArrowRight = key {
            let by = if key == Named::ArrowLeft { -SIDEWAYS } else { SIDEWAYS };
            self.scroll(state, state.offset + Vector::new(by, 0.0), geometry, shell);
            shell.capture_event();
            return;
        }
        let Some(row) = target(key, current, state.offset, geometry.page(), self.rows.len()) else {
            return;
        };
        shell.capture_event();
        if let Some(message) = tell(&self.on_move, row) {
            shell.publish(message);
        }
        self.scroll(state, geometry.revealing(row, state.offset), geometry, shell);
        shell.request_redraw();
    }

    fn scroll(&self, state: &mut State, to: Vector, geometry: &Geometry, shell: &mut Shell<'_, M>) {
        let to = geometry.clamp(to);
        if to == state.offset {
            return;
        }
        state.offset = to;
        if let Some(message) = tell(&self.on_scroll, to) {
            shell.publish(message);
        }
        shell.request_redraw();
    }
}

fn tell<T, M>(on: &super::On<'_, T, M>, what: T) -> Option<M> {
    on.as_ref().map(|on| on(what))
}

fn wheel(delta: ScrollDelta, modifiers: keyboard::Modifiers) -> Vector {
    let (x, y) = match delta {
        ScrollDelta::Lines { x, y } => (x * WHEEL_LINE, y * WHEEL_LINE),
        ScrollDelta::Pixels { x, y } => (x, y),
    };
    if modifiers.shift() {
        Vector::new(y, x)
    } else {
        Vector::new(x, y)
    }
}

/// The row a key leads to. Without a current one the keys begin with the first row in sight.
fn target(key: Named, current: Option<usize>, offset: Vector, page: usize, rows: usize) -> Option<usize> {
    let last = rows.checked_sub(1)?;
    let here = || current.unwrap_or((offset.y / ROW).ceil() as usize);
    let to = match (key, current) {
        (Named::Home, _) => 0,
        (Named::End, _) => last,
        (Named::ArrowDown | Named::ArrowUp, None) => here(),
        (Named::ArrowDown, Some(row)) => row + 1,
        (Named::ArrowUp, Some(row)) => row.saturating_sub(1),
        (Named::PageDown, _) => here() + page,
        (Named::PageUp, _) => here().saturating_sub(page),
        _ => return None,
    };
    Some(to.min(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: Vector = Vector::ZERO;

    #[test]
    fn keys_move_within_the_rows() {
        let go = |key, current| target(key, current, TOP, 10, 25);
        assert_eq!(go(Named::ArrowDown, None), Some(0));
        assert_eq!(go(Named::ArrowDown, Some(3)), Some(4));
        assert_eq!(go(Named::ArrowDown, Some(24)), Some(24));
        assert_eq!(go(Named::ArrowUp, Some(0)), Some(0));
        assert_eq!(go(Named::PageDown, Some(20)), Some(24));
        assert_eq!(go(Named::PageUp, Some(12)), Some(2));
        assert_eq!(go(Named::Home, Some(12)), Some(0));
        assert_eq!(go(Named::End, None), Some(24));
        assert_eq!(go(Named::F1, Some(1)), None);
        assert_eq!(target(Named::ArrowDown, None, Vector::new(0.0, 100.0), 10, 25), Some(4));
        assert_eq!(target(Named::End, None, TOP, 10, 0), None);
    }

    #[test]
    fn the_wheel_goes_sideways_with_shift() {
        let down = ScrollDelta::Lines { x: 0.0, y: -1.0 };
        assert_eq!(wheel(down, keyboard::Modifiers::empty()), Vector::new(0.0, -60.0));
        assert_eq!(wheel(down, keyboard::Modifiers::SHIFT), Vector::new(-60.0, 0.0));
    }
}
