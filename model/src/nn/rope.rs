//! Rotary positions: the angles are computed once per model, on the host.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::ModelConfig;
use crate::rope::frequencies;

/// Cosines and sines of every position, and the matrix that rotates a head by a quarter turn.
#[derive(Module, Debug)]
pub(crate) struct RopeTable {
    cos: Tensor<2>,
    sin: Tensor<2>,
    quarter_turn: Tensor<2>,
}

/// The angles for the positions of one batch, ready to be broadcast over heads.
pub(crate) struct Rotation {
    cos: Tensor<4>,
    sin: Tensor<4>,
    quarter_turn: Tensor<2>,
}

impl RopeTable {
    /// Tables for the positions `0..max_seq`.
    pub(crate) fn new(config: &ModelConfig, device: &Device) -> Self {
        let (dim, len) = (config.head_dim(), config.max_seq);
        let half = dim / 2;
        let (frequencies, factor) = frequencies(config.rope_theta, dim, &config.rope_scaling);
        let angle = |position: usize, i: usize| position as f64 * frequencies[i % half];
        let table = |f: fn(f64) -> f64| {
            let value = |n: usize| (factor * f(angle(n / dim, n % dim))) as f32;
            let values: Vec<f32> = (0..len * dim).map(value).collect();
            Tensor::from_data(TensorData::new(values, [len, dim]), device)
        };
        Self { cos: table(f64::cos), sin: table(f64::sin), quarter_turn: quarter_turn(dim, device) }
    }

    /// Changes each table as the weights of a model are changed: operands must agree.
    pub(crate) fn map(self, change: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        Self { cos: change(self.cos), sin: change(self.sin), quarter_turn: change(self.quarter_turn) }
    }

    /// The positions `0..time` for every row.
    pub(crate) fn leading(&self, time: usize) -> Rotation {
        let rows = |table: &Tensor<2>| {
            let [_, dim] = table.dims();
            table.clone().slice([0..time, 0..dim]).reshape([1, time, 1, dim])
        };
        self.rotation(rows(&self.cos), rows(&self.sin))
    }

    /// The given positions, row by row.
    pub(crate) fn at(&self, positions: Tensor<1, Int>, batch: usize, time: usize) -> Rotation {
        let rows = |table: &Tensor<2>| {
            let [_, dim] = table.dims();
            table.clone().select(0, positions.clone()).reshape([batch, time, 1, dim])
        };
        self.rotation(rows(&self.cos), rows(&self.sin))
    }

    /// Cosines and sines of the given positions, `[2, positions, dim]`.
    pub(crate) fn angles(&self, positions: Tensor<1, Int>) -> Tensor<3> {
        let tables = [&self.cos, &self.sin].map(|table| table.clone().select(0, positions.clone()));
        Tensor::stack(tables.into(), 0)
    }

    fn rotation(&self, cos: Tensor<4>, sin: Tensor<4>) -> Rotation {
        Rotation { cos, sin, quarter_turn: self.quarter_turn.clone() }
    }
}

impl Rotation {
    /// Rotates `[batch, time, heads, dim]`.
    pub(crate) fn apply(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, time, heads, dim] = x.dims();
        let turned = x.clone().reshape([batch * time * heads, dim]).matmul(self.quarter_turn.clone());
        x * self.cos.clone() + turned.reshape([batch, time, heads, dim]) * self.sin.clone()
    }
}

/// `x · M` is `(-x₂, x₁)` for `x = (x₁, x₂)`: as a product it needs no slices and no concatenation,
/// whose gradients would each copy the whole tensor.
fn quarter_turn(dim: usize, device: &Device) -> Tensor<2> {
    let half = dim / 2;
    let mut values = vec![0f32; dim * dim];
    for i in 0..half {
        values[(i + half) * dim + i] = -1.0;
        values[i * dim + i + half] = 1.0;
    }
    Tensor::from_data(TensorData::new(values, [dim, dim]), device)
}
