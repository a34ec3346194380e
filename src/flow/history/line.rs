//! The PoSe score of a stretch as points to be joined.

use crate::store::history::{Change, Event, Range, Standing, Start};

/// (height, penalty), ascending; straight in between.
pub(super) fn of(range: &Range, events: &[Event]) -> Vec<(u32, u32)> {
    let mut line = Line {
        now: Standing {
            height: range.from,
            start: range.start,
        },
        points: Vec::new(),
    };
    line.point();
    let within = events
        .iter()
        .filter(|event| range.from < event.height && event.height <= range.to);
    for event in within.filter(|event| bends(&event.change)) {
        // The score before the block's effects, as a corner of its own.
        line.decline(event.height - 1);
        line.now.take(event);
        line.point();
    }
    line.decline(range.to);
    line.points
}

fn bends(change: &Change) -> bool {
    matches!(
        change,
        Change::Penalty { .. } | Change::Status { .. } | Change::Registered { .. } | Change::Removed
    )
}

struct Line {
    now: Standing,
    points: Vec<(u32, u32)>,
}

impl Line {
    fn decline(&mut self, height: u32) {
        let Start { penalty, .. } = self.now.start;
        let mut end = self.now;
        end.decline(height);
        let zero = self.now.height + penalty;
        if end.start.penalty == 0 && penalty > 0 && zero < height {
            self.now.decline(zero);
            self.point();
        }
        self.now.decline(height);
        self.point();
    }

    /// One point for each height: the last.
    fn point(&mut self) {
        let point = (self.now.height, self.now.start.penalty);
        match self.points.last_mut() {
            Some(last) if last.0 == point.0 => *last = point,
            _ => self.points.push(point),
        }
    }
}
