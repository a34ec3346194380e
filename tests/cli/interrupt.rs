//! Ctrl-C while a device asks.
#![cfg(unix)]

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use castellan::sandbox::ledger::{self, SandboxLedger};
use castellan::sandbox::trezor::{self, Model, SandboxTrezor};

use crate::support::{EXE, folder};

/// `device address --show`, interrupted as soon as the device asks.
async fn interrupted(device: &str, asked: impl Future<Output = ()>) -> (Output, Duration) {
    let home = folder();
    let child = Command::new(EXE)
        .args([
            "device",
            "address",
            "m/44'/5'/0'/0/0",
            "--show",
            "--json",
            "--device",
            device,
            "--data-dir",
        ])
        .arg(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    asked.await;
    let pressed = Instant::now();
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().expect("it ends"));
    let output = ended.await.expect("no panic");
    (output, pressed.elapsed())
}

fn error(output: &Output) -> serde_json::Value {
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
    document["error"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trezors_question_is_taken_back_before_the_program_ends() {
    for model in [Model::One, Model::T] {
        let trezor = SandboxTrezor::start(trezor::Options::new(model)).expect("a free port");
        let mut screen = trezor.panel().watch();
        let asked = async {
            screen
                .wait_for(|screen| screen.prompt().is_some())
                .await
                .expect("it runs");
        };
        let (output, took) = interrupted(&format!("trezor@{}", trezor.address()), asked).await;
        assert_eq!(output.status.code(), Some(130));
        assert_eq!(error(&output)["kind"], "interrupted");
        assert_eq!(error(&output)["advice"], serde_json::Value::Null);
        assert!(
            trezor.panel().screen().prompt().is_none(),
            "nothing is left on the screen"
        );
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledgers_question_stays_and_that_is_said() {
    let dash = castellan::protocol::network::builtin("dash").expect("embedded");
    let ledger = SandboxLedger::start(ledger::Options::for_profile(&dash)).expect("a free port");
    let mut screen = ledger.panel().watch();
    let asked = async {
        screen
            .wait_for(|screen| screen.prompt().is_some())
            .await
            .expect("it runs");
    };
    let (output, took) = interrupted(&format!("ledger@{}", ledger.address()), asked).await;
    assert_eq!(output.status.code(), Some(130));
    let advice = error(&output)["advice"].to_string();
    assert!(advice.contains("still shows a question"), "{advice}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}
