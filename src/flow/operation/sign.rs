//! The signatures of this computer: the device, the vault, or a key pasted for once.

use bitcoin::ScriptBuf;
use bitcoin::bip32::DerivationPath;
use sipper::Sender;

use super::{Operation, Role, Signer, is_signature};
use crate::flow::choice::OneUse;
use crate::flow::{Error, Ports, Step};
use crate::protocol::bls::{self, Scheme};
use crate::protocol::key::{KeyId, SecpKey};
use crate::protocol::message::{device_hash, message_hash};
use crate::protocol::special_tx::{Payload, ProRegTx};
use crate::protocol::{Transaction, path, script};
use crate::store::journal::Event;
use crate::store::{KeyInfo, Kind};

/// Whether this computer has what signs the payload. Of a device it is known only when it is asked.
pub(super) fn holds_signer(ports: &Ports, signer: &Signer, once: Option<&OneUse>) -> bool {
    match signer {
        Signer::Collateral { .. } => ports.device.is_some(),
        Signer::Owner { key } => owner_label(ports, *key).is_some(),
        Signer::Operator { key, .. } => {
            once.is_some_and(|once| once.public_key() == *key) || operator_label(ports, key).is_some()
        }
    }
}

/// Whether this computer can sign every input.
pub(super) fn holds_fee_keys(ports: &Ports, operation: &Operation) -> bool {
    if operation.fee_from_wallet {
        return operation.planned_here;
    }
    let held = |script: &ScriptBuf| fee_label(ports, script).is_some();
    operation.inputs.iter().all(|input| held(&input.script))
}

fn owner_label(ports: &Ports, key: KeyId) -> Option<KeyInfo> {
    let found = ports.vault.as_ref()?.find_key_id(&ports.profile, key)?;
    (found.kind == Kind::Owner).then_some(found)
}

fn operator_label(ports: &Ports, key: &bls::PublicKey) -> Option<KeyInfo> {
    ports.vault.as_ref()?.find_operator(&ports.profile, key)
}

/// Only fee keys pay fees, whatever a file asks for.
fn fee_label(ports: &Ports, spent: &ScriptBuf) -> Option<KeyInfo> {
    let script::Destination::Key(hash) = script::destination(spent.as_bytes())? else {
        return None;
    };
    let found = ports.vault.as_ref()?.find_key_id(&ports.profile, KeyId(hash))?;
    (found.kind == Kind::Fee).then_some(found)
}

/// Adds the signature under the payload, proven to be the signer's, and keeps it in the journal.
pub(super) async fn sign_payload(
    ports: &Ports,
    id: i64,
    operation: &mut Operation,
    once: Option<&OneUse>,
    steps: &mut Sender<Step>,
) -> Result<(), Error> {
    if operation.payload_signature.is_some() {
        return Ok(());
    }
    let payload = operation.payload()?;
    let role = operation.signer.role();
    let signature = match (&operation.signer, payload.clone()) {
        (Signer::Collateral { key, path }, Payload::ProReg(payload)) => {
            ask_device(ports, *key, path, &payload, steps).await?
        }
        (Signer::Owner { key }, Payload::ProUpReg(mut payload)) => {
            let held = owner_label(ports, *key).ok_or_else(|| elsewhere(ports, &operation.signer))?;
            payload.sign(&ports.vault()?.secp(&held.label)?);
            told(steps, role, held.label).await;
            payload.signature
        }
        (Signer::Operator { key, scheme }, payload) => {
            let (secret, label) = operator_secret(ports, key, *scheme, once)?;
            let signature = sign_as_operator(payload, &secret, *scheme)?;
            told(steps, role, label).await;
            signature
        }
        _ => {
            return Err(Error::NotAsReviewed {
                what: "the payload is not the signer's to sign",
            });
        }
    };
    if !is_signature(&operation.signer, payload, &signature, &ports.profile) {
        return Err(Error::NotAsReviewed {
            what: "the signature under the payload is not the signer's",
        });
    }
    record_signature(ports, id, role, &signature)?;
    operation.payload_signature = Some(signature);
    Ok(())
}

/// Keeps the signature under a payload: what asked a device, or a key that was pasted once, is not asked for again.
pub(super) fn record_signature(ports: &Ports, id: i64, role: Role, signature: &[u8]) -> Result<(), Error> {
    let signed = Event::Signed {
        what: role.name().to_owned(),
        hex: crate::protocol::wire::to_hex(signature),
    };
    Ok(ports.journal.record(id, &signed, ports.now())?)
}

async fn told(steps: &mut Sender<Step>, role: Role, label: String) {
    steps.send(Step::PayloadSigned { role, label }).await;
}

fn elsewhere(ports: &Ports, signer: &Signer) -> Error {
    if ports.vault.is_none() {
        return Error::VaultLocked;
    }
    Error::SignatureElsewhere {
        role: signer.role(),
        key: signer.key_text(&ports.profile),
    }
}

