//! A node for tests of flows: it answers from a script and remembers what it was asked.
//!
//! Each method has its own queue of answers; the last one is given again and again. What was never scripted is "not known" for
//! coins, transactions, masternodes and blocks, "no such call" for list diffs and memberships, success for a broadcast, and
//! [`RpcError::UnknownMethod`] for everything else.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

use bitcoin::{OutPoint, Txid};

use super::{
    CoinSearch, FeeRate, FoundCoin, FoundTx, ListDiff, MasternodeList, Membership, Node, NodeStatus, Payment, Reply,
    RpcError, Tip, WalletCoins,
};
use crate::protocol::masternode::Entry;
use crate::protocol::rules::Pending;
use crate::protocol::special_tx::Service;
use crate::protocol::{Address, ProTxHash, Transaction};

/// A scripted node. Clones share script and memory.
#[derive(Clone, Default)]
pub struct FakeNode(Arc<Mutex<Script>>);

/// One question a fake node was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Status,
    Tip,
    Masternodes,
    MasternodesAt(u32),
    ListDiff {
        base: u32,
        height: u32,
    },
    BlockAt(u32),
    Payments {
        last: u32,
        count: u32,
    },
    Memberships {
        pro_tx_hash: ProTxHash,
        count: u32,
    },
    Masternode(ProTxHash),
    Coin(OutPoint),
    Transaction(Txid),
    CoinsOf {
        addresses: Vec<Address>,
        hints: Vec<OutPoint>,
    },
    PeerVersion(Service),
    FeeRate,
    Pending,
    WalletCoins,
    WalletSign(Transaction),
    Broadcast(Transaction),
}

type Outcome<T> = Result<T, RpcError>;

#[derive(Default)]
struct Script {
    status: Queue<NodeStatus>,
    tip: Queue<Tip>,
    masternodes: Queue<MasternodeList>,
    masternodes_at: HashMap<u32, Queue<Option<Vec<Entry>>>>,
    list_diff: HashMap<(u32, u32), Queue<Option<ListDiff>>>,
    block_at: HashMap<u32, Queue<Option<Tip>>>,
    payments: HashMap<(u32, u32), Queue<Option<Vec<Payment>>>>,
    memberships: HashMap<ProTxHash, Queue<Option<Vec<Membership>>>>,
    peer_version: HashMap<Service, Queue<Option<u32>>>,
    masternode: HashMap<ProTxHash, Queue<Option<Entry>>>,
    coin: HashMap<OutPoint, Queue<Option<FoundCoin>>>,
    transaction: HashMap<Txid, Queue<Option<FoundTx>>>,
    coins_of: Queue<CoinSearch>,
    fee_rate: Queue<FeeRate>,
    pending: Queue<Option<Vec<Pending>>>,
    wallet_coins: Queue<WalletCoins>,
    wallet_sign: Queue<Transaction>,
    broadcast: Queue<Txid>,
    silent: bool,
    requests: Vec<Request>,
}

/// Answers in order.
struct Queue<T>(VecDeque<Outcome<T>>);

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Clone> Queue<T> {
    fn push(&mut self, answer: Outcome<T>) {
        self.0.push_back(answer);
    }

    fn next(&mut self) -> Option<Outcome<T>> {
        if self.0.len() > 1 {
            self.0.pop_front()
        } else {
            self.0.front().cloned()
        }
    }

    fn next_of(&mut self, method: &str) -> Outcome<T> {
        self.next().unwrap_or_else(|| Err(unscripted(method)))
    }
}

fn unscripted(method: &str) -> RpcError {
    RpcError::UnknownMethod {
        method: method.to_owned(),
    }
}

fn next_at<K: Eq + Hash, T: Clone>(map: &mut HashMap<K, Queue<Option<T>>>, key: &K) -> Outcome<Option<T>> {
    map.get_mut(key).and_then(Queue::next).unwrap_or(Ok(None))
}

