//! What a vault holds, and its written form inside the encryption.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::VaultError;
use super::slot::DeviceSlotInfo;
use crate::store::derive::Place;
use crate::store::keys::{KeyInfo, Kind, NetworkTag, Origin, Public, Secret};
use crate::store::phrase::Phrase;
use crate::store::secret::{SecretBytes, WipedBuffer, to_hex};

/// The decrypted content. Secrets in it are wiped when it is dropped; `Debug` prints none.
#[derive(Debug, Clone)]
pub(super) struct Content {
    phrase: SecretBytes,
    keys: Vec<Entry>,
    /// Next unused index by coin type and kind. Networks that share a coin type share it too, so that no two of them get
    /// the same key; an index is not given out again when its key is removed.
    next: BTreeMap<(u32, Kind), u32>,
    /// Named texts, such as node passwords, and the keys that prove the slots of devices.
    secrets: BTreeMap<String, SecretBytes>,
}

#[derive(Debug, Clone)]
struct Entry {
    info: KeyInfo,
    secret: SecretBytes,
}

impl Content {
    pub fn new(phrase: &Phrase) -> Self {
        Self {
            phrase: phrase.entropy(),
            keys: Vec::new(),
            next: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }

    pub fn phrase(&self) -> Option<Phrase> {
        Phrase::from_entropy(self.phrase.as_slice())
    }

    pub fn infos(&self) -> impl Iterator<Item = &KeyInfo> {
        self.keys.iter().map(|entry| &entry.info)
    }

    pub fn info(&self, label: &str) -> Result<&KeyInfo, VaultError> {
        self.entry(label).map(|entry| &entry.info)
    }

    pub fn secret(&self, label: &str) -> Result<Secret, VaultError> {
        let entry = self.entry(label)?;
        Ok(Secret::from_bytes(entry.info.kind, &entry.secret).expect("checked when it was read or made"))
    }

    pub fn add(&mut self, info: KeyInfo, secret: &Secret) -> Result<(), VaultError> {
        self.check_free(&info.label)?;
        if let Some(same) = self.same_key(&info.network, &info.public) {
            return Err(VaultError::Duplicate {
                label: same.label.clone(),
            });
        }
        self.keys.push(Entry {
            info,
            secret: secret.to_bytes(),
        });
        Ok(())
    }

    /// A key of this public part on the same network.
    pub fn same_key(&self, network: &NetworkTag, public: &Public) -> Option<&KeyInfo> {
        self.infos()
            .find(|info| info.network.name == network.name && info.public == *public)
    }

    pub fn rename(&mut self, label: &str, new: String) -> Result<(), VaultError> {
        let at = self.position(label)?;
        // Its own label in other capitals is free.
        if self.keys[at].info.label.to_lowercase() != new.to_lowercase() {
            self.check_free(&new)?;
        }
        self.keys[at].info.label = new;
        Ok(())
    }

    pub fn remove(&mut self, label: &str) -> Result<KeyInfo, VaultError> {
        let at = self.position(label)?;
        Ok(self.keys.remove(at).info)
    }

    /// The first index of a kind that was never given out.
    pub fn next_index(&self, coin_type: u32, kind: Kind) -> u32 {
        self.next.get(&(coin_type, kind)).copied().unwrap_or(0)
    }

    pub fn given_out(&mut self, place: Place) {
        let next = self.next.entry((place.coin_type, place.kind)).or_default();
        *next = (*next).max(place.index.saturating_add(1));
    }

    pub fn set_text(&mut self, name: &str, text: &str) {
        self.secrets.insert(name.to_owned(), SecretBytes::new(text.as_bytes()));
    }

    pub fn remove_text(&mut self, name: &str) -> bool {
        self.secrets.remove(name).is_some()
    }

    pub fn text(&self, name: &str) -> Option<Zeroizing<String>> {
        let text = std::str::from_utf8(self.secrets.get(name)?.as_slice()).ok()?;
        Some(Zeroizing::new(text.to_owned()))
    }

    /// Keeps what proves the slot of a device when it is wrapped anew.
    pub fn set_proof_key(&mut self, slot: &DeviceSlotInfo, key: SecretBytes) {
        self.secrets.insert(proof_key_name(slot), key);
    }

    pub fn proof_key(&self, slot: &DeviceSlotInfo) -> Option<&SecretBytes> {
        self.secrets.get(&proof_key_name(slot))
    }

    pub fn remove_proof_key(&mut self, slot: &DeviceSlotInfo) {
        self.secrets.remove(&proof_key_name(slot));
    }

    fn check_free(&self, label: &str) -> Result<(), VaultError> {
        match self.entry(label) {
            Ok(entry) => Err(VaultError::LabelTaken {
                label: entry.info.label.clone(),
            }),
            Err(_) => Ok(()),
        }
    }

    fn entry(&self, label: &str) -> Result<&Entry, VaultError> {
        self.position(label).map(|at| &self.keys[at])
    }

    /// Labels differ by more than capitals.
    fn position(&self, label: &str) -> Result<usize, VaultError> {
        let label = label.trim().to_lowercase();
        self.keys
            .iter()
            .position(|entry| entry.info.label.to_lowercase() == label)
            .ok_or(VaultError::UnknownLabel { label })
    }

    /// Writes the content; the bytes are wiped when dropped.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut buffer = WipedBuffer::default();
        serde_json::to_writer(&mut buffer, &Written::from(self)).expect("a tree of texts and numbers into memory");
        buffer.into_bytes()
    }

