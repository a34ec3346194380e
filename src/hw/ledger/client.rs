//! The conversation with one Ledger: which app is open, its keys, signed messages. Blocking; a worker thread owns it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bitcoin::base58;
use bitcoin::bip32::{ChainCode, ChildNumber, DerivationPath, Fingerprint, Xpub};
use bitcoin::network::NetworkKind;
use bitcoin::secp256k1::{PublicKey, Secp256k1};

use super::transport::Transport;
use super::wire::signature::DeviceSignature;
use super::wire::status::{self, Refusal};
use super::wire::{self, Apdu, AppName, Coin, WalletKey, message};
use super::{bad, gone};
use crate::hw::worker::Served;
use crate::hw::{DeviceError, DeviceInfo, Kind, ShownAddress, minimum};
use crate::protocol::message::{CompactSignature, message_hash};
use crate::protocol::network::Profile;
use crate::protocol::wire::to_hex;
use crate::protocol::{KeyId, path};

/// Within this the app answers what needs no user; a peer that does not is no Ledger.
const QUICK: Duration = Duration::from_secs(10);

/// Opens the connection, also again after it was lost.
pub type Connect = Box<dyn FnMut() -> Result<Box<dyn Transport>, DeviceError> + Send>;

/// Whether a command may put a question to the user; then its answer has no time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Nothing,
    User,
}

/// The open app, found to be the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenApp {
    pub app: AppName,
    pub coin: Coin,
}

/// A key with what its children are derived from.
#[derive(Debug, Clone, Copy)]
struct KnownKey {
    key: PublicKey,
    chain_code: ChainCode,
}

/// One connection to one device, and what is known of it.
pub struct Client {
    profile: Arc<Profile>,
    connect: Connect,
    transport: Option<Box<dyn Transport>>,
    /// Checked once per connection, and again after any error.
    app: Option<OpenApp>,
    /// Whether that was within the running request.
    fresh: bool,
    /// Keys read on this connection. For another coin type than the app's each reading is a question to the user.
    keys: HashMap<DerivationPath, KnownKey>,
    /// Set when nobody waits for the running request any more.
    abandoned: Arc<AtomicBool>,
}

/// A question on a Ledger cannot be taken back. So when the one who waits for it goes away, the thread goes on reading, and everybody
/// else hears `Busy` until the user has answered on the device. That late answer is thrown away.
impl Served for Client {
    const KIND: Kind = Kind::Ledger;
    /// A silent one ends sooner.
    const GRACE: Duration = Duration::from_secs(1);

    /// Runs one request, which stops before its next command once `abandoned` is set.
    fn serve<T>(
        &mut self,
        abandoned: Arc<AtomicBool>,
        request: impl FnOnce(&mut Self) -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        self.abandoned = abandoned;
        self.fresh = false;
        let result = self.ready().and_then(|_| request(self));
        match &result {
            Ok(_) => {}
            Err(DeviceError::Declined) => self.app = None,
            Err(_) => {
                self.app = None;
                // A second PIN opens another wallet on the same connection.
                self.keys.clear();
            }
        }
        result
    }
}

impl Client {
    pub fn new(profile: Arc<Profile>, connect: Connect) -> Self {
        Self {
            profile,
            connect,
            transport: None,
            app: None,
            fresh: false,
            keys: HashMap::new(),
            abandoned: Arc::default(),
        }
    }

    /// Connects if necessary.
    pub fn connected(&mut self) -> Result<(), DeviceError> {
        if self.transport.is_none() {
            self.keys.clear();
            self.app = None;
            self.transport = Some((self.connect)()?);
        }
        Ok(())
    }

    /// Connects and checks the app, once per connection and again after an error.
    pub fn ready(&mut self) -> Result<OpenApp, DeviceError> {
        if let Some(app) = &self.app {
            return Ok(app.clone());
        }
        let kept = self.transport.is_some();
        let app = match self.connected().and_then(|()| self.identify()) {
            // Opening another app disconnects; nothing was asked yet, so one new try is safe.
            Err(DeviceError::Gone { .. }) if kept => self.connected().and_then(|()| self.identify()),
            first => first,
        }?;
        self.app = Some(app.clone());
        self.fresh = true;
        Ok(app)
    }

