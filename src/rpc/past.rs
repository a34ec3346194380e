//! What a node tells of other heights than the tip's: lists, what changed between them, blocks, payments, quorums.

use bitcoin::BlockHash;
use serde_json::{Value, json};

use super::capabilities::LIST_DIFF;
use super::client::Client;
use super::http::Size;
use super::json::parse;
use super::{ListDiff, Membership, Payment, RpcError, Tip};
use crate::protocol::ProTxHash;
use crate::protocol::masternode::Entry;
use crate::protocol::rules::Dialect;

/// Blocks asked of `masternode payments` at once: the node reads each of them.
const PAYMENTS_AT_ONCE: u32 = 500;

impl Client {
    /// `getnetworkinfo.version`, asked once.
    pub(super) async fn version(&self) -> Result<u64, RpcError> {
        if let Some(version) = self.learned().version {
            return Ok(version);
        }
        let version = |json: &super::json::Json<'_>| json.get("version")?.u64();
        let version = self.get("getnetworkinfo", json!([]), version).await?;
        self.learned().version = Some(version);
        Ok(version)
    }

    /// Whether `protx listdiff` is worth asking.
    pub(super) async fn has_list_diff(&self) -> Result<bool, RpcError> {
        let learned = self.learned().list_diff;
        match learned {
            Some(there) => Ok(there),
            None => Ok(self.version().await? >= LIST_DIFF),
        }
    }

    pub(super) async fn read_masternodes_at(&self, height: u32) -> Result<Vec<Entry>, RpcError> {
        self.entries(json!(["list", "registered", true, height])).await
    }

    /// Asks in both directions, because nodes leave out what became empty.
    pub(super) async fn read_list_diff(&self, base: u32, height: u32) -> Result<Option<ListDiff>, RpcError> {
        if !self.has_list_diff().await? {
            return Ok(None);
        }
        let Some(mut diff) = self.ask_diff(json!(base), json!(height)).await? else {
            return Ok(None);
        };
        let back = match diff.updated.is_empty() {
            true => None,
            false => self.ask_diff(json!(height), json!(base)).await?,
        };
        if let Some(back) = &back {
            diff.fill_gaps(back);
        }
        let right = |diff: &ListDiff, base, height| diff.base == base && diff.height == height;
        match right(&diff, base, height) && back.is_none_or(|back| right(&back, height, base)) {
            true => Ok(Some(diff)),
            false => Err(RpcError::OtherData {
                method: "protx listdiff".to_owned(),
            }),
        }
    }

    /// One direction, between blocks named by height or hash. None: no such call.
    pub(super) async fn ask_diff(&self, base: Value, block: Value) -> Result<Option<ListDiff>, RpcError> {
        match self.ask("protx", json!(["listdiff", base, block]), Size::List).await {
            Ok(raw) => {
                self.learned().list_diff = Some(true);
                parse("protx listdiff", &raw, |json| ListDiff::read(json, &self.profile)).map(Some)
            }
            Err(error) if is_unknown(&error) => {
                self.learned().list_diff = Some(false);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn read_block_at(&self, height: u32) -> Result<Option<Tip>, RpcError> {
        let hash = match self.hash_at(height).await {
            Ok(hash) => hash,
            Err(RpcError::Failed { code: -8, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let tip = self.header(hash).await?.tip();
        match tip.height == height {
            true => Ok(Some(tip)),
            false => Err(RpcError::OtherData {
                method: "getblockheader".to_owned(),
            }),
        }
    }

    pub(super) async fn hash_at(&self, height: u32) -> Result<BlockHash, RpcError> {
        self.get("getblockhash", json!([height]), |json| json.parsed()).await
    }

    pub(super) async fn read_payments(&self, last: u32, count: u32) -> Result<Vec<Payment>, RpcError> {
        let named = Dialect::of_version(self.version().await?) != Dialect::V17;
        let first = last.saturating_add(1).saturating_sub(count).max(1);
        let mut parts = Vec::new();
        let mut end = last;
        while end >= first {
            let start = end.saturating_add(1).saturating_sub(PAYMENTS_AT_ONCE).max(first);
            parts.push(self.payments_between(start, end, named).await?);
            end = start - 1;
        }
        Ok(parts.into_iter().rev().flatten().collect())
    }

    async fn payments_between(&self, first: u32, last: u32, named: bool) -> Result<Vec<Payment>, RpcError> {
        let hash = self.hash_at(last).await?;
        let count = i64::from(last - first) + 1;
        let params = json!(["payments", hash.to_string(), -count]);
        let raw = self.ask("masternode", params, Size::List).await?;
        let method = "masternode payments";
        let mut found: Vec<Payment> = parse(method, &raw, |json| {
            let blocks = json.items()?.map(|block| Payment::read(&block, &self.profile, named));
            blocks.collect::<Result<Vec<_>, _>>().map(|all| all.concat())
        })?;
        found.sort_by_key(|payment| payment.height);
        let asked = |payment: &Payment| (first..=last).contains(&payment.height);
        match found.iter().all(asked) {
            true => Ok(found),
            false => Err(RpcError::OtherData {
                method: method.to_owned(),
            }),
        }
    }

    pub(super) async fn read_memberships(
        &self,
        hash: ProTxHash,
        count: u32,
    ) -> Result<Option<Vec<Membership>>, RpcError> {
        let params = json!(["memberof", hash.to_string(), count.max(1)]);
        let read = |json: &super::json::Json<'_>| {
            let all = json.items()?.map(|item| Membership::read(&item));
            all.collect::<Result<Vec<_>, _>>()
        };
        match self.get("quorum", params, read).await {
            Ok(all) => Ok(Some(all)),
            Err(error) if is_unknown(&error) => Ok(None),
            Err(RpcError::Failed { code: -8, message, .. }) if message.contains("not found") => Ok(Some(Vec::new())),
            Err(error) => Err(error),
        }
    }
}

/// An unknown method or sub-command. 0.17 answers the latter with its whole help text.
fn is_unknown(error: &RpcError) -> bool {
    match error {
        RpcError::UnknownMethod { .. } => true,
        RpcError::Failed { code: -8, message, .. } => message.starts_with("Must be a valid command"),
        RpcError::Failed { code: -1, message, .. } => message.contains("\"command\""),
        _ => false,
    }
}
