//! ProRegTx: registers a masternode (DIP-0003; evonodes DIP-0028; Dash Core evo/providertx.h).

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Txid};

use super::service::Service;
use crate::protocol::bls;
use crate::protocol::key::KeyId;
use crate::protocol::message::CompactSignature;
use crate::protocol::network::{MnType, Profile};
use crate::protocol::script;
use crate::protocol::tx::{Transaction, put_outpoint, read_outpoint};
use crate::protocol::wire::{DecodeError, Reader, WriteWire, hash_to_display, sha256d, to_hex};

/// 100 % in the unit of operatorReward.
pub const FULL_REWARD: u16 = 10_000;

/// Payload version whose operator key is in the legacy encoding.
pub const LEGACY_BLS: u16 = 1;
/// Payload version whose operator key is in the basic encoding; the first with evonodes.
pub const BASIC_BLS: u16 = 2;

/// The payload of a type-1 transaction, versions 1 and 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProRegTx {
    pub version: u16,
    /// nType as on the wire: 0 regular, 1 evo.
    pub kind: u16,
    /// Always 0 in valid payloads.
    pub mode: u16,
    /// Null txid: an output of this very transaction.
    pub collateral: OutPoint,
    pub service: Service,
    pub owner: KeyId,
    /// 48 bytes in the encoding of the payload version, as on the wire.
    pub operator: [u8; 48],
    pub voting: KeyId,
    /// Hundredths of a percent, 0..=10000.
    pub operator_reward: u16,
    pub payout: ScriptBuf,
    /// As stored.
    pub inputs_hash: [u8; 32],
    /// Only in evo payloads (nType 1, version 2 and up).
    pub platform: Option<Platform>,
    /// 65 bytes for an external collateral, empty for an internal one.
    pub signature: Vec<u8>,
}

/// The evonode fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Platform {
    /// As on the wire; RPCs print it reversed.
    pub node_id: [u8; 20],
    pub p2p_port: u16,
    pub http_port: u16,
}

impl Platform {
    /// platformNodeID as RPCs print it: 40 hexadecimal digits, reversed.
    pub fn node_id_hex(&self) -> String {
        let mut id = self.node_id;
        id.reverse();
        to_hex(&id)
    }

    /// Wire bytes of a platformNodeID as RPCs print it.
    ///
    /// # Errors
    /// Not 40 hexadecimal digits.
    pub fn node_id_from_hex(text: &str) -> Result<[u8; 20], DecodeError> {
        let bytes = crate::protocol::wire::from_hex(text)?;
        let mut id = <[u8; 20]>::try_from(bytes.as_slice()).map_err(|_| DecodeError::NotHex)?;
        id.reverse();
        Ok(id)
    }
}

impl ProRegTx {
    /// # Errors
    /// [`DecodeError::UnknownVersion`] for versions other than 1 and 2, else what is malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let version = Reader::new(bytes).u16()?;
        if version != LEGACY_BLS && version != BASIC_BLS {
            return Err(DecodeError::UnknownVersion { version });
        }
        Self::decode_layout(bytes, true)
    }

    /// Reads the layout of versions 1 and 2 whatever the version says. Nodes of the 0.17 line know no Platform fields: for them a
    /// payload of type 1 ends where a regular one does.
    pub(crate) fn decode_layout(bytes: &[u8], with_platform: bool) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut payload = Self {
            version: reader.u16()?,
            kind: reader.u16()?,
            mode: reader.u16()?,
            collateral: read_outpoint(&mut reader)?,
            service: Service::read(&mut reader)?,
            owner: KeyId(reader.array()?),
            operator: reader.array()?,
            voting: KeyId(reader.array()?),
            operator_reward: reader.u16()?,
            payout: ScriptBuf::from_bytes(reader.var_bytes()?.to_vec()),
            inputs_hash: reader.array()?,
            platform: None,
            signature: Vec::new(),
        };
        if with_platform && payload.is_evo() {
            payload.platform = Some(Platform {
                node_id: reader.array()?,
                p2p_port: reader.u16()?,
                http_port: reader.u16()?,
            });
        }
        payload.signature = reader.var_bytes()?.to_vec();
        reader.finish().map(|()| payload)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_unsigned();
        out.put_var_bytes(&self.signature);
        out
    }

    /// The bytes the payload hash covers: all but the signature and its length.
    pub fn encode_unsigned(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(300);
        out.put_u16(self.version);
        out.put_u16(self.kind);
        out.put_u16(self.mode);
        put_outpoint(&mut out, &self.collateral);
        self.service.write(&mut out);
        out.extend_from_slice(&self.owner.0);
        out.extend_from_slice(&self.operator);
        out.extend_from_slice(&self.voting.0);
        out.put_u16(self.operator_reward);
        out.put_var_bytes(self.payout.as_bytes());
        out.extend_from_slice(&self.inputs_hash);
        if let Some(platform) = self.platform.filter(|_| self.is_evo()) {
            out.extend_from_slice(&platform.node_id);
            out.put_u16(platform.p2p_port);
            out.put_u16(platform.http_port);
        }
        out
    }

    /// dSHA256 of [`ProRegTx::encode_unsigned`], as stored.
    pub fn payload_hash(&self) -> [u8; 32] {
        sha256d(&self.encode_unsigned())
    }

    /// nType 1: the payload carries the Platform fields. (Nodes parse them for version 1 too, then refuse the type.)
    fn is_evo(&self) -> bool {
        self.kind == MnType::Evo.number()
    }

    pub fn mn_type(&self) -> Option<MnType> {
        MnType::from_number(self.kind)
    }

    /// The collateral is an output of this transaction.
    pub fn is_internal(&self) -> bool {
        self.collateral.txid.to_byte_array() == [0; 32]
    }

    /// The collateral outpoint as the masternode list will show it.
    pub fn collateral_outpoint(&self, own: Txid) -> OutPoint {
        if self.is_internal() {
            OutPoint {
                txid: own,
                vout: self.collateral.vout,
            }
        } else {
            self.collateral
        }
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

    /// The text the collateral key signs: `payout|reward|owner|voting|payloadHash` with the network's addresses.
    pub fn sign_message(&self, profile: &Profile) -> String {
        let payout = script::address(self.payout.as_bytes())
            .map_or_else(|| to_hex(self.payout.as_bytes()), |address| address.to_text(profile));
        format!(
            "{payout}|{}|{}|{}|{}",
            self.operator_reward,
            self.owner.address().to_text(profile),
            self.voting.address().to_text(profile),
            hash_to_display(&self.payload_hash()),
        )
    }

    /// The 65 signature bytes, if there are exactly as many.
    pub fn compact_signature(&self) -> Option<CompactSignature> {
        CompactSignature::from_slice(&self.signature).ok()
    }

    /// Puts this payload into a transaction as a ProRegTx.
    pub fn attach(&self, tx: &mut Transaction) {
        tx.version = crate::protocol::tx::SPECIAL_VERSION;
        tx.kind = crate::protocol::tx::PRO_REG;
        tx.payload = self.encode();
    }
}

