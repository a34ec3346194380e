//! How long a masternode that stays down lasts: an estimate.
//!
//! Members of a quorum are drawn by lot, so nobody can say when a dead masternode fails next; but how often each kind of quorum is
//! made and how many members it has is fixed (Dash Core llmq/params.h). From that follows how likely each score is at each time,
//! which is worked out here step by step: nothing is drawn, so the same question has the same answer.
//!
//! What makes it an estimate: rotating quorums keep members for four turns, so failures of real masternodes come more in rows than
//! here; a result may be mined some blocks late, or not at all; a masternode that goes down in the middle of a DKG may fail in that
//! one too, which is not counted.

use super::Outlook;
use crate::protocol::network::MnType;

/// **Blocks** that are looked ahead: about half a year. What has not happened by then is not told.
const HORIZON: u32 = 100_000;
/// The moments within the longest interval at which it may go down, each as likely as the others.
const MOMENTS: u32 = 24;
/// Scores less likely than this are left out.
const NEGLIGIBLE: f64 = 1e-12;

/// The quorums that a network makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumRules {
    pub kinds: Vec<QuorumKind>,
}

/// One kind of quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumKind {
    /// As nodes call it: `llmq_60_75`.
    pub name: String,
    /// Members of a quorum.
    pub size: u32,
    /// With fewer masternodes to choose from none is made.
    pub min_size: u32,
    /// Quorums made at once: more than one where they rotate (DIP-0024). Their members are not drawn independently: nobody is in two
    /// of them while there are masternodes in none.
    pub quorums: u32,
    /// **Blocks** from one making to the next; they begin at multiples of it.
    pub interval: u32,
    /// **Blocks** from the beginning to the first block that may hold the result.
    pub mined_after: u32,
    /// Only evonodes are members.
    pub evo_only: bool,
}

/// How long until a ban, in **blocks**: an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeToBan {
    /// One in twenty is banned by then.
    pub early: u32,
    /// Half of them are.
    pub likely: u32,
    /// All but one in twenty are.
    pub late: u32,
}

/// When a masternode that goes down now, and stays down, is banned. `regular` and `evo` are the numbers of enabled ones.
/// None if it is banned, or if it would last half a year too often to tell the late end.
pub fn time_to_ban(
    from: &Outlook,
    kind: MnType,
    regular: usize,
    evo: usize,
    quorums: &QuorumRules,
) -> Option<TimeToBan> {
    if from.is_banned {
        return None;
    }
    let bans = bans(from, &turns(kind, regular, evo, quorums), HORIZON);
    let by = |part: f64| {
        let mut sum = 0.0;
        let reached = bans.iter().find(|(_, chance)| {
            sum += chance;
            sum >= part
        });
        reached.map(|(blocks, _)| *blocks)
    };
    Some(TimeToBan {
        early: by(0.05)?,
        likely: by(0.5)?,
        late: by(0.95)?,
    })
}

/// How likely a masternode that goes down now is banned within so many **blocks** of being down, from 0 to 1; 1 if it is banned.
/// More than half a year counts as half a year.
pub fn chance_of_ban_within(
    blocks: u32,
    from: &Outlook,
    kind: MnType,
    regular: usize,
    evo: usize,
    quorums: &QuorumRules,
) -> f64 {
    if from.is_banned {
        return 1.0;
    }
    let bans = bans(from, &turns(kind, regular, evo, quorums), blocks.min(HORIZON));
    bans.iter().map(|(_, chance)| chance).sum::<f64>().clamp(0.0, 1.0)
}

/// How many DKGs a masternode that is down fails in per **block**, on average.
pub fn failures_per_block(kind: MnType, regular: usize, evo: usize, quorums: &QuorumRules) -> f64 {
    let turns = turns(kind, regular, evo, quorums);
    turns
        .iter()
        .map(|turn| turn.expected() / f64::from(turn.interval))
        .sum()
}

/// Heights of the failures to draw for a masternode that is down for so many **blocks** after a height: each at the first block by
/// which one more than before is to be expected. For [`super::WhatIf`]; at most half a year of them.
pub fn likely_failures(
    height: u32,
    blocks: u32,
    kind: MnType,
    regular: usize,
    evo: usize,
    quorums: &QuorumRules,
) -> Vec<u32> {
    let turns = turns(kind, regular, evo, quorums);
    let mut clock = Clock::new(&turns, height);
    let (mut expected, mut failures) = (0.0, Vec::new());
    while let Some((after, turn)) = clock.next().filter(|(after, _)| *after <= blocks.min(HORIZON)) {
        expected += turn.expected();
        // Half a failure is the first that is more likely than not.
        while expected > failures.len() as f64 + 0.5 {
            match height.checked_add(after) {
                Some(at) => failures.push(at),
                None => return failures,
            }
        }
    }
    failures
}

/// What a masternode has to expect of one kind of quorum each time it is made.
#[derive(Debug, Clone, Copy)]
struct Turn {
    interval: u32,
    mined_after: u32,
    /// Quorums it is in for certain...
    sure: u32,
    /// ...and the chance to be in one more.
    chance: f64,
}

impl Turn {
    fn expected(&self) -> f64 {
        f64::from(self.sure) + self.chance
    }
}

