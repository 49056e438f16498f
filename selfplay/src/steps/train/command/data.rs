//! What a command is given: the training set as JSON lines, and a manifest of what is asked for.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use stp_model::{Example, LoraConfig, ModelError, Precision, Schedule, Tokenizer};

use crate::context::folder::write_atomically;

/// Of the files; a change that old scripts cannot read raises it.
const FORMAT: u32 = 1;

/// What is asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// See [`FORMAT`].
    pub format: u32,
    /// The version of this program.
    pub stp: &'static str,
    /// The checkpoint that is to be made, for example `round-2`.
    pub checkpoint: String,
    /// The folder of the model to begin with.
    pub base: PathBuf,
    /// The training set.
    pub data: Data,
    /// How to train.
    pub settings: Asked,
    /// Optimiser steps that these come to.
    pub steps: usize,
    /// Seed of all that is random, below 2³¹.
    pub seed: u64,
}

/// A training set that was written.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Data {
    /// Examples.
    pub rows: usize,
    /// Of the file.
    pub sha256: String,
    /// Tokens of prompts and completions.
    pub tokens: usize,
    /// Tokens that are learned.
    pub completion_tokens: usize,
    /// The weight of a learned token on average, by which losses are divided.
    pub mean_weight: f64,
    /// Examples that were left out because they are longer than the run's sequences.
    pub left_out: usize,
    /// Rows whose texts would get other tokens than they have: a value in them spells a special token, or prompt and
    /// completion run together.
    pub texts_differ: usize,
}

/// The settings of a training, as far as they decide what comes of it.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// See [`crate::config::Training`].
    pub epochs: usize,
    /// See there.
    pub batch: usize,
    /// See there; of no effect on the result.
    pub micro_batch: usize,
    /// See there.
    pub learning_rate: f64,
    /// See there.
    pub warmup_steps: usize,
    /// See there.
    pub schedule: Schedule,
    /// See there.
    pub final_rate: f64,
    /// See there.
    pub lora: LoraConfig,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// AdamW's factors of the moments, and what is added to a root.
    pub betas: [f32; 2],
    /// See `betas`.
    pub epsilon: f32,
    /// Largest norm of a whole gradient.
    pub grad_clip: f32,
    /// See [`crate::config::TrainingMachine`].
    pub precision: Precision,
    /// Longest sequence.
    pub max_seq: usize,
}

#[derive(Serialize)]
struct Row<'a> {
    prompt: &'a str,
    completion: &'a str,
    weight: f32,
    prompt_tokens: &'a [u32],
    completion_tokens: &'a [u32],
}

/// Writes the examples that fit into such sequences, one a line.
///
/// # Errors
/// If nothing is left, or the file cannot be written.
pub fn write(path: &Path, examples: &[Example], tokenizer: &Tokenizer, max_seq: usize) -> Result<Data> {
    let mut data = Data::default();
    let mut weights = 0.0;
    let draft = path.with_extension("part");
    let advice = || format!("cannot write {}. Is the disk full or the folder read-only?", path.display());
    let mut to = BufWriter::new(File::create(&draft).with_context(advice)?);
    let mut hash = Sha256::new();
    for example in examples.iter().filter(|example| example.weight > 0.0) {
        let Example { prompt, target, weight } = example;
        // The last token is only predicted, never read.
        if prompt.len() + target.len() > max_seq + 1 {
            data.left_out += 1;
            continue;
        }
        let [asked, answered] = [prompt, target].map(|tokens| tokenizer.decode(tokens));
        let same = |text: &str, tokens: &[u32]| tokenizer.encode_written(text).is_ok_and(|it| it == tokens);
        data.texts_differ += usize::from(!(same(&asked, prompt) && same(&answered, target)));
        let (weight, prompt_tokens, completion_tokens) = (*weight, &prompt[..], &target[..]);
        let row = Row { prompt: &asked, completion: &answered, weight, prompt_tokens, completion_tokens };
        let mut line = serde_json::to_string(&row)?;
        line.push('\n');
        hash.update(line.as_bytes());
        to.write_all(line.as_bytes()).with_context(advice)?;
        data.rows += 1;
        data.tokens += prompt.len() + target.len();
        data.completion_tokens += target.len();
        weights += f64::from(weight) * target.len() as f64;
    }
    if data.rows == 0 {
        let (given, dropped) = (examples.len(), data.left_out);
        return Err(ModelError::NoExamples { given, dropped, max_seq }.into());
    }
    to.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(advice)?.sync_all()?;
    fs::rename(&draft, path).with_context(advice)?;
    data.mean_weight = weights / data.completion_tokens as f64;
    data.sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(data)
}

