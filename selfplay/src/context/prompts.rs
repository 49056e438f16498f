//! The prompts of a run over a checkpoint: a layout with the tokenizer that it is written in.

use anyhow::{Context, Result};
use stp_conjecturer::SeedTheorem;
use stp_datasets::Statement;
use stp_model::{Checkpoint, Example, ModelError, StopWhen, Task, Writer};
use stp_prover::{Failed, Goal, Learned};

use crate::config::Layout;

/// What is sampled: proofs or conjectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleKind {
    /// Proofs of statements.
    Proof,
    /// Statements.
    Conjecture,
}

/// What a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt<'a> {
    /// A proof.
    Prove {
        /// The statement.
        goal: Goal<'a>,
    },
    /// A proof, after one that failed.
    Repair {
        /// The statement.
        goal: Goal<'a>,
        /// What failed.
        failed: Failed<'a>,
    },
    /// A statement.
    Conjecture {
        /// What it begins with.
        seed: SeedTheorem<'a>,
    },
}

/// A layout over a checkpoint.
#[derive(Clone, Debug)]
pub struct Prompts {
    writer: Writer,
    layout: Layout,
}

impl Prompts {
    /// Checks that the checkpoint has what the layout needs, and each template.
    ///
    /// # Errors
    /// With the token, the template or the field that is missing, and what to do.
    pub fn new(checkpoint: &Checkpoint, layout: &Layout) -> Result<Self> {
        let missing = layout.tokens.iter().find(|token| checkpoint.tokenizer.special(token).is_none());
        if let Some(missing) = missing {
            anyhow::bail!(
                "The checkpoint's tokenizer has no special token `{missing}`, which the layout of the prompts needs. If \
                 the checkpoint was not trained by stp, choose the layout that it was trained with, or `plain`, with \
                 prompts.layout."
            );
        }
        let writer = Writer::new(checkpoint)?;
        let prompts = Self { writer, layout: layout.clone() };
        let checked = prompts.layout.proof.check(&prompts.writer);
        checked
            .and_then(|()| prompts.layout.conjecture.check(&prompts.writer))
            .context("The prompts do not fit the checkpoint")?;
        Ok(prompts)
    }

    /// A prompt as tokens.
    ///
    /// # Errors
    /// If a template does not take these texts.
    pub fn encode(&self, prompt: &Prompt<'_>) -> Result<Vec<u32>, ModelError> {
        let (writer, proof) = (&self.writer, &self.layout.proof);
        match *prompt {
            Prompt::Prove { goal } => stp_prover::prompt(writer, proof, goal),
            Prompt::Repair { goal, failed } => stp_prover::repair_prompt(writer, proof, goal, failed),
            Prompt::Conjecture { seed } => stp_conjecturer::prompt(writer, &self.layout.conjecture, seed),
        }
    }

    /// A proof to learn; none if no answer of the layout has this proof.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn proof_example(&self, goal: Goal<'_>, learned: Learned<'_>) -> Result<Option<Example>, ModelError> {
        stp_prover::example(&self.writer, &self.layout.proof, goal, learned)
    }

    /// A second attempt to learn; none as with [`Self::proof_example`].
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn repair_example(
        &self,
        goal: Goal<'_>,
        failed: Failed<'_>,
        learned: Learned<'_>,
    ) -> Result<Option<Example>, ModelError> {
        stp_prover::repair_example(&self.writer, &self.layout.proof, goal, failed, learned)
    }

    /// A conjecture to learn.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn conjecture_example(
        &self,
        seed: SeedTheorem<'_>,
        signature: &str,
        weight: f32,
    ) -> Result<Example, ModelError> {
        stp_conjecturer::example(&self.writer, &self.layout.conjecture, seed, signature, weight)
    }

    /// What ends an answer.
    pub fn stops(&self, kind: SampleKind) -> (Vec<u32>, Option<StopWhen>) {
        self.writer.stops(self.task(kind))
    }

    /// The texts that end an answer, for a program that knows the checkpoint's end tokens by itself.
    pub fn stop_texts(&self, kind: SampleKind) -> Vec<String> {
        self.writer.stop_texts(self.task(kind))
    }

    /// Whether one of these texts has a special token in it.
    pub fn stops_at_special(&self, kind: SampleKind) -> bool {
        self.writer.stops_at_special(self.task(kind))
    }

    /// An answer's text up to what ended it.
    pub fn cut(&self, kind: SampleKind, text: &str) -> String {
        self.writer.cut(self.task(kind), text)
    }

    /// What of an answer that ended is the proof of the theorem of that name.
    ///
    /// # Errors
    /// What the answer should have had.
    pub fn proof(&self, answer: &str, name: &str) -> Result<String, &'static str> {
        let cut = self.layout.proof.cut;
        cut.proof(answer, name).ok_or(cut.wanted())
    }

    /// Whether the layout lets models think before they write a proof.
    pub fn thinks(&self) -> bool {
        self.layout.proof.learns_thoughts()
    }

    /// What stands before the proof of such an answer, where that is learned, too.
    pub fn thought<'a>(&self, answer: &'a str) -> Option<&'a str> {
        let layout = &self.layout.proof;
        layout.learns_thoughts().then(|| layout.cut.thought(answer))
    }

    /// What of an answer that ended is the statement.
    pub fn statement(&self, answer: &str) -> Option<String> {
        self.layout.conjecture.statement(answer)
    }

    /// The text of an answer's tokens, up to what ended it.
    pub fn read(&self, kind: SampleKind, tokens: &[u32]) -> String {
        self.writer.read(self.task(kind), tokens)
    }

    fn task(&self, kind: SampleKind) -> &Task {
        match kind {
            SampleKind::Proof => &self.layout.proof.first,
            SampleKind::Conjecture => &self.layout.conjecture.ask,
        }
    }
}

/// A statement as a goal.
pub fn goal(statement: &Statement) -> Goal<'_> {
    Goal { name: &statement.id, header: &statement.header, signature: &statement.signature }
}

#[cfg(test)]
mod tests;
