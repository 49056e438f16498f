//! The run ledger: every attempt, verdict, conjecture and finished step, in one SQLite file.
//!
//! It is the run's memory. A row is written when the thing happens, under a key that the run computes
//! (round, phase, statement, sample), so doing a thing again after a crash cannot count it twice.

mod attempts;
mod conjectures;
mod corpus;
mod fork;
mod history;
mod known;
mod migrate;
mod sketches;
mod statement;
mod statements;
mod tallies;
mod thoughts;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

pub use attempts::{Attempt, Phase};
pub use conjectures::{Conjecture, ConjectureOutcome, Source};
pub use corpus::{CorpusChange, CorpusDiffers, KeepCorpusError};
pub use fork::Cut;
pub use history::{Event, LedgerStats};
pub use known::KnownVerdicts;
pub use sketches::LedgerSketch;
pub use statements::{LedgerStatement, Origin};
pub use tallies::{Effort, Tally};
pub use thoughts::Thoughts;

/// How long a writer waits for another.
const BUSY: std::time::Duration = std::time::Duration::from_secs(10);

/// Why the ledger could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file is not a ledger, or is damaged.
    #[error("the ledger {} is damaged or not a ledger ({reason}). Move the run folder away and start again, or restore the file from a copy; nothing was changed.", path.display())]
    Corrupt {
        /// The ledger file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// The file was written by a later version of this program.
    #[error("the ledger {} has version {found} of the schema, and this stp knows versions up to {known}. Use the stp that wrote it, or a later one; nothing was changed.", path.display())]
    Newer {
        /// The ledger file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The file was written by an earlier version and cannot be changed by who only reads.
    #[error("the ledger {} was written by an earlier stp. Bring it up to date with `stp data stats RUN_FOLDER`, then try again.", .0.display())]
    Older(PathBuf),
    /// The disk is full.
    #[error("the disk that holds {} is full. Free some space and run the same command again: what was recorded is safe, and the run goes on from there.", .0.display())]
    Full(PathBuf),
    /// The file cannot be opened or written.
    #[error("cannot open or write the ledger {}: {reason}. Check that the folder exists, that you may write in it, and that no other run uses it.", path.display())]
    Access {
        /// The ledger file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
}

/// A finished step of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Unique name, for example `round-2/prove`.
    pub name: String,
    /// Wall time it took, in seconds, in the process that finished it.
    pub seconds: f64,
    /// What it wants remembered, as JSON.
    pub detail: serde_json::Value,
}

/// An open ledger. Shared between threads; each call is one transaction.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Ledger {
    /// Opens the ledger, making it if there is none, brings it to this program's schema and checks that it is whole.
    ///
    /// # Errors
    /// [`LedgerError`] if the file is damaged, of a later version, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let wrap = |error| wrap_error(path, error);
        let mut connection = Connection::open(path).map_err(wrap)?;
        connection.busy_timeout(BUSY).map_err(wrap)?;
        let version = known_version(path, &connection)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(wrap)?;
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(wrap)?;
        let check: String = connection.query_row("PRAGMA quick_check", [], |row| row.get(0)).map_err(wrap)?;
        if check != "ok" {
            return Err(LedgerError::Corrupt { path: path.to_owned(), reason: check });
        }
        if version < migrate::VERSION {
            migrate::migrate(&mut connection, version).map_err(wrap)?;
        }
        connection.pragma_update(None, "foreign_keys", "ON").map_err(wrap)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    /// Opens a ledger that is there, also while a run writes it, without ever changing it.
    ///
    /// # Errors
    /// [`LedgerError`] if it is missing, damaged, or not of this program's schema.
    pub fn open_read_only(path: &Path) -> Result<Self, LedgerError> {
        let wrap = |error| wrap_error(path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(wrap)?;
        connection.busy_timeout(BUSY).map_err(wrap)?;
        if known_version(path, &connection)? < migrate::VERSION {
            return Err(LedgerError::Older(path.to_owned()));
        }
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    /// As [`Ledger::open_read_only`], of a ledger that an earlier version of this program may have written: that one is brought to
    /// this program's schema first.
    ///
    /// # Errors
    /// [`LedgerError`] as there, and if an earlier ledger cannot be written.
    pub fn open_to_read(path: &Path) -> Result<Self, LedgerError> {
        match Self::open_read_only(path) {
            Err(LedgerError::Older(_)) => {
                drop(Self::open(path)?);
                Self::open_read_only(path)
            }
            opened => opened,
        }
    }

    /// Stores `value` under `key` unless something is there already; returns what is there.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn remember(&self, key: &str, value: &str) -> Result<String, LedgerError> {
        self.with(|db| {
            db.execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)", params![key, value])?;
            db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
        })
    }

    /// What is stored under `key`.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn recall(&self, key: &str) -> Result<Option<String>, LedgerError> {
        self.with(|db| {
            db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
        })
    }

    /// Marks a step as finished. A second call for the same step changes nothing.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn finish_step(&self, step: &Step) -> Result<(), LedgerError> {
        self.with(|db| {
            db.execute(
                "INSERT OR IGNORE INTO steps (name, ordinal, seconds, detail)
                 VALUES (?1, (SELECT count(*) FROM steps), ?2, ?3)",
                params![step.name, step.seconds, step.detail.to_string()],
            )
        })?;
        Ok(())
    }

    /// The step of that name, if it is finished.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn step(&self, name: &str) -> Result<Option<Step>, LedgerError> {
        self.with(|db| {
            db.query_row("SELECT name, seconds, detail FROM steps WHERE name = ?1", [name], read_step)
                .optional()
        })
    }

    /// All finished steps in the order in which they finished.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn steps(&self) -> Result<Vec<Step>, LedgerError> {
        self.with(|db| {
            db.prepare("SELECT name, seconds, detail FROM steps ORDER BY ordinal")?
                .query_map([], read_step)?
                .collect()
        })
    }

    fn with<T>(&self, action: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        action(&self.lock()).map_err(|error| wrap_error(&self.path, error))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn known_version(path: &Path, connection: &Connection) -> Result<i64, LedgerError> {
    let found = migrate::version(connection).map_err(|error| wrap_error(path, error))?;
    if found > migrate::VERSION {
        return Err(LedgerError::Newer { path: path.to_owned(), found, known: migrate::VERSION });
    }
    Ok(found)
}

fn read_step(row: &rusqlite::Row<'_>) -> rusqlite::Result<Step> {
    Ok(Step { name: row.get(0)?, seconds: row.get(1)?, detail: read_json(row, 2)? })
}

/// Reads a JSON column; a text that does not parse is a conversion error, so it surfaces as damage.
fn read_json<T: serde::de::DeserializeOwned>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| conversion_error(column, error))
}

