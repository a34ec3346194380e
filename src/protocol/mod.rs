//! What Dash-family nodes agree on: bytes, keys, amounts, networks, special transactions and their rules.
//!
//! Pure: no I/O, clock, randomness or toolkit. Everything above builds on this and nothing here knows who asks.

pub mod address;
pub mod amount;
pub mod bls;
pub mod describe;
pub mod funding;
pub mod key;
pub mod masternode;
pub mod message;
pub mod network;
pub mod path;
pub mod rules;
pub mod script;
pub mod special_tx;
pub mod tx;
pub mod wire;

pub use address::Address;
pub use amount::Amount;
pub use bitcoin::{BlockHash, OutPoint, ScriptBuf, Txid};
pub use key::{KeyId, SecpKey};
pub use network::Profile;
pub use tx::{Transaction, TxIn, TxOut};

/// A masternode's identity: the txid of the ProRegTx that created it.
pub type ProTxHash = Txid;
