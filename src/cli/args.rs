//! What can be typed: the contract of the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::flow::alert::Condition;
use crate::store::Private;

use crate::flow::overview::Column;
use crate::flow::overview::forecast::Failing;

#[derive(Debug, Parser)]
#[command(
    name = "castellan",
    version,
    about = "Masternodes whose collateral stays on your hardware wallet. Without a command, the window opens."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Network name or profile file (default: dash; with --sandbox: dash-regtest)
    #[arg(long, global = true, value_name = "NAME|FILE.toml")]
    pub network: Option<String>,
    /// The node: http(s)://host:port
    #[arg(long, global = true, value_name = "URL")]
    pub node: Option<String>,
    /// rpcuser of the node
    #[arg(long, global = true, value_name = "USER")]
    pub rpc_user: Option<String>,
    /// rpcpassword of the node (better: --rpc-password-file, which no process list shows)
    #[arg(
        long,
        global = true,
        value_name = "PASSWORD",
        hide_env_values = true,
        env = "CASTELLAN_RPC_PASSWORD"
    )]
    pub rpc_password: Option<String>,
    /// File with the rpcpassword
    #[arg(long, global = true, value_name = "FILE")]
    pub rpc_password_file: Option<PathBuf>,
    /// The node's cookie file
    #[arg(long, global = true, value_name = "FILE")]
    pub rpc_cookie: Option<PathBuf>,
    /// Use the embedded chain, node and Ledger (`sandbox --trezor-port` serves a Trezor as well)
    #[arg(long, global = true, conflicts_with = "node")]
    pub sandbox: bool,
    /// ledger | trezor | ledger@usb:3-2.1 (see `device list`) | ledger@HOST:PORT | trezor@...
    #[arg(long, global = true, value_name = "SPEC")]
    pub device: Option<String>,
    /// Where everything is kept
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// File with the vault's passphrase (else CASTELLAN_PASSPHRASE, else asked)
    #[arg(long, global = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// What unlocks the vault where no passphrase is given with the command: the passphrase, asked for, or the device
    #[arg(
        long,
        global = true,
        value_name = "passphrase|device",
        default_value = "passphrase",
        hide_default_value = true
    )]
    pub unlock: Unlock,
    /// One JSON document on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Do not ask before the point of no return
    #[arg(long, global = true)]
    pub yes: bool,
    /// Stop before the point of no return and print what would be sent
    #[arg(long, global = true)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Unlock {
    Passphrase,
    Device,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole main job on the sandbox, step by step
    Demo,
    /// Serve the embedded node and devices until stopped
    Sandbox(SandboxArgs),
    /// Node, chain, height, capabilities
    Status,
    /// Masternodes: mine, or all
    List(ListArgs),
    /// One masternode
    Show(ShowArgs),
    /// The payment queue: who the next blocks pay
    Queue(QueueArgs),
    /// A masternode's Proof of Service: how far it is from a ban
    Pose(PoseArgs),
    /// What happened to a masternode: penalties, payments, changes
    History(HistoryArgs),
    /// Watch the masternodes that are mine, and tell what happens to them
    Watch(WatchArgs),
    /// Register a masternode
    Register(Box<RegisterArgs>),
    /// Change a masternode's address, operator payout or Platform fields; revive a banned one
    UpdateService(Box<UpdateServiceArgs>),
    /// Change a masternode's operator key, voting key or payout address
    UpdateRegistrar(Box<UpdateRegistrarArgs>),
    /// Give a masternode's operator key up
    Revoke(RevokeArgs),
    /// Go on with operations that another machine planned or signed
    ImportOperation(ImportArgs),
    /// Pay from the device to a fee key
    Fund(FundArgs),
    /// Pay from the device to any address
    Send(SendArgs),
    /// Make a coin of exactly a masternode's collateral on the device
    Collateral(CollateralArgs),
    /// Accounts of the device: balances, addresses, coins
    Wallet(WalletArgs),
    /// Show or set the label of an address, a transaction or a coin
    Label(LabelArgs),
    /// Keys of the vault
    #[command(subcommand)]
    Key(KeyCommand),
    /// What unlocks the vault
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Hardware wallets
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Signed messages
    #[command(subcommand)]
    Message(MessageCommand),
    /// Operator keys, offline
    Bls(BlsArgs),
    /// Transactions
    #[command(subcommand)]
    Tx(TxCommand),
    /// Operations begun, and going on with an unfinished one
    Journal {
        #[command(subcommand)]
        command: Option<JournalCommand>,
    },
}

