//! The embedded chain: blocks, coins, transactions, masternode lists by height, and the mempool.
//!
//! Pure and deterministic: the same profile, seed, calls and times give the same chain, byte for byte. It differs from a real
//! chain in three points only: block hashes are SHA-256d of the header (Dash's are X11), blocks need no work, and block 1
//! creates the money the sandbox and its Platform live on.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, OutPoint, ScriptBuf, Txid};

use super::asset_unlock::Unlocked;
use super::dialect::Dialect;
use super::masternodes::List;
use super::mempool::{Entry, Mempool};
use super::payee::{self, Payment};
use super::quorum::Quorum;
use super::reject::Reject;
use super::validate::{self, Accepted, Trust};
use crate::protocol::ProTxHash;
use crate::protocol::key::SecpKey;
use crate::protocol::network::Profile;
use crate::protocol::tx::Transaction;

/// Blocks the median time is taken over.
const MEDIAN_SPAN: u32 = 11;

/// An unspent output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    /// **Duffs**.
    pub value: u64,
    pub script: ScriptBuf,
    /// None while unconfirmed.
    pub height: Option<u32>,
    pub coinbase: bool,
}

/// A mined block.
#[derive(Debug, Clone)]
pub struct Block {
    pub hash: BlockHash,
    pub height: u32,
    /// **Unix seconds**.
    pub time: u64,
    /// As stored.
    pub merkle_root: [u8; 32],
    /// Coinbase first.
    pub txids: Vec<Txid>,
    /// Bytes.
    pub size: usize,
    /// **Duffs**.
    pub fees: u64,
    pub payment: Option<Payment>,
    /// Tells blocks apart that replace each other.
    pub nonce: u32,
}

/// The chain and everything its node knows.
pub struct Chain {
    pub(super) profile: Profile,
    pub(super) dialect: Dialect,
    pub(super) seed: u64,
    /// Owns block 1's money and the miner's part of every block.
    pub(super) faucet: SecpKey,
    pub(super) blocks: Vec<Block>,
    pub(super) by_hash: HashMap<BlockHash, u32>,
    pub(super) coins: BTreeMap<OutPoint, Coin>,
    pub(super) txs: HashMap<Txid, (Arc<Transaction>, u32)>,
    /// One per height.
    pub(super) lists: Vec<Arc<List>>,
    pub(super) mempool: Mempool,
    /// Masternodes that fail a DKG in the next block.
    pub(super) failing: BTreeSet<ProTxHash>,
    /// Masternodes that the next block bans.
    pub(super) banning: BTreeSet<ProTxHash>,
    /// Masternodes the sandbox itself runs; only these fail DKGs by chance.
    pub(super) residents: BTreeSet<ProTxHash>,
    /// Platform's money, **duffs**.
    pub(super) credit_pool: u64,
    /// Indices of mined asset unlocks.
    pub(super) unlocked: Unlocked,
    pub(super) quorums: Vec<Quorum>,
    /// How often blocks were taken back.
    pub(super) branch: u32,
    /// Whom the next blocks pay the miner's part, instead of the faucet.
    pub(super) miners: VecDeque<ScriptBuf>,
}

