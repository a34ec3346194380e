//! The charts of a masternode's page.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::clock::Clock;
use super::past::Past;
use crate::flow::history::{Change, Payment, Timeline, words};
use crate::flow::overview::forecast::Course;
use crate::flow::overview::{Masternode, Overview};
use crate::protocol::masternode::Status;
use crate::protocol::{Amount, Profile};
use crate::ui::format::{self, count, grouped};
use crate::ui::theme::Tone;
use crate::ui::widget::chart::{Axis, Chart, Level, Mark, Place, Series, Shape, Style};

const KNOWN: &str = "PoSe penalty";
const IMAGINED: &str = "If it fails";
/// Least blocks drawn, so that a young chain has an axis.
const LEAST: u32 = 20;
/// Bars of the payments, about.
const BARS: u32 = 15;

pub struct Drawing {
    pub penalty: Chart,
    /// None where none is known.
    pub payments: Option<Chart>,
    /// The payments in words.
    pub paid: String,
}

/// What is drawn of what.
struct Frame<'a> {
    overview: &'a Overview,
    masternode: &'a Masternode,
    profile: &'a Profile,
    timeline: Option<&'a Timeline>,
    clock: Arc<Clock>,
    /// First height on the axis.
    from: u32,
}

impl Drawing {
    pub(super) fn of(
        overview: &Overview,
        masternode: &Masternode,
        past: &Past,
        course: Option<&Course>,
        profile: &Profile,
    ) -> Self {
        let timeline = past.timeline();
        let clock = Arc::new(Clock::of(overview, timeline));
        let frame = Frame {
            overview,
            masternode,
            profile,
            timeline,
            from: first(overview, masternode, past, &clock),
            clock,
        };
        let payments = frame.payments();
        Self {
            penalty: frame.penalty(course),
            paid: frame.paid(&payments),
            payments: (!payments.is_empty()).then(|| frame.bars(&payments)),
        }
    }
}

/// Where the axis begins: so many days ago, or with what is known; not before it was registered.
fn first(overview: &Overview, masternode: &Masternode, past: &Past, clock: &Clock) -> u32 {
    let tip = overview.tip.height;
    let known = past.timeline().and_then(|timeline| timeline.covered.first());
    let from = match (past.span().days(), known) {
        (Some(days), _) => tip.saturating_sub(clock.blocks(days)),
        (None, Some(range)) => range.from,
        (None, None) => tip.saturating_sub(clock.blocks(1)),
    };
    let registered = masternode.entry.state.registered_height;
    from.max(registered).min(tip.saturating_sub(LEAST))
}

