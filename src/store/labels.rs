//! Labels of addresses, coins and transactions, as BIP-0329 lines: one JSON object each, which other wallets read too.
//!
//! One file per network, beside the journal. Lines and fields this program does not know are kept as they are.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use bitcoin::{OutPoint, Txid};
use serde_json::{Map, Value};
use thiserror::Error;

use super::file::{self, FileError, Lock};
use super::keys::is_invisible;

/// Bytes; some fifty thousand labels.
const MAX_FILE: u64 = 8 << 20;
/// Letters of one label: what a table has room for.
pub const MAX_LABEL: usize = 255;

/// What has a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Item {
    /// As the network writes it.
    Address(String),
    Output(OutPoint),
    Transaction(Txid),
}

impl Item {
    /// `type` of BIP-0329.
    fn kind(&self) -> &'static str {
        match self {
            Self::Address(_) => "addr",
            Self::Output(_) => "output",
            Self::Transaction(_) => "tx",
        }
    }

    fn read(object: &Map<String, Value>) -> Option<Self> {
        let reference = object.get("ref")?.as_str()?;
        match object.get("type")?.as_str()? {
            "addr" => Some(Self::Address(reference.to_owned())),
            "output" => reference.parse().ok().map(Self::Output),
            "tx" => reference.parse().ok().map(Self::Transaction),
            _ => None,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => f.write_str(text),
            Self::Output(outpoint) => outpoint.fmt(f),
            Self::Transaction(txid) => txid.fmt(f),
        }
    }
}

/// Why labels are not read or kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LabelsError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{path}: not a text")]
    NotText { path: PathBuf },
    #[error("the label has {len} letters, more than {MAX_LABEL}")]
    TooLong { len: usize },
    #[error("a label has one line, and no letters that hide or turn the text around them")]
    SeveralLines,
}

/// The labels of one network, as read; each change is on disk when it returns.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// None: kept in memory only.
    path: Option<PathBuf>,
    lines: Vec<String>,
    /// The last line of each item counts.
    found: HashMap<Item, String>,
}

impl Labels {
    /// The file of a network beside a journal: `labels-dash.jsonl`.
    pub fn beside(journal: &Path, network: &str) -> PathBuf {
        // A network's name may come from a file of the user's.
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        let name: String = network
            .chars()
            .map(|letter| if plain(letter) { letter } else { '_' })
            .collect();
        journal.with_file_name(format!("labels-{name}.jsonl"))
    }

    /// Reads a file; one that is not there has no labels yet.
    ///
    /// # Errors
    /// It cannot be read, or is no text.
    pub fn open(path: &Path) -> Result<Self, LabelsError> {
        let bytes = match file::read(path, MAX_FILE) {
            Err(error) if error.is_missing() => Vec::new(),
            read => read?,
        };
        let text = String::from_utf8(bytes).map_err(|_| LabelsError::NotText { path: path.to_owned() })?;
        let lines: Vec<String> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(str::to_owned)
            .collect();
        let mut labels = Self {
            path: Some(path.to_owned()),
            found: lines.iter().filter_map(|line| read_line(line)).collect(),
            lines,
        };
        labels.found.retain(|_, label| !label.is_empty());
        Ok(labels)
    }

    pub fn get(&self, item: &Item) -> Option<&str> {
        self.found.get(item).map(String::as_str)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Item, &str)> {
        self.found.iter().map(|(item, label)| (item, label.as_str()))
    }

    /// Gives a label; an empty one takes it away. What another program wrote meanwhile is kept.
    ///
    /// # Errors
    /// Too long, of several lines, or not written.
    pub fn set(&mut self, item: &Item, label: &str) -> Result<(), LabelsError> {
        let label = check(label)?;
        let Some(path) = self.path.clone() else {
            self.put(item, label);
            return Ok(());
        };
        let _lock = Lock::take(&path)?;
        let mut now = Self::open(&path)?;
        now.put(item, label);
        let mut text = now.lines.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        file::replace(&path, text.as_bytes())?;
        *self = now;
        Ok(())
    }

    fn put(&mut self, item: &Item, label: &str) {
        let mut object = Map::new();
        // What other programs wrote of it stays: its origin, whether it may be spent.
        self.lines.retain(|line| match parse(line) {
            Some(known) if Item::read(&known).as_ref() == Some(item) => {
                object.extend(known);
                false
            }
            _ => true,
        });
        self.found.remove(item);
        object.insert("type".to_owned(), item.kind().into());
        object.insert("ref".to_owned(), item.to_string().into());
        object.shift_remove("label");
        if !label.is_empty() {
            object.insert("label".to_owned(), label.into());
            self.found.insert(item.clone(), label.to_owned());
        }
        if object.len() > 2 {
            self.lines.push(Value::Object(object).to_string());
        }
    }
}

