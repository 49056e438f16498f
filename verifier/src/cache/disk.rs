//! The cache's file: one SQLite table, shared by any number of processes.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::key::Key;

const SCHEMA: &str =
    "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, entry TEXT NOT NULL) WITHOUT ROWID";

#[derive(Debug)]
pub(super) struct Disk {
    connection: Mutex<Connection>,
}

impl Disk {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A lost answer costs one check, so nobody waits for the disk.
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    pub(super) fn read(&self, key: &Key) -> Option<String> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let row = connection
            .prepare_cached("SELECT entry FROM answers WHERE key = ?1")
            .and_then(|mut query| query.query_row(params![key.as_slice()], |row| row.get(0)).optional());
        warn(row).flatten()
    }

    pub(super) fn write(&self, key: &Key, entry: &str) {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let done = connection
            .prepare_cached("INSERT OR REPLACE INTO answers (key, entry) VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute(params![key.as_slice(), entry]));
        warn(done);
    }
}

/// A cache that fails costs time, not verdicts.
fn warn<T>(result: rusqlite::Result<T>) -> Option<T> {
    result.inspect_err(|error| tracing::warn!("the verdict cache: {error}")).ok()
}
