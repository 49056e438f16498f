//! What became of a conjecture, as a word in the conjecturer's prompt: it learns from all of them, and is asked for those
//! that are barely provable (as in Poesia et al., "Learning Formal Mathematics From Intrinsic Motivation", 2024).
//!
//! The word stands as a comment of Lean's below the seed's proof, so that prompts keep their parts, and every tokenizer
//! has it.

use stp_datasets::{ConjectureOutcome, Tally};

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Its negation has a proof.
    False,
    /// A single tactic that every prover knows proves it.
    Trivial,
    /// Proved often.
    Easy,
    /// Proved seldom: what conjectures should be.
    Barely,
    /// Never proved so far.
    Open,
}

/// Tactics that make a conjecture trivial.
const TRIVIAL: [&str; 3] = ["rfl", "simp", "decide"];

impl Fate {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::False, Self::Trivial, Self::Easy, Self::Barely, Self::Open];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::False => "false",
            Self::Trivial => "trivial",
            Self::Easy => "easy",
            Self::Barely => "barely",
            Self::Open => "open",
        }
    }

    /// That of a conjecture, of whose samples the tally is; barely provable are those with a pass rate of at most
    /// `highest`. `None` if nobody knows: no proof of it was judged, or it was not looked at so far.
    pub fn of(outcome: Option<ConjectureOutcome>, tally: Tally, highest: f64) -> Option<Self> {
        match outcome? {
            ConjectureOutcome::Refuted => Some(Self::False),
            ConjectureOutcome::Trivial => Some(Self::Trivial),
            ConjectureOutcome::Accepted if tally.judged == 0 => None,
            ConjectureOutcome::Accepted if tally.proved == 0 => Some(Self::Open),
            ConjectureOutcome::Accepted if tally.is_barely(highest) => Some(Self::Barely),
            ConjectureOutcome::Accepted => Some(Self::Easy),
            _ => None,
        }
    }

    /// That of a given statement before anything was sampled: by the single tactics that close it, and by whether there is
    /// a proof of it.
    pub fn of_given(closed_by: &[String], has_proof: bool) -> Self {
        if closed_by.iter().any(|tactic| TRIVIAL.contains(&tactic.as_str())) {
            Self::Trivial
        } else if !closed_by.is_empty() {
            Self::Easy
        } else if has_proof {
            Self::Barely
        } else {
            Self::Open
        }
    }
}

/// A seed's proof as it stands in the prompt, with the fate of the statement that is asked for.
pub fn proof_with_fate(proof: &str, fate: Option<Fate>) -> String {
    match fate {
        None => proof.to_owned(),
        Some(fate) if proof.is_empty() => format!("-- {}", fate.as_str()),
        Some(fate) => format!("{proof}\n-- {}", fate.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fate_is_what_became_of_it() {
        let of = |outcome, proved, judged| Fate::of(Some(outcome), Tally { proved, judged }, 0.25);
        let accepted = ConjectureOutcome::Accepted;
        assert_eq!(of(ConjectureOutcome::Refuted, 0, 0), Some(Fate::False));
        assert_eq!(of(ConjectureOutcome::Trivial, 0, 0), Some(Fate::Trivial));
        assert_eq!(
            [0, 2, 3].map(|proved| of(accepted, proved, 8)),
            [Fate::Open, Fate::Barely, Fate::Easy].map(Some)
        );
        assert_eq!(of(accepted, 0, 0), None, "nobody has tried");
        for outcome in
            [ConjectureOutcome::Malformed, ConjectureOutcome::HeldOut, ConjectureOutcome::OverQuota]
        {
            assert_eq!(of(outcome, 0, 0), None);
        }
        assert_eq!(Fate::of(None, Tally::default(), 0.25), None);
    }

    #[test]
    fn given_statements_are_as_hard_as_their_tactics_say() {
        let of = |tactics: &[&str], proof| {
            Fate::of_given(&tactics.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(), proof)
        };
        assert_eq!(of(&["omega", "simp"], true), Fate::Trivial);
        assert_eq!(of(&["omega"], true), Fate::Easy);
        assert_eq!((of(&[], true), of(&[], false)), (Fate::Barely, Fate::Open));
    }

    #[test]
    fn the_word_stands_below_the_proof() {
        assert_eq!(proof_with_fate("by simp", None), "by simp");
        assert_eq!(proof_with_fate("by simp", Some(Fate::Open)), "by simp\n-- open");
        assert_eq!(proof_with_fate("", Some(Fate::Barely)), "-- barely");
        let words: std::collections::BTreeSet<_> = Fate::ALL.iter().map(|fate| fate.as_str()).collect();
        assert_eq!(words.len(), Fate::ALL.len());
    }
}
