//! One wish for many masternodes, made into a draft for each.

use super::list::Row;
use super::{Item, Plans, prepare};
use crate::flow::choice::{FeeSource, OperatorChoice, VotingChoice};
use crate::flow::keys::Made;
use crate::flow::update::{Change, Draft, Registrar, ServiceChange};
use crate::flow::{Error, Ports};
use crate::protocol::key::KeyId;
use crate::protocol::{Address, ProTxHash};
use crate::store::Kind;

/// Begins the label of a key that several masternodes share.
const SHARED: &str = "shared";

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// One payout address for all.
    Payout {
        of: Vec<ProTxHash>,
        to: Address,
    },
    Voting {
        of: Vec<ProTxHash>,
        to: Voting,
    },
    /// Each its own address.
    Services(Vec<Row>),
}

/// Which voting key they get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voting {
    NewForEach,
    /// One key, made once.
    NewForAll,
    /// By label.
    Held(String),
    Foreign(KeyId),
}

/// Plans a request; makes the keys it asks for.
///
/// # Errors
/// As [`prepare`], and of the vault; no key is left behind.
pub async fn prepare_request(ports: &Ports, request: Request, fee_from: FeeSource) -> Result<Plans, Error> {
    let mut made = Made::default();
    let result = match drafts(ports, request, &fee_from, &mut made) {
        Ok(drafts) => prepare(ports, drafts).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(plans) => Ok(Plans {
            shared: made.labels().pop(),
            ..plans
        }),
        Err(error) => {
            made.remove(ports);
            Err(error)
        }
    }
}

fn drafts(ports: &Ports, request: Request, fee_from: &FeeSource, made: &mut Made) -> Result<Vec<Draft>, Error> {
    let draft = |(pro_tx_hash, change)| Draft {
        pro_tx_hash,
        change,
        fee_from: fee_from.clone(),
    };
    let registrar = |of: Vec<ProTxHash>, change: Registrar| {
        let one = |hash| draft((hash, Change::Registrar(change.clone())));
        of.into_iter().map(one).collect()
    };
    Ok(match request {
        Request::Payout { of, to } => registrar(
            of,
            Registrar {
                payout: Some(to),
                ..Registrar::default()
            },
        ),
        Request::Voting { of, to } => {
            let choice = match to {
                Voting::NewForEach => VotingChoice::New,
                Voting::NewForAll => VotingChoice::Held(made.make(ports, Kind::Voting, SHARED)?),
                Voting::Held(label) => VotingChoice::Held(label),
                Voting::Foreign(key) => VotingChoice::Foreign(key),
            };
            registrar(
                of,
                Registrar {
                    voting: Some(choice),
                    ..Registrar::default()
                },
            )
        }
        Request::Services(rows) => {
            let change = |row: Row| {
                let change = ServiceChange {
                    service: Some(row.service),
                    ..ServiceChange::default()
                };
                (row.pro_tx_hash, Change::Service(change))
            };
            rows.into_iter().map(change).map(draft).collect()
        }
    })
}

/// The item's draft, with the keys that were made for it instead of new ones.
pub(super) fn with_keys_of(item: &Item) -> Draft {
    let mut draft = item.draft.clone();
    let (Ok(plan), Change::Registrar(change)) = (&item.plan, &mut draft.change) else {
        return draft;
    };
    let held = |role: &str| {
        let found = plan.keys.iter().find(|(of, _)| *of == role);
        found.map(|(_, label)| label.clone())
    };
    if let (Some(VotingChoice::New), Some(label)) = (&change.voting, held("voting")) {
        change.voting = Some(VotingChoice::Held(label));
    }
    if let (Some(OperatorChoice::New), Some(label)) = (&change.operator, held("operator")) {
        change.operator = Some(OperatorChoice::Held(label));
    }
    draft
}
