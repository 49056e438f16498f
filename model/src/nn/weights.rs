//! Where the numbers of a new model come from, and where those of a model go: random generators or files.
//!
//! Names are those of Hugging Face's checkpoints. One constructor serves both sources, so a checkpoint cannot
//! disagree with the model about which weights there are.

use burn::module::{LoraAdapter, Param};
use burn::nn::{Linear, RmsNorm};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{ModelError, Precision, kernels};

/// A source of weights.
pub(crate) trait Weights {
    /// The matrix of a projection, `[inputs, outputs]`; `gain` scales the usual `1 / sqrt(inputs)` of a random one.
    fn projection(&mut self, name: &str, shape: [usize; 2], gain: f64) -> Result<TensorData, ModelError>;
    /// The embedding of each token, `[vocab_size, width]`.
    fn table(&mut self, name: &str, shape: [usize; 2]) -> Result<TensorData, ModelError>;
    /// A vector, all of the same `initial` value if it is new.
    fn vector(&mut self, name: &str, len: usize, initial: f32) -> Result<TensorData, ModelError>;
    /// Where they are needed.
    fn device(&self) -> &Device;
}

/// A projection, with its bias if it has one.
pub(crate) fn linear(
    weights: &mut dyn Weights,
    name: &str,
    shape: [usize; 2],
    gain: f64,
    has_bias: bool,
) -> Result<Linear, ModelError> {
    let matrix = weights.projection(&format!("{name}.weight"), shape, gain)?;
    let bias = has_bias.then(|| weights.vector(&format!("{name}.bias"), shape[1], 0.0)).transpose()?;
    let device = weights.device();
    Ok(Linear {
        weight: Param::from_data(matrix, device),
        bias: bias.map(|bias| Param::from_data(bias, device)),
    })
}

/// What a projection makes of `x` (`[rows, inputs]`). An adapter works on the activations beside the frozen weight, so
/// that neither the sum of both nor its gradient is ever made. With `Bf16` the weight is multiplied so by the processor.
pub(crate) fn project(linear: &Linear, x: Tensor<2>, precision: Precision) -> Tensor<2> {
    let Some(LoraAdapter { a, b, scale }) = linear.weight.adapter() else {
        return product(x, linear.weight.val(), linear.bias.as_ref(), precision);
    };
    let correction = x.clone().matmul(a.val()).matmul(b.val()).mul_scalar(*scale);
    product(x, linear.weight.base(), linear.bias.as_ref(), precision) + correction
}

fn product(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<&Param<Tensor<1>>>,
    precision: Precision,
) -> Tensor<2> {
    let bias = bias.map(Param::val);
    if precision == Precision::F32 {
        return burn::tensor::module::linear(x, weight, bias);
    }
    let y = kernels::rounded_product(x, weight, false);
    match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    }
}

/// An RMSNorm over vectors of that size.
pub(crate) fn norm(
    weights: &mut dyn Weights,
    name: &str,
    size: usize,
    epsilon: f64,
) -> Result<RmsNorm, ModelError> {
    let gamma = weights.vector(&format!("{name}.weight"), size, 1.0)?;
    Ok(RmsNorm { gamma: Param::from_data(gamma, weights.device()), epsilon })
}

/// Seeded initial weights, drawn on the host so that every device starts from the same values.
pub(crate) struct Random<'a> {
    pub rng: ChaCha8Rng,
    pub device: &'a Device,
}

impl Random<'_> {
    fn normal(&mut self, shape: [usize; 2], std: f64) -> TensorData {
        let count = shape[0] * shape[1];
        let mut values = Vec::with_capacity(count + 1);
        while values.len() < count {
            let (first, second) = normal_pair(&mut self.rng);
            values.push((first * std) as f32);
            values.push((second * std) as f32);
        }
        values.truncate(count);
        TensorData::new(values, shape)
    }
}

impl Weights for Random<'_> {
    fn projection(&mut self, _name: &str, shape: [usize; 2], gain: f64) -> Result<TensorData, ModelError> {
        Ok(self.normal(shape, gain / (shape[0] as f64).sqrt()))
    }

    fn table(&mut self, _name: &str, shape: [usize; 2]) -> Result<TensorData, ModelError> {
        Ok(self.normal(shape, 0.5 / (shape[1] as f64).sqrt()))
    }

    fn vector(&mut self, _name: &str, len: usize, initial: f32) -> Result<TensorData, ModelError> {
        Ok(TensorData::new(vec![initial; len], [len]))
    }

    fn device(&self) -> &Device {
        self.device
    }
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

/// A weight of a model, in the layout of Hugging Face's checkpoints.
pub(crate) enum Weight {
    /// `[inputs, outputs]`, stored as `[outputs, inputs]`.
    Projection(Tensor<2>),
    /// `[vocab_size, width]`.
    Table(Tensor<2>),
    /// One dimension.
    Vector(Tensor<1>),
}

/// Weights with their names.
pub(crate) type Named = Vec<(String, Weight)>;

/// Names the weights of a projection.
pub(crate) fn list_linear(linear: &Linear, name: &str, to: &mut Named) {
    to.push((format!("{name}.weight"), Weight::Projection(linear.weight.val())));
    to.extend(linear.bias.iter().map(|bias| (format!("{name}.bias"), Weight::Vector(bias.val()))));
}

/// Names the weight of a norm.
pub(crate) fn list_norm(norm: &RmsNorm, name: &str, to: &mut Named) {
    to.push((format!("{name}.weight"), Weight::Vector(norm.gamma.val())));
}
