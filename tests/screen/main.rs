//! The wizard by clicks and key strokes, without a window: fields and pages on a scripted node and device, and whole
//! registrations on the sandbox through the real client and adapter.

#![allow(clippy::unwrap_used)]

mod bench;
mod fields;
mod pages;
mod pictures;
mod stage;
mod whole;
