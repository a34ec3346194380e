//! The port [`Node`] over JSON-RPC. Asks, reads and checks; what an answer looks like is `types`, how it travels is `http`.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use bitcoin::{BlockHash, OutPoint, Txid};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::broadcast::Refusal;
use super::capabilities::{Learned, capabilities};
use super::endpoint::Endpoint;
use super::http::{Answer, Call, Http, Limits, Size};
use super::json::{Json, parse, parse_list};
use super::list::Kept;
use super::pending::Seen;
use super::types::{self, ChainInfo, Forks, Header, NetworkInfo, raw_transaction};
use super::{
    CoinSearch, FeeRate, FoundCoin, FoundTx, ListDiff, MasternodeList, Membership, Node, NodeStatus, Payment, Reply,
    RpcError, Tip, WalletCoins,
};
use crate::protocol::masternode::Entry;
use crate::protocol::rules::Pending;
use crate::protocol::special_tx::Service;
use crate::protocol::tx::PRO_REG;
use crate::protocol::{Address, Amount, ProTxHash, Profile, Transaction};

/// Calls in one batch: enough to make distance cheap, few enough for any proxy.
const BATCH: usize = 100;
/// Outputs tried to find the block of a transaction on a node without transaction index.
const OUTPUTS_TRIED: u32 = 16;
/// Above this a fee is surely a mistake or a lie of the node: 0.01 coin per 1000 bytes.
const MAX_FEE_RATE: Amount = Amount::from_duffs(1_000_000);
/// Minimum relay fee of every version so far (DEFAULT_MIN_RELAY_TX_FEE), for nodes that claim less.
const MIN_FEE_RATE: Amount = Amount::from_duffs(1_000);
/// Blocks within which a transaction should be mined, as asked of `estimatesmartfee`.
const FEE_TARGET: u32 = 2;

/// A node reached by JSON-RPC.
pub struct Client {
    http: Http,
    pub(super) profile: Arc<Profile>,
    /// Set once the node proved to be on the profile's chain.
    chain: OnceCell<()>,
    learned: Mutex<Learned>,
    pub(super) seen: tokio::sync::Mutex<Seen>,
    pub(super) list: tokio::sync::Mutex<Option<Kept>>,
}

impl Client {
    /// A client for a node. Asks nothing yet: the first call of the session compares the chains.
    ///
    /// # Errors
    /// [`RpcError::Certificate`] on a machine without a certificate store, for an https URL.
    pub fn connect(endpoint: Endpoint, profile: Arc<Profile>) -> Result<Self, RpcError> {
        Self::with_limits(endpoint, profile, Limits::default())
    }

