//! A real node against this program: flows and hand-built transactions are sent to it, and our rules are compared with its judgement.
//!
//! Needs Dash Core 23.1 or later: `DASHD_EXE=/path/to/dashd cargo test --test node -- --ignored --test-threads 1`

#[path = "../support/mod.rs"]
mod support;

mod batches;
mod case;
mod chain;
mod dropped;
mod flows;
mod handover;
mod judgement;
mod life;
mod lists;
mod masternode;
mod mutations;
mod pending;
mod registration;
mod rewards;
mod updates;
mod verdicts;
