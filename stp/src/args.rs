//! Arguments of what makes, measures and shows runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{LeanArgs, SettingsArgs};
use crate::cost::Hardware;

/// `stp generate`.
#[derive(Clone, Debug, Args)]
pub struct GenerateArgs {
    /// The model: a run's `checkpoints/final`, or a folder of Hugging Face (Llama, Qwen2 or Qwen3).
    #[arg(value_name = "MODEL_FOLDER")]
    pub model: PathBuf,
    /// The prompt, with the special tokens that the model expects written out; `-` is standard input.
    #[arg(required_unless_present = "statement")]
    pub prompt: Option<String>,
    /// Ask for a proof, as self-play does, of the statement `(a b : Nat) : a + b = b + a` for example.
    #[arg(long, value_name = "SIGNATURE", conflicts_with = "prompt")]
    pub statement: Option<String>,
    /// Put the prompt into the model's chat template, as a user's message.
    #[arg(long, conflicts_with = "statement")]
    pub chat: bool,
    /// Samples.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1)]
    pub samples: u64,
    /// Softmax temperature; 0 takes the most likely token [default: the model's, or 1].
    #[arg(long)]
    pub temperature: Option<f32>,
    /// Only the most likely tokens that together have this probability [default: the model's, or 1].
    #[arg(long)]
    pub top_p: Option<f32>,
    /// Only so many of the most likely tokens; 0 for all [default: the model's, or 0].
    #[arg(long)]
    pub top_k: Option<usize>,
    /// Only tokens at least this part as likely as the most likely one.
    #[arg(long, default_value_t = 0.0)]
    pub min_p: f32,
    /// Memory for keys and values in MiB; with too little of it some samples wait (0: half of what is available).
    #[arg(long, value_name = "MIB", default_value_t = 0)]
    pub cache_mb: usize,
    /// Longest answer in tokens.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_tokens: usize,
    /// A text that ends an answer; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
    /// Seed of the first sample; the next ones count on.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Where the model runs: auto, cpu, wgpu or cuda.
    #[arg(long, env = "STP_DEVICE", default_value = "auto")]
    pub device: String,
    /// One JSON object for each answer: text, tokens, log-probability, whether it ended.
    #[arg(long)]
    pub json: bool,
}

/// `stp config`.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// `stp config ...`.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting of `stp train` with these options, and where its value comes from.
    Show(ConfigShowArgs),
}

/// `stp config show`.
#[derive(Clone, Debug, Args)]
pub struct ConfigShowArgs {
    /// The options that `train` would get.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// JSON in place of TOML.
    #[arg(long)]
    pub json: bool,
}

/// What samples and judges: the model's device and Lean's processes.
#[derive(Clone, Debug, Args)]
pub struct MachineArgs {
    /// Lean processes.
    #[arg(long)]
    pub workers: Option<usize>,
    /// Where the model runs: auto, cpu, wgpu or cuda.
    #[arg(long, env = "STP_DEVICE", default_value = "auto")]
    pub device: String,
    /// Plain log lines in place of progress bars.
    #[arg(long)]
    pub quiet: bool,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// `stp train`.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// What the run does.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The run's folder [default: runs/PRESET-METHOD-seedN].
    #[arg(long, value_name = "FOLDER")]
    pub run_dir: Option<PathBuf>,
    /// Judge on other machines: the NATS server (nats://HOST:4222) that their `stp worker` is connected to.
    #[arg(long, value_name = "URL")]
    pub verifier: Option<String>,
    /// The queue of that server.
    #[arg(long, value_name = "NAME", default_value = stp_verifier::queue::DEFAULT_QUEUE, requires = "verifier")]
    pub queue: String,
    /// What the run would need.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// What it runs on.
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// `stp train --plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// Start nothing: print the memory, tokens, checks, time and money that the run would need.
    #[arg(long)]
    pub plan: bool,
    /// The hardware to plan for [default: two cores for small models, a GPU of 80 GB for others].
    #[arg(long, value_enum, requires = "plan")]
    pub hardware: Option<Hardware>,
    /// Devices that work side by side.
    #[arg(long, value_name = "N", requires = "plan")]
    pub devices: Option<u32>,
    /// Memory of a device, in GB.
    #[arg(long, value_name = "GB", requires = "plan", default_value_t = 80.0)]
    pub device_memory: f64,
    /// Tokens a second that a device trains on.
    #[arg(long, value_name = "TOKENS/S", requires = "plan")]
    pub training_speed: Option<f64>,
    /// Tokens a second that a device samples.
    #[arg(long, value_name = "TOKENS/S", requires = "plan")]
    pub sampling_speed: Option<f64>,
    /// CPU seconds of a check in Lean.
    #[arg(long, value_name = "SECONDS", requires = "plan")]
    pub check_seconds: Option<f64>,
    /// Cores for Lean.
    #[arg(long, value_name = "N", requires = "plan")]
    pub verifier_cores: Option<u32>,
    /// Price of an hour of one device.
    #[arg(long, value_name = "MONEY", requires = "plan")]
    pub price: Option<f64>,
}

/// `stp experiment`.
#[derive(Clone, Debug, Args)]
pub struct ExperimentArgs {
    /// The experiment: a TOML file with arms, seeds and claims; see `experiments/`.
    #[arg(value_name = "FILE.toml")]
    pub file: PathBuf,
    /// Where tables and plots go [default: a folder beside the file, with its name].
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// Where its runs are [default: runs/NAME].
    #[arg(long, value_name = "FOLDER")]
    pub runs: Option<PathBuf>,
    /// Run nothing: write tables and plots of what is finished.
    #[arg(long)]
    pub report: bool,
    /// What it runs on.
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// `stp eval`.
#[derive(Clone, Debug, Args)]
pub struct EvalArgs {
    /// The run's folder.
    #[arg(long = "run", value_name = "RUN_FOLDER")]
    pub run_dir: PathBuf,
    /// The statements: `valid` or `test` of the run's corpus, or a file or folder that `data import` would take.
    #[arg(long, value_name = "NAME|FILE", default_value = "valid")]
    pub set: String,
    /// The k of pass@k, with commas between them.
    #[arg(short, long, value_name = "K,…", value_delimiter = ',', default_value = "1,4")]
    pub k: Vec<u32>,
    /// Samples of each statement [default: the largest k]; more make the estimates of smaller k sharper.
    #[arg(long, value_name = "N")]
    pub samples: Option<u32>,
    /// The model, by the name of its folder in `checkpoints/` [default: the last].
    #[arg(long, value_name = "NAME")]
    pub checkpoint: Option<String>,
    /// At most so many of the set's statements, evenly spread; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max: usize,
    /// One JSON object in place of a table.
    #[arg(long)]
    pub json: bool,
    /// What it runs on.
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// `stp report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The run's folder; several for a page that shows them side by side.
    #[arg(required = true, value_name = "RUN_FOLDER")]
    pub run_dirs: Vec<PathBuf>,
    /// Write a page with charts and all conjectures and proofs, for any browser, in place of the table.
    #[arg(short, long, value_name = "FILE.html")]
    pub output: Option<PathBuf>,
    /// Markdown in place of a drawn table.
    #[arg(long)]
    pub markdown: bool,
    /// One JSON object for each run in place of a table.
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
}

/// `stp dashboard`.
#[derive(Clone, Debug, Args)]
pub struct DashboardArgs {
    /// The run's folder; several to see them side by side.
    #[arg(required = true, value_name = "RUN_FOLDER")]
    pub run_dirs: Vec<PathBuf>,
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8001")]
    pub listen: String,
    /// A name besides localhost and the address by which it may be asked; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
}
