//! One transformer block: attention and a SwiGLU feed-forward layer, each behind an RMSNorm.

use burn::module::Module;
use burn::nn::{Linear, RmsNorm};
use burn::tensor::Tensor;
use burn::tensor::activation::silu;

use super::attention::{Attention, Pass, rms_norm};
use super::cache::LayerCache;
use super::weights::{Named, Weights, linear, list_linear, list_norm, norm, project};
use crate::{ModelConfig, ModelError, Precision, kernels};

#[derive(Module, Debug)]
pub(crate) struct Block {
    attention_norm: RmsNorm,
    attention: Attention,
    feed_forward_norm: RmsNorm,
    feed_forward: SwiGlu,
}

impl Block {
    pub(crate) fn new(
        config: &ModelConfig,
        name: &str,
        weights: &mut dyn Weights,
    ) -> Result<Self, ModelError> {
        // Keeps the sum over all blocks at the size of one.
        let residual_gain = (2.0 * config.layers as f64).powf(-0.5);
        let mut norm = |kind| norm(weights, &format!("{name}.{kind}"), config.width, config.norm_eps);
        let attention_norm = norm("input_layernorm")?;
        let feed_forward_norm = norm("post_attention_layernorm")?;
        let attention = Attention::new(config, &format!("{name}.self_attn"), residual_gain, weights)?;
        let feed_forward = SwiGlu::new(config, &format!("{name}.mlp"), residual_gain, weights)?;
        Ok(Self { attention_norm, attention, feed_forward_norm, feed_forward })
    }

    pub(crate) fn list(&self, name: &str, to: &mut Named) {
        list_norm(&self.attention_norm, &format!("{name}.input_layernorm"), to);
        list_norm(&self.feed_forward_norm, &format!("{name}.post_attention_layernorm"), to);
        self.attention.list(&format!("{name}.self_attn"), to);
        self.feed_forward.list(&format!("{name}.mlp"), to);
    }

    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        pass: &Pass,
        cache: Option<(&mut LayerCache, usize)>,
    ) -> Tensor<2> {
        let x = x.clone() + self.attention.forward(rms_norm(&self.attention_norm, x), pass, cache);
        x.clone() + self.feed_forward.forward(rms_norm(&self.feed_forward_norm, x), pass.precision())
    }
}

#[derive(Module, Debug)]
struct SwiGlu {
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl SwiGlu {
    fn new(
        config: &ModelConfig,
        name: &str,
        residual_gain: f64,
        weights: &mut dyn Weights,
    ) -> Result<Self, ModelError> {
        let (inner, outer, bias) = ([config.width, config.ff], [config.ff, config.width], config.ff_bias);
        Ok(Self {
            gate: linear(weights, &format!("{name}.gate_proj"), inner, 1.0, bias)?,
            up: linear(weights, &format!("{name}.up_proj"), inner, 1.0, bias)?,
            down: linear(weights, &format!("{name}.down_proj"), outer, residual_gain, bias)?,
        })
    }

    fn list(&self, name: &str, to: &mut Named) {
        list_linear(&self.gate, &format!("{name}.gate_proj"), to);
        list_linear(&self.up, &format!("{name}.up_proj"), to);
        list_linear(&self.down, &format!("{name}.down_proj"), to);
    }

    fn forward(&self, x: Tensor<2>, precision: Precision) -> Tensor<2> {
        let (gate, up) = (project(&self.gate, x.clone(), precision), project(&self.up, x, precision));
        let inner = if kernels::can_take(&gate) { kernels::swiglu(gate, up) } else { silu(gate) * up };
        project(&self.down, inner, precision)
    }
}
