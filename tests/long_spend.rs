//! Payments with many inputs on the emulated devices: how far they are is told, they can be cancelled, and their commands are counted.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bitcoin::hashes::Hash;
use castellan::hw::ledger::Ledger;
use castellan::hw::trezor::Trezor;
use castellan::hw::{Device, DeviceError, Done, Nobody, Part, Progress, Spend, SpendInput};
use castellan::protocol::network::builtin;
use castellan::protocol::{Amount, KeyId, OutPoint, Profile, ScriptBuf, Transaction, TxIn, TxOut, path};
use castellan::sandbox::ledger::{self, SandboxLedger};
use castellan::sandbox::trezor::{self, Model, SandboxTrezor};
use tokio::sync::watch;

fn dash() -> Arc<Profile> {
    Arc::new(builtin("dash").expect("embedded"))
}

/// A payment from the first addresses of the first account, with change. Each previous transaction is of the usual size: one signed
/// input, two outputs, 226 bytes, and as long a payload as wanted.
async fn spend(device: &dyn Device, count: u32, payload: usize) -> Spend {
    let dash = dash();
    let account = device.account_xpub(path::account(&dash, 0)).await.expect("readable");
    let key_id = |change, index| KeyId::of(&castellan::hw::derive(&account, change, index));
    let input = |index: u32| {
        let key_id = key_id(false, index);
        let previous = Transaction {
            version: 3,
            kind: if payload == 0 { 0 } else { 1 },
            inputs: vec![TxIn {
                script_sig: ScriptBuf::from_bytes(vec![0x30; 107]),
                ..TxIn::unsigned(OutPoint {
                    txid: bitcoin::Txid::from_byte_array([7; 32]),
                    vout: index,
                })
            }],
            outputs: vec![
                TxOut::new(Amount::from_coins(1), KeyId([8; 20]).address().script()),
                TxOut::new(Amount::from_coins(1), key_id.address().script()),
            ],
            lock_time: 0,
            payload: vec![0xab; payload],
        };
        SpendInput {
            path: path::address(&dash, 0, false, index),
            key_id,
            outpoint: OutPoint {
                txid: previous.txid(),
                vout: 1,
            },
            previous,
            amount: Amount::from_coins(1),
        }
    };
    let paid = Amount::from_duffs(10_000_000);
    let fee = Amount::from_duffs(10_000);
    let back = Amount::from_coins(u64::from(count)).duffs() - paid.duffs() - fee.duffs();
    Spend {
        inputs: (0..count).map(input).collect(),
        outputs: vec![
            TxOut::new(paid, KeyId([9; 20]).address().script()),
            TxOut::new(Amount::from_duffs(back), key_id(true, 0).address().script()),
        ],
        change: Some(path::address(&dash, 0, true, 0)),
        lock_time: 0,
    }
}

/// What was told, in order, and the last of it to wait for.
#[derive(Clone)]
struct Told {
    all: Arc<Mutex<Vec<Done>>>,
    last: watch::Sender<Option<Done>>,
}

impl Told {
    fn new() -> Self {
        Self {
            all: Arc::default(),
            last: watch::Sender::new(None),
        }
    }

    fn progress(&self) -> Progress {
        let told = self.clone();
        Progress::new(move |done| {
            told.all.lock().unwrap().push(done);
            told.last.send_replace(Some(done));
        })
    }

    fn all(&self) -> Vec<Done> {
        self.all.lock().unwrap().clone()
    }

    async fn reached(&self, part: Part, count: usize) {
        let mut last = self.last.subscribe();
        let reached = |done: &Option<Done>| done.is_some_and(|done| done.part == part && done.done >= count);
        last.wait_for(reached).await.expect("the sender is here");
    }
}

/// Everything, in order.
fn complete(of: usize) -> Vec<Done> {
    let part = |part| (1..=of).map(move |done| Done { part, done, of });
    part(Part::Reading).chain(part(Part::Signing)).collect()
}

/// A cable that counts the commands on it.
struct Cable {
    address: SocketAddr,
    commands: Arc<AtomicUsize>,
}

impl Cable {
    fn to(device: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let commands = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&commands);
        thread::spawn(move || {
            for host in listener.incoming().flatten() {
                let device = TcpStream::connect(device).expect("the sandbox accepts");
                // Ends with either side.
                let _ = carry(host, device, &count);
            }
        });
        Self { address, commands }
    }

    fn count(&self) -> usize {
        self.commands.load(Ordering::SeqCst)
    }
}

fn carry(mut host: TcpStream, mut device: TcpStream, count: &AtomicUsize) -> io::Result<()> {
    host.set_nodelay(true)?;
    device.set_nodelay(true)?;
    loop {
        let command = frame(&mut host, 0)?;
        device.write_all(&command)?;
        count.fetch_add(1, Ordering::SeqCst);
        let answer = frame(&mut device, 2)?;
        host.write_all(&answer)?;
    }
}

/// `u32 BE length | bytes`, and so many bytes more than the length says.
fn frame(from: &mut TcpStream, more: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    from.read_exact(&mut bytes)?;
    let length = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    bytes.resize(4 + length + more, 0);
    from.read_exact(&mut bytes[4..])?;
    Ok(bytes)
}

fn sandbox_ledger() -> SandboxLedger {
    let options = ledger::Options {
        auto_approve: true,
        ..ledger::Options::for_profile(&dash())
    };
    SandboxLedger::start(options).expect("a free port")
}

async fn open_ledger(address: SocketAddr) -> Arc<dyn Device> {
    let opened = tokio::task::spawn_blocking(move || Ledger::network(&address.to_string(), dash()));
    Arc::new(opened.await.expect("no panic").expect("the sandbox accepts"))
}

