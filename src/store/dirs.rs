//! Where the program's files are.

use std::path::{Path, PathBuf};

use directories::{ProjectDirs, UserDirs};

use super::file::{self, FileError};

/// Paths of everything kept. Nothing need exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    pub vault: PathBuf,
    pub journal: PathBuf,
    pub history: PathBuf,
    pub settings: PathBuf,
}

impl Dirs {
    /// The platform's places: on Linux `~/.local/share/castellan` and `~/.config/castellan`. None for a user without a
    /// home.
    pub fn platform() -> Option<Self> {
        let dirs = ProjectDirs::from("", "", "castellan")?;
        Some(Self::of(dirs.data_dir(), dirs.config_dir()))
    }

    /// Everything in one folder (`--data-dir`).
    pub fn at(folder: &Path) -> Self {
        Self::of(folder, folder)
    }

    /// The folder given, else the platform's places.
    pub fn choose(folder: Option<&Path>) -> Option<Self> {
        folder.map(Self::at).or_else(Self::platform)
    }

    /// Makes the folders that are missing, closed to other users.
    ///
    /// # Errors
    /// One cannot be made.
    pub fn create(&self) -> Result<(), FileError> {
        [&self.vault, &self.journal, &self.history, &self.settings]
            .into_iter()
            .filter_map(|path| path.parent())
            .try_for_each(file::make_folder)
    }

    fn of(data: &Path, config: &Path) -> Self {
        Self {
            vault: data.join("vault.castellan"),
            journal: data.join("journal.sqlite"),
            history: data.join("history.sqlite"),
            settings: config.join("settings.toml"),
        }
    }
}

/// Where the user keeps what he makes: his documents, else his home.
pub fn documents() -> Option<PathBuf> {
    let dirs = UserDirs::new()?;
    let documents = dirs.document_dir().filter(|folder| folder.is_dir());
    Some(documents.unwrap_or(dirs.home_dir()).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_folder_holds_everything_and_is_made_closed() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("deep/castellan");
        let dirs = Dirs::choose(Some(&folder)).unwrap();
        dirs.create().unwrap();
        for path in [&dirs.vault, &dirs.journal, &dirs.history, &dirs.settings] {
            assert_eq!(path.parent(), Some(folder.as_path()));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        dirs.create().unwrap();
    }
}
