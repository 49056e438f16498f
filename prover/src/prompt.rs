//! The prover's prompts, as the templates of a layout: a statement, answered by a proof; and a statement with a proof
//! that failed, answered by one that holds.

use serde::{Deserialize, Serialize};
use stp_model::{Example, Fields, ModelError, Task, Writer};

use crate::answer::{Cut, tactics};

/// How proofs are asked for and how they are answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofLayout {
    /// A first attempt. In the prompt there may be `name`, `header` and `signature`, in the answer also `proof` (the text
    /// after `:=`) and `tactics` (the lines after `:= by`).
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
        let answered = answered(asked.clone(), "by\n  rfl");
        writer.check("prompts.prove", &self.first.prompt, &["signature"], &asked)?;
        let needed = ["signature", "failed", "message"];
        writer.check("prompts.repair", &self.repair, &needed, &again.clone().fit("failed", 0))?;
        let proof = if self.cut == Cut::Tactics { "tactics" } else { "proof" };
        writer.check("prompts.proof_answer", &self.first.answer, &[proof], &answered)?;
        writer.prompt(&self.first, &asked)?;
        writer.prompt(&self.second(), &again).map(drop)
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

/// A statement with a proof of it, as a training example.
///
/// # Errors
/// As [`prompt`].
pub fn example(
    writer: &Writer,
    layout: &ProofLayout,
    goal: Goal<'_>,
    proof: &str,
    weight: f32,
) -> Result<Example, ModelError> {
    writer.example(&layout.first, &goal.fields(), &answered(goal.fields(), proof), weight)
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

/// A prompt for a second attempt with the proof that it should have been answered with.
///
/// # Errors
/// As [`prompt`].
pub fn repair_example(
    writer: &Writer,
    layout: &ProofLayout,
    goal: Goal<'_>,
    failed: Failed<'_>,
    proof: &str,
    weight: f32,
) -> Result<Example, ModelError> {
    writer.example(&layout.second(), &again(goal, failed), &answered(goal.fields(), proof), weight)
}

fn again(goal: Goal<'_>, failed: Failed<'_>) -> Fields {
    let fields = goal.fields().with("failed", failed.proof).with("message", failed.message);
    fields.fit("failed", failed.room)
}

fn answered(fields: Fields, proof: &str) -> Fields {
    fields.with("proof", proof).with("tactics", &tactics(proof))
}
