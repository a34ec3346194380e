//! A chart: lines or bars over two axes, levels across it, marks in it, a legend, and what is where the pointer rests.
//!
//! It is kept where the data is kept and made anew when they change; what does not move is drawn once for each theme and size.

mod draw;
mod scale;

use std::fmt;

use iced::widget::{Row, canvas, column, row};
use iced::{Element, Length};

pub use scale::Axis;

use super::text::help;
use crate::ui::theme::{Gap, Tone};

/// What a chart says of a place, line by line.
type Words = Box<dyn Fn(&Place<'_>) -> Vec<String> + Send + Sync>;

/// Everything a chart shows.
pub struct Chart {
    x: Axis,
    y: Axis,
    series: Vec<Series>,
    levels: Vec<Level>,
    marks: Vec<Mark>,
    words: Option<Words>,
    /// What does not move, light and dark.
    drawn: [canvas::Cache; 2],
}

/// Values of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// In the legend; empty: not named there.
    pub name: String,
    pub tone: Tone,
    pub style: Style,
    /// Places along x in ascending order, with their values.
    pub points: Vec<(f64, f64)>,
}

/// How values are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Style {
    /// A line with its ground filled.
    Area,
    Line,
    /// What is not measured but expected.
    Dashed,
    /// One for every point, so wide along x, in the middle of its point.
    Bars {
        width: f64,
    },
}

/// A value that matters, across the whole chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    pub name: String,
    pub value: f64,
    pub tone: Tone,
    /// What lies above is tinted.
    pub shaded: bool,
}

/// Something that happened at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// In the legend, once for all of the same name.
    pub name: String,
    pub x: f64,
    pub y: f64,
    pub tone: Tone,
    pub shape: Shape,
    /// Told where the pointer comes near.
    pub words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    Cross,
    Dot,
    /// A short upright line on the lower edge.
    Tick,
}

/// A place along x, and what each series has there.
#[derive(Debug)]
pub struct Place<'a> {
    pub x: f64,
    /// Name and value of every series that reaches here.
    pub values: Vec<(&'a str, f64)>,
}

impl Chart {
    pub fn new(x: Axis, y: Axis) -> Self {
        Self {
            x,
            y,
            series: Vec::new(),
            levels: Vec::new(),
            marks: Vec::new(),
            words: None,
            drawn: Default::default(),
        }
    }

    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    pub fn level(mut self, level: Level) -> Self {
        self.levels.push(level);
        self
    }

    pub fn marks(mut self, marks: impl IntoIterator<Item = Mark>) -> Self {
        self.marks.extend(marks);
        self
    }

    /// What is said of the place where the pointer rests; without it, the words of the axes.
    pub fn words(mut self, words: impl Fn(&Place<'_>) -> Vec<String> + Send + Sync + 'static) -> Self {
        self.words = Some(Box::new(words));
        self
    }

    /// As wide as its place, the drawing so high; the legend stands above it.
    pub fn view<'a, M: 'a>(&'a self, height: f32) -> Element<'a, M> {
        let drawing = canvas(self).width(Length::Fill).height(height);
        column![self.legend(), drawing].spacing(Gap::S).into()
    }

    /// What is told at a place: its words, then those of marks no farther than `near` along x.
    pub fn told_at(&self, x: f64, near: f64) -> Vec<String> {
        let x = self.snapped(x);
        let place = Place {
            x,
            values: self
                .series
                .iter()
                .filter_map(|series| Some((series.name.as_str(), series.at(x)?)))
                .collect(),
        };
        let mut told = match &self.words {
            Some(words) => words(&place),
            None => self.plain_words(&place),
        };
        let mut marks: Vec<&Mark> = self
            .marks
            .iter()
            .filter(|mark| !mark.words.is_empty() && (mark.x - x).abs() <= near)
            .collect();
        marks.sort_by(|a, b| (a.x - x).abs().total_cmp(&(b.x - x).abs()));
        told.extend(marks.iter().take(MOST_MARKS).map(|mark| mark.words.clone()));
        told
    }

    fn plain_words(&self, place: &Place<'_>) -> Vec<String> {
        let of = |(name, value): &(&str, f64)| format!("{name}: {}", self.y.words(*value));
        let head = self.x.words(place.x).replace('\n', ", ");
        std::iter::once(head).chain(place.values.iter().map(of)).collect()
    }

    /// The middle of the bar around a place; else the next whole place, where only those count.
    fn snapped(&self, x: f64) -> f64 {
        let bars = self
            .series
            .iter()
            .filter_map(|series| series.bar_at(x))
            .map(|(middle, _)| middle);
        bars.into_iter().next().unwrap_or_else(|| self.x.snapped(x))
    }

    fn legend<'a, M: 'a>(&self) -> Element<'a, M> {
        let mut entries: Vec<(String, Sign)> = Vec::new();
        let series = self.series.iter().map(|series| {
            let sign = Sign::of_style(series.style, series.tone);
            (series.name.clone(), sign)
        });
        let levels = self
            .levels
            .iter()
            .map(|level| (level.name.clone(), Sign::Dashed(level.tone)));
        let marks = self
            .marks
            .iter()
            .map(|mark| (mark.name.clone(), Sign::Mark(mark.shape, mark.tone)));
        for (name, sign) in series.chain(levels).chain(marks) {
            if !name.is_empty() && entries.iter().all(|(known, _)| *known != name) {
                entries.push((name, sign));
            }
        }
        let entries = entries.into_iter().map(|(name, sign)| {
            let sign = canvas(sign).width(SIGN.0).height(SIGN.1);
            row![sign, help(name)].spacing(Gap::XS).align_y(iced::Center).into()
        });
        Row::with_children(entries)
            .spacing(Gap::M)
            .wrap()
            .vertical_spacing(Gap::XS)
            .into()
    }
}

/// Marks told at one place.
const MOST_MARKS: usize = 3;
/// Width and height of a sign in the legend.
const SIGN: (f32, f32) = (20.0, 12.0);

/// How something is drawn, in the legend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Line(Tone),
    Dashed(Tone),
    Bar(Tone),
    Mark(Shape, Tone),
}

