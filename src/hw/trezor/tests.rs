//! The client against the sandbox's Trezor over its socket, against vectors of the real firmware, and against peers that lie.

mod hostile;
mod prompts;
mod slot;
mod support;
mod vectors;