#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// Port of the node (default: any free one)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub rpc_port: u16,
    /// Port of the Ledger's APDU server (default: any free one)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub ledger_port: u16,
    /// Serve an embedded Trezor too, on this UDP port (0: any free one)
    #[arg(long, value_name = "N")]
    pub trezor_port: Option<u16>,
    /// Which Trezor it is like
    #[arg(long, value_name = "one|t", default_value = "one", requires = "trezor_port")]
    pub trezor_model: TrezorModel,
    /// The embedded Trezor asks for this PIN
    #[arg(long, value_name = "DIGITS", requires = "trezor_port")]
    pub trezor_pin: Option<String>,
    /// The embedded Trezor asks for a passphrase
    #[arg(long, requires = "trezor_port")]
    pub trezor_passphrase: bool,
    /// Seconds between blocks; 0: only when asked (`sandbox_mine`)
    #[arg(long, value_name = "S", default_value_t = 5)]
    pub block_seconds: u64,
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub masternodes: usize,
    /// Wait for `a` (approve) or `r` (reject) on the terminal instead of approving every prompt
    #[arg(long)]
    pub manual: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TrezorModel {
    One,
    T,
}

/// A saved list instead of a node.
#[derive(Debug, Clone, Args)]
pub struct Saved {
    /// A saved reply of `protx list registered true` instead of a node
    #[arg(long, value_name = "FILE", requires = "height", conflicts_with_all = ["node", "sandbox"])]
    pub snapshot: Option<PathBuf>,
    /// Height the snapshot was taken at
    #[arg(long, value_name = "H", requires = "snapshot")]
    pub height: Option<u32>,
    /// Unix time of the block at that height; without it no times are foretold
    #[arg(long, value_name = "SECONDS", requires = "snapshot")]
    pub time: Option<u64>,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// All masternodes of the network
    #[arg(long)]
    pub all: bool,
    /// Sort by a column: a key of --json or --csv
    #[arg(long, value_name = "COLUMN")]
    pub sort: Option<Column>,
    /// The largest first
    #[arg(long, requires = "sort")]
    pub descending: bool,
    /// Only those with this text in hash, name, address, collateral, status, owner, voting or payout address
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Comma-separated values, with more columns than --json has keys
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    #[command(flatten)]
    pub saved: Saved,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[arg(value_name = "PROTXHASH")]
    pub hash: String,
    /// Comma-separated values
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    #[command(flatten)]
    pub saved: Saved,
}

#[derive(Debug, Args)]
pub struct QueueArgs {
    /// The next N payments
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub next: u32,
    /// A whole round: as many payments as masternodes are in the queue
    #[arg(long, conflicts_with = "next")]
    pub all: bool,
    /// Only payments of mine
    #[arg(long)]
    pub mine: bool,
    /// Comma-separated values
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    #[command(flatten)]
    pub saved: Saved,
}

