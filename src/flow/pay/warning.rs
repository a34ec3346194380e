//! What is legal about a payment, but worth a second look.

use super::draft::Purpose;
use super::plan::Plan;
use crate::flow::wallet::Account;
use crate::flow::{Ports, guard};
use crate::protocol::network::MnType;
use crate::protocol::{Amount, OutPoint};
use crate::rpc::FeeRate;

/// **Duffs** per 1000 bytes. From here Dash Core warns of a high fee rate (`HIGH_TX_FEE_PER_KB`).
const HIGH_RATE: Amount = Amount::from_duffs(1_000_000);
/// A fee above one in so many of what is paid is worth a look.
const HIGH_SHARE: u64 = 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A guarded coin is spent: its phrase was typed.
    SpendsGuarded {
        outpoint: OutPoint,
        consequence: String,
    },
    /// The coin is on the very address of a collateral, which itself stays where it is.
    BesideCollateral {
        outpoint: OutPoint,
        name: String,
    },
    /// **Duffs** per 1000 bytes.
    HighRate {
        rate: Amount,
        advised: Amount,
    },
    HighFee {
        fee: Amount,
        amount: Amount,
    },
    /// Miners may leave it for long.
    LowRate {
        rate: Amount,
        advised: Amount,
    },
    /// The destination gets exactly a collateral: it will be guarded wherever it is one of a device.
    PaysCollateralAmount {
        kind: MnType,
    },
    /// Dust was added to the fee instead of returning as change: **duffs**.
    NoChangeOf {
        left: Amount,
    },
}

impl Warning {
    /// What cannot be taken back.
    pub fn is_grave(&self) -> bool {
        matches!(self, Self::SpendsGuarded { .. })
    }

    pub fn sentence(&self) -> String {
        match self {
            Self::SpendsGuarded { outpoint, consequence } => {
                format!("spends the locked coin {outpoint}: {consequence}")
            }
            Self::BesideCollateral { outpoint, name } => format!(
                "the coin {outpoint} is on the address of the collateral of {name}; the collateral itself is not spent"
            ),
            Self::HighRate { rate, advised } => format!(
                "the fee rate of {} per 1000 bytes is very high; the node advises {}",
                rate.short(),
                advised.short()
            ),
            Self::HighFee { fee, amount } => {
                format!("the fee of {} is much for a payment of {}", fee.short(), amount.short())
            }
            Self::LowRate { rate, advised } => format!(
                "the fee rate of {} per 1000 bytes is below the advised {}: it may take long to be mined",
                rate.short(),
                advised.short()
            ),
            Self::PaysCollateralAmount { kind } => {
                format!("this pays exactly the collateral of a masternode of type {kind}")
            }
            Self::NoChangeOf { left } => format!("{} too small to keep are added to the fee", left.short()),
        }
    }
}

/// The grave ones first.
pub(super) fn warn(ports: &Ports, plan: &Plan, account: &Account, rates: &FeeRate) -> Vec<Warning> {
    let mut all = Vec::new();
    for coin in plan.unlocked() {
        all.push(Warning::SpendsGuarded {
            outpoint: coin.outpoint(),
            consequence: guard::consequences(&coin.guards, &ports.profile),
        });
    }
    for coin in plan.inputs.iter().filter(|coin| coin.guards.is_empty()) {
        let outpoint = coin.outpoint();
        let beside = account.backs(coin).iter().cloned();
        all.extend(beside.map(|name| Warning::BesideCollateral { outpoint, name }));
    }
    let (rate, advised) = (plan.rate, rates.advised);
    if rate > HIGH_RATE {
        all.push(Warning::HighRate { rate, advised });
    } else if rate < advised {
        all.push(Warning::LowRate { rate, advised });
    }
    if plan.fee.duffs().saturating_mul(HIGH_SHARE) > plan.amount.duffs() {
        let (fee, amount) = (plan.fee, plan.amount);
        all.push(Warning::HighFee { fee, amount });
    }
    let kind = ports.profile.collateral_kind(plan.amount);
    if let (Some(kind), Purpose::Send { .. } | Purpose::Fund { .. }) = (kind, &plan.purpose) {
        all.push(Warning::PaysCollateralAmount { kind });
    }
    all.extend(lost_change(plan).map(|left| Warning::NoChangeOf { left }));
    all
}

/// What the fee is above its rate, where there is no change.
fn lost_change(plan: &Plan) -> Option<Amount> {
    let size = (plan.unsigned.size() + plan.inputs.len() * crate::protocol::funding::SCRIPT_SIG) as u64;
    let fair = Amount::from_duffs(size.saturating_mul(plan.rate.duffs()).div_ceil(1000));
    let left = plan.fee.checked_sub(fair)?;
    (plan.change.is_none() && left > Amount::ZERO).then_some(left)
}
