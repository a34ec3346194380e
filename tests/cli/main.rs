//! The real binary, as scripts call it: documents on stdout, exit codes, and the whole job against `castellan sandbox`.

mod dashboard;
mod handover;
mod history;
mod interrupt;
mod job;
mod offline;
mod pay;
mod support;
mod trezor;
mod updates;
mod usage;
mod vault;
mod watch;
