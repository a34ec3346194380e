//! The three keys of a new masternode.

use super::draft::Draft;
use crate::flow::keys::{Chooser, Label, Made};
use crate::flow::{Error, Ports};
use crate::protocol::bls;
use crate::protocol::key::KeyId;

/// The three keys of a masternode.
pub(super) struct Keys {
    pub owner: KeyId,
    pub operator: bls::PublicKey,
    pub voting: KeyId,
    pub labels: Vec<Label>,
}

pub(super) fn choose_keys(ports: &Ports, draft: &Draft, made: &mut Made) -> Result<Keys, Error> {
    let mut chooser = Chooser {
        ports,
        name: &draft.name,
        made,
        labels: Vec::new(),
    };
    let owner = chooser.owner(&draft.owner)?;
    Ok(Keys {
        owner,
        operator: chooser.operator(&draft.operator)?,
        voting: chooser.voting(&draft.voting, owner)?,
        labels: chooser.labels,
    })
}
