//! What the window remembers: network, nodes, theme, who is told of alerts. A TOML file for people to read; no secret of keys or nodes
//! is ever in it, but a webhook's address may hold a token: only its owner may read the file.
//!
//! A node's password is a named text of the vault (`node:<name>`); here is only that there is one.
//! Keys this version does not know are kept, so that an older program does not wipe a newer one's settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::alerts::Alerts;
use super::file::{self, FileError, Lock};

const MAX_FILE: u64 = 1 << 20;

/// What went wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    #[error(transparent)]
    File(#[from] FileError),
    /// The line counts from 1.
    #[error("{path}: line {line}: {reason}")]
    Malformed { path: PathBuf, line: usize, reason: String },
    #[error("the node '{node}' has user or password in its URL")]
    CredentialsInUrl { node: String },
    #[error("there is no node '{node}'")]
    UnknownNode { node: String },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the desktop says.
    #[default]
    System,
    Light,
    Dark,
}

/// A node somebody runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Name of the network's profile.
    pub network: String,
    /// `http(s)://host:port`, without user or password.
    pub url: String,
    #[serde(default)]
    pub login: Login,
}

/// How a node knows its user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Login {
    #[default]
    None,
    /// Asked for at every start.
    Ask { user: String },
    /// The password is in the vault: see [`password_name`].
    Vault { user: String },
    /// The node's cookie file.
    Cookie { file: PathBuf },
}

/// The list of all masternodes: which columns, and by which it is sorted. Names are the keys of `list --json`; what a program does
/// not know it leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MasternodeTable {
    /// In the order on screen; none for the usual ones.
    pub columns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    pub descending: bool,
}

impl MasternodeTable {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Name of the vault's text that is a node's password.
pub fn password_name(node: &str) -> String {
    format!("node:{node}")
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Name of the chosen network's profile.
    pub network: String,
    /// The embedded node and devices instead of a node.
    pub sandbox: bool,
    pub theme: Theme,
    /// Profiles besides the built-in ones.
    pub profiles: Vec<PathBuf>,
    /// Name of the chosen node, by network.
    pub chosen: BTreeMap<String, String>,
    /// Nodes by name.
    pub nodes: BTreeMap<String, Endpoint>,
    /// How the list of all masternodes is shown.
    #[serde(skip_serializing_if = "MasternodeTable::is_default")]
    pub masternode_table: MasternodeTable,
    /// Who is told of what, and when not.
    pub alerts: Alerts,
    #[serde(flatten)]
    unknown: toml::Table,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            network: "dash".to_owned(),
            sandbox: false,
            theme: Theme::default(),
            profiles: Vec::new(),
            chosen: BTreeMap::new(),
            nodes: BTreeMap::new(),
            masternode_table: MasternodeTable::default(),
            alerts: Alerts::default(),
            unknown: toml::Table::new(),
        }
    }
}

impl Settings {
    /// Reads the settings; none for the first start, when there is no file.
    ///
    /// # Errors
    /// The file cannot be read or makes no sense; it is left as it is.
    pub fn load(path: &Path) -> Result<Option<Self>, SettingsError> {
        let bytes = match file::read(path, MAX_FILE) {
            Err(error) if error.is_missing() => return Ok(None),
            other => other?,
        };
        let malformed = |line, reason| SettingsError::Malformed {
            path: path.to_owned(),
            line,
            reason,
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            malformed(line, "is no text".to_owned())
        })?;
        let settings: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..start].split(|byte| *byte == b'\n').count();
            malformed(line, error.message().to_owned())
        })?;
        settings.check()?;
        Ok(Some(settings))
    }

    /// Writes the settings, whole or not at all.
    ///
    /// # Errors
    /// A node's URL has a password in it, or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), SettingsError> {
        self.check()?;
        let text = toml::to_string_pretty(self).expect("tables with text keys");
        let _lock = Lock::take(path)?;
        file::replace(path, text.as_bytes())?;
        Ok(())
    }

    /// The node chosen for a network.
    pub fn node(&self, network: &str) -> Option<(&str, &Endpoint)> {
        let (name, node) = self.nodes.get_key_value(self.chosen.get(network)?)?;
        (node.network == network).then_some((name.as_str(), node))
    }

    /// Chooses a node for its network.
    ///
    /// # Errors
    /// [`SettingsError::UnknownNode`]
    pub fn choose(&mut self, node: &str) -> Result<(), SettingsError> {
        let endpoint = self
            .nodes
            .get(node)
            .ok_or_else(|| SettingsError::UnknownNode { node: node.to_owned() })?;
        self.chosen.insert(endpoint.network.clone(), node.to_owned());
        Ok(())
    }

    fn check(&self) -> Result<(), SettingsError> {
        match self.nodes.iter().find(|(_, node)| has_credentials(&node.url)) {
            Some((name, _)) => Err(SettingsError::CredentialsInUrl { node: name.clone() }),
            None => Ok(()),
        }
    }
}

