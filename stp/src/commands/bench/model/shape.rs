//! What is measured: models, batches, and the figures of each.

use serde::{Deserialize, Serialize};
use stp_model::{Device, ModelConfig};

/// Sequences of a training step, and their tokens.
pub(super) const TRAIN_BATCH: usize = 16;
pub(super) const TRAIN_LENGTH: usize = 128;
/// Tokens of the prompt, its samples, and the tokens of each.
pub(super) const PROMPT: usize = 64;
pub(super) const SAMPLES: usize = 64;
pub(super) const NEW_TOKENS: usize = 64;
/// Not a token of any model below, so that every completion has full length.
pub(super) const NEVER: u32 = u32::MAX;

/// Tokens a second of one implementation, for one shape.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Speed {
    pub training: f64,
    pub sampling: f64,
}

/// What this program did.
#[derive(Serialize)]
pub(super) struct Own {
    pub speed: Speed,
    /// Bytes of memory that each took at its peak, over what the program had before.
    pub training_memory: Option<u64>,
    pub sampling_memory: Option<u64>,
}

/// What `pytorch.py` prints.
#[derive(Serialize, Deserialize)]
pub(super) struct Other {
    pub version: String,
    pub flops: f64,
    /// In 32 bits.
    pub shapes: Vec<Speed>,
    /// With its autocast to bfloat16.
    pub half: Vec<Speed>,
}

/// A model that is measured.
#[derive(Serialize)]
pub(super) struct Shape {
    pub name: &'static str,
    pub parameters: usize,
    #[serde(skip)]
    pub config: ModelConfig,
}

/// The models that there are figures of.
pub(super) fn shapes() -> Vec<Shape> {
    let tiny = ModelConfig { max_seq: 320, ..ModelConfig::default() };
    let large = ModelConfig {
        vocab_size: 32_000,
        layers: 12,
        width: 768,
        heads: 12,
        kv_heads: 12,
        ff: 2048,
        max_seq: 1024,
        ..ModelConfig::default()
    };
    // SmolLM2-135M's.
    let deep = ModelConfig {
        vocab_size: 49_152,
        layers: 30,
        width: 576,
        heads: 9,
        kv_heads: 3,
        ff: 1536,
        max_seq: 1024,
        ..ModelConfig::default()
    };
    let shape = |name, config: ModelConfig| Shape { name, parameters: config.parameters(), config };
    vec![shape("tiny", tiny), shape("100m", large), shape("smollm2", deep)]
}

/// Whether a device is the processor.
pub(super) fn on_processor(device: &Device) -> bool {
    *device == Device::flex()
}
