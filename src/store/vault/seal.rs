//! The vault file's outside: what is readable without the passphrase, and the encryption of the rest.
//!
//! Four lines of text:
//!
//! ```text
//! castellan-vault 1
//! {"cipher":"xchacha20poly1305","nonce":"<24 bytes>","slots":[...]}
//! <base64 of the encrypted content and its 16-byte tag>
//! sha256 <of all before this line>
//! ```
//!
//! A random data key encrypts the content; lines 1 and 2 are authenticated with it. A slot holds the data key, wrapped by
//! something the user has. There are two kinds, devices ([`super::slot`]) and a passphrase, which comes first:
//!
//! ```text
//! {"kind":"passphrase","kdf":"argon2id","memory_kib":65536,"iterations":3,"lanes":1,
//!  "salt":"<16 bytes>","nonce":"<24 bytes>","wrapped":"<32 + 16 bytes>"}
//! ```
//!
//! Argon2id (version 0x13) of the passphrase's UTF-8 bytes gives the key that wraps; kind and parameters are authenticated.
//! Slots of other kinds, and slots of devices in a form this version does not know, are kept as they are. Binary values are
//! lower-case hex.
//!
//! The last line tells a damaged file from a wrong passphrase. It stays the last line in every later version.

use argon2::{Algorithm, Argon2, Params, Version};
use bitcoin::base64::Engine;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::hashes::{Hash, sha256};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use super::slot::DeviceSlot;
use crate::store::secret::{from_hex, to_hex};

/// Version written and the highest read.
pub const VERSION: u32 = 1;
/// A vault of a thousand keys has 300 kB.
pub const MAX_FILE: u64 = 16 << 20;

pub(super) const MAGIC: &str = "castellan-vault ";
const CIPHER: &str = "xchacha20poly1305";
const TRAILER: &str = "sha256 ";
/// The last line, with its line feed.
const TRAILER_LENGTH: usize = TRAILER.len() + 64 + 1;
/// Each passphrase slot costs a stretching; more are not made here.
const MAX_PASSPHRASES: usize = 4;
/// Slots taken from a file. A program that reads each of them is not kept busy.
pub(super) const MAX_SLOTS: usize = 64;
/// Devices that open one vault, at most; with a passphrase and some slots of other kinds a file stays far below `MAX_SLOTS`.
pub const MAX_DEVICES: usize = 16;

/// What stretching a passphrase costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretching {
    /// Of Argon2id, in KiB.
    pub memory_kib: u32,
    pub iterations: u32,
    pub lanes: u32,
}

impl Stretching {
    /// For new vaults: a tenth of a second (`benches/vault.rs`) and 64 MiB for every guess. (RFC 9106 section 4, second
    /// choice, but with one lane because stretching here runs on one core.)
    pub const DEFAULT: Self = Self {
        memory_kib: 64 << 10,
        iterations: 3,
        lanes: 1,
    };
    /// As little as the algorithm allows: for vaults that guard nothing (the sandbox's, tests').
    pub const MINIMAL: Self = Self {
        memory_kib: 8,
        iterations: 1,
        lanes: 1,
    };
    /// What a file may ask for; a hostile one could keep the program busy for days otherwise.
    pub const LIMIT: Self = Self {
        memory_kib: 1 << 20,
        iterations: 20,
        lanes: 16,
    };

    fn argon2(self) -> Result<Argon2<'static>, SealError> {
        let allowed = self.memory_kib <= Self::LIMIT.memory_kib
            && self.iterations <= Self::LIMIT.iterations
            && self.lanes <= Self::LIMIT.lanes;
        let params = Params::new(self.memory_kib, self.iterations, self.lanes, Some(32));
        match params {
            Ok(params) if allowed => Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params)),
            _ => Err(SealError::Stretching(self)),
        }
    }

    fn stretch(self, passphrase: &str, salt: &[u8]) -> Result<DataKey, SealError> {
        let mut key = DataKey::zero();
        match self
            .argon2()?
            .hash_password_into(passphrase.as_bytes(), salt, key.0.as_mut_slice())
        {
            Ok(()) => Ok(key),
            Err(argon2::Error::OutOfMemory) => Err(SealError::OutOfMemory),
            Err(_) => Err(SealError::Stretching(self)),
        }
    }
}