fn check(label: &str) -> Result<&str, LabelsError> {
    let label = label.trim();
    if label.chars().any(is_invisible) {
        return Err(LabelsError::SeveralLines);
    }
    match label.chars().count() {
        len if len > MAX_LABEL => Err(LabelsError::TooLong { len }),
        _ => Ok(label),
    }
}

fn parse(line: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// The label of a line; cut to one line and to what is shown, whoever wrote it.
fn read_line(line: &str) -> Option<(Item, String)> {
    let object = parse(line)?;
    let label = object.get("label").and_then(Value::as_str).unwrap_or_default();
    let shown = label
        .chars()
        .filter(|letter| !is_invisible(*letter))
        .take(MAX_LABEL)
        .collect();
    Some((Item::read(&object)?, shown))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn address(text: &str) -> Item {
        Item::Address(text.to_owned())
    }

    /// The examples of BIP-0329.
    const EXAMPLES: &str = r#"{"type":"tx","ref":"f91d0a8a78462bc59398f2c5d7a84fcff491c26ba54c4833478b202796c8aafd","label":"Transaction","origin":"wpkh([d34db33f/84'/0'/0'])"}
{"type":"addr","ref":"bc1q34aq5drpuwy3wgl9lhup9892qp6svr8ldzyy7c","label":"Address"}
{"type":"pubkey","ref":"0283409659355b6d1cc3c32decd5d561abaac86c37a353b52895a5e6c196d6f448","label":"Public Key"}
{"type":"output","ref":"f91d0a8a78462bc59398f2c5d7a84fcff491c26ba54c4833478b202796c8aafd:1","label":"Output","spendable":false}
not even JSON
"#;

    #[test]
    fn the_standards_examples_are_read_and_what_is_not_understood_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = Labels::beside(&folder.path().join("journal.sqlite"), "dash");
        assert!(path.ends_with("labels-dash.jsonl"));
        std::fs::write(&path, EXAMPLES).unwrap();
        let mut labels = Labels::open(&path).unwrap();
        let txid: Txid = "f91d0a8a78462bc59398f2c5d7a84fcff491c26ba54c4833478b202796c8aafd"
            .parse()
            .unwrap();
        let output = Item::Output(OutPoint { txid, vout: 1 });
        assert_eq!(labels.get(&Item::Transaction(txid)), Some("Transaction"));
        assert_eq!(labels.get(&output), Some("Output"));
        labels.set(&output, "for the second node").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("\"Public Key\"") && text.contains("not even JSON\n"),
            "{text}"
        );
        assert!(text.contains("\"spendable\":false") && text.contains("wpkh("), "{text}");
        let again = Labels::open(&path).unwrap();
        assert_eq!(again.get(&output), Some("for the second node"));
        assert_eq!(again.iter().count(), 3);
    }

    #[test]
    fn an_empty_label_takes_it_away_and_two_writers_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.jsonl");
        let (mut one, mut other) = (Labels::open(&path).unwrap(), Labels::open(&path).unwrap());
        one.set(&address("a"), "first").unwrap();
        other.set(&address("b"), "second").unwrap();
        assert_eq!(other.get(&address("a")), Some("first"));
        other.set(&address("a"), "  ").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"type\":\"addr\",\"ref\":\"b\",\"label\":\"second\"}\n");
        assert_eq!(other.get(&address("a")), None);
    }

    #[test]
    fn a_label_is_one_short_line() {
        let mut labels = Labels::default();
        assert_eq!(labels.set(&address("a"), "two\nlines"), Err(LabelsError::SeveralLines));
        let long = "ä".repeat(MAX_LABEL + 1);
        assert_eq!(
            labels.set(&address("a"), &long),
            Err(LabelsError::TooLong { len: MAX_LABEL + 1 })
        );
        labels.set(&address("a"), &long[2..]).unwrap();
        assert_eq!(
            labels.get(&address("a")).map(|label| label.chars().count()),
            Some(MAX_LABEL)
        );
    }

    #[test]
    fn a_label_of_any_file_shows_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.jsonl");
        std::fs::write(
            &path,
            r#"{"type":"addr","ref":"a","label":"cold\u202e \u2028tekrow\u0007"}"#,
        )
        .unwrap();
        let mut labels = Labels::open(&path).unwrap();
        assert_eq!(labels.get(&address("a")), Some("cold tekrow"));
        assert_eq!(labels.set(&address("a"), "a\u{202e}b"), Err(LabelsError::SeveralLines));
    }

    #[test]
    fn a_networks_name_makes_no_path() {
        let path = Labels::beside(Path::new("/data/journal.sqlite"), "../../etc/x");
        assert_eq!(path, Path::new("/data/labels-______etc_x.jsonl"));
    }
}
