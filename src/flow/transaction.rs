//! Judging and sending finished transactions: facts gathered from the node, rules applied here.

use std::collections::HashMap;
use std::sync::Arc;

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
        masternodes: Arc::unwrap_or_clone(list.entries),
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

#[cfg(test)]
mod tests {
    use bitcoin::BlockHash;
    use bitcoin::hashes::Hash;

    use super::*;
    use crate::protocol::masternode::OperatorKey;
    use crate::protocol::masternode::entry::State;
    use crate::protocol::network::{MnType, builtin};
    use crate::protocol::special_tx::{ProUpRegTx, ProUpRevTx, Service};
    use crate::protocol::tx::{TxIn, TxOut};
    use crate::protocol::{Amount, KeyId, ProTxHash, script};
    use crate::rpc::fake::{FakeNode, Request};
    use crate::rpc::{FeeRate, MasternodeList, RpcError, Tip};

    const RECORDED: &str = include_str!("../../tests/data/dashd-23.1.2/modern-transactions.json");

    fn outpoint(n: u8) -> OutPoint {
        OutPoint {
            txid: Txid::from_byte_array([n; 32]),
            vout: u32::from(n),
        }
    }

    /// A masternode with the collateral `n`.
    fn listed(n: u8) -> Entry {
        Entry {
            pro_tx_hash: ProTxHash::from_byte_array([n; 32]),
            kind: MnType::Regular,
            collateral: outpoint(n),
            operator_reward: 0,
            confirmations: None,
            state: State {
                version: 2,
                service: Service::NONE,
                registered_height: 1,
                last_paid_height: 0,
                consecutive_payments: 0,
                pose_penalty: 0,
                pose_revived_height: None,
                pose_ban_height: None,
                revocation_reason: 0,
                owner: None,
                voting: None,
                payout: None,
                operator_payout: None,
                operator: OperatorKey::Revoked,
                platform_node_id: None,
                platform_p2p_port: None,
                platform_http_port: None,
            },
        }
    }

    /// A transaction with one input, of which only the payload's references matter here.
    fn spending(n: u8) -> Transaction {
        let mut tx = Transaction::empty(3);
        tx.inputs.push(TxIn::unsigned(outpoint(n)));
        tx.outputs
            .push(TxOut::new(Amount::from_duffs(1_000), script::pay_to_key(&[1; 20])));
        tx
    }

    /// A ProUpRegTx of the masternode `n`.
    fn registrar_update(n: u8) -> Transaction {
        let mut tx = spending(9);
        let payload = ProUpRegTx {
            version: 2,
            pro_tx_hash: ProTxHash::from_byte_array([n; 32]),
            mode: 0,
            operator: [2; 48],
            voting: KeyId([3; 20]),
            payout: script::pay_to_key(&[4; 20]),
            inputs_hash: tx.inputs_hash(),
            signature: vec![],
        };
        payload.attach(&mut tx);
        tx
    }

    fn recorded(what: &str) -> Transaction {
        let all: serde_json::Value = serde_json::from_str(RECORDED).expect("test data is JSON");
        let mut cases = all.as_array().expect("a list").iter();
        let case = cases.find(|case| case["what"] == what).expect("recorded");
        Transaction::from_hex(case["hex"].as_str().expect("hex")).expect("a real transaction")
    }

    fn node(entries: Vec<Entry>) -> FakeNode {
        let tip = Tip {
            height: 7,
            hash: BlockHash::all_zeros(),
            time: 0,
        };
        let fee = FeeRate {
            advised: Amount::from_duffs(2_000),
            relay: Amount::from_duffs(1_000),
        };
        FakeNode::new()
            .with_masternodes(Ok(MasternodeList::saved(
                tip,
                entries,
                &builtin("dash-regtest").expect("embedded"),
            )))
            .with_fee_rate(Ok(fee))
            .with_pending(Ok(None))
    }

    fn asked_for(node: &FakeNode) -> Vec<OutPoint> {
        let coin = |request| match request {
            Request::Coin(outpoint) => Some(outpoint),
            _ => None,
        };
        node.requests().into_iter().filter_map(coin).collect()
    }

    async fn gather(node: &FakeNode, tx: &Transaction) -> Facts {
        let profile = builtin("dash-regtest").expect("embedded");
        facts(node, &profile, tx).await.expect("scripted")
    }

    #[tokio::test]
    async fn facts_of_a_registrar_update_include_the_collateral_of_its_masternode() {
        let found = FoundCoin {
            outpoint: outpoint(2),
            value: Amount::from_coins(1_000),
            script: script::pay_to_key(&[7; 20]),
            confirmations: 20,
            coinbase: false,
            spent_in_mempool: false,
        };
        let node = node(vec![listed(1), listed(2)]).with_coin(outpoint(2), Ok(Some(found)));
        let facts = gather(&node, &registrar_update(2)).await;
        assert_eq!(asked_for(&node), [outpoint(9), outpoint(2)]);
        assert_eq!(facts.coin(&outpoint(9)), Some(None), "asked for, and not there");
        let collateral = facts.coin(&outpoint(2)).flatten().expect("found");
        assert_eq!(collateral.value, Amount::from_coins(1_000));
        assert_eq!(facts.coin(&outpoint(1)), None, "nobody asked for another one's");
        assert_eq!((facts.height, facts.pending, facts.known), (7, None, false));
    }

    #[tokio::test]
    async fn facts_of_a_masternode_that_is_not_listed_have_no_collateral() {
        let node = node(vec![listed(1)]);
        gather(&node, &registrar_update(2)).await;
        assert_eq!(asked_for(&node), [outpoint(9)]);
    }

    #[tokio::test]
    async fn facts_of_a_registration_include_the_collateral_it_names_unless_it_is_its_own_output() {
        let external = recorded("ProRegTx external collateral");
        let Ok(Payload::ProReg(payload)) = Payload::of(&external) else {
            panic!("a registration");
        };
        for (tx, collateral) in [
            (external, Some(payload.collateral)),
            (recorded("ProRegTx internal collateral"), None),
        ] {
            let node = node(vec![]);
            gather(&node, &tx).await;
            let inputs = tx.inputs.iter().map(|input| input.previous);
            let expected: Vec<OutPoint> = inputs.chain(collateral).collect();
            assert_eq!(asked_for(&node), expected);
        }
    }

    #[tokio::test]
    async fn facts_of_what_needs_no_collateral_are_the_inputs_alone() {
        let mut revocation = spending(9);
        let payload = ProUpRevTx {
            version: 2,
            pro_tx_hash: ProTxHash::from_byte_array([2; 32]),
            reason: 0,
            inputs_hash: revocation.inputs_hash(),
            signature: [0; 96],
        };
        payload.attach(&mut revocation);
        let mut broken = registrar_update(2);
        broken.payload.pop();
        for tx in [revocation, broken, spending(9)] {
            let node = node(vec![listed(2)]);
            gather(&node, &tx).await;
            assert_eq!(asked_for(&node), [outpoint(9)]);
        }
    }

    #[tokio::test]
    async fn facts_that_cannot_be_had_are_the_nodes_error() {
        let profile = builtin("dash-regtest").expect("embedded");
        let silent = FakeNode::new();
        let refused = facts(&silent, &profile, &registrar_update(2)).await;
        assert!(
            matches!(refused, Err(Error::Node(RpcError::UnknownMethod { .. }))),
            "{refused:?}"
        );
    }
}
