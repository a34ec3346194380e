//! What is asked of one Trezor: who it is, keys, addresses, signed messages. Blocking; a worker thread owns it.
//!
//! Every request begins with `Initialize`: it drops what another program may have left on the screen, tells whether the device can be
//! used, and resumes the session, so that a passphrase is asked once. A session the device has forgotten is noticed by its id, and
//! the wallet by its fingerprint.
//!
//! Only [`Client::info`], which is asked again and again to see whether the device is still there, sends nothing once that is known: on
//! a Trezor One before 1.12 every `Initialize` puts off its locking itself (`layoutHome`), on later ones it lights up a locked screen,
//! and on a Model T before 2.6 every message of any kind puts it off (`workflow.idle_timer`).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpub};
use bitcoin::network::NetworkKind;
use bitcoin::secp256k1::{PublicKey, Secp256k1};
use trezor_client::TrezorMessage;
use trezor_client::protos::{self, InputScriptType};

use super::talk::{Limits, Manner, Talk};
use super::transport::Pipe;
use super::wire::coin::Coin;
use super::wire::failure::{self, Context};
use super::wire::model::Traits;
use super::wire::{extended_key, levels};
use super::{bad, gone, unsupported};
use crate::hw::worker::Served;
use crate::hw::{Asker, DeviceError, DeviceInfo, Kind, ShownAddress, derive};
use crate::protocol::message::{CompactSignature, message_hash};
use crate::protocol::wire::to_hex;
use crate::protocol::{KeyId, Profile, path};

/// Bytes of a text to sign.
pub const MAX_MESSAGE: usize = 1024;

/// Opens the connection, also again after it was lost.
pub type Connect = Box<dyn FnMut() -> Result<Box<dyn Pipe>, DeviceError> + Send>;

/// One device, and what is known of it.
pub struct Client {
    pub(super) profile: Arc<Profile>,
    pub(super) coin: &'static Coin,
    connect: Connect,
    asker: Arc<dyn Asker>,
    limits: Limits,
    talk: Option<Talk>,
    traits: Option<Traits>,
    /// Names the wallet that is open on the device, to resume it.
    session: Option<Vec<u8>>,
    /// Whether this session has given a key, so that the next one needs no question.
    open: bool,
    /// Fingerprint of the wallet all answers are of.
    pub(super) wallet: Option<u32>,
    /// Keys read in this session.
    keys: HashMap<DerivationPath, Xpub>,
    abandoned: Arc<AtomicBool>,
}

/// When the one who waits goes away, the request sees it within a moment, cancels the question on the device and ends; the next request
/// waits for that.
impl Served for Client {
    const KIND: Kind = Kind::Trezor;
    /// A device that does not even answer a cancel is busy with something.
    const GRACE: Duration = Duration::from_secs(6);

    /// Runs one request, which is cancelled on the device once `abandoned` is set.
    fn serve<T>(
        &mut self,
        abandoned: Arc<AtomicBool>,
        request: impl FnOnce(&mut Self) -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        self.abandoned = abandoned;
        let result = request(self);
        if let Err(error) = &result {
            self.forget(error);
        }
        result
    }
}

impl Client {
    pub fn new(
        profile: Arc<Profile>,
        coin: &'static Coin,
        connect: Connect,
        asker: Arc<dyn Asker>,
        limits: Limits,
    ) -> Self {
        Self {
            profile,
            coin,
            connect,
            asker,
            limits,
            talk: None,
            traits: None,
            session: None,
            open: false,
            wallet: None,
            keys: HashMap::new(),
            abandoned: Arc::default(),
        }
    }

    /// Connects if necessary.
    pub fn connected(&mut self) -> Result<(), DeviceError> {
        if self.talk.is_none() {
            self.talk = Some(Talk::new((self.connect)()?, self.limits));
        }
        Ok(())
    }

    /// What an error leaves in doubt.
    fn forget(&mut self, error: &DeviceError) {
        match error {
            DeviceError::Gone { .. } | DeviceError::TimedOut { .. } | DeviceError::BadAnswer { .. } => self.talk = None,
            DeviceError::SessionLost { .. } | DeviceError::OtherWallet { .. } => self.end_session(),
            _ => {}
        }
    }

    fn end_session(&mut self) {
        self.session = None;
        self.open = false;
        self.keys.clear();
    }

