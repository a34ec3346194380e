//! Signing, verifying and sending an operation, or as much of it as can be done here.

use sipper::{Sender, Straw, sipper};

use super::sign::{record_signature, sign_inputs, sign_payload};
use super::{Kind, Operation, Role, missing};
use crate::flow::choice::OneUse;
use crate::flow::fee::{Paid, Till};
use crate::flow::keys::Made;
use crate::flow::{Error, Ports, Step, send, transaction, update};
use crate::protocol::special_tx::Payload;
use crate::protocol::wire::from_hex;
use crate::protocol::{Amount, ProTxHash, Transaction, Txid, rules};
use crate::store::journal;

/// An operation in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub kind: Kind,
    pub txid: Txid,
    /// The masternode it made or changed.
    pub pro_tx_hash: ProTxHash,
    pub tx: Transaction,
    pub fee: Amount,
    /// Of its block.
    pub height: u32,
}

/// Signs, verifies, sends and awaits an operation. It cannot be undone from [`Step::Broadcasting`] on.
///
/// Dropped before that, it stays in the journal as far as it came and can be resumed; who gives it up for good writes
/// [`journal::Event::Cancelled`]. `once`: an operator key that is not in the vault. One that was begun here goes on in its place of
/// the journal; one that was sent from here already is awaited. One from elsewhere is judged as [`update::review`] does, and must be
/// complete but for what can be signed here.
pub fn run(ports: Ports, operation: Operation, once: Option<OneUse>) -> impl Straw<Outcome, Step, Error> {
    sipper(async move |mut steps| {
        let known = begun(&ports, &operation)?;
        if let Some(entry) = known.as_ref().filter(|entry| entry.finished().is_some()) {
            let id = entry.id;
            steps.send(Step::Planned { id }).await;
            let (tx, height) = send::go_on(&ports, entry, &mut steps).await?;
            return outcome(&operation, tx, height);
        }
        judge_foreign(&ports, &operation, once.as_ref()).await?;
        if !operation.planned_here
            && let Some(missing) = missing(&ports, &operation, once.as_ref()).into_iter().next()
        {
            return Err(missing.into());
        }
        let id = begin(&ports, known, &operation)?;
        steps.send(Step::Planned { id }).await;
        finish(&ports, id, operation, once.as_ref(), &mut steps).await
    })
}

/// Adds the signatures this computer can make, for another one to add the rest. Nothing is sent. One from elsewhere is judged first,
/// as [`update::review`] does.
pub fn sign_here(ports: Ports, operation: Operation, once: Option<OneUse>) -> impl Straw<Operation, Step, Error> {
    sipper(async move |mut steps| {
        judge_foreign(&ports, &operation, once.as_ref()).await?;
        let known = begun(&ports, &operation)?;
        let id = begin(&ports, known, &operation)?;
        steps.send(Step::Planned { id }).await;
        let mut operation = operation;
        let absent: Vec<_> = missing(&ports, &operation, once.as_ref())
            .into_iter()
            .map(|missing| missing.role)
            .collect();
        if !absent.contains(&operation.signer.role()) {
            sign_payload(&ports, id, &mut operation, once.as_ref(), &mut steps).await?;
        }
        if operation.payload_signature.is_some() && !absent.contains(&Role::Fee) {
            sign_inputs(&ports, &mut operation, &mut steps).await?;
        }
        Ok(operation)
    })
}

/// Nothing that came from elsewhere is signed before the chain was asked about it, whoever calls.
async fn judge_foreign(ports: &Ports, operation: &Operation, once: Option<&OneUse>) -> Result<(), Error> {
    if operation.planned_here {
        return Ok(());
    }
    match update::review(ports, operation, once).await?.failure() {
        Some(check) => Err(Error::Rule(check.clone())),
        None => Ok(()),
    }
}

/// The journal's entry of an operation that was begun here and can go on.
fn begun(ports: &Ports, operation: &Operation) -> Result<Option<journal::Operation>, Error> {
    let open = ports.journal.unfinished()?.into_iter();
    let mut same = open.filter(|entry| {
        entry.kind == operation.kind.name()
            && entry.network == operation.network
            && planned(entry).is_some_and(|planned| planned.unsigned == operation.unsigned)
    });
    Ok(same.next())
}

/// Writes the operation down, or the signature it brings back to where it was begun.
fn begin(ports: &Ports, known: Option<journal::Operation>, operation: &Operation) -> Result<i64, Error> {
    let kind = operation.kind.name();
    let Some(entry) = known else {
        return Ok(ports.journal.begin(kind, &operation.network, operation, ports.now())?);
    };
    let role = operation.signer.role();
    if let Some(signature) = &operation.payload_signature
        && resume(&entry)?.payload_signature.is_none()
    {
        record_signature(ports, entry.id, role, signature)?;
    }
    Ok(entry.id)
}

fn planned(entry: &journal::Operation) -> Option<Operation> {
    Operation::from_text(entry.plan()?).ok()
}

/// The same transaction as the journal of this computer planned it; what merely passed through here was planned elsewhere.
pub(super) fn planned_here(ports: &Ports, operation: &Operation) -> Result<Option<Operation>, Error> {
    let all = ports.journal.list()?;
    let mut plans = all.iter().filter_map(planned);
    Ok(plans.find(|planned| {
        planned.planned_here && planned.network == operation.network && planned.unsigned == operation.unsigned
    }))
}

