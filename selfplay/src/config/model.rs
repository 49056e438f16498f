//! Settings of the model and of its trainings.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stp_model::{LoraConfig, ModelConfig, Precision, Recompute, Schedule, TrainConfig};

use super::Check;

/// Shape of the decoder; see `stp_model::ModelConfig`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelShape {
    /// The checkpoint that stage 1 begins with: a folder of Hugging Face, a `.gguf` file, or the name of a model that is
    /// fetched (`smollm2`). Then its shape and tokenizer count, and `max_seq` limits sequences. Empty: random weights.
    #[serde(default)]
    pub base: String,
    /// Entries of the tokenizer's vocabulary.
    pub vocab_size: usize,
    /// Decoder blocks.
    pub layers: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Inner width of the SwiGLU.
    pub ff: usize,
    /// Longest sequence, prompt and answer together, in tokens.
    pub max_seq: usize,
    /// Whether the output projection is the transposed embedding.
    #[serde(default = "yes")]
    pub tied_embeddings: bool,
    /// Whether query, key and value have biases, as in Qwen2.
    #[serde(default)]
    pub qkv_bias: bool,
}

fn yes() -> bool {
    true
}

impl ModelShape {
    /// The model of this shape with a vocabulary of `vocab_size`.
    pub fn config(&self, vocab_size: usize) -> ModelConfig {
        ModelConfig {
            vocab_size,
            layers: self.layers,
            width: self.width,
            heads: self.heads,
            kv_heads: self.kv_heads,
            ff: self.ff,
            max_seq: self.max_seq,
            tied_embeddings: self.tied_embeddings,
            qkv_bias: self.qkv_bias,
            ..ModelConfig::default()
        }
    }
}

/// One phase of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Passes over the examples.
    pub epochs: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Sequences a step.
    pub batch: usize,
    /// Sequences in memory at a time; gradients of the parts of a batch are added up (0: the whole batch at once).
    #[serde(default)]
    pub micro_batch: usize,
    /// Steps of linear warm-up.
    pub warmup_steps: usize,
    /// How the learning rate falls after them: `cosine`, `linear` or `constant`.
    #[serde(default)]
    pub schedule: Schedule,
    /// Where it ends, as a share of the peak; `constant` has no use for it.
    #[serde(default = "final_rate")]
    pub final_rate: f64,
    /// Low-rank adapters to train instead of all weights, and to add to them at the end: `rank` (0: none), `alpha`, and
    /// `projections` among `q_proj`, `k_proj`, `v_proj`, `o_proj`, `gate_proj`, `up_proj` and `down_proj`.
    #[serde(default)]
    pub lora: LoraConfig,
}

fn final_rate() -> f64 {
    TrainConfig::default().final_rate
}

impl Training {
    pub(super) fn checks(&self) -> Vec<Check> {
        vec![
            (self.batch > 0, "batch must be at least 1"),
            ((0.0..=1.0).contains(&self.final_rate), "final_rate must be between 0 and 1"),
            (self.lora.alpha.is_finite() && self.lora.alpha > 0.0, "lora.alpha must be above 0"),
            (
                self.lora.rank == 0 || !self.lora.projections.is_empty(),
                "lora.projections must name at least one projection",
            ),
        ]
    }
}

/// Who trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainingEngine {
    /// This program.
    #[default]
    Own,
    /// A command of the user's.
    Command,
}

/// Who trains, and how trainings use the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingMachine {
    /// Who trains: this program (`own`) or a command of yours (`command`).
    pub engine: TrainingEngine,
    /// That command, for `sh -c`; it finds in its environment where the training set is and where the model belongs.
    pub command: String,
    /// Minutes after which a training writes down how far it is, in a file beside its checkpoint from which a killed
    /// run goes on (0: never).
    pub state_minutes: f64,
    /// What to compute again for the gradient instead of keeping it, for less memory: `nothing`, `cheap` or `blocks`.
    pub recompute: Recompute,
    /// Numbers that a step is computed in, `f32` or `bf16`; weights are `f32` in any case.
    pub precision: Precision,
    /// Devices that share each batch, of the kind chosen with `--device`.
    pub devices: usize,
}

impl Default for TrainingMachine {
    fn default() -> Self {
        Self {
            engine: TrainingEngine::Own,
            command: String::new(),
            state_minutes: 5.0,
            recompute: Recompute::Nothing,
            precision: Precision::F32,
            devices: 1,
        }
    }
}

impl TrainingMachine {
    /// The time between two states; `None` if there are to be none.
    pub fn state_every(&self) -> Option<Duration> {
        (self.state_minutes > 0.0).then(|| Duration::from_secs_f64(60.0 * self.state_minutes))
    }

    pub(super) fn checks(&self) -> Vec<Check> {
        vec![
            (self.devices > 0, "training.devices must be at least 1"),
            (
                self.engine == TrainingEngine::Own || !self.command.trim().is_empty(),
                "training.command must say what to run where training.engine is \"command\"",
            ),
            (
                (0.0..=1e6).contains(&self.state_minutes),
                "training.state_minutes must be between 0 and a million",
            ),
        ]
    }
}
