//! Operator key operations in both schemes: `cargo bench --bench bls`.
//!
//! To stay below in a release build: public key 2 ms, signing 5 ms, verifying 8 ms. The tables are for eyes; nothing
//! fails here.

use std::hint::black_box;

use castellan::protocol::bls::{PublicKey, Scheme, SecretKey, Signature};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// How long the legacy hash takes depends on the digest, so several take turns.
fn digests() -> impl Iterator<Item = [u8; 32]> {
    (0..=u8::MAX).cycle().map(|byte| [byte; 32])
}

fn public_key(c: &mut Criterion) {
    let secret = SecretKey::from_bytes(&[0x42; 32]).expect("0x4242.. is below the group order");
    c.bench_function("public key", |b| b.iter(|| black_box(&secret).public_key()));
}

fn sign(c: &mut Criterion) {
    let secret = SecretKey::from_bytes(&[0x42; 32]).expect("0x4242.. is below the group order");
    let mut group = c.benchmark_group("sign");
    for scheme in [Scheme::Legacy, Scheme::Basic] {
        let mut digests = digests();
        group.bench_function(BenchmarkId::from_parameter(scheme), |b| {
            b.iter(|| secret.sign(scheme, &digests.next().expect("the cycle has no end")))
        });
    }
}

/// As it is needed: both encodings are read first, with all their checks.
fn verify(c: &mut Criterion) {
    let secret = SecretKey::from_bytes(&[0x42; 32]).expect("0x4242.. is below the group order");
    let mut group = c.benchmark_group("verify");
    for scheme in [Scheme::Legacy, Scheme::Basic] {
        let key = secret.public_key().encode(scheme);
        let signed: Vec<_> = digests()
            .take(256)
            .map(|digest| (digest, secret.sign(scheme, &digest).encode(scheme)))
            .collect();
        let mut signed = signed.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(scheme), |b| {
            b.iter(|| {
                let (digest, signature) = signed.next().expect("the cycle has no end");
                let key = PublicKey::decode(scheme, &key).expect("just encoded");
                let signature = Signature::decode(scheme, signature).expect("just encoded");
                assert!(key.verify(scheme, digest, &signature));
            })
        });
    }
}

criterion_group!(bls, public_key, sign, verify);
criterion_main!(bls);
