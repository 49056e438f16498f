//! Weighted supervised training on the target part of each example.

mod batches;
mod gradients;

use std::ops::ControlFlow;
use std::time::Instant;

use batches::{Prepared, TokenBatch, deal, epoch_batches, prepare, total_weight};
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::device::read_back;
use crate::parallel::Workers;
use crate::{Lm, ModelError, kernels};

/// What to learn.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Read but not learned; at least one token.
    pub prompt: Vec<u32>,
    /// Learned, with its end marker; at least one token.
    pub target: Vec<u32>,
    /// Factor on the loss; 0 leaves the example out.
    pub weight: f32,
}

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainConfig {
    /// Passes over the examples.
    pub epochs: usize,
    /// Sequences a step.
    pub batch: usize,
    /// Sequences in memory at a time: a larger batch is read in parts whose gradients are added up; 0 for the whole
    /// batch at once.
    pub micro_batch: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps over which it rises to that; after them it falls along a cosine to a tenth.
    pub warmup_steps: usize,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Largest norm of the whole gradient.
    pub grad_clip: f32,
    /// Seed of the order of the examples.
    pub seed: u64,
}

/// Passed to the callback after each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainStep {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean loss of a target token in this step.
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
    /// Steps done.
    pub steps: usize,
    /// Loss of the first step.
    pub first_loss: f32,
    /// Loss of the last step.
    pub last_loss: f32,
    /// Tokens read, padding not counted.
    pub tokens: usize,
    /// Wall-clock time.
    pub seconds: f64,
    /// Examples left out because they are longer than the model's sequences.
    pub dropped: usize,
    /// Whether the callback ended it early.
    pub interrupted: bool,
}

impl TrainConfig {
    fn validate(&self) -> Result<(), ModelError> {
        let setting = |name, value: String, remedy| Err(ModelError::Setting { name, value, remedy });
        ModelError::require_some("epochs", self.epochs)?;
        ModelError::require_some("batch", self.batch)?;
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return setting("learning_rate", self.learning_rate.to_string(), "set it above 0, usually 1e-3");
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return setting("weight_decay", self.weight_decay.to_string(), "set it to 0 or above");
        }
        if self.grad_clip.is_nan() || self.grad_clip <= 0.0 {
            return setting("grad_clip", self.grad_clip.to_string(), "set it above 0, usually 1");
        }
        Ok(())
    }

    /// The learning rate of a step counted from 0.
    fn rate(&self, step: usize, steps: usize) -> f64 {
        if step < self.warmup_steps {
            return self.learning_rate * (step + 1) as f64 / (self.warmup_steps + 1) as f64;
        }
        let span = steps.saturating_sub(self.warmup_steps).max(1) as f64;
        let progress = (step - self.warmup_steps) as f64 / span;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        self.learning_rate * (0.1 + 0.9 * cosine)
    }
}

/// Trains with a fresh AdamW and returns the model, ready for inference, on the device it came from.
/// When `on_step` breaks, the model as trained so far is returned and the report says so.
pub fn train(
    model: Lm,
    examples: &[Example],
    config: &TrainConfig,
    on_step: &mut dyn FnMut(TrainStep) -> ControlFlow<()>,
) -> Result<(Lm, TrainReport), ModelError> {
    config.validate()?;
    let Prepared { examples, dropped } = prepare(&model, examples)?;
    let started = Instant::now();
    let workers = Workers::new(&model.device(), config.batch)?;
    let mut model = model.train();
    let mut optimizer =
        AdamWConfig::new().with_beta_2(0.98).with_epsilon(1e-8).with_weight_decay(config.weight_decay).init();
    let steps = config.epochs * examples.len().div_ceil(config.batch);
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let mut report = TrainReport { dropped, ..TrainReport::default() };
    'epochs: for _ in 0..config.epochs {
        for batch in epoch_batches(&examples, config.batch, &mut rng) {
            let rate = config.rate(report.steps, steps);
            let (value, gradients) = differentiate(&model, &batch, config.micro_batch, &workers)?;
            report.steps += 1;
            finite("loss", value, report.steps, &batch)?;
            let (gradients, norm) = gradients::clip(gradients, &model, config.grad_clip)?;
            finite("gradient", norm, report.steps, &batch)?;
            model = optimizer.step(rate, model, gradients);
            report.tokens += batch.iter().map(|example| example.len()).sum::<usize>();
            report.last_loss = value;
            if report.steps == 1 {
                report.first_loss = value;
            }
            let step = TrainStep {
                step: report.steps,
                steps,
                loss: value,
                learning_rate: rate,
                gradient_norm: norm,
                tokens: report.tokens,
            };
            if on_step(step).is_break() {
                report.interrupted = true;
                break 'epochs;
            }
        }
    }
    report.seconds = started.elapsed().as_secs_f64();
    Ok((model.valid(), report))
}

