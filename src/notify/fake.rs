//! Somebody who remembers what he was told, for tests of flows.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;

use super::{Notice, NotifyError, Sink};

/// Clones share memory.
#[derive(Debug, Clone, Default)]
pub struct FakeSink {
    told: Arc<Mutex<Vec<Notice>>>,
    error: Option<NotifyError>,
}

impl FakeSink {
    /// Every notice fails like this.
    pub fn failing(error: NotifyError) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }

    pub fn told(&self) -> Vec<Notice> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sink for FakeSink {
    fn name(&self) -> String {
        "fake".to_owned()
    }

    fn tell(&self, notice: Notice) -> BoxFuture<'_, Result<(), NotifyError>> {
        Box::pin(async move {
            self.told.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
            self.error.clone().map_or(Ok(()), Err)
        })
    }
}
