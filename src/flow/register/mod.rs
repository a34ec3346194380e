//! Registers a masternode whose collateral is on a device: draft -> plan -> collateral signature -> fee inputs -> chain.
//!
//! The device signs only the collateral message; the fee inputs are signed by a key of the vault, because no device can sign a
//! transaction with a payload (DIP-0002). Every byte is decided, checked and shown before the device is asked.

mod collateral;
mod draft;
mod keys;
pub mod look;
mod plan;
mod warning;

pub use super::choice::{FeeSource, KeyChoice, OperatorChoice, PlatformChoice, VotingChoice};
pub use super::fee::FeeInput;
pub use super::operation::Outcome;
pub use crate::protocol::message::device_hash;
pub use draft::{CollateralChoice, Draft};
pub use plan::{Plan, discard, export, prepare, register};
pub use warning::Warning;
