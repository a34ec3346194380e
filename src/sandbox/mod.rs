//! What a newcomer starts with and what tests run against: an embedded chain with its own node, an emulated Ledger and an
//! emulated Trezor. All speak the real wire protocols on loopback.
//!
//! The node enforces the rules of the network by its own reading of the protocol, never by the app's list of them, pays its
//! masternodes by the queue and fails DKGs now and then. It uses `protocol` only.

mod asset_unlock;
pub mod chain;
mod dialect;
mod faucet;
mod handle;
pub mod ledger;
pub mod masternodes;
pub mod mempool;
mod mine;
mod node;
pub mod payee;
mod pro_tx;
mod pro_up;
pub mod quorum;
mod reject;
mod reorg;
mod script_check;
pub mod start;
#[cfg(test)]
mod tests;
pub mod trezor;
mod update;
mod validate;

pub use asset_unlock::UnlockError;
pub use chain::Chain;
pub use dialect::Dialect;
pub use faucet::FaucetError;
pub use handle::{Event, Options, Sandbox, SandboxError};
pub use reject::Reject;
pub use start::{Extras, Setup, StartError};
