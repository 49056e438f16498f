//! Proof repair: failed proofs come back with Lean's message, as prompts for a second attempt, within the round's budget.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use anyhow::Result;
use serde_json::{Value, json};
use stp_datasets::{Attempt, Ledger, Phase, Statement};
use stp_model::{Example, Tokenizer};
use stp_prover::{TrainingProof, control, repair_example};

use crate::judging::{Failure, Target, message};
use crate::run::Run;

/// The targets of `budget` second attempts. Statements without a proof so far share them alike, those of one statement go
/// to its failed attempts in turn, the likeliest first. `counts` are the samples so far, to which they are added. What
/// cannot be spent so goes to further first attempts.
///
/// # Errors
/// If the ledger cannot be read.
pub fn plan(
    run: &Run,
    round: u32,
    given: &[Statement],
    counts: &mut [u32],
    budget: usize,
) -> Result<Vec<Target>> {
    let mut attempts: HashMap<String, Vec<Attempt>> = HashMap::new();
    let places: HashMap<_, _> = given.iter().enumerate().map(|(at, it)| (it.id.as_str(), at)).collect();
    for attempt in run.ledger.attempts(round, Phase::Train)? {
        // A run that was interrupted later has the second attempts as well.
        if places.get(attempt.statement.as_str()).is_some_and(|&at| attempt.sample < counts[at]) {
            attempts.entry(attempt.statement.clone()).or_default().push(attempt);
        }
    }
    let failed: Vec<Vec<Failure>> = given
        .iter()
        .map(|statement| attempts.get(&statement.id).map(|of| failures(of)).unwrap_or_default())
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

/// The distinct proofs that Lean refused, the likeliest first; none if one was accepted.
fn failures(attempts: &[Attempt]) -> Vec<Failure> {
    if attempts.iter().any(|attempt| attempt.verdict.as_ref().is_some_and(stp_datasets::Verdict::is_proved)) {
        return Vec::new();
    }
    refused(attempts)
}

fn refused(attempts: &[Attempt]) -> Vec<Failure> {
    let mut refused: Vec<_> = attempts
        .iter()
        .filter_map(|attempt| Some((attempt, attempt.verdict.as_ref().and_then(message)?)))
        .collect();
    let likelihood = |attempt: &Attempt| attempt.logprob / f64::from(attempt.tokens.max(1));
    refused.sort_by(|(a, _), (b, _)| {
        likelihood(b).total_cmp(&likelihood(a)).then_with(|| (a.round, a.sample).cmp(&(b.round, b.sample)))
    });
    let mut seen = HashSet::new();
    refused.retain(|(attempt, _)| seen.insert(attempt.proof.clone()));
    let failure = |(attempt, message): (&Attempt, &str)| Failure {
        sample: attempt.sample,
        proof: attempt.proof.clone(),
        message: message.to_owned(),
    };
    refused.into_iter().map(failure).collect()
}

/// Adds to the step's detail, and to the metrics, which attempts were second ones, of which, and what came of them.
///
/// # Errors
/// If the ledger cannot be read.
pub fn record(run: &Run, round: u32, targets: &[Target], detail: &mut Value) -> Result<()> {
    let mut second = Vec::new();
    for target in targets {
        let Some(failure) = &target.failure else { continue };
        let of = |sample| json!({ "statement": target.statement.id, "sample": sample, "of": failure.sample });
        second.extend(target.samples.clone().map(of));
    }
    let keys: HashSet<_> = targets
        .iter()
        .filter(|target| target.failure.is_some())
        .flat_map(|target| target.samples.clone().map(|sample| (target.statement.id.clone(), sample)))
        .collect();
    let attempts = run.ledger.attempts(round, Phase::Train)?;
    let proved: Vec<_> = attempts
        .iter()
        .filter(|attempt| keys.contains(&(attempt.statement.clone(), attempt.sample)))
        .filter(|attempt| attempt.verdict.as_ref().is_some_and(stp_datasets::Verdict::is_proved))
        .collect();
    let statements: HashSet<_> = proved.iter().map(|attempt| &attempt.statement).collect();
    run.display.line(&format!(
        "round {round}: repair: {} of {} second attempts proved, {} statements",
        proved.len(),
        second.len(),
        statements.len()
    ));
    if let Some(metrics) = run.display.metrics() {
        let rate = proved.len() as f64 / second.len().max(1) as f64;
        metrics.control(
            round,
            &[
                ("repair/pass_rate".to_owned(), rate),
                ("repair/statements".to_owned(), statements.len() as f64),
            ],
        );
    }
    detail["repair"] = json!({ "proved": proved.len(), "statements": statements.len(), "attempts": second });
    Ok(())
}

/// Examples of repair for the prover: the shortest of a statement's training proofs, asked for with the likeliest of its
/// refused attempts in these rounds.
///
/// # Errors
/// If the ledger cannot be read.
pub fn examples(
    ledger: &Ledger,
    tokenizer: &Tokenizer,
    signatures: &HashMap<String, String>,
    proofs: &[TrainingProof],
    rounds: RangeInclusive<u32>,
    room: usize,
) -> Result<Vec<Example>> {
    let mut shortest: HashMap<&str, &TrainingProof> = HashMap::new();
    for proof in proofs {
        let known = shortest.entry(&proof.statement).or_insert(proof);
        if proof.proof.len() < known.proof.len() {
            *known = proof;
        }
    }
    let mut attempts: HashMap<String, Vec<Attempt>> = HashMap::new();
    for round in rounds {
        for attempt in ledger.attempts(round, Phase::Train)? {
            if shortest.contains_key(attempt.statement.as_str()) {
                attempts.entry(attempt.statement.clone()).or_default().push(attempt);
            }
        }
    }
    let mut chosen: Vec<_> = shortest.into_values().collect();
    chosen.sort_by(|a, b| a.statement.cmp(&b.statement));
    let example = |proof: &TrainingProof| {
        let failure = refused(attempts.get(&proof.statement)?).into_iter().next()?;
        let signature = signatures.get(&proof.statement)?;
        let prompt = stp_prover::repair_prompt(tokenizer, signature, &failure.proof, &failure.message, room);
        Some(repair_example(tokenizer, prompt, &proof.proof, proof.weight))
    };
    Ok(chosen.into_iter().filter_map(example).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::{Status, Verdict};

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
            attempt(4, "s", -0.1, Status::Failed, "the proof did not end within 4 tokens"),
        ];
        let found: Vec<_> = failures(&attempts).into_iter().map(|it| (it.sample, it.message)).collect();
        assert_eq!(found, [(1, "unknown tactic".to_owned()), (0, "unsolved goals".to_owned())]);
        attempts.push(attempt(5, "t", -9.0, Status::Proved, ""));
        assert!(failures(&attempts).is_empty() && refused(&attempts).len() == 2);
    }
}
