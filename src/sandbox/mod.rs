//! A world to learn and test in: what speaks the real wire protocols on loopback, without hardware and without a chain.

pub mod ledger;