    /// As [`Client::connect`], with other patience.
    ///
    /// # Errors
    /// Those of `connect`.
    pub fn with_limits(endpoint: Endpoint, profile: Arc<Profile>, limits: Limits) -> Result<Self, RpcError> {
        Ok(Self {
            http: Http::new(endpoint, limits)?,
            profile,
            chain: OnceCell::new(),
            learned: Mutex::default(),
            seen: tokio::sync::Mutex::default(),
            list: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn learned(&self) -> MutexGuard<'_, Learned> {
        // Nothing panics while it is held; a poisoned value would still be a set of plain facts.
        self.learned.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn busy(&self) -> RpcError {
        RpcError::Busy { url: self.http.shown() }
    }

    /// Compares block 0 with the profile's: forks share ports, prefixes and chain names.
    async fn check_chain(&self) -> Result<(), RpcError> {
        let raw = self.http.call("getblockhash", json!([0]), Size::Small).await?;
        let found: BlockHash = parse("getblockhash", &raw, |json| json.parsed())?;
        if found == self.profile.genesis {
            Ok(())
        } else {
            Err(RpcError::OtherChain {
                found,
                expected: self.profile.genesis,
                network: self.profile.name.clone(),
            })
        }
    }

    /// One question, on the right chain.
    pub(super) async fn ask(&self, method: &str, params: Value, size: Size) -> Answer {
        self.chain.get_or_try_init(|| self.check_chain()).await?;
        tracing::debug!(method, "asks the node");
        self.http.call(method, params, size).await
    }

    /// One question with a short answer, read with `read`.
    pub(super) async fn get<T>(
        &self,
        method: &str,
        params: Value,
        read: impl FnOnce(&Json<'_>) -> Result<T, RpcError>,
    ) -> Result<T, RpcError> {
        parse(method, &self.ask(method, params, Size::Small).await?, read)
    }

    /// Many questions: in batches, or one by one where the node or what stands before it takes no batches.
    pub(super) async fn ask_many(&self, calls: Vec<Call<'_>>) -> Result<Vec<Answer>, RpcError> {
        self.chain.get_or_try_init(|| self.check_chain()).await?;
        let mut answers = Vec::with_capacity(calls.len());
        for chunk in calls.chunks(BATCH) {
            answers.extend(self.ask_batch(chunk).await?);
        }
        Ok(answers)
    }

    async fn ask_batch(&self, calls: &[Call<'_>]) -> Result<Vec<Answer>, RpcError> {
        if self.learned().batches != Some(false) {
            match self.http.batch(calls.to_vec(), Size::List).await {
                Ok(answers) => {
                    self.learned().batches = Some(true);
                    return Ok(answers);
                }
                Err(RpcError::NotANode { .. } | RpcError::Forbidden { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut answers = Vec::with_capacity(calls.len());
        for (method, params) in calls {
            let answer = self.http.call(method, params.clone(), Size::Small).await;
            match answer {
                Err(error) if is_broken(&error) => return Err(error),
                answer => answers.push(answer),
            }
        }
        // One by one works, so it was the batch that was refused.
        self.learned().batches.get_or_insert(false);
        Ok(answers)
    }

    pub(super) async fn header(&self, hash: BlockHash) -> Result<Header, RpcError> {
        let header = self
            .get("getblockheader", json!([hash.to_string()]), Header::read)
            .await?;
        if header.hash == hash {
            Ok(header)
        } else {
            Err(RpcError::OtherData {
                method: "getblockheader".to_owned(),
            })
        }
    }

    async fn read_tip(&self) -> Result<Tip, RpcError> {
        let hash: BlockHash = self.get("getbestblockhash", json!([]), |json| json.parsed()).await?;
        self.tip_of(hash).await
    }

    /// The block of a hash; asked only if it is not the one asked for last.
    pub(super) async fn tip_of(&self, hash: BlockHash) -> Result<Tip, RpcError> {
        if let Some(tip) = self.learned().tip.filter(|tip| tip.hash == hash) {
            return Ok(tip);
        }
        let tip = self.header(hash).await?.tip();
        self.learned().tip = Some(tip);
        Ok(tip)
    }

    async fn read_status(&self) -> Result<NodeStatus, RpcError> {
        // Again at every status, although a session is checked once: a user may have started another node on the port.
        self.check_chain().await?;
        let network = self.get("getnetworkinfo", json!([]), NetworkInfo::read).await?;
        let chain = self.get("getblockchaininfo", json!([]), ChainInfo::read).await?;
        let tip = self.tip_of(chain.best).await?;
        let forks = self.forks(&chain).await;
        self.learned().version = Some(network.version);
        let follows = self.follows_chain().await;
        self.probe().await;
        let capabilities = capabilities(&network, &chain, forks, &self.profile.activation, &self.learned());
        Ok(NodeStatus {
            subversion: network.subversion,
            version: network.version,
            protocol_version: network.protocol_version,
            chain: chain.chain,
            genesis: self.profile.genesis,
            tip,
            headers: chain.headers,
            synced: chain.blocks >= chain.headers
                && (!chain.initial_download || follows == Some(true))
                // Without peers (a test network of one) this sync never ends, although the node has all there is.
                && (follows != Some(false) || network.connections == 0),
            connections: network.connections,
            capabilities,
        })
    }

    async fn forks(&self, chain: &ChainInfo) -> Forks {
        if chain.forks.told {
            return chain.forks;
        }
        let told = self
            .get("getdeploymentinfo", json!([]), Forks::of_deployment_info)
            .await;
        self.learned().forks = told.as_ref().ok().copied();
        told.unwrap_or(chain.forks)
    }

    /// `mnsync`: none where it does not say.
    async fn follows_chain(&self) -> Option<bool> {
        let read = |json: &Json<'_>| json.optional("IsBlockchainSynced", |json| json.flag());
        self.get("mnsync", json!(["status"]), read).await.ok().flatten()
    }

    /// Asks, once per session, what only answers can tell. A refusal is an answer.
    async fn probe(&self) {
        if self.learned().probed {
            return;
        }
        // No key has this hash, so the list is short; and no transaction has this one.
        let address = Address::PubkeyHash([1; 20]).to_text(&self.profile);
        let txid = "11".repeat(32);
        let calls = vec![
            ("getaddressutxos", json!([{"addresses": [address]}])),
            ("getrawtransaction", json!([txid, true])),
            ("listwallets", json!([])),
        ];
        let Ok(answers) = self.ask_many(calls).await else {
            return;
        };
        let has_wallet = answers.get(2).and_then(read_wallets);
        let mut learned = self.learned();
        learned.probed = true;
        if let [utxos, transaction, ..] = answers.as_slice() {
            learned.address_index(utxos);
            learned.tx_index(transaction);
        }
        learned.wallet = has_wallet.or(learned.wallet);
    }

    async fn read_masternode(&self, hash: ProTxHash) -> Result<Option<Entry>, RpcError> {
        let read = |json: &Json<'_>| types::entry(json, &self.profile);
        match self.get("protx", json!(["info", hash.to_string()]), read).await {
            Ok(entry) if entry.pro_tx_hash == hash => Ok(Some(entry)),
            Ok(_) => Err(RpcError::OtherData {
                method: "protx info".to_owned(),
            }),
            Err(RpcError::Failed { code: -8, message, .. }) if message.contains("not found") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `getpeerinfo`: whom the node reached at the service itself. Who came to the node has another port.
    async fn read_peer_version(&self, service: Service) -> Result<Option<u32>, RpcError> {
        let raw = self.ask("getpeerinfo", json!([]), Size::List).await?;
        let peers = parse_list("getpeerinfo", raw.get(), |peer| {
            let address: Option<Service> = peer.optional("addr", |json| Ok(json.text()?.parse().ok()))?.flatten();
            // 0 until it said who it is.
            let version = peer
                .optional("version", |json| json.u32())?
                .filter(|version| *version > 0);
            Ok((address, version))
        })?;
        let reached = peers.into_iter().find(|(address, _)| *address == Some(service));
        Ok(reached.and_then(|(_, version)| version))
    }

    pub(super) async fn read_coin(&self, outpoint: OutPoint) -> Result<Option<FoundCoin>, RpcError> {
        let read = |json: &Json<'_>| types::unspent(json, outpoint, &self.profile);
        let in_chain = self.get("gettxout", unspent_params(outpoint, false), read).await?;
        let with_mempool = self.get("gettxout", unspent_params(outpoint, true), read).await?;
        Ok(match (in_chain, with_mempool) {
            (Some((coin, _)), None) => Some(FoundCoin {
                spent_in_mempool: true,
                ..coin
            }),
            (Some((coin, _)), Some(_)) | (None, Some((coin, _))) => Some(coin),
            (None, None) => None,
        })
    }

    pub(super) async fn read_transaction(&self, txid: Txid) -> Result<Option<FoundTx>, RpcError> {
        let found = self.raw_transaction(json!([txid.to_string(), true]), txid).await;
        self.learned().tx_index(&found);
        match found {
            Ok(found) => Ok(Some(found)),
            Err(RpcError::Failed { code: -5, .. }) if self.learned().tx_index == Some(true) => Ok(None),
            Err(RpcError::Failed { code: -5, .. }) => self.transaction_by_block(txid).await,
            Err(error) => Err(error),
        }
    }

    async fn raw_transaction(&self, params: Value, txid: Txid) -> Result<FoundTx, RpcError> {
        self.get("getrawtransaction", params, |json| raw_transaction(json, txid))
            .await
    }

    /// Without a transaction index: an output that is still unspent tells the block, and with the block the node finds it.
    async fn transaction_by_block(&self, txid: Txid) -> Result<Option<FoundTx>, RpcError> {
        let outputs = (0..OUTPUTS_TRIED).map(|vout| OutPoint { txid, vout });
        let calls = outputs
            .clone()
            .map(|output| ("gettxout", unspent_params(output, false)));
        let answers = self.ask_many(calls.collect()).await?;
        let found = answers.iter().zip(outputs).find_map(|(answer, output)| {
            let raw = answer.as_ref().ok()?;
            parse("gettxout", raw, |json| types::unspent(json, output, &self.profile)).ok()?
        });
        let Some((coin, best)) = found else {
            return Ok(None);
        };
        let tip = self.header(best).await?.height;
        let Some(height) = tip.checked_add(1).and_then(|next| next.checked_sub(coin.confirmations)) else {
            return Err(super::json::malformed("gettxout", "confirmations"));
        };
        let block: BlockHash = self.get("getblockhash", json!([height]), |json| json.parsed()).await?;
        let params = json!([txid.to_string(), true, block.to_string()]);
        match self.raw_transaction(params, txid).await {
            Ok(found) => Ok(Some(found)),
            // A block that was pruned or replaced meanwhile.
            Err(RpcError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read_fee_rate(&self) -> Result<FeeRate, RpcError> {
        let network = self.get("getnetworkinfo", json!([]), NetworkInfo::read).await?;
        let least = |json: &Json<'_>| json.optional("mempoolminfee", |json| json.coins());
        let mempool = self.get("getmempoolinfo", json!([]), least).await.ok().flatten();
        let estimate = |json: &Json<'_>| json.optional("feerate", |json| json.coins());
        let estimate = self.get("estimatesmartfee", json!([FEE_TARGET]), estimate).await;
        let relay = network.relay_fee.max(mempool).unwrap_or(MIN_FEE_RATE);
        Ok(fee_rate(relay, estimate.ok().flatten()))
    }

    async fn send(&self, tx: Transaction) -> Result<Txid, RpcError> {
        let txid = tx.txid();
        // Exactly one parameter: the second is a flag in 0.17 and a fee rate later.
        match self
            .get("sendrawtransaction", json!([tx.to_hex()]), |json| json.parsed::<Txid>())
            .await
        {
            Ok(told) if told == txid => Ok(txid),
            Ok(_) => Err(RpcError::OtherData {
                method: "sendrawtransaction".to_owned(),
            }),
            Err(error) => match Refusal::of(error) {
                Refusal::KnownAlready => Ok(txid),
                Refusal::MissingInputs(_) if self.knows(&tx, txid).await => Ok(txid),
                Refusal::MissingInputs(error) | Refusal::Rejected(error) | Refusal::Other(error) => Err(error),
            },
        }
    }

    /// Whether the node has a transaction; a node that cannot tell does not know it.
    async fn knows(&self, tx: &Transaction, txid: Txid) -> bool {
        let found = self.read_transaction(txid).await;
        // Without transaction index, a registration is still known by the masternode it made.
        matches!(found, Ok(Some(_))) || (tx.kind == PRO_REG && matches!(self.read_masternode(txid).await, Ok(Some(_))))
    }
}

/// Parameters of `gettxout`.
pub(super) fn unspent_params(outpoint: OutPoint, with_mempool: bool) -> Value {
    json!([outpoint.txid.to_string(), outpoint.vout, with_mempool])
}

/// Whether asking the next question is pointless as well.
fn is_broken(error: &RpcError) -> bool {
    !matches!(
        error,
        RpcError::Failed { .. }
            | RpcError::UnknownMethod { .. }
            | RpcError::Forbidden { .. }
            | RpcError::TooLarge { .. }
    )
}

fn read_wallets(answer: &Answer) -> Option<bool> {
    match answer {
        Ok(raw) => wallets(raw).ok().map(|names| !names.is_empty()),
        Err(RpcError::UnknownMethod { .. }) => Some(false),
        Err(_) => None,
    }
}

fn wallets(raw: &RawValue) -> Result<Vec<String>, RpcError> {
    parse("listwallets", raw, types::texts)
}

/// Twice the relay minimum is worth paying even on an empty chain: nodes on the way may ask for more than ours, minima rise with
/// a filling mempool, and a registration stuck for a fraction of a cent costs days of rewards. No rate above [`MAX_FEE_RATE`]
/// is advised, whatever the node says; if it then asks for more than that, the rules refuse the transaction before it is signed.
fn fee_rate(relay: Amount, estimate: Option<Amount>) -> FeeRate {
    let least = Amount::from_duffs(relay.max(MIN_FEE_RATE).duffs().saturating_mul(2));
    let advised = estimate.unwrap_or(least).max(least).min(MAX_FEE_RATE);
    FeeRate { advised, relay }
}

impl Node for Client {
    fn status(&self) -> Reply<'_, NodeStatus> {
        Box::pin(self.read_status())
    }

    fn tip(&self) -> Reply<'_, Tip> {
        Box::pin(self.read_tip())
    }

    fn masternodes(&self) -> Reply<'_, MasternodeList> {
        Box::pin(self.read_masternodes())
    }

    fn masternodes_at(&self, height: u32) -> Reply<'_, Vec<Entry>> {
        Box::pin(self.read_masternodes_at(height))
    }

    fn list_diff(&self, base: u32, height: u32) -> Reply<'_, Option<ListDiff>> {
        Box::pin(self.read_list_diff(base, height))
    }

    fn block_at(&self, height: u32) -> Reply<'_, Option<Tip>> {
        Box::pin(self.read_block_at(height))
    }

    fn payments(&self, last: u32, count: u32) -> Reply<'_, Vec<Payment>> {
        Box::pin(self.read_payments(last, count))
    }

    fn memberships(&self, pro_tx_hash: ProTxHash, count: u32) -> Reply<'_, Option<Vec<Membership>>> {
        Box::pin(self.read_memberships(pro_tx_hash, count))
    }

    fn peer_version(&self, service: Service) -> Reply<'_, Option<u32>> {
        Box::pin(self.read_peer_version(service))
    }

    fn masternode(&self, pro_tx_hash: ProTxHash) -> Reply<'_, Option<Entry>> {
        Box::pin(self.read_masternode(pro_tx_hash))
    }

    fn coin(&self, outpoint: OutPoint) -> Reply<'_, Option<FoundCoin>> {
        Box::pin(self.read_coin(outpoint))
    }

    fn transaction(&self, txid: Txid) -> Reply<'_, Option<FoundTx>> {
        Box::pin(self.read_transaction(txid))
    }

    fn coins_of(&self, addresses: Vec<Address>, hints: Vec<OutPoint>) -> Reply<'_, CoinSearch> {
        Box::pin(self.find_coins(addresses, hints))
    }

    fn fee_rate(&self) -> Reply<'_, FeeRate> {
        Box::pin(self.read_fee_rate())
    }