    fn identify(&mut self) -> Result<OpenApp, DeviceError> {
        let app = self.app_name()?;
        if app.name != self.profile.devices.ledger_app {
            return Err(self.wrong_app(app.name));
        }
        check_version(&app)?;
        let answer = self.exchange(&wire::get_coin(), Asks::Nothing)?;
        let coin = Coin::parse(&answer).inspect_err(|_| self.disconnect())?;
        let wanted = &self.profile.devices;
        if coin.coin_id != wanted.ledger_coin_id {
            return Err(DeviceError::WrongCoin {
                found: coin.coin_id,
                wanted: wanted.ledger_coin_id.clone(),
            });
        }
        if coin.pubkey_version != u16::from(wanted.ledger_pubkey_prefix) {
            let with_version = |version: u16| format!("{} with address version {version}", wanted.ledger_coin_id);
            return Err(DeviceError::WrongCoin {
                found: with_version(coin.pubkey_version),
                wanted: with_version(u16::from(wanted.ledger_pubkey_prefix)),
            });
        }
        Ok(OpenApp { app, coin })
    }

    fn app_name(&mut self) -> Result<AppName, DeviceError> {
        match self.raw(&wire::get_app(), Asks::Nothing)? {
            (answer, status::OK) => AppName::parse(&answer).inspect_err(|_| self.disconnect()),
            (_, code) => match Refusal::of(code, false) {
                // Old dashboards do not know the command.
                Refusal::UnknownCommand => Err(self.wrong_app(wire::DASHBOARD.to_owned())),
                refusal => Err(refusal.error(code)),
            },
        }
    }

    fn wrong_app(&self, found: String) -> DeviceError {
        let (kind, wanted) = (Kind::Ledger, self.profile.devices.ledger_app.clone());
        if found == wire::DASHBOARD {
            DeviceError::NoApp { kind, wanted }
        } else {
            DeviceError::WrongApp { kind, found, wanted }
        }
    }

    /// Sends a command and takes its data.
    pub fn exchange(&mut self, command: &Apdu, asks: Asks) -> Result<Vec<u8>, DeviceError> {
        if self.abandoned.load(Ordering::SeqCst) {
            return Err(DeviceError::Busy { kind: Kind::Ledger });
        }
        let (answer, code) = self.raw(command, asks)?;
        if code == status::OK {
            return Ok(answer);
        }
        let refusal = Refusal::of(code, asks == Asks::User);
        if refusal == Refusal::UnknownCommand {
            let open = self.app_name()?.name;
            if open != self.profile.devices.ledger_app {
                return Err(self.wrong_app(open));
            }
        }
        Err(refusal.error(code))
    }

    /// Sends a last command of a request that nobody waits for. Its answer does not matter.
    pub fn send_anyway(&mut self, command: &Apdu) {
        if let Err(error) = self.raw(command, Asks::Nothing) {
            tracing::debug!(%error, "the device was not told that a payment is given up");
        }
    }

    fn raw(&mut self, command: &Apdu, asks: Asks) -> Result<(Vec<u8>, u16), DeviceError> {
        let limit = (asks == Asks::Nothing).then_some(QUICK);
        let transport = self.transport.as_mut().ok_or_else(gone)?;
        let result = transport.exchange(&command.encode(), limit);
        if result.is_err() {
            self.disconnect();
        }
        result
    }

    fn disconnect(&mut self) {
        self.transport = None;
        self.app = None;
        self.keys.clear();
    }

    /// App, version, and a name for the wallet, without asking the user.
    pub fn info(&mut self) -> Result<DeviceInfo, DeviceError> {
        if !self.fresh {
            // By now it may be locked, unplugged or show another app.
            self.app = None;
        }
        let OpenApp { app, coin } = self.ready()?;
        // Shorter than two levels: silent for every coin. The master key itself is refused by apps of 2026.
        let purpose = DerivationPath::from(vec![ChildNumber::Hardened { index: 44 }]);
        let key = self.known_key(&purpose)?.key;
        Ok(DeviceInfo {
            kind: Kind::Ledger,
            model: None,
            label: None,
            app: app.name,
            version: app.version,
            ticker: coin.ticker,
            wallet: Some(to_hex(&KeyId::of(&key).0[..4])),
        })
    }

    /// The key of a path: read from the device, or derived from a parent read on this connection.
    pub fn public_key(&mut self, path: &DerivationPath) -> Result<PublicKey, DeviceError> {
        path::check(path)?;
        if let Some(key) = self.derived(path) {
            return Ok(key);
        }
        self.known_key(path).map(|known| known.key)
    }

    fn derived(&self, path: &DerivationPath) -> Option<PublicKey> {
        let levels: &[ChildNumber] = path.as_ref();
        (1..=levels.len()).rev().find_map(|depth| {
            let (parent, below) = levels.split_at(depth);
            let known = self.keys.get(&DerivationPath::from(parent))?;
            known
                .xpub(parent)
                .derive_pub(&Secp256k1::verification_only(), &below)
                .ok()
                .map(|child| child.public_key)
        })
    }