/// Encoding of keys and signatures in a payload version.
pub fn encoding_of(version: u16) -> bls::Scheme {
    if version <= LEGACY_BLS {
        bls::Scheme::Legacy
    } else {
        bls::Scheme::Basic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(kind: u16, version: u16) -> ProRegTx {
        ProRegTx {
            version,
            kind,
            mode: 0,
            collateral: OutPoint {
                txid: Txid::from_byte_array([5; 32]),
                vout: 1,
            },
            service: Service::v4([1, 2, 3, 4].into(), 9999),
            owner: KeyId([1; 20]),
            operator: [2; 48],
            voting: KeyId([3; 20]),
            operator_reward: 525,
            payout: script::pay_to_key(&[4; 20]),
            inputs_hash: [6; 32],
            platform: (kind == 1).then_some(Platform {
                node_id: [7; 20],
                p2p_port: 26656,
                http_port: 443,
            }),
            signature: vec![8; 65],
        }
    }

    #[test]
    fn payload_lengths_are_those_of_the_protocol() {
        let len = |mut payload: ProRegTx, signature: usize, payout: ScriptBuf| {
            payload.signature = vec![0; signature];
            payload.payout = payout;
            payload.encode().len()
        };
        let (key, script) = (script::pay_to_key(&[0; 20]), script::pay_to_script(&[0; 20]));
        assert_eq!(len(sample(0, 1), 0, key.clone()), 209);
        assert_eq!(len(sample(0, 2), 0, script.clone()), 207);
        assert_eq!(len(sample(0, 2), 65, key.clone()), 274);
        assert_eq!(len(sample(0, 1), 65, script.clone()), 272);
        assert_eq!(len(sample(1, 2), 0, key.clone()), 233);
        assert_eq!(len(sample(1, 2), 65, key), 298);
        assert_eq!(len(sample(1, 2), 65, script), 296);
    }

    #[test]
    fn both_types_and_versions_round_trip() {
        for (kind, version) in [(0, 1), (0, 2), (1, 2), (1, 1), (7, 2)] {
            let payload = sample(kind, version);
            assert_eq!(ProRegTx::decode(&payload.encode()), Ok(payload));
        }
    }

    #[test]
    fn versions_this_program_never_emits_are_named_not_guessed() {
        for version in [0u16, 3, 4, 0xffff] {
            let mut bytes = sample(0, 2).encode();
            bytes[..2].copy_from_slice(&version.to_le_bytes());
            assert_eq!(ProRegTx::decode(&bytes), Err(DecodeError::UnknownVersion { version }));
        }
    }

    #[test]
    fn a_platform_node_id_is_printed_reversed() {
        let id = Platform::node_id_from_hex("086064ea42f106755812cb8d0a7aeed4c6405949").expect("40 digits");
        assert_eq!(id[0], 0x49);
        let platform = Platform {
            node_id: id,
            p2p_port: 1,
            http_port: 2,
        };
        assert_eq!(platform.node_id_hex(), "086064ea42f106755812cb8d0a7aeed4c6405949");
    }
}
