//! Weighted supervised training on the target part of each example.

mod batches;
mod config;
mod gradients;
mod lora;
mod optimiser;
mod replicas;
mod scalar;
mod schedule;
mod share;
mod state;
mod weight;

use std::ops::ControlFlow;
use std::time::Instant;

use batches::{Prepared, deal, epoch_batches, prepare};
use burn::module::Module;
use burn::optim::GradientsParams;
use optimiser::Optimiser;
use scalar::scalar;
use state::Progress;
use weight::{MeanWeight, total_weight};

use crate::parallel::Workers;
use crate::{Example, Lm, ModelError};

pub use config::{Recompute, Schedule, TrainConfig};
pub use lora::{LoraConfig, Projection};
pub use optimiser::{BETAS, EPSILON};
pub use state::StateFile;

/// Passed to the callback after each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainStep {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean loss of a target token in this step, by their weights.
    pub loss: f32,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Norm of the whole gradient before it was clipped.
    pub gradient_norm: f32,
    /// Tokens read so far, padding not counted.
    pub tokens: usize,
}

/// What training did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrainReport {
    /// Steps done, those of earlier calls included.
    pub steps: usize,
    /// How many of them an earlier call had done.
    pub resumed: usize,
    /// Loss of the first step.
    pub first_loss: f32,
    /// Loss of the last step.
    pub last_loss: f32,
    /// Tokens read, padding not counted; those of earlier calls included.
    pub tokens: usize,
    /// Wall-clock time of this call.
    pub seconds: f64,
    /// Examples left out because they are longer than the model's sequences.
    pub dropped: usize,
    /// How many of the model's parameters are trained; with adapters, theirs.
    pub trained_parameters: usize,
    /// Whether the callback ended it early.
    pub interrupted: bool,
}

/// Trains with a fresh AdamW and returns the model, ready for inference, on the device it came from.
/// When `on_step` breaks, the model as trained so far is returned and the report says so.
///
/// # Errors
/// [`ModelError::Setting`] or [`ModelError::NoExamples`] before the first step; [`ModelError::Diverged`] with the
/// batch at which loss or gradient stopped being numbers.
pub fn train(
    model: Lm,
    examples: &[Example],
    config: &TrainConfig,
    on_step: &mut dyn FnMut(TrainStep) -> ControlFlow<()>,
) -> Result<(Lm, TrainReport), ModelError> {
    train_resumable(model, examples, config, None, on_step)
}

/// The same, and goes on from a state that an earlier call for the same training left in that file: the outcome is
/// what it would have been without the interruption. `model` must be the one that the earlier call began with.
///
/// # Errors
/// As [`train`]; [`ModelError::State`] if the file is damaged or of another training.
pub fn train_resumable(
    model: Lm,
    examples: &[Example],
    config: &TrainConfig,
    state: Option<&StateFile>,
    on_step: &mut dyn FnMut(TrainStep) -> ControlFlow<()>,
) -> Result<(Lm, TrainReport), ModelError> {
    config.validate(&model.device())?;
    let fingerprint =
        state.map(|_| state::fingerprint(&model, config, examples)).transpose()?.unwrap_or_default();
    let mut model = model.valid();
    if config.lora.is_on() {
        model = lora::attach(model, &config.lora, config.seed)?;
    }
    let trained_parameters = lora::trained_parameters(&model);
    let Prepared { examples, dropped } = prepare(&model, examples)?;
    let mean = MeanWeight::of(&examples);
    let (mut optimiser, mut earlier) = (Optimiser::new(config.weight_decay), None);
    if let Some(StateFile { path, .. }) = state {
        (model, earlier) = state::read(path, model, &mut optimiser, &fingerprint, mean.is_even())?;
    }
    let started = Instant::now();
    let workers = replicas::workers(&model.device(), config)?;
    let steps = config.epochs * examples.len().div_ceil(config.batch);
    let mut progress = earlier.unwrap_or_default();
    let (resumed, mut saved, mut interrupted) = (progress.steps, Instant::now(), false);
    'epochs: while progress.epoch < config.epochs {
        let mut order = progress.order(config.seed);
        for batch in epoch_batches(&examples, config.batch, &mut order).iter().skip(progress.batch) {
            let learning_rate = schedule::rate(config, progress.steps, steps);
            let (loss, gradients) = differentiate(&model, batch, &mean, config, &workers)?;
            progress.note(loss, batch.iter().map(|example| example.len()).sum());
            finite("loss", loss, progress.steps, batch)?;
            let (gradients, gradient_norm) = gradients::clip(gradients, &model, config.grad_clip)?;
            finite("gradient", gradient_norm, progress.steps, batch)?;
            model = optimiser.step(learning_rate, model, gradients);
            let Progress { steps: step, tokens, .. } = progress;
            interrupted =
                on_step(TrainStep { step, steps, loss, learning_rate, gradient_norm, tokens }).is_break();
            if let Some(StateFile { path, every }) = state
                && (interrupted || saved.elapsed() >= *every)
            {
                state::write(path, &model, &optimiser, &progress, &fingerprint)?;
                saved = Instant::now();
            }
            if interrupted {
                break 'epochs;
            }
        }
        progress.end_epoch(&order);
    }
    let Progress { steps, tokens, first_loss, last_loss, .. } = progress;
    let seconds = started.elapsed().as_secs_f64();
    let report = TrainReport {
        steps,
        resumed,
        first_loss,
        last_loss,
        tokens,
        seconds,
        dropped,
        trained_parameters,
        interrupted,
    };
    Ok((lora::merge(model), report))
}