impl Chain {
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub fn height(&self) -> u32 {
        u32::try_from(self.blocks.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }

    pub fn tip(&self) -> &Block {
        self.blocks.last().expect("there is always a genesis block")
    }

    pub fn block(&self, height: u32) -> Option<&Block> {
        self.blocks.get(usize::try_from(height).ok()?)
    }

    pub fn block_by_hash(&self, hash: &BlockHash) -> Option<&Block> {
        self.block(*self.by_hash.get(hash)?)
    }

    /// **Unix seconds**: median of the last eleven blocks up to a height.
    pub fn median_time(&self, height: u32) -> u64 {
        let mut times: Vec<u64> = (height.saturating_sub(MEDIAN_SPAN - 1)..=height)
            .filter_map(|height| self.block(height))
            .map(|block| block.time)
            .collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(0)
    }

    /// The masternodes at the tip.
    pub fn list(&self) -> &List {
        self.lists.last().expect("one list per block")
    }

    pub fn list_at(&self, height: u32) -> Option<&List> {
        self.lists.get(usize::try_from(height).ok()?).map(Arc::as_ref)
    }

    pub fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    /// Basic BLS and payload version 2 hold for a block of this height.
    pub fn is_v19(&self, height: u32) -> bool {
        reached(self.profile.activation.v19, height)
    }

    pub fn is_v19_next(&self) -> bool {
        self.is_v19(self.height() + 1)
    }

    pub fn is_mn_rr(&self, height: u32) -> bool {
        reached(self.profile.activation.mn_rr, height)
    }

    /// Whether evonodes are paid four times in a row in a block of this height.
    pub fn pays_evonodes_in_runs(&self, height: u32) -> bool {
        self.is_v19(height) && !self.is_mn_rr(height)
    }

    /// Whom a block of this height pays (or, one above the tip, will pay).
    pub fn payee_of(&self, height: u32) -> Option<ProTxHash> {
        let before = height.checked_sub(1)?;
        payee::next_payee(self.list_at(before)?, before, self.pays_evonodes_in_runs(height)).map(|mn| mn.pro_tx_hash)
    }

    /// Payees of the next blocks if nothing else happens.
    pub fn projected_payees(&self, count: usize) -> Vec<ProTxHash> {
        payee::project(self.list(), self.height(), count, |height| {
            self.pays_evonodes_in_runs(height)
        })
    }

    /// A confirmed unspent output, whether or not the mempool spends it.
    pub fn coin(&self, outpoint: &OutPoint) -> Option<&Coin> {
        self.coins.get(outpoint)
    }

    /// All of them, by outpoint.
    pub fn coins(&self) -> impl Iterator<Item = (&OutPoint, &Coin)> {
        self.coins.iter()
    }

    /// An output of the chain or the mempool; who spends it in the mempool is not asked.
    pub fn coin_with_mempool(&self, outpoint: &OutPoint) -> Option<Coin> {
        self.coin(outpoint).cloned().or_else(|| {
            let entry = self.mempool.get(outpoint.txid)?;
            let output = entry.tx.outputs.get(usize::try_from(outpoint.vout).ok()?)?;
            Some(Coin {
                value: output.value.unsigned_abs(),
                script: output.script.clone(),
                height: None,
                coinbase: false,
            })
        })
    }

    /// Whether anything of a mined transaction is unspent.
    pub fn has_unspent_output(&self, txid: Txid) -> bool {
        let all = OutPoint { txid, vout: 0 }..=OutPoint { txid, vout: u32::MAX };
        self.coins.range(all).next().is_some()
    }

    /// A transaction and, once mined, its height.
    pub fn transaction(&self, txid: Txid) -> Option<(Arc<Transaction>, Option<u32>)> {
        match self.txs.get(&txid) {
            Some((tx, height)) => Some((tx.clone(), Some(*height))),
            None => self.mempool.get(txid).map(|entry| (entry.tx.clone(), None)),
        }
    }

    /// Every mined transaction with its height, in order of the chain.
    pub fn mined(&self) -> impl Iterator<Item = (&Txid, &Transaction, u32)> {
        self.blocks.iter().flat_map(|block| {
            block
                .txids
                .iter()
                .filter_map(|txid| self.txs.get(txid).map(|(tx, height)| (txid, tx.as_ref(), *height)))
        })
    }

    /// 0: unconfirmed. None: unknown height.
    pub fn confirmations(&self, height: Option<u32>) -> u32 {
        height.map_or(0, |height| self.height().saturating_sub(height) + 1)
    }

    /// Whether a transaction would be accepted.
    ///
    /// # Errors
    /// Why not.
    pub fn test(&self, tx: &Transaction) -> Result<Accepted, Reject> {
        validate::check(self, tx, Trust::Stranger)
    }

    /// Takes a transaction into the mempool.
    ///
    /// # Errors
    /// Why not.
    pub fn submit(&mut self, tx: Transaction, now: u64) -> Result<Txid, Reject> {
        self.accept(Arc::new(tx), Trust::Stranger, now)
    }

    pub(super) fn accept(&mut self, tx: Arc<Transaction>, trust: Trust, now: u64) -> Result<Txid, Reject> {
        let accepted = validate::check(self, &tx, trust)?;
        let txid = tx.txid();
        self.mempool.add(Entry {
            txid,
            tx,
            fee: accepted.fee,
            size: accepted.size,
            time: now,
            height: self.height(),
            payload: accepted.payload,
            changes_operator: accepted.changes_operator,
        });
        Ok(txid)
    }

    /// Makes a masternode miss its duty in the DKG of the next block.
    ///
    /// # Errors
    /// It is not in the list.
    pub fn fail_dkg(&mut self, hash: ProTxHash) -> Result<(), NotListed> {
        self.list().get(hash).ok_or(NotListed(hash))?;
        self.failing.insert(hash);
        Ok(())
    }

    /// Makes the next block ban a masternode as misbehaviour would: the full score at once.
    ///
    /// # Errors
    /// It is not in the list.
    pub fn ban(&mut self, hash: ProTxHash) -> Result<(), NotListed> {
        self.list().get(hash).ok_or(NotListed(hash))?;
        self.banning.insert(hash);
        Ok(())
    }

    /// Pays the miner's part of a block to come to a script; that block's height. Each call takes one block.
    pub fn reward(&mut self, script: ScriptBuf) -> u32 {
        self.miners.push_back(script);
        self.height() + u32::try_from(self.miners.len()).unwrap_or(u32::MAX)
    }

    /// A number that looks random and is always the same for the seed, the purpose, the height, and how often blocks were taken
    /// back.
    pub(super) fn chance(&self, purpose: &str, height: u32) -> u64 {
        let digest = derive(self.seed, purpose, u64::from(self.branch) << 32 | u64::from(height));
        u64::from_le_bytes(*digest.first_chunk().expect("32 bytes"))
    }
}

/// A masternode that is not in the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not in the masternode list")]
pub struct NotListed(pub ProTxHash);

fn reached(activation: Option<u32>, height: u32) -> bool {
    activation.is_some_and(|activation| height >= activation)
}

/// 32 bytes from the seed: keys and chance.
pub(super) fn derive(seed: u64, purpose: &str, index: u64) -> [u8; 32] {
    let text = format!("castellan sandbox {seed} {purpose} {index}");
    bitcoin::hashes::sha256::Hash::hash(text.as_bytes()).to_byte_array()
}

/// A secp256k1 key from the seed.
pub(super) fn secp_key(seed: u64, purpose: &str, index: u64) -> SecpKey {
    SecpKey::from_bytes(&derive(seed, purpose, index)).expect("one digest in 2^127 is no key")
}
