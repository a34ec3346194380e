//! What was told, and what a watcher saw last: so that after a restart, or in the next run of a cron job, what happened meanwhile is told,
//! and told once.
//!
//! A SQLite database beside the journal. It holds public data only. If it is lost, nothing is told of the time before.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use thiserror::Error;

use super::file::{self, FileError};

/// In the database's header: "CstA".
const APPLICATION: i32 = 0x4373_7441;
const VERSION: i32 = 1;
const PATIENCE: Duration = Duration::from_secs(5);
/// Alerts kept of each network; a year of a dozen masternodes.
const KEPT: u32 = 2_000;

const LAYOUT: &str = "
    CREATE TABLE seen (
        network TEXT NOT NULL,
        watcher TEXT NOT NULL,
        seen TEXT NOT NULL,
        PRIMARY KEY (network, watcher)
    ) STRICT;
    CREATE TABLE told (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        network TEXT NOT NULL,
        watcher TEXT NOT NULL,
        at INTEGER NOT NULL,
        waiting INTEGER NOT NULL,
        alert TEXT NOT NULL
    ) STRICT;
    CREATE INDEX told_of_network ON told(network, id);
";

/// What went wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AlertLogError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{path}: not a record of alerts of this version")]
    Unknown { path: PathBuf },
    /// SQLite's own words.
    #[error("{path}: {message}")]
    Database { path: PathBuf, message: String },
}

/// An alert that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Grows.
    pub id: i64,
    /// **Unix seconds**, by this computer's clock.
    pub at: u64,
    /// Nobody was sent it yet: those were quiet hours.
    pub waiting: bool,
    /// As it was written.
    pub alert: String,
}

/// An open record.
#[derive(Debug)]
pub struct AlertLog {
    path: PathBuf,
    database: Mutex<Connection>,
}

impl AlertLog {
    /// Beside a journal: `alerts.sqlite`.
    pub fn beside(journal: &Path) -> PathBuf {
        journal.with_file_name("alerts.sqlite")
    }

    /// Opens the record, making it if there is none.
    ///
    /// # Errors
    /// The file is something else, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, AlertLogError> {
        // Made here, so that it is never open to others.
        match file::private().write(true).create_new(true).open(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(FileError::io(path, &error).into());
            }
            _ => {}
        }
        let failed = |error: rusqlite::Error| database_error(path, &error);
        let mut database = Connection::open(path).map_err(failed)?;
        database.busy_timeout(PATIENCE).map_err(failed)?;
        let known = prepare(&mut database).map_err(failed)?;
        if !known {
            return Err(AlertLogError::Unknown { path: path.to_owned() });
        }
        Ok(Self {
            path: path.to_owned(),
            database: Mutex::new(database),
        })
    }

    /// What a watcher of a network saw last.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn seen(&self, network: &str, watcher: &str) -> Result<Option<String>, AlertLogError> {
        let query = "SELECT seen FROM seen WHERE network = ?1 AND watcher = ?2";
        self.database()
            .query_row(query, [network, watcher], |row| row.get(0))
            .optional()
            .map_err(|error| self.failed(&error))
    }

    /// Notes what a watcher saw and what it is about to tell, both or neither. `waiting`: these are quiet hours.
    ///
    /// # Errors
    /// It is not written.
    pub fn note(
        &self,
        of: Watcher<'_>,
        seen: &str,
        alerts: &[String],
        waiting: bool,
        now: u64,
    ) -> Result<(), AlertLogError> {
        let write = |database: &mut Connection| {
            let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute(
                "INSERT INTO seen (network, watcher, seen) VALUES (?1, ?2, ?3)
                 ON CONFLICT (network, watcher) DO UPDATE SET seen = excluded.seen",
                [of.network, of.name, seen],
            )?;
            for alert in alerts {
                transaction.execute(
                    "INSERT INTO told (network, watcher, at, waiting, alert) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![of.network, of.name, to_sql(now), waiting, alert],
                )?;
            }
            if !alerts.is_empty() {
                transaction.execute(
                    "DELETE FROM told WHERE network = ?1 AND waiting = 0 AND id NOT IN
                     (SELECT id FROM told WHERE network = ?1 ORDER BY id DESC LIMIT ?2)",
                    params![of.network, KEPT],
                )?;
            }
            transaction.commit()
        };
        write(&mut self.database()).map_err(|error| self.failed(&error))
    }

    /// The last alerts of a network, whoever told them, newest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn last(&self, network: &str, count: u32) -> Result<Vec<Row>, AlertLogError> {
        let read = |database: &Connection| -> rusqlite::Result<Vec<Row>> {
            let query = "SELECT id, at, waiting, alert FROM told WHERE network = ?1 ORDER BY id DESC LIMIT ?2";
            let mut statement = database.prepare(query)?;
            let rows = statement.query_map(params![network, count], row)?;
            rows.collect()
        };
        read(&self.database()).map_err(|error| self.failed(&error))
    }

    /// Whether a watcher has alerts to tell when its quiet hours are over.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn has_waiting(&self, of: Watcher<'_>) -> Result<bool, AlertLogError> {
        let query = "SELECT EXISTS (SELECT 1 FROM told WHERE network = ?1 AND watcher = ?2 AND waiting = 1)";
        self.database()
            .query_row(query, [of.network, of.name], |row| row.get(0))
            .map_err(|error| self.failed(&error))
    }

    /// Takes the alerts that waited, oldest first: they wait no longer.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn take_waiting(&self, of: Watcher<'_>) -> Result<Vec<Row>, AlertLogError> {
        let take = |database: &mut Connection| {
            let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let all = {
                let query = "SELECT id, at, waiting, alert FROM told WHERE network = ?1 AND watcher = ?2 AND waiting = 1 ORDER BY id";
                let mut statement = transaction.prepare(query)?;
                let rows = statement.query_map([of.network, of.name], row)?;
                rows.collect::<Result<Vec<Row>, _>>()?
            };
            transaction.execute(
                "UPDATE told SET waiting = 0 WHERE network = ?1 AND watcher = ?2",
                [of.network, of.name],
            )?;
            transaction.commit()?;
            Ok(all)
        };
        take(&mut self.database()).map_err(|error| self.failed(&error))
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: &rusqlite::Error) -> AlertLogError {
        database_error(&self.path, error)
    }
}

