//! Ctrl-C: what a device asks is taken back before the program ends, so that no question stays on its screen.

use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::ctrl_c;
use tokio::sync::Notify;

use super::output::{Failure, Output};
use crate::hw::discovery;

/// As shells have it: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;
/// A command that has not noticed by then waits for the terminal, on this program's own thread.
const MOMENT: Duration = Duration::from_millis(300);

/// Runs a command until it is done or Ctrl-C is pressed. Dropping it withdraws what it asked a device; that is waited for. Pressed once
/// more it ends at once.
pub async fn guarded(command: impl Future<Output = Result<ExitCode, Failure>>, output: Output) -> ExitCode {
    let (pressed, noticed) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let watching = tokio::spawn(watch(Arc::clone(&pressed), Arc::clone(&noticed)));
    let done = tokio::select! {
        result = command => Some(result),
        () = pressed.notified() => None,
    };
    noticed.store(true, Ordering::SeqCst);
    let code = match done {
        Some(Ok(code)) => code,
        Some(Err(failure)) => output.fail(&failure),
        None => output.fail(&interrupted().await),
    };
    watching.abort();
    code
}

async fn watch(pressed: Arc<Notify>, noticed: Arc<AtomicBool>) {
    if ctrl_c().await.is_err() {
        return;
    }
    pressed.notify_one();
    tokio::select! {
        _ = ctrl_c() => {}
        () = tokio::time::sleep(MOMENT) => {
            if noticed.load(Ordering::SeqCst) {
                let _ = ctrl_c().await;
            }
        }
    }
    process::exit(i32::from(INTERRUPTED));
}

async fn interrupted() -> Failure {
    let busy = discovery::settled().await;
    let advice = busy
        .first()
        .map(|kind| format!("The {kind} still shows a question; reject it there."));
    Failure {
        advice,
        code: INTERRUPTED,
        ..Failure::refused("interrupted", "interrupted")
    }
}
