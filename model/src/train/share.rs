//! Loss and gradient of a worker's share of a batch.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::activation::log_softmax;
use burn::tensor::{FloatDType, Int, Tensor, TensorData};

use super::batches::TokenBatch;
use super::scalar::scalar;
use super::{Recompute, TrainConfig, gradients};
use crate::nn::Layout;
use crate::{Example, Lm, ModelError, Precision, kernels};

/// Weighted cross-entropy of the target tokens over `total`.
pub(super) fn loss(model: &Lm, examples: &[&Example], total: f64) -> Tensor<1> {
    let share = Share::new(model, examples, total);
    share.loss(model, model.hidden_texts(share.tokens.clone(), &share.layout))
}

/// The loss, and its gradient with regard to the weights of `leaves`.
pub(super) fn gradient(
    leaves: &Lm,
    examples: &[&Example],
    total: f64,
    config: &TrainConfig,
) -> Result<(f32, GradientsParams), ModelError> {
    if config.recompute == Recompute::Blocks {
        return by_blocks(leaves, examples, total, config.precision);
    }
    let loss = loss(&leaves.clone().in_precision(config.precision), examples, total);
    let value = scalar(loss.clone())?;
    Ok((value, GradientsParams::from_grads(loss.backward(), leaves)))
}

/// The same, keeping what goes into each block and nothing of what happens in it: the backward pass does each block
/// again before it needs it (Chen et al., 2016).
fn by_blocks(
    leaves: &Lm,
    examples: &[&Example],
    total: f64,
    precision: Precision,
) -> Result<(f32, GradientsParams), ModelError> {
    let still = leaves.clone().no_grad().in_precision(precision);
    let share = Share::new(&still, examples, total);
    let pass = still.pass(&share.layout);
    let mut x = still.embed(share.tokens.clone());
    let mut inputs = Vec::with_capacity(leaves.blocks().len());
    for block in still.blocks() {
        inputs.push(x.clone());
        x = block.forward(x, &pass, None);
    }
    let empty = || ModelError::Compute { reason: "a gradient that is missing".to_owned() };
    let around = leaves.clone().without_blocks();
    let model = around.clone().in_precision(precision);
    let end = x.detach().require_grad();
    let loss = share.loss(&model, model.finish(end.clone()));
    let value = scalar(loss.clone())?;
    let mut found = loss.backward();
    let mut slope = end.grad_remove(&mut found).ok_or_else(empty)?;
    let mut parts = vec![GradientsParams::from_module(&mut found, &around)];
    for block in leaves.blocks().iter().rev() {
        let start = inputs.pop().ok_or_else(empty)?.detach().require_grad();
        let model = leaves.block_in_precision(block, precision);
        let mut found = (model.forward(start.clone(), &pass, None) * slope).sum().backward();
        slope = start.grad_remove(&mut found).ok_or_else(empty)?;
        parts.push(GradientsParams::from_module(&mut found, block));
    }
    let embedded = around.clone().in_precision(precision).embed(share.tokens);
    if embedded.is_tracked() {
        let mut found = (embedded * slope).sum().backward();
        parts.push(GradientsParams::from_module(&mut found, &around));
    }
    Ok((value, gradients::sum(parts, leaves)))
}

/// A share on its device.
struct Share {
    layout: Layout,
    /// `[batch, time]` of the layout.
    tokens: Tensor<2, Int>,
    /// Rows of `[batch * time]` whose next token is learned.
    rows: Tensor<1, Int>,
    targets: Vec<i64>,
    /// Over what the whole batch is divided by.
    weights: Vec<f32>,
}

impl Share {
    fn new(model: &Lm, examples: &[&Example], total: f64) -> Self {
        let device = model.device();
        // The fused attention goes from text to text; elsewhere short texts fill up the rows of the longest.
        let batch = TokenBatch::new(examples, if model.is_fused() { usize::MAX } else { 0 });
        let int = |values: Vec<i64>| {
            let count = values.len();
            Tensor::<1, Int>::from_data(TensorData::new(values, [count]), &device)
        };
        let share = |&weight: &f32| (f64::from(weight) / total) as f32;
        Self {
            tokens: int(batch.tokens).reshape([batch.layout.batch(), batch.layout.time()]),
            layout: batch.layout,
            rows: int(batch.rows),
            targets: batch.targets,
            weights: batch.weights.iter().map(share).collect(),
        }
    }

    /// The loss, in 32-bit numbers. Only the rows with targets go through the output projection, which spares the
    /// prompts' and the padding's share.
    fn loss(&self, model: &Lm, hidden: Tensor<2>) -> Tensor<1> {
        let logits = model.logits(hidden.select(0, self.rows.clone())).cast(FloatDType::F32);
        if kernels::can_take(&logits) {
            return kernels::cross_entropy(logits, &self.targets, &self.weights);
        }
        let (count, device) = (self.targets.len(), model.device());
        let targets = TensorData::new(self.targets.clone(), [count, 1]);
        let logprobs = log_softmax(logits, 1).gather(1, Tensor::from_data(targets, &device));
        let weights = TensorData::new(self.weights.clone(), [count, 1]);
        (logprobs * Tensor::<2>::from_data(weights, &device)).sum().neg()
    }
}
