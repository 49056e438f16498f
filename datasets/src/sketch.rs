//! What is left to prove of a proof that fails: the proof with `sorry` where a tactic failed, and a goal for each `sorry`.
//!
//! A proof of a goal goes back into the place of its `sorry`. Nothing follows from that by itself: the whole is judged as
//! any other proof.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::canonical::words;

/// A proof with holes. It elaborates as it is, but for its `sorry`s.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    /// The text after `:=`.
    pub proof: String,
    /// Its `sorry`s in the order of the text.
    pub holes: Vec<Hole>,
    /// Why there are holes: Lean's messages on what was cut.
    #[serde(default)]
    pub messages: Vec<String>,
}

/// A `sorry` of a sketch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// Where it begins, in bytes of the proof.
    pub start: usize,
    /// Where it ends.
    pub stop: usize,
    /// In which column it begins, in characters.
    pub column: usize,
    /// How many goals are open there; it stands for the first.
    pub goals: usize,
    /// It stands for a term, not for a tactic.
    pub is_term: bool,
    /// What is to be proved.
    #[serde(flatten)]
    pub goal: Goal,
}

/// What a hole asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Goal {
    /// A theorem under the header of the whole.
    Statement {
        /// Binders and type, as in [`crate::Statement`].
        signature: String,
        /// Tactics that give the hole's hypotheses the names that the signature has.
        setup: Vec<String>,
    },
    /// It cannot be written as a theorem.
    Refused {
        /// Why, for people.
        reason: String,
    },
}

impl Hole {
    /// The signature of its goal, if it can be written as a theorem.
    pub fn signature(&self) -> Option<&str> {
        match &self.goal {
            Goal::Statement { signature, .. } => Some(signature),
            Goal::Refused { .. } => None,
        }
    }
}

impl Sketch {
    /// It begins with a `sorry`: nothing of the proof is left that counts, and what it asks for is the statement itself, in Lean's
    /// spelling.
    pub fn is_bare(&self) -> bool {
        let begins =
            |words: Vec<String>| matches!(&*words, [by, sorry, ..] if by == "by" && sorry == "sorry");
        self.proof.trim() == "sorry" || words(&self.proof).is_some_and(begins)
    }

    /// The proof with proofs of goals in the places of their holes, as many as there are; the others stay `sorry`.
    ///
    /// `None` if a proof cannot stand there: that of a goal that cannot be written, or equations that begin with `|`.
    pub fn filled<'a>(&self, proof_of: impl Fn(usize) -> Option<&'a str>) -> Option<String> {
        let mut text = String::new();
        let mut done = 0;
        for (index, hole) in self.holes.iter().enumerate() {
            let Some(proof) = proof_of(index) else { continue };
            text.push_str(self.proof.get(done..hole.start)?);
            // What was filled before may have moved the hole.
            let column = match text.rfind('\n') {
                Some(end) => text[end + 1..].chars().count(),
                None => {
                    let before = self.proof[..hole.start].chars().count();
                    (hole.column + text.chars().count()).saturating_sub(before)
                }
            };
            let behind = self.proof.get(hole.stop..)?.lines().next().unwrap_or_default();
            let put = hole.text_of(proof, &text, behind, column)?;
            text.push_str(&put);
            done = hole.stop;
        }
        text.push_str(self.proof.get(done..)?);
        Some(text)
    }
}

