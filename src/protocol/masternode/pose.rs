//! Proof-of-Service arithmetic (Dash Core evo/deterministicmns.cpp: CalcMaxPoSePenalty, CalcPenalty).

/// Penalty at which a masternode is banned: max(100, registered masternodes, banned ones included).
pub fn max_penalty(registered: usize) -> u32 {
    u32::try_from(registered).unwrap_or(u32::MAX).max(100)
}

/// What one failed DKG adds: 66 % of the maximum, rounded down.
pub fn failing_penalty(max: u32) -> u32 {
    (u64::from(max) * 66 / 100) as u32
}

/// What a score means for a masternode that is not banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    pub penalty: u32,
    pub max: u32,
    /// From this score on the next failed DKG bans.
    pub danger_line: u32,
    /// Failed DKGs it survives right now.
    pub failures_survivable: u32,
    /// **Blocks** until one failure is survivable again; 0 if it is now.
    pub blocks_to_safe: u32,
}

/// The outlook of a score among so many registered masternodes.
pub fn outlook(penalty: u32, registered: usize) -> Outlook {
    let max = max_penalty(registered);
    let step = failing_penalty(max);
    let danger_line = max - step;
    let failures_survivable = max.saturating_sub(penalty).saturating_sub(1) / step;
    let blocks_to_safe = if penalty < danger_line {
        0
    } else {
        penalty - danger_line + 1
    };
    Outlook {
        penalty,
        max,
        danger_line,
        failures_survivable,
        blocks_to_safe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_common_network_sizes_are_those_operators_publish() {
        for (registered, step, danger, to_safe) in [
            (1_000, 660, 340, 321),
            (2_500, 1_650, 850, 801),
            (3_500, 2_310, 1_190, 1_121),
            (4_000, 2_640, 1_360, 1_281),
        ] {
            let max = max_penalty(registered);
            assert_eq!(failing_penalty(max), step);
            let after_one = outlook(step, registered);
            assert_eq!((after_one.danger_line, after_one.blocks_to_safe), (danger, to_safe));
            assert_eq!(after_one.failures_survivable, 0);
            assert_eq!(outlook(0, registered).failures_survivable, 1);
        }
    }

    #[test]
    fn small_networks_have_a_maximum_of_100() {
        assert_eq!(max_penalty(12), 100);
        assert_eq!(outlook(33, 12).failures_survivable, 1);
        assert_eq!(outlook(34, 12).failures_survivable, 0);
        assert_eq!(outlook(34, 12).blocks_to_safe, 1);
    }
}
