//! Files that are there whole or not at all: atomic replacement, a lock between processes, bounded reading.
//!
//! A file is written beside its target, synced, renamed over it, and the folder is synced. Whoever reads at any moment, or
//! after a crash at any moment, finds the old bytes or the new ones. Only the owner may read what is written here.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

/// A writer holds the lock for milliseconds; who waits longer meets a process that hangs.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// What went wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileError {
    #[error("{path}: {kind}")]
    Io { path: PathBuf, kind: io::ErrorKind },
    #[error("{path}: larger than {limit} bytes")]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("{path}: another process is writing")]
    Busy { path: PathBuf },
}

impl FileError {
    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            kind: error.kind(),
        }
    }

    /// Whether the file does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::Io {
                kind: io::ErrorKind::NotFound,
                ..
            }
        )
    }
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// It cannot be read, or is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let failed = |error: io::Error| FileError::io(path, &error);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

/// Replaces a file, or makes it, readable by its owner only; durable when this returns.
///
/// Two writers at once would share the file beside it: callers hold a [`Lock`]. A link is followed, so that a file kept
/// elsewhere stays there.
///
/// # Errors
/// Nothing has changed, or (if only the last sync failed) all has.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let beside = beside(&target, ".new");
    let failed = |error: io::Error| FileError::io(&target, &error);
    // One that a crash left behind; `create_new` below then refuses to follow a link put in its place.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = private().write(true).create_new(true).open(&beside).map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    drop(file);
    written
        .and_then(|()| fs::rename(&beside, &target))
        .inspect_err(|_| _ = fs::remove_file(&beside))
        .map_err(failed)?;
    sync_folder(&target).map_err(failed)
}

/// Makes a file that is not there yet, readable by its owner only; durable when this returns.
///
/// # Errors
/// It is there already (`AlreadyExists`) and was left alone, or it cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |error: io::Error| FileError::io(path, &error);
    let mut file = private().write(true).create_new(true).open(path).map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.inspect_err(|_| _ = fs::remove_file(path)).map_err(failed)?;
    sync_folder(path).map_err(failed)
}

/// Makes a folder and those above it; new ones are closed to other users.
///
/// # Errors
/// It cannot be made.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| FileError::io(path, &error))
}

/// Options for a file that only its owner may read.
pub(crate) fn private() -> OpenOptions {
    #[allow(unused_mut)]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The right to write a file, among the processes that ask for it; given back when dropped or when the process dies.
///
/// It is a file of its own beside the target, because the target is replaced. It stays behind, empty.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits some seconds for the right to write `path`.
    ///
    /// # Errors
    /// [`FileError::Busy`] when another process keeps it.
    pub fn take(path: &Path) -> Result<Self, FileError> {
        Self::take_within(path, LOCK_PATIENCE)
    }

    fn take_within(path: &Path, patience: Duration) -> Result<Self, FileError> {
        let beside = beside(path, ".lock");
        let file = private()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&beside)
            .map_err(|error| FileError::io(&beside, &error))?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(FileError::io(&beside, &error)),
                Err(TryLockError::WouldBlock) if start.elapsed() >= patience => {
                    return Err(FileError::Busy { path: path.to_owned() });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_POLL),
            }
        }
    }
}

/// `vault.castellan` -> `vault.castellan.new`
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes a rename durable; where folders cannot be synced (Windows) the system does it by itself.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_has_the_new_bytes_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(read(&path, 3).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_crash_left_beside_is_ignored_and_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        replace(&path, b"one").unwrap();
        fs::write(beside(&path, ".new"), b"half of tw").unwrap();
        assert_eq!(read(&path, 100).unwrap(), b"one");
        replace(&path, b"two").unwrap();
        assert_eq!(read(&path, 100).unwrap(), b"two");
    }

    #[test]
    #[cfg(unix)]
    fn only_the_owner_may_read_and_links_are_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("kept"), folder.path().join("link"));
        fs::write(&path, b"open to all").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&path, &link).unwrap();
        replace(&link, b"closed").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path, 6).unwrap(), b"closed");
    }

    #[test]
    fn a_file_above_the_limit_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        fs::write(&path, [0; 11]).unwrap();
        assert!(matches!(read(&path, 10), Err(FileError::TooLarge { limit: 10, .. })));
        assert!(read(&folder.path().join("none"), 10).unwrap_err().is_missing());
    }

    #[test]
    fn a_second_writer_waits_and_then_says_who_is_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let lock = Lock::take(&path).unwrap();
        let refused = Lock::take_within(&path, Duration::from_millis(30));
        assert_eq!(refused.unwrap_err(), FileError::Busy { path: path.clone() });
        drop(lock);
        assert!(Lock::take_within(&path, Duration::ZERO).is_ok());
    }
}
