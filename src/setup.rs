//! The composition root: the one place that knows every adapter and puts them together for window and command line.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bitcoin::bip32::DerivationPath;
use zeroize::Zeroizing;

use crate::flow::{Error, Ports};
use crate::hw::{Asker, Device, DeviceError, DeviceSpec, Kind, discovery};
use crate::notify::{self, Desktop, NotifyError, Sink, Webhook};
use crate::protocol::network::{self, ProfileError};
use crate::protocol::{Address, Profile, path};
use crate::rpc::{Auth, Client, Endpoint, Node, NodeStatus};
use crate::sandbox::ledger::{self, Panel, SandboxLedger};
use crate::sandbox::trezor::{self, SandboxTrezor};
use crate::sandbox::{self, Extras, Sandbox};
use crate::store::alerts::Alerts;
use crate::store::history::RETENTION;
use crate::store::vault::Stretching;
use crate::store::{Dirs, FileError, History, Journal, Phrase, Vault};

/// How often a real node is asked for a new block. Blocks come every 150 s.
const POLL: Duration = Duration::from_secs(5);
/// A node on this computer can be asked more often.
const LOCAL_POLL: Duration = Duration::from_secs(1);
/// The sandbox is on this computer and mines every few seconds.
const SANDBOX_POLL: Duration = Duration::from_millis(300);
/// How many of a device's addresses the sandbox pays to at its start: ordinary coins, then rewards, then an asset unlock.
const SANDBOX_ADDRESSES: u32 = 4;
const SANDBOX_REWARDS: u32 = 4;
const SANDBOX_UNLOCK: u32 = 5;
/// The account of a device's many small coins, and the addresses they share.
const SANDBOX_SMALL_ACCOUNT: u32 = 1;
const SANDBOX_SMALL_ADDRESSES: u32 = 10;

/// What to connect to.
#[derive(Debug, Clone)]
pub struct Choice {
    pub profile: Arc<Profile>,
    pub node: NodeChoice,
    pub device: DeviceSpec,
}

#[derive(Clone)]
pub enum NodeChoice {
    /// The embedded chain, node and devices.
    Sandbox { block_seconds: u64 },
    Remote {
        url: String,
        user: Option<String>,
        password: Option<Zeroizing<String>>,
        cookie: Option<PathBuf>,
    },
}

impl std::fmt::Debug for NodeChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sandbox { block_seconds } => write!(f, "Sandbox({block_seconds} s)"),
            Self::Remote { url, .. } => write!(f, "Remote({url})"),
        }
    }
}

/// Open ports, and the sandbox they lead to, if it is one. Clones share everything.
#[derive(Clone)]
pub struct Connection {
    pub ports: Ports,
    pub sandbox: Option<Arc<SandboxRun>>,
    /// Where the device is to be looked for when it is not there yet or was unplugged.
    pub device: DeviceSpec,
    /// The sandbox's devices, to choose from; none on a real node.
    pub specs: Vec<DeviceSpec>,
}

/// A profile by built-in name or file.
///
/// # Errors
/// No such name or file, or what is wrong in it.
pub fn profile(name: &str) -> Result<Profile, ProfileError> {
    if let Some(profile) = network::builtin(name) {
        return Ok(profile);
    }
    let refused = |reason: String| ProfileError {
        file: name.to_owned(),
        key: "network".to_owned(),
        reason,
    };
    if !name.ends_with(".toml") {
        let known: Vec<&str> = network::builtin_names().collect();
        return Err(refused(format!(
            "is not a network ({}) nor a file ending in .toml",
            known.join(", ")
        )));
    }
    let text = std::fs::read_to_string(name).map_err(|error| refused(format!("cannot be read: {}", error.kind())))?;
    Profile::from_toml(name, &text)
}

/// Connects: starts the sandbox where asked, else reaches the node; opens the journal and, if it is there, the device.
/// A missing device is no error here: most things need none. What a device asks its user goes to `asker`.
///
/// # Errors
/// The node cannot be reached or is on another chain; the data folder cannot be used.
pub async fn connect(choice: Choice, dirs: &Dirs, asker: Arc<dyn Asker>) -> Result<Connection, Error> {
    let mut connection = connect_node(choice, dirs, Arc::clone(&asker)).await?;
    let ports = &mut connection.ports;
    if ports.device.is_none() {
        let opened = open_device(connection.device.clone(), Arc::clone(&ports.profile), asker).await;
        ports.device = opened.ok();
    }
    Ok(connection)
}

