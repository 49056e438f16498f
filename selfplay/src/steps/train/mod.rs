//! The training steps: stage 1 on the corpus, each round on what was proved, and the final re-training.

mod command;
mod common;
mod examples;
mod fit;
pub mod library;
mod pairs;
mod repair;
pub mod select;
mod stage1;
mod weigh;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use anyhow::Result;
use stp_model::{Checkpoint, Example};
use stp_prover::TrainingProof;

use self::common::Beginning;
use self::examples::{Texts, conjecture_example, pair_example, proof_examples, tell_left_out};
use self::fit::fit;
use self::pairs::{SupervisedPair, replayed_pairs};
use self::select::{TrainingConjecture, TrainingSet};
pub use self::stage1::stage1;
use crate::context::Context;
use crate::plan::checkpoint_of;
use crate::records::TrainRecord;

/// The end of a round: proofs of hard statements, and the conjectures that were barely provable. Where the settings
/// alternate stages 2 and 3, it is the re-training instead.
///
/// # Errors
/// If training or the ledger fails, or the user interrupts.
pub async fn round(context: &Context, round: u32) -> Result<TrainRecord> {
    let (config, ledger) = (&context.config, &context.ledger);
    let set = TrainingSet::of_round(config, round);
    let newest = checkpoint_of(round - 1, config.rounds);
    let of_round = select::conjectures(ledger, config, round..=round)?;
    let weights = weigh::weigh(context, &newest, round, &of_round).await?;
    let mut kept = select::conjectures(ledger, config, set.rounds(config))?;
    if let Some(weights) = &weights {
        weights.apply(&mut kept);
    }
    let kept = select::with_fates(ledger, config, set.rounds(config), kept)?;
    let (from, training) = match set {
        TrainingSet::All(_) => ("stage1", &config.retraining),
        TrainingSet::Round(_) => (newest.as_str(), &config.round),
    };
    let beginning = Beginning::of_run(context, from)?;
    let proofs = proofs(context, set)?;
    let mut record = TrainRecord {
        proofs: Some(proofs.len()),
        conjectures_kept: Some(of_round.len()),
        from: Some(from.to_owned()),
        fates: select::fate_counts(config, &kept),
        ..TrainRecord::default()
    };
    if let Some(weights) = weights {
        weights.record(&mut record);
    }
    let replayed = replayed_pairs(context, round)?;
    let learned = Learned { proofs: &proofs, kept: &kept, replayed, rounds: set.rounds(config) };
    let examples = learned.examples(context, &beginning.checkpoint, &mut record).await?;
    fit(context, beginning, examples, training, &checkpoint_of(round, config.rounds), record).await
}

/// The final re-training from the stage-1 checkpoint, on all correct proofs and all kept conjectures.
///
/// # Errors
/// As [`round`].
pub async fn retrain(context: &Context, round: u32) -> Result<TrainRecord> {
    let (config, ledger, set) = (&context.config, &context.ledger, TrainingSet::All(round));
    let proofs = proofs(context, set)?;
    let kept = select::conjectures(ledger, config, set.rounds(config))?;
    let conjectures = Some(kept.len());
    let kept = select::with_fates(ledger, config, set.rounds(config), kept)?;
    let beginning = Beginning::of_run(context, "stage1")?;
    let fates = select::fate_counts(config, &kept);
    let mut record = TrainRecord { proofs: Some(proofs.len()), conjectures, fates, ..TrainRecord::default() };
    let learned = Learned { proofs: &proofs, kept: &kept, replayed: Vec::new(), rounds: set.rounds(config) };
    let examples = learned.examples(context, &beginning.checkpoint, &mut record).await?;
    fit(context, beginning, examples, &config.retraining, "final", record).await
}

/// The prover's training set; how many proofs it cannot have is told.
fn proofs(context: &Context, set: TrainingSet) -> Result<Vec<TrainingProof>> {
    let given = context.statements.given_names();
    let chosen = select::proofs(&context.ledger, &given, &context.config, set)?;
    tell_left_out(context, chosen.left_out);
    Ok(chosen.proofs)
}

/// What is learned.
struct Learned<'a> {
    proofs: &'a [TrainingProof],
    kept: &'a [TrainingConjecture],
    /// Conjecture examples of stage 1.
    replayed: Vec<SupervisedPair>,
    /// The rounds that it is from.
    rounds: RangeInclusive<u32>,
}

impl Learned<'_> {
    /// The examples of it, whose numbers are recorded.
    async fn examples(
        &self,
        context: &Context,
        checkpoint: &Checkpoint,
        record: &mut TrainRecord,
    ) -> Result<Vec<Example>> {
        let (prompts, texts) = (&context.checkpoints.prompts(checkpoint)?, self.texts(context).await?);
        let mut examples = proof_examples(context, prompts, &texts, self.proofs)?;
        let weighty = self.kept.iter().filter(|kept| kept.weight > 0.0);
        let of_kept = weighty.map(|kept| {
            let (TrainingConjecture { conjecture, lemma, weight, .. }, proof) = (kept, kept.shown_proof());
            let seed = (conjecture.seed.as_str(), &*proof);
            conjecture_example(prompts, &texts, lemma.as_deref(), seed, &conjecture.signature, *weight)
        });
        let of_replayed = self.replayed.iter().map(|pair| pair_example(prompts, &texts, pair));
        examples.extend(of_kept.chain(of_replayed).collect::<Result<Vec<_>>>()?);
        if !self.replayed.is_empty() {
            record.replayed_pairs = Some(self.replayed.len());
        }
        // What was thought before a first attempt says nothing of a proof that failed.
        if context.config.repair.enabled && !prompts.thinks() {
            let longest = context.checkpoints.longest(checkpoint);
            let room = longest.saturating_sub(context.config.sampling.max_proof_tokens);
            let (ledger, rounds) = (&context.ledger, self.rounds.clone());
            let more = repair::examples(ledger, prompts, &texts, self.proofs, rounds, room)?;
            record.repair_examples = Some(more.len());
            examples.extend(more);
        }
        Ok(examples)
    }

    async fn texts(&self, context: &Context) -> Result<Texts> {
        // The seed of a goal is its parent, which may be a goal itself.
        let seeds = self.kept.iter().map(|kept| kept.conjecture.seed.as_str());
        let names: BTreeSet<_> =
            self.proofs.iter().map(|proof| proof.statement.as_str()).chain(seeds).collect();
        let names: Vec<_> = names.into_iter().collect();
        let of_kept = self.kept.iter().map(|kept| &kept.lemma);
        let lemmas = of_kept.chain(self.replayed.iter().map(|pair| &pair.lemma)).flatten().cloned();
        Texts::of(context, &names, lemmas.collect()).await
    }
}

#[cfg(test)]
mod tests;
