//! Blocks: what goes in, what the coinbase pays, and what becomes of coins and masternodes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, OutPoint, ScriptBuf, Txid};

use super::chain::{Block, Chain, Coin};
use super::masternodes::{List, Masternode, merkle_root};
use super::mempool::Entry;
use super::payee::{self, Payment};
use super::validate::Trust;
use super::{pro_tx, pro_up};
use crate::protocol::network::MnType;
use crate::protocol::script;
use crate::protocol::special_tx::{Payload, ProRegTx};
use crate::protocol::tx::{COINBASE, SPECIAL_VERSION, Transaction, TxIn, TxOut};
use crate::protocol::wire::{WriteWire, sha256d};
use crate::protocol::{Amount, ProTxHash};

/// Bytes of transactions in a block.
const MAX_BLOCK: usize = 1_900_000;
pub(super) const VERSION: u32 = 0x2000_0000;
/// Compact form of the easiest target.
pub(super) const BITS: u32 = 0x207f_ffff;
/// Blocks between DKGs (LLMQ 50/60 on the main networks).
const DKG_INTERVAL: u32 = 24;

/// A block before it has a hash.
struct Draft {
    height: u32,
    time: u64,
    /// Without the coinbase.
    entries: Vec<Entry>,
    fees: u64,
    payment: Option<Payment>,
    miner: u64,
    miner_script: ScriptBuf,
    platform: u64,
    list: List,
}

impl Chain {
    /// Mines one block of what the mempool holds. `now` in **Unix seconds**; the block is at least a second younger than the
    /// median of its ancestors.
    pub fn mine(&mut self, now: u64) -> &Block {
        let draft = self.draft(now);
        self.credit_pool += draft.platform;
        self.note_unlocked(draft.entries.iter().map(|entry| entry.tx.as_ref()));
        let coinbase = self.coinbase(&draft);
        self.connect(draft, coinbase);
        self.tip()
    }

    fn draft(&mut self, now: u64) -> Draft {
        let height = self.height() + 1;
        let time = now.max(self.median_time(self.height()) + 1);
        let mut entries = self.mempool.drain();
        let mut size = 0;
        let fit = entries.iter().take_while(|entry| {
            size += entry.size;
            size <= MAX_BLOCK
        });
        let mut later = entries.split_off(fit.count());
        later.extend(self.take_unminable(&mut entries));
        for entry in later {
            self.mempool.add(entry);
        }
        let fees = entries.iter().map(|entry| entry.fee).sum();
        let division = payee::divide(
            self.dialect,
            payee::subsidy(&self.profile, height),
            fees,
            self.is_mn_rr(height),
        );
        let payee = self.payee_of(height).and_then(|hash| self.list().get(hash));
        let payment = payee.map(|mn| payee::payment(mn, division));
        let miner = match payment {
            Some(_) => division.miner,
            // Nobody to pay yet: all of it is the miner's.
            None => division.miner + division.masternode + division.platform,
        };
        let platform = payment.as_ref().map_or(0, |_| division.platform);
        let list = self.next_list(height, &entries, payment.as_ref().map(|payment| payment.pro_tx_hash));
        Draft {
            height,
            time,
            entries,
            fees,
            payment,
            miner,
            miner_script: self
                .miners
                .pop_front()
                .unwrap_or_else(|| script::pay_to_key(&self.faucet.key_id().0)),
            platform,
            list,
        }
    }

    /// Takes out what no block may hold, with all that spends it; it waits for better days, as on real nodes.
    fn take_unminable(&self, entries: &mut Vec<Entry>) -> Vec<Entry> {
        let mut taken = BTreeSet::new();
        let mut node_ids = BTreeMap::new();
        let mut is_unminable = |entry: &mut Entry| {
            // Nodes let two of one Platform node id wait, and find out when they build a block (seen on 23.1.2).
            let holder = entry.payload.pro_tx_hash().unwrap_or(entry.txid);
            let first = platform_node_id(&entry.payload).map(|id| *node_ids.entry(id).or_insert(holder));
            let again = first.is_some_and(|first| first != holder);
            let own =
                matches!(&entry.payload, Payload::ProUpServ(payload) if pro_up::is_unminable(self, payload)) || again;
            let inherited = || {
                let mut parents = entry.tx.inputs.iter().map(|input| input.previous.txid);
                parents.any(|parent| taken.contains(&parent))
            };
            // Parents come first.
            (own || inherited()) && taken.insert(entry.txid)
        };
        entries.extract_if(.., |entry| is_unminable(entry)).collect()
    }