impl FakeNode {
    pub fn new() -> Self {
        Self::default()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn scripted(self, write: impl FnOnce(&mut Script)) -> Self {
        write(&mut self.script());
        self
    }

    #[must_use]
    pub fn with_status(self, answer: Outcome<NodeStatus>) -> Self {
        self.scripted(|script| script.status.push(answer))
    }

    #[must_use]
    pub fn with_tip(self, answer: Outcome<Tip>) -> Self {
        self.scripted(|script| script.tip.push(answer))
    }

    #[must_use]
    pub fn with_masternodes(self, answer: Outcome<MasternodeList>) -> Self {
        self.scripted(|script| script.masternodes.push(answer))
    }

    #[must_use]
    pub fn with_masternodes_at(self, height: u32, answer: Outcome<Vec<Entry>>) -> Self {
        self.scripted(|script| script.masternodes_at.entry(height).or_default().push(answer.map(Some)))
    }

    #[must_use]
    pub fn with_list_diff(self, base: u32, height: u32, answer: Outcome<Option<ListDiff>>) -> Self {
        self.scripted(|script| script.list_diff.entry((base, height)).or_default().push(answer))
    }

    #[must_use]
    pub fn with_block_at(self, height: u32, answer: Outcome<Option<Tip>>) -> Self {
        self.scripted(|script| script.block_at.entry(height).or_default().push(answer))
    }

    #[must_use]
    pub fn with_payments(self, last: u32, count: u32, answer: Outcome<Vec<Payment>>) -> Self {
        self.scripted(|script| script.payments.entry((last, count)).or_default().push(answer.map(Some)))
    }

    #[must_use]
    pub fn with_memberships(self, hash: ProTxHash, answer: Outcome<Option<Vec<Membership>>>) -> Self {
        self.scripted(|script| script.memberships.entry(hash).or_default().push(answer))
    }

    #[must_use]
    pub fn with_peer_version(self, service: Service, answer: Outcome<Option<u32>>) -> Self {
        self.scripted(|script| script.peer_version.entry(service).or_default().push(answer))
    }

    #[must_use]
    pub fn with_masternode(self, hash: ProTxHash, answer: Outcome<Option<Entry>>) -> Self {
        self.scripted(|script| script.masternode.entry(hash).or_default().push(answer))
    }

    #[must_use]
    pub fn with_coin(self, outpoint: OutPoint, answer: Outcome<Option<FoundCoin>>) -> Self {
        self.scripted(|script| script.coin.entry(outpoint).or_default().push(answer))
    }

    #[must_use]
    pub fn with_transaction(self, txid: Txid, answer: Outcome<Option<FoundTx>>) -> Self {
        self.scripted(|script| script.transaction.entry(txid).or_default().push(answer))
    }

    #[must_use]
    pub fn with_coins_of(self, answer: Outcome<CoinSearch>) -> Self {
        self.scripted(|script| script.coins_of.push(answer))
    }

    #[must_use]
    pub fn with_fee_rate(self, answer: Outcome<FeeRate>) -> Self {
        self.scripted(|script| script.fee_rate.push(answer))
    }

    /// Never answers what a fee costs: for flows that are dropped half-way.
    #[must_use]
    pub fn with_silent_fee_rate(self) -> Self {
        self.scripted(|script| script.silent = true)
    }

    #[must_use]
    pub fn with_pending(self, answer: Outcome<Option<Vec<Pending>>>) -> Self {
        self.scripted(|script| script.pending.push(answer))
    }

    #[must_use]
    pub fn with_wallet_coins(self, answer: Outcome<WalletCoins>) -> Self {
        self.scripted(|script| script.wallet_coins.push(answer))
    }

    #[must_use]
    pub fn with_wallet_sign(self, answer: Outcome<Transaction>) -> Self {
        self.scripted(|script| script.wallet_sign.push(answer))
    }

    /// Without a script a broadcast answers the transaction's own txid.
    #[must_use]
    pub fn with_broadcast(self, answer: Outcome<Txid>) -> Self {
        self.scripted(|script| script.broadcast.push(answer))
    }

    /// Everything asked so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.script().requests.clone()
    }

    /// The transactions sent so far.
    pub fn broadcasts(&self) -> Vec<Transaction> {
        let sent = |request| match request {
            Request::Broadcast(tx) => Some(tx),
            _ => None,
        };
        self.requests().into_iter().filter_map(sent).collect()
    }

    /// Notes the question when it is asked and answers at the first poll, as a real node takes its time.
    fn answer<T: Send + 'static>(
        &self,
        request: Request,
        read: impl FnOnce(&mut Script) -> Outcome<T> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(async move {
            let mut script = self.script();
            script.requests.push(request);
            read(&mut script)
        })
    }
}

