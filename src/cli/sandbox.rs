//! `sandbox`: the embedded node and devices, served on loopback for scripts and other programs.

use std::process::ExitCode;

use serde_json::json;
use zeroize::Zeroizing;

use super::args::{SandboxArgs, TrezorModel};
use super::output::{Failure, Output, listing};
use super::session::Session;
use crate::sandbox::trezor::{self, Model, Screen};
use crate::setup::{SandboxOptions, SandboxRun};

/// Credentials of a chain whose coins are worth nothing.
const USER: &str = "sandbox";
const PASSWORD: &str = "sandbox";

pub async fn run(session: &Session, args: SandboxArgs) -> Result<ExitCode, Failure> {
    let profile = session.profile_or("dash-regtest")?;
    let options = SandboxOptions {
        block_seconds: args.block_seconds,
        masternodes: args.masternodes,
        rpc_port: args.rpc_port,
        ledger_port: args.ledger_port,
        trezor: trezor(&args)?,
        user: session.global.rpc_user.clone().unwrap_or_else(|| USER.into()),
        password: session.global.rpc_password.clone().unwrap_or_else(|| PASSWORD.into()),
        auto_approve: !args.manual,
    };
    let (user, password) = (options.user.clone(), options.password.clone());
    let run = SandboxRun::start(profile.clone(), options).await?;
    let mut document = json!({
        "network": profile.name,
        "rpc": run.rpc_url(),
        "user": user,
        "password": password,
        "ledger": format!("ledger@{}", run.ledger_address()),
        "height": run.height(),
        "masternodes": args.masternodes,
    });
    if let Some(trezor) = &run.trezor {
        document["trezor"] = json!(format!("trezor@{}", trezor.address()));
        tokio::spawn(tell(session.output, trezor.panel(), args.trezor_pin.clone()));
    }
    session.output.done(&document, || {
        format!(
            "{}\n\ntry: castellan --network {} --node {} --rpc-user {user} --rpc-password {password} --device ledger@{} list --all",
            listing(&document),
            profile.name,
            run.rpc_url(),
            run.ledger_address()
        )
    });
    serve(session, &run, args.manual).await;
    Ok(ExitCode::SUCCESS)
}

fn trezor(args: &SandboxArgs) -> Result<Option<trezor::Options>, Failure> {
    let Some(port) = args.trezor_port else { return Ok(None) };
    let is_pin = |pin: &String| !pin.is_empty() && pin.bytes().all(|digit| matches!(digit, b'1'..=b'9'));
    if args.trezor_pin.as_ref().is_some_and(|pin| !is_pin(pin)) {
        return Err(Failure::usage("--trezor-pin: a PIN has digits from 1 to 9"));
    }
    let model = match args.trezor_model {
        TrezorModel::One => Model::One,
        TrezorModel::T => Model::T,
    };
    Ok(Some(trezor::Options {
        port,
        pin: args.trezor_pin.clone().map(Zeroizing::new),
        passphrase: args.trezor_passphrase,
        auto_approve: !args.manual,
        ..trezor::Options::new(model)
    }))
}

/// Shows what the Trezor's user has to see, and enters the PIN on a Model T.
async fn tell(output: Output, panel: trezor::Panel, pin: Option<String>) {
    let mut screen = panel.watch();
    while screen.changed().await.is_ok() {
        let shown = screen.borrow_and_update().clone();
        match shown {
            Screen::PinMatrix(digits) => {
                let [a, b, c, d, e, f, g, h, i] = digits;
                // As on the device: the places of keys 7, 8, 9 are at the top.
                output.progress(&format!(
                    "the Trezor shows:\n    {g} {h} {i}\n    {d} {e} {f}\n    {a} {b} {c}"
                ));
            }
            Screen::PinEntry => drop(pin.as_ref().map(|pin| panel.enter(pin))),
            Screen::Prompt(prompt) => output.progress(&format!("the Trezor shows: {} {}", prompt.title, prompt.text)),
            Screen::Home | Screen::Unplugged | Screen::PassphraseOnHost | Screen::PassphraseEntry => {}
        }
    }
}

/// Until Ctrl-C, or the end of the commands typed.
async fn serve(session: &Session, run: &SandboxRun, manual: bool) {
    if manual {
        session.output.progress("a = approve, r = reject, m = mine a block");
        let panel = run.panel.clone();
        let trezor = run.trezor.as_ref().map(trezor::SandboxTrezor::panel);
        let chain = run.chain.clone();
        // The thread ends with the process: a blocking read of the terminal cannot be cancelled.
        std::thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                match line.trim() {
                    "a" => drop((panel.approve(), trezor.as_ref().map(trezor::Panel::approve))),
                    "r" => drop((panel.reject(), trezor.as_ref().map(trezor::Panel::reject))),
                    "m" => drop(chain.mine(1)),
                    _ => {}
                }
            }
        });
    }
    stopped().await;
}

/// Ctrl-C, or the polite signal of service managers and scripts.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! { _ = tokio::signal::ctrl_c() => {}, _ = terminate.recv() => {} }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
