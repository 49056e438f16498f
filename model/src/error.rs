//! What can go wrong, each with what to do about it.

use std::path::{Path, PathBuf};

use crate::{Example, remedy};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The sizes of a [`ModelConfig`](crate::ModelConfig) do not fit together.
    #[error("The model configuration is not usable: {reason}.")]
    Config {
        /// Which field and how to change it.
        reason: String,
    },
    /// The tokenizer could not be trained or read.
    #[error("The tokenizer could not be {action}: {reason}")]
    Tokenizer {
        /// "trained", "saved", ...
        action: &'static str,
        /// What went wrong and what to do.
        reason: String,
    },
    /// A template of a prompt that cannot be used.
    #[error("The template {name} cannot be used: {reason}.")]
    Template {
        /// Which of them.
        name: String,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// A prompt that the model cannot continue.
    #[error("Prompt {request} cannot be sampled from: {reason}.")]
    Prompt {
        /// Index of the request.
        request: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Sampling or training settings out of range.
    #[error("The setting `{name}` is {value}; {remedy}.")]
    Setting {
        /// Name of the field.
        name: &'static str,
        /// Its value.
        value: String,
        /// The range allowed.
        remedy: &'static str,
    },
    /// Nothing to train on.
    #[error(
        "There is nothing to train on: of {given} examples {dropped} are longer than {max_seq} tokens, the longest \
         sequence, and the rest weigh 0. Add examples or raise `max_seq`."
    )]
    NoExamples {
        /// Examples given.
        given: usize,
        /// How many of them were too long.
        dropped: usize,
        /// The longest sequence.
        max_seq: usize,
    },
    /// A token id that the model has no embedding for.
    #[error(
        "Token id {token} is outside the model's vocabulary of {vocab_size}. Use the tokenizer that was saved with this \
         model."
    )]
    Token {
        /// The id.
        token: u32,
        /// Number of ids the model knows.
        vocab_size: usize,
    },
    /// The engine draws no samples any more.
    #[error("The model answers no more requests: it is shutting down. Ask again when it is back.")]
    Closed,
    /// The logits are no numbers.
    #[error(
        "The {what} at step {step} are not finite numbers. Go back to the last checkpoint and check its files."
    )]
    NotFinite {
        /// "logits".
        what: &'static str,
        /// Step of the call, counted from 1.
        step: usize,
    },
    /// Training stopped being finite.
    #[error(
        "The {what} of training step {step} is not a finite number. Lower `learning_rate`, or look for a strange example \
         among the {} of that batch.",
        batch.len()
    )]
    Diverged {
        /// "loss" or "gradient".
        what: &'static str,
        /// Step of the call, counted from 1.
        step: usize,
        /// What was trained on in that step.
        batch: Vec<Example>,
    },
    /// A file of a checkpoint is missing, damaged or does not belong to the others.
    #[error("The checkpoint file {path} cannot be used: {reason}. {remedy}.")]
    Checkpoint {
        /// The file at fault.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A model that another program trained cannot be taken.
    #[error("The trained model cannot be used: {path}: {reason}.")]
    Trained {
        /// The file or folder at fault.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// Whether weights stopped being numbers, so that training on from there is of no use.
        diverged: bool,
    },
    /// A state that a training left cannot be gone on from.
    #[error(
        "The training state {path} cannot be used: {reason}. Delete that file to begin this training anew, or restore it \
         from a copy."
    )]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The weights do not fit in the memory that is left.
    #[error(
        "The checkpoint {checkpoint} needs {:.1} GB of memory for its weights, but {:.1} GB are available. End other \
         programs, or use a smaller model or a larger machine.",
        *needed as f64 / 1e9,
        *available as f64 / 1e9
    )]
    Memory {
        /// The folder.
        checkpoint: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes available.
        available: u64,
    },
    /// The memory for keys and values does not hold the longest sequence.
    #[error(
        "The cache of keys and values has {:.1} MB, but the longest prompt with its completion needs {:.1} MB. Raise \
         `cache_mb`, or allow shorter texts: `max_new_tokens` or, of a server, `--max-seq`.",
        *budget as f64 / 1e6,
        *needed as f64 / 1e6
    )]
    Cache {
        /// Bytes that one sequence for each core needs.
        needed: u64,
        /// Bytes allowed.
        budget: u64,
    },
    /// A checkpoint could not be written.
    #[error(
        "The checkpoint {path} cannot be written: {reason}. Check the free space and the permissions of that folder."
    )]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The device failed while computing.
    #[error("The device failed while computing: {reason}. Run again with `--device cpu`.")]
    Compute {
        /// What the device said.
        reason: String,
    },
    /// A device that cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl ModelError {
    /// A file of a checkpoint that cannot be used. What to do is seen by what lies in its place.
    pub(crate) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::unusable(path, reason, remedy::of(path))
    }

    /// The same where it is known what to do.
    pub(crate) fn unusable(path: &Path, reason: impl ToString, remedy: &'static str) -> Self {
        let reason = reason.to_string().trim_end_matches('.').replace('\n', " ");
        Self::Checkpoint { path: path.to_owned(), reason, remedy }
    }

    /// Refuses a setting of 0.
    pub(crate) fn require_some(name: &'static str, value: usize) -> Result<(), Self> {
        if value > 0 {
            return Ok(());
        }
        Err(Self::Setting { name, value: value.to_string(), remedy: "set it to at least 1" })
    }
}

/// A device that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DeviceError {
    /// Not a device name.
    #[error("There is no device `{name}`; choose one of auto, cpu, wgpu and cuda.")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The binary was built without support for it.
    #[error(
        "This binary was built without `{name}`; build it with `cargo build --release --features {name}`, or use \
         `--device cpu`."
    )]
    NotBuilt {
        /// The device and the feature.
        name: &'static str,
    },
    /// Fewer devices of a kind than were asked for.
    #[error(
        "`training.devices` asks for {asked} devices, but of the kind chosen with `--device` there are only {found}; set it to \
         {found}."
    )]
    TooFew {
        /// How many were asked for.
        asked: usize,
        /// How many there are.
        found: usize,
    },
    /// It cannot compute with such numbers.
    #[error(
        "`{name}` does not compute with {numbers} numbers here; use `--precision f32`, or another device: of GPUs most know \
         f16, and by cuda bf16 as well."
    )]
    Numbers {
        /// The device.
        name: &'static str,
        /// The kind of numbers.
        numbers: &'static str,
    },
    /// The machine has none, or its driver does not work.
    #[error("No usable `{name}` device on this machine ({reason}); check its driver, or use `--device cpu`.")]
    Unavailable {
        /// The device.
        name: &'static str,
        /// What the driver said, on one line.
        reason: String,
    },
}