    /// Connects, says hello and takes what the device says of itself.
    pub fn ready(&mut self) -> Result<(), DeviceError> {
        let kept = self.talk.is_some();
        match self.hello() {
            // Unplugged and plugged in again meanwhile; nothing was asked yet, so one new try is safe.
            Err(DeviceError::Gone { .. }) if kept => {
                self.talk = None;
                self.hello()
            }
            first => first,
        }
    }

    fn hello(&mut self) -> Result<(), DeviceError> {
        self.connected()?;
        self.traits = None;
        let talk = self.talk.as_mut().ok_or_else(gone)?;
        let features = talk.hello(self.session.as_deref(), Arc::clone(&self.abandoned))?;
        let features = features.map_err(|failure| failure::error(&failure, &self.context("m")))?;
        self.traits = Some(Traits::of(&features, self.coin)?);
        if self.session.is_none() || self.session != features.session_id {
            self.end_session();
            self.session.clone_from(&features.session_id);
        }
        Ok(())
    }

    fn traits(&self) -> Result<&Traits, DeviceError> {
        self.traits.as_ref().ok_or_else(gone)
    }

    /// Whether it will ask for its PIN first, as it last said.
    pub fn is_locked(&self) -> bool {
        self.traits.as_ref().is_some_and(|traits| traits.locked)
    }

