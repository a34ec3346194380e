//! An operation on the chain with everything decided but the signatures: what is signed here, what the journal keeps, and what
//! another machine completes.
//!
//! Two signatures finish one: that of a role under the payload (the collateral's key, the owner or the operator), then those of
//! the fee coins, which cover the payload with its signature. Whoever holds a key adds its part; parts are merged as those of a
//! PSBT (BIP-0174) are. It holds no secret.

mod file;
mod run;
mod sign;

use std::fmt;

use bitcoin::ScriptBuf;
use thiserror::Error as ThisError;

use super::choice::OneUse;
use super::fee::FeeInput;
use super::{Error, Ports};
use crate::protocol::bls::{self, Scheme};
use crate::protocol::key::KeyId;
use crate::protocol::message::{CompactSignature, message_hash};
use crate::protocol::special_tx::{Payload, operator_signature};
use crate::protocol::{Amount, ProTxHash, Profile, Transaction, rules, script, tx};

pub use file::{FileError, MAX_FILE};
use run::is_planned_here;
pub use run::{Outcome, run, sign_here};
pub(super) use run::{finish, outcome, pay_anew, resume, send};

/// Which operation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Register,
    UpdateService,
    UpdateRegistrar,
    Revoke,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Register, Self::UpdateService, Self::UpdateRegistrar, Self::Revoke];

    /// As the command line and the journal call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::UpdateService => "update-service",
            Self::UpdateRegistrar => "update-registrar",
            Self::Revoke => "revoke",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn tx_type(self) -> u16 {
        match self {
            Self::Register => tx::PRO_REG,
            Self::UpdateService => tx::PRO_UP_SERV,
            Self::UpdateRegistrar => tx::PRO_UP_REG,
            Self::Revoke => tx::PRO_UP_REV,
        }
    }
}

/// Who has to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The key of the collateral, on a device.
    Collateral,
    Owner,
    Operator,
    /// The keys of the fee coins.
    Fee,
}

impl Role {
    /// As the journal calls its signature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Collateral => "collateral",
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::Fee => "fee",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Collateral => "collateral key",
            Self::Owner => "owner key",
            Self::Operator => "operator key",
            Self::Fee => "fee key",
        })
    }
}

/// The key under the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// Signs a text on a device, at this path.
    Collateral {
        key: KeyId,
        path: String,
    },
    Owner {
        key: KeyId,
    },
    /// The scheme follows the chain.
    Operator {
        key: bls::PublicKey,
        scheme: Scheme,
    },
}

impl Signer {
    pub fn role(&self) -> Role {
        match self {
            Self::Collateral { .. } => Role::Collateral,
            Self::Owner { .. } => Role::Owner,
            Self::Operator { .. } => Role::Operator,
        }
    }

    /// The key as people know it: an address, or the operator's public key in the scheme's encoding.
    pub fn key_text(&self, profile: &Profile) -> String {
        match self {
            Self::Collateral { key, .. } | Self::Owner { key } => key.address().to_text(profile),
            Self::Operator { key, scheme } => key.to_hex(*scheme),
        }
    }
}

/// An operation and the signatures it has so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub kind: Kind,
    /// Name of the network's profile.
    pub network: String,
    /// Inputs and payload unsigned.
    pub unsigned: Transaction,
    /// What the inputs spend, in their order.
    pub inputs: Vec<FeeInput>,
    /// The node's own wallet signs the inputs.
    pub fee_from_wallet: bool,
    pub signer: Signer,
    /// Under the payload: 65 or 96 bytes.
    pub payload_signature: Option<Vec<u8>>,
    /// One per input. Only beside a payload signature, which they cover.
    pub input_scripts: Option<Vec<ScriptBuf>>,
    /// Planned on this computer, as its journal knows; not part of the file. The node's wallet signs nothing else: whether an
    /// output returns to it cannot be told from outside.
    pub planned_here: bool,
}

/// Why an operation that came from elsewhere is not used.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum Flaw {
    #[error("its transaction is not one of a {kind} operation")]
    OtherType { kind: &'static str },
    #[error("its transaction is signed already where it should not be")]
    NotBare,
    #[error("its list of fee coins is not that of its transaction")]
    OtherInputs,
    #[error("the signature of the {role} is not by that key")]
    BadSignature { role: Role },
    #[error("it has signatures of the fee coins but none under the payload")]
    InputsBeforePayload,
    #[error("an output pays {to}, not the fee key the money comes from")]
    PaysElsewhere { to: String },
    #[error("its fee of {fee} is out of all proportion")]
    AbsurdFee { fee: Amount },
    #[error("the coin {outpoint} holds {found}, not {stated}")]
    OtherAmount {
        outpoint: bitcoin::OutPoint,
        stated: Amount,
        found: Amount,
    },
    #[error("it belongs to {network}")]
    OtherNetwork { network: String },
    #[error("it is to be signed by another {role} than the masternode has now")]
    OtherSigner { role: Role },
    #[error("the two are not of the same operation")]
    NotTheSame,
    #[error("the two have different signatures of the {role}")]
    Conflict { role: Role },
}

