//! Ordinary payments from the device: fills a fee key, pays any address, makes a collateral.
//!
//! The device sees every output but the change. A collateral is never change: the device first shows its address, which is compared,
//! and then shows the output like any other.

mod draft;
mod plan;
mod warning;

use std::collections::HashMap;

use bitcoin::bip32::DerivationPath;
use bitcoin::{Txid, base58};
use futures::channel::mpsc;
use futures::future::{Either, select};
use futures::{FutureExt, StreamExt};
use serde::{Deserialize, Serialize};
use sipper::{Sender, Straw, sipper};

pub use draft::{Draft, Purpose, Selection, Sum};
pub use plan::{Change, MAX_FEE, MAX_INPUTS, MAX_RATE, Plan, prepare};
pub use warning::Warning;

use super::guard::{self, Collaterals};
use super::wallet::WalletCoin;
use super::{Error, Ports, Step, send};
use crate::hw::{Device, Kind, Progress};
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::{Address, Amount, OutPoint, Profile, Transaction, path, rules};
use crate::store::journal::{self, Event, State};

/// As the journal calls the making of a collateral.
const COLLATERAL: &str = "collateral";
/// As the journal calls what the device signed.
const PAYMENT: &str = "payment";

/// A payment in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub txid: Txid,
    pub tx: Transaction,
    pub fee: Amount,
    pub height: u32,
    /// The collateral it made.
    pub made: Option<OutPoint>,
}

/// What the journal keeps of a payment: enough to see what was meant.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    to: String,
    amount: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fee: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// The collateral it makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    makes: Option<Made>,
    /// Guarded coins whose phrases were typed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unlocked: Vec<Unlocked>,
    unsigned: String,
}

/// A guarded coin that may be spent, as long as no graver reason comes up.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Unlocked {
    coin: OutPoint,
    gravity: u8,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Made {
    kind: MnType,
    /// Index of the output.
    output: u32,
}

/// Signs on the device, verifies, judges once more, sends and awaits. It cannot be undone from [`Step::Broadcasting`] on.
///
/// Dropped before that, the journal says that it was cancelled: its coins may be gone by the time somebody looks, and planning it
/// anew costs nothing. Only a crash between the device's signature and the sending leaves something to go on with.
pub fn pay(ports: Ports, plan: Plan) -> impl Straw<Outcome, Step, Error> {
    sipper(async move |mut steps| {
        let kind = plan.purpose.name();
        let stored = stored(&ports, &plan);
        let id = ports.journal.begin(kind, &ports.profile.name, &stored, ports.now())?;
        let begun = Begun {
            ports: &ports,
            id: Some(id),
        };
        steps.send(Step::Planned { id }).await;
        let signed = match sign(&ports, id, &plan, &mut steps).await {
            Ok(tx) => judge_kept(&ports, &stored, tx).await,
            Err(error) => Err(error),
        };
        let tx = match signed {
            Ok(tx) => tx,
            Err(error) => return Err(begun.failed(error)),
        };
        begun.done();
        let height = send::deliver(&ports, id, &tx, &mut steps).await?;
        Ok(Outcome {
            txid: tx.txid(),
            fee: plan.fee,
            height,
            made: stored.makes.map(|made| OutPoint {
                txid: tx.txid(),
                vout: made.output,
            }),
            tx,
        })
    })
}

async fn judge_kept(ports: &Ports, stored: &Stored, tx: Transaction) -> Result<Transaction, Error> {
    plan::judge_again(ports, &tx, &stored.agreed()).await?;
    Ok(tx)
}

impl Stored {
    /// How grave a guard may be, by coin; of all others none.
    fn agreed(&self) -> HashMap<OutPoint, u8> {
        self.unlocked.iter().map(|coin| (coin.coin, coin.gravity)).collect()
    }
}

