//! `watch`: exit codes, lines, and that a webhook and a command are told.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Desk, EXE, PASSPHRASE, Served, castellan, folder, rpc, text};

const MET: i32 = 10;

/// What one run of `watch --json` said.
struct Watched {
    code: i32,
    lines: Vec<Value>,
    stderr: String,
}

impl Watched {
    /// The alerts of a kind.
    fn of(&self, kind: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["kind"] == kind).collect()
    }
}

fn parse(output: &std::process::Output) -> Watched {
    let stdout = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    Watched {
        code: output.status.code().expect("not killed"),
        lines: stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect(),
        stderr: String::from_utf8(output.stderr.clone()).expect("UTF-8"),
    }
}

fn watch(desk: &Desk<'_>, options: &[&str]) -> Watched {
    let args = desk.args(&[&["watch", "--json"], options].concat());
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    parse(&castellan(desk.at(), &args, ""))
}

fn once(desk: &Desk<'_>, options: &[&str]) -> Watched {
    watch(desk, &[&["--once"], options].concat())
}

fn ban(sandbox: &Served, hash: &str) {
    rpc(sandbox, "sandbox_ban", &format!("[\"{hash}\"]"));
    rpc(sandbox, "sandbox_mine", "[1]");
}

fn settings(desk: &Desk<'_>, alerts: &str) {
    std::fs::write(desk.at().join("settings.toml"), format!("[alerts]\n{alerts}\n")).expect("written");
}

/// A server for so many requests; their bodies.
fn server(count: usize) -> (String, JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook?token=s3cret", listener.local_addr().expect("bound"));
    let bodies = std::thread::spawn(move || {
        let answer = |stream: std::io::Result<std::net::TcpStream>| {
            let mut stream = stream.expect("a connection");
            let mut request = String::new();
            let mut bytes = [0; 4096];
            loop {
                let count = stream.read(&mut bytes).expect("readable");
                request.push_str(std::str::from_utf8(&bytes[..count]).expect("UTF-8"));
                let body = request.split_once("\r\n\r\n").map(|(_, body)| body);
                if let Some(document) = body.and_then(|body| serde_json::from_str(body).ok()) {
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                        .expect("written");
                    return document;
                }
            }
        };
        listener.incoming().take(count).map(answer).collect()
    });
    (url, bodies)
}

#[test]
fn once_compares_with_the_run_before_and_tells_the_webhook_and_the_command() {
    let sandbox = Served::start("dash-regtest", &[]);
    let desk = Desk::funded(&sandbox);
    let hash = desk.register(false, &[]);
    // Only what matters here: blocks come every second and pay somebody.
    let script = "cat >> told; env | grep ^CASTELLAN_ >> env; echo >> told";
    let script = script
        .replace("told", &desk.file("told"))
        .replace("env;", &format!("{};", desk.file("env")));
    let command = format!("sh -c \"{script}\"");
    settings(
        &desk,
        &format!("off = [\"payment\", \"penalty\", \"danger\"]\ncommand = '''{command}'''"),
    );
    let first = once(&desk, &["--until", "any"]);
    assert_eq!((first.code, first.lines.len()), (0, 0), "{}", first.stderr);
    assert!(first.stderr.contains("watching 1 masternode"), "{}", first.stderr);

    ban(&sandbox, &hash);
    let (url, bodies) = server(1);
    let second = once(&desk, &["--until", "banned", "--webhook", &url]);
    assert_eq!(second.code, MET, "{}", second.stderr);
    assert_eq!(second.lines.len(), 1, "{:?}", second.lines);
    let alert = &second.lines[0];
    assert_eq!(
        (text(alert, "kind"), text(alert, "proTxHash")),
        ("status", hash.as_str())
    );
    assert_eq!((text(alert, "name"), text(alert, "network")), ("mn", "dash-regtest"));
    assert_eq!((text(alert, "to"), alert["own"].as_bool()), ("misbehaved", Some(false)));
    assert!(text(alert, "sentence").starts_with("mn is banned"), "{alert}");
    assert_eq!(&bodies.join().expect("no panic"), &second.lines);

    let told = std::fs::read_to_string(desk.file("told")).expect("the command wrote");
    assert_eq!(serde_json::from_str::<Value>(&told).expect("one document"), *alert);
    let env = std::fs::read_to_string(desk.file("env")).expect("the command wrote");
    assert!(
        env.contains("CASTELLAN_KIND=status\n") && env.contains("CASTELLAN_NAME=mn\n"),
        "{env}"
    );
    assert!(
        !env.contains(PASSPHRASE) && !env.contains("PASSPHRASE"),
        "no secret of ours is handed on: {env}"
    );

    let third = once(&desk, &["--until", "any"]);
    assert_eq!((third.code, third.lines.len()), (0, 0), "told once: {:?}", third.lines);
}

