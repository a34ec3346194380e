//! Work that blocks (disk, key stretching), away from the window's thread.

use iced::Task;

/// Runs a function on a thread for blocking work. If it never returns (it panicked), nothing is said.
pub fn blocking<T: Send + 'static, M: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    done: impl FnOnce(T) -> M + Send + 'static,
) -> Task<M> {
    let run = async move { tokio::task::spawn_blocking(work).await.ok().map(done) };
    Task::future(run).and_then(Task::done)
}
