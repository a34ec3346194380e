//! The device's own coins: addresses derived here from the account's extended key, coins from the node.

use std::collections::{BTreeMap, HashMap, HashSet};

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpub};
use bitcoin::secp256k1::Secp256k1;

use super::{Error, Ports};
use crate::hw::DeviceError;
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::path;
use crate::protocol::{Address, Amount, OutPoint, ProTxHash, Transaction};
use crate::rpc::{CoinSource, FoundCoin};

/// How many unused addresses in a row end a search (BIP-0044).
pub const GAP: u32 = 20;
/// Addresses of a chain a search looks at, whatever the node says: one that sees coins everywhere is wrong or hostile.
const FARTHEST: u32 = 2_000;
/// Accounts looked at when none is named.
pub const ACCOUNTS: u32 = 3;

/// A coin of the device and the path of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCoin {
    pub coin: FoundCoin,
    pub path: DerivationPath,
    pub key_id: KeyId,
}

/// All coins of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountCoins {
    pub account: DerivationPath,
    pub coins: Vec<DeviceCoin>,
    /// First change address nobody paid to yet.
    pub next_change: (DerivationPath, KeyId),
    pub source: CoinSource,
}

/// A possible collateral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub outpoint: OutPoint,
    pub path: DerivationPath,
    pub key_id: KeyId,
    pub amount: Amount,
    pub confirmations: u32,
    pub kind: MnType,
    /// It backs this masternode already; registering again would replace it.
    pub used_by: Option<ProTxHash>,
}

/// Keys of an account, derived on this computer.
struct Keys {
    account: DerivationPath,
    xpub: Xpub,
    by_key: HashMap<KeyId, DerivationPath>,
}

impl Keys {
    async fn open(ports: &Ports, account: DerivationPath) -> Result<Self, Error> {
        let xpub = ports.device()?.account_xpub(account.clone()).await?;
        Ok(Self {
            account,
            xpub,
            by_key: HashMap::new(),
        })
    }

    fn derive(&mut self, change: u32, index: u32) -> Result<KeyId, Error> {
        let levels = [ChildNumber::Normal { index: change }, ChildNumber::Normal { index }];
        let child = self
            .xpub
            .derive_pub(&Secp256k1::verification_only(), &levels)
            .map_err(|_| {
                let kind = crate::hw::Kind::Ledger;
                Error::Device(DeviceError::BadAnswer {
                    kind,
                    what: "an extended key that cannot be derived".into(),
                })
            })?;
        let key_id = KeyId::of(&child.public_key);
        self.by_key.insert(key_id, self.account.extend(levels));
        Ok(key_id)
    }
}

/// Searches one account, receiving and change chain, until [`GAP`] addresses in a row hold nothing.
///
/// A chain of spent addresses longer than the gap can hide coins; nodes tell only what is unspent.
///
/// # Errors
/// Of the device or the node.
pub async fn account_coins(ports: &Ports, account: DerivationPath, hints: &[OutPoint]) -> Result<AccountCoins, Error> {
    let mut keys = Keys::open(ports, account.clone()).await?;
    let mut coins = Vec::new();
    let mut source = CoinSource::AddressIndex;
    let mut next_change = 0;
    for chain in [0, 1] {
        let mut from = 0;
        while from < FARTHEST {
            let mut batch = BTreeMap::new();
            for index in from..from + GAP {
                batch.insert(keys.derive(chain, index)?, index);
            }
            let addresses = batch.keys().map(|key| key.address()).collect();
            let found = ports.node.coins_of(addresses, hints.to_vec()).await?;
            source = found.source;
            let last_used = found
                .coins
                .iter()
                .filter_map(|coin| batch.get(&key_of(coin)?))
                .max()
                .copied();
            coins.extend(
                found
                    .coins
                    .into_iter()
                    .filter(|coin| key_of(coin).is_some_and(|key| batch.contains_key(&key))),
            );
            match last_used {
                Some(last) => from = (last + 1).max(from + 1),
                None => break,
            }
            if chain == 1 {
                next_change = from;
            }
        }
    }
    let change_key = keys.derive(1, next_change)?;
    let change_path = keys.by_key[&change_key].clone();
    let mut seen = HashSet::new();
    coins.retain(|coin| seen.insert(coin.outpoint));
    let own = |coin: FoundCoin| {
        let key_id = key_of(&coin)?;
        let path = keys.by_key.get(&key_id)?.clone();
        Some(DeviceCoin { coin, path, key_id })
    };
    Ok(AccountCoins {
        account,
        coins: coins.into_iter().filter_map(own).collect(),
        next_change: (change_path, change_key),
        source,
    })
}

