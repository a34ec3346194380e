//! What a user chooses of keys and money in any operation: typed already, so that a flow has no text to parse.

use std::fmt;
use std::sync::Arc;

use crate::protocol::key::KeyId;
use crate::protocol::{Address, bls};
use crate::store::import::{self, ImportError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChoice {
    /// A label in the vault.
    Held(String),
    New,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperatorChoice {
    Held(String),
    New,
    /// A hosting provider keeps the secret.
    Foreign(bls::PublicKey),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VotingChoice {
    SameAsOwner,
    Held(String),
    New,
    Foreign(KeyId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformChoice {
    /// As on the wire.
    pub node_id: [u8; 20],
    pub p2p_port: u16,
    pub http_port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeeSource {
    /// A fee key of the vault, by label.
    Key(String),
    /// The node's own wallet pays and signs its inputs.
    NodeWallet,
    /// A fee key of another machine, which has to sign too.
    Elsewhere(Address),
}

/// Which operator key signs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OperatorSecret {
    /// The one the chain names, if the vault holds it.
    #[default]
    OfTheVault,
    /// By label; it has to be the one the chain names.
    Held(String),
    Pasted(OneUse),
}

/// An operator's secret for one operation: in memory only, wiped with the last copy.
#[derive(Clone)]
pub struct OneUse(Arc<bls::SecretKey>);

impl OneUse {
    /// Reads 64 hexadecimal digits.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        import::operator(text).map(|key| Self(Arc::new(key)))
    }

    pub fn public_key(&self) -> bls::PublicKey {
        self.0.public_key()
    }

    pub(super) fn secret(&self) -> &bls::SecretKey {
        &self.0
    }
}

impl fmt::Debug for OneUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneUse(..)")
    }
}

impl PartialEq for OneUse {
    fn eq(&self, other: &Self) -> bool {
        self.public_key() == other.public_key()
    }
}

impl Eq for OneUse {}
