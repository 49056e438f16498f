//! The conjecturer's prompt, as the templates of a layout: a seed theorem with its proof and perhaps a lemma, answered by
//! a statement.

use serde::{Deserialize, Serialize};
use stp_datasets::{last_block, normalise_spaces, signature_of};
use stp_model::{Example, Fields, ModelError, Task, Writer};

/// How conjectures are asked for and how they are answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConjectureLayout {
    /// In the prompt there may be `lemma` (a signature, empty for none), and of the seed `name`, `header`, `signature` and
    /// `proof` (empty where nobody has one); in the answer also `conjecture`, a signature.
    pub ask: Task,
    /// What of an answer is the statement.
    pub cut: StatementCut,
}

/// How a statement is cut out of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatementCut {
    /// The whole of it is binders and type.
    Whole,
    /// It is what stands after the word `theorem`: a name, binders and type.
    Theorem,
}

/// What a conjecture begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedTheorem<'a> {
    /// The signature of a lemma to use.
    pub lemma: Option<&'a str>,
    /// The seed's name.
    pub name: &'a str,
    /// What stands before it.
    pub header: &'a str,
    /// Its signature.
    pub signature: &'a str,
    /// Its proof; empty for a seed that nobody has proved.
    pub proof: &'a str,
}

impl SeedTheorem<'_> {
    fn fields(&self) -> Fields {
        Fields::new([
            ("lemma", self.lemma.unwrap_or_default()),
            ("name", self.name),
            ("header", self.header.trim_end()),
            ("signature", self.signature),
            ("proof", self.proof),
        ])
    }
}

impl ConjectureLayout {
    /// Checks the templates over a checkpoint.
    ///
    /// # Errors
    /// [`ModelError::Template`] with the name of the template and what it lacks.
    pub fn check(&self, writer: &Writer) -> Result<(), ModelError> {
        let (signature, proof) = ("(a : Nat) : a = a", "by\n  rfl");
        let seed = SeedTheorem { lemma: None, name: "x", header: "import Mathlib", signature, proof };
        let asked = seed.fields();
        writer.check("prompts.conjecture", &self.ask.prompt, &["lemma", "signature", "proof"], &asked)?;
        let answered = asked.clone().with("conjecture", seed.signature);
        writer.check("prompts.conjecture_answer", &self.ask.answer, &["conjecture"], &answered)?;
        writer.prompt(&self.ask, &asked).map(drop)
    }

    /// The statement in an answer that ended; none in one that is not as the layout says.
    pub fn statement(&self, answer: &str) -> Option<String> {
        match self.cut {
            StatementCut::Whole => Some(normalise_spaces(answer)),
            StatementCut::Theorem => {
                let named = said(answer).trim_start();
                let named = named.strip_prefix("theorem").map_or(named, str::trim_start);
                if !named.starts_with(|first: char| first.is_alphabetic() || first == '_') {
                    return None;
                }
                let (before, signature) = signature_of(&format!("theorem {named}")).ok()?;
                (before.is_empty() && !signature.is_empty()).then(|| normalise_spaces(&signature))
            }
        }
    }
}

/// What a model of chats says in the end: without what it thought before, and out of the block of code that it may put
/// around that.
fn said(answer: &str) -> &str {
    let answer = answer.rsplit_once("</think>").map_or(answer, |(_, said)| said);
    last_block(answer).map_or(answer, |(_, code)| code)
}

/// The prompt for a seed theorem.
///
/// # Errors
/// [`ModelError::Template`] if the template does not take it.
pub fn prompt(
    writer: &Writer,
    layout: &ConjectureLayout,
    seed: SeedTheorem<'_>,
) -> Result<Vec<u32>, ModelError> {
    writer.prompt(&layout.ask, &seed.fields())
}

/// A prompt with the statement that was to be conjectured, as a training example.
///
/// # Errors
/// As [`prompt`].
pub fn example(
    writer: &Writer,
    layout: &ConjectureLayout,
    seed: SeedTheorem<'_>,
    signature: &str,
    weight: f32,
) -> Result<Example, ModelError> {
    let answer = seed.fields().with("conjecture", signature);
    writer.example(&layout.ask, &seed.fields(), &answer, weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_cut_out_of_a_theorem() {
        let of = |cut, answer: &str| ConjectureLayout { ask: Task::default(), cut }.statement(answer);
        let named = |answer: &str| of(StatementCut::Theorem, answer);
        let expected = Some("(a b : Nat) : a + b = b + a".to_owned());
        for answer in [
            " easy_1 (a b : Nat) :\n  a + b = b + a\n",
            "\ntheorem easy_1 (a b : Nat) : a + b = b + a := by\n  omega",
            "easy_1 (a b : Nat) : a + b = b + a := sorry",
            "```lean4\ntheorem c (a b : Nat) : a + b = b + a\n```",
            "<think>\ntheorem x : 1 = 1?\n</think>\n\ntheorem c (a b : Nat) : a + b = b + a",
            "<think>Hm.</think>Here:\n```lean\ntheorem c (a b : Nat) : a + b = b + a := by\n  sorry\n```\nDone.",
        ] {
            assert_eq!(named(answer), expected, "{answer}");
        }
        for malformed in ["", "(a b : Nat) : a + b = b + a", "lonely", "```"] {
            assert_eq!(named(malformed), None, "{malformed}");
        }
        assert_eq!(of(StatementCut::Whole, " : 1  = 1\n").as_deref(), Some(": 1 = 1"));
    }
}
