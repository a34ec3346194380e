//! Hardware wallets: what a flow may ask of one, whoever made it.
//!
//! The port is [`Device`]. Each vendor has a folder: `wire` (pure bytes), `transport` (USB, or a socket to an emulator), and the
//! client that implements the port. A worker thread per open device does the blocking exchange. What a device asks its user
//! through the host (PIN, passphrase) goes to the [`Asker`] it was opened with.

mod ability;
mod ask;
pub mod diagnosis;
pub mod discovery;
pub mod fake;
pub mod ledger;
mod minimum;
mod progress;
mod spend;
pub mod trezor;
mod usb;
mod worker;

use std::fmt;

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpub};
use bitcoin::secp256k1::{PublicKey, Secp256k1};
use futures::future::BoxFuture;
use thiserror::Error;

pub use self::ability::{Ability, Can, abilities};
pub use self::ask::{Answer, Asker, Look, Nobody, Question};
pub use self::minimum::{MINIMUM, Minimum, minimum};
pub use self::progress::{Done, Part, Progress};
use crate::protocol::key::KeyId;
use crate::protocol::message::CompactSignature;
use crate::protocol::{Amount, OutPoint, Transaction, TxOut};

/// An answer to come; dropping it stops waiting. A Trezor's prompt is cancelled with it; a Ledger's stays on its screen, see
/// [`DeviceError::Busy`].
pub type Reply<'a, T> = BoxFuture<'a, Result<T, DeviceError>>;

/// An open device.
pub trait Device: Send + Sync {
    fn kind(&self) -> Kind;
    /// Where it is plugged in: `usb:3-2.1`, `127.0.0.1:9999`. With its kind it is the text of a [`DeviceSpec`].
    fn place(&self) -> String;
    /// App, version and coin it serves, without asking the user. Fails with the reason when it is not ready.
    fn info(&self) -> Reply<'_, DeviceInfo>;
    /// The public key of a path, without asking the user for more than PIN and passphrase.
    fn public_key(&self, path: DerivationPath) -> Reply<'_, PublicKey>;
    /// Shows the address of a path on the device and waits for the user; answers the key it showed.
    fn show_address(&self, path: DerivationPath) -> Reply<'_, ShownAddress>;
    /// Extended public key of an account (`m/44'/coin'/account'`), for deriving addresses here.
    fn account_xpub(&self, path: DerivationPath) -> Reply<'_, Xpub>;
    /// Signs a text. The signature is verified against the path's key before it is returned.
    fn sign_message(&self, path: DerivationPath, message: Vec<u8>) -> Reply<'_, CompactSignature>;
    /// Signs an ordinary payment, telling how far it is. Every signature is verified before the transaction is returned.
    fn sign_spend(&self, spend: Spend, progress: Progress) -> Reply<'_, Transaction>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Ledger,
    Trezor,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ledger => "Ledger",
            Self::Trezor => "Trezor",
        })
    }
}

/// What an open, unlocked device with the right app says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    pub kind: Kind,
    /// As printed on the box, where the device tells: `Trezor Model T`.
    pub model: Option<String>,
    /// The name its owner gave it.
    pub label: Option<String>,
    /// `Dash`; of a Trezor, which has no apps, the coin of its firmware.
    pub app: String,
    /// Of the app (Ledger) or the firmware (Trezor).
    pub version: String,
    /// Ticker shown on the device: `DASH`.
    pub ticker: String,
    /// Tells wallets apart: the first four bytes of hash160 of the key of `m/44'` (Ledger) or `m` (Trezor), hexadecimal. None
    /// while it is not known without a question for PIN or passphrase.
    pub wallet: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownAddress {
    pub key: PublicKey,
    /// As the device wrote it; a fork's coin is shown with the parent's prefix.
    pub on_screen: String,
}

/// The key `change/index` below an account, derived here without the device (BIP-0032).
///
/// # Panics
/// Never in practice: one derivation in 2^127 has no result.
pub fn derive(account: &Xpub, change: bool, index: u32) -> PublicKey {
    let levels = [
        ChildNumber::Normal {
            index: u32::from(change),
        },
        ChildNumber::Normal {
            index: index & 0x7fff_ffff,
        },
    ];
    account
        .derive_pub(&Secp256k1::verification_only(), &levels)
        .expect("normal levels; one in 2^127 fails")
        .public_key
}

/// An ordinary (type 0) payment from device keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    pub inputs: Vec<SpendInput>,
    pub outputs: Vec<TxOut>,
    /// Path of the one output that returns to the device, so that it is not shown as a payment.
    pub change: Option<DerivationPath>,
    pub lock_time: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendInput {
    pub path: DerivationPath,
    /// Key hash of the path, as derived here; must be the output's.
    pub key_id: KeyId,
    pub outpoint: OutPoint,
    /// The whole transaction that made the output: the device recomputes its hash and amount.
    pub previous: Transaction,
    pub amount: Amount,
}

