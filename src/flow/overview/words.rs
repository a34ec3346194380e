//! What window and terminal say of a masternode: clauses without capital and full stop, the same in both.

use super::forecast::Course;
use super::{Masternode, Overview};
use crate::flow::words::{about, count, date_time, grouped};
use crate::protocol::Profile;
use crate::protocol::masternode::pose::{Level, TimeToBan};
use crate::protocol::masternode::queue::Expected;
use crate::protocol::masternode::reward::Reward;

/// One word for a level.
pub fn level(level: Level) -> &'static str {
    match level {
        Level::Safe => "safe",
        Level::Warned => "warned",
        Level::Danger => "danger",
        Level::Banned => "banned",
    }
}

/// A clause as a sentence: with a capital and a full stop.
pub fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let rest = letters.as_str().trim_end_matches('.');
    format!("{}{rest}.", first.unwrap_or_default())
}

/// `1,121 blocks, about 49 h`
pub fn blocks(number: u32, overview: &Overview) -> String {
    let blocks = count(number as usize, "block", "blocks");
    format!("{blocks}, {}", about(overview.seconds(number)))
}

/// What the score means: `one more failed DKG bans it; safe in 1,121 blocks, about 49 h`.
pub fn pose(masternode: &Masternode, overview: &Overview) -> String {
    let outlook = &masternode.outlook;
    match masternode.level {
        Level::Banned => status(masternode),
        Level::Safe => format!("no penalty; it survives {}", failures(outlook.failures_survivable, "")),
        Level::Warned => format!(
            "it survives {}; back to zero in {}",
            failures(outlook.failures_survivable, "more "),
            blocks(outlook.blocks_to_zero, overview)
        ),
        Level::Danger => format!(
            "one more failed DKG bans it; safe in {}",
            blocks(outlook.blocks_to_safe, overview)
        ),
    }
}

/// `one more failed DKG`, `2 more failed DKGs`
fn failures(number: u32, more: &str) -> String {
    match number {
        1 => format!("one {more}failed DKG"),
        n => format!("{} {more}failed DKGs", grouped(n)),
    }
}

/// What it does, and why it does not where it is banned.
pub fn status(masternode: &Masternode) -> String {
    let since = masternode.entry.state.pose_ban_height.map(grouped).unwrap_or_default();
    match masternode.reason {
        None => "it serves and is in the payment queue".to_owned(),
        Some(reason) => format!("banned since block {since}. {}", reason.sentence()),
    }
}

/// `if it stays down, a ban is likely within about 25 h (an estimate: 9 to 69 h in nine of ten cases)`
pub fn time_to_ban(time: &TimeToBan, overview: &Overview) -> String {
    let hours = |blocks: u32| overview.seconds(blocks) as f64 / 3_600.0;
    let short = |hours: f64| {
        if hours < 10.0 {
            format!("{hours:.1}")
        } else {
            format!("{hours:.0}")
        }
    };
    format!(
        "if it stays down, a ban is likely within {} (an estimate: {} to {} h in nine of ten cases)",
        about(overview.seconds(time.likely)),
        short(hours(time.early)),
        short(hours(time.late))
    )
}

/// `12 of 3,012, paid in block 2,345,690`
pub fn queue(masternode: &Masternode) -> String {
    match masternode.slot {
        None => "not in the queue".to_owned(),
        Some(slot) => format!(
            "{} of {}, paid in block {}",
            grouped(slot.position),
            grouped(masternode.queue_length),
            grouped(slot.height)
        ),
    }
}

/// `about 2026-11-22 14:20 UTC (between 2026-11-22 13:40 UTC and 2026-11-22 15:05 UTC, eight times of ten)`
pub fn expected_time(expected: &Expected) -> String {
    format!(
        "about {} (between {} and {}, eight times of ten)",
        date_time(expected.likely),
        date_time(expected.earliest),
        date_time(expected.latest)
    )
}

/// `1.5 DASH`, `1.5 DASH, and 0.16 DASH to the operator`
pub fn reward(reward: &Reward, profile: &Profile) -> String {
    let coins = |amount: crate::protocol::Amount| format!("{} {}", amount.short(), profile.ticker);
    if reward.operator == crate::protocol::Amount::ZERO {
        coins(reward.owner)
    } else {
        format!(
            "{}, and {} to the operator",
            coins(reward.owner),
            coins(reward.operator)
        )
    }
}

/// The last payment, as its height tells it.
pub fn last_paid(masternode: &Masternode) -> String {
    match masternode.entry.state.last_paid_height {
        0 => "never".to_owned(),
        height => format!("in block {}", grouped(height)),
    }
}

/// Where a course of failures ends.
pub fn course(course: &Course, overview: &Overview) -> String {
    let away = |height: u32| blocks(height.saturating_sub(overview.tip.height), overview);
    let end = match (course.simulation.banned_at, course.simulation.safe_from) {
        (Some(height), _) => format!("banned in block {} ({})", grouped(height), away(height)),
        (None, Some(height)) if height > overview.tip.height => {
            format!("not banned; safe from block {} ({})", grouped(height), away(height))
        }
        (None, _) => "not banned, and never in danger".to_owned(),
    };
    match course.chance_of_ban {
        Some(chance) => format!(
            "{end}; the chance that it is banned is {} (an estimate)",
            percent(chance)
        ),
        None => end,
    }
}

/// `about 34 %`, `less than 1 %`
fn percent(chance: f64) -> String {
    match chance * 100.0 {
        percent if percent < 1.0 => "less than 1 %".to_owned(),
        percent if percent > 99.0 => "more than 99 %".to_owned(),
        percent => format!("about {percent:.0} %"),
    }
}
