//! ProUpRevTx: the operator gives up his key (DIP-0003; Dash Core evo/providertx.h). The masternode is banned until its owner
//! names a new operator.

use std::fmt;

use bitcoin::hashes::Hash;

use super::operator_signature::{self, UNSIGNED};
use super::pro_reg::{BASIC_BLS, LEGACY_BLS, encoding_of};
use crate::protocol::ProTxHash;
use crate::protocol::bls::{PublicKey, Scheme, SecretKey};
use crate::protocol::tx::{PRO_UP_REV, SPECIAL_VERSION, Transaction};
use crate::protocol::wire::{DecodeError, Reader, WriteWire, sha256d};

/// The payload of a type-4 transaction, versions 1 and 2 (one layout): 164 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProUpRevTx {
    pub version: u16,
    pub pro_tx_hash: ProTxHash,
    /// See [`Reason`]; nodes refuse numbers above 3.
    pub reason: u16,
    /// As stored.
    pub inputs_hash: [u8; 32],
    /// 96 bytes in the encoding of the payload version, as on the wire; zeros while unsigned.
    pub signature: [u8; 96],
}

/// Why an operator gave up; shown in the list (revocationReason), without effect on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    NotSpecified,
    TerminationOfService,
    CompromisedKeys,
    ChangeOfKeys,
}

impl Reason {
    pub const ALL: [Self; 4] = [
        Self::NotSpecified,
        Self::TerminationOfService,
        Self::CompromisedKeys,
        Self::ChangeOfKeys,
    ];

    /// As on the wire.
    pub fn number(self) -> u16 {
        self as u16
    }

    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotSpecified => "not specified",
            Self::TerminationOfService => "termination of service",
            Self::CompromisedKeys => "compromised keys",
            Self::ChangeOfKeys => "change of keys",
        })
    }
}

impl ProUpRevTx {
    /// # Errors
    /// [`DecodeError::UnknownVersion`] for versions other than 1 and 2, else what is malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let version = Reader::new(bytes).u16()?;
        if version != LEGACY_BLS && version != BASIC_BLS {
            return Err(DecodeError::UnknownVersion { version });
        }
        Self::decode_layout(bytes)
    }

    /// Reads the layout whatever the version says.
    pub(crate) fn decode_layout(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let payload = Self {
            version: reader.u16()?,
            pro_tx_hash: ProTxHash::from_byte_array(reader.array()?),
            reason: reader.u16()?,
            inputs_hash: reader.array()?,
            signature: reader.array()?,
        };
        reader.finish().map(|()| payload)
    }

    /// A payload nobody signed yet.
    pub fn unsigned(version: u16, pro_tx_hash: ProTxHash, reason: Reason, inputs_hash: [u8; 32]) -> Self {
        Self {
            version,
            pro_tx_hash,
            reason: reason.number(),
            inputs_hash,
            signature: UNSIGNED,
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_unsigned();
        out.extend_from_slice(&self.signature);
        out
    }

    /// The bytes the payload hash covers: all but the signature.
    pub fn encode_unsigned(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(164);
        out.put_u16(self.version);
        out.extend_from_slice(&self.pro_tx_hash.to_byte_array());
        out.put_u16(self.reason);
        out.extend_from_slice(&self.inputs_hash);
        out
    }

    /// dSHA256 of [`ProUpRevTx::encode_unsigned`], as stored: what the operator signs.
    pub fn payload_hash(&self) -> [u8; 32] {
        sha256d(&self.encode_unsigned())
    }

    /// How this payload version encodes the signature.
    pub fn encoding(&self) -> Scheme {
        encoding_of(self.version)
    }

    /// Signs what the payload is now; any later change needs a new signature. `scheme` follows the chain, `encoding` is
    /// [`ProUpRevTx::encoding`] in everything this program emits.
    pub fn sign(&mut self, secret: &SecretKey, scheme: Scheme, encoding: Scheme) {
        self.signature = operator_signature::sign(secret, scheme, encoding, &self.payload_hash());
    }

    pub fn is_signed_by(&self, key: &PublicKey, scheme: Scheme, encoding: Scheme) -> bool {
        operator_signature::verify(key, scheme, encoding, &self.payload_hash(), &self.signature)
    }

    /// Puts this payload into a transaction as a ProUpRevTx.
    pub fn attach(&self, tx: &mut Transaction) {
        tx.version = SPECIAL_VERSION;
        tx.kind = PRO_UP_REV;
        tx.payload = self.encode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(version: u16) -> ProUpRevTx {
        ProUpRevTx {
            signature: [8; 96],
            ..ProUpRevTx::unsigned(
                version,
                ProTxHash::from_byte_array([5; 32]),
                Reason::CompromisedKeys,
                [6; 32],
            )
        }
    }

    #[test]
    fn both_versions_have_164_bytes_and_round_trip_and_no_cut_does() {
        for version in [1, 2] {
            let payload = sample(version);
            let bytes = payload.encode();
            assert_eq!((bytes.len(), payload.encode_unsigned().len()), (164, 68));
            for cut in 0..bytes.len() {
                assert!(ProUpRevTx::decode(&bytes[..cut]).is_err(), "{cut}");
            }
            assert_eq!(ProUpRevTx::decode(&bytes), Ok(payload));
        }
    }

    #[test]
    fn versions_this_program_never_emits_are_named_not_guessed() {
        for version in [0u16, 3, 0xffff] {
            assert_eq!(
                ProUpRevTx::decode(&sample(version).encode()),
                Err(DecodeError::UnknownVersion { version })
            );
        }
    }

    #[test]
    fn reasons_are_0_to_3() {
        for (number, reason) in (0u16..).zip(Reason::ALL) {
            assert_eq!((reason.number(), Reason::from_number(number)), (number, Some(reason)));
        }
        assert_eq!(Reason::from_number(4), None);
    }
}
