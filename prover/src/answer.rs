//! What of an answer is the proof.

use serde::{Deserialize, Serialize};
use stp_datasets::last_block;

/// How a proof is cut out of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cut {
    /// The whole of it is what stands after `:=`.
    Whole,
    /// The whole of it is what stands after `:= by`.
    Tactics,
    /// It is in the last fenced block of Lean code, after the `:=` of the theorem asked about.
    Block,
}

impl Cut {
    /// The proof in an answer that ended: the text after `:=`. There is none in an answer that is not as the layout says.
    pub fn proof(self, answer: &str, name: &str) -> Option<String> {
        match self {
            Self::Whole => Some(normalise_proof(answer)),
            Self::Tactics => {
                let lines = normalise_lines(answer);
                (!lines.trim().is_empty()).then(|| format!("by\n{lines}"))
            }
            Self::Block => in_block(last_block(answer)?.1, name),
        }
    }

    /// What was thought before the proof of such an answer: what stands before its last block.
    pub fn thought(self, answer: &str) -> &str {
        match self {
            Self::Whole | Self::Tactics => "",
            Self::Block => last_block(answer).map_or("", |(before, _)| before),
        }
    }

    /// What an answer of this kind must have, for people.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Whole => "a proof",
            Self::Tactics => "a tactic",
            Self::Block => "a block of Lean code that ends with the theorem and its proof",
        }
    }
}

/// The proof of the theorem of that name in some Lean code, or of the last one.
fn in_block(code: &str, name: &str) -> Option<String> {
    let found: Vec<_> = stp_datasets::theorems(code).into_iter().filter_map(Result::ok).collect();
    let theorem = found.iter().rev().find(|it| it.name == name).or(found.last())?;
    let proof = normalise_proof(&theorem.proof);
    (!proof.is_empty()).then_some(proof)
}

/// A proof as the lines after `:= by`; none of equations, which are no tactics.
pub(crate) fn tactics(proof: &str) -> Option<String> {
    let lines = stp_datasets::tactics_of(proof)?;
    // An empty line needs no indentation.
    let indented = lines.iter().map(|line| if line.is_empty() { String::new() } else { format!("  {line}") });
    Some(indented.collect::<Vec<_>>().join("\n"))
}

/// A proof without what changes nothing: spaces at line ends, blank lines, surrounding white space.
pub fn normalise_proof(proof: &str) -> String {
    normalise_lines(proof).trim().to_owned()
}

fn normalise_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_and_trailing_spaces_go() {
        assert_eq!(normalise_proof(" by  \n\n  simp \n"), "by\n  simp");
        assert_eq!(Cut::Whole.proof(" by  \n\n  simp \n", "x").as_deref(), Some("by\n  simp"));
        assert_eq!(
            Cut::Whole.proof("", "x").as_deref(),
            Some(""),
            "what it is worth is for the judge to say"
        );
    }

    #[test]
    fn tactics_keep_their_indentation_and_go_both_ways() {
        let proof = "by\n  constructor\n  · simp\n  · omega";
        let lines = tactics(proof).unwrap();
        assert_eq!(lines, "  constructor\n  · simp\n  · omega");
        assert_eq!(Cut::Tactics.proof(&format!("{lines}  \n\n"), "x").as_deref(), Some(proof));
        for (proof, lines) in [
            ("by omega", "  omega"),
            ("rfl", "  exact rfl"),
            ("byte_lemma", "  exact byte_lemma"),
            ("Eq.trans\n  (a)\n  (b)", "  exact Eq.trans\n      (a)\n      (b)"),
            ("by\n    constructor\n    exact h", "  constructor\n  exact h"),
        ] {
            assert_eq!(tactics(proof).as_deref(), Some(lines), "{proof}");
        }
        assert_eq!(tactics("| 0 => rfl\n| n + 1 => rfl"), None);
        assert_eq!(Cut::Tactics.proof(" \n", "x"), None);
    }

    #[test]
    fn the_proof_is_in_the_last_block() {
        let answer = "<think>\n```lean4\ntheorem x : 1 = 1 := by sorry\n```\n</think>\nSo:\n```lean4\nimport Mathlib\n\n\
                      theorem x (a : Nat) (h : a = a := by rfl) : a = a := by\n  -- easy\n  rfl\n```\nDone.";
        assert_eq!(Cut::Block.proof(answer, "x").as_deref(), Some("by\n  -- easy\n  rfl"));
        assert!(Cut::Block.thought(answer).ends_with("</think>\nSo:\n"));
        assert_eq!((Cut::Block.thought("no code"), Cut::Whole.thought(answer)), ("", ""));
        let helper = "```lean\ntheorem x : True := trivial\nlemma y : True := trivial\n```";
        assert_eq!(Cut::Block.proof(helper, "x").as_deref(), Some("trivial"));
        assert_eq!(
            Cut::Block.proof("```lean4\ntheorem z : True := by\n  simp", "x").as_deref(),
            Some("by\n  simp")
        );
        for malformed in
            ["", "by simp", "```lean4\nby simp\n```", "```lean4", "```lean4\ntheorem x : True\n```"]
        {
            assert_eq!(Cut::Block.proof(malformed, "x"), None, "{malformed}");
        }
    }
}
