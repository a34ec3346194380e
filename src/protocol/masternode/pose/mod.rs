//! Proof-of-Service arithmetic: what a score means, what it would become, and how long a dead masternode lasts
//! (Dash Core evo/deterministicmns.cpp: CalcMaxPoSePenalty, CalcPenalty, PoSePunish, DecreaseScores).
//!
//! A block first takes one point off every score of a masternode that is not banned, then adds the failing penalty for each DKG
//! that it failed in.

mod exposure;
mod simulate;

pub use exposure::{
    QuorumKind, QuorumRules, TimeToBan, chance_of_ban_within, failures_per_block, likely_failures, time_to_ban,
};
pub use simulate::{Simulation, WhatIf, simulate};

use super::entry::Entry;

/// How a network counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoseRules {
    /// The maximum is the number of registered masternodes, and at least this. Points.
    pub least_max: u32,
    /// What a failed DKG adds, in **percent** of the maximum.
    pub percent: u32,
}

impl Default for PoseRules {
    /// Of Dash, and of every fork met so far.
    fn default() -> Self {
        Self {
            least_max: 100,
            percent: 66,
        }
    }
}

impl PoseRules {
    /// Penalty at which a masternode is banned, among so many registered ones, banned ones included.
    pub fn max_penalty(&self, registered: usize) -> u32 {
        u32::try_from(registered).unwrap_or(u32::MAX).max(self.least_max)
    }

    /// What one failed DKG adds, rounded down; never 0, as nodes refuse to add nothing.
    pub fn failing_penalty(&self, max: u32) -> u32 {
        let step = u64::from(max) * u64::from(self.percent) / 100;
        u32::try_from(step).unwrap_or(u32::MAX).max(1)
    }
}

/// What a score means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// The score. May be above the maximum where masternodes left since it was given.
    pub penalty: u32,
    /// The score that bans.
    pub max: u32,
    /// What one failed DKG adds.
    pub step: u32,
    /// From this score on the next failed DKG bans.
    pub danger_line: u32,
    /// Failed DKGs it survives right now, were they in one block; 0 when banned.
    pub failures_survivable: u32,
    /// **Blocks** until one failure is survivable again; 0 if it is now, and when banned: time does not help then.
    pub blocks_to_safe: u32,
    /// **Blocks** until the score is 0; 0 when banned, as the score stands still then.
    pub blocks_to_zero: u32,
    pub is_banned: bool,
}

/// How near a ban is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// No score.
    Safe,
    /// A score, and one more failure is survivable.
    Warned,
    /// The next failed DKG bans.
    Danger,
    Banned,
}

/// What a masternode's score means among so many registered ones, banned ones included.
pub fn outlook(entry: &Entry, registered: usize, rules: &PoseRules) -> Outlook {
    Outlook::new(entry.state.pose_penalty, entry.is_banned(), registered, rules)
}

impl Outlook {
    /// The outlook of a score.
    pub fn new(penalty: u32, is_banned: bool, registered: usize, rules: &PoseRules) -> Self {
        let max = rules.max_penalty(registered);
        let step = rules.failing_penalty(max);
        let danger_line = max.saturating_sub(step);
        let unless_banned = |blocks: u32| if is_banned { 0 } else { blocks };
        let to_safe = match penalty.checked_sub(danger_line) {
            // A maximum of one step: a single failure bans at any score, and no wait helps.
            _ if danger_line == 0 => penalty,
            Some(above) => above.saturating_add(1),
            None => 0,
        };
        Self {
            penalty,
            max,
            step,
            danger_line,
            failures_survivable: unless_banned(max.saturating_sub(penalty).saturating_sub(1) / step),
            blocks_to_safe: unless_banned(to_safe),
            blocks_to_zero: unless_banned(penalty),
            is_banned,
        }
    }

    pub fn level(&self) -> Level {
        match self.failures_survivable {
            _ if self.is_banned => Level::Banned,
            0 => Level::Danger,
            _ if self.penalty == 0 => Level::Safe,
            _ => Level::Warned,
        }
    }

    /// The score after a block without a failure.
    fn decayed(&self, penalty: u32) -> u32 {
        penalty.saturating_sub(1)
    }

