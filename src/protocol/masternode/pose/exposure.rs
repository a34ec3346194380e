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

/// The shortest interval, in **blocks**: a DKG has six phases and takes longer than one block for each.
pub const SHORTEST_INTERVAL: u32 = 10;
/// Failures that are drawn at most.
const MOST_DRAWN: usize = 1_000;

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
    /// **Blocks** from one making to the next, [`SHORTEST_INTERVAL`] or more; they begin at multiples of it.
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
                Some(at) if failures.len() < MOST_DRAWN => failures.push(at),
                _ => return failures,
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
        if all < quorum.min_size as usize || quorum.interval < SHORTEST_INTERVAL {
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
    use crate::protocol::masternode::pose::{PoseRules, WhatIf, simulate};
    use crate::protocol::network;

    fn dash() -> QuorumRules {
        let dash = network::builtin("dash").expect("embedded");
        dash.quorums.expect("known")
    }

    fn healthy(registered: usize) -> Outlook {
        Outlook::new(0, false, registered, &PoseRules::default())
    }

    /// At Dash's 2.625 minutes per block.
    fn hours(blocks: u32) -> f64 {
        f64::from(blocks) * 2.625 / 60.0
    }

    #[test]
    fn the_times_are_those_that_operators_simulated() {
        // 5 %, median and 95 % of some thousand runs, in hours; each rounded, and with its own idea of when a result is mined.
        for (kind, regular, evo, told) in [
            (MnType::Regular, 3_000, 350, [9.0, 25.0, 69.0]),
            (MnType::Evo, 2_700, 350, [1.0, 5.0, 12.0]),
        ] {
            let time = time_to_ban(&healthy(regular + evo), kind, regular, evo, &dash()).expect("likely");
            for (ours, theirs) in [time.early, time.likely, time.late].map(hours).into_iter().zip(told) {
                assert!((ours - theirs).abs() < 0.15 * theirs + 1.0, "{kind}: {ours} {theirs}");
            }
        }
    }

    /// Numbers for draws; the same in every run.
    struct Lots(u64);

    impl Lots {
        fn below(&mut self, end: u32) -> u32 {
            // Knuth's MMIX constants; the high half is the better one.
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 33) % u64::from(end)) as u32
        }
    }

    /// One masternode's life, block by block and by the other rule book: how long it lasts.
    fn life(lots: &mut Lots, from: &Outlook, kind: MnType, all: u32, evo: u32, quorums: &QuorumRules) -> u32 {
        let start = lots.below(576);
        let mut fails = Vec::new();
        for height in start + 1..start + 40_000 {
            for quorum in &quorums.kinds {
                let from = if quorum.evo_only { evo } else { all };
                let closed = quorum.evo_only && kind == MnType::Regular;
                let begun = height.checked_sub(quorum.mined_after).filter(|begun| *begun > start);
                if closed || begun.is_none_or(|begun| begun % quorum.interval != 0) {
                    continue;
                }
                // One seat after the other; nobody is drawn twice before all were.
                if lots.below(from) < quorum.size * quorum.quorums {
                    fails.push(height);
                }
            }
            if fails.last() == Some(&height) {
                let what_if = WhatIf {
                    fails: fails.clone(),
                    until: height,
                };
                if let Some(at) = simulate(from, start, &what_if).banned_at {
                    return at - start;
                }
            }
        }
        40_000
    }

    #[test]
    fn drawing_lots_comes_to_the_same() {
        let quorums = dash();
        for (kind, all, evo, penalty) in [
            (MnType::Regular, 3_350, 350, 0),
            (MnType::Evo, 3_050, 350, 0),
            (MnType::Regular, 3_350, 350, 1_500),
            (MnType::Regular, 9_000, 100, 2_000),
        ] {
            let from = Outlook::new(penalty, false, all as usize, &PoseRules::default());
            let mut lots = Lots(u64::from(all) ^ u64::from(penalty));
            let mut lives: Vec<u32> = (0..600)
                .map(|_| life(&mut lots, &from, kind, all, evo, &quorums))
                .collect();
            lives.sort_unstable();
            let regular = (all - evo) as usize;
            let ours = time_to_ban(&from, kind, regular, evo as usize, &quorums).expect("likely");
            for (ours, theirs) in [
                (ours.early, lives[30]),
                (ours.likely, lives[300]),
                (ours.late, lives[570]),
            ] {
                assert!(
                    f64::from(ours.abs_diff(theirs)) < 0.16 * f64::from(theirs) + 24.0,
                    "{kind} {all} {penalty}: {ours} {theirs}"
                );
            }
            for blocks in [100, 288, 700, 2_000] {
                let ours = chance_of_ban_within(blocks, &from, kind, regular, evo as usize, &quorums);
                let theirs = lives.iter().filter(|life| **life <= blocks).count() as f64 / 600.0;
                assert!(
                    (ours - theirs).abs() < 0.06,
                    "{kind} {all} {penalty} {blocks}: {ours} {theirs}"
                );
            }
        }
    }

    #[test]
    fn the_chance_grows_from_none_to_certainty() {
        let chance = |blocks| chance_of_ban_within(blocks, &healthy(3_350), MnType::Regular, 3_000, 350, &dash());
        assert_eq!(chance(0), 0.0);
        let steps = [10, 100, 300, 600, 1_000, 3_000, 10_000, u32::MAX].map(chance);
        assert!(steps.is_sorted() && steps[7] > 0.999 && steps[7] <= 1.0, "{steps:?}");
        let time = time_to_ban(&healthy(3_350), MnType::Regular, 3_000, 350, &dash()).expect("likely");
        for (blocks, part) in [(time.early, 0.05), (time.likely, 0.5), (time.late, 0.95)] {
            assert!(chance(blocks) >= part && chance(blocks - 1) < part);
        }
    }

    #[test]
    fn a_masternode_in_danger_goes_sooner_and_a_banned_one_is_gone() {
        let of = |penalty, is_banned| Outlook::new(penalty, is_banned, 3_350, &PoseRules::default());
        let time = |from: &Outlook| time_to_ban(from, MnType::Regular, 3_000, 350, &dash());
        let (healthy, danger) = (
            time(&of(0, false)).expect("likely"),
            time(&of(2_000, false)).expect("likely"),
        );
        assert!(danger.early < healthy.early && danger.likely < healthy.likely && danger.late < healthy.late);
        assert_eq!(time(&of(3_350, true)), None);
        let banned = chance_of_ban_within(0, &of(3_350, true), MnType::Regular, 3_000, 350, &dash());
        assert_eq!(banned, 1.0);
    }

    #[test]
    fn quorums_nobody_can_be_in_ban_nobody() {
        let none = QuorumRules { kinds: Vec::new() };
        let evo_only = QuorumRules {
            kinds: dash().kinds.into_iter().filter(|quorum| quorum.evo_only).collect(),
        };
        for rules in [none, evo_only] {
            assert_eq!(time_to_ban(&healthy(3_350), MnType::Regular, 3_000, 350, &rules), None);
            let chance = chance_of_ban_within(u32::MAX, &healthy(3_350), MnType::Regular, 3_000, 350, &rules);
            assert_eq!(chance, 0.0);
            assert_eq!(failures_per_block(MnType::Regular, 3_000, 350, &rules), 0.0);
        }
        // Too few masternodes for any quorum of the main network.
        assert_eq!(time_to_ban(&healthy(12), MnType::Evo, 10, 2, &dash()), None);
    }

    #[test]
    fn where_everybody_is_in_every_quorum_the_second_one_bans() {
        let regtest = network::builtin("dash-regtest").expect("embedded");
        let quorums = regtest.quorums.expect("known");
        // Four masternodes: three of them in each, or all four in both rotating ones at once.
        let time = time_to_ban(&healthy(4), MnType::Regular, 4, 0, &quorums).expect("certain");
        // The two results of the first turn are in one block, 12 blocks after it begins.
        assert!(time.late <= 24 + 12 && time.early >= 12, "{time:?}");
    }

    #[test]
    fn the_average_is_that_of_the_seats() {
        // (1920 + 400 + 400 / 2) / 288 seats a block, and 100 / 24 of evonodes.
        let regular = failures_per_block(MnType::Regular, 3_000, 350, &dash());
        let seats = (1920.0 + 400.0 + 200.0) / 288.0;
        assert!((regular - seats / 3_350.0).abs() < 1e-12);
        let evo = failures_per_block(MnType::Evo, 3_000, 350, &dash());
        assert!((evo - regular - 100.0 / 24.0 / 350.0).abs() < 1e-12);
    }

    #[test]
    fn likely_failures_fall_on_results_and_are_as_many_as_to_be_expected() {
        let tip = 2_300_000;
        let fails = likely_failures(tip, 2_000, MnType::Regular, 3_000, 350, &dash());
        let expected = 2_000.0 * failures_per_block(MnType::Regular, 3_000, 350, &dash());
        assert!(
            (fails.len() as f64 - expected).abs() <= 1.0,
            "{} {expected}",
            fails.len()
        );
        assert!(fails.is_sorted() && fails.iter().all(|at| (tip + 1..=tip + 2_000).contains(at)));
        assert!(fails.iter().all(|at| [42, 20].contains(&(at % 288))), "{fails:?}");
        assert!(likely_failures(tip, 0, MnType::Evo, 3_000, 350, &dash()).is_empty());
        // Heights end, and nobody waits for more than half a year.
        for height in [u32::MAX - 100, u32::MAX] {
            let last = likely_failures(height, u32::MAX, MnType::Evo, 10, 350, &dash());
            assert!(last.iter().all(|at| *at > height));
        }
    }

    #[test]
    fn no_numbers_are_too_odd() {
        let kind = |size, quorums, interval, mined_after| QuorumKind {
            name: "odd".to_owned(),
            size,
            min_size: 0,
            quorums,
            interval,
            mined_after,
            evo_only: false,
        };
        for odd in [
            kind(u32::MAX, u32::MAX, 10, 0),
            kind(9, 9, 9, 9),
            kind(1, 1, u32::MAX, u32::MAX),
            kind(1, 1, u32::MAX - 1, 0),
            kind(0, 0, 1_000, 0),
            kind(5, 5, 0, 0),
        ] {
            let rules = QuorumRules { kinds: vec![odd] };
            for (penalty, registered) in [(0, 0), (u32::MAX, 4_000), (0, usize::MAX), (99, 100)] {
                let from = Outlook::new(penalty, false, registered, &PoseRules::default());
                for count in [0, 1, usize::MAX] {
                    let time = time_to_ban(&from, MnType::Evo, count, count, &rules);
                    assert!(time.is_none_or(|time| time.early <= time.likely && time.likely <= time.late));
                    let chance = chance_of_ban_within(10_000, &from, MnType::Evo, count, count, &rules);
                    assert!((0.0..=1.0).contains(&chance));
                    assert!(likely_failures(7, 10, MnType::Evo, count, count, &rules).is_sorted());
                }
            }
        }
    }
}
