//! Finds the coins of addresses, by whatever a node offers: its address index, a scan of the UTXO set, a watch-only wallet, or
//! outpoints the user named. Whoever lists them, a coin counts only if its script is that of an address asked for.

use std::collections::HashSet;

use bitcoin::{OutPoint, ScriptBuf};
use serde_json::{Value, json};

use super::client::{Client, unspent_params};
use super::http::Size;
use super::json::{Json, parse, parse_list};
use super::types::{self, Listed, mempool_spend};
use super::{CoinSearch, CoinSource, FoundCoin, RpcError};
use crate::protocol::{Address, Profile};

/// What is looked for.
struct Wanted {
    /// As the node's network writes them.
    texts: Vec<String>,
    scripts: HashSet<ScriptBuf>,
    hints: Vec<OutPoint>,
}

impl Client {
    pub(super) async fn find_coins(
        &self,
        addresses: Vec<Address>,
        hints: Vec<OutPoint>,
    ) -> Result<CoinSearch, RpcError> {
        if addresses.is_empty() {
            return Ok(CoinSearch {
                coins: Vec::new(),
                source: CoinSource::NamedOutpoints,
            });
        }
        let wanted = Wanted {
            texts: addresses.iter().map(|address| address.to_text(&self.profile)).collect(),
            scripts: addresses.iter().map(|address| address.script()).collect(),
            hints,
        };
        let (coins, source) = if let Some(coins) = self.by_index(&wanted).await? {
            (coins, CoinSource::AddressIndex)
        } else if let Some(coins) = self.by_scan(&wanted).await? {
            (coins, CoinSource::UtxoScan)
        } else if let Some(coins) = self.by_wallet(&wanted).await? {
            (coins, CoinSource::WatchOnlyWallet)
        } else if wanted.hints.is_empty() {
            return Err(RpcError::NoCoinSearch);
        } else {
            (self.by_hints(&wanted).await?, CoinSource::NamedOutpoints)
        };
        Ok(CoinSearch { coins, source })
    }

    /// None: no address index here.
    async fn by_index(&self, wanted: &Wanted) -> Result<Option<Vec<FoundCoin>>, RpcError> {
        if self.learned().address_index == Some(false) {
            return Ok(None);
        }
        let params = json!([{"addresses": wanted.texts}]);
        let answer = self.ask("getaddressutxos", params.clone(), Size::List).await;
        self.learned().address_index(&answer);
        let Some(raw) = unless_missing(answer, self.learned().address_index)? else {
            return Ok(None);
        };
        let listed = parse_list("getaddressutxos", raw.get(), |json| {
            Listed::indexed(json, &self.profile)
        })?;
        let listed = wanted.matching(listed);
        match self.spends_of(params).await? {
            Some(spends) => {
                let unspent = listed.into_iter().filter(|coin| !spends.contains(&coin.outpoint));
                self.dated(unspent.collect(), wanted).await.map(Some)
            }
            None => self.confirmed(outpoints(&listed), wanted).await.map(Some),
        }
    }

