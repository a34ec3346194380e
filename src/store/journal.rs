//! The journal: what was begun, what was signed, what was sent; each entry on disk before the next step is taken.
//!
//! An operation is a number and a list of events that only grows; its state is read from them. After a crash the journal
//! says how far it got: above all, whether a finished transaction may have been sent.
//!
//! It holds no secret, and is made so that it can hardly: a plan is written from a type by serde, which no type of a
//! secret implements; a signature must be longer than any secret key.
//!
//! A SQLite database with a write-ahead log, synced at every commit (`synchronous = FULL`), readable by its owner only.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bitcoin::{BlockHash, Txid};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::file::{self, FileError};

/// In the database's header, so that it is not mistaken for another program's: "CstJ".
const APPLICATION: i32 = 0x4373_744a;
/// Layout written and the highest read.
const VERSION: i32 = 1;
/// Shortest signature kept, in bytes: a compact secp256k1 one without its header. Secret keys have 32.
const MIN_SIGNATURE: usize = 64;
/// A writer holds the database for milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

const LAYOUT: &str = "
    CREATE TABLE operation (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        network TEXT NOT NULL,
        created INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        operation INTEGER NOT NULL REFERENCES operation(id),
        at INTEGER NOT NULL,
        event TEXT NOT NULL
    ) STRICT;
    CREATE INDEX event_of_operation ON event(operation, id);
    CREATE TRIGGER event_is_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are kept'); END;
    CREATE TRIGGER event_is_final BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are final'); END;
    CREATE TRIGGER operation_is_kept BEFORE DELETE ON operation BEGIN SELECT RAISE(ABORT, 'operations are kept'); END;
    CREATE TRIGGER operation_is_final BEFORE UPDATE ON operation BEGIN SELECT RAISE(ABORT, 'operations are final'); END;
";

/// What went wrong with the journal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JournalError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{path}: not a journal")]
    NotAJournal { path: PathBuf },
    #[error("{path}: the journal is of version {version}, this program knows up to {VERSION}")]
    Newer { path: PathBuf, version: i32 },
    #[error("{path}: entry {event} of operation {operation} cannot be read")]
    Damaged { path: PathBuf, operation: i64, event: i64 },
    /// SQLite's own words and extended code.
    #[error("{path}: {message} ({code})")]
    Database { path: PathBuf, code: i32, message: String },
    #[error("there is no operation {id}")]
    UnknownOperation { id: i64 },
    #[error("operation {id} is past the point of no return; it cannot be cancelled")]
    PastNoReturn { id: i64 },
    #[error("{length} bytes are no signature")]
    NotASignature { length: usize },
    #[error("the plan cannot be written as JSON: {reason}")]
    Plan { reason: String },
}

/// Something that happened to an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The checked plan, as JSON text. Written by [`Journal::begin`].
    Planned { plan: String },
    /// A signature, in hex, and what it is of: `collateral`, `input 0`.
    Signed { what: String, hex: String },
    /// The transaction as it will be sent.
    Finished { txid: Txid, hex: String },
    /// The point of no return: from here it may have been sent.
    Broadcasting,
    /// A node took it.
    Sent { txid: Txid },
    /// It is in a block (whose hash not every node tells).
    Mined { height: u32, hash: Option<BlockHash> },
    /// It cannot go on; what was sent may still be mined.
    Failed { reason: String },
    /// Given up by the user, before the point of no return.
    Cancelled,
}

impl Event {
    /// The event of a finished transaction.
    pub fn finished(tx: &crate::protocol::Transaction) -> Self {
        Self::Finished {
            txid: tx.txid(),
            hex: tx.to_hex(),
        }
    }

    fn state(&self) -> State {
        match self {
            Self::Planned { .. } => State::Planned,
            Self::Signed { .. } => State::Signing,
            Self::Finished { .. } => State::Finished,
            Self::Broadcasting => State::Broadcasting,
            Self::Sent { .. } => State::Sent,
            Self::Mined { .. } => State::Mined,
            Self::Failed { .. } => State::Failed,
            Self::Cancelled => State::Cancelled,
        }
    }

    fn check(&self) -> Result<(), JournalError> {
        match self {
            Self::Signed { hex, .. } if hex.len() < 2 * MIN_SIGNATURE => {
                Err(JournalError::NotASignature { length: hex.len() / 2 })
            }
            _ => Ok(()),
        }
    }
}

