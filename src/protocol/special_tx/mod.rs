//! Payloads of special transactions (DIP-0002, DIP-0003, DIP-0028).
//!
//! Each kind has a file: its fields, its encoding, what its signature covers. Kinds and versions not known here are kept as
//! bytes and shown as such: an unknown payload is not an error, it is merely not ours.

pub mod net_info;
pub mod pro_reg;
pub mod service;

use super::tx::{self, Transaction};
use super::wire::DecodeError;
pub use pro_reg::ProRegTx;
pub use service::Service;

/// Largest payload a node accepts, in bytes (MAX_TX_EXTRA_PAYLOAD).
pub const MAX_PAYLOAD: usize = 10_000;

/// A payload as far as this program reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    None,
    ProReg(Box<ProRegTx>),
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
        match tx.kind {
            tx::PRO_REG => match ProRegTx::decode(&tx.payload) {
                Ok(payload) => Ok(Self::ProReg(Box::new(payload))),
                Err(DecodeError::UnknownVersion { version }) => Ok(Self::Unknown {
                    kind: tx.kind,
                    version: Some(version),
                }),
                Err(error) => Err(error),
            },
            kind => Ok(Self::Unknown { kind, version }),
        }
    }
}
