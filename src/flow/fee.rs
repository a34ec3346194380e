//! Who pays the fee: coins of a fee key or of the node's wallet, never a collateral.

use bitcoin::{OutPoint, ScriptBuf};
use serde::{Deserialize, Serialize};

use super::choice::FeeSource;
use super::keys::secp_id;
use super::{Error, Ports, wallet};
use crate::protocol::funding::{self, Change, Coin};
use crate::protocol::special_tx::Payload;
use crate::protocol::tx::SPECIAL_VERSION;
use crate::protocol::{Address, Amount, Transaction};
use crate::rpc::FoundCoin;
use crate::store::Kind;

/// An output that pays the fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeInput {
    pub outpoint: OutPoint,
    /// **Duffs**.
    pub value: u64,
    pub script: ScriptBuf,
}

/// A transaction whose fee is paid: complete but for signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paid {
    pub unsigned: Transaction,
    pub payload: Payload,
    pub inputs: Vec<FeeInput>,
    pub fee: Amount,
}

/// What else is to be known about the coins of a fee source.
#[derive(Debug, Clone, Default)]
pub(super) struct Purse {
    /// Never spent here.
    pub exclude: Vec<OutPoint>,
    /// Change of transactions this program sent just now: not confirmed yet, but ours and known in every byte.
    pub own: Vec<FoundCoin>,
}

/// Chooses the fee coins and completes the payload with their hash.
pub(super) async fn pay_fee(ports: &Ports, source: &FeeSource, payload: Payload, purse: &Purse) -> Result<Paid, Error> {
    let (label, address, mut coins) = fee_coins(ports, source, &purse.exclude).await?;
    coins.extend(purse.own.iter().cloned());
    let mut template = Transaction::empty(SPECIAL_VERSION);
    // The signature is part of the size that the fee is counted by.
    payload.clone().of_final_length().attach(&mut template);
    let rate = ports.node.fee_rate().await?.advised;
    let spendable: Vec<Coin> = coins.iter().map(Coin::from).collect();
    let funded = funding::fund(&template, &spendable, rate, &address.script(), Change::Required).map_err(|short| {
        let address = address.to_text(&ports.profile);
        Error::FeeKeyShort {
            label,
            address,
            available: short.available,
            needed: short.needed,
        }
    })?;
    let chosen: Vec<&FoundCoin> = funded
        .coins
        .iter()
        .filter_map(|chosen| coins.iter().find(|coin| coin.outpoint == chosen.outpoint))
        .collect();
    if *source != FeeSource::NodeWallet {
        for coin in chosen.iter().filter(|coin| !purse.own.contains(coin)) {
            wallet::prove(ports, coin).await?;
        }
    }
    let mut unsigned = funded.tx;
    let mut payload = payload.unsigned();
    payload.set_inputs_hash(unsigned.inputs_hash());
    payload.attach(&mut unsigned);
    Ok(Paid {
        unsigned,
        payload,
        inputs: chosen.into_iter().map(FeeInput::from).collect(),
        fee: funded.fee,
    })
}

impl From<&FoundCoin> for FeeInput {
    fn from(coin: &FoundCoin) -> Self {
        Self {
            outpoint: coin.outpoint,
            value: coin.value.duffs(),
            script: coin.script.clone(),
        }
    }
}

/// Coins that may pay the fee ([`wallet::is_spendable`]) but for the excluded ones, with their owner's name and address.
pub(super) async fn fee_coins(
    ports: &Ports,
    source: &FeeSource,
    exclude: &[OutPoint],
) -> Result<(String, Address, Vec<FoundCoin>), Error> {
    let listed = wallet::listed_collaterals(ports).await?;
    let (label, address, found) = match source {
        FeeSource::Key(label) => {
            let address = secp_id(ports.vault()?, label, Kind::Fee)?.address();
            (label.clone(), address, coins_of(ports, address).await?)
        }
        FeeSource::Elsewhere(address) => {
            let label = address.to_text(&ports.profile);
            (label, *address, coins_of(ports, *address).await?)
        }
        FeeSource::NodeWallet => {
            let wallet = ports.node.wallet_coins().await?;
            ("the node's wallet".to_owned(), wallet.change, wallet.coins)
        }
    };
    let usable = found
        .into_iter()
        .filter(|coin| !exclude.contains(&coin.outpoint) && wallet::is_spendable(ports, coin, &listed))
        .collect();
    Ok((label, address, usable))
}

async fn coins_of(ports: &Ports, address: Address) -> Result<Vec<FoundCoin>, Error> {
    let mut found = ports.node.coins_of(vec![address], vec![]).await?.coins;
    found.retain(|coin| coin.script == address.script());
    Ok(found)
}
