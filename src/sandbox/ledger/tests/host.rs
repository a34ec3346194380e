//! A small client for tests: raw commands, and a whole payment done by the book.

use std::net::SocketAddr;

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::ecdsa::Signature;
use bitcoin::secp256k1::{Message, PublicKey, Secp256k1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::{Options, Panel, SandboxLedger, Screen};
use crate::protocol::wire::{WriteWire, from_hex};
use crate::protocol::{OutPoint, Transaction, TxIn, TxOut, script};

pub const H: u32 = 0x8000_0000;

pub struct Host {
    stream: TcpStream,
}

/// Data and status word.
pub type Reply = (Vec<u8>, u16);

pub fn start(auto_approve: bool) -> (SandboxLedger, Panel) {
    let options = Options {
        auto_approve,
        ..Options::default()
    };
    let ledger = SandboxLedger::start(options).unwrap();
    let panel = ledger.panel();
    (ledger, panel)
}

impl Host {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self { stream }
    }

    pub async fn send(&mut self, apdu: &[u8]) {
        let frame = [&(apdu.len() as u32).to_be_bytes()[..], apdu].concat();
        self.stream.write_all(&frame).await.unwrap();
    }

    /// None when the device closed the connection.
    pub async fn receive(&mut self) -> Option<Reply> {
        let length = in_time(self.stream.read_u32()).await.ok()?;
        let mut data = vec![0; length as usize];
        self.stream.read_exact(&mut data).await.unwrap();
        Some((data, self.stream.read_u16().await.unwrap()))
    }

    pub async fn exchange(&mut self, apdu: &[u8]) -> Option<Reply> {
        self.send(apdu).await;
        self.receive().await
    }

    pub async fn hex(&mut self, apdu: &str) -> Option<Reply> {
        self.exchange(&from_hex(apdu).unwrap()).await
    }

    pub async fn command(&mut self, ins: u8, p1: u8, p2: u8, data: &[u8]) -> Option<Reply> {
        self.exchange(&apdu(ins, p1, p2, data)).await
    }

    /// Streams a previous transaction as ledger.md 5 says, its scripts and payload in pieces of `piece` bytes.
    pub async fn trusted_input(&mut self, previous: &Transaction, index: u32, piece: usize) -> Option<Reply> {
        let chunks = trusted_input_chunks(previous, index, piece);
        let (last, rest) = chunks.split_last().unwrap();
        for (at, chunk) in rest.iter().enumerate() {
            let p1 = if at == 0 { 0 } else { 0x80 };
            assert_eq!(self.command(0x42, p1, 0, chunk).await, Some((Vec::new(), 0x9000)));
        }
        self.command(0x42, 0x80, 0, last).await
    }

    /// Signs a payment and checks every signature; the status word where the device says no.
    pub async fn pay(&mut self, payment: &Payment) -> Result<Transaction, u16> {
        let mut tx = payment.unsigned();
        let trusted = self.trust(payment).await;
        for round in 0..payment.inputs.len() {
            self.inputs(payment, &trusted, round).await?;
            self.outputs(payment, round).await?;
            let input = &payment.inputs[round];
            let der = self.sign(&input.path, payment.lock_time).await?;
            tx.inputs[round].script_sig = checked_script_sig(&tx, round, input, der);
        }
        Ok(tx)
    }

    pub async fn trust(&mut self, payment: &Payment) -> Vec<Vec<u8>> {
        let mut trusted = Vec::new();
        for input in &payment.inputs {
            let (data, status) = self.trusted_input(&input.previous, input.index, 200).await.unwrap();
            assert_eq!((data.len(), status), (56, 0x9000));
            trusted.push(data);
        }
        trusted
    }

    pub async fn inputs(&mut self, payment: &Payment, trusted: &[Vec<u8>], round: usize) -> Result<(), u16> {
        let p2 = if round == 0 { 0 } else { 0x80 };
        let mut head = payment.version.to_le_bytes().to_vec();
        head.put_length(payment.inputs.len());
        ok(self.command(0x44, 0, p2, &head).await)?;
        for (at, vouched) in trusted.iter().enumerate() {
            let input = &payment.inputs[at];
            let code = if at == round { input.script_code() } else { Vec::new() };
            let mut data = vec![1, 56];
            data.extend_from_slice(vouched);
            data.put_length(code.len());
            ok(self.command(0x44, 0x80, p2, &data).await)?;
            let tail = [&code[..], &payment.sequence.to_le_bytes()].concat();
            ok(self.command(0x44, 0x80, p2, &tail).await)?;
        }
        Ok(())
    }

    pub async fn outputs(&mut self, payment: &Payment, round: usize) -> Result<(), u16> {
        if round == 0
            && let Some(change) = &payment.change
        {
            ok(self.command(0x4a, 0xff, 0, &path(change)).await)?;
        }
        for (at, output) in payment.outputs.iter().enumerate() {
            let mut data = Vec::new();
            if at == 0 {
                data.put_length(payment.outputs.len());
            }
            data.extend_from_slice(&output.value.to_le_bytes());
            data.put_var_bytes(output.script.as_bytes());
            let p1 = if at + 1 == payment.outputs.len() { 0x80 } else { 0 };
            ok(self.command(0x4a, p1, 0, &data).await)?;
        }
        Ok(())
    }

    pub async fn sign(&mut self, key_path: &[u32], lock_time: u32) -> Result<Vec<u8>, u16> {
        let mut data = path(key_path);
        data.push(0);
        data.extend_from_slice(&lock_time.to_be_bytes());
        data.push(1);
        ok(self.command(0x48, 0, 0, &data).await)
    }
}

/// What a test pays.
#[derive(Clone)]
pub struct Payment {
    pub version: u32,
    pub sequence: u32,
    pub lock_time: u32,
    pub inputs: Vec<PaymentInput>,
    pub outputs: Vec<TxOut>,
    pub change: Option<Vec<u32>>,
}

