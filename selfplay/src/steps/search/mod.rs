//! The search step of a round: what the samples left open, tried without a model.
//!
//! A failed proof becomes a sketch, whose holes stand for goals. Lean's automation tries each goal. When all goals of a
//! sketch have proofs, by automation, by samples of a later round or by sketches of their own, they are put into it and
//! the whole is judged. Nothing counts that the judge has not accepted as a whole. (After the measurement that most failed
//! proofs of hard statements leave one near goal open; compare DeepSeek-Prover-V2 and Goedel-Prover-V2.)

mod assemble;
mod checks;
mod close;
mod failed;
mod goals;

use std::collections::HashSet;

use anyhow::Result;
use stp_datasets::{Attempt, Phase};

pub use self::assemble::FIRST_WHOLE;
use self::checks::proved;
use self::goals::Goals;
use crate::context::Context;
use crate::events::Event;
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

fn record(
    context: &Context,
    round: u32,
    before: &HashSet<String>,
    goals: &Goals,
    found: failed::Found,
) -> Result<SearchRecord> {
    let attempts = context.ledger.attempts(round, Phase::Search)?;
    let is_goal = |attempt: &&Attempt| attempt.sample < FIRST_WHOLE;
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

#[cfg(test)]
mod tests;