/// Why a device did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeviceError {
    #[error("declined on the device")]
    Declined,
    #[error("no {kind} is connected")]
    NotConnected { kind: Kind },
    #[error("the {kind} is locked")]
    Locked { kind: Kind },
    #[error("the {kind} shows its dashboard instead of the app {wanted}")]
    NoApp { kind: Kind, wanted: String },
    #[error("the app {found} is open on the {kind} instead of {wanted}")]
    WrongApp { kind: Kind, found: String, wanted: String },
    #[error("the open app serves {found} instead of {wanted}")]
    WrongCoin { found: String, wanted: String },
    #[error("no permission to open the {kind}")]
    NoPermission { kind: Kind, path: String },
    #[error("the {kind} is held by another program or still shows a question")]
    Busy { kind: Kind },
    #[error("the {kind} is held by {process}")]
    HeldBy { kind: Kind, process: String },
    #[error("{count} devices are connected")]
    Several { count: usize },
    #[error("the {kind} was disconnected or its app was closed")]
    Gone { kind: Kind },
    #[error("the {kind} answered with bytes that make no sense: {what}")]
    BadAnswer { kind: Kind, what: String },
    #[error("the {kind} refused the request with code {status:04x}")]
    Status { kind: Kind, status: u16 },
    #[error("the {kind} signed with another key than the one of {path}")]
    OtherKey { kind: Kind, path: String },
    #[error("a {kind} cannot do this: {what}")]
    Unsupported { kind: Kind, what: String },
    #[error("the {kind} refused the request: {message} (code {code})")]
    Failure { kind: Kind, code: i32, message: String },
    #[error("the {kind} has no wallet yet")]
    NotInitialised { kind: Kind },
    #[error("the {kind} is in its bootloader")]
    Bootloader { kind: Kind },
    #[error("the firmware of the {model} does not know {coin}")]
    NoCoinOnModel { model: String, coin: String },
    #[error("no {kind} knows the addresses of {network}")]
    UnknownCoin { kind: Kind, network: String },
    #[error("the firmware {found} of the {model} is older than {minimum}")]
    OldFirmware {
        model: String,
        found: String,
        minimum: String,
    },
    #[error("version {found} of the app {app} is older than {minimum}")]
    OldApp {
        app: String,
        found: String,
        minimum: String,
    },
    #[error("the PIN is wrong")]
    PinWrong,
    #[error("no PIN was entered")]
    PinCancelled,
    #[error("no passphrase was entered")]
    PassphraseCancelled,
    #[error("the passphrase has {len} bytes, more than {max}")]
    PassphraseTooLong { len: usize, max: usize },
    #[error("the {kind} has ended the session")]
    SessionLost { kind: Kind },
    #[error("the passphrase opened the wallet {found} instead of {expected}")]
    OtherWallet { expected: String, found: String },
    #[error("the {kind} does not allow {path} for this coin")]
    ForbiddenPath { kind: Kind, path: String },
    #[error("the {kind} did not answer in time")]
    TimedOut { kind: Kind },
    #[error("the previous transaction of an input is not the one it claims to be")]
    PreviousTx,
    #[error("{0}")]
    Path(#[from] crate::protocol::path::PathError),
    #[error("'{text}' names no device")]
    BadSpec { text: String },
}

impl DeviceError {
    /// True where no device could be reached or used (exit code 3), false where the user or the device said no (1).
    pub fn is_connection(&self) -> bool {
        !matches!(
            self,
            Self::Declined
                | Self::OtherKey { .. }
                | Self::Unsupported { .. }
                | Self::PreviousTx
                | Self::Path(_)
                | Self::NoCoinOnModel { .. }
                | Self::UnknownCoin { .. }
                | Self::PinWrong
                | Self::PinCancelled
                | Self::PassphraseCancelled
                | Self::PassphraseTooLong { .. }
                | Self::OtherWallet { .. }
                | Self::ForbiddenPath { .. }
        )
    }
}

/// Which device the user means: `ledger`, `trezor@usb:3-2.1`, `ledger@host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceSpec {
    /// The only one found.
    Any,
    /// The only one of its kind on USB.
    Usb(Kind),
    /// The one at this place on USB, however many there are.
    Port {
        kind: Kind,
        /// `3-2.1`: bus, and the ports on the way to it. Where the system does not tell them, its own name of the connection.
        port: String,
    },
    Network {
        kind: Kind,
        address: String,
    },
}
