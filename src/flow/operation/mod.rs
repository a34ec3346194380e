//! An operation on the chain with everything decided but the signatures: what is signed here, what the journal keeps, and what
//! another machine completes.
//!
//! Two signatures finish one: that of a role under the payload (the collateral's key, the owner or the operator), then those of
//! the fee coins, which cover the payload with its signature. Whoever holds a key adds its part; parts are merged as those of a
//! PSBT (BIP-0174) are. It holds no secret.

mod base;
mod check;
mod file;
mod run;
mod sign;

use std::fmt;

use bitcoin::ScriptBuf;

use super::choice::OneUse;
use super::fee::FeeInput;
use super::{Error, Ports};
use crate::protocol::bls::{self, Scheme};
use crate::protocol::key::KeyId;
use crate::protocol::rules::Facts;
use crate::protocol::special_tx::Payload;
use crate::protocol::{Amount, ProTxHash, Profile, Transaction, script, tx};

pub use base::Base;
pub use check::Flaw;
use check::{is_signature, put_signature};
pub use file::{FileError, MAX_FILE};
use run::planned_here;
pub use run::{Outcome, run, sign_here};
pub(super) use run::{enter, go_on, outcome, pay_anew, resume, signed, take_back};

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
    /// What an update carries over from the masternode it was planned for; empty where that is not known.
    pub base: Base,
    /// Planned on this computer, as its journal knows; never read from a file. The node's wallet signs nothing else: whether an
    /// output returns to it cannot be told from outside.
    pub planned_here: bool,
}

/// A signature that cannot be made on this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub role: Role,
    /// An address, or the operator's public key.
    pub key: String,
}

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        let Missing { role, key } = missing;
        Self::SignatureElsewhere { role, key }
    }
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

    /// Whether the masternode still has what the payload restates.
    ///
    /// # Errors
    /// [`Error::ChangedMeanwhile`].
    pub(super) fn check_base(&self, facts: &Facts) -> Result<(), Error> {
        let entry = self.pro_tx_hash().and_then(|hash| facts.masternode(hash));
        let Some(entry) = entry else {
            return Ok(()); // the rules say so
        };
        match self.base.changed(&Base::of(self.kind, entry)) {
            None => Ok(()),
            Some(field) => Err(Error::ChangedMeanwhile {
                pro_tx_hash: entry.pro_tx_hash.to_string(),
                field: field.to_owned(),
            }),
        }
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
}

fn address_text(spent: &[u8], profile: &Profile) -> String {
    script::address(spent).map_or_else(|| "a script".to_owned(), |address| address.to_text(profile))
}

/// Reads the files of one operation that came back from other machines and puts their signatures together. Of one that was planned
/// here only the signatures are taken; the rest has to be as the journal has it.
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
    if let Some(planned) = planned_here(ports, &operation)? {
        let planned = Operation {
            planned_here: true,
            ..planned.bare()
        };
        operation = planned.merge(operation)?;
    }
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