impl Manifest {
    /// For these data and settings.
    pub fn new(checkpoint: &str, base: &Path, data: Data, settings: Asked, seed: u64) -> Self {
        let steps = settings.epochs * data.rows.div_ceil(settings.batch);
        let (checkpoint, base) = (checkpoint.to_owned(), base.to_owned());
        let (format, stp, seed) = (FORMAT, env!("CARGO_PKG_VERSION"), seed >> 33);
        Self { format, stp, checkpoint, base, data, settings, steps, seed }
    }

    /// Whether there is a manifest of another training.
    ///
    /// # Errors
    /// If this one cannot be written as JSON.
    pub fn is_another(&self, path: &Path) -> Result<bool> {
        let text = serde_json::to_string(self)?;
        Ok(fs::read_to_string(path).is_ok_and(|old| training(&old) != training(&text)))
    }

    /// Writes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, &(serde_json::to_string_pretty(self)? + "\n"))
    }
}

/// What of a manifest tells one training from another: neither who wrote it nor where things lie.
fn training(text: &str) -> Option<Value> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    let fields = value.as_object_mut()?;
    for key in ["stp", "base"] {
        fields.remove(key);
    }
    fields.get_mut("settings")?.as_object_mut()?.remove("micro_batch");
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        Tokenizer::train(&["by simp by simp by rfl".to_owned()], 300).unwrap()
    }

    fn asked() -> Asked {
        Asked {
            epochs: 2,
            batch: 2,
            micro_batch: 0,
            learning_rate: 1e-3,
            warmup_steps: 1,
            schedule: Schedule::Cosine,
            final_rate: 0.1,
            lora: LoraConfig::default(),
            weight_decay: 0.05,
            betas: stp_model::BETAS,
            epsilon: stp_model::EPSILON,
            grad_clip: 1.0,
            precision: Precision::F32,
            max_seq: 64,
        }
    }

    #[test]
    fn rows_have_texts_and_tokens_and_the_manifest_counts_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.jsonl");
        let tokenizer = tokenizer();
        let example = |prompt: &[u32], text: &str, weight| Example {
            prompt: prompt.to_vec(),
            target: [tokenizer.encode(text), vec![1]].concat(),
            weight,
        };
        let forged = tokenizer.encode("<|end|>");
        let examples = [
            example(&[2], " by simp", 1.0),
            example(&forged, " by rfl", 0.5),
            example(&[2], " by omega", 0.0),
            example(&[2; 99], " by rfl", 1.0),
        ];
        let data = write(&path, &examples, &tokenizer, 64).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((rows.len(), data.rows, data.left_out, data.texts_differ), (2, 2, 1, 1));
        assert_eq!(
            (&rows[0]["prompt"], &rows[0]["completion"]),
            (&"<|prove|>".into(), &" by simp<|end|>".into())
        );
        assert_eq!((&rows[0]["prompt_tokens"][0], &rows[1]["weight"]), (&2.into(), &0.5.into()));
        let lengths = [examples[0].target.len(), examples[1].target.len()].map(|it| it as f64);
        let mean = (lengths[0] + 0.5 * lengths[1]) / (lengths[0] + lengths[1]);
        assert!((data.mean_weight - mean).abs() < 1e-12);
        let again = write(&path, &examples, &tokenizer, 64).unwrap();
        assert_eq!((again.sha256.len(), again.sha256), (64, data.sha256));
        let none = write(&path, &examples[2..], &tokenizer, 64).unwrap_err();
        assert!(none.to_string().contains("nothing to train on"), "{none}");
    }

    #[test]
    fn a_manifest_knows_its_training_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        let data = Data { rows: 5, sha256: "x".to_owned(), ..Data::default() };
        let manifest = |settings| Manifest::new("round-1", Path::new("/a"), data.clone(), settings, u64::MAX);
        let first = manifest(asked());
        assert_eq!((first.steps, first.seed), (6, (1 << 31) - 1));
        assert!(!first.is_another(&path).unwrap(), "there is none");
        first.write(&path).unwrap();
        let moved = Manifest { base: "/b".into(), stp: "9", ..manifest(Asked { micro_batch: 1, ..asked() }) };
        assert!(!moved.is_another(&path).unwrap());
        let other = manifest(Asked { learning_rate: 2e-3, ..asked() });
        assert!(other.is_another(&path).unwrap());
    }
}
