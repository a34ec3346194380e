//! Unlocking a vault as it is made by default: `cargo bench --bench vault`.
//!
//! To stay well below a second in a release build, and above 50 ms: that is what each guess costs too. The table is for
//! eyes; nothing fails here.

use castellan::protocol::network;
use castellan::store::{Kind, Phrase, Vault};
use criterion::{Criterion, criterion_group, criterion_main};

const PASSPHRASE: &str = "correct horse battery staple";

fn unlock(c: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("castellan-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the benchmark");
    let path = folder.join("vault.castellan");
    let phrase = Phrase::generate().expect("randomness");
    let vault = Vault::create(&path, PASSPHRASE, &phrase).expect("a new vault");
    let dash = network::builtin("dash").expect("embedded");
    for n in 0..10 {
        let label = format!("operator {n}");
        vault.generate(Kind::Operator, &label, &dash, 0).expect("a free label");
    }
    let mut group = c.benchmark_group("vault");
    group.sample_size(10);
    group.bench_function("unlock, 10 operator keys", |b| {
        b.iter(|| Vault::open(&path, PASSPHRASE).expect("the right passphrase"))
    });
    group.bench_function("generate an operator key", |b| {
        b.iter(|| {
            vault.generate(Kind::Operator, "one more", &dash, 0).expect("free");
            vault.remove("one more").expect("just made");
        })
    });
    group.finish();
    std::fs::remove_dir_all(&folder).expect("its own folder");
}

criterion_group!(vault, unlock);
criterion_main!(vault);
