//! What a search came to, as JSON and for people.

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

/// The lines that differ, as `patch` and `git apply` take them.
pub(super) fn diff(name: &str, before: &str, after: &str) -> String {
    let (old, new) = (format!("a/{name}"), format!("b/{name}"));
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
