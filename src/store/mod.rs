//! What is kept on this computer: settings, the vault of keys, the journal of operations.

pub mod eip2333;
