//! The sandbox against the protocol's list of rules, its own queue, and what real nodes answered.

mod chain;
mod http;
mod recorded;
mod rejects;
mod shapes;
mod support;
mod unlocks;
mod update_bench;
mod update_mempool;
mod update_rejects;
mod updates;
