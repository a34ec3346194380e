//! The masternode an update is about, as the chain has it.

use crate::flow::overview::{self, Roles};
use crate::flow::{Error, Ports};
use crate::protocol::masternode::Entry;
use crate::protocol::script::{self, Destination};
use crate::protocol::{Address, KeyId, ProTxHash};
use crate::rpc::NodeStatus;

/// What a form is filled from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub entry: Entry,
    /// What it is called here.
    pub name: String,
    pub roles: Roles,
    pub status: NodeStatus,
    /// The key of the collateral, if its output pays one.
    pub collateral: Option<KeyId>,
}

impl Subject {
    /// Keys whose addresses are no new payout: those the rules refuse, the collateral's, and the one there is.
    pub fn taken(&self) -> Vec<KeyId> {
        let state = &self.entry.state;
        let payout = state.payout.and_then(|payout| match payout {
            Address::PubkeyHash(hash) => Some(KeyId(hash)),
            Address::ScriptHash(_) => None,
        });
        [self.collateral, state.owner, state.voting, payout]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The operator's key, unless he gave up.
    pub fn operator(&self) -> Option<crate::protocol::bls::PublicKey> {
        self.entry.state.operator.point()
    }
}

/// # Errors
/// Of the node; it is not listed.
pub async fn read(ports: Ports, pro_tx_hash: ProTxHash) -> Result<Subject, Error> {
    let status = ports.node.status().await?;
    let list = ports.node.masternodes().await?;
    let found = list.find(pro_tx_hash).cloned();
    let entry = found.ok_or_else(|| Error::NoSuchMasternode {
        hash: pro_tx_hash.to_string(),
    })?;
    let coin = ports.node.coin(entry.collateral).await?;
    let collateral = coin.and_then(|coin| match script::destination(coin.script.as_bytes())? {
        Destination::Key(hash) => Some(KeyId(hash)),
        _ => None,
    });
    let roles = overview::roles(ports.vault.as_deref(), &entry);
    Ok(Subject {
        name: roles.name(pro_tx_hash),
        roles,
        entry,
        status,
        collateral,
    })
}
