//! Castellan: masternodes of Dash-family coins whose collateral stays on a hardware wallet.
//!
//! Layers (an arrow reads "is used by"; nothing points back):
//! `protocol -> hw, rpc, store, notify -> flow -> ui, cli -> main`; `sandbox` uses protocol only.

pub mod cli;
pub mod flow;
pub mod hw;
pub mod notify;
pub mod protocol;
pub mod rpc;
pub mod sandbox;
pub mod setup;
pub mod store;
pub mod ui;