impl Hole {
    /// What stands in its place: tactics in its column, or, where other steps stand on its line, in a block of their own.
    fn text_of(&self, proof: &str, before: &str, behind: &str, column: usize) -> Option<String> {
        let Goal::Statement { setup, .. } = &self.goal else { return None };
        let mut lines: Vec<String> = setup.iter().cloned().chain(tactics_of(proof)?).collect();
        let before_it = before.trim_end();
        let is_combined = before_it.ends_with("<;>");
        let goes_on = is_combined || before_it.ends_with(';');
        let behind = behind.trim_start();
        let is_followed =
            !behind.is_empty() && ![")", "]", "}", "⟩", "--", "/-"].iter().any(|end| behind.starts_with(end));
        if !self.is_term && self.goals > 1 {
            lines = below(&lines, "· ".chars().count()).lines().map(str::to_owned).collect();
            lines.first_mut()?.insert_str(0, "· ");
        }
        let word = if self.is_term { "by" } else { "" };
        match &lines[..] {
            [line] if self.is_term => Some(format!("({word} {line})")),
            [line]
                if (is_followed && takes_what_follows(line))
                    || ((is_combined || behind.starts_with("<;>")) && line.contains(';')) =>
            {
                Some(format!("({line})"))
            }
            // Below the hole: what follows may have to stand further in than the line does.
            [_, _, ..] if is_followed && !self.is_term => Some(format!("({})", below(&lines, column + 1))),
            [_, _, ..] if self.is_term || goes_on => {
                let line = before.rsplit('\n').next().unwrap_or_default();
                let inner = line.len() - line.trim_start_matches(' ').len() + 4;
                Some(format!("({word}\n{:inner$}{})", "", below(&lines, inner)))
            }
            _ => Some(below(&lines, column)),
        }
    }
}

/// Whether what stands behind these tactics on their line would become a part of the last one.
fn takes_what_follows(line: &str) -> bool {
    const WORDS: [&str; 11] = [
        "by",
        "try",
        "first",
        "repeat",
        "repeat'",
        "iterate",
        "focus",
        "all_goals",
        "any_goals",
        "calc",
        "conv",
    ];
    line.contains(['·', '|'])
        || line.contains("=>")
        || line.split([' ', '(']).any(|word| WORDS.contains(&word))
}

/// Lines of which all but the first are indented so far.
fn below(lines: &[String], column: usize) -> String {
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            text.push('\n');
            // An empty line needs no indentation.
            if !line.is_empty() {
                let _ = write!(text, "{:column$}", "");
            }
        }
        text.push_str(line);
    }
    text
}

/// What stands after the `by` of a proof by tactics, from the space after it on.
pub fn after_by(proof: &str) -> Option<&str> {
    proof.strip_prefix("by").filter(|rest| rest.starts_with(char::is_whitespace))
}

