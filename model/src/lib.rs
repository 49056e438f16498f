//! The language model of the prover: a small decoder-only transformer with its tokenizer, batched
//! sampling, weighted supervised training and checkpoints. Knows nothing about Lean.

mod checkpoint;
mod config;
mod device;
mod error;
mod nn;
mod parallel;
mod sample;
mod tokenizer;
mod train;

pub use burn::tensor::Device;
pub use checkpoint::Checkpoint;
pub use config::ModelConfig;
pub use device::{DEVICE_NAMES, DeviceError, parse_device};
pub use error::ModelError;
pub use nn::Lm;
pub use sample::{Completion, SampleConfig, SampleRequest, SampleStats, sample};
pub use tokenizer::{Special, Tokenizer};
pub use train::{Example, TrainConfig, TrainReport, TrainStep, eval_loss, train};
