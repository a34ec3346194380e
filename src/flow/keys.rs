//! The keys of a masternode: chosen from the vault, made new, or somebody else's.

use super::choice::{KeyChoice, OperatorChoice, VotingChoice};
use super::{Error, Ports};
use crate::protocol::bls;
use crate::protocol::key::KeyId;
use crate::store::{Kind, Vault};

/// Role and label of a key of the vault that takes part.
pub type Label = (&'static str, String);

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

    pub fn make(&mut self, ports: &Ports, kind: Kind, name: &str) -> Result<String, Error> {
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

/// Turns choices into keys; makes those that are asked for and remembers whose labels take part.
pub(super) struct Chooser<'a> {
    pub ports: &'a Ports,
    /// Begins the labels of new keys.
    pub name: &'a str,
    pub made: &'a mut Made,
    pub labels: Vec<Label>,
}

impl Chooser<'_> {
    pub fn owner(&mut self, choice: &KeyChoice) -> Result<KeyId, Error> {
        let label = match choice {
            KeyChoice::Held(label) => label.clone(),
            KeyChoice::New => self.made.make(self.ports, Kind::Owner, self.name)?,
        };
        let id = secp_id(self.ports.vault()?, &label, Kind::Owner)?;
        self.labels.push(("owner", label));
        Ok(id)
    }

    pub fn operator(&mut self, choice: &OperatorChoice) -> Result<bls::PublicKey, Error> {
        let label = match choice {
            OperatorChoice::Foreign(key) => return Ok(*key),
            OperatorChoice::Held(label) => label.clone(),
            OperatorChoice::New => self.made.make(self.ports, Kind::Operator, self.name)?,
        };
        let key = operator_key(self.ports.vault()?, &label)?;
        self.labels.push(("operator", label));
        Ok(key)
    }

    pub fn voting(&mut self, choice: &VotingChoice, owner: KeyId) -> Result<KeyId, Error> {
        let label = match choice {
            VotingChoice::SameAsOwner => return Ok(owner),
            VotingChoice::Foreign(id) => return Ok(*id),
            VotingChoice::Held(label) => label.clone(),
            VotingChoice::New => self.made.make(self.ports, Kind::Voting, self.name)?,
        };
        let id = secp_id(self.ports.vault()?, &label, Kind::Voting)?;
        self.labels.push(("voting", label));
        Ok(id)
    }
}

/// A new key of the vault: derived from the recovery phrase and durable before it is used anywhere.
pub fn make(ports: &Ports, kind: Kind, name: &str) -> Result<String, Error> {
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
    expect_kind(vault, label, kind)?;
    Ok(vault.secp(label)?.key_id())
}

pub(super) fn operator_key(vault: &Vault, label: &str) -> Result<bls::PublicKey, Error> {
    expect_kind(vault, label, Kind::Operator)?;
    Ok(vault.bls(label)?.public_key())
}

fn expect_kind(vault: &Vault, label: &str, wanted: Kind) -> Result<(), Error> {
    let found = vault.info(label)?.kind;
    if found == wanted {
        return Ok(());
    }
    Err(Error::KeyOfOtherKind {
        label: label.to_owned(),
        found: found.name().to_owned(),
        wanted: wanted.name().to_owned(),
    })
}
