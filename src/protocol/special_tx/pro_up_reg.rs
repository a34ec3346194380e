//! ProUpRegTx: the owner changes operator key, voting key and payout address (DIP-0003; Dash Core evo/providertx.h).

use bitcoin::ScriptBuf;
use bitcoin::hashes::Hash;

use super::pro_reg::{BASIC_BLS, LEGACY_BLS, encoding_of};
use crate::protocol::ProTxHash;
use crate::protocol::bls;
use crate::protocol::key::{KeyId, SecpKey};
use crate::protocol::message::{CompactSignature, SignatureError};
use crate::protocol::tx::{PRO_UP_REG, SPECIAL_VERSION, Transaction};
use crate::protocol::wire::{DecodeError, Reader, WriteWire, sha256d};

/// The payload of a type-3 transaction, versions 1 and 2 (one layout). It restates what stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProUpRegTx {
    pub version: u16,
    pub pro_tx_hash: ProTxHash,
    /// Always 0 in valid payloads.
    pub mode: u16,
    /// 48 bytes in the encoding of the payload version, as on the wire. Another point than the listed one bans the masternode
    /// and erases its address; the same point in another encoding changes nothing.
    pub operator: [u8; 48],
    pub voting: KeyId,
    pub payout: ScriptBuf,
    /// As stored.
    pub inputs_hash: [u8; 32],
    /// 65 bytes by the owner key; empty while unsigned.
    pub signature: Vec<u8>,
}

impl ProUpRegTx {
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
            mode: reader.u16()?,
            operator: reader.array()?,
            voting: KeyId(reader.array()?),
            payout: ScriptBuf::from_bytes(reader.var_bytes()?.to_vec()),
            inputs_hash: reader.array()?,
            signature: reader.var_bytes()?.to_vec(),
        };
        reader.finish().map(|()| payload)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_unsigned();
        out.put_var_bytes(&self.signature);
        out
    }

    /// The bytes the payload hash covers: all but the signature and its length.
    pub fn encode_unsigned(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(228);
        out.put_u16(self.version);
        out.extend_from_slice(&self.pro_tx_hash.to_byte_array());
        out.put_u16(self.mode);
        out.extend_from_slice(&self.operator);
        out.extend_from_slice(&self.voting.0);
        out.put_var_bytes(self.payout.as_bytes());
        out.extend_from_slice(&self.inputs_hash);
        out
    }

    /// dSHA256 of [`ProUpRegTx::encode_unsigned`], as stored: what the owner signs, without text or magic around it.
    pub fn payload_hash(&self) -> [u8; 32] {
        sha256d(&self.encode_unsigned())
    }

    /// How this payload version encodes the operator key.
    pub fn key_encoding(&self) -> bls::Scheme {
        encoding_of(self.version)
    }

    /// # Errors
    /// The 48 bytes are no key in this version's encoding.
    pub fn operator_key(&self) -> Result<bls::PublicKey, bls::BlsError> {
        bls::PublicKey::decode(self.key_encoding(), &self.operator)
    }

    /// Signs what the payload is now; any later change needs a new signature.
    pub fn sign(&mut self, owner: &SecpKey) {
        self.signature = owner.sign_compact(&self.payload_hash()).as_bytes().to_vec();
    }

    /// The key that signed, to be compared with the masternode's owner key.
    ///
    /// # Errors
    /// Not 65 bytes, or numbers that are on no curve point.
    pub fn signer(&self) -> Result<KeyId, SignatureError> {
        CompactSignature::from_slice(&self.signature)?.recover_key_id(&self.payload_hash())
    }

    /// Puts this payload into a transaction as a ProUpRegTx.
    pub fn attach(&self, tx: &mut Transaction) {
        tx.version = SPECIAL_VERSION;
        tx.kind = PRO_UP_REG;
        tx.payload = self.encode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::script;

    fn sample(version: u16) -> ProUpRegTx {
        ProUpRegTx {
            version,
            pro_tx_hash: ProTxHash::from_byte_array([5; 32]),
            mode: 0,
            operator: [2; 48],
            voting: KeyId([3; 20]),
            payout: script::pay_to_key(&[4; 20]),
            inputs_hash: [6; 32],
            signature: vec![8; 65],
        }
    }

    #[test]
    fn payload_lengths_are_those_of_the_protocol() {
        assert_eq!(sample(1).encode().len(), 228);
        assert_eq!(sample(2).encode_unsigned().len(), 162);
        let mut to_script = sample(2);
        to_script.payout = script::pay_to_script(&[4; 20]);
        assert_eq!(to_script.encode().len(), 226);
    }

    #[test]
    fn both_versions_round_trip_and_no_cut_does() {
        for version in [1, 2] {
            let payload = sample(version);
            let bytes = payload.encode();
            for cut in 0..bytes.len() {
                assert!(ProUpRegTx::decode(&bytes[..cut]).is_err(), "{cut}");
            }
            assert_eq!(ProUpRegTx::decode(&bytes), Ok(payload));
        }
    }

    #[test]
    fn versions_this_program_never_emits_are_named_not_guessed() {
        for version in [0u16, 3, 0xffff] {
            assert_eq!(
                ProUpRegTx::decode(&sample(version).encode()),
                Err(DecodeError::UnknownVersion { version })
            );
        }
    }

    #[test]
    fn the_owner_signs_the_payload_as_it_is() {
        let owner = SecpKey::from_bytes(&[7; 32]).expect("in range");
        let mut payload = sample(2);
        payload.sign(&owner);
        assert_eq!(payload.signer(), Ok(owner.key_id()));
        payload.voting = KeyId([9; 20]);
        assert_ne!(payload.signer(), Ok(owner.key_id()));
        payload.signature.clear();
        assert_eq!(payload.signer(), Err(SignatureError::Length { len: 0 }));
    }
}
