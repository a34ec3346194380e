//! The history: what the blocks did to the masternodes that are watched, each change with its height.
//!
//! Nothing is written for a quiet block. A penalty's decline by one per block follows from the numbers; what is kept are its
//! jumps, the payments, changes of status, keys and addresses, and the stretches of the chain that were looked at
//! ([`Range`]): outside of them nothing is known, which is not the same as that nothing happened.
//!
//! Everything here can be read from a node again, so the file is no treasure: one that is damaged may be set aside. It holds
//! public data of the chain only, but also which masternodes somebody watches, and is readable by its owner only.
//!
//! A SQLite database with a write-ahead log, like the journal's. Events older than [`RETENTION`] are dropped by
//! [`History::prune`]. Ten years of one masternode that is watched are 1.3 MB (`ten_years_of_a_masternode_are_small`), most of it the
//! blocks that mark how far it was watched, which several share.

mod change;
mod range;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bitcoin::BlockHash;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use thiserror::Error;

use super::file::{self, FileError};
use crate::protocol::ProTxHash;

pub use change::{Change, Event, Platform};
pub use range::{Kept, Range, Standing, Start};
use range::{coalesced, cut};

/// **Seconds** an event is kept: ten years.
pub const RETENTION: u64 = 10 * 31_557_600;

/// In the database's header: "CstH".
const APPLICATION: i32 = 0x4373_7448;
/// Layout written and the highest read.
const VERSION: i32 = 1;
/// A writer holds the database for milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// Quiet **blocks** of a masternode that are only remembered before they are written: what a crash can lose, to be read again.
const QUIET: u32 = 100;
/// Blocks that were the tip lately, of each chain: a reorganisation goes back to one of them. No chain of this family has had one so
/// deep since ChainLocks.
const RECENT: usize = 100;

/// What went wrong with the history.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HistoryError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{path}: not a history, or a damaged one")]
    NotAHistory { path: PathBuf },
    #[error("{path}: the history is of version {version}, this program knows up to {VERSION}")]
    Newer { path: PathBuf, version: i32 },
    #[error("{path}: an entry at height {height} cannot be read")]
    Damaged { path: PathBuf, height: u32 },
    /// SQLite's own words and extended code.
    #[error("{path}: {message} ({code})")]
    Database { path: PathBuf, code: i32, message: String },
}

/// A masternode of a chain, which its first block names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    pub genesis: BlockHash,
    pub hash: ProTxHash,
}

/// A block that was on the chain when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    pub height: u32,
    pub hash: BlockHash,
    /// **Unix seconds**.
    pub time: u64,
}

/// A stretch of the chain that was read, for one masternode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pub subject: Subject,
    /// Its states at both ends are known; the changes are those of the blocks `from + 1 ..= to`.
    pub from: u32,
    pub to: u32,
    /// See [`Range::step`].
    pub step: u32,
    /// What it was at `from`.
    pub start: Start,
    /// In ascending order.
    pub events: Vec<Event>,
}

/// An open history, shared between threads by reference.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    inner: Mutex<Inner>,
    /// Why nothing is kept, where it is not.
    unkept: Option<HistoryError>,
}

type Recent = BTreeMap<BlockHash, VecDeque<Block>>;

#[derive(Debug)]
struct Inner {
    database: Connection,
    /// Quiet stretches that are not written yet.
    quiet: BTreeMap<Subject, Vec<Range>>,
    /// Tips of late, oldest first.
    recent: Recent,
}

