//! Where a device is plugged in: its place on USB, the same for both vendors and for as long as the plug stays where it is.
//!
//! On Linux that is the bus path (`3-2.1`: bus 3, port 2, port 1 of the hub there), the name of the device's folder below
//! `/sys/bus/usb/devices`; libusb's bus and port numbers make the same text. It outlives the new device node that a Ledger gets whenever
//! an app is opened or closed.

use std::fs;
use std::path::{Path, PathBuf};

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

/// The files through which the device at a port is opened: its own (`/dev/bus/usb/003/007`) and its HID nodes.
pub fn nodes(sysfs: &Path, port: &str) -> Vec<PathBuf> {
    let folder = sysfs.join("bus/usb/devices").join(port);
    let number = |file: &str| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u16>().ok();
    let mut nodes = Vec::new();
    if let (Some(bus), Some(device)) = (number("busnum"), number("devnum")) {
        nodes.push(PathBuf::from(format!("/dev/bus/usb/{bus:03}/{device:03}")));
    }
    let all = fs::read_dir(sysfs.join("class/hidraw")).into_iter().flatten().flatten();
    let hid = all.filter_map(|entry| Some(format!("/dev/{}", entry.file_name().to_str()?)));
    nodes.extend(
        hid.filter(|node| port_of_hidraw(sysfs, node).as_deref() == Some(port))
            .map(PathBuf::from),
    );
    nodes.sort();
    nodes
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

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A machine as Linux tells of it: a Ledger behind a hub, with its two HID interfaces, and a Trezor beside the hub.
    #[cfg(unix)]
    pub fn machine() -> tempfile::TempDir {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str| fs::create_dir_all(root.path().join(path)).unwrap();
        let write = |path: &str, text: &str| fs::write(root.path().join(path), text).unwrap();
        let link = |target: &str, at: &str| symlink(root.path().join(target), root.path().join(at)).unwrap();
        make("bus/usb/devices");
        make("class/hidraw");
        for (folder, name, vendor, product) in [
            ("devices/pci/usb3", "usb3", "1d6b", "0002"),
            ("devices/pci/usb3/3-2", "3-2", "05e3", "0610"),
            ("devices/pci/usb3/3-2/3-2.1", "3-2.1", "2c97", "5015"),
            ("devices/pci/usb3/3-4", "3-4", "1209", "53c1"),
        ] {
            make(folder);
            write(&format!("{folder}/idVendor"), &format!("{vendor}\n"));
            write(&format!("{folder}/idProduct"), &format!("{product}\n"));
            write(&format!("{folder}/busnum"), "3\n");
            write(&format!("{folder}/devnum"), &format!("{}\n", name.len()));
            link(folder, &format!("bus/usb/devices/{name}"));
        }
        for (number, interface) in [(3, "0004"), (4, "0005")] {
            let hid = format!(
                "devices/pci/usb3/3-2/3-2.1/3-2.1:1.{}/0003:2C97:5015.{interface}",
                number - 3
            );
            make(&format!("{hid}/hidraw/hidraw{number}"));
            link(&hid, &format!("{hid}/hidraw/hidraw{number}/device"));
            link(
                &format!("{hid}/hidraw/hidraw{number}"),
                &format!("class/hidraw/hidraw{number}"),
            );
        }
        // An interface is listed beside the devices and has no numbers of its own.
        link("devices/pci/usb3/3-2/3-2.1/3-2.1:1.0", "bus/usb/devices/3-2.1:1.0");
        root
    }

    #[cfg(unix)]
    #[test]
    fn every_device_is_listed_by_its_port_and_interfaces_are_none() {
        let machine = machine();
        let ports: Vec<(String, u16)> = listed(machine.path())
            .into_iter()
            .map(|one| (one.port, one.vendor))
            .collect();
        let expected = [("3-2", 0x05e3), ("3-2.1", 0x2c97), ("3-4", 0x1209), ("usb3", 0x1d6b)];
        assert_eq!(ports, expected.map(|(port, vendor)| (port.to_owned(), vendor)));
        assert_eq!(listed(&PathBuf::from("/no such folder")), []);
    }

    #[cfg(unix)]
    #[test]
    fn a_hid_node_leads_to_the_port_of_its_device() {
        let machine = machine();
        for node in ["/dev/hidraw3", "/dev/hidraw4"] {
            assert_eq!(port_of_hidraw(machine.path(), node).as_deref(), Some("3-2.1"));
        }
        for node in ["/dev/hidraw9", "DevSrvsID:4295", ""] {
            assert_eq!(port_of_hidraw(machine.path(), node), None, "{node}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_device_has_its_own_node_and_those_of_its_interfaces() {
        let machine = machine();
        let paths = |port| nodes(machine.path(), port);
        assert_eq!(
            paths("3-2.1"),
            ["/dev/bus/usb/003/005", "/dev/hidraw3", "/dev/hidraw4"].map(PathBuf::from)
        );
        assert_eq!(paths("3-4"), [PathBuf::from("/dev/bus/usb/003/003")]);
        assert_eq!(paths("9-9"), [] as [PathBuf; 0]);
    }

    #[test]
    fn the_numbers_of_libusb_are_the_same_port() {
        assert_eq!(port_of_numbers(3, &[2, 1]), "3-2.1");
        assert_eq!(port_of_numbers(1, &[4]), "1-4");
    }
}
