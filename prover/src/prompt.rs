//! The prover's prompts, as the templates of a layout: a statement, answered by a proof; and a statement with a proof
//! that failed, answered by one that holds.

use serde::{Deserialize, Serialize};
use stp_model::{Example, Fields, ModelError, Task, Writer};

use crate::answer::{Cut, tactics};

/// An answer to learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learned<'a> {
    /// The text after `:=`.
    pub proof: &'a str,
    /// What the model wrote before the block with the proof; none if the proof is not the model's.
    pub thought: Option<&'a str>,
    /// Its weight in the loss.
    pub weight: f32,
}

/// How proofs are asked for and how they are answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofLayout {
    /// A first attempt. In the prompt there may be `name`, `header` and `signature`, in the answer also `proof` (the text
    /// after `:=`), `tactics` (the lines after `:= by`) and `thought` (what the model wrote before its block of code).
    pub first: Task,
    /// The prompt of a second attempt, with `failed` (a proof) and `message` (what Lean said of it) as well.
    pub repair: String,
    /// What of an answer is the proof.
    pub cut: Cut,
}

/// What is to be proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal<'a> {
    /// The theorem's name. Most layouts leave it out: it carries no mathematics.
    pub name: &'a str,
    /// What stands before the theorem: imports, `open`.
    pub header: &'a str,
    /// Binders and type.
    pub signature: &'a str,
}

/// A proof that failed, with what Lean said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed<'a> {
    /// The text after `:=`.
    pub proof: &'a str,
    /// Lean's message.
    pub message: &'a str,
    /// Tokens that the prompt may take: the failed proof is cut so that the whole fits, if the rest does.
    pub room: usize,
}

impl Goal<'_> {
    fn fields(&self) -> Fields {
        Fields::new([("name", self.name), ("header", self.header.trim_end()), ("signature", self.signature)])
    }
}

impl ProofLayout {
    /// Checks the templates over a checkpoint.
    ///
    /// # Errors
    /// [`ModelError::Template`] with the name of the template and what it lacks.
    pub fn check(&self, writer: &Writer) -> Result<(), ModelError> {
        let goal = Goal { name: "x", header: "import Mathlib", signature: "(a : Nat) : a = a" };
        let asked = goal.fields();
        let again = asked.clone().with("failed", "by simp").with("message", "unsolved goals");
        let learned = Learned { proof: "by\n  rfl", thought: Some(""), weight: 1.0 };
        let answered = self.answered(asked.clone(), learned).unwrap_or_else(|| asked.clone());
        writer.check("prompts.prove", &self.first.prompt, &["signature"], &asked)?;
        let needed = ["signature", "failed", "message"];
        writer.check("prompts.repair", &self.repair, &needed, &again.clone().fit("failed", 0))?;
        let proof = if self.cut == Cut::Tactics { "tactics" } else { "proof" };
        writer.check("prompts.proof_answer", &self.first.answer, &[proof], &answered)?;
        writer.prompt(&self.first, &asked)?;
        writer.prompt(&self.second(), &again).map(drop)
    }

    /// Whether models learn what they wrote before a proof.
    pub fn learns_thoughts(&self) -> bool {
        self.cut == Cut::Block && stp_model::template_uses(&self.first.answer, "thought")
    }

    fn example(
        &self,
        writer: &Writer,
        task: &Task,
        asked: &Fields,
        goal: Goal<'_>,
        learned: Learned<'_>,
    ) -> Result<Option<Example>, ModelError> {
        let Some(answered) = self.answered(goal.fields(), learned) else { return Ok(None) };
        writer.example(task, asked, &answered, learned.weight).map(Some)
    }

    /// Whether an answer can have this proof: not where it must have tactics and the proof has none, nor where models think first
    /// and nobody has thought, for from proofs alone they would unlearn to think.
    pub fn takes(&self, proof: &str, has_thought: bool) -> bool {
        (self.cut != Cut::Tactics || tactics(proof).is_some()) && (has_thought || !self.learns_thoughts())
    }

    /// The fields of an answer, if it can have this proof.
    fn answered(&self, fields: Fields, learned: Learned<'_>) -> Option<Fields> {
        if !self.takes(learned.proof, learned.thought.is_some()) {
            return None;
        }
        let tactics = tactics(learned.proof).unwrap_or_default();
        let fields = fields.with("proof", learned.proof).with("tactics", &tactics);
        Some(fields.with_own("thought", learned.thought.unwrap_or_default()))
    }

    fn second(&self) -> Task {
        Task { prompt: self.repair.clone(), ..self.first.clone() }
    }
}

/// The prompt for a statement.
///
/// # Errors
/// [`ModelError::Template`] if the template does not take it.
pub fn prompt(writer: &Writer, layout: &ProofLayout, goal: Goal<'_>) -> Result<Vec<u32>, ModelError> {
    writer.prompt(&layout.first, &goal.fields())
}

/// A statement with a proof of it, as a training example; none if the layout's answers cannot have this proof.
///
/// # Errors
/// As [`prompt`].
pub fn example(
    writer: &Writer,
    layout: &ProofLayout,
    goal: Goal<'_>,
    learned: Learned<'_>,
) -> Result<Option<Example>, ModelError> {
    layout.example(writer, &layout.first, &goal.fields(), goal, learned)
}

/// The prompt for a second attempt.
///
/// # Errors
/// As [`prompt`].
pub fn repair_prompt(
    writer: &Writer,
    layout: &ProofLayout,
    goal: Goal<'_>,
    failed: Failed<'_>,
) -> Result<Vec<u32>, ModelError> {
    writer.prompt(&layout.second(), &again(goal, failed))
}

/// A prompt for a second attempt with the proof that it should have been answered with; none as with [`example`].
///
/// # Errors
/// As [`prompt`].
pub fn repair_example(
    writer: &Writer,
    layout: &ProofLayout,
    goal: Goal<'_>,
    failed: Failed<'_>,
    learned: Learned<'_>,
) -> Result<Option<Example>, ModelError> {
    layout.example(writer, &layout.second(), &again(goal, failed), goal, learned)
}

fn again(goal: Goal<'_>, failed: Failed<'_>) -> Fields {
    let fields = goal.fields().with("failed", failed.proof).with("message", failed.message);
    fields.fit("failed", failed.room)
}
