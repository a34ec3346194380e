//! WebUSB through libusb: one vendor-specific interface with an interrupt endpoint each way.
//!
//! Units that only speak HID (534c:0001: Trezor One with firmware before 1.7) are not found: they are older than any that is served.

use std::sync::OnceLock;
use std::time::Duration;

use rusb::{Context, Device, DeviceHandle, UsbContext};

use super::{CHUNK, Chunk, Lost, Pipe};
use crate::hw::diagnosis::taken;
use crate::hw::usb::port_of_numbers;
use crate::hw::{DeviceError, Kind};

const VENDOR: u16 = 0x1209;
const FIRMWARE: u16 = 0x53c1;
const BOOTLOADER: u16 = 0x53c0;
/// Interface 1 is the debug link, 2 is FIDO.
const INTERFACE: u8 = 0;
const VENDOR_SPECIFIC: u8 = 0xff;
const TO_DEVICE: u8 = 0x01;
const FROM_DEVICE: u8 = 0x81;
const IN_BOOTLOADER: &str = "Trezor in its bootloader";
/// The device takes a packet at once, or not at all.
const WRITE: Duration = Duration::from_secs(1);

/// A Trezor on USB, not yet opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugged {
    bus: u8,
    address: u8,
    /// Where it is plugged in: `3-2.1`.
    pub port: String,
    pub bootloader: bool,
}

impl Plugged {
    /// All that is known of it before it is opened: every model has the same numbers.
    pub fn model(&self) -> &'static str {
        if self.bootloader { IN_BOOTLOADER } else { "Trezor" }
    }

    /// # Errors
    /// [`DeviceError::NoPermission`] (no udev rule), [`DeviceError::HeldBy`] or [`DeviceError::Busy`] (another program holds it),
    /// [`DeviceError::NotConnected`] (pulled out meanwhile).
    pub fn open(&self) -> Result<Usb, DeviceError> {
        let device = devices()
            .into_iter()
            .find(|device| plugged(device).as_ref() == Some(self))
            .ok_or_else(not_connected)?;
        let open = || {
            let handle = device.open()?;
            handle.claim_interface(INTERFACE)?;
            Ok(Usb { handle })
        };
        open().map_err(|error| self.why_not(error))
    }

    fn why_not(&self, error: rusb::Error) -> DeviceError {
        match error {
            rusb::Error::Access => DeviceError::NoPermission {
                kind: Kind::Trezor,
                path: format!("/dev/bus/usb/{:03}/{:03}", self.bus, self.address),
            },
            rusb::Error::NoDevice | rusb::Error::NotFound => not_connected(),
            _ => taken(Kind::Trezor, &self.port),
        }
    }
}

/// What a device on USB is by its numbers, if it is a Trezor.
pub fn model(vendor: u16, product: u16) -> Option<&'static str> {
    match (vendor, product) {
        (VENDOR, FIRMWARE) => Some("Trezor"),
        (VENDOR, BOOTLOADER) => Some(IN_BOOTLOADER),
        _ => None,
    }
}

/// Every Trezor on USB. Empty on a machine without USB.
pub fn list() -> Vec<Plugged> {
    devices().iter().filter_map(plugged).collect()
}

fn not_connected() -> DeviceError {
    DeviceError::NotConnected { kind: Kind::Trezor }
}

/// One that cannot be read is left out, not the others with it.
fn devices() -> Vec<Device<Context>> {
    let Some(context) = context() else { return Vec::new() };
    match context.devices() {
        Ok(all) => all.iter().collect(),
        Err(_) => Vec::new(),
    }
}

/// A global, because libusb has a thread and a watch on the bus per context. None where libusb cannot start.
fn context() -> Option<&'static Context> {
    static CONTEXT: OnceLock<Option<Context>> = OnceLock::new();
    CONTEXT.get_or_init(|| Context::new().ok()).as_ref()
}

fn plugged(device: &Device<Context>) -> Option<Plugged> {
    let about = device.device_descriptor().ok()?;
    let ours = about.vendor_id() == VENDOR && matches!(about.product_id(), FIRMWARE | BOOTLOADER);
    (ours && speaks_webusb(device)).then(|| Plugged {
        bus: device.bus_number(),
        address: device.address(),
        port: port_of_numbers(device.bus_number(), &device.port_numbers().unwrap_or_default()),
        bootloader: about.product_id() == BOOTLOADER,
    })
}

fn speaks_webusb(device: &Device<Context>) -> bool {
    let Ok(about) = device.config_descriptor(0) else {
        return false;
    };
    about
        .interfaces()
        .filter(|interface| interface.number() == INTERFACE)
        .flat_map(|interface| interface.descriptors())
        .any(|setting| setting.setting_number() == 0 && setting.class_code() == VENDOR_SPECIFIC)
}

/// An open Trezor on USB; the interface is released when it is dropped.
pub struct Usb {
    handle: DeviceHandle<Context>,
}

impl Pipe for Usb {
    fn tells_of_unplugging(&self) -> bool {
        true
    }

    fn send(&mut self, chunk: &Chunk) -> Result<(), Lost> {
        match self.handle.write_interrupt(TO_DEVICE, chunk, WRITE) {
            Ok(CHUNK) => Ok(()),
            _ => Err(Lost),
        }
    }

    fn receive(&mut self, wait: Duration) -> Result<Option<Chunk>, Lost> {
        let mut chunk = [0; CHUNK];
        // Zero would mean for ever.
        let wait = wait.max(Duration::from_millis(1));
        match self.handle.read_interrupt(FROM_DEVICE, &mut chunk, wait) {
            Ok(CHUNK) => Ok(Some(chunk)),
            Ok(_) | Err(rusb::Error::Timeout | rusb::Error::Interrupted) => Ok(None),
            Err(_) => Err(Lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_trezor_lists_none_and_does_not_fail() {
        // Where one is plugged in it is listed; twice in a row is the same list.
        assert_eq!(list(), list());
    }

    #[test]
    fn each_reason_why_it_cannot_be_opened_is_its_own() {
        let plugged = Plugged {
            bus: 1,
            address: 7,
            port: "99-9".to_owned(),
            bootloader: false,
        };
        let path = "/dev/bus/usb/001/007".to_owned();
        let kind = Kind::Trezor;
        assert_eq!(
            plugged.why_not(rusb::Error::Access),
            DeviceError::NoPermission { kind, path }
        );
        assert_eq!(plugged.why_not(rusb::Error::Busy), DeviceError::Busy { kind });
        assert_eq!(plugged.why_not(rusb::Error::NoDevice), not_connected());
        if list().is_empty() {
            assert_eq!(plugged.open().map(drop), Err(not_connected()));
        }
    }
}
