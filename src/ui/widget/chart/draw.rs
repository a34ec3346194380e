//! How a chart looks.

use iced::advanced::graphics::text::Paragraph;
use iced::advanced::text::{self, LineHeight, Paragraph as _, Shaping, Wrapping};
use iced::alignment::Vertical;
use iced::widget::canvas::{self, Event, Frame, Geometry, LineDash, Path, Stroke};
use iced::{Color, Pixels, Point, Rectangle, Renderer, Size, Theme, mouse};

use super::{Chart, Level, Mark, Series, Shape, Sign, Style};
use crate::ui::theme::{Colors, Gap, Size as TextSize, Tone, UI, colors};

/// Pixels from one label to the next, at least.
const X_STEP: f32 = 120.0;
const Y_STEP: f32 = 40.0;
/// Height of a line of labels.
const LINE: f32 = 16.0;
const DASH: LineDash<'static> = LineDash {
    segments: &[6.0, 4.0],
    offset: 0,
};
/// How near along x the pointer has to come to a mark, in pixels.
const NEAR: f32 = 7.0;
/// Half the width of a cross.
const CROSS: f32 = 4.5;

impl<M> canvas::Program<M> for Chart {
    /// The pointer was over the chart.
    type State = bool;

    fn update(
        &self,
        was_over: &mut bool,
        event: &Event,
        bounds: Rectangle,
        cursor: mouse::Cursor,
    ) -> Option<canvas::Action<M>> {
        let Event::Mouse(mouse::Event::CursorMoved { .. } | mouse::Event::CursorLeft) = event else {
            return None;
        };
        let over = cursor.is_over(bounds);
        let moved = over || *was_over;
        *was_over = over;
        moved.then(canvas::Action::request_redraw)
    }

    fn draw(
        &self,
        _: &bool,
        renderer: &Renderer,
        theme: &Theme,
        bounds: Rectangle,
        cursor: mouse::Cursor,
    ) -> Vec<Geometry> {
        let dark = usize::from(theme.extended_palette().is_dark);
        let plot = self.plot(bounds.size());
        let still = self.drawn[dark].draw(renderer, bounds.size(), |frame| self.draw_still(frame, theme, plot));
        let mut layers = vec![still];
        let pointer = cursor.position_in(bounds).filter(|at| {
            let grown = plot.expand(1.0);
            grown.contains(*at)
        });
        if let Some(pointer) = pointer {
            let mut frame = Frame::new(renderer, bounds.size());
            self.draw_pointer(&mut frame, theme, plot, pointer);
            layers.push(frame.into_geometry());
        }
        layers
    }
}

impl Chart {
    /// Where values are drawn: what the labels leave.
    fn plot(&self, size: Size) -> Rectangle {
        let labels = self.y.ticks(ticks(size.height, Y_STEP));
        let left = labels
            .iter()
            .map(|value| width(&self.y.words(*value)))
            .fold(0.0, f32::max)
            + Gap::S;
        let lines = self.x.words(self.x.from).lines().count().max(1) as f32;
        let (top, right, bottom) = (Gap::S, Gap::M, lines * LINE + Gap::S);
        Rectangle {
            x: left,
            y: top,
            width: (size.width - left - right).max(1.0),
            height: (size.height - top - bottom).max(1.0),
        }
    }

    fn at(&self, plot: Rectangle, x: f64, y: f64) -> Point {
        let right = self.x.part(x) as f32 * plot.width;
        let up = self.y.part(y).clamp(0.0, 1.0) as f32 * plot.height;
        Point::new(plot.x + right, plot.y + plot.height - up)
    }

    fn draw_still(&self, frame: &mut Frame, theme: &Theme, plot: Rectangle) {
        let ink = colors(theme);
        self.draw_grid(frame, ink, plot);
        self.draw_labels(frame, ink, plot);
        frame.with_clip(plot.expand(CROSS), |frame| {
            for level in &self.levels {
                self.draw_level(frame, theme, plot, level);
            }
            for series in &self.series {
                self.draw_series(frame, theme, plot, series);
            }
            for mark in &self.marks {
                let at = self.at(plot, mark.x, mark.y);
                draw_mark(frame, mark, at, mark.tone.color(theme), plot);
            }
        });
    }

    fn draw_grid(&self, frame: &mut Frame, ink: &Colors, plot: Rectangle) {
        let faint = Stroke::default().with_color(Color { a: 0.6, ..ink.border });
        for value in self.y.ticks(ticks(plot.height, Y_STEP)) {
            let y = self.at(plot, self.x.from, value).y.round() + 0.5;
            let line = Path::line(Point::new(plot.x, y), Point::new(plot.x + plot.width, y));
            frame.stroke(&line, faint);
        }
        let floor = plot.y + plot.height;
        let line = Path::line(Point::new(plot.x, floor), Point::new(plot.x + plot.width, floor));
        frame.stroke(&line, Stroke::default().with_color(ink.muted));
    }

