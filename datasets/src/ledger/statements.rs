//! The statements that a run knows: those of its corpus, and conjectures from when they are accepted.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError, conversion_error, names_as_json, read_json};
use crate::{Split, Statement};

/// Where a statement comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The corpus.
    Corpus,
    /// The conjecturer.
    Conjecture,
}

/// A statement of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerStatement {
    /// The statement; its signature is empty in ledgers from before version 2 of the schema.
    #[serde(flatten)]
    pub statement: Statement,
    /// Where it comes from.
    pub origin: Origin,
}

impl Ledger {
    /// Records statements of the corpus, all in one transaction. Those that are there are completed.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses; then none is recorded.
    pub fn record_statements(&self, statements: &[Statement]) -> Result<(), LedgerError> {
        self.with(|db| {
            let transaction = db.unchecked_transaction()?;
            for statement in statements {
                transaction
                    .prepare_cached(
                        "INSERT INTO statements (name, signature, header, split, topics) VALUES (?1, ?2, ?3, ?4, ?5)
                         ON CONFLICT (name) DO UPDATE SET signature = ?2, header = ?3, split = ?4, topics = ?5
                         WHERE signature IS NULL",
                    )?
                    .execute(params![
                        statement.id,
                        statement.signature,
                        statement.header,
                        split_name(statement.split),
                        serde_json::json!(statement.topics).to_string()
                    ])?;
            }
            transaction.commit()
        })
    }

    /// All statements, in the order in which they became known.
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn statements(&self) -> Result<Vec<LedgerStatement>, LedgerError> {
        self.with(|db| {
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM statements ORDER BY id"))?
                .query_map([], read_statement)?
                .collect()
        })
    }

    /// The statements of these names, by name; names that the ledger does not know are left out. Of conjectures the
    /// topics are empty, as in [`Ledger::statements`].
    ///
    /// # Errors
    /// [`LedgerError`] if the database refuses or a row does not parse.
    pub fn statements_of(&self, names: &[&str]) -> Result<HashMap<String, Statement>, LedgerError> {
        let sql = format!("SELECT {COLUMNS} FROM statements WHERE name IN (SELECT value FROM json_each(?1))");
        self.with(|db| {
            db.prepare_cached(&sql)?
                .query_map([names_as_json(names)], |row| {
                    let LedgerStatement { statement, .. } = read_statement(row)?;
                    Ok((statement.id.clone(), statement))
                })?
                .collect()
        })
    }
}

pub(super) const COLUMNS: &str = "name, coalesce(signature, ''), header, topics, split, origin";

pub(super) fn read_statement(row: &Row<'_>) -> rusqlite::Result<LedgerStatement> {
    Ok(LedgerStatement {
        statement: Statement {
            id: row.get(0)?,
            signature: row.get(1)?,
            header: row.get(2)?,
            topics: read_json(row, 3)?,
            split: read_word(row, 4)?,
        },
        origin: read_word(row, 5)?,
    })
}

fn read_word<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let word = serde_json::Value::String(row.get(column)?);
    serde_json::from_value(word).map_err(|error| conversion_error(column, error))
}

/// The row of a statement; one that nobody announced gets one.
pub(super) fn id_of(db: &Connection, name: &str) -> rusqlite::Result<i64> {
    let known = db
        .prepare_cached("SELECT id FROM statements WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    db.prepare_cached("INSERT INTO statements (name) VALUES (?1)")?.execute([name])?;
    Ok(db.last_insert_rowid())
}

pub(super) fn note_conjecture(
    db: &Connection,
    name: &str,
    signature: &str,
    header: &str,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO statements (name, signature, header, origin) VALUES (?1, ?2, ?3, 'conjecture')",
    )?
    .execute([name, signature, header])?;
    Ok(())
}

fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "train",
        Split::Valid => "valid",
        Split::Test => "test",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::scratch;
    use super::*;

    #[test]
    fn statements_come_back_and_are_completed_once() {
        let (_folder, ledger) = scratch();
        let statement = Statement {
            id: "a".to_owned(),
            signature: ": True".to_owned(),
            header: "open Nat".to_owned(),
            topics: vec!["logic".to_owned()],
            split: Split::Valid,
        };
        ledger.with(|db| id_of(db, "a").map(drop)).unwrap();
        ledger.record_statements(std::slice::from_ref(&statement)).unwrap();
        let other = Statement { signature: ": False".to_owned(), ..statement.clone() };
        ledger.record_statements(&[other]).unwrap();
        let found = ledger.statements().unwrap();
        assert_eq!(found, [LedgerStatement { statement, origin: Origin::Corpus }]);
    }
}
