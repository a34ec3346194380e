//! Signing, verifying and sending a planned registration.

use bitcoin::OutPoint;
use bitcoin::bip32::DerivationPath;
use serde::{Deserialize, Serialize};
use sipper::{Sender, Straw, sipper};

use super::draft::FeeSource;
use super::fee::FeeInput;
use super::plan::{Plan, device_hash};
use crate::flow::{Error, Ports, Step, send, transaction};
use crate::protocol::key::KeyId;
use crate::protocol::message::{CompactSignature, message_hash};
use crate::protocol::special_tx::{Payload, ProRegTx};
use crate::protocol::{Amount, ProTxHash, Transaction, path, script};
use crate::store::journal::Event;

/// A registered masternode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub pro_tx_hash: ProTxHash,
    pub tx: Transaction,
    pub fee: Amount,
    /// Of the block that registered it.
    pub height: u32,
}

/// Signs, verifies, sends and awaits a registration. It cannot be undone from [`Step::Broadcasting`] on.
///
/// Dropped before that, it stays in the journal as far as it came and can be resumed; who gives it up for good writes
/// [`Event::Cancelled`]. A plan that a rule refuses is not begun.
pub fn register(ports: Ports, plan: Plan) -> impl Straw<Outcome, Step, Error> {
    sipper(async move |mut steps| {
        if let Some(check) = plan.verdict.failure_before_signing() {
            return Err(Error::Rule(check.clone()));
        }
        let id = ports
            .journal
            .begin("register", &ports.profile.name, &Work::from(plan.clone()), ports.now())?;
        steps.send(Step::Planned { id }).await;
        let work = Work::from(plan);
        finish(&ports, id, work, None, &mut steps).await
    })
}

/// The part of a plan that signing needs; what the journal keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    pub unsigned: String,
    pub collateral_path: String,
    pub collateral_key: [u8; 20],
    /// None: the node's wallet signs.
    pub fee_label: Option<String>,
    pub fee_inputs: Vec<FeeInput>,
    /// **Duffs**.
    pub fee: u64,
}

impl From<Plan> for Work {
    fn from(plan: Plan) -> Self {
        Self {
            unsigned: plan.unsigned.to_hex(),
            collateral_path: path::to_text(&plan.collateral_path),
            collateral_key: plan.collateral_key.0,
            fee_label: match plan.fee_from {
                FeeSource::Key(label) => Some(label),
                FeeSource::NodeWallet => None,
            },
            fee_inputs: plan.fee_inputs,
            fee: plan.fee.duffs(),
        }
    }
}

/// Reads a plan back from the journal.
pub(crate) fn resume_plan(id: i64, plan: &str) -> Result<Work, Error> {
    serde_json::from_str(plan).map_err(|_| Error::CannotResume {
        id,
        reason: "its plan was written by another version",
    })
}

/// From the plan to the block. `signature`: the collateral signature, if the device gave it before a restart.
pub(crate) async fn finish(
    ports: &Ports,
    id: i64,
    work: Work,
    signature: Option<CompactSignature>,
    steps: &mut Sender<Step>,
) -> Result<Outcome, Error> {
    let signed = match sign(ports, id, &work, signature, steps).await {
        Ok(signed) => signed,
        Err(error) if error.ends_plan() => return Err(send::note_failure(ports, id, error)),
        Err(error) => return Err(error),
    };
    let height = send::deliver(ports, id, &signed, steps).await?;
    Ok(Outcome {
        pro_tx_hash: signed.txid(),
        fee: Amount::from_duffs(work.fee),
        tx: signed,
        height,
    })
}

async fn sign(
    ports: &Ports,
    id: i64,
    work: &Work,
    signature: Option<CompactSignature>,
    steps: &mut Sender<Step>,
) -> Result<Transaction, Error> {
    let unsigned = Transaction::from_hex(&work.unsigned)?;
    let Payload::ProReg(mut payload) = Payload::of(&unsigned)? else {
        return Err(Error::CannotResume {
            id,
            reason: "its plan is no registration",
        });
    };
    let signature = match signature {
        Some(signature) => signature,
        None => ask_device(ports, id, work, &payload, steps).await?,
    };
    payload.signature = signature.as_bytes().to_vec();
    let mut tx = unsigned.clone();
    payload.attach(&mut tx);
    let tx = sign_inputs(ports, work, tx, steps).await?;
    verify(ports, &unsigned, &tx).await?;
    steps
        .send(Step::Verified {
            txid: tx.txid(),
            size: tx.size(),
        })
        .await;
    Ok(tx)
}

