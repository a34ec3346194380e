//! The wallet of a device: accounts derived here from their extended keys, coins from the node, guards and labels.

mod address;
mod coin;
mod search;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use bitcoin::ScriptBuf;
use bitcoin::bip32::{ChildNumber, DerivationPath};

pub use address::WalletAddress;
pub use coin::{Candidate, CoinState, DeviceCoin, WalletCoin, prove};
pub use search::GAP;
use search::{Found, Place};

use super::guard::Collaterals;
use super::{Error, Ports};
use crate::protocol::key::KeyId;
use crate::protocol::path;
use crate::protocol::{Amount, OutPoint, ProTxHash, Profile, Transaction};
use crate::rpc::{CoinSource, FoundCoin};
use crate::store::journal::State;
use crate::store::labels::{Item, Labels};

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

/// All that accounts are put together from.
struct View<'a> {
    profile: &'a Profile,
    labels: &'a Labels,
    collaterals: &'a Collaterals,
    found: Found,
    /// Coins by the key they pay to.
    held: HashMap<KeyId, Vec<FoundCoin>>,
    /// Scripts that payments from here were made to.
    paid: HashSet<ScriptBuf>,
}

impl<'a> View<'a> {
    async fn read(
        ports: &'a Ports,
        labels: &'a Labels,
        collaterals: &'a Collaterals,
        paths: &[DerivationPath],
        further: u32,
        hints: &[OutPoint],
    ) -> Result<Self, Error> {
        let found = search::search(ports, paths, further, hints).await?;
        let mut view = Self {
            profile: &ports.profile,
            labels,
            collaterals,
            found,
            held: HashMap::new(),
            paid: HashSet::new(),
        };
        view.add_sent(ports).await?;
        for own in &view.found.coins {
            view.held.entry(own.key_id).or_default().push(own.coin.clone());
        }
        Ok(view)
    }

    /// Outputs of what was sent from here and is in no block yet: nodes do not list them, but this journal knows them.
    async fn add_sent(&mut self, ports: &Ports) -> Result<(), Error> {
        for operation in ports.journal.list()? {
            let Some((txid, hex)) = operation.finished().filter(|_| operation.network == ports.profile.name) else {
                continue;
            };
            let Ok(tx) = Transaction::from_hex(hex) else { continue };
            self.paid.extend(tx.outputs.iter().map(|output| output.script.clone()));
            if !matches!(operation.state(), State::Broadcasting | State::Sent) {
                continue;
            }
            for vout in 0..tx.outputs.len() as u32 {
                self.add_output(ports, OutPoint { txid, vout }, &tx).await?;
            }
        }
        Ok(())
    }

    async fn add_output(&mut self, ports: &Ports, outpoint: OutPoint, tx: &Transaction) -> Result<(), Error> {
        let script = &tx.outputs[outpoint.vout as usize].script;
        let key = match crate::protocol::script::address(script.as_bytes()) {
            Some(crate::protocol::Address::PubkeyHash(hash)) => KeyId(hash),
            _ => return Ok(()),
        };
        let known = self.found.coins.iter().any(|own| own.coin.outpoint == outpoint);
        let Some(path) = self.found.path_of(key).filter(|_| !known) else {
            return Ok(());
        };
        let coin = ports.node.coin(outpoint).await?;
        let value = tx.outputs[outpoint.vout as usize].amount();
        // Its own transaction says what it holds; the node only whether it is there.
        if let Some(coin) = coin.filter(|coin| coin.script == *script && Some(coin.value) == value) {
            self.found.note(DeviceCoin {
                coin,
                path,
                key_id: key,
            });
        }
        Ok(())
    }

