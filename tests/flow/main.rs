//! The flows with scripted ports: what they ask of node and device, what the journal holds at every moment, and what stops them.
//!
//! The vault and the journal are real and lie in a temporary folder; the device signs with the keys of BIP-0039's first test
//! phrase. Only `sandbox` speaks to a node over HTTP.

#![allow(clippy::unwrap_used)]

mod alerts;
mod alerts_apart;
mod batch;
mod dropped;
mod forecast;
mod guard;
mod handover;
mod history;
mod hostile;
mod interrupted;
mod overview;
mod owned;
mod pay;
mod payer;
mod prompts;
mod refusals;
mod register;
mod resume;
mod revive;
mod sandbox;
mod unlock;
mod update;
mod update_interrupted;
mod update_refusals;
mod wallet;
mod world;
