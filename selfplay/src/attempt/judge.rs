//! Judging attempts while more are sampled: the sampler fills one thread, Lean the rest.
//!
//! Every attempt is in the ledger before the judge sees it and its verdict as soon as there is one, so a
//! killed run repeats at most the proofs that were being sampled at that moment.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use stp_datasets::{Attempt, KnownVerdicts, Statement, Verdict};
use stp_verifier::{Candidate, VerifierError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::context::Context;
use crate::events::{Progress, Recorded};

/// Checks under way for each worker: enough that none waits for the next one.
const CHECKS_PER_WORKER: usize = 3;

/// What the judging of a phase knows: verdicts so far and who waits for one.
pub struct Judge<'a> {
    context: &'a Context,
    statements: HashMap<String, Statement>,
    known: KnownVerdicts,
    /// Time-outs and crashes of this phase: an equal proof gets the same answer until it is over.
    unsettled: HashMap<(String, String), Verdict>,
    waiting: HashMap<(String, String), Vec<Attempt>>,
    checks: JoinSet<((String, String), Result<Verdict, VerifierError>)>,
    progress: Arc<Progress>,
}

impl<'a> Judge<'a> {
    /// A judge of proofs of these statements.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn new(
        context: &'a Context,
        statements: impl IntoIterator<Item = Statement>,
        progress: Arc<Progress>,
    ) -> Result<Self> {
        let statements: HashMap<_, _> =
            statements.into_iter().map(|statement| (statement.id.clone(), statement)).collect();
        let names: Vec<_> = statements.keys().map(String::as_str).collect();
        let known = context.ledger.verdicts_of(&names)?;
        Ok(Self {
            context,
            statements,
            known,
            unsettled: HashMap::new(),
            waiting: HashMap::new(),
            checks: JoinSet::new(),
            progress,
        })
    }

    /// Judges all that comes through the channel, until it closes or the run is cancelled.
    ///
    /// # Errors
    /// If the pool breaks down, the ledger refuses or the user interrupts.
    pub async fn run(mut self, mut attempts: mpsc::UnboundedReceiver<Attempt>) -> Result<()> {
        let limit = CHECKS_PER_WORKER * self.context.verifier.workers();
        let mut open = true;
        while open || !self.checks.is_empty() {
            tokio::select! {
                () = self.context.cancel.cancelled() => break,
                attempt = attempts.recv(), if open && self.checks.len() < limit => match attempt {
                    Some(attempt) => self.admit(attempt)?,
                    None => open = false,
                },
                Some(done) = self.checks.join_next(), if !self.checks.is_empty() => {
                    let (key, verdict) = done?;
                    self.settle(key, &verdict?)?;
                }
            }
        }
        self.context.cancel.check()?;
        Ok(())
    }

    /// Answers from what is known, joins those who wait for the same proof, or asks Lean.
    fn admit(&mut self, attempt: Attempt) -> Result<()> {
        let known = self.context.ledger.known_verdict(&self.known, &attempt.statement, &attempt.proof)?;
        if let Some(verdict) = known {
            return self.record(&attempt, &Verdict { elapsed_ms: 0, ..verdict });
        }
        let key = (attempt.statement.clone(), attempt.proof.clone());
        if let Some(verdict) = self.unsettled.get(&key) {
            let verdict = Verdict { elapsed_ms: 0, ..verdict.clone() };
            return self.record(&attempt, &verdict);
        }
        let statement = self.statements.get(&key.0).with_context(|| {
            format!("the ledger has an attempt at `{}`, which is not a statement of this phase", key.0)
        })?;
        let waiting = self.waiting.entry(key.clone()).or_default();
        waiting.push(attempt);
        if waiting.len() == 1 {
            let (verifier, candidate) = (self.context.verifier.clone(), candidate(statement, &key.1));
            self.checks.spawn(async move { (key, verifier.check(candidate).await) });
        }
        Ok(())
    }

    fn settle(&mut self, key: (String, String), verdict: &Verdict) -> Result<()> {
        let waited = self.waiting.remove(&key).unwrap_or_default();
        // Lean was asked once for all that waited.
        let again = Verdict { elapsed_ms: 0, ..verdict.clone() };
        for (attempt, verdict) in waited.iter().zip(std::iter::once(verdict).chain(std::iter::repeat(&again)))
        {
            self.record(attempt, verdict)?;
        }
        if !verdict.status.is_settled() {
            self.unsettled.insert(key, verdict.clone());
        }
        Ok(())
    }

    fn record(&mut self, attempt: &Attempt, verdict: &Verdict) -> Result<()> {
        self.context.ledger.record_and_know(&mut self.known, attempt, verdict)?;
        self.context.events.recorded(Recorded::Verdict);
        self.progress.judged(verdict.is_proved());
        Ok(())
    }
}

fn candidate(statement: &Statement, proof: &str) -> Candidate {
    let candidate = Candidate::new(&*statement.header, &*statement.signature, proof);
    if statement.is_conjecture() { candidate.foreign() } else { candidate }
}