/// As [`connect`], but a device is left to other programs: only the sandbox's own is open.
///
/// # Errors
/// As [`connect`].
pub async fn connect_node(choice: Choice, dirs: &Dirs, asker: Arc<dyn Asker>) -> Result<Connection, Error> {
    match choice.node.clone() {
        NodeChoice::Sandbox { block_seconds } => connect_sandbox(choice, block_seconds, dirs, asker).await,
        remote @ NodeChoice::Remote { .. } => {
            let poll = if is_local(&remote) { LOCAL_POLL } else { POLL };
            let node = client(&choice.profile, remote)?;
            node.status().await?;
            dirs.create().map_err(journal_file)?;
            let journal = Journal::open(&dirs.journal)?;
            let history = history(&dirs.history)?;
            let ports = Ports {
                profile: choice.profile,
                node: Arc::new(node),
                device: None,
                vault: None,
                journal: Arc::new(journal),
                history: Arc::new(history),
                poll,
            };
            Ok(Connection {
                ports,
                sandbox: None,
                device: choice.device,
                specs: Vec::new(),
            })
        }
    }
}

fn is_local(node: &NodeChoice) -> bool {
    let NodeChoice::Remote { url, .. } = node else {
        return true;
    };
    let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|local| {
        let rest = host.strip_prefix(local);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    })
}

/// Asks a node who it is, and leaves it again.
///
/// # Errors
/// The node cannot be reached or is on another chain.
pub async fn test_node(choice: Choice) -> Result<NodeStatus, Error> {
    Ok(client(&choice.profile, choice.node)?.status().await?)
}

fn client(profile: &Arc<Profile>, node: NodeChoice) -> Result<Client, Error> {
    let NodeChoice::Remote {
        url,
        user,
        password,
        cookie,
    } = node
    else {
        return Err(Error::Sandbox {
            reason: "it has no node before it is started".to_owned(),
        });
    };
    let auth = match (user, password, cookie) {
        (_, _, Some(file)) => Auth::Cookie(file),
        (Some(user), password, None) => Auth::UserPassword {
            user,
            password: password.unwrap_or_default(),
        },
        (None, _, None) => Auth::None,
    };
    Ok(Client::connect(Endpoint::new(&url, auth)?, Arc::clone(profile))?)
}

fn journal_file(error: FileError) -> Error {
    crate::store::JournalError::from(error).into()
}

/// Opens the history and drops what is too old. It is worth less than a start: without a usable file nothing is kept.
fn history(at: &Path) -> Result<History, Error> {
    let history = History::open_or_begin_anew(at)?;
    if let Some(reason) = history.unkept() {
        tracing::warn!("the history is not kept: {reason}");
    }
    history.prune(crate::flow::now().saturating_sub(RETENTION))?;
    Ok(history)
}

/// Opens the device the user means, on a thread that may block.
///
/// # Errors
/// Why it cannot be used.
pub async fn open_device(
    spec: DeviceSpec,
    profile: Arc<Profile>,
    asker: Arc<dyn Asker>,
) -> Result<Arc<dyn Device>, DeviceError> {
    let kind = match &spec {
        DeviceSpec::Usb(kind) | DeviceSpec::Port { kind, .. } | DeviceSpec::Network { kind, .. } => *kind,
        DeviceSpec::Any => Kind::Ledger,
    };
    let opened = tokio::task::spawn_blocking(move || discovery::open(&spec, profile, asker)).await;
    opened.unwrap_or(Err(DeviceError::Gone { kind }))
}

/// How an embedded world is started.
#[derive(Clone)]
pub struct SandboxOptions {
    pub block_seconds: u64,
    pub masternodes: usize,
    /// 0: any free port.
    pub rpc_port: u16,
    pub ledger_port: u16,
    /// A Trezor beside the Ledger, with coins of its own.
    pub trezor: Option<trezor::Options>,
    pub user: String,
    pub password: String,
    pub auto_approve: bool,
}

impl SandboxOptions {
    /// Thirty masternodes, free ports, blocks on demand, nobody to press buttons.
    pub fn quiet() -> Self {
        Self {
            block_seconds: 0,
            masternodes: 30,
            rpc_port: 0,
            ledger_port: 0,
            trezor: None,
            user: "sandbox".to_owned(),
            password: "sandbox".to_owned(),
            auto_approve: false,
        }
    }