/// How far an operation is: where its last event left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Planned,
    Signing,
    Finished,
    /// May have been sent: ask the node for its txid before anything else.
    Broadcasting,
    Sent,
    Mined,
    Failed,
    Cancelled,
}

impl State {
    /// Nothing more is to be done.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Mined | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Planned => "planned",
            Self::Signing => "signing",
            Self::Finished => "finished",
            Self::Broadcasting => "broadcasting",
            Self::Sent => "sent",
            Self::Mined => "mined",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        })
    }
}

/// An event and when it was written, in **Unix seconds**.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: u64,
    pub event: Event,
}

/// An operation with all its events, in the order they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Counted from 1; short, to be typed.
    pub id: i64,
    /// `register`, `send`, ..
    pub kind: String,
    /// Name of the network's profile.
    pub network: String,
    /// **Unix seconds**.
    pub created: u64,
    pub events: Vec<Entry>,
}

impl Operation {
    pub fn state(&self) -> State {
        self.events.last().map_or(State::Planned, |entry| entry.event.state())
    }

    /// The plan it was begun with, as JSON text.
    pub fn plan(&self) -> Option<&str> {
        self.events.iter().find_map(|entry| match &entry.event {
            Event::Planned { plan } => Some(plan.as_str()),
            _ => None,
        })
    }

    /// The finished transaction (the last, if it was finished again), in hex.
    pub fn finished(&self) -> Option<(Txid, &str)> {
        self.events.iter().rev().find_map(|entry| match &entry.event {
            Event::Finished { txid, hex } => Some((*txid, hex.as_str())),
            _ => None,
        })
    }

    /// The last signature of something, in hex.
    pub fn signature(&self, of: &str) -> Option<&str> {
        self.events.iter().rev().find_map(|entry| match &entry.event {
            Event::Signed { what, hex } if what == of => Some(hex.as_str()),
            _ => None,
        })
    }

    /// Whether its transaction may have left this computer.
    pub fn is_past_no_return(&self) -> bool {
        self.events.iter().any(|entry| {
            matches!(
                entry.event,
                Event::Broadcasting | Event::Sent { .. } | Event::Mined { .. }
            )
        })
    }
}

/// An open journal, shared between threads by reference.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    database: Mutex<Connection>,
}

impl Journal {
    /// Opens the journal, making it if there is none.
    ///
    /// # Errors
    /// The file is something else, of a newer version, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        // Made here, so that it is never open to others; SQLite gives its log files the mode of the database.
        match file::private().write(true).create_new(true).open(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(FileError::io(path, &error).into());
            }
            _ => {}
        }
        let failed = |error| database_error(path, &error);
        let mut database = Connection::open(path).map_err(failed)?;
        database.busy_timeout(PATIENCE).map_err(failed)?;
        prepare(&mut database, path)?;
        Ok(Self {
            path: path.to_owned(),
            database: Mutex::new(database),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down a checked plan, and answers the number of the operation. Times are **Unix seconds**.
    ///
    /// # Errors
    /// It is not written.
    pub fn begin(&self, kind: &str, network: &str, plan: &impl Serialize, now: u64) -> Result<i64, JournalError> {
        let plan = serde_json::to_string(plan).map_err(|error| JournalError::Plan {
            reason: error.to_string(),
        })?;
        self.transact(|database| {
            database
                .execute(
                    "INSERT INTO operation (kind, network, created) VALUES (?1, ?2, ?3)",
                    params![kind, network, to_sql(now)],
                )
                .map_err(|error| self.failed(&error))?;
            let id = database.last_insert_rowid();
            self.insert(database, id, &Event::Planned { plan }, now)?;
            Ok(id)
        })
    }

    /// Writes down an event; it is on disk when this returns.
    ///
    /// # Errors
    /// It is not written: no such operation, a cancellation that comes too late, something that is no signature.
    pub fn record(&self, id: i64, event: &Event, now: u64) -> Result<(), JournalError> {
        event.check()?;
        self.transact(|database| {
            let operation = self.select_one(database, id)?;
            if *event == Event::Cancelled && operation.is_past_no_return() {
                return Err(JournalError::PastNoReturn { id });
            }
            self.insert(database, id, event, now)
        })
    }

    /// # Errors
    /// [`JournalError::UnknownOperation`], or it cannot be read.
    pub fn get(&self, id: i64) -> Result<Operation, JournalError> {
        self.transact(|database| self.select_one(database, id))
    }

    /// All operations, newest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn list(&self) -> Result<Vec<Operation>, JournalError> {
        self.transact(|database| self.select(database, None))
    }

    /// Operations that can go on, newest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn unfinished(&self) -> Result<Vec<Operation>, JournalError> {
        let mut operations = self.list()?;
        operations.retain(|operation| !operation.state().is_over());
        Ok(operations)
    }

    /// Does work that no other thread or process sees half of; what it wrote is on disk when this returns.
    fn transact<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = database
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| self.failed(&error))?;
        let out = work(&transaction)?;
        transaction.commit().map_err(|error| self.failed(&error))?;
        Ok(out)
    }

    fn insert(&self, database: &Connection, operation: i64, event: &Event, now: u64) -> Result<(), JournalError> {
        let event = serde_json::to_string(event).expect("texts and numbers");
        database
            .execute(
                "INSERT INTO event (operation, at, event) VALUES (?1, ?2, ?3)",
                params![operation, to_sql(now), event],
            )
            .map(|_| ())
            .map_err(|error| self.failed(&error))
    }

    fn select_one(&self, database: &Connection, id: i64) -> Result<Operation, JournalError> {
        self.select(database, Some(id))?
            .pop()
            .ok_or(JournalError::UnknownOperation { id })
    }

    /// One operation, or all; with their events.
    fn select(&self, database: &Connection, id: Option<i64>) -> Result<Vec<Operation>, JournalError> {
        let operations = select_operations(database, id).map_err(|error| self.failed(&error))?;
        let events = select_events(database, id).map_err(|error| self.failed(&error))?;
        let mut operations: BTreeMap<i64, Operation> = operations.into_iter().map(|found| (found.id, found)).collect();
        for row in events {
            let damaged = || JournalError::Damaged {
                path: self.path.clone(),
                operation: row.operation,
                event: row.id,
            };
            let event = serde_json::from_str(&row.event).map_err(|_| damaged())?;
            let operation = operations.get_mut(&row.operation).ok_or_else(damaged)?;
            operation.events.push(Entry { at: row.at, event });
        }
        Ok(operations.into_values().rev().collect())
    }

    fn failed(&self, error: &rusqlite::Error) -> JournalError {
        database_error(&self.path, error)
    }
}

