//! Ed25519 keys from a seed: the tree of SLIP-0010.
//!
//! Every step is hardened; there is no public derivation on this curve.
//!
//! Source: SLIP-0010, "Master key generation" and "Child key derivation" for ed25519.

use hmac::{Hmac, Mac};
use sha2::Sha512;
use zeroize::Zeroizing;

/// Derives the Ed25519 seed (the 32 bytes RFC 8032 calls private key) at a path.
///
/// An index is written without its hardening: `[9, 5, 3, 4, 0]` is `m/9'/5'/3'/4'/0'`, and no index is the root. The
/// highest bit of an index is set in any case.
#[must_use]
pub fn derive_path(seed: &[u8], path: &[u32]) -> Zeroizing<[u8; 32]> {
    let mut node = Node::split(b"ed25519 seed", &[seed]);
    for index in path {
        node = node.child(index | 1 << 31);
    }
    node.key
}

struct Node {
    key: Zeroizing<[u8; 32]>,
    chain_code: Zeroizing<[u8; 32]>,
}

impl Node {
    fn child(&self, index: u32) -> Self {
        Self::split(&*self.chain_code, &[&[0], &*self.key, &index.to_be_bytes()])
    }

    /// HMAC-SHA512, halved.
    fn split(key: &[u8], message: &[&[u8]]) -> Self {
        let mut mac = Hmac::<Sha512>::new_from_slice(key).expect("HMAC takes keys of any length");
        for part in message {
            mac.update(part);
        }
        let mut both = Zeroizing::new([0; 64]);
        both.copy_from_slice(&mac.finalize().into_bytes());
        let mut node = Self {
            key: Zeroizing::new([0; 32]),
            chain_code: Zeroizing::new([0; 32]),
        };
        node.key.copy_from_slice(&both[..32]);
        node.chain_code.copy_from_slice(&both[32..]);
        node
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::store::secret::{from_hex, to_hex};

    /// "Test vector 1 for ed25519" of SLIP-0010: path, private, public.
    const SEED_1: &str = "000102030405060708090a0b0c0d0e0f";
    const VECTOR_1: [(&[u32], &str, &str); 6] = [
        (
            &[],
            "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7",
            "a4b2856bfec510abab89753fac1ac0e1112364e7d250545963f135f2a33188ed",
        ),
        (
            &[0],
            "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3",
            "8c8a13df77a28f3445213a0f432fde644acaa215fc72dcdf300d5efaa85d350c",
        ),
        (
            &[0, 1],
            "b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2",
            "1932a5270f335bed617d5b935c80aedb1a35bd9fc1e31acafd5372c30f5c1187",
        ),
        (
            &[0, 1, 2],
            "92a5b23c0b8a99e37d07df3fb9966917f5d06e02ddbd909c7e184371463e9fc9",
            "ae98736566d30ed0e9d2f4486a64bc95740d89c7db33f52121f8ea8f76ff0fc1",
        ),
        (
            &[0, 1, 2, 2],
            "30d1dc7e5fc04c31219ab25a27ae00b50f6fd66622f6e9c913253d6511d1e662",
            "8abae2d66361c879b900d204ad2cc4984fa2aa344dd7ddc46007329ac76c429c",
        ),
        (
            &[0, 1, 2, 2, 1_000_000_000],
            "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793",
            "3c24da049451555d51a7014a37337aa4e12d41e485abccfa46b47dfb2af54b7a",
        ),
    ];

    /// "Test vector 2 for ed25519".
    const SEED_2: &str = "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a2\
                          9f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542";
    const VECTOR_2: [(&[u32], &str, &str); 6] = [
        (
            &[],
            "171cb88b1b3c1db25add599712e36245d75bc65a1a5c9e18d76f9f2b1eab4012",
            "8fe9693f8fa62a4305a140b9764c5ee01e455963744fe18204b4fb948249308a",
        ),
        (
            &[0],
            "1559eb2bbec5790b0c65d8693e4d0875b1747f4970ae8b650486ed7470845635",
            "86fab68dcb57aa196c77c5f264f215a112c22a912c10d123b0d03c3c28ef1037",
        ),
        (
            &[0, 2_147_483_647],
            "ea4f5bfe8694d8bb74b7b59404632fd5968b774ed545e810de9c32a4fb4192f4",
            "5ba3b9ac6e90e83effcd25ac4e58a1365a9e35a3d3ae5eb07b9e4d90bcf7506d",
        ),
        (
            &[0, 2_147_483_647, 1],
            "3757c7577170179c7868353ada796c839135b3d30554bbb74a4b1e4a5a58505c",
            "2e66aa57069c86cc18249aecf5cb5a9cebbfd6fadeab056254763874a9352b45",
        ),
        (
            &[0, 2_147_483_647, 1, 2_147_483_646],
            "5837736c89570de861ebc173b1086da4f505d4adb387c6a1b1342d5e4ac9ec72",
            "e33c0f7d81d843c572275f287498e8d408654fdf0d1e065b84e2e6f157aab09b",
        ),
        (
            &[0, 2_147_483_647, 1, 2_147_483_646, 2],
            "551d333177df541ad876a60ea71f00447931c0a9da16f227c11ea080d7391b8d",
            "47150c75db263559a70d5778bf36abbab30fb061ad69f69ece61a72b0cfa4fc0",
        ),
    ];

    #[test]
    fn the_published_vectors_come_out() {
        for (seed, vector) in [(SEED_1, VECTOR_1), (SEED_2, VECTOR_2)] {
            let seed = from_hex(seed).unwrap();
            for (path, private, public) in vector {
                let key = derive_path(&seed, path);
                assert_eq!(*to_hex(&*key), private, "{path:?}");
                let verifying = SigningKey::from_bytes(&key).verifying_key();
                assert_eq!(*to_hex(verifying.as_bytes()), public, "{path:?}");
            }
        }
    }
}
