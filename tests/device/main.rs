//! The device clients against real firmware on emulators. Everything here is ignored unless asked for; the modules' headers say how.

#![allow(clippy::unwrap_used)]

mod ledger;
mod trezor;
mod whole;
