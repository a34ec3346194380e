//! Thin: arguments, log, then the window or a command.

use std::process::ExitCode;

use castellan::cli::{self, Asked};
use castellan::ui;

fn main() -> ExitCode {
    start_log();
    match cli::run() {
        Asked::Done(code) => code,
        Asked::Window(asked) => window(ui::Options {
            dirs: asked.dirs,
            choice: asked.choice,
        }),
    }
}

fn window(options: ui::Options) -> ExitCode {
    if !ui::has_display() {
        eprintln!("castellan: there is no display here; `castellan demo` shows the main job on this terminal");
        return ExitCode::FAILURE;
    }
    match ui::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("castellan: the window cannot be opened: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `CASTELLAN_LOG=debug` shows what happens, on stderr. Secrets have no text form that could get there.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("CASTELLAN_LOG").unwrap_or_else(|_| "off".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
