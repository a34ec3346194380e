//! Peers for tests: a real `dashd -regtest` in a folder of its own, and a vault that opens at once.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use castellan::store::vault::Stretching;
use castellan::store::{Dirs, Phrase, Vault};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub const USER: &str = "castellan";
pub const PASSWORD: &str = "test";

/// A node of the real software; it ends and its folder goes when this is dropped.
pub struct Dashd {
    child: Child,
    port: u16,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Dashd {
    /// Starts `DASHD_EXE` on a fresh regtest chain with a loaded wallet.
    pub async fn start(options: &[&str]) -> Self {
        let exe = std::env::var_os("DASHD_EXE")
            .map(PathBuf::from)
            .expect("DASHD_EXE names a dashd");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let child = Command::new(exe)
            .arg("-regtest")
            .arg(format!("-datadir={}", folder.path().display()))
            .arg(format!("-rpcport={port}"))
            .args([format!("-rpcuser={USER}"), format!("-rpcpassword={PASSWORD}")])
            .args([
                "-server=1",
                "-listen=0",
                "-dnsseed=0",
                "-txindex=1",
                "-addressindex=1",
                "-spentindex=1",
                "-timestampindex=1",
            ])
            .args(["-fallbackfee=0.0001", "-printtoconsole=0", "-dip3params=2:2"])
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dashd starts");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let node = Self {
            child,
            port,
            client,
            _folder: folder,
        };
        node.wait().await;
        node.call("createwallet", json!(["test", false, false, "", false, true, true]))
            .await;
        node
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn wait(&self) {
        let start = Instant::now();
        while self.try_call("getblockcount", json!([])).await.is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "dashd did not answer within a minute"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Result or error object of a call.
    pub async fn try_call(&self, method: &str, params: Value) -> Result<Value, Value> {
        let body = json!({ "jsonrpc": "1.0", "id": 1, "method": method, "params": params }).to_string();
        let request = self.client.post(self.url()).basic_auth(USER, Some(PASSWORD)).body(body);
        let text = async { request.send().await?.text().await }
            .await
            .map_err(|error| json!(error.to_string()))?;
        let reply: Value = serde_json::from_str(&text).map_err(|error| json!(error.to_string()))?;
        if reply["error"].is_null() {
            Ok(reply["result"].clone())
        } else {
            Err(reply["error"].clone())
        }
    }

    pub async fn call(&self, method: &str, params: Value) -> Value {
        match self.try_call(method, params).await {
            Ok(result) => result,
            Err(error) => panic!("{method}: {error}"),
        }
    }

    pub async fn mine(&self, blocks: u32) {
        let address = self.call("getnewaddress", json!([])).await;
        self.call("generatetoaddress", json!([blocks, address])).await;
    }

    /// Pays from the node's wallet; the outpoint.
    pub async fn pay(&self, address: &str, coins: &str) -> castellan::protocol::OutPoint {
        let txid = self.call("sendtoaddress", json!([address, coins])).await;
        let tx = self.call("getrawtransaction", json!([txid, true])).await;
        let outputs = tx["vout"].as_array().expect("outputs");
        let found = outputs
            .iter()
            .find(|output| output["scriptPubKey"]["address"] == address)
            .expect("our output");
        let vout = found["n"].as_u64().expect("an index") as u32;
        castellan::protocol::OutPoint {
            txid: txid.as_str().expect("a txid").parse().expect("a txid"),
            vout,
        }
    }
}

impl Drop for Dashd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port nobody listens on right now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A new vault in a folder, stretched as little as possible.
pub fn vault(dirs: &Dirs) -> Vault {
    dirs.create().expect("a folder");
    let phrase = Phrase::generate().expect("randomness");
    Vault::create_with(&dirs.vault, "test", &phrase, Stretching::MINIMAL).expect("a vault")
}

/// Stands between a client and a node and notes what is asked.
pub struct Tap {
    pub url: String,
    asked: Arc<Mutex<Vec<u8>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Tap {
    pub async fn start(node: &str) -> Self {
        let node = node.trim_start_matches("http://").to_owned();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((here, _)) = listener.accept().await {
                let (node, log) = (node.clone(), Arc::clone(&log));
                tokio::spawn(async move {
                    let there = tokio::net::TcpStream::connect(node).await.expect("the node");
                    let (mut from, mut answers) = here.into_split();
                    let (mut back, mut to) = there.into_split();
                    tokio::spawn(async move { tokio::io::copy(&mut back, &mut answers).await });
                    let mut piece = [0; 4096];
                    while let Ok(count @ 1..) = from.read(&mut piece).await {
                        log.lock().expect("no panic").extend_from_slice(&piece[..count]);
                        if to.write_all(&piece[..count]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, asked, task }
    }

    /// How often a text was sent.
    pub fn count(&self, text: &str) -> usize {
        let asked = self.asked.lock().expect("no panic");
        String::from_utf8_lossy(&asked).matches(text).count()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}
