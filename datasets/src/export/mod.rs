//! A run's results as data sets that other tools load unchanged: JSON lines, Parquet, or a Lake project.
//!
//! An export is a folder: `data/SPLIT.jsonl` (or `.parquet`), a dataset card (`README.md`) and `SHA256SUMS`. The same
//! ledger gives the same bytes. What is meant for training has rows of the training split alone.

mod card;
mod format;
mod lean;
mod parquet;
mod tables;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

pub use card::Provenance;
pub use format::Format;
pub use lean::write_lean_project;
pub use tables::{attempts, conjectures, preferences, proofs};
pub use write::write_folder;

use crate::{LedgerError, Split};

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}. Give another folder with -o, or make it writable.", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The folder holds something.
    #[error("{} is there already and is no empty folder. Give another with -o, or remove it first.", .0.display())]
    Taken(PathBuf),
    /// The rows could not be made a Parquet file.
    #[error(
        "the rows could not be written as Parquet ({0}). Export them with --format jsonl, and report this: it is an error of stp."
    )]
    Parquet(String),
    /// A row outside the training split in what is meant for training.
    #[error(
        "a row of the split {split:?} (`{statement}`) came into a table for training. Nothing was written; report this: it is an error of stp."
    )]
    HeldOut {
        /// The split.
        split: Split,
        /// The row's statement.
        statement: String,
    },
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What a column holds. All but `statement` and `split` may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A signed 64-bit number.
    Integer,
    /// A double.
    Number,
    /// A list of texts.
    Texts,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What that means, for the dataset card.
    pub meaning: &'static str,
}

/// Rows to export, by split.
#[derive(Clone, Debug)]
pub struct Table {
    /// What the rows are, for the dataset card.
    pub title: &'static str,
    /// Whether models are to be trained on it, so that it may have no row that is held out.
    pub for_training: bool,
    /// The columns.
    pub columns: &'static [Column],
    /// The rows, objects with the columns' names, in an order that the ledger alone decides.
    pub rows: BTreeMap<Split, Vec<Value>>,
}

impl Table {
    /// All rows with their splits.
    pub fn all(&self) -> impl Iterator<Item = (Split, &Value)> {
        self.rows.iter().flat_map(|(&split, rows)| rows.iter().map(move |row| (split, row)))
    }
}

#[cfg(test)]
mod tests;
