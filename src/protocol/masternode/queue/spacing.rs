//! From blocks to hours.
//!
//! The *height* of a payment is an upper bound for as long as a masternode is not banned: whoever is registered or revived goes
//! behind it, and whoever is banned or removed in front of it shortens the wait. (One revived before this one's last payment is in
//! the list already.) When that height comes is up to the miners: blocks are found at random, so many in the long run.

use crate::protocol::network::Profile;

/// By how much the target may be wrong where nothing was measured: Dash's main network takes 157 seconds instead of 150.
const TARGET_ERROR: f64 = 0.05;
/// The standard normal distribution's 90 % point.
const Z: f64 = 1.281_551_565_545;

/// Time between blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spacing {
    /// Mean, in **seconds**.
    pub seconds: f64,
    /// Standard error of the mean, in **seconds**: how well it is known, not how much blocks differ.
    pub deviation: f64,
    /// **Blocks** it was measured over; 0: the network's target.
    pub measured_over: u32,
}

/// When something is expected, in **Unix seconds**. Eight times in ten it is within the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// One in ten comes earlier.
    pub earliest: u64,
    pub likely: u64,
    /// One in ten comes later.
    pub latest: u64,
}

impl Spacing {
    pub fn target(profile: &Profile) -> Self {
        let seconds = f64::from(profile.spacing);
        Self {
            seconds,
            deviation: seconds * TARGET_ERROR,
            measured_over: 0,
        }
    }

    /// Measured between two blocks, each a height and its time in **Unix seconds**. None where they are the same block, in the wrong
    /// order, or no second apart (block times may run backwards).
    pub fn observed(first: (u32, u64), last: (u32, u64)) -> Option<Self> {
        let blocks = last.0.checked_sub(first.0).filter(|blocks| *blocks > 0)?;
        let time = last.1.checked_sub(first.1).filter(|time| *time > 0)?;
        let seconds = time as f64 / f64::from(blocks);
        Some(Self {
            seconds,
            // Each interval is as uncertain as it is long.
            deviation: seconds / f64::from(blocks).sqrt(),
            measured_over: blocks,
        })
    }

    /// When the block that comes so many after the one of `tip_time` is expected.
    ///
    /// Blocks come as a Poisson process, so the time of n of them is gamma distributed; not knowing the mean well widens that.
    pub fn after(&self, tip_time: u64, blocks: u32) -> Expected {
        let mean = self.seconds * f64::from(blocks);
        let at = |factor: f64| tip_time.saturating_add((mean * factor).round() as u64);
        if blocks == 0 {
            return Expected {
                earliest: tip_time,
                likely: tip_time,
                latest: tip_time,
            };
        }
        let unknown = if self.seconds > 0.0 {
            self.deviation / self.seconds
        } else {
            0.0
        };
        let variance = 1.0 / f64::from(blocks) + unknown * unknown;
        Expected {
            earliest: at(quantile(variance, -Z)),
            likely: at(1.0),
            latest: at(quantile(variance, Z)),
        }
    }

    /// A time span in **seconds**, for sentences.
    pub fn seconds_of(&self, blocks: u32) -> u64 {
        (self.seconds * f64::from(blocks)).round() as u64
    }

    /// How many **blocks** are found in a time span, on average.
    pub fn blocks_in(&self, seconds: u64) -> u32 {
        if self.seconds > 0.0 {
            (seconds as f64 / self.seconds).round() as u32
        } else {
            0
        }
    }
}

/// A quantile of a gamma distribution with mean 1 and this variance (Wilson and Hilferty), of the normal distribution's point `z`.
fn quantile(variance: f64, z: f64) -> f64 {
    let ninth = variance / 9.0;
    (1.0 - ninth + z * ninth.sqrt()).max(0.0).powi(3)
}
