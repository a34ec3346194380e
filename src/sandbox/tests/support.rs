//! A chain with a good registration at hand.

use bitcoin::{OutPoint, ScriptBuf};
use serde_json::{Value, json};

use crate::protocol::key::{KeyId, SecpKey};
use crate::protocol::message::message_hash;
use crate::protocol::network::{self, MnType};
use crate::protocol::script::pay_to_key;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::special_tx::{ProRegTx, Service};
use crate::protocol::tx::{Transaction, TxIn, TxOut};
use crate::protocol::{Amount, bls};
use crate::sandbox::faucet::sign_inputs;
use crate::sandbox::{Chain, Options, Reject, Sandbox, Setup};

pub const NOW: u64 = 1_800_000_000;

pub fn key(number: u8) -> SecpKey {
    SecpKey::from_bytes(&[number; 32]).unwrap()
}

pub fn key_id(number: u8) -> KeyId {
    key(number).key_id()
}

pub fn operator(number: u8) -> bls::SecretKey {
    bls::SecretKey::from_bytes(&[number; 32]).unwrap()
}

pub fn start(network: &str, masternodes: usize) -> Chain {
    Chain::start(&Setup {
        profile: network::builtin(network).unwrap(),
        seed: 7,
        masternodes,
        device: Vec::new(),
        extras: Vec::new(),
        now: NOW,
    })
    .unwrap()
}

/// Keys by number: 10 collateral, 11 fee, 12 owner, 13 voting, 14 payout, 15 operator.
pub struct Bench {
    pub chain: Chain,
    pub payload: ProRegTx,
    /// Spends the fee coin.
    pub tx: Transaction,
    pub fee_coin: OutPoint,
    /// Who signs the collateral message; none: nobody.
    pub signer: Option<SecpKey>,
}

impl Bench {
    pub fn new(network: &str, kind: MnType) -> Self {
        let mut chain = start(network, 6);
        let collateral = chain.profile().collateral(kind).unwrap();
        let collateral = pay(&mut chain, pay_to_key(&key_id(10).0), collateral);
        let fee_coin = pay(&mut chain, pay_to_key(&key_id(11).0), Amount::from_coins(2));
        let version = if chain.is_v19_next() { 2 } else { 1 };
        let scheme = if version == 2 {
            bls::Scheme::Basic
        } else {
            bls::Scheme::Legacy
        };
        let tx = Transaction {
            version: 2,
            kind: 0,
            inputs: vec![TxIn::unsigned(fee_coin)],
            outputs: vec![TxOut::new(Amount::from_duffs(199_990_000), pay_to_key(&key_id(11).0))],
            lock_time: 0,
            payload: Vec::new(),
        };
        let payload = ProRegTx {
            version,
            kind: kind.number(),
            mode: 0,
            collateral,
            service: Service::v4([198, 51, 100, 7].into(), 19999),
            owner: key_id(12),
            operator: operator(15).public_key().encode(scheme),
            voting: key_id(13),
            operator_reward: 500,
            payout: pay_to_key(&key_id(14).0),
            inputs_hash: tx.inputs_hash(),
            platform: (kind == MnType::Evo).then_some(Platform {
                node_id: [9; 20],
                p2p_port: 22200,
                http_port: 22201,
            }),
            signature: Vec::new(),
        };
        Self {
            chain,
            payload,
            tx,
            fee_coin,
            signer: Some(key(10)),
        }
    }

    /// The registration, signed by everyone it needs.
    pub fn build(&self) -> Transaction {
        let mut payload = self.payload.clone();
        if let Some(signer) = &self.signer {
            let text = payload.sign_message(self.chain.profile());
            let digest = message_hash(&self.chain.profile().message_magic, text.as_bytes());
            payload.signature = signer.sign_compact(&digest).as_bytes().to_vec();
        }
        let mut tx = self.tx.clone();
        payload.attach(&mut tx);
        sign_inputs(&mut tx, &key(11));
        tx
    }

    /// What the node says of the registration.
    pub fn verdict(&self) -> String {
        verdict(self.chain.test(&self.build()).map(drop))
    }
}

pub fn verdict(result: Result<(), Reject>) -> String {
    result.map_or_else(|reject| reject.reason.into_owned(), |()| "accepted".to_owned())
}

/// A confirmed coin of any script.
pub fn pay(chain: &mut Chain, script: ScriptBuf, amount: Amount) -> OutPoint {
    let txid = chain.fund(&[(script, amount)], NOW).unwrap();
    chain.mine(NOW);
    OutPoint { txid, vout: 0 }
}

pub async fn sandbox(network: &str) -> Sandbox {
    let mut options = Options::new(network::builtin(network).unwrap());
    options.masternodes = 16;
    Sandbox::start(options).await.unwrap()
}

/// A node that serves a chain of one's own making.
pub async fn serve(chain: Chain) -> Sandbox {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = Options::new(chain.profile().clone());
    Sandbox::serve(chain, options, listener, address)
}

/// A raw POST: status and body.
pub async fn post(sandbox: &Sandbox, authorization: Option<&str>, path: &str, body: &str) -> (u16, String) {
    raw(sandbox, "POST", authorization, path, body).await
}

pub async fn raw(sandbox: &Sandbox, verb: &str, authorization: Option<&str>, path: &str, body: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", sandbox.rpc_port()))
        .await
        .unwrap();
    let authorization = authorization.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
    let request = format!(
        "{verb} {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = reply.split_once("\r\n\r\n").unwrap();
    (status, body.to_owned())
}

/// `sandbox:sandbox`
pub const AUTHORIZATION: &str = "Basic c2FuZGJveDpzYW5kYm94";

pub async fn call(sandbox: &Sandbox, method: &str, params: Value) -> (u16, Value) {
    let body = json!({ "jsonrpc": "1.0", "id": 1, "method": method, "params": params }).to_string();
    let (status, body) = post(sandbox, Some(AUTHORIZATION), "/", &body).await;
    (status, serde_json::from_str(&body).unwrap())
}

/// The result of a call that must succeed.
pub async fn result(sandbox: &Sandbox, method: &str, params: Value) -> Value {
    let (_, mut reply) = call(sandbox, method, params.clone()).await;
    assert_eq!(reply["error"], Value::Null, "{method} {params}");
    reply["result"].take()
}
