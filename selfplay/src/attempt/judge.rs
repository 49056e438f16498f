//! Sampling proofs and judging them, at the same time: the sampler fills one thread, Lean the rest.
//!
//! Every attempt is in the ledger before the judge sees it and its verdict as soon as there is one, so a
//! killed run repeats at most the proofs that were being sampled at that moment.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, Result};
use stp_datasets::{Attempt, Phase, Statement, Status, Verdict};
use stp_verifier::{Candidate, VerifierError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::display::PhaseProgress;
use crate::run::Run;

/// Checks under way for each worker: enough that none waits for the next one.
const CHECKS_PER_WORKER: usize = 3;

/// A statement or conjecture and which proofs of it are wanted.
#[derive(Clone, Debug)]
pub struct Target {
    /// What is to be proved.
    pub statement: Statement,
    /// Numbers of the samples wanted, those of an interrupted run included.
    pub samples: Range<u32>,
    /// The failed attempt that they are to mend, if any.
    pub failure: Option<Failure>,
}

/// A failed attempt with Lean's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The sample that failed.
    pub sample: u32,
    /// Its text.
    pub proof: String,
    /// What Lean said.
    pub message: String,
}

impl Target {
    /// The first attempts at a statement.
    pub fn new(statement: Statement, samples: u32) -> Self {
        Self { statement, samples: 0..samples, failure: None }
    }
}

/// What the judging of a phase knows: verdicts so far and who waits for one.
pub struct Judge<'a> {
    run: &'a Run,
    statements: HashMap<String, Statement>,
    known: HashMap<(String, String), Verdict>,
    waiting: HashMap<(String, String), Vec<Attempt>>,
    checks: JoinSet<((String, String), Result<Verdict, VerifierError>)>,
    progress: Arc<PhaseProgress>,
}

impl<'a> Judge<'a> {
    /// A judge of proofs of these statements.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn new(
        run: &'a Run,
        statements: impl IntoIterator<Item = Statement>,
        progress: Arc<PhaseProgress>,
    ) -> Result<Self> {
        Ok(Self {
            run,
            statements: statements.into_iter().map(|statement| (statement.id.clone(), statement)).collect(),
            known: run.ledger.known_verdicts()?,
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
        let limit = CHECKS_PER_WORKER * self.run.pool.workers();
        let mut open = true;
        while open || !self.checks.is_empty() {
            tokio::select! {
                () = self.run.cancel.cancelled() => break,
                attempt = attempts.recv(), if open && self.checks.len() < limit => match attempt {
                    Some(attempt) => self.admit(attempt)?,
                    None => open = false,
                },
                Some(done) = self.checks.join_next(), if !self.checks.is_empty() => {
                    let (key, verdict) = done?;
                    self.settle(key, verdict?)?;
                }
            }
        }
        self.run.cancel.check()?;
        Ok(())
    }

    /// Answers from what is known, joins those who wait for the same proof, or asks Lean.
    fn admit(&mut self, attempt: Attempt) -> Result<()> {
        let key = (attempt.statement.clone(), attempt.proof.clone());
        if let Some(verdict) = self.known.get(&key) {
            let verdict = Verdict { elapsed_ms: 0, ..verdict.clone() };
            return self.record(&attempt, &verdict);
        }
        let statement = self.statements.get(&key.0).with_context(|| {
            format!("the ledger has an attempt at `{}`, which is not a statement of this phase", key.0)
        })?;
        let waiting = self.waiting.entry(key.clone()).or_default();
        waiting.push(attempt);
        if waiting.len() == 1 {
            let (pool, candidate) = (self.run.pool.clone(), candidate(statement, &key.1));
            self.checks.spawn(async move { (key, pool.check(candidate).await) });
        }
        Ok(())
    }

    fn settle(&mut self, key: (String, String), verdict: Verdict) -> Result<()> {
        for attempt in self.waiting.remove(&key).unwrap_or_default() {
            self.record(&attempt, &verdict)?;
        }
        self.known.insert(key, verdict);
        Ok(())
    }

    fn record(&self, attempt: &Attempt, verdict: &Verdict) -> Result<()> {
        self.run.ledger.record_verdict(attempt, verdict)?;
        self.progress.judged(verdict.is_proved());
        Ok(())
    }
}

fn candidate(statement: &Statement, proof: &str) -> Candidate {
    let candidate = Candidate::new(&*statement.header, &*statement.signature, proof);
    if statement.is_conjecture() { candidate.foreign() } else { candidate }
}

const UNFINISHED: &str = "the proof did not end within";

/// The verdict on a text that ran out of tokens: no proof, so Lean is not asked.
pub fn unfinished(limit: usize) -> Verdict {
    Verdict::new(Status::Failed, format!("{UNFINISHED} {limit} tokens"))
}

/// What Lean found wrong with a proof, if it was asked.
pub fn message(verdict: &Verdict) -> Option<&str> {
    let message = verdict.messages.first().filter(|_| verdict.status == Status::Failed)?;
    (!message.starts_with(UNFINISHED)).then_some(message.as_str())
}

/// The samples of a phase that an earlier process already has: judged ones, and ones to judge.
pub struct Recorded {
    /// (statement, sample) of all that is recorded.
    pub keys: HashSet<(String, u32)>,
    /// Those without a verdict.
    pub unjudged: Vec<Attempt>,
}

impl Recorded {
    /// Reads what the ledger has of one round and phase.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn read(run: &Run, round: u32, phase: Phase) -> Result<Self> {
        let attempts = run.ledger.attempts(round, phase)?;
        let keys = attempts.iter().map(|attempt| (attempt.statement.clone(), attempt.sample)).collect();
        let unjudged: Vec<_> = attempts.into_iter().filter(|attempt| attempt.verdict.is_none()).collect();
        Ok(Self { keys, unjudged })
    }
}
