//! The bodies of the fuzz targets: plain functions of bytes that panic when something that must always hold does not.
//!
//! `fuzz_targets/` hands them to libFuzzer; `tests/fuzz.rs` of the program runs them over their seeds and some thousand random
//! changes, so that they keep holding between campaigns.

mod change;
mod payload;
mod rules;
mod transaction;
mod world;

use std::sync::LazyLock;

use serde_json::Value;

use crate::protocol::network::{Profile, builtin, builtin_names};
use crate::protocol::wire::from_hex;
pub use payload::payload;
pub use rules::{is_accepted, rules, whole};
pub use transaction::transaction;
pub use world::recordings;

/// One target, as libFuzzer and the tests drive it.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Inputs worth starting from, made from recorded transactions.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

pub static TARGETS: [Target; 3] = [
    Target {
        name: "transaction",
        run: transaction,
        seeds: transaction::seeds,
    },
    Target {
        name: "payload",
        run: payload,
        seeds: payload::seeds,
    },
    Target {
        name: "rules",
        run: rules,
        seeds: rules::seeds,
    },
];

const MODERN: &str = include_str!("../../../tests/data/dashd-23.1.2/modern-transactions.json");
const LEGACY: &str = include_str!("../../../tests/data/dashd-23.1.2/legacy-transactions.json");
const WEI: &str = include_str!("../../../tests/data/weid-0.17.0.3/transactions.json");
const PUBLISHED: &str = include_str!("../../../tests/data/protx/protx.json");

static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| builtin_names().filter_map(builtin).collect());

fn profile(name: &str) -> &'static Profile {
    PROFILES
        .iter()
        .find(|profile| profile.name == name)
        .expect("the targets name built-in profiles")
}

fn cases(text: &str) -> Vec<Value> {
    serde_json::from_str(text).expect("test data is JSON")
}

fn hex(case: &Value) -> Vec<u8> {
    from_hex(case["hex"].as_str().unwrap_or_default()).expect("test data is hexadecimal")
}

/// An input being read. It never ends: after the last byte come zeros.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let taken = self.take(N);
        out[..taken.len()].copy_from_slice(taken);
        out
    }

    fn u8(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    fn i64(&mut self) -> i64 {
        i64::from_le_bytes(self.array())
    }

    /// An index below `count`; 0 where there is none.
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.u16()).checked_rem(count).unwrap_or(0)
    }

    /// A length byte and so many bytes.
    fn short(&mut self) -> &'a [u8] {
        let len = self.u8();
        self.take(usize::from(len))
    }
}
