//! Sending one after the other, and looking for all of them in every new block.

use std::collections::{BTreeSet, HashSet};

use bitcoin::{BlockHash, OutPoint, Txid};
use sipper::{Sender, Sipper, sipper};

use super::obstacle;
use crate::flow::choice::FeeSource;
use crate::flow::fee::Till;
use crate::flow::operation::{self, Operation, Outcome};
use crate::flow::update::{self, Plan};
use crate::flow::{Error, Ports, Step, send};
use crate::protocol::Transaction;
use crate::rpc::RpcError;

/// Unconfirmed transactions in a row that a mempool takes, the last one included (Dash Core DEFAULT_ANCESTOR_LIMIT).
const CHAIN_LIMIT: usize = 25;

/// One of those to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Paid, signed and sent.
    Send(Box<Plan>),
    /// An operation of the journal that a node may have: looked for, or sent again as it is.
    GoOn(i64),
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
    /// It waits for a block: nodes keep only so many unconfirmed transactions in a row, and there is no other coin for its fee.
    Held,
    Done(Box<Outcome>),
    Failed(Failure),
}

/// Why one of them failed, and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    pub error: Error,
    pub left: Left,
}

/// What remains of one that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Nothing,
    /// The journal has it; no node has.
    Unsent {
        id: i64,
    },
    /// A node has it, or may have it.
    Sent {
        id: i64,
    },
}

impl Failure {
    fn unsent(id: i64) -> impl FnOnce(Error) -> Self {
        move |error| Self {
            error,
            left: Left::Unsent { id },
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            left: Left::Nothing,
        }
    }
}

/// Sends all, and looks for them in every block; answers each one's result in the given order. Each cannot be undone from its own
/// [`Step::Broadcasting`] on; dropped, those not sent yet stay unsent, and the journal knows how far each came.
pub fn run(ports: Ports, parts: Vec<Part>) -> impl Sipper<Vec<Result<Outcome, Failure>>, Progress> {
    sipper(async move |steps| {
        let mut run = Run {
            results: vec![None; parts.len()],
            ports,
            steps,
            till: None,
            spent: HashSet::new(),
            waiting: Vec::new(),
            seen: None,
        };
        for (at, part) in parts.iter().enumerate() {
            let begun = match part {
                Part::Send(plan) => run.send(at, plan).await,
                Part::GoOn(id) => run.go_on(at, *id).await,
            };
            if let Err(failure) = begun {
                run.fail(at, failure).await;
            }
        }
        // Those sent since the last block are looked for and told of once.
        run.seen = None;
        while !run.waiting.is_empty() {
            run.next_block().await;
        }
        let results = run.results.into_iter();
        results
            .map(|result| result.expect("each was waited for or failed"))
            .collect()
    })
}

struct Run {
    ports: Ports,
    steps: Sender<Progress>,
    /// None: to be opened (anew).
    till: Option<Till>,
    /// Coins no node takes any more: spent here, or by who knows whom.
    spent: HashSet<OutPoint>,
    /// Sent and in no block yet.
    waiting: Vec<Sent>,
    /// The last block that was looked into.
    seen: Option<BlockHash>,
    results: Vec<Option<Result<Outcome, Failure>>>,
}

struct Sent {
    at: usize,
    id: i64,
    /// None: not known any more.
    source: Option<FeeSource>,
    operation: Operation,
    tx: Transaction,
}

impl Run {
    /// Pays one plan anew from the coins there are now, signs and sends it.
    async fn send(&mut self, at: usize, plan: &Plan) -> Result<(), Failure> {
        if let Some(error) = obstacle(plan) {
            return Err(error.into());
        }
        loop {
            let operation = self.pay(at, plan).await?;
            match self.sign_and_send(at, operation, plan).await {
                // Several chains met in one transaction: only the node counts those.
                Err(failure) if is_chain_limit(&failure.error) && !self.waiting.is_empty() => {
                    if let Left::Unsent { id } = failure.left {
                        send::give_up(&self.ports, id)?;
                    }
                    self.hold(at).await;
                }
                other => return other.map(|sent| self.waiting.push(sent)),
            }
        }
    }

    /// The plan with fee coins; where none can be spent before the next block, that is awaited.
    async fn pay(&mut self, at: usize, plan: &Plan) -> Result<Operation, Error> {
        loop {
            let till = self.till(&plan.fee_from).await?;
            match operation::pay_anew(&self.ports, &plan.operation, &till).await {
                Err(Error::FeeKeyShort { .. }) if !self.waiting.is_empty() => self.hold(at).await,
                Err(error) => return Err(error),
                Ok(operation) if update::same_payload(&plan.operation, &operation)? => return Ok(operation),
                Ok(_) => {
                    return Err(Error::NotAsReviewed {
                        what: "the payload differs",
                    });
                }
            }
        }
    }

