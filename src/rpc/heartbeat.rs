//! Watching a node at little cost: one short question per look, everything at the start, after trouble and now and then.

use std::time::{Duration, Instant};

use super::{Node, NodeStatus, RpcError};

/// After this long the node is asked for everything again, although nothing seems to have changed.
const EVERYTHING_EVERY: Duration = Duration::from_secs(180);

/// What a node said last, and when it was asked for everything.
#[derive(Debug, Default)]
pub struct Heartbeat {
    last: Option<(NodeStatus, Instant)>,
}

impl Heartbeat {
    /// Where the node stands now.
    ///
    /// # Errors
    /// Of the node; the next look asks for everything.
    pub async fn look(&mut self, node: &dyn Node) -> Result<NodeStatus, RpcError> {
        // Taken: a look that fails or is dropped half-way leaves nothing to build on.
        let known = self.last.take().filter(|(status, asked)| {
            // A node that is catching up says more than a new tip every time.
            status.synced && status.headers <= status.tip.height && asked.elapsed() < EVERYTHING_EVERY
        });
        let (status, asked) = match known {
            Some((status, asked)) => match node.tip().await {
                Ok(tip) => {
                    let headers = tip.height;
                    (NodeStatus { tip, headers, ..status }, asked)
                }
                Err(_) => everything(node).await?,
            },
            None => everything(node).await?,
        };
        self.last = Some((status.clone(), asked));
        Ok(status)
    }
}

async fn everything(node: &dyn Node) -> Result<(NodeStatus, Instant), RpcError> {
    Ok((node.status().await?, Instant::now()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bitcoin::BlockHash;
    use bitcoin::hashes::Hash;

    use super::*;
    use crate::protocol::rules::Dialect;
    use crate::rpc::fake::{FakeNode, Request};
    use crate::rpc::{Capabilities, Tip};

    fn tip(height: u32) -> Tip {
        Tip {
            height,
            hash: BlockHash::from_byte_array([height as u8; 32]),
            time: 0,
        }
    }

    fn status(height: u32, headers: u32) -> NodeStatus {
        NodeStatus {
            subversion: String::new(),
            version: 230_102,
            protocol_version: 0,
            chain: String::new(),
            genesis: BlockHash::all_zeros(),
            tip: tip(height),
            headers,
            synced: true,
            connections: 8,
            capabilities: Capabilities {
                v19_active: true,
                mn_rr_active: true,
                dialect: Dialect::V23,
                address_index: None,
                scan_tx_out_set: true,
                test_mempool_accept: true,
                list_diff: true,
                tx_index: None,
                wallet: None,
            },
        }
    }

    #[tokio::test]
    async fn after_the_first_look_only_the_tip_is_asked() {
        let node = FakeNode::new()
            .with_status(Ok(status(5, 5)))
            .with_tip(Ok(tip(5)))
            .with_tip(Ok(tip(6)));
        let mut heartbeat = Heartbeat::default();
        for height in [5, 5, 6, 6] {
            let seen = heartbeat.look(&node).await.unwrap();
            assert_eq!((seen.tip, seen.headers), (tip(height), height));
        }
        let asked = [Request::Status, Request::Tip, Request::Tip, Request::Tip];
        assert_eq!(node.requests(), asked);
    }

    #[tokio::test]
    async fn trouble_and_a_node_that_catches_up_are_asked_for_everything() {
        let gone = RpcError::Busy { url: String::new() };
        let node = FakeNode::new()
            .with_status(Ok(status(5, 9)))
            .with_status(Ok(status(9, 9)))
            .with_status(Err(gone.clone()))
            .with_status(Ok(status(9, 9)))
            .with_tip(Err(gone.clone()))
            .with_tip(Ok(tip(9)));
        let mut heartbeat = Heartbeat::default();
        assert_eq!(heartbeat.look(&node).await.unwrap().tip, tip(5));
        assert_eq!(heartbeat.look(&node).await.unwrap().tip, tip(9));
        assert_eq!(heartbeat.look(&node).await, Err(gone));
        assert_eq!(heartbeat.look(&node).await.unwrap().tip, tip(9));
        assert_eq!(heartbeat.look(&node).await.unwrap().tip, tip(9));
        use Request::{Status, Tip};
        assert_eq!(node.requests(), [Status, Status, Tip, Status, Status, Tip]);
    }
}
