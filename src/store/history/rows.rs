//! The tables and what is read from and written to them.

use std::path::Path;

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::range::{coalesced, cut};
use super::{
    APPLICATION, Block, Change, Chunk, Event, HistoryError, Kept, Range, Start, Subject, VERSION, database_error,
};
use crate::protocol::ProTxHash;

const LAYOUT: &str = "
    CREATE TABLE chain (
        id INTEGER PRIMARY KEY,
        genesis BLOB NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE masternode (
        id INTEGER PRIMARY KEY,
        chain INTEGER NOT NULL REFERENCES chain(id),
        hash BLOB NOT NULL,
        UNIQUE (chain, hash)
    ) STRICT;
    CREATE TABLE block (
        chain INTEGER NOT NULL REFERENCES chain(id),
        height INTEGER NOT NULL,
        hash BLOB NOT NULL,
        time INTEGER NOT NULL,
        PRIMARY KEY (chain, height)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE event (
        masternode INTEGER NOT NULL REFERENCES masternode(id),
        height INTEGER NOT NULL,
        number INTEGER NOT NULL,
        change TEXT NOT NULL,
        PRIMARY KEY (masternode, height, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE covered (
        masternode INTEGER NOT NULL REFERENCES masternode(id),
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        step INTEGER NOT NULL,
        start TEXT NOT NULL,
        PRIMARY KEY (masternode, first, last)
    ) STRICT, WITHOUT ROWID;
";

/// Makes the tables in an empty file, else looks whether they are ours.
pub(super) fn prepare(database: &mut Connection, path: &Path) -> Result<(), HistoryError> {
    let failed = |error: rusqlite::Error| database_error(path, &error);
    database
        .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .map_err(failed)?;
    // A power cut may lose the last blocks, never the file; they can be read again.
    database.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
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
            for (name, value) in [("application_id", APPLICATION), ("user_version", VERSION)] {
                transaction.pragma_update(None, name, value).map_err(failed)?;
            }
        }
        (APPLICATION, VERSION, _) => {}
        (APPLICATION, version, _) if version > VERSION => {
            return Err(HistoryError::Newer {
                path: path.to_owned(),
                version,
            });
        }
        _ => return Err(HistoryError::NotAHistory { path: path.to_owned() }),
    }
    transaction.commit().map_err(failed)
}

/// The tables, within one transaction where something is written.
pub(super) struct Rows<'a> {
    database: &'a Connection,
    path: &'a Path,
}

impl<'a> Rows<'a> {
    pub(super) fn new(database: &'a Connection, path: &'a Path) -> Self {
        Self { database, path }
    }

    fn failed(&self, error: &rusqlite::Error) -> HistoryError {
        database_error(self.path, error)
    }

    fn execute(&self, statement: &str, values: impl rusqlite::Params) -> Result<(), HistoryError> {
        let done = self
            .database
            .prepare_cached(statement)
            .and_then(|mut each| each.execute(values));
        done.map(|_| ()).map_err(|error| self.failed(&error))
    }

    fn select<T>(
        &self,
        query: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, HistoryError> {
        let found = self
            .database
            .prepare_cached(query)
            .and_then(|mut each| each.query_map(values, read)?.collect());
        found.map_err(|error| self.failed(&error))
    }

    fn id(&self, query: &str, values: impl rusqlite::Params) -> Result<Option<i64>, HistoryError> {
        let found = self.database.query_row(query, values, |row| row.get(0)).optional();
        found.map_err(|error| self.failed(&error))
    }

    fn chain(&self, genesis: BlockHash) -> Result<Option<i64>, HistoryError> {
        self.id("SELECT id FROM chain WHERE genesis = ?1", [genesis.to_byte_array()])
    }

    fn made_chain(&self, genesis: BlockHash) -> Result<i64, HistoryError> {
        if let Some(id) = self.chain(genesis)? {
            return Ok(id);
        }
        self.execute("INSERT INTO chain (genesis) VALUES (?1)", [genesis.to_byte_array()])?;
        Ok(self.database.last_insert_rowid())
    }

    fn masternode(&self, subject: &Subject) -> Result<Option<i64>, HistoryError> {
        self.id(
            "SELECT masternode.id FROM masternode JOIN chain ON chain.id = chain WHERE genesis = ?1 AND hash = ?2",
            [subject.genesis.to_byte_array(), subject.hash.to_byte_array()],
        )
    }

    fn made_masternode(&self, subject: &Subject) -> Result<i64, HistoryError> {
        if let Some(id) = self.masternode(subject)? {
            return Ok(id);
        }
        let chain = self.made_chain(subject.genesis)?;
        self.execute(
            "INSERT INTO masternode (chain, hash) VALUES (?1, ?2)",
            params![chain, subject.hash.to_byte_array()],
        )?;
        Ok(self.database.last_insert_rowid())
    }

    pub(super) fn subjects(&self, genesis: BlockHash) -> Result<Vec<ProTxHash>, HistoryError> {
        self.select(
            "SELECT hash FROM masternode JOIN chain ON chain.id = chain WHERE genesis = ?1",
            [genesis.to_byte_array()],
            |row| Ok(ProTxHash::from_byte_array(row.get(0)?)),
        )
    }

    pub(super) fn put_blocks(&self, genesis: BlockHash, blocks: &[Block]) -> Result<(), HistoryError> {
        if blocks.is_empty() {
            return Ok(());
        }
        let chain = self.made_chain(genesis)?;
        for block in blocks {
            self.execute(
                "INSERT OR REPLACE INTO block (chain, height, hash, time) VALUES (?1, ?2, ?3, ?4)",
                params![chain, block.height, block.hash.to_byte_array(), to_sql(block.time)],
            )?;
        }
        Ok(())
    }

    /// Highest first.
    pub(super) fn blocks(&self, genesis: BlockHash) -> Result<Vec<Block>, HistoryError> {
        self.select(
            "SELECT height, hash, time FROM block JOIN chain ON chain.id = chain WHERE genesis = ?1 ORDER BY height DESC",
            [genesis.to_byte_array()],
            read_block,
        )
    }

    pub(super) fn block(&self, genesis: BlockHash, height: u32) -> Result<Option<Block>, HistoryError> {
        let found = self.select(
            "SELECT height, hash, time FROM block JOIN chain ON chain.id = chain WHERE genesis = ?1 AND height = ?2",
            params![genesis.to_byte_array(), height],
            read_block,
        )?;
        Ok(found.into_iter().next())
    }

    fn ranges(&self, masternode: i64) -> Result<Vec<Range>, HistoryError> {
        let rows = self.select(
            "SELECT first, last, step, start FROM covered WHERE masternode = ?1",
            [masternode],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?)),
        )?;
        let read = |(from, to, step, start): (u32, u32, u32, String)| {
            let start: Start = serde_json::from_str(&start).map_err(|_| self.damaged(from))?;
            Ok(Range { from, to, step, start })
        };
        rows.into_iter().map(read).collect()
    }

    fn damaged(&self, height: u32) -> HistoryError {
        HistoryError::Damaged {
            path: self.path.to_owned(),
            height,
        }
    }

    pub(super) fn put_ranges(&self, subject: &Subject, new: &[Range]) -> Result<(), HistoryError> {
        if new.is_empty() {
            return Ok(());
        }
        let masternode = self.made_masternode(subject)?;
        let mut ranges = self.ranges(masternode)?;
        ranges.extend(new);
        self.set_ranges(masternode, &coalesced(ranges))
    }

    fn set_ranges(&self, masternode: i64, ranges: &[Range]) -> Result<(), HistoryError> {
        self.execute("DELETE FROM covered WHERE masternode = ?1", [masternode])?;
        for range in ranges {
            let start = serde_json::to_string(&range.start).expect("a number and a text");
            self.execute(
                "INSERT INTO covered (masternode, first, last, step, start) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![masternode, range.from, range.to, range.step, start],
            )?;
        }
        Ok(())
    }

    /// Events of heights that are covered already are left as they are.
    pub(super) fn put_chunk(&self, chunk: &Chunk) -> Result<(), HistoryError> {
        let masternode = self.made_masternode(&chunk.subject)?;
        let known = self.ranges(masternode)?;
        let is_known = |height: u32| known.iter().any(|range| range.from < height && height <= range.to);
        let mut number = 0;
        let mut last = None;
        for event in chunk.events.iter().filter(|event| !is_known(event.height)) {
            number = if last == Some(event.height) { number + 1 } else { 0 };
            last = Some(event.height);
            self.put_event(masternode, event.height, number, &event.change)?;
        }
        self.put_ranges(&chunk.subject, &[chunk.range()])
    }

    fn put_event(&self, masternode: i64, height: u32, number: u32, change: &Change) -> Result<(), HistoryError> {
        let change = serde_json::to_string(change).expect("texts and numbers");
        self.execute(
            "INSERT OR REPLACE INTO event (masternode, height, number, change) VALUES (?1, ?2, ?3, ?4)",
            params![masternode, height, number, change],
        )
    }

    pub(super) fn kept(&self, subject: &Subject) -> Result<Kept, HistoryError> {
        let Some(masternode) = self.masternode(subject)? else {
            return Ok(Kept::default());
        };
        Ok(Kept {
            ranges: coalesced(self.ranges(masternode)?),
            events: self.events(masternode)?,
        })
    }

    fn events(&self, masternode: i64) -> Result<Vec<Event>, HistoryError> {
        let rows = self.select(
            "SELECT event.height, change, time FROM event JOIN masternode ON masternode.id = event.masternode
             LEFT JOIN block ON block.chain = masternode.chain AND block.height = event.height
             WHERE event.masternode = ?1 ORDER BY event.height, number",
            [masternode],
            |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, Option<i64>>(2)?)),
        )?;
        let read = |(height, change, time): (u32, String, Option<i64>)| {
            Ok(Event {
                height,
                time: time.map(from_sql),
                change: serde_json::from_str(&change).map_err(|_| self.damaged(height))?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    pub(super) fn rewind(&self, genesis: BlockHash, height: u32) -> Result<(), HistoryError> {
        let Some(chain) = self.chain(genesis)? else {
            return Ok(());
        };
        self.execute(
            "DELETE FROM block WHERE chain = ?1 AND height > ?2",
            params![chain, height],
        )?;
        for masternode in self.masternodes(chain)? {
            self.execute(
                "DELETE FROM event WHERE masternode = ?1 AND height > ?2",
                params![masternode, height],
            )?;
            self.set_ranges(masternode, &cut(self.ranges(masternode)?, height))?;
        }
        Ok(())
    }

    fn masternodes(&self, chain: i64) -> Result<Vec<i64>, HistoryError> {
        self.select("SELECT id FROM masternode WHERE chain = ?1", [chain], |row| row.get(0))
    }

    pub(super) fn prune(&self, before: u64) -> Result<(), HistoryError> {
        for chain in self.select("SELECT id FROM chain", [], |row| row.get::<_, i64>(0))? {
            let last: Option<u32> = self
                .select(
                    "SELECT max(height) FROM block WHERE chain = ?1 AND time < ?2",
                    params![chain, to_sql(before)],
                    |row| row.get::<_, Option<u32>>(0),
                )?
                .pop()
                .flatten();
            if let Some(height) = last {
                self.prune_chain(chain, height)?;
            }
        }
        Ok(())
    }

    /// Drops what happened up to a height.
    fn prune_chain(&self, chain: i64, height: u32) -> Result<(), HistoryError> {
        for masternode in self.masternodes(chain)? {
            let events = self.events(masternode)?;
            let ranges = self.ranges(masternode)?.into_iter().filter(|range| range.to > height);
            let begin = |range: Range| Range {
                from: range.from.max(height),
                start: range.at(height.max(range.from), &events),
                ..range
            };
            self.set_ranges(masternode, &ranges.map(begin).collect::<Vec<_>>())?;
            self.execute(
                "DELETE FROM event WHERE masternode = ?1 AND height <= ?2",
                params![masternode, height],
            )?;
        }
        self.execute(
            "DELETE FROM block WHERE chain = ?1 AND height < ?2",
            params![chain, height],
        )
    }
}

fn read_block(row: &Row<'_>) -> rusqlite::Result<Block> {
    Ok(Block {
        height: row.get(0)?,
        hash: BlockHash::from_byte_array(row.get(1)?),
        time: from_sql(row.get(2)?),
    })
}

/// SQLite has no unsigned numbers; no clock shows a time above half of them.
fn to_sql(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

fn from_sql(time: i64) -> u64 {
    u64::try_from(time).unwrap_or(0)
}