    /// What can be spent now.
    async fn till(&mut self, source: &FeeSource) -> Result<Till, Error> {
        let open = self.till.take().filter(|till| till.source() == source);
        let mut till = match open {
            Some(till) => till,
            None => {
                let spent: Vec<OutPoint> = self.spent.iter().copied().collect();
                let mut till = Till::open(&self.ports, source, &spent).await?;
                // In the order they were sent, so that of a chain the last change is left.
                let same = self.waiting.iter().filter(|sent| sent.source.as_ref() == Some(source));
                same.for_each(|sent| till.spend(&sent.tx));
                till.remove(spent);
                till
            }
        };
        self.till = Some(till.clone());
        let crowded: Vec<OutPoint> = till
            .coins
            .iter()
            .map(|coin| coin.outpoint)
            .filter(|coin| self.ancestors(coin.txid) >= CHAIN_LIMIT)
            .collect();
        till.remove(crowded);
        Ok(till)
    }

    /// How many unconfirmed transactions of this run come with a coin, the one that made it included.
    fn ancestors(&self, of: Txid) -> usize {
        let mut found = BTreeSet::new();
        let mut open = vec![of];
        while let Some(txid) = open.pop() {
            let parent = self.waiting.iter().find(|sent| sent.tx.txid() == txid);
            if let Some(parent) = parent.filter(|_| found.insert(txid)) {
                open.extend(parent.tx.inputs.iter().map(|input| input.previous.txid));
            }
        }
        found.len()
    }

    async fn sign_and_send(&mut self, at: usize, operation: Operation, plan: &Plan) -> Result<Sent, Failure> {
        let ports = self.ports.clone();
        let enter = sipper(async |mut inner| operation::enter(&ports, &operation, &mut inner).await);
        let id = self.told(at, enter).await?;
        let copy = operation.clone();
        let once = plan.once.as_ref();
        let sign = sipper(async |mut inner| operation::signed(&ports, id, copy.clone(), once, &mut inner).await);
        let tx = self.told(at, sign).await.map_err(Failure::unsent(id))?;
        self.hand_in(at, id, &tx).await?;
        Ok(Sent {
            at,
            id,
            source: Some(plan.fee_from.clone()),
            operation,
            tx,
        })
    }

    /// Sends a finished transaction; from then on its coins are spent, unless the node refused it.
    async fn hand_in(&mut self, at: usize, id: i64, tx: &Transaction) -> Result<(), Failure> {
        let ports = self.ports.clone();
        let hand_in = sipper(async |mut inner| send::hand_in_patiently(&ports, id, tx, &mut inner).await);
        let Err(error) = self.told(at, hand_in).await else {
            self.spent.extend(tx.inputs.iter().map(|input| input.previous));
            if let Some(till) = &mut self.till {
                till.spend(tx);
            }
            return Ok(());
        };
        let refused = matches!(&error, Error::Node(error) if !error.is_connection());
        if !refused || is_about_inputs(&error) {
            // Of a refused one the coins were spent by somebody else; of one that may have arrived the change is not counted on.
            self.spent.extend(tx.inputs.iter().map(|input| input.previous));
        }
        self.till = None;
        let left = if refused {
            Left::Unsent { id }
        } else {
            Left::Sent { id }
        };
        Err(Failure { error, left })
    }

    /// What an earlier run handed in, or perhaps handed in: sent again, unless a block has it.
    async fn go_on(&mut self, at: usize, id: i64) -> Result<(), Failure> {
        let left = Left::Sent { id };
        let known = |error: Error| Failure { error, left };
        let entry = self.ports.journal.get(id).map_err(|error| known(error.into()))?;
        let operation = operation::resume(&entry).map_err(known)?;
        let Some((_, hex)) = entry.finished() else {
            let reason = "it was not signed yet: begin it anew";
            return Err(known(Error::CannotResume { id, reason }));
        };
        let tx = Transaction::from_hex(hex).map_err(|error| known(error.into()))?;
        let mined = send::find_block(&self.ports, id, &tx).await.map_err(known)?;
        if mined.is_none() {
            self.hand_in(at, id, &tx).await?;
        }
        let source = None;
        let sent = Sent {
            at,
            id,
            source,
            operation,
            tx,
        };
        match mined {
            Some(height) => self.done(sent, height).await,
            None => self.waiting.push(sent),
        }
        Ok(())
    }

