//! A masternode in words: what it is doing, how near a ban is, when it is paid.

use crate::flow::overview::{self, Masternode, Overview};
use crate::protocol::Profile;
use crate::protocol::masternode::Status;
use crate::protocol::masternode::pose::Level;
use crate::ui::format::{self, grouped};
use crate::ui::theme::Tone;

/// Letters of a name that fit a line: those before and those behind the dots.
const NAME: (usize, usize) = (20, 7);

/// The chip of a status.
pub(super) fn status_word(status: Status) -> (&'static str, Tone) {
    match status {
        Status::Enabled => ("Enabled", Tone::Good),
        Status::Penalised => ("Penalised", Tone::Warning),
        Status::PoseBanned => ("Banned", Tone::Bad),
        Status::WaitingForService => ("Waiting", Tone::Warning),
        Status::Revoked => ("Revoked", Tone::Bad),
    }
}

/// The chip of a masternode: that the next failed DKG bans it goes before that it was penalised.
pub(super) fn chip(masternode: &Masternode) -> (&'static str, Tone) {
    if is_in_danger(masternode) {
        ("In danger", Tone::Bad)
    } else {
        status_word(masternode.entry.status())
    }
}

/// The next failed DKG bans it.
pub(super) fn is_in_danger(masternode: &Masternode) -> bool {
    masternode.level == Level::Danger
}

/// Why it is in its status, in few words.
pub(super) fn reason(masternode: &Masternode) -> String {
    let state = &masternode.entry.state;
    match masternode.entry.status() {
        Status::Enabled => String::new(),
        Status::Penalised => match masternode.outlook.failures_survivable {
            0 => "next failure bans".to_owned(),
            _ => "missed a DKG".to_owned(),
        },
        Status::PoseBanned => format!("since {}", format::height(state.pose_ban_height.unwrap_or_default())),
        Status::WaitingForService => "no address yet".to_owned(),
        Status::Revoked => "needs an operator".to_owned(),
    }
}

/// What its PoSe penalty means, in a sentence. Of one that is banned, what that takes.
pub(super) fn pose_sentence(masternode: &Masternode, overview: &Overview) -> String {
    match masternode.reason {
        None => overview::words::sentence(&overview::words::pose(masternode, overview)),
        Some(reason) => reason.sentence(),
    }
}

/// What needs its owner comes first: 0 for a ban.
pub(super) fn urgency(masternode: &Masternode) -> u8 {
    match masternode.entry.status() {
        Status::PoseBanned => 0,
        _ if is_in_danger(masternode) => 1,
        Status::Revoked | Status::WaitingForService => 2,
        Status::Penalised => 3,
        Status::Enabled => 4,
    }
}

/// `block 1,234,000`, `never`
pub(super) fn last_paid(masternode: &Masternode) -> String {
    match masternode.entry.state.last_paid_height {
        0 => "never".to_owned(),
        height => format!("block {}", grouped(height)),
    }
}

/// What its next payment is expected to be, to owner and operator: `1.5 DASH, and 0.16 DASH to the operator`.
pub(super) fn reward(masternode: &Masternode, profile: &Profile) -> Option<String> {
    let reward = masternode.expected_reward.as_ref()?;
    Some(overview::words::reward(reward, profile))
}

/// Both together: `1.66 DASH`.
pub(super) fn whole_reward(masternode: &Masternode, profile: &Profile) -> Option<String> {
    let reward = masternode.expected_reward.as_ref()?;
    let sum = reward.owner.checked_add(reward.operator)?;
    Some(format::amount(sum, profile))
}

/// A clause with a capital letter.
pub(super) fn capital(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// `66 of 4,000`
pub(super) fn penalty(masternode: &Masternode) -> String {
    let outlook = &masternode.outlook;
    format!("{} of {}", grouped(outlook.penalty), grouped(outlook.max))
}

/// `12 of 2,200 in the queue`
pub(super) fn place(masternode: &Masternode) -> Option<String> {
    let slot = masternode.slot?;
    Some(format!(
        "{} of {} in the queue",
        grouped(slot.position),
        grouped(masternode.queue_length)
    ))
}

/// When it is paid next, and how sure that is. **Unix seconds**.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct When {
    pub height: u32,
    pub likely: u64,
    /// In eight of ten cases it lies between these.
    pub range: Option<(u64, u64)>,
}

impl When {
    pub(super) fn of(masternode: &Masternode) -> Option<Self> {
        Some(Self {
            height: masternode.slot?.height,
            likely: masternode.expected_time?.likely,
            range: masternode.expected_time.map(|time| (time.earliest, time.latest)),
        })
    }

    /// `in 2 d 3 h`
    pub(super) fn wait(&self, now: u64) -> String {
        format::wait_until(now, self.likely)
    }

    /// `Tue 24 Nov, 14:00 UTC`
    pub(super) fn day(&self) -> String {
        format::day_time(self.likely)
    }

    /// How sure that is.
    pub(super) fn range_sentence(&self) -> Option<String> {
        let (earliest, latest) = self.range?;
        Some(format!("Between {} in eight of ten cases", between(earliest, latest)))
    }

    /// The height and the range, for a hint.
    pub(super) fn precisely(&self) -> String {
        let height = format!(
            "Paid in block {} at the latest, if nothing keeps it from being paid: newcomers queue up behind it, and each one \
             that leaves before it brings it forward.",
            format::height(self.height)
        );
        match self.range {
            Some((earliest, latest)) => format!(
                "{height} Blocks come irregularly: in eight of ten cases that is between {}.",
                between(earliest, latest)
            ),
            None => height,
        }
    }
}

/// `Tue 24 Nov, 13:50 and 14:20 UTC`; the day once where it is the same.
fn between(earliest: u64, latest: u64) -> String {
    let (from, to) = (format::day_time(earliest), format::day_time(latest));
    if format::day(earliest) == format::day(latest) {
        let to = to.rsplit(", ").next().unwrap_or(&to);
        format!("{} and {to}", from.trim_end_matches(" UTC"))
    } else {
        format!("{from} and {to}")
    }
}

/// A name that fits a line.
pub(super) fn short_name(name: &str) -> String {
    format::shorten(name, NAME.0, NAME.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_names_a_day_once() {
        let afternoon = 1_795_528_800;
        assert_eq!(between(afternoon, afternoon + 1_800), "Tue 24 Nov, 14:00 and 14:30 UTC");
        assert_eq!(
            between(afternoon, afternoon + 86_400),
            "Tue 24 Nov, 14:00 UTC and Wed 25 Nov, 14:00 UTC"
        );
    }

    #[test]
    fn long_names_keep_their_ends() {
        assert_eq!(short_name("mn1"), "mn1");
        assert_eq!(
            short_name("frankfurt-datacenter-rack-17-masternode-204"),
            "frankfurt-datacenter…ode-204"
        );
    }
}
