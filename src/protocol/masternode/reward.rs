//! What a block pays its masternode (Dash Core validation.cpp: GetBlockSubsidy, GetMasternodePayment; masternode/payments.cpp).
//!
//! Whole duffs, divided and rounded down where nodes do it: an amount is right to the last digit or it is not told.

use super::entry::Entry;
use crate::protocol::amount::Amount;
use crate::protocol::special_tx::pro_reg::FULL_REWARD;

/// How a network rewards blocks, from some height on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewardRules {
    /// First height these rules are right for; what was before is not told.
    pub from: u32,
    /// Subsidy of the first block.
    pub start: Amount,
    /// It becomes one part in so many less...
    pub decline: u32,
    /// ...each time so many **blocks** have passed.
    pub interval: u32,
    /// **Percent** of the subsidy that blocks leave to the treasury...
    pub treasury_percent: u32,
    /// ...when they follow a block after this height.
    pub treasury_after: u32,
    /// **Percent** of the rest, and of the fees, that is the masternode's.
    pub masternode_percent: u32,
    /// Of the masternode's part of the subsidy, in **thousandths**, what goes to Platform...
    pub platform_permille: u32,
    /// ...from this height on (MN_RR). None: never, or not yet decided.
    pub platform_from: Option<u32>,
}

/// The parts of one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reward {
    /// To the payout address.
    pub owner: Amount,
    /// To the operator's payout address; zero where there is none, then the owner has it all.
    pub operator: Amount,
    /// To Platform's credit pool. Masternodes get it from there, by Platform's own rules.
    pub platform: Amount,
}

impl Reward {
    /// As `masternode payments` has it: Platform's part too.
    pub fn total(&self) -> Amount {
        [self.owner, self.operator, self.platform].into_iter().sum()
    }
}

impl RewardRules {
    /// What the block at a height makes anew, without the treasury's part.
    pub fn subsidy(&self, height: u32) -> Amount {
        let previous = height.saturating_sub(1);
        let mut left = self.start.duffs();
        for _ in 0..previous.checked_div(self.interval).unwrap_or(0) {
            match left.checked_div(u64::from(self.decline)) {
                // Nodes go on, but nothing changes any more.
                None | Some(0) => break,
                Some(part) => left -= part,
            }
        }
        let treasury = if previous > self.treasury_after {
            share(left, self.treasury_percent, 100)
        } else {
            0
        };
        Amount::from_duffs(left.saturating_sub(treasury))
    }
}

/// What the block at a height would pay a masternode, given the **fees** in it (0 when nobody knows). None below the heights that
/// the rules are for.
pub fn expected(entry: &Entry, height: u32, rules: &RewardRules, fees: Amount) -> Option<Reward> {
    if height < rules.from {
        return None;
    }
    let subsidy = rules.subsidy(height);
    let all = subsidy.checked_add(fees)?;
    let masternode = share(all.duffs(), rules.masternode_percent, 100);
    let platform = match rules.platform_from {
        Some(from) if height >= from => {
            let of_subsidy = share(subsidy.duffs(), rules.masternode_percent, 100);
            share(of_subsidy, rules.platform_permille, 1000)
        }
        _ => 0,
    };
    let paid = masternode.checked_sub(platform)?;
    let operator = match entry.state.operator_payout {
        Some(_) => share(paid, u32::from(entry.operator_reward), u32::from(FULL_REWARD)),
        None => 0,
    };
    Some(Reward {
        owner: Amount::from_duffs(paid.checked_sub(operator)?),
        operator: Amount::from_duffs(operator),
        platform: Amount::from_duffs(platform),
    })
}

/// So many of so many parts, rounded down.
fn share(amount: u64, parts: u32, of: u32) -> u64 {
    let share = u128::from(amount) * u128::from(parts) / u128::from(of);
    u64::try_from(share).unwrap_or(u64::MAX)
}