    /// Runs a flow's part and passes its steps on.
    async fn told<T>(&mut self, at: usize, part: impl Sipper<T, Step>) -> T {
        let mut part = part.pin();
        while let Some(step) = part.sip().await {
            self.tell(at, Event::Step(step)).await;
        }
        part.await
    }

    async fn tell(&mut self, at: usize, event: Event) {
        self.steps.send(Progress { at, event }).await;
    }

    async fn fail(&mut self, at: usize, failure: Failure) {
        self.tell(at, Event::Failed(failure.clone())).await;
        self.results[at] = Some(Err(failure));
    }

    /// One cannot be paid before the next block.
    async fn hold(&mut self, at: usize) {
        self.tell(at, Event::Held).await;
        self.next_block().await;
    }

    /// Waits for a block that was not looked into yet, and looks for everything in it. If the node is gone for good, those that wait
    /// fail.
    async fn next_block(&mut self) {
        let mut lost = 0;
        loop {
            let result = self.look().await;
            match result {
                Ok(true) => return,
                Ok(false) => lost = 0,
                Err(error) if lost >= send::PATIENCE => return self.fail_waiting(error).await,
                Err(_) => lost += 1,
            }
            tokio::time::sleep(self.ports.poll).await;
        }
    }

    async fn fail_waiting(&mut self, error: Error) {
        for Sent { at, id, .. } in std::mem::take(&mut self.waiting) {
            let left = Left::Sent { id };
            let error = error.clone();
            self.fail(at, Failure { error, left }).await;
        }
    }

    /// Whether there is a new block; what it has is done.
    async fn look(&mut self) -> Result<bool, Error> {
        let tip = self.ports.node.tip().await?;
        if self.seen == Some(tip.hash) {
            return Ok(false);
        }
        let mut found: Vec<(Txid, u32)> = Vec::new();
        // From the last sent to the first: a block that has one has its ancestors, too, also where a node without an index of
        // transactions no longer knows them because their change is spent.
        for at in (0..self.waiting.len()).rev() {
            let Sent { id, tx, .. } = &self.waiting[at];
            let txid = tx.txid();
            let child = found.iter().find(|(child, _)| self.spends(*child, txid)).copied();
            let height = match (send::find_block(&self.ports, *id, tx).await?, child) {
                (None, Some((_, height))) => {
                    send::record_mined(&self.ports, *id, height, None)?;
                    Some(height)
                }
                (height, _) => height,
            };
            found.extend(height.map(|height| (txid, height)));
        }
        self.settle(&found, tip.height).await;
        self.seen = Some(tip.hash);
        // The node knows their coins now.
        self.till = None;
        Ok(true)
    }

    fn spends(&self, child: Txid, parent: Txid) -> bool {
        let child = self.waiting.iter().find(|sent| sent.tx.txid() == child);
        child.is_some_and(|sent| sent.tx.inputs.iter().any(|input| input.previous.txid == parent))
    }

    /// Those found are done; the others go on waiting.
    async fn settle(&mut self, found: &[(Txid, u32)], tip: u32) {
        for sent in std::mem::take(&mut self.waiting) {
            let txid = sent.tx.txid();
            let Some((_, height)) = found.iter().find(|(mined, _)| *mined == txid) else {
                // In the order they were sent: a node that dropped a chain takes it back from its beginning.
                if let Err(error) = send::hand_in_again(&self.ports, sent.id, &sent.tx).await {
                    let left = Left::Unsent { id: sent.id };
                    self.fail(sent.at, Failure { error, left }).await;
                    continue;
                }
                let step = Step::WaitingForBlock { txid, height: tip };
                self.tell(sent.at, Event::Step(step)).await;
                self.waiting.push(sent);
                continue;
            };
            self.done(sent, *height).await;
        }
    }

    async fn done(&mut self, sent: Sent, height: u32) {
        let Sent {
            at, id, operation, tx, ..
        } = sent;
        match operation::outcome(&operation, tx, height) {
            Ok(outcome) => {
                self.tell(at, Event::Done(Box::new(outcome.clone()))).await;
                self.results[at] = Some(Ok(outcome));
            }
            Err(error) => {
                let left = Left::Sent { id };
                self.fail(at, Failure { error, left }).await;
            }
        }
    }
}

/// The mempool holds as many transactions in a row as it takes.
fn is_chain_limit(error: &Error) -> bool {
    matches!(error, Error::Node(RpcError::Rejected { reason, .. }) if reason.contains("too-long-mempool-chain"))
}

/// The coins are the reason: they are spent, or gone with a block.
fn is_about_inputs(error: &Error) -> bool {
    matches!(
        error.reason(),
        Some("bad-txns-inputs-missingorspent" | "txn-mempool-conflict")
    )
}