    /// Outputs that unconfirmed transactions spend; none if the node does not tell.
    async fn spends_of(&self, params: Value) -> Result<Option<HashSet<OutPoint>>, RpcError> {
        match self.ask("getaddressmempool", params, Size::List).await {
            Ok(raw) => {
                let spends = parse_list("getaddressmempool", raw.get(), mempool_spend)?;
                Ok(Some(spends.into_iter().flatten().collect()))
            }
            Err(RpcError::UnknownMethod { .. } | RpcError::Forbidden { .. } | RpcError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Confirmations from heights. Only young coins are asked for one by one: for old ones it no longer matters whether a
    /// coinbase made them, and they are given as if none had.
    async fn dated(&self, listed: Vec<Listed>, wanted: &Wanted) -> Result<Vec<FoundCoin>, RpcError> {
        let tip: u32 = self.get("getblockcount", json!([]), |json| json.u32()).await?;
        let coins: Vec<FoundCoin> = listed.into_iter().map(|coin| coin.at_tip(tip)).collect();
        let maturity = self.profile.coinbase_maturity;
        let (young, mut coins): (Vec<_>, Vec<_>) = coins.into_iter().partition(|coin| coin.confirmations < maturity);
        let young: Vec<OutPoint> = young.into_iter().map(|coin| coin.outpoint).collect();
        coins.extend(self.confirmed(young, wanted).await?);
        Ok(coins)
    }

    /// None: this node scans nothing.
    async fn by_scan(&self, wanted: &Wanted) -> Result<Option<Vec<FoundCoin>>, RpcError> {
        if self.learned().scan == Some(false) {
            return Ok(None);
        }
        let method = "scantxoutset";
        let descriptors: Vec<String> = wanted.texts.iter().map(|text| format!("addr({text})")).collect();
        let raw = match self.ask(method, json!(["start", descriptors]), Size::Scan).await {
            Ok(raw) => raw,
            Err(RpcError::UnknownMethod { .. } | RpcError::Forbidden { .. }) => {
                self.learned().scan = Some(false);
                return Ok(None);
            }
            // Somebody else's scan, or one of ours that nobody waits for any more.
            Err(RpcError::Failed { code: -8, message, .. }) if message.contains("in progress") => {
                return Err(self.busy());
            }
            Err(error) => return Err(error),
        };
        self.learned().scan = Some(true);
        let listed = parse(method, &raw, |json| read_scan(json, &self.profile))?;
        let listed = wanted.matching(listed);
        self.confirmed(outpoints(&listed), wanted).await.map(Some)
    }

    /// None: no wallet, or one that does not watch all addresses asked for.
    async fn by_wallet(&self, wanted: &Wanted) -> Result<Option<Vec<FoundCoin>>, RpcError> {
        if self.learned().wallet == Some(false) {
            return Ok(None);
        }
        let watched = self.watches_all(wanted).await?;
        if watched != Some(true) {
            return Ok(None);
        }
        self.learned().wallet = Some(true);
        let params = json!([1, 9_999_999, wanted.texts]);
        let raw = self.ask("listunspent", params, Size::List).await?;
        let listed = parse_list("listunspent", raw.get(), |json| Listed::scanned(json, &self.profile))?;
        let mut found = outpoints(&wanted.matching(listed));
        // A wallet locks the collaterals of masternodes and then leaves them out of its list.
        let locked = |json: &Json<'_>| json.items()?.map(|item| types::outpoint(&item, "vout")).collect();
        let locked: Result<Vec<OutPoint>, RpcError> = self.get("listlockunspent", json!([]), locked).await;
        found.extend(locked.unwrap_or_default());
        self.confirmed(found, wanted).await.map(Some)
    }

    /// Whether the node's wallet knows every address; none where there is no wallet to ask.
    async fn watches_all(&self, wanted: &Wanted) -> Result<Option<bool>, RpcError> {
        let calls = wanted.texts.iter().map(|text| ("getaddressinfo", json!([text])));
        let mut all = true;
        for answer in self.ask_many(calls.collect()).await? {
            match answer {
                Ok(raw) => all &= parse("getaddressinfo", &raw, is_watched)?,
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(all))
    }

    /// Outpoints the user named, each looked up. What the node does not know, or knows as spent, is left out.
    async fn by_hints(&self, wanted: &Wanted) -> Result<Vec<FoundCoin>, RpcError> {
        match self.confirmed(wanted.hints.clone(), wanted).await {
            Err(RpcError::UnknownMethod { .. } | RpcError::Forbidden { .. }) => self.by_transactions(wanted).await,
            found => found,
        }
    }

    /// The last resort: the transaction proves that the output exists, though not that it is unspent.
    async fn by_transactions(&self, wanted: &Wanted) -> Result<Vec<FoundCoin>, RpcError> {
        let mut coins = Vec::new();
        for outpoint in unique(&wanted.hints) {
            let Some(found) = self.read_transaction(outpoint.txid).await? else {
                continue;
            };
            let coinbase = found.tx.inputs.first().is_some_and(|input| input.is_coinbase());
            let output = found.tx.outputs.get(outpoint.vout as usize);
            let coin = output.and_then(|output| {
                Some(FoundCoin {
                    outpoint,
                    value: output.amount()?,
                    script: output.script.clone(),
                    confirmations: found.confirmations,
                    coinbase,
                    spent_in_mempool: false,
                })
            });
            coins.extend(coin.filter(|coin| wanted.is_confirmed(coin)));
        }
        Ok(coins)
    }

    /// Those of the outpoints that are confirmed, unspent and of an address asked for.
    async fn confirmed(&self, outpoints: Vec<OutPoint>, wanted: &Wanted) -> Result<Vec<FoundCoin>, RpcError> {
        let mut coins = self.unspent(&unique(&outpoints)).await?;
        coins.retain(|coin| wanted.is_confirmed(coin));
        Ok(coins)
    }

    /// `gettxout` for many: those unspent in the chain and in the mempool.
    pub(super) async fn unspent(&self, outpoints: &[OutPoint]) -> Result<Vec<FoundCoin>, RpcError> {
        let calls = outpoints
            .iter()
            .map(|outpoint| ("gettxout", unspent_params(*outpoint, true)));
        let mut coins = Vec::with_capacity(outpoints.len());
        for (outpoint, answer) in outpoints.iter().zip(self.ask_many(calls.collect()).await?) {
            let found = parse("gettxout", &answer?, |json| {
                types::unspent(json, *outpoint, &self.profile)
            })?;
            coins.extend(found.map(|(coin, _)| coin));
        }
        Ok(coins)
    }
}

impl Listed {
    fn at_tip(self, tip: u32) -> FoundCoin {
        FoundCoin {
            outpoint: self.outpoint,
            value: self.value,
            script: self.script,
            // A block may have come after the tip was asked for: then the coin is at least in that one.
            confirmations: self
                .height
                .map_or(0, |height| tip.saturating_sub(height).saturating_add(1)),
            coinbase: false,
            spent_in_mempool: false,
        }
    }
}

impl Wanted {
    /// Drops what was not asked for (an address index also lists outputs to the bare key of an address).
    fn matching(&self, mut listed: Vec<Listed>) -> Vec<Listed> {
        let mut seen = HashSet::new();
        listed.retain(|coin| self.scripts.contains(&coin.script) && seen.insert(coin.outpoint));
        listed
    }

    fn is_confirmed(&self, coin: &FoundCoin) -> bool {
        coin.confirmations > 0 && self.scripts.contains(&coin.script)
    }
}

/// The answer of an index, or none where the node says that it has none or lets nobody ask.
fn unless_missing<T>(answer: Result<T, RpcError>, index: Option<bool>) -> Result<Option<T>, RpcError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(RpcError::Forbidden { .. }) => Ok(None),
        Err(_) if index == Some(false) => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_scan(json: &Json<'_>, profile: &Profile) -> Result<Vec<Listed>, RpcError> {
    let success = json.get("success")?;
    if !success.flag()? {
        return Err(success.malformed());
    }
    json.get("unspents")?
        .items()?
        .map(|item| Listed::scanned(&item, profile))
        .collect()
}

fn is_watched(json: &Json<'_>) -> Result<bool, RpcError> {
    let flag = |key| json.optional(key, |json| json.flag()).map(Option::unwrap_or_default);
    Ok(flag("ismine")? || flag("iswatchonly")?)
}

fn outpoints(listed: &[Listed]) -> Vec<OutPoint> {
    listed.iter().map(|coin| coin.outpoint).collect()
}

fn unique(outpoints: &[OutPoint]) -> Vec<OutPoint> {
    let mut seen = HashSet::new();
    outpoints
        .iter()
        .copied()
        .filter(|outpoint| seen.insert(*outpoint))
        .collect()
}
