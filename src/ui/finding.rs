//! Looking for devices in the background: the one in use, asked how it is, and all that are plugged in.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, stream};
use iced::Subscription;

use super::asker::Window;
use super::screen::devices::Seen;
use super::session::Session;
use crate::hw::discovery::{self, Found, Plugged};
use crate::hw::{Device, DeviceSpec};
use crate::protocol::Profile;
use crate::setup;

/// How often the device in use is asked how it is. A question on its screen is waited for, not disturbed.
const USED_PERIOD: Duration = Duration::from_secs(2);
/// How often is looked what is plugged in; nothing is opened for that.
const PLUGGED_PERIOD: Duration = Duration::from_secs(1);
/// Devices that are not on USB cannot be seen without being asked: so many looks apart.
const ELSEWHERE_EVERY: u32 = 2;

/// The device in use as it was found, with the way to it.
#[derive(Clone)]
pub struct DeviceFound {
    /// Where it was looked for; another one may have been chosen meanwhile.
    pub spec: DeviceSpec,
    pub seen: Seen,
    pub device: Option<Arc<dyn Device>>,
}

/// What is needed to look for the device in use.
#[derive(Clone)]
struct Use {
    id: u64,
    spec: DeviceSpec,
    profile: Arc<Profile>,
    asker: Window,
}

impl Hash for Use {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.id, self.spec.to_string()).hash(state);
    }
}

impl Use {
    async fn find(self) -> DeviceFound {
        let (device, seen) =
            match setup::open_device(self.spec.clone(), self.profile, self.asker.of(self.spec.clone())).await {
                Ok(device) => {
                    let (kind, place) = (device.kind(), device.place());
                    let info = device.info().await;
                    (Some(device), Seen::Open { kind, place, info })
                }
                Err(error) => (None, Seen::Missing(error)),
            };
        DeviceFound {
            spec: self.spec,
            seen,
            device,
        }
    }
}

/// What is needed to look for all of them.
#[derive(Clone)]
struct All {
    id: u64,
    /// Those that are not on USB.
    elsewhere: Vec<DeviceSpec>,
    profile: Arc<Profile>,
}

impl Hash for All {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
        self.elsewhere.iter().for_each(|spec| spec.to_string().hash(state));
    }
}

impl Session {
    fn in_use(&self) -> Use {
        Use {
            id: self.id,
            spec: self.connection.device.clone(),
            profile: Arc::clone(&self.ports().profile),
            asker: self.asker.clone(),
        }
    }

    fn all(&self) -> All {
        let chosen = &self.connection.device;
        let mut elsewhere = self.elsewhere();
        if matches!(chosen, DeviceSpec::Network { .. }) && !elsewhere.contains(chosen) {
            elsewhere.push(chosen.clone());
        }
        All {
            id: self.id,
            elsewhere,
            profile: Arc::clone(&self.ports().profile),
        }
    }

    pub fn watch_device(&self) -> Subscription<(u64, DeviceFound)> {
        Subscription::run_with(self.in_use(), findings)
    }

    /// Every device there is, now and whenever that changes.
    pub fn watch_devices(&self) -> Subscription<(u64, Vec<Found>)> {
        Subscription::run_with(self.all(), lists)
    }

    /// Looks for the device in use once, now.
    pub fn find_device(&self) -> impl Future<Output = DeviceFound> + use<> {
        self.in_use().find()
    }

    /// Looks for all once, now.
    pub fn find_devices(&self) -> impl Future<Output = Vec<Found>> + use<> {
        let all = self.all();
        async move {
            let usb = probe(vec![DeviceSpec::Any], Arc::clone(&all.profile)).await;
            [probe(all.elsewhere, all.profile).await, usb].concat()
        }
    }
}

fn findings(of: &Use) -> impl Stream<Item = (u64, DeviceFound)> + use<> {
    stream::unfold((of.clone(), None), async |(of, mut last): (Use, Option<Seen>)| {
        loop {
            if last.is_some() {
                tokio::time::sleep(USED_PERIOD).await;
            }
            let found = of.clone().find().await;
            if last.as_ref() != Some(&found.seen) {
                let seen = found.seen.clone();
                return Some(((of.id, found), (of, Some(seen))));
            }
            last = Some(found.seen);
        }
    })
}

/// What was found, and what it was found from.
struct Looked {
    all: All,
    round: u32,
    plugged: Vec<Plugged>,
    usb: Vec<Found>,
    elsewhere: Vec<Found>,
}

fn lists(all: &All) -> impl Stream<Item = (u64, Vec<Found>)> + use<> {
    let start = Looked {
        all: all.clone(),
        round: 0,
        plugged: Vec::new(),
        usb: Vec::new(),
        elsewhere: Vec::new(),
    };
    stream::unfold(start, async |mut looked| {
        loop {
            let first = looked.round == 0;
            if !first {
                tokio::time::sleep(PLUGGED_PERIOD).await;
            }
            if looked.look().await || first {
                let list = [looked.elsewhere.as_slice(), &looked.usb].concat();
                return Some(((looked.all.id, list), looked));
            }
        }
    })
}

impl Looked {
    /// True if something has changed. A device is asked only when it was plugged in: another program may be using it.
    async fn look(&mut self) -> bool {
        let profile = || Arc::clone(&self.all.profile);
        let due = self.round.is_multiple_of(ELSEWHERE_EVERY) && !self.all.elsewhere.is_empty();
        self.round = self.round.wrapping_add(1).max(1);
        let mut changed = false;
        let plugged = blocking(discovery::plugged).await;
        if plugged != self.plugged {
            self.plugged = plugged;
            self.usb = probe(vec![DeviceSpec::Any], profile()).await;
            changed = true;
        }
        if due {
            let elsewhere = probe(self.all.elsewhere.clone(), profile()).await;
            changed |= elsewhere != self.elsewhere;
            self.elsewhere = elsewhere;
        }
        changed
    }
}

async fn probe(specs: Vec<DeviceSpec>, profile: Arc<Profile>) -> Vec<Found> {
    blocking(move || specs.iter().flat_map(|spec| discovery::found(spec, &profile)).collect()).await
}

async fn blocking<T: Default + Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}
