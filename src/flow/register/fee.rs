//! Who pays the fee: coins of a fee key or of the node's wallet, never a collateral.

use bitcoin::{OutPoint, ScriptBuf};
use serde::{Deserialize, Serialize};

use super::draft::{Draft, FeeSource};
use super::keys::secp_id;
use crate::flow::{Error, Ports, wallet};
use crate::protocol::funding::{self, Change, Coin};
use crate::protocol::special_tx::ProRegTx;
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
    let mut template = Transaction {
        version: 0,
        kind: 0,
        inputs: vec![],
        outputs: vec![],
        lock_time: 0,
        payload: vec![],
    };
    // The signature is part of the size that the fee is counted by.
    payload.signature = vec![0; 65];
    payload.attach(&mut template);
    let rate = ports.node.fee_rate().await?.advised;
    let spendable: Vec<Coin> = coins
        .iter()
        .map(|coin| Coin {
            outpoint: coin.outpoint,
            value: coin.value,
        })
        .collect();
    let funded = funding::fund(&template, &spendable, rate, &address.script(), Change::Required).map_err(|short| {
        let address = address.to_text(&ports.profile);
        Error::FeeKeyShort {
            label,
            address,
            available: short.available,
            needed: short.needed,
        }
    })?;
    if let FeeSource::Key(_) = draft.fee_from {
        for coin in coins.iter().filter(|coin| is_chosen(&funded.coins, coin)) {
            wallet::prove(ports, coin).await?;
        }
    }
    let mut unsigned = funded.tx;
    payload.inputs_hash = unsigned.inputs_hash();
    payload.signature.clear();
    payload.attach(&mut unsigned);
    let chosen = |outpoint: OutPoint| coins.iter().find(|coin| coin.outpoint == outpoint);
    let inputs = funded
        .coins
        .iter()
        .filter_map(|coin| chosen(coin.outpoint))
        .map(fee_input)
        .collect();
    Ok((unsigned, payload, inputs, funded.fee))
}

fn is_chosen(chosen: &[Coin], coin: &FoundCoin) -> bool {
    chosen.iter().any(|one| one.outpoint == coin.outpoint)
}

fn fee_input(coin: &FoundCoin) -> FeeInput {
    FeeInput {
        outpoint: coin.outpoint,
        value: coin.value.duffs(),
        script: coin.script.clone(),
    }
}

/// Coins that may pay: confirmed, mature, unspent also in the mempool, and never anything that is or looks like a collateral.
pub(super) async fn fee_coins(
    ports: &Ports,
    source: &FeeSource,
    collateral: OutPoint,
) -> Result<(String, Address, Vec<FoundCoin>), Error> {
    let listed: std::collections::HashSet<OutPoint> = ports
        .node
        .masternodes()
        .await?
        .entries
        .iter()
        .map(|entry| entry.collateral)
        .collect();
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
    let maturity = ports.profile.coinbase_maturity;
    let usable = found
        .into_iter()
        .filter(|coin| coin.outpoint != collateral && !wallet::is_guarded(ports, coin, &listed))
        .filter(|coin| !coin.spent_in_mempool && coin.confirmations > 0)
        .filter(|coin| !coin.coinbase || coin.confirmations >= maturity)
        .collect();
    Ok((label, address, usable))
}
