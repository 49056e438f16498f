//! What is trained on: the prover's proofs and the conjecturer's conjectures, read from the ledger alone, so that an
//! export finds what the run has used.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;

use anyhow::Result;
use rand::seq::SliceRandom;
use stp_conjecturer::{Fate, TriedConjecture, proof_with_fate, select, used_lemma};
use stp_datasets::{Attempt, Conjecture, Ledger, Phase, Tally, Thoughts};
use stp_prover::{
    CorrectProof, Decay, ProofLayout, TrainingLimits, TrainingProof, retraining_set, training_set,
};

use crate::config::{ConjectureSource, RunConfig};
use crate::context::fork::last_round_taken_over;
use crate::context::lemmas::lemmas_of;
use crate::plan::Step;
use crate::random::generator_for;
use crate::records::{self, ALL_TACTICS, TrainRecord};

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
    /// What became of it, where the conjecturer is told.
    pub fate: Option<Fate>,
}

impl TrainingConjecture {
    /// The seed's proof as it stands in the prompt.
    pub fn shown_proof(&self) -> String {
        proof_with_fate(&self.conjecture.seed_proof, self.fate)
    }
}

/// The prover's training set.
#[derive(Clone, Debug, Default)]
pub struct ChosenProofs {
    /// What is learned.
    pub proofs: Vec<TrainingProof>,
    /// How many correct proofs no answer of the prompts' layout can have: they are left out before the others are chosen.
    pub left_out: usize,
}

/// The prover's training set.
///
/// # Errors
/// If the ledger or the layout of the prompts cannot be read.
pub fn proofs(
    ledger: &Ledger,
    given: &HashSet<String>,
    config: &RunConfig,
    set: TrainingSet,
) -> Result<ChosenProofs> {
    let settings = &config.proving;
    let searched = config.conjectures_from(ConjectureSource::Subgoals);
    let mut correct = correct_proofs(ledger, given, set.rounds(config), searched)?;
    let layout = config.prompts.layout()?.proof;
    let learns_thoughts = layout.learns_thoughts();
    let thought_through = if learns_thoughts { ledger.thought_through()? } else { HashSet::new() };
    let left_out = leave_out(&layout, &thought_through, &mut correct);
    let decay = Decay { length: settings.length_decay, seconds: settings.seconds_decay };
    let mut chosen = match set {
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
            let highest = config.selection.limits().highest_rate;
            retraining_set(&correct, highest, decay, settings.max_proofs_per_statement)
        }
    };
    let names: Vec<_> = chosen.iter().map(|proof| proof.statement.as_str()).collect();
    let mut thoughts = if learns_thoughts { ledger.thoughts_of(&names)? } else { Thoughts::new() };
    for proof in &mut chosen {
        proof.thought = thoughts.remove(&(proof.statement.clone(), proof.proof.clone()));
    }
    Ok(ChosenProofs { proofs: chosen, left_out })
}

/// Leaves out the proofs that no answer of the layout can have, and counts them.
fn leave_out(
    layout: &ProofLayout,
    thought_through: &HashSet<(String, String)>,
    correct: &mut Vec<CorrectProof>,
) -> usize {
    let named = |it: &CorrectProof| (it.statement.clone(), it.proof.clone());
    let mut left_out = HashSet::new();
    correct.retain(|it| {
        let has_thought = !thought_through.is_empty() && thought_through.contains(&named(it));
        let is_taken = layout.takes(&it.proof, has_thought);
        if !is_taken {
            left_out.insert(named(it));
        }
        is_taken
    });
    left_out.len()
}

/// The correct proofs of some rounds, those of the search among them if it is `searched` for them. A statement's pass rate is
/// that of the model's attempts in all of these rounds together.
fn correct_proofs(
    ledger: &Ledger,
    given: &HashSet<String>,
    rounds: RangeInclusive<u32>,
    searched: bool,
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
    ledger.each_proof(Phase::Train, rounds.clone(), &mut add)?;
    if searched {
        // The check of all tactics at once says that a goal can be closed; the one that does it is what is learned.
        ledger.each_proof(Phase::Search, rounds, |attempt| {
            if attempt.sample != ALL_TACTICS {
                add(attempt);
            }
        })?;
    }
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
    if !config.conjectures_from(ConjectureSource::Model) {
        return Ok(kept);
    }
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
                fate: None,
            }));
        }
    }
    Ok(kept)
}