/// Whether a finished payment that no node knows still spends nothing that nobody agreed to: a coin may have become a collateral since.
///
/// # Errors
/// [`Error::Guarded`], and of the node or the journal.
pub(super) async fn check_guards(ports: &Ports, id: i64) -> Result<(), Error> {
    let operation = ports.journal.get(id)?;
    let finished = operation
        .finished()
        .filter(|_| super::operation::Kind::from_name(&operation.kind).is_none());
    let Some((_, hex)) = finished else {
        return Ok(());
    };
    let tx = Transaction::from_hex(hex)?;
    let stored: Option<Stored> = operation.plan().and_then(|plan| serde_json::from_str(plan).ok());
    let agreed = stored.map(|stored| stored.agreed()).unwrap_or_default();
    let collaterals = Collaterals::read(ports).await?;
    // What they hold has not changed since they were judged.
    plan::check_guards(
        ports,
        &collaterals,
        &agreed,
        tx.inputs.iter().map(|input| (input.previous, Amount::ZERO)),
    )
}

/// The payment a crash left between the device's signature and the sending, judged as before it would have been sent.
pub(super) async fn signed(ports: &Ports, operation: &journal::Operation) -> Result<Transaction, Error> {
    let id = operation.id;
    let begin_anew = |reason| Error::CannotResume { id, reason };
    if operation.state() == State::Failed {
        return Err(begin_anew("it failed before it was sent: begin it anew"));
    }
    // Nothing to go on with: its coins may be gone by then, and planning it anew costs nothing.
    let hex = operation.signature(PAYMENT);
    let unsigned = || send::note_failure(ports, id, begin_anew("it was not signed yet: begin it anew"));
    let tx = Transaction::from_hex(hex.ok_or_else(unsigned)?)?;
    let stored: Option<Stored> = operation.plan().and_then(|plan| serde_json::from_str(plan).ok());
    let judged = match stored {
        Some(stored) => judge_kept(ports, &stored, tx).await,
        None => Err(begin_anew("its plan cannot be read")),
    };
    match judged {
        // The node may be back tomorrow.
        Err(Error::Node(error)) => Err(error.into()),
        Err(error) => Err(send::note_failure(ports, id, error)),
        judged => judged,
    }
}

/// A payment that is begun and not sent yet; given up where it is dropped.
struct Begun<'a> {
    ports: &'a Ports,
    id: Option<i64>,
}

impl Begun<'_> {
    /// From here the journal knows by what follows.
    fn done(mut self) {
        self.id = None;
    }

    fn failed(mut self, error: Error) -> Error {
        match self.id.take() {
            Some(id) => send::note_failure(self.ports, id, error),
            None => error,
        }
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id
            && let Err(error) = send::give_up(self.ports, id)
        {
            tracing::warn!(id, %error, "the journal does not know that a payment was cancelled");
        }
    }
}

async fn sign(ports: &Ports, id: i64, plan: &Plan, steps: &mut Sender<Step>) -> Result<Transaction, Error> {
    let device = ports.device()?;
    if let Some(path) = &plan.to_path {
        confirm_address(&**device, &ports.profile, path, plan.to, steps).await?;
    }
    let ticker = &ports.profile.ticker;
    let to = as_shown(device.kind(), plan.to, &ports.profile);
    let step = Step::ConfirmPayment {
        device: device.kind().to_string(),
        outputs: vec![(format!("{} {ticker}", plan.amount.short()), to)],
        fee: format!("{} {ticker}", plan.fee.short()),
    };
    steps.send(step).await;
    let tx = sign_with_progress(&**device, plan, steps).await?;
    verify(plan, &tx)?;
    let signed = Event::Signed {
        what: PAYMENT.into(),
        hex: tx.to_hex(),
    };
    ports.journal.record(id, &signed, ports.now())?;
    steps.send(Step::DeviceSigned).await;
    let (txid, size) = (tx.txid(), tx.size());
    steps.send(Step::Verified { txid, size }).await;
    Ok(tx)
}

