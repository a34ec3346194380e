//! How far a long request is: a device reads every previous transaction of a payment and signs input by input.

use std::fmt;
use std::sync::Arc;

/// Told how far a request is. Clones tell the same listener; it is called on the device's own thread and must not block.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(Done) + Send + Sync>);

/// So many of a part are done. Parts come in the order of [`Part`]; within one `done` only grows, from 1 to `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub part: Part,
    pub done: usize,
    pub of: usize,
}

/// What a device does with a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// It is given the previous transaction of each input.
    Reading,
    /// It signs each input. Before the first the user confirms the payment.
    Signing,
}

impl Progress {
    pub fn new(listener: impl Fn(Done) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Tells nobody.
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    pub fn tell(&self, done: Done) {
        (self.0)(done);
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress(..)")
    }
}
