//! The shape of a model: what of a checkpoint's `config.json` decides which numbers it computes.
//!
//! One shape covers the three architectures that provers are made of: Llama, Qwen2 (biases on query, key and
//! value) and Qwen3 (a norm on each head's query and key).

use crate::ModelError;
use crate::rope::RopeScaling;

/// Sizes and constants of a decoder-only transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// Number of token ids; must cover the tokenizer's.
    pub vocab_size: usize,
    /// Number of transformer blocks.
    pub layers: usize,
    /// Size of the residual stream.
    pub width: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; each serves `heads / kv_heads` query heads.
    pub kv_heads: usize,
    /// Size of one head; without it `width / heads`.
    pub head_size: Option<usize>,
    /// Inner size of the SwiGLU feed-forward layer.
    pub ff: usize,
    /// Longest sequence, prompt and generated tokens together.
    pub max_seq: usize,
    /// Base of the rotary position frequencies.
    pub rope_theta: f64,
    /// How these frequencies are changed for sequences longer than those of pre-training.
    pub rope_scaling: RopeScaling,
    /// Added to the mean square in RMSNorm.
    pub norm_eps: f64,
    /// Whether the output projection is the transposed embedding.
    pub tied_embeddings: bool,
    /// Whether query, key and value have biases (Qwen2).
    pub qkv_bias: bool,
    /// Whether the projection of the attention's output has one.
    pub output_bias: bool,
    /// Whether the feed-forward layer's projections have them.
    pub ff_bias: bool,
    /// Whether each head's query and key go through an RMSNorm (Qwen3).
    pub qk_norm: bool,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            vocab_size: 768,
            layers: 3,
            width: 192,
            heads: 6,
            kv_heads: 2,
            head_size: None,
            ff: 512,
            max_seq: 256,
            rope_theta: 10_000.0,
            rope_scaling: RopeScaling::None,
            norm_eps: 1e-5,
            tied_embeddings: true,
            qkv_bias: false,
            output_bias: false,
            ff_bias: false,
            qk_norm: false,
        }
    }
}

impl ModelConfig {
    /// The smallest model for so many tokens, where a model must be there but nobody asks what it says.
    pub fn smallest(vocab_size: usize) -> Self {
        Self { vocab_size, layers: 1, width: 8, heads: 2, ff: 8, ..Self::default() }
    }

    /// Size of one head.
    pub fn head_dim(&self) -> usize {
        self.head_size.unwrap_or(self.width / self.heads)
    }

    /// Query heads that share one key and value head.
    pub fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Numbers that the keys and values of one token are, in all layers.
    pub fn cached_numbers(&self) -> usize {
        2 * self.layers * self.kv_heads * self.head_dim()
    }

    /// Number of trainable values.
    pub fn parameters(&self) -> usize {
        let (query, kv) = (self.heads * self.head_dim(), self.kv_heads * self.head_dim());
        let count = |has: bool, values: usize| if has { values } else { 0 };
        let attention = 2 * self.width * (query + kv)
            + count(self.qkv_bias, query + 2 * kv)
            + count(self.output_bias, self.width)
            + count(self.qk_norm, 2 * self.head_dim());
        let feed_forward = 3 * self.width * self.ff + count(self.ff_bias, 2 * self.ff + self.width);
        let block = attention + feed_forward + 2 * self.width;
        let tables = if self.tied_embeddings { 1 } else { 2 };
        tables * self.vocab_size * self.width + self.layers * block + self.width
    }

    /// Checks that the sizes fit together.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.validate_sizes()?;
        self.validate_heads()?;
        self.validate_constants()
    }

    fn validate_sizes(&self) -> Result<(), ModelError> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("layers", self.layers),
            ("width", self.width),
            ("heads", self.heads),
            ("kv_heads", self.kv_heads),
            ("head_size", self.head_size.unwrap_or(1)),
            ("ff", self.ff),
        ];
        for (name, size) in sizes {
            if size == 0 {
                return Err(invalid(format!("`{name}` is 0; set it to at least 1")));
            }
        }
        if self.max_seq < 2 {
            return Err(invalid(format!(
                "`max_seq` is {}; a sequence needs room for a prompt and a reply, so set it to at least 2",
                self.max_seq
            )));
        }
        Ok(())
    }

    fn validate_heads(&self) -> Result<(), ModelError> {
        if self.head_size.is_none() && !self.width.is_multiple_of(self.heads) {
            return Err(invalid(format!(
                "`width` ({}) is not a multiple of `heads` ({}); change one of them",
                self.width, self.heads
            )));
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return Err(invalid(format!(
                "`heads` ({}) is not a multiple of `kv_heads` ({}); change one of them",
                self.heads, self.kv_heads
            )));
        }
        if !self.head_dim().is_multiple_of(2) {
            return Err(invalid(format!(
                "the head size is {}; rotary positions need an even head size, so change it",
                self.head_dim()
            )));
        }
        Ok(())
    }

    fn validate_constants(&self) -> Result<(), ModelError> {
        if !(self.rope_theta.is_finite() && self.rope_theta > 1.0) {
            return Err(invalid(format!(
                "`rope_theta` is {}; set it above 1, usually 10000",
                self.rope_theta
            )));
        }
        if !(self.norm_eps.is_finite() && self.norm_eps > 0.0) {
            return Err(invalid(format!("`norm_eps` is {}; set it above 0, usually 1e-5", self.norm_eps)));
        }
        self.rope_scaling.validate().map_err(invalid)
    }
}

fn invalid(reason: String) -> ModelError {
    ModelError::Config { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut ModelConfig)) -> String {
        let mut config = ModelConfig::default();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn the_default_is_valid() {
        ModelConfig::default().validate().unwrap();
    }

    #[test]
    fn each_refusal_names_the_field() {
        assert!(refusal(|c| c.layers = 0).contains("`layers`"));
        assert!(refusal(|c| c.head_size = Some(0)).contains("`head_size`"));
        assert!(refusal(|c| c.heads = 5).contains("`heads` (5)"));
        assert!(refusal(|c| c.kv_heads = 4).contains("`kv_heads` (4)"));
        assert!(refusal(|c| c.width = 18).contains("even head size"));
        assert!(refusal(|c| c.max_seq = 1).contains("`max_seq`"));
        assert!(refusal(|c| c.norm_eps = f64::NAN).contains("`norm_eps`"));
        assert!(refusal(|c| c.rope_scaling = RopeScaling::Linear { factor: 0.0 }).contains("factor"));
    }
}
