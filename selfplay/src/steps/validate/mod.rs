//! Validation: proofs of statements that nothing is learned from, sampled from one model.

use anyhow::Result;
use stp_datasets::Phase;

use crate::attempt::{SamplingPlan, Target, attempt_all};
use crate::context::Context;
use crate::events::Work;
use crate::plan::{Step, checkpoint_of};
use crate::records::Sampled;

/// Samples and judges proofs of the validation statements.
///
/// # Errors
/// If sampling, Lean or the ledger fails, or the user interrupts.
pub async fn validate(context: &Context, step: Step) -> Result<Sampled> {
    let rounds = context.config.rounds;
    let round = step.round(rounds);
    let work = Work::Validate { checkpoint: checkpoint_of(round, rounds) };
    held_out(context, &context.model_after(round), round, context.config.proving.valid_samples, work).await
}

/// Samples and judges proofs of the context's validation statements from any checkpoint; they are kept under `round`.
///
/// # Errors
/// As [`validate`].
pub async fn held_out(
    context: &Context,
    model: &str,
    round: u32,
    samples: u32,
    work: Work,
) -> Result<Sampled> {
    let statements = context.statements.valid.iter();
    let targets = statements.map(|statement| Target::new(statement.clone(), samples)).collect();
    let plan = SamplingPlan { model, round, phase: Phase::Valid, work, temperatures: &[] };
    attempt_all(context, &plan, targets).await
}

#[cfg(test)]
mod tests;
