//! The real binary, as scripts call it: documents on stdout, exit codes, and the whole job against `castellan sandbox`.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use serde_json::Value;

const EXE: &str = env!("CARGO_BIN_EXE_castellan");
const PASSPHRASE: &str = "correct horse";

/// What one call printed and how it ended.
struct Ran {
    code: i32,
    json: Value,
    stderr: String,
}

fn castellan(folder: &Path, args: &[&str], stdin: &str) -> Output {
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

fn json(folder: &Path, args: &[&str]) -> Ran {
    json_with(folder, args, "")
}

fn json_with(folder: &Path, args: &[&str], stdin: &str) -> Ran {
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

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// `castellan sandbox` in the background.
struct Served {
    child: Child,
    stdin: Option<ChildStdin>,
    document: Value,
    /// Which of its devices commands use.
    device: &'static str,
    _folder: tempfile::TempDir,
}

impl Served {
    fn start(network: &str, options: &[&str]) -> Self {
        let folder = folder();
        let mut child = Command::new(EXE)
            .args(["sandbox", "--json", "--network", network, "--block-seconds", "1"])
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

    fn text(&self, key: &str) -> &str {
        self.document[key]
            .as_str()
            .unwrap_or_else(|| panic!("{key} in {}", self.document))
    }

    /// Arguments that lead a command here.
    fn args<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        let mut all = command.to_vec();
        all.extend(["--network", self.text("network"), "--node", self.text("rpc")]);
        all.extend(["--rpc-user", self.text("user"), "--rpc-password", self.text("password")]);
        all.extend(["--device", self.text(self.device)]);
        all
    }

    fn run(&self, folder: &Path, command: &[&str]) -> Ran {
        json(folder, &self.args(command))
    }

    fn press(&mut self, button: &str) {
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

fn ok(ran: Ran) -> Value {
    assert_eq!(ran.code, 0, "{}{}", ran.json, ran.stderr);
    ran.json
}

fn refused(ran: &Ran, code: i32) -> &str {
    assert_eq!(ran.code, code, "{}{}", ran.json, ran.stderr);
    let error = &ran.json["error"];
    assert!(
        error["kind"].is_string() && error["message"].is_string() && error.get("reason").is_some(),
        "{}",
        ran.json
    );
    error["message"].as_str().expect("a sentence")
}

#[test]
fn the_demo_registers_a_masternode_and_finds_it_in_the_list() {
    let folder = folder();
    let ran = json(folder.path(), &["demo"]);
    let document = ok(ran);
    assert_eq!(document["listed"], true);
    assert_eq!(document["status"], "ENABLED");
    assert_eq!(document["txid"], document["proTxHash"]);
    assert_eq!(document["payload"]["version"], 2);
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("readable").collect();
    assert!(left.is_empty(), "the demo leaves nothing behind: {left:?}");
}

#[test]
fn the_demo_runs_on_weis_network_with_its_old_rules() {
    let document = ok(json(folder().path(), &["demo", "--network", "wei-regtest"]));
    assert_eq!(document["payload"]["version"], 1);
    assert_eq!(document["status"], "ENABLED");
}

/// Fee key, money on it, two registrations, list, show, journal: the whole job by hand.
fn whole_job(network: &str, device: &'static str) {
    let mut sandbox = Served::start(network, &["--trezor-port", "0"]);
    sandbox.device = device;
    let home = folder();
    let at = home.path();
    let status = ok(sandbox.run(at, &["status"]));
    assert_eq!(status["network"], network);
    assert_eq!(
        ok(sandbox.run(at, &["list", "--all"])).as_array().map(Vec::len),
        Some(30)
    );
    let key = ok(json(at, &["key", "generate", "fee", "fees", "--network", network]));
    assert_eq!(
        key["recoveryPhrase"].as_str().map(|words| words.split(' ').count()),
        Some(24)
    );
    assert!(
        ok(json(at, &["key", "show", "fees"])).get("recoveryPhrase").is_none(),
        "shown once"
    );

    let payout = ok(sandbox.run(at, &["device", "address", &account_path(network, "0/7")]));
    let payout = payout["address"].as_str().expect("an address");
    let service = "1.2.3.4:19899";
    let register = [
        "register",
        "--find-collateral",
        "--service",
        service,
        "--payout",
        payout,
        "--fee-from",
        "fees",
        "--yes",
    ];
    let empty = sandbox.run(at, &register);
    // Two collaterals lie on the device, and the fee key is empty: each is said before anything is signed.
    assert!(refused(&empty, 1).contains("collaterals were found"), "{}", empty.json);

    let candidates = collaterals(&sandbox, at, network);
    let short = sandbox.run(at, &register_args(&candidates[0], "1.2.3.4:19899", payout));
    assert!(refused(&short, 1).contains("send at least"), "{}", short.json);
    assert_eq!(short.json["error"]["kind"], "funds");

    let paid = ok(sandbox.run(at, &["fund", "fees", "--amount", "0.1", "--yes"]));
    assert!(paid["height"].is_number());
    let dry = ok(sandbox.run(
        at,
        &[
            &register_args(&candidates[0], "1.2.3.4:19899", payout)[..],
            &["--dry-run"],
        ]
        .concat(),
    ));
    assert_eq!((dry["txid"].is_null(), dry["hex"].is_string()), (true, true));
    assert_eq!(
        ok(sandbox.run(at, &["list"])).as_array().map(Vec::len),
        Some(0),
        "a dry run registers nothing"
    );
    let keys = ok(json(at, &["key", "list"]));
    assert_eq!(
        keys.as_array().map(Vec::len),
        Some(1),
        "nor does it leave keys behind: {keys}"
    );

    let mut hashes = Vec::new();
    for (collateral, service) in candidates.iter().zip(["1.2.3.4:19899", "1.2.3.5:19899"]) {
        let done = ok(sandbox.run(at, &register_args(collateral, service, payout)));
        assert_eq!(done["payload"]["service"], service);
        hashes.push(done["proTxHash"].as_str().expect("a hash").to_owned());
    }
    let mine = ok(sandbox.run(at, &["list"]));
    assert_eq!(mine.as_array().map(Vec::len), Some(2));
    for hash in &hashes {
        let shown = ok(sandbox.run(at, &["show", hash]));
        assert_eq!(shown["status"], "ENABLED");
        assert!(shown["roles"]["owner"].is_string() && shown["queuePosition"].is_number());
    }
    let journal = ok(json(at, &["journal"]));
    let states: Vec<&str> = journal
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|each| each["state"].as_str())
        .collect();
    assert_eq!(
        states.iter().filter(|state| **state == "mined").count(),
        3,
        "{states:?}"
    );
    let again = sandbox.run(at, &register_args(&candidates[0], "1.2.3.4:19899", payout));
    assert_eq!(
        again.code, 0,
        "registering on a used collateral replaces the masternode: {}",
        again.json
    );
    assert!(again.stderr.contains("will be replaced"), "{}", again.stderr);
}

fn account_path(network: &str, rest: &str) -> String {
    // All regtests use coin type 1.
    assert!(network.ends_with("regtest"));
    format!("m/44'/1'/0'/{rest}")
}

/// Outpoints of the device's collaterals, read from the sandbox's node.
fn collaterals(sandbox: &Served, at: &Path, network: &str) -> Vec<String> {
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

fn any_payout(sandbox: &Served, at: &Path, network: &str) -> String {
    let shown = ok(sandbox.run(at, &["device", "address", &account_path(network, "0/8")]));
    shown["address"].as_str().expect("an address").to_owned()
}

fn register_args<'a>(collateral: &'a str, service: &'a str, payout: &'a str) -> Vec<&'a str> {
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

#[test]
fn the_whole_job_is_done_by_hand_on_dash() {
    whole_job("dash-regtest", "ledger");
}

#[test]
fn the_whole_job_is_done_by_hand_on_wei() {
    whole_job("wei-regtest", "ledger");
}

#[test]
fn the_whole_job_is_done_by_hand_with_a_trezor() {
    whole_job("dash-regtest", "trezor");
}

#[test]
fn a_trezor_is_listed_shows_addresses_and_signs_messages() {
    let mut sandbox = Served::start("dash-regtest", &["--trezor-port", "0", "--trezor-model", "t"]);
    sandbox.device = "trezor";
    let home = folder();
    let at = home.path();
    let list = ok(sandbox.run(at, &["device", "list"]));
    assert_eq!(list[0]["model"], "Trezor Model T");
    assert_eq!(
        (&list[0]["state"], &list[0]["app"]),
        (&"ready".into(), &"Dash Testnet".into())
    );
    let path = "m/44'/1'/0'/0/0";
    let shown = ok(sandbox.run(at, &["device", "address", path, "--show"]));
    assert_eq!(shown["address"], "ybQPZRHKifv9BDqMN2cieCsMzQQ1BuDoR5");
    assert_eq!(shown["onScreen"], shown["address"]);
    let signed = ok(sandbox.run(at, &["device", "sign-message", path, "hello"]));
    let signature = signed["signature"].as_str().expect("a signature");
    let address = shown["address"].as_str().expect("an address");
    let network = ["--network", "dash-regtest"];
    ok(json(
        at,
        &[&["message", "verify", address, signature, "hello"][..], &network].concat(),
    ));
    let other = sandbox.run(at, &["device", "address", "m/44'/5'/0'/0/0", "--show"]);
    assert!(refused(&other, 1).contains("does not allow"), "{}", other.json);
}

#[test]
fn a_trezor_that_asks_is_not_answered_by_a_script() {
    let mut sandbox = Served::start("dash-regtest", &["--trezor-port", "0", "--trezor-pin", "1234"]);
    sandbox.device = "trezor";
    let home = folder();
    let ran = sandbox.run(home.path(), &["device", "address", "m/44'/1'/0'/0/0"]);
    assert_eq!(refused(&ran, 1), "no PIN was entered");
    assert!(ran.stderr.contains("run this on a terminal"), "{}", ran.stderr);
    let list = ok(sandbox.run(home.path(), &["device", "list"]));
    assert_eq!(list[0]["state"], "ready", "{list}");
}

#[test]
fn a_network_no_trezor_knows_is_said_before_anything_is_asked() {
    let home = folder();
    let args = [
        "device",
        "address",
        "m/44'/1308'/0'/0/0",
        "--network",
        "wei",
        "--device",
        "trezor@127.0.0.1:9",
    ];
    let ran = json(home.path(), &args);
    assert_eq!(refused(&ran, 1), "no Trezor knows the addresses of wei");
}

#[test]
fn a_registration_declined_on_the_device_sends_nothing_and_can_go_on() {
    let mut sandbox = Served::start("dash-regtest", &["--manual"]);
    let home = folder();
    let at = home.path();
    ok(json(
        at,
        &["key", "generate", "fee", "fees", "--network", "dash-regtest"],
    ));
    let payout = any_payout(&sandbox, at, "dash-regtest");
    let fees = ok(json(at, &["key", "show", "fees"]))["address"]
        .as_str()
        .expect("an address")
        .to_owned();
    rpc(&sandbox, "sandbox_fund", &format!("[\"{fees}\", \"1\"]"));
    rpc(&sandbox, "sandbox_mine", "[1]");
    let collateral = collaterals(&sandbox, at, "dash-regtest").remove(0);
    let args = sandbox
        .args(&register_args(&collateral, "1.2.3.4:19899", &payout))
        .iter()
        .map(|arg| (*arg).to_owned())
        .collect::<Vec<_>>();
    let declined = while_pressing(&mut sandbox, "r", at, &args);
    assert_eq!(refused(&declined, 1), "declined on the device");
    assert_eq!(declined.json["error"]["kind"], "declined");
    assert_eq!(ok(sandbox.run(at, &["list"])).as_array().map(Vec::len), Some(0));
    let journal = ok(json(at, &["journal"]));
    let id = journal[0]["id"].to_string();
    assert!(journal[0]["txid"].is_null(), "{journal}");
    let resume: Vec<String> = sandbox
        .args(&["journal", "resume", &id, "--yes"])
        .iter()
        .map(|arg| (*arg).to_owned())
        .collect();
    let resumed = while_pressing(&mut sandbox, "a", at, &resume);
    assert_eq!(resumed.code, 0, "{}{}", resumed.json, resumed.stderr);
    assert_eq!(ok(sandbox.run(at, &["list"])).as_array().map(Vec::len), Some(1));
}

/// Runs a command and presses a button on the device when it asks.
fn while_pressing(sandbox: &mut Served, button: &str, at: &Path, args: &[String]) -> Ran {
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

/// A call of the sandbox's node, by hand over its socket.
fn rpc(sandbox: &Served, method: &str, params: &str) {
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
}

mod offline {
    use super::*;

    const MODERN: &str = include_str!("data/dashd-23.1.2/modern-transactions.json");

    fn recorded() -> Value {
        serde_json::from_str::<Value>(MODERN).expect("test data")[0].clone()
    }

    #[test]
    fn tx_decode_and_check_work_without_a_node() {
        let (home, case) = (folder(), recorded());
        let hex = case["hex"].as_str().expect("hex");
        let decoded = ok(json(home.path(), &["tx", "decode", hex, "--network", "dash-regtest"]));
        assert_eq!(
            decoded["proRegTx"]["ownerAddress"],
            case["decoded"]["proRegTx"]["ownerAddress"]
        );
        assert_eq!(decoded["signMessage"], case["signMessage"]);
        let checked = ok(json(home.path(), &["tx", "check", hex, "--network", "dash-regtest"]));
        assert_eq!(
            (&checked["accepted"], &checked["reason"]),
            (&Value::Bool(true), &Value::Null)
        );
        let checks = checked["checks"].as_array().expect("checks");
        assert!(
            checks
                .iter()
                .any(|check| check["passed"].is_null() && check["needsNode"] == true)
        );
        assert!(checks.iter().all(|check| check["rule"].is_string()));
        // From standard input, for transactions longer than a command line.
        let piped = json_with(home.path(), &["tx", "decode", "-", "--network", "dash-regtest"], hex);
        assert_eq!(piped.json["txid"], decoded["txid"]);
    }

    #[test]
    fn a_transaction_that_breaks_a_rule_exits_with_1_and_names_it() {
        let (home, case) = (folder(), recorded());
        // The operator reward of this payload is zero; its two bytes stand before the payout script.
        let hex = case["hex"].as_str().expect("hex");
        let at = hex.rfind("1976a914").expect("a payout") - 4;
        let broken = format!("{}ffff{}", &hex[..at], &hex[at + 4..]);
        let ran = json(home.path(), &["tx", "check", &broken, "--network", "dash-regtest"]);
        assert_eq!(ran.code, 1);
        assert_eq!(
            (&ran.json["accepted"], &ran.json["reason"]),
            (&Value::Bool(false), &Value::from("bad-protx-operator-reward"))
        );
    }

    #[test]
    fn bls_keys_sign_and_convert_in_both_schemes() {
        let home = folder();
        let secret = "0001020304050607080910111213141516171819202122232425262728293031";
        let secret = &secret.replace('"', "")[..64];
        let basic = ok(json(home.path(), &["bls", "fromsecret", secret]));
        let legacy = ok(json(home.path(), &["bls", "fromsecret", secret, "--scheme", "legacy"]));
        assert_eq!(
            (&basic["scheme"], &legacy["scheme"]),
            (&Value::from("basic"), &Value::from("legacy"))
        );
        let converted = ok(json(
            home.path(),
            &[
                "bls",
                "convert",
                legacy["public"].as_str().expect("hex"),
                "--scheme",
                "legacy",
            ],
        ));
        assert_eq!(converted["basic"], basic["public"]);
        let hash = "55b54754d71611db744f4337c53c21abcdaf50233f58058f78079d73a3c72aa4";
        let signed = ok(json(home.path(), &["bls", "sign", secret, hash]));
        let signature = signed["signature"].as_str().expect("hex");
        let public = basic["public"].as_str().expect("hex");
        assert_eq!(
            ok(json(home.path(), &["bls", "verify", public, hash, signature]))["valid"],
            true
        );
        let other = json(
            home.path(),
            &["bls", "verify", signature, &hash.replace('5', "6"), public],
        );
        assert_eq!((other.code, &other.json["valid"]), (1, &Value::Bool(false)));
        assert_eq!(
            ok(json(home.path(), &["bls", "generate", "--network", "wei"]))["scheme"],
            "legacy"
        );
    }

    #[test]
    fn a_signed_message_verifies_against_its_address_only() {
        let (home, case) = (folder(), recorded());
        let text = |key: &str| case[key].as_str().expect("a text").to_owned();
        let verify = |message: &str| {
            json(
                home.path(),
                &[
                    "message",
                    "verify",
                    &text("collateralAddress"),
                    &text("sig"),
                    message,
                    "--network",
                    "dash-regtest",
                ],
            )
        };
        assert_eq!(ok(verify(&text("signMessage")))["valid"], true);
        let other = verify("something else");
        assert_eq!((other.code, &other.json["valid"]), (1, &Value::Bool(false)));
    }

    #[test]
    fn keys_are_made_imported_exported_and_kept_behind_the_passphrase() {
        let home = folder();
        let at = home.path();
        let refused_early = json(at, &["key", "list"]);
        assert!(refused(&refused_early, 1).contains("no vault"));
        for (kind, label) in [
            ("owner", "o"),
            ("voting", "v"),
            ("operator", "op"),
            ("fee", "f"),
            ("platform", "p"),
        ] {
            ok(json(at, &["key", "generate", kind, label, "--network", "dash"]));
        }
        assert_eq!(ok(json(at, &["key", "list"])).as_array().map(Vec::len), Some(5));
        let exported = ok(json(at, &["key", "export", "o", "--yes"]));
        let wif = exported["secret"].as_str().expect("a secret").to_owned();
        let elsewhere = folder();
        ok(json(elsewhere.path(), &["key", "init"]));
        let imported = ok(json_with(
            elsewhere.path(),
            &["key", "import", "owner", "mine", "--network", "dash"],
            &wif,
        ));
        assert_eq!(imported["address"], exported["address"]);
        let wrong = json_with(
            elsewhere.path(),
            &["key", "import", "owner", "other", "--network", "wei"],
            &wif,
        );
        assert!(refused(&wrong, 1).len() > 10);
        let output = Command::new(EXE)
            .args(["key", "list", "--json", "--data-dir"])
            .arg(at)
            .env("CASTELLAN_PASSPHRASE", "wrong")
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stdout).contains("wrong passphrase"));
        let file = std::fs::read(at.join("vault.castellan")).expect("the vault");
        assert!(!String::from_utf8_lossy(&file).contains(&wif));
    }

    #[test]
    fn a_data_folder_is_made_when_it_is_missing() {
        let home = folder();
        let deep = home.path().join("not/there/yet");
        assert_eq!(ok(json(&deep, &["journal"])).as_array().map(Vec::len), Some(0));
        let elsewhere = home.path().join("nor/this");
        assert!(ok(json(&elsewhere, &["key", "init"]))["recoveryPhrase"].is_string());
    }

    #[test]
    fn a_corrupt_vault_is_told_from_a_wrong_passphrase() {
        let home = folder();
        ok(json(home.path(), &["key", "init"]));
        let file = home.path().join("vault.castellan");
        let mut bytes = std::fs::read(&file).expect("the vault");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, &bytes).expect("written");
        assert!(refused(&json(home.path(), &["key", "list"]), 1).contains("damaged"));
        std::fs::write(&file, b"nonsense").expect("written");
        assert!(refused(&json(home.path(), &["key", "list"]), 1).contains("damaged"));
    }

    #[test]
    fn a_saved_list_is_ranked_without_a_node() {
        let home = folder();
        let rpc: Value = serde_json::from_str(include_str!("data/dashd-23.1.2/modern-rpc.json")).expect("test data");
        let calls = rpc
            .as_array()
            .cloned()
            .unwrap_or_else(|| rpc["calls"].as_array().cloned().expect("calls"));
        let list = calls.iter().find(|call| {
            call["method"] == "protx" && call["params"] == serde_json::json!(["list", "registered", true])
        });
        let list = list.expect("recorded")["result"].to_string();
        let file = home.path().join("list.json");
        std::fs::write(&file, &list).expect("written");
        let shown = ok(json(
            home.path(),
            &[
                "list",
                "--snapshot",
                file.to_str().expect("a path"),
                "--height",
                "445",
                "--network",
                "dash-regtest",
            ],
        ));
        let rows = shown.as_array().expect("rows");
        assert_eq!(
            rows.len(),
            serde_json::from_str::<Vec<Value>>(&list).expect("a list").len()
        );
        let mut positions: Vec<u64> = rows.iter().filter_map(|row| row["queuePosition"].as_u64()).collect();
        positions.sort_unstable();
        assert_eq!(positions, (1..=positions.len() as u64).collect::<Vec<_>>());
    }

    #[test]
    fn wrong_usage_exits_with_2_and_an_unreachable_node_with_3() {
        let home = folder();
        let at = home.path();
        refused(&json(at, &["nonsense"]), 2);
        refused(&json(at, &["status"]), 2);
        refused(&json(at, &["status", "--node", "ftp://x"]), 3);
        refused(&json(at, &["status", "--network", "doge", "--sandbox"]), 2);
        refused(&json(at, &["tx", "decode", "zz"]), 1);
        refused(&json(at, &["show", "zz", "--sandbox"]), 2);
        let nobody = json(at, &["status", "--node", "http://127.0.0.1:9"]);
        refused(&nobody, 3);
        let sentence = castellan(at, &["status", "--node", "http://127.0.0.1:9"], "");
        assert!(sentence.stdout.is_empty() && String::from_utf8_lossy(&sentence.stderr).starts_with("castellan: "));
    }

    #[test]
    fn a_broken_profile_names_file_key_and_reason() {
        let home = folder();
        let file = home.path().join("mine.toml");
        let good = include_str!("../assets/networks/dash.toml");
        std::fs::write(&file, good.replace("pubkey = 76", "pubkey = 760")).expect("written");
        let ran = json(
            home.path(),
            &["bls", "generate", "--network", file.to_str().expect("a path")],
        );
        assert!(refused(&ran, 2).ends_with("mine.toml: address.pubkey: 760 is out of range"));
    }

    #[test]
    fn without_a_display_the_window_says_so_in_one_line() {
        let output = Command::new(EXE)
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .output()
            .expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains("castellan demo"), "{stderr}");
    }
}

