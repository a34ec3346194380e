//! A node's "no" to a transaction.

use std::borrow::Cow;

use thiserror::Error;

/// REJECT_* numbers of the 0.17 line; later nodes no longer print them.
mod code {
    pub const INVALID: u16 = 16;
    pub const DUPLICATE: u16 = 18;
    pub const NONSTANDARD: u16 = 64;
    pub const FEE: u16 = 66;
    pub const HIGH_FEE: u16 = 256;
}

/// Reason of a transaction that spends what is not there. Sending and testing word it differently.
pub const MISSING_INPUTS: &str = "bad-txns-inputs-missingorspent";

/// Why a transaction is not accepted, in the node's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}{}{detail}", if detail.is_empty() { "" } else { ", " })]
pub struct Reject {
    /// `bad-protx-dup-key`
    pub reason: Cow<'static, str>,
    /// What follows the reason after a comma; may be empty.
    pub detail: String,
    /// The number 0.17 appends.
    pub code: u16,
}

impl Reject {
    fn new(reason: impl Into<Cow<'static, str>>, code: u16) -> Self {
        Self {
            reason: reason.into(),
            detail: String::new(),
            code,
        }
    }

    /// Against consensus.
    pub fn invalid(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(reason, code::INVALID)
    }

    /// Something in it exists already.
    pub fn duplicate(reason: &'static str) -> Self {
        Self::new(reason, code::DUPLICATE)
    }

    /// Against relay policy.
    pub fn nonstandard(reason: &'static str) -> Self {
        Self::new(reason, code::NONSTANDARD)
    }

    /// Too cheap.
    pub fn fee(reason: &'static str) -> Self {
        Self::new(reason, code::FEE)
    }

    /// Suspiciously dear (0.17).
    pub fn high_fee(reason: &'static str) -> Self {
        Self::new(reason, code::HIGH_FEE)
    }

    pub fn missing_inputs() -> Self {
        Self::invalid(MISSING_INPUTS)
    }

    #[must_use]
    pub fn with(mut self, detail: String) -> Self {
        self.detail = detail;
        self
    }

    pub fn is_missing_inputs(&self) -> bool {
        self.reason == MISSING_INPUTS
    }
}

/// `Err(reject)` unless the rule holds.
pub fn ensure(holds: bool, reject: impl FnOnce() -> Reject) -> Result<(), Reject> {
    if holds { Ok(()) } else { Err(reject()) }
}
