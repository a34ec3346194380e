//! Registers a masternode whose collateral is on a device: draft -> plan -> collateral signature -> fee inputs -> chain.
//!
//! The device signs only the collateral message; the fee inputs are signed by a key of the vault, because no device can sign a
//! transaction with a payload (DIP-0002). Every byte is decided, checked and shown before the device is asked.

mod collateral;
mod draft;
mod fee;
mod keys;
pub mod look;
mod plan;
mod run;
mod warning;

pub use draft::{CollateralChoice, Draft, FeeSource, KeyChoice, OperatorChoice, PlatformChoice, VotingChoice};
pub use fee::FeeInput;
pub use plan::{Plan, device_hash, discard, prepare};
pub use run::{Outcome, register};
pub(super) use run::{finish, resume_plan};
pub use warning::Warning;
