//! The devices this program has open: whoever opens the same one gets the same connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;

use crate::hw::{Device, DeviceError, Kind, ledger, trezor};
use crate::protocol::Profile;

/// Where and for what network a device is open.
pub struct Place {
    pub kind: Kind,
    /// `usb:3-2.1`, `127.0.0.1:9999`
    pub at: String,
    pub profile: Arc<Profile>,
}

/// A device opened here. Dropped by everybody it may still be at work, until its question is answered or cancelled.
struct OpenPlace {
    place: Place,
    device: Weak<dyn Device>,
    busy: Busy,
}

/// Whether the device's thread is at work.
pub type Busy = Arc<watch::Sender<bool>>;

impl OpenPlace {
    fn in_use(&self) -> bool {
        self.device.strong_count() > 0 || *self.busy.borrow()
    }

    fn is_at(&self, kind: Kind, at: &str) -> bool {
        self.place.kind == kind && self.place.at == at
    }
}

/// A global, because the devices on the table are: whoever opens the same one must get the same connection.
fn open_places() -> MutexGuard<'static, Vec<OpenPlace>> {
    static OPEN: Mutex<Vec<OpenPlace>> = Mutex::new(Vec::new());
    let mut places = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    places.retain(OpenPlace::in_use);
    places
}

pub fn is_open(kind: Kind, at: &str) -> bool {
    open_places().iter().any(|open| open.is_at(kind, at))
}

pub fn shared(
    place: Place,
    connect: impl FnOnce() -> Result<(Arc<dyn Device>, Busy), DeviceError>,
) -> Result<Arc<dyn Device>, DeviceError> {
    let mut places = open_places();
    if let Some(open) = places.iter().find(|open| open.is_at(place.kind, &place.at)) {
        return match open.device.upgrade() {
            Some(device) if open.place.profile == place.profile => Ok(device),
            _ => Err(DeviceError::Busy { kind: place.kind }),
        };
    }
    let (device, busy) = connect()?;
    places.push(OpenPlace {
        place,
        device: Arc::downgrade(&device),
        busy,
    });
    Ok(device)
}

/// Waits for the requests that nobody waits for any more: a Trezor's question is cancelled within moments, a Ledger's stays on its screen.
/// The kinds of those that are at work even then.
pub async fn settled() -> Vec<Kind> {
    let at_work: Vec<(Kind, Busy)> = open_places()
        .iter()
        .map(|open| (open.place.kind, Arc::clone(&open.busy)))
        .collect();
    let mut left = Vec::new();
    for (kind, busy) in at_work {
        let grace = match kind {
            Kind::Ledger => ledger::GRACE,
            Kind::Trezor => trezor::GRACE,
        };
        let mut busy = busy.subscribe();
        if tokio::time::timeout(grace, busy.wait_for(|busy| !busy)).await.is_err() {
            left.push(kind);
        }
    }
    left
}
