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
    fails.retain(|at| *at > height && *at <= what_if.until);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::masternode::pose::PoseRules;

    fn outlook(penalty: u32, registered: usize) -> Outlook {
        Outlook::new(penalty, false, registered, &PoseRules::default())
    }

    fn what_if(fails: &[u32], until: u32) -> WhatIf {
        WhatIf {
            fails: fails.to_vec(),
            until,
        }
    }

    /// The score at a height, on the lines between the points.
    fn score(run: &Simulation, height: u32) -> u32 {
        let after = run.points.iter().position(|(at, _)| *at >= height).expect("drawn");
        let (at, score) = run.points[after];
        match after.checked_sub(1).map(|before| run.points[before]) {
            // Down by one per block, or flat.
            Some((_, before)) if before > score => score + (at - height),
            Some((_, before)) if at > height => before,
            _ => score,
        }
    }

    /// The "PoSe Score Calculation" example of the Dash Core documentation, 5,000 masternodes: its rows with a score, as height,
    /// score before the failure and score after it. Version 18.0.0 of the guide (docs.dash.org, "Proof of Service") counts two
    /// thirds, 3,333, for a failure; since August 2026 (docs pull request 585) it has the 66 % that nodes count, 3,300.
    fn replay(step: u32, rows: [(u32, u32); 6], fails: [u32; 4]) {
        let rules = Outlook {
            step,
            danger_line: 5_000 - step,
            ..outlook(0, 5_000)
        };
        // The first failure is in block 1.
        let run = simulate(&rules, 0, &what_if(&fails, 10_000));
        assert_eq!(score(&run, 1), step);
        for (height, expected) in rows {
            assert_eq!(score(&run, height), expected, "block {height}");
        }
        // The table has the sum there, 6,333 and 6,201: nodes stop at the maximum.
        assert_eq!(run.banned_at, Some(7_000));
        assert_eq!((score(&run, 7_000), score(&run, 10_000)), (5_000, 5_000));
        assert_eq!((run.safe_from, run.zero_at), (None, None));
    }

    #[test]
    fn the_example_of_the_documentation_goes_as_it_says() {
        let fails = [1, 1_734, 5_500, 7_000];
        // "1733 Blocks Mined" and the failure share block 1734; block 6999 is the one before the last failure.
        replay(
            3_333,
            [
                (1_733, 1_601),
                (1_734, 4_933),
                (5_000, 1_667),
                (5_499, 1_168),
                (5_500, 4_500),
                (6_999, 3_001),
            ],
            fails,
        );
        replay(
            3_300,
            [
                (1_733, 1_568),
                (1_734, 4_867),
                (5_000, 1_601),
                (5_499, 1_102),
                (5_500, 4_401),
                (6_999, 2_902),
            ],
            fails,
        );
        let rules = outlook(0, 5_000);
        assert_eq!((rules.max, rules.step), (5_000, 3_300));
    }

    /// Block by block, as nodes do it.
    fn slowly(from: &Outlook, height: u32, what_if: &WhatIf) -> (Vec<u32>, Option<u32>) {
        let (mut score, mut banned, mut scores) = (from.penalty, None, Vec::new());
        for at in height + 1..=what_if.until {
            if banned.is_none() && !from.is_banned && score > 0 {
                score -= 1;
            }
            for _ in what_if.fails.iter().filter(|fail| **fail == at) {
                score = (score + from.step).min(from.max);
                if score >= from.max && banned.is_none() && !from.is_banned {
                    banned = Some(at);
                }
            }
            scores.push(score);
        }
        (scores, banned)
    }

    #[test]
    fn every_height_has_the_score_that_nodes_would_have() {
        for (penalty, registered) in [
            (0, 12),
            (66, 12),
            (33, 12),
            (34, 12),
            (99, 12),
            (120, 12),
            (0, 300),
            (250, 300),
        ] {
            for is_banned in [false, true] {
                let from = Outlook::new(penalty, is_banned, registered, &PoseRules::default());
                for fails in [
                    &[][..],
                    &[1_001],
                    &[1_400],
                    &[1_010, 1_010],
                    &[1_020, 1_090, 1_200, 1_231],
                    &[1_300, 1_002, 1_003],
                    &[7, 1_000, 1_500, 1_501],
                ] {
                    let imagined = what_if(fails, 1_500);
                    let run = simulate(&from, 1_000, &imagined);
                    let (scores, banned) = slowly(&from, 1_000, &imagined);
                    assert_eq!(run.banned_at, banned, "{from:?} {fails:?}");
                    for (height, expected) in (1_001..).zip(scores) {
                        assert_eq!(score(&run, height), expected, "{from:?} {fails:?} {height}");
                    }
                    assert_eq!(run.points.first(), Some(&(1_000, penalty)));
                    assert_eq!(run.points.last().map(|point| point.0), Some(1_500));
                    assert!(run.points.is_sorted_by_key(|point| point.0));
                }
            }
        }
    }

    #[test]
    fn without_failures_it_is_safe_and_clean_when_the_outlook_says() {
        for penalty in [0, 1, 33, 34, 66, 99, 150] {
            let from = outlook(penalty, 12);
            // Whether or not that is still drawn.
            for until in [1_000, 1_010, 2_000] {
                let run = simulate(&from, 1_000, &what_if(&[], until));
                assert_eq!(run.safe_from, Some(1_000 + from.blocks_to_safe));
                assert_eq!(run.zero_at, Some(1_000 + from.blocks_to_zero));
            }
        }
        let once = simulate(&outlook(0, 3_500), 100, &what_if(&[110], 120));
        assert_eq!((once.safe_from, once.zero_at), (Some(110 + 1_121), Some(110 + 2_310)));
    }

    #[test]
    fn the_last_heights_are_heights_too() {
        let from = outlook(66, 12);
        let end = simulate(&from, u32::MAX, &what_if(&[u32::MAX, 0], u32::MAX));
        assert_eq!((end.points.as_slice(), end.banned_at), (&[(u32::MAX, 66)][..], None));
        assert_eq!((end.safe_from, end.zero_at), (Some(u32::MAX), Some(u32::MAX)));
        let all = simulate(&from, 0, &what_if(&[u32::MAX, 1, 1], u32::MAX));
        let end = u32::MAX;
        assert_eq!(all.banned_at, Some(1));
        assert_eq!(all.points, [(0, 66), (1, 100), (end - 1, 100), (end, 100)]);
        let past = simulate(&from, 10, &what_if(&[5], 3));
        assert_eq!(past.points, [(10, 66)]);
        let huge = simulate(
            &Outlook {
                penalty: u32::MAX,
                ..from
            },
            5,
            &what_if(&[], 10),
        );
        assert_eq!(huge.zero_at, Some(u32::MAX));
    }
}