    /// The list of the next block: confirmations, decay, registrations and updates, failed DKGs, spent collaterals, the payment.
    fn next_list(&mut self, height: u32, entries: &[Entry], paid: Option<ProTxHash>) -> List {
        let before = Arc::clone(self.lists.last().expect("one list per block"));
        let mut list = List::clone(&before);
        let needed = if self.profile.service.is_mainnet { 15 } else { 1 };
        let previous = self.tip().hash;
        list.update_where(
            |mn| mn.state.confirmed_hash.is_none() && height > mn.state.registered_height + needed,
            |state| state.confirmed_hash = Some(previous),
        );
        list.decay();
        for entry in entries {
            self.apply(&mut list, entry, height);
        }
        let failed = self.failed_dkg(&list, height);
        if height.is_multiple_of(DKG_INTERVAL) || !failed.is_empty() {
            self.form_quorum(&list, &failed, height);
        }
        for failed in failed {
            list.punish(failed, height);
        }
        for banned in std::mem::take(&mut self.banning) {
            list.ban(banned, height);
        }
        let spent: BTreeSet<OutPoint> = entries
            .iter()
            .flat_map(|entry| entry.tx.inputs.iter().map(|input| input.previous))
            .collect();
        let removed: Vec<ProTxHash> = list
            .iter()
            .filter(|mn| spent.contains(&mn.collateral))
            .map(|mn| mn.pro_tx_hash)
            .collect();
        for hash in removed {
            list.remove(hash);
        }
        payee::note_paid(&mut list, paid, height, self.pays_evonodes_in_runs(height));
        list.seal(&before);
        list
    }

    fn apply(&self, list: &mut List, entry: &Entry, height: u32) {
        match &entry.payload {
            Payload::ProReg(payload) => self.register(list, entry, payload, height),
            Payload::ProUpServ(payload) => list.update(payload.pro_tx_hash, |state| state.serve(payload, height)),
            Payload::ProUpReg(payload) => list.update(payload.pro_tx_hash, |state| state.reassign(payload, height)),
            Payload::ProUpRev(payload) => list.update(payload.pro_tx_hash, |state| state.revoke(payload, height)),
            Payload::None | Payload::Unknown { .. } => {}
        }
    }

    fn register(&self, list: &mut List, entry: &Entry, payload: &ProRegTx, height: u32) {
        let collateral = payload.collateral_outpoint(entry.txid);
        if let Some(replaced) = list.by_collateral(collateral).map(|mn| mn.pro_tx_hash) {
            list.remove(replaced);
        }
        let kind = payload.mn_type().unwrap_or(MnType::Regular);
        let script = pro_tx::collateral_script(self, &entry.tx, payload);
        list.insert(Masternode::registered(payload, kind, entry.txid, script, height));
    }

    /// Who fails in the DKG of a block: those named by `fail_dkg`, and in every second DKG one of the sandbox's own nodes; not
    /// one that would be banned by it once a tenth of them is.
    fn failed_dkg(&mut self, list: &List, height: u32) -> BTreeSet<ProTxHash> {
        let mut failed = std::mem::take(&mut self.failing);
        let roll = self.chance("dkg", height);
        if height.is_multiple_of(DKG_INTERVAL) && roll.is_multiple_of(2) {
            let max = list.max_penalty();
            let banned = list.iter().filter(|mn| mn.is_banned()).count();
            let may_ban = banned < list.len() / 10;
            let candidates: Vec<ProTxHash> = list
                .valid()
                .filter(|mn| self.residents.contains(&mn.pro_tx_hash))
                .filter(|mn| may_ban || mn.state.penalty + max * 66 / 100 < max)
                .map(|mn| mn.pro_tx_hash)
                .collect();
            let pick = (roll >> 1).checked_rem(candidates.len() as u64).unwrap_or(0) as usize;
            failed.extend(candidates.get(pick));
        }
        failed
    }

    /// The type-5 coinbase: the miner, then Platform, owner and operator.
    fn coinbase(&self, draft: &Draft) -> Transaction {
        let mut outputs = vec![TxOut::new(Amount::from_duffs(draft.miner), draft.miner_script.clone())];
        if let Some(payment) = &draft.payment {
            let pay = |(script, amount): &(ScriptBuf, u64)| TxOut::new(Amount::from_duffs(*amount), script.clone());
            outputs.extend(payment.outputs.iter().map(pay));
        }
        Transaction {
            version: SPECIAL_VERSION,
            kind: COINBASE,
            inputs: vec![coinbase_input(draft.height)],
            outputs,
            lock_time: 0,
            payload: self.cb_tx(draft),
        }
    }

