//! A device for tests of flows and screens: real keys of a fixed phrase, outcomes from a script, every request recorded. And somebody
//! who answers what a device asks, from a script.
//!
//! It signs for real, so that whatever verifies its answers may do so. For the wire itself there are the emulator and the
//! sandbox.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bitcoin::base58;
use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv, Xpub};
use bitcoin::network::NetworkKind;
use bitcoin::secp256k1::{PublicKey, Secp256k1};

use futures::future::BoxFuture;

use super::{
    Answer, Asker, Device, DeviceError, DeviceInfo, Done, Kind, Part, Progress, Question, Reply, ShownAddress, Spend,
};
use crate::protocol::message::{CompactSignature, message_hash};
use crate::protocol::wire::to_hex;
use crate::protocol::{KeyId, Profile, SecpKey, Transaction, TxIn, path, script};

/// BIP-0039's first test phrase, which emulators use too.
const PHRASE: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

/// What happens to a request. A device whose script is at its end approves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Approve,
    /// The user says no.
    Decline,
    /// The cable is pulled.
    Gone,
    Fail(DeviceError),
    /// The user never answers.
    Wait,
}

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Info,
    PublicKey(DerivationPath),
    ShowAddress(DerivationPath),
    AccountXpub(DerivationPath),
    SignMessage(DerivationPath, Vec<u8>),
    SignSpend(Spend),
}

/// A scripted device.
pub struct FakeDevice {
    kind: Kind,
    profile: Arc<Profile>,
    master: Xpriv,
    state: Mutex<Recorded>,
}

#[derive(Default)]
struct Recorded {
    script: VecDeque<Outcome>,
    requests: Vec<Request>,
}

impl FakeDevice {
    /// A Ledger that approves everything.
    ///
    /// # Panics
    /// Never; the phrase is fixed.
    pub fn new(profile: Arc<Profile>) -> Self {
        let seed = bip39::Mnemonic::parse_normalized(PHRASE)
            .expect("a published test phrase")
            .to_seed_normalized("");
        Self {
            kind: Kind::Ledger,
            profile,
            master: Xpriv::new_master(NetworkKind::Main, &seed).expect("a seed of 64 bytes"),
            state: Mutex::default(),
        }
    }

    /// Outcomes of the next requests, in order.
    #[must_use]
    pub fn with_script(self, outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        self.state().script.extend(outcomes);
        self
    }

    /// Appends the outcome of one more request.
    pub fn then(&self, outcome: Outcome) {
        self.state().script.push_back(outcome);
    }

    /// What was asked so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, Recorded> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask<T: Send + 'static>(
        &self,
        request: Request,
        answer: impl FnOnce(&Self) -> Result<T, DeviceError>,
    ) -> Reply<'_, T> {
        let outcome = {
            let mut state = self.state();
            state.requests.push(request);
            state.script.pop_front().unwrap_or(Outcome::Approve)
        };
        let kind = self.kind;
        let result = match outcome {
            Outcome::Approve => answer(self),
            Outcome::Decline => Err(DeviceError::Declined),
            Outcome::Gone => Err(DeviceError::Gone { kind }),
            Outcome::Fail(error) => Err(error),
            Outcome::Wait => return Box::pin(futures::future::pending()),
        };
        Box::pin(async move { result })
    }

    fn xpriv(&self, at: &DerivationPath) -> Result<Xpriv, DeviceError> {
        path::check(at)?;
        Ok(self
            .master
            .derive_priv(&Secp256k1::signing_only(), at)
            .expect("one derivation in 2^127 fails"))
    }

    fn key(&self, at: &DerivationPath) -> Result<SecpKey, DeviceError> {
        let secret = self.xpriv(at)?.private_key.secret_bytes();
        Ok(SecpKey::from_bytes(&secret).expect("a derived key is in range"))
    }

    fn xpub(&self, at: &DerivationPath) -> Result<Xpub, DeviceError> {
        let mut xpub = Xpub::from_priv(&Secp256k1::signing_only(), &self.xpriv(at)?);
        if self.profile.chain != "main" {
            xpub.network = NetworkKind::Test;
        }
        Ok(xpub)
    }

    fn shown(&self, at: &DerivationPath) -> Result<ShownAddress, DeviceError> {
        let key = self.key(at)?.public_key();
        let mut address = vec![self.profile.devices.ledger_pubkey_prefix];
        address.extend_from_slice(&KeyId::of(&key).0);
        Ok(ShownAddress {
            key,
            on_screen: base58::encode_check(&address),
        })
    }

    fn signed(&self, spend: &Spend) -> Result<Transaction, DeviceError> {
        let mut tx = Transaction {
            version: 2,
            kind: 0,
            inputs: spend
                .inputs
                .iter()
                .map(|input| TxIn::unsigned(input.outpoint))
                .collect(),
            outputs: spend.outputs.clone(),
            lock_time: spend.lock_time,
            payload: Vec::new(),
        };
        for (at, input) in spend.inputs.iter().enumerate() {
            let key = self.key(&input.path)?;
            if key.key_id() != input.key_id {
                let path = path::to_text(&input.path);
                return Err(DeviceError::OtherKey { kind: self.kind, path });
            }
            if input.previous.txid() != input.outpoint.txid {
                return Err(DeviceError::PreviousTx);
            }
            let code = script::pay_to_key(&input.key_id.0);
            let der = key.sign_der(&tx.sighash_all(at, code.as_bytes()));
            tx.inputs[at].script_sig = script::script_sig(&der, &key.public_key().serialize());
        }
        Ok(tx)
    }
}

