//! The device's seed: derivation, signatures, and what a key seals.

use bitcoin::NetworkKind;
use bitcoin::bip32::{ChildNumber, Xpriv, Xpub};
use bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha512};
use bitcoin::secp256k1::{All, Message, PublicKey, Secp256k1};
use zeroize::Zeroizing;

use crate::protocol::message::CompactSignature;

/// The seed of phrase and passphrase: one wallet. Prints nothing.
#[derive(Clone)]
pub struct Wallet {
    seed: Zeroizing<[u8; 64]>,
    secp: Secp256k1<All>,
}

impl Wallet {
    pub fn new(phrase: &str, passphrase: &str) -> Result<Self, bip39::Error> {
        let phrase = bip39::Mnemonic::parse(phrase)?;
        Ok(Self {
            seed: Zeroizing::new(phrase.to_seed(passphrase)),
            secp: Secp256k1::new(),
        })
    }

    /// The public node of a path; none for a path deeper than BIP-0032 allows.
    pub fn public(&self, path: &[u32]) -> Option<Xpub> {
        self.with_node(path, |node| Xpub::from_priv(&self.secp, node))
    }

    pub fn key(&self, path: &[u32]) -> Option<PublicKey> {
        self.public(path).map(|node| node.public_key)
    }

    /// First four bytes of the master key's hash160.
    pub fn fingerprint(&self) -> u32 {
        let bytes = self.with_node(&[], |node| node.fingerprint(&self.secp).to_bytes());
        u32::from_be_bytes(bytes.expect("the root has no levels to fail on"))
    }

    /// DER, low-S, deterministic (RFC 6979), without a hash type.
    pub fn sign(&self, path: &[u32], digest: [u8; 32]) -> Option<Vec<u8>> {
        self.with_node(path, |node| {
            let signature = self.secp.sign_ecdsa(&Message::from_digest(digest), &node.private_key);
            signature.serialize_der().to_vec()
        })
    }

    pub fn sign_compact(&self, path: &[u32], digest: [u8; 32]) -> Option<CompactSignature> {
        self.with_node(path, |node| {
            let digest = Message::from_digest(digest);
            let signature = self.secp.sign_ecdsa_recoverable(&digest, &node.private_key);
            CompactSignature::from_recoverable(&signature)
        })
    }

    /// HMAC-SHA512 of a text under the private key of a path: key and vector of a seal.
    pub fn seal_key(&self, path: &[u32], text: &str) -> Option<Zeroizing<[u8; 64]>> {
        self.with_node(path, |node| {
            let mut engine = HmacEngine::<sha512::Hash>::new(&node.private_key.secret_bytes());
            engine.input(text.as_bytes());
            Zeroizing::new(Hmac::from_engine(engine).to_byte_array())
        })
    }

    fn with_node<T>(&self, path: &[u32], use_it: impl FnOnce(&Xpriv) -> T) -> Option<T> {
        let levels: Vec<ChildNumber> = path.iter().map(|level| ChildNumber::from(*level)).collect();
        let mut root = Xpriv::new_master(NetworkKind::Main, &*self.seed).ok()?;
        let derived = root.derive_priv(&self.secp, &levels);
        root.private_key.non_secure_erase();
        let mut node = derived.ok()?;
        let out = use_it(&node);
        node.private_key.non_secure_erase();
        Some(out)
    }
}