#[test]
fn a_device_that_cannot_be_used_is_named_with_its_reason() {
    let sandbox = Served::start("dash-regtest", &[]);
    let home = folder();
    let at = home.path();
    ok(json(
        at,
        &["key", "generate", "fee", "fees", "--network", "dash-regtest"],
    ));
    for (device, code, reason) in [
        ("trezor@127.0.0.1:9", 3, "no Trezor is connected"),
        ("ledger@127.0.0.1:9", 3, "no Ledger is connected"),
    ] {
        let mut args = sandbox.args(&["fund", "fees", "--amount", "1", "--yes"]);
        let named = args.len() - 1;
        args[named] = device;
        let ran = json(at, &args);
        assert!(refused(&ran, code).contains(reason), "{}", ran.json);
        assert_eq!(ran.json["error"]["kind"], "device");
    }
}

#[test]
fn a_node_kept_by_the_window_serves_the_command_line_too() {
    use castellan::store::settings::{Endpoint, Login, Settings};
    let sandbox = Served::start("dash-regtest", &[]);
    let home = folder();
    let mut settings = Settings::default();
    let login = Login::Ask {
        user: sandbox.text("user").to_owned(),
    };
    let node = Endpoint {
        network: "dash-regtest".into(),
        url: sandbox.text("rpc").to_owned(),
        login,
    };
    settings.nodes.insert("mine".into(), node);
    settings.choose("mine").expect("it is there");
    settings
        .save(&castellan::store::Dirs::at(home.path()).settings)
        .expect("saved");
    let status = ok(json(
        home.path(),
        &[
            "status",
            "--network",
            "dash-regtest",
            "--rpc-password",
            sandbox.text("password"),
        ],
    ));
    assert_eq!(status["network"], "dash-regtest");
    let other = json(home.path(), &["status", "--network", "wei-regtest"]);
    assert!(refused(&other, 2).contains("no node is named"));
}
