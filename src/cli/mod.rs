//! The command line: the same flows as the window, on a terminal or for scripts (`--json`).
//!
//! One file per command. Exit codes: 0 done; 1 refused; 2 wrong usage; 3 node or device not reached; 10 what `watch` was to wait for
//! came true.

mod args;
mod ask;
mod bls;
mod choices;
mod demo;
mod device;
mod handover;
mod history;
mod interrupt;
mod journal;
mod key;
mod list;
mod message;
mod output;
mod pay;
mod pose;
mod queue;
mod register;
mod review;
mod sandbox;
mod saved;
mod session;
mod show;
mod status;
mod tx;
mod update;
mod vault;
mod wallet;
mod watch;

use std::process::ExitCode;

use clap::Parser;

pub use args::Cli;
use args::Command;
use output::{Failure, Output};
use session::Session;

use crate::setup::Choice;
use crate::store::Dirs;

/// What the arguments ask for.
pub enum Asked {
    /// No command: the window.
    Window(Box<Window>),
    /// Done, with this exit code.
    Done(ExitCode),
}

/// What the window starts with: its folders and, if one is named, its connection.
pub struct Window {
    pub dirs: Dirs,
    pub choice: Option<Choice>,
}

/// Reads the arguments and runs a command, if there is one.
pub fn run() -> Asked {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return Asked::Done(output::usage(&error)),
    };
    let output = Output { json: cli.global.json };
    let Some(command) = cli.command else {
        let session = Session::new(cli.global, output);
        return match session.window() {
            Ok((dirs, choice)) => Asked::Window(Box::new(Window { dirs, choice })),
            Err(failure) => Asked::Done(session.output.fail(&failure)),
        };
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Asked::Done(output.fail(&Failure::system("runtime", &error))),
    };
    let session = Session::new(cli.global, output);
    // The sandbox has an end of its own to Ctrl-C.
    let serves = matches!(command, Command::Sandbox(_));
    let work = dispatch(&session, command);
    let code = runtime.block_on(async {
        if serves {
            work.await.unwrap_or_else(|failure| session.output.fail(&failure))
        } else {
            interrupt::guarded(work, session.output).await
        }
    });
    // A device may still wait for a button: do not wait for it.
    runtime.shutdown_background();
    Asked::Done(code)
}

async fn dispatch(session: &Session, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo => demo::run(session).await,
        Command::Sandbox(args) => sandbox::run(session, args).await,
        Command::Status => status::run(session).await,
        Command::List(args) => list::run(session, args).await,
        Command::Show(args) => show::run(session, args).await,
        Command::Queue(args) => queue::run(session, args).await,
        Command::Pose(args) => pose::run(session, args).await,
        Command::Watch(args) => watch::run(session, args).await,
        Command::Register(args) => register::run(session, *args).await,
        Command::UpdateService(args) => update::service(session, &args).await,
        Command::UpdateRegistrar(args) => update::registrar(session, &args).await,
        Command::Revoke(args) => update::revoke(session, &args).await,
        Command::ImportOperation(args) => handover::import(session, &args).await,
        Command::Fund(args) => pay::fund(session, args).await,
        Command::Send(args) => pay::send(session, args).await,
        Command::Collateral(args) => pay::collateral(session, args).await,
        Command::Wallet(args) => wallet::run(session, args).await,
        Command::Label(args) => wallet::label(session, &args),
        Command::Key(command) => key::run(session, command),
        Command::Vault(command) => vault::run(session, command).await,
        Command::Device(command) => device::run(session, command).await,
        Command::Message(command) => message::run(session, command),
        Command::Bls(args) => bls::run(session, args),
        Command::Tx(command) => tx::run(session, command).await,
        Command::History(args) => history::run(session, &args).await,
        Command::Journal { command } => journal::run(session, command).await,
    }
}
