//! Bytes on the device that training and sampling keep at the same time.

use stp_model::{ModelConfig, Numbers, Precision, Recompute};
use stp_selfplay::config::{Engine, RunConfig, Training, TrainingEngine};

/// Bytes of a 32-bit number.
const NUMBER: u64 = 4;

/// Memory on the device, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The weights while training: 32-bit numbers, and 16-bit ones where a command trains.
    pub weights: u64,
    /// The weights while sampling, as 32-bit numbers; with a rounded copy where products are of 16 bits. Where servers sample
    /// as well: the run reads each checkpoint itself, for its tokenizer and its trainings.
    pub sampled: u64,
    /// Their copy in 16 bits, while training in `bf16`.
    pub half_weights: u64,
    /// Gradients of what is trained; twice where the parts of a batch are added up.
    pub gradients: u64,
    /// AdamW's two moments of each trained weight, and its 32-bit copy where a command trains.
    pub optimiser: u64,
    /// What the backward pass needs of the forward pass, for as many of the longest sequences as are in memory at a time.
    pub activations: u64,
    /// Keys and values of a full batch of the longest sequences, while sampling.
    pub kv_cache: u64,
    /// What each server that samples needs at least, none where the run samples itself: the weights as 16-bit numbers, and
    /// so the keys and values of the longest sequences that it is asked for at a time.
    pub server: u64,
    /// Whether devices share weights, gradients and moments while training, as FSDP and ZeRO do.
    pub shared: bool,
}

impl Memory {
    /// While training.
    pub fn training(&self) -> u64 {
        self.weights + self.half_weights + self.gradients + self.optimiser + self.activations
    }

    /// While training, on each of so many devices.
    pub fn training_on(&self, devices: u64) -> u64 {
        let devices = if self.shared { devices.max(1) } else { 1 };
        (self.training() - self.activations) / devices + self.activations
    }

    /// While sampling.
    pub fn sampling(&self) -> u64 {
        self.sampled + self.kv_cache
    }

    /// Whatever is larger, on each of so many devices.
    pub fn peak(&self, devices: u64) -> u64 {
        self.training_on(devices).max(self.sampling())
    }
}

/// Memory of a model that is only sampled from, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplingMemory {
    /// Its weights.
    pub weights: u64,
    /// Keys and values of all texts at their ends.
    pub cache: u64,
}

/// The memory of sampling `batch` texts of so many tokens at the same time.
pub fn sampling_memory(model: &ModelConfig, numbers: Numbers, batch: usize, tokens: usize) -> SamplingMemory {
    let bytes = |count: usize| (numbers.bytes() * count) as u64;
    SamplingMemory {
        weights: bytes(model.parameters()),
        cache: bytes(batch * tokens * model.cached_numbers()),
    }
}

/// The memory of a model under the settings of a run: that of the training that needs most.
pub fn memory(model: &ModelConfig, config: &RunConfig) -> Memory {
    let trainings = [&config.stage1, &config.round, &config.retraining];
    let largest = trainings.map(|training| while_training(model, config, training)).into_iter();
    let most = largest.max_by_key(Memory::training).unwrap_or_default();
    let own = sampling_memory(model, Numbers::F32, config.sampling.batch, model.max_seq);
    let served = sampling_memory(model, Numbers::F16, config.sampling.server.concurrency, model.max_seq);
    let limit = match (config.sampling.engine, config.sampling.cache_mb) {
        // Servers have their own.
        (Engine::Openai, _) => 0,
        (Engine::Own, 0) => u64::MAX,
        (Engine::Own, some) => (some as u64) << 20,
    };
    let (sampled, server) = match config.sampling.engine {
        Engine::Openai => (own.weights, served.weights + served.cache),
        Engine::Own if config.sampling.precision == Precision::Bf16 => (own.weights + own.weights / 2, 0),
        Engine::Own => (own.weights, 0),
    };
    Memory { kv_cache: own.cache.min(limit), sampled, server, ..most }
}

/// What trainers of large models usually keep: AdamW in mixed precision, 16 bytes for each trained weight, and of each
/// block's activations what goes in. What a command really keeps is its own affair.
fn while_a_command_trains(model: &ModelConfig, training: &Training) -> Memory {
    const HALF: u64 = NUMBER / 2;
    let trained = trained(model, training);
    let tokens = in_memory(training) as u64 * model.max_seq as u64;
    Memory {
        weights: HALF * model.parameters() as u64,
        gradients: HALF * trained,
        optimiser: 3 * NUMBER * trained,
        activations: HALF * tokens * activations_of_token(model, Recompute::Blocks),
        shared: true,
        ..Memory::default()
    }
}

/// Weights that are trained: all, or those of the adapters.
fn trained(model: &ModelConfig, training: &Training) -> u64 {
    match training.lora.rank {
        0 => model.parameters() as u64,
        _ => training.lora.parameters(model) as u64,
    }
}

fn while_training(model: &ModelConfig, config: &RunConfig, training: &Training) -> Memory {
    if config.training.engine == TrainingEngine::Command {
        return while_a_command_trains(model, training);
    }
    let (weights, trained) = (model.parameters() as u64, trained(model, training));
    let half = config.training.precision == Precision::Bf16;
    let at_a_time = in_memory(training);
    let copies = if at_a_time < training.batch { 2 } else { 1 };
    let tokens = at_a_time as u64 * model.max_seq as u64;
    let number = if half { NUMBER / 2 } else { NUMBER };
    Memory {
        weights: NUMBER * weights,
        half_weights: if half { NUMBER / 2 * weights } else { 0 },
        gradients: copies * NUMBER * trained,
        optimiser: 2 * NUMBER * trained,
        activations: number * tokens * activations_of_token(model, config.training.recompute),
        ..Memory::default()
    }
}