/// The device shows the address and the user compares; the key it showed it for is compared here.
async fn confirm_address(
    device: &dyn Device,
    profile: &Profile,
    at: &DerivationPath,
    to: Address,
    steps: &mut Sender<Step>,
) -> Result<(), Error> {
    let step = Step::ConfirmAddress {
        device: device.kind(),
        path: path::to_text(at),
        address: as_shown(device.kind(), to, profile),
    };
    steps.send(step).await;
    let shown = device.show_address(at.clone()).await?;
    let same_key = KeyId::of(&shown.key).address() == to;
    let same_hash = base58::decode_check(&shown.on_screen)
        .is_ok_and(|bytes| bytes.get(1..) == Some(KeyId::of(&shown.key).0.as_slice()));
    if same_key && same_hash {
        Ok(())
    } else {
        Err(Error::NotAsReviewed {
            what: "the device shows another address",
        })
    }
}

/// An address as the screen of a device writes it: a Ledger app with its own network's prefix, whatever network it is of.
pub fn as_shown(device: Kind, address: Address, profile: &Profile) -> String {
    let prefix = profile.devices.ledger_pubkey_prefix;
    match (device, address) {
        (Kind::Ledger, Address::PubkeyHash(_)) if prefix != profile.pubkey_prefix => {
            let other = Profile {
                pubkey_prefix: prefix,
                ..profile.clone()
            };
            address.to_text(&other)
        }
        _ => address.to_text(profile),
    }
}

/// Waits for the device, telling how far it is.
async fn sign_with_progress(device: &dyn Device, plan: &Plan, steps: &mut Sender<Step>) -> Result<Transaction, Error> {
    let (tell, mut told) = mpsc::unbounded();
    let progress = Progress::new(move |done| {
        // Nobody listens any more: the payment was cancelled.
        let _ = tell.unbounded_send(done);
    });
    let mut reply = device.sign_spend(plan.spend.clone(), progress).fuse();
    loop {
        let signed = match select(told.next(), &mut reply).await {
            Either::Left((Some(done), _)) => {
                steps.send(Step::DeviceWorks(done)).await;
                continue;
            }
            // It tells nothing more.
            Either::Left((None, _)) => (&mut reply).await,
            Either::Right((signed, _)) => signed,
        };
        return Ok(signed?);
    }
}

/// The device's transaction is the reviewed one byte by byte but for the signatures, and every input is signed by its key.
fn verify(plan: &Plan, tx: &Transaction) -> Result<(), Error> {
    let read_back = Transaction::decode(&tx.encode())?;
    if read_back.without_scripts().encode() != plan.unsigned.encode() {
        return Err(Error::NotAsReviewed {
            what: "inputs or outputs differ",
        });
    }
    for (at, input) in plan.spend.inputs.iter().enumerate() {
        let script = input.key_id.address().script();
        if rules::is_signed(tx, at, script.as_bytes()) != Some(true) {
            return Err(Error::NotAsReviewed {
                what: "an input is not signed by its key",
            });
        }
    }
    Ok(())
}

impl Unlocked {
    fn of(coin: &WalletCoin) -> Self {
        Self {
            coin: coin.outpoint(),
            gravity: guard::gravity(&coin.guards),
        }
    }
}

fn stored(ports: &Ports, plan: &Plan) -> Stored {
    let makes = match plan.purpose {
        Purpose::Collateral { kind } => Some(Made {
            kind,
            output: plan.payment_output() as u32,
        }),
        _ => None,
    };
    Stored {
        to: plan.to.to_text(&ports.profile),
        amount: plan.amount.to_string(),
        fee: Some(plan.fee.to_string()),
        account: Some(path::to_text(&plan.account)),
        makes,
        unlocked: plan.unlocked().map(Unlocked::of).collect(),
        unsigned: plan.unsigned.to_hex(),
    }
}

/// The collateral that a payment of the journal made or may yet make. What nodes refused made none.
pub(super) fn made(operation: &journal::Operation) -> Option<(OutPoint, MnType)> {
    if operation.kind != COLLATERAL {
        return None;
    }
    let stored: Stored = serde_json::from_str(operation.plan()?).ok()?;
    let Made { kind, output } = stored.makes?;
    let (txid, _) = operation.finished()?;
    Some((OutPoint { txid, vout: output }, kind))
}
