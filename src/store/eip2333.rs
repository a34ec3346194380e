//! Operator keys from a seed: the key tree of EIP-2333.
//!
//! Every step is hardened: a child's secret key tells nothing about its parent or siblings, and no child can be derived
//! from a public key. An index is any `u32`; there is no hardened bit.
//!
//! The seed is the 64 bytes BIP-0039 makes of a recovery phrase. Which path a key gets is the caller's choice.
//!
//! Secrets are wiped as far as safe code can: the states inside HMAC and SHA-256 are not.
//!
//! Source: EIP-2333 as of its update of 17 September 2020 (`hkdf_mod_r` equal to `KeyGen` of
//! draft-irtf-cfrg-bls-signature-04).

use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::protocol::bls::SecretKey;

/// Shortest seed the standard allows, in bytes.
pub const MIN_SEED: usize = 32;

/// Bytes of a SHA-256 digest; K in the standard.
const DIGEST: usize = 32;
/// Chunks of a Lamport secret key: as many digests as HKDF can stretch to, one short of 256.
const CHUNKS: usize = 255;
/// Bytes reduced modulo the group order for a key; L in the standard.
const OKM: u8 = 48;

/// Why no key was derived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Eip2333Error {
    #[error("a seed of {length} bytes where at least {min} are needed")]
    SeedTooShort { length: usize, min: usize },
}

/// Derives the key at the root of a seed's tree (`derive_master_SK`).
///
/// # Errors
/// For a seed under 32 bytes.
pub fn derive_master_sk(seed: &[u8]) -> Result<SecretKey, Eip2333Error> {
    if seed.len() < MIN_SEED {
        return Err(Eip2333Error::SeedTooShort {
            length: seed.len(),
            min: MIN_SEED,
        });
    }
    Ok(hkdf_mod_r(seed))
}

/// Derives the child at an index (`derive_child_SK`).
#[must_use]
pub fn derive_child_sk(parent: &SecretKey, index: u32) -> SecretKey {
    hkdf_mod_r(&*parent_sk_to_lamport_pk(parent, index))
}

/// Derives the key at a path below the root: `[12381, 3600, 0]` is `m/12381/3600/0`, and no index is the root itself.
///
/// # Errors
/// For a seed under 32 bytes.
pub fn derive_path(seed: &[u8], path: &[u32]) -> Result<SecretKey, Eip2333Error> {
    let master = derive_master_sk(seed)?;
    Ok(path
        .iter()
        .fold(master, |parent, &index| derive_child_sk(&parent, index)))
}

/// Hashes secret bytes to a key (`hkdf_mod_r`, with an empty key info).
fn hkdf_mod_r(ikm: &[u8]) -> SecretKey {
    // IKM || I2OSP(0, 1)
    let mut message = Zeroizing::new(Vec::with_capacity(ikm.len() + 1));
    message.extend_from_slice(ikm);
    message.push(0);

    let mut salt = Sha256::digest(b"BLS-SIG-KEYGEN-SALT-");
    loop {
        let mut okm = Zeroizing::new([0; OKM as usize]);
        // I2OSP(L, 2)
        expand(&salt, &message, &[0, OKM], okm.as_mut_slice());
        if let Some(key) = SecretKey::from_wide_mod_r(&okm) {
            return key;
        }
        // One seed in 2^255 gets here.
        salt = Sha256::digest(salt);
    }
}

/// Hashes a parent key and an index to the secret a child key is made of (`parent_SK_to_lamport_PK`).
fn parent_sk_to_lamport_pk(parent: &SecretKey, index: u32) -> Zeroizing<[u8; DIGEST]> {
    let salt = index.to_be_bytes();
    let mut ikm = parent.to_bytes();
    let mut lamport_pk = Sha256::new();
    hash_lamport_sk(&salt, &*ikm, &mut lamport_pk);
    for byte in ikm.iter_mut() {
        *byte = !*byte;
    }
    hash_lamport_sk(&salt, &*ikm, &mut lamport_pk);

    let mut compressed = Zeroizing::new([0; DIGEST]);
    lamport_pk.finalize_into((&mut *compressed).into());
    compressed
}

/// Makes one of the two Lamport secret keys (`IKM_to_lamport_SK`) and appends its hashed chunks to the public key.
fn hash_lamport_sk(salt: &[u8], ikm: &[u8], lamport_pk: &mut Sha256) {
    let mut lamport_sk = Zeroizing::new(vec![0; CHUNKS * DIGEST]);
    expand(salt, ikm, &[], &mut lamport_sk);
    let mut hashed = Zeroizing::new([0; DIGEST]);
    for chunk in lamport_sk.chunks_exact(DIGEST) {
        Sha256::new().chain_update(chunk).finalize_into((&mut *hashed).into());
        lamport_pk.update(*hashed);
    }
}

