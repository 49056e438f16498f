//! Whether a device computes what the processor computes. Drivers differ, and a wrong product shows in no other way than as a
//! model that learns badly; so this is the first thing to ask of a machine.

use std::ops::ControlFlow;

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::device::read_back;
use crate::{Example, Lm, ModelConfig, ModelError, SampleConfig, SampleRequest, TrainConfig, sample, train};

/// How far a device is from the processor, for a small model with the same random weights on both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Largest difference of any logit; logits are about as large as 1.
    pub logits: f32,
    /// Difference of the loss of one training step.
    pub loss: f32,
    /// Largest difference of any logit after that step. AdamW's first step turns the sign of the smallest gradients into
    /// whole steps, so it is larger than before.
    pub trained: f32,
    /// Whether all greedy continuations are the same.
    pub samples: bool,
}

impl Agreement {
    /// Whether it is as near as 32-bit sums in another order come.
    pub fn holds(&self) -> bool {
        self.logits < 1e-3 && self.loss < 1e-3 && self.trained < 1e-2 && self.samples
    }
}

/// Compares a device with the processor.
///
/// # Errors
/// If the device cannot compute.
pub fn agreement(device: &Device) -> Result<Agreement, ModelError> {
    let on_cpu = Lm::init(&shape(), &Device::flex(), 6)?;
    let on_device = Lm::init(&shape(), device, 6)?;
    let before = worst(&logits(&on_cpu)?, &logits(&on_device)?);
    let (on_cpu, expected) = one_step(on_cpu)?;
    let (on_device, loss) = one_step(on_device)?;
    Ok(Agreement {
        logits: before,
        loss: (expected - loss).abs(),
        trained: worst(&logits(&on_cpu)?, &logits(&on_device)?),
        samples: continuations(&on_cpu)? == continuations(&on_device)?,
    })
}

fn shape() -> ModelConfig {
    ModelConfig {
        vocab_size: 300,
        layers: 2,
        width: 32,
        heads: 4,
        ff: 48,
        max_seq: 64,
        ..ModelConfig::default()
    }
}

fn logits(model: &Lm) -> Result<Vec<f32>, ModelError> {
    let rows: Vec<i64> = (0..2 * 40).map(|i| 8 + (i * i * 7) % 250).collect();
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(rows, [2, 40]), &model.device());
    read_back(model.forward(tokens, None))
}

/// The largest difference; infinite where one of them is no number.
fn worst(left: &[f32], right: &[f32]) -> f32 {
    let differences = left.iter().zip(right).map(|(a, b)| (a - b).abs());
    differences.map(|it| if it.is_nan() { f32::INFINITY } else { it }).fold(0.0, f32::max)
}

/// The model after one step of training, and its loss.
fn one_step(model: Lm) -> Result<(Lm, f32), ModelError> {
    let example =
        |i: u32| Example { prompt: vec![9, 20 + i], target: vec![40 + i, 60, 1], weight: 1.0 + i as f32 };
    let examples: Vec<_> = (0..8).map(example).collect();
    let config = TrainConfig { batch: 8, learning_rate: 1e-2, seed: 1, ..TrainConfig::default() };
    let (model, report) = train(model, &examples, &config, &mut |_| ControlFlow::Continue(()))?;
    Ok((model, report.last_loss))
}

/// Greedy continuations of prompts of several lengths, with their request and sample.
fn continuations(model: &Lm) -> Result<Vec<(usize, usize, Vec<u32>)>, ModelError> {
    let requests = [3u32, 9, 1]
        .map(|len| SampleRequest { prompt: (0..len).map(|i| 10 + 3 * i).collect(), seeds: vec![1, 2] });
    let config = SampleConfig { temperature: 0.0, max_new_tokens: 12, batch: 6, ..SampleConfig::default() };
    let mut found = Vec::new();
    sample(model, &requests, &config, &mut |it| {
        found.push((it.request, it.sample, it.tokens));
        ControlFlow::Continue(())
    })?;
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_agrees_with_itself() {
        let found = agreement(&Device::flex()).unwrap();
        assert_eq!(found, Agreement { logits: 0.0, loss: 0.0, trained: 0.0, samples: true });
    }

    #[test]
    fn what_is_no_number_agrees_with_nothing() {
        assert_eq!(worst(&[1.0, f32::NAN], &[1.0, 2.0]), f32::INFINITY);
        assert!(!Agreement { logits: f32::INFINITY, loss: 0.0, trained: 0.0, samples: true }.holds());
        assert!(!Agreement { logits: 0.0, loss: 0.0, trained: 0.0, samples: false }.holds());
    }
}
