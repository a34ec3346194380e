//! Payloads of special transactions (DIP-0002, DIP-0003, DIP-0028).
//!
//! Each kind has a file: its fields, its encoding, what its signature covers. Kinds and versions not known here are kept as
//! bytes and shown as such: an unknown payload is not an error, it is merely not ours.

pub mod net_info;
pub mod operator_signature;
pub mod pro_reg;
pub mod pro_up_reg;
pub mod pro_up_rev;
pub mod pro_up_serv;
pub mod service;

use super::ProTxHash;
use super::tx::{self, Transaction};
use super::wire::DecodeError;
pub use pro_reg::ProRegTx;
pub use pro_up_reg::ProUpRegTx;
pub use pro_up_rev::ProUpRevTx;
pub use pro_up_serv::ProUpServTx;
pub use service::Service;

/// Largest payload a node accepts, in bytes (MAX_TX_EXTRA_PAYLOAD).
pub const MAX_PAYLOAD: usize = 10_000;

/// A payload as far as this program reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    None,
    ProReg(Box<ProRegTx>),
    ProUpServ(Box<ProUpServTx>),
    ProUpReg(Box<ProUpRegTx>),
    ProUpRev(Box<ProUpRevTx>),
    /// A type or version this program does not know.
    Unknown {
        kind: u16,
        version: Option<u16>,
    },
}

impl Payload {
    /// Reads the payload of a transaction.
    ///
    /// # Errors
    /// The bytes are of a known type and version but malformed.
    pub fn of(tx: &Transaction) -> Result<Self, DecodeError> {
        if !tx.has_payload() {
            return Ok(Self::None);
        }
        let version = tx.payload.first_chunk::<2>().map(|bytes| u16::from_le_bytes(*bytes));
        let unknown = Self::Unknown { kind: tx.kind, version };
        let bytes = &tx.payload;
        let known = match tx.kind {
            tx::PRO_REG => ProRegTx::decode(bytes).map(|payload| Self::ProReg(Box::new(payload))),
            tx::PRO_UP_SERV => ProUpServTx::decode(bytes).map(|payload| Self::ProUpServ(Box::new(payload))),
            tx::PRO_UP_REG => ProUpRegTx::decode(bytes).map(|payload| Self::ProUpReg(Box::new(payload))),
            tx::PRO_UP_REV => ProUpRevTx::decode(bytes).map(|payload| Self::ProUpRev(Box::new(payload))),
            _ => Ok(unknown.clone()),
        };
        match known {
            Err(DecodeError::UnknownVersion { .. }) => Ok(unknown),
            known => known,
        }
    }

    /// The same with nobody's signature.
    #[must_use]
    pub fn unsigned(mut self) -> Self {
        match &mut self {
            Self::ProReg(payload) => payload.signature.clear(),
            Self::ProUpServ(payload) => payload.signature = operator_signature::UNSIGNED,
            Self::ProUpReg(payload) => payload.signature.clear(),
            Self::ProUpRev(payload) => payload.signature = operator_signature::UNSIGNED,
            Self::None | Self::Unknown { .. } => {}
        }
        self
    }

    /// The same with a signature of nobody, as long as the real one will be: the fee is counted by it.
    #[must_use]
    pub fn of_final_length(self) -> Self {
        let mut padded = self.unsigned();
        let compact = vec![0; 65];
        match &mut padded {
            Self::ProReg(payload) => payload.signature = compact,
            Self::ProUpReg(payload) => payload.signature = compact,
            Self::ProUpServ(_) | Self::ProUpRev(_) | Self::None | Self::Unknown { .. } => {}
        }
        padded
    }

    /// Commits to the inputs (CalcTxInputsHash), as stored.
    pub fn set_inputs_hash(&mut self, inputs_hash: [u8; 32]) {
        match self {
            Self::ProReg(payload) => payload.inputs_hash = inputs_hash,
            Self::ProUpServ(payload) => payload.inputs_hash = inputs_hash,
            Self::ProUpReg(payload) => payload.inputs_hash = inputs_hash,
            Self::ProUpRev(payload) => payload.inputs_hash = inputs_hash,
            Self::None | Self::Unknown { .. } => {}
        }
    }

    /// Puts this payload into a transaction of its type. Payloads this program does not know are left as they are.
    pub fn attach(&self, tx: &mut Transaction) {
        match self {
            Self::ProReg(payload) => payload.attach(tx),
            Self::ProUpServ(payload) => payload.attach(tx),
            Self::ProUpReg(payload) => payload.attach(tx),
            Self::ProUpRev(payload) => payload.attach(tx),
            Self::None | Self::Unknown { .. } => {}
        }
    }

    /// The masternode an update is about; none for registrations, which make their own.
    pub fn pro_tx_hash(&self) -> Option<ProTxHash> {
        match self {
            Self::ProUpServ(payload) => Some(payload.pro_tx_hash),
            Self::ProUpReg(payload) => Some(payload.pro_tx_hash),
            Self::ProUpRev(payload) => Some(payload.pro_tx_hash),
            Self::None | Self::ProReg(_) | Self::Unknown { .. } => None,
        }
    }
}
