//! Where the parts of a table are. Pure: the same numbers for drawing, clicking and scrolling.

use std::ops::Range;

use iced::{Point, Rectangle, Size, Vector};

use super::Column;

/// Height of a row in logical pixels. Whole, so that row 100,000 is still at an exact place.
pub const ROW: f32 = 32.0;
/// Height of the header.
pub const HEADER: f32 = 36.0;
/// Width of the column of boxes.
pub(super) const BOXES: f32 = 36.0;
/// Space left and right in a cell.
pub(super) const PAD: f32 = 8.0;
/// Width of the place of a scroll bar.
pub(super) const BAR: f32 = 12.0;
/// A thumb stays large enough to be caught.
const LEAST_THUMB: f32 = 28.0;

/// A table of some size with so many rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Geometry {
    bounds: Rectangle,
    /// Of each column, without the boxes.
    widths: Vec<f32>,
    boxes: bool,
    rows: usize,
}

/// What is at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hit {
    /// The box in the header, for all rows.
    AllBox,
    Header(usize),
    Box(usize),
    Row(usize),
    Vertical,
    Horizontal,
    /// Below the last row.
    Nothing,
}

impl Geometry {
    pub fn new(bounds: Rectangle, columns: &[Column], boxes: bool, rows: usize) -> Self {
        let mut geometry = Self {
            bounds,
            widths: columns.iter().map(|column| column.width).collect(),
            boxes,
            rows,
        };
        geometry.share(columns);
        geometry
    }

    /// Space that is left goes to the columns that want it, by what each wants. Where there is none left, every column keeps its own
    /// width and the table scrolls sideways.
    fn share(&mut self, columns: &[Column]) {
        let left = self.bounds.width - BAR - self.content().width;
        let wanted: f32 = columns.iter().map(|column| column.grow).sum();
        if left > 0.0 && wanted > 0.0 {
            for (width, column) in self.widths.iter_mut().zip(columns) {
                *width += (left * column.grow / wanted).floor();
            }
        }
    }

    pub fn bounds(&self) -> Rectangle {
        self.bounds
    }

    /// Size of all rows with all columns.
    pub fn content(&self) -> Size {
        let width = self.first_column() + self.widths.iter().sum::<f32>();
        Size::new(width, self.rows as f32 * ROW)
    }

    fn first_column(&self) -> f32 {
        if self.boxes { BOXES } else { 0.0 }
    }

    fn is_wide(&self) -> bool {
        self.content().width > self.bounds.width - BAR + 0.5
    }

    pub fn header(&self) -> Rectangle {
        Rectangle {
            height: HEADER.min(self.bounds.height),
            ..self.bounds
        }
    }

    /// The place of the rows, without header and scroll bars.
    pub fn body(&self) -> Rectangle {
        let below = if self.is_wide() { BAR } else { 0.0 };
        Rectangle {
            y: self.bounds.y + HEADER,
            width: (self.bounds.width - BAR).max(0.0),
            height: (self.bounds.height - HEADER - below).max(0.0),
            ..self.bounds
        }
    }

    /// How far it can be scrolled.
    pub fn furthest(&self) -> Vector {
        let (content, body) = (self.content(), self.body());
        Vector::new(
            (content.width - body.width).max(0.0),
            (content.height - body.height).max(0.0),
        )
    }

    /// An offset that is possible.
    pub fn clamp(&self, offset: Vector) -> Vector {
        let furthest = self.furthest();
        Vector::new(offset.x.clamp(0.0, furthest.x), offset.y.clamp(0.0, furthest.y))
    }

    /// The rows in sight, the ones cut at an edge included.
    pub fn visible(&self, offset: Vector) -> Range<usize> {
        let height = self.body().height;
        let first = ((offset.y / ROW) as usize).min(self.rows);
        let last = ((offset.y + height) / ROW).ceil() as usize;
        first..last.clamp(first, self.rows)
    }

    /// Whole rows that fit.
    pub fn page(&self) -> usize {
        ((self.body().height / ROW) as usize).max(1)
    }

    pub fn row(&self, row: usize, offset: Vector) -> Rectangle {
        let body = self.body();
        Rectangle {
            y: body.y + row as f32 * ROW - offset.y,
            height: ROW,
            ..body
        }
    }