    fn pending(&self) -> Reply<'_, Option<Vec<Pending>>> {
        Box::pin(self.read_pending())
    }

    fn wallet_coins(&self) -> Reply<'_, WalletCoins> {
        Box::pin(self.read_wallet())
    }

    fn wallet_sign(&self, tx: Transaction) -> Reply<'_, Transaction> {
        Box::pin(self.sign_with_wallet(tx))
    }

    fn broadcast(&self, tx: Transaction) -> Reply<'_, Txid> {
        Box::pin(self.send(tx))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({:?}, {})", self.http, self.profile.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advised_fee_stays_between_twice_the_minimum_and_the_ceiling() {
        let rate = |relay, estimate: Option<u64>| fee_rate(Amount::from_duffs(relay), estimate.map(Amount::from_duffs));
        assert_eq!(rate(1_000, None).advised.duffs(), 2_000);
        assert_eq!(rate(1_000, Some(10_142)).advised.duffs(), 10_142);
        assert_eq!(rate(1_000, Some(1)).advised.duffs(), 2_000);
        assert_eq!(rate(0, None).advised.duffs(), 2_000);
        assert_eq!(rate(1_000, Some(u64::MAX)).advised, MAX_FEE_RATE);
        assert_eq!(rate(u64::MAX, None).advised, MAX_FEE_RATE);
    }
}
