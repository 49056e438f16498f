//! The controllers at work: what they decide for a round, and what they leave in its record.

use std::collections::HashMap;

use anyhow::Result;
use stp_datasets::{Attempt, Phase, Statement, Tally};
use stp_prover::control::balance::{self, Draw, Draws};
use stp_prover::control::curriculum::Curriculum;
use stp_prover::control::{border, regret};

use crate::context::Context;
use crate::context::fork::last_round_taken_over;
use crate::events::Event;
use crate::plan::Step;
use crate::records::{self, BalanceRecord, NextSampling, ProveRecord};

const LEAST_TEMPERATURE: f64 = 0.1;
/// Fewer samples cannot tell a pass rate of 1/4 from others.
const LEAST_SAMPLES: u32 = 4;

/// What the controllers have decided for a round; without any, what the settings say.
pub struct Controls {
    /// The temperatures of proofs; none: that of the settings.
    pub temperatures: Vec<f64>,
    /// Samples of each conjecture.
    pub samples_per_conjecture: u32,
    /// A weight for each given statement.
    pub weights: Vec<f64>,
    now: Draws,
    curriculum: Option<Curriculum>,
}

impl Controls {
    /// Asks the controllers that are switched on; `given` are the statements of the round.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn of_round(context: &Context, round: u32, given: &[Statement]) -> Result<Self> {
        let control = &context.config.control;
        let tallies = if control.curriculum || control.regret {
            context.ledger.tallies_of(Phase::Train, 0..=round.saturating_sub(1))?
        } else {
            HashMap::new()
        };
        let mut weights = vec![1.0; given.len()];
        let curriculum = control.curriculum.then(|| curriculum(context, round, &tallies));
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
        let now = sampling(context, round)?;
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

    /// Adds to the step's record, and tells, what was decided and how the round went; `counts` are the samples of the given
    /// statements so far.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn record(
        &self,
        context: &Context,
        round: u32,
        given: &[Statement],
        counts: &[u32],
        record: &mut ProveRecord,
    ) -> Result<()> {
        let control = &context.config.control;
        let mut scalars = Vec::new();
        if control.balance {
            let found = self.balance(context, round, given, counts)?;
            scalars.extend(self.scalars(&found));
            record.balance = Some(found);
        }
        if let Some(curriculum) = &self.curriculum {
            let values = curriculum.values();
            scalars.extend(values.iter().map(|(topic, value)| (format!("curriculum/{topic}"), *value)));
            record.curriculum = Some(values.clone());
        }
        if control.curriculum || control.regret || control.adaptive_budget {
            let most = f64::from(counts.iter().copied().max().unwrap_or(0));
            scalars.push(("control/most_samples".to_owned(), most));
            let ids = given.iter().map(|statement| statement.id.clone());
            record.samples = Some(ids.zip(counts.iter().copied()).collect());
        }
        if !scalars.is_empty() {
            let balance = record.balance.as_ref();
            context.events.emit(&Event::Controlled { round, balance, scalars: &scalars });
        }
        Ok(())
    }

    /// The numbers of the controller of exploration, by name.
    fn scalars(&self, found: &BalanceRecord) -> Vec<(String, f64)> {
        let numbers = [
            ("control/exploration", Some(found.exploration)),
            ("control/exploitation", Some(found.exploitation)),
            ("control/separation", found.separation),
            ("control/balance", Some(found.balance)),
            ("control/temperature", Some(self.now.temperature)),
            ("control/samples_per_conjecture", Some(f64::from(self.now.samples))),
        ];
        numbers.into_iter().filter_map(|(name, number)| Some((name.to_owned(), number?))).collect()
    }

    fn balance(
        &self,
        context: &Context,
        round: u32,
        given: &[Statement],
        counts: &[u32],
    ) -> Result<BalanceRecord> {
        let control = &context.config.control;
        let mut attempts = context.ledger.attempts(round, Phase::Train)?;
        // Of given statements only the attempts so far: a run that was interrupted later has more.
        let counts: HashMap<_, _> = given.iter().map(|it| it.id.as_str()).zip(counts).collect();
        attempts.retain(|attempt| {
            counts.get(attempt.statement.as_str()).is_none_or(|count| attempt.sample < **count)
        });
        let arms = self.temperatures.len().max(1);
        let draws: Vec<_> = attempts.iter().map(|attempt| draw(attempt, arms)).collect();
        let configured = context.config.proving.samples_per_conjecture;
        let least = (configured / 2).max(LEAST_SAMPLES);
        let range = least..=(configured * 4).max(least);
        let found = balance::measure(&draws, control.balance_proofs);
        let next = balance::next(self.now, &self.temperatures, &draws, control.balance_proofs, range);
        Ok(BalanceRecord {
            temperatures: self.temperatures.clone(),
            exploration: found.exploration,
            exploitation: found.exploitation,
            separation: found.separation,
            balance: found.balance,
            next: NextSampling { temperature: next.temperature, samples: next.samples },
        })
    }
}

