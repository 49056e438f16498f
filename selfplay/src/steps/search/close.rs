//! Lean's automation on each open goal: one check that tries all tactics, then, where it holds, which of them does it.

use anyhow::Result;
use stp_conjecturer::trivial_proof;
use stp_datasets::{Attempt, Phase, SINGLE_TACTICS};

use super::checks::{attempt, judge};
use super::goals::Goals;
use crate::context::Context;
use crate::events::SearchPart;
use crate::records::ALL_TACTICS;

/// Tries the tactics on the round's new goals. What is learned of a closed goal is the one tactic that closes it.
///
/// # Errors
/// If Lean or the ledger fails, or the user interrupts.
pub async fn close(context: &Context, round: u32, goals: &Goals) -> Result<()> {
    let names: Vec<_> = goals.new.iter().map(|goal| goal.name.as_str()).collect();
    let all = trivial_proof(true);
    let first: Vec<Attempt> = names.iter().map(|name| attempt(round, name, ALL_TACTICS, &all)).collect();
    judge(context, round, SearchPart::Goals, &first).await?;
    let closed = context.ledger.proved_names(Phase::Search, round + 1)?;
    let mut open: Vec<&str> = names.into_iter().filter(|name| closed.contains(*name)).collect();
    for (tactic, sample) in SINGLE_TACTICS.iter().zip(1u32..) {
        let proof = format!("by {tactic}");
        let one: Vec<_> = open.iter().map(|name| attempt(round, name, sample, &proof)).collect();
        judge(context, round, SearchPart::Goals, &one).await?;
        let done: std::collections::HashSet<_> = context
            .ledger
            .proofs_of(Phase::Search, round..=round)?
            .into_iter()
            .filter(|it| it.sample == sample)
            .map(|it| it.statement)
            .collect();
        open.retain(|name| !done.contains(*name));
    }
    Ok(())
}