    fn account(&mut self, at: usize, further: u32) -> Result<Account, Error> {
        let chains: Vec<usize> = (0..self.found.chains.len())
            .filter(|chain| self.found.chains[*chain].account == at)
            .collect();
        let mut addresses = Vec::new();
        let mut unused = Vec::new();
        for chain in chains {
            let next = self.next_unused(chain)?;
            let key = self.found.key_at(chain, next)?;
            unused.push((self.found.path_at(Place { chain, index: next }), key));
            let found = &self.found.chains[chain];
            let end = found.used.max(next + 1).saturating_add(further).min(found.len());
            for index in 0..end {
                let key = self.found.key_at(chain, index)?;
                addresses.push(self.address(Place { chain, index }, key));
            }
        }
        let mut coins = self.coins(at);
        coins.sort_by_key(|coin| (Reverse(coin.own.coin.confirmations), coin.outpoint()));
        let [next_receive, next_change] = <[_; 2]>::try_from(unused).expect("an account has two chains");
        let path = self.found.accounts[at].0.clone();
        Ok(Account {
            number: number(&path),
            path,
            addresses,
            coins,
            next_receive,
            next_change,
            source: self.found.source,
        })
    }

    /// The address behind one of these.
    fn after(&mut self, key: KeyId) -> Result<(DerivationPath, KeyId), Error> {
        let Place { chain, index } = self.found.place_of(key).expect("derived here");
        let index = index + 1;
        let key = self.found.key_at(chain, index)?;
        Ok((self.found.path_at(Place { chain, index }), key))
    }

    fn coins(&self, account: usize) -> Vec<WalletCoin> {
        let of_account = |own: &&DeviceCoin| {
            let place = self.found.place_of(own.key_id);
            place.is_some_and(|place| self.found.chains[place.chain].account == account)
        };
        let own = self.found.coins.iter().filter(of_account);
        own.map(|own| self.coin(own)).collect()
    }

    fn coin(&self, own: &DeviceCoin) -> WalletCoin {
        let guards = self.collaterals.guards(&own.coin);
        let text = own.key_id.address().to_text(self.profile);
        let Self { labels, .. } = self;
        let given = labels
            .get(&Item::Output(own.coin.outpoint))
            .or_else(|| labels.get(&Item::Transaction(own.coin.outpoint.txid)))
            .or_else(|| labels.get(&Item::Address(text)))
            .map(str::to_owned);
        let known = || guards.first().map(super::guard::Guard::label);
        let reward = || self.collaterals.rewards(&own.coin.script);
        let beside = || {
            let backs = self.backs(own.key_id);
            backs.first().map(|name| format!("beside the collateral of {name}"))
        };
        WalletCoin {
            state: CoinState::of(&own.coin, self.profile),
            label: given.or_else(known).or_else(reward).or_else(beside),
            guards,
            own: own.clone(),
        }
    }

    fn backs(&self, key: KeyId) -> Vec<String> {
        let held = self.held.get(&key).into_iter().flatten();
        self.collaterals.on_address(held)
    }

    fn address(&self, place: Place, key: KeyId) -> WalletAddress {
        let held = self.held.get(&key).map(Vec::as_slice).unwrap_or_default();
        let backs = self.collaterals.on_address(held);
        let text = key.address().to_text(self.profile);
        let given = self.labels.get(&Item::Address(text)).map(str::to_owned);
        let known = || backs.first().map(|name| format!("collateral of {name}"));
        let label = given
            .or_else(known)
            .or_else(|| self.collaterals.rewards(&key.address().script()));
        WalletAddress {
            path: self.found.path_at(place),
            key_id: key,
            change: self.found.chains[place.chain].change,
            index: place.index,
            holds: held.iter().map(|coin| coin.value).sum(),
            coins: held.len(),
            label,
            backs,
        }
    }

    /// First address behind those that hold something that nobody is known to have paid to or to have been given.
    fn next_unused(&mut self, chain: usize) -> Result<u32, Error> {
        let mut index = self.found.chains[chain].used;
        loop {
            let key = self.found.key_at(chain, index)?;
            if !self.is_used(key) {
                return Ok(index);
            }
            index += 1;
        }
    }

    fn is_used(&self, key: KeyId) -> bool {
        let script = key.address().script();
        self.held.contains_key(&key)
            || self.paid.contains(&script)
            || self.collaterals.rewards(&script).is_some()
            || self
                .labels
                .get(&Item::Address(key.address().to_text(self.profile)))
                .is_some()
    }
}

/// The last level of an account's path.
fn number(path: &DerivationPath) -> u32 {
    match path.into_iter().last() {
        Some(ChildNumber::Hardened { index } | ChildNumber::Normal { index }) => *index,
        None => 0,
    }
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
