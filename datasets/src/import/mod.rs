//! Statements and proofs of others as corpus entries: JSON lines, JSON, Parquet, and folders of Lean files.
//!
//! A file is taken whole or not at all, so that a bad row in the middle leaves nothing half-imported. What a row means
//! is the layout's to say ([`Layout`]); how a theorem's text becomes header, signature and proof is the same for all.

mod claims;
mod columns;
mod entry;
mod layout;
mod lean;
mod parquet;
mod problem;
mod rows;
mod tactics;
mod text;

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub use claims::{Claim, ClaimRow, RowSource, read_claims};
use columns::Columns;
pub use entry::{distinct_id, plain_id};
pub use layout::{Field, Layout};
pub use problem::{ImportError, ImportOptions};
use problem::{Problem, column};

use crate::CorpusEntry;

/// What a file gave.
#[derive(Debug, Default)]
pub struct Imported {
    /// The entries, in the file's order, with ids that are distinct.
    pub entries: Vec<CorpusEntry>,
    /// Rows left out because of `skip_bad`, in words for people.
    pub skipped: Vec<String>,
}

/// The files that an input stands for: itself, or what a folder holds, in the order of their names.
///
/// # Errors
/// [`ImportError`] if it cannot be read or holds nothing to import.
pub fn import_files(path: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let read = |source| ImportError::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(read)?.is_file() {
        return if known(path) { Ok(vec![path.to_owned()]) } else { Err(ImportError::Kind(path.to_owned())) };
    }
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(&folder).map_err(read)? {
            let item = item.map_err(read)?;
            let hidden = item.file_name().to_string_lossy().starts_with('.');
            if item.file_type().map_err(read)?.is_dir() && !hidden {
                folders.push(item.path());
            } else if known(&item.path()) {
                files.push(item.path());
            }
        }
    }
    files.sort();
    if files.is_empty() { Err(ImportError::Kind(path.to_owned())) } else { Ok(files) }
}

fn known(path: &Path) -> bool {
    matches!(ending(path), "jsonl" | "json" | "parquet" | "lean")
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default()
}

/// Reads one file. `taken` holds the ids that are in use; those given here are added.
///
/// # Errors
/// [`ImportError`], naming file, row and column; then `taken` is as it was.
pub fn import_file(
    path: &Path,
    options: &ImportOptions,
    taken: &mut HashSet<String>,
) -> Result<Imported, ImportError> {
    let mut imported = Imported::default();
    let mut ids = taken.clone();
    let mut take = |row: u64, found: Result<CorpusEntry, Problem>| match found {
        Ok(mut entry) => {
            entry.statement.id = entry::distinct_id(&entry.statement.id, &mut ids);
            imported.entries.push(entry);
            Ok(())
        }
        Err(Problem { field, reason }) if options.skip_bad => {
            imported.skipped.push(format!("{}, row {row}{}: {reason}", path.display(), column(&field)));
            Ok(())
        }
        Err(Problem { field, reason }) => {
            let reason = reason.trim_end_matches('.').to_owned();
            Err(ImportError::Row { path: path.to_owned(), row, field, reason })
        }
    };
    let mut first = true;
    let mut take_row = |row: u64, object: Result<Map<String, Value>, Problem>| {
        let entry = match object {
            Ok(object) => {
                if std::mem::take(&mut first) {
                    has_columns(path, &object, &options.layout)?;
                }
                entry::entry(&object, row, options)
            }
            Err(problem) => Err(problem),
        };
        take(row, entry)
    };
    let open = || {
        let file = File::open(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
        Ok::<_, ImportError>(BufReader::with_capacity(1 << 16, file))
    };
    match ending(path) {
        "jsonl" => rows::json_lines(path, &mut open()?, &mut take_row)?,
        "json" => rows::json(path, &mut open()?, &mut take_row)?,
        "parquet" => {
            let mut names = |names: &Map<String, Value>| has_columns(path, names, &options.layout);
            let mut take_row = |row: u64, object: Result<Map<String, Value>, Problem>| {
                take(row, object.and_then(|object| entry::entry(&object, row, options)))
            };
            parquet::rows(path, &options.layout, &mut names, &mut take_row)?;
        }
        "lean" => lean::theorems_of(path, options, &mut take)?,
        _ => return Err(ImportError::Kind(path.to_owned())),
    }
    *taken = ids;
    Ok(imported)
}

/// Whether a file's first row has what every row needs.
fn has_columns(path: &Path, first: &Map<String, Value>, layout: &Layout) -> Result<(), ImportError> {
    let columns = Columns::of(first, layout);
    if [Field::Statement, Field::Proof, Field::Code].into_iter().any(|field| columns.has(field)) {
        return Ok(());
    }
    Err(ImportError::Columns {
        path: path.to_owned(),
        field: Field::Statement.as_str(),
        looked: layout.candidates(Field::Statement).join(", "),
        found: first.keys().cloned().collect::<Vec<_>>().join(", "),
        meant: columns.meant(Field::Statement),
    })
}

#[cfg(test)]
mod tests;
