//! The pages without a window: what is on them, what their buttons say, how they look.

mod alerts;
mod batch;
mod devices;
mod first_start;
mod live;
mod looks;
mod matrix;
mod mine;
mod network;
mod pages;
mod prompts;
mod recording;
mod sandbox;
mod slots;
pub(super) mod support;
mod trezor;
mod updates;
mod user;
mod vaults;
mod wallet;
mod wallet_looks;
