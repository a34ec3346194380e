//! When blocks were and will be: from the times that are known, else from the observed spacing.

use crate::flow::history::Timeline;
use crate::flow::overview::Overview;
use crate::ui::format;

/// Heights and **Unix seconds**.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clock {
    /// Ascending; the tip is the last.
    times: Vec<(u32, u64)>,
    tip: (u32, u64),
    /// Average **seconds** between blocks.
    spacing: f64,
}

impl Clock {
    pub(super) fn of(overview: &Overview, timeline: Option<&Timeline>) -> Self {
        let tip = (overview.tip.height, overview.tip.time);
        let mut times: Vec<(u32, u64)> = timeline.map(|timeline| timeline.times.clone()).unwrap_or_default();
        times.retain(|(height, _)| *height < tip.0);
        times.push(tip);
        Self {
            times,
            tip,
            spacing: overview.spacing.seconds,
        }
    }

    /// About when a block was or will be.
    pub(super) fn at(&self, height: u32) -> u64 {
        let seconds = |blocks: u32| (f64::from(blocks) * self.spacing) as u64;
        if height >= self.tip.0 {
            return self.tip.1.saturating_add(seconds(height - self.tip.0));
        }
        let after = self.times.partition_point(|(known, _)| *known < height);
        let (top, end) = self.times.get(after).copied().unwrap_or(self.tip);
        match after.checked_sub(1).and_then(|before| self.times.get(before)) {
            Some((bottom, begin)) => {
                let part = f64::from(height - bottom) / f64::from(top - bottom);
                begin + (end.saturating_sub(*begin) as f64 * part) as u64
            }
            None => end.saturating_sub(seconds(top - height)),
        }
    }

    /// `Tue 24 Nov, 14:00 UTC`
    pub(super) fn words(&self, height: u32) -> String {
        format::day_time(self.at(height))
    }

    /// Blocks of so many days.
    pub(super) fn blocks(&self, days: u32) -> u32 {
        (f64::from(days) * 86_400.0 / self.spacing.max(1.0)) as u32
    }

    /// A height with what fits below it on an axis that spans so many blocks: the day, or the hour of it.
    pub(super) fn label(&self, height: u32, span: u32) -> String {
        let at = self.at(height);
        let below = if f64::from(span) * self.spacing > 3.0 * 86_400.0 {
            format::day(at)
        } else {
            format!("{:02}:{:02} UTC", at % 86_400 / 3_600, at % 3_600 / 60)
        };
        format!("{}\n{below}", format::grouped(height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock {
            times: vec![(100, 10_000), (200, 30_000), (300, 45_000)],
            tip: (300, 45_000),
            spacing: 150.0,
        }
    }

    #[test]
    fn between_known_blocks_time_runs_evenly_and_beyond_them_by_the_spacing() {
        let clock = clock();
        assert_eq!(clock.at(150), 20_000);
        assert_eq!(clock.at(200), 30_000);
        assert_eq!(clock.at(90), 8_500);
        assert_eq!(clock.at(310), 46_500);
        assert_eq!(clock.at(0), 0);
    }

    #[test]
    fn a_label_tells_the_hour_of_short_spans_and_the_day_of_long_ones() {
        let clock = clock();
        assert_eq!(clock.label(300, 100), "300\n12:30 UTC");
        assert_eq!(clock.label(300, 5_000), "300\nThu 1 Jan");
        assert_eq!(clock.blocks(1), 576);
    }
}