/// Who watches what: the window and a command in the background each have seen something else last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watcher<'a> {
    pub network: &'a str,
    pub name: &'a str,
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        id: row.get(0)?,
        at: u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default(),
        waiting: row.get(2)?,
        alert: row.get(3)?,
    })
}

/// False for the database of something else, or of a newer version.
fn prepare(database: &mut Connection) -> rusqlite::Result<bool> {
    database.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    database.pragma_update(None, "synchronous", "NORMAL")?;
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let pragma = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version, tables) {
        (0, 0, 0) => {
            transaction.execute_batch(LAYOUT)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        (APPLICATION, VERSION, _) => {}
        _ => return Ok(false),
    }
    transaction.commit()?;
    Ok(true)
}

fn database_error(path: &Path, error: &rusqlite::Error) -> AlertLogError {
    AlertLogError::Database {
        path: path.to_owned(),
        message: error.to_string(),
    }
}

fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Watcher<'_> = Watcher {
        network: "dash",
        name: "window",
    };

    fn alerts(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_was_seen_and_told_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = AlertLog::beside(&folder.path().join("journal.sqlite"));
        let told = AlertLog::open(&path).unwrap();
        assert_eq!(told.seen("dash", "window"), Ok(None));
        told.note(ME, "{1}", &alerts(&["a", "b"]), false, 7).unwrap();
        told.note(ME, "{2}", &alerts(&["c"]), false, 8).unwrap();
        drop(told);
        let told = AlertLog::open(&path).unwrap();
        assert_eq!(told.seen("dash", "window").unwrap().as_deref(), Some("{2}"));
        assert_eq!(told.seen("dash", "watch"), Ok(None));
        let last = told.last("dash", 2).unwrap();
        let words: Vec<(&str, u64)> = last.iter().map(|row| (row.alert.as_str(), row.at)).collect();
        assert_eq!(words, [("c", 8), ("b", 7)]);
        assert_eq!(told.last("wei", 2), Ok(Vec::new()));
    }

    #[test]
    fn what_waits_is_taken_once_and_by_its_own_watcher() {
        let folder = tempfile::tempdir().unwrap();
        let told = AlertLog::open(&folder.path().join("alerts.sqlite")).unwrap();
        let other = Watcher { name: "watch", ..ME };
        told.note(ME, "", &alerts(&["a", "b"]), true, 1).unwrap();
        told.note(other, "", &alerts(&["c"]), true, 1).unwrap();
        assert_eq!(told.has_waiting(ME), Ok(true));
        let words: Vec<String> = told
            .take_waiting(ME)
            .unwrap()
            .into_iter()
            .map(|row| row.alert)
            .collect();
        assert_eq!(words, ["a", "b"]);
        assert_eq!((told.has_waiting(ME), told.has_waiting(other)), (Ok(false), Ok(true)));
        assert_eq!(told.take_waiting(ME), Ok(Vec::new()));
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let told = AlertLog::open(&folder.path().join("alerts.sqlite")).unwrap();
        let many: Vec<String> = (0..KEPT + 50).map(|number| number.to_string()).collect();
        told.note(ME, "", &many, false, 1).unwrap();
        let all = told.last("dash", u32::MAX).unwrap();
        assert_eq!(all.len(), KEPT as usize);
        assert_eq!(all[0].alert, (KEPT + 49).to_string());
    }

    #[test]
    fn another_programs_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.sqlite");
        std::fs::write(&path, b"not a database, but somebody's text").unwrap();
        assert!(AlertLog::open(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"not a database, but somebody's text");
    }
}
