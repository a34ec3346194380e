//! Where a device is plugged in: its place on USB, the same for both vendors and for as long as the plug stays where it is.
//!
//! On Linux that is the bus path (`3-2.1`: bus 3, port 2, port 1 of the hub there), the name of the device's folder below
//! `/sys/bus/usb/devices`; libusb's bus and port numbers make the same text. It outlives the new device node that a Ledger gets whenever
//! an app is opened or closed.

use std::fs;
use std::path::Path;

/// Beginning of the place of a device on USB.
pub const PREFIX: &str = "usb:";
/// Where Linux tells about its devices.
pub const SYSFS: &str = "/sys";

/// A device on USB as the system lists it, without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub vendor: u16,
    pub product: u16,
    pub port: String,
}

/// Every device on USB, by port. Empty where the system does not tell this way.
pub fn listed(sysfs: &Path) -> Vec<Listed> {
    let Ok(entries) = fs::read_dir(sysfs.join("bus/usb/devices")) else {
        return Vec::new();
    };
    let mut all: Vec<Listed> = entries
        .flatten()
        .filter_map(|entry| {
            let number = |file: &str| {
                let text = fs::read_to_string(entry.path().join(file)).ok()?;
                u16::from_str_radix(text.trim(), 16).ok()
            };
            Some(Listed {
                vendor: number("idVendor")?,
                product: number("idProduct")?,
                port: entry.file_name().into_string().ok()?,
            })
        })
        .collect();
    all.sort_by(|a, b| a.port.cmp(&b.port));
    all
}

/// The port behind a HID node (`/dev/hidraw3`): the folder above it that belongs to the device itself, not to one of its interfaces.
pub fn port_of_hidraw(sysfs: &Path, node: &str) -> Option<String> {
    let name = Path::new(node).file_name()?;
    let device = fs::canonicalize(sysfs.join("class/hidraw").join(name).join("device")).ok()?;
    let folder = device.ancestors().find(|folder| folder.join("idVendor").is_file())?;
    Some(folder.file_name()?.to_str()?.to_owned())
}

/// The port of libusb's numbers: `3-2.1`.
pub fn port_of_numbers(bus: u8, ports: &[u8]) -> String {
    let ports: Vec<String> = ports.iter().map(u8::to_string).collect();
    format!("{bus}-{}", ports.join("."))
}

/// True for what may stand behind `usb:` on a command line.
pub fn is_port(text: &str) -> bool {
    !text.is_empty() && text.len() <= 200 && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}
