//! Reading a saved `protx list registered true` and working out the queue and the scores: `cargo bench --bench list`.
//!
//! To stay below in a release build: 30 ms for 4,000 masternodes, 1 s for 100,000. The table is for eyes; nothing fails here.

use std::hint::black_box;

use castellan::protocol::Address;
use castellan::protocol::masternode::pose;
use castellan::protocol::masternode::queue::{EvoPayments, queue, upcoming};
use castellan::protocol::network::{self, Profile};
use castellan::protocol::wire::{sha256d, to_hex};
use castellan::rpc::types;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};

const RECORDED: &str = include_str!("../tests/data/dashd-23.1.2/modern-rpc.json");
const TIP: u32 = 2_300_000;

/// A list of true shape: the entries a node printed, each with hashes, keys, addresses and heights of its own.
fn list(count: u32, profile: &Profile) -> String {
    let calls: Vec<Value> = serde_json::from_str(RECORDED).expect("test data is JSON");
    let asked = |call: &&Value| call["method"] == "protx" && call["params"] == json!(["list", "registered", true]);
    let models = calls.iter().find(asked).expect("recorded")["result"]
        .as_array()
        .expect("a list");
    let made = |number: u32| {
        let bytes = |what: &str| sha256d(format!("{what} {number}").as_bytes());
        let address = |what: &str| {
            let mut hash = [0; 20];
            hash.copy_from_slice(&bytes(what)[..20]);
            json!(Address::PubkeyHash(hash).to_text(profile))
        };
        let mut entry = models[number as usize % models.len()].clone();
        entry["proTxHash"] = json!(to_hex(&bytes("proTxHash")));
        entry["collateralHash"] = json!(to_hex(&bytes("collateral")));
        entry["collateralAddress"] = address("collateral");
        let state = &mut entry["state"];
        for field in ["ownerAddress", "votingAddress", "payoutAddress"] {
            state[field] = address(field);
        }
        let key = [&bytes("key")[..], &bytes("more")[..16]].concat();
        state["pubKeyOperator"] = json!(to_hex(&key));
        let [a, b, c, ..] = bytes("service");
        let service = format!("1.{a}.{b}.{c}:9999");
        state["service"] = json!(service);
        state["addresses"] = json!({"core_p2p": [service]});
        state["registeredHeight"] = json!(1_100_000 + number);
        state["lastPaidHeight"] = json!(TIP - (number * 7_919) % count);
        state["PoSeBanHeight"] = json!(if number.is_multiple_of(12) { 2_200_000 } else { -1 });
        state["PoSePenalty"] = json!(if number.is_multiple_of(9) { number / 2 } else { 0 });
        entry
    };
    Value::Array((0..count).map(made).collect()).to_string()
}

fn masternodes(c: &mut Criterion) {
    let profile = network::builtin("dash-regtest").expect("embedded");
    for count in [4_000, 100_000] {
        let text = list(count, &profile);
        let entries = types::masternodes(&text, &profile).expect("a list");
        let mut group = c.benchmark_group(format!("{count} masternodes, {:.1} MB", text.len() as f64 / 1e6));
        group.sample_size(10).throughput(Throughput::Bytes(text.len() as u64));
        let read = || types::masternodes(black_box(&text), &profile).expect("a list");
        group.bench_function("read", |b| b.iter(read));
        group.bench_function("read, rank the queue and judge the scores", |b| {
            b.iter(|| {
                let entries = read();
                let slots = queue(&entries, TIP, EvoPayments::Single);
                let judged = entries
                    .iter()
                    .map(|entry| pose::outlook(entry, entries.len(), &profile.pose));
                (slots, judged.map(|outlook| outlook.level()).max())
            })
        });
        for evo in [EvoPayments::Single, EvoPayments::FourInARow] {
            group.bench_function(BenchmarkId::new("rank the queue", format!("{evo:?}")), |b| {
                b.iter(|| queue(black_box(&entries), TIP, evo))
            });
        }
        group.bench_function("the next 100 payees", |b| {
            b.iter(|| upcoming(black_box(&entries), TIP, EvoPayments::Single, 100))
        });
        group.finish();
    }
}

fn estimate(c: &mut Criterion) {
    let dash = network::builtin("dash").expect("embedded");
    let quorums = dash.quorums.expect("known");
    let mut group = c.benchmark_group("time to ban");
    for (regular, evo) in [(3_000, 350), (100_000, 350)] {
        let from = pose::Outlook::new(0, false, regular + evo, &dash.pose);
        for kind in [network::MnType::Regular, network::MnType::Evo] {
            group.bench_function(format!("{kind} of {}", regular + evo), |b| {
                b.iter(|| pose::time_to_ban(black_box(&from), kind, regular, evo, &quorums))
            });
        }
    }
    group.finish();
}

criterion_group!(benches, masternodes, estimate);
criterion_main!(benches);
