//! The deterministic masternode list: entries, what transactions do to them, PoSe arithmetic, the payment queue and rewards.

pub mod effect;
pub mod entry;
pub mod pose;
pub mod queue;
pub mod reward;

pub use entry::{BanReason, Entry, OperatorKey, Status};
