//! What a node can do: from its version, from its deployments, and from what it refused so far.
//!
//! Indexes and the wallet cannot be read off a version. They are learned from answers, once per session (texts: Dash Core
//! rpc/index_util.cpp, rpc/node.cpp, rpc/rawtransaction.cpp, 0.17.0.3 to 23.1.2).

use super::types::{ChainInfo, Forks, NetworkInfo};
use super::{Capabilities, RpcError, Tip};
use crate::protocol::masternode::queue::EvoPayments;
use crate::protocol::network::Activation;
use crate::protocol::rules::Dialect;

/// Versions (`getnetworkinfo.version`) from which a call exists.
const SCAN_TX_OUT_SET: u64 = 180_000;
const TEST_MEMPOOL_ACCEPT: u64 = 180_000;
pub(super) const LIST_DIFF: u64 = 200_000;
/// From here a node lists `v19`, unless it hides deployments altogether.
const KNOWS_V19: u64 = 190_000;

/// What answers taught about a node. None: nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Learned {
    pub address_index: Option<bool>,
    pub tx_index: Option<bool>,
    pub wallet: Option<bool>,
    pub scan: Option<bool>,
    pub batches: Option<bool>,
    /// The questions that teach were asked in this session.
    pub probed: bool,
    /// `getnetworkinfo.version`
    pub version: Option<u64>,
    /// `protx listdiff` answered, or the node does not know it.
    pub list_diff: Option<bool>,
    /// Deployments, where `getblockchaininfo` hides them.
    pub forks: Option<Forks>,
    /// The tip last heard of: what a block hash stands for never changes.
    pub tip: Option<Tip>,
}

impl Learned {
    /// From any answer to a call of the address index.
    pub fn address_index<T>(&mut self, answer: &Result<T, RpcError>) {
        if let Some(there) = has_address_index(answer) {
            self.address_index = Some(there);
        }
    }

    /// From any answer to `getrawtransaction`.
    pub fn tx_index<T>(&mut self, answer: &Result<T, RpcError>) {
        if let Some(there) = has_tx_index(answer) {
            self.tx_index = Some(there);
        }
    }
}

fn has_address_index<T>(answer: &Result<T, RpcError>) -> Option<bool> {
    match answer {
        Ok(_) => Some(true),
        // Up to 22 or so; an address without coins gets an empty list instead.
        Err(RpcError::Failed { code: -5, message, .. }) if message.starts_with("No information available") => {
            Some(false)
        }
        // 23: "Address index is disabled. You should run Dash Core with -addressindex (requires reindex)"
        Err(RpcError::Failed {
            code: -32600, message, ..
        }) if message.contains("index is disabled") => Some(false),
        Err(RpcError::UnknownMethod { .. }) => Some(false),
        Err(_) => None,
    }
}

fn has_tx_index<T>(answer: &Result<T, RpcError>) -> Option<bool> {
    match answer {
        Err(RpcError::Failed { code: -5, message, .. }) if message.starts_with("No such mempool or blockchain") => {
            Some(true)
        }
        Err(RpcError::Failed { code: -5, message, .. }) if message.starts_with("No such mempool transaction") => {
            Some(false)
        }
        // A transaction that was found may have been found in the mempool: that teaches nothing.
        _ => None,
    }
}

/// Deployments as the node tells them, else as the network's profile has them for the next block.
fn is_active(told: Option<bool>, forks: Forks, version: u64, next: u32, activation: Option<u32>) -> bool {
    match told {
        Some(active) => active,
        // An old node that lists its deployments does not know this one: the network has no such rule.
        None if forks.told && version < KNOWS_V19 => false,
        None => activation.is_some_and(|height| next >= height),
    }
}

/// How evonodes are paid in the block after `blocks`.
pub(super) fn evo_payments(version: u64, blocks: u32, forks: Forks, activation: &Activation) -> EvoPayments {
    let next = blocks.saturating_add(1);
    let active = |told, height| is_active(told, forks, version, next, height);
    match active(forks.v19, activation.v19) && !active(forks.mn_rr, activation.mn_rr) {
        true => EvoPayments::FourInARow,
        false => EvoPayments::Single,
    }
}

/// The same by the heights of the network alone.
pub(super) fn evo_payments_by_height(blocks: u32, activation: &Activation) -> EvoPayments {
    evo_payments(KNOWS_V19, blocks, Forks::default(), activation)
}

