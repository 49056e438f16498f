//! Sampling proofs of some statements and judging them, while more are sampled.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::Result;
use stp_datasets::{Attempt, Phase, Status, Verdict};
use stp_model::{SampleConfig, SampleRequest};
use stp_prover::{Failed, normalise_proof};
use tokio::sync::mpsc;

use super::judge::Judge;
use super::target::Target;
use crate::context::prompts::goal;
use crate::context::sampler::{self, Prompt, Sample, SampleKind, Sampler};
use crate::context::{Cancel, Context};
use crate::events::{Done, Events, Progress, Recorded, Work};
use crate::random::seed_for;
use crate::records::Sampled;

/// Whose attempts they are and how they are drawn.
pub struct SamplingPlan<'a> {
    /// The checkpoint that samples.
    pub model: &'a str,
    /// The round that they are kept under.
    pub round: u32,
    /// The phase that they are kept under.
    pub phase: Phase,
    /// What the user sees.
    pub work: Work,
    /// Softmax temperatures, of which the samples of a statement take one after the other; none: that of the settings.
    pub temperatures: &'a [f64],
}

/// What is sampled at one temperature.
#[derive(Default)]
struct Batch {
    requests: Vec<SampleRequest>,
    /// For each request its attempts, yet without text.
    owners: Vec<Vec<Attempt>>,
    /// For each request whether what is thought before its proofs is learned: a second attempt thinks about the first.
    learned: Vec<bool>,
}

/// What is to be sampled.
struct Missing {
    /// A batch for each temperature.
    batches: Vec<Batch>,
    /// Attempts whose prompt leaves no room for an answer.
    too_long: Vec<Attempt>,
    /// How many attempts that is.
    count: u64,
}

/// Samples and judges what is not recorded yet.
///
/// # Errors
/// If sampling, Lean or the ledger fails, or the user interrupts.
pub async fn attempt_all(
    context: &Context,
    plan: &SamplingPlan<'_>,
    targets: Vec<Target>,
) -> Result<Sampled> {
    let sampler = context.checkpoints.sampler(plan.model)?;
    let recorded = context.ledger.attempt_keys(plan.round, plan.phase)?;
    let unjudged = context.ledger.unjudged(plan.round, plan.phase)?;
    let missing = missing(context, sampler.as_ref(), plan, &targets, &recorded)?;
    let total: u64 = targets.iter().map(|target| target.samples.len() as u64).sum();
    let progress = Arc::new(context.events.work(&plan.work, total));
    progress.advance((total - missing.count).saturating_sub(unjudged.len() as u64));
    let (sender, receiver) = mpsc::unbounded_channel();
    for attempt in unjudged {
        sender.send(attempt)?;
    }
    for attempt in missing.too_long {
        let verdict = Some(unfinished(sampler.longest()));
        context.ledger.record_attempt(&Attempt { verdict, ..attempt })?;
        progress.judged(false);
    }
    let settings = context.sampling(SampleKind::Proof);
    let keep = Keep {
        ledger: context.ledger.clone(),
        events: context.events.clone(),
        progress: progress.clone(),
        sender,
        sampler: sampler.clone(),
        limit: settings.max_new_tokens,
    };
    let sampling = sample_all(sampler, missing.batches, settings, plan, keep, context.cancel.clone());
    let judge = Judge::new(context, targets.into_iter().map(|target| target.statement), progress.clone())?;
    let (sampled, ()) = tokio::try_join!(sampling, judge.run(receiver))?;
    if let Some(progress) = Arc::into_inner(progress) {
        progress.finish(Done::Judged { proofs: total });
    }
    Ok(sampled)
}

/// What no earlier process has recorded.
fn missing(
    context: &Context,
    sampler: &dyn Sampler,
    plan: &SamplingPlan<'_>,
    targets: &[Target],
    recorded: &HashSet<(String, u32)>,
) -> Result<Missing> {
    let arms = plan.temperatures.len().max(1);
    let mut found =
        Missing { batches: (0..arms).map(|_| Batch::default()).collect(), too_long: Vec::new(), count: 0 };
    for target in targets {
        let id = &target.statement.id;
        let new: Vec<u32> =
            target.samples.clone().filter(|sample| !recorded.contains(&(id.clone(), *sample))).collect();
        found.count += new.len() as u64;
        if new.is_empty() {
            continue;
        }
        let prompt = prompt(context, sampler, target)?;
        for (arm, batch) in found.batches.iter_mut().enumerate() {
            let of_arm = new.iter().filter(|sample| **sample as usize % arms == arm);
            let attempts: Vec<_> = of_arm.map(|&sample| blank(plan, id, sample)).collect();
            if attempts.is_empty() {
            } else if prompt.len() >= sampler.longest() {
                found.too_long.extend(attempts);
            } else {
                let seeds =
                    attempts.iter().map(|attempt| sample_seed(context.config.seed, attempt)).collect();
                batch.requests.push(SampleRequest { prompt: prompt.clone(), seeds });
                batch.owners.push(attempts);
                batch.learned.push(plan.phase == Phase::Train && target.failure.is_none());
            }
        }
    }
    Ok(found)
}

