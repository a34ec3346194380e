//! How a table looks.

use iced::advanced::text::{Alignment, LineHeight, Renderer as _, Shaping, Text, Wrapping};
use iced::advanced::widget::Operation;
use iced::advanced::{Renderer as _, renderer};
use iced::alignment::Vertical;
use iced::{Background, Border, Color, Font, Point, Rectangle, Renderer, Size as Extent, Theme, Vector};

use super::fit::{Widths, fitting, width};
use super::geometry::{BAR, Geometry, Hit, PAD};
use super::{Align, Cell, Direction, Look, State, Table};
use crate::ui::theme::{Colors, MONO, STRONG, Size, UI, colors};

const LINE: f32 = 1.3;
const TICK: f32 = 16.0;
const DOT: f32 = 8.0;
const SLACK: f32 = 24.0;

impl<M> Table<'_, M> {
    pub(super) fn paint(&self, state: &State, geometry: &Geometry, renderer: &mut Renderer, theme: &Theme) {
        let offset = geometry.clamp(state.offset);
        let colors = colors(theme);
        renderer.with_layer(geometry.body(), |renderer| {
            for row in geometry.visible(offset) {
                self.paint_row(row, state, geometry, offset, renderer, theme);
            }
        });
        let across = Rectangle {
            width: geometry.body().width,
            ..geometry.header()
        };
        renderer.with_layer(across, |renderer| {
            self.paint_header(state, geometry, offset, renderer, theme)
        });
        let edge = Rectangle {
            y: geometry.header().y + geometry.header().height - 1.0,
            height: 1.0,
            ..geometry.header()
        };
        fill(renderer, edge, colors.border, 0.0);
        self.paint_bars(state, geometry, offset, renderer, colors);
    }

    fn paint_row(
        &self,
        row: usize,
        state: &State,
        geometry: &Geometry,
        offset: Vector,
        renderer: &mut Renderer,
        theme: &Theme,
    ) {
        let colors = colors(theme);
        let line = geometry.row(row, offset);
        let (marked, ticked) = (self.rows.is_marked(row), self.rows.is_ticked(row));
        let hovered = matches!(state.hover, Some(Hit::Row(at) | Hit::Box(at)) if at == row);
        let current = self.current == Some(row);
        if hovered || (current && state.focused) {
            fill(renderer, line, colors.hover, 0.0);
        } else if ticked || marked {
            fill(
                renderer,
                line,
                Color {
                    a: if ticked { 0.16 } else { 0.08 },
                    ..colors.primary
                },
                0.0,
            );
        }
        if marked || current {
            let width = if current { 3.0 } else { 2.0 };
            fill(renderer, Rectangle { width, ..line }, colors.primary, 0.0);
        }
        let below = Rectangle {
            y: line.y + line.height - 1.0,
            height: 1.0,
            ..line
        };
        fill(
            renderer,
            below,
            Color {
                a: 0.5,
                ..colors.border
            },
            0.0,
        );
        if geometry.has_boxes() {
            tick(renderer, geometry.box_of(line, offset), ticked, colors);
        }
        for column in 0..geometry.columns() {
            let place = cell(geometry, column, line, offset);
            if place.intersects(&line) {
                let content = self.rows.cell(row, column);
                paint_cell(
                    &content,
                    self.columns[column].align,
                    place,
                    &state.widths,
                    renderer,
                    theme,
                );
            }
        }
    }

    fn paint_header(&self, state: &State, geometry: &Geometry, offset: Vector, renderer: &mut Renderer, theme: &Theme) {
        let colors = colors(theme);
        let header = geometry.header();
        if geometry.has_boxes() {
            tick(renderer, geometry.box_of(header, offset), self.all_ticked, colors);
        }
        for (at, column) in self.columns.iter().enumerate() {
            let place = cell(geometry, at, header, offset);
            if !place.intersects(&header) {
                continue;
            }
            let hovered = self.on_sort.is_some() && state.hover == Some(Hit::Header(at));
            let sorted = self.sorted.filter(|(sorted, _)| *sorted == at);
            let ink = if sorted.is_some() || hovered {
                colors.text
            } else {
                colors.muted
            };
            let title = titled(column.title, sorted.map(|(_, direction)| direction), place.width);
            words(
                renderer,
                title,
                place,
                (column.align, &state.widths),
                (STRONG, Size::SMALL),
                ink,
            );
        }
    }

    fn paint_bars(&self, state: &State, geometry: &Geometry, offset: Vector, renderer: &mut Renderer, colors: &Colors) {
        let held = |hit| state.hover == Some(hit) || state.drag.is_some_and(|drag| drag.hit() == hit);
        for (bar, hit) in [
            (geometry.vertical(offset), Hit::Vertical),
            (geometry.horizontal(offset), Hit::Horizontal),
        ] {
            if let Some((_, thumb)) = bar {
                let color = if held(hit) { colors.muted } else { colors.border };
                fill(renderer, thumb, color, BAR / 4.0);
            }
        }
    }

    /// Says the texts in sight, to those who look for them.
    pub(super) fn tell(&self, geometry: &Geometry, offset: Vector, operation: &mut dyn Operation) {
        let mut say = |place: Rectangle, text: &str| {
            if let Some(seen) = place.intersection(&geometry.bounds()) {
                operation.text(None, seen, text);
            }
        };
        for (at, column) in self.columns.iter().enumerate() {
            say(cell(geometry, at, geometry.header(), offset), column.title);
        }
        for row in geometry.visible(offset) {
            let line = geometry.row(row, offset);
            for column in 0..geometry.columns() {
                let place = cell(geometry, column, line, offset);
                if place.intersects(&line) {
                    say(place, &self.rows.cell(row, column).text);
                }
            }
        }
    }
}

