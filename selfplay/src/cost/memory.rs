//! Bytes that training and sampling keep at the same time. Everything is computed in 32-bit numbers.

use stp_model::{ModelConfig, Recompute};

use crate::config::RunConfig;

/// Bytes of a number.
const NUMBER: u64 = 4;

/// Memory on the device, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The weights.
    pub weights: u64,
    /// Their gradients, while training.
    pub gradients: u64,
    /// AdamW's two moments of each weight, while training.
    pub optimiser: u64,
    /// What the backward pass needs of the forward pass, for as many of the longest sequences as are in memory at a time.
    pub activations: u64,
    /// Keys and values of a full batch of the longest sequences, while sampling.
    pub kv_cache: u64,
}

impl Memory {
    /// While training.
    pub fn training(&self) -> u64 {
        self.weights + self.gradients + self.optimiser + self.activations
    }

    /// While sampling.
    pub fn sampling(&self) -> u64 {
        self.weights + self.kv_cache
    }

    /// Whatever is larger.
    pub fn peak(&self) -> u64 {
        self.training().max(self.sampling())
    }
}

/// The memory of a model under the settings of a run.
pub fn memory(model: &ModelConfig, config: &RunConfig) -> Memory {
    let weights = NUMBER * model.parameters() as u64;
    let sequences = |training: &crate::config::Training| match training.micro_batch {
        0 => training.batch,
        some => some.min(training.batch),
    };
    let phases = [&config.stage1, &config.round, &config.retraining];
    let tokens = phases.iter().map(|phase| sequences(phase)).max().unwrap_or_default() * model.max_seq;
    let of_phase = |training: &crate::config::Training| match training.lora.rank {
        0 => model.parameters(),
        _ => training.lora.parameters(model),
    };
    let trained = NUMBER * phases.into_iter().map(of_phase).max().unwrap_or_default() as u64;
    let cached = config.sampling.batch as u64 * model.max_seq as u64;
    Memory {
        weights,
        gradients: trained,
        optimiser: 2 * trained,
        activations: NUMBER * tokens as u64 * activations_of_token(model, config.training.recompute),
        kv_cache: NUMBER * cached * (2 * model.layers * model.kv_heads * model.head_dim()) as u64,
    }
}

/// Numbers that the backward pass needs of one token of a sequence of the greatest length.
///
/// For each block: the two norms' inputs and outputs and the two sums of the residual stream (6 widths), query, key, value
/// and what attention gives, the scores and their softmax against every earlier token, and gate, up, their product and
/// the activated gate. At the end logits and their logarithmic softmax. Recomputed block by block, there is one such block
/// at a time, and of the others only what goes in. What the other ways of training save is not counted.
fn activations_of_token(model: &ModelConfig, recompute: Recompute) -> u64 {
    let query = model.heads * model.head_dim();
    let kv = model.kv_heads * model.head_dim();
    let block = 6 * model.width + 2 * query + 2 * kv + 2 * model.heads * model.max_seq + 4 * model.ff;
    let blocks = match recompute {
        Recompute::Blocks => model.layers * model.width + block,
        Recompute::Nothing | Recompute::Cheap => model.layers * block,
    };
    (blocks + 2 * model.vocab_size) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_billion_parameters_take_sixteen_bytes_each_to_train() {
        let config = RunConfig::load("deepseek-prover-7b", None).unwrap();
        let model = config.model.config(config.model.vocab_size);
        let memory = memory(&model, &config);
        // deepseek-ai/DeepSeek-Prover-V1.5 has 6.91 billion.
        assert!((model.parameters() as f64 / 6.91e9 - 1.0).abs() < 0.005, "{}", model.parameters());
        assert_eq!(memory.weights + memory.gradients + memory.optimiser, 16 * model.parameters() as u64);
        assert!(memory.training() > 110_000_000_000 && memory.peak() == memory.training());
    }

    #[test]
    fn the_cache_holds_two_numbers_for_each_layer_head_and_token() {
        let config = RunConfig::load("kimina-1.5b", None).unwrap();
        let model = config.model.config(config.model.vocab_size);
        // Qwen2.5-1.5B: 28 layers, 2 key and value heads of 128.
        let token = 4 * 2 * 28 * 2 * 128;
        let expected = token * config.sampling.batch as u64 * config.model.max_seq as u64;
        assert_eq!(memory(&model, &config).kv_cache, expected);
        assert!((model.parameters() as f64 / 1.544e9 - 1.0).abs() < 0.005, "{}", model.parameters());
        assert!(memory(&model, &config).peak() < 80_000_000_000, "it is for one 80 GB device");
    }

    #[test]
    fn adapters_need_no_more_than_their_own_moments_and_blocks_little_more_than_one_of_them() {
        let mut config = RunConfig::load("small", None).unwrap();
        let model = config.model.config(config.model.vocab_size);
        let whole = memory(&model, &config);
        for training in [&mut config.stage1, &mut config.round, &mut config.retraining] {
            training.lora.rank = 4;
        }
        config.training.recompute = Recompute::Blocks;
        let less = memory(&model, &config);
        assert!(less.gradients * 8 < whole.gradients && less.optimiser == 2 * less.gradients);
        assert!(less.activations < whole.activations && less.weights == whole.weights);
    }

    #[test]
    fn smaller_parts_of_a_batch_need_less() {
        let mut config = RunConfig::load("tiny", None).unwrap();
        let model = config.model.config(config.model.vocab_size);
        let whole = memory(&model, &config).activations;
        for training in [&mut config.stage1, &mut config.round, &mut config.retraining] {
            training.micro_batch = 4;
        }
        assert_eq!(memory(&model, &config).activations * 4, whole);
    }
}
