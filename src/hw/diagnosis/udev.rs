//! The udev rules that let the user of a Linux desktop open a device. The packages install them; elsewhere they are put in place here,
//! once, with the administrator's consent.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use thiserror::Error;

use crate::hw::Kind;

/// Where rules are looked for, by rank. The first is the administrator's.
const FOLDERS: [&str; 4] = [
    "etc/udev/rules.d",
    "run/udev/rules.d",
    "usr/lib/udev/rules.d",
    "lib/udev/rules.d",
];
/// What pkexec exits with when the user closes its question, and when it may not ask or is refused.
const DISMISSED: i32 = 126;
const NOT_AUTHORIZED: i32 = 127;

/// Why the rules are not in place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UdevError {
    #[error("this system has no pkexec to ask for the administrator's password")]
    NoPkexec,
    #[error("the administrator's password was not given")]
    Refused,
    #[error("the rules could not be installed: {reason}")]
    Failed { reason: String },
}

/// The rules.
pub fn text(kind: Kind) -> &'static str {
    match kind {
        Kind::Ledger => include_str!("../../../packaging/linux/70-castellan-ledger.rules"),
        Kind::Trezor => include_str!("../../../packaging/linux/70-castellan-trezor.rules"),
    }
}

/// The file they belong into. Its name has to sort before `73-seat-late.rules`.
pub fn path(kind: Kind) -> PathBuf {
    file_below(Path::new("/"), kind)
}

fn file_below(root: &Path, kind: Kind) -> PathBuf {
    root.join(FOLDERS[0]).join(match kind {
        Kind::Ledger => "70-castellan-ledger.rules",
        Kind::Trezor => "70-castellan-trezor.rules",
    })
}

/// Whether rules for such a device are in place: these, or those of its maker or another wallet.
pub fn is_installed(kind: Kind) -> bool {
    is_installed_below(Path::new("/"), kind)
}

fn is_installed_below(root: &Path, kind: Kind) -> bool {
    let files = FOLDERS.iter().filter_map(|folder| fs::read_dir(root.join(folder)).ok());
    files
        .flat_map(Iterator::flatten)
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some(OsStr::new("rules")))
        .filter_map(|path| fs::read_to_string(path).ok())
        .any(|rules| is_about(&rules, kind))
}

/// One of the lines that are no comments opens the device to somebody.
fn is_about(rules: &str, kind: Kind) -> bool {
    let numbers: &[&str] = match kind {
        Kind::Ledger => &["2c97"],
        Kind::Trezor => &["1209", "53c1"],
    };
    let lines = rules.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut opening = lines.filter(|line| line.contains("uaccess") || line.contains("MODE"));
    opening.any(|line| numbers.iter().all(|number| line.contains(number)))
}

/// Puts the rules in place and has them applied to what is plugged in. The system asks for the administrator's password, once; this
/// waits for it.
///
/// # Errors
/// [`UdevError`]. After a failure the file may be there without being applied yet.
pub fn install(kind: Kind) -> Result<(), UdevError> {
    install_with(OsStr::new("pkexec"), &path(kind), text(kind))
}

/// `find` runs the three commands one after the other, each only if the one before it went well, and prints the folder at the end: as
/// one command they need one password, and no shell.
fn install_with(pkexec: &OsStr, file: &Path, rules: &str) -> Result<(), UdevError> {
    let failed = |reason: &str| UdevError::Failed {
        reason: reason.to_owned(),
    };
    let folder = file
        .parent()
        .and_then(Path::parent)
        .ok_or_else(|| failed("no folder for them"))?;
    let mut command = Command::new(pkexec);
    command.arg("find").arg(folder).args(["-maxdepth", "0"]);
    command
        .args(["-exec", "install", "-D", "-m", "0644", "/dev/stdin"])
        .arg(file)
        .arg(";");
    command.args(["-exec", "udevadm", "control", "--reload", ";"]);
    command.args([
        "-exec",
        "udevadm",
        "trigger",
        "--subsystem-match=usb",
        "--subsystem-match=hidraw",
        ";",
    ]);
    command.arg("-print");
    let output = run(command, rules)?;
    match output.status.code() {
        Some(0) if !output.stdout.is_empty() => Ok(()),
        Some(DISMISSED | NOT_AUTHORIZED) => Err(UdevError::Refused),
        _ => Err(failed(&first_line(&output.stderr))),
    }
}

fn run(mut command: Command, input: &str) -> Result<Output, UdevError> {
    let failed = |error: std::io::Error| UdevError::Failed {
        reason: error.kind().to_string(),
    };
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => UdevError::NoPkexec,
        _ => failed(error),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(input.as_bytes()) {
            // Refused before the rules were read: the exit code tells.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written.map_err(failed)?,
        }
    }
    child.wait_with_output().map_err(failed)
}

