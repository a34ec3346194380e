//! The binary, the sandbox it serves, and what both answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use serde_json::Value;

pub const EXE: &str = env!("CARGO_BIN_EXE_castellan");
pub const PASSPHRASE: &str = "correct horse";

/// What one call printed and how it ended.
pub struct Ran {
    pub code: i32,
    pub json: Value,
    pub stderr: String,
}

pub fn castellan(folder: &Path, args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(EXE)
        .args(args)
        .args(["--data-dir", folder.to_str().expect("a plain path")])
        .env("CASTELLAN_PASSPHRASE", PASSPHRASE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A command that reads nothing may be gone already.
    let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes());
    child.wait_with_output().expect("the binary ends")
}

pub fn json(folder: &Path, args: &[&str]) -> Ran {
    json_with(folder, args, "")
}

pub fn json_with(folder: &Path, args: &[&str], stdin: &str) -> Ran {
    let output = castellan(folder, &[args, &["--json"]].concat(), stdin);
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    let json = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {stdout}{stderr}"));
    Ran {
        code: output.status.code().expect("not killed"),
        json,
        stderr,
    }
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// `castellan sandbox` in the background.
pub struct Served {
    child: Child,
    stdin: Option<ChildStdin>,
    pub document: Value,
    /// Which of its devices commands use.
    pub device: &'static str,
    _folder: tempfile::TempDir,
}

impl Served {
    pub fn start(network: &str, options: &[&str]) -> Self {
        Self::with_blocks("1", network, options)
    }

    /// Its chain stands still but for `sandbox_mine`.
    pub fn still(network: &str, options: &[&str]) -> Self {
        Self::with_blocks("0", network, options)
    }

    fn with_blocks(seconds: &str, network: &str, options: &[&str]) -> Self {
        let folder = folder();
        let mut child = Command::new(EXE)
            .args(["sandbox", "--json", "--network", network, "--block-seconds", seconds])
            .args(options)
            .arg("--data-dir")
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the sandbox starts");
        let mut reader = BufReader::new(child.stdout.take().expect("piped"));
        let mut text = String::new();
        let document = loop {
            assert_ne!(
                reader.read_line(&mut text).expect("readable"),
                0,
                "the sandbox ended: {text}"
            );
            if let Ok(document) = serde_json::from_str(&text) {
                break document;
            }
        };
        let stdin = child.stdin.take();
        Self {
            child,
            stdin,
            document,
            device: "ledger",
            _folder: folder,
        }
    }

    pub fn text(&self, key: &str) -> &str {
        self.document[key]
            .as_str()
            .unwrap_or_else(|| panic!("{key} in {}", self.document))
    }

    /// Arguments that lead a command here.
    pub fn args<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        let mut all = command.to_vec();
        all.extend(["--network", self.text("network"), "--node", self.text("rpc")]);
        all.extend(["--rpc-user", self.text("user"), "--rpc-password", self.text("password")]);
        all.extend(["--device", self.text(self.device)]);
        all
    }

    pub fn run(&self, folder: &Path, command: &[&str]) -> Ran {
        json(folder, &self.args(command))
    }

    pub fn press(&mut self, button: &str) {
        let stdin = self.stdin.as_mut().expect("open");
        writeln!(stdin, "{button}").expect("the sandbox listens");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn ok(ran: Ran) -> Value {
    assert_eq!(ran.code, 0, "{}{}", ran.json, ran.stderr);
    ran.json
}

pub fn refused(ran: &Ran, code: i32) -> &str {
    assert_eq!(ran.code, code, "{}{}", ran.json, ran.stderr);
    let error = &ran.json["error"];
    assert!(
        error["kind"].is_string() && error["message"].is_string() && error.get("reason").is_some(),
        "{}",
        ran.json
    );
    error["message"].as_str().expect("a sentence")
}

pub fn account_path(network: &str, rest: &str) -> String {
    // All regtests use coin type 1.
    assert!(network.ends_with("regtest"));
    format!("m/44'/1'/0'/{rest}")
}

/// Outpoints of the device's collaterals, read from the sandbox's node.
pub fn collaterals(sandbox: &Served, at: &Path, network: &str) -> Vec<String> {
    let short = sandbox.run(
        at,
        &[
            "register",
            "--find-collateral",
            "--service",
            "none",
            "--payout",
            &any_payout(sandbox, at, network),
            "--fee-from",
            "fees",
            "--yes",
        ],
    );
    let message = refused(&short, 1).to_owned();
    assert!(message.contains("collaterals were found"), "{message}");
    let listed = short.json["error"]["collaterals"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", short.json));
    listed
        .iter()
        .filter_map(|each| each.as_str().map(str::to_owned))
        .collect()
}

pub fn any_payout(sandbox: &Served, at: &Path, network: &str) -> String {
    let shown = ok(sandbox.run(at, &["device", "address", &account_path(network, "0/8")]));
    shown["address"].as_str().expect("an address").to_owned()
}

pub fn register_args<'a>(collateral: &'a str, service: &'a str, payout: &'a str) -> Vec<&'a str> {
    vec![
        "register",
        "--collateral",
        collateral,
        "--service",
        service,
        "--payout",
        payout,
        "--fee-from",
        "fees",
        "--yes",
    ]
}

/// Runs a command and presses a button on the device when it asks.
pub fn while_pressing(sandbox: &mut Served, button: &str, at: &Path, args: &[String]) -> Ran {
    let mut child = Command::new(EXE)
        .args(args)
        .arg("--json")
        .arg("--data-dir")
        .arg(at)
        .env("CASTELLAN_PASSPHRASE", PASSPHRASE)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stderr = child.stderr.take().expect("piped");
    let progress = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    // A button pressed while nothing is asked does nothing, so it is pressed until the command has its answer.
    while child.try_wait().expect("it runs").is_none() {
        sandbox.press(button);
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    let stderr = progress.join().expect("no panic").expect("readable");
    assert!(stderr.contains("confirm on the Ledger"), "{stderr}");
    let mut stdout = String::new();
    child
        .stdout
        .take()
        .expect("piped")
        .read_to_string(&mut stdout)
        .expect("readable");
    let code = child.wait().expect("it ends").code().expect("not killed");
    Ran {
        code,
        json: serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}")),
        stderr,
    }
}

/// A call of the sandbox's node, by hand over its socket; the body of its answer.
pub fn rpc(sandbox: &Served, method: &str, params: &str) -> String {
    let host = sandbox.text("rpc").trim_start_matches("http://").to_owned();
    let body = format!("{{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"{method}\",\"params\":{params}}}");
    let login = bitcoin::base64::Engine::encode(
        &bitcoin::base64::prelude::BASE64_STANDARD,
        format!("{}:{}", sandbox.text("user"), sandbox.text("password")),
    );
    let mut stream = std::net::TcpStream::connect(&host).expect("the node listens");
    write!(stream, "POST / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {login}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("an answer");
    assert!(
        reply.starts_with("HTTP/1.1 200") && reply.contains("\"error\":null"),
        "{reply}"
    );
    let (_, body) = reply.split_once("\r\n\r\n").expect("an end of the head");
    body.to_owned()
}

/// Somebody's computer: a data folder of its own, connected to the sandbox.
pub struct Desk<'a> {
    sandbox: &'a Served,
    folder: tempfile::TempDir,
}

impl<'a> Desk<'a> {
    /// Nothing in it, not even a vault.
    pub fn bare(sandbox: &'a Served) -> Self {
        Self {
            sandbox,
            folder: folder(),
        }
    }

    /// A vault with the fee key `fees` and one coin on it.
    pub fn funded(sandbox: &'a Served) -> Self {
        let desk = Self::bare(sandbox);
        let network = sandbox.text("network");
        let key = ok(json(
            desk.at(),
            &["key", "generate", "fee", "fees", "--network", network],
        ));
        let address = key["address"].as_str().expect("an address");
        rpc(sandbox, "sandbox_fund", &format!("[\"{address}\", \"1\"]"));
        rpc(sandbox, "sandbox_mine", "[1]");
        desk
    }

    pub fn at(&self) -> &Path {
        self.folder.path()
    }

    /// Arguments that lead a command to its node.
    pub fn args(&self, command: &[&str]) -> Vec<String> {
        self.sandbox.args(command).into_iter().map(str::to_owned).collect()
    }

    /// A file of this computer.
    pub fn file(&self, name: &str) -> String {
        self.at().join(name).to_str().expect("a plain path").to_owned()
    }

    pub fn run(&self, command: &[&str]) -> Ran {
        self.sandbox.run(self.at(), command)
    }

    /// Confirmed beforehand, and done.
    pub fn done(&self, command: &[&str]) -> Value {
        ok(self.run(&[command, &["--yes"]].concat()))
    }

    pub fn piped(&self, command: &[&str], stdin: &str) -> Ran {
        json_with(self.at(), &self.sandbox.args(command), stdin)
    }

    /// Without the vault's passphrase.
    pub fn locked(&self, command: &[&str]) -> Ran {
        let output = Command::new(EXE)
            .args(self.sandbox.args(command))
            .args(["--json", "--data-dir"])
            .arg(self.at())
            .env_remove("CASTELLAN_PASSPHRASE")
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        Ran {
            code: output.status.code().expect("not killed"),
            json: serde_json::from_slice(&output.stdout).expect("a document"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub fn show(&self, hash: &str) -> Value {
        ok(self.run(&["show", hash]))
    }

    pub fn labels(&self) -> Vec<String> {
        let keys = ok(json(self.at(), &["key", "list"]));
        let keys = keys.as_array().expect("a list");
        keys.iter()
            .filter_map(|key| key["label"].as_str().map(str::to_owned))
            .collect()
    }

    /// Public part of a key, or with `export` its secret.
    pub fn key(&self, what: &str, label: &str, member: &str) -> String {
        let key = ok(json(self.at(), &["key", what, label]));
        key[member].as_str().expect("a text").to_owned()
    }

    pub fn journal(&self) -> Vec<Value> {
        ok(json(self.at(), &["journal"])).as_array().expect("a list").clone()
    }

    /// A regular masternode, or an evonode, with new keys and 10 % for its operator; its hash.
    pub fn register(&self, evo: bool, options: &[&str]) -> String {
        let payout = address(self.sandbox.text("network"), 1);
        let mut args = vec![
            "register",
            "--service",
            "127.0.0.1:20001",
            "--payout",
            &payout,
            "--operator-reward",
            "10",
            "--fee-from",
            "fees",
            "--name",
            "mn",
        ];
        let collateral = self.collateral();
        if evo {
            args.extend(["--evo", "--find-collateral"]);
            args.extend(["--platform-p2p-port", "22821", "--platform-http-port", "22822"]);
        } else {
            args.extend(["--collateral", &collateral, "--collateral-path", "m/44'/1'/0'/0/0"]);
        }
        args.extend(options);
        let document = self.done(&args);
        document["proTxHash"].as_str().unwrap_or_default().to_owned()
    }

    /// The first collateral on the device's first address.
    pub fn collateral(&self) -> String {
        let network = self.sandbox.text("network");
        collaterals(self.sandbox, self.at(), network).remove(0)
    }
}

/// An address of nobody.
pub fn address(network: &str, number: u8) -> String {
    let profile = castellan::protocol::network::builtin(network).expect("a network");
    castellan::protocol::Address::PubkeyHash([number; 20]).to_text(&profile)
}

pub fn text<'a>(document: &'a Value, key: &str) -> &'a str {
    document[key].as_str().unwrap_or_else(|| panic!("{key} in {document}"))
}
