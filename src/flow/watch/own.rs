//! Which of the things that happened this computer did itself, as its journal tells.

use crate::flow::alert::{Alert, Seen, Standing, What};
use crate::flow::{Error, Ports};
use crate::protocol::bls::Scheme;
use crate::protocol::special_tx::{Payload, ProUpRegTx};
use crate::protocol::{Address, OutPoint, ProTxHash, Profile, Transaction, script};
use crate::store::journal::{Event, Operation};

/// Marks the alerts that an operation of the journal is the cause of.
///
/// # Errors
/// Of the journal.
pub fn mark(ports: &Ports, before: &Seen, after: &Seen, alerts: &mut [Alert]) -> Result<(), Error> {
    let sent: Vec<(Transaction, Payload)> = ports
        .journal
        .list()?
        .iter()
        .filter(|operation| operation.network == ports.profile.name)
        .filter(|operation| fits(operation, before.height, after.height))
        .filter_map(transaction)
        .collect();
    for alert in alerts {
        let Some(of) = &alert.of else { continue };
        let did = Did {
            hash: of.pro_tx_hash,
            after,
            profile: &ports.profile,
        };
        alert.own = sent.iter().any(|(tx, payload)| did.it(&alert.what, tx, payload));
    }
    Ok(())
}

/// It may have been mined between the two looks: an old one that did the same did not do this.
fn fits(operation: &Operation, since: u32, until: u32) -> bool {
    let mined = operation.events.iter().rev().find_map(|entry| match entry.event {
        Event::Mined { height, .. } => Some(height),
        _ => None,
    });
    operation.is_past_no_return() && mined.is_none_or(|height| height > since && height <= until)
}

fn transaction(operation: &Operation) -> Option<(Transaction, Payload)> {
    let (_, hex) = operation.finished()?;
    let tx = Transaction::from_hex(hex).ok()?;
    let payload = Payload::of(&tx).ok()?;
    Some((tx, payload))
}

/// One masternode, and what it became.
struct Did<'a> {
    hash: ProTxHash,
    after: &'a Seen,
    profile: &'a Profile,
}

impl Did<'_> {
    /// Whether a transaction did this to it.
    fn it(&self, what: &What, tx: &Transaction, payload: &Payload) -> bool {
        if let What::Removed { collateral, .. } = what {
            return spends(tx, *collateral) || registers(payload, *collateral);
        }
        if payload.pro_tx_hash() != Some(self.hash) {
            return false;
        }
        match (what, payload) {
            (What::Payout { to, .. }, Payload::ProUpReg(payload)) => *to == self.address(&payload.payout),
            (What::Voting { to, .. }, Payload::ProUpReg(payload)) => {
                *to == Some(payload.voting.address().to_text(self.profile))
            }
            (What::OperatorKey, Payload::ProUpReg(payload)) => self.is_operator(payload),
            (
                What::Status {
                    to: Standing::OperatorChanged,
                    ..
                },
                Payload::ProUpReg(payload),
            ) => self.is_operator(payload),
            (What::Address { to, .. }, Payload::ProUpServ(payload)) => *to == payload.service.to_string(),
            (What::OperatorPayout { to, .. }, Payload::ProUpServ(payload)) => {
                *to == self.address(&payload.operator_payout)
            }
            (
                What::Status {
                    to: Standing::Enabled, ..
                },
                Payload::ProUpServ(_),
            ) => true,
            (
                What::Status {
                    to: Standing::Revoked(reason),
                    ..
                },
                Payload::ProUpRev(payload),
            ) => payload.reason == *reason,
            _ => false,
        }
    }

    fn address(&self, of: &bitcoin::ScriptBuf) -> Option<String> {
        script::address(of.as_bytes()).map(|address: Address| address.to_text(self.profile))
    }

    fn is_operator(&self, payload: &ProUpRegTx) -> bool {
        let key = payload.operator_key().ok();
        let key = key.map(|key| crate::protocol::wire::to_hex(&key.encode(Scheme::Basic)));
        let is = self.after.masternodes.get(&self.hash);
        key.is_some() && is.is_some_and(|is| is.operator == key)
    }
}

fn spends(tx: &Transaction, collateral: OutPoint) -> bool {
    tx.inputs.iter().any(|input| input.previous == collateral)
}

/// A registration with the collateral of another masternode takes its place.
fn registers(payload: &Payload, collateral: OutPoint) -> bool {
    matches!(payload, Payload::ProReg(payload) if payload.collateral == collateral)
}
