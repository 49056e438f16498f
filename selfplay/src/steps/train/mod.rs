//! The training steps: stage 1 on the corpus, each round on what was proved, and the final re-training.

mod examples;
mod pairs;

use std::io::ErrorKind;
use std::ops::{ControlFlow, RangeInclusive};

use anyhow::{Context, Result};
use serde_json::json;
use stp_datasets::{Ledger, Phase};
use stp_model::{Checkpoint, Example, Lm, ModelError, StateFile, Tokenizer, TrainConfig, further_devices};
use stp_prover::TrainingProof;

use self::examples::{conjecture_example, pair_example, proof_example, texts, tokenizer_texts, weightless};
use self::pairs::{SupervisedPair, replayed_pairs, stage1_pairs};
use crate::config::Training;
use crate::conjecturing::lemma_signatures;
use crate::pretraining;
use crate::repairing;
use crate::run::{Run, checkpoint_of};
use crate::seeds::seed_for;
use crate::selecting::{self, Chosen, TrainingSet};
use crate::weighing;

const WEIGHT_DECAY: f32 = 0.05;
const GRADIENT_CLIP: f32 = 1.0;

/// The checkpoint between the library and stage 1.
const PRETRAINED: &str = "pretrained";

/// Stage 1: a fresh model and tokenizer, trained on corpus proofs and conjecture pairs.
///
/// # Errors
/// If training or the ledger fails, or the user interrupts.
pub async fn stage1(run: &mut Run) -> Result<serde_json::Value> {
    let proofs = run.ledger.proved_attempts(Phase::Seed)?;
    anyhow::ensure!(
        !proofs.is_empty(),
        "the corpus has no proof that Lean accepts, so there is nothing to fine-tune on. Add `proofs` to its train \
         statements."
    );
    let texts = texts(run, &proofs).await?;
    let library = pretraining::entries(&run.config, &run.corpus)?;
    let mut words = tokenizer_texts(run, &proofs, &texts);
    words.extend(pretraining::texts(&library));
    let tokenizer = Tokenizer::train(&words, run.config.model.vocab_size)?;
    let config = run.config.model.config(tokenizer.vocab_size());
    let seed = seed_for(run.config.seed, &["init"]);
    let model = Lm::init(&config, run.language.device(), seed)?;
    let pairs = stage1_pairs(run, &proofs);
    let mut examples: Vec<_> = proofs
        .iter()
        .map(|proof| proof_example(&tokenizer, &texts, &weightless(proof)))
        .collect::<Result<_>>()?;
    examples.extend(pairs.iter().map(|pair| pair_example(&tokenizer, &texts, pair)));
    let library = pretraining::examples(run, &tokenizer, &library);
    let mut checkpoint = Checkpoint::new(model, tokenizer);
    let parameters = checkpoint.model.config().parameters();
    if !library.is_empty() {
        checkpoint = pretrain(run, checkpoint, library).await?;
    }
    run.display.line(&format!(
        "stage 1: {} proofs and {} conjecture pairs, a model of {parameters} parameters",
        proofs.len(),
        pairs.len()
    ));
    let training = run.config.stage1.clone();
    train(run, checkpoint, examples, &training, "stage1", json!({ "parameters": parameters })).await
}

/// Trains on the library, unless a stage 1 that was interrupted had done so.
async fn pretrain(run: &mut Run, checkpoint: Checkpoint, examples: Vec<Example>) -> Result<Checkpoint> {
    if !run.ledger.checkpoints()?.iter().any(|(name, _)| name == PRETRAINED) {
        let training = Training { epochs: run.config.pretraining.epochs, ..run.config.stage1.clone() };
        let detail = json!({ "examples": examples.len() });
        train(run, checkpoint, examples, &training, PRETRAINED, detail).await?;
    }
    run.language.load(&run.folder, PRETRAINED)
}

