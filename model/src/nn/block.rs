//! One transformer block: attention and a SwiGLU feed-forward layer, each behind an RMSNorm.

use burn::module::Module;
use burn::nn::{Linear, RmsNorm, RmsNormConfig};
use burn::tensor::activation::silu;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

use super::attention::{Attention, Pass};
use super::cache::LayerCache;
use super::init::linear;
use crate::ModelConfig;

#[derive(Module, Debug)]
pub(crate) struct Block {
    attention_norm: RmsNorm,
    attention: Attention,
    feed_forward_norm: RmsNorm,
    feed_forward: SwiGlu,
}

impl Block {
    pub(crate) fn new(config: &ModelConfig, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        // Keeps the sum over all blocks at the size of one.
        let residual_gain = (2.0 * config.layers as f64).powf(-0.5);
        Self {
            attention_norm: norm(config, device),
            attention: Attention::new(config, residual_gain, rng, device),
            feed_forward_norm: norm(config, device),
            feed_forward: SwiGlu::new(config, residual_gain, rng, device),
        }
    }

    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        pass: &Pass,
        cache: Option<(&mut LayerCache, usize)>,
    ) -> Tensor<2> {
        let x = x.clone() + self.attention.forward(self.attention_norm.forward(x), pass, cache);
        x.clone() + self.feed_forward.forward(self.feed_forward_norm.forward(x))
    }
}

/// An RMSNorm over the residual stream.
pub(crate) fn norm(config: &ModelConfig, device: &Device) -> RmsNorm {
    RmsNormConfig::new(config.width).with_epsilon(config.norm_eps).init(device)
}

#[derive(Module, Debug)]
struct SwiGlu {
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl SwiGlu {
    fn new(config: &ModelConfig, residual_gain: f64, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        Self {
            gate: linear([config.width, config.ff], 1.0, rng, device),
            up: linear([config.width, config.ff], 1.0, rng, device),
            down: linear([config.ff, config.width], residual_gain, rng, device),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.down.forward(silu(self.gate.forward(x.clone())) * self.up.forward(x))
    }
}