fn operator_secret(
    ports: &Ports,
    key: &bls::PublicKey,
    scheme: Scheme,
    once: Option<&OneUse>,
) -> Result<(bls::SecretKey, String), Error> {
    if let Some(once) = once.filter(|once| once.public_key() == *key) {
        return Ok((once.secret().clone(), "the pasted key".to_owned()));
    }
    let Some(held) = operator_label(ports, key) else {
        return Err(elsewhere(ports, &Signer::Operator { key: *key, scheme }));
    };
    Ok((ports.vault()?.bls(&held.label)?, held.label))
}

fn sign_as_operator(payload: Payload, secret: &bls::SecretKey, scheme: Scheme) -> Result<Vec<u8>, Error> {
    match payload {
        Payload::ProUpServ(mut payload) => {
            payload.sign(secret, scheme, payload.encoding());
            Ok(payload.signature.to_vec())
        }
        Payload::ProUpRev(mut payload) => {
            payload.sign(secret, scheme, payload.encoding());
            Ok(payload.signature.to_vec())
        }
        _ => Err(Error::NotAsReviewed {
            what: "the payload is not the operator's to sign",
        }),
    }
}

/// Gets the collateral signature, normalised and proven to be of the collateral's key.
async fn ask_device(
    ports: &Ports,
    key: KeyId,
    at: &str,
    payload: &ProRegTx,
    steps: &mut Sender<Step>,
) -> Result<Vec<u8>, Error> {
    let device = ports.device()?;
    let at: DerivationPath = path::parse(at).map_err(crate::hw::DeviceError::from)?;
    let text = payload.sign_message(&ports.profile);
    let ask = Step::ConfirmMessage {
        device: device.kind(),
        hash: device_hash(&text),
        address: key.address().to_text(&ports.profile),
        text: text.clone(),
    };
    steps.send(ask).await;
    let raw = device.sign_message(at, text.clone().into_bytes()).await?;
    let digest = message_hash(&ports.profile.message_magic, text.as_bytes());
    let signature = raw.normalised(&digest, key).map_err(Error::Signature)?;
    steps.send(Step::DeviceSigned).await;
    Ok(signature.as_bytes().to_vec())
}

/// Adds the signatures of the inputs, which cover the signed payload.
pub(super) async fn sign_inputs(
    ports: &Ports,
    operation: &mut Operation,
    steps: &mut Sender<Step>,
) -> Result<(), Error> {
    if operation.input_scripts.is_some() {
        return Ok(());
    }
    let tx = operation.assembled()?;
    let (scripts, label) = if operation.fee_from_wallet {
        (ask_wallet(ports, operation, tx).await?, "the node's wallet".to_owned())
    } else {
        sign_with_fee_keys(ports, operation, &tx)?
    };
    operation.input_scripts = Some(scripts);
    steps.send(Step::InputsSigned { label }).await;
    Ok(())
}

/// The node's wallet signs what was planned here, and changes nothing.
async fn ask_wallet(ports: &Ports, operation: &Operation, tx: Transaction) -> Result<Vec<ScriptBuf>, Error> {
    if !operation.planned_here {
        return Err(fees_elsewhere(ports, operation));
    }
    let signed = ports.node.wallet_sign(tx.clone()).await?;
    if signed.without_scripts() != tx.without_scripts() {
        return Err(Error::NotAsReviewed {
            what: "inputs, outputs or payload differ",
        });
    }
    Ok(signed.inputs.into_iter().map(|input| input.script_sig).collect())
}

/// One script per input, and the labels of the keys.
fn sign_with_fee_keys(
    ports: &Ports,
    operation: &Operation,
    tx: &Transaction,
) -> Result<(Vec<ScriptBuf>, String), Error> {
    let mut scripts = Vec::with_capacity(operation.inputs.len());
    let mut labels = Vec::new();
    for (at, input) in operation.inputs.iter().enumerate() {
        let held = fee_label(ports, &input.script).ok_or_else(|| fees_elsewhere(ports, operation))?;
        let key = ports.vault()?.secp(&held.label)?;
        scripts.push(sign_input(&key, &tx.sighash_all(at, input.script.as_bytes())));
        labels.push(held.label);
    }
    labels.dedup();
    Ok((scripts, labels.join(", ")))
}

fn sign_input(key: &SecpKey, digest: &[u8; 32]) -> ScriptBuf {
    script::script_sig(&key.sign_der(digest), &key.public_key().serialize())
}

fn fees_elsewhere(ports: &Ports, operation: &Operation) -> Error {
    if ports.vault.is_none() && !operation.fee_from_wallet {
        return Error::VaultLocked;
    }
    Error::SignatureElsewhere {
        role: Role::Fee,
        key: operation.fee_addresses(&ports.profile).join(", "),
    }
}