#[derive(Debug, Args)]
pub struct HistoryArgs {
    #[arg(value_name = "PROTXHASH")]
    pub hash: String,
    /// Read the past from the node: a month, or back to --since. What was read is kept
    #[arg(long)]
    pub rebuild: bool,
    /// Only what happened above this height; 0 with --rebuild: since its registration
    #[arg(long, value_name = "HEIGHT")]
    pub since: Option<u32>,
    /// Comma-separated values: a line per event
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

#[derive(Debug, Args)]
pub struct PoseArgs {
    #[arg(value_name = "PROTXHASH")]
    pub hash: String,
    /// What if it fails a DKG in the next block, in another one, or is down for a while. Can be repeated
    #[arg(long, value_name = "now|at=HEIGHT|down=HOURS", value_parser = failing)]
    pub simulate: Vec<Failing>,
    /// Comma-separated values; with --simulate the course: height and penalty
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    #[command(flatten)]
    pub saved: Saved,
}

#[derive(Debug, Args)]
#[command(after_help = WATCH_HELP)]
pub struct WatchArgs {
    /// Watch these too; mine are known by the journal and, where it is open, the vault
    #[arg(value_name = "PROTXHASH")]
    pub hashes: Vec<String>,
    /// End with exit code 10 when this comes true (may be given several times): any, banned, status, penalty, danger, payment,
    /// payment-missed, removed, payout-changed, address-changed, operator-changed, voting-changed, node-down
    #[arg(long, value_name = "CONDITION")]
    pub until: Vec<Condition>,
    /// Look once, tell what happened since the last run, and end: for cron
    #[arg(long, conflicts_with = "seconds")]
    pub once: bool,
    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS")]
    pub seconds: Option<u64>,
    /// Address every alert is posted to as JSON (default: that of the settings, which no process list shows)
    #[arg(long, value_name = "URL", env = "CASTELLAN_WEBHOOK", hide_env_values = true)]
    pub webhook: Option<Private>,
    /// Command that is run for every alert (default: that of the settings)
    #[arg(long, value_name = "COMMAND LINE")]
    pub command: Option<Private>,
    /// Notifications of this desktop too
    #[arg(long)]
    pub desktop: bool,
    /// Only print: nobody is sent anything
    #[arg(long, conflicts_with_all = ["webhook", "command", "desktop", "test"])]
    pub print: bool,
    /// Send a test to everybody who would be told, and end
    #[arg(long)]
    pub test: bool,
}

const WATCH_HELP: &str = "\
A line is printed for every alert; with --json a JSON object on a line of its own. The first look of all tells nothing: it is what the \
next ones are compared with. What was seen last is kept in the data directory, so that what happens between two runs is told once.

The settings' [alerts] say what is told, quiet hours, the webhook and the command. Conditions of --until are looked for whatever is \
switched off there, in quiet hours too.

The command is run without a shell: its words are separated by spaces, what stands between two \" or two ' is taken as it is. It reads \
the alert as JSON on its standard input and finds CASTELLAN_KIND, _NETWORK, _PROTXHASH, _NAME, _SENTENCE, _HEIGHT and _TIME in its \
environment. It is stopped after 30 seconds.

Exit codes: 0 nothing of --until came true (or none was given); 10 it did; 3 the node could not be reached (with --once, or at the \
start); 1 and 2 as everywhere. Who could not be told is said on stderr and changes no exit code, but with --test it is 1.";

#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// The collateral, as TXID:N
    #[arg(long, value_name = "TXID:N", required_unless_present = "find_collateral")]
    pub collateral: Option<String>,
    /// Take the only unused collateral on the device
    #[arg(long, conflicts_with = "collateral")]
    pub find_collateral: bool,
    /// The device path of the collateral's key (else the first accounts are searched)
    #[arg(long, value_name = "PATH")]
    pub collateral_path: Option<String>,
    /// Public address, or none: register now, announce later
    #[arg(long, value_name = "HOST:PORT|none")]
    pub service: String,
    #[arg(long, value_name = "KEY|new", default_value = "new")]
    pub owner: String,
    #[arg(long, value_name = "KEY|PUBLICKEY|new", default_value = "new")]
    pub operator: String,
    /// Encoding of an operator PUBLICKEY (default: the network's)
    #[arg(long, value_name = "legacy|basic")]
    pub operator_scheme: Option<String>,
    #[arg(long, value_name = "KEY|ADDRESS|owner|new", default_value = "owner")]
    pub voting: String,
    #[arg(long, value_name = "ADDRESS")]
    pub payout: String,
    /// Percent, at most two decimals
    #[arg(long, value_name = "PERCENT", default_value = "0")]
    pub operator_reward: String,
    /// An evonode
    #[arg(long)]
    pub evo: bool,
    /// Platform node id: 40 hexadecimal digits, or a platform key of the vault, or new
    #[arg(long, value_name = "HEX|KEY|new", requires = "evo")]
    pub platform_node_id: Option<String>,
    #[arg(long, value_name = "N", requires = "evo")]
    pub platform_p2p_port: Option<u16>,
    #[arg(long, value_name = "N", requires = "evo")]
    pub platform_http_port: Option<u16>,
    /// A fee key or the node's wallet; with --export also the ADDRESS of a fee key elsewhere
    #[arg(long, value_name = "KEY|node-wallet|ADDRESS")]
    pub fee_from: String,
    /// Begins the labels of new keys (default: mn and a number)
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Sign what can be signed here and write the rest to a file for another machine; nothing is sent
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
}

