//! What happened and how much there is: events, checkpoints, and the sizes of the tables.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::params;
use serde::Serialize;
use serde_json::Value;

use super::{Ledger, LedgerError, read_json, wrap_error};

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Seconds since 1970.
    pub at: f64,
    /// What kind, for example `started`.
    pub kind: String,
    /// What there is to know of it.
    pub detail: Value,
}

/// How much a ledger holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LedgerStats {
    /// Size of the file in bytes, the write-ahead log left out.
    pub bytes: i64,
    /// Rows of each table.
    pub rows: BTreeMap<String, i64>,
    /// Attempts by phase and status (`waiting`: not judged).
    pub attempts: BTreeMap<String, BTreeMap<String, i64>>,
    /// Attempts of each round.
    pub rounds: BTreeMap<u32, i64>,
    /// Mean length of a proof in bytes.
    pub mean_proof_bytes: f64,
}

const TABLES: [&str; 10] = [
    "attempts",
    "checkpoints",
    "conjectures",
    "corpus",
    "events",
    "meta",
    "rounds",
    "statements",
    "steps",
    "verdicts",
];

impl Ledger {
    /// Records something that happened, now.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn record_event(&self, kind: &str, detail: &Value) -> Result<(), LedgerError> {
        self.with(|db| {
            db.execute("INSERT INTO events (kind, detail) VALUES (?1, ?2)", params![kind, detail.to_string()])
        })?;
        Ok(())
    }

    /// All events in the order in which they happened.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn events(&self) -> Result<Vec<Event>, LedgerError> {
        self.with(|db| {
            db.prepare("SELECT at, kind, detail FROM events ORDER BY id")?
                .query_map([], |row| {
                    Ok(Event { at: row.get(0)?, kind: row.get(1)?, detail: read_json(row, 2)? })
                })?
                .collect()
        })
    }

    /// A number that changes whenever another connection, of this process or of another, has written.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn data_version(&self) -> Result<i64, LedgerError> {
        self.with(|db| db.query_row("PRAGMA data_version", [], |row| row.get(0)))
    }

    /// Records that a model is kept, with what its training said; a second time replaces that.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn record_checkpoint(&self, name: &str, detail: &Value) -> Result<(), LedgerError> {
        self.with(|db| {
            db.execute(
                "INSERT INTO checkpoints (name, detail) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET detail = ?2, made = unixepoch('subsec')",
                params![name, detail.to_string()],
            )
        })?;
        Ok(())
    }

    /// Names and details of the checkpoints, oldest first.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn checkpoints(&self) -> Result<Vec<(String, Value)>, LedgerError> {
        self.with(|db| {
            db.prepare("SELECT name, detail FROM checkpoints ORDER BY made, name")?
                .query_map([], |row| Ok((row.get(0)?, read_json(row, 1)?)))?
                .collect()
        })
    }

    /// Writes a copy of all that is in it now to a file that must not be there yet.
    ///
    /// # Errors
    /// [`LedgerError`] if the file is there or cannot be written.
    pub fn copy_to(&self, path: &Path) -> Result<(), LedgerError> {
        let wrap = |error| wrap_error(path, error);
        self.lock().execute("VACUUM INTO ?1", [path.to_string_lossy()]).map_err(wrap)?;
        Ok(())
    }

    /// Counts what the ledger holds.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses.
    pub fn stats(&self) -> Result<LedgerStats, LedgerError> {
        self.with(|db| {
            let count =
                |table: &str| db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
            let mut rows = BTreeMap::new();
            for table in TABLES {
                rows.insert(table.to_owned(), count(table)?);
            }
            let mut attempts: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
            let mut by_status = db.prepare(
                "SELECT a.phase, coalesce(v.status, 'waiting'), count(*)
                 FROM attempts a LEFT JOIN verdicts v ON v.attempt = a.id GROUP BY 1, 2",
            )?;
            let mut found = by_status.query([])?;
            while let Some(row) = found.next()? {
                attempts.entry(row.get(0)?).or_default().insert(row.get(1)?, row.get(2)?);
            }
            let rounds = db
                .prepare("SELECT round, count(*) FROM attempts GROUP BY round")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(LedgerStats {
                bytes: db.query_row(
                    "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
                    [],
                    |row| row.get(0),
                )?,
                rows,
                attempts,
                rounds,
                mean_proof_bytes: db.query_row(
                    "SELECT coalesce(avg(octet_length(proof)), 0) FROM attempts",
                    [],
                    |row| row.get(0),
                )?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Ledger;
    use super::super::tests::scratch;

    #[test]
    fn a_copy_holds_what_was_there_and_replaces_nothing() {
        let (folder, ledger) = scratch();
        ledger.record_event("started", &json!({})).unwrap();
        let path = folder.path().join("copy.sqlite");
        ledger.copy_to(&path).unwrap();
        ledger.record_event("later", &json!({})).unwrap();
        assert!(ledger.copy_to(&path).is_err());
        let copy = Ledger::open(&path).unwrap();
        copy.record_event("own", &json!({})).unwrap();
        let kinds = |of: &Ledger| of.events().unwrap().into_iter().map(|it| it.kind).collect::<Vec<_>>();
        assert_eq!(
            (kinds(&copy), kinds(&ledger)),
            (vec!["started".to_owned(), "own".to_owned()], vec!["started".to_owned(), "later".to_owned()],)
        );
    }

    #[test]
    fn events_and_checkpoints_come_back_in_order() {
        let (_folder, ledger) = scratch();
        for kind in ["started", "stopped"] {
            ledger.record_event(kind, &json!({ "of": kind })).unwrap();
        }
        let events = ledger.events().unwrap();
        assert_eq!(
            events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(),
            ["started", "stopped"]
        );
        assert!(events[0].at > 1e9 && events[1].detail["of"] == "stopped");
        ledger.record_checkpoint("stage1", &json!({ "loss": 2 })).unwrap();
        ledger.record_checkpoint("stage1", &json!({ "loss": 1 })).unwrap();
        assert_eq!(ledger.checkpoints().unwrap(), [("stage1".to_owned(), json!({ "loss": 1 }))]);
        let stats = ledger.stats().unwrap();
        assert_eq!((stats.rows["events"], stats.rows["checkpoints"], stats.rows["attempts"]), (2, 1, 0));
        assert!(stats.bytes > 4096);
    }
}
