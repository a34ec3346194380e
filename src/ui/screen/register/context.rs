//! What the steps get to see: when they are updated, and when they are drawn.

use super::sketch::{Chain, Sketch};
use crate::flow::Ports;
use crate::protocol::Profile;
use crate::protocol::bls::Scheme;
use crate::store::{KeyInfo, Kind};

/// What a step may use while it is updated.
pub(super) struct Context<'a> {
    pub ports: &'a Ports,
    pub keys: &'a mut Vec<KeyInfo>,
    pub sketch: &'a Sketch,
    /// What new keys are named after.
    pub name: &'a str,
}

impl Context<'_> {
    pub fn profile(&self) -> &Profile {
        &self.ports.profile
    }

    /// Shows a key that was just made, until the vault is listed anew.
    pub fn made(&mut self, key: KeyInfo) {
        self.keys.retain(|known| known.label != key.label);
        self.keys.push(key);
    }

    pub fn keys_of(&self, kind: Kind) -> impl Iterator<Item = &KeyInfo> {
        of_network(self.keys, kind, &self.ports.profile)
    }
}

/// What a step shows besides itself.
pub(super) struct Look<'a> {
    pub profile: &'a Profile,
    pub keys: &'a [KeyInfo],
    pub chain: Option<&'a Chain>,
    pub device: Option<&'a str>,
    /// The device is the sandbox's, which has a page of its own.
    pub sandbox: bool,
}

impl<'a> Look<'a> {
    pub fn keys_of(&self, kind: Kind) -> impl Iterator<Item = &'a KeyInfo> + use<'a> {
        of_network(self.keys, kind, self.profile)
    }

    pub fn node_has_wallet(&self) -> bool {
        self.chain
            .is_some_and(|chain| chain.status.capabilities.wallet == Some(true))
    }

    /// Of operator keys in the next block.
    pub fn scheme(&self) -> Scheme {
        match self.chain {
            Some(chain) => chain.status.capabilities.scheme(),
            None if self.profile.activation.v19.is_some() => Scheme::Basic,
            None => Scheme::Legacy,
        }
    }
}

fn of_network<'a>(keys: &'a [KeyInfo], kind: Kind, profile: &Profile) -> impl Iterator<Item = &'a KeyInfo> + use<'a> {
    let name = profile.name.clone();
    keys.iter()
        .filter(move |key| key.kind == kind && key.network.name == name)
}
