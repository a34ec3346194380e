//! `status`: the node, its chain, and what it can do.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::output::Failure;
use super::session::Session;
use crate::rpc::NodeStatus;

pub async fn run(session: &Session) -> Result<ExitCode, Failure> {
    let connection = session.connect().await?;
    let status = connection.ports.node.status().await?;
    let document = document(&status, &connection.ports.profile.name);
    Ok(session
        .output
        .done(&document, || sentences(&status, &connection.ports.profile.name)))
}

fn document(status: &NodeStatus, network: &str) -> Value {
    let can = &status.capabilities;
    json!({
        "network": network,
        "chain": status.chain,
        "genesis": status.genesis.to_string(),
        "subversion": status.subversion,
        "version": status.version,
        "protocolVersion": status.protocol_version,
        "height": status.tip.height,
        "bestBlock": status.tip.hash.to_string(),
        "time": status.tip.time,
        "headers": status.headers,
        "synced": status.synced,
        "connections": status.connections,
        "blsScheme": can.scheme(),
        "payloadVersion": can.payload_version(),
        "capabilities": {
            "v19": can.v19_active,
            "mnRr": can.mn_rr_active,
            "addressIndex": can.address_index,
            "txIndex": can.tx_index,
            "scanTxOutSet": can.scan_tx_out_set,
            "testMempoolAccept": can.test_mempool_accept,
            "listDiff": can.list_diff,
            "wallet": can.wallet,
        },
    })
}

fn sentences(status: &NodeStatus, network: &str) -> String {
    let can = &status.capabilities;
    let yes = |known: Option<bool>| match known {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known yet",
    };
    [
        format!("{} on {network} ({})", status.subversion, status.chain),
        format!(
            "height {} of {}, {}",
            status.tip.height,
            status.headers,
            if status.synced { "synced" } else { "still syncing" }
        ),
        format!(
            "operator keys: {} scheme, payload version {}",
            can.scheme(),
            can.payload_version()
        ),
        format!(
            "address index: {}; transaction index: {}; wallet: {}",
            yes(can.address_index),
            yes(can.tx_index),
            yes(can.wallet)
        ),
    ]
    .join("\n")
}