struct EventRow {
    id: i64,
    operation: i64,
    at: u64,
    event: String,
}

fn prepare(database: &mut Connection, path: &Path) -> Result<(), JournalError> {
    let failed = |error| database_error(path, &error);
    // Both before any transaction; FULL syncs the log at every commit.
    database
        .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .map_err(failed)?;
    database.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    database.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    let transaction = database
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let pragma = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (
        pragma("application_id").map_err(failed)?,
        pragma("user_version").map_err(failed)?,
    );
    let tables: i64 = transaction
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    match (application, version, tables) {
        (0, 0, 0) => {
            transaction.execute_batch(LAYOUT).map_err(failed)?;
            transaction
                .pragma_update(None, "application_id", APPLICATION)
                .map_err(failed)?;
            transaction
                .pragma_update(None, "user_version", VERSION)
                .map_err(failed)?;
        }
        (APPLICATION, VERSION, _) => {}
        (APPLICATION, version, _) if version > VERSION => {
            return Err(JournalError::Newer {
                path: path.to_owned(),
                version,
            });
        }
        _ => return Err(JournalError::NotAJournal { path: path.to_owned() }),
    }
    transaction.commit().map_err(failed)
}

fn select_operations(database: &Connection, id: Option<i64>) -> rusqlite::Result<Vec<Operation>> {
    database
        .prepare("SELECT id, kind, network, created FROM operation WHERE ?1 IS NULL OR id = ?1")?
        .query_map([id], |row| {
            Ok(Operation {
                id: row.get(0)?,
                kind: row.get(1)?,
                network: row.get(2)?,
                created: from_sql(row.get(3)?),
                events: Vec::new(),
            })
        })?
        .collect()
}

fn select_events(database: &Connection, id: Option<i64>) -> rusqlite::Result<Vec<EventRow>> {
    database
        .prepare("SELECT id, operation, at, event FROM event WHERE ?1 IS NULL OR operation = ?1 ORDER BY id")?
        .query_map([id], |row| {
            Ok(EventRow {
                id: row.get(0)?,
                operation: row.get(1)?,
                at: from_sql(row.get(2)?),
                event: row.get(3)?,
            })
        })?
        .collect()
}

