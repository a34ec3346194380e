//! The wizard by clicks and key strokes, headless: a fake node and device, a real vault and journal.

#![allow(clippy::unwrap_used)]

mod bench;
mod fields;
mod pages;
mod pictures;
