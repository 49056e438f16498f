//! The training steps: stage 1 on the corpus, each round on what was proved, and the final re-training.

use std::collections::{BTreeSet, HashMap};
use std::io::ErrorKind;
use std::ops::{ControlFlow, RangeInclusive};

use anyhow::{Context, Result};
use rand::seq::SliceRandom;
use serde_json::json;
use stp_conjecturer::{GivenStatement, supervised_pairs, variant_pairs};
use stp_datasets::{Attempt, Ledger, Phase};
use stp_model::{Checkpoint, Example, Lm, ModelError, StateFile, Tokenizer, TrainConfig, further_devices};
use stp_prover::TrainingProof;

use crate::config::{Method, Training};
use crate::conjecturing::{lemma_signatures, lemmas_of};
use crate::pretraining;
use crate::repairing;
use crate::run::{Run, checkpoint_of};
use crate::seeds::{generator_for, seed_for};
use crate::selecting::{self, Chosen, TrainingSet};
use crate::weighing;

const WEIGHT_DECAY: f32 = 0.05;
const GRADIENT_CLIP: f32 = 1.0;

/// The checkpoint between the library and stage 1.
const PRETRAINED: &str = "pretrained";

/// Texts of statements and lemmas by name, for building examples.
struct Texts {
    signatures: HashMap<String, String>,
    lemmas: HashMap<String, String>,
}

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

/// Signatures of all statements and accepted conjectures, and of the lemmas that the proofs mention.
async fn texts(run: &Run, proofs: &[Attempt]) -> Result<Texts> {
    let mut signatures: HashMap<_, _> =
        run.train.iter().map(|statement| (statement.id.clone(), statement.signature.clone())).collect();
    for conjecture in run.ledger.conjectures()? {
        if let Some(id) = conjecture.statement {
            signatures.insert(id, conjecture.signature);
        }
    }
    let names: BTreeSet<_> = proofs.iter().flat_map(lemmas_of).collect();
    Ok(Texts { signatures, lemmas: lemma_signatures(run, names).await? })
}

fn tokenizer_texts(run: &Run, proofs: &[Attempt], texts: &Texts) -> Vec<String> {
    let mut lemmas: Vec<_> = texts.lemmas.values().cloned().collect();
    lemmas.sort();
    let statements = run.train.iter().map(|statement| statement.signature.clone());
    statements.chain(proofs.iter().map(|proof| proof.proof.clone())).chain(lemmas).collect()
}

fn proof_example(tokenizer: &Tokenizer, texts: &Texts, proof: &TrainingProof) -> Result<Example> {
    let signature = texts.signatures.get(&proof.statement).with_context(|| {
        format!(
            "the ledger has a proof of `{}`, which is neither in the corpus nor a conjecture",
            proof.statement
        )
    })?;
    Ok(stp_prover::example(tokenizer, signature, &proof.proof, proof.weight))
}

fn weightless(attempt: &Attempt) -> TrainingProof {
    TrainingProof { statement: attempt.statement.clone(), proof: attempt.proof.clone(), weight: 1.0 }
}

/// What stage 1 teaches the conjecturer: from a proved statement to a harder one, or from a statement to one like it.
struct SupervisedPair {
    /// Id of the statement that it begins with.
    seed: String,
    /// Empty where none is shown.
    seed_proof: String,
    /// Id of the statement to conjecture.
    target: String,
    lemma: Option<String>,
}

fn stage1_pairs(run: &Run, proofs: &[Attempt]) -> Vec<SupervisedPair> {
    let entries: HashMap<_, _> =
        run.corpus.entries.iter().map(|entry| (entry.statement.id.as_str(), entry)).collect();
    // Tactics that close a statement alone come after its own proofs, and say nothing of what makes it hard.
    let own: Vec<_> = proofs
        .iter()
        .filter(|it| {
            entries.get(it.statement.as_str()).is_none_or(|entry| (it.sample as usize) < entry.proofs.len())
        })
        .collect();
    let given = |id: &str, proof: Option<&Attempt>| {
        let entry = entries.get(id);
        GivenStatement {
            id: id.to_owned(),
            proof: proof.map(|attempt| attempt.proof.clone()),
            lemmas: proof.map(lemmas_of).unwrap_or_default(),
            topics: entry.map(|entry| entry.statement.topics.clone()).unwrap_or_default(),
            closed_by: entry.map_or(0, |entry| entry.closed_by.len()),
        }
    };
    let mut all: Vec<_> = own.iter().map(|attempt| given(&attempt.statement, Some(attempt))).collect();
    if run.config.conjecturing.stage1_given {
        let proved: BTreeSet<_> = own.iter().map(|attempt| attempt.statement.as_str()).collect();
        let open = run.train.iter().filter(|statement| !proved.contains(statement.id.as_str()));
        all.extend(open.map(|statement| given(&statement.id, None)));
    }
    let mut generator = generator_for(run.config.seed, &["pairs"]);
    let pairs = supervised_pairs(&all, run.config.conjecturing.stage1_pairs_per_statement, &mut generator);
    let from_proved = pairs.into_iter().map(|pair| SupervisedPair {
        seed: own[pair.seed].statement.clone(),
        seed_proof: own[pair.seed].proof.clone(),
        target: all[pair.target].id.clone(),
        lemma: pair.lemma,
    });
    from_proved.chain(stage1_variants(run)).collect()
}

/// Pairs whose seed has no proof, where rounds will ask for conjectures of such seeds.
fn stage1_variants(run: &Run) -> Vec<SupervisedPair> {
    if run.config.conjecturing.unproved_seeds == 0.0 {
        return Vec::new();
    }
    let signatures: Vec<_> = run.train.iter().map(|statement| statement.signature.as_str()).collect();
    let pairs = variant_pairs(&signatures, &mut generator_for(run.config.seed, &["variants"]));
    let id = |place: usize| run.train[place].id.clone();
    let pair = |(seed, target)| SupervisedPair {
        seed: id(seed),
        seed_proof: String::new(),
        target: id(target),
        lemma: None,
    };
    pairs.into_iter().map(pair).collect()
}

fn pair_example(tokenizer: &Tokenizer, texts: &Texts, pair: &SupervisedPair) -> Example {
    let seed = (pair.seed.as_str(), pair.seed_proof.as_str());
    conjecture_example(tokenizer, texts, pair.lemma.as_deref(), seed, &texts.signatures[&pair.target], 1.0)
}

/// Of a seed, its id and proof.
fn conjecture_example(
    tokenizer: &Tokenizer,
    texts: &Texts,
    lemma: Option<&str>,
    (seed, proof): (&str, &str),
    target: &str,
    weight: f32,
) -> Example {
    let lemma = lemma.and_then(|name| texts.lemmas.get(name)).map(String::as_str);
    stp_conjecturer::example(tokenizer, lemma, &texts.signatures[seed], proof, target, weight)
}

/// Those of stage 1's pairs that a round trains on again.
fn replayed_pairs(run: &Run, round: u32) -> Result<Vec<SupervisedPair>> {
    let count = run.config.conjecturing.replayed_pairs;
    if count == 0 || run.config.method != Method::Stp {
        return Ok(Vec::new());
    }
    let mut pairs = stage1_pairs(run, &run.ledger.proved_attempts(Phase::Seed)?);
    pairs.shuffle(&mut generator_for(run.config.seed, &["replayed pairs", &round.to_string()]));
    pairs.truncate(count);
    Ok(pairs)
}
