//! Asset unlocks (type 9): money that Platform pays out of the credit pool, without inputs, by a quorum's signature.
//!
//! Sources: DIP-0027; Dash Core evo/assetlocktx.cpp and evo/creditpool.cpp. The sandbox has no DKGs that make quorums: its Platform
//! quorums stand on every 24th block and have one key each, derived from the seed.

use std::collections::BTreeSet;

use bitcoin::hashes::Hash;
use bitcoin::{ScriptBuf, Txid};
use thiserror::Error;

use super::chain::{Chain, derive};
use super::reject::{Reject, ensure};
use super::validate::Trust;
use crate::protocol::Amount;
use crate::protocol::amount::COIN;
use crate::protocol::bls::{self, Scheme};
use crate::protocol::tx::{SPECIAL_VERSION, Transaction, TxOut};
use crate::protocol::wire::{DecodeError, Reader, WriteWire, sha256d};

/// Type number (Dash Core primitives/transaction.h).
pub const ASSET_UNLOCK: u16 = 9;
const VERSION: u8 = 1;
const MAX_OUTPUTS: usize = 32;
/// Blocks after the requested height in which it can be mined.
const EXPIRES_AFTER: u32 = 48;
/// Blocks between Platform's quorums, and how many of them may sign: the active ones and one more.
const QUORUM_INTERVAL: u32 = 24;
const QUORUMS: u32 = 3;
/// **Duffs**: above the relay fee of the 32 outputs it may have at most.
const FEE: u32 = 2_000;
/// What Platform holds from the start, **duffs**: as block 1, it comes from nowhere.
pub(super) const CREDIT_POOL: u64 = 100_000 * COIN;

/// The payload: 145 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetUnlock {
    pub version: u8,
    /// Each is used once.
    pub index: u64,
    /// **Duffs**.
    pub fee: u32,
    pub requested_height: u32,
    /// As stored.
    pub quorum_hash: [u8; 32],
    pub signature: [u8; bls::Signature::LENGTH],
}

/// Why Platform pays nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnlockError {
    #[error("asset unlocks are not active on this chain")]
    NotActive,
    #[error("the credit pool holds {available} and cannot pay {wanted}")]
    Empty { wanted: Amount, available: Amount },
    #[error("the asset unlock was refused: {0}")]
    Refused(Reject),
}

impl AssetUnlock {
    /// # Errors
    /// Too short or too long.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let [version] = reader.array()?;
        let payload = Self {
            version,
            index: reader.u64()?,
            fee: reader.u32()?,
            requested_height: reader.u32()?,
            quorum_hash: reader.array()?,
            signature: reader.array()?,
        };
        reader.finish().map(|()| payload)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.version];
        out.put_u64(self.index);
        out.put_u32(self.fee);
        out.put_u32(self.requested_height);
        out.extend_from_slice(&self.quorum_hash);
        out.extend_from_slice(&self.signature);
        out
    }

    /// The payload of a transaction; none if it is of another type or malformed.
    pub fn of(tx: &Transaction) -> Option<Self> {
        (tx.kind == ASSET_UNLOCK && tx.has_payload())
            .then(|| Self::decode(&tx.payload).ok())
            .flatten()
    }

    /// What leaves the credit pool, fee included, in **duffs**.
    fn taken(&self, tx: &Transaction) -> u64 {
        let paid: u64 = tx.outputs.iter().map(|output| output.value.unsigned_abs()).sum();
        paid + u64::from(self.fee)
    }

    /// What the quorum signs: its type and hash, the request, the transaction without the signature.
    fn digest(&self, tx: &Transaction, llmq_type: u8) -> [u8; 32] {
        let unsigned = Self {
            signature: [0; bls::Signature::LENGTH],
            ..self.clone()
        };
        let bare = Transaction {
            payload: unsigned.encode(),
            ..tx.clone()
        };
        let mut request = Vec::new();
        request.put_var_bytes(b"plwdtx");
        request.put_u64(self.index);
        let mut out = vec![llmq_type];
        out.extend_from_slice(&self.quorum_hash);
        out.extend_from_slice(&sha256d(&request));
        out.extend_from_slice(&bare.txid().to_byte_array());
        sha256d(&out)
    }
}

impl Chain {
    /// Whether a block of this height may hold asset unlocks. They came with the credit pool, which is filled from MN_RR on.
    pub fn has_asset_unlocks(&self, height: u32) -> bool {
        self.is_mn_rr(height)
    }

    /// Pays from Platform's credit pool; the transaction waits in the mempool for the next block.
    ///
    /// # Errors
    /// Not active yet, or more than the pool holds.
    pub fn unlock_assets(&mut self, payments: &[(ScriptBuf, Amount)], now: u64) -> Result<Txid, UnlockError> {
        if !self.has_asset_unlocks(self.height() + 1) {
            return Err(UnlockError::NotActive);
        }
        let wanted: Amount = payments.iter().map(|(_, amount)| *amount).sum();
        let available = self.unclaimed_credits();
        if wanted.duffs().saturating_add(u64::from(FEE)) > available {
            let available = Amount::from_duffs(available);
            return Err(UnlockError::Empty { wanted, available });
        }
        let tx = self.asset_unlock(payments);
        self.accept(tx.into(), Trust::Faucet, now).map_err(UnlockError::Refused)
    }