/// HKDF with SHA-256: extract, then expand to the length of `okm`.
fn expand(salt: &[u8], ikm: &[u8], info: &[u8], okm: &mut [u8]) {
    let (mut prk, hkdf) = Hkdf::<Sha256>::extract(Some(salt), ikm);
    prk.as_mut_slice().zeroize();
    hkdf.expand(info, okm)
        .expect("no output here is over HKDF's limit of 255 digests");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test cases of EIP-2333, as published: seed, master key, index, child key.
    const CASES: [(&str, &str, u32, &str); 4] = [
        (
            "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e5349553\
             1f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
            "6083874454709270928345386274498605044986640685124978867557563392430687146096",
            0,
            "20397789859736650942317412262472558107875392172444076792671091975210932703118",
        ),
        (
            "3141592653589793238462643383279502884197169399375105820974944592",
            "29757020647961307431480504535336562678282505419141012933316116377660817309383",
            3141592653,
            "25457201688850691947727629385191704516744796114925897962676248250929345014287",
        ),
        (
            "0099FF991111002299DD7744EE3355BBDD8844115566CC55663355668888CC00",
            "27580842291869792442942448775674722299803720648445448686099262467207037398656",
            4294967295,
            "29358610794459428860402234341874281240803786294062035874021252734817515685787",
        ),
        (
            "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
            "19022158461524446591288038168518313374041767046816487870552872741050760015818",
            42,
            "31372231650479070279774297061823572166496564838472787488249775572789064611981",
        ),
    ];

    fn hex(text: &str) -> Vec<u8> {
        bitcoin::hex::FromHex::from_hex(text).expect("test data is hex")
    }

    /// The standard prints keys in decimal.
    fn key(decimal: &str) -> [u8; 32] {
        let mut bytes = [0u8; 32];
        for digit in decimal.bytes() {
            let mut carry = u16::from(digit - b'0');
            for byte in bytes.iter_mut().rev() {
                carry += u16::from(*byte) * 10;
                [_, *byte] = carry.to_be_bytes();
                carry >>= 8;
            }
            assert_eq!(carry, 0, "the number fits 32 bytes");
        }
        bytes
    }

    #[test]
    fn the_published_seeds_give_the_published_master_keys() {
        for (seed, master, ..) in CASES {
            assert_eq!(*derive_master_sk(&hex(seed)).unwrap().to_bytes(), key(master), "{seed}");
        }
    }

    #[test]
    fn the_published_master_keys_give_the_published_children() {
        for (seed, master, index, child) in CASES {
            let parent = SecretKey::from_bytes(&key(master)).unwrap();
            assert_eq!(*derive_child_sk(&parent, index).to_bytes(), key(child), "{seed}");
            assert_eq!(
                *derive_path(&hex(seed), &[index]).unwrap().to_bytes(),
                key(child),
                "{seed}"
            );
        }
    }

    #[test]
    fn the_published_intermediate_lamport_key_comes_up() {
        let (_, master, index, _) = CASES[0];
        let parent = SecretKey::from_bytes(&key(master)).unwrap();
        let expected = hex("dd635d27d1d52b9a49df9e5c0c622360a4dd17cba7db4e89bce3cb048fb721a5");
        assert_eq!(parent_sk_to_lamport_pk(&parent, index).as_slice(), expected);
    }

    #[test]
    fn the_published_phrase_leads_to_the_first_case() {
        let words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
        let seed = bip39::Mnemonic::parse(words).unwrap().to_seed("TREZOR");
        let (published, master, ..) = CASES[0];
        assert_eq!(seed.as_slice(), hex(published));
        assert_eq!(*derive_master_sk(&seed).unwrap().to_bytes(), key(master));
    }

    #[test]
    fn a_path_is_walked_step_by_step() {
        let seed = hex(CASES[0].0);
        let master = derive_master_sk(&seed).unwrap();
        let stepwise = derive_child_sk(&derive_child_sk(&master, 12381), 3600);
        assert_eq!(
            *derive_path(&seed, &[12381, 3600]).unwrap().to_bytes(),
            *stepwise.to_bytes()
        );
        assert_ne!(
            *derive_path(&seed, &[3600, 12381]).unwrap().to_bytes(),
            *stepwise.to_bytes()
        );
        assert_eq!(*derive_path(&seed, &[]).unwrap().to_bytes(), *master.to_bytes());
    }

    #[test]
    fn a_seed_of_31_bytes_is_refused() {
        let refusal = Eip2333Error::SeedTooShort { length: 31, min: 32 };
        assert_eq!(derive_master_sk(&[7; 31]).unwrap_err(), refusal);
        assert_eq!(derive_path(&[7; 31], &[0]).unwrap_err(), refusal);
        assert!(derive_master_sk(&[7; 32]).is_ok());
    }
}
