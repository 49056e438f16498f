//! Lean files as rows: each theorem with all that stands above it as its header.

use std::path::Path;

use super::entry;
use super::problem::{ImportError, ImportOptions, Problem, Take};
use crate::{CorpusEntry, Split, Statement, theorems};

pub(super) fn theorems_of(
    path: &Path,
    options: &ImportOptions,
    take: &mut Take<'_>,
) -> Result<(), ImportError> {
    let bytes = std::fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
            return take(line, Err(Problem::new("it is not UTF-8")));
        }
    };
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("file");
    for found in theorems(&text) {
        match found {
            Ok(theorem) => {
                let line = theorem.line as u64;
                let name = if theorem.name.is_empty() { format!("{stem}_{line}") } else { theorem.name };
                let statement = Statement {
                    id: entry::plain_id(&name),
                    signature: theorem.signature,
                    header: theorem.header.trim().to_owned(),
                    topics: Vec::new(),
                    split: split_of(path).unwrap_or(options.split),
                };
                let proofs = entry::proofs(&theorem.proof);
                take(line, Ok(CorpusEntry { proofs, ..CorpusEntry::unchecked(statement) }))?;
            }
            Err(error) => {
                let reason = format!("`{}` {}", error.name, error.reason);
                take(error.line as u64, Err(Problem::new(reason)))?;
            }
        }
    }
    Ok(())
}

/// The split that a folder or file is named after, as in `MiniF2F/Valid/x.lean` or `Test.lean`.
fn split_of(path: &Path) -> Option<Split> {
    path.with_extension("")
        .components()
        .rev()
        .take(3)
        .find_map(|part| entry::split_named(&part.as_os_str().to_string_lossy().to_lowercase()))
}
