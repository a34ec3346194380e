//! Time between blocks.

use crate::protocol::Profile;

/// Time between blocks, in **seconds**.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spacing {
    /// On average.
    pub seconds: f64,
    /// Standard deviation of one block's time.
    pub deviation: f64,
    /// **Blocks**; 0: the network's target.
    pub measured_over: u32,
}

impl Spacing {
    pub fn target(profile: &Profile) -> Self {
        let seconds = f64::from(profile.spacing);
        Self {
            seconds,
            deviation: seconds,
            measured_over: 0,
        }
    }

    /// Between two blocks, each with height and **Unix seconds**.
    pub fn observed(first: (u32, u64), last: (u32, u64)) -> Self {
        let blocks = last.0.saturating_sub(first.0).max(1);
        let seconds = last.1.saturating_sub(first.1) as f64 / f64::from(blocks);
        Self {
            seconds,
            deviation: seconds,
            measured_over: blocks,
        }
    }
}