/// Which part of a file is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Damage {
    #[error("it does not begin like a vault")]
    Beginning,
    #[error("its end is missing")]
    End,
    #[error("its checksum does not match")]
    Checksum,
    #[error("its header cannot be read")]
    Header,
    #[error("its content is not what was written")]
    Content,
}

/// Why a file does not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealError {
    #[error("{0}")]
    Damaged(Damage),
    #[error("version {version}, this program knows up to {VERSION}")]
    Newer { version: u32 },
    #[error("encrypted with {cipher}")]
    Cipher { cipher: String },
    #[error("stretching with {0:?}")]
    Stretching(Stretching),
    #[error("no slot for a passphrase")]
    NoPassphraseSlot,
    #[error("wrong passphrase")]
    WrongPassphrase,
    #[error("the secret of another device, wallet or slot")]
    WrongSecret,
    #[error("no memory for stretching the passphrase")]
    OutOfMemory,
    #[error("the system has no random numbers")]
    NoRandomness,
}

/// What the content is encrypted with, or what wraps that. Prints nothing.
#[derive(Clone)]
pub struct DataKey(Box<Zeroizing<[u8; 32]>>);

impl DataKey {
    pub(super) fn zero() -> Self {
        Self(Box::new(Zeroizing::new([0; 32])))
    }

    pub fn random() -> Result<Self, SealError> {
        let mut key = Self::zero();
        fill(key.0.as_mut_slice())?;
        Ok(key)
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        self.0.as_mut_slice()
    }

    /// Another key, encrypted with this one: 48 bytes.
    pub(super) fn wrap(&self, nonce: &[u8; 24], key: &Self, authenticated: &[u8]) -> Vec<u8> {
        self.encrypt(nonce, key.0.as_slice(), authenticated)
    }

    /// The key that was wrapped.
    pub(super) fn unwrap(&self, nonce: &[u8; 24], wrapped: &[u8], authenticated: &[u8]) -> Option<Self> {
        let opened = self.decrypt(nonce, wrapped, authenticated)?;
        let mut key = Self::zero();
        (opened.len() == 32).then(|| {
            key.0.copy_from_slice(&opened);
            key
        })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&**self.0).into())
    }

    fn encrypt(&self, nonce: &[u8; 24], text: &[u8], header: &[u8]) -> Vec<u8> {
        let payload = Payload { msg: text, aad: header };
        self.cipher()
            .encrypt(&XNonce::from(*nonce), payload)
            .expect("a vault is shorter than the cipher's limit of 256 GiB")
    }

    fn decrypt(&self, nonce: &[u8; 24], text: &[u8], header: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let payload = Payload { msg: text, aad: header };
        self.cipher()
            .decrypt(&XNonce::from(*nonce), payload)
            .ok()
            .map(Zeroizing::new)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// One way to the data key, as the header has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    Passphrase(PassphraseSlot),
    Device(DeviceSlot),
    /// Of a kind or form this version does not know: kept word for word.
    Other(serde_json::Value),
}

impl Slot {
    pub fn passphrase(&self) -> Option<&PassphraseSlot> {
        match self {
            Self::Passphrase(slot) => Some(slot),
            _ => None,
        }
    }

