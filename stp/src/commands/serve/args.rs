//! What `stp serve` can be asked for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use stp_selfplay::error::UsageError;

use crate::args::{LeanArgs, PrecisionArgs};

/// `stp serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    pub listen: String,
    /// A name besides localhost and the address by which it may be asked; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// The key that requests must bring as `Authorization: Bearer KEY` [default: none is needed].
    #[arg(long, value_name = "KEY", env = "STP_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
    /// Texts, proofs or samples that may wait; then requests are told to come again (429).
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub max_waiting: usize,
    /// Connections open at once; more are told to come again (503).
    #[arg(long, value_name = "N", default_value_t = 512)]
    pub max_connections: usize,
    /// What a client may take to send a request's head, to send its body, or to take the answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    pub read_timeout: f64,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
    /// What is served if no model is.
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// The model, if one is served.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// Lean and the judge.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Lean and the judge")]
pub struct JudgeArgs {
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// Wall-clock limit of judging one proof, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pub timeout: f64,
    /// Longest limit that a request gets for each of its Lean texts, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    pub max_timeout: f64,
    /// Lean's own limit (`maxHeartbeats`).
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub max_heartbeats: u64,
    /// Texts or proofs in one request.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_snippets: usize,
}

/// A model, as OpenAI's API has it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "A model in place of Lean")]
pub struct ModelArgs {
    /// Serve this model: a run's `checkpoints/final`, a folder of Hugging Face, a .gguf file, or the name of a model that is
    /// fetched, as `smollm2`.
    #[arg(
        long,
        value_name = "FOLDER|FILE|NAME",
        conflicts_with_all = ["workers", "timeout", "max_timeout", "max_heartbeats", "max_snippets"]
    )]
    pub model: Option<PathBuf>,
    /// The name by which the model is asked for [default: that of its folder or file].
    #[arg(long, value_name = "NAME", requires = "model")]
    pub model_name: Option<String>,
    /// Samples that are drawn at the same time, of all requests together.
    #[arg(long, value_name = "N", default_value_t = 64, requires = "model")]
    pub batch: usize,
    /// Memory for their keys and values in MiB (0: half of what is available, or 4 GiB on a GPU).
    #[arg(long, value_name = "MIB", default_value_t = 0, requires = "model")]
    pub cache_mb: usize,
    /// The longest sequence, prompt and answer together [default: the model's]. On a GPU each sample takes the memory of one.
    #[arg(long, value_name = "TOKENS", requires = "model", value_parser = clap::value_parser!(u32).range(2..))]
    pub max_seq: Option<u32>,
    /// Samples of one request: its prompts times `n`.
    #[arg(long, value_name = "N", default_value_t = 128, requires = "model")]
    pub max_samples: usize,
    /// Where the model runs: auto, cpu, wgpu or cuda.
    #[arg(long, env = "STP_DEVICE", default_value = "auto")]
    pub device: String,
    /// The model's numbers.
    #[command(flatten)]
    pub precision: PrecisionArgs,
}

/// The value of an option that is a time.
pub(super) fn seconds(option: &str, value: f64) -> Result<Duration, UsageError> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| UsageError(format!("{option} {value} is not a number of seconds, zero or more")))
}
