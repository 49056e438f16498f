//! Proof phases: the round's own (statements and conjectures) and the measurement on `valid`.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use stp_datasets::{Attempt, Outcome, Phase, Split, Statement};
use stp_model::SampleRequest;
use stp_prover::{PassRate, Retry, choose_statements, normalise_proof};
use tokio::sync::mpsc;

use crate::judging::{Judge, Recorded, Target, unfinished};
use crate::plan::{self, Step};
use crate::run::{Run, checkpoint_of};
use crate::sampling::{self, Kind};
use crate::seeds::{generator_for, seed_for};

/// Samples and judges the round's proofs.
///
/// # Errors
/// If sampling, Lean or the ledger fails, or the user interrupts.
pub async fn prove(run: &mut Run, round: u32) -> Result<serde_json::Value> {
    let targets = round_targets(run, round)?;
    let model = run.model_after(round - 1);
    attempt_all(run, &model, round, Phase::Train, targets, &format!("round {round}: prove")).await
}

/// Samples and judges proofs of the validation statements.
///
/// # Errors
/// As [`prove`].
pub async fn validate(run: &mut Run, step: Step) -> Result<serde_json::Value> {
    let rounds = run.config.rounds;
    let round = step.round(rounds);
    let samples = run.config.proving.valid_samples;
    let targets =
        run.valid.iter().map(|statement| Target { statement: statement.clone(), samples }).collect();
    let title = format!("{}: valid", checkpoint_of(round, rounds));
    attempt_all(run, &run.model_after(round), round, Phase::Valid, targets, &title).await
}

/// Samples and judges proofs of the held-out statements from any checkpoint, outside the rounds.
///
/// # Errors
/// As [`prove`].
pub async fn evaluate(run: &mut Run, model: &str, samples: u32, title: &str) -> Result<serde_json::Value> {
    let targets =
        run.valid.iter().map(|statement| Target { statement: statement.clone(), samples }).collect();
    attempt_all(run, model, 0, Phase::Valid, targets, title).await
}

/// The conjectures of a round that are to be proved.
///
/// # Errors
/// If the ledger cannot be read.
pub fn accepted_conjectures(run: &Run, round: u32) -> Result<Vec<Statement>> {
    let all = run.ledger.conjectures()?;
    let accepted = all.into_iter().filter(|c| c.round == round && c.outcome == Some(Outcome::Accepted));
    Ok(accepted
        .filter_map(|conjecture| {
            Some(Statement {
                id: conjecture.statement?,
                signature: conjecture.signature,
                header: String::new(),
                topics: vec!["conjecture".to_owned()],
                split: Split::Train,
            })
        })
        .collect())
}

/// The best pass rate of each statement in the rounds before this one.
///
/// # Errors
/// If the ledger cannot be read.
pub fn best_rates(run: &Run, round: u32) -> Result<HashMap<String, PassRate>> {
    let mut best: HashMap<String, PassRate> = HashMap::new();
    for ((of_round, id), tally) in run.ledger.tallies(Phase::Train)? {
        let rate = PassRate { correct: tally.proved, attempts: tally.judged };
        let best = best.entry(id).or_default();
        if of_round < round && rate.rate() > best.rate() {
            *best = rate;
        }
    }
    Ok(best)
}

fn round_targets(run: &Run, round: u32) -> Result<Vec<Target>> {
    let best = best_rates(run, round)?;
    let ids: Vec<_> = run.train.iter().map(|statement| statement.id.clone()).collect();
    let retry =
        Retry { below: run.config.proving.resample_below, probability: run.config.proving.resample_proved };
    let mut generator = generator_for(run.config.seed, &["choose", &round.to_string()]);
    let chosen = choose_statements(&ids, &best, retry, &mut generator);
    let by_id: HashMap<_, _> = run.train.iter().map(|statement| (&statement.id, statement)).collect();
    let given: Vec<Statement> = chosen.iter().filter_map(|id| by_id.get(id)).map(|s| (*s).clone()).collect();
    let conjectures = accepted_conjectures(run, round)?;
    let (for_given, for_conjectures) = plan::allocate(
        run.config.proving.proofs_in(round),
        given.len(),
        conjectures.len(),
        run.config.proving.samples_per_conjecture,
    );
    let all = given.into_iter().zip(for_given).chain(conjectures.into_iter().zip(for_conjectures));
    Ok(all.map(|(statement, samples)| Target { statement, samples }).collect())
}

