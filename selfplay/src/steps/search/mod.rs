//! The search step of a round: what the samples left open, tried without a model.
//!
//! A failed proof becomes a sketch, whose holes stand for goals. Lean's automation tries each goal. When all goals of a
//! sketch have proofs, by automation, by samples of a later round or by sketches of their own, they are put into it and
//! the whole is judged. Nothing counts that the judge has not accepted as a whole. (After the measurement that most failed
//! proofs of hard statements leave one near goal open; compare DeepSeek-Prover-V2 and Goedel-Prover-V2.)

mod assemble;
mod close;
mod failed;
mod goals;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use stp_datasets::{Attempt, CONJECTURE, Phase, Statement};
use tokio::sync::mpsc;

use self::goals::Goals;
use crate::attempt::Judge;
use crate::context::Context;
use crate::events::{Done, Event, Recorded, SearchPart, Work};
use crate::records::SearchRecord;

/// Searches for proofs of what has none after the round's samples.
///
/// # Errors
/// If Lean or the ledger fails, or the user interrupts.
pub async fn search(context: &Context, round: u32) -> Result<SearchRecord> {
    let before = proved(context, round)?;
    let found = failed::sketches(context, round).await?;
    let goals = Goals::of_round(context, round)?;
    if context.config.search.automation {
        close::close(context, round, &goals).await?;
    }
    assemble::put_together(context, round).await?;
    goals.record(context, round)?;
    let record = record(context, round, &before, &goals, found)?;
    context.events.emit(&Event::Searched { round, record: &record });
    Ok(record)
}

/// Statements with a proof by a sample up to a round, or by a search before it.
fn proved(context: &Context, round: u32) -> Result<std::collections::HashSet<String>> {
    let mut names = context.ledger.proved_names(Phase::Train, round + 1)?;
    names.extend(context.ledger.proved_names(Phase::Search, round)?);
    Ok(names)
}

fn record(
    context: &Context,
    round: u32,
    before: &std::collections::HashSet<String>,
    goals: &Goals,
    found: failed::Found,
) -> Result<SearchRecord> {
    let attempts = context.ledger.attempts(round, Phase::Search)?;
    let is_goal = |attempt: &&Attempt| attempt.sample < assemble::FIRST_WHOLE;
    let wholes: Vec<_> = attempts.iter().filter(|attempt| !is_goal(attempt)).collect();
    let mut proved: Vec<String> = wholes
        .iter()
        .filter(|attempt| attempt.is_proved() && context.statements.given(&attempt.statement).is_some())
        .map(|attempt| attempt.statement.clone())
        .filter(|name| !before.contains(name))
        .collect();
    proved.sort();
    proved.dedup();
    Ok(SearchRecord {
        failed: found.failed,
        sketches: found.sketches,
        dropped: found.dropped,
        goals: goals.new.len(),
        closed: goals.closed(context, round)?,
        assembled: wholes.len(),
        whole: wholes.iter().filter(|attempt| attempt.is_proved()).count(),
        checks: attempts.len(),
        proved,
    })
}

/// Records proofs and has them judged, those of an interrupted process among them.
async fn judge(
    context: &Context,
    round: u32,
    part: SearchPart,
    attempts: &[Attempt],
    statements: &HashMap<String, Statement>,
) -> Result<()> {
    context.ledger.record_attempts(attempts)?;
    attempts.iter().for_each(|_| context.events.recorded(Recorded::Attempt));
    let open = context.ledger.unjudged(round, Phase::Search)?;
    if open.is_empty() {
        return Ok(());
    }
    let count = open.len() as u64;
    let progress = Arc::new(context.events.work(&Work::Search { round, part }, count));
    let of_these = open.iter().filter_map(|attempt| statements.get(&attempt.statement)).cloned();
    let judge = Judge::new(context, of_these.collect::<Vec<_>>(), progress.clone())?;
    let (sender, receiver) = mpsc::unbounded_channel();
    for attempt in open {
        sender.send(attempt)?;
    }
    drop(sender);
    judge.run(receiver).await?;
    if let Some(progress) = Arc::into_inner(progress) {
        progress.finish(Done::Judged { proofs: count });
    }
    Ok(())
}

/// A proof that no model wrote as it is.
fn attempt(round: u32, statement: &str, sample: u32, proof: &str) -> Attempt {
    Attempt {
        round,
        phase: Phase::Search,
        statement: statement.to_owned(),
        sample,
        proof: proof.to_owned(),
        tokens: 0,
        logprob: 0.0,
        verdict: None,
    }
}

/// Statements by their names: given ones, and goals, whose text the judge must not trust.
fn statements_of(context: &Context, names: &[&str]) -> Result<HashMap<String, Statement>> {
    let mut found = context.ledger.statements_of(names)?;
    for (name, statement) in &mut found {
        match context.statements.given(name) {
            Some(given) => statement.clone_from(given),
            None => statement.topics = vec![CONJECTURE.to_owned()],
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