    /// Left edge and width of a column, scrolled.
    pub fn column(&self, column: usize, offset: Vector) -> (f32, f32) {
        let before: f32 = self.widths[..column].iter().sum();
        (
            self.bounds.x + self.first_column() + before - offset.x,
            self.widths[column],
        )
    }

    pub fn columns(&self) -> usize {
        self.widths.len()
    }

    pub fn has_boxes(&self) -> bool {
        self.boxes
    }

    /// The place of a row's box; scrolls with the columns.
    pub fn box_of(&self, line: Rectangle, offset: Vector) -> Rectangle {
        Rectangle {
            x: self.bounds.x - offset.x,
            width: BOXES,
            ..line
        }
    }

    pub fn hit(&self, point: Point, offset: Vector) -> Option<Hit> {
        if !self.bounds.contains(point) {
            return None;
        }
        if point.x >= self.bounds.x + self.bounds.width - BAR && point.y >= self.body().y {
            return Some(Hit::Vertical);
        }
        if self.is_wide() && point.y >= self.body().y + self.body().height {
            return Some(Hit::Horizontal);
        }
        let across = point.x - self.bounds.x + offset.x;
        if self.header().contains(point) {
            return Some(self.hit_header(across));
        }
        let row = ((point.y - self.body().y + offset.y) / ROW) as usize;
        Some(match row {
            row if row >= self.rows => Hit::Nothing,
            row if self.boxes && across < BOXES => Hit::Box(row),
            row => Hit::Row(row),
        })
    }

    fn hit_header(&self, across: f32) -> Hit {
        let mut edge = self.first_column();
        if across < edge {
            return Hit::AllBox;
        }
        for (column, width) in self.widths.iter().enumerate() {
            edge += width;
            if across < edge {
                return Hit::Header(column);
            }
        }
        Hit::Nothing
    }

    /// The offset at which a row is wholly in sight, nearest to the present one.
    pub fn revealing(&self, row: usize, offset: Vector) -> Vector {
        let (top, height) = (row as f32 * ROW, self.body().height);
        let y = if top < offset.y {
            top
        } else if top + ROW > offset.y + height {
            top + ROW - height
        } else {
            offset.y
        };
        self.clamp(Vector::new(offset.x, y))
    }

    /// The rail of the vertical bar and the thumb on it; none where everything is in sight.
    pub fn vertical(&self, offset: Vector) -> Option<(Rectangle, Rectangle)> {
        let body = self.body();
        let rail = Rectangle {
            x: body.x + body.width,
            width: BAR,
            ..body
        };
        let (start, length) = thumb(body.height, self.content().height, offset.y)?;
        let thumb = Rectangle {
            x: rail.x + 3.0,
            y: rail.y + start,
            width: 6.0,
            height: length,
        };
        Some((rail, thumb))
    }

    /// The same of the horizontal one.
    pub fn horizontal(&self, offset: Vector) -> Option<(Rectangle, Rectangle)> {
        let body = self.body();
        let rail = Rectangle {
            y: body.y + body.height,
            height: BAR,
            ..body
        };
        let (start, length) = thumb(body.width, self.content().width, offset.x)?;
        let thumb = Rectangle {
            x: rail.x + start,
            y: rail.y + 3.0,
            width: length,
            height: 6.0,
        };
        Some((rail, thumb))
    }

