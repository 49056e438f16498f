//! Fused operations for training and reading prompts on the processor.
//!
//! Burn's own operations each read and write whole tensors, which takes several times as long as the matrix
//! products of a small model. These do one pass each, forwards and backwards, through burn's extension interface.
//! Other devices have compilers that fuse; [`available`] says where these can be used.

mod autodiff;
pub(crate) mod cpu;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Device, Tensor, TensorData};

/// The operations, on tensors of any layout.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Kernels: Backend {
    /// RMSNorm over the last dimension.
    fn rms_norm(x: FloatTensor<Self>, gamma: FloatTensor<Self>, epsilon: f32) -> FloatTensor<Self>;
    /// `silu(gate) * up`.
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self>;
    /// Rotary positions of `[rows, heads * dim]`; `angles` is `[2, rows, dim]`: cosines, sines.
    fn rotate(x: FloatTensor<Self>, angles: FloatTensor<Self>) -> FloatTensor<Self>;
    /// Causal attention of `[rows, heads * dim]` each, over texts of the given lengths, one after the other.
    fn attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        dim: usize,
        texts: Vec<usize>,
    ) -> FloatTensor<Self>;
    /// The product of `[rows, inputs]` with a weight `[inputs, outputs]`, or `[outputs, inputs]` if it is turned, of numbers
    /// that are rounded to bfloat16; sums have 32 bits. The gradients are such products as well.
    fn rounded_product(x: FloatTensor<Self>, weight: FloatTensor<Self>, is_turned: bool)
    -> FloatTensor<Self>;
    /// Weighted sum of the negative log-likelihoods of the targets, `[1]`, for logits `[rows, vocab]`.
    fn cross_entropy(logits: FloatTensor<Self>, targets: Vec<i64>, weights: Vec<f32>) -> FloatTensor<Self>;
}

/// Whether tensors on this device can go through the kernels.
pub(crate) fn available(device: &Device) -> bool {
    device.clone().without_autodiff() == Device::flex()
}

/// Whether this tensor can.
pub(crate) fn can_take<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && available(&x.device())
}

pub(crate) fn rms_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, epsilon: f32) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Kernels>::rms_norm(x.into_dispatch(), gamma.into_dispatch(), epsilon))
}

pub(crate) fn swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as Kernels>::swiglu(gate.into_dispatch(), up.into_dispatch()))
}

pub(crate) fn rotate(x: Tensor<2>, angles: Tensor<3>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as Kernels>::rotate(x.into_dispatch(), angles.into_dispatch()))
}

pub(crate) fn attention(
    query: Tensor<2>,
    key: Tensor<2>,
    value: Tensor<2>,
    dim: usize,
    texts: &[usize],
) -> Tensor<2> {
    let [query, key, value] = [query, key, value].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as Kernels>::attention(query, key, value, dim, texts.to_vec()))
}

pub(crate) fn rounded_product(x: Tensor<2>, weight: Tensor<2>, is_turned: bool) -> Tensor<2> {
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Kernels>::rounded_product(x, weight, is_turned))
}

pub(crate) fn cross_entropy(logits: Tensor<2>, targets: &[i64], weights: &[f32]) -> Tensor<1> {
    let (targets, weights) = (targets.to_vec(), weights.to_vec());
    Tensor::from_dispatch(<Dispatch as Kernels>::cross_entropy(logits.into_dispatch(), targets, weights))
}

/// One step of AdamW; its numbers are those of burn's. What is moved: weights, and the two moments of each.
pub(crate) fn adamw(
    step: cpu::AdamStep,
    weight: Tensor<1>,
    gradient: Tensor<1>,
    moments: [Tensor<1>; 2],
) -> (Tensor<1>, [Tensor<1>; 2]) {
    let [mut weight, gradient] = [weight, gradient].map(row);
    let [mut first, mut second] = moments.map(row);
    cpu::adamw(step, &mut weight, &gradient, [&mut first, &mut second]);
    (tensor_of(weight, [gradient.len()]), [first, second].map(|moment| tensor_of(moment, [gradient.len()])))
}

pub(crate) fn add<const D: usize>(total: Tensor<D>, part: Tensor<D>) -> Tensor<D> {
    let shape = total.dims();
    let mut total = row(total);
    cpu::add(&mut total, &row(part));
    tensor_of(total, shape)
}

pub(crate) fn scale<const D: usize>(x: Tensor<D>, factor: f32) -> Tensor<D> {
    let shape = x.dims();
    let mut x = row(x);
    cpu::scale(&mut x, factor);
    tensor_of(x, shape)
}

/// The tensor as it came, and the sum of its squares.
pub(crate) fn sum_of_squares<const D: usize>(x: Tensor<D>) -> (Tensor<D>, f64) {
    let shape = x.dims();
    let x = row(x);
    let sum = cpu::sum_of_squares(&x);
    (tensor_of(x, shape), sum)
}

/// All values in order. Nothing is copied where the tensor is nobody else's.
fn row<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_into_vec().expect("the processor's tensors are f32")
}

fn tensor_of<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

type Cpu = FloatTensor<Flex>;

/// All values in order, in memory that is no one else's.
fn owned(tensor: Cpu) -> (Vec<f32>, Vec<usize>) {
    let data = tensor.into_data();
    let shape = data.shape().to_vec();
    (data.try_into_vec().expect("the processor's tensors are f32"), shape)
}

fn tensor(values: Vec<f32>, shape: Vec<usize>) -> Cpu {
    Cpu::from_data(TensorData::new(values, shape))
}