fn turns(kind: MnType, regular: usize, evo: usize, quorums: &QuorumRules) -> Vec<Turn> {
    let kinds = quorums.kinds.iter();
    let open = kinds.filter(|quorum| kind == MnType::Evo || !quorum.evo_only);
    let turn = |quorum: &QuorumKind| {
        // It is one of them itself, whatever it is told.
        let all = if quorum.evo_only {
            evo
        } else {
            regular.saturating_add(evo)
        }
        .max(1);
        if all < quorum.min_size as usize || quorum.interval == 0 {
            return None;
        }
        let seats = f64::from(quorum.size) * f64::from(quorum.quorums);
        let expected = (seats / all as f64).min(f64::from(quorum.quorums));
        Some(Turn {
            interval: quorum.interval,
            mined_after: quorum.mined_after,
            sure: expected.floor() as u32,
            chance: expected.fract(),
        })
    };
    open.filter_map(turn).collect()
}

/// The results that are mined after a height, one after the other, of quorums that begin after it.
struct Clock<'a> {
    /// The **blocks** from the height to the next result of each.
    next: Vec<(u32, &'a Turn)>,
}

impl<'a> Clock<'a> {
    fn new(turns: &'a [Turn], height: u32) -> Self {
        let first = |turn: &Turn| {
            let begins = turn.interval - height % turn.interval;
            begins.saturating_add(turn.mined_after)
        };
        Self {
            next: turns.iter().map(|turn| (first(turn), turn)).collect(),
        }
    }

    fn next(&mut self) -> Option<(u32, &'a Turn)> {
        let soonest = self.next.iter_mut().min_by_key(|(after, _)| *after)?;
        let now = *soonest;
        // At the end of all heights time stands still; nobody looks ahead that far.
        soonest.0 = now.0.saturating_add(now.1.interval);
        Some(now)
    }
}

/// When it is banned, in **blocks** from now, ascending, with the chance of each; together at most 1.
fn bans(from: &Outlook, turns: &[Turn], horizon: u32) -> Vec<(u32, f64)> {
    let Some(longest) = turns.iter().map(|turn| turn.interval).max() else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for moment in 0..MOMENTS {
        // The middle of each part.
        let height = u64::from(longest) * u64::from(2 * moment + 1) / u64::from(2 * MOMENTS);
        let mut clock = Clock::new(turns, u32::try_from(height).unwrap_or(u32::MAX));
        let mut scores = Scores::new(from);
        while let Some((after, turn)) = clock.next().filter(|(after, _)| *after <= horizon) {
            let banned = scores.meet(after, turn);
            if banned > NEGLIGIBLE {
                all.push((after, banned / f64::from(MOMENTS)));
            }
            if scores.of.is_empty() || after == u32::MAX {
                break;
            }
        }
    }
    all.sort_by_key(|(after, _)| *after);
    all
}

/// The scores it may have, and how likely each is.
struct Scores<'a> {
    rules: &'a Outlook,
    /// **Blocks** from now.
    at: u32,
    /// Ascending by score.
    of: Vec<(u32, f64)>,
}

impl<'a> Scores<'a> {
    fn new(rules: &'a Outlook) -> Self {
        Self {
            rules,
            at: 0,
            of: vec![(rules.penalty, 1.0)],
        }
    }

    /// Goes on to the block that brings a result; the chance that this one bans.
    fn meet(&mut self, after: u32, turn: &Turn) -> f64 {
        let decay = after - self.at;
        self.at = after;
        let decayed = |(score, chance): &(u32, f64)| (score.saturating_sub(decay), *chance);
        let before: Vec<(u32, f64)> = self.of.iter().map(decayed).collect();
        let (step, max) = (self.rules.step, self.rules.max);
        let struck = |hits: u32, part: f64| {
            let added = step.saturating_mul(hits);
            let struck = before
                .iter()
                .map(move |(score, chance)| (score.saturating_add(added), chance * part));
            // Only a failure bans, however high the score is.
            struck.filter(move |(score, chance)| (added == 0 || *score < max) && *chance > NEGLIGIBLE)
        };
        let spared = struck(turn.sure, 1.0 - turn.chance);
        let after = merged(spared, struck(turn.sure.saturating_add(1), turn.chance));
        let total = |of: &[(u32, f64)]| of.iter().map(|(_, chance)| chance).sum::<f64>();
        let lost = total(&before) - total(&after);
        self.of = after;
        lost.max(0.0)
    }
}

/// Two ascending lists as one, equal scores together.
fn merged(one: impl Iterator<Item = (u32, f64)>, two: impl Iterator<Item = (u32, f64)>) -> Vec<(u32, f64)> {
    let (mut one, mut two) = (one.peekable(), two.peekable());
    let mut all: Vec<(u32, f64)> = Vec::new();
    loop {
        let next = match (one.peek(), two.peek()) {
            (Some(a), Some(b)) if b.0 < a.0 => two.next(),
            (Some(_), _) => one.next(),
            (None, _) => two.next(),
        };
        let Some((score, chance)) = next else { return all };
        match all.last_mut() {
            Some(last) if last.0 == score => last.1 += chance,
            _ => all.push((score, chance)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::masternode::pose::PoseRules;
    use crate::protocol::network;

    #[test]
    fn probe() {
        let dash = network::builtin("dash").unwrap();
        let q = dash.quorums.unwrap();
        for (kind, regular, evo) in [
            (MnType::Regular, 3000, 350),
            (MnType::Evo, 2700, 350),
            (MnType::Regular, 100_000, 0),
            (MnType::Regular, 12, 0),
            (MnType::Regular, 500, 0),
        ] {
            let o = Outlook::new(0, false, regular + evo, &PoseRules::default());
            let t = std::time::Instant::now();
            let b = time_to_ban(&o, kind, regular, evo, &q);
            let h = |x: u32| f64::from(x) * 2.625 / 60.0;
            eprintln!(
                "{kind} {regular}+{evo}: {b:?} {:?} {:?}",
                b.map(|b| (h(b.early), h(b.likely), h(b.late))),
                t.elapsed()
            );
        }
    }
}
