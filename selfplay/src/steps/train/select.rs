//! What is trained on: the prover's proofs and the conjecturer's conjectures, read from the ledger alone, so that an
//! export finds what the run has used.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use anyhow::Result;
use stp_conjecturer::{Candidate, select};
use stp_datasets::{Conjecture, Ledger, Outcome, Phase};
use stp_prover::{
    CorrectProof, Decay, PassRate, TrainingLimits, TrainingProof, retraining_set, training_set,
};

use crate::config::RunConfig;
use crate::conjecturing::lemmas_of;
use crate::weighing::recorded_weights;

/// Which training it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainingSet {
    /// The end of a round: the last rounds, hard statements alone.
    Round(u32),
    /// Re-training: everything up to a round.
    All(u32),
}

impl TrainingSet {
    /// The rounds that it is taken from; corpus proofs count as round 0.
    pub fn rounds(self, config: &RunConfig) -> RangeInclusive<u32> {
        match self {
            Self::Round(round) => (round + 1).saturating_sub(config.proving.replay_rounds)..=round,
            Self::All(round) => 0..=round,
        }
    }
}

/// A conjecture to train the conjecturer on.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The conjecture.
    pub conjecture: Conjecture,
    /// The lemma to train it with.
    pub lemma: Option<String>,
    /// Its weight in the loss; 0 for those that no unproved statement was matched with.
    pub weight: f32,
}

/// The prover's training set.
///
/// # Errors
/// If the ledger cannot be read.
pub fn proofs(
    ledger: &Ledger,
    given: &HashSet<String>,
    config: &RunConfig,
    set: TrainingSet,
) -> Result<Vec<TrainingProof>> {
    let settings = &config.proving;
    let correct = correct_proofs(ledger, given, set.rounds(config))?;
    let decay = Decay { length: settings.length_decay, seconds: settings.seconds_decay };
    Ok(match set {
        TrainingSet::Round(round) => {
            let limits = TrainingLimits {
                replay: settings.replay_rounds,
                highest_rate: settings.highest_pass_rate,
                decay,
            };
            training_set(&correct, round, limits)
        }
        TrainingSet::All(_) => {
            let decay = Decay { seconds: 0.0, ..decay };
            retraining_set(&correct, config.selection.limits().highest_rate, decay)
        }
    })
}

/// The correct proofs of some rounds. A statement's pass rate is that of its attempts in all of these rounds together.
fn correct_proofs(
    ledger: &Ledger,
    given: &HashSet<String>,
    rounds: RangeInclusive<u32>,
) -> Result<Vec<CorrectProof>> {
    let mut rates: HashMap<String, PassRate> = HashMap::new();
    for ((round, statement), tally) in ledger.tallies(Phase::Train)? {
        if rounds.contains(&round) {
            let rate = rates.entry(statement).or_default();
            rate.correct += tally.proved;
            rate.attempts += tally.judged;
        }
    }
    let seeds = ledger.proved_attempts(Phase::Seed)?;
    let sampled = ledger.proved_attempts(Phase::Train)?;
    let attempts = seeds.into_iter().chain(sampled).filter(|attempt| rounds.contains(&attempt.round));
    Ok(attempts
        .map(|attempt| CorrectProof {
            is_conjecture: !given.contains(&attempt.statement),
            pass_rate: rates.get(&attempt.statement).copied().unwrap_or_default(),
            seconds: attempt.verdict.map_or(0.0, |verdict| f64::from(verdict.elapsed_ms) / 1e3),
            statement: attempt.statement,
            round: attempt.round,
            proof: attempt.proof,
        })
        .collect())
}

/// The conjectures of some rounds to train the conjecturer on, each with the weight that its round gave it.
///
/// # Errors
/// If the ledger cannot be read.
pub fn conjectures(ledger: &Ledger, config: &RunConfig, rounds: RangeInclusive<u32>) -> Result<Vec<Chosen>> {
    let tallies = ledger.tallies(Phase::Train)?;
    let mut proofs: HashMap<String, Vec<(String, Vec<String>)>> = HashMap::new();
    for attempt in ledger.proved_attempts(Phase::Train)? {
        let lemmas = lemmas_of(&attempt);
        proofs.entry(attempt.statement).or_default().push((attempt.proof, lemmas));
    }
    let all = ledger.conjectures()?;
    let mut chosen = Vec::new();
    for round in rounds {
        let accepted = all.iter().filter(|c| c.round == round && c.outcome == Some(Outcome::Accepted));
        let by_id: HashMap<_, _> =
            accepted.filter_map(|conjecture| Some((conjecture.statement.clone()?, conjecture))).collect();
        let mut candidates: Vec<_> = by_id
            .iter()
            .map(|(id, conjecture)| {
                let tally = tallies.get(&(round, id.clone())).copied().unwrap_or_default();
                Candidate {
                    id: id.clone(),
                    signature: conjecture.signature.clone(),
                    lemma: conjecture.lemma.clone(),
                    proved: tally.proved,
                    judged: tally.judged,
                    proofs: proofs.get(id).cloned().unwrap_or_default(),
                }
            })
            .collect();
        candidates.sort_by(|a, b| a.id.cmp(&b.id));
        let weights = recorded_weights(ledger, round)?;
        chosen.extend(select(&candidates, config.selection.limits()).into_iter().map(|kept| Chosen {
            conjecture: by_id[&kept.id].clone(),
            lemma: kept.lemma,
            weight: weights.get(&kept.id).copied().unwrap_or(1.0),
        }));
    }
    Ok(chosen)
}