/// The same tensor, its values in order.
fn dense(tensor: Cpu) -> Cpu {
    if tensor.as_slice::<f32>().is_some() { tensor } else { tensor.to_contiguous() }
}

fn values(tensor: &Cpu) -> &[f32] {
    tensor.as_slice().expect("made dense before")
}

fn rotated(x: Cpu, angles: &Cpu, sign: f32) -> Cpu {
    let (mut x, shape) = owned(x);
    let dim = angles.layout().shape()[2];
    let angles = values(angles);
    let (cos, sin) = angles.split_at(angles.len() / 2);
    cpu::rotate(&mut x, cos, sin, shape[1] / dim, dim, sign);
    tensor(x, shape)
}

/// Queries, keys and values, and what is known of them.
#[derive(Clone, Debug)]
struct Attended {
    query: Cpu,
    key: Cpu,
    value: Cpu,
    dim: usize,
    texts: Vec<usize>,
}

impl Attended {
    fn new([query, key, value]: [Cpu; 3], dim: usize, texts: Vec<usize>) -> Self {
        Self { query: dense(query), key: dense(key), value: dense(value), dim, texts }
    }

    fn inputs(&self) -> cpu::Inputs<'_> {
        let heads = |tensor: &Cpu| tensor.layout().shape()[1] / self.dim;
        cpu::Inputs {
            query: values(&self.query),
            key: values(&self.key),
            value: values(&self.value),
            heads: cpu::Heads { queries: heads(&self.query), keys: heads(&self.key), dim: self.dim },
            texts: &self.texts,
        }
    }

    fn mixed(&self) -> Cpu {
        let mut out = vec![0.0; self.inputs().query.len()];
        cpu::attention(self.inputs(), &mut out);
        tensor(out, shape(&self.query))
    }

    /// Gradients of query, key and value.
    fn gradients(&self, slope: Cpu) -> [Cpu; 3] {
        let zeros = |tensor: &Cpu| vec![0.0; values(tensor).len()];
        let (mut query, mut key, mut value) = (zeros(&self.query), zeros(&self.key), zeros(&self.value));
        let gradients = cpu::Gradients { query: &mut query, key: &mut key, value: &mut value };
        cpu::attention_backward(self.inputs(), values(&dense(slope)), gradients);
        [tensor(query, shape(&self.query)), tensor(key, shape(&self.key)), tensor(value, shape(&self.value))]
    }
}

/// What a product is made of.
#[derive(Clone, Debug)]
struct Factors {
    x: Cpu,
    weight: Cpu,
    is_turned: bool,
}

impl Factors {
    fn new(x: Cpu, weight: Cpu, is_turned: bool) -> Self {
        Self { x: dense(x), weight: dense(weight), is_turned }
    }

    /// The weight as `[inputs, outputs]`.
    fn weight(&self) -> cpu::Matrix<'_> {
        if self.is_turned { matrix(&self.weight).transposed() } else { matrix(&self.weight) }
    }

    fn product(&self) -> Cpu {
        rounded(matrix(&self.x), self.weight())
    }

    /// The gradient of `x`.
    fn gradient(&self, slope: &Cpu) -> Cpu {
        rounded(matrix(slope), self.weight().transposed())
    }

    /// The gradient of the weight.
    fn weight_gradient(&self, slope: &Cpu) -> Cpu {
        if self.is_turned {
            rounded(matrix(slope).transposed(), matrix(&self.x))
        } else {
            rounded(matrix(&self.x).transposed(), matrix(slope))
        }
    }
}

fn matrix(tensor: &Cpu) -> cpu::Matrix<'_> {
    let shape = tensor.layout().shape();
    cpu::Matrix::dense(values(tensor), shape[0], shape[1])
}

fn rounded(left: cpu::Matrix, right: cpu::Matrix) -> Cpu {
    let mut out = vec![0.0; left.rows * right.cols];
    let scratch = &mut cpu::Bf16Scratch::default();
    cpu::Bf16Matrix::new(right).multiply(left, &mut out, cpu::Into::Set, scratch);
    tensor(out, vec![left.rows, right.cols])
}

fn shape(tensor: &Cpu) -> Vec<usize> {
    tensor.layout().shape().to_vec()
}

impl Kernels for Flex {
    fn rms_norm(x: Cpu, gamma: Cpu, epsilon: f32) -> Cpu {
        let (x, gamma) = (dense(x), dense(gamma));
        let mut y = vec![0.0; values(&x).len()];
        cpu::rms_norm(values(&x), values(&gamma), epsilon, &mut y);
        tensor(y, shape(&x))
    }

    fn swiglu(gate: Cpu, up: Cpu) -> Cpu {
        let gate = dense(gate);
        let (mut y, shape) = owned(up);
        cpu::swiglu(values(&gate), &mut y);
        tensor(y, shape)
    }

    fn rotate(x: Cpu, angles: Cpu) -> Cpu {
        rotated(x, &dense(angles), 1.0)
    }

    fn attention(query: Cpu, key: Cpu, value: Cpu, dim: usize, texts: Vec<usize>) -> Cpu {
        Attended::new([query, key, value], dim, texts).mixed()
    }

    fn rounded_product(x: Cpu, weight: Cpu, is_turned: bool) -> Cpu {
        Factors::new(x, weight, is_turned).product()
    }

    fn cross_entropy(logits: Cpu, targets: Vec<i64>, weights: Vec<f32>) -> Cpu {
        let (mut logits, _) = owned(logits);
        tensor(vec![cpu::cross_entropy(&mut logits, &targets, &weights)], vec![1])
    }
}

#[cfg(test)]
mod tests;