#[test]
fn it_follows_the_chain_until_what_was_waited_for_comes_true() {
    let sandbox = Served::start("dash-regtest", &[]);
    let desk = Desk::funded(&sandbox);
    let hash = desk.register(false, &[]);
    let quiet = watch(&desk, &["--for", "2", "--until", "banned"]);
    assert_eq!(quiet.code, 0, "{}", quiet.stderr);

    // Switched off, and yet waited for.
    settings(&desk, "off = [\"penalty\"]");
    let args = desk.args(&["watch", "--json", "--for", "60", "--until", "penalty"]);
    let child = Command::new(EXE)
        .args(args)
        .args(["--data-dir", desk.at().to_str().expect("a plain path")])
        .env("CASTELLAN_PASSPHRASE", PASSPHRASE)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let begun = Instant::now();
    std::thread::sleep(Duration::from_secs(2));
    rpc(&sandbox, "sandbox_fail_dkg", &format!("[\"{hash}\"]"));
    let watched = parse(&child.wait_with_output().expect("it ends"));
    assert_eq!(watched.code, MET, "{}", watched.stderr);
    assert!(begun.elapsed() < Duration::from_secs(40));
    let rose = watched.of("penalty");
    assert_eq!(
        (rose.len(), rose[0]["from"].as_u64()),
        (1, Some(0)),
        "{:?}",
        watched.lines
    );
    assert!(text(rose[0], "quorumType").starts_with("llmq_"), "{}", rose[0]);
}

#[test]
fn a_masternode_that_is_named_is_watched_without_a_vault() {
    let sandbox = Served::start("wei-regtest", &[]);
    let desk = Desk::bare(&sandbox);
    let list = desk.locked(&["list", "--all"]).json;
    let hash = text(&list[0], "proTxHash").to_owned();
    let none = once(&desk, &[]);
    assert!(none.stderr.contains("no masternode is watched"), "{}", none.stderr);
    assert_eq!(once(&desk, &[&hash]).code, 0);
    ban(&sandbox, &hash);
    let banned = once(&desk, &[&hash, "--until", "banned"]);
    assert_eq!(
        (banned.code, banned.of("status").len()),
        (MET, 1),
        "{:?}{}",
        banned.lines,
        banned.stderr
    );
    assert_eq!(banned.of("status")[0]["name"], hash[..8]);
}

#[test]
fn in_quiet_hours_nobody_is_sent_anything_and_the_exit_code_still_tells() {
    let sandbox = Served::start("dash-regtest", &[]);
    let desk = Desk::funded(&sandbox);
    let hash = desk.register(false, &[]);
    let command = |quiet: &str| {
        let line = format!("sh -c \"cat >> {}\"", desk.file("told"));
        settings(
            &desk,
            &format!("off = [\"payment\", \"penalty\", \"danger\"]\ncommand = '''{line}'''\n{quiet}"),
        );
    };
    // Two halves of a day: one of them is now.
    let halves = ["from = \"00:00\"\nto = \"12:00\"", "from = \"12:00\"\nto = \"00:00\""];
    command("");
    once(&desk, &[]);
    ban(&sandbox, &hash);
    let time = castellan::store::clock::time_of_day(castellan::flow::now()).expect("a time zone");
    let now = usize::from(time.to_string().as_str() >= "12:00");
    command(&format!("[alerts.quiet]\n{}", halves[now]));
    let quiet = once(&desk, &["--until", "banned"]);
    assert_eq!((quiet.code, quiet.lines.len()), (MET, 1), "{}", quiet.stderr);
    assert!(!Path::new(&desk.file("told")).exists());
    // They are over.
    command(&format!("[alerts.quiet]\n{}", halves[1 - now]));
    let over = once(&desk, &["--until", "banned"]);
    assert_eq!((over.code, over.lines.len()), (0, 0), "{:?}", over.lines);
    let told: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.file("told")).expect("told")).expect("one document");
    assert_eq!(
        (text(&told, "kind"), told["alerts"].as_array().map(Vec::len)),
        ("summary", Some(1))
    );
}