impl Device for FakeDevice {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn place(&self) -> String {
        "fake".to_owned()
    }

    fn info(&self) -> Reply<'_, DeviceInfo> {
        self.ask(Request::Info, |fake| {
            let purpose = DerivationPath::from(vec![ChildNumber::Hardened { index: 44 }]);
            Ok(DeviceInfo {
                kind: fake.kind,
                model: None,
                label: None,
                app: fake.profile.devices.ledger_app.clone(),
                version: "2.4.6".to_owned(),
                ticker: fake.profile.ticker.clone(),
                wallet: Some(to_hex(&fake.key(&purpose)?.key_id().0[..4])),
            })
        })
    }

    fn public_key(&self, path: DerivationPath) -> Reply<'_, PublicKey> {
        self.ask(Request::PublicKey(path.clone()), |fake| {
            Ok(fake.key(&path)?.public_key())
        })
    }

    fn show_address(&self, path: DerivationPath) -> Reply<'_, ShownAddress> {
        self.ask(Request::ShowAddress(path.clone()), |fake| fake.shown(&path))
    }

    fn account_xpub(&self, path: DerivationPath) -> Reply<'_, Xpub> {
        self.ask(Request::AccountXpub(path.clone()), |fake| fake.xpub(&path))
    }

    fn sign_message(&self, path: DerivationPath, message: Vec<u8>) -> Reply<'_, CompactSignature> {
        self.ask(Request::SignMessage(path.clone(), message.clone()), |fake| {
            let digest = message_hash(&fake.profile.message_magic, &message);
            Ok(fake.key(&path)?.sign_compact(&digest))
        })
    }

    fn sign_spend(&self, spend: Spend, progress: Progress) -> Reply<'_, Transaction> {
        self.ask(Request::SignSpend(spend.clone()), |fake| {
            let of = spend.inputs.len();
            for part in [Part::Reading, Part::Signing] {
                (1..=of).for_each(|done| progress.tell(Done { part, done, of }));
            }
            fake.signed(&spend)
        })
    }
}

/// Answers PIN and passphrase questions in order, and cancels those beyond its script. Everything asked or told is recorded.
#[derive(Default)]
pub struct FakeAsker {
    state: Mutex<(VecDeque<Option<Answer>>, Vec<Question>)>,
}

impl FakeAsker {
    pub fn new(answers: impl IntoIterator<Item = Option<Answer>>) -> Self {
        Self {
            state: Mutex::new((answers.into_iter().collect(), Vec::new())),
        }
    }

    /// What was asked and told so far, in order.
    pub fn questions(&self) -> Vec<Question> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

impl Asker for FakeAsker {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<Answer>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let told = matches!(question, Question::Button { .. });
        state.1.push(question);
        let answer = if told {
            Some(Answer::Seen)
        } else {
            state.0.pop_front().flatten()
        };
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::network::builtin;
    use futures::FutureExt;

    fn fake() -> FakeDevice {
        FakeDevice::new(Arc::new(builtin("dash").unwrap()))
    }

    #[test]
    fn it_has_the_keys_of_the_recorded_ledger_and_remembers_what_it_was_asked() {
        let device = fake();
        let first = path::parse("m/44'/5'/0'/0/0").unwrap();
        let shown = device.show_address(first.clone()).now_or_never().unwrap().unwrap();
        assert_eq!(shown.on_screen, "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5");
        let account = path::parse("m/44'/5'/0'").unwrap();
        let xpub = device.account_xpub(account.clone()).now_or_never().unwrap().unwrap();
        assert_eq!(super::super::derive(&xpub, false, 0), shown.key);
        assert_eq!(
            device.requests(),
            [Request::ShowAddress(first), Request::AccountXpub(account)]
        );
    }

    #[test]
    fn it_follows_its_script_and_then_approves() {
        let device = fake().with_script([Outcome::Decline, Outcome::Gone, Outcome::Wait]);
        assert_eq!(device.info().now_or_never().unwrap(), Err(DeviceError::Declined));
        let gone = DeviceError::Gone { kind: Kind::Ledger };
        assert_eq!(device.info().now_or_never().unwrap(), Err(gone));
        assert!(device.info().now_or_never().is_none());
        assert!(device.info().now_or_never().unwrap().is_ok());
    }
}