    /// The offset at which a thumb's start is so far down (or right of) its rail.
    pub fn dragged(&self, axis: Axis, start: f32, offset: Vector) -> Vector {
        let (body, content, furthest) = (self.body(), self.content(), self.furthest());
        let scrolled = |rail: f32, all: f32, furthest: f32| {
            let way = rail - length(rail, all);
            if way <= 0.0 { 0.0 } else { start / way * furthest }
        };
        let offset = match axis {
            Axis::Vertical => Vector::new(offset.x, scrolled(body.height, content.height, furthest.y).round()),
            Axis::Horizontal => Vector::new(scrolled(body.width, content.width, furthest.x).round(), offset.y),
        };
        self.clamp(offset)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Vertical,
    Horizontal,
}

/// Start and length of a thumb on a rail.
fn thumb(rail: f32, all: f32, offset: f32) -> Option<(f32, f32)> {
    if all <= rail + 0.5 {
        return None;
    }
    let length = length(rail, all);
    let start = offset / (all - rail) * (rail - length);
    Some((start.max(0.0), length))
}

fn length(rail: f32, all: f32) -> f32 {
    (rail * rail / all).max(LEAST_THUMB).min(rail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::table::Align;

    fn columns() -> Vec<Column> {
        let column = |width, grow| Column {
            title: "x",
            width,
            grow,
            align: Align::Left,
        };
        vec![column(100.0, 0.0), column(200.0, 1.0), column(150.0, 2.0)]
    }

    fn of(width: f32, rows: usize) -> Geometry {
        let bounds = Rectangle::new(Point::new(10.0, 20.0), Size::new(width, 436.0));
        Geometry::new(bounds, &columns(), true, rows)
    }

    const START: Vector = Vector::ZERO;

    #[test]
    fn space_that_is_left_goes_to_the_columns_that_want_it() {
        let wide = of(450.0 + BOXES + BAR + 300.0, 3);
        assert_eq!(wide.widths, [100.0, 300.0, 350.0]);
        assert_eq!(wide.furthest(), START);
        assert_eq!(wide.horizontal(START), None);
    }

    #[test]
    fn without_space_columns_keep_their_width_and_the_table_scrolls_sideways() {
        let narrow = of(400.0, 3);
        assert_eq!(narrow.widths, [100.0, 200.0, 150.0]);
        assert_eq!(narrow.furthest(), Vector::new(450.0 + BOXES - 388.0, 0.0));
        assert!(narrow.horizontal(START).is_some());
        // The bar takes its place from the rows.
        assert_eq!(narrow.body().height, 436.0 - HEADER - BAR);
    }

    #[test]
    fn only_rows_in_sight_are_named_however_many_there_are() {
        let many = of(1_000.0, 100_000);
        assert_eq!(many.visible(START), 0..13);
        assert_eq!(many.visible(Vector::new(0.0, 16.0)), 0..13);
        assert_eq!(many.visible(Vector::new(0.0, 32.0 * 50_000.0)), 50_000..50_013);
        let end = many.clamp(Vector::new(0.0, f32::MAX));
        assert_eq!(many.visible(end).end, 100_000);
        assert_eq!(many.row(99_999, end).y + ROW, many.body().y + many.body().height);
        assert_eq!(of(1_000.0, 2).visible(START), 0..2);
        assert_eq!(of(1_000.0, 0).visible(START), 0..0);
    }

    #[test]
    fn a_point_is_the_row_box_or_header_drawn_there() {
        let table = of(1_000.0, 100_000);
        let offset = Vector::new(0.0, 32.0 * 99_000.0);
        let line = table.row(99_003, offset);
        let at = |x: f32, y: f32| table.hit(Point::new(x, y), offset);
        assert_eq!(at(200.0, line.center_y()), Some(Hit::Row(99_003)));
        assert_eq!(at(20.0, line.center_y()), Some(Hit::Box(99_003)));
        assert_eq!(at(20.0, 30.0), Some(Hit::AllBox));
        for column in 0..3 {
            let (x, width) = table.column(column, offset);
            assert_eq!(at(x + width / 2.0, 30.0), Some(Hit::Header(column)));
        }
        assert_eq!(at(1_005.0, 300.0), Some(Hit::Vertical));
        assert_eq!(at(5.0, 300.0), None);
        assert_eq!(of(1_000.0, 1).hit(Point::new(200.0, 300.0), START), Some(Hit::Nothing));
    }

    #[test]
    fn a_row_is_brought_into_sight_by_the_shortest_way() {
        let table = of(1_000.0, 100);
        assert_eq!(table.revealing(3, START), START);
        assert_eq!(table.revealing(12, START).y, 13.0 * ROW - 400.0);
        assert_eq!(table.revealing(5, Vector::new(0.0, 640.0)).y, 160.0);
    }

    #[test]
    fn a_thumb_dragged_to_the_end_shows_the_last_row() {
        let table = of(1_000.0, 100_000);
        let (rail, thumb) = table.vertical(START).unwrap();
        assert_eq!(thumb.height, LEAST_THUMB);
        let end = table.dragged(Axis::Vertical, rail.height - thumb.height, START);
        assert_eq!(end, table.furthest());
        let (_, thumb) = table.vertical(end).unwrap();
        assert_eq!(thumb.y + thumb.height, rail.y + rail.height);
        assert_eq!(table.dragged(Axis::Vertical, 0.0, end), START);
    }
}