/// Refuses a number that is none, with the batch that it came from.
fn finite(what: &'static str, value: f32, step: usize, batch: &[&Example]) -> Result<(), ModelError> {
    if value.is_finite() {
        return Ok(());
    }
    Err(ModelError::Diverged { what, step, batch: batch.iter().map(|&example| example.clone()).collect() })
}

/// Loss of a batch, and the gradient of what its weighted losses are beside the mean: at most `micro_batch` examples at a time (0: all), and of these each worker's
/// share in its own autodiff graph, on its own device if there are several.
fn differentiate(
    model: &Lm,
    batch: &[&Example],
    mean: &MeanWeight,
    config: &TrainConfig,
    workers: &Workers,
) -> Result<(f32, GradientsParams), ModelError> {
    let total = mean.expected(batch);
    let plain = model.valid();
    let devices = replicas::devices(&plain.device(), config);
    let at_a_time = if config.micro_batch == 0 { batch.len() } else { config.micro_batch };
    let (mut value, mut gradient) = (0.0, None);
    for part in batch.chunks(at_a_time) {
        let shares = deal(part, workers.count());
        let devices = &devices[..devices.len().min(shares.len())];
        // New leaves for every share: graphs that share a node share a lock.
        let shares = shares.into_iter().enumerate().map(|(index, share)| {
            let replica = match devices {
                [_] => plain.clone(),
                several => plain.clone().fork(&several[index]),
            };
            (share, replica.tracked(config.recompute == Recompute::Cheap))
        });
        let parts = workers.map(shares.collect(), |(share, leaves)| {
            let (value, gradient) = share::gradient(&leaves, &share, total, config)?;
            Ok((value, replicas::gather(gradient, &leaves, devices)))
        });
        let parts: Vec<_> = parts.into_iter().collect::<Result<_, ModelError>>()?;
        value += parts.iter().map(|(value, _)| value).sum::<f32>();
        let so_far = gradient.take().into_iter();
        let parts = parts.into_iter().filter_map(|(_, part)| part);
        gradient = Some(gradients::sum(so_far.chain(parts).collect(), model));
    }
    // What is told is a mean over the batch's own weight.
    let loss = value * (total / total_weight(batch)) as f32;
    Ok((loss, gradient.unwrap_or_default()))
}

/// Mean weighted loss of a target token over all examples that fit.
pub fn eval_loss(model: &Lm, examples: &[Example], batch: usize) -> Result<f32, ModelError> {
    ModelError::require_some("batch", batch)?;
    let Prepared { mut examples, .. } = prepare(model, examples)?;
    examples.sort_by_key(|example| example.len());
    let model = model.valid();
    let workers = Workers::new(&model.device(), batch)?;
    let total = total_weight(&examples);
    let mut sum = 0.0;
    for chunk in examples.chunks(batch) {
        let shares = deal(chunk, workers.count());
        for part in workers.map(shares, |share| scalar(share::loss(&model, &share, total))) {
            sum += f64::from(part?);
        }
    }
    Ok(sum as f32)
}

#[cfg(test)]
mod tests;
