//! The deterministic masternode list: entries, PoSe arithmetic and the payment queue.

pub mod entry;
pub mod pose;
pub mod queue;

pub use entry::{Entry, OperatorKey, Status};
