//! Seeded initial weights, drawn on the host so that every device starts from the same values.

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A matrix of normally distributed values.
pub(crate) fn normal_matrix(
    shape: [usize; 2],
    std: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Param<Tensor<2>> {
    let count = shape[0] * shape[1];
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        let (first, second) = normal_pair(rng);
        values.push((first * std) as f32);
        values.push((second * std) as f32);
    }
    values.truncate(count);
    Param::from_data(TensorData::new(values, shape), device)
}

/// A projection without bias; `gain` scales the usual `1 / sqrt(inputs)`.
pub(crate) fn linear(shape: [usize; 2], gain: f64, rng: &mut ChaCha8Rng, device: &Device) -> Linear {
    let std = gain / (shape[0] as f64).sqrt();
    Linear { weight: normal_matrix(shape, std, rng, device), bias: None }
}

/// Two independent standard normal values by the Box-Muller transform.
fn normal_pair(rng: &mut ChaCha8Rng) -> (f64, f64) {
    let radius = (-2.0 * (1.0 - unit(rng)).ln()).sqrt();
    let angle = std::f64::consts::TAU * unit(rng);
    (radius * angle.cos(), radius * angle.sin())
}

/// Uniform in `[0, 1)` with 53 random bits.
pub(crate) fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}
