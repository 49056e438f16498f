//! What is to be proved, and the failed attempts that a second one may see.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::Range;

use stp_datasets::{Attempt, Statement, Status, Verdict};

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

impl Target {
    /// The first attempts at a statement.
    pub fn new(statement: Statement, samples: u32) -> Self {
        Self { statement, samples: 0..samples, failure: None }
    }
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

impl Failure {
    /// The distinct proofs that Lean refused, the likeliest first; none if one was accepted.
    pub fn of_unproved(attempts: &[Attempt]) -> Vec<Self> {
        if attempts.iter().any(Attempt::is_proved) { Vec::new() } else { Self::refused(attempts) }
    }

    /// Whether a refused attempt comes before another one.
    pub fn is_likelier(attempt: &Attempt, other: &Attempt) -> bool {
        by_likelihood(attempt, other) == Ordering::Less
    }

    /// The distinct proofs that Lean refused, the likeliest first.
    pub fn refused(attempts: &[Attempt]) -> Vec<Self> {
        let mut refused: Vec<_> = attempts
            .iter()
            .filter_map(|attempt| Some((attempt, attempt.verdict.as_ref().and_then(message)?)))
            .collect();
        refused.sort_by(|(a, _), (b, _)| by_likelihood(a, b));
        let mut seen = HashSet::new();
        refused.retain(|(attempt, _)| seen.insert(attempt.proof.clone()));
        let failure = |(attempt, message): (&Attempt, &str)| Self {
            sample: attempt.sample,
            proof: attempt.proof.clone(),
            message: message.to_owned(),
        };
        refused.into_iter().map(failure).collect()
    }
}

/// The likelier one first, by its mean log-probability a token; the earlier one of those that are alike.
fn by_likelihood(a: &Attempt, b: &Attempt) -> Ordering {
    b.likelihood().total_cmp(&a.likelihood()).then_with(|| (a.round, a.sample).cmp(&(b.round, b.sample)))
}

/// What Lean found wrong with a proof, if it was asked and the proof failed.
fn message(verdict: &Verdict) -> Option<&str> {
    verdict.messages.first().filter(|_| verdict.status == Status::Failed).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use stp_datasets::Phase;

    use super::*;

    fn attempt(sample: u32, proof: &str, logprob: f64, status: Status, message: &str) -> Attempt {
        Attempt {
            round: 1,
            phase: Phase::Train,
            statement: "a".into(),
            sample,
            proof: proof.into(),
            tokens: 2,
            logprob,
            verdict: Some(Verdict::new(status, message)),
        }
    }

    #[test]
    fn the_likeliest_refused_proof_comes_first_and_only_once() {
        let mut attempts = vec![
            attempt(0, "p", -3.0, Status::Failed, "unsolved goals"),
            attempt(1, "q", -1.0, Status::Failed, "unknown tactic"),
            attempt(2, "q", -1.0, Status::Failed, "unknown tactic"),
            attempt(3, "r", -0.5, Status::Timeout, "too slow"),
            attempt(4, "s", -0.1, Status::Unfinished, "the proof did not end within 4 tokens"),
        ];
        let found: Vec<_> =
            Failure::of_unproved(&attempts).into_iter().map(|it| (it.sample, it.message)).collect();
        assert_eq!(found, [(1, "unknown tactic".to_owned()), (0, "unsolved goals".to_owned())]);
        attempts.push(attempt(5, "t", -9.0, Status::Proved, ""));
        assert!(Failure::of_unproved(&attempts).is_empty() && Failure::refused(&attempts).len() == 2);
    }
}
