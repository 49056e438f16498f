//! The first step: the corpus in Lean's eyes.
//!
//! Every statement must elaborate, every corpus proof is judged like any other attempt, and each statement
//! gets Lean's fingerprint, against which conjectures are compared later.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use stp_datasets::{Attempt, Phase, Split, Statement};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::judging::Judge;
use crate::plan::{self, Step};
use crate::run::Run;

/// What the step leaves in the ledger.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Setup {
    /// Fingerprint of each statement of the corpus that elaborates.
    pub fingerprints: HashMap<String, String>,
    /// Corpus proofs that hold.
    pub proofs: usize,
}

impl Setup {
    /// Reads it back.
    ///
    /// # Errors
    /// If the step is not finished or its detail is damaged.
    pub fn read(run: &Run) -> Result<Self> {
        let step = run.ledger.step(&Step::Setup.name())?.context("the setup step is not finished")?;
        serde_json::from_value(step.detail).context("the setup step's record in the ledger is damaged")
    }
}

/// Checks the corpus.
///
/// # Errors
/// If a statement does not elaborate, or Lean or the ledger fails.
pub async fn set_up(run: &Run) -> Result<Setup> {
    let fingerprints = fingerprint_all(run).await?;
    let proofs = judge_corpus_proofs(run).await?;
    Ok(Setup { fingerprints, proofs })
}

async fn fingerprint_all(run: &Run) -> Result<HashMap<String, String>> {
    let statements: Vec<Statement> =
        run.train.iter().chain(&run.valid).cloned().chain(run.corpus.statements(Split::Test)).collect();
    let progress = run.display.phase("setup: statements", statements.len() as u64);
    let mut checks = JoinSet::new();
    for statement in statements {
        let pool = run.pool.clone();
        checks.spawn(async move {
            let report = pool.statement(&statement.header, &statement.signature).await;
            (statement, report)
        });
    }
    let mut fingerprints = HashMap::new();
    while let Some(done) = run.unless_cancelled(checks.join_next()).await? {
        let (statement, report) = done?;
        let report = report?;
        if !report.ok {
            anyhow::bail!(
                "the statement `{}` of the corpus does not elaborate: {}\nMend or remove its line and run the \
                 same command again.",
                statement.id,
                report.messages.join("\n")
            );
        }
        if let Some(fingerprint) = report.fingerprint {
            fingerprints.insert(statement.id, fingerprint);
        }
        progress.advance(1);
    }
    progress.finish(&format!("{} statements elaborate", fingerprints.len()));
    Ok(fingerprints)
}

async fn judge_corpus_proofs(run: &Run) -> Result<usize> {
    let supervised = plan::supervised(&run.corpus, &run.train, &run.config);
    let total = supervised.iter().map(|(_, proofs)| proofs.len() as u64).sum();
    let progress = Arc::new(run.display.phase("setup: corpus proofs", total));
    let (sender, receiver) = mpsc::unbounded_channel();
    for (statement, proofs) in supervised {
        for (sample, proof) in proofs.into_iter().enumerate() {
            let attempt = corpus_attempt(statement, sample, proof)?;
            run.ledger.record_attempt(&attempt)?;
            sender.send(attempt).context("the judge went away")?;
        }
    }
    drop(sender);
    Judge::new(run, run.train.iter().cloned(), progress.clone())?.run(receiver).await?;
    let proved = run.ledger.proved_attempts(Phase::Seed)?.len();
    if let Some(progress) = Arc::into_inner(progress) {
        progress.finish(&format!("{proved} of {total} hold"));
    }
    Ok(proved)
}

fn corpus_attempt(statement: &str, sample: usize, proof: String) -> Result<Attempt> {
    Ok(Attempt {
        round: 0,
        phase: Phase::Seed,
        statement: statement.to_owned(),
        sample: u32::try_from(sample)?,
        proof,
        tokens: 0,
        logprob: 0.0,
        verdict: None,
    })
}
