//! The controllers at work: what they decide for a round, and what they leave in its record.

use std::collections::HashMap;

use anyhow::Result;
use serde_json::{Value, json};
use stp_datasets::{Attempt, Phase, Statement, Tally};
use stp_prover::PassRate;
use stp_prover::control::balance::{self, Draw, Sampling};
use stp_prover::control::curriculum::Curriculum;
use stp_prover::control::{border, regret};

use crate::plan::Step;
use crate::run::Run;

const LEAST_TEMPERATURE: f64 = 0.1;
/// Fewer samples cannot tell a pass rate of 1/4 from others.
const LEAST_SAMPLES: u32 = 4;

/// What the controllers have decided for a round; without any, what the settings say.
pub struct Steering {
    /// The temperatures of proofs; none: that of the settings.
    pub temperatures: Vec<f64>,
    /// Samples of each conjecture.
    pub samples_per_conjecture: u32,
    /// A weight for each given statement.
    pub weights: Vec<f64>,
    now: Sampling,
    curriculum: Option<Curriculum>,
}

impl Steering {
    /// Asks the controllers that are switched on; `given` are the statements of the round.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn of_round(run: &Run, round: u32, given: &[Statement]) -> Result<Self> {
        let control = &run.config.control;
        let tallies = run.ledger.tallies(Phase::Train)?;
        let mut weights = vec![1.0; given.len()];
        let curriculum = control.curriculum.then(|| curriculum(run, round, &tallies));
        if let Some(curriculum) = &curriculum {
            let topics: Vec<_> = given.iter().map(topic).collect();
            weights = curriculum.weights(&topics, control.curriculum_temperature);
        }
        if control.regret {
            let last = last_rates(round, &tallies);
            for (weight, statement) in weights.iter_mut().zip(given) {
                *weight *= regret::weight(last.get(&statement.id).copied().unwrap_or_default());
            }
        }
        let now = sampling(run, round)?;
        let step = control.temperature_step;
        let around = [-step, 0.0, step].map(|by| (now.temperature + by).max(LEAST_TEMPERATURE));
        Ok(Self {
            temperatures: if control.balance { around.to_vec() } else { Vec::new() },
            samples_per_conjecture: now.samples,
            weights,
            now,
            curriculum,
        })
    }

    /// Adds to the step's detail, and to the metrics, what was decided and how the round went; `counts` are the samples
    /// of the given statements so far.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn record(
        &self,
        run: &Run,
        round: u32,
        given: &[Statement],
        counts: &[u32],
        detail: &mut Value,
    ) -> Result<()> {
        let mut scalars = Vec::new();
        if run.config.control.balance {
            let found = self.balance(run, round, given, counts)?;
            for key in ["exploration", "exploitation", "separation", "balance"] {
                scalars.extend(found[key].as_f64().map(|value| (format!("control/{key}"), value)));
            }
            scalars.push(("control/temperature".to_owned(), self.now.temperature));
            scalars.push(("control/samples_per_conjecture".to_owned(), f64::from(self.now.samples)));
            run.display.line(&format!(
                "round {round}: balance {:.3} of exploration {:.2} and exploitation {:.2}; next temperature {:.2}, \
                 {} samples of a conjecture",
                found["balance"].as_f64().unwrap_or_default(),
                found["exploration"].as_f64().unwrap_or_default(),
                found["exploitation"].as_f64().unwrap_or_default(),
                found["next"]["temperature"].as_f64().unwrap_or_default(),
                found["next"]["samples"]
            ));
            detail["balance"] = found;
        }
        if let Some(curriculum) = &self.curriculum {
            let values = curriculum.values();
            scalars.extend(values.iter().map(|(topic, value)| (format!("curriculum/{topic}"), *value)));
            detail["curriculum"] = json!(values);
        }
        let control = &run.config.control;
        if control.curriculum || control.regret || control.adaptive_budget {
            let samples: HashMap<_, _> =
                given.iter().map(|statement| &statement.id).zip(counts.iter().copied()).collect();
            scalars.push((
                "control/most_samples".to_owned(),
                f64::from(counts.iter().copied().max().unwrap_or(0)),
            ));
            detail["samples"] = json!(samples);
        }
        if let (false, Some(metrics)) = (scalars.is_empty(), run.display.metrics()) {
            metrics.control(round, &scalars);
        }
        Ok(())
    }

    fn balance(&self, run: &Run, round: u32, given: &[Statement], counts: &[u32]) -> Result<Value> {
        let control = &run.config.control;
        let mut attempts = run.ledger.attempts(round, Phase::Train)?;
        // Of given statements only the attempts so far: a run that was interrupted later has more.
        let counts: HashMap<_, _> = given.iter().map(|it| it.id.as_str()).zip(counts).collect();
        attempts.retain(|attempt| {
            counts.get(attempt.statement.as_str()).is_none_or(|count| attempt.sample < **count)
        });
        let arms = self.temperatures.len().max(1);
        let draws: Vec<_> = attempts.iter().map(|attempt| draw(attempt, arms)).collect();
        let configured = run.config.proving.samples_per_conjecture;
        let least = (configured / 2).max(LEAST_SAMPLES);
        let range = least..=(configured * 4).max(least);
        let found = balance::measure(&draws, control.balance_proofs);
        let next = balance::next(self.now, &self.temperatures, &draws, control.balance_proofs, range);
        Ok(json!({
            "temperatures": self.temperatures,
            "exploration": found.exploration,
            "exploitation": found.exploitation,
            "separation": found.separation,
            "balance": found.balance,
            "next": { "temperature": next.temperature, "samples": next.samples },
        }))
    }
}

