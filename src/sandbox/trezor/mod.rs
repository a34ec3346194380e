//! An emulated Trezor with firmware that knows Dash, on a loopback UDP port: One-like or like a Model T.
//!
//! It speaks the firmware emulator's wire, so that the client used for devices runs against it unchanged: real keys from a recovery
//! phrase, real signatures, the firmware's own order of questions and its bad manners (while it waits for the user it ignores whatever is
//! not an answer). What it answers is compared with vectors of the real firmware. It has a chain's rules for nothing: it hashes.
//!
//! The user's side is [`Panel`]: the screen's text and the buttons.

mod cipher;
mod coin;
mod device;
mod keys;
mod line;
mod packet;
mod panel;
mod requests;
mod session;
mod sign;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bitcoin::bip32::DerivationPath;
use bitcoin::secp256k1::PublicKey;
use tokio::net::UdpSocket;
use tokio::task::AbortHandle;
use zeroize::Zeroizing;

use self::device::Device;
use self::keys::Wallet;
use self::line::Line;
use self::panel::Shared;
use crate::protocol::{Address, KeyId};

pub use self::panel::{Answered, Panel, Prompt, Screen, Settings, positions};

/// The phrase of the vectors; whoever reads this can spend what its keys hold.
pub const TEST_PHRASE: &str = "all all all all all all all all all all all all";

/// How long a cable is out at least: clients look for the device more often.
const REPLUG: Duration = Duration::from_millis(300);

/// Which device it is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Two buttons; PIN and passphrase are entered on the host.
    One,
    /// A touch screen; the PIN is entered on it, the passphrase on either.
    T,
    /// One whose firmware knows no Dash.
    Safe3,
}

impl Model {
    /// Of the firmware the vectors come from.
    fn version(self) -> (u32, u32, u32) {
        match self {
            Self::One => (1, 14, 2),
            Self::T | Self::Safe3 => (2, 4, 1),
        }
    }
}

/// How a sandbox Trezor starts.
#[derive(Clone)]
pub struct Options {
    pub model: Model,
    /// BIP-0039 recovery phrase; empty: the device has no wallet.
    pub phrase: Zeroizing<String>,
    pub label: Option<String>,
    /// Digits; none: no PIN is asked.
    pub pin: Option<Zeroizing<String>>,
    /// Whether a passphrase is asked for.
    pub passphrase: bool,
    pub bootloader: bool,
    /// Of the firmware: major, minor, patch.
    pub version: (u32, u32, u32),
    /// On 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Whether questions are accepted at once.
    pub auto_approve: bool,
}

impl Options {
    /// Unlocked, without passphrase, on any port, nobody at the buttons.
    pub fn new(model: Model) -> Self {
        Self {
            model,
            phrase: Zeroizing::new(TEST_PHRASE.to_owned()),
            label: None,
            pin: None,
            passphrase: false,
            bootloader: false,
            version: model.version(),
            port: 0,
            auto_approve: false,
        }
    }
}

/// A running device. Dropping it unplugs it.
pub struct SandboxTrezor {
    address: SocketAddr,
    panel: Arc<Shared>,
    wallet: Option<Wallet>,
    server: AbortHandle,
}

impl SandboxTrezor {
    /// Starts the device on the current tokio runtime.
    ///
    /// # Errors
    /// The port is taken, the phrase is none (`InvalidInput`), or no runtime is running.
    pub fn start(options: Options) -> io::Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let wallet = if options.phrase.is_empty() {
            None
        } else {
            let wallet = Wallet::new(&options.phrase, "");
            Some(wallet.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?)
        };
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, options.port))?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let socket = UdpSocket::from_std(socket)?;
        let panel = Shared::new(options);
        let server = runtime.spawn(run(socket, address, Arc::clone(&panel))).abort_handle();
        Ok(Self {
            address,
            panel,
            wallet,
            server,
        })
    }

    /// Where clients connect: `trezor@127.0.0.1:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn panel(&self) -> Panel {
        Panel::new(Arc::clone(&self.panel))
    }

    /// The key of any path of the wallet without a passphrase, without asking anybody; none for a path deeper than 255 levels.
    pub fn public_key(&self, path: &DerivationPath) -> Option<PublicKey> {
        let levels: Vec<u32> = path.into_iter().map(|level| u32::from(*level)).collect();
        self.wallet.as_ref()?.key(&levels)
    }

    /// The P2PKH address of a path, to send money to.
    pub fn key_address(&self, path: &DerivationPath) -> Option<Address> {
        self.public_key(path).map(|key| KeyId::of(&key).address())
    }
}

/// The device from plug to plug.
async fn run(first: UdpSocket, address: SocketAddr, panel: Arc<Shared>) {
    let mut socket = Some(first);
    loop {
        let power = panel.plugged_in().await;
        let line = Line::new(match socket.take() {
            Some(socket) => socket,
            None => bind(address).await,
        });
        panel.show(Screen::Home);
        let device = Device::new(line, Arc::clone(&panel));
        // Without power nothing is left of it.
        tokio::select! {
            biased;
            () = panel.pulled(power) => {}
            () = device.run() => {}
        }
        panel.show(Screen::Unplugged);
        tokio::time::sleep(REPLUG).await;
    }
}

/// The port it had before; whoever took it meanwhile is waited for.
async fn bind(address: SocketAddr) -> UdpSocket {
    loop {
        match UdpSocket::bind(address).await {
            Ok(socket) => return socket,
            Err(error) => tracing::debug!("the emulated Trezor's port is not free: {error}"),
        }
        tokio::time::sleep(REPLUG).await;
    }
}

impl Drop for SandboxTrezor {
    fn drop(&mut self) {
        self.server.abort();
    }
}