/// Gets the collateral signature, normalised and proven to be of the collateral's key, and keeps it.
async fn ask_device(
    ports: &Ports,
    id: i64,
    work: &Work,
    payload: &ProRegTx,
    steps: &mut Sender<Step>,
) -> Result<CompactSignature, Error> {
    let device = ports.device()?;
    let at: DerivationPath = path::parse(&work.collateral_path).map_err(crate::hw::DeviceError::from)?;
    let text = payload.sign_message(&ports.profile);
    let key = KeyId(work.collateral_key);
    let ask = Step::ConfirmMessage {
        device: device.kind().to_string(),
        hash: device_hash(&text),
        address: key.address().to_text(&ports.profile),
        text: text.clone(),
    };
    steps.send(ask).await;
    let raw = device.sign_message(at, text.clone().into_bytes()).await?;
    let digest = message_hash(&ports.profile.message_magic, text.as_bytes());
    let signature = raw.normalised(&digest, key).map_err(Error::Signature)?;
    ports.journal.record(
        id,
        &Event::Signed {
            what: "collateral".into(),
            hex: hex(&signature),
        },
        ports.now(),
    )?;
    steps.send(Step::DeviceSigned).await;
    Ok(signature)
}

fn hex(signature: &CompactSignature) -> String {
    crate::protocol::wire::to_hex(signature.as_bytes())
}

async fn sign_inputs(
    ports: &Ports,
    work: &Work,
    mut tx: Transaction,
    steps: &mut Sender<Step>,
) -> Result<Transaction, Error> {
    let Some(label) = &work.fee_label else {
        let signed = ports.node.wallet_sign(tx.clone()).await?;
        steps
            .send(Step::InputsSigned {
                label: "the node's wallet".into(),
            })
            .await;
        return Ok(signed);
    };
    let key = ports.vault()?.secp(label)?;
    let public = key.public_key().serialize();
    let signatures: Vec<_> = (0..tx.inputs.len())
        .map(|at| {
            let spent = script_of(work, tx.inputs[at].previous)?;
            Ok(script::script_sig(&key.sign_der(&tx.sighash_all(at, spent)), &public))
        })
        .collect::<Result<_, Error>>()?;
    for (input, script) in tx.inputs.iter_mut().zip(signatures) {
        input.script_sig = script;
    }
    steps.send(Step::InputsSigned { label: label.clone() }).await;
    Ok(tx)
}

fn script_of(work: &Work, outpoint: OutPoint) -> Result<&[u8], Error> {
    let found = work.fee_inputs.iter().find(|input| input.outpoint == outpoint);
    found.map(|input| input.script.as_bytes()).ok_or(Error::NotAsReviewed {
        what: "an input nobody planned",
    })
}

/// Reads the final bytes back: they must be the reviewed transaction plus signatures, and obey every rule now.
async fn verify(ports: &Ports, unsigned: &Transaction, signed: &Transaction) -> Result<(), Error> {
    let read = Transaction::decode(&signed.encode())?;
    if without_signatures(&read)? != without_signatures(unsigned)? {
        return Err(Error::NotAsReviewed {
            what: "inputs, outputs or payload differ",
        });
    }
    let verdict = transaction::judge(ports, &read).await?;
    match verdict.failure() {
        Some(check) => Err(Error::Rule(check.clone())),
        None => Ok(()),
    }
}

fn without_signatures(tx: &Transaction) -> Result<Transaction, Error> {
    let mut bare = tx.without_scripts();
    if let Payload::ProReg(mut payload) = Payload::of(&bare)? {
        payload.signature.clear();
        payload.attach(&mut bare);
    }
    Ok(bare)
}
