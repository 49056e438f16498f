//! Proof repair: failed proofs come back with Lean's message, as prompts for a second attempt, within the round's budget.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use stp_datasets::{Attempt, Phase, Statement};
use stp_prover::control;

use crate::attempt::{Failure, Target};
use crate::context::Context;
use crate::events::Event;
use crate::records::{RepairRecord, SecondAttempt};

/// The targets of `budget` second attempts. Statements without a proof so far share them alike, those of one statement go
/// to its failed attempts in turn, the likeliest first. `counts` are the samples so far, to which they are added. What
/// cannot be spent so goes to further first attempts.
///
/// # Errors
/// If the ledger cannot be read.
pub fn repair_targets(
    context: &Context,
    round: u32,
    given: &[Statement],
    counts: &mut [u32],
    budget: usize,
) -> Result<Vec<Target>> {
    let mut attempts: HashMap<String, Vec<Attempt>> = HashMap::new();
    let places: HashMap<_, _> = given.iter().enumerate().map(|(at, it)| (it.id.as_str(), at)).collect();
    context.ledger.each_attempt(round, Phase::Train, |attempt| {
        // A run that was interrupted later has the second attempts as well.
        if places.get(attempt.statement.as_str()).is_some_and(|&at| attempt.sample < counts[at]) {
            attempts.entry(attempt.statement.clone()).or_default().push(attempt);
        }
    })?;
    let failed: Vec<Vec<Failure>> = given
        .iter()
        .map(|statement| attempts.get(&statement.id).map(|of| Failure::of_unproved(of)).unwrap_or_default())
        .collect();
    let open: Vec<usize> = (0..given.len()).filter(|&at| !failed[at].is_empty()).collect();
    if open.is_empty() {
        let extra = control::share(budget, &vec![1.0; given.len()]);
        let fresh = |(at, samples): (usize, u32)| {
            let first = counts[at];
            Target { statement: given[at].clone(), samples: first..first + samples, failure: None }
        };
        return Ok(extra.into_iter().enumerate().map(fresh).collect());
    }
    let mut targets = Vec::new();
    for (&at, samples) in open.iter().zip(control::share(budget, &vec![1.0; open.len()])) {
        let failures = &failed[at];
        for (failure, samples) in
            failures.iter().zip(control::share(samples as usize, &vec![1.0; failures.len()]))
        {
            let first = counts[at];
            counts[at] += samples;
            if samples > 0 {
                let (statement, samples) = (given[at].clone(), first..counts[at]);
                targets.push(Target { statement, samples, failure: Some(failure.clone()) });
            }
        }
    }
    Ok(targets)
}

/// Which attempts were second ones, of which, and what came of them; also told.
///
/// # Errors
/// If the ledger cannot be read.
pub fn record(context: &Context, round: u32, targets: &[Target]) -> Result<RepairRecord> {
    let mut attempts = Vec::new();
    for target in targets {
        let Some(failure) = &target.failure else { continue };
        let second =
            |sample| SecondAttempt { statement: target.statement.id.clone(), sample, of: failure.sample };
        attempts.extend(target.samples.clone().map(second));
    }
    let keys: HashSet<_> =
        attempts.iter().map(|attempt| (attempt.statement.as_str(), attempt.sample)).collect();
    let proved: Vec<_> = context
        .ledger
        .proofs_of(Phase::Train, round..=round)?
        .into_iter()
        .filter(|attempt| keys.contains(&(attempt.statement.as_str(), attempt.sample)))
        .collect();
    let statements: HashSet<_> = proved.iter().map(|attempt| &attempt.statement).collect();
    let (proved, statements) = (proved.len(), statements.len());
    context.events.emit(&Event::Repaired { round, proved, attempts: attempts.len(), statements });
    Ok(RepairRecord { proved, statements, attempts })
}