/// The end of a round: proofs of hard statements, and the conjectures that were barely provable. Where the settings
/// alternate stages 2 and 3, it is the re-training instead.
///
/// # Errors
/// As [`stage1`].
pub async fn round(run: &mut Run, round: u32) -> Result<serde_json::Value> {
    let every = run.config.proving.retrain_every;
    let again = every > 0 && round.is_multiple_of(every);
    let set = if again { TrainingSet::All(round) } else { TrainingSet::Round(round) };
    let base = checkpoint_of(round - 1, run.config.rounds);
    let newest = run.language.load(&run.folder, &base)?;
    let of_round = selecting::conjectures(&run.ledger, &run.config, round..=round)?;
    let weights = weighing::weigh(run, newest, round, &of_round).await?;
    let mut kept = selecting::conjectures(&run.ledger, &run.config, set.rounds(&run.config))?;
    if let Some(weights) = &weights {
        weights.apply(&mut kept);
    }
    let (from, training) = if again {
        ("stage1", run.config.retraining.clone())
    } else {
        (base.as_str(), run.config.round.clone())
    };
    let checkpoint = run.language.load(&run.folder, from)?;
    let proofs = selecting::proofs(&run.ledger, &run.given(), &run.config, set)?;
    let mut detail = json!({ "proofs": proofs.len(), "conjectures_kept": of_round.len(), "from": from });
    if let Some(weights) = weights {
        weights.record(&mut detail);
    }
    let name = checkpoint_of(round, run.config.rounds);
    let replayed = replayed_pairs(run, round)?;
    let learned = Learned { proofs: &proofs, kept: &kept, replayed, rounds: set.rounds(&run.config) };
    learn(run, checkpoint, learned, &training, &name, detail).await
}

/// The final re-training from the stage-1 checkpoint, on all correct proofs and all kept conjectures.
///
/// # Errors
/// As [`stage1`].
pub async fn retrain(run: &mut Run, round: u32) -> Result<serde_json::Value> {
    let set = TrainingSet::All(round);
    let proofs = selecting::proofs(&run.ledger, &run.given(), &run.config, set)?;
    let kept = selecting::conjectures(&run.ledger, &run.config, set.rounds(&run.config))?;
    let checkpoint = run.language.load(&run.folder, "stage1")?;
    let training = run.config.retraining.clone();
    let detail = json!({ "proofs": proofs.len(), "conjectures": kept.len() });
    let learned =
        Learned { proofs: &proofs, kept: &kept, replayed: Vec::new(), rounds: set.rounds(&run.config) };
    learn(run, checkpoint, learned, &training, "final", detail).await
}

/// What is learned.
struct Learned<'a> {
    proofs: &'a [TrainingProof],
    kept: &'a [Chosen],
    /// Conjecture examples of stage 1.
    replayed: Vec<SupervisedPair>,
    /// The rounds that it is from.
    rounds: RangeInclusive<u32>,
}

async fn learn(
    run: &mut Run,
    checkpoint: Checkpoint,
    learned: Learned<'_>,
    training: &Training,
    name: &str,
    mut detail: serde_json::Value,
) -> Result<serde_json::Value> {
    let Learned { proofs, kept, replayed, rounds } = learned;
    let mut texts = texts(run, &[]).await?;
    let lemmas = kept.iter().map(|chosen| &chosen.lemma).chain(replayed.iter().map(|pair| &pair.lemma));
    let names = lemmas.flatten().cloned().collect();
    texts.lemmas = lemma_signatures(run, names).await?;
    let tokenizer = &checkpoint.tokenizer;
    let mut examples: Vec<_> =
        proofs.iter().map(|proof| proof_example(tokenizer, &texts, proof)).collect::<Result<_>>()?;
    for Chosen { conjecture, lemma, weight } in kept.iter().filter(|chosen| chosen.weight > 0.0) {
        let seed = (conjecture.seed.as_str(), conjecture.seed_proof.as_str());
        let target = &conjecture.signature;
        examples.push(conjecture_example(tokenizer, &texts, lemma.as_deref(), seed, target, *weight));
    }
    if !replayed.is_empty() {
        detail["replayed_pairs"] = replayed.len().into();
        examples.extend(replayed.iter().map(|pair| pair_example(tokenizer, &texts, pair)));
    }
    if run.config.repair.enabled {
        let room = run.config.model.max_seq.saturating_sub(run.config.sampling.max_proof_tokens);
        let more = repairing::examples(&run.ledger, tokenizer, &texts.signatures, proofs, rounds, room)?;
        detail["repair_examples"] = more.len().into();
        examples.extend(more);
    }
    train(run, checkpoint, examples, training, name, detail).await
}

