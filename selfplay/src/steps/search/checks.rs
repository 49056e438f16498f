//! Proofs that no model wrote as they are: recording them, having them judged, and what has been proved.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Result;
use stp_datasets::{Attempt, CONJECTURE, Phase, Statement};
use tokio::sync::mpsc;

use crate::attempt::Judge;
use crate::context::Context;
use crate::events::{Done, Recorded, SearchPart, Work};

/// Statements with a proof by a sample up to a round, or by a search before it.
///
/// # Errors
/// If the ledger cannot be read.
pub fn proved(context: &Context, round: u32) -> Result<HashSet<String>> {
    let mut names = context.ledger.proved_names(Phase::Train, round + 1)?;
    names.extend(context.ledger.proved_names(Phase::Search, round)?);
    Ok(names)
}

/// Records proofs and has them judged, and whatever an interrupted process has left without a verdict.
///
/// # Errors
/// If Lean or the ledger fails, or the user interrupts.
pub async fn judge(context: &Context, round: u32, part: SearchPart, attempts: &[Attempt]) -> Result<()> {
    context.ledger.record_attempts(attempts)?;
    attempts.iter().for_each(|_| context.events.recorded(Recorded::Attempt));
    let open = context.ledger.unjudged(round, Phase::Search)?;
    if open.is_empty() {
        return Ok(());
    }
    let count = open.len() as u64;
    let progress = Arc::new(context.events.work(&Work::Search { round, part }, count));
    let names: HashSet<&str> = open.iter().map(|attempt| attempt.statement.as_str()).collect();
    let statements = statements_of(context, &names.into_iter().collect::<Vec<_>>())?;
    let judge = Judge::new(context, statements.into_values().collect::<Vec<_>>(), progress.clone())?;
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
pub fn attempt(round: u32, statement: &str, sample: u32, proof: &str) -> Attempt {
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
