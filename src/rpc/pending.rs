//! Unconfirmed provider transactions, which may stand in the way of ours (`protx-dup`).
//!
//! No version lists them by type, so every transaction of the mempool is looked at, once: the next question only looks at new ones.

use std::collections::{HashMap, HashSet};

use bitcoin::Txid;
use serde_json::json;

use super::RpcError;
use super::client::Client;
use super::json::parse;
use super::types::{bare_transaction, texts};
use crate::protocol::Transaction;
use crate::protocol::rules::Pending;
use crate::protocol::tx::{PRO_REG, PRO_UP_REV, SPECIAL_VERSION};

/// A larger mempool is not looked through: the node would rightly mind.
const MAX_MEMPOOL: usize = 2_000;
/// Transactions fetched per question.
const MAX_LOOKUPS: usize = 500;

/// What the mempool held when last asked: provider transactions, and none for those of other kinds.
pub(super) type Seen = HashMap<Txid, Option<Transaction>>;

impl Client {
    /// None where the node does not list its mempool, or where there is too much of it to know all.
    pub(super) async fn read_pending(&self) -> Result<Option<Vec<Pending>>, RpcError> {
        let txids = match self.get("getrawmempool", json!([]), texts::<Txid>).await {
            Ok(txids) if txids.len() <= MAX_MEMPOOL => txids,
            Ok(_) | Err(RpcError::UnknownMethod { .. } | RpcError::Forbidden { .. } | RpcError::TooLarge { .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let mut seen = self.seen.lock().await;
        let present: HashSet<Txid> = txids.iter().copied().collect();
        seen.retain(|txid, _| present.contains(txid));
        let unknown: Vec<Txid> = present
            .iter()
            .filter(|txid| !seen.contains_key(*txid))
            .copied()
            .collect();
        let now = &unknown[..unknown.len().min(MAX_LOOKUPS)];
        let complete = self.look_at(now, &mut seen).await? && now.len() == unknown.len();
        let provider = seen.iter().filter_map(|(txid, tx)| {
            Some(Pending {
                txid: *txid,
                tx: tx.clone()?,
            })
        });
        Ok(complete.then(|| provider.collect()))
    }

    /// Fetches transactions; false where the node would not give one.
    async fn look_at(&self, txids: &[Txid], seen: &mut Seen) -> Result<bool, RpcError> {
        let calls = txids
            .iter()
            .map(|txid| ("getrawtransaction", json!([txid.to_string(), false])));
        let mut complete = true;
        for (txid, answer) in txids.iter().zip(self.ask_many(calls.collect()).await?) {
            match answer {
                Ok(raw) => {
                    let tx = parse("getrawtransaction", &raw, |json| bare_transaction(json, *txid))?;
                    seen.insert(*txid, is_provider(&tx).then_some(tx));
                }
                // Mined or dropped since the list was made.
                Err(RpcError::Failed { code: -5, .. }) => {}
                Err(_) => complete = false,
            }
        }
        Ok(complete)
    }
}

fn is_provider(tx: &Transaction) -> bool {
    tx.version == SPECIAL_VERSION && (PRO_REG..=PRO_UP_REV).contains(&tx.kind)
}
