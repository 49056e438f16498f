//! The language model of the prover: a small decoder-only transformer with its tokenizer, batched
//! sampling, weighted supervised training and checkpoints. Knows nothing about Lean.
//!
//! # Example
//!
//! A model learns one answer by heart.
//!
//! ```
//! use std::ops::ControlFlow::Continue;
//! use stp_model::{Device, Example, Lm, ModelConfig, SampleConfig, SampleRequest, Special, Tokenizer, TrainConfig};
//!
//! let tokenizer = Tokenizer::train(&["1 + 1 = 2".to_owned()], Tokenizer::MIN_VOCAB)?;
//! let config = ModelConfig { vocab_size: tokenizer.vocab_size(), layers: 1, width: 32, heads: 2, ff: 64, ..ModelConfig::default() };
//! let prompt = tokenizer.encode("1 + 1 = ");
//! let target = [tokenizer.encode("2"), vec![Special::End.id()]].concat();
//! let examples = [Example { prompt: prompt.clone(), target, weight: 1.0 }];
//! let training = TrainConfig { epochs: 30, batch: 1, learning_rate: 1e-2, ..TrainConfig::default() };
//! let (model, report) = stp_model::train(Lm::init(&config, &Device::flex(), 0)?, &examples, &training, &mut |_| Continue(()))?;
//! assert!(report.last_loss < report.first_loss);
//!
//! let greedy = SampleConfig { temperature: 0.0, max_new_tokens: 8, ..SampleConfig::default() };
//! let request = SampleRequest { prompt, seeds: vec![0] };
//! stp_model::sample(&model, &[request], &greedy, &mut |completion| {
//!     assert_eq!(tokenizer.decode(&completion.tokens), "2");
//!     Continue(())
//! })?;
//! # Ok::<(), stp_model::ModelError>(())
//! ```

mod adopt;
mod agreement;
mod chat;
mod checkpoint;
mod companions;
mod config;
mod device;
mod embed;
mod error;
mod example;
mod gguf;
mod hf;
mod kernels;
mod memory;
mod nn;
mod package;
mod parallel;
mod peak;
mod pieces;
mod precision;
mod prompt;
mod remedy;
mod rope;
mod sample;
mod special;
mod stored;
mod tokenizer;
mod train;

pub use adopt::adopt;
pub use agreement::{Agreement, agreement};
pub use burn::tensor::Device;
pub use chat::Message;
pub use checkpoint::Checkpoint;
pub use config::ModelConfig;
pub use device::{DEVICE_NAMES, Numbers, further_devices, parse_device, parse_sampling_device};
pub use embed::embed;
pub use error::{DeviceError, ModelError};
pub use example::Example;
pub use memory::{peak_memory, reset_peak_memory};
pub use nn::Lm;
pub use package::{PACKAGES, Package, PackageError};
pub use peak::matmul_flops;
pub use precision::Precision;
pub use prompt::{Fields, Task, Writer, template_uses};
pub use rope::RopeScaling;
pub use sample::{
    Completion, Drawn, Engine, Grammar, Mask, Reader, SampleConfig, SampleRequest, SampleStats, StopWhen,
    Ticket, Told, sample,
};
pub use special::Special;
pub use tokenizer::{Part, Tokenizer};
pub use train::{
    BETAS, EPSILON, LoraConfig, Projection, Recompute, Schedule, StateFile, TrainConfig, TrainReport,
    TrainStep, eval_loss, train, train_resumable,
};
