//! A file that is to be made: its path as text, and a name for it that is free.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::store::FileError;

/// A text that is no place for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPath {
    Empty,
    Relative,
    Exists,
    Unwritable(FileError),
}

impl fmt::Display for NoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a path is missing"),
            Self::Relative => f.write_str("write the whole path, from the root of the disk"),
            Self::Exists => {
                f.write_str("there is a file of this name already; nothing was overwritten, choose another name")
            }
            Self::Unwritable(error) => error.fmt(f),
        }
    }
}

/// Reads the whole path of a file.
///
/// # Errors
/// What is wrong with it.
pub fn read_path(text: &str) -> Result<PathBuf, NoPath> {
    let text = text.trim();
    let path = PathBuf::from(text);
    if text.is_empty() {
        Err(NoPath::Empty)
    } else if path.is_absolute() {
        Ok(path)
    } else {
        Err(NoPath::Relative)
    }
}

/// The first of `stem.json`, `stem-2.json`, .. that is not there.
pub fn free(folder: &Path, stem: &str, ending: &str) -> Option<PathBuf> {
    let name = |n: u32| match n {
        1 => format!("{stem}.{ending}"),
        n => format!("{stem}-{n}.{ending}"),
    };
    (1..1_000).map(|n| folder.join(name(n))).find(|path| !path.exists())
}
