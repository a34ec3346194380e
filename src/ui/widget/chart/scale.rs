//! From values to pixels, and which values are worth a label.

use std::fmt;

/// From where to where, and how a value is written.
pub struct Axis {
    pub from: f64,
    pub to: f64,
    /// Only whole numbers count.
    whole: bool,
    words: Option<Box<dyn Fn(f64) -> String + Send + Sync>>,
}

impl Axis {
    /// Any numbers.
    pub fn new(from: f64, to: f64) -> Self {
        Self {
            from,
            to,
            whole: false,
            words: None,
        }
    }

    /// Whole numbers: heights, counts.
    pub fn whole(from: f64, to: f64) -> Self {
        Self {
            whole: true,
            ..Self::new(from, to)
        }
    }

    /// How a value is written; a second line may follow after `\n`.
    pub fn written(mut self, words: impl Fn(f64) -> String + Send + Sync + 'static) -> Self {
        self.words = Some(Box::new(words));
        self
    }

    pub(super) fn words(&self, value: f64) -> String {
        match &self.words {
            Some(words) => words(value),
            None if self.whole => grouped(value),
            None => format!("{value}"),
        }
    }

    /// Where a value lies, 0 to 1 between the ends.
    pub(super) fn part(&self, value: f64) -> f64 {
        let span = self.to - self.from;
        if span > 0.0 { (value - self.from) / span } else { 0.5 }
    }

    /// The value at a part of the way.
    pub(super) fn value(&self, part: f64) -> f64 {
        self.from + (self.to - self.from) * part
    }

    pub(super) fn snapped(&self, value: f64) -> f64 {
        let value = if self.whole { value.round() } else { value };
        value.clamp(self.from.min(self.to), self.to.max(self.from))
    }

    /// Round values between the ends, at most so many.
    pub(super) fn ticks(&self, most: usize) -> Vec<f64> {
        let span = self.to - self.from;
        if !span.is_finite() || span <= 0.0 || most == 0 {
            return vec![self.from];
        }
        let step = self.step(span / most as f64);
        let first = (self.from / step).ceil();
        (0..=most)
            .map(|count| (first + count as f64) * step)
            .take_while(|value| *value <= self.to + step * 1e-9)
            .collect()
    }

    /// 1, 2 or 5 times a power of ten, no smaller than asked.
    fn step(&self, least: f64) -> f64 {
        let power = 10f64.powf(least.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= least * (1.0 - 1e-9))
            .unwrap_or(10.0 * power);
        if self.whole { step.max(1.0) } else { step }
    }
}

impl fmt::Debug for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Axis")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

fn grouped(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", crate::ui::format::grouped(value.abs().round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_at_round_values() {
        assert_eq!(Axis::whole(0.0, 100.0).ticks(5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(
            Axis::whole(1_234_012.0, 1_234_567.0).ticks(4),
            [1_234_200.0, 1_234_400.0]
        );
        assert_eq!(Axis::whole(0.0, 2.0).ticks(10), [0.0, 1.0, 2.0]);
        assert_eq!(Axis::new(0.0, 1.0).ticks(4), [0.0, 0.5, 1.0]);
    }

    #[test]
    fn an_axis_without_extent_has_one_label_and_draws_in_the_middle() {
        let axis = Axis::whole(7.0, 7.0);
        assert_eq!(axis.ticks(5), [7.0]);
        assert_eq!(axis.part(7.0), 0.5);
        assert_eq!(Axis::new(0.0, f64::NAN).ticks(3), [0.0]);
    }

    #[test]
    fn whole_places_are_grouped_and_met() {
        let axis = Axis::whole(0.0, 2_000_000.0);
        assert_eq!(axis.words(1_234_567.0), "1,234,567");
        assert_eq!(axis.snapped(12.6), 13.0);
        assert_eq!(axis.snapped(-3.0), 0.0);
        assert_eq!(axis.value(axis.part(500.0)), 500.0);
        let named = Axis::whole(0.0, 9.0).written(|at| format!("{at}\nTue"));
        assert_eq!(named.words(3.0), "3\nTue");
    }
}
