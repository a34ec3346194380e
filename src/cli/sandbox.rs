//! `sandbox`: the embedded node and Ledger, served on loopback for scripts and other programs.

use std::process::ExitCode;

use serde_json::json;

use super::args::SandboxArgs;
use super::list::listing;
use super::output::Failure;
use super::session::Session;
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
        user: session.global.rpc_user.clone().unwrap_or_else(|| USER.into()),
        password: session.global.rpc_password.clone().unwrap_or_else(|| PASSWORD.into()),
        auto_approve: !args.manual,
    };
    if args.trezor_port.is_some() {
        session
            .output
            .progress("the embedded Trezor does not exist yet: --trezor-port is ignored");
    }
    let (user, password) = (options.user.clone(), options.password.clone());
    let run = SandboxRun::start(profile.clone(), options).await?;
    let document = json!({
        "network": profile.name,
        "rpc": run.rpc_url(),
        "user": user,
        "password": password,
        "ledger": format!("ledger@{}", run.ledger_address()),
        "height": run.height(),
        "masternodes": args.masternodes,
    });
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

/// Until Ctrl-C, or the end of the commands typed.
async fn serve(session: &Session, run: &SandboxRun, manual: bool) {
    if manual {
        session.output.progress("a = approve, r = reject, m = mine a block");
        let panel = run.panel.clone();
        let chain = run.chain.clone();
        // The thread ends with the process: a blocking read of the terminal cannot be cancelled.
        std::thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                match line.trim() {
                    "a" => drop(panel.approve()),
                    "r" => drop(panel.reject()),
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