fn first_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or("it does not say why")
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_name_the_vendor_and_sort_before_the_seat_rules() {
        for kind in [Kind::Ledger, Kind::Trezor] {
            assert!(is_about(text(kind), kind));
            assert!(path(kind).file_name().unwrap() < OsStr::new("73-seat-late.rules"));
        }
        assert!(!is_about(text(Kind::Ledger), Kind::Trezor));
    }

    #[test]
    fn rules_of_others_count_in_any_folder_and_comments_do_not() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("usr/lib/udev/rules.d");
        fs::create_dir_all(&folder).unwrap();
        assert!(!is_installed_below(root.path(), Kind::Trezor));
        let rule = r#"SUBSYSTEM=="usb", ATTR{idVendor}=="1209", ATTR{idProduct}=="53c1", MODE="0660", TAG+="uaccess""#;
        fs::write(folder.join("51-trezor.rules"), format!("# {rule}")).unwrap();
        assert!(!is_installed_below(root.path(), Kind::Trezor));
        fs::write(folder.join("51-trezor.txt"), rule).unwrap();
        assert!(!is_installed_below(root.path(), Kind::Trezor));
        fs::write(folder.join("51-trezor.rules"), rule).unwrap();
        assert!(is_installed_below(root.path(), Kind::Trezor));
        assert!(!is_installed_below(root.path(), Kind::Ledger));
    }

    #[cfg(target_os = "linux")]
    mod with_a_stand_in {
        use super::*;
        use std::os::unix::fs::PermissionsExt;

        /// A pkexec that does as it is told, or something else; and an udevadm that writes down how it was called.
        struct Machine {
            root: tempfile::TempDir,
        }

        impl Machine {
            fn new(pkexec: &str, udevadm: &str) -> Self {
                let machine = Self {
                    root: tempfile::tempdir().unwrap(),
                };
                let called = machine.at("called");
                let bin = machine.at("bin");
                fs::create_dir_all(&bin).unwrap();
                fs::create_dir_all(machine.at("etc/udev")).unwrap();
                let pkexec = format!("#!/bin/sh\nPATH={}:$PATH\nexport PATH\n{pkexec}\n", bin.display());
                let udevadm = format!("#!/bin/sh\necho \"$@\" >> {}\n{udevadm}\n", called.display());
                for (name, script) in [("pkexec", pkexec), ("udevadm", udevadm)] {
                    fs::write(bin.join(name), script).unwrap();
                    fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
                }
                machine
            }

            fn at(&self, path: &str) -> PathBuf {
                self.root.path().join(path)
            }

            fn install(&self) -> Result<(), UdevError> {
                let file = file_below(self.root.path(), Kind::Ledger);
                install_with(self.at("bin/pkexec").as_os_str(), &file, text(Kind::Ledger))
            }

            fn called(&self) -> String {
                fs::read_to_string(self.at("called")).unwrap_or_default()
            }
        }

        #[test]
        fn the_rules_are_written_for_all_to_read_and_applied() {
            let machine = Machine::new("exec \"$@\"", "");
            assert_eq!(machine.install(), Ok(()));
            let file = machine.at("etc/udev/rules.d/70-castellan-ledger.rules");
            assert_eq!(fs::read_to_string(&file).unwrap(), text(Kind::Ledger));
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
            assert!(is_installed_below(machine.root.path(), Kind::Ledger));
            assert_eq!(
                machine.called(),
                "control --reload\ntrigger --subsystem-match=usb --subsystem-match=hidraw\n"
            );
            assert_eq!(machine.install(), Ok(()), "again");
        }

        #[test]
        fn each_way_to_fail_has_its_reason() {
            for code in ["126", "127"] {
                let machine = Machine::new(&format!("exit {code}"), "");
                assert_eq!(machine.install(), Err(UdevError::Refused));
                assert!(!is_installed_below(machine.root.path(), Kind::Ledger));
            }
            let failed = |reason: &str| {
                Err(UdevError::Failed {
                    reason: reason.to_owned(),
                })
            };
            let broken = Machine::new("echo 'the disk is full' >&2; exit 1", "");
            assert_eq!(broken.install(), failed("the disk is full"));
            let no_reload = Machine::new("exec \"$@\"", "echo 'udevd is not running' >&2; exit 1");
            assert_eq!(no_reload.install(), failed("udevd is not running"));
            assert_eq!(no_reload.called(), "control --reload\n", "and no more after it");
            let without = install_with(OsStr::new("/no such program"), &broken.at("a/b/c"), "");
            assert_eq!(without, Err(UdevError::NoPkexec));
        }
    }
}
