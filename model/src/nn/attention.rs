//! Grouped-query causal attention.
//!
//! The query heads that share a key head are stacked along the time axis, so that keys and values
//! are never repeated and one matrix product serves the whole group.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::softmax;
use burn::tensor::module::attention as fused_attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

use super::cache::LayerCache;
use super::init::linear;
use super::rope::Rotation;
use crate::ModelConfig;

/// What all blocks share in one pass over a batch.
pub(crate) struct Pass {
    /// Rows.
    pub batch: usize,
    /// New tokens a row.
    pub time: usize,
    /// Angles of the new tokens.
    pub rotation: Rotation,
    /// Added to the scores: `[batch or 1, 1, group * time, slots]`.
    pub bias: Tensor<4>,
}

#[derive(Module, Debug)]
pub(crate) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

impl Attention {
    pub(crate) fn new(
        config: &ModelConfig,
        residual_gain: f64,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let (width, kv_width) = (config.width, config.kv_heads * config.head_dim());
        Self {
            query: linear([width, width], 1.0, rng, device),
            key: linear([width, kv_width], 1.0, rng, device),
            value: linear([width, kv_width], 1.0, rng, device),
            output: linear([width, width], residual_gain, rng, device),
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim(),
        }
    }

    /// `x` is `[batch * time, width]`; with a cache, the new keys go to its slots from `start` on.
    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        pass: &Pass,
        cache: Option<(&mut LayerCache, usize)>,
    ) -> Tensor<2> {
        let query = pass.rotation.apply(self.split(self.query.forward(x.clone()), self.heads, pass));
        let key = pass.rotation.apply(self.split(self.key.forward(x.clone()), self.kv_heads, pass));
        let value = self.split(self.value.forward(x), self.kv_heads, pass);
        let (key, value) = (key.swap_dims(1, 2), value.swap_dims(1, 2));
        let (key, value) = match cache {
            Some((layer, start)) => layer.extend(key, value, start),
            None => (key, value),
        };
        let group = self.heads / self.kv_heads;
        let stacked = [pass.batch, self.kv_heads, group * pass.time, self.head_dim];
        let mixed = self.attend(query.swap_dims(1, 2).reshape(stacked), key, value, pass.bias.clone());
        let mixed = mixed.reshape([pass.batch, self.heads, pass.time, self.head_dim]).swap_dims(1, 2);
        self.output.forward(mixed.reshape([pass.batch * pass.time, self.heads * self.head_dim]))
    }

    fn split(&self, x: Tensor<2>, heads: usize, pass: &Pass) -> Tensor<4> {
        x.reshape([pass.batch, pass.time, heads, self.head_dim])
    }

    fn attend(&self, query: Tensor<4>, key: Tensor<4>, value: Tensor<4>, bias: Tensor<4>) -> Tensor<4> {
        let scale = (self.head_dim as f64).powf(-0.5);
        if query.is_autodiff() {
            let scores = query.mul_scalar(scale).matmul(key.swap_dims(2, 3)) + bias;
            return softmax(scores, 3).matmul(value);
        }
        let options = AttentionModuleOptions { scale: Some(scale), softcap: None, is_causal: false };
        fused_attention(query, key, value, None, Some(bias), options)
    }
}
