//! Which failed proofs are nearest to a proof: the loop and a search of one statement agree on it.

use std::collections::HashSet;

use stp_datasets::{after_by, words};

/// How near a failed proof is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearness {
    /// Errors that Lean found.
    pub errors: usize,
    /// Mean log-probability of its tokens.
    pub likelihood: f64,
    /// Its number; of those that are alike the earlier one comes first.
    pub number: u32,
}

/// The distinct texts with the fewest errors, of these the likeliest first.
pub fn nearest<T>(
    mut failed: Vec<T>,
    most: usize,
    nearness: impl Fn(&T) -> Nearness,
    text: impl Fn(&T) -> &str,
) -> Vec<T> {
    failed.sort_by(|a, b| {
        let (a, b) = (nearness(a), nearness(b));
        a.errors
            .cmp(&b.errors)
            .then_with(|| b.likelihood.total_cmp(&a.likelihood))
            .then_with(|| a.number.cmp(&b.number))
    });
    let mut seen = HashSet::new();
    failed.retain(|it| seen.insert(text(it).to_owned()));
    failed.truncate(most);
    failed
}

/// Why a sketch leads nowhere that leaves all open.
pub const ITSELF: &str = "a goal is the statement itself";

/// What a proof of more than one tactic has somewhere, or a list of rules of which the first ones may have been applied.
const PARTS: [&str; 17] = [
    ";", "<;>", "|", "·", ".", ",", "=>", "?", "?_", "by", "calc", "case", "from", "fun", "have", "show",
    "suffices",
];

/// Whether a failed proof leaves nothing but the statement itself open: it is one tactic, which did not go through.
pub fn leaves_all_open<'a>(proof: &str, mut messages: impl Iterator<Item = &'a str>) -> bool {
    let Some(tactic) = after_by(proof.trim()) else { return false };
    let is_one = !tactic.trim().contains('\n')
        && words(tactic).is_some_and(|words| words.iter().all(|word| !PARTS.contains(&word.as_str())));
    is_one && messages.all(|message| !message.contains("unsolved goals"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tactic_that_fails_leaves_the_statement() {
        let all = |proof, message| leaves_all_open(proof, [message].into_iter());
        for one in ["by omega", "by\n  grind", "by\n  exact Nat.le_of_lt h1.1", "by simp [h]\n"] {
            assert!(all(one, "2:3: error: it failed"), "{one}");
            assert!(!all(one, "2:3: error: unsolved goals\n⊢ False"), "{one}");
        }
        let several = [
            "by\n  intro x\n  omega",
            "by constructor <;> simp",
            "by rw [h1, h2]",
            "by exact ⟨a, by omega⟩",
            "by refine f ?_",
            "by intro x; simp",
            "by exact (fun x => x)",
            "foo h",
            "by",
        ];
        for proof in several {
            assert!(!all(proof, "error"), "{proof}");
        }
    }

    #[test]
    fn few_errors_come_first_and_a_text_comes_once() {
        let failed = [("c", 2, -0.1), ("a", 1, -2.0), ("b", 1, -0.5), ("b", 1, -0.6), ("d", 3, 0.0)];
        let nearness = |it: &(&str, usize, f64)| Nearness { errors: it.1, likelihood: it.2, number: 0 };
        let texts: Vec<_> =
            nearest(failed.to_vec(), 3, nearness, |it| it.0).into_iter().map(|it| it.0).collect();
        assert_eq!(texts, ["b", "a", "c"]);
    }
}