    fn context(&self, path: &str) -> Context<'_> {
        Context {
            coin: self.coin,
            model: self.traits.as_ref().map_or("Trezor", |traits| traits.model),
            path: path.to_owned(),
        }
    }

    /// Sends a request and waits for its answer, with the user's help.
    pub(super) fn call<M: TrezorMessage, R: TrezorMessage>(
        &mut self,
        request: &M,
        path: &DerivationPath,
    ) -> Result<R, DeviceError> {
        let mut talk = self.talk.take().ok_or_else(gone)?;
        let manner = Manner {
            asker: &*self.asker,
            passphrase_entry: self.traits.as_ref().is_some_and(|traits| traits.passphrase_entry),
            wallet: self.wallet.map(fingerprint),
            context: self.context(&path::to_text(path)),
        };
        let answer = talk.call(request, &manner);
        self.talk = Some(talk);
        answer
    }

    /// Ends a conversation that cannot go on, for a reason.
    pub(super) fn give_up(&mut self, reason: DeviceError) -> DeviceError {
        match &mut self.talk {
            Some(talk) => talk.give_up(super::link::Stopped::Abandoned, &reason),
            None => reason,
        }
    }

    /// What it is, and the wallet if that is known or needs no question. Said from memory while the device stays where it is.
    pub fn info(&mut self) -> Result<DeviceInfo, DeviceError> {
        if !self.is_still_there() {
            self.ready()?;
            let traits = self.traits()?;
            if !traits.locked && (self.open || !traits.passphrase) {
                self.same_wallet()?;
            }
        }
        let traits = self.traits()?;
        Ok(DeviceInfo {
            kind: Kind::Trezor,
            model: Some(traits.model.to_owned()),
            label: traits.label.clone(),
            app: self.coin.name.to_owned(),
            version: traits.version.clone(),
            ticker: self.coin.ticker.to_owned(),
            wallet: self.wallet.filter(|_| self.open).map(fingerprint),
        })
    }

    /// Whether what is known of it still holds, found out without a message.
    fn is_still_there(&mut self) -> bool {
        let known = self.traits.is_some();
        let there = self.talk.as_mut().is_some_and(|talk| known && talk.is_still_there());
        if !there {
            self.traits = None;
        }
        there
    }

    /// The key of a path: derived from the hardened part of it, which is read once per session.
    pub fn public_key(&mut self, path: &DerivationPath) -> Result<PublicKey, DeviceError> {
        path::check(path)?;
        let levels: &[ChildNumber] = path.as_ref();
        let hardened = levels
            .iter()
            .rposition(ChildNumber::is_hardened)
            .map_or(0, |last| last + 1);
        let (parent, below) = levels.split_at(hardened);
        let parent = self.known_key(&DerivationPath::from(parent))?;
        let child = parent.derive_pub(&Secp256k1::verification_only(), &below);
        child
            .map(|child| child.public_key)
            .map_err(|_| unsupported("derive a key that does not exist".to_owned()))
    }

    fn known_key(&mut self, path: &DerivationPath) -> Result<Xpub, DeviceError> {
        if let Some(known) = self.keys.get(path) {
            return Ok(*known);
        }
        let mut request = protos::GetPublicKey::new();
        request.address_n = levels(path);
        request.set_coin_name(self.coin.name.to_owned());
        let answer: protos::PublicKey = self.call(&request, path)?;
        let network = if self.profile.chain == "main" {
            NetworkKind::Main
        } else {
            NetworkKind::Test
        };
        let (xpub, wallet) = extended_key(&answer, path, network)?;
        self.check_wallet(wallet)?;
        self.keys.insert(path.clone(), xpub);
        Ok(xpub)
    }

    /// Makes sure, by a key that is read anyway, that the wallet is the one of before.
    pub(super) fn same_wallet(&mut self) -> Result<(), DeviceError> {
        self.known_key(&path::account(&self.profile, 0)).map(drop)
    }

    /// Why an answer does not fit the keys read before: another wallet is open by now, or else this reason. The device may have begun to
    /// ask for a passphrase within a session.
    fn doubted(&mut self, reason: DeviceError) -> DeviceError {
        self.keys.clear();
        match self.same_wallet() {
            Err(other @ DeviceError::OtherWallet { .. }) => other,
            _ => reason,
        }
    }

    /// Another passphrase opens another wallet without a word.
    fn check_wallet(&mut self, found: u32) -> Result<(), DeviceError> {
        match self.wallet {
            Some(expected) if expected != found => Err(DeviceError::OtherWallet {
                expected: fingerprint(expected),
                found: fingerprint(found),
            }),
            _ => {
                self.wallet = Some(found);
                self.open = true;
                Ok(())
            }
        }
    }

    /// The account's key, and that its first address is what the device says it is.
    pub fn account_xpub(&mut self, path: &DerivationPath) -> Result<Xpub, DeviceError> {
        path::check(path)?;
        let xpub = self.known_key(path)?;
        if path.len() == 3 {
            let first = path.extend([ChildNumber::Normal { index: 0 }; 2]);
            let said = self.address(&first, false)?;
            if said != self.written(&derive(&xpub, false, 0)) {
                return Err(self.doubted(bad("an account whose first address is another")));
            }
        }
        Ok(xpub)
    }

    /// Shows the address and waits for the user.
    pub fn show_address(&mut self, path: &DerivationPath) -> Result<ShownAddress, DeviceError> {
        let key = self.public_key(path)?;
        let on_screen = self.address(path, true)?;
        if on_screen != self.written(&key) {
            return Err(self.doubted(bad("the address is not the one of the public key")));
        }
        Ok(ShownAddress { key, on_screen })
    }

    fn address(&mut self, path: &DerivationPath, show: bool) -> Result<String, DeviceError> {
        let mut request = protos::GetAddress::new();
        request.address_n = levels(path);
        request.set_coin_name(self.coin.name.to_owned());
        request.set_show_display(show);
        request.set_script_type(InputScriptType::SPENDADDRESS);
        let mut answer: protos::Address = self.call(&request, path)?;
        Ok(answer.take_address())
    }

    fn written(&self, key: &PublicKey) -> String {
        self.coin.address(KeyId::of(key).address())
    }

    /// Signs a text of at most 1024 bytes and verifies the signature.
    pub fn sign_message(&mut self, path: &DerivationPath, text: &[u8]) -> Result<CompactSignature, DeviceError> {
        if text.len() > MAX_MESSAGE {
            let len = text.len();
            return Err(unsupported(format!(
                "sign a text of {len} bytes, only of {MAX_MESSAGE}"
            )));
        }
        // First: a key that cannot be read must not lead to a question.
        let key = self.public_key(path)?;
        let mut request = protos::SignMessage::new();
        request.address_n = levels(path);
        request.set_message(text.to_vec());
        request.set_coin_name(self.coin.name.to_owned());
        let answer: protos::MessageSignature = self.call(&request, path)?;
        let signature =
            CompactSignature::from_slice(answer.signature()).map_err(|_| bad("a signature of another length"))?;
        if answer.address() != self.written(&key) {
            return Err(self.doubted(other_key(path)));
        }
        signature
            .normalised(&message_hash(&self.profile.message_magic, text), KeyId::of(&key))
            .map_err(|_| other_key(path))
    }
}

pub fn other_key(path: &DerivationPath) -> DeviceError {
    DeviceError::OtherKey {
        kind: Kind::Trezor,
        path: path::to_text(path),
    }
}

pub(super) fn fingerprint(wallet: u32) -> String {
    to_hex(&wallet.to_be_bytes())
}
