//! The three keys of a masternode: chosen from the vault, made new, or somebody else's.

use super::draft::{Draft, KeyChoice, OperatorChoice, VotingChoice};
use crate::flow::{Error, Ports};
use crate::protocol::bls;
use crate::protocol::key::KeyId;
use crate::store::{Kind, Vault};

/// Labels of keys made on the way to a plan.
#[derive(Default)]
pub(super) struct Made(Vec<String>);

impl Made {
    pub fn of(labels: &[String]) -> Self {
        Self(labels.to_vec())
    }

    pub fn labels(self) -> Vec<String> {
        self.0
    }

    fn make(&mut self, ports: &Ports, kind: Kind, name: &str) -> Result<String, Error> {
        let label = make(ports, kind, name)?;
        self.0.push(label.clone());
        Ok(label)
    }

    pub fn remove(&self, ports: &Ports) {
        let Ok(vault) = ports.vault() else { return };
        for label in &self.0 {
            if let Err(error) = vault.remove(label) {
                // An unused key more in the vault harms nobody.
                tracing::warn!(label, %error, "a key made for a plan was not taken back");
            }
        }
    }
}

/// The three keys of a masternode.
pub(super) struct Keys {
    pub owner: KeyId,
    pub operator: bls::PublicKey,
    pub voting: KeyId,
    pub labels: Vec<(&'static str, String)>,
}

impl Keys {
    pub fn choose(ports: &Ports, draft: &Draft, made: &mut Made) -> Result<Self, Error> {
        let mut labels = Vec::new();
        let owner_label = match &draft.owner {
            KeyChoice::Held(label) => label.clone(),
            KeyChoice::New => made.make(ports, Kind::Owner, &draft.name)?,
        };
        let owner = secp_id(ports.vault()?, &owner_label, Kind::Owner)?;
        labels.push(("owner", owner_label));
        let operator = match &draft.operator {
            OperatorChoice::Foreign(key) => *key,
            OperatorChoice::Held(label) => operator_key(ports.vault()?, label, &mut labels)?,
            OperatorChoice::New => {
                let label = made.make(ports, Kind::Operator, &draft.name)?;
                operator_key(ports.vault()?, &label, &mut labels)?
            }
        };
        let voting = match &draft.voting {
            VotingChoice::SameAsOwner => owner,
            VotingChoice::Foreign(id) => *id,
            VotingChoice::Held(label) => {
                let id = secp_id(ports.vault()?, label, Kind::Voting)?;
                labels.push(("voting", label.clone()));
                id
            }
            VotingChoice::New => {
                let label = made.make(ports, Kind::Voting, &draft.name)?;
                let id = secp_id(ports.vault()?, &label, Kind::Voting)?;
                labels.push(("voting", label));
                id
            }
        };
        Ok(Self {
            owner,
            operator,
            voting,
            labels,
        })
    }
}

/// A new key of the vault: derived from the recovery phrase and durable before it is used anywhere.
pub(super) fn make(ports: &Ports, kind: Kind, name: &str) -> Result<String, Error> {
    let vault = ports.vault()?;
    let base = format!("{name}-{}", kind.name());
    let taken: Vec<String> = vault.list().into_iter().map(|key| key.label).collect();
    let label = (1..)
        .map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") })
        .find(|label| !taken.contains(label))
        .expect("labels are endless");
    vault.generate(kind, &label, &ports.profile, ports.now())?;
    Ok(label)
}

pub(super) fn secp_id(vault: &Vault, label: &str, kind: Kind) -> Result<KeyId, Error> {
    expect_kind(vault, label, &[kind])?;
    Ok(vault.secp(label)?.key_id())
}

fn operator_key(vault: &Vault, label: &str, labels: &mut Vec<(&'static str, String)>) -> Result<bls::PublicKey, Error> {
    expect_kind(vault, label, &[Kind::Operator])?;
    labels.push(("operator", label.to_owned()));
    Ok(vault.bls(label)?.public_key())
}

fn expect_kind(vault: &Vault, label: &str, kinds: &[Kind]) -> Result<(), Error> {
    let found = vault.info(label)?.kind;
    if kinds.contains(&found) {
        return Ok(());
    }
    let wanted = kinds.first().map_or("", |kind| kind.name());
    Err(Error::KeyOfOtherKind {
        label: label.to_owned(),
        found: found.name().to_owned(),
        wanted: wanted.to_owned(),
    })
}
