//! Grouped-query causal attention.
//!
//! The query heads that share a key head are stacked along the time axis, so that keys and values
//! are never repeated and one matrix product serves the whole group.

use burn::module::Module;
use burn::nn::{Linear, RmsNorm};
use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use burn::tensor::module::attention as fused_attention;
use burn::tensor::ops::AttentionModuleOptions;

use super::cache::LayerCache;
use super::rope::Rotation;
use super::weights::{Named, Weights, linear, list_linear, list_norm, norm, project};
use crate::{ModelConfig, ModelError, Precision, kernels};

/// What all blocks share in one pass over a batch.
pub(crate) enum Pass {
    /// Rows side by side, in burn's own operations.
    Padded(Box<Padded>),
    /// Texts one after the other, in the processor's fused ones.
    Packed(Box<Packed>),
}

/// A batch of rows of the same length.
pub(crate) struct Padded {
    /// Rows.
    pub batch: usize,
    /// New tokens a row.
    pub time: usize,
    /// Angles of the new tokens.
    pub rotation: Rotation,
    /// Added to the scores: `[batch or 1, 1, group * time, slots]`.
    pub bias: Tensor<4>,
}

/// Texts without anything between them.
pub(crate) struct Packed {
    /// Length of each.
    pub texts: Vec<usize>,
    /// Cosines and sines of the positions, `[2, tokens, head_dim]`.
    pub angles: Tensor<3>,
    /// In which numbers projections are computed.
    pub precision: Precision,
}

impl Pass {
    /// In which numbers projections are computed, where it is not those of the weights.
    pub(crate) fn precision(&self) -> Precision {
        match self {
            Self::Padded(_) => Precision::F32,
            Self::Packed(pass) => pass.precision,
        }
    }
}

#[derive(Module, Debug)]
pub(crate) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    query_norm: Option<RmsNorm>,
    key_norm: Option<RmsNorm>,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

impl Attention {
    pub(crate) fn new(
        config: &ModelConfig,
        name: &str,
        residual_gain: f64,
        weights: &mut dyn Weights,
    ) -> Result<Self, ModelError> {
        let (width, head) = (config.width, config.head_dim());
        let (all, shared) = (config.heads * head, config.kv_heads * head);
        let (query, kv, bias) = ([width, all], [width, shared], config.qkv_bias);
        let head_norm = |weights: &mut dyn Weights, kind: &str| {
            let name = format!("{name}.{kind}");
            config.qk_norm.then(|| norm(weights, &name, head, config.norm_eps)).transpose()
        };
        Ok(Self {
            query: linear(weights, &format!("{name}.q_proj"), query, 1.0, bias)?,
            key: linear(weights, &format!("{name}.k_proj"), kv, 1.0, bias)?,
            value: linear(weights, &format!("{name}.v_proj"), kv, 1.0, bias)?,
            output: linear(
                weights,
                &format!("{name}.o_proj"),
                [all, width],
                residual_gain,
                config.output_bias,
            )?,
            query_norm: head_norm(weights, "q_norm")?,
            key_norm: head_norm(weights, "k_norm")?,
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: head,
        })
    }

    pub(crate) fn list(&self, name: &str, to: &mut Named) {
        let projections = [("q", &self.query), ("k", &self.key), ("v", &self.value), ("o", &self.output)];
        for (kind, projection) in projections {
            list_linear(projection, &format!("{name}.{kind}_proj"), to);
        }
        for (kind, norm) in [("q", &self.query_norm), ("k", &self.key_norm)] {
            norm.iter().for_each(|norm| list_norm(norm, &format!("{name}.{kind}_norm"), to));
        }
    }

    /// `x` is `[tokens, width]`; with a cache, the new keys go to its slots from `start` on.
    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        pass: &Pass,
        cache: Option<(&mut LayerCache, usize)>,
    ) -> Tensor<2> {
        match pass {
            Pass::Padded(pass) => self.padded(x, pass, cache),
            Pass::Packed(pass) => self.packed(x, pass),
        }
    }

    fn packed(&self, x: Tensor<2>, pass: &Packed) -> Tensor<2> {
        let rotated = |projection: &Linear, norm: &Option<RmsNorm>| {
            let x = project(projection, x.clone(), pass.precision);
            let [tokens, size] = x.dims();
            let x = match norm {
                Some(_) => normed(norm, x.reshape([tokens * size / self.head_dim, self.head_dim])),
                None => x,
            };
            kernels::rotate(x.reshape([tokens, size]), pass.angles.clone())
        };
        let query = rotated(&self.query, &self.query_norm);
        let key = rotated(&self.key, &self.key_norm);
        let value = project(&self.value, x.clone(), pass.precision);
        let mixed = kernels::attention(query, key, value, self.head_dim, &pass.texts);
        project(&self.output, mixed, pass.precision)
    }

    fn padded(&self, x: Tensor<2>, pass: &Padded, cache: Option<(&mut LayerCache, usize)>) -> Tensor<2> {
        let project = |linear: &Linear, x| project(linear, x, Precision::F32);
        let query = self.split(project(&self.query, x.clone()), self.heads, pass);
        let key = self.split(project(&self.key, x.clone()), self.kv_heads, pass);
        let query = pass.rotation.apply(normed(&self.query_norm, query));
        let key = pass.rotation.apply(normed(&self.key_norm, key));
        let value = self.split(project(&self.value, x), self.kv_heads, pass);
        let (key, value) = (key.swap_dims(1, 2), value.swap_dims(1, 2));
        let (key, value) = match cache {
            Some((layer, start)) => layer.extend(key, value, start),
            None => (key, value),
        };
        let group = self.heads / self.kv_heads;
        let stacked = [pass.batch, self.kv_heads, group * pass.time, self.head_dim];
        let mixed = self.attend(query.swap_dims(1, 2).reshape(stacked), key, value, pass.bias.clone());
        let mixed = mixed.reshape([pass.batch, self.heads, pass.time, self.head_dim]).swap_dims(1, 2);
        project(&self.output, mixed.reshape([pass.batch * pass.time, self.heads * self.head_dim]))
    }

    fn split(&self, x: Tensor<2>, heads: usize, pass: &Padded) -> Tensor<4> {
        x.reshape([pass.batch, pass.time, heads, self.head_dim])
    }

    fn attend(&self, query: Tensor<4>, key: Tensor<4>, value: Tensor<4>, bias: Tensor<4>) -> Tensor<4> {
        let scale = (self.head_dim as f64).powf(-0.5);
        if query.is_autodiff() {
            let bias = bias.cast(query.dtype());
            let scores = query.mul_scalar(scale).matmul(key.swap_dims(2, 3)) + bias;
            return softmax(scores, 3).matmul(value);
        }
        let options = AttentionModuleOptions { scale: Some(scale), softcap: None, is_causal: false };
        fused_attention(query, key, value, None, Some(bias), options)
    }
}

fn normed<const D: usize>(norm: &Option<RmsNorm>, x: Tensor<D>) -> Tensor<D> {
    match norm {
        Some(norm) => rms_norm(norm, x),
        None => x,
    }
}

/// The norm, fused where the device has it.
pub(crate) fn rms_norm<const D: usize>(norm: &RmsNorm, x: Tensor<D>) -> Tensor<D> {
    if kernels::can_take(&x) {
        return kernels::rms_norm(x, norm.gamma.val(), norm.epsilon as f32);
    }
    norm.forward(x)
}
