//! Sampling proofs of some statements and judging them, while more are sampled.

use std::sync::Arc;

use anyhow::Result;
use serde_json::Value;
use stp_datasets::{Attempt, Phase};
use stp_model::{Checkpoint, SampleConfig, SampleRequest};
use stp_prover::normalise_proof;
use tokio::sync::mpsc;

use crate::judging::{Judge, Recorded, Target, unfinished};
use crate::run::Run;
use crate::sampling::{self, Kind};
use crate::seeds::seed_for;

/// Whose attempts they are and how they are drawn.
pub struct Sitting<'a> {
    /// The checkpoint that samples.
    pub model: &'a str,
    /// The round that they are kept under.
    pub round: u32,
    /// The phase that they are kept under.
    pub phase: Phase,
    /// What the user sees.
    pub title: String,
    /// Softmax temperatures, of which the samples of a statement take one after the other; none: that of the settings.
    pub temperatures: &'a [f64],
}

/// What is sampled at one temperature.
#[derive(Default)]
struct Batch {
    requests: Vec<SampleRequest>,
    /// For each request its attempts, yet without text.
    owners: Vec<Vec<Attempt>>,
}

/// Samples and judges what is not recorded yet.
///
/// # Errors
/// If sampling, Lean or the ledger fails, or the user interrupts.
pub async fn attempt_all(run: &mut Run, sitting: &Sitting<'_>, targets: Vec<Target>) -> Result<Value> {
    let checkpoint = run.language.load(&run.folder, sitting.model)?;
    let recorded = Recorded::read(run, sitting.round, sitting.phase)?;
    let longest = checkpoint.model.config().max_seq;
    let mut batches: Vec<Batch> = (0..sitting.temperatures.len().max(1)).map(|_| Batch::default()).collect();
    let mut too_long = Vec::new();
    let mut missing = 0;
    for target in &targets {
        let prompt = prompt(run, &checkpoint, target);
        for (arm, batch) in batches.iter_mut().enumerate() {
            let new = |sample: &u32| !recorded.keys.contains(&(target.statement.id.clone(), *sample));
            let of_arm = |sample: &u32| *sample as usize % sitting.temperatures.len().max(1) == arm;
            let samples: Vec<u32> = target.samples.clone().filter(of_arm).filter(new).collect();
            if samples.is_empty() {
                continue;
            }
            missing += samples.len() as u64;
            let attempts: Vec<_> =
                samples.iter().map(|&sample| blank(sitting, &target.statement.id, sample)).collect();
            if prompt.len() >= longest {
                too_long.extend(attempts);
                continue;
            }
            let seed = |attempt: &Attempt| sample_seed(run.config.seed, attempt);
            let seeds = attempts.iter().map(seed).collect();
            batch.requests.push(SampleRequest { prompt: prompt.clone(), seeds });
            batch.owners.push(attempts);
        }
    }
    let total: u64 = targets.iter().map(|target| target.samples.len() as u64).sum();
    let progress = Arc::new(run.display.phase(&sitting.title, total));
    progress.advance((total - missing).saturating_sub(recorded.unjudged.len() as u64));
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
    let (ledger, counter, cancel) = (run.ledger.clone(), progress.clone(), run.cancel.clone());
    let sampler = async move {
        let (mut tokens, mut seconds) = (0, 0.0);
        for (arm, Batch { requests, owners }) in batches.into_iter().enumerate() {
            if cancel.is_cancelled() || requests.is_empty() {
                continue;
            }
            let temperature = sitting.temperatures.get(arm).map_or(settings.temperature, |at| *at as f32);
            let settings = SampleConfig { temperature, ..settings.clone() };
            let (ledger, counter, sender) = (ledger.clone(), counter.clone(), sender.clone());
            let each = move |completion: &stp_model::Completion, text: String| {
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
            };
            let stats =
                sampling::sample(checkpoint.clone(), requests, settings, cancel.clone(), each).await?;
            tokens += stats.tokens;
            seconds += stats.seconds;
        }
        Ok((tokens, seconds))
    };
    let judge = Judge::new(run, targets.into_iter().map(|target| target.statement), progress.clone())?;
    let ((tokens, seconds), ()) = tokio::try_join!(sampler, judge.run(receiver))?;
    if let Some(progress) = Arc::into_inner(progress) {
        progress.finish(&format!("{total} proofs judged"));
    }
    Ok(serde_json::json!({ "sampled_tokens": tokens, "sampling_seconds": seconds }))
}

fn prompt(run: &Run, checkpoint: &Checkpoint, target: &Target) -> Vec<u32> {
    let (tokenizer, signature) = (&checkpoint.tokenizer, &target.statement.signature);
    let Some(failure) = &target.failure else { return stp_prover::prompt(tokenizer, signature) };
    let room = checkpoint.model.config().max_seq.saturating_sub(run.config.sampling.max_proof_tokens);
    stp_prover::repair_prompt(tokenizer, signature, &failure.proof, &failure.message, room)
}

fn blank(sitting: &Sitting<'_>, statement: &str, sample: u32) -> Attempt {
    Attempt {
        round: sitting.round,
        phase: sitting.phase,
        statement: statement.to_owned(),
        sample,
        proof: String::new(),
        tokens: 0,
        logprob: 0.0,
        verdict: None,
    }
}

fn sample_seed(run_seed: u64, attempt: &Attempt) -> u64 {
    let (round, sample) = (attempt.round.to_string(), attempt.sample.to_string());
    seed_for(run_seed, &["prove", &round, attempt.phase.as_str(), &attempt.statement, &sample])
}
