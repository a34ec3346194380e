//! What a score would become.

use super::Outlook;

/// DKGs that a masternode is imagined to fail in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WhatIf {
    /// Heights of the blocks that bring the failures, in any order; a height twice is two failures in one block. Those up to the
    /// present one and after `until` are left out.
    pub fails: Vec<u32>,
    /// Height to draw to.
    pub until: u32,
}

/// How a score goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// Height and score, from the present height to `until`, ascending. Only where the direction changes: between two points the
    /// score runs on a straight line. A rise is the two points of one block and the one before.
    pub points: Vec<(u32, u32)>,
    /// Height of the block that bans.
    pub banned_at: Option<u32>,
    /// From this height on one failure more is survivable, if no other comes. It may lie after `until`. None once banned.
    pub safe_from: Option<u32>,
    /// From this height on the score is 0, if no other failure comes. It may lie after `until`. None once banned.
    pub zero_at: Option<u32>,
}

/// Follows the score of `from`, which is that of the block at `height`, through imagined failures. The number of registered
/// masternodes is taken to stay.
pub fn simulate(from: &Outlook, height: u32, what_if: &WhatIf) -> Simulation {
    let mut fails: Vec<u32> = what_if.fails.clone();
    fails.retain(|at| (height.saturating_add(1)..=what_if.until).contains(at));
    fails.sort_unstable();
    let mut run = Run {
        rules: *from,
        height,
        penalty: from.penalty,
        banned_at: None,
        last: (height, from.penalty),
        points: vec![(height, from.penalty)],
    };
    for block in fails.chunk_by(|one, two| one == two) {
        run.fail(block[0], block.len());
    }
    run.idle_until(what_if.until);
    run.finish()
}

struct Run {
    rules: Outlook,
    height: u32,
    penalty: u32,
    banned_at: Option<u32>,
    /// Where the last straight line down begins.
    last: (u32, u32),
    points: Vec<(u32, u32)>,
}

impl Run {
    fn is_banned(&self) -> bool {
        self.rules.is_banned || self.banned_at.is_some()
    }

    fn idle_until(&mut self, height: u32) {
        let Some(blocks) = height.checked_sub(self.height).filter(|blocks| *blocks > 0) else {
            return;
        };
        if !self.is_banned() {
            if self.penalty > 0 && self.penalty < blocks {
                self.points.push((self.height + self.penalty, 0));
            }
            self.penalty = self.penalty.saturating_sub(blocks);
        }
        self.height = height;
        self.points.push((height, self.penalty));
    }

    /// A block that brings so many failures.
    fn fail(&mut self, height: u32, count: usize) {
        self.idle_until(height - 1);
        self.height = height;
        if !self.is_banned() {
            self.penalty = self.rules.decayed(self.penalty);
        }
        for _ in 0..count {
            self.penalty = self.rules.failed(self.penalty);
            if self.penalty >= self.rules.max && !self.is_banned() {
                self.banned_at = Some(height);
            }
        }
        self.last = (height, self.penalty);
        self.points.push(self.last);
    }

    fn finish(self) -> Simulation {
        let is_banned = self.is_banned();
        let (height, penalty) = self.last;
        let reaches = |score: u32| (!is_banned).then(|| height.saturating_add(penalty.saturating_sub(score)));
        Simulation {
            // Where one failure is all it takes, no score is safe.
            safe_from: self.rules.danger_line.checked_sub(1).and_then(reaches),
            zero_at: reaches(0),
            banned_at: self.banned_at,
            points: self.points,
        }
    }
}
