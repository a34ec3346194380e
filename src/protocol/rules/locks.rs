//! Lock times: transactions that may not be in the next block yet (Dash Core consensus/tx_verify.cpp; BIP-0068).
//!
//! Heights are judged. Locks by time are not: they go by the median time of blocks, which is not among the facts.

use super::{Checks, Context, Facts};
use crate::protocol::tx::{Transaction, TxIn};

/// Lock times below are heights, others Unix seconds.
const LOCK_TIME_THRESHOLD: u32 = 500_000_000;
/// In nSequence: no relative lock.
const DISABLED: u32 = 1 << 31;
/// In nSequence: the lock counts time instead of blocks.
const BY_TIME: u32 = 1 << 22;
const FINAL: u32 = 0xffff_ffff;

/// nLockTime, which holds unless every input says it is final.
pub(super) fn check_final(tx: &Transaction, context: &Context<'_>, list: &mut Checks) {
    let heeded = tx.lock_time != 0 && tx.inputs.iter().any(|input| input.sequence != FINAL);
    let passed = match context.facts {
        _ if !heeded => Some(true),
        Some(facts) if tx.lock_time < LOCK_TIME_THRESHOLD => Some(tx.lock_time < facts.height.saturating_add(1)),
        _ => None,
    };
    let until = match tx.lock_time {
        0..LOCK_TIME_THRESHOLD => format!("block {}", tx.lock_time),
        _ => format!("the time {} (Unix seconds)", tx.lock_time),
    };
    let message = match heeded {
        true => format!("the transaction is locked until {until} has passed"),
        false => "the transaction is not locked".into(),
    };
    list.judge_node("final", "non-final", passed, message);
}

/// Locks relative to the coins that are spent.
pub(super) fn check_sequences(tx: &Transaction, facts: Option<&Facts>, list: &mut Checks) {
    let locked = tx.inputs.iter().filter(|input| input.sequence & DISABLED == 0);
    let mut passed = Some(true);
    if tx.version < 0 || tx.version >= 2 {
        for input in locked {
            match is_mature(input, facts) {
                Some(true) => {}
                Some(false) => passed = Some(false),
                None if passed == Some(true) => passed = None,
                None => {}
            }
        }
    }
    list.judge_node(
        "inputs-unlocked",
        "non-BIP68-final",
        passed,
        "no input may be locked for longer than its coin is old".into(),
    );
}

fn is_mature(input: &TxIn, facts: Option<&Facts>) -> Option<bool> {
    let wait = input.sequence & 0xffff;
    if wait == 0 {
        return Some(true);
    }
    let facts = facts.filter(|_| input.sequence & BY_TIME == 0)?;
    // An unconfirmed coin counts as one of the next block.
    let coin = facts.coin(&input.previous).flatten()?;
    Some(wait <= coin.confirmations)
}