    /// Reads what [`Content::to_bytes`] wrote; none if a part makes no sense.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(bytes).ok()?;
        let content = Self {
            phrase: written.phrase,
            keys: written.keys.into_iter().map(WrittenKey::read).collect::<Option<_>>()?,
            next: written
                .next
                .into_iter()
                .map(|next| ((next.coin_type, next.kind), next.index))
                .collect(),
            secrets: written.secrets,
        };
        content.phrase().is_some().then_some(content)
    }
}

fn proof_key_name(slot: &DeviceSlotInfo) -> String {
    format!("slot:{}", *to_hex(&slot.challenge.salt))
}

#[derive(Serialize, Deserialize)]
struct Written {
    /// Entropy of the recovery phrase.
    phrase: SecretBytes,
    keys: Vec<WrittenKey>,
    next: Vec<WrittenNext>,
    secrets: BTreeMap<String, SecretBytes>,
}

#[derive(Serialize, Deserialize)]
struct WrittenNext {
    coin_type: u32,
    kind: Kind,
    index: u32,
}

#[derive(Serialize, Deserialize)]
struct WrittenKey {
    label: String,
    kind: Kind,
    network: NetworkTag,
    origin: Origin,
    created: u64,
    /// Kept, because computing it again for a list of keys takes seconds.
    public: String,
    secret: SecretBytes,
}

impl WrittenKey {
    fn read(self) -> Option<Entry> {
        Secret::from_bytes(self.kind, &self.secret)?;
        let public = crate::store::secret::from_hex(&self.public)?;
        Some(Entry {
            info: KeyInfo {
                public: Public::from_bytes(self.kind, &public, &self.network)?,
                label: self.label,
                kind: self.kind,
                network: self.network,
                origin: self.origin,
                created: self.created,
            },
            secret: self.secret,
        })
    }
}

impl From<&Content> for Written {
    fn from(content: &Content) -> Self {
        Self {
            phrase: content.phrase.clone(),
            keys: content.keys.iter().map(WrittenKey::from).collect(),
            next: content
                .next
                .iter()
                .map(|(&(coin_type, kind), &index)| WrittenNext { coin_type, kind, index })
                .collect(),
            secrets: content.secrets.clone(),
        }
    }
}

impl From<&Entry> for WrittenKey {
    fn from(Entry { info, secret }: &Entry) -> Self {
        Self {
            label: info.label.clone(),
            kind: info.kind,
            network: info.network.clone(),
            origin: info.origin.clone(),
            created: info.created,
            public: crate::store::secret::to_hex(&info.public.to_bytes()).to_string(),
            secret: secret.clone(),
        }
    }
}
