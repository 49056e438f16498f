//! What each verdict means, in one sentence: for `--help`, for SARIF, and for `docs/verifier.md`.

/// The name that stands for rows that are no claims.
pub(super) const MALFORMED: &str = "malformed";

/// Verdicts and what they mean.
pub(super) const VERDICTS: [(&str, &str); 7] = [
    (
        "proved",
        "Lean accepted exactly this statement, with no axiom beyond propext, Quot.sound and Classical.choice.",
    ),
    ("failed", "Lean read the proof and did not accept it, or it proves another statement."),
    ("rejected", "The proof uses what no proof may: sorry, an axiom of its own, code that runs, a command."),
    ("statement_error", "The statement or its header does not elaborate, so the proof was not looked at."),
    ("timeout", "The check took longer than --timeout."),
    ("crashed", "The Lean process died on it (stack, memory); another try may end otherwise."),
    (
        MALFORMED,
        "The row is no claim, or the file has an error outside of its theorems; `error` says what is wrong.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::Status;

    #[test]
    fn every_verdict_is_in_it_and_in_the_manual() {
        let manual = include_str!("../../../../docs/verifier.md");
        for (name, meaning) in VERDICTS {
            assert!(name == MALFORMED || Status::parse(name).is_some(), "{name}");
            assert!(
                manual.contains(&format!("| `{name}` | {meaning}")),
                "docs/verifier.md lacks {name}: {meaning}"
            );
        }
    }
}
