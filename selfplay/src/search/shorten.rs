//! Shorter proofs to try in the place of one: steps left out, and one tactic where several were tried.

use std::ops::Range;

/// How a block of alternatives begins; [`super::automation`] writes them so.
const FIRST: &str = "first | (";
/// The end of an alternative.
const DONE: &str = "; done)";

/// Texts that are shorter than a proof and may prove the same, the most promising first.
pub fn shorter(proof: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for block in blocks(proof) {
        let alternatives = &block.alternatives;
        for tactic in alternatives {
            if let Some(line) = &block.line {
                found.push(replaced(proof, line, &format!(" <;> {tactic}")));
            }
        }
        for tactic in alternatives {
            found.push(replaced(proof, &block.at, tactic));
        }
        if alternatives.len() > 1 {
            for left_out in 0..alternatives.len() {
                let others: Vec<_> = alternatives
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| *index != left_out)
                    .map(|(_, tactic)| format!("({tactic}{DONE}"))
                    .collect();
                found.push(replaced(proof, &block.at, &format!("first | {}", others.join(" | "))));
            }
        }
    }
    found.extend(without_steps(proof));
    let mut distinct: Vec<String> = Vec::new();
    for text in found {
        if text.len() < proof.len() && !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    distinct
}

/// `first | (a; done) | (b; done)` in a proof.
struct Block {
    at: Range<usize>,
    alternatives: Vec<String>,
    /// The line break before it and all of its line, where that is `all_goals (try (intros; …))`.
    line: Option<Range<usize>>,
}

fn blocks(proof: &str) -> Vec<Block> {
    proof.match_indices(FIRST).filter_map(|(start, _)| block(proof, start)).collect()
}

fn block(proof: &str, start: usize) -> Option<Block> {
    let mut alternatives = Vec::new();
    let mut at = start + FIRST.len();
    loop {
        let length = proof[at..].find(DONE)?;
        alternatives.push(proof[at..at + length].to_owned());
        at += length + DONE.len();
        match proof[at..].strip_prefix(" | (") {
            Some(_) => at += " | (".len(),
            None => break,
        }
    }
    let line_start = proof[..start].rfind('\n').unwrap_or_default();
    let is_ending =
        proof[line_start..start].trim() == "all_goals (try (intros;" && proof[at..].starts_with("))");
    let line = is_ending.then(|| proof[..line_start].trim_end().len()..at + 2);
    Some(Block { at: start..at, alternatives, line })
}

fn replaced(proof: &str, at: &Range<usize>, by: &str) -> String {
    format!("{}{by}{}", &proof[..at.start], &proof[at.end..])
}

/// The proof without one of its steps and what is indented below it; the last steps first.
fn without_steps(proof: &str) -> Vec<String> {
    let lines: Vec<&str> = proof.lines().collect();
    let column = |line: &str| line.len() - line.trim_start().len();
    let mut found = Vec::new();
    for first in (1..lines.len()).rev() {
        if lines[first].trim().is_empty() {
            continue;
        }
        let below = lines[first + 1..]
            .iter()
            .take_while(|line| line.trim().is_empty() || column(line) > column(lines[first]));
        let after = first + 1 + below.count();
        let kept: Vec<&str> = lines[..first].iter().chain(&lines[after..]).copied().collect();
        if kept.len() > 1 {
            found.push(kept.join("\n"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_tactic_takes_the_place_of_many() {
        assert_eq!(
            shorter("by\n  induction n\n  all_goals (try (intros; first | (rfl; done) | (simp [f]; done)))"),
            [
                "by\n  induction n <;> rfl",
                "by\n  induction n <;> simp [f]",
                "by\n  induction n\n  all_goals (try (intros; rfl))",
                "by\n  induction n\n  all_goals (try (intros; simp [f]))",
                "by\n  induction n\n  all_goals (try (intros; first | (simp [f]; done)))",
                "by\n  induction n\n  all_goals (try (intros; first | (rfl; done)))",
                "by\n  induction n",
                "by\n  all_goals (try (intros; first | (rfl; done) | (simp [f]; done)))",
            ]
        );
    }

    #[test]
    fn a_whole_by_tactics_is_one_tactic() {
        let texts = shorter("by first | (rfl; done) | (omega; done)");
        assert_eq!(texts[..2], ["by rfl", "by omega"]);
    }

    #[test]
    fn steps_go_with_what_is_below_them() {
        let proof = "by\n  intro x\n  have h : p := by\n    simp\n  exact h";
        let found = shorter(proof);
        assert!(found.contains(&"by\n  intro x\n  exact h".to_owned()), "{found:?}");
        assert!(found.contains(&"by\n  have h : p := by\n    simp\n  exact h".to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_tried_is_shorter(text in "(by|\n  |first \\| \\(|; done\\)| \\| \\(|simp|·| ){0,20}") {
            prop_assert!(shorter(&text).iter().all(|it| it.len() < text.len()));
        }
    }
}
