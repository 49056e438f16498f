//! The proof step of a round: proofs of statements and conjectures are sampled and judged.

mod choose;
mod control;
mod repair;

use anyhow::Result;
use stp_datasets::{Phase, Statement};
use stp_prover::control::share;

use self::choose::chosen_statements;
use self::control::{Controls, border};
use crate::attempt::{SamplingPlan, Target, attempt_all};
use crate::context::Context;
use crate::context::history::as_statement;
use crate::events::{ProvePart, Work};
use crate::plan::{self, SampleShares};
use crate::records::ProveRecord;

/// Samples and judges the round's proofs: first attempts, and what the settings ask for beyond them.
///
/// # Errors
/// If sampling, Lean or the ledger fails, or the user interrupts.
pub async fn prove(context: &Context, round: u32) -> Result<ProveRecord> {
    let given = chosen_statements(context, round)?;
    let conjectures: Vec<_> =
        context.ledger.accepted_of(round..=round)?.into_iter().filter_map(as_statement).collect();
    let controls = Controls::of_round(context, round, &given)?;
    let (for_given, for_conjectures) = plan::allocate(
        context.config.proving.proofs_in(round),
        given.len(),
        conjectures.len(),
        controls.samples_per_conjecture,
    );
    let all = for_given.iter().map(|&samples| samples as usize).sum();
    let parts = SampleShares::of(all, &context.config);
    let mut counts = share(parts.first, &controls.weights);
    let model = context.model_after(round - 1);
    let plan = |part| SamplingPlan {
        model: &model,
        round,
        phase: Phase::Train,
        work: Work::Prove { round, part },
        temperatures: &controls.temperatures,
    };
    let first = given.iter().cloned().zip(counts.iter().copied());
    let targets = first.chain(conjectures.into_iter().zip(for_conjectures));
    let targets = targets.map(|(statement, samples)| Target::new(statement, samples)).collect();
    let mut sampled = attempt_all(context, &plan(ProvePart::First), targets).await?;
    if parts.later > 0 {
        let extra = border(context, round, &given, &counts, parts.later)?;
        let targets = more(&given, &mut counts, &extra);
        sampled += attempt_all(context, &plan(ProvePart::Further), targets).await?;
    }
    let mut record = ProveRecord::default();
    controls.record(context, round, &given, &counts, &mut record)?;
    if parts.repairs > 0 {
        let targets = repair::repair_targets(context, round, &given, &mut counts, parts.repairs)?;
        sampled += attempt_all(context, &plan(ProvePart::Repair), targets.clone()).await?;
        record.repair = Some(repair::record(context, round, &targets)?);
    }
    record.sampled_tokens = sampled.sampled_tokens;
    record.sampling_seconds = sampled.sampling_seconds;
    Ok(record)
}

/// Targets for more samples of statements, which are counted.
fn more(given: &[Statement], counts: &mut [u32], extra: &[u32]) -> Vec<Target> {
    let more = |((statement, count), extra): ((&Statement, &mut u32), &u32)| {
        let samples = *count..*count + extra;
        *count += extra;
        Target { statement: statement.clone(), samples, failure: None }
    };
    given.iter().zip(counts).zip(extra).map(more).collect()
}

#[cfg(test)]
mod tests;
