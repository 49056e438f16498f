//! Conjectures in two stages: which of them are sampled on after their first samples, by what became of those and of
//! conjectures like them.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use anyhow::Result;
use stp_datasets::{Conjecture, Phase, Tally, canonical_shape};
use stp_prover::control::stages::{Kin, StageRule, expected, further};

use crate::context::Context;
use crate::events::Event;
use crate::plan;
use crate::records::StagesRecord;

/// A conjecture with what it is like: its seed, and its shape.
struct Known<'a> {
    seed: &'a str,
    shape: String,
    tally: Tally,
}

/// The samples that a round's conjectures get.
pub struct Stages {
    /// First samples of each.
    pub drawn: Vec<u32>,
    /// What may be spent on further ones; `None` if all are drawn at once.
    left: Option<usize>,
    /// Samples of a conjecture in all.
    each: u32,
}

impl Stages {
    /// Those of conjectures that get `meant` samples at most, if each gets `each`; `others` says whether there is anything
    /// else that could use what they spare.
    pub fn new(context: &Context, meant: Vec<u32>, each: u32, others: bool) -> Self {
        let first = context.config.proving.first_samples;
        if !(1..each).contains(&first) || !others || meant.is_empty() {
            return Self { drawn: meant, left: None, each };
        }
        let drawn = plan::first_samples(&meant, first);
        let left = plan::total(&meant) - plan::total(&drawn);
        Self { drawn, left: Some(left), each }
    }

    /// How many more samples each conjecture gets, and what was decided, which is also told; `None` if all were drawn at
    /// once. What became of the first samples, and of the conjectures of the rounds whose proofs are still trained on, is
    /// read from the ledger, so a round that was interrupted later decides the same.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn further(
        &self,
        context: &Context,
        round: u32,
        conjectures: &[Conjecture],
    ) -> Result<Option<(Vec<u32>, StagesRecord)>> {
        let Some(left) = self.left else { return Ok(None) };
        let settings = &context.config.proving;
        let first = first_tallies(context, round, conjectures, &self.drawn)?;
        let now: Vec<_> = conjectures.iter().zip(&first).map(|(it, tally)| known(it, *tally)).collect();
        let replayed = round.saturating_sub(settings.replay_rounds)..=round.saturating_sub(1);
        let earlier = tried(context, replayed)?;
        let earlier: Vec<_> = earlier.iter().map(|(it, tally)| known(it, *tally)).collect();
        let rule = StageRule {
            samples: self.each,
            highest_rate: settings.highest_pass_rate,
            least_chance: settings.least_chance,
        };
        let more = further(&self.drawn, &first, &means(&now, &earlier), rule, left);
        let decided = StagesRecord {
            conjectures: conjectures.len(),
            first_samples: plan::total(&self.drawn),
            went_on: more.iter().filter(|samples| **samples > 0).count(),
            further_samples: plan::total(&more),
            spared: left - plan::total(&more),
        };
        tell(context, round, decided);
        Ok(Some((more, decided)))
    }
}

fn tell(context: &Context, round: u32, decided: StagesRecord) {
    let StagesRecord { went_on, further_samples, spared, .. } = decided;
    let scalars = [("went_on", went_on), ("further_samples", further_samples), ("spared", spared)];
    let scalars = scalars.map(|(name, number)| (format!("stages/{name}"), number as f64));
    context.events.emit(&Event::Controlled { round, balance: None, scalars: &scalars });
}

fn known(conjecture: &Conjecture, tally: Tally) -> Known<'_> {
    Known { seed: &conjecture.seed, shape: canonical_shape(&conjecture.signature), tally }
}

/// What the first samples of each conjecture came to.
fn first_tallies(
    context: &Context,
    round: u32,
    conjectures: &[Conjecture],
    drawn: &[u32],
) -> Result<Vec<Tally>> {
    let names = conjectures.iter().map(|it| it.statement.as_deref().unwrap_or_default());
    let places: HashMap<_, _> = names.zip(0..).collect();
    let mut tallies = vec![Tally::default(); conjectures.len()];
    context.ledger.each_attempt(round, Phase::Train, |attempt| {
        // A run that was interrupted later has more than the first samples.
        if let Some(&at) = places.get(attempt.statement.as_str()).filter(|at| attempt.sample < drawn[**at]) {
            let tally: &mut Tally = &mut tallies[at];
            tally.judged += 1;
            tally.proved += u32::from(attempt.is_proved());
        }
    })?;
    Ok(tallies)
}

/// The conjectures of some rounds with what became of them.
fn tried(context: &Context, rounds: RangeInclusive<u32>) -> Result<Vec<(Conjecture, Tally)>> {
    let tallies = context.ledger.tallies_of(Phase::Train, rounds.clone())?;
    let of = |conjecture: Conjecture| {
        let key = (conjecture.round, conjecture.statement.clone()?);
        Some((conjecture, tallies.get(&key).copied()?))
    };
    Ok(context.ledger.accepted_of(rounds)?.into_iter().filter_map(of).collect())
}

/// The pass rate to expect of each conjecture, by all others, those of the same seed, and those of the same shape.
fn means(now: &[Known<'_>], earlier: &[Known<'_>]) -> Vec<f64> {
    let mut all = Kin::default();
    let (mut by_seed, mut by_shape): (HashMap<&str, Kin>, HashMap<&str, Kin>) = Default::default();
    for one in now.iter().chain(earlier) {
        all.add(one.tally);
        by_seed.entry(one.seed).or_default().add(one.tally);
        by_shape.entry(&one.shape).or_default().add(one.tally);
    }
    let mean = |one: &Known<'_>| {
        let kin = [all, by_seed[one.seed], by_shape[one.shape.as_str()]];
        expected(&kin.map(|kin| kin.without(one.tally)))
    };
    now.iter().map(mean).collect()
}