impl Frame<'_> {
    fn penalty(&self, course: Option<&Course>) -> Chart {
        let (tip, outlook) = (self.overview.tip.height, &self.masternode.outlook);
        let to = course.map_or(tip, |course| end(course, tip, outlook.max));
        let highest = self.highest(course).max(outlook.max);
        let mut chart = Chart::new(self.heights(to), Axis::whole(0.0, f64::from(highest)))
            .level(Level {
                name: "Danger line: from here the next failure bans".to_owned(),
                value: f64::from(outlook.danger_line),
                tone: Tone::Bad,
                shaded: true,
            })
            .words(self.words());
        for line in self
            .timeline
            .map(|timeline| timeline.lines.as_slice())
            .unwrap_or_default()
        {
            chart = chart.series(series(KNOWN, Tone::Info, Style::Area, line));
        }
        if let Some(course) = course {
            chart = chart.series(series(
                IMAGINED,
                Tone::Warning,
                Style::Dashed,
                &course.simulation.points,
            ));
        }
        chart
            .marks(self.marks())
            .marks([self.now()])
            .marks(course.into_iter().flat_map(|course| self.imagined(course)))
    }

    fn heights(&self, to: u32) -> Axis {
        let (clock, span) = (Arc::clone(&self.clock), to.saturating_sub(self.from));
        Axis::whole(f64::from(self.from), f64::from(to)).written(move |height| clock.label(height as u32, span))
    }

    /// Scores of before may be higher than the present maximum.
    fn highest(&self, course: Option<&Course>) -> u32 {
        let lines = self
            .timeline
            .map(|timeline| timeline.lines.as_slice())
            .unwrap_or_default();
        let imagined = course
            .map(|course| course.simulation.points.as_slice())
            .unwrap_or_default();
        let points = lines.iter().flatten().filter(|(height, _)| *height >= self.from);
        points
            .chain(imagined)
            .map(|(_, penalty)| *penalty)
            .max()
            .unwrap_or_default()
    }

    fn words(&self) -> impl Fn(&Place<'_>) -> Vec<String> + Send + Sync + 'static {
        let clock = Arc::clone(&self.clock);
        move |place| {
            let height = place.x as u32;
            let mut told = vec![format!("Block {}, {}", grouped(height), clock.words(height))];
            told.extend(
                place
                    .values
                    .iter()
                    .map(|(name, value)| format!("{name}: {}", grouped(value.round() as u64))),
            );
            if place.values.is_empty() {
                told.push("Nothing is known of it here".to_owned());
            }
            told
        }
    }

    /// The present score, even where nothing else is known.
    fn now(&self) -> Mark {
        Mark {
            name: "Now".to_owned(),
            x: f64::from(self.overview.tip.height),
            y: f64::from(self.masternode.outlook.penalty),
            tone: Tone::Info,
            shape: Shape::Dot,
            words: String::new(),
        }
    }

    /// What happened: failed DKGs, bans, revivals, payments.
    fn marks(&self) -> Vec<Mark> {
        let Some(timeline) = self.timeline else {
            return Vec::new();
        };
        let events = timeline.events.iter().filter(|event| event.height >= self.from);
        events
            .filter_map(|event| {
                let (name, y, tone, shape) = match &event.change {
                    Change::Penalty { from, to } if to > from => ("Failed DKG", *to, Tone::Bad, Shape::Cross),
                    Change::Status {
                        to: Status::PoseBanned, ..
                    } => ("Banned", self.masternode.outlook.max, Tone::Bad, Shape::Dot),
                    Change::Status {
                        to: Status::Enabled | Status::Penalised,
                        ..
                    } => ("Enabled again", 0, Tone::Good, Shape::Dot),
                    Change::Paid { .. } => ("Payment", 0, Tone::Good, Shape::Tick),
                    _ => return None,
                };
                Some(Mark {
                    name: name.to_owned(),
                    x: f64::from(event.height),
                    y: f64::from(y),
                    tone,
                    shape,
                    words: self.told(timeline, event.height, &event.change),
                })
            })
            .collect()
    }

    /// Of a failed DKG, which one it was.
    fn told(&self, timeline: &Timeline, height: u32, change: &Change) -> String {
        let dkg = timeline
            .events
            .iter()
            .find(|event| event.height == height && matches!(event.change, Change::Dkg { .. }));
        let change = match (change, dkg) {
            (Change::Penalty { .. }, Some(dkg)) => &dkg.change,
            (change, _) => change,
        };
        format!("{}: {}", grouped(height), words::sentence(change, self.profile))
    }

    fn imagined(&self, course: &Course) -> Vec<Mark> {
        let points = &course.simulation.points;
        let score = |height: u32| {
            points
                .iter()
                .rev()
                .find(|(at, _)| *at == height)
                .map(|(_, score)| *score)
        };
        let fails = course.fails.iter().filter_map(|height| {
            Some(Mark {
                name: "Imagined failure".to_owned(),
                x: f64::from(*height),
                y: f64::from(score(*height)?),
                tone: Tone::Warning,
                shape: Shape::Cross,
                words: format!("{}: an imagined failed DKG", grouped(*height)),
            })
        });
        fails.collect()
    }

    /// Those in sight.
    fn payments(&self) -> Vec<Payment> {
        let all = self
            .timeline
            .map(|timeline| timeline.payments.as_slice())
            .unwrap_or_default();
        all.iter()
            .filter(|payment| payment.height >= self.from)
            .copied()
            .collect()
    }

    fn paid(&self, payments: &[Payment]) -> String {
        let sum = sum(payments);
        let number = count(payments.len(), "payment", "payments");
        let worth = sum.map(|sum| format!(", {} in all", format::amount(sum, self.profile)));
        let interval = match payments {
            [first, .., last] => {
                let blocks = (last.height - first.height) / (payments.len() as u32 - 1);
                let time = self.overview.seconds(blocks);
                format!(", one every {} blocks ({})", grouped(blocks), format::span(time))
            }
            _ => String::new(),
        };
        format!("{number}{}{interval}.", worth.unwrap_or_default())
    }

    /// What it was paid, in stretches of equal length.
    fn bars(&self, payments: &[Payment]) -> Chart {
        let tip = self.overview.tip.height;
        let width = (tip.saturating_sub(self.from) / BARS).max(1);
        let amounts = sum(payments).is_some();
        let mut bars: BTreeMap<u32, Vec<Payment>> = BTreeMap::new();
        for payment in payments {
            bars.entry((payment.height - self.from) / width)
                .or_default()
                .push(*payment);
        }
        let coins = |paid: &[Payment]| sum(paid).map_or(0.0, |sum| sum.duffs() as f64 / 1e8);
        let value = |paid: &Vec<Payment>| if amounts { coins(paid) } else { paid.len() as f64 };
        let middle = |at: u32| f64::from(self.from + at * width) + f64::from(width) / 2.0;
        let points: Vec<(f64, f64)> = bars.iter().map(|(at, paid)| (middle(*at), value(paid))).collect();
        let highest = points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        let ticker = self.profile.ticker.clone();
        let name = if amounts {
            format!("Paid, in {ticker}, per {}", format::span(self.overview.seconds(width)))
        } else {
            format!("Payments per {}", format::span(self.overview.seconds(width)))
        };
        let series = Series {
            name,
            tone: Tone::Good,
            style: Style::Bars {
                width: f64::from(width),
            },
            points,
        };
        let axis = if amounts {
            Axis::new(0.0, highest * 1.1)
        } else {
            Axis::whole(0.0, highest + 1.0)
        };
        let clock = Arc::clone(&self.clock);
        let told = move |place: &Place<'_>| {
            let begin = (place.x - f64::from(width) / 2.0).max(0.0) as u32;
            let mut lines = vec![format!(
                "From {} to {}",
                clock.words(begin),
                clock.words(begin.saturating_add(width))
            )];
            let value = place.values.first().map_or(0.0, |(_, value)| *value);
            lines.push(match (amounts, value) {
                (_, 0.0) => "No payment".to_owned(),
                (true, value) => format!("{value} {ticker}"),
                (false, value) => count(value as usize, "payment", "payments"),
            });
            lines
        };
        Chart::new(self.heights(tip), axis).series(series).words(told)
    }
}

/// None where not all amounts are known.
fn sum(payments: &[Payment]) -> Option<Amount> {
    payments
        .iter()
        .try_fold(Amount::ZERO, |sum, payment| sum.checked_add(payment.amount?))
}

/// How far to the right a course is drawn: until it is decided, and a little beyond.
fn end(course: &Course, tip: u32, max: u32) -> u32 {
    let simulation = &course.simulation;
    let decided = simulation.banned_at.or(simulation.zero_at).unwrap_or(tip);
    let last = course
        .fails
        .iter()
        .copied()
        .filter(|height| simulation.banned_at.is_none_or(|at| *height <= at))
        .max();
    let decided = decided.max(last.unwrap_or(tip));
    decided.saturating_add(max / 10).max(tip.saturating_add(LEAST))
}

fn series(name: &str, tone: Tone, style: Style, points: &[(u32, u32)]) -> Series {
    Series {
        name: name.to_owned(),
        tone,
        style,
        points: points
            .iter()
            .map(|(height, penalty)| (f64::from(*height), f64::from(*penalty)))
            .collect(),
    }
}