/// Refuses a number that is none, with the batch that it came from.
fn finite(what: &'static str, value: f32, step: usize, batch: &[&Example]) -> Result<(), ModelError> {
    if value.is_finite() {
        return Ok(());
    }
    Err(ModelError::Diverged { what, step, batch: batch.iter().map(|&example| example.clone()).collect() })
}

/// Loss of a batch and its gradient: at most `micro_batch` examples at a time (0: all), and of these each worker's
/// share in its own autodiff graph.
fn differentiate(
    model: &Lm,
    batch: &[&Example],
    micro_batch: usize,
    workers: &Workers,
) -> Result<(f32, GradientsParams), ModelError> {
    let total = total_weight(batch);
    let plain = model.valid();
    let at_a_time = if micro_batch == 0 { batch.len() } else { micro_batch };
    let (mut value, mut gradient) = (0.0, None);
    for part in batch.chunks(at_a_time) {
        // New leaves for every share: graphs that share a node share a lock.
        let shares = deal(part, workers.count()).into_iter().map(|share| (share, plain.clone().train()));
        let parts = workers.map(shares.collect(), |(share, leaves)| {
            let loss = loss(&leaves, &share, total);
            let value = scalar(loss.clone())?;
            Ok((value, GradientsParams::from_grads(loss.backward(), &leaves)))
        });
        let parts: Vec<_> = parts.into_iter().collect::<Result<_, ModelError>>()?;
        value += parts.iter().map(|(value, _)| value).sum::<f32>();
        let so_far = gradient.take().into_iter();
        gradient = Some(gradients::sum(so_far.chain(parts.into_iter().map(|(_, it)| it)).collect(), model));
    }
    Ok((value, gradient.unwrap_or_default()))
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
        for part in workers.map(shares, |share| scalar(loss(&model, &share, total))) {
            sum += f64::from(part?);
        }
    }
    Ok(sum as f32)
}

/// Weighted cross-entropy of the target tokens over `total`, the weight of the whole batch. Only
/// their rows go through the output projection, which spares the prompts' and the padding's share.
fn loss(model: &Lm, examples: &[&Example], total: f64) -> Tensor<1> {
    let device = model.device();
    let fused = kernels::available(&device);
    // The fused attention goes from text to text; elsewhere short texts fill up the rows of the longest.
    let batch = TokenBatch::new(examples, if fused { usize::MAX } else { 0 });
    let count = batch.rows.len();
    let int = |values: &[i64]| {
        Tensor::<1, Int>::from_data(TensorData::new(values.to_vec(), [values.len()]), &device)
    };
    let tokens = int(&batch.tokens).reshape([batch.layout.batch(), batch.layout.time()]);
    let logits = model.logits(model.hidden_texts(tokens, &batch.layout).select(0, int(&batch.rows)));
    let weights: Vec<f32> = batch.weights.iter().map(|&weight| (f64::from(weight) / total) as f32).collect();
    if kernels::take(&logits) {
        return kernels::cross_entropy(logits, &batch.targets, &weights);
    }
    let logprobs = log_softmax(logits, 1).gather(1, int(&batch.targets).reshape([count, 1]));
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [count, 1]), &device);
    (logprobs * weights).sum().neg()
}

fn scalar(value: Tensor<1>) -> Result<f32, ModelError> {
    let empty = || ModelError::Compute { reason: "an empty result".to_owned() };
    read_back(value)?.first().copied().ok_or_else(empty)
}

#[cfg(test)]
mod tests;