async fn attempt_all(
    run: &mut Run,
    model: &str,
    round: u32,
    phase: Phase,
    targets: Vec<Target>,
    title: &str,
) -> Result<serde_json::Value> {
    let checkpoint = run.language.load(&run.folder, model)?;
    let recorded = Recorded::read(run, round, phase)?;
    let longest = checkpoint.model.config().max_seq;
    let (mut requests, mut owners) = (Vec::new(), Vec::new());
    let mut too_long = Vec::new();
    for Target { statement, samples } in &targets {
        let missing: Vec<u32> = (0..*samples)
            .filter(|sample| !recorded.keys.contains(&(statement.id.clone(), *sample)))
            .collect();
        if missing.is_empty() {
            continue;
        }
        let prompt = stp_prover::prompt(&checkpoint.tokenizer, &statement.signature);
        let attempts: Vec<_> =
            missing.iter().map(|&sample| blank(round, phase, &statement.id, sample)).collect();
        if prompt.len() >= longest {
            too_long.extend(attempts);
            continue;
        }
        let name = |sample: &u32| sample_seed(run.config.seed, round, phase, &statement.id, *sample);
        requests.push(SampleRequest { prompt, seeds: missing.iter().map(name).collect() });
        owners.push(attempts);
    }
    let total: u64 = targets.iter().map(|target| u64::from(target.samples)).sum();
    let progress = Arc::new(run.display.phase(title, total));
    progress.advance(recorded.judged);
    let (sender, receiver) = mpsc::unbounded_channel();
    for attempt in recorded.unjudged {
        sender.send(attempt)?;
    }
    for attempt in too_long {
        run.ledger.record_attempt(&Attempt { verdict: Some(unfinished(longest)), ..attempt })?;
        progress.judged(false);
    }
    let settings = sampling::settings(&run.config.sampling, Kind::Proof);
    let limit = settings.max_new_tokens;
    let (ledger, counter) = (run.ledger.clone(), progress.clone());
    let sampler =
        sampling::sample(checkpoint, requests, settings, run.cancel.clone(), move |completion, text| {
            let mut attempt = owners[completion.request][completion.sample].clone();
            attempt.proof = normalise_proof(&text);
            attempt.tokens = u32::try_from(completion.tokens.len())?;
            attempt.logprob = completion.logprob;
            counter.tokens(u64::from(attempt.tokens));
            if completion.finished {
                ledger.record_attempt(&attempt)?;
                sender.send(attempt)?;
            } else {
                attempt.verdict = Some(unfinished(limit));
                ledger.record_attempt(&attempt)?;
                counter.judged(false);
            }
            Ok(())
        });
    let judge = Judge::new(run, targets.into_iter().map(|target| target.statement), progress.clone())?;
    let (stats, ()) = tokio::try_join!(sampler, judge.run(receiver))?;
    if let Some(progress) = Arc::into_inner(progress) {
        progress.finish(&format!("{total} proofs judged"));
    }
    Ok(serde_json::json!({ "sampled_tokens": stats.tokens, "sampling_seconds": stats.seconds }))
}

fn blank(round: u32, phase: Phase, statement: &str, sample: u32) -> Attempt {
    Attempt {
        round,
        phase,
        statement: statement.to_owned(),
        sample,
        proof: String::new(),
        tokens: 0,
        logprob: 0.0,
        verdict: None,
    }
}

fn sample_seed(run_seed: u64, round: u32, phase: Phase, statement: &str, sample: u32) -> u64 {
    let (round, sample) = (round.to_string(), sample.to_string());
    seed_for(run_seed, &["prove", &round, phase.as_str(), statement, &sample])
}
