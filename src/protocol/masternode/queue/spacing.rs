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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::network;

    const NOW: u64 = 1_700_000_000;

    fn target() -> Spacing {
        Spacing::target(&network::builtin("dash").expect("embedded"))
    }

    #[test]
    fn the_expected_time_is_the_mean() {
        let spacing = target();
        assert_eq!((spacing.seconds, spacing.measured_over), (150.0, 0));
        assert_eq!(spacing.after(NOW, 1).likely, NOW + 150);
        assert_eq!(spacing.after(NOW, 4_000).likely, NOW + 600_000);
        let none = spacing.after(NOW, 0);
        assert_eq!((none.earliest, none.likely, none.latest), (NOW, NOW, NOW));
        assert_eq!((spacing.seconds_of(1_121), spacing.blocks_in(86_400)), (168_150, 576));
    }

    #[test]
    fn spacing_is_measured_between_two_blocks() {
        let seen = Spacing::observed((2_299_000, NOW), (2_300_000, NOW + 157_300)).expect("apart");
        assert_eq!((seen.seconds, seen.measured_over), (157.3, 1_000));
        assert!((seen.deviation - 157.3 / 1_000_f64.sqrt()).abs() < 1e-9);
        for (first, last) in [
            ((10, NOW), (10, NOW + 9)),
            ((11, NOW), (10, NOW + 9)),
            ((10, NOW), (20, NOW)),
            ((10, NOW), (20, NOW - 1)),
        ] {
            assert_eq!(Spacing::observed(first, last), None);
        }
        let extreme = Spacing::observed((0, 0), (u32::MAX, u64::MAX)).expect("apart");
        assert_eq!(extreme.after(u64::MAX - 5, u32::MAX).latest, u64::MAX);
    }

    /// The chance that n blocks take no longer than this multiple of their mean: a Poisson process has had n events by then.
    fn chance_within(blocks: u32, multiple: f64) -> f64 {
        let mean = f64::from(blocks) * multiple;
        let (mut term, mut fewer) = ((-mean).exp(), 0.0);
        for k in 0..blocks {
            fewer += term;
            term *= mean / f64::from(k + 1);
        }
        1.0 - fewer
    }

    #[test]
    fn one_in_ten_is_earlier_than_the_range_and_one_in_ten_later() {
        let exact = Spacing {
            seconds: 150.0,
            deviation: 0.0,
            measured_over: u32::MAX,
        };
        for blocks in [1, 2, 3, 10, 50, 100, 500] {
            let expected = exact.after(NOW, blocks);
            let multiple = |time: u64| (time - NOW) as f64 / (150.0 * f64::from(blocks));
            let early = chance_within(blocks, multiple(expected.earliest));
            let late = chance_within(blocks, multiple(expected.latest));
            assert!(
                (early - 0.1).abs() < 0.01 && (late - 0.9).abs() < 0.01,
                "{blocks}: {early} {late}"
            );
        }
    }

    #[test]
    fn the_range_narrows_with_more_blocks_and_not_below_what_is_known_of_the_mean() {
        let width = |spacing: Spacing, blocks: u32| {
            let expected = spacing.after(NOW, blocks);
            (expected.latest - expected.earliest) as f64 / (expected.likely - NOW) as f64
        };
        assert!(width(target(), 1) > width(target(), 10) && width(target(), 10) > width(target(), 4_000));
        // 5 % unknown: 2 * 1.28 * 0.05.
        assert!((width(target(), 1_000_000) - 0.128).abs() < 0.002);
        let seen = Spacing::observed((0, NOW), (1_000, NOW + 150_000)).expect("apart");
        assert!(width(seen, 4_000) < width(target(), 4_000));
    }

    #[test]
    fn spacings_that_make_no_sense_do_no_harm() {
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let odd = Spacing {
                seconds,
                deviation: seconds,
                measured_over: 0,
            };
            for blocks in [0, 1, u32::MAX] {
                let expected = odd.after(NOW, blocks);
                assert!(expected.earliest >= NOW && expected.latest >= NOW);
                let _ = (odd.seconds_of(blocks), odd.blocks_in(u64::MAX));
            }
        }
    }
}
