//! What a form asks while it is filled in: is this output a collateral, what does the fee key hold, make this key.

use bitcoin::bip32::DerivationPath;

use super::collateral::choose_collateral;
use super::draft::CollateralChoice;
use crate::flow::choice::FeeSource;
use crate::flow::fee::{Bill, fee_coins};
use crate::flow::keys::make as make_key;
use crate::flow::wallet::{self, Candidate};
use crate::flow::{Error, Ports, pay};
use crate::protocol::funding::{self, Change, Coin};
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::rules::{Check, DUST_KEY};
use crate::protocol::{Address, Amount, path};
use crate::store::{KeyInfo, Kind};

/// The output a choice means, with the device key that owns it.
///
/// # Errors
/// Of node and device; [`Error::Rule`] for a wrong amount or an unconfirmed output.
pub async fn collateral(ports: &Ports, kind: MnType, choice: &CollateralChoice) -> Result<Candidate, Error> {
    let network = ports.profile.name.clone();
    let wanted = ports
        .profile
        .collateral(kind)
        .ok_or(Error::NoSuchType { network, kind })?;
    if let CollateralChoice::Named { outpoint, .. } = choice {
        let coin = ports
            .node
            .coin(*outpoint)
            .await?
            .ok_or(Error::CollateralMissing { outpoint: *outpoint })?;
        if coin.spent_in_mempool {
            return Err(Error::CollateralMissing { outpoint: *outpoint });
        }
        let (has, ticker) = (coin.value.short(), &ports.profile.ticker);
        expect(coin.value == wanted, || {
            format!(
                "the output holds {has} {ticker}; the collateral must be exactly {} {ticker}",
                wanted.short()
            )
        })?;
        expect(coin.confirmations > 0, || {
            "the output is not confirmed yet: wait for the next block".to_owned()
        })?;
    }
    let found = choose_collateral(ports, kind, choice, wanted).await?;
    let list = ports.node.masternodes().await?;
    let used_by = list
        .entries
        .iter()
        .find(|entry| entry.collateral == found.coin.outpoint)
        .map(|entry| entry.pro_tx_hash);
    Ok(Candidate {
        outpoint: found.coin.outpoint,
        path: found.path,
        key_id: found.key_id,
        amount: found.coin.value,
        confirmations: found.coin.confirmations,
        kind,
        used_by,
    })
}

fn expect(holds: bool, message: impl FnOnce() -> String) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    Err(Error::Rule(Check {
        rule: "collateral-amount",
        reject: "bad-protx-collateral",
        passed: Some(false),
        needs_node: true,
        message: message(),
    }))
}

/// What a fee source holds and what an operation will need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purse {
    pub source: FeeSource,
    /// Where to send more.
    pub address: Address,
    pub available: Amount,
    /// Fee and smallest change.
    pub needed: Amount,
}

impl Purse {
    pub fn suffices(&self) -> bool {
        self.available >= self.needed
    }
}

/// Looks into a fee key, or the node's wallet.
///
/// # Errors
/// Of the node and the vault.
pub async fn purse(ports: &Ports, bill: Bill, source: FeeSource) -> Result<Purse, Error> {
    let (_, address, coins) = fee_coins(ports, &source, &[]).await?;
    let rate = ports.node.fee_rate().await?.advised;
    let coins: Vec<Coin> = coins.iter().map(Coin::from).collect();
    let available = coins.iter().map(|coin| coin.value).sum();
    let needed = match funding::fund(
        &bill.of_full_length(),
        &coins,
        rate,
        &address.script(),
        Change::Required,
    ) {
        Ok(funded) => Amount::from_duffs(funded.fee.duffs() + DUST_KEY),
        Err(short) => short.needed,
    };
    Ok(Purse {
        source,
        address,
        available,
        needed,
    })
}

/// Makes a key of the vault, named after the masternode; it is durable when this answers.
///
/// # Errors
/// Of the vault.
pub async fn make(ports: Ports, kind: Kind, name: String) -> Result<KeyInfo, Error> {
    let label = make_key(&ports, kind, &name)?;
    Ok(ports.vault()?.info(&label)?)
}

/// A payment to a fee key from the first account that can pay it, beginning with `first`.
///
/// # Errors
/// Of [`pay::prepare`]; [`Error::Short`] if no account suffices.
pub async fn fill(
    ports: &Ports,
    purse: &Purse,
    amount: Amount,
    first: Option<DerivationPath>,
) -> Result<pay::Plan, Error> {
    let mut accounts: Vec<DerivationPath> = first.into_iter().chain(wallet::default_accounts(ports)).collect();
    let mut seen = std::collections::HashSet::new();
    accounts.retain(|account| seen.insert(account.clone()));
    let label = match &purse.source {
        FeeSource::Key(label) => label.clone(),
        FeeSource::NodeWallet | FeeSource::Elsewhere(_) => purse.address.to_text(&ports.profile),
    };
    let mut short = None;
    for account in accounts {
        let draft = pay::Draft {
            account,
            purpose: pay::Purpose::Fund {
                label: label.clone(),
                to: purse.address,
                amount,
            },
            coins: pay::Selection::Automatic,
            rate: None,
        };
        match pay::prepare(ports, draft).await {
            Err(error @ Error::Short(_)) => short = short.or(Some(error)),
            other => return other,
        }
    }
    Err(short.expect("a device has accounts"))
}

/// The device's first receiving address that is none of the `taken` keys': where rewards may go.
///
/// # Errors
/// Of the device.
pub async fn payout_address(ports: Ports, taken: Vec<KeyId>) -> Result<(DerivationPath, Address), Error> {
    let device = ports.device()?;
    let mut index = 0;
    loop {
        let path = path::address(&ports.profile, 0, false, index);
        let key = KeyId::of(&device.public_key(path.clone()).await?);
        if !taken.contains(&key) {
            return Ok((path, key.address()));
        }
        index += 1;
    }
}
