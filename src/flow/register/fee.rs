//! Who pays the fee: coins of a fee key or of the node's wallet, never a collateral.

use bitcoin::{OutPoint, ScriptBuf};
use serde::{Deserialize, Serialize};

use super::draft::{Draft, FeeSource};
use super::keys::secp_id;
use crate::flow::{Error, Ports, wallet};
use crate::protocol::funding::{self, Change, Coin};
use crate::protocol::special_tx::ProRegTx;
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

/// Chooses the fee coins and completes the payload with their hash.
pub(super) async fn pay_fee(
    ports: &Ports,
    draft: &Draft,
    mut payload: ProRegTx,
    collateral: OutPoint,
) -> Result<(Transaction, ProRegTx, Vec<FeeInput>, Amount), Error> {
    let (label, address, coins) = fee_coins(ports, &draft.fee_from, collateral).await?;
    let mut template = Transaction::empty(SPECIAL_VERSION);
    // The signature is part of the size that the fee is counted by.
    payload.signature = vec![0; 65];
    payload.attach(&mut template);
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
    if let FeeSource::Key(_) = draft.fee_from {
        for coin in &chosen {
            wallet::prove(ports, coin).await?;
        }
    }
    let mut unsigned = funded.tx;
    payload.inputs_hash = unsigned.inputs_hash();
    payload.signature.clear();
    payload.attach(&mut unsigned);
    let inputs = chosen.into_iter().map(fee_input).collect();
    Ok((unsigned, payload, inputs, funded.fee))
}

fn fee_input(coin: &FoundCoin) -> FeeInput {
    FeeInput {
        outpoint: coin.outpoint,
        value: coin.value.duffs(),
        script: coin.script.clone(),
    }
}

/// Coins that may pay the fee ([`wallet::is_spendable`]), and never the collateral itself.
pub(super) async fn fee_coins(
    ports: &Ports,
    source: &FeeSource,
    collateral: OutPoint,
) -> Result<(String, Address, Vec<FoundCoin>), Error> {
    let listed = wallet::listed_collaterals(ports).await?;
    let (label, address, found) = match source {
        FeeSource::Key(label) => {
            let vault = ports.vault()?;
            let address = secp_id(vault, label, Kind::Fee)?.address();
            let mut found = ports.node.coins_of(vec![address], vec![]).await?.coins;
            found.retain(|coin| coin.script == address.script());
            (label.clone(), address, found)
        }
        FeeSource::NodeWallet => {
            let wallet = ports.node.wallet_coins().await?;
            ("the node's wallet".to_owned(), wallet.change, wallet.coins)
        }
    };
    let usable = found
        .into_iter()
        .filter(|coin| coin.outpoint != collateral && wallet::is_spendable(ports, coin, &listed))
        .collect();
    Ok((label, address, usable))
}