/// The lines of a proof as tactics, the first in column 0; none of equations.
pub fn tactics_of(proof: &str) -> Option<Vec<String>> {
    let proof = proof.trim();
    if proof.is_empty() || proof.starts_with('|') {
        return None;
    }
    let Some(tactics) = after_by(proof) else {
        let mut lines = proof.lines();
        let first = format!("exact {}", lines.next().unwrap_or_default());
        return Some(std::iter::once(first).chain(lines.map(|line| format!("  {line}"))).collect());
    };
    let tactics = tactics.trim_end();
    // Tactics that begin on the line of `by` have no indentation in common with those below.
    if !tactics.trim_start_matches([' ', '\t']).starts_with('\n') {
        return Some(tactics.trim_start().lines().map(str::to_owned).collect());
    }
    let lines: Vec<&str> = tactics.lines().skip_while(|line| line.trim().is_empty()).collect();
    let indentation = |line: &&str| line.len() - line.trim_start_matches(' ').len();
    let common = lines.iter().filter(|line| !line.trim().is_empty()).map(indentation).min().unwrap_or(0);
    Some(lines.iter().map(|line| line.get(common..).unwrap_or_default().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hole(proof: &str, number: usize, goals: usize, setup: &[&str]) -> Hole {
        let (start, _) = proof.match_indices("sorry").nth(number).unwrap();
        let column = proof[..start].chars().rev().take_while(|letter| *letter != '\n').count();
        let setup = setup.iter().map(|line| (*line).to_owned()).collect();
        let goal = Goal::Statement { signature: ": True".to_owned(), setup };
        Hole { start, stop: start + "sorry".len(), column, goals, is_term: false, goal }
    }

    fn sketch(proof: &str, setup: &[&str]) -> Sketch {
        let count = proof.matches("sorry").count();
        let holes = (0..count).map(|number| hole(proof, number, 1, setup)).collect();
        Sketch { proof: proof.to_owned(), holes, messages: Vec::new() }
    }

    #[test]
    fn a_proof_takes_its_place_in_the_column_of_the_hole() {
        let sketch = sketch("by\n  constructor\n  · sorry\n  · simp", &[]);
        let filled = |proof| sketch.filled(|_| Some(proof));
        assert_eq!(filled("by omega").unwrap(), "by\n  constructor\n  · omega\n  · simp");
        let lines = "by\n      intro x\n      induction x with\n      | zero => rfl\n      | succ n ih =>\n        simp";
        let wanted = "by\n  constructor\n  · intro x\n    induction x with\n    | zero => rfl\n    | succ n ih =>\n      simp\n  · simp";
        assert_eq!(filled(lines).unwrap(), wanted);
        assert_eq!(
            filled("fun x =>\n  x").unwrap(),
            "by\n  constructor\n  · exact fun x =>\n        x\n  · simp"
        );
        let cases = filled("by cases x with\n  | a => rfl\n\n  | b => rfl").unwrap();
        assert_eq!(
            cases,
            "by\n  constructor\n  · cases x with\n      | a => rfl\n\n      | b => rfl\n  · simp"
        );
        assert_eq!(filled("\n| 0 => rfl"), None);
        assert_eq!(filled(" "), None);
    }

    #[test]
    fn names_are_given_first_and_other_goals_are_left_alone() {
        let text = "by\n  cases h\n  sorry\n  sorry";
        let holes = vec![hole(text, 0, 2, &["rename_i a"]), hole(text, 1, 1, &["rename_i b"])];
        let sketch = Sketch { proof: text.to_owned(), holes, messages: Vec::new() };
        let both = sketch.filled(|index| Some(["by exact a", "b"][index])).unwrap();
        assert_eq!(both, "by\n  cases h\n  · rename_i a\n    exact a\n  rename_i b\n  exact b");
        let first = sketch.filled(|index| (index == 0).then_some("by simp")).unwrap();
        assert_eq!(first, "by\n  cases h\n  · rename_i a\n    simp\n  sorry");
    }

    #[test]
    fn steps_of_one_line_stay_apart() {
        let text = "by constructor; sorry; sorry";
        let holes = vec![hole(text, 0, 2, &[]), hole(text, 1, 1, &[])];
        let pair = Sketch { proof: text.to_owned(), holes, messages: Vec::new() };
        let filled = |proofs: [&'static str; 2]| pair.filled(|index| Some(proofs[index])).unwrap();
        assert_eq!(filled(["by omega", "rfl"]), "by constructor; (· omega); exact rfl");
        assert_eq!(filled(["by omega", "by skip; rfl"]), "by constructor; (· omega); skip; rfl");
        assert_eq!(
            filled(["by\n  skip\n  omega", "rfl"]),
            format!("by constructor; (· skip\n{:19}omega); exact rfl", "")
        );
        let steps = sketch("by intro h; sorry; sorry", &[]);
        let one = |proof| steps.filled(|index| (index == 0).then_some(proof)).unwrap();
        assert_eq!(one("by try simp"), "by intro h; (try simp); sorry");
        assert_eq!(one("by simp; rfl"), "by intro h; simp; rfl; sorry");
        let each = sketch("by constructor <;> sorry", &[]);
        assert_eq!(each.filled(|_| Some("by simp; rfl")).unwrap(), "by constructor <;> (simp; rfl)");
        let first = sketch("by sorry <;> omega", &[]);
        assert_eq!(first.filled(|_| Some("by simp; rfl")).unwrap(), "by (simp; rfl) <;> omega");
        let cases = sketch("by cases h with | inl a => sorry | inr b => sorry", &[]);
        let one = cases.filled(|_| Some("by cases a with | x => simp")).unwrap();
        assert_eq!(
            one,
            "by cases h with | inl a => (cases a with | x => simp) | inr b => cases a with | x => simp"
        );
    }

    #[test]
    fn a_term_gets_a_block_of_its_own() {
        let text = "foo (λ x => sorry) y";
        let holes = vec![Hole { is_term: true, ..hole(text, 0, 0, &["rename_i a"]) }];
        let sketch = Sketch { proof: text.to_owned(), holes, messages: Vec::new() };
        let wanted = "foo (λ x => (by\n    rename_i a\n    simp)) y";
        assert_eq!(sketch.filled(|_| Some("by simp")).unwrap(), wanted);
    }

    #[test]
    fn lines_fit_where_the_hole_is_not_the_first_of_its_line() {
        let lines = "by\n  induction n\n  all_goals simp";
        let behind = sketch("by\n  intro n; sorry", &[]);
        let wanted = "by\n  intro n; (\n      induction n\n      all_goals simp)";
        assert_eq!(behind.filled(|_| Some(lines)).unwrap(), wanted);
        let text = "⟨sorry, sorry⟩";
        let term = |number| Hole { is_term: true, ..hole(text, number, 0, &[]) };
        let pair = Sketch { proof: text.to_owned(), holes: vec![term(0), term(1)], messages: Vec::new() };
        let wanted = "⟨(by\n    induction n\n    all_goals simp), (by omega)⟩";
        assert_eq!(pair.filled(|index| Some([lines, "by omega"][index])).unwrap(), wanted);
        // The first hole's text moves the second one.
        let both = sketch("by constructor <;> [sorry; skip; sorry]", &[]);
        let wanted = "by constructor <;> [simp_all; skip; omega]";
        assert_eq!(both.filled(|index| Some(["by simp_all", "by omega"][index])).unwrap(), wanted);
    }

    #[test]
    fn what_cannot_be_written_cannot_be_filled() {
        let mut sketch = sketch("by sorry", &[]);
        sketch.holes[0].goal = Goal::Refused { reason: "no".to_owned() };
        assert_eq!(sketch.filled(|_| Some("rfl")), None);
        assert_eq!(sketch.filled(|_| None).as_deref(), Some("by sorry"));
        assert_eq!(sketch.holes[0].signature(), None);
    }

    #[test]
    fn nothing_is_left_of_a_bare_sketch() {
        for bare in ["by sorry", "by\n  sorry", " sorry", "by\n  sorry\n  | zero => rfl"] {
            assert!(sketch(bare, &[]).is_bare(), "{bare}");
        }
        for other in ["by simp_all\n  sorry", "by\n  · sorry\n  · sorry", "foo sorry", "by induction sorry"]
        {
            assert!(!sketch(other, &[]).is_bare(), "{other}");
        }
    }

    #[test]
    fn lean_s_answer_is_read() {
        let text = r#"{"proof":"by sorry","holes":[{"start":3,"stop":8,"column":3,"goals":1,"is_term":false,
            "signature":": 1 = 1","setup":[]},{"start":3,"stop":8,"column":3,"goals":1,"is_term":false,"reason":"no"}]}"#;
        let sketch: Sketch = serde_json::from_str(text).unwrap();
        assert_eq!(sketch.holes[0].signature(), Some(": 1 = 1"));
        assert_eq!(sketch.holes[1].goal, Goal::Refused { reason: "no".to_owned() });
        let again: Sketch = serde_json::from_str(&serde_json::to_string(&sketch).unwrap()).unwrap();
        assert_eq!(again, sketch);
    }

    proptest! {
        /// Whatever the proof, its lines stay in their order and none begins left of the hole.
        #[test]
        fn no_line_leaves_its_column(lines in prop::collection::vec("[a-z] {0,3}[a-z]{0,4}", 1..6), column in 0usize..8, deeper in prop::collection::vec(0usize..4, 6)) {
            let body: Vec<String> = lines.iter().zip(&deeper).enumerate()
                .map(|(number, (line, more))| format!("{:1$}{line}", "", 4 + if number == 0 { 0 } else { *more })).collect();
            let text = format!("by\n{:column$}sorry", "");
            let filled = sketch(&text, &[]).filled(|_| Some("x")).unwrap();
            prop_assert!(filled.ends_with("exact x"));
            let proof = format!("by\n{}", body.join("\n"));
            let filled = sketch(&text, &[]).filled(|_| Some(&proof)).unwrap();
            let got: Vec<&str> = filled.lines().skip(1).collect();
            prop_assert_eq!(got.len(), lines.len());
            for (got, line) in got.iter().zip(&lines) {
                prop_assert_eq!(got.trim(), line.trim());
                prop_assert!(got.len() - got.trim_start().len() >= column);
            }
        }
    }
}
