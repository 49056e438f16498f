//! How far a training is, in one file, so that a training that was killed goes on from there and ends with the
//! weights that it would have had.
//!
//! The file is a `.safetensors` with every trained weight and its two moments, each as one row, and a note with the
//! rest. It is written beside the old one and renamed, so that a reader finds the old or the new, never half.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::{AdamWState, AdaptiveMomentumState};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::optimiser::Optimiser;
use super::{Recompute, TrainConfig};
use crate::device::read_back;
use crate::hf::{TensorFile, write_tensors};
use crate::nn::Weight;
use crate::{Example, Lm, ModelError};

/// The note's key; its value is a [`Header`].
const NOTE: &str = "stp_training_state";
const VERSION: u32 = 2;
/// Its weights counted within their batch alone, not beside the mean of all examples.
const WITHIN_BATCHES: u32 = 1;
const FIRST: &str = "moment_1";
const SECOND: &str = "moment_2";

/// Where a training writes down how far it is, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFile {
    /// The file. Whoever has saved the trained model should delete it.
    pub path: PathBuf,
    /// At least this long after the last time; also written when the callback ends the training.
    pub every: Duration,
}

/// What of a training is no tensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Steps done.
    pub steps: usize,
    /// Tokens read, padding not counted.
    pub tokens: usize,
    /// Loss of the first step.
    pub first_loss: f32,
    /// Loss of the last step.
    pub last_loss: f32,
    /// Epochs done.
    pub epoch: usize,
    /// Batches of the next epoch that are done.
    pub batch: usize,
    /// Where the generator of the order stood before that epoch.
    order: u64,
}

impl Progress {
    /// The generator, as it stood before the epoch that is being worked on.
    pub(super) fn order(&self, seed: u64) -> ChaCha8Rng {
        let mut order = ChaCha8Rng::seed_from_u64(seed);
        order.set_word_pos(u128::from(self.order));
        order
    }

    /// Notes a step.
    pub(super) fn note(&mut self, loss: f32, tokens: usize) {
        if self.steps == 0 {
            self.first_loss = loss;
        }
        self.steps += 1;
        self.batch += 1;
        self.last_loss = loss;
        self.tokens += tokens;
    }