/// A title and the arrow of its order, which is never cut off.
fn titled(title: &str, direction: Option<Direction>, room: f32) -> String {
    let arrow = match direction {
        Some(Direction::Ascending) => " ↑",
        Some(Direction::Descending) => " ↓",
        None => "",
    };
    let room = room - width(arrow, STRONG, Size::SMALL);
    format!("{}{arrow}", fitting(title, room, STRONG, Size::SMALL))
}

/// The inside of a cell.
fn cell(geometry: &Geometry, column: usize, line: Rectangle, offset: Vector) -> Rectangle {
    let (x, width) = geometry.column(column, offset);
    Rectangle {
        x: x + PAD,
        width: (width - 2.0 * PAD).max(0.0),
        ..line
    }
}

fn paint_cell(content: &Cell, align: Align, place: Rectangle, widths: &Widths, renderer: &mut Renderer, theme: &Theme) {
    let colors = colors(theme);
    let (font, size, ink) = match content.look {
        Look::Plain => (UI, Size::BODY, colors.text),
        Look::Strong => (STRONG, Size::BODY, colors.text),
        Look::Muted => (UI, Size::BODY, colors.muted),
        Look::Mono => (MONO, Size::BODY - 1.0, colors.text),
        Look::Toned(tone) | Look::State(tone) => (UI, Size::BODY, tone.color(theme)),
    };
    let mut place = place;
    if let Look::State(tone) = content.look {
        let dot = Rectangle::new(Point::new(place.x, place.center_y() - DOT / 2.0), Extent::new(DOT, DOT));
        fill(renderer, dot, tone.color(theme), DOT / 2.0);
        place.x += DOT + 6.0;
        place.width -= DOT + 6.0;
    }
    let text = fitting(&content.text, place.width, font, size).into_owned();
    words(renderer, text, place, (align, widths), (font, size), ink);
}

/// One line in the middle of a place.
fn words(
    renderer: &mut Renderer,
    content: String,
    place: Rectangle,
    (align, widths): (Align, &Widths),
    (font, size): (Font, f32),
    ink: Color,
) {
    if content.is_empty() || place.width <= 0.0 {
        return;
    }
    let height = (size * LINE).round();
    // The renderer repaints what is right of a text's anchor: a text anchored at its right end would stay as it was when it changes.
    let x = match align {
        Align::Left => place.x,
        Align::Right => place.x + place.width - widths.of(&content, font, size),
    };
    let text = Text {
        content,
        // It was made to fit; should it be judged too narrow by a little, nothing of it breaks into a second line.
        bounds: Extent::new(place.width + SLACK, height),
        size: size.into(),
        line_height: LineHeight::Absolute(height.into()),
        font,
        align_x: Alignment::Left,
        align_y: Vertical::Top,
        shaping: Shaping::Auto,
        wrapping: Wrapping::Glyph,
    };
    let y = place.y + ((place.height - height) / 2.0).floor();
    renderer.fill_text(
        text,
        Point::new(x, y),
        ink,
        Rectangle {
            height: place.height,
            ..place
        },
    );
}

fn tick(renderer: &mut Renderer, place: Rectangle, ticked: bool, colors: &Colors) {
    let bounds = Rectangle::new(
        Point::new(place.center_x() - TICK / 2.0 + 2.0, place.center_y() - TICK / 2.0),
        Extent::new(TICK, TICK),
    );
    let quad = renderer::Quad {
        bounds,
        border: Border {
            color: if ticked { colors.primary } else { colors.muted },
            width: 1.5,
            radius: 4.0.into(),
        },
        ..renderer::Quad::default()
    };
    renderer.fill_quad(quad, if ticked { colors.primary } else { colors.card });
    if !ticked {
        return;
    }
    let size = TICK * 0.7;
    let mark = Text {
        content: Renderer::CHECKMARK_ICON.to_string(),
        bounds: bounds.size(),
        size: size.into(),
        line_height: LineHeight::default(),
        font: Renderer::ICON_FONT,
        align_x: Alignment::Center,
        align_y: Vertical::Center,
        shaping: Shaping::Basic,
        wrapping: Wrapping::None,
    };
    renderer.fill_text(mark, bounds.center(), colors.on_primary, bounds);
}

fn fill(renderer: &mut Renderer, bounds: Rectangle, color: Color, radius: f32) {
    let quad = renderer::Quad {
        bounds,
        border: Border {
            radius: radius.into(),
            ..Border::default()
        },
        ..renderer::Quad::default()
    };
    renderer.fill_quad(quad, Background::Color(color));
}
