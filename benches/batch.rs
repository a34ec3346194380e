//! A fleet's ProUpServTx, 200 at a time on every core: `cargo bench --bench batch`.
//!
//! Built means payload, input, fee from the encoded size, change; signed by the operator and by the fee key. Verified means both
//! signatures, from the final bytes. The throughput is in transactions. The table is for eyes; nothing fails here.

use std::hint::black_box;
use std::num::NonZero;
use std::thread;

use bitcoin::hashes::Hash;
use castellan::protocol::bls::{PublicKey, Scheme, SecretKey};
use castellan::protocol::funding::{Change, Coin, fund};
use castellan::protocol::rules::is_signed;
use castellan::protocol::special_tx::operator_signature::UNSIGNED;
use castellan::protocol::special_tx::{Payload, ProUpServTx, Service};
use castellan::protocol::{Amount, OutPoint, ProTxHash, ScriptBuf, SecpKey, Transaction, Txid, script};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const FLEET: u8 = 200;
/// **Duffs** per 1000 bytes.
const RATE: Amount = Amount::from_duffs(2_000);

struct Masternode {
    pro_tx_hash: ProTxHash,
    service: Service,
    operator: SecretKey,
    operator_public: PublicKey,
    fee: SecpKey,
    fee_script: ScriptBuf,
    coin: Coin,
}

impl Masternode {
    fn new(n: u8) -> Self {
        let mut secret = [0x42; 32];
        secret[31] = n;
        let operator = SecretKey::from_bytes(&secret).expect("0x4242.. is below the group order");
        let fee = SecpKey::from_bytes(&[n + 1; 32]).expect("in range");
        let fee_script = script::pay_to_key(&fee.key_id().0);
        Self {
            pro_tx_hash: ProTxHash::from_byte_array([n; 32]),
            service: Service::v4([1, 2, 3, n].into(), 9999),
            operator_public: operator.public_key(),
            operator,
            fee,
            fee_script,
            coin: Coin {
                outpoint: OutPoint {
                    txid: Txid::from_byte_array([n; 32]),
                    vout: 1,
                },
                value: Amount::from_duffs(100_000),
            },
        }
    }

    /// The bytes to send.
    fn build(&self, scheme: Scheme) -> Vec<u8> {
        let mut payload = ProUpServTx {
            version: match scheme {
                Scheme::Legacy => 1,
                Scheme::Basic => 2,
            },
            kind: 0,
            pro_tx_hash: self.pro_tx_hash,
            service: self.service,
            operator_payout: self.fee_script.clone(),
            inputs_hash: [0; 32],
            platform: None,
            signature: UNSIGNED,
        };
        let mut template = Transaction::empty(3);
        payload.attach(&mut template);
        let coins = std::slice::from_ref(&self.coin);
        let funded = fund(&template, coins, RATE, &self.fee_script, Change::Required).expect("one coin is enough");
        let mut tx = funded.tx;
        payload.inputs_hash = tx.inputs_hash();
        payload.sign(&self.operator, scheme, payload.encoding());
        payload.attach(&mut tx);
        let signature = self.fee.sign_der(&tx.sighash_all(0, self.fee_script.as_bytes()));
        tx.inputs[0].script_sig = script::script_sig(&signature, &self.fee.public_key().serialize());
        tx.encode()
    }

    fn verify(&self, bytes: &[u8], scheme: Scheme) -> bool {
        let tx = Transaction::decode(bytes).expect("just encoded");
        let Ok(Payload::ProUpServ(payload)) = Payload::of(&tx) else {
            return false;
        };
        payload.inputs_hash == tx.inputs_hash()
            && payload.is_signed_by(&self.operator_public, scheme, payload.encoding())
            && is_signed(&tx, 0, self.fee_script.as_bytes()) == Some(true)
    }
}

/// The fleet in as many parts as there are threads.
fn on(threads: usize, fleet: &[Masternode], work: impl Fn(&Masternode) + Sync) {
    let work = &work;
    thread::scope(|scope| {
        for part in fleet.chunks(fleet.len().div_ceil(threads)) {
            scope.spawn(move || part.iter().for_each(work));
        }
    });
}

fn batch(c: &mut Criterion) {
    let fleet: Vec<Masternode> = (0..FLEET).map(Masternode::new).collect();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    for scheme in [Scheme::Legacy, Scheme::Basic] {
        let signed: Vec<Vec<u8>> = fleet.iter().map(|masternode| masternode.build(scheme)).collect();
        let mut group = c.benchmark_group(format!("{FLEET} ProUpServTx, {scheme}"));
        group.sample_size(10).throughput(Throughput::Elements(u64::from(FLEET)));
        group.bench_function("build and sign", |b| {
            b.iter(|| on(cores, &fleet, |masternode| drop(black_box(masternode.build(scheme)))))
        });
        group.bench_function("verify", |b| {
            b.iter(|| {
                on(cores, &fleet, |masternode| {
                    let bytes = &signed[usize::from(masternode.pro_tx_hash.to_byte_array()[0])];
                    assert!(masternode.verify(bytes, scheme));
                })
            })
        });
        for threads in [1, cores] {
            group.bench_function(BenchmarkId::new("build, sign and verify, threads", threads), |b| {
                b.iter(|| {
                    on(threads, &fleet, |masternode| {
                        assert!(masternode.verify(&masternode.build(scheme), scheme))
                    })
                })
            });
        }
        group.finish();
    }
}

criterion_group!(benches, batch);
criterion_main!(benches);
