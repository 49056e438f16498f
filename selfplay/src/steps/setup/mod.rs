//! The first step: the corpus in Lean's eyes.
//!
//! Every statement that the run uses, and every test statement, must elaborate and gets Lean's fingerprint, against which
//! conjectures are compared later. The corpus proofs that stage 1 is shown are judged like any other attempt.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use stp_datasets::{Attempt, Phase, Split, Statement};
use stp_verifier::{Pool, StatementReport, ask_each};
use tokio::sync::mpsc;

use crate::attempt::Judge;
use crate::context::Context;
use crate::context::statements::stage1_proofs;
use crate::events::{Done, Recorded, Work};
use crate::records::SetupRecord;

/// Statements under way for each worker.
const AHEAD: usize = 4;

/// Checks the corpus.
///
/// # Errors
/// If a statement does not elaborate, or Lean or the ledger fails.
pub async fn set_up(context: &Context) -> Result<SetupRecord> {
    let fingerprints = fingerprint_all(context).await?;
    let proofs = judge_corpus_proofs(context).await?;
    Ok(SetupRecord { fingerprints, proofs })
}

async fn fingerprint_all(context: &Context) -> Result<BTreeMap<String, String>> {
    let given = &context.statements;
    // All that is held out, whether this run measures it or not.
    let held_out = [Split::Valid, Split::Test].into_iter().flat_map(|split| given.corpus.statements(split));
    let statements: Vec<Statement> = given.train.iter().cloned().chain(held_out).collect();
    let progress = context.events.work(&Work::SetupStatements, statements.len() as u64);
    let asked = ask_each(&context.verifier, AHEAD, statements, elaborate, |_| progress.advance(1));
    let reports: Vec<(Statement, StatementReport)> = context.cancel.unless(asked).await??;
    context.spending.count(|spent| spent.statements += reports.len() as u64);
    let print = |(statement, report): (Statement, StatementReport)| Some((statement.id, report.fingerprint?));
    let fingerprints: BTreeMap<_, _> = reports.into_iter().filter_map(print).collect();
    progress.finish(Done::Elaborated { statements: fingerprints.len() });
    Ok(fingerprints)
}

/// A statement that does not elaborate ends the run.
async fn elaborate(verifier: Pool, statement: Statement) -> Result<(Statement, StatementReport)> {
    let report = verifier.statement(&statement.header, &statement.signature).await?;
    anyhow::ensure!(
        report.ok,
        "the statement `{}` of the corpus does not elaborate: {}\nMend or remove its line and run the same command \
         again.",
        statement.id,
        report.messages.join("\n")
    );
    Ok((statement, report))
}

async fn judge_corpus_proofs(context: &Context) -> Result<usize> {
    let given = &context.statements;
    let supervised = stage1_proofs(&given.corpus, &given.train, &context.config);
    let total = supervised.iter().map(|(_, proofs)| proofs.len() as u64).sum();
    let progress = Arc::new(context.events.work(&Work::SetupProofs, total));
    let (sender, receiver) = mpsc::unbounded_channel();
    for (statement, proofs) in supervised {
        for (sample, proof) in proofs.into_iter().enumerate() {
            let attempt = corpus_attempt(statement, sample, proof)?;
            context.ledger.record_attempt(&attempt)?;
            context.events.recorded(Recorded::Attempt);
            sender.send(attempt).context("the judge went away")?;
        }
    }
    drop(sender);
    Judge::new(context, given.train.iter().cloned(), progress.clone())?.run(receiver).await?;
    let proved = context.ledger.proofs_of(Phase::Corpus, 0..=0)?.len();
    if let Some(progress) = Arc::into_inner(progress) {
        progress.finish(Done::Held { proved, of: total });
    }
    Ok(proved)
}

fn corpus_attempt(statement: &str, sample: usize, proof: String) -> Result<Attempt> {
    Ok(Attempt {
        round: 0,
        phase: Phase::Corpus,
        statement: statement.to_owned(),
        sample: u32::try_from(sample)?,
        proof,
        tokens: 0,
        logprob: 0.0,
        verdict: None,
    })
}

#[cfg(test)]
mod tests;
