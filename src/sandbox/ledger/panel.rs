//! The user's side of the device: its screen and buttons, cable and PIN, for a window, a script or a test.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::device::{Answered, Device};
use super::screen::Screen;

/// A handle on the device; clones are handles on the same one.
#[derive(Clone)]
pub struct Panel(Arc<Shared>);

/// The device behind its lock. Nothing waits while holding it.
pub(super) struct Shared(Mutex<Device>);

impl Shared {
    pub fn new(device: Device) -> Self {
        Self(Mutex::new(device))
    }

    pub fn lock(&self) -> MutexGuard<'_, Device> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Panel {
    pub(super) fn new(device: Arc<Shared>) -> Self {
        Self(device)
    }

    /// What is on the screen now.
    pub fn screen(&self) -> Screen {
        self.watch().borrow().clone()
    }

    /// The screen as it changes. Questions that are approved by themselves are not seen here; [`Panel::answered`] has them.
    pub fn watch(&self) -> watch::Receiver<Screen> {
        self.0.lock().watch()
    }

    /// Accepts the question on the screen with all its pages; false if there is none.
    pub fn approve(&self) -> bool {
        self.0.lock().decide(true)
    }

    /// Refuses the question on the screen; false if there is none.
    pub fn reject(&self) -> bool {
        self.0.lock().decide(false)
    }

    /// Whether every question is accepted at once, the one on the screen included.
    pub fn auto_approve(&self, auto: bool) {
        self.0.lock().auto_approve(auto);
    }

    /// The last questions and what was pressed, oldest first.
    pub fn answered(&self) -> Vec<Answered> {
        self.0.lock().answered()
    }

    /// Asks for the PIN: every command is answered 5515 until [`Panel::unlock`].
    pub fn lock(&self) {
        self.0.lock().set_locked(true);
    }

    pub fn unlock(&self) {
        self.0.lock().set_locked(false);
    }

    /// Opens the coin's app by its name, or another one that serves none of its commands. Ends every connection.
    pub fn open_app(&self, name: &str) {
        self.0.lock().open(Some(name));
    }

    /// Leaves the app. Ends every connection.
    pub fn dashboard(&self) {
        self.0.lock().open(None);
    }

    /// Pulls the cable: ends every connection, and new ones end at once.
    pub fn unplug(&self) {
        self.0.lock().set_plugged(false);
    }

    /// Puts the cable back; the device is on its dashboard.
    pub fn plug_in(&self) {
        self.0.lock().set_plugged(true);
    }
}
