//! One change of several masternodes: reviewed together, sent one after the other, each with its own result.
//!
//! The fee coins need not be as many as the masternodes: each transaction may spend the change of the one before, which is this
//! program's own and known in every byte. Nodes keep such chains up to 25 long (DEFAULT_ANCESTOR_LIMIT); then the next block is
//! awaited. A failure stops none of the others.

use sipper::{Sender, Sipper, sipper};

use super::fee::{Purse, fee_coins};
use super::operation::{self, Operation, Outcome};
use super::update::{self, Draft, Plan};
use super::{Error, Ports, Step, send};
use crate::protocol::{Amount, OutPoint, ProTxHash, Transaction};
use crate::rpc::{FoundCoin, RpcError};

/// The plans of all masternodes; where one could not be made, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    pub items: Vec<Item>,
    /// All fees together, and what the fee source holds.
    pub fees: Amount,
    pub available: Amount,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub draft: Draft,
    pub plan: Result<Plan, Error>,
}

impl Item {
    pub fn pro_tx_hash(&self) -> ProTxHash {
        self.draft.pro_tx_hash
    }

    /// Why it cannot be sent from here, if it cannot.
    pub fn obstacle(&self) -> Option<Error> {
        let plan = match &self.plan {
            Ok(plan) => plan,
            Err(error) => return Some(error.clone()),
        };
        if let Some(check) = plan.review.failure() {
            return Some(Error::Rule(check.clone()));
        }
        let missing = plan.review.missing.first()?;
        Some(Error::SignatureElsewhere {
            role: missing.role,
            key: missing.key.clone(),
        })
    }
}

impl Plans {
    /// Those that can be sent from here.
    pub fn ready(&self) -> Vec<Plan> {
        let ready = self.items.iter().filter(|item| item.obstacle().is_none());
        ready.filter_map(|item| item.plan.clone().ok()).collect()
    }

    /// The money suffices for all that can be sent.
    pub fn affordable(&self) -> bool {
        self.available > self.fees
    }
}

/// What happened to one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Place in the list that was given to [`run`].
    pub at: usize,
    pub event: Event,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Step(Step),
    Done(Box<Outcome>),
    Failed(Error),
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
    };
    if let Some(first) = drafts.first() {
        let (_, _, coins) = fee_coins(ports, &first.fee_from, &[]).await?;
        plans.available = coins.iter().map(|coin| coin.value).sum();
    }
    for draft in drafts {
        let plan = update::prepare(ports, &draft).await;
        let item = Item { draft, plan };
        if let (None, Ok(plan)) = (item.obstacle(), &item.plan) {
            plans.fees = [plans.fees, plan.review.fee].into_iter().sum();
        }
        plans.items.push(item);
    }
    Ok(plans)
}

/// Takes back the keys made for plans nobody will sign.
pub fn discard(ports: &Ports, plans: &Plans) {
    for plan in plans.items.iter().filter_map(|item| item.plan.as_ref().ok()) {
        update::discard(ports, plan);
    }
}

/// Sends all plans, then awaits their blocks; answers each one's result in the given order. Each cannot be undone from its own
/// [`Step::Broadcasting`] on; dropped, those not sent yet stay unsent.
pub fn run(ports: Ports, plans: Vec<Plan>) -> impl Sipper<Vec<Result<Outcome, Error>>, Progress> {
    sipper(async move |mut steps| {
        let mut purse = Purse::default();
        let mut sent = Vec::with_capacity(plans.len());
        for (at, plan) in plans.iter().enumerate() {
            let result = send_one(&ports, at, plan, &mut purse, &mut steps).await;
            if let Err(error) = &result {
                tell(&mut steps, at, Event::Failed(error.clone())).await;
            }
            sent.push(result);
        }
        let mut results = Vec::with_capacity(sent.len());
        for (at, result) in sent.into_iter().enumerate() {
            let result = match result {
                Ok(sent) => await_one(&ports, at, sent, &mut steps).await,
                Err(error) => Err(error),
            };
            results.push(result);
        }
        results
    })
}

struct Sent {
    id: i64,
    operation: Operation,
    tx: Transaction,
}

async fn tell(steps: &mut Sender<Progress>, at: usize, event: Event) {
    steps.send(Progress { at, event }).await;
}

/// Pays one plan anew from the coins there are now, and sends it.
async fn send_one(
    ports: &Ports,
    at: usize,
    plan: &Plan,
    purse: &mut Purse,
    steps: &mut Sender<Progress>,
) -> Result<Sent, Error> {
    let mut chain_too_long = false;
    loop {
        let operation = operation::pay_anew(ports, &plan.operation, &plan.fee_from, purse).await?;
        if !update::same_payload(&plan.operation, &operation)? {
            return Err(Error::NotAsReviewed {
                what: "the payload differs",
            });
        }
        let straw =
            sipper(async |mut inner| operation::send(ports, operation.clone(), plan.once.as_ref(), &mut inner).await);
        let mut told = straw.pin();
        while let Some(step) = told.sip().await {
            tell(steps, at, Event::Step(step)).await;
        }
        match told.await {
            Ok((id, tx)) => {
                spend(purse, &operation, &tx);
                return Ok(Sent { id, operation, tx });
            }
            Err(error) if is_chain_limit(&error) && !chain_too_long => {
                chain_too_long = true;
                next_block(ports).await?;
                purse.own.clear();
            }
            Err(error) => return Err(error),
        }
    }
}

/// The mempool holds as many transactions in a row as it takes.
fn is_chain_limit(error: &Error) -> bool {
    matches!(error, Error::Node(RpcError::Rejected { reason, .. }) if reason.contains("too-long-mempool-chain"))
}

async fn next_block(ports: &Ports) -> Result<(), Error> {
    let before = ports.node.tip().await?.height;
    while ports.node.tip().await?.height <= before {
        tokio::time::sleep(ports.poll).await;
    }
    Ok(())
}

/// What a sent transaction spent is gone, and its change is there.
fn spend(purse: &mut Purse, operation: &Operation, tx: &Transaction) {
    let spent: Vec<OutPoint> = operation.inputs.iter().map(|input| input.outpoint).collect();
    purse.own.retain(|coin| !spent.contains(&coin.outpoint));
    purse.exclude.extend(spent);
    if operation.fee_from_wallet {
        return; // The wallet lists its own change.
    }
    let txid = tx.txid();
    let own = |(vout, output): (u32, &crate::protocol::TxOut)| {
        Some(FoundCoin {
            outpoint: OutPoint { txid, vout },
            value: output.amount()?,
            script: output.script.clone(),
            confirmations: 0,
            coinbase: false,
            spent_in_mempool: false,
        })
    };
    purse.own.extend((0..).zip(&tx.outputs).filter_map(own));
}

async fn await_one(ports: &Ports, at: usize, sent: Sent, steps: &mut Sender<Progress>) -> Result<Outcome, Error> {
    let Sent { id, operation, tx } = sent;
    let straw = sipper(async |mut inner| send::await_block(ports, id, &tx, &mut inner).await);
    let mut told = straw.pin();
    while let Some(step) = told.sip().await {
        tell(steps, at, Event::Step(step)).await;
    }
    match told.await {
        Ok(height) => {
            let outcome = operation::outcome(&operation, tx, height)?;
            tell(steps, at, Event::Done(Box::new(outcome.clone()))).await;
            Ok(outcome)
        }
        Err(error) => {
            tell(steps, at, Event::Failed(error.clone())).await;
            Err(error)
        }
    }
}