/// SQLite has no unsigned numbers; no clock shows a time above half of them.
fn to_sql(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

fn from_sql(time: i64) -> u64 {
    u64::try_from(time).unwrap_or(0)
}

fn database_error(path: &Path, error: &rusqlite::Error) -> JournalError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    let path = path.to_owned();
    match error {
        rusqlite::Error::SqliteFailure(failure, _) if matches!(failure.code, NotADatabase | DatabaseCorrupt) => {
            JournalError::NotAJournal { path }
        }
        rusqlite::Error::SqliteFailure(failure, message) => JournalError::Database {
            path,
            code: failure.extended_code,
            message: message.clone().unwrap_or_else(|| failure.to_string()),
        },
        other => JournalError::Database {
            path,
            code: 0,
            message: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;
    use serde_json::json;

    use super::*;

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        (folder, journal)
    }

    fn txid() -> Txid {
        Txid::from_byte_array([7; 32])
    }

    fn all_events() -> Vec<Event> {
        vec![
            Event::Signed {
                what: "collateral".to_owned(),
                hex: "ab".repeat(65),
            },
            Event::Finished {
                txid: txid(),
                hex: "0300".to_owned(),
            },
            Event::Broadcasting,
            Event::Sent { txid: txid() },
            Event::Mined {
                height: 5,
                hash: Some(BlockHash::all_zeros()),
            },
        ]
    }

    #[test]
    fn an_operation_is_read_back_with_all_its_events() {
        let (_folder, journal) = journal();
        let id = journal
            .begin("register", "dash-regtest", &json!({"amount": "1000"}), 10)
            .unwrap();
        for (at, event) in (11..).zip(all_events()) {
            journal.record(id, &event, at).unwrap();
        }
        let operation = journal.get(id).unwrap();
        assert_eq!((operation.id, operation.created), (1, 10));
        assert_eq!(operation.kind, "register");
        assert_eq!(operation.plan(), Some("{\"amount\":\"1000\"}"));
        assert_eq!(operation.finished(), Some((txid(), "0300")));
        assert_eq!(operation.signature("collateral"), Some("ab".repeat(65).as_str()));
        assert_eq!(operation.signature("input 0"), None);
        let events: Vec<_> = operation
            .events
            .iter()
            .skip(1)
            .map(|entry| entry.event.clone())
            .collect();
        assert_eq!(events, all_events());
        assert_eq!(operation.events.last().unwrap().at, 15);
    }

    #[test]
    fn after_a_crash_at_any_event_the_journal_says_how_far_it_got() {
        let states = [
            State::Planned,
            State::Signing,
            State::Finished,
            State::Broadcasting,
            State::Sent,
            State::Mined,
        ];
        for (survived, state) in states.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal.sqlite");
            let journal = Journal::open(&path).unwrap();
            let id = journal.begin("register", "dash", &json!({}), 1).unwrap();
            for event in all_events().iter().take(survived) {
                journal.record(id, event, 2).unwrap();
            }
            // A process that is killed closes nothing: no checkpoint, the log stays as it is. What it left is copied.
            let left = tempfile::tempdir().unwrap();
            for file in std::fs::read_dir(folder.path()).unwrap() {
                let file = file.unwrap();
                std::fs::copy(file.path(), left.path().join(file.file_name())).unwrap();
            }
            let reopened = Journal::open(&left.path().join("journal.sqlite")).unwrap();
            let operation = reopened.get(id).unwrap();
            assert_eq!(operation.state(), state);
            assert_eq!(operation.events.len(), survived + 1);
            assert_eq!(reopened.unfinished().unwrap().len(), usize::from(state != State::Mined));
            assert_eq!(operation.is_past_no_return(), survived >= 3);
        }
    }

    #[test]
    fn a_commit_cut_off_anywhere_in_the_log_loses_itself_and_nothing_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let log = folder.path().join("journal.sqlite-wal");
        let journal = Journal::open(&path).unwrap();
        let id = journal.begin("register", "dash", &json!({}), 1).unwrap();
        let before = std::fs::metadata(&log).unwrap().len();
        journal.record(id, &Event::Broadcasting, 2).unwrap();
        let (database, log) = (std::fs::read(&path).unwrap(), std::fs::read(&log).unwrap());
        for length in (before as usize..log.len()).step_by(97) {
            let left = tempfile::tempdir().unwrap();
            std::fs::write(left.path().join("journal.sqlite"), &database).unwrap();
            std::fs::write(left.path().join("journal.sqlite-wal"), &log[..length]).unwrap();
            let reopened = Journal::open(&left.path().join("journal.sqlite")).unwrap();
            assert_eq!(reopened.get(id).unwrap().state(), State::Planned, "{length}");
        }
    }

    #[test]
    fn what_is_over_is_not_offered_again() {
        let (_folder, journal) = journal();
        let begin = || journal.begin("fund", "dash", &json!({}), 1).unwrap();
        let (open, failed, cancelled) = (begin(), begin(), begin());
        let reason = "bad-protx-dup-key".to_owned();
        journal.record(failed, &Event::Failed { reason }, 2).unwrap();
        journal.record(cancelled, &Event::Cancelled, 2).unwrap();
        let unfinished: Vec<_> = journal.unfinished().unwrap().iter().map(|found| found.id).collect();
        assert_eq!(unfinished, [open]);
        let all: Vec<_> = journal.list().unwrap().iter().map(|found| found.id).collect();
        assert_eq!(all, [3, 2, 1]);
    }

    #[test]
    fn past_the_point_of_no_return_nothing_is_cancelled() {
        let (_folder, journal) = journal();
        let id = journal.begin("fund", "dash", &json!({}), 1).unwrap();
        journal.record(id, &Event::Broadcasting, 2).unwrap();
        let refused = journal.record(id, &Event::Cancelled, 3).unwrap_err();
        assert_eq!(refused, JournalError::PastNoReturn { id });
        assert_eq!(journal.get(id).unwrap().state(), State::Broadcasting);
    }

    #[test]
    fn a_secret_key_is_not_taken_for_a_signature() {
        let (_folder, journal) = journal();
        let id = journal.begin("fund", "dash", &json!({}), 1).unwrap();
        let event = Event::Signed {
            what: "input 0".to_owned(),
            hex: "11".repeat(32),
        };
        let refused = journal.record(id, &event, 2).unwrap_err();
        assert_eq!(refused, JournalError::NotASignature { length: 32 });
    }

    #[test]
    fn an_unknown_operation_is_named() {
        let (_folder, journal) = journal();
        let unknown = JournalError::UnknownOperation { id: 9 };
        assert_eq!(journal.get(9).unwrap_err(), unknown);
        assert_eq!(journal.record(9, &Event::Broadcasting, 1).unwrap_err(), unknown);
    }

    #[test]
    fn events_cannot_be_changed_or_removed() {
        let (_folder, journal) = journal();
        journal.begin("fund", "dash", &json!({}), 1).unwrap();
        let database = journal.database.lock().unwrap();
        for statement in ["DELETE FROM event", "UPDATE event SET at = 0", "DELETE FROM operation"] {
            assert!(database.execute(statement, []).is_err(), "{statement}");
        }
    }

    #[test]
    fn two_programs_write_to_one_journal() {
        let (folder, one) = journal();
        let two = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let first = one.begin("fund", "dash", &json!({}), 1).unwrap();
        let second = two.begin("fund", "dash", &json!({}), 1).unwrap();
        assert_ne!(first, second);
        two.record(first, &Event::Broadcasting, 2).unwrap();
        assert_eq!(one.get(first).unwrap().state(), State::Broadcasting);
    }

    #[test]
    fn what_is_no_journal_is_left_alone_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text");
        std::fs::write(&text, "x".repeat(5000)).unwrap();
        assert_eq!(
            Journal::open(&text).unwrap_err(),
            JournalError::NotAJournal { path: text.clone() }
        );
        assert_eq!(std::fs::read_to_string(&text).unwrap(), "x".repeat(5000));

        let other = folder.path().join("other.sqlite");
        let database = Connection::open(&other).unwrap();
        database.execute_batch("CREATE TABLE cookies (x)").unwrap();
        drop(database);
        assert_eq!(
            Journal::open(&other).unwrap_err(),
            JournalError::NotAJournal { path: other }
        );

        let newer = folder.path().join("newer.sqlite");
        drop(Journal::open(&newer).unwrap());
        Connection::open(&newer)
            .unwrap()
            .pragma_update(None, "user_version", 2)
            .unwrap();
        assert_eq!(
            Journal::open(&newer).unwrap_err(),
            JournalError::Newer {
                path: newer,
                version: 2
            }
        );
        let nowhere = folder.path().join("no/folder");
        assert!(matches!(Journal::open(&nowhere), Err(JournalError::File(_))));
    }

    #[test]
    #[cfg(unix)]
    fn only_the_owner_may_read_the_journal_and_its_log() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, journal) = journal();
        journal.begin("fund", "dash", &json!({}), 1).unwrap();
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
        assert!(files.len() >= 2, "the log is there");
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        }
    }
}
