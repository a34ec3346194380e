//! Why a device that is plugged in cannot be used: another program holds it, the system does not let its user open it, its software is
//! too old.
//!
//! Everything here may block (files of the system; a question for the administrator's password): call it off the window's thread.

pub mod udev;

use std::fs;
use std::path::{Path, PathBuf};

use super::{DeviceError, Kind, usb};

/// Where Linux tells about its processes.
const PROC: &str = "/proc";

/// A program that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    /// As the system shows it, at most 15 bytes: `trezord`.
    pub name: String,
}

/// Who, other than this program, has the device at a place (`usb:3-2.1`) open. None also where the system does not tell: other users'
/// programs, and systems other than Linux.
pub fn holder(place: &str) -> Option<Process> {
    let port = place.strip_prefix(usb::PREFIX)?;
    let nodes = usb::nodes(Path::new(usb::SYSFS), port);
    holder_of(Path::new(PROC), &nodes, std::process::id())
}

/// The reason why the device at a port cannot be opened though it is there and permitted.
pub fn taken(kind: Kind, port: &str) -> DeviceError {
    match holder(&format!("{}{port}", usb::PREFIX)) {
        Some(Process { pid, name }) => DeviceError::HeldBy {
            kind,
            process: format!("{name} (process {pid})"),
        },
        None => DeviceError::Busy { kind },
    }
}

/// The program to blame for an error that another one's commands between ours can cause, if there is one; else the error.
pub fn blamed(error: DeviceError, kind: Kind, place: &str) -> DeviceError {
    let disturbed = matches!(
        error,
        DeviceError::Busy { .. }
            | DeviceError::Gone { .. }
            | DeviceError::BadAnswer { .. }
            | DeviceError::TimedOut { .. }
    );
    let port = place.strip_prefix(usb::PREFIX).filter(|_| disturbed);
    match port.map(|port| taken(kind, port)) {
        Some(held @ DeviceError::HeldBy { .. }) => held,
        _ => error,
    }
}

/// The first other process with one of these files open.
fn holder_of(proc: &Path, nodes: &[PathBuf], myself: u32) -> Option<Process> {
    let mut pids: Vec<u32> = fs::read_dir(proc)
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != myself)
        .collect();
    pids.sort_unstable();
    let found = pids
        .into_iter()
        .find(|pid| has_open(&proc.join(pid.to_string()), nodes))?;
    let name = fs::read_to_string(proc.join(found.to_string()).join("comm")).unwrap_or_default();
    // A program names itself: no letters that would hide or turn the words around them.
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let name: String = name.trim().chars().map(plain).collect();
    Some(Process {
        pid: found,
        name: if name.is_empty() {
            "another program".to_owned()
        } else {
            name
        },
    })
}

/// False also for a process of another user, whose files are not shown.
fn has_open(process: &Path, nodes: &[PathBuf]) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|target| nodes.contains(&target))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::os::unix::fs::symlink;

    /// Processes with their open files, as below /proc.
    fn processes(all: &[(u32, &str, &[&str])]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (pid, name, files) in all {
            let folder = root.path().join(pid.to_string());
            fs::create_dir_all(folder.join("fd")).unwrap();
            fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
            for (number, file) in files.iter().enumerate() {
                symlink(file, folder.join("fd").join(number.to_string())).unwrap();
            }
        }
        fs::create_dir_all(root.path().join("sys")).unwrap();
        root
    }

    #[test]
    fn the_process_with_the_devices_node_open_is_named_and_this_one_is_not() {
        let node = [PathBuf::from("/dev/hidraw3"), PathBuf::from("/dev/bus/usb/003/007")];
        let all = processes(&[
            (7, "castellan", &["/dev/null", "/dev/hidraw3"]),
            (9, "firefox", &["/dev/hidraw33", "socket:[1]"]),
            (12, "ledger-live-des", &["/dev/null", "/dev/hidraw3"]),
        ]);
        let found = holder_of(all.path(), &node, 7).unwrap();
        assert_eq!((found.pid, found.name.as_str()), (12, "ledger-live-des"));
        assert_eq!(holder_of(all.path(), &[PathBuf::from("/dev/hidraw4")], 7), None);
        assert_eq!(holder_of(all.path(), &[], 7), None);
        assert_eq!(holder_of(Path::new("/no such folder"), &node, 7), None);
    }

    #[test]
    fn a_program_cannot_write_more_than_its_name_into_a_sentence() {
        let node = [PathBuf::from("/dev/hidraw3")];
        let all = processes(&[(12, "a\n\u{1b}[2J\u{202e}b", &["/dev/hidraw3"])]);
        assert_eq!(holder_of(all.path(), &node, 7).unwrap().name, "a??[2J?b");
    }

    #[test]
    fn a_file_that_is_really_open_is_found_with_its_real_process() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().canonicalize().unwrap();
        // As another process would look for it: nobody is left out.
        let found = holder_of(Path::new(PROC), std::slice::from_ref(&path), 0).unwrap();
        assert_eq!(found.pid, std::process::id());
        assert!(!found.name.is_empty());
        assert_eq!(holder_of(Path::new(PROC), &[path], std::process::id()), None);
    }

    #[test]
    fn an_error_is_blamed_on_nobody_where_nobody_holds_the_device() {
        let kind = Kind::Ledger;
        for error in [
            DeviceError::Busy { kind },
            DeviceError::Declined,
            DeviceError::Locked { kind },
        ] {
            assert_eq!(blamed(error.clone(), kind, "usb:99-9.9"), error);
            assert_eq!(blamed(error.clone(), kind, "127.0.0.1:9999"), error);
        }
    }
}
