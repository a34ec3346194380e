//! Looking further ahead than the list does: the next payments, the time to a ban, and "what if it fails".

use std::collections::HashMap;

use thiserror::Error;

use super::{Counts, Masternode, Overview};
use crate::protocol::masternode::pose::{self, Simulation, TimeToBan, WhatIf};
use crate::protocol::masternode::queue::{self, Expected};
use crate::protocol::masternode::reward::{self, Reward};
use crate::protocol::{Amount, ProTxHash, Profile};

/// A payment to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Upcoming<'a> {
    pub height: u32,
    pub masternode: &'a Masternode,
    /// None where the time of the tip is not known.
    pub time: Option<Expected>,
    /// None where the network's rewards are not known.
    pub reward: Option<Reward>,
}

/// What may happen to a masternode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// It fails a DKG whose commitment is in the next block.
    Now,
    /// It fails one that is in the block at this height.
    At(u32),
    /// It is down for so many hours and fails those it is chosen for: as many as are to be expected, evenly spread.
    Down { hours: u32 },
}

/// Why a course cannot be foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Impossible {
    #[error("it is banned already: its score stands still until it is revived")]
    Banned,
    #[error("block {height} is not ahead of block {tip}")]
    Past { height: u32, tip: u32 },
    #[error("how often this network's quorums choose a masternode is not known")]
    NoQuorums,
}

/// What would come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Heights of the blocks with the failed DKGs, rising; twice the same are two in one block. None after a ban.
    pub fails: Vec<u32>,
    pub simulation: Simulation,
    /// Where it is down for a while: the chance that this bans it, **0 to 1**, an estimate.
    pub chance_of_ban: Option<f64>,
}

/// Owner's and operator's part together.
pub fn paid(reward: &Reward) -> Option<Amount> {
    reward.owner.checked_add(reward.operator)
}

impl Overview {
    /// Who the next blocks pay, if nothing but payments happens.
    pub fn upcoming(&self, count: usize, profile: &Profile) -> Vec<Upcoming<'_>> {
        let by_hash: HashMap<ProTxHash, &Masternode> =
            self.masternodes.iter().map(|each| (each.hash(), each)).collect();
        let payees = queue::upcoming(&self.entries, self.tip.height, self.evo, count);
        let payment = |(height, hash): (u32, ProTxHash)| {
            let masternode = *by_hash.get(&hash)?;
            let rules = profile.reward.as_ref();
            Some(Upcoming {
                height,
                masternode,
                time: self.expected(height),
                reward: rules.and_then(|rules| reward::expected(&masternode.entry, height, rules, Amount::ZERO)),
            })
        };
        payees.into_iter().filter_map(payment).collect()
    }

    /// When a block to come is expected. None where the time of the tip is not known.
    pub fn expected(&self, height: u32) -> Option<Expected> {
        let blocks = height.saturating_sub(self.tip.height);
        (self.tip.time > 0).then(|| self.spacing.after(self.tip.time, blocks))
    }

    /// How long until it is banned if it stays down from now on: an estimate. None where it is banned, and where the network's
    /// quorums are not known.
    pub fn time_to_ban(&self, masternode: &Masternode, profile: &Profile) -> Option<TimeToBan> {
        let Counts { regular, evo } = self.enabled;
        let rules = profile.quorums.as_ref()?;
        pose::time_to_ban(&masternode.outlook, masternode.entry.kind, regular, evo, rules)
    }

    /// What comes of failures.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub fn course(
        &self,
        masternode: &Masternode,
        profile: &Profile,
        failing: &[Failing],
    ) -> Result<Course, Impossible> {
        if masternode.entry.is_banned() {
            return Err(Impossible::Banned);
        }
        let mut fails = Vec::new();
        let mut down = 0;
        for each in failing {
            match each {
                Failing::Now => fails.push(self.tip.height.saturating_add(1)),
                Failing::At(height) if *height <= self.tip.height => {
                    return Err(Impossible::Past {
                        height: *height,
                        tip: self.tip.height,
                    });
                }
                Failing::At(height) => fails.push(*height),
                Failing::Down { hours } => down = down.max(self.blocks_in(*hours)),
            }
        }
        let mut chance_of_ban = None;
        if down > 0 {
            let (kind, tip) = (masternode.entry.kind, self.tip.height);
            let Counts { regular, evo } = self.enabled;
            let rules = profile.quorums.as_ref().ok_or(Impossible::NoQuorums)?;
            fails.extend(pose::likely_failures(tip, down, kind, regular, evo, rules));
            let chance = pose::chance_of_ban_within(down, &masternode.outlook, kind, regular, evo, rules);
            chance_of_ban = Some(chance);
        }
        fails.sort_unstable();
        let mut simulation = self.simulate(masternode, &fails);
        if let Some(banned) = simulation.banned_at {
            // Nobody chooses a banned one.
            fails.retain(|height| *height <= banned);
            simulation = self.simulate(masternode, &fails);
        }
        Ok(Course {
            fails,
            simulation,
            chance_of_ban,
        })
    }

    /// Until the score is gone again.
    fn simulate(&self, masternode: &Masternode, fails: &[u32]) -> Simulation {
        let last = fails.last().copied().unwrap_or(self.tip.height);
        let what_if = WhatIf {
            fails: fails.to_vec(),
            until: last.saturating_add(masternode.outlook.max),
        };
        pose::simulate(&masternode.outlook, self.tip.height, &what_if)
    }

    /// How many blocks so many hours have.
    pub fn blocks_in(&self, hours: u32) -> u32 {
        self.spacing.blocks_in(u64::from(hours) * 3_600).max(1)
    }
}
