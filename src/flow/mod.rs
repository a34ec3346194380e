//! What the app does, told once for window and command line: draft -> plan with checks -> steps -> outcome.
//!
//! A flow is a function that returns a [`sipper::Straw`]: a future that also says its steps. It knows ports, never widgets.
//! Dropping it cancels it; each flow names the step after which that no longer undoes anything.

pub mod alert;
pub mod batch;
pub mod choice;
pub mod error;
pub mod export;
pub mod fee;
pub mod guard;
pub mod history;
mod keys;
pub mod operation;
pub mod overview;
pub mod pay;
pub mod register;
pub mod resume;
pub mod revive;
pub mod send;
pub mod transaction;
pub mod unlock;
pub mod update;
pub mod wallet;
pub mod warning;
pub mod watch;
pub mod words;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use error::Error;
pub use keys::{Label, make as make_key};

use crate::hw::{Device, Done, Kind, Part};
use crate::protocol::Profile;
use crate::protocol::masternode::Entry;
use crate::rpc::{Node, NodeStatus};
use crate::store::history::History;
use crate::store::journal::Journal;
use crate::store::vault::Vault;

/// Everything a flow may touch.
#[derive(Clone)]
pub struct Ports {
    pub profile: Arc<Profile>,
    pub node: Arc<dyn Node>,
    /// None: no device is open; a flow that needs one says so.
    pub device: Option<Arc<dyn Device>>,
    /// None: the vault is locked or does not exist yet.
    pub vault: Option<Arc<Vault>>,
    pub journal: Arc<Journal>,
    pub history: Arc<History>,
    /// How often to ask the node for a new block.
    pub poll: Duration,
}

impl Ports {
    /// # Errors
    /// [`Error::NoDevice`].
    pub fn device(&self) -> Result<&Arc<dyn Device>, Error> {
        self.device.as_ref().ok_or(Error::NoDevice)
    }

    /// # Errors
    /// [`Error::VaultLocked`].
    pub fn vault(&self) -> Result<&Arc<Vault>, Error> {
        self.vault.as_ref().ok_or(Error::VaultLocked)
    }

    /// **Unix seconds**.
    pub fn now(&self) -> u64 {
        now()
    }
}

/// The node's status, if it has all blocks it knows of.
///
/// # Errors
/// Of the node, and [`Error::NotSynced`].
pub(crate) async fn synced_status(ports: &Ports) -> Result<NodeStatus, Error> {
    let status = ports.node.status().await?;
    if status.tip.height < status.headers {
        return Err(Error::NotSynced {
            blocks: status.tip.height,
            headers: status.headers,
        });
    }
    Ok(status)
}

/// What a masternode is called here: see [`overview::Roles::name`].
fn name_of(ports: &Ports, entry: &Entry) -> String {
    let roles = overview::roles(ports.vault.as_deref(), entry);
    roles.name(entry.pro_tx_hash)
}

/// **Unix seconds**; 0 on a computer whose clock stands before 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// What the user should do or know while a flow runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The plan is in the journal; from here a restart can go on.
    Planned {
        id: i64,
    },
    /// The device asks for a signature under a text. A Ledger shows only the hash, a Trezor the text.
    ConfirmMessage {
        device: Kind,
        text: String,
        hash: String,
        address: String,
    },
    /// The device shows an address of its own, to be compared; the payment goes there.
    ConfirmAddress {
        device: Kind,
        path: String,
        /// As the device writes it.
        address: String,
    },
    /// The device asks for a payment; it shows these outputs and the fee.
    ConfirmPayment {
        device: String,
        outputs: Vec<(String, String)>,
        fee: String,
    },
    /// How far the device is with a payment.
    DeviceWorks(Done),
    /// The device gave a signature and it is the right one.
    DeviceSigned,
    /// The payload is signed by a key of the vault, or one pasted for once.
    PayloadSigned {
        role: operation::Role,
        label: String,
    },
    /// The fee inputs are signed by a key of the vault.
    InputsSigned {
        label: String,
    },
    /// Everything was read back from the final bytes and checked again.
    Verified {
        txid: bitcoin::Txid,
        size: usize,
    },
    /// The point of no return.
    Broadcasting {
        txid: bitcoin::Txid,
    },
    /// The node has it; waiting for a block.
    WaitingForBlock {
        txid: bitcoin::Txid,
        height: u32,
    },
    Mined {
        txid: bitcoin::Txid,
        height: u32,
    },
}

/// What a device shows of a text it is to sign, to be compared.
pub fn message_shown(device: Kind, text: &str, hash: &str) -> String {
    match device {
        Kind::Ledger => format!("message hash {hash}"),
        Kind::Trezor => format!("the text {text}"),
    }
}

impl Step {
    /// One line for a terminal or a progress list.
    pub fn sentence(&self) -> String {
        match self {
            Self::Planned { id } => format!("the plan is kept in the journal as number {id}"),
            Self::ConfirmMessage {
                device,
                text,
                hash,
                address,
            } => {
                let shown = message_shown(*device, text, hash);
                format!("confirm on the {device}: {shown}, signed by {address}")
            }
            Self::ConfirmPayment { device, outputs, fee } => {
                let listed: Vec<String> = outputs.iter().map(|(amount, to)| format!("{amount} to {to}")).collect();
                format!("confirm on the {device}: {}, fee {fee}", listed.join(", "))
            }
            Self::ConfirmAddress { device, path, address } => {
                format!("compare the address on the {device}: {address} ({path})")
            }
            Self::DeviceWorks(Done { part, done, of }) => match part {
                Part::Reading => format!("the device reads previous transactions: {done} of {of}"),
                Part::Signing => format!("the device signs: {done} of {of}"),
            },
            Self::DeviceSigned => "the device signed, and the signature is the right one".into(),
            Self::PayloadSigned { role, label } => format!("the payload is signed by the {role}: {label}"),
            Self::InputsSigned { label } => format!("the fee inputs are signed by {label}"),
            Self::Verified { txid, size } => format!("transaction {txid} ({size} bytes) verified from its final bytes"),
            Self::Broadcasting { txid } => format!("sending {txid}"),
            Self::WaitingForBlock { height, .. } => format!("sent; waiting for the block after {height}"),
            Self::Mined { height, .. } => format!("mined in block {height}"),
        }
    }
}
