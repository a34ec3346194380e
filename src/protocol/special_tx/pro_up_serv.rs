//! ProUpServTx: the operator gives the masternode its address, and himself a payout address (DIP-0003; evonodes DIP-0028;
//! Dash Core evo/providertx.h). On a banned masternode it is what revives it.

use bitcoin::ScriptBuf;
use bitcoin::hashes::Hash;

use super::operator_signature::{self, UNSIGNED};
use super::pro_reg::{BASIC_BLS, LEGACY_BLS, Platform, encoding_of};
use super::service::Service;
use crate::protocol::ProTxHash;
use crate::protocol::bls::{PublicKey, Scheme, SecretKey};
use crate::protocol::network::MnType;
use crate::protocol::tx::{PRO_UP_SERV, SPECIAL_VERSION, Transaction};
use crate::protocol::wire::{DecodeError, Reader, WriteWire, sha256d};

/// The payload of a type-2 transaction, versions 1 and 2. It restates everything: what is left out is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProUpServTx {
    pub version: u16,
    /// nType: 0 regular, 1 evo. On the wire only from version 2 on; version 1 is always 0.
    pub kind: u16,
    pub pro_tx_hash: ProTxHash,
    pub service: Service,
    /// Empty: the whole reward goes to the owner, also where an address was set before.
    pub operator_payout: ScriptBuf,
    /// As stored.
    pub inputs_hash: [u8; 32],
    /// Only in evo payloads (nType 1).
    pub platform: Option<Platform>,
    /// 96 bytes in the encoding of the payload version, as on the wire; zeros while unsigned.
    pub signature: [u8; 96],
}

impl ProUpServTx {
    /// # Errors
    /// [`DecodeError::UnknownVersion`] for versions other than 1 and 2, else what is malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let version = Reader::new(bytes).u16()?;
        match version {
            LEGACY_BLS => Self::decode_layout(bytes, false),
            BASIC_BLS => Self::decode_layout(bytes, true),
            _ => Err(DecodeError::UnknownVersion { version }),
        }
    }

    /// Reads the layout with or without nType whatever the version says. Nodes of the 0.17 line know only the one without.
    pub(crate) fn decode_layout(bytes: &[u8], with_type: bool) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut payload = Self {
            version: reader.u16()?,
            kind: if with_type { reader.u16()? } else { 0 },
            pro_tx_hash: ProTxHash::from_byte_array(reader.array()?),
            service: Service::read(&mut reader)?,
            operator_payout: ScriptBuf::from_bytes(reader.var_bytes()?.to_vec()),
            inputs_hash: reader.array()?,
            platform: None,
            signature: UNSIGNED,
        };
        if payload.kind == MnType::Evo.number() {
            payload.platform = Some(Platform {
                node_id: reader.array()?,
                p2p_port: reader.u16()?,
                http_port: reader.u16()?,
            });
        }
        payload.signature = reader.array()?;
        reader.finish().map(|()| payload)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_unsigned();
        out.extend_from_slice(&self.signature);
        out
    }

    /// The bytes the payload hash covers: all but the signature.
    pub fn encode_unsigned(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(240);
        out.put_u16(self.version);
        if self.has_type() {
            out.put_u16(self.kind);
        }
        out.extend_from_slice(&self.pro_tx_hash.to_byte_array());
        self.service.write(&mut out);
        out.put_var_bytes(self.operator_payout.as_bytes());
        out.extend_from_slice(&self.inputs_hash);
        let is_evo = self.has_type() && self.kind == MnType::Evo.number();
        if let Some(platform) = self.platform.filter(|_| is_evo) {
            out.extend_from_slice(&platform.node_id);
            out.put_u16(platform.p2p_port);
            out.put_u16(platform.http_port);
        }
        out
    }

    /// dSHA256 of [`ProUpServTx::encode_unsigned`], as stored: what the operator signs.
    pub fn payload_hash(&self) -> [u8; 32] {
        sha256d(&self.encode_unsigned())
    }

    fn has_type(&self) -> bool {
        self.version >= BASIC_BLS
    }

    pub fn mn_type(&self) -> Option<MnType> {
        MnType::from_number(self.kind)
    }

    /// How this payload version encodes the signature.
    pub fn encoding(&self) -> Scheme {
        encoding_of(self.version)
    }

    /// Signs what the payload is now; any later change needs a new signature. `scheme` follows the chain, `encoding` is
    /// [`ProUpServTx::encoding`] in everything this program emits.
    pub fn sign(&mut self, secret: &SecretKey, scheme: Scheme, encoding: Scheme) {
        self.signature = operator_signature::sign(secret, scheme, encoding, &self.payload_hash());
    }

    pub fn is_signed_by(&self, key: &PublicKey, scheme: Scheme, encoding: Scheme) -> bool {
        operator_signature::verify(key, scheme, encoding, &self.payload_hash(), &self.signature)
    }

    /// Puts this payload into a transaction as a ProUpServTx.
    pub fn attach(&self, tx: &mut Transaction) {
        tx.version = SPECIAL_VERSION;
        tx.kind = PRO_UP_SERV;
        tx.payload = self.encode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::script;

    fn sample(kind: u16, version: u16) -> ProUpServTx {
        ProUpServTx {
            version,
            kind,
            pro_tx_hash: ProTxHash::from_byte_array([5; 32]),
            service: Service::v4([1, 2, 3, 4].into(), 9999),
            operator_payout: ScriptBuf::new(),
            inputs_hash: [6; 32],
            platform: (kind == 1).then_some(Platform {
                node_id: [7; 20],
                p2p_port: 26656,
                http_port: 443,
            }),
            signature: [8; 96],
        }
    }

    #[test]
    fn payload_lengths_are_those_of_the_protocol() {
        let len = |mut payload: ProUpServTx, payout: ScriptBuf| {
            payload.operator_payout = payout;
            payload.encode().len()
        };
        let (key, script) = (script::pay_to_key(&[0; 20]), script::pay_to_script(&[0; 20]));
        assert_eq!(len(sample(0, 1), ScriptBuf::new()), 181);
        assert_eq!(len(sample(0, 1), key.clone()), 206);
        assert_eq!(len(sample(0, 2), ScriptBuf::new()), 183);
        assert_eq!(len(sample(0, 2), script), 206);
        assert_eq!(len(sample(1, 2), ScriptBuf::new()), 207);
        assert_eq!(len(sample(1, 2), key), 232);
    }

    #[test]
    fn both_types_and_versions_round_trip() {
        for (kind, version) in [(0, 1), (0, 2), (1, 2), (7, 2)] {
            let payload = sample(kind, version);
            assert_eq!(ProUpServTx::decode(&payload.encode()), Ok(payload));
        }
    }

    #[test]
    fn every_cut_and_every_extra_byte_is_malformed() {
        for payload in [sample(0, 1), sample(1, 2)] {
            let mut bytes = payload.encode();
            for cut in 0..bytes.len() {
                assert!(ProUpServTx::decode(&bytes[..cut]).is_err(), "{cut}");
            }
            bytes.push(0);
            assert_eq!(ProUpServTx::decode(&bytes), Err(DecodeError::Trailing { count: 1 }));
        }
    }

    #[test]
    fn versions_this_program_never_emits_are_named_not_guessed() {
        for version in [0u16, 3, 4, 0xffff] {
            let mut bytes = sample(0, 2).encode();
            bytes[..2].copy_from_slice(&version.to_le_bytes());
            assert_eq!(
                ProUpServTx::decode(&bytes),
                Err(DecodeError::UnknownVersion { version })
            );
        }
    }
}
