//! The settings of a training.

use burn::tensor::{Device, FloatDType};
use serde::{Deserialize, Serialize};

use super::LoraConfig;
use crate::{ModelError, Precision};

/// What of the forward pass is computed again for the gradient instead of being kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recompute {
    /// Nothing: the quickest.
    #[default]
    Nothing,
    /// What is quick to compute, by burn's balanced checkpointing: matrix products and fused operations are kept.
    Cheap,
    /// Everything inside a block: the least memory, for about a third more time.
    Blocks,
}

/// How the learning rate falls after the warm-up, from its peak to [`TrainConfig::final_rate`] of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Along half a cosine.
    #[default]
    Cosine,
    /// Along a straight line.
    Linear,
    /// It stays at its peak.
    Constant,
}

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainConfig {
    /// Passes over the examples.
    pub epochs: usize,
    /// Sequences a step.
    pub batch: usize,
    /// Sequences in memory at a time: a larger batch is read in parts whose gradients are added up; 0 for the whole
    /// batch at once.
    pub micro_batch: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps over which it rises to that.
    pub warmup_steps: usize,
    /// How it falls after them.
    pub schedule: Schedule,
    /// Where it ends, as a share of the highest.
    pub final_rate: f64,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Largest norm of the whole gradient.
    pub grad_clip: f32,
    /// What to compute again for the gradient instead of keeping it; the outcome is the same.
    pub recompute: Recompute,
    /// In which numbers the model is computed.
    pub precision: Precision,
    /// Further devices that have a share of each batch, beside the model's.
    pub replicas: Vec<Device>,
    /// Low-rank adapters to train instead of the weights.
    pub lora: LoraConfig,
    /// Seed of the order of the examples, and of the adapters.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 1,
            batch: 16,
            micro_batch: 0,
            learning_rate: 1e-3,
            warmup_steps: 0,
            schedule: Schedule::Cosine,
            final_rate: 0.1,
            weight_decay: 0.05,
            grad_clip: 1.0,
            recompute: Recompute::Nothing,
            precision: Precision::F32,
            replicas: Vec::new(),
            lora: LoraConfig::default(),
            seed: 0,
        }
    }
}

impl TrainConfig {
    /// Checks what types cannot, for training on that device.
    pub(super) fn validate(&self, device: &Device) -> Result<(), ModelError> {
        let setting = |name, value: String, remedy| Err(ModelError::Setting { name, value, remedy });
        ModelError::require_some("epochs", self.epochs)?;
        ModelError::require_some("batch", self.batch)?;
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return setting("learning_rate", self.learning_rate.to_string(), "set it above 0, usually 1e-3");
        }
        if !(0.0..=1.0).contains(&self.final_rate) {
            return setting("final_rate", self.final_rate.to_string(), "set it between 0 and 1, usually 0.1");
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return setting("weight_decay", self.weight_decay.to_string(), "set it to 0 or above");
        }
        if self.grad_clip.is_nan() || self.grad_clip <= 0.0 {
            return setting("grad_clip", self.grad_clip.to_string(), "set it above 0, usually 1");
        }
        if self.precision == Precision::Bf16 && !device.supports_dtype(FloatDType::BF16) {
            return setting(
                "precision",
                "bf16".to_owned(),
                "this device cannot compute in it, so set it to f32",
            );
        }
        self.lora.validate()
    }
}