impl Sign {
    fn of_style(style: Style, tone: Tone) -> Self {
        match style {
            Style::Area | Style::Line => Self::Line(tone),
            Style::Dashed => Self::Dashed(tone),
            Style::Bars { .. } => Self::Bar(tone),
        }
    }
}

impl Series {
    /// The value at a place, the later one where the line jumps: between the points of a line, of the bar there; none where the series does not reach.
    pub fn at(&self, x: f64) -> Option<f64> {
        if let Style::Bars { .. } = self.style {
            return self.bar_at(x).map(|(_, value)| value);
        }
        let after = self.points.partition_point(|(at, _)| *at <= x);
        let (x0, y0) = *self.points.get(after.checked_sub(1)?)?;
        match self.points.get(after) {
            Some((x1, y1)) => Some(y0 + (y1 - y0) * (x - x0) / (x1 - x0)),
            None => (x0 == x).then_some(y0),
        }
    }

    fn bar_at(&self, x: f64) -> Option<(f64, f64)> {
        let Style::Bars { width } = self.style else {
            return None;
        };
        let near = |(at, _): &&(f64, f64)| (x - at).abs() <= width / 2.0;
        self.points.iter().find(near).copied()
    }
}

impl fmt::Debug for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chart")
            .field("series", &self.series)
            .field("levels", &self.levels)
            .field("marks", &self.marks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(f64, f64)]) -> Series {
        Series {
            name: "PoSe penalty".to_owned(),
            tone: Tone::Info,
            style: Style::Line,
            points: points.to_vec(),
        }
    }

    #[test]
    fn a_line_has_values_between_its_points_and_none_beyond() {
        let line = line(&[(10.0, 66.0), (20.0, 56.0), (20.0, 100.0), (30.0, 90.0)]);
        assert_eq!(line.at(15.0), Some(61.0));
        assert_eq!(line.at(20.0), Some(100.0));
        assert_eq!(line.at(30.0), Some(90.0));
        assert_eq!((line.at(9.0), line.at(31.0)), (None, None));
        assert_eq!(super::tests::line(&[]).at(1.0), None);
    }

    #[test]
    fn a_bar_reaches_half_its_width_to_each_side() {
        let bars = Series {
            style: Style::Bars { width: 10.0 },
            ..line(&[(5.0, 3.0), (25.0, 1.0)])
        };
        assert_eq!(bars.at(9.9), Some(3.0));
        assert_eq!(bars.at(15.0), None);
        assert_eq!(bars.at(21.0), Some(1.0));
    }

    #[test]
    fn a_place_tells_height_value_and_what_happened_near_it() {
        let mark = Mark {
            name: "Failed DKG".to_owned(),
            x: 20.0,
            y: 66.0,
            tone: Tone::Bad,
            shape: Shape::Cross,
            words: "failed in llmq_60_75".to_owned(),
        };
        let chart = Chart::new(Axis::whole(0.0, 40.0), Axis::whole(0.0, 100.0))
            .series(line(&[(10.0, 66.0), (30.0, 46.0)]))
            .marks([mark]);
        assert_eq!(chart.told_at(12.2, 3.0), ["12", "PoSe penalty: 64"]);
        assert_eq!(
            chart.told_at(18.0, 3.0),
            ["18", "PoSe penalty: 58", "failed in llmq_60_75"]
        );
        let own = Chart::new(Axis::whole(0.0, 40.0), Axis::whole(0.0, 100.0))
            .series(line(&[(10.0, 66.0), (30.0, 46.0)]))
            .words(|place| vec![format!("block {}: {}", place.x, place.values[0].1)]);
        assert_eq!(own.told_at(11.0, 0.0), ["block 11: 65"]);
    }
}