    /// The same with a Trezor One, where the network has a coin that Trezor firmware knows.
    pub fn quiet_with_trezor(profile: &Profile) -> Self {
        let knows = crate::hw::trezor::knows(profile);
        Self {
            trezor: knows.then(|| trezor::Options::new(trezor::Model::One)),
            ..Self::quiet()
        }
    }
}

/// The embedded chain, its node, and its devices. Dropping it ends them.
pub struct SandboxRun {
    pub chain: Arc<Sandbox>,
    pub panel: Panel,
    ledger: SandboxLedger,
    pub trezor: Option<SandboxTrezor>,
    /// Vault and journal of this world; they go with it.
    _folder: Option<Folder>,
}

impl SandboxRun {
    /// Starts chain, node and device, and gives the device its coins.
    ///
    /// # Errors
    /// A port is taken.
    pub async fn start(profile: Arc<Profile>, options: SandboxOptions) -> Result<Self, Error> {
        let mut device = ledger::Options {
            port: options.ledger_port,
            auto_approve: options.auto_approve,
            ..ledger::Options::for_profile(&profile)
        };
        // The real Dash app asks before it tells a key of another coin type; a newcomer on a test network is spared that.
        device.app.coin_type = profile.coin_type;
        let ledger = SandboxLedger::start(device).map_err(|error| Error::Sandbox {
            reason: format!("its Ledger cannot be served: {}", error.kind()),
        })?;
        let trezor = options.trezor.map(SandboxTrezor::start).transpose();
        let trezor = trezor.map_err(|error| Error::Sandbox {
            reason: format!("its Trezor cannot be served: {}", error.kind()),
        })?;
        let of_ledger = Wallet::of(&profile, |path| ledger.key_address(path));
        let of_trezor = trezor
            .as_ref()
            .and_then(|trezor| Wallet::of(&profile, |path| trezor.key_address(path)));
        let wallets: Vec<Wallet> = of_ledger.into_iter().chain(of_trezor).collect();
        let chain = Sandbox::start(sandbox::Options {
            masternodes: options.masternodes,
            block_seconds: options.block_seconds,
            rpc_port: options.rpc_port,
            user: options.user,
            password: options.password,
            device: wallets.iter().flat_map(|wallet| wallet.ordinary.clone()).collect(),
            extras: wallets.into_iter().map(|wallet| wallet.extras).collect(),
            ..sandbox::Options::new(Profile::clone(&profile))
        })
        .await
        .map_err(|error| Error::Sandbox {
            reason: error.to_string(),
        })?;
        Ok(Self {
            chain: Arc::new(chain),
            panel: ledger.panel(),
            ledger,
            trezor,
            _folder: None,
        })
    }

    /// `http://127.0.0.1:port`
    pub fn rpc_url(&self) -> String {
        self.chain.rpc_url()
    }

    /// Where the Ledger's app listens, in the framing of the Speculos emulator.
    pub fn ledger_address(&self) -> SocketAddr {
        self.ledger.address()
    }

    pub fn height(&self) -> u32 {
        self.chain.height()
    }

    /// Its devices, the Ledger first.
    pub fn specs(&self) -> Vec<DeviceSpec> {
        let spec = |kind, address: SocketAddr| DeviceSpec::Network {
            kind,
            address: address.to_string(),
        };
        let trezor = self.trezor.iter().map(|trezor| spec(Kind::Trezor, trezor.address()));
        std::iter::once(spec(Kind::Ledger, self.ledger_address()))
            .chain(trezor)
            .collect()
    }

    /// The device the user means by a choice that names no place: the first, or that of a kind. What names a place is left as it is.
    pub fn spec(&self, chosen: &DeviceSpec) -> DeviceSpec {
        let fits = |spec: &DeviceSpec| match (chosen, spec) {
            (DeviceSpec::Any, _) => true,
            (DeviceSpec::Usb(wanted), DeviceSpec::Network { kind, .. }) => wanted == kind,
            _ => false,
        };
        self.specs().into_iter().find(fits).unwrap_or_else(|| chosen.clone())
    }
}

/// The addresses of a device that the sandbox pays to at its start.
struct Wallet {
    ordinary: Vec<Address>,
    extras: Extras,
}

