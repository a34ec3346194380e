//! What the node can add to an alert: what a block paid, which DKG failed, whether a collateral was spent. What it does not answer is
//! left out.

use crate::flow::Ports;
use crate::flow::alert::{Alert, Dkg, Seen, What};
use crate::protocol::{OutPoint, ProTxHash};

/// Quorums of each type that are looked through: all that are active at once, of the largest type (rotated: two cycles of 32).
const QUORUMS: u32 = 64;
/// **Blocks** from the beginning of a DKG within which its result is mined, for any type.
const MINED_WITHIN: u32 = 120;

pub async fn learn(ports: &Ports, before: &Seen, alerts: &mut [Alert]) {
    for alert in alerts {
        let Some(of) = &alert.of else { continue };
        let (hash, height) = (of.pro_tx_hash, alert.height);
        match &mut alert.what {
            What::Paid { block, amount } => *amount = paid(ports, before, hash, *block).await,
            What::ScoreRose { dkg, .. } => *dkg = failed(ports, hash, before.height, height).await,
            What::Removed { collateral, spent } => *spent = is_spent(ports, *collateral).await,
            _ => {}
        }
    }
}

/// **Duffs** to the owner and the operator together.
async fn paid(ports: &Ports, before: &Seen, hash: ProTxHash, block: u32) -> Option<u64> {
    let payments = ports.node.payments(block, 1).await.ok()?;
    let payment = payments
        .into_iter()
        .find(|payment| payment.height == block && payment.pro_tx_hash.is_none_or(|payee| payee == hash))?;
    let known = before.masternodes.get(&hash)?;
    let own = [known.payout.as_deref(), known.operator_payout.as_deref()];
    let named = payment.pro_tx_hash.is_some();
    let parts = payment.payees.into_iter().filter_map(|(address, amount)| {
        let address = address?.to_text(&ports.profile);
        // Where the node does not say whom it paid, the addresses do.
        (named || own.contains(&Some(address.as_str()))).then_some(amount)
    });
    let amounts: Vec<_> = parts.collect();
    (!amounts.is_empty()).then(|| amounts.into_iter().map(|amount| amount.duffs()).sum())
}

/// The youngest DKG it failed in whose result can have come since the look before.
async fn failed(ports: &Ports, hash: ProTxHash, since: u32, height: u32) -> Option<Dkg> {
    let all = ports.node.memberships(hash, QUORUMS).await.ok()??;
    let recent = all.into_iter().filter(|membership| {
        let mined_by = membership.height.saturating_add(MINED_WITHIN);
        !membership.valid && membership.height <= height && mined_by >= since
    });
    recent.max_by_key(|membership| membership.height).map(|membership| Dkg {
        kind: membership.kind,
        quorum: membership.quorum.to_string(),
        height: membership.height,
    })
}

async fn is_spent(ports: &Ports, collateral: OutPoint) -> Option<bool> {
    let coin = ports.node.coin(collateral).await.ok()?;
    Some(coin.is_none())
}
