//! One thread per open device. It does the blocking exchanges; who asks waits without blocking.
//!
//! What becomes of a question when the one who waits for it goes away is the vendor's: see the [`Served`] of each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot, watch};

use super::{DeviceError, Kind};

/// The conversation with one device, as a worker's thread holds it.
pub trait Served: Send + Sized + 'static {
    const KIND: Kind;
    /// How long an abandoned request may still run before the device counts as busy.
    const GRACE: Duration;

    /// Runs one request, which ends early once `abandoned` is set, as far as the device allows it.
    fn serve<T>(
        &mut self,
        abandoned: Arc<AtomicBool>,
        request: impl FnOnce(&mut Self) -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError>;
}

type Job<C> = Box<dyn FnOnce(&mut C) + Send>;

/// The way to a device's thread. The thread ends, and the connection with it, after this is dropped and the last question
/// is over.
pub struct Worker<C> {
    jobs: mpsc::Sender<Job<C>>,
    /// Held by the one whose request runs: requests queue here, in order.
    turn: Mutex<()>,
    busy: Arc<watch::Sender<bool>>,
}

impl<C: Served> Worker<C> {
    pub fn start(mut client: C) -> Self {
        let (jobs, waiting) = mpsc::channel::<Job<C>>();
        let busy = Arc::new(watch::Sender::new(false));
        let idle_again = Arc::clone(&busy);
        let serve = move || {
            while let Ok(job) = waiting.recv() {
                let _idle = SetIdle(&idle_again);
                job(&mut client);
            }
        };
        // Without a thread every request ends as `Gone`, because its job is dropped with `waiting`.
        if let Err(error) = thread::Builder::new()
            .name(C::KIND.to_string().to_lowercase())
            .spawn(serve)
        {
            tracing::error!(%error, "no thread for the device");
        }
        Self {
            jobs,
            turn: Mutex::new(()),
            busy,
        }
    }

    /// Runs a request on the thread. Dropping the future abandons it.
    ///
    /// # Errors
    /// Those of the request; [`DeviceError::Busy`] while an abandoned request is not over.
    pub async fn run<T: Send + 'static>(
        &self,
        request: impl FnOnce(&mut C) -> Result<T, DeviceError> + Send + 'static,
    ) -> Result<T, DeviceError> {
        let _turn = self.turn.lock().await;
        self.idle().await?;
        let abandoned = Arc::new(AtomicBool::new(false));
        let _abandon = Abandon(Arc::clone(&abandoned));
        let (answer, answered) = oneshot::channel();
        self.busy.send_replace(true);
        let job: Job<C> = Box::new(move |client| {
            // Nobody waits any more: the late answer is thrown away.
            let _ = answer.send(client.serve(abandoned, request));
        });
        if self.jobs.send(job).is_err() {
            self.busy.send_replace(false);
        }
        answered
            .await
            .unwrap_or_else(|_| Err(DeviceError::Gone { kind: C::KIND }))
    }

    async fn idle(&self) -> Result<(), DeviceError> {
        let mut busy = self.busy.subscribe();
        match tokio::time::timeout(C::GRACE, busy.wait_for(|busy| !busy)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(DeviceError::Busy { kind: C::KIND }),
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
