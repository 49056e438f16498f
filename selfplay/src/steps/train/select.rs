//! What is trained on: the prover's proofs and the conjecturer's conjectures, read from the ledger alone, so that an
//! export finds what the run has used.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;

use anyhow::Result;
use stp_conjecturer::{TriedConjecture, select};
use stp_datasets::{Attempt, Conjecture, Ledger, Phase, Tally};
use stp_prover::{CorrectProof, Decay, TrainingLimits, TrainingProof, retraining_set, training_set};

use crate::config::RunConfig;
use crate::context::fork::last_round_taken_over;
use crate::context::lemmas::lemmas_of;
use crate::plan::Step;
use crate::records::{self, TrainRecord};

/// Which training it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainingSet {
    /// The end of a round: the last rounds, hard statements alone.
    Round(u32),
    /// Re-training: everything up to a round.
    All(u32),
}

impl TrainingSet {
    /// That of the training at the end of a round: every so many rounds it is a re-training.
    pub fn of_round(config: &RunConfig, round: u32) -> Self {
        if config.proving.is_retraining(round) { Self::All(round) } else { Self::Round(round) }
    }

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
pub struct TrainingConjecture {
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
    let mut rates: HashMap<String, Tally> = HashMap::new();
    for ((_, statement), tally) in ledger.tallies_of(Phase::Train, rounds.clone())? {
        let rate = rates.entry(statement).or_default();
        rate.proved += tally.proved;
        rate.judged += tally.judged;
    }
    let mut correct = Vec::new();
    let mut add = |attempt: Attempt| {
        correct.push(CorrectProof {
            is_conjecture: !given.contains(&attempt.statement),
            pass_rate: rates.get(&attempt.statement).copied().unwrap_or_default(),
            seconds: attempt.verdict.map_or(0.0, |verdict| f64::from(verdict.elapsed_ms) / 1e3),
            statement: attempt.statement,
            round: attempt.round,
            proof: attempt.proof,
        });
    };
    ledger.each_proof(Phase::Corpus, rounds.clone(), &mut add)?;
    ledger.each_proof(Phase::Train, rounds, add)?;
    Ok(correct)
}

/// The conjectures of some rounds to train the conjecturer on, each with the weight that its round gave it.
///
/// # Errors
/// If the ledger cannot be read.
pub fn conjectures(
    ledger: &Ledger,
    config: &RunConfig,
    rounds: RangeInclusive<u32>,
) -> Result<Vec<TrainingConjecture>> {
    let mut kept = Vec::new();
    // Rounds of another run were weighed by its settings: what they left out weighs as everything does without weights.
    let taken_over = last_round_taken_over(ledger)?;
    for round in rounds {
        let provable = provable(ledger, round)?;
        let mut by_id: HashMap<_, _> = ledger
            .accepted_of(round..=round)?
            .into_iter()
            .filter_map(|conjecture| Some((conjecture.statement.clone()?, conjecture)))
            .collect();
        let chosen = select(&provable, config.selection.limits());
        let is_own = round > taken_over;
        let weights = recorded_weights(ledger, round)?;
        if is_own && weights.is_none() && config.selection.reweighting && !chosen.is_empty() {
            require_no_record(ledger, round)?;
        }
        for one in chosen {
            let weight = match &weights {
                None => 1.0,
                Some(weights) if !is_own => weights.get(&one.id).copied().unwrap_or(1.0),
                Some(weights) => *weights.get(&one.id).ok_or_else(|| {
                    let reason = format!("`conjecture_weights` lacks {}", one.id);
                    records::damaged(Step::Train(round), &reason)
                })?,
            };
            let conjecture = by_id.remove(&one.id);
            kept.extend(conjecture.map(|conjecture| TrainingConjecture {
                conjecture,
                lemma: one.lemma,
                weight,
            }));
        }
    }
    Ok(kept)
}

/// The accepted conjectures of a round with what became of them, by name.
fn provable(ledger: &Ledger, round: u32) -> Result<Vec<TriedConjecture>> {
    let tallies = ledger.tallies_of(Phase::Train, round..=round)?;
    let mut proofs: HashMap<String, Vec<(String, Vec<String>)>> = HashMap::new();
    for attempt in ledger.proofs_of(Phase::Train, round..=round)? {
        let lemmas = lemmas_of(&attempt);
        proofs.entry(attempt.statement).or_default().push((attempt.proof, lemmas));
    }
    let of = |conjecture: Conjecture| {
        let id = conjecture.statement?;
        let tally = tallies.get(&(round, id.clone())).copied().unwrap_or_default();
        let proofs = proofs.remove(&id).unwrap_or_default();
        let (signature, lemma) = (conjecture.signature, conjecture.lemma);
        Some(TriedConjecture { id, signature, lemma, proved: tally.proved, judged: tally.judged, proofs })
    };
    let mut all: Vec<_> = ledger.accepted_of(round..=round)?.into_iter().filter_map(of).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(all)
}

/// The weights that a finished round gave its kept conjectures; `None` if it gave none, or is not finished.
fn recorded_weights(ledger: &Ledger, round: u32) -> Result<Option<BTreeMap<String, f32>>> {
    Ok(TrainRecord::read(ledger, Step::Train(round))?.and_then(|record| record.conjecture_weights))
}

/// A finished round that ought to have weights is damaged.
fn require_no_record(ledger: &Ledger, round: u32) -> Result<()> {
    let step = Step::Train(round);
    match ledger.step(&step.name())? {
        None => Ok(()),
        Some(_) => {
            let reason = "selection.reweighting is on, but there are no `conjecture_weights`";
            Err(records::damaged(step, reason))
        }
    }
}
