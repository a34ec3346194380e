//! Whom a block pays, and how much.
//!
//! Written from the payment rule itself, apart from `protocol::masternode::queue`: a simulation compares the two.

use bitcoin::ScriptBuf;
use bitcoin::hashes::Hash;

use super::dialect::Dialect;
use super::masternodes::{List, Masternode};
use crate::protocol::ProTxHash;
use crate::protocol::amount::COIN;
use crate::protocol::network::{MnType, Profile};

/// Blocks in a row an evonode is paid before MN_RR.
const EVO_RUN: u32 = 4;
/// Part of the reward that is Platform's once MN_RR is active, in thousandths.
const PLATFORM_SHARE: u64 = 375;
/// The burnt output that stands for Platform's part.
pub(super) const PLATFORM_SCRIPT: [u8; 1] = [0x6a];

/// A block's masternode payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub pro_tx_hash: ProTxHash,
    /// Outputs in coinbase order, Platform's first; **duffs**.
    pub outputs: Vec<(ScriptBuf, u64)>,
}

impl Payment {
    /// **Duffs**.
    pub fn total(&self) -> u64 {
        self.outputs.iter().map(|(_, amount)| amount).sum()
    }
}

/// How the value of a block is divided, in **duffs**.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Division {
    pub miner: u64,
    /// Owner and operator.
    pub masternode: u64,
    pub platform: u64,
}

/// The masternode that block `height + 1` pays, from the list of block `height`.
/// `run_of_evonodes`: evonodes are paid four times in a row (V19 until MN_RR, judged for block `height + 1`).
pub fn next_payee(list: &List, height: u32, run_of_evonodes: bool) -> Option<&Masternode> {
    let in_its_run = |mn: &&Masternode| {
        mn.kind == MnType::Evo && mn.state.last_paid_height == height && mn.state.consecutive_payments < EVO_RUN
    };
    if run_of_evonodes && let Some(again) = list.valid().find(in_its_run) {
        return Some(again);
    }
    // Ties go by the hash's bytes as stored, not as shown.
    list.valid()
        .min_by_key(|mn| (waiting_since(mn), mn.pro_tx_hash.to_byte_array()))
}

/// The height a masternode queues from.
fn waiting_since(mn: &Masternode) -> u32 {
    let state = &mn.state;
    let revived = state.revived_height.unwrap_or(0);
    if revived > state.last_paid_height {
        revived
    } else if state.last_paid_height > 0 {
        state.last_paid_height
    } else {
        state.registered_height
    }
}

/// Notes a payment of block `height` in the list of that block.
pub fn note_paid(list: &mut List, paid: Option<ProTxHash>, height: u32, run_of_evonodes: bool) {
    let counts = |mn: &Masternode| run_of_evonodes && Some(mn.pro_tx_hash) == paid;
    list.update_where(
        |mn| mn.state.consecutive_payments > 0 && !counts(mn),
        |state| state.consecutive_payments = 0,
    );
    let Some(hash) = paid else { return };
    let is_evo = list.get(hash).is_some_and(|mn| mn.kind == MnType::Evo);
    list.update(hash, |state| {
        state.last_paid_height = height;
        if run_of_evonodes && is_evo {
            state.consecutive_payments += 1;
        }
    });
}

/// Payees of the next `count` blocks if nothing else happens.
pub fn project(list: &List, height: u32, count: usize, run_of_evonodes: impl Fn(u32) -> bool) -> Vec<ProTxHash> {
    let mut list = list.clone();
    let mut payees = Vec::with_capacity(count);
    for height in (height..).take(count) {
        let run = run_of_evonodes(height + 1);
        let Some(payee) = next_payee(&list, height, run).map(|mn| mn.pro_tx_hash) else {
            break;
        };
        note_paid(&mut list, Some(payee), height + 1, run);
        payees.push(payee);
    }
    payees
}

/// What a block creates without the treasury's part, in **duffs**: a first subsidy that becomes a fraction smaller each interval.
/// Where the network's numbers are not known, Dash's or WEI's first subsidy for ever.
pub fn subsidy(profile: &Profile, height: u32) -> u64 {
    let Some(rules) = &profile.reward else {
        return match Dialect::of(profile) {
            Dialect::Core23 => 4 * COIN,
            Dialect::Core17 => 315 * COIN,
        };
    };
    // Nodes look at the block before.
    let before = height - 1;
    let decline = |left: u64| left - left / u64::from(rules.decline);
    let all = (0..before / rules.interval).fold(rules.start.duffs(), |left, _| decline(left));
    if before > rules.treasury_after {
        all - all * u64::from(rules.treasury_percent) / 100
    } else {
        all
    }
}

/// Divides subsidy and fees (both in **duffs**).
pub fn divide(dialect: Dialect, subsidy: u64, fees: u64, mn_rr: bool) -> Division {
    let total = subsidy + fees;
    let (all, platform) = match dialect {
        Dialect::Core23 if mn_rr => (total * 3 / 4, subsidy * 3 / 4 * PLATFORM_SHARE / 1000),
        Dialect::Core23 => (total * 3 / 4, 0),
        Dialect::Core17 => (total * 45 / 100, 0),
    };
    Division {
        miner: total - all,
        masternode: all - platform,
        platform,
    }
}

/// The outputs that pay a masternode: Platform's part, the owner's, the operator's.
pub fn payment(mn: &Masternode, division: Division) -> Payment {
    let state = &mn.state;
    let operator = if state.operator_payout.is_empty() {
        0
    } else {
        division.masternode * u64::from(mn.operator_reward) / 10_000
    };
    let parts = [
        (ScriptBuf::from_bytes(PLATFORM_SCRIPT.to_vec()), division.platform),
        (state.payout.clone(), division.masternode - operator),
        (state.operator_payout.clone(), operator),
    ];
    Payment {
        pro_tx_hash: mn.pro_tx_hash,
        outputs: parts.into_iter().filter(|(_, amount)| *amount > 0).collect(),
    }
}