#[derive(Clone)]
pub struct PaymentInput {
    pub path: Vec<u32>,
    pub key: PublicKey,
    pub previous: Transaction,
    pub index: u32,
}

impl PaymentInput {
    fn script_code(&self) -> Vec<u8> {
        self.previous.outputs[self.index as usize].script.to_bytes()
    }
}

impl Payment {
    pub fn unsigned(&self) -> Transaction {
        Transaction {
            version: self.version as i16,
            kind: 0,
            inputs: self.inputs.iter().map(|input| self.unsigned_input(input)).collect(),
            outputs: self.outputs.clone(),
            lock_time: self.lock_time,
            payload: Vec::new(),
        }
    }

    fn unsigned_input(&self, input: &PaymentInput) -> TxIn {
        let mut unsigned = TxIn::unsigned(OutPoint {
            txid: input.previous.txid(),
            vout: input.index,
        });
        unsigned.sequence = self.sequence;
        unsigned
    }
}

/// Verifies `DER | 01` under the input's key against the digest this program computes.
fn checked_script_sig(tx: &Transaction, at: usize, input: &PaymentInput, mut der: Vec<u8>) -> bitcoin::ScriptBuf {
    assert_eq!(der.last(), Some(&1));
    der[0] &= 0xfe;
    let signature = Signature::from_der(&der[..der.len() - 1]).unwrap();
    let mut low = signature;
    low.normalize_s();
    assert_eq!(low, signature, "low-S");
    let digest = Message::from_digest(tx.sighash_all(at, &input.script_code()));
    Secp256k1::verification_only()
        .verify_ecdsa(&digest, &signature, &input.key)
        .unwrap();
    script::script_sig(&der, &input.key.serialize())
}

pub fn apdu(ins: u8, p1: u8, p2: u8, data: &[u8]) -> Vec<u8> {
    [&[0xe0, ins, p1, p2, data.len() as u8][..], data].concat()
}

pub fn path(levels: &[u32]) -> Vec<u8> {
    let mut data = vec![levels.len() as u8];
    levels
        .iter()
        .for_each(|level| data.extend_from_slice(&level.to_be_bytes()));
    data
}

/// `m/44'/5'/0'/change/index`.
pub fn key_path(change: u32, index: u32) -> Vec<u32> {
    vec![H | 44, H | 5, H, change, index]
}

pub fn trusted_input_chunks(previous: &Transaction, index: u32, piece: usize) -> Vec<Vec<u8>> {
    let mut head = index.to_be_bytes().to_vec();
    head.extend_from_slice(&previous.version.to_le_bytes());
    head.extend_from_slice(&previous.kind.to_le_bytes());
    head.put_length(previous.inputs.len());
    let mut chunks = vec![head];
    for input in &previous.inputs {
        let mut start = input.previous.txid.to_byte_array().to_vec();
        start.extend_from_slice(&input.previous.vout.to_le_bytes());
        start.put_length(input.script_sig.len());
        chunks.push(start);
        put_script(
            &mut chunks,
            input.script_sig.as_bytes(),
            &input.sequence.to_le_bytes(),
            piece,
        );
    }
    let mut count = Vec::new();
    count.put_length(previous.outputs.len());
    chunks.push(count);
    for output in &previous.outputs {
        let mut start = output.value.to_le_bytes().to_vec();
        start.put_length(output.script.len());
        chunks.push(start);
        put_script(&mut chunks, output.script.as_bytes(), &[], piece);
    }
    put_end(&mut chunks, previous, piece);
    chunks
}

fn put_script(chunks: &mut Vec<Vec<u8>>, script: &[u8], tail: &[u8], piece: usize) {
    let mut pieces: Vec<Vec<u8>> = script.chunks(piece).map(<[u8]>::to_vec).collect();
    match pieces.last_mut() {
        Some(last) => last.extend_from_slice(tail),
        None if tail.is_empty() => {}
        None => pieces.push(tail.to_vec()),
    }
    chunks.append(&mut pieces);
}

fn put_end(chunks: &mut Vec<Vec<u8>>, previous: &Transaction, piece: usize) {
    let mut end = previous.lock_time.to_le_bytes().to_vec();
    let mut extra = Vec::new();
    if previous.has_payload() {
        extra.put_var_bytes(&previous.payload);
        end.put_length(extra.len());
    }
    chunks.push(end);
    chunks.extend(extra.chunks(piece).map(<[u8]>::to_vec));
}

pub fn ok(reply: Option<Reply>) -> Result<Vec<u8>, u16> {
    match reply {
        Some((data, 0x9000)) => Ok(data),
        Some((_, status)) => Err(status),
        None => panic!("the device closed the connection"),
    }
}

/// Waits for a question and gives its pages.
pub async fn question(panel: &Panel) -> Vec<String> {
    let mut watch = panel.watch();
    let asked = watch.wait_for(|screen| screen.prompt().is_some());
    in_time(asked).await.unwrap().lines()
}

/// Rejects the `count`th question from now and approves those before it; ends then.
pub async fn reject_question(panel: Panel, count: usize) -> Vec<String> {
    for _ in 1..count {
        question(&panel).await;
        assert!(panel.approve());
    }
    let pages = question(&panel).await;
    assert!(panel.reject());
    pages
}

pub async fn shows(panel: &Panel, wanted: Screen) {
    let mut watch = panel.watch();
    in_time(watch.wait_for(|screen| *screen == wanted)).await.unwrap();
}

/// A test that waits for what never comes fails instead of hanging.
async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let limit = std::time::Duration::from_secs(20);
    tokio::time::timeout(limit, future).await.expect("waited too long")
}