impl History {
    /// Opens the history, making it if there is none.
    ///
    /// # Errors
    /// The file is something else or damaged, of a newer version, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        // Made here, so that it is never open to others; SQLite gives its log files the mode of the database.
        match file::private().write(true).create_new(true).open(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(FileError::io(path, &error).into());
            }
            _ => {}
        }
        let database = Connection::open(path).map_err(|error| database_error(path, &error))?;
        Self::of(database, path)
    }

    /// As [`History::open`]; a damaged file is set aside under a name beside it (only the last one is kept) and a new one
    /// begun, and one that cannot be used is left alone: then nothing is kept this time, and [`History::unkept`] says why.
    ///
    /// # Errors
    /// Not even memory can be used.
    pub fn open_or_begin_anew(path: &Path) -> Result<Self, HistoryError> {
        let opened = Self::open(path).or_else(|error| match error {
            HistoryError::NotAHistory { .. } => set_aside(path).and_then(|()| Self::open(path)),
            other => Err(other),
        });
        opened.or_else(|reason| {
            let mut memory = Self::in_memory()?;
            memory.unkept = Some(reason);
            Ok(memory)
        })
    }

    /// A history that ends with the program.
    ///
    /// # Errors
    /// SQLite cannot be used at all.
    pub fn in_memory() -> Result<Self, HistoryError> {
        let path = Path::new(":memory:");
        let database = Connection::open_in_memory().map_err(|error| database_error(path, &error))?;
        Self::of(database, path)
    }

    fn of(mut database: Connection, path: &Path) -> Result<Self, HistoryError> {
        database
            .busy_timeout(PATIENCE)
            .map_err(|error| database_error(path, &error))?;
        rows::prepare(&mut database, path)?;
        Ok(Self {
            path: path.to_owned(),
            inner: Mutex::new(Inner {
                database,
                quiet: BTreeMap::new(),
                recent: BTreeMap::new(),
            }),
            unkept: None,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why this history ends with the program, if it does for a reason.
    pub fn unkept(&self) -> Option<&HistoryError> {
        self.unkept.as_ref()
    }

    /// Writes down stretches that were read from a node, and which blocks they were read from. What is known already stays
    /// as it is: it may say more.
    ///
    /// # Errors
    /// Nothing is written.
    pub fn write(&self, genesis: BlockHash, chunks: &[Chunk], blocks: &[Block]) -> Result<(), HistoryError> {
        self.transact(|rows, quiet, recent| {
            rows.put_blocks(genesis, blocks)?;
            for chunk in chunks {
                if let Some(ranges) = quiet.get(&chunk.subject) {
                    put_quiet(rows, &chunk.subject, ranges, recent)?;
                }
                rows.put_chunk(chunk)?;
            }
            Ok(chunks.iter().map(|chunk| chunk.subject).collect())
        })
    }

    /// Takes note of what one block did, or of the list a program began with (`before` is none). What was quiet is remembered
    /// and written later, with the next event, after some blocks, or at the end.
    ///
    /// # Errors
    /// An event is not written.
    pub fn see(
        &self,
        genesis: BlockHash,
        before: Option<Block>,
        after: Block,
        chunks: &[Chunk],
    ) -> Result<(), HistoryError> {
        let (loud, quiet): (Vec<&Chunk>, Vec<&Chunk>) = chunks.iter().partition(|chunk| !chunk.events.is_empty());
        let mut due = false;
        {
            let mut inner = self.lock();
            for block in before.into_iter().chain([after]) {
                inner.note(genesis, block);
            }
            for chunk in quiet {
                due |= inner.extend(chunk);
            }
        }
        if !loud.is_empty() {
            let loud: Vec<Chunk> = loud.into_iter().cloned().collect();
            let blocks: Vec<Block> = before.into_iter().chain([after]).collect();
            self.write(genesis, &loud, &blocks)?;
        }
        if due { self.flush() } else { Ok(()) }
    }

    /// Writes down what was only remembered.
    ///
    /// # Errors
    /// It is not written, and stays remembered.
    pub fn flush(&self) -> Result<(), HistoryError> {
        self.transact(|rows, quiet, recent| {
            for (subject, ranges) in quiet {
                put_quiet(rows, subject, ranges, recent)?;
            }
            Ok(quiet.keys().copied().collect())
        })
    }

    /// All that is known of a masternode.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, subject: &Subject) -> Result<Kept, HistoryError> {
        let inner = self.lock();
        let mut kept = rows::Rows::new(&inner.database, &self.path).kept(subject)?;
        kept.ranges.extend(inner.quiet.get(subject).into_iter().flatten());
        kept.ranges = coalesced(kept.ranges);
        Ok(kept)
    }

    /// The masternodes of a chain of which something is known.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn subjects(&self, genesis: BlockHash) -> Result<Vec<ProTxHash>, HistoryError> {
        let inner = self.lock();
        let mut found = rows::Rows::new(&inner.database, &self.path).subjects(genesis)?;
        let quiet = inner.quiet.keys().filter(|subject| subject.genesis == genesis);
        found.extend(quiet.map(|subject| subject.hash));
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Blocks that things were read from, highest first: those of events and of the ends of what is known, and the last tips.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn blocks(&self, genesis: BlockHash) -> Result<Vec<Block>, HistoryError> {
        let inner = self.lock();
        let kept = rows::Rows::new(&inner.database, &self.path).blocks(genesis)?;
        let mut all: BTreeMap<u32, Block> = kept.into_iter().map(|block| (block.height, block)).collect();
        let recent = inner.recent.get(&genesis).into_iter().flatten();
        all.extend(recent.map(|block| (block.height, *block)));
        Ok(all.into_values().rev().collect())
    }

    /// The block that was seen or read at a height, if one was.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn block(&self, genesis: BlockHash, height: u32) -> Result<Option<Block>, HistoryError> {
        let inner = self.lock();
        let recent = inner.recent.get(&genesis).into_iter().flatten();
        match recent.copied().find(|block| block.height == height) {
            Some(block) => Ok(Some(block)),
            None => rows::Rows::new(&inner.database, &self.path).block(genesis, height),
        }
    }

    /// Forgets everything above a height: the chain went another way there.
    ///
    /// # Errors
    /// Nothing is forgotten.
    pub fn rewind(&self, genesis: BlockHash, height: u32) -> Result<(), HistoryError> {
        self.flush()?;
        self.lock().rewind(genesis, height);
        self.transact(|rows, _, _| {
            rows.rewind(genesis, height)?;
            Ok(Vec::new())
        })
    }

    /// Forgets what is older than a time in **Unix seconds**, as far as the times of blocks are known.
    ///
    /// # Errors
    /// Nothing is forgotten.
    pub fn prune(&self, before: u64) -> Result<(), HistoryError> {
        self.transact(|rows, _, _| {
            rows.prune(before)?;
            Ok(Vec::new())
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does work that no other thread or process sees half of. The work answers whose quiet stretches it has written; they are
    /// no longer to be remembered.
    fn transact(
        &self,
        work: impl FnOnce(&rows::Rows<'_>, &BTreeMap<Subject, Vec<Range>>, &Recent) -> Result<Vec<Subject>, HistoryError>,
    ) -> Result<(), HistoryError> {
        let failed = |error: rusqlite::Error| database_error(&self.path, &error);
        let mut inner = self.lock();
        let Inner {
            database,
            quiet,
            recent,
        } = &mut *inner;
        let transaction: Transaction<'_> = database
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let written = work(&rows::Rows::new(&transaction, &self.path), quiet, recent)?;
        transaction.commit().map_err(failed)?;
        for subject in written {
            quiet.remove(&subject);
        }
        Ok(())
    }
}

impl Drop for History {
    fn drop(&mut self) {
        // What is lost can be read from the node again.
        let _ = self.flush();
    }
}

impl Inner {
    fn note(&mut self, genesis: BlockHash, block: Block) {
        let recent = self.recent.entry(genesis).or_default();
        recent.retain(|known| known.height < block.height);
        recent.push_back(block);
        if recent.len() > RECENT {
            recent.pop_front();
        }
    }

    /// Remembers a quiet stretch; true when it is time to write.
    fn extend(&mut self, chunk: &Chunk) -> bool {
        let ranges = self.quiet.entry(chunk.subject).or_default();
        ranges.push(chunk.range());
        *ranges = coalesced(std::mem::take(ranges));
        ranges.len() > 1 || ranges.iter().any(|range| range.to - range.from >= QUIET)
    }

    fn rewind(&mut self, genesis: BlockHash, height: u32) {
        if let Some(recent) = self.recent.get_mut(&genesis) {
            recent.retain(|block| block.height <= height);
        }
        let (there, elsewhere): (Vec<_>, Vec<_>) = std::mem::take(&mut self.quiet)
            .into_iter()
            .partition(|(subject, _)| subject.genesis == genesis);
        let kept = there
            .into_iter()
            .map(|(subject, ranges)| (subject, cut(ranges, height)));
        self.quiet = elsewhere.into_iter().chain(kept).collect();
    }
}

impl Chunk {
    fn range(&self) -> Range {
        Range {
            from: self.from,
            to: self.to,
            step: self.step,
            start: self.start,
        }
    }
}

/// Writes quiet stretches and the blocks at their ends.
fn put_quiet(rows: &rows::Rows<'_>, subject: &Subject, ranges: &[Range], recent: &Recent) -> Result<(), HistoryError> {
    let tips = recent.get(&subject.genesis);
    let block = |height| tips?.iter().find(|block| block.height == height).copied();
    let ends = ranges.iter().flat_map(|range| [range.from, range.to]);
    let ends: Vec<Block> = ends.filter_map(block).collect();
    rows.put_blocks(subject.genesis, &ends)?;
    rows.put_ranges(subject, ranges)
}

/// Moves a damaged file and its logs out of the way.
fn set_aside(path: &Path) -> Result<(), HistoryError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut from = path.as_os_str().to_owned();
        from.push(suffix);
        let mut to = path.as_os_str().to_owned();
        to.push(".damaged");
        to.push(suffix);
        match std::fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(FileError::io(path, &error).into()),
            _ => {}
        }
    }
    Ok(())
}

fn database_error(path: &Path, error: &rusqlite::Error) -> HistoryError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    let path = path.to_owned();
    match error {
        rusqlite::Error::SqliteFailure(failure, _) if matches!(failure.code, NotADatabase | DatabaseCorrupt) => {
            HistoryError::NotAHistory { path }
        }
        rusqlite::Error::SqliteFailure(failure, message) => HistoryError::Database {
            path,
            code: failure.extended_code,
            message: message.clone().unwrap_or_else(|| failure.to_string()),
        },
        other => HistoryError::Database {
            path,
            code: 0,
            message: other.to_string(),
        },
    }
}