/// Puts everything together. `forks` are those of the node, from whichever call tells.
pub(super) fn capabilities(
    network: &NetworkInfo,
    chain: &ChainInfo,
    forks: Forks,
    activation: &Activation,
    learned: &Learned,
) -> Capabilities {
    let version = network.version;
    let next = chain.blocks.saturating_add(1);
    let active = |told, height| is_active(told, forks, version, next, height);
    Capabilities {
        v19_active: active(forks.v19, activation.v19),
        mn_rr_active: active(forks.mn_rr, activation.mn_rr),
        dialect: Dialect::of_version(version),
        address_index: learned.address_index,
        scan_tx_out_set: learned.scan.unwrap_or(version >= SCAN_TX_OUT_SET),
        test_mempool_accept: version >= TEST_MEMPOOL_ACCEPT,
        list_diff: learned.list_diff.unwrap_or(version >= LIST_DIFF),
        tx_index: learned.tx_index,
        wallet: learned.wallet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Amount, network};
    use bitcoin::BlockHash;
    use bitcoin::hashes::Hash;

    fn told(version: u64, blocks: u32, forks: Forks, profile: &str) -> Capabilities {
        let network = NetworkInfo {
            version,
            subversion: String::new(),
            protocol_version: 0,
            connections: 0,
            relay_fee: Some(Amount::ZERO),
        };
        let chain = ChainInfo {
            chain: String::new(),
            blocks,
            headers: blocks,
            best: BlockHash::all_zeros(),
            initial_download: false,
            time: None,
            forks,
        };
        let activation = network::builtin(profile).expect("embedded").activation;
        capabilities(&network, &chain, forks, &activation, &Learned::default())
    }

    #[test]
    fn heights_of_the_profile_count_only_where_the_node_hides_its_deployments() {
        let hidden = Forks::default();
        assert!(!told(240_000, 1_899_070, hidden, "dash").v19_active);
        assert!(told(240_000, 1_899_071, hidden, "dash").v19_active);
        assert!(!told(240_000, 2_128_894, hidden, "dash").mn_rr_active);
        assert!(told(240_000, 2_128_895, hidden, "dash").mn_rr_active);
        assert!(!told(240_000, 9_000_000, hidden, "wei").v19_active);
        let denied = Forks {
            told: true,
            v19: Some(false),
            mn_rr: None,
        };
        assert!(!told(230_102, 1_900_000, denied, "dash").v19_active);
    }

    #[test]
    fn an_old_node_that_lists_deployments_without_v19_is_legacy() {
        let without = Forks {
            told: true,
            v19: None,
            mn_rr: None,
        };
        assert!(!told(170_003, 9_000_000, without, "dash").v19_active);
    }

    #[test]
    fn calls_come_with_versions() {
        let none = Forks::default();
        let old = told(170_003, 1, none, "wei");
        assert!(!old.scan_tx_out_set && !old.test_mempool_accept && !old.list_diff);
        let middle = told(180_202, 1, none, "dash");
        assert!(middle.scan_tx_out_set && middle.test_mempool_accept && !middle.list_diff);
        assert!(told(200_000, 1, none, "dash").list_diff);
    }

    fn failed(code: i64, message: &str) -> Result<(), RpcError> {
        Err(RpcError::Failed {
            method: String::new(),
            code,
            message: message.to_owned(),
        })
    }

    #[test]
    fn refusals_teach_which_indexes_there_are() {
        let mut learned = Learned::default();
        learned.address_index(&failed(-5, "Invalid address"));
        learned.tx_index(&Ok(()));
        assert_eq!(learned, Learned::default());
        learned.address_index(&failed(-5, "No information available for address"));
        assert_eq!(learned.address_index, Some(false));
        learned.address_index(&Ok(()));
        assert_eq!(learned.address_index, Some(true));
        learned.address_index(&failed(
            -32600,
            "Address index is disabled. You should run Dash Core with -addressindex",
        ));
        assert_eq!(learned.address_index, Some(false));
        learned.tx_index(&failed(
            -5,
            "No such mempool or blockchain transaction. Use gettransaction",
        ));
        assert_eq!(learned.tx_index, Some(true));
        learned.tx_index(&failed(-5, "No such mempool transaction. Use -txindex to enable"));
        assert_eq!(learned.tx_index, Some(false));
    }
}