    /// The score after a failure; at the maximum it is a ban.
    fn failed(&self, penalty: u32) -> u32 {
        penalty.saturating_add(self.step).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: PoseRules = PoseRules {
        least_max: 100,
        percent: 66,
    };

    fn outlook(penalty: u32, registered: usize) -> Outlook {
        Outlook::new(penalty, false, registered, &RULES)
    }

    #[test]
    fn the_lines_of_common_network_sizes_are_those_operators_publish() {
        for (registered, step, danger, to_safe) in [
            (1_000, 660, 340, 321),
            (2_500, 1_650, 850, 801),
            (3_000, 1_980, 1_020, 961),
            (3_500, 2_310, 1_190, 1_121),
            (4_000, 2_640, 1_360, 1_281),
        ] {
            let after_one = outlook(step, registered);
            assert_eq!((after_one.step, after_one.danger_line), (step, danger));
            assert_eq!((after_one.blocks_to_safe, after_one.blocks_to_zero), (to_safe, step));
            assert_eq!(after_one.failures_survivable, 0);
            assert_eq!(outlook(0, registered).failures_survivable, 1);
        }
    }

    #[test]
    fn small_networks_have_a_maximum_of_100() {
        for registered in [0, 1, 12, 99, 100] {
            assert_eq!(outlook(0, registered).max, 100);
        }
        assert_eq!(outlook(0, 101).max, 101);
        assert_eq!(outlook(33, 12).failures_survivable, 1);
        assert_eq!(outlook(34, 12).failures_survivable, 0);
        assert_eq!(outlook(34, 12).blocks_to_safe, 1);
    }

    #[test]
    fn a_score_is_safe_warned_or_in_danger() {
        for (penalty, level) in [
            (0, Level::Safe),
            (1, Level::Warned),
            (1_359, Level::Warned),
            (1_360, Level::Danger),
            (4_000, Level::Danger),
            (u32::MAX, Level::Danger),
        ] {
            assert_eq!(outlook(penalty, 4_000).level(), level, "{penalty}");
        }
        for penalty in [0, 66, 100, u32::MAX] {
            let banned = Outlook::new(penalty, true, 12, &RULES);
            assert_eq!(banned.level(), Level::Banned);
            let left = (banned.failures_survivable, banned.blocks_to_safe, banned.blocks_to_zero);
            assert_eq!(left, (0, 0, 0));
        }
    }

    #[test]
    fn a_score_above_the_maximum_comes_down_like_any_other() {
        // 5,000 masternodes were registered when it failed, 4,000 are now.
        let above = outlook(4_900, 4_000);
        assert_eq!((above.failures_survivable, above.blocks_to_safe), (0, 3_541));
        assert_eq!(outlook(4_900 - 3_541, 4_000).level(), Level::Warned);
        assert_eq!(outlook(4_900 - 3_540, 4_000).level(), Level::Danger);
        let last = outlook(u32::MAX, 4_000);
        assert_eq!((last.blocks_to_safe, last.blocks_to_zero), (u32::MAX - 1_359, u32::MAX));
    }

    #[test]
    fn networks_of_any_size_and_rules_of_any_number_have_an_outlook() {
        for registered in [0, 4_000, u32::MAX as usize, usize::MAX] {
            for penalty in [0, 1, 99, 100, u32::MAX] {
                for percent in [1, 33, 66, 100, 101, u32::MAX] {
                    for least_max in [1, 100, u32::MAX] {
                        let rules = PoseRules { least_max, percent };
                        let outlook = Outlook::new(penalty, false, registered, &rules);
                        assert!(outlook.step > 0 && outlook.danger_line < outlook.max);
                        let survives = outlook.failures_survivable > 0;
                        assert_eq!(survives, outlook.failed(penalty) < outlook.max, "{outlook:?}");
                    }
                }
            }
        }
        // One failure is all a masternode has: no score is safe.
        let all = PoseRules {
            least_max: 100,
            percent: 100,
        };
        let strict = Outlook::new(7, false, 12, &all);
        assert_eq!((strict.level(), strict.blocks_to_safe), (Level::Danger, 7));
    }
}
