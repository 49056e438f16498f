//! Whether a device computes what the processor computes. Drivers differ, and a wrong product shows in no other way than as a
//! model that learns badly; so this is the first thing to ask of a machine.

use std::ops::ControlFlow;

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::device::read_back;
use crate::{
    Example, Lm, ModelConfig, ModelError, Precision, SampleConfig, SampleRequest, TrainConfig, sample, train,
};

/// How far a device is from the processor, for a small model with the same random weights on both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Largest difference of any logit; logits are about as large as 1.
    pub logits: f32,
    /// What one step of training does; none on a device whose numbers have 16 bits, which is for sampling alone.
    pub training: Option<Training>,
    /// The share of the tokens of greedy continuations that are the same.
    pub samples: f32,
}

/// How far one step of training is from the processor's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// Difference of its loss.
    pub loss: f32,
    /// Largest difference of any logit after it. AdamW's first step turns the sign of the smallest gradients into whole
    /// steps, so it is larger than before.
    pub logits: f32,
}

impl Agreement {
    /// Whether it is as near as 32-bit sums in another order come, or numbers of 16 bits, of which the coarsest (bf16) are
    /// up to 1/128 of themselves apart. There a near tie of two tokens may go the other way.
    pub fn holds(&self) -> bool {
        match self.training {
            Some(Training { loss, logits }) => {
                self.logits < 1e-3 && loss < 1e-3 && logits < 1e-2 && self.samples == 1.0
            }
            None => self.logits < 5e-2 && self.samples >= 0.5,
        }
    }
}

/// Compares a device with the processor in 32 bits; a processor that rounds what it multiplies is such a device too.
///
/// # Errors
/// If the device cannot compute.
pub fn agreement(device: &Device, precision: Precision) -> Result<Agreement, ModelError> {
    let on_cpu = Lm::init(&shape(), &Device::flex(), 6)?;
    let on_device = Lm::init(&shape(), device, 6)?;
    let rounds = precision == Precision::Bf16 && on_device.is_fused();
    if rounds || on_device.number_bytes() < size_of::<f32>() {
        let samples = same(&continuations(&on_cpu, Precision::F32)?, &continuations(&on_device, precision)?);
        let on_device = if rounds { on_device.in_precision(precision) } else { on_device };
        let before = worst(&logits(&on_cpu)?, &logits(&on_device)?);
        return Ok(Agreement { logits: before, training: None, samples });
    }
    let before = worst(&logits(&on_cpu)?, &logits(&on_device)?);
    let (on_cpu, expected) = one_step(on_cpu)?;
    let (on_device, loss) = one_step(on_device)?;
    let logits = worst(&logits(&on_cpu)?, &logits(&on_device)?);
    Ok(Agreement {
        logits: before,
        training: Some(Training { loss: (expected - loss).abs(), logits }),
        samples: same(&continuations(&on_cpu, precision)?, &continuations(&on_device, precision)?),
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

/// A continuation, after its request and sample.
type Continuation = (usize, usize, Vec<u32>);

/// The share of tokens that are the same in their places; those of a longer continuation have no counterpart.
fn same(left: &[Continuation], right: &[Continuation]) -> f32 {
    let pairs = || left.iter().zip(right).map(|((.., a), (.., b))| (a, b));
    let equal: usize = pairs().map(|(a, b)| a.iter().zip(b).filter(|(a, b)| a == b).count()).sum();
    let total: usize = pairs().map(|(a, b)| a.len().max(b.len())).sum();
    equal as f32 / total.max(1) as f32
}

/// Greedy continuations of prompts of several lengths, in the order of requests and samples.
fn continuations(model: &Lm, precision: Precision) -> Result<Vec<Continuation>, ModelError> {
    let requests = [3u32, 9, 1]
        .map(|len| SampleRequest { prompt: (0..len).map(|i| 10 + 3 * i).collect(), seeds: vec![1, 2] });
    let config =
        SampleConfig { temperature: 0.0, max_new_tokens: 12, batch: 6, precision, ..SampleConfig::default() };
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
        let found = agreement(&Device::flex(), Precision::F32).unwrap();
        let training = Some(Training { loss: 0.0, logits: 0.0 });
        assert_eq!(found, Agreement { logits: 0.0, training, samples: 1.0 });
    }

    #[test]
    fn the_processor_agrees_with_itself_when_it_rounds() {
        let found = agreement(&Device::flex(), Precision::Bf16).unwrap();
        assert!(found.holds() && found.training.is_none() && found.logits > 1e-5, "{found:?}");
    }

    #[test]
    fn what_is_no_number_agrees_with_nothing() {
        assert_eq!(worst(&[1.0, f32::NAN], &[1.0, 2.0]), f32::INFINITY);
        let found = agreement(&Device::flex(), Precision::F32).unwrap();
        assert!(found.holds());
        assert!(!Agreement { logits: f32::INFINITY, ..found }.holds());
        assert!(!Agreement { samples: 0.9, ..found }.holds());
        assert!(!Agreement { logits: f32::INFINITY, training: None, ..found }.holds());
    }

    #[test]
    fn shorter_continuations_are_others() {
        let (long, short) = ([(0, 0, vec![1, 2, 3, 4])], [(0, 0, vec![1, 2])]);
        assert_eq!((same(&long, &short), same(&long, &long)), (0.5, 1.0));
        assert_eq!(same(&short, &long), 0.5);
    }
}