/// How many of `left` samples each given statement gets after its first `counts`.
///
/// # Errors
/// If the ledger cannot be read.
pub fn border(
    context: &Context,
    round: u32,
    given: &[Statement],
    counts: &[u32],
    left: usize,
) -> Result<Vec<u32>> {
    let places: HashMap<_, _> = given.iter().enumerate().map(|(at, it)| (it.id.as_str(), at)).collect();
    let mut now = vec![Tally::default(); given.len()];
    context.ledger.each_attempt(round, Phase::Train, |attempt| {
        // A run that was interrupted later has more than the first samples.
        if let Some(&at) = places.get(attempt.statement.as_str()).filter(|at| attempt.sample < counts[**at]) {
            now[at].judged += 1;
            now[at].proved += u32::from(attempt.is_proved());
        }
    })?;
    let mut before = vec![Tally::default(); given.len()];
    let earlier = context.ledger.tallies_of(Phase::Train, 0..=round.saturating_sub(1))?;
    for ((_, id), tally) in earlier {
        if let Some(&at) = places.get(id.as_str()) {
            before[at].judged += tally.judged;
            before[at].proved += tally.proved;
        }
    }
    Ok(border::extra(&now, &before, left))
}

/// What the last round's balance asks for, or the settings.
fn sampling(context: &Context, round: u32) -> Result<Draws> {
    let configured = Draws {
        temperature: f64::from(context.config.sampling.temperature),
        samples: context.config.proving.samples_per_conjecture,
    };
    if !context.config.control.balance || round < 2 {
        return Ok(configured);
    }
    let last = Step::Prove(round - 1);
    match records::require::<ProveRecord>(&context.ledger, last)?.balance {
        Some(BalanceRecord { next: NextSampling { temperature, samples }, .. }) => {
            Ok(Draws { temperature, samples })
        }
        // Another run's round, in which the controller was off.
        None if round - 1 <= last_round_taken_over(&context.ledger)? => Ok(configured),
        None => Err(records::damaged(last, "control.balance is on, but there is no `balance`")),
    }
}

fn draw(attempt: &Attempt, arms: usize) -> Draw<'_> {
    Draw {
        statement: &attempt.statement,
        arm: attempt.sample as usize % arms,
        proof: &attempt.proof,
        proved: attempt.is_proved(),
        score: attempt.likelihood(),
    }
}

/// The arm of a statement: its first topic.
fn topic(statement: &Statement) -> &str {
    statement.topics.first().map_or("none", String::as_str)
}

fn curriculum(context: &Context, round: u32, tallies: &HashMap<(u32, String), Tally>) -> Curriculum {
    let topics: HashMap<_, _> =
        context.statements.train.iter().map(|it| (it.id.as_str(), topic(it))).collect();
    let mut curriculum = Curriculum::default();
    for earlier in 1..round {
        let mut tried: Vec<_> = tallies.iter().filter(|((of_round, _), _)| *of_round == earlier).collect();
        tried.sort_by(|a, b| a.0.cmp(b.0));
        let outcomes =
            tried.into_iter().filter_map(|((_, id), tally)| Some((*topics.get(id.as_str())?, *tally)));
        curriculum.learn(outcomes, context.config.control.curriculum_rate);
    }
    curriculum
}

/// The pass rate of each statement in the last round in which it was tried.
fn last_rates(round: u32, tallies: &HashMap<(u32, String), Tally>) -> HashMap<String, Tally> {
    let mut last: HashMap<String, (u32, Tally)> = HashMap::new();
    for ((of_round, id), tally) in tallies.iter().filter(|((of_round, _), _)| *of_round < round) {
        let known = last.entry(id.clone()).or_default();
        if *of_round >= known.0 {
            *known = (*of_round, *tally);
        }
    }
    last.into_iter().map(|(id, (_, rate))| (id, rate)).collect()
}