    fn draw_labels(&self, frame: &mut Frame, ink: &Colors, plot: Rectangle) {
        for value in self.y.ticks(ticks(plot.height, Y_STEP)) {
            let y = self.at(plot, self.x.from, value).y;
            let text = label(self.y.words(value), Point::new(plot.x - Gap::S, y), ink.muted);
            frame.fill_text(canvas::Text {
                align_x: text::Alignment::Right,
                align_y: Vertical::Center,
                ..text
            });
        }
        let floor = plot.y + plot.height;
        for value in self.x.ticks(ticks(plot.width, X_STEP)) {
            let x = self.at(plot, value, 0.0).x;
            let tick = Path::line(Point::new(x, floor), Point::new(x, floor + Gap::XS));
            frame.stroke(&tick, Stroke::default().with_color(ink.muted));
            for (line, words) in self.x.words(value).lines().enumerate() {
                // The outermost stay inside.
                let half = width(words) / 2.0;
                let x = x.clamp(half, (plot.x + plot.width + Gap::M - half).max(half));
                let y = floor + Gap::XS + 2.0 + line as f32 * LINE;
                let text = label(words.to_owned(), Point::new(x, y), ink.muted);
                frame.fill_text(canvas::Text {
                    align_x: text::Alignment::Center,
                    ..text
                });
            }
        }
    }

    fn draw_level(&self, frame: &mut Frame, theme: &Theme, plot: Rectangle, level: &Level) {
        let color = level.tone.color(theme);
        let y = self.at(plot, self.x.from, level.value).y;
        if level.shaded {
            let size = Size::new(plot.width, (y - plot.y).max(0.0));
            frame.fill_rectangle(plot.position(), size, Color { a: 0.06, ..color });
        }
        let line = Path::line(Point::new(plot.x, y), Point::new(plot.x + plot.width, y));
        frame.stroke(&line, dashed(color, 1.5));
    }

    fn draw_series(&self, frame: &mut Frame, theme: &Theme, plot: Rectangle, series: &Series) {
        let color = series.tone.color(theme);
        let points = self.in_sight(series);
        if let Style::Bars { width } = series.style {
            for (x, y) in points {
                self.draw_bar(frame, plot, (x, y), width, color);
            }
            return;
        }
        let line: Vec<Point> = points.iter().map(|(x, y)| self.at(plot, *x, *y)).collect();
        let (Some(first), Some(last)) = (line.first(), line.last()) else {
            return;
        };
        let path = Path::new(|path| {
            path.move_to(*first);
            line[1..].iter().for_each(|point| path.line_to(*point));
        });
        if series.style == Style::Area {
            let floor = plot.y + plot.height;
            let ground = Path::new(|path| {
                path.move_to(Point::new(first.x, floor));
                line.iter().for_each(|point| path.line_to(*point));
                path.line_to(Point::new(last.x, floor));
                path.close();
            });
            frame.fill(&ground, Color { a: 0.12, ..color });
        }
        match series.style {
            Style::Dashed => frame.stroke(&path, dashed(color, 2.0)),
            _ => frame.stroke(&path, Stroke::default().with_color(color).with_width(2.0)),
        }
    }

    /// The points between the ends of x; a line that goes beyond is cut there.
    fn in_sight(&self, series: &Series) -> Vec<(f64, f64)> {
        let inside = |(x, _): &&(f64, f64)| (self.x.from..=self.x.to).contains(x);
        let mut points: Vec<(f64, f64)> = series.points.iter().filter(inside).copied().collect();
        if matches!(series.style, Style::Bars { .. }) {
            return points;
        }
        let end = |x: f64| series.at(x).map(|y| (x, y));
        if points.first().is_none_or(|(x, _)| *x > self.x.from) {
            points.splice(0..0, end(self.x.from));
        }
        if points.last().is_none_or(|(x, _)| *x < self.x.to) {
            points.extend(end(self.x.to));
        }
        points
    }

    fn draw_bar(&self, frame: &mut Frame, plot: Rectangle, (x, y): (f64, f64), width: f64, color: Color) {
        let (left, right) = (
            self.at(plot, x - width / 2.0, y),
            self.at(plot, x + width / 2.0, self.y.from),
        );
        let gap = if right.x - left.x > 4.0 { 1.0 } else { 0.0 };
        let size = Size::new((right.x - left.x - gap).max(1.5), (right.y - left.y).max(0.0));
        frame.fill_rectangle(left, size, Color { a: 0.85, ..color });
    }

    fn draw_pointer(&self, frame: &mut Frame, theme: &Theme, plot: Rectangle, pointer: Point) {
        let ink = colors(theme);
        let part = f64::from((pointer.x - plot.x) / plot.width);
        let x = self.snapped(self.x.value(part));
        let near = self.x.value(f64::from(NEAR / plot.width)) - self.x.from;
        let upright = self.at(plot, x, self.y.from).x;
        let line = Path::line(Point::new(upright, plot.y), Point::new(upright, plot.y + plot.height));
        frame.stroke(&line, Stroke::default().with_color(Color { a: 0.6, ..ink.muted }));
        for series in &self.series {
            if let Some(value) = series.at(x)
                && !matches!(series.style, Style::Bars { .. })
            {
                let dot = Path::circle(self.at(plot, x, value), 4.0);
                frame.fill(&dot, series.tone.color(theme));
                frame.stroke(&dot, Stroke::default().with_color(ink.card).with_width(1.5));
            }
        }
        draw_box(frame, ink, plot, upright, &self.told_at(x, near));
    }
}