async fn train(
    run: &mut Run,
    checkpoint: Checkpoint,
    examples: Vec<Example>,
    training: &Training,
    name: &str,
    mut detail: serde_json::Value,
) -> Result<serde_json::Value> {
    if examples.is_empty() {
        run.display.line(&format!("{name}: nothing to train on; the model stays as it is"));
        run.language.save(&run.folder, name, checkpoint)?;
        run.ledger.record_checkpoint(name, &detail)?;
        return Ok(detail);
    }
    let settings = TrainConfig {
        epochs: training.epochs,
        batch: training.batch,
        micro_batch: training.micro_batch,
        learning_rate: training.learning_rate,
        warmup_steps: training.warmup_steps,
        schedule: training.schedule,
        final_rate: training.final_rate,
        lora: training.lora.clone(),
        recompute: run.config.training.recompute,
        precision: run.config.training.precision,
        replicas: further_devices(run.language.device(), run.config.training.devices)?,
        weight_decay: WEIGHT_DECAY,
        grad_clip: GRADIENT_CLIP,
        seed: seed_for(run.config.seed, &["train", name]),
    };
    let steps = settings.epochs * examples.len().div_ceil(settings.batch);
    let progress = run.display.phase(&format!("{name}: train"), steps as u64);
    let (cancel, metrics, before) = (run.cancel.clone(), run.display.metrics(), steps_before(&run.ledger)?);
    let model = checkpoint.model.clone();
    let path = run.folder.training_state(name);
    let state = run.config.training.state_every().map(|every| StateFile { path: path.clone(), every });
    let work = move || {
        let (mut steps, mut tokens) = (0, None);
        let trained = stp_model::train_resumable(model, &examples, &settings, state.as_ref(), &mut |step| {
            metrics.iter().for_each(|to| to.training(before, step));
            // What an earlier process read is no part of this one's speed.
            let read_before = tokens.unwrap_or(if step.step == 1 { 0 } else { step.tokens });
            progress.tokens((step.tokens - read_before) as u64);
            progress.advance((step.step - steps) as u64);
            (steps, tokens) = (step.step, Some(step.tokens));
            if cancel.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        (trained, progress)
    };
    let (trained, progress) = tokio::task::spawn_blocking(work).await.context("training broke down")?;
    let (model, report) = trained.map_err(|error| keep_batch(run, &checkpoint, name, error))?;
    run.cancel.check()?;
    if training.lora.rank > 0 {
        let (trained, all) = (report.trained_parameters, checkpoint.model.config().parameters());
        run.display.line(&format!("{name}: adapters of {trained} parameters, merged into {all}"));
        detail["trained_parameters"] = trained.into();
    }
    let earlier = match report.resumed {
        0 => String::new(),
        steps => format!(" ({steps} of them before it was stopped)"),
    };
    progress.finish(&format!(
        "{} steps{earlier}, loss {:.3} → {:.3}, {} examples too long",
        report.steps, report.first_loss, report.last_loss, report.dropped
    ));
    run.language.save(&run.folder, name, checkpoint.with_model(model))?;
    detail["loss"] = report.last_loss.into();
    detail["tokens"] = report.tokens.into();
    detail["steps"] = report.steps.into();
    run.ledger.record_checkpoint(name, &detail)?;
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", path.display()))
        }
        _ => Ok(detail),
    }
}

/// Writes the batch at which training broke down, as text, to where the user can read it.
fn keep_batch(run: &Run, checkpoint: &Checkpoint, name: &str, error: ModelError) -> anyhow::Error {
    let ModelError::Diverged { batch, .. } = &error else { return error.into() };
    let row = |example: &Example| {
        let [prompt, target] =
            [&example.prompt, &example.target].map(|tokens| checkpoint.tokenizer.decode(tokens));
        json!({ "prompt": prompt, "target": target, "weight": example.weight }).to_string() + "\n"
    };
    let file = format!("diverged-{name}.jsonl");
    let text: String = batch.iter().map(row).collect();
    match run.folder.write_report(&file, &text) {
        Ok(()) => anyhow::Error::new(error).context(format!(
            "Training broke down; the batch is in {}.",
            run.folder.path().join(file).display()
        )),
        Err(_) => error.into(),
    }
}

/// Training steps of the run's finished trainings.
fn steps_before(ledger: &Ledger) -> Result<u64> {
    Ok(ledger.steps()?.iter().filter_map(|step| step.detail["steps"].as_u64()).sum())
}