/// `http://user:password@host:9998`
fn has_credentials(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#'])
        .next()
        .is_some_and(|host| host.contains('@'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node(login: Login) -> Endpoint {
        Endpoint {
            network: "dash".to_owned(),
            url: "https://node.example:9998".to_owned(),
            login,
        }
    }

    fn settings() -> Settings {
        let user = || "me".to_owned();
        Settings {
            theme: Theme::Dark,
            masternode_table: MasternodeTable {
                columns: vec!["service".to_owned(), "posePenalty".to_owned()],
                sort: Some("posePenalty".to_owned()),
                descending: true,
            },
            profiles: vec!["/etc/fork.toml".into()],
            nodes: BTreeMap::from([
                ("open".to_owned(), node(Login::None)),
                ("asked".to_owned(), node(Login::Ask { user: user() })),
                ("kept".to_owned(), node(Login::Vault { user: user() })),
                (
                    "home".to_owned(),
                    node(Login::Cookie {
                        file: "/home/me/.dashcore/.cookie".into(),
                    }),
                ),
            ]),
            ..Settings::default()
        }
    }

    #[test]
    fn settings_are_read_back_as_they_were_saved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        assert_eq!(Settings::load(&path), Ok(None));
        let mut saved = settings();
        saved.choose("home").unwrap();
        saved.save(&path).unwrap();
        let read = Settings::load(&path).unwrap().unwrap();
        assert_eq!(read, saved);
        assert_eq!(read.node("dash").unwrap().0, "home");
        assert_eq!(read.node("wei"), None);
        assert_eq!(
            saved.choose("nowhere"),
            Err(SettingsError::UnknownNode {
                node: "nowhere".to_owned()
            })
        );
    }

    #[test]
    fn keys_of_a_newer_version_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, "theme = \"light\"\n[fleet]\ngroups = [\"a\"]\n").unwrap();
        let read = Settings::load(&path).unwrap().unwrap();
        assert_eq!((read.theme, read.network.as_str()), (Theme::Light, "dash"));
        read.save(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("[fleet]") && text.contains("groups"), "{text}");
    }

    #[test]
    fn a_password_in_a_url_is_neither_saved_nor_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        let mut settings = settings();
        settings.nodes.get_mut("open").unwrap().url = "http://me:hunter2@host:9998/".to_owned();
        let refused = SettingsError::CredentialsInUrl {
            node: "open".to_owned(),
        };
        assert_eq!(settings.save(&path), Err(refused));
        assert!(!path.exists());
    }

    #[test]
    fn a_mistake_is_named_by_its_line_and_the_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        let text = "network = \"dash\"\ntheme = \"sepia\"\n";
        std::fs::write(&path, text).unwrap();
        assert!(matches!(
            Settings::load(&path),
            Err(SettingsError::Malformed { line: 2, .. })
        ));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        std::fs::write(&path, b"network = \"dash\"\n\xff").unwrap();
        assert!(matches!(
            Settings::load(&path),
            Err(SettingsError::Malformed { line: 2, .. })
        ));
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC*") {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("settings.toml");
            for file in [bytes, text.into_bytes()] {
                std::fs::write(&path, file).unwrap();
                let _ = Settings::load(&path);
            }
        }
    }
}