    fn known_key(&mut self, path: &DerivationPath) -> Result<KnownKey, DeviceError> {
        if let Some(known) = self.keys.get(path) {
            return Ok(*known);
        }
        let read = self.read_key(path, false)?;
        let known = KnownKey {
            key: read.key,
            chain_code: read.chain_code,
        };
        self.keys.insert(path.clone(), known);
        Ok(known)
    }

    fn read_key(&mut self, path: &DerivationPath, show: bool) -> Result<WalletKey, DeviceError> {
        // Even a silent reading asks the user for another coin type than the app's.
        let answer = self.exchange(&wire::get_public_key(path, show), Asks::User)?;
        let read = WalletKey::parse(&answer).inspect_err(|_| self.disconnect())?;
        let mut address = vec![self.profile.devices.ledger_pubkey_prefix];
        address.extend_from_slice(&KeyId::of(&read.key).0);
        if read.address != base58::encode_check(&address) {
            self.disconnect();
            return Err(bad("the address is not the one of the public key"));
        }
        Ok(read)
    }

    /// Shows the address and waits for the user.
    pub fn show_address(&mut self, path: &DerivationPath) -> Result<ShownAddress, DeviceError> {
        path::check(path)?;
        let shown = self.read_key(path, true)?;
        Ok(ShownAddress {
            key: shown.key,
            on_screen: shown.address,
        })
    }

    /// The account's key and its parent's, for the fingerprint.
    pub fn account_xpub(&mut self, path: &DerivationPath) -> Result<Xpub, DeviceError> {
        path::check(path)?;
        let levels: &[ChildNumber] = path.as_ref();
        let parent = DerivationPath::from(&levels[..levels.len() - 1]);
        if parent.is_empty() {
            return Err(DeviceError::Unsupported {
                kind: Kind::Ledger,
                what: "give an extended key whose parent is the master key".to_owned(),
            });
        }
        let parent = self.known_key(&parent)?;
        let account = self.known_key(path)?;
        let mut xpub = account.xpub(levels);
        xpub.parent_fingerprint = fingerprint(&parent.key);
        if self.profile.chain != "main" {
            xpub.network = NetworkKind::Test;
        }
        Ok(xpub)
    }

    /// Signs a text of 1 to 65535 bytes and verifies the signature.
    pub fn sign_message(&mut self, path: &DerivationPath, text: &[u8]) -> Result<CompactSignature, DeviceError> {
        path::check(path)?;
        if text.is_empty() || text.len() > message::MAX_MESSAGE {
            return Err(DeviceError::Unsupported {
                kind: Kind::Ledger,
                what: format!(
                    "sign a text of {} bytes, only of 1 to {}",
                    text.len(),
                    message::MAX_MESSAGE
                ),
            });
        }
        // First: a key that cannot be read must not lead to a question.
        let signer = KeyId::of(&self.public_key(path)?);
        let commands = message::prepare(path, text);
        let last = commands.len() - 1;
        for (at, command) in commands.iter().enumerate() {
            let answer = self.exchange(command, Asks::Nothing)?;
            let expected: &[u8] = if at == last { &message::COMPLETE } else { &message::MORE };
            if answer != expected {
                return Err(bad("the text's length is counted differently"));
            }
        }
        let answer = self.exchange(&message::sign(), Asks::User)?;
        DeviceSignature::of_message(&answer)?
            .compact()
            .normalised(&message_hash(&self.profile.message_magic, text), signer)
            .map_err(|_| other_key(path))
    }
}

impl KnownKey {
    /// As an extended key at its depth; the parent's fingerprint is left empty.
    fn xpub(&self, levels: &[ChildNumber]) -> Xpub {
        Xpub {
            network: NetworkKind::Main,
            depth: levels.len() as u8,
            parent_fingerprint: Fingerprint::default(),
            child_number: levels.last().copied().unwrap_or(ChildNumber::Normal { index: 0 }),
            public_key: self.key,
            chain_code: self.chain_code,
        }
    }
}

fn check_version(app: &AppName) -> Result<(), DeviceError> {
    match minimum(Kind::Ledger, None) {
        Some(minimum) if !minimum.allows(&app.version) => Err(DeviceError::OldApp {
            app: app.name.clone(),
            found: app.version.clone(),
            minimum: minimum.text(),
        }),
        _ => Ok(()),
    }
}

pub fn other_key(path: &DerivationPath) -> DeviceError {
    DeviceError::OtherKey {
        kind: Kind::Ledger,
        path: path::to_text(path),
    }
}

fn fingerprint(key: &PublicKey) -> Fingerprint {
    let [a, b, c, d, ..] = KeyId::of(key).0;
    Fingerprint::from([a, b, c, d])
}