impl Node for FakeNode {
    fn status(&self) -> Reply<'_, NodeStatus> {
        self.answer(Request::Status, |script| script.status.next_of("status"))
    }

    fn tip(&self) -> Reply<'_, Tip> {
        self.answer(Request::Tip, |script| script.tip.next_of("tip"))
    }

    fn masternodes(&self) -> Reply<'_, MasternodeList> {
        self.answer(Request::Masternodes, |script| script.masternodes.next_of("masternodes"))
    }

    fn masternodes_at(&self, height: u32) -> Reply<'_, Vec<Entry>> {
        self.answer(Request::MasternodesAt(height), move |script| {
            next_at(&mut script.masternodes_at, &height)?.ok_or_else(|| unscripted("masternodes_at"))
        })
    }

    fn list_diff(&self, base: u32, height: u32) -> Reply<'_, Option<ListDiff>> {
        self.answer(Request::ListDiff { base, height }, move |script| {
            next_at(&mut script.list_diff, &(base, height))
        })
    }

    fn block_at(&self, height: u32) -> Reply<'_, Option<Tip>> {
        self.answer(Request::BlockAt(height), move |script| {
            next_at(&mut script.block_at, &height)
        })
    }

    fn payments(&self, last: u32, count: u32) -> Reply<'_, Vec<Payment>> {
        self.answer(Request::Payments { last, count }, move |script| {
            next_at(&mut script.payments, &(last, count))?.ok_or_else(|| unscripted("payments"))
        })
    }

    fn memberships(&self, pro_tx_hash: ProTxHash, count: u32) -> Reply<'_, Option<Vec<Membership>>> {
        self.answer(Request::Memberships { pro_tx_hash, count }, move |script| {
            next_at(&mut script.memberships, &pro_tx_hash)
        })
    }

    fn peer_version(&self, service: Service) -> Reply<'_, Option<u32>> {
        self.answer(Request::PeerVersion(service), move |script| {
            next_at(&mut script.peer_version, &service)
        })
    }

    fn masternode(&self, pro_tx_hash: ProTxHash) -> Reply<'_, Option<Entry>> {
        self.answer(Request::Masternode(pro_tx_hash), move |script| {
            next_at(&mut script.masternode, &pro_tx_hash)
        })
    }

    fn coin(&self, outpoint: OutPoint) -> Reply<'_, Option<FoundCoin>> {
        self.answer(Request::Coin(outpoint), move |script| {
            next_at(&mut script.coin, &outpoint)
        })
    }

    fn transaction(&self, txid: Txid) -> Reply<'_, Option<FoundTx>> {
        self.answer(Request::Transaction(txid), move |script| {
            next_at(&mut script.transaction, &txid)
        })
    }

    fn coins_of(&self, addresses: Vec<Address>, hints: Vec<OutPoint>) -> Reply<'_, CoinSearch> {
        self.answer(Request::CoinsOf { addresses, hints }, |script| {
            script.coins_of.next_of("coins_of")
        })
    }

    fn fee_rate(&self) -> Reply<'_, FeeRate> {
        if self.script().silent {
            return Box::pin(std::future::pending());
        }
        self.answer(Request::FeeRate, |script| script.fee_rate.next_of("fee_rate"))
    }

    fn pending(&self) -> Reply<'_, Option<Vec<Pending>>> {
        self.answer(Request::Pending, |script| script.pending.next_of("pending"))
    }

    fn wallet_coins(&self) -> Reply<'_, WalletCoins> {
        self.answer(Request::WalletCoins, |script| {
            script.wallet_coins.next_of("wallet_coins")
        })
    }

    fn wallet_sign(&self, tx: Transaction) -> Reply<'_, Transaction> {
        self.answer(Request::WalletSign(tx), |script| {
            script.wallet_sign.next_of("wallet_sign")
        })
    }

    fn broadcast(&self, tx: Transaction) -> Reply<'_, Txid> {
        let txid = tx.txid();
        self.answer(Request::Broadcast(tx), move |script| {
            script.broadcast.next().unwrap_or(Ok(txid))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin::BlockHash;
    use bitcoin::hashes::Hash;

    fn tip(height: u32) -> Tip {
        Tip {
            height,
            hash: BlockHash::all_zeros(),
            time: 0,
        }
    }

    #[tokio::test]
    async fn answers_come_in_order_and_the_last_one_stays() {
        let node = FakeNode::new().with_tip(Ok(tip(1))).with_tip(Ok(tip(2)));
        for height in [1, 2, 2] {
            assert_eq!(node.tip().await, Ok(tip(height)));
        }
        assert_eq!(node.requests(), [Request::Tip, Request::Tip, Request::Tip]);
    }

    #[tokio::test]
    async fn what_is_not_scripted_is_unknown_and_a_broadcast_succeeds() {
        let node = FakeNode::new();
        assert!(matches!(node.status().await, Err(RpcError::UnknownMethod { .. })));
        assert_eq!(node.coin(OutPoint::null()).await, Ok(None));
        let tx = Transaction {
            version: 2,
            kind: 0,
            inputs: Vec::new(),
            outputs: Vec::new(),
            lock_time: 0,
            payload: Vec::new(),
        };
        assert_eq!(node.clone().broadcast(tx.clone()).await, Ok(tx.txid()));
        assert_eq!(node.broadcasts(), [tx]);
    }
}
