//! Stage 1: a fresh model and tokenizer, or a checkpoint from elsewhere, trained on corpus proofs and conjecture pairs.

use anyhow::Result;
use stp_datasets::{Attempt, CorpusEntry, Phase};
use stp_model::{Checkpoint, Example, Lm, Tokenizer};

use super::common::{Beginning, PRETRAINED};
use super::examples::{Texts, lemmas, pair_example, proof_examples, tokenizer_texts, unweighted};
use super::fit::fit;
use super::library;
use super::pairs::stage1_pairs;
use crate::config::Training;
use crate::context::Context;
use crate::events::Event;
use crate::random::seed_for;
use crate::records::TrainRecord;

/// Makes a model, or takes the one that the settings begin with, and trains it on the corpus; before that on the library,
/// if the settings name one. Without epochs the model is kept as it came.
///
/// # Errors
/// If training or the ledger fails, or the user interrupts.
pub async fn stage1(context: &Context) -> Result<TrainRecord> {
    let config = &context.config;
    if config.stage1.epochs == 0 {
        let beginning = Beginning::of_base(context)?;
        context.checkpoints.prompts(&beginning.checkpoint)?;
        let parameters = Some(beginning.checkpoint.model.config().parameters());
        let record = TrainRecord { parameters, ..TrainRecord::default() };
        return fit(context, beginning, Vec::new(), &config.stage1, "stage1", record).await;
    }
    let proofs = context.ledger.proofs_of(Phase::Corpus, 0..=0)?;
    anyhow::ensure!(
        !proofs.is_empty(),
        "the corpus has no proof that Lean accepts, so there is nothing to fine-tune on. Add `proofs` to its train \
         statements, or begin with a checkpoint that can prove already (model.base) and skip stage 1 (stage1.epochs = 0)."
    );
    let texts = Texts::of(context, &[], lemmas(&proofs)).await?;
    let entries = library::entries(config, &context.statements.corpus)?;
    let mut beginning = if config.model.base.is_empty() {
        Beginning::fresh(fresh(context, &proofs, &texts, &entries)?)
    } else {
        Beginning::of_base(context)?
    };
    let prompts = context.checkpoints.prompts(&beginning.checkpoint)?;
    let pairs = stage1_pairs(context, &proofs);
    let unweighted: Vec<_> = proofs.iter().map(unweighted).collect();
    let mut examples = proof_examples(context, &prompts, &texts, &unweighted)?;
    let learned = examples.len();
    for pair in &pairs {
        examples.push(pair_example(&prompts, &texts, pair)?);
    }
    let shown_before = library::examples(context, &prompts, &entries)?;
    let parameters = beginning.checkpoint.model.config().parameters();
    if !shown_before.is_empty() {
        beginning = pretrain(context, beginning, shown_before).await?;
    }
    context.events.emit(&Event::Stage1 { proofs: learned, pairs: pairs.len(), parameters });
    let record = TrainRecord { parameters: Some(parameters), ..TrainRecord::default() };
    fit(context, beginning, examples, &config.stage1, "stage1", record).await
}

/// A model of random numbers with a tokenizer of the corpus.
fn fresh(
    context: &Context,
    proofs: &[Attempt],
    texts: &Texts,
    entries: &[CorpusEntry],
) -> Result<Checkpoint> {
    let mut words = tokenizer_texts(context, proofs, texts);
    words.extend(library::texts(entries));
    let tokenizer = Tokenizer::train(&words, context.config.model.vocab_size)?;
    let config = context.config.model.config(tokenizer.vocab_size());
    let model = Lm::init(&config, context.checkpoints.device(), seed_for(context.config.seed, &["init"]))?;
    Ok(Checkpoint::new(model, tokenizer))
}

/// Trains on the library, unless a stage 1 that was interrupted had done so.
async fn pretrain(context: &Context, beginning: Beginning, examples: Vec<Example>) -> Result<Beginning> {
    if !context.ledger.checkpoints()?.iter().any(|(name, _)| name == PRETRAINED) {
        let config = &context.config;
        let training = Training { epochs: config.pretraining.epochs, ..config.stage1.clone() };
        let record = TrainRecord { examples: Some(examples.len()), ..TrainRecord::default() };
        fit(context, beginning, examples, &training, PRETRAINED, record).await?;
    }
    Beginning::of_run(context, PRETRAINED)
}