/// Sequences of a training that are in memory at a time.
pub fn in_memory(training: &Training) -> usize {
    if training.micro_batch == 0 { training.batch } else { training.micro_batch.min(training.batch) }
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

    fn of(preset: &str, change: impl FnOnce(&mut RunConfig)) -> (ModelConfig, Memory) {
        let mut config = RunConfig::load(preset, None).unwrap();
        change(&mut config);
        let model = config.model.config(config.model.vocab_size);
        let memory = memory(&model, &config);
        (model, memory)
    }

    #[test]
    fn seven_billion_parameters_do_not_train_on_one_device() {
        let (model, memory) = of("deepseek-prover-7b", |config| {
            (config.training.engine, config.training.precision) = (TrainingEngine::Own, Precision::F32);
        });
        // deepseek-ai/DeepSeek-Prover-V1.5 has 6.91 billion. Weights, gradients twice, and two moments.
        assert!((model.parameters() as f64 / 6.91e9 - 1.0).abs() < 0.005, "{}", model.parameters());
        let per_weight = memory.weights + memory.gradients + memory.optimiser;
        assert_eq!(per_weight, 20 * model.parameters() as u64);
        assert!(memory.training() > 138_000_000_000 && memory.peak(8) == memory.training());
    }

    #[test]
    fn a_command_shares_seven_billion_over_devices() {
        let (model, memory) = of("deepseek-prover-7b", |_| {});
        let per_weight = memory.weights + memory.gradients + memory.optimiser;
        assert_eq!((per_weight, memory.shared), (16 * model.parameters() as u64, true));
        assert_eq!(memory.training_on(8), per_weight / 8 + memory.activations);
        assert!(
            memory.training_on(1) > 80_000_000_000 && memory.training_on(8) < 60_000_000_000,
            "{memory:?}"
        );
    }

    #[test]
    fn the_cache_holds_two_numbers_for_each_layer_head_and_token() {
        let own = |config: &mut RunConfig| config.sampling.engine = Engine::Own;
        let (model, memory) = of("kimina-1.5b", own);
        // Qwen2.5-1.5B: 28 layers, 2 key and value heads of 128.
        assert_eq!(memory.kv_cache, 4 * 2 * 28 * 2 * 128 * 64 * 9216);
        assert!((model.parameters() as f64 / 1.544e9 - 1.0).abs() < 0.005, "{}", model.parameters());
        assert!(memory.peak(1) < 80_000_000_000, "it is for one 80 GB device: {memory:?}");
        assert!(memory.training() < 40_000_000_000, "which also holds a server: {memory:?}");
        let limited = |config: &mut RunConfig| {
            own(config);
            config.sampling.cache_mb = 100;
        };
        assert_eq!(of("kimina-1.5b", limited).1.kv_cache, 100 << 20);
        let (_, served) = of("kimina-1.5b", |_| {});
        let loaded = 4 * model.parameters() as u64;
        assert_eq!(
            (served.kv_cache, served.sampled),
            (0, loaded),
            "a server samples, and the run reads it too"
        );
        assert_eq!(served.sampling(), loaded);
        let (_, served) = of("kimina-1.5b", |config| config.sampling.server.concurrency = 3);
        let cache = 3 * 9216 * 2 * 28 * 2 * 128;
        assert_eq!(
            served.server,
            2 * (model.parameters() as u64 + cache),
            "16 bits of each weight, and of three"
        );
        assert_eq!(memory.server, 0, "no server is asked");
    }

    #[test]
    fn seven_billion_parameters_are_sampled_on_24_gigabytes_in_16_bits() {
        let config = RunConfig::load("deepseek-prover-7b", None).unwrap();
        let model = config.model.config(config.model.vocab_size);
        let [half, whole] = [Numbers::F16, Numbers::F32].map(|numbers| {
            let SamplingMemory { weights, cache } = sampling_memory(&model, numbers, 8, 2048);
            (weights + cache) as f64 / 1e9
        });
        assert!(half < 23.0 && half > 20.0 && whole > 40.0, "{half} {whole}");
    }

    #[test]
    fn smaller_parts_adapters_and_half_precision_need_less() {
        let (_, whole) = of("tiny", |_| {});
        let all = |change: fn(&mut Training)| {
            move |config: &mut RunConfig| {
                [&mut config.stage1, &mut config.round, &mut config.retraining].into_iter().for_each(change);
            }
        };
        let (_, parts) = of("tiny", all(|training| training.micro_batch = 4));
        assert_eq!((parts.activations * 4, parts.gradients), (whole.activations, 2 * whole.gradients));
        let (_, half) = of("tiny", |config| config.training.precision = Precision::Bf16);
        assert_eq!((half.activations * 2, half.half_weights * 2), (whole.activations, whole.weights));
        let (_, rounded) = of("tiny", |config| config.sampling.precision = Precision::Bf16);
        assert_eq!(rounded.sampled, whole.sampled + whole.sampled / 2);
        let (model, adapted) = of("tiny", all(|training| training.lora.rank = 2));
        // Query and output 192 + 192, key and value 192 + 64, gate, up and down 192 + 512; three blocks.
        assert_eq!(adapted.optimiser, 8 * 3 * 2 * (2 * 384 + 2 * 256 + 3 * 704));
        assert_eq!((model.layers, adapted.weights), (3, whole.weights));
        let (_, blocks) = of("tiny", |config| config.training.recompute = Recompute::Blocks);
        assert!(2 * blocks.activations < whole.activations && blocks.weights == whole.weights);
    }
}
