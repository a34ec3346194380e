//! Accounts put together from what was found on the chain, what the journal knows, and what the user calls things.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use bitcoin::ScriptBuf;
use bitcoin::bip32::{ChildNumber, DerivationPath};

use super::search::{self, Found, Place};
use super::{Account, CoinState, DeviceCoin, WalletAddress, WalletCoin};
use crate::flow::guard::{Collaterals, Guard};
use crate::flow::{Error, Ports};
use crate::protocol::key::KeyId;
use crate::protocol::{OutPoint, Profile, Transaction, TxOut};
use crate::rpc::FoundCoin;
use crate::store::journal::State;
use crate::store::labels::{Item, Labels};

/// All that accounts are put together from.
pub(super) struct View<'a> {
    profile: &'a Profile,
    labels: &'a Labels,
    collaterals: &'a Collaterals,
    pub found: Found,
    /// Coins by the key they pay to.
    held: HashMap<KeyId, Vec<FoundCoin>>,
    /// Scripts that payments from here were made to.
    paid: HashSet<ScriptBuf>,
}

impl<'a> View<'a> {
    pub async fn read(
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
            for (vout, output) in (0..).zip(&tx.outputs) {
                self.add_output(ports, OutPoint { txid, vout }, output).await?;
            }
        }
        Ok(())
    }

    async fn add_output(&mut self, ports: &Ports, outpoint: OutPoint, output: &TxOut) -> Result<(), Error> {
        let known = self.found.coins.iter().any(|own| own.coin.outpoint == outpoint);
        let Some(key_id) = search::key_of(&output.script).filter(|_| !known) else {
            return Ok(());
        };
        let Some(path) = self.found.path_of(key_id) else {
            return Ok(());
        };
        let coin = ports.node.coin(outpoint).await?;
        // Its own transaction says what it holds; the node only whether it is there.
        let same = |coin: &FoundCoin| coin.script == output.script && Some(coin.value) == output.amount();
        if let Some(coin) = coin.filter(same) {
            self.found.note(DeviceCoin { coin, path, key_id });
        }
        Ok(())
    }

    pub fn account(&mut self, at: usize, further: u32) -> Result<Account, Error> {
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
    pub fn after(&mut self, key: KeyId) -> Result<(DerivationPath, KeyId), Error> {
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
        let known = || guards.first().map(Guard::label);
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
