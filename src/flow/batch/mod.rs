//! One change of several masternodes: reviewed together, sent one after the other, each with its own result.
//!
//! The fee coins need not be as many as the masternodes: each transaction may spend the change of the one before, which is this
//! program's own and known in every byte. A failure stops none of the others, and what failed can be planned anew.

mod list;
mod request;
mod run;

pub use list::{Flaw, Known, ListError, MAX_TEXT, Row, read, sample};
pub use request::{Request, Voting, prepare_request};
pub use run::{Event, Failure, Left, Part, Progress, run};

use super::fee::Till;
use super::keys::Made;
use super::update::{self, Draft, Plan};
use super::{Error, Ports, send};
use crate::protocol::{Amount, ProTxHash};

/// The plans of all masternodes; where one could not be made, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    pub items: Vec<Item>,
    /// All fees together, and what the fee source holds.
    pub fees: Amount,
    pub available: Amount,
    /// It does not hold enough for all that can be sent: how much has to be sent where ([`Error::FeeKeyShort`]).
    pub short: Option<Error>,
    /// Label of a key made for all of them together.
    pub shared: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub draft: Draft,
    pub plan: Result<Plan, Error>,
    /// Labels of keys that were made for it, by this plan or by one before it.
    pub made: Vec<String>,
}

impl Item {
    pub fn pro_tx_hash(&self) -> ProTxHash {
        self.draft.pro_tx_hash
    }

    /// Why it cannot be sent from here, if it cannot.
    pub fn obstacle(&self) -> Option<Error> {
        match &self.plan {
            Ok(plan) => obstacle(plan),
            Err(error) => Some(error.clone()),
        }
    }
}

/// A rule it breaks, or the key that is not here.
fn obstacle(plan: &Plan) -> Option<Error> {
    if let Some(check) = plan.review.failure() {
        return Some(Error::Rule(check.clone()));
    }
    let missing = plan.review.missing.first()?;
    Some(Error::SignatureElsewhere {
        role: missing.role,
        key: missing.key.clone(),
    })
}

impl Plans {
    /// Places of those that can be sent from here.
    pub fn ready(&self) -> Vec<usize> {
        let items = self.items.iter().enumerate();
        items
            .filter(|(_, item)| item.obstacle().is_none())
            .map(|(at, _)| at)
            .collect()
    }

    /// The money suffices for all that can be sent.
    pub fn affordable(&self) -> bool {
        self.short.is_none()
    }
}

/// Plans every draft by itself. Nothing is signed or sent.
///
/// # Errors
/// Of the fee source, which all share. What is wrong with one masternode is in its item.
pub async fn prepare(ports: &Ports, drafts: Vec<Draft>) -> Result<Plans, Error> {
    let mut plans = Plans {
        items: Vec::with_capacity(drafts.len()),
        fees: Amount::ZERO,
        available: Amount::ZERO,
        short: None,
        shared: None,
    };
    let Some(first) = drafts.first() else {
        return Ok(plans);
    };
    let till = Till::open(ports, &first.fee_from, &[]).await?;
    plans.available = till.holds();
    for draft in drafts {
        let same = *till.source() == draft.fee_from;
        let plan = update::prepare_from(ports, &draft, same.then_some(&till)).await;
        plans.items.push(item(ports, draft, plan));
    }
    rehearse(ports, till, &mut plans);
    Ok(plans)
}

/// Keys made for one that cannot be sent from here are taken back at once.
fn item(ports: &Ports, draft: Draft, plan: Result<Plan, Error>) -> Item {
    let made = plan.as_ref().map(|plan| plan.made.clone()).unwrap_or_default();
    let mut item = Item { draft, plan, made };
    if item.obstacle().is_some() {
        Made::of(&item.made).remove(ports);
        item.made.clear();
    }
    item
}

/// Goes through the payments as [`run`] will make them: the fees, and whether the money lasts.
fn rehearse(ports: &Ports, mut till: Till, plans: &mut Plans) {
    let mut unpaid = 0u64;
    let mut last: Option<Error> = None;
    for item in &plans.items {
        let payload = match (&item.plan, item.obstacle()) {
            (Ok(plan), None) => plan.operation.payload(),
            (Err(error @ Error::FeeKeyShort { .. }), _) => {
                unpaid += 1;
                last = Some(error.clone());
                continue;
            }
            _ => continue,
        };
        match payload.and_then(|payload| till.fund(ports, &payload)) {
            Ok(funded) => {
                plans.fees = [plans.fees, funded.fee].into_iter().sum();
                till.spend(&funded.tx);
            }
            Err(error) => {
                unpaid += 1;
                last = Some(error);
            }
        }
    }
    plans.short = last.map(|error| for_all(error, unpaid, plans));
}

/// What one lacks, times those that lack it.
fn for_all(error: Error, unpaid: u64, plans: &Plans) -> Error {
    let Error::FeeKeyShort {
        label, address, needed, ..
    } = error
    else {
        return error;
    };
    Error::FeeKeyShort {
        label,
        address,
        available: plans.available,
        needed: Amount::from_duffs(needed.duffs().saturating_mul(unpaid)),
    }
}

/// Something that failed, to be planned anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub item: Item,
    pub left: Left,
}

/// Plans what failed anew: with the keys that were made for it the first time, from the masternode's state and the money there are
/// now. The journal gives the failed operations up. One that a node may have is not planned anew but gone on with
/// ([`Part::GoOn`]).
///
/// # Errors
/// As [`prepare`], and of the journal.
pub async fn anew(ports: &Ports, failed: Vec<Failed>) -> Result<Plans, Error> {
    let mut drafts = Vec::with_capacity(failed.len());
    for Failed { item, left } in &failed {
        if let Left::Unsent { id } = left {
            send::give_up(ports, *id)?;
        }
        drafts.push(request::with_keys_of(item));
    }
    let mut plans = prepare(ports, drafts).await?;
    for (item, Failed { item: before, .. }) in plans.items.iter_mut().zip(&failed) {
        item.made.extend(before.made.iter().cloned());
    }
    Ok(plans)
}

/// Whether a plan means what another one, which was reviewed, meant: all but the coins that pay for it is the same.
pub fn is_as_reviewed(reviewed: &Plan, plan: &Plan) -> bool {
    update::same_payload(&reviewed.operation, &plan.operation).unwrap_or(false)
}

/// Takes back the keys made for plans nobody will sign: those of all masternodes but the ones `begun`, whose operations the journal
/// has.
pub fn discard(ports: &Ports, plans: &Plans, begun: &[ProTxHash]) {
    let idle = plans.items.iter().filter(|item| !begun.contains(&item.pro_tx_hash()));
    for item in idle {
        Made::of(&item.made).remove(ports);
    }
    if begun.is_empty() {
        Made::of(plans.shared.as_slice()).remove(ports);
    }
}