    /// Of the credit pool, without what waits in the mempool; **duffs**.
    fn unclaimed_credits(&self) -> u64 {
        let waiting = self.mempool().iter().map(|entry| entry.tx.as_ref());
        self.credit_pool.saturating_sub(total_taken(waiting))
    }

    fn asset_unlock(&self, payments: &[(ScriptBuf, Amount)]) -> Transaction {
        let waiting = self.mempool().iter().filter_map(|entry| AssetUnlock::of(&entry.tx));
        let last = waiting
            .map(|payload| payload.index)
            .chain(self.unlocked.last().copied())
            .max();
        let height = self.height() - self.height() % QUORUM_INTERVAL;
        let mut payload = AssetUnlock {
            version: VERSION,
            index: last.map_or(0, |last| last + 1),
            fee: FEE,
            requested_height: self.height(),
            quorum_hash: self.block(height).map_or([0; 32], |block| block.hash.to_byte_array()),
            signature: [0; bls::Signature::LENGTH],
        };
        let mut tx = Transaction {
            kind: ASSET_UNLOCK,
            outputs: payments
                .iter()
                .map(|(script, amount)| TxOut::new(*amount, script.clone()))
                .collect(),
            ..Transaction::empty(SPECIAL_VERSION)
        };
        let digest = payload.digest(&tx, self.platform_llmq());
        payload.signature = self
            .quorum_key(height)
            .sign(Scheme::Basic, &digest)
            .encode(Scheme::Basic);
        tx.payload = payload.encode();
        tx
    }

    /// What is said of an asset unlock's payload (CheckAssetUnlockTx).
    pub(super) fn check_asset_unlock(&self, tx: &Transaction, trust: Trust) -> Result<AssetUnlock, Reject> {
        ensure(tx.inputs.is_empty(), || Reject::invalid("bad-assetunlocktx-have-input"))?;
        ensure(tx.outputs.len() <= MAX_OUTPUTS, || {
            Reject::invalid("bad-assetunlocktx-too-many-outs")
        })?;
        let payload = AssetUnlock::decode(&tx.payload).map_err(|_| Reject::invalid("bad-assetunlocktx-payload"))?;
        ensure(payload.version == VERSION, || {
            Reject::invalid("bad-assetunlocktx-version")
        })?;
        ensure(payload.fee != 0, || {
            Reject::invalid("bad-txns-assetunlock-fee-outofrange")
        })?;
        ensure(!self.unlocked.contains(&payload.index), || {
            Reject::invalid("bad-assetunlock-duplicated-index")
        })?;
        let hash = bitcoin::BlockHash::from_byte_array(payload.quorum_hash);
        let quorum = self
            .block_by_hash(&hash)
            .ok_or_else(|| Reject::invalid("bad-assetunlock-quorum-hash"))?
            .height;
        let oldest = (self.height() / QUORUM_INTERVAL).saturating_sub(QUORUMS - 1) * QUORUM_INTERVAL;
        ensure(quorum.is_multiple_of(QUORUM_INTERVAL) && quorum >= oldest, || {
            Reject::invalid("bad-assetunlock-too-old-quorum")
        })?;
        let expired = self.height() >= payload.requested_height.saturating_add(EXPIRES_AFTER);
        ensure(!expired && self.height() >= payload.requested_height, || {
            Reject::invalid("bad-assetunlock-too-late")
        })?;
        let verifies = || {
            let digest = payload.digest(tx, self.platform_llmq());
            bls::Signature::decode(Scheme::Basic, &payload.signature).is_ok_and(|signature| {
                self.quorum_key(quorum)
                    .public_key()
                    .verify(Scheme::Basic, &digest, &signature)
            })
        };
        // What the sandbox signed itself a moment ago is not verified anew: pairings take longer than all the rest.
        ensure(trust != Trust::Stranger || verifies(), || {
            Reject::invalid("bad-assetunlock-not-verified")
        })?;
        Ok(payload)
    }

    /// Takes what a block's asset unlocks pay out of the credit pool.
    pub(super) fn note_unlocked<'a>(&mut self, txs: impl Iterator<Item = &'a Transaction> + Clone) {
        self.credit_pool = self.credit_pool.saturating_sub(total_taken(txs.clone()));
        self.unlocked
            .extend(txs.filter_map(AssetUnlock::of).map(|payload| payload.index));
    }

    fn quorum_key(&self, height: u32) -> bls::SecretKey {
        let mut bytes = derive(self.seed, "platform quorum", u64::from(height));
        // Below 2^254, and so below the group order.
        bytes[0] &= 0x3f;
        bls::SecretKey::from_bytes(&bytes).expect("one digest in 2^254 is zero")
    }

    /// llmqTypePlatform (chainparams.cpp).
    fn platform_llmq(&self) -> u8 {
        match self.profile.chain.as_str() {
            "main" => 4,
            "test" => 6,
            _ => 106,
        }
    }
}

/// Indices used, for a new chain.
pub(super) type Unlocked = BTreeSet<u64>;

fn total_taken<'a>(txs: impl Iterator<Item = &'a Transaction>) -> u64 {
    txs.filter_map(|tx| AssetUnlock::of(tx).map(|payload| payload.taken(tx)))
        .sum()
}