/// Where sampled proofs go.
#[derive(Clone)]
struct Keep {
    ledger: Arc<stp_datasets::Ledger>,
    events: Events,
    progress: Arc<Progress>,
    sender: mpsc::UnboundedSender<Attempt>,
    sampler: Arc<dyn Sampler>,
    /// The longest answer in tokens.
    limit: usize,
}

impl Keep {
    /// Records an attempt; finished ones go to the judge, too.
    fn sample(&self, mut attempt: Attempt, sample: &Sample, learned: bool) -> Result<()> {
        // What is no proof is kept as it is, for people to read.
        attempt.proof = normalise_proof(&sample.text);
        let mut thought = None;
        if !sample.finished {
            attempt.verdict = Some(unfinished(self.limit));
        } else {
            match self.sampler.proof(&sample.text, &attempt.statement) {
                Ok(proof) => {
                    attempt.proof = proof;
                    thought = self.sampler.thought(&sample.text).filter(|_| learned);
                }
                Err(wanted) => attempt.verdict = Some(malformed(wanted)),
            }
        }
        attempt.tokens = u32::try_from(sample.tokens)?;
        attempt.logprob = sample.logprob;
        self.progress.tokens(u64::from(attempt.tokens));
        self.ledger.record_sampled(&attempt, thought)?;
        self.events.recorded(Recorded::Attempt);
        if attempt.verdict.is_none() {
            self.sender.send(attempt)?;
        } else {
            self.progress.judged(false);
        }
        Ok(())
    }
}

/// Samples the batches one after the other, each at its temperature.
async fn sample_all(
    sampler: Arc<dyn Sampler>,
    batches: Vec<Batch>,
    settings: SampleConfig,
    plan: &SamplingPlan<'_>,
    keep: Keep,
    cancel: Cancel,
) -> Result<Sampled> {
    let mut sampled = Sampled::default();
    for (arm, Batch { requests, owners, learned }) in batches.into_iter().enumerate() {
        if cancel.is_cancelled() || requests.is_empty() {
            continue;
        }
        let temperature = plan.temperatures.get(arm).map_or(settings.temperature, |at| *at as f32);
        let settings = SampleConfig { temperature, ..settings.clone() };
        let keep = keep.clone();
        let each = move |sample: Sample| {
            let attempt = owners[sample.request][sample.sample].clone();
            keep.sample(attempt, &sample, learned[sample.request])
        };
        let kind = SampleKind::Proof;
        let stats = sampler::sample(sampler.clone(), kind, requests, settings, cancel.clone(), each).await?;
        sampled += Sampled { sampled_tokens: stats.tokens as u64, sampling_seconds: stats.seconds };
    }
    Ok(sampled)
}

fn prompt(context: &Context, sampler: &dyn Sampler, target: &Target) -> Result<Vec<u32>> {
    let goal = goal(&target.statement);
    let prompt = match &target.failure {
        None => Prompt::Prove { goal },
        Some(failure) => {
            let room = sampler.longest().saturating_sub(context.config.sampling.max_proof_tokens);
            let failed = Failed { proof: &failure.proof, message: &failure.message, room };
            Prompt::Repair { goal, failed }
        }
    };
    Ok(sampler.encode(&prompt)?)
}

fn blank(plan: &SamplingPlan<'_>, statement: &str, sample: u32) -> Attempt {
    Attempt {
        round: plan.round,
        phase: plan.phase,
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

/// The verdict on a text that ran out of tokens: it says nothing of the proof that it might have become, so Lean is not
/// asked.
fn unfinished(limit: usize) -> Verdict {
    Verdict::new(Status::Unfinished, format!("the proof did not end within {limit} tokens"))
}

/// The verdict on an answer in which there is no proof: Lean is not asked.
fn malformed(wanted: &str) -> Verdict {
    Verdict::new(
        Status::Malformed,
        format!("the answer ended without {wanted}, which the layout of the prompts asks for"),
    )
}

#[cfg(test)]
mod served_tests;
#[cfg(test)]
mod tests;
