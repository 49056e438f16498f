//! What a search came to, as JSON and for people.

use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use stp_selfplay::search::{Found, Outcome};

/// One theorem, as `--json` has it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// Its name; empty if it has none.
    pub name: String,
    /// Its line in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The Lean text before it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub header: String,
    /// Binders and type.
    pub statement: String,
    /// `proved`, `open`, `interrupted`, or `refused` where it could not be searched.
    pub status: &'static str,
    /// The proof, the text after `:=`; `null` if there is none.
    pub proof: Option<String>,
    /// The proof with the fewest goals open, `sorry` at each; only where something is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
    /// The goals at its `sorry`s.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
    /// Why it could not be searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Proof texts that Lean was asked about.
    pub checks: u64,
    /// Texts of the model.
    pub samples: u64,
    /// Failed proofs that were made sketches of.
    pub sketches: u64,
    /// What the search took.
    pub seconds: f64,
}

impl Row {
    /// Of a search.
    pub(super) fn of(name: &str, header: &str, signature: &str, found: &Found, seconds: f64) -> Self {
        let is_proved = found.outcome == Outcome::Proved;
        let reason = match &found.outcome {
            Outcome::Refused(reason) => Some(reason.clone()),
            _ => None,
        };
        Self {
            name: name.to_owned(),
            line: None,
            header: header.to_owned(),
            statement: signature.to_owned(),
            status: status(&found.outcome),
            proof: is_proved.then(|| found.proof.clone()),
            partial: (!is_proved).then(|| found.proof.clone()),
            open: found.open.clone(),
            reason,
            checks: found.spent.checks,
            samples: found.spent.samples,
            sketches: found.spent.sketches,
            seconds: (seconds * 1e3).round() / 1e3,
        }
    }
}

/// The outcome in one word.
pub(super) fn status(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Proved => "proved",
        Outcome::Open | Outcome::Exhausted => "open",
        Outcome::Interrupted => "interrupted",
        Outcome::Refused(_) => "refused",
    }
}

/// A file, as `--json` has it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FileRow {
    /// Its path; `null` for standard input.
    pub file: Option<String>,
    /// `proved` if no `sorry` is left; `open`, `interrupted`.
    pub status: &'static str,
    /// Its theorems that had a `sorry`, as far as they were reached.
    pub theorems: Vec<Row>,
    /// `sorry`s that stand where nothing is searched, with their lines.
    pub out_of_reach: Vec<(usize, String)>,
    /// The whole text with all that was filled.
    pub text: String,
}

/// What a file is called in a diff: its path from the current folder, below which `patch -p1` and `git apply` look; that from the
/// root if it lies elsewhere.
pub(super) fn name_in_diff(path: &Path) -> String {
    let current = std::env::current_dir().and_then(|it| it.canonicalize()).unwrap_or_default();
    below(path, &current)
}

fn below(path: &Path, current: &Path) -> String {
    let is_plain = |it: Component<'_>| matches!(it, Component::Normal(_) | Component::CurDir);
    let path = if path.components().all(is_plain) { path.to_owned() } else { resolved(path) };
    let inside = path.strip_prefix(current).unwrap_or(&path);
    let parts = inside.components().filter(|it| matches!(it, Component::Normal(_)));
    parts.collect::<PathBuf>().display().to_string()
}

/// A path from the root on, without links to folders; the file itself may be a link.
fn resolved(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// The lines that differ, as `patch -p1` and `git apply` take them.
pub(super) fn diff(name: &str, before: &str, after: &str) -> String {
    // A name with a space ends at a tab for both.
    let end = if name.contains(' ') { "\t" } else { "" };
    let (old, new) = (format!("a/{name}{end}"), format!("b/{name}{end}"));
    similar::TextDiff::from_lines(before, after).unified_diff().header(&old, &new).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_names_the_file_and_the_lines() {
        let text = diff("F.lean", "a\nb\nc\n", "a\nB\nc\n");
        assert_eq!(text, "--- a/F.lean\n+++ b/F.lean\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
        assert_eq!(diff("F.lean", "a\n", "a\n"), "");
        assert!(
            diff("a file.lean", "a\n", "b\n").starts_with("--- a/a file.lean\t\n+++ b/a file.lean\t\n@@")
        );
    }

    #[test]
    fn a_diff_names_a_file_from_the_current_folder() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().canonicalize().unwrap();
        let current = folder.join("project");
        std::fs::create_dir_all(current.join("inner")).unwrap();
        let whole = current.join("inner/F.lean");
        for path in [Path::new("inner/F.lean"), Path::new("./inner/./F.lean"), whole.as_path()] {
            assert_eq!(below(path, &current), "inner/F.lean", "{}", path.display());
        }
        assert_eq!(below(&current.join("inner/../F.lean"), &current), "F.lean");
        let elsewhere = folder.join("F.lean").display().to_string();
        assert_eq!(below(&current.join("../F.lean"), &current), &elsewhere[1..]);
    }

    #[test]
    fn a_row_has_a_proof_or_a_partial_one() {
        let found =
            |outcome| Found { outcome, proof: "by rfl".into(), open: vec![], spent: Default::default() };
        let row = |outcome| serde_json::to_value(Row::of("a", "", ": A", &found(outcome), 0.12345)).unwrap();
        let proved = row(Outcome::Proved);
        assert_eq!(
            (&proved["proof"], &proved["status"], &proved["seconds"]),
            (&"by rfl".into(), &"proved".into(), &0.123.into())
        );
        assert!(proved.get("partial").is_none());
        let open = row(Outcome::Exhausted);
        assert_eq!((&open["proof"], &open["partial"]), (&serde_json::Value::Null, &"by rfl".into()));
        assert_eq!(row(Outcome::Refused("no".into()))["reason"], "no");
    }
}
