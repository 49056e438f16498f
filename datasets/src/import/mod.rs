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

use crate::{CorpusEntry, Split};

/// Why a file could not be imported. Nothing of that file is imported then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}. Check the path and that you may read it.", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A file of a kind that is not known.
    #[error("{} is neither .jsonl, .json, .parquet nor .lean, nor a folder of such files; give it one of these endings.", .0.display())]
    Kind(PathBuf),
    /// A file without what the layout needs.
    #[error("{}: no column holds the {field} (looked for {looked}; found {found}).{meant} Name it with --map {field}=COLUMN.", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// What is missing.
        field: &'static str,
        /// Names that would have been taken.
        looked: String,
        /// Names that are there.
        found: String,
        /// What a misspelt name among them may have meant; empty if there is none.
        meant: String,
    },
    /// A row that cannot be understood.
    #[error("{}, row {row}{}: {reason}. Mend or remove that row, or leave such rows out with --skip-bad; nothing of this file was imported.", path.display(), column(.field))]
    Row {
        /// The file.
        path: PathBuf,
        /// The row or line, from 1.
        row: u64,
        /// The column at fault, if it is one alone.
        field: Option<String>,
        /// What is wrong.
        reason: String,
    },
    /// A Parquet file that cannot be read as one.
    #[error("{} is no whole Parquet file ({reason}). Fetch it again; nothing of it was imported.", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
}

fn column(field: &Option<String>) -> String {
    field.as_ref().map(|field| format!(", column `{field}`")).unwrap_or_default()
}

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// What the columns mean.
    pub layout: Layout,
    /// The split of rows that name none.
    pub split: Split,
    /// Leave out rows that cannot be understood, and say so, in place of refusing the file.
    pub skip_bad: bool,
}

/// What a file gave.
#[derive(Debug, Default)]
pub struct Imported {
    /// The entries, in the file's order, with ids that are distinct.
    pub entries: Vec<CorpusEntry>,
    /// Rows left out because of `skip_bad`, in words for people.
    pub skipped: Vec<String>,
}

/// A problem of one row, before it is known which file it is in.
#[derive(Debug)]
struct Problem {
    field: Option<String>,
    reason: String,
}

impl Problem {
    fn new(reason: impl Into<String>) -> Self {
        Self { field: None, reason: reason.into() }
    }

    fn of(field: &str, reason: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), reason: reason.into() }
    }
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

/// Takes an entry, or what is wrong with its row.
type Take<'a> = dyn FnMut(u64, Result<CorpusEntry, Problem>) -> Result<(), ImportError> + 'a;
/// Takes a row as an object, or what is wrong with it.
type TakeRow<'a, E> = dyn FnMut(u64, Result<Map<String, Value>, Problem>) -> Result<(), E> + 'a;

#[cfg(test)]
mod tests;
