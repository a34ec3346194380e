//! Decoding, encoding and judging a ProRegTx: `cargo bench --bench pro_reg`. The table is for eyes; nothing fails here.

use std::hint::black_box;

use castellan::protocol::network;
use castellan::protocol::rules::{Context, check};
use castellan::protocol::special_tx::ProRegTx;
use castellan::protocol::wire::from_hex;
use castellan::protocol::{Transaction, describe};
use criterion::{Criterion, criterion_group, criterion_main};

const RECORDED: &str = include_str!("../tests/data/dashd-23.1.2/modern-transactions.json");

fn pro_reg(c: &mut Criterion) {
    let cases: serde_json::Value = serde_json::from_str(RECORDED).expect("test data is JSON");
    let bytes = from_hex(cases[0]["hex"].as_str().expect("hex")).expect("hex");
    let tx = Transaction::decode(&bytes).expect("a real transaction");
    let payload = ProRegTx::decode(&tx.payload).expect("a real payload");
    let profile = network::builtin("dash-regtest").expect("embedded");
    c.bench_function("decode transaction and payload", |b| {
        b.iter(|| Transaction::decode(black_box(&bytes)).and_then(|tx| ProRegTx::decode(&tx.payload)));
    });
    c.bench_function("encode payload and transaction", |b| {
        b.iter(|| (black_box(&payload).encode(), black_box(&tx).encode()))
    });
    c.bench_function("collateral message", |b| {
        b.iter(|| black_box(&payload).sign_message(&profile))
    });
    c.bench_function("describe as JSON", |b| {
        b.iter(|| describe::transaction(black_box(&tx), &profile))
    });
    c.bench_function("judge without a node", |b| {
        b.iter(|| check(black_box(&tx), &Context::offline(&profile)))
    });
}

criterion_group!(benches, pro_reg);
criterion_main!(benches);
