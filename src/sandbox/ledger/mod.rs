//! An emulated Ledger with the Dash app, on a loopback socket.
//!
//! It speaks the app's real commands in Speculos framing, so that the client used for devices runs against it unchanged: real keys from
//! a recovery phrase, real signatures, the app's own state machine and its bad manners (it closes on malformed streams, and
//! forgets a question's answer when it gets another command meanwhile). What it answers is compared with recordings of the real app.
//!
//! The user's side is [`Panel`]: the screen's text and the buttons.

mod apdu;
mod app;
mod device;
mod keys;
mod message;
mod outputs;
mod panel;
mod payment;
mod screen;
mod server;
mod stream;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bitcoin::bip32::DerivationPath;
use bitcoin::secp256k1::PublicKey;
use tokio::task::AbortHandle;
use zeroize::Zeroizing;

pub use app::AppIdentity;
pub use device::Answered;
pub use panel::Panel;
pub use screen::{Prompt, Screen};

use crate::protocol::{Address, KeyId, Profile};
use device::Device;
use keys::{InputKey, Keys};
use panel::Shared;

/// The phrase of every emulator: whoever reads this can spend what its keys hold.
pub const TEST_PHRASE: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

/// How a sandbox Ledger starts.
#[derive(Clone)]
pub struct Options {
    /// BIP-0039 recovery phrase and passphrase.
    pub phrase: Zeroizing<String>,
    pub passphrase: Zeroizing<String>,
    pub app: AppIdentity,
    /// On 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Whether questions are accepted at once.
    pub auto_approve: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            phrase: Zeroizing::new(TEST_PHRASE.to_owned()),
            passphrase: Zeroizing::default(),
            app: AppIdentity::default(),
            port: 0,
            auto_approve: false,
        }
    }
}

impl Options {
    /// With the app that a network's profile names.
    pub fn for_profile(profile: &Profile) -> Self {
        let rules = &profile.devices;
        Self {
            app: AppIdentity {
                name: rules.ledger_app.clone(),
                coin_id: rules.ledger_coin_id.clone(),
                pubkey_prefix: rules.ledger_pubkey_prefix,
                ..AppIdentity::default()
            },
            ..Self::default()
        }
    }
}

/// A running device: plugged in, unlocked, the app open. Dropping it stops it and ends every connection.
pub struct SandboxLedger {
    address: SocketAddr,
    device: Arc<Shared>,
    keys: Arc<Keys>,
    server: AbortHandle,
}

impl SandboxLedger {
    /// Starts the device on the current tokio runtime.
    ///
    /// # Errors
    /// The port is taken, the phrase is none (`InvalidInput`), the system has no randomness, or no runtime is running.
    pub fn start(options: Options) -> io::Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let keys = Keys::from_phrase(&options.phrase, &options.passphrase)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let keys = Arc::new(keys);
        let input_key = InputKey::random().map_err(|error| io::Error::other(error.to_string()))?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let device = Device::new(options.app, Arc::clone(&keys), input_key, options.auto_approve);
        let device = Arc::new(Shared::new(device));
        let server = runtime.spawn(server::run(listener, Arc::clone(&device))).abort_handle();
        Ok(Self {
            address,
            device,
            keys,
            server,
        })
    }

    /// Where clients connect: `ledger@127.0.0.1:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn panel(&self) -> Panel {
        Panel::new(Arc::clone(&self.device))
    }

    /// The key of any path, without asking anybody; none for a path deeper than 255 levels.
    pub fn public_key(&self, path: &DerivationPath) -> Option<PublicKey> {
        let levels: Vec<u32> = path.into_iter().map(|level| u32::from(*level)).collect();
        self.keys.public(&levels).map(|node| node.key)
    }

    /// The P2PKH address of a path, to send money to.
    pub fn key_address(&self, path: &DerivationPath) -> Option<Address> {
        self.public_key(path).map(|key| KeyId::of(&key).address())
    }
}

impl Drop for SandboxLedger {
    fn drop(&mut self) {
        self.server.abort();
    }
}