#[test]
fn a_node_that_is_not_there_is_3_and_a_condition_once_it_is_for_too_long() {
    let folder = folder();
    let run = |options: &[&str]| {
        let args = [
            "watch",
            "--json",
            "--network",
            "dash-regtest",
            "--node",
            "http://127.0.0.1:9",
        ];
        parse(&castellan(folder.path(), &[&args, options].concat(), ""))
    };
    let settings = |minutes: u32| {
        let text = format!("[alerts]\nnode_down_minutes = {minutes}\n");
        std::fs::write(folder.path().join("settings.toml"), text).expect("written");
    };
    settings(10);
    let gone = run(&["--once", "--until", "node-down"]);
    assert_eq!((gone.code, &gone.lines[0]["error"]["kind"]), (3, &Value::from("node")));
    settings(0);
    let down = run(&["--once", "--until", "node-down"]);
    assert_eq!(
        (down.code, text(&down.lines[0], "kind")),
        (MET, "node-down"),
        "{}",
        down.stderr
    );
    assert_eq!(run(&["--once", "--until", "node-down"]).code, 3, "told once");
    assert_eq!(run(&["--for", "1"]).code, 3, "nor can it be followed");
}

#[test]
fn a_test_is_sent_to_everybody_and_needs_no_node() {
    let folder = folder();
    let run = |options: &[&str]| castellan(folder.path(), &[&["watch", "--test"], options].concat(), "");
    let (url, bodies) = server(1);
    let out = folder.path().join("out");
    let command = format!("sh -c 'cat > {}'", out.display());
    let sent = run(&["--webhook", &url, "--command", &command]);
    let stderr = String::from_utf8(sent.stderr).expect("UTF-8");
    assert_eq!(sent.status.code(), Some(0), "{stderr}");
    assert!(
        stderr.contains("webhook 127.0.0.1") && stderr.contains("command sh: told"),
        "{stderr}"
    );
    assert_eq!(bodies.join().expect("no panic")[0]["kind"], "test");
    assert!(
        std::fs::read_to_string(&out)
            .expect("written")
            .contains("\"kind\":\"test\"")
    );
    let failed = run(&["--webhook", "http://127.0.0.1:9/hook?token=s3cret"]);
    let stderr = String::from_utf8(failed.stderr).expect("UTF-8");
    assert_eq!(failed.status.code(), Some(1));
    assert!(stderr.contains("127.0.0.1:9") && !stderr.contains("s3cret"), "{stderr}");
    assert_eq!(run(&[]).status.code(), Some(1), "nobody to tell");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_watched() {
    let folder = folder();
    for options in [
        &["--until", "soon"][..],
        &["--once", "--for", "3"],
        &["--webhook", "ftp://example.org"],
        &["--command", "tell \"me"],
        &["--print", "--desktop"],
        &["not-a-hash"],
    ] {
        let output = castellan(folder.path(), &[&["watch"], options].concat(), "");
        assert_eq!(output.status.code(), Some(2), "{options:?}");
    }
    let help = castellan(folder.path(), &["watch", "--help"], "");
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    assert!(help.contains("Exit codes:") && help.contains("10 it did"), "{help}");
}