/// Who pays for an update, and whether another machine completes it.
#[derive(Debug, Args)]
pub struct FeeArgs {
    /// A fee key or the node's wallet; with --export also the ADDRESS of a fee key elsewhere
    #[arg(long = "fee-from", value_name = "KEY|node-wallet|ADDRESS")]
    pub source: String,
    /// Sign what can be signed here and write the rest to a file for another machine; nothing is sent
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct UpdateServiceArgs {
    #[arg(value_name = "PROTXHASH")]
    pub hash: String,
    /// The new public address; left out, it stays as it is
    #[arg(long, value_name = "HOST:PORT")]
    pub service: Option<String>,
    /// The operator key that signs (default: the vault's); - reads a secret for one use from standard input
    #[arg(long, value_name = "KEY|-")]
    pub operator: Option<String>,
    /// Where the operator's share goes
    #[arg(long, value_name = "ADDRESS|none|keep", default_value = "keep")]
    pub operator_payout: String,
    /// Platform node id: 40 hexadecimal digits, or a platform key of the vault, or new
    #[arg(long, value_name = "HEX|KEY|new")]
    pub platform_node_id: Option<String>,
    #[arg(long, value_name = "N")]
    pub platform_p2p_port: Option<u16>,
    #[arg(long, value_name = "N")]
    pub platform_http_port: Option<u16>,
    #[command(flatten)]
    pub fee: FeeArgs,
}

#[derive(Debug, Args)]
pub struct UpdateRegistrarArgs {
    #[arg(value_name = "PROTXHASH")]
    pub hash: String,
    /// The new operator key; it bans the masternode until its holder sends a service update
    #[arg(long, value_name = "PUBLICKEY|KEY|new")]
    pub operator: Option<String>,
    /// Encoding of an operator PUBLICKEY (default: the network's)
    #[arg(long, value_name = "legacy|basic", requires = "operator")]
    pub operator_scheme: Option<String>,
    #[arg(long, value_name = "ADDRESS|KEY|owner|new")]
    pub voting: Option<String>,
    #[arg(long, value_name = "ADDRESS")]
    pub payout: Option<String>,
    /// The owner key that signs (default: the vault's)
    #[arg(long, value_name = "KEY")]
    pub owner: Option<String>,
    #[command(flatten)]
    pub fee: FeeArgs,
}

#[derive(Debug, Args)]
pub struct RevokeArgs {
    #[arg(value_name = "PROTXHASH")]
    pub hash: String,
    /// 0 not specified, 1 termination of service, 2 compromised keys, 3 change of keys
    #[arg(long, value_name = "0..3", value_parser = clap::value_parser!(u16).range(0..=3))]
    pub reason: u16,
    /// The operator key that signs (default: the vault's); - reads a secret for one use from standard input
    #[arg(long, value_name = "KEY|-")]
    pub operator: Option<String>,
    #[command(flatten)]
    pub fee: FeeArgs,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Files of one operation: their signatures are put together
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Write it to another file with the signatures made here; nothing is sent
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// - reads the operator's secret for one use from standard input
    #[arg(long, value_name = "-", value_parser = ["-"])]
    pub operator: Option<String>,
}

#[derive(Debug, Args)]
pub struct FundArgs {
    /// Label of the fee key
    #[arg(value_name = "KEY")]
    pub key: String,
    #[arg(long, value_name = "COINS")]
    pub amount: String,
    #[command(flatten)]
    pub payment: PaymentArgs,
}

#[derive(Debug, Args)]
pub struct SendArgs {
    #[arg(long, value_name = "ADDRESS")]
    pub to: String,
    /// `all`: everything the coins hold but the fee
    #[arg(long, value_name = "COINS|all")]
    pub amount: String,
    #[command(flatten)]
    pub payment: PaymentArgs,
}

#[derive(Debug, Args)]
pub struct CollateralArgs {
    /// Of an evonode
    #[arg(long)]
    pub evo: bool,
    #[command(flatten)]
    pub payment: PaymentArgs,
}

/// What every payment from the device can be told.
#[derive(Debug, Args)]
pub struct PaymentArgs {
    /// Account the payment comes from, like m/44'/5'/0' (default: the first)
    #[arg(long, value_name = "ACCOUNT_PATH")]
    pub from_path: Option<String>,
    /// Spend exactly these coins
    #[arg(long, value_name = "TXID:N,...", value_delimiter = ',')]
    pub coins: Vec<String>,
    /// Spend this coin although it is, was meant to be, or looks like a collateral
    #[arg(long, value_name = "TXID:N", value_delimiter = ',')]
    pub spend_collateral: Vec<String>,
    /// Coins per 1000 bytes (default: what the node advises)
    #[arg(long, value_name = "COINS")]
    pub fee_rate: Option<String>,
}

#[derive(Debug, Args)]
pub struct WalletArgs {
    /// Only this account (default: the first three)
    #[arg(long, value_name = "N")]
    pub account: Option<u32>,
    /// So many more addresses of each chain
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1000))]
    pub further: u32,
}