fn key_of(coin: &FoundCoin) -> Option<KeyId> {
    match crate::protocol::script::address(coin.script.as_bytes()) {
        Some(Address::PubkeyHash(hash)) => Some(KeyId(hash)),
        _ => None,
    }
}

/// Outputs of exactly a collateral amount on the device's first accounts, oldest first; none that is being spent.
///
/// # Errors
/// Of the device or the node.
pub async fn candidates(ports: &Ports, accounts: &[DerivationPath]) -> Result<Vec<Candidate>, Error> {
    let list = ports.node.masternodes().await?;
    let used: HashMap<OutPoint, ProTxHash> = list
        .entries
        .iter()
        .map(|entry| (entry.collateral, entry.pro_tx_hash))
        .collect();
    let mut all = Vec::new();
    for account in accounts {
        for found in account_coins(ports, account.clone(), &[]).await?.coins {
            let kind = ports.profile.collateral_kind(found.coin.value);
            let Some(kind) = kind.filter(|_| !found.coin.spent_in_mempool) else {
                continue;
            };
            all.push(Candidate {
                outpoint: found.coin.outpoint,
                path: found.path,
                key_id: found.key_id,
                amount: found.coin.value,
                confirmations: found.coin.confirmations,
                kind,
                used_by: used.get(&found.coin.outpoint).copied(),
            });
        }
    }
    all.sort_by_key(|candidate| {
        (
            candidate.used_by.is_some(),
            std::cmp::Reverse(candidate.confirmations),
            candidate.outpoint,
        )
    });
    Ok(all)
}

/// The accounts a search looks at.
pub fn default_accounts(ports: &Ports) -> Vec<DerivationPath> {
    (0..ACCOUNTS)
        .map(|number| path::account(&ports.profile, number))
        .collect()
}

/// The transaction that made a coin, re-hashed, with the very output the node told of. An input's signature does not cover its
/// amount (the original SIGHASH): a node that tells too little would turn the rest into fee.
///
/// # Errors
/// Of the node, and [`Error::UnprovenCoin`].
pub async fn prove(ports: &Ports, coin: &FoundCoin) -> Result<Transaction, Error> {
    let outpoint = coin.outpoint;
    let found = ports.node.transaction(outpoint.txid).await?;
    let proof = found.map(|found| found.tx).filter(|tx| {
        let output = usize::try_from(outpoint.vout).ok().and_then(|at| tx.outputs.get(at));
        tx.txid() == outpoint.txid
            && output.is_some_and(|output| output.script == coin.script && output.amount() == Some(coin.value))
    });
    proof.ok_or(Error::UnprovenCoin { outpoint })
}

/// The collaterals of all listed masternodes.
///
/// # Errors
/// Of the node.
pub async fn listed_collaterals(ports: &Ports) -> Result<HashSet<OutPoint>, Error> {
    let list = ports.node.masternodes().await?;
    Ok(list.entries.iter().map(|entry| entry.collateral).collect())
}

/// Coins that may pay: confirmed, mature, unspent also in the mempool, and never anything that is or looks like a collateral.
pub fn is_spendable(ports: &Ports, coin: &FoundCoin, listed: &HashSet<OutPoint>) -> bool {
    !coin.spent_in_mempool
        && coin.confirmations > 0
        && (!coin.coinbase || coin.confirmations >= ports.profile.coinbase_maturity)
        && !is_guarded(ports, coin, listed)
}

/// Coins that must never be spent by accident: of exactly a collateral amount, or backing a listed masternode.
pub(super) fn is_guarded(ports: &Ports, coin: &FoundCoin, listed: &HashSet<OutPoint>) -> bool {
    ports.profile.collateral_kind(coin.value).is_some() || listed.contains(&coin.outpoint)
}
