//! USB HID through `hidapi`.
//!
//! All calls into hidapi's context (listing, opening) run on one thread: on macOS a second one crashes its run loop. An open
//! device may then move to the worker that talks to it.

use std::ffi::CString;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use hidapi::{HidApi, HidDevice, HidError};

use super::framing::{Assembly, REPORT, reports};
use super::{Transport, gone, split_status};
use crate::hw::diagnosis::taken;
use crate::hw::{DeviceError, Kind, usb};

pub const VENDOR: u16 = 0x2c97;
/// Usage page of the command interface; the other one is FIDO (f1d0).
const USAGE_PAGE: u16 = 0xffa0;
/// "Forever", asked for again and again: some backends know no endless wait that ends when the device goes.
const SLICE: Duration = Duration::from_secs(60);

/// A Ledger on USB, not yet opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugged {
    path: CString,
    /// Where it is plugged in: `3-2.1`; where the system does not tell, its own name of the connection.
    pub port: String,
    /// The high byte tells the model; the low byte changes between dashboard and app.
    pub product: u16,
}

impl Plugged {
    /// As printed on the box.
    pub fn model(&self) -> &'static str {
        model(self.product)
    }

    /// # Errors
    /// [`DeviceError::NoPermission`] (no udev rule), [`DeviceError::HeldBy`] or [`DeviceError::Busy`] (another program holds it),
    /// [`DeviceError::NotConnected`] (pulled out meanwhile).
    pub fn open(&self) -> Result<Hid, DeviceError> {
        let path = self.path.clone();
        let opened = on_hid_thread(move |api| api.open_path(&path)).ok_or_else(not_connected)?;
        opened.map(|device| Hid { device }).map_err(|_| self.why_not())
    }

    /// hidapi says why it could not open as text; the file itself answers with a code.
    fn why_not(&self) -> DeviceError {
        let path = self.path.to_string_lossy().into_owned();
        match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => DeviceError::NoPermission {
                kind: Kind::Ledger,
                path,
            },
            Err(error) if cfg!(target_os = "linux") && error.kind() == io::ErrorKind::NotFound => not_connected(),
            _ => taken(Kind::Ledger, &self.port),
        }
    }
}

/// As printed on the box. The number differs between dashboard and apps, but not in what is looked at here.
pub fn model(product: u16) -> &'static str {
    match (product >> 8, product & 0xff) {
        (0x10, _) | (0x00, 0x01) => "Nano S",
        (0x40, _) | (0x00, 0x04) => "Nano X",
        (0x50, _) | (0x00, 0x05) => "Nano S Plus",
        (0x60, _) | (0x00, 0x06) => "Stax",
        (0x70, _) | (0x00, 0x07) => "Flex",
        (0x80, _) => "Apex",
        _ => "Ledger",
    }
}

/// Every Ledger on USB, once each. Empty on a machine without HID.
pub fn list() -> Vec<Plugged> {
    on_hid_thread(|api| {
        // The list inside is a copy of an earlier moment.
        if api.refresh_devices().is_err() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for info in api.device_list() {
            // Where the usage page is unknown (0), the interface number tells.
            let commands = info.usage_page() == USAGE_PAGE || (info.usage_page() == 0 && info.interface_number() == 0);
            let plugged = Plugged {
                path: info.path().to_owned(),
                port: port(&info.path().to_string_lossy()),
                product: info.product_id(),
            };
            if info.vendor_id() == VENDOR && commands && !found.contains(&plugged) {
                found.push(plugged);
            }
        }
        found
    })
    .unwrap_or_default()
}

/// hidapi gives the device's node on Linux, and names of its own on other systems.
fn port(path: &str) -> String {
    usb::port_of_hidraw(Path::new(usb::SYSFS), path).unwrap_or_else(|| path.replace(char::is_whitespace, "_"))
}

fn not_connected() -> DeviceError {
    DeviceError::NotConnected { kind: Kind::Ledger }
}

type Call = Box<dyn FnOnce(&mut HidApi) + Send>;

/// Runs a call on hidapi's thread; none if this machine has no HID at all.
///
/// A global, because hidapi's context is one: the thread is started by the first call and stays.
fn on_hid_thread<T: Send + 'static>(call: impl FnOnce(&mut HidApi) -> T + Send + 'static) -> Option<T> {
    static CALLS: OnceLock<Option<mpsc::Sender<Call>>> = OnceLock::new();
    let calls = CALLS.get_or_init(start_hid_thread).as_ref()?;
    let (answer, answered) = mpsc::channel();
    calls
        .send(Box::new(move |api| {
            // Fails only if the caller is gone, who then needs no answer.
            let _ = answer.send(call(api));
        }))
        .ok()?;
    answered.recv().ok()
}

fn start_hid_thread() -> Option<mpsc::Sender<Call>> {
    let (calls, called) = mpsc::channel::<Call>();
    let serve = move || {
        let Ok(mut api) = HidApi::new() else { return };
        while let Ok(call) = called.recv() {
            call(&mut api);
        }
    };
    thread::Builder::new().name("hid".to_owned()).spawn(serve).ok()?;
    Some(calls)
}

/// An open Ledger on USB.
pub struct Hid {
    device: HidDevice,
}

impl Hid {
    /// The next report; none when the time is over.
    fn read(&self, buffer: &mut [u8], deadline: Option<Instant>) -> Result<Option<usize>, DeviceError> {
        loop {
            let wait = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return Ok(None),
                Some(left) => left.min(SLICE),
                None => SLICE,
            };
            // At least 1: zero would mean "do not wait".
            match self.device.read_timeout(buffer, wait.as_millis().max(1) as i32) {
                Ok(0) => {}
                Ok(count) => return Ok(Some(count)),
                // A signal (Ctrl-C, a resized terminal) interrupts waiting; the answer is still to come.
                Err(HidError::IoError { error }) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(gone()),
            }
        }
    }
}

impl Transport for Hid {
    fn exchange(&mut self, command: &[u8], limit: Option<Duration>) -> Result<(Vec<u8>, u16), DeviceError> {
        for report in reports(command) {
            self.device.write(&report).map_err(|_| gone())?;
        }
        let deadline = limit.map(|limit| Instant::now() + limit);
        let mut answer = Assembly::default();
        loop {
            let mut report = [0; REPORT];
            let count = self.read(&mut report, deadline)?.ok_or_else(gone)?;
            if let Some(whole) = answer.push(&report[..count])? {
                return split_status(whole);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_ledger_lists_none_and_does_not_fail() {
        // Where one is plugged in it is listed; twice in a row is the same list.
        assert_eq!(list(), list());
    }

    #[test]
    fn the_model_is_the_high_byte_whatever_app_is_open() {
        assert_eq!((model(0x5011), model(0x5015)), ("Nano S Plus", "Nano S Plus"));
        assert_eq!((model(0x1011), model(0x4015)), ("Nano S", "Nano X"));
        assert_eq!((model(0x6011), model(0x7001), model(0x8000)), ("Stax", "Flex", "Apex"));
        assert_eq!(model(0x9999), "Ledger");
    }

    #[test]
    fn a_path_that_is_no_device_is_refused_with_a_reason() {
        let plugged = Plugged {
            path: CString::new("/dev/no-such-device").unwrap(),
            port: "9-9".to_owned(),
            product: 0,
        };
        if cfg!(target_os = "linux") {
            assert_eq!(plugged.open().map(drop), Err(not_connected()));
        }
    }
}