#[derive(Debug, Args)]
pub struct LabelArgs {
    #[arg(value_name = "ADDRESS|TXID|TXID:N")]
    pub item: String,
    /// Left out, the label is shown; an empty one takes it away
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key (and the vault, if there is none)
    Generate {
        #[arg(value_name = "owner|voting|operator|fee|platform")]
        kind: String,
        label: String,
    },
    List,
    Show {
        label: String,
    },
    /// Take a secret (WIF, or hexadecimal for operator and platform keys) from standard input
    Import {
        #[arg(value_name = "owner|voting|operator|fee|platform")]
        kind: String,
        label: String,
    },
    /// Print a secret
    Export {
        label: String,
    },
    /// Make a vault anew; with --restore from a recovery phrase on standard input
    Init {
        #[arg(long)]
        restore: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum VaultCommand {
    /// The passphrase, and the devices that were added
    Slots,
    /// Let the device open the vault too, after a confirmation on it each time
    AddDevice {
        /// What to call it (default: its own name)
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Take a device's way in away; asks for the passphrase
    RemoveSlot {
        /// As `vault slots` lists it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Set another passphrase: typed, or from standard input
    ChangePassphrase,
}

#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// What is connected
    List,
    /// Address of a path; --show displays it on the device and waits
    Address {
        path: String,
        #[arg(long)]
        show: bool,
    },
    SignMessage {
        path: String,
        message: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum MessageCommand {
    Verify {
        address: String,
        signature: String,
        message: String,
    },
}

#[derive(Debug, Args)]
pub struct BlsArgs {
    #[command(subcommand)]
    pub command: BlsCommand,
    /// Scheme (default: the network's)
    #[arg(long, global = true, value_name = "legacy|basic")]
    pub scheme: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum BlsCommand {
    Generate,
    /// A secret of 64 hexadecimal digits, or - to read it from standard input
    Fromsecret {
        secret: String,
    },
    /// A public key or signature in --scheme, shown in both encodings
    Convert {
        hex: String,
    },
    /// HASHHEX is the raw digest, not reversed
    Sign {
        secret: String,
        hash: String,
    },
    /// PUBLIC, HASHHEX and SIGNATURE in any order: their lengths tell them apart
    Verify {
        #[arg(num_args = 3, required = true, value_names = ["PUBLIC", "HASHHEX", "SIGNATURE"])]
        parts: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum TxCommand {
    Decode { hex: String },
    Check { hex: String },
    Send { hex: String },
}

#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Go on with an operation
    Resume { id: i64 },
}

fn failing(text: &str) -> Result<Failing, String> {
    let number = |digits: &str| digits.parse().map_err(|_| format!("'{digits}' is not a whole number"));
    match text.split_once('=') {
        None if text == "now" => Ok(Failing::Now),
        Some(("at", height)) => number(height).map(Failing::At),
        Some(("down", hours)) => number(hours).map(|hours| Failing::Down { hours }),
        _ => Err("expected now, at=HEIGHT or down=HOURS".to_owned()),
    }
}
