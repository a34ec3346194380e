//! The deterministic masternode list: entries, what transactions do to them, PoSe arithmetic and the payment queue.

pub mod effect;
pub mod entry;
pub mod pose;
pub mod queue;
mod spacing;

pub use entry::{Entry, OperatorKey, Status};
