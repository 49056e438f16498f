//! The proof step of a round: proofs of statements and conjectures are sampled and judged.

mod choose;
mod control;
mod repair;
mod stages;

use anyhow::Result;
use stp_datasets::{Phase, Statement};
use stp_prover::control::share;

use self::choose::chosen_statements;
use self::control::{Controls, border};
use self::stages::Stages;
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
    let mut conjectured = context.ledger.accepted_of(round..=round)?;
    conjectured.retain(|conjecture| conjecture.statement.is_some());
    let conjectures: Vec<_> = conjectured.iter().cloned().filter_map(as_statement).collect();
    let controls = Controls::of_round(context, round, &given)?;
    let settings = &context.config.proving;
    let (budget, each) = (settings.proofs_in(round), controls.samples_per_conjecture);
    let most = (budget as f64 * settings.conjecture_share).round() as usize;
    let (for_given, meant) = plan::allocate(budget, given.len(), conjectures.len(), each, most);
    let mut parts = SampleShares::of(plan::total(&for_given), &context.config);
    let mut counts = share(parts.first, &controls.weights);
    let stages = Stages::new(context, meant, each, !given.is_empty());
    let model = context.model_after(round - 1);
    let plan = |part| SamplingPlan {
        model: &model,
        round,
        phase: Phase::Train,
        work: Work::Prove { round, part },
        temperatures: &controls.temperatures,
    };
    let first = given.iter().cloned().zip(counts.iter().copied());
    let targets = first.chain(conjectures.iter().cloned().zip(stages.drawn.iter().copied()));
    let targets = targets.map(|(statement, samples)| Target::new(statement, samples)).collect();
    let mut sampled = attempt_all(context, &plan(ProvePart::First), targets).await?;
    let mut record = ProveRecord::default();
    let mut targets = Vec::new();
    if let Some((extra, decided)) = stages.further(context, round, &conjectured)? {
        parts = parts.with(decided.spared, &context.config);
        record.stages = Some(decided);
        targets = more(&conjectures, &mut stages.drawn.clone(), &extra);
    }
    if parts.later > 0 {
        let extra = if context.config.control.adaptive_budget {
            border(context, round, &given, &counts, parts.later)?
        } else {
            share(parts.later, &controls.weights)
        };
        targets.extend(more(&given, &mut counts, &extra));
    }
    if !targets.is_empty() {
        sampled += attempt_all(context, &plan(ProvePart::Further), targets).await?;
    }
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
fn more(statements: &[Statement], counts: &mut [u32], extra: &[u32]) -> Vec<Target> {
    let more = |((statement, count), extra): ((&Statement, &mut u32), &u32)| {
        let samples = *count..*count + extra;
        *count += extra;
        Target { statement: statement.clone(), samples, failure: None }
    };
    statements.iter().zip(counts).zip(extra).map(more).collect()
}

#[cfg(test)]
mod tests;