/// A signature that cannot be made on this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub role: Role,
    /// An address, or the operator's public key.
    pub key: String,
}

impl Operation {
    /// The payload without its signature.
    ///
    /// # Errors
    /// Never for an operation of this program.
    pub fn payload(&self) -> Result<Payload, Error> {
        Ok(Payload::of(&self.unsigned)?)
    }

    /// The masternode it is about: for a registration known only once all is signed.
    pub fn pro_tx_hash(&self) -> Option<ProTxHash> {
        self.payload().ok()?.pro_tx_hash()
    }

    /// What the inputs hold above the outputs. None where that is less than nothing.
    pub fn fee(&self) -> Option<Amount> {
        let mut held = Amount::ZERO;
        for input in &self.inputs {
            held = held.checked_add(Amount::from_duffs(input.value))?;
        }
        held.checked_sub(self.unsigned.output_total()?)
    }

    /// The roles whose signatures are not there yet.
    pub fn unsigned_roles(&self) -> Vec<Role> {
        let payload = self.payload_signature.is_none().then(|| self.signer.role());
        let inputs = self.input_scripts.is_none().then_some(Role::Fee);
        payload.into_iter().chain(inputs).collect()
    }

    /// The transaction with the signatures it has.
    ///
    /// # Errors
    /// Never for an operation of this program.
    pub fn assembled(&self) -> Result<Transaction, Error> {
        let mut tx = self.unsigned.clone();
        if let Some(signature) = &self.payload_signature {
            let mut payload = self.payload()?;
            put_signature(&mut payload, signature);
            payload.attach(&mut tx);
        }
        for (input, script) in tx.inputs.iter_mut().zip(self.input_scripts.iter().flatten()) {
            input.script_sig = script.clone();
        }
        Ok(tx)
    }

    /// Addresses that the fee coins belong to.
    pub fn fee_addresses(&self, profile: &Profile) -> Vec<String> {
        let mut all: Vec<String> = self
            .inputs
            .iter()
            .map(|input| address_text(input.script.as_bytes(), profile))
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// Everything that can be said of it without a chain: form, coins, and every signature it has.
    ///
    /// # Errors
    /// The first flaw.
    pub fn check(&self, profile: &Profile) -> Result<(), Flaw> {
        if self.network != profile.name {
            return Err(Flaw::OtherNetwork {
                network: self.network.clone(),
            });
        }
        let kind = self.kind.name();
        let payload = Payload::of(&self.unsigned).map_err(|_| Flaw::OtherType { kind })?;
        let is_known = !matches!(payload, Payload::None | Payload::Unknown { .. });
        if self.unsigned.kind != self.kind.tx_type() || !is_known {
            return Err(Flaw::OtherType { kind });
        }
        if payload.clone().unsigned() != payload || self.unsigned.without_scripts() != self.unsigned {
            return Err(Flaw::NotBare);
        }
        let spent = self.unsigned.inputs.iter().map(|input| input.previous);
        if !spent.eq(self.inputs.iter().map(|input| input.outpoint)) {
            return Err(Flaw::OtherInputs);
        }
        self.check_money(profile)?;
        self.check_signatures(profile, payload)
    }

    /// All that is not fee returns to where it came from.
    fn check_money(&self, profile: &Profile) -> Result<(), Flaw> {
        let fee = self.fee().ok_or(Flaw::OtherInputs)?;
        if self.fee_from_wallet {
            return Ok(());
        }
        let foreign = self
            .unsigned
            .outputs
            .iter()
            .find(|output| self.inputs.iter().all(|input| input.script != output.script));
        if let Some(output) = foreign {
            let to = address_text(output.script.as_bytes(), profile);
            return Err(Flaw::PaysElsewhere { to });
        }
        // A hundred times what nodes ask for in quiet times (1 duff per byte) is no fee anybody meant.
        if fee.duffs() > 100 * self.unsigned.size() as u64 + 100_000 {
            return Err(Flaw::AbsurdFee { fee });
        }
        Ok(())
    }

    fn check_signatures(&self, profile: &Profile, payload: Payload) -> Result<(), Flaw> {
        let Some(signature) = &self.payload_signature else {
            return match self.input_scripts {
                Some(_) => Err(Flaw::InputsBeforePayload),
                None => Ok(()),
            };
        };
        let role = self.signer.role();
        if !is_signature(&self.signer, payload, signature, profile) {
            return Err(Flaw::BadSignature { role });
        }
        let Some(scripts) = &self.input_scripts else {
            return Ok(());
        };
        let fee = Flaw::BadSignature { role: Role::Fee };
        let tx = self.assembled().map_err(|_| fee.clone())?;
        let signed = |(at, input): (usize, &FeeInput)| rules::is_signed(&tx, at, input.script.as_bytes()) == Some(true);
        if scripts.len() == self.inputs.len() && self.inputs.iter().enumerate().all(signed) {
            Ok(())
        } else {
            Err(fee)
        }
    }

    /// Puts the signatures of two copies of one operation together.
    ///
    /// # Errors
    /// They are of different operations, or signed differently.
    pub fn merge(self, other: Self) -> Result<Self, Flaw> {
        let bare = |operation: &Self| Self {
            planned_here: false,
            ..operation.clone_bare()
        };
        let same = bare(&self);
        if same != bare(&other) {
            return Err(Flaw::NotTheSame);
        }
        let role = self.signer.role();
        Ok(Self {
            payload_signature: either(self.payload_signature, other.payload_signature, role)?,
            input_scripts: either(self.input_scripts, other.input_scripts, Role::Fee)?,
            planned_here: self.planned_here || other.planned_here,
            ..same
        })
    }

    fn clone_bare(&self) -> Self {
        Self {
            kind: self.kind,
            network: self.network.clone(),
            unsigned: self.unsigned.clone(),
            inputs: self.inputs.clone(),
            fee_from_wallet: self.fee_from_wallet,
            signer: self.signer.clone(),
            payload_signature: None,
            input_scripts: None,
            planned_here: self.planned_here,
        }
    }
}

fn either<T: PartialEq>(one: Option<T>, other: Option<T>, role: Role) -> Result<Option<T>, Flaw> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(Flaw::Conflict { role }),
        (one, other) => Ok(one.or(other)),
    }
}