    /// Begins the next epoch; `order` has drawn the order of this one.
    pub(super) fn end_epoch(&mut self, order: &ChaCha8Rng) {
        self.epoch += 1;
        self.batch = 0;
        // Positions count words drawn; a training never draws 2^64.
        self.order = u64::try_from(order.get_word_pos()).unwrap_or(u64::MAX);
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    /// Of what the training was asked to do.
    fingerprint: String,
    progress: Progress,
    /// How often each weight was moved.
    updates: BTreeMap<String, usize>,
}

/// Tells one training from another: a hash of the model's sizes, the settings that decide the outcome, and the
/// examples. With adapters also of the beginning of each weight: the state has the adapters alone.
pub(super) fn fingerprint(
    model: &Lm,
    config: &TrainConfig,
    examples: &[Example],
) -> Result<String, ModelError> {
    let settings =
        TrainConfig { micro_batch: 0, recompute: Recompute::Nothing, replicas: Vec::new(), ..config.clone() };
    let mut hash = Sha256::new();
    hash.update(format!("{:?} {settings:?} {}", model.config(), examples.len()));
    for Example { prompt, target, weight } in examples {
        for tokens in [prompt, target] {
            hash.update((tokens.len() as u64).to_le_bytes());
            tokens.iter().for_each(|token| hash.update(token.to_le_bytes()));
        }
        hash.update(weight.to_le_bytes());
    }
    if config.lora.is_on() {
        let mut beginnings = Beginnings { values: Ok(Vec::new()) };
        model.valid().visit(&mut beginnings);
        beginnings.values?.iter().for_each(|value| hash.update(value.to_le_bytes()));
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The first values of each weight.
struct Beginnings {
    values: Result<Vec<f32>, ModelError>,
}

impl ModuleVisitor for Beginnings {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let count = param.shape().num_elements();
        let row = param.val().reshape([count]).narrow(0, 0, count.min(64));
        if let Ok(values) = &mut self.values {
            match read_back(row) {
                Ok(more) => values.extend(more),
                Err(error) => self.values = Err(error),
            }
        }
    }
}

/// Writes the state of a training.
///
/// # Errors
/// [`ModelError::Write`] with what the system said.
pub(super) fn write(
    path: &Path,
    model: &Lm,
    optimiser: &Optimiser,
    progress: &Progress,
    fingerprint: &str,
) -> Result<(), ModelError> {
    let mut collected =
        Collect { optimiser, path: Vec::new(), tensors: Vec::new(), updates: BTreeMap::new() };
    model.visit(&mut collected);
    let header = Header {
        version: VERSION,
        fingerprint: fingerprint.to_owned(),
        progress: progress.clone(),
        updates: collected.updates,
    };
    let written = stp_files::replace(path, |draft| {
        let note = serde_json::to_string(&header)?;
        write_tensors(collected.tensors, (NOTE, &note), draft).map_err(std::io::Error::other)
    });
    written.map_err(|error| ModelError::Write { path: path.to_owned(), reason: error.to_string() })
}

/// Puts a state back into a model and an optimiser; `None` if there is no such file. A state that uneven weights had
/// brought about by another rule is left alone: its training begins anew.
///
/// # Errors
/// [`ModelError::State`] if the file is damaged, or is of another training.
pub(super) fn read(
    path: &Path,
    model: Lm,
    optimiser: &mut Optimiser,
    fingerprint: &str,
    even: bool,
) -> Result<(Lm, Option<Progress>), ModelError> {
    if !path.exists() {
        return Ok((model, None));
    }
    let refuse = |reason: String| ModelError::State { path: path.to_owned(), reason };
    let file = TensorFile::open(path).map_err(refuse)?;
    let note = file.note(NOTE).ok_or_else(|| refuse("it is no state of a training".to_owned()))?;
    let header: Header =
        serde_json::from_str(note).map_err(|error| refuse(format!("its note does not parse: {error}")))?;
    if ![WITHIN_BATCHES, VERSION].contains(&header.version) {
        return Err(refuse(format!("it has version {}, and this program knows {VERSION}", header.version)));
    }
    if header.fingerprint != fingerprint {
        return Err(refuse("it is of a training with other settings, examples or model".to_owned()));
    }
    if header.version == WITHIN_BATCHES && !even {
        tracing::error!(
            path = %path.display(),
            "the training begins anew: its state is of a version that weighed examples within their batch alone"
        );
        return Ok((model, None));
    }
    let device = model.device();
    let mut restore =
        Restore { file, optimiser, updates: header.updates, device, path: Vec::new(), failure: None };
    let model = model.map(&mut restore);
    let Restore { failure, updates, .. } = restore;
    let left = updates.keys().next().map(|name| format!("the model has no weight `{name}`"));
    match failure.or(left) {
        Some(reason) => Err(refuse(reason)),
        None => Ok((model, Some(header.progress))),
    }
}

/// Gathers all weights that were ever moved, with their moments.
struct Collect<'a> {
    optimiser: &'a Optimiser,
    path: Vec<String>,
    tensors: Vec<(String, Weight)>,
    updates: BTreeMap<String, usize>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(AdamWState { momentum }) = self.optimiser.moments(param.id) else { return };
        let name = self.path.join(".");
        let weight = param.val();
        let count = weight.shape().num_elements();
        self.updates.insert(name.clone(), momentum.time);
        self.tensors.extend([
            (format!("{name}.{FIRST}"), Weight::Vector(momentum.moment_1.clone())),
            (format!("{name}.{SECOND}"), Weight::Vector(momentum.moment_2.clone())),
            (name, Weight::Vector(weight.reshape([count]))),
        ]);
    }
}

/// Puts weights and moments back, by name.
struct Restore<'a> {
    file: TensorFile,
    optimiser: &'a mut Optimiser,
    /// What is not put back yet.
    updates: BTreeMap<String, usize>,
    device: Device,
    path: Vec<String>,
    failure: Option<String>,
}

impl Restore<'_> {
    fn row(&mut self, name: &str, count: usize) -> Result<Tensor<1>, String> {
        let values = self.file.read(name, &[count])?;
        Ok(Tensor::from_data(TensorData::new(values, [count]), &self.device))
    }

    /// The values of a weight; its moments go to the optimiser.
    fn take(&mut self, name: &str, id: ParamId, time: usize, count: usize) -> Result<Tensor<1>, String> {
        let weight = self.row(name, count)?;
        let moment_1 = self.row(&format!("{name}.{FIRST}"), count)?;
        let moment_2 = self.row(&format!("{name}.{SECOND}"), count)?;
        let momentum = AdaptiveMomentumState { time, moment_1, moment_2, max_moment_2: None };
        self.optimiser.restore(id, AdamWState { momentum });
        Ok(weight)
    }
}

impl ModuleMapper for Restore<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some(time) = self.updates.remove(&name) else { return param };
        let shape = param.shape();
        match self.take(&name, param.id, time, shape.num_elements()) {
            Ok(row) => param.map(|_| row.reshape(shape)),
            Err(reason) => {
                self.failure.get_or_insert(reason);
                param
            }
        }
    }
}