/// Whether the journal has an operation with this payload, whatever pays for it, that may still be sent or be mined.
fn is_begun(ports: &Ports, operation: &Operation) -> Result<bool, Error> {
    for entry in ports.journal.list()? {
        let alive = entry.is_past_no_return() || !entry.state().is_over();
        if alive
            && entry.network == operation.network
            && let Some(planned) = planned(&entry)
            && update::same_payload(&planned, operation)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes back keys that were made for an operation, unless it was begun and may still end in a block.
pub(crate) fn take_back(ports: &Ports, operation: &Operation, made: &[String]) {
    match is_begun(ports, operation) {
        Ok(false) => Made::of(made).remove(ports),
        Ok(true) => {}
        Err(error) => tracing::warn!(%error, "whether a plan was begun is not known: its keys stay"),
    }
}

/// Reads an operation back from the journal, with the signature under its payload if that was given before a restart.
pub(crate) fn resume(entry: &journal::Operation) -> Result<Operation, Error> {
    let reason = "its plan was written by another version";
    let mut operation = planned(entry).ok_or(Error::CannotResume { id: entry.id, reason })?;
    let kept = entry.signature(operation.signer.role().name());
    operation.payload_signature = operation
        .payload_signature
        .or_else(|| kept.and_then(|hex| from_hex(hex).ok()));
    Ok(operation)
}

/// Goes on with an operation of the journal that has no finished transaction.
pub(crate) async fn go_on(
    ports: &Ports,
    entry: &journal::Operation,
    once: Option<&OneUse>,
    steps: &mut Sender<Step>,
) -> Result<Outcome, Error> {
    let operation = resume(entry)?;
    judge_foreign(ports, &operation, once).await?;
    finish(ports, entry.id, operation, once, steps).await
}

/// From the plan to the block.
async fn finish(
    ports: &Ports,
    id: i64,
    operation: Operation,
    once: Option<&OneUse>,
    steps: &mut Sender<Step>,
) -> Result<Outcome, Error> {
    let signed = signed(ports, id, operation.clone(), once, steps).await?;
    let height = send::deliver(ports, id, &signed, steps).await?;
    outcome(&operation, signed, height)
}

/// Writes the operation down; the journal's number.
pub(crate) async fn enter(ports: &Ports, operation: &Operation, steps: &mut Sender<Step>) -> Result<i64, Error> {
    let known = begun(ports, operation)?;
    let id = begin(ports, known, operation)?;
    steps.send(Step::Planned { id }).await;
    Ok(id)
}

/// The same operation paid from the coins there are now.
pub(crate) async fn pay_anew(ports: &Ports, operation: &Operation, till: &Till) -> Result<Operation, Error> {
    let Paid { unsigned, inputs, .. } = till.pay(ports, operation.payload()?).await?;
    Ok(Operation {
        unsigned,
        inputs,
        payload_signature: None,
        input_scripts: None,
        ..operation.clone()
    })
}

/// What an operation came to.
pub(crate) fn outcome(operation: &Operation, tx: Transaction, height: u32) -> Result<Outcome, Error> {
    let txid = tx.txid();
    Ok(Outcome {
        kind: operation.kind,
        txid,
        pro_tx_hash: Payload::of(&tx)?.pro_tx_hash().unwrap_or(txid),
        fee: operation.fee().unwrap_or(Amount::ZERO),
        tx,
        height,
    })
}

/// Signed and verified; a plan that is lost is written down as such.
pub(crate) async fn signed(
    ports: &Ports,
    id: i64,
    operation: Operation,
    once: Option<&OneUse>,
    steps: &mut Sender<Step>,
) -> Result<Transaction, Error> {
    match sign(ports, id, operation, once, steps).await {
        Err(error) if error.ends_plan() => Err(send::note_failure(ports, id, error)),
        other => other,
    }
}

async fn sign(
    ports: &Ports,
    id: i64,
    mut operation: Operation,
    once: Option<&OneUse>,
    steps: &mut Sender<Step>,
) -> Result<Transaction, Error> {
    sign_payload(ports, id, &mut operation, once, steps).await?;
    sign_inputs(ports, &mut operation, steps).await?;
    let tx = operation.assembled()?;
    verify(ports, &operation, &tx).await?;
    let (txid, size) = (tx.txid(), tx.size());
    steps.send(Step::Verified { txid, size }).await;
    Ok(tx)
}

/// Reads the final bytes back: they must be the reviewed transaction plus signatures, and obey every rule now.
async fn verify(ports: &Ports, operation: &Operation, signed: &Transaction) -> Result<(), Error> {
    let read = Transaction::decode(&signed.encode())?;
    if without_signatures(&read)? != operation.unsigned {
        return Err(Error::NotAsReviewed {
            what: "inputs, outputs or payload differ",
        });
    }
    let status = ports.node.status().await?;
    let facts = transaction::facts(&*ports.node, &ports.profile, &read).await?;
    operation.check_base(&facts)?;
    let verdict = rules::check(&read, &transaction::context(&ports.profile, &status, &facts));
    match verdict.failure() {
        Some(check) => Err(Error::Rule(check.clone())),
        None => Ok(()),
    }
}

fn without_signatures(tx: &Transaction) -> Result<Transaction, Error> {
    let mut bare = tx.without_scripts();
    Payload::of(&bare)?.unsigned().attach(&mut bare);
    Ok(bare)
}