    /// CbTx version 3 where credits exist (height, two merkle roots, no best ChainLock, credit pool), else 2 (DIP-0004).
    fn cb_tx(&self, draft: &Draft) -> Vec<u8> {
        let with_credits = self.is_mn_rr(draft.height);
        let mut out = Vec::with_capacity(175);
        out.put_u16(if with_credits { 3 } else { 2 });
        out.put_u32(draft.height);
        out.extend_from_slice(&draft.list.root());
        out.extend_from_slice(&[0; 32]);
        if with_credits {
            out.put_length(0);
            out.extend_from_slice(&[0; 96]);
            out.put_u64(self.credit_pool);
        }
        out
    }

    fn connect(&mut self, draft: Draft, coinbase: Transaction) {
        let Draft {
            height,
            time,
            entries,
            fees,
            payment,
            list,
            ..
        } = draft;
        let coinbase = Arc::new(coinbase);
        let mut txids = vec![coinbase.txid()];
        txids.extend(entries.iter().map(|entry| entry.txid));
        let merkle_root = merkle_root(txids.iter().map(|txid| txid.to_byte_array()).collect());
        let header = header(self.tip().hash, merkle_root, time, self.branch);
        let size = header.len() + 1 + coinbase.size() + entries.iter().map(|entry| entry.size).sum::<usize>();
        self.put_tx(txids[0], &coinbase, height);
        for entry in &entries {
            self.put_tx(entry.txid, &entry.tx, height);
        }
        self.push_block(
            Block {
                hash: BlockHash::from_byte_array(sha256d(&header)),
                height,
                time,
                merkle_root,
                txids,
                size,
                fees,
                payment,
                nonce: self.branch,
            },
            list,
        );
        self.offer_again();
    }

    pub(super) fn push_block(&mut self, block: Block, list: List) {
        self.by_hash.insert(block.hash, block.height);
        self.blocks.push(block);
        self.lists.push(Arc::new(list));
    }

    pub(super) fn put_tx(&mut self, txid: Txid, tx: &Arc<Transaction>, height: u32) {
        for input in &tx.inputs {
            self.coins.remove(&input.previous);
        }
        for (vout, output) in (0..).zip(&tx.outputs) {
            // OP_RETURN outputs can never be spent and are not kept.
            if output.script.as_bytes().first() == Some(&0x6a) {
                continue;
            }
            let coin = Coin {
                value: output.value.unsigned_abs(),
                script: output.script.clone(),
                height: Some(height),
                coinbase: tx.kind == COINBASE,
            };
            self.coins.insert(OutPoint { txid, vout }, coin);
        }
        self.txs.insert(txid, (Arc::clone(tx), height));
    }

    /// What is still waiting must be acceptable on top of the new block too.
    fn offer_again(&mut self) {
        for entry in self.mempool.drain() {
            // A refusal is the answer: the block took its coins, keys or collateral.
            let _ = self.accept(entry.tx, Trust::Again, entry.time);
        }
    }
}

/// The 80 bytes a block hash is made of.
pub(super) fn header(previous: BlockHash, merkle_root: [u8; 32], time: u64, nonce: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(80);
    out.put_u32(VERSION);
    out.extend_from_slice(&previous.to_byte_array());
    out.extend_from_slice(&merkle_root);
    out.put_u32(u32::try_from(time).unwrap_or(u32::MAX));
    out.put_u32(BITS);
    out.put_u32(nonce);
    out
}

/// The null outpoint with the height as its script begins with (BIP-0034), and one byte more: two are the least.
pub(super) fn coinbase_input(height: u32) -> TxIn {
    let mut number = height.to_le_bytes().to_vec();
    while number.last() == Some(&0) {
        number.pop();
    }
    if number.last().is_some_and(|top| top & 0x80 != 0) {
        number.push(0);
    }
    let mut script = Vec::with_capacity(7);
    script.put_var_bytes(&number);
    script.extend_from_slice(&[1, 1]);
    let null = OutPoint {
        txid: Txid::from_byte_array([0; 32]),
        vout: u32::MAX,
    };
    TxIn {
        script_sig: ScriptBuf::from_bytes(script),
        ..TxIn::unsigned(null)
    }
}

fn platform_node_id(payload: &Payload) -> Option<[u8; 20]> {
    let platform = match payload {
        Payload::ProReg(payload) => payload.platform,
        Payload::ProUpServ(payload) => payload.platform,
        Payload::ProUpReg(_) | Payload::ProUpRev(_) | Payload::None | Payload::Unknown { .. } => None,
    };
    platform.map(|platform| platform.node_id)
}
