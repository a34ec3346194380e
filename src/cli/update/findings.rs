//! What is found out about a banned masternode while its revival is prepared.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::flow::Ports;
use crate::flow::choice::{FeeSource, OperatorSecret};
use crate::flow::revive::{self, Finding, PATIENCE};
use crate::flow::update::{Change, Draft, ServiceChange};
use crate::protocol::ProTxHash;

/// The node answers in this time, or its answer is not waited for.
const MARGIN: Duration = Duration::from_secs(1);

/// A look that goes on by itself; given up when dropped.
pub struct Looking(Option<JoinHandle<Vec<Finding>>>);

impl Looking {
    /// Looks at the masternode of a service update; anything else is not looked at.
    pub fn begin(ports: &Ports, draft: &Draft) -> Self {
        let Change::Service(change) = &draft.change else {
            return Self(None);
        };
        let look = look(ports.clone(), draft.pro_tx_hash, change.clone(), draft.fee_from.clone());
        let patient = async { tokio::time::timeout(PATIENCE + MARGIN, look).await.unwrap_or_default() };
        Self(Some(tokio::spawn(patient)))
    }

    /// Nothing for a masternode that is not banned, or where nothing was found out in time.
    pub async fn findings(mut self) -> Vec<Finding> {
        match self.0.take() {
            Some(looking) => looking.await.unwrap_or_default(),
            None => Vec::new(),
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        if let Some(looking) = &self.0 {
            looking.abort();
        }
    }
}

async fn look(ports: Ports, hash: ProTxHash, change: ServiceChange, fee_from: FeeSource) -> Vec<Finding> {
    // What goes wrong here goes wrong in the plan too, and is said there.
    let Ok(list) = ports.node.masternodes().await else {
        return Vec::new();
    };
    let found = list.entries.iter().find(|entry| entry.pro_tx_hash == hash);
    let Some(entry) = found.filter(|entry| entry.is_banned()) else {
        return Vec::new();
    };
    let new = change.service.filter(|service| *service != entry.state.service);
    let probe = async {
        match new {
            Some(service) => Some(revive::address(service).await),
            None => None,
        }
    };
    let (looked, probed) = tokio::join!(revive::look(&ports, hash, Some(&fee_from)), probe);
    let mut findings = looked.map(|diagnosis| diagnosis.findings).unwrap_or_default();
    if let Some(probed) = probed {
        // The old address is left behind.
        findings.retain(|finding| !is_of_address(finding));
        findings.push(probed);
    }
    if matches!(change.operator, OperatorSecret::Pasted(_)) {
        findings.retain(|finding| *finding != Finding::OperatorKeyElsewhere);
    }
    // The list of causes comes last, whatever else was found.
    findings.sort_by_key(|finding| *finding == Finding::Causes);
    findings
}

fn is_of_address(finding: &Finding) -> bool {
    matches!(
        finding,
        Finding::Reachable { .. } | Finding::Unreachable { .. } | Finding::NoAddress | Finding::AddressTaken { .. }
    )
}
