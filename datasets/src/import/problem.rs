//! What the ways to read a file share: how to import, what may be wrong, and who takes what is read.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::layout::Layout;
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
    /// A column of a Parquet file that cannot be read as part of rows.
    #[error("{}: its column `{column}` holds {reason}, which cannot be read. Write the file without that column, or as JSON lines; nothing of it was imported.", path.display())]
    ParquetColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What it holds.
        reason: String,
    },
}

/// `, column NAME` where a column is known, for the end of a row's place.
pub(super) fn column(field: &Option<String>) -> String {
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

/// A problem of one row, before it is known which file it is in.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) field: Option<String>,
    pub(super) reason: String,
}

impl Problem {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { field: None, reason: reason.into() }
    }

    pub(super) fn of(field: &str, reason: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), reason: reason.into() }
    }
}

/// Takes an entry, or what is wrong with its row.
pub(super) type Take<'a> = dyn FnMut(u64, Result<CorpusEntry, Problem>) -> Result<(), ImportError> + 'a;
/// Takes a row as an object, or what is wrong with it.
pub(super) type TakeRow<'a, E> = dyn FnMut(u64, Result<Map<String, Value>, Problem>) -> Result<(), E> + 'a;
