//! The wallet of a device: accounts derived here from their extended keys, coins from the node, guards and labels.

mod address;
mod coin;
mod search;
mod view;

use std::cmp::Reverse;
use std::collections::HashMap;

use bitcoin::bip32::DerivationPath;

pub use address::WalletAddress;
pub use coin::{Candidate, CoinState, DeviceCoin, WalletCoin, prove};
use search::Found;
pub use search::GAP;
use view::View;

use super::guard::Collaterals;
use super::{Error, Ports};
use crate::protocol::key::KeyId;
use crate::protocol::path;
use crate::protocol::{Amount, OutPoint, ProTxHash};
use crate::rpc::CoinSource;
use crate::store::labels::Labels;

/// Accounts looked at when none is named.
pub const ACCOUNTS: u32 = 3;

/// One account of the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub path: DerivationPath,
    /// The last level of its path.
    pub number: u32,
    /// Of both chains: what is in use, up to the next unused one and as many more as were asked for.
    pub addresses: Vec<WalletAddress>,
    /// Oldest first.
    pub coins: Vec<WalletCoin>,
    /// First receiving address that nothing known here was paid to. Nodes tell only what is unspent.
    pub next_receive: (DerivationPath, KeyId),
    pub next_change: (DerivationPath, KeyId),
    pub source: CoinSource,
}

/// What an account holds, each coin counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balances {
    /// May be spent now.
    pub ready: Amount,
    /// Rewards that are still too young.
    pub immature: Amount,
    pub unconfirmed: Amount,
    /// Collaterals, and what looks like one.
    pub locked: Amount,
}

impl Balances {
    pub fn total(&self) -> Amount {
        [self.ready, self.immature, self.unconfirmed, self.locked]
            .into_iter()
            .sum()
    }
}

impl Account {
    pub fn balances(&self) -> Balances {
        let mut sums = Balances::default();
        for coin in &self.coins {
            let sum = match coin.state {
                // It is as good as gone.
                CoinState::BeingSpent => continue,
                _ if !coin.guards.is_empty() => &mut sums.locked,
                CoinState::Ready => &mut sums.ready,
                CoinState::Immature { .. } => &mut sums.immature,
                CoinState::Unconfirmed => &mut sums.unconfirmed,
            };
            *sum = [*sum, coin.value()].into_iter().sum();
        }
        sums
    }

    /// Names of the listed masternodes whose collateral is on the address of a coin.
    pub fn backs(&self, coin: &WalletCoin) -> &[String] {
        let address = self.addresses.iter().find(|address| address.key_id == coin.own.key_id);
        address.map_or(&[], |address| &address.backs)
    }
}

/// The labels of this network, kept beside the journal.
///
/// # Errors
/// They cannot be read.
pub fn labels(ports: &Ports) -> Result<Labels, Error> {
    let path = Labels::beside(ports.journal.path(), &ports.profile.name);
    Ok(Labels::open(&path)?)
}

/// Reads accounts of the device: all of them and both their chains in one question to the node per round. `further`: how many more
/// addresses of each chain to look at, behind the gap.
///
/// # Errors
/// Of the device, the node or the journal.
pub async fn accounts(
    ports: &Ports,
    labels: &Labels,
    paths: &[DerivationPath],
    further: u32,
) -> Result<Vec<Account>, Error> {
    let collaterals = Collaterals::read(ports).await?;
    let mut view = View::read(ports, labels, &collaterals, paths, further, &[]).await?;
    (0..view.found.accounts.len())
        .map(|at| view.account(at, further))
        .collect()
}

/// One account with the addresses that were derived for it, for paying from it.
pub(super) struct Opened {
    pub account: Account,
    /// The change address after the next one.
    pub after_change: (DerivationPath, KeyId),
    found: Found,
}

impl Opened {
    /// The path of an address of the account.
    pub fn path_of(&self, key: KeyId) -> Option<DerivationPath> {
        self.found.path_of(key)
    }
}

/// As [`accounts`], of one. `hints`: coins the user named, for nodes that can search nothing.
pub(super) async fn open(
    ports: &Ports,
    labels: &Labels,
    collaterals: &Collaterals,
    account: DerivationPath,
    hints: &[OutPoint],
) -> Result<Opened, Error> {
    let mut view = View::read(ports, labels, collaterals, &[account], 0, hints).await?;
    let account = view.account(0, 0)?;
    Ok(Opened {
        after_change: view.after(account.next_change.1)?,
        account,
        found: view.found,
    })
}

/// The device's coins on some accounts. `hints`: coins the user named, for nodes that can search nothing.
///
/// # Errors
/// Of the device or the node.
pub async fn coins(ports: &Ports, accounts: &[DerivationPath], hints: &[OutPoint]) -> Result<Vec<DeviceCoin>, Error> {
    Ok(search::search(ports, accounts, 0, hints).await?.coins)
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
    for found in coins(ports, accounts, &[]).await? {
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
    all.sort_by_key(|candidate| {
        (
            candidate.used_by.is_some(),
            Reverse(candidate.confirmations),
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
