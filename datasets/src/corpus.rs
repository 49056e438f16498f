//! Reading corpora: folders of JSON-lines files, one [`CorpusEntry`] a line.
//!
//! A corpus is read whole and checked whole, so that a bad line is reported with its file and number
//! before a run has spent any time.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::{CorpusEntry, Split, Statement, canonical_explicit, canonical_statement};

/// The files of the built-in corpus.
const CORE: [(&str, &str); 8] = [
    ("arith.jsonl", include_str!("../corpora/core/arith.jsonl")),
    ("bool.jsonl", include_str!("../corpora/core/bool.jsonl")),
    ("int.jsonl", include_str!("../corpora/core/int.jsonl")),
    ("list.jsonl", include_str!("../corpora/core/list.jsonl")),
    ("logic.jsonl", include_str!("../corpora/core/logic.jsonl")),
    ("nat.jsonl", include_str!("../corpora/core/nat.jsonl")),
    ("option.jsonl", include_str!("../corpora/core/option.jsonl")),
    ("recursion.jsonl", include_str!("../corpora/core/recursion.jsonl")),
];

/// Theorems of Lean's own library (Apache-2.0, the Lean authors), as `stp corpus library` wrote them with Lean 4.28.0-pre.
const LIBRARY: &str = include_str!("../corpora/library/theorems.jsonl");

/// A few families of short statements, which differ in their numbers.
const PRACTICE: &str = include_str!("../corpora/practice/practice.jsonl");

/// Why a corpus could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file or folder could not be read.
    #[error("cannot read the corpus at {}: {source}. Check the path given with --corpus and that you may read it.", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A folder without any `.jsonl` file.
    #[error("there is no .jsonl file in {}. Give --corpus a folder of JSON-lines files, or one such file.", .0.display())]
    Empty(PathBuf),
    /// A line that is not a corpus entry.
    #[error("{}:{line}: {reason}. Mend or remove that line and run the same command again.", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Statements with their known proofs, in file order.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// All entries of all splits.
    pub entries: Vec<CorpusEntry>,
}

impl Corpus {
    /// Reads a `.jsonl` file, or every `.jsonl` file of a folder in the order of their names.
    ///
    /// # Errors
    /// [`CorpusError`], naming file and line where a line is at fault.
    pub fn load(path: &Path) -> Result<Self, CorpusError> {
        let read = |file: PathBuf| match fs::read_to_string(&file) {
            Ok(text) => Ok((file, text)),
            Err(source) => Err(CorpusError::Read { path: file, source }),
        };
        let files = corpus_files(path)?.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Self::parse(&files)
    }

    /// The built-in corpus: core Lean, no imports.
    ///
    /// # Errors
    /// [`CorpusError::Line`] if a built-in file is damaged, which a test rules out.
    pub fn core() -> Result<Self, CorpusError> {
        let files = CORE.map(|(name, text)| (PathBuf::from("core").join(name), text.to_owned()));
        Self::parse(&files)
    }

    /// The theorems of Lean's library without imports, each with its name as the proof: for pretraining. None is a
    /// statement of [`Self::core`].
    ///
    /// # Errors
    /// [`CorpusError::Line`] if the built-in file is damaged, which a test rules out.
    pub fn library() -> Result<Self, CorpusError> {
        Self::parse(&[(PathBuf::from("library/theorems.jsonl"), LIBRARY.to_owned())])
    }

    /// A few families of short statements about numbers, for runs that are to be over in a minute: even a tiny model learns
    /// to write more of them. Some have no proof, and are near to others that have.
    ///
    /// # Errors
    /// [`CorpusError::Line`] if the built-in file is damaged, which a test rules out.
    pub fn practice() -> Result<Self, CorpusError> {
        Self::parse(&[(PathBuf::from("practice/practice.jsonl"), PRACTICE.to_owned())])
    }

    fn parse(files: &[(PathBuf, String)]) -> Result<Self, CorpusError> {
        let mut corpus = Self::default();
        let mut seen = HashMap::new();
        for (file, text) in files {
            for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                let at_line = |reason| CorpusError::Line { path: file.clone(), line: index + 1, reason };
                let entry = parse_entry(line).map_err(at_line)?;
                let place = format!("{}:{}", file.display(), index + 1);
                if let Some(first) = seen.insert(entry.statement.id.clone(), place) {
                    return Err(at_line(format!(
                        "the id `{}` stands already at {first}",
                        entry.statement.id
                    )));
                }
                corpus.entries.push(entry);
            }
        }
        Ok(corpus)
    }

    /// The entries of one split, in file order.
    pub fn split(&self, split: Split) -> impl Iterator<Item = &CorpusEntry> {
        self.entries.iter().filter(move |entry| entry.statement.split == split)
    }

    /// What its statements, of all splits, are known by: [`canonical_statement`].
    pub fn keys(&self) -> HashSet<String> {
        self.entries.iter().map(|entry| canonical_statement(&entry.statement.signature)).collect()
    }

    /// As [`Self::keys`], whichever binders are implicit.
    pub fn explicit_keys(&self) -> HashSet<String> {
        self.entries.iter().map(|entry| canonical_explicit(&entry.statement.signature)).collect()
    }

    /// The statements of one split, in file order.
    pub fn statements(&self, split: Split) -> Vec<Statement> {
        self.split(split).map(|entry| entry.statement.clone()).collect()
    }
}

