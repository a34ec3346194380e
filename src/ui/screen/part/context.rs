//! What parts get to see: when they are updated, and when they are drawn.

use bitcoin::bip32::DerivationPath;

use crate::flow::Ports;
use crate::flow::fee::Bill;
use crate::hw;
use crate::protocol::bls::Scheme;
use crate::protocol::{KeyId, Profile};
use crate::rpc::NodeStatus;
use crate::store::{KeyInfo, Kind};

/// What a part may use while it is updated.
pub struct Context<'a> {
    pub ports: &'a Ports,
    pub keys: &'a mut Vec<KeyInfo>,
    /// What new keys are named after.
    pub name: &'a str,
    /// What the fee is paid for.
    pub bill: Bill,
    /// The account of the device that pays first.
    pub account: Option<DerivationPath>,
    /// Keys that rewards cannot or should not be paid to.
    pub taken: Vec<KeyId>,
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

/// What a part shows besides itself.
pub struct Look<'a> {
    pub profile: &'a Profile,
    pub keys: &'a [KeyInfo],
    pub status: Option<&'a NodeStatus>,
    /// The one that is open.
    pub device: Option<hw::Kind>,
    /// What it waits for, where it tells.
    pub told: Option<hw::Look>,
    /// What is being done, in a word: `registration`, `update`.
    pub errand: &'a str,
    /// The fee key may be on another computer.
    pub hand_over: bool,
    /// The device is the sandbox's, which has a page of its own.
    pub sandbox: bool,
}

impl<'a> Look<'a> {
    pub fn keys_of(&self, kind: Kind) -> impl Iterator<Item = &'a KeyInfo> + use<'a> {
        of_network(self.keys, kind, self.profile)
    }

    /// What the device is called in a sentence.
    pub fn device_name(&self) -> String {
        self.device.map_or_else(|| "device".to_owned(), |kind| kind.to_string())
    }

    pub fn node_has_wallet(&self) -> bool {
        self.status
            .is_some_and(|status| status.capabilities.wallet == Some(true))
    }

    /// Of operator keys in the next block.
    pub fn scheme(&self) -> Scheme {
        match self.status {
            Some(status) => status.capabilities.scheme(),
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