    pub fn device(&self) -> Option<&DeviceSlot> {
        match self {
            Self::Device(slot) => Some(slot),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassphraseSlot {
    kind: String,
    kdf: String,
    // Not a flattened `Stretching`: serde cannot flatten numbers of arbitrary precision, which amounts need.
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
    salt: String,
    nonce: String,
    wrapped: String,
}

impl PassphraseSlot {
    const KIND: &str = "passphrase";
    const KDF: &str = "argon2id";

    /// Wraps a data key under a passphrase.
    pub fn new(passphrase: &str, stretching: Stretching, key: &DataKey) -> Result<Self, SealError> {
        let (mut salt, mut nonce) = ([0; 16], [0; 24]);
        fill(&mut salt)?;
        fill(&mut nonce)?;
        let mut slot = Self {
            kind: Self::KIND.to_owned(),
            kdf: Self::KDF.to_owned(),
            memory_kib: stretching.memory_kib,
            iterations: stretching.iterations,
            lanes: stretching.lanes,
            salt: to_hex(&salt).to_string(),
            nonce: to_hex(&nonce).to_string(),
            wrapped: String::new(),
        };
        let wrapping = stretching.stretch(passphrase, &salt)?;
        let wrapped = wrapping.wrap(&nonce, key, slot.authenticated().as_bytes());
        slot.wrapped = to_hex(&wrapped).to_string();
        Ok(slot)
    }

    fn open(&self, passphrase: &str) -> Result<DataKey, SealError> {
        if self.kdf != Self::KDF {
            return Err(SealError::Cipher {
                cipher: self.kdf.chars().take(40).collect(),
            });
        }
        let damaged = SealError::Damaged(Damage::Header);
        let salt = from_hex(&self.salt).ok_or(damaged.clone())?;
        let nonce = nonce(&self.nonce).ok_or(damaged.clone())?;
        let wrapped = from_hex(&self.wrapped).ok_or(damaged.clone())?;
        if salt.len() != 16 || wrapped.len() != 48 {
            return Err(damaged);
        }
        self.stretching()
            .stretch(passphrase, &salt)?
            .unwrap(&nonce, &wrapped, self.authenticated().as_bytes())
            .ok_or(SealError::WrongPassphrase)
    }

    pub fn stretching(&self) -> Stretching {
        Stretching {
            memory_kib: self.memory_kib,
            iterations: self.iterations,
            lanes: self.lanes,
        }
    }

    fn authenticated(&self) -> String {
        let Stretching {
            memory_kib,
            iterations,
            lanes,
        } = self.stretching();
        format!(
            "{MAGIC}{VERSION} {} {} m={memory_kib},t={iterations},p={lanes} {}",
            self.kind, self.kdf, self.salt
        )
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    cipher: String,
    nonce: String,
    slots: Vec<serde_json::Value>,
}

/// A vault file taken apart, its content still encrypted.
#[derive(Debug)]
pub struct Sealed {
    pub slots: Vec<Slot>,
    nonce: [u8; 24],
    /// Lines 1 and 2.
    authenticated: Vec<u8>,
    ciphertext: Vec<u8>,
    /// Tells one writing of the file from another.
    pub digest: [u8; 32],
}

impl Sealed {
    /// Takes a file apart.
    ///
    /// # Errors
    /// Damage; a newer version; another cipher.
    pub fn parse(file: &[u8]) -> Result<Self, SealError> {
        let damaged = SealError::Damaged;
        if !file.starts_with(MAGIC.as_bytes()) {
            return Err(damaged(Damage::Beginning));
        }
        let (body, digest) = check_trailer(file).map_err(damaged)?;
        let text = std::str::from_utf8(body).map_err(|_| damaged(Damage::Header))?;
        let (first, rest) = text.split_once('\n').ok_or(damaged(Damage::Header))?;
        let version: u32 = first[MAGIC.len()..].parse().map_err(|_| damaged(Damage::Header))?;
        if version > VERSION {
            return Err(SealError::Newer { version });
        }
        let (line, content) = rest.split_once('\n').ok_or(damaged(Damage::Header))?;
        let header: Header = serde_json::from_str(line).map_err(|_| damaged(Damage::Header))?;
        if header.cipher != CIPHER {
            return Err(SealError::Cipher {
                cipher: header.cipher.chars().take(40).collect(),
            });
        }
        Ok(Self {
            slots: slots(header.slots).ok_or(damaged(Damage::Header))?,
            nonce: nonce(&header.nonce).ok_or(damaged(Damage::Header))?,
            authenticated: text.as_bytes()[..text.len() - content.len()].to_vec(),
            ciphertext: STANDARD
                .decode(content.trim_end_matches('\n'))
                .map_err(|_| damaged(Damage::Content))?,
            digest,
        })
    }

    /// The data key, by a passphrase.
    ///
    /// # Errors
    /// No slot takes it; a slot asks for absurd work.
    pub fn key(&self, passphrase: &str) -> Result<DataKey, SealError> {
        let mut outcome = SealError::NoPassphraseSlot;
        let passphrases = self.slots.iter().filter_map(Slot::passphrase);
        for slot in passphrases.take(MAX_PASSPHRASES) {
            match slot.open(passphrase) {
                Err(SealError::WrongPassphrase) => outcome = SealError::WrongPassphrase,
                other => return other,
            }
        }
        Err(outcome)
    }

    /// The content, by the data key.
    ///
    /// # Errors
    /// Another key's, or changed.
    pub fn content(&self, key: &DataKey) -> Result<Zeroizing<Vec<u8>>, SealError> {
        key.decrypt(&self.nonce, &self.ciphertext, &self.authenticated)
            .ok_or(SealError::Damaged(Damage::Content))
    }
}

/// Makes a vault file, and the digest that [`Sealed::digest`] will have.
///
/// # Errors
/// No randomness for a nonce.
pub fn seal(content: &[u8], key: &DataKey, slots: &[Slot]) -> Result<(Vec<u8>, [u8; 32]), SealError> {
    let mut nonce = [0; 24];
    fill(&mut nonce)?;
    let header = Header {
        cipher: CIPHER.to_owned(),
        nonce: to_hex(&nonce).to_string(),
        slots: slots.iter().map(to_value).collect(),
    };
    let header = serde_json::to_string(&header).expect("a tree of texts and numbers");
    let mut file = format!("{MAGIC}{VERSION}\n{header}\n");
    let ciphertext = key.encrypt(&nonce, content, file.as_bytes());
    file.push_str(&STANDARD.encode(ciphertext));
    file.push('\n');
    let digest = sha256::Hash::hash(file.as_bytes()).to_byte_array();
    file.push_str(&format!("{TRAILER}{}\n", *to_hex(&digest)));
    Ok((file.into_bytes(), digest))
}

fn check_trailer(file: &[u8]) -> Result<(&[u8], [u8; 32]), Damage> {
    let at = file.len().checked_sub(TRAILER_LENGTH).ok_or(Damage::End)?;
    let (body, trailer) = file.split_at(at);
    let written = trailer
        .strip_prefix(TRAILER.as_bytes())
        .and_then(|rest| rest.strip_suffix(b"\n"))
        .ok_or(Damage::End)?;
    let digest = sha256::Hash::hash(body).to_byte_array();
    if to_hex(&digest).as_bytes() == written {
        Ok((body, digest))
    } else {
        Err(Damage::Checksum)
    }
}

fn slots(values: Vec<serde_json::Value>) -> Option<Vec<Slot>> {
    if values.len() > MAX_SLOTS {
        return None;
    }
    let read = |value: serde_json::Value| match value.get("kind").and_then(|kind| kind.as_str()) {
        Some(PassphraseSlot::KIND) => serde_json::from_value(value).ok().map(Slot::Passphrase),
        Some(DeviceSlot::KIND) => Some(match DeviceSlot::deserialize(&value) {
            Ok(slot) if slot.info().is_some() => Slot::Device(slot),
            _ => Slot::Other(value),
        }),
        Some(_) => Some(Slot::Other(value)),
        None => None,
    };
    values.into_iter().map(read).collect()
}

fn to_value(slot: &Slot) -> serde_json::Value {
    match slot {
        Slot::Passphrase(slot) => serde_json::to_value(slot).expect("texts and numbers"),
        Slot::Device(slot) => serde_json::to_value(slot).expect("texts and numbers"),
        Slot::Other(value) => value.clone(),
    }
}

pub(super) fn nonce(hex: &str) -> Option<[u8; 24]> {
    from_hex(hex)?.as_slice().try_into().ok()
}

pub(super) fn fill(bytes: &mut [u8]) -> Result<(), SealError> {
    getrandom::fill(bytes).map_err(|_| SealError::NoRandomness)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As little work as Argon2 allows.
    pub(crate) const WEAK: Stretching = Stretching {
        memory_kib: 8,
        iterations: 1,
        lanes: 1,
    };

    fn sealed(stretching: Stretching) -> Vec<u8> {
        let key = DataKey::random().unwrap();
        let slot = PassphraseSlot::new("correct horse", stretching, &key).unwrap();
        seal(b"the content", &key, &[Slot::Passphrase(slot)]).unwrap().0
    }

    fn open(file: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let sealed = Sealed::parse(file)?;
        sealed.content(&sealed.key(passphrase)?)
    }

    /// The file with its text changed and its checksum made right again, as somebody hostile would.
    fn forged(file: &[u8], from: &str, to: &str) -> Vec<u8> {
        let text = std::str::from_utf8(&file[..file.len() - TRAILER_LENGTH]).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        let text = text.replacen(from, to, 1);
        let digest = sha256::Hash::hash(text.as_bytes()).to_byte_array();
        format!("{text}{TRAILER}{}\n", *to_hex(&digest)).into_bytes()
    }

    #[test]
    fn the_right_passphrase_opens_and_another_does_not() {
        let file = sealed(WEAK);
        assert_eq!(*open(&file, "correct horse").unwrap(), b"the content");
        assert_eq!(open(&file, "correct horsf").unwrap_err(), SealError::WrongPassphrase);
        assert_eq!(open(&file, "").unwrap_err(), SealError::WrongPassphrase);
    }

    #[test]
    fn the_file_shows_neither_content_nor_passphrase() {
        let file = String::from_utf8(sealed(WEAK)).unwrap();
        assert!(!file.contains("content") && !file.contains("horse"));
        assert_ne!(sealed(WEAK), sealed(WEAK));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_called_damage() {
        let file = sealed(WEAK);
        for length in 0..file.len() {
            let refused = open(&file[..length], "correct horse").unwrap_err();
            assert!(matches!(refused, SealError::Damaged(_)), "{length}: {refused:?}");
        }
        for bit in 0..8 * file.len() {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let refused = open(&flipped, "correct horse").unwrap_err();
            assert!(matches!(refused, SealError::Damaged(_)), "{bit}: {refused:?}");
        }
    }

    #[test]
    fn a_newer_version_is_called_so() {
        let newer = forged(&sealed(WEAK), "castellan-vault 1\n", "castellan-vault 2\n");
        assert_eq!(
            open(&newer, "correct horse").unwrap_err(),
            SealError::Newer { version: 2 }
        );
    }

    #[test]
    fn absurd_work_is_refused_before_it_is_begun() {
        let file = sealed(WEAK);
        for (from, to) in [
            ("\"memory_kib\":8,", "\"memory_kib\":1048577,"),
            ("\"iterations\":1,", "\"iterations\":21,"),
            ("\"lanes\":1,", "\"lanes\":17,"),
            ("\"memory_kib\":8,", "\"memory_kib\":0,"),
            ("\"iterations\":1,", "\"iterations\":0,"),
        ] {
            let refused = open(&forged(&file, from, to), "correct horse").unwrap_err();
            assert!(matches!(refused, SealError::Stretching(_)), "{to}: {refused:?}");
        }
        let huge = forged(&file, "\"memory_kib\":8,", "\"memory_kib\":99999999999,");
        assert_eq!(
            open(&huge, "correct horse").unwrap_err(),
            SealError::Damaged(Damage::Header)
        );
    }

    #[test]
    fn a_header_changed_with_a_right_checksum_does_not_open() {
        let file = sealed(WEAK);
        let weaker = forged(
            &sealed(Stretching { iterations: 2, ..WEAK }),
            "\"iterations\":2,",
            "\"iterations\":1,",
        );
        assert_eq!(open(&weaker, "correct horse").unwrap_err(), SealError::WrongPassphrase);
        let spaced = forged(&file, "\"slots\":[", "\"slots\": [");
        assert_eq!(
            open(&spaced, "correct horse").unwrap_err(),
            SealError::Damaged(Damage::Content)
        );
        let other = forged(&file, CIPHER, "rot13");
        assert_eq!(
            open(&other, "x").unwrap_err(),
            SealError::Cipher {
                cipher: "rot13".to_owned()
            }
        );
    }

    #[test]
    fn a_slot_of_an_unknown_kind_is_kept_word_for_word() {
        let key = DataKey::random().unwrap();
        let device = serde_json::json!({"kind": "device", "path": "m/44'/5'", "wrapped": "00ff"});
        let slots = [
            Slot::Other(device.clone()),
            Slot::Passphrase(PassphraseSlot::new("x", WEAK, &key).unwrap()),
        ];
        let file = seal(b"c", &key, &slots).unwrap().0;
        let read = Sealed::parse(&file).unwrap();
        assert_eq!(read.slots, slots);
        assert_eq!(*open(&file, "x").unwrap(), b"c");
        let without = seal(b"c", &key, &[Slot::Other(device)]).unwrap().0;
        assert_eq!(open(&without, "x").unwrap_err(), SealError::NoPassphraseSlot);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = open(&bytes, "x");
        }

        #[test]
        fn no_header_behind_a_right_checksum_makes_it_panic(header in "\\PC*", content in "[A-Za-z0-9+/=\n]*") {
            let body = format!("{MAGIC}1\n{header}\n{content}");
            let digest = to_hex(&sha256::Hash::hash(body.as_bytes()).to_byte_array()).to_string();
            let _ = open(format!("{body}{TRAILER}{digest}\n").as_bytes(), "x");
        }
    }
}
