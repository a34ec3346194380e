//! The device over its socket, as a client meets it.

mod behaviour;
mod host;
mod payments;
mod replay;