/// What is told, in a box beside the pointer.
fn draw_box(frame: &mut Frame, ink: &Colors, plot: Rectangle, upright: f32, told: &[String]) {
    let wide = told.iter().map(|words| width(words)).fold(0.0, f32::max) + 2.0 * Gap::S;
    let high = told.len() as f32 * LINE + 2.0 * Gap::XS + 2.0;
    let right = upright + Gap::S;
    let x = if right + wide <= frame.width() {
        right
    } else {
        (upright - Gap::S - wide).max(0.0)
    };
    let corner = Point::new(x, plot.y + Gap::XS);
    let ground = Path::rounded_rectangle(corner, Size::new(wide, high), 6.0.into());
    frame.fill(&ground, ink.sidebar);
    frame.stroke(&ground, Stroke::default().with_color(ink.border));
    for (line, words) in told.iter().enumerate() {
        let at = Point::new(corner.x + Gap::S, corner.y + Gap::XS + 1.0 + line as f32 * LINE);
        frame.fill_text(label(words.clone(), at, ink.text));
    }
}

fn draw_mark(frame: &mut Frame, mark: &Mark, at: Point, color: Color, plot: Rectangle) {
    if at.x < plot.x - 1.0 || at.x > plot.x + plot.width + 1.0 {
        return;
    }
    match mark.shape {
        Shape::Tick => {
            let floor = plot.y + plot.height;
            let line = Path::line(Point::new(at.x, floor), Point::new(at.x, floor - 10.0));
            frame.stroke(&line, Stroke::default().with_color(color).with_width(2.0));
        }
        shape => draw_shape(frame, shape, at, color),
    }
}

fn draw_shape(frame: &mut Frame, shape: Shape, at: Point, color: Color) {
    let stroke = Stroke::default().with_color(color).with_width(2.0);
    match shape {
        Shape::Dot => frame.fill(&Path::circle(at, 4.0), color),
        Shape::Cross => {
            for down in [CROSS, -CROSS] {
                let line = Path::line(
                    Point::new(at.x - CROSS, at.y - down),
                    Point::new(at.x + CROSS, at.y + down),
                );
                frame.stroke(&line, stroke);
            }
        }
        Shape::Tick => {
            let line = Path::line(Point::new(at.x, at.y + 5.0), Point::new(at.x, at.y - 5.0));
            frame.stroke(&line, stroke);
        }
    }
}

impl<M> canvas::Program<M> for Sign {
    type State = ();

    fn draw(&self, _: &(), renderer: &Renderer, theme: &Theme, bounds: Rectangle, _: mouse::Cursor) -> Vec<Geometry> {
        let mut frame = Frame::new(renderer, bounds.size());
        let (middle, wide) = (frame.center(), frame.width());
        let line = Path::line(Point::new(0.0, middle.y), Point::new(wide, middle.y));
        let color = |tone: Tone| tone.color(theme);
        match *self {
            Self::Line(tone) => frame.stroke(&line, Stroke::default().with_color(color(tone)).with_width(2.0)),
            Self::Dashed(tone) => frame.stroke(&line, dashed(color(tone), 2.0)),
            Self::Bar(tone) => {
                let corner = Point::new(middle.x - 5.0, 1.0);
                frame.fill_rectangle(corner, Size::new(10.0, bounds.height - 2.0), color(tone));
            }
            Self::Mark(shape, tone) => draw_shape(&mut frame, shape, middle, color(tone)),
        }
        vec![frame.into_geometry()]
    }
}

fn dashed(color: Color, width: f32) -> Stroke<'static> {
    Stroke {
        line_dash: DASH,
        ..Stroke::default().with_color(color).with_width(width)
    }
}

/// As many labels as have room.
fn ticks(pixels: f32, step: f32) -> usize {
    ((pixels / step) as usize).clamp(1, 12)
}

/// Names its font: the toolkit's own default has no letters on a machine without fonts.
fn label(content: String, position: Point, color: Color) -> canvas::Text {
    canvas::Text {
        content,
        position,
        color,
        size: Pixels(TextSize::SMALL),
        font: UI,
        ..canvas::Text::default()
    }
}

/// Width of a line of small text.
fn width(words: &str) -> f32 {
    let paragraph = Paragraph::with_text(text::Text {
        content: words,
        bounds: Size::INFINITE,
        size: Pixels(TextSize::SMALL),
        line_height: LineHeight::default(),
        font: UI,
        align_x: text::Alignment::Default,
        align_y: Vertical::Top,
        shaping: Shaping::Auto,
        wrapping: Wrapping::None,
    });
    paragraph.min_width()
}