/// Names as one parameter, for `IN (SELECT value FROM json_each(?))`: however many there are, the statement is the same.
fn names_as_json(names: &[&str]) -> String {
    serde_json::json!(names).to_string()
}

fn conversion_error(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

fn wrap_error(path: &Path, error: rusqlite::Error) -> LedgerError {
    let path = path.to_owned();
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LedgerError::Full(path),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => LedgerError::Corrupt { path, reason },
        Some(_) => LedgerError::Access { path, reason },
        None => LedgerError::Corrupt { path, reason },
    }
}

#[cfg(test)]
mod query_tests;
#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn scratch() -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        (folder, ledger)
    }

    #[test]
    fn steps_are_kept_once_and_in_order() {
        let (folder, ledger) = scratch();
        for (name, seconds) in [("b", 1.0), ("a", 2.0), ("b", 9.0)] {
            let detail = serde_json::json!({ "n": seconds });
            ledger.finish_step(&Step { name: name.into(), seconds, detail }).unwrap();
        }
        drop(ledger);
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        let names: Vec<_> = ledger.steps().unwrap().into_iter().map(|s| (s.name, s.seconds)).collect();
        assert_eq!(names, [("b".to_owned(), 1.0), ("a".to_owned(), 2.0)]);
        assert_eq!(ledger.step("a").unwrap().unwrap().detail["n"], 2.0);
        assert!(ledger.step("c").unwrap().is_none());
    }

    #[test]
    fn remembers_the_first_value() {
        let (_folder, ledger) = scratch();
        assert_eq!(ledger.remember("k", "one").unwrap(), "one");
        assert_eq!(ledger.remember("k", "two").unwrap(), "one");
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        std::fs::write(&path, "this is not a database, and long enough to be read as one".repeat(99))
            .unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(Ledger::open(&path), Err(LedgerError::Corrupt { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_missing_folder_is_an_access_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = Ledger::open(&folder.path().join("no").join("ledger.sqlite")).unwrap_err();
        assert!(matches!(error, LedgerError::Access { .. }), "{error}");
    }

    #[test]
    fn a_full_disk_is_named_and_loses_nothing() {
        let (_folder, ledger) = scratch();
        ledger.remember("k", "kept").unwrap();
        ledger.with(|db| db.pragma_update(None, "max_page_count", 16)).unwrap();
        let big = "x".repeat(1 << 20);
        assert!(matches!(ledger.remember("big", &big), Err(LedgerError::Full(_))));
        assert_eq!(ledger.remember("k", "lost").unwrap(), "kept");
    }
}
