//! An address of the device, with what it holds and what it is for.

use bitcoin::bip32::DerivationPath;

use crate::protocol::Amount;
use crate::protocol::key::KeyId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletAddress {
    pub path: DerivationPath,
    pub key_id: KeyId,
    /// Of the change chain.
    pub change: bool,
    pub index: u32,
    /// All its coins together, whatever their state.
    pub holds: Amount,
    /// How many these are.
    pub coins: usize,
    /// The user's, else what is known: `collateral of mn1`, `payout of mn1`.
    pub label: Option<String>,
    /// Names of the listed masternodes whose collateral it holds. Its other coins may be spent.
    pub backs: Vec<String>,
}