fn address_text(spent: &[u8], profile: &Profile) -> String {
    script::address(spent).map_or_else(|| "a script".to_owned(), |address| address.to_text(profile))
}

/// Bytes of another length than the payload's signature has are left out.
fn put_signature(payload: &mut Payload, signature: &[u8]) {
    match payload {
        Payload::ProReg(payload) => payload.signature = signature.to_vec(),
        Payload::ProUpReg(payload) => payload.signature = signature.to_vec(),
        Payload::ProUpServ(payload) => payload.signature = signature.try_into().unwrap_or(operator_signature::UNSIGNED),
        Payload::ProUpRev(payload) => payload.signature = signature.try_into().unwrap_or(operator_signature::UNSIGNED),
        Payload::None | Payload::Unknown { .. } => {}
    }
}

/// Whether the bytes are the signer's under this payload.
fn is_signature(signer: &Signer, mut payload: Payload, signature: &[u8], profile: &Profile) -> bool {
    put_signature(&mut payload, signature);
    let recovered = |digest: [u8; 32]| {
        let signature = CompactSignature::from_slice(signature).ok()?;
        signature.recover_key_id(&digest).ok()
    };
    match (signer, &payload) {
        (Signer::Collateral { key, .. }, Payload::ProReg(payload)) => {
            let text = payload.sign_message(profile);
            recovered(message_hash(&profile.message_magic, text.as_bytes())) == Some(*key)
        }
        (Signer::Owner { key }, Payload::ProUpReg(payload)) => recovered(payload.payload_hash()) == Some(*key),
        (Signer::Operator { key, scheme }, Payload::ProUpServ(payload)) => {
            payload.is_signed_by(key, *scheme, payload.encoding())
        }
        (Signer::Operator { key, scheme }, Payload::ProUpRev(payload)) => {
            payload.is_signed_by(key, *scheme, payload.encoding())
        }
        _ => false,
    }
}

/// Reads the files of one operation that came back from other machines and puts their signatures together.
///
/// # Errors
/// No text at all, what is wrong with one of them, or that they are not of one operation.
pub fn import(ports: &Ports, texts: &[String]) -> Result<Operation, Error> {
    let mut merged: Option<Operation> = None;
    for text in texts {
        let read = Operation::from_file(text, &ports.profile)?;
        merged = Some(match merged {
            Some(so_far) => so_far.merge(read)?,
            None => read,
        });
    }
    let mut operation = merged.ok_or_else(|| FileError::NotOne {
        reason: "no file was given".to_owned(),
    })?;
    // Two that are right alone need not be so together: the fee coins' signatures cover the payload's.
    operation.check(&ports.profile)?;
    operation.planned_here = is_planned_here(ports, &operation)?;
    Ok(operation)
}

/// The signatures that cannot be made on this computer: with its vault, its device and, for once, a pasted operator key.
pub fn missing(ports: &Ports, operation: &Operation, once: Option<&OneUse>) -> Vec<Missing> {
    let profile = &ports.profile;
    let mut missing = Vec::new();
    if operation.payload_signature.is_none() && !sign::holds_signer(ports, &operation.signer, once) {
        missing.push(Missing {
            role: operation.signer.role(),
            key: operation.signer.key_text(profile),
        });
    }
    if operation.input_scripts.is_none() && !sign::holds_fee_keys(ports, operation) {
        missing.push(Missing {
            role: Role::Fee,
            key: operation.fee_addresses(profile).join(", "),
        });
    }
    missing
}
