//! Judging and sending finished transactions: facts gathered from the node, rules applied here.

use std::collections::HashMap;

use bitcoin::{OutPoint, Txid};

use super::{Error, Ports};
use crate::protocol::masternode::Entry;
use crate::protocol::rules::{self, Coin, Context, Facts, Verdict};
use crate::protocol::special_tx::Payload;
use crate::protocol::{Profile, Transaction};
use crate::rpc::{FoundCoin, Node, NodeStatus};

/// Everything the rules ask of the node's state for one transaction. The node is never asked to judge.
///
/// # Errors
/// Of the node.
pub async fn facts(node: &dyn Node, profile: &Profile, tx: &Transaction) -> Result<Facts, Error> {
    let list = node.masternodes().await?;
    let mut coins = HashMap::new();
    for outpoint in outpoints(tx, &list.entries) {
        coins.insert(outpoint, node.coin(outpoint).await?.map(into_coin));
    }
    let relay_fee = node.fee_rate().await?.relay;
    let known = node.transaction(tx.txid()).await?.is_some();
    Ok(Facts {
        height: list.tip.height,
        masternodes: list.entries,
        coins,
        relay_fee,
        coinbase_maturity: profile.coinbase_maturity,
        known,
        pending: node.pending().await?,
    })
}

/// What rules to judge by, as the node's generation and deployments say.
pub fn context<'a>(profile: &'a Profile, status: &NodeStatus, facts: &'a Facts) -> Context<'a> {
    Context {
        profile,
        dialect: status.capabilities.dialect,
        max_version: status.capabilities.payload_version(),
        facts: Some(facts),
    }
}

/// The verdict a node would give, from its list, UTXO set and mempool.
///
/// # Errors
/// Of the node.
pub async fn judge(ports: &Ports, tx: &Transaction) -> Result<Verdict, Error> {
    let status = ports.node.status().await?;
    let facts = facts(&*ports.node, &ports.profile, tx).await?;
    Ok(rules::check(tx, &context(&ports.profile, &status, &facts)))
}

/// Sends a transaction somebody finished elsewhere, after judging it here. Sending is the point of no return.
///
/// # Errors
/// The first rule it breaks, or the node's refusal.
pub async fn send(ports: &Ports, tx: &Transaction) -> Result<Txid, Error> {
    // What the node has already was judged before; sending it again is harmless.
    let known = ports.node.transaction(tx.txid()).await?.is_some();
    if !known && let Some(check) = judge(ports, tx).await?.failure() {
        return Err(Error::Rule(check.clone()));
    }
    Ok(ports.node.broadcast(tx.clone()).await?)
}

/// The inputs, and the collateral a registration names or a ProUpRegTx's masternode has.
fn outpoints(tx: &Transaction, masternodes: &[Entry]) -> Vec<OutPoint> {
    let mut all: Vec<OutPoint> = tx.inputs.iter().map(|input| input.previous).collect();
    match Payload::of(tx) {
        Ok(Payload::ProReg(payload)) if !payload.is_internal() => all.push(payload.collateral),
        Ok(Payload::ProUpReg(payload)) => {
            let found = masternodes
                .iter()
                .find(|entry| entry.pro_tx_hash == payload.pro_tx_hash);
            all.extend(found.map(|entry| entry.collateral));
        }
        _ => {}
    }
    all
}

fn into_coin(found: FoundCoin) -> Coin {
    Coin {
        value: found.value,
        script: found.script,
        confirmations: found.confirmations,
        coinbase: found.coinbase,
        spent_in_mempool: found.spent_in_mempool,
    }
}
