//! One thread per open device. It does the blocking exchanges; who asks waits without blocking.
//!
//! When the one who waits goes away, the request sees it within a moment, cancels the question on the device and ends; the next
//! request waits for that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot, watch};

use super::client::Client;
use super::gone;
use crate::hw::{DeviceError, Kind};

/// How long an abandoned request may take to cancel. A device that does not even answer that is busy with something.
const GRACE: Duration = Duration::from_secs(6);

type Job = Box<dyn FnOnce(&mut Client) + Send>;

/// The way to a device's thread. The thread ends, and the connection with it, after this is dropped and the last question
/// is cancelled.
pub struct Worker {
    jobs: mpsc::Sender<Job>,
    /// Held by the one whose request runs: requests queue here, in order.
    turn: Mutex<()>,
    busy: Arc<watch::Sender<bool>>,
}

impl Worker {
    pub fn start(mut client: Client) -> Self {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let busy = Arc::new(watch::Sender::new(false));
        let idle_again = Arc::clone(&busy);
        let serve = move || {
            while let Ok(job) = waiting.recv() {
                let _idle = SetIdle(&idle_again);
                job(&mut client);
            }
        };
        // Without a thread every request ends as `Gone`, because its job is dropped with `waiting`.
        if let Err(error) = thread::Builder::new().name("trezor".to_owned()).spawn(serve) {
            tracing::error!(%error, "no thread for the device");
        }
        Self {
            jobs,
            turn: Mutex::new(()),
            busy,
        }
    }

    /// Runs a request on the thread. Dropping the future cancels it on the device.
    ///
    /// # Errors
    /// Those of the request; [`DeviceError::Busy`] while the device does not answer a cancelled one.
    pub async fn run<T: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Client) -> Result<T, DeviceError> + Send + 'static,
    ) -> Result<T, DeviceError> {
        let _turn = self.turn.lock().await;
        self.idle().await?;
        let abandoned = Arc::new(AtomicBool::new(false));
        let _abandon = Abandon(Arc::clone(&abandoned));
        let (answer, answered) = oneshot::channel();
        self.busy.send_replace(true);
        let job: Job = Box::new(move |client| {
            // Nobody waits any more: the late answer is thrown away.
            let _ = answer.send(client.serve(abandoned, request));
        });
        if self.jobs.send(job).is_err() {
            self.busy.send_replace(false);
        }
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    async fn idle(&self) -> Result<(), DeviceError> {
        let mut busy = self.busy.subscribe();
        match tokio::time::timeout(GRACE, busy.wait_for(|busy| !busy)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(DeviceError::Busy { kind: Kind::Trezor }),
        }
    }

    /// Tells for how long the device is at work, also after this worker is dropped.
    pub fn busy(&self) -> Arc<watch::Sender<bool>> {
        Arc::clone(&self.busy)
    }
}

/// Ends the busy state when a job ends, also by a panic.
struct SetIdle<'a>(&'a watch::Sender<bool>);

impl Drop for SetIdle<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

/// Tells the running request that nobody waits for it any more.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
