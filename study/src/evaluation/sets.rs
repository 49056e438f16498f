//! The statements that a model is measured on: splits of a corpus, or files of others.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use stp_datasets::{
    Corpus, CorpusEntry, ImportOptions, Layout, Split, canonical_text, import_file, import_files,
};
use stp_selfplay::context::statements::spread;
use stp_selfplay::error::UsageError;

/// A set of statements under a name.
#[derive(Clone, Debug)]
pub struct StatementSet {
    /// For people and for folders: `valid`, `test`, or a file's name with a hash of its statements.
    pub name: String,
    /// The statements, with what is known of them.
    pub entries: Vec<CorpusEntry>,
    /// Whether the entries say which tactics close them alone (`closed_by`).
    pub measured: bool,
    /// Changes with anything that is known of any statement.
    pub hash: String,
}

impl StatementSet {
    /// A split of the corpus (`train`, `valid` or `test`), or a file or folder; at most `max` of its statements, evenly
    /// spread (0: all).
    ///
    /// # Errors
    /// [`UsageError`] if there is neither such a split nor such a file; whatever reading it gives.
    pub fn load(name: &str, corpus: &Corpus, max: usize) -> Result<Self> {
        let mut set = match split(name) {
            Some(split) => Self::of_split(name, corpus, split),
            None => Self::of_file(Path::new(name))?,
        };
        if set.entries.is_empty() {
            return Err(UsageError(format!("The set `{name}` has no statement.")).into());
        }
        if max > 0 && max < set.entries.len() {
            set.entries = spread(&set.entries, max);
            set.name = format!("{}-{max}", set.name);
        }
        set.hash = Corpus { entries: set.entries.clone() }.digest();
        Ok(set)
    }

    fn of_split(name: &str, corpus: &Corpus, split: Split) -> Self {
        Self {
            name: name.to_owned(),
            entries: corpus.split(split).cloned().collect(),
            measured: corpus.split(split).any(|entry| !entry.is_hard()),
            hash: String::new(),
        }
    }

    fn of_file(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(UsageError(format!(
                "There is no set `{}`: give train, valid or test for the run's corpus, or a file of statements.",
                path.display()
            ))
            .into());
        }
        let (entries, measured) = match Corpus::load(path) {
            Ok(corpus) => (corpus.entries, true),
            // Not in this program's own form, so in that of others.
            Err(_) => (import(path)?, false),
        };
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let measured = measured && entries.iter().any(|entry| !entry.is_hard());
        let name = format!("{stem}-{}", short_hash(&entries));
        Ok(Self { name, entries, measured, hash: String::new() })
    }

    /// How many of these statements are among the training statements of `corpus`, up to bound names and spaces.
    pub fn in_training(&self, corpus: &Corpus) -> usize {
        let known: HashSet<_> =
            corpus.split(Split::Train).map(|entry| canonical_text(&entry.statement.signature)).collect();
        let own = self.entries.iter().map(|entry| canonical_text(&entry.statement.signature));
        own.filter(|text| known.contains(text)).count()
    }
}

fn split(name: &str) -> Option<Split> {
    match name {
        "train" => Some(Split::Train),
        "valid" => Some(Split::Valid),
        "test" => Some(Split::Test),
        _ => None,
    }
}

fn import(path: &Path) -> Result<Vec<CorpusEntry>> {
    let layout = Layout::named("auto").context("there is no layout `auto`")?;
    let options = ImportOptions { layout, split: Split::Test, skip_bad: false };
    let (mut taken, mut entries) = (HashSet::new(), Vec::new());
    for file in import_files(path)? {
        entries.extend(import_file(&file, &options, &mut taken)?.entries);
    }
    Ok(entries)
}

/// Eight letters that change with any statement.
fn short_hash(entries: &[CorpusEntry]) -> String {
    let mut hasher = Sha256::new();
    for entry in entries {
        for text in [&entry.statement.id, &entry.statement.header, &entry.statement.signature] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_and_files_of_others_are_sets() {
        let corpus = Corpus::core().unwrap();
        let test = StatementSet::load("test", &corpus, 0).unwrap();
        assert!(test.measured && test.entries.iter().all(|entry| entry.statement.split == Split::Test));
        assert_eq!(test.in_training(&corpus), 0);
        let mut changed = corpus.clone();
        changed.entries.iter_mut().for_each(|entry| entry.closed_by.clear());
        assert_ne!(StatementSet::load("test", &changed, 0).unwrap().hash, test.hash);
        let few = StatementSet::load("valid", &corpus, 7).unwrap();
        assert_eq!((few.entries.len(), few.name.as_str()), (7, "valid-7"));

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("others.jsonl");
        let known = &corpus.split(Split::Train).next().unwrap().statement.signature;
        let row = |name: &str, text: &str| serde_json::json!({"id": name, "split": "valid", "statement": format!("theorem {name} {text} := by")});
        let text = format!("{}\n{}\n", row("one", "(x : Nat) : x * 7 % 7 = 0"), row("two", known));
        std::fs::write(&path, &text).unwrap();
        let set = StatementSet::load(path.to_str().unwrap(), &corpus, 0).unwrap();
        assert_eq!(set.entries[0].statement.signature, "(x : Nat) : x * 7 % 7 = 0");
        assert_eq!((set.in_training(&corpus), set.measured), (1, false));
        std::fs::write(&path, text.replace('7', "8")).unwrap();
        assert_ne!(StatementSet::load(path.to_str().unwrap(), &corpus, 0).unwrap().name, set.name);
        let error = StatementSet::load("exam", &corpus, 0).unwrap_err().to_string();
        assert!(error.contains("`exam`") && error.contains("valid"), "{error}");
    }
}