fn corpus_files(path: &Path) -> Result<Vec<PathBuf>, CorpusError> {
    let read_error = |source| CorpusError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(read_error)?.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for item in fs::read_dir(path).map_err(read_error)? {
        let file = item.map_err(read_error)?.path();
        if file.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(CorpusError::Empty(path.to_owned()));
    }
    files.sort();
    Ok(files)
}

fn parse_entry(line: &str) -> Result<CorpusEntry, String> {
    let entry: CorpusEntry =
        serde_json::from_str(line).map_err(|error| format!("not a corpus entry ({error})"))?;
    let id = &entry.statement.id;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '\'';
    if id.is_empty() || id.starts_with(|c: char| c.is_ascii_digit()) || !id.chars().all(plain) {
        return Err(format!("the id `{id}` is not a plain Lean identifier"));
    }
    if !entry.statement.signature.contains(':') {
        return Err(format!("the signature of `{id}` has no `:`"));
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = r#"{"id":"a","signature":": True","split":"train","proofs":["trivial"]}"#;

    fn load_lines(lines: &[&str]) -> Result<Corpus, CorpusError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.jsonl"), lines.join("\n")).unwrap();
        Corpus::load(folder.path())
    }

    #[test]
    fn reads_entries_and_skips_blank_lines() {
        let corpus = load_lines(&[GOOD, "", r#"{"id":"b","signature":": False","split":"test"}"#]).unwrap();
        assert_eq!(corpus.entries.len(), 2);
        assert_eq!(corpus.statements(Split::Test)[0].declaration(), "theorem b : False");
        assert_eq!(corpus.split(Split::Train).next().unwrap().proofs, ["trivial"]);
    }

    #[test]
    fn names_file_and_line_of_a_bad_line() {
        for (bad, hint) in [
            ("{", "not a corpus entry"),
            (r#"{"id":"1 x","signature":": True","split":"train"}"#, "identifier"),
            (r#"{"id":"x","signature":"True","split":"train"}"#, "no `:`"),
            (r#"{"id":"x","signature":": True","split":"other"}"#, "other"),
            (GOOD, "stands already at"),
        ] {
            let message = load_lines(&[GOOD, bad]).unwrap_err().to_string();
            assert!(message.contains("x.jsonl:2:") && message.contains(hint), "{message}");
        }
    }

    #[test]
    fn missing_and_empty_folders_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Corpus::load(folder.path()), Err(CorpusError::Empty(_))));
        assert!(matches!(Corpus::load(&folder.path().join("no")), Err(CorpusError::Read { .. })));
    }

    #[test]
    fn the_core_corpus_has_the_promised_shape() {
        let corpus = Corpus::core().unwrap();
        let total = corpus.entries.len();
        let hard = corpus.entries.iter().filter(|entry| entry.is_hard()).count();
        let seeds = corpus.split(Split::Train).filter(|entry| !entry.proofs.is_empty()).count();
        assert!(total >= 1500 && hard * 10 >= total * 4 && seeds >= 600, "{total} {hard} {seeds}");
        assert!(corpus.entries.iter().all(|entry| !entry.statement.topics.is_empty()));
        let texts: std::collections::HashSet<_> =
            corpus.entries.iter().map(|entry| crate::canonical_text(&entry.statement.signature)).collect();
        assert_eq!(texts.len(), total, "no two are equal up to spaces and bound names");
        for split in [Split::Valid, Split::Test] {
            assert!(corpus.split(split).count() >= 150, "{split:?}");
        }
    }

    #[test]
    fn the_library_shares_no_statement_with_the_core_corpus() {
        let library = Corpus::library().unwrap();
        assert!(library.entries.len() > 5000);
        assert!(library.entries.iter().all(|entry| !entry.proofs.is_empty()));
        let core = Corpus::core().unwrap().explicit_keys();
        let is_shared = |entry: &&CorpusEntry| core.contains(&canonical_explicit(&entry.statement.signature));
        let shared = library.entries.iter().filter(is_shared).map(|entry| entry.statement.id.as_str());
        assert_eq!(shared.collect::<Vec<_>>(), Vec::<&str>::new());
    }

    #[test]
    fn the_practice_corpus_has_statements_to_learn_from_and_some_to_prove() {
        let practice = Corpus::practice().unwrap();
        let (train, valid) = (practice.split(Split::Train), practice.split(Split::Valid));
        let open = train.filter(|entry| entry.proofs.is_empty()).count();
        assert_eq!((practice.entries.len(), valid.count(), open), (72, 12, 11));
        assert_eq!(practice.keys().len(), 72);
        assert_eq!(practice.keys().intersection(&Corpus::core().unwrap().keys()).next(), None);
    }

    proptest! {
        #[test]
        fn any_line_parses_or_gives_a_reason(line in "\\PC{0,80}") {
            if let Err(reason) = parse_entry(&line) {
                prop_assert!(!reason.is_empty());
            }
        }
    }
}
