//! What happened between two looks at the list.

use super::{Alert, Of, Seen, Snapshot, What};
use crate::protocol::ProTxHash;

/// A payment that may have been missed in a block that was not looked at: whoever says so has to look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspicion {
    pub pro_tx_hash: ProTxHash,
    pub name: String,
    /// The block it was due in.
    pub block: u32,
}

/// What happened between two looks at one chain, oldest masternode first. One seen for the first time brings nothing.
///
/// A missed payment is told only of the block right after `before`; see [`suspicions`] for those in between.
pub fn between(before: &Seen, after: &Seen) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for (hash, was) in &before.masternodes {
        let all = match after.masternodes.get(hash) {
            Some(is) => changes(was, is, before.height, after.height),
            None => vec![What::Removed {
                collateral: was.collateral,
                spent: None,
            }],
        };
        let name = after.masternodes.get(hash).unwrap_or(was).name.clone();
        alerts.extend(all.into_iter().map(|what| Alert {
            of: Some(Of {
                pro_tx_hash: *hash,
                name: name.clone(),
            }),
            what,
            height: after.height,
            time: after.time,
            own: false,
        }));
    }
    alerts
}

/// The same where the block of `before` is no longer in the chain, whose last common block is at the height `fork`: what happened in
/// both branches was told already.
pub fn after_reorganisation(before: &Seen, after: &Seen, fork: u32) -> Vec<Alert> {
    let moved = after.height.saturating_sub(fork);
    let was = |alert: &Alert| {
        let hash = alert.of.as_ref().map(|of| of.pro_tx_hash);
        hash.and_then(|hash| before.masternodes.get(&hash))
    };
    let mut alerts = between(before, after);
    alerts.retain(|alert| match &alert.what {
        What::Paid { .. } => was(alert).is_none_or(|was| was.last_paid <= fork),
        // The same failure, mined some blocks later, has faded by so much less. A failure adds at least 66.
        What::ScoreRose { from, to, .. } => to - from > moved,
        What::PaymentMissed { .. } => false,
        _ => true,
    });
    alerts
}

/// Payments that should have come in blocks between the two looks, but for the first.
///
/// The height at which a masternode is due is an upper bound while it stays enabled: who is registered or revived meanwhile goes to
/// the end of the queue.
pub fn suspicions(before: &Seen, after: &Seen) -> Vec<Suspicion> {
    let due = |(hash, was): (&ProTxHash, &Snapshot)| {
        let is = after.masternodes.get(hash)?;
        let block = was.due.filter(|due| *due > before.height && *due <= after.height)?;
        let missed = stayed_enabled(was, is, before.height) && is.last_paid <= before.height;
        (missed && after.height > before.height.saturating_add(1)).then(|| Suspicion {
            pro_tx_hash: *hash,
            name: is.name.clone(),
            block,
        })
    };
    before.masternodes.iter().filter_map(due).collect()
}

fn stayed_enabled(was: &Snapshot, is: &Snapshot, since: u32) -> bool {
    let revived = is.revived.is_some_and(|revived| revived > since);
    !was.standing.is_banned() && !is.standing.is_banned() && !revived
}

fn changes(was: &Snapshot, is: &Snapshot, since: u32, height: u32) -> Vec<What> {
    let mut all = Vec::new();
    all.extend(identity(was, is));
    if was.standing != is.standing {
        all.push(What::Status {
            from: was.standing,
            to: is.standing,
        });
    }
    all.extend(score(was, is, since, height));
    all.extend(danger(was, is));
    all.extend(payment(was, is, since, height));
    all
}

/// What only an owner or operator can change. What a new operator key takes with it (address, operator payout) is not told apart.
fn identity(was: &Snapshot, is: &Snapshot) -> Vec<What> {
    let mut all = Vec::new();
    let operator = was.operator != is.operator;
    if operator && is.operator.is_some() {
        all.push(What::OperatorKey);
    }
    // None: not told until now.
    if was.payout.is_some() && was.payout != is.payout {
        all.push(What::Payout {
            from: was.payout.clone(),
            to: is.payout.clone(),
        });
    }
    if was.operator_payout != is.operator_payout && !(operator && is.operator_payout.is_none()) {
        all.push(What::OperatorPayout {
            from: was.operator_payout.clone(),
            to: is.operator_payout.clone(),
        });
    }
    // A masternode that waits for its operator has no address.
    if was.service != is.service && !(operator && is.standing.is_banned()) {
        all.push(What::Address {
            from: was.service.clone(),
            to: is.service.clone(),
        });
    }
    if was.voting.is_some() && was.voting != is.voting {
        all.push(What::Voting {
            from: was.voting.clone(),
            to: is.voting.clone(),
        });
    }
    all
}

/// The score falls by one in each block by itself; what is above that was added by a failed DKG.
fn score(was: &Snapshot, is: &Snapshot, since: u32, height: u32) -> Option<What> {
    let revived = is.revived.is_some_and(|revived| revived > since);
    if is.standing.is_banned() || (was.standing.is_banned() && !revived) {
        return None;
    }
    let alone = if revived {
        0
    } else {
        was.penalty.saturating_sub(height.saturating_sub(since))
    };
    (is.penalty > alone).then_some(What::ScoreRose {
        from: alone,
        to: is.penalty,
        max: is.max,
        dkg: None,
    })
}

/// A ban leads out of danger in another way: that is a change of status.
fn danger(was: &Snapshot, is: &Snapshot) -> Option<What> {
    let comparable = !is.standing.is_banned() && !was.standing.is_banned();
    (comparable && was.is_in_danger() != is.is_in_danger()).then(|| What::DangerLine {
        into: is.is_in_danger(),
        penalty: is.penalty,
        line: is.danger_line,
        blocks_to_safe: is.blocks_to_safe,
    })
}

fn payment(was: &Snapshot, is: &Snapshot, since: u32, height: u32) -> Option<What> {
    if is.last_paid > was.last_paid {
        return Some(What::Paid {
            block: is.last_paid,
            amount: None,
        });
    }
    let next = since.saturating_add(1);
    let due = was.due == Some(next) && height == next;
    (due && stayed_enabled(was, is, since)).then_some(What::PaymentMissed { block: next })
}
