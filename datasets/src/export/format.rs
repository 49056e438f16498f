//! In what form rows are written, and under which names.

use crate::Split;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Parquet, compressed with Snappy.
    Parquet,
}

impl Format {
    /// The ending of a file's name, without the dot.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

/// The name of a split's file; that of the Hugging Face libraries for `valid`.
pub(super) fn split_file(split: Split) -> &'static str {
    match split {
        Split::Train => "train",
        Split::Valid => "validation",
        Split::Test => "test",
    }
}
