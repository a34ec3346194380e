//! Finding the coins of a device: addresses derived on this computer, all accounts and chains asked of the node together.
//!
//! A scan of the whole UTXO set takes some nodes a minute, so that every question counts: the first already reaches beyond the
//! gap, and what was asked for is not asked for again.

use std::collections::{HashMap, HashSet};

use bitcoin::ScriptBuf;
use bitcoin::bip32::{ChildNumber, DerivationPath, Xpub};
use bitcoin::secp256k1::{Secp256k1, VerifyOnly};

use super::coin::DeviceCoin;
use crate::flow::{Error, Ports};
use crate::hw::{self, DeviceError};
use crate::protocol::key::KeyId;
use crate::protocol::{Address, OutPoint, script};
use crate::rpc::{CoinSource, FoundCoin};

/// How many unused addresses in a row end a search (BIP-0044).
pub const GAP: u32 = 20;
/// Addresses of a chain the first question reaches: a few used ones need no second question.
const FIRST: u32 = 2 * GAP;
/// Addresses of a chain a search looks at, whatever the node says: one that sees coins everywhere is wrong or hostile.
const FARTHEST: u32 = 2_000;

/// One chain of an account: receiving addresses, or change.
pub(super) struct Chain {
    pub account: usize,
    pub change: bool,
    /// By index.
    pub keys: Vec<KeyId>,
    /// Index after the last address that holds something.
    pub used: u32,
}

/// What was found on some accounts.
pub(super) struct Found {
    pub accounts: Vec<(DerivationPath, Xpub)>,
    pub chains: Vec<Chain>,
    /// In the node's order.
    pub coins: Vec<DeviceCoin>,
    pub source: CoinSource,
    places: HashMap<KeyId, Place>,
    curve: Secp256k1<VerifyOnly>,
    kind: hw::Kind,
}

/// Where a key is: its chain and its index there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub chain: usize,
    pub index: u32,
}

/// Searches accounts until [`GAP`] addresses in a row hold nothing, and `further` ones behind these.
///
/// A chain of spent addresses longer than the gap can hide coins; nodes tell only what is unspent.
pub(super) async fn search(
    ports: &Ports,
    accounts: &[DerivationPath],
    further: u32,
    hints: &[OutPoint],
) -> Result<Found, Error> {
    let mut found = Found::open(ports, accounts).await?;
    let mut seen = HashSet::new();
    loop {
        let asked = found.next_addresses(further)?;
        if asked.is_empty() {
            return Ok(found);
        }
        let answer = ports.node.coins_of(asked, hints.to_vec()).await?;
        found.source = answer.source;
        let fresh = answer.coins.into_iter().filter(|coin| !seen.contains(&coin.outpoint));
        let own: Vec<DeviceCoin> = fresh.filter_map(|coin| found.own(coin)).collect();
        for coin in own {
            if seen.insert(coin.coin.outpoint) {
                found.note(coin);
            }
        }
    }
}

impl Found {
    async fn open(ports: &Ports, paths: &[DerivationPath]) -> Result<Self, Error> {
        let device = ports.device()?;
        let mut accounts: Vec<(DerivationPath, Xpub)> = Vec::new();
        for path in paths {
            if accounts.iter().all(|(known, _)| known != path) {
                accounts.push((path.clone(), device.account_xpub(path.clone()).await?));
            }
        }
        let chain = |account, change| Chain {
            account,
            change,
            keys: Vec::new(),
            used: 0,
        };
        let chains = (0..accounts.len()).flat_map(|at| [chain(at, false), chain(at, true)]);
        Ok(Self {
            chains: chains.collect(),
            accounts,
            coins: Vec::new(),
            source: CoinSource::AddressIndex,
            places: HashMap::new(),
            curve: Secp256k1::verification_only(),
            kind: device.kind(),
        })
    }

    /// Derives what is to be asked for next, of every chain that is not at its end.
    fn next_addresses(&mut self, further: u32) -> Result<Vec<Address>, Error> {
        let mut next = Vec::new();
        for at in 0..self.chains.len() {
            let reach = self.chains[at].used.saturating_add(GAP).saturating_add(further);
            let reach = reach.clamp(FIRST, FARTHEST);
            while self.chains[at].len() < reach {
                next.push(self.derive_next(at)?.address());
            }
        }
        Ok(next)
    }

    fn derive_next(&mut self, chain: usize) -> Result<KeyId, Error> {
        let Chain { account, change, .. } = self.chains[chain];
        let index = self.chains[chain].len();
        let levels = [
            ChildNumber::Normal {
                index: u32::from(change),
            },
            ChildNumber::Normal { index },
        ];
        let child = self.accounts[account].1.derive_pub(&self.curve, &levels);
        let child = child.map_err(|_| {
            Error::Device(DeviceError::BadAnswer {
                kind: self.kind,
                what: "an extended key that cannot be derived".into(),
            })
        })?;
        let key = KeyId::of(&child.public_key);
        self.places.insert(key, Place { chain, index });
        self.chains[chain].keys.push(key);
        Ok(key)
    }

    /// A key far beyond what was searched is derived when it is asked for.
    pub fn key_at(&mut self, chain: usize, index: u32) -> Result<KeyId, Error> {
        while self.chains[chain].len() <= index {
            self.derive_next(chain)?;
        }
        Ok(self.chains[chain].keys[index as usize])
    }

    fn own(&self, coin: FoundCoin) -> Option<DeviceCoin> {
        let key_id = key_of(&coin.script)?;
        let path = self.path_of(key_id)?;
        Some(DeviceCoin { coin, path, key_id })
    }

    pub fn note(&mut self, coin: DeviceCoin) {
        if let Some(place) = self.places.get(&coin.key_id) {
            let chain = &mut self.chains[place.chain];
            chain.used = chain.used.max(place.index + 1);
        }
        self.coins.push(coin);
    }

    pub fn place_of(&self, key: KeyId) -> Option<Place> {
        self.places.get(&key).copied()
    }

    /// The path of a key among those that were derived.
    pub fn path_of(&self, key: KeyId) -> Option<DerivationPath> {
        self.place_of(key).map(|place| self.path_at(place))
    }

    pub fn path_at(&self, place: Place) -> DerivationPath {
        let chain = &self.chains[place.chain];
        let levels = [
            ChildNumber::Normal {
                index: u32::from(chain.change),
            },
            ChildNumber::Normal { index: place.index },
        ];
        self.accounts[chain.account].0.extend(levels)
    }
}

impl Chain {
    pub fn len(&self) -> u32 {
        self.keys.len() as u32
    }
}

/// The key a script pays to, if it pays to the address of one.
pub(super) fn key_of(script: &ScriptBuf) -> Option<KeyId> {
    let script = script.as_bytes();
    match script::address(script) {
        Some(Address::PubkeyHash(hash)) if script::is_pay_to_key(script) => Some(KeyId(hash)),
        _ => None,
    }
}