async fn open_trezor(sandbox: &SandboxTrezor) -> Arc<dyn Device> {
    let address = sandbox.address().to_string();
    let opened = tokio::task::spawn_blocking(move || Trezor::network(&address, dash(), Arc::new(Nobody)));
    Arc::new(opened.await.expect("no panic").expect("the sandbox answers"))
}

fn sandbox_trezor(model: Model) -> SandboxTrezor {
    let options = trezor::Options {
        auto_approve: true,
        ..trezor::Options::new(model)
    };
    SandboxTrezor::start(options).expect("a free port")
}

/// Commands of a payment, at most, all previous transactions being small and all keys known: one per previous transaction; the change
/// path and each output once; and per input a round of all inputs (three or four in a command), the outputs (in the first round
/// counted already) and the signature. The formula of docs/devices.md.
fn commands(inputs: usize, outputs: usize) -> usize {
    inputs * ((inputs - 1).div_ceil(4) + 4) + outputs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_payment_takes_no_more_commands_than_documented_and_tells_of_every_input() {
    assert!((1..=50).all(|count| commands(count, 2) <= count * (2 * count + 4)));
    let sandbox = sandbox_ledger();
    let cable = Cable::to(sandbox.address());
    let device = open_ledger(cable.address).await;
    for (count, expected) in [(1, 6), (2, 10), (10, 63), (50, 813)] {
        let spend = spend(&*device, count, 0).await;
        let (before, told) = (cable.count(), Told::new());
        let signed = device.sign_spend(spend, told.progress()).await.expect("signed");
        assert!(signed.inputs.iter().all(|input| input.script_sig.len() > 100));
        let (count, taken) = (count as usize, cable.count() - before);
        assert_eq!(taken, expected, "{count} inputs");
        assert!(taken <= commands(count, 2), "{count} inputs");
        assert_eq!(told.all(), complete(count));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_in_a_previous_transaction_costs_one_command_for_every_255_bytes() {
    let sandbox = sandbox_ledger();
    let cable = Cable::to(sandbox.address());
    let device = open_ledger(cable.address).await;
    for payload in [1, 274, 10_000] {
        let spend = spend(&*device, 1, payload).await;
        let streamed = 4 + spend.inputs[0].previous.encode().len();
        let before = cable.count();
        device.sign_spend(spend, Progress::none()).await.expect("signed");
        let taken = cable.count() - before - (commands(1, 2) - 1);
        // The payload's length is told once more, and a field that does not fit leaves some bytes of a command unused.
        assert!(
            (streamed.div_ceil(255)..=(streamed + 40).div_ceil(255)).contains(&taken),
            "{payload}: {taken}"
        );
    }
}

/// Drops the request once a part has got so far; says how far it had got by the end, and how long the next answer took.
async fn cancelled_at(device: &Arc<dyn Device>, part: Part, count: usize) -> (Vec<Done>, Duration) {
    let spend = spend(&**device, 50, 0).await;
    let told = Told::new();
    tokio::select! {
        biased;
        () = told.reached(part, count) => {}
        _ = device.sign_spend(spend, told.progress()) => panic!("it was to be cancelled before it is done"),
    }
    let dropped = Instant::now();
    device.info().await.expect("usable at once");
    let answered = dropped.elapsed();
    let all = told.all();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(told.all(), all, "nothing is told of it any more");
    (all, answered)
}

async fn can_be_cancelled_anywhere(device: Arc<dyn Device>) {
    for (part, count) in [(Part::Reading, 7), (Part::Signing, 1), (Part::Signing, 20)] {
        let (told, answered) = cancelled_at(&device, part, count).await;
        assert!(answered < Duration::from_secs(1), "{part:?}: {answered:?}");
        assert_eq!(told, complete(50)[..told.len()], "{part:?}");
        assert!(told.len() < 100, "{part:?}");
    }
    let told = Told::new();
    let spend = spend(&*device, 2, 0).await;
    assert!(device.sign_spend(spend, told.progress()).await.is_ok());
    assert_eq!(told.all(), complete(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_ledger_payment_ends_between_two_commands_and_the_app_goes_on() {
    let sandbox = sandbox_ledger();
    can_be_cancelled_anywhere(open_ledger(sandbox.address()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_trezor_payment_is_cancelled_on_the_device_which_goes_on() {
    for model in [Model::One, Model::T] {
        let sandbox = sandbox_trezor(model);
        can_be_cancelled_anywhere(open_trezor(&sandbox).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trezor_payment_tells_of_every_input_in_order() {
    for model in [Model::One, Model::T] {
        let sandbox = sandbox_trezor(model);
        let device = open_trezor(&sandbox).await;
        for count in [1, 2, 10, 50] {
            let told = Told::new();
            let spend = spend(&*device, count, 300).await;
            let signed = device.sign_spend(spend, told.progress()).await;
            assert_eq!(signed.map(|tx| tx.inputs.len()), Ok(count as usize));
            assert_eq!(told.all(), complete(count as usize), "{model:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_inputs_than_a_device_takes_are_refused_before_it_is_asked() {
    let sandbox = sandbox_ledger();
    let cable = Cable::to(sandbox.address());
    let device = open_ledger(cable.address).await;
    let spend = spend(&*device, 51, 0).await;
    let before = cable.count();
    let refused = device.sign_spend(spend, Progress::none()).await;
    assert!(matches!(refused, Err(DeviceError::Unsupported { .. })));
    assert_eq!(cable.count(), before);
}