impl Wallet {
    /// None for a device without keys.
    fn of(profile: &Profile, address: impl Fn(&DerivationPath) -> Option<Address>) -> Option<Self> {
        let at = |account, index| address(&path::address(profile, account, false, index));
        let all = |account, count| (0..count).map(|index| at(account, index)).collect::<Option<Vec<_>>>();
        Some(Self {
            ordinary: all(0, SANDBOX_ADDRESSES)?,
            extras: Extras {
                rewards: at(0, SANDBOX_REWARDS)?,
                unlock: at(0, SANDBOX_UNLOCK)?,
                small: all(SANDBOX_SMALL_ACCOUNT, SANDBOX_SMALL_ADDRESSES)?,
            },
        })
    }
}

/// The whole embedded world, reached through the same client and adapter as a real one.
async fn connect_sandbox(
    choice: Choice,
    block_seconds: u64,
    dirs: &Dirs,
    asker: Arc<dyn Asker>,
) -> Result<Connection, Error> {
    let secret = random_text()?;
    let options = SandboxOptions {
        block_seconds,
        password: secret.to_string(),
        ..SandboxOptions::quiet_with_trezor(&choice.profile)
    };
    let profile = choice.profile;
    let mut run = SandboxRun::start(Arc::clone(&profile), options).await?;
    let folder = Folder::new(dirs)?;
    let inside = Dirs::at(&folder.0);
    let vault = sandbox_vault(inside.vault.clone()).await?;
    let journal = Journal::open(&inside.journal)?;
    let history = history(&inside.history)?;
    run._folder = Some(folder);
    let auth = Auth::UserPassword {
        user: "sandbox".to_owned(),
        password: secret,
    };
    let node = Client::connect(Endpoint::new(&run.rpc_url(), auth)?, Arc::clone(&profile))?;
    node.status().await?;
    let spec = run.spec(&choice.device);
    let device = open_device(spec.clone(), Arc::clone(&profile), asker).await?;
    let ports = Ports {
        profile,
        node: Arc::new(node),
        device: Some(device),
        vault: Some(Arc::new(vault)),
        journal: Arc::new(journal),
        history: Arc::new(history),
        poll: SANDBOX_POLL,
    };
    Ok(Connection {
        ports,
        specs: run.specs(),
        sandbox: Some(Arc::new(run)),
        device: spec,
    })
}

/// A vault of play money: its passphrase is known and stretched as little as possible, so that it opens at once.
async fn sandbox_vault(at: PathBuf) -> Result<Vault, Error> {
    let made = tokio::task::spawn_blocking(move || {
        let phrase = Phrase::generate().map_err(|_| Error::NoRandomness)?;
        Ok(Vault::create_with(
            &at,
            SANDBOX_PASSPHRASE,
            &phrase,
            Stretching::MINIMAL,
        )?)
    });
    made.await.unwrap_or(Err(Error::NoRandomness))
}

/// Who is told of alerts, as the settings say; and what is wrong with the settings of those who cannot be told.
pub fn sinks(settings: &Alerts, desktop: bool) -> (Vec<Arc<dyn Sink>>, Vec<NotifyError>) {
    let webhook = (!settings.webhook.is_empty()).then(|| sink(Webhook::new(settings.webhook.as_str())));
    let command = (!settings.command.is_empty()).then(|| sink(notify::Command::new(settings.command.as_str())));
    let desktop = desktop.then(|| sink(Ok(Desktop)));
    let (mut sinks, mut wrong) = (Vec::new(), Vec::new());
    for made in [desktop, webhook, command].into_iter().flatten() {
        match made {
            Ok(sink) => sinks.push(sink),
            Err(error) => wrong.push(error),
        }
    }
    (sinks, wrong)
}

fn sink(made: Result<impl Sink + 'static, NotifyError>) -> Result<Arc<dyn Sink>, NotifyError> {
    made.map(|sink| Arc::new(sink) as Arc<dyn Sink>)
}

/// Passphrase of every sandbox vault.
pub const SANDBOX_PASSPHRASE: &str = "sandbox";

/// A folder that is removed when the sandbox ends.
struct Folder(PathBuf);

impl Folder {
    fn new(dirs: &Dirs) -> Result<Self, Error> {
        dirs.create().map_err(journal_file)?;
        let parent = dirs.journal.parent().unwrap_or(Path::new("."));
        let folder = Self(parent.join(format!("sandbox-{}-{}", std::process::id(), &*random_text()?)));
        Dirs::at(&folder.0).create().map_err(journal_file)?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing of value is inside; a leftover is only untidy.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// 16 hexadecimal digits nobody can guess.
fn random_text() -> Result<Zeroizing<String>, Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(Zeroizing::new(crate::protocol::wire::to_hex(&bytes)))
}