/// How many of `left` samples each given statement gets after its first `counts`.
///
/// # Errors
/// If the ledger cannot be read.
pub fn border(run: &Run, round: u32, given: &[Statement], counts: &[u32], left: usize) -> Result<Vec<u32>> {
    let places: HashMap<_, _> = given.iter().enumerate().map(|(at, it)| (it.id.as_str(), at)).collect();
    let mut now = vec![PassRate::default(); given.len()];
    for attempt in run.ledger.attempts(round, Phase::Train)? {
        // A run that was interrupted later has more than the first samples.
        if let Some(&at) = places.get(attempt.statement.as_str()).filter(|at| attempt.sample < counts[**at]) {
            now[at].attempts += 1;
            now[at].correct += u32::from(attempt.verdict.is_some_and(|verdict| verdict.is_proved()));
        }
    }
    let mut before = vec![PassRate::default(); given.len()];
    for ((of_round, id), tally) in run.ledger.tallies(Phase::Train)? {
        if let Some(&at) = places.get(id.as_str()).filter(|_| of_round < round) {
            before[at].attempts += tally.judged;
            before[at].correct += tally.proved;
        }
    }
    Ok(border::extra(&now, &before, left))
}

/// What the last round's balance asks for, or the settings.
fn sampling(run: &Run, round: u32) -> Result<Sampling> {
    let configured = Sampling {
        temperature: f64::from(run.config.sampling.temperature),
        samples: run.config.proving.samples_per_conjecture,
    };
    if !run.config.control.balance || round < 2 {
        return Ok(configured);
    }
    let step = run.ledger.step(&Step::Prove(round - 1).name())?;
    let next = step.map(|step| step.detail["balance"]["next"].clone()).unwrap_or_default();
    let samples = next["samples"].as_u64().and_then(|samples| u32::try_from(samples).ok());
    Ok(Sampling {
        temperature: next["temperature"].as_f64().unwrap_or(configured.temperature),
        samples: samples.unwrap_or(configured.samples),
    })
}

fn draw(attempt: &Attempt, arms: usize) -> Draw<'_> {
    Draw {
        statement: &attempt.statement,
        arm: attempt.sample as usize % arms,
        proof: &attempt.proof,
        proved: attempt.verdict.as_ref().is_some_and(stp_datasets::Verdict::is_proved),
        score: attempt.logprob / f64::from(attempt.tokens.max(1)),
    }
}

/// The arm of a statement: its first topic.
fn topic(statement: &Statement) -> &str {
    statement.topics.first().map_or("none", String::as_str)
}

fn curriculum(run: &Run, round: u32, tallies: &HashMap<(u32, String), Tally>) -> Curriculum {
    let topics: HashMap<_, _> = run.train.iter().map(|it| (it.id.as_str(), topic(it))).collect();
    let mut curriculum = Curriculum::default();
    for earlier in 1..round {
        let mut tried: Vec<_> = tallies.iter().filter(|((of_round, _), _)| *of_round == earlier).collect();
        tried.sort_by(|a, b| a.0.cmp(b.0));
        let outcomes = tried
            .into_iter()
            .filter_map(|((_, id), tally)| Some((*topics.get(id.as_str())?, pass_rate(*tally))));
        curriculum.learn(outcomes, run.config.control.curriculum_rate);
    }
    curriculum
}

/// The pass rate of each statement in the last round in which it was tried.
fn last_rates(round: u32, tallies: &HashMap<(u32, String), Tally>) -> HashMap<String, PassRate> {
    let mut last: HashMap<String, (u32, PassRate)> = HashMap::new();
    for ((of_round, id), tally) in tallies.iter().filter(|((of_round, _), _)| *of_round < round) {
        let known = last.entry(id.clone()).or_default();
        if *of_round >= known.0 {
            *known = (*of_round, pass_rate(*tally));
        }
    }
    last.into_iter().map(|(id, (_, rate))| (id, rate)).collect()
}

fn pass_rate(tally: Tally) -> PassRate {
    PassRate { correct: tally.proved, attempts: tally.judged }
}