/// All that the conjecturer learns from in a training: the conjectures `kept` for it, and with `conjecturing.fates` those of
/// the same rounds that met another fate. Barely provable ones that were not kept are left out. Nothing where the model does not
/// conjecture.
///
/// # Errors
/// If the ledger cannot be read.
pub fn with_fates(
    ledger: &Ledger,
    config: &RunConfig,
    rounds: RangeInclusive<u32>,
    kept: Vec<TrainingConjecture>,
) -> Result<Vec<TrainingConjecture>> {
    if !config.conjecturing.fates || !config.conjectures_from(ConjectureSource::Model) {
        return Ok(kept);
    }
    let mut learned = kept;
    for round in rounds {
        let tried: HashMap<_, _> =
            provable(ledger, round)?.into_iter().map(|it| (it.id.clone(), it)).collect();
        let fate = |conjecture: &Conjecture| {
            let tried = conjecture.statement.as_ref().and_then(|name| tried.get(name));
            let tally =
                tried.map_or_else(Tally::default, |it| Tally { proved: it.proved, judged: it.judged });
            Fate::of(conjecture.outcome, tally, config.selection.highest_pass_rate)
        };
        for one in learned.iter_mut().filter(|one| one.conjecture.round == round) {
            one.fate = fate(&one.conjecture);
        }
        let known: HashSet<_> = learned.iter().filter_map(|one| one.conjecture.statement.clone()).collect();
        let mut others: BTreeMap<Fate, Vec<Conjecture>> = BTreeMap::new();
        for conjecture in ledger.conjectures_of(round)? {
            let is_known = conjecture.statement.as_ref().is_some_and(|name| known.contains(name));
            if let Some(fate) = fate(&conjecture).filter(|fate| *fate != Fate::Barely && !is_known) {
                others.entry(fate).or_default().push(conjecture);
            }
        }
        for (fate, conjectures) in others {
            let lemma = |it: &Conjecture| match it.statement.as_ref().and_then(|name| tried.get(name)) {
                Some(tried) if config.selection.trigger_lemma && tried.proved > 0 => used_lemma(tried),
                _ => it.lemma.clone(),
            };
            let example = |conjecture: Conjecture| TrainingConjecture {
                lemma: lemma(&conjecture),
                conjecture,
                weight: 1.0,
                fate: Some(fate),
            };
            learned.extend(some_of(config, round, fate, conjectures).into_iter().map(example));
        }
    }
    Ok(learned)
}

/// As many of a round's conjectures of one fate as the settings want, in their order.
fn some_of(config: &RunConfig, round: u32, fate: Fate, conjectures: Vec<Conjecture>) -> Vec<Conjecture> {
    let most = config.conjecturing.most_of_fate;
    if most == 0 || conjectures.len() <= most {
        return conjectures;
    }
    let mut chosen: Vec<_> = (0..conjectures.len()).collect();
    chosen.shuffle(&mut generator_for(config.seed, &["fates", &round.to_string(), fate.as_str()]));
    chosen.truncate(most);
    let chosen: HashSet<_> = chosen.into_iter().collect();
    conjectures.into_iter().enumerate().filter(|(at, _)| chosen.contains(at)).map(|(_, it)| it).collect()
}

/// How many conjectures of each fate there are, by name; `None` if the conjecturer is not told.
pub fn fate_counts(config: &RunConfig, learned: &[TrainingConjecture]) -> Option<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::new();
    for fate in learned.iter().filter_map(|one| one.fate) {
        *counts.entry(fate.as_str().to_owned()).or_default() += 1;
    }
    config.conjecturing.fates.then_some(counts)
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
