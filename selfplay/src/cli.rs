//! The command line: what may be asked, and nothing of how it is done.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::data::DataArgs;
use crate::commands::export::ExportArgs;
use crate::config::Method;
use crate::cost::Hardware;

const EXAMPLES: &str = "\
To begin with:
  stp                                       train the small model; Ctrl-C stops, the same command goes on
  stp dashboard runs/tiny-stp-seed0         watch it in a browser
  stp report runs/tiny-stp-seed0            the table of that run; with -o FILE.html a page of charts
  stp export runs/tiny-stp-seed0 -o proofs  its proofs as a data set

  stp verify MyProofs.lean                  judge a Lean file, without any model
  stp config show --rounds 5                all settings of `stp --rounds 5`, and where each comes from

Lean is installed by the first command that needs it. `stp help COMMAND` says more of a command.";

/// Self-play theorem proving in Lean 4.
///
/// A language model writes new statements and proofs of them, Lean judges the proofs, and the model learns from what
/// was barely provable. Without a command it does just that, with a small model, in about ten minutes:
/// `stp` is `stp train --preset tiny`.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
#[command(name = "stp", version, propagate_version = true, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `train`, for when no command is named.
    #[command(flatten)]
    pub train: TrainArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play self-play rounds, or go on with a run that was interrupted.
    Train(TrainArgs),
    /// Continue a prompt with a model: any checkpoint of a run, or of Hugging Face.
    Generate(GenerateArgs),
    /// The settings of a run: their values, and where each comes from.
    Config(ConfigArgs),
    /// Measure a checkpoint of a run: pass@k with intervals on held-out statements or a file of others.
    Eval(EvalArgs),
    /// Compare methods: run a matrix of arms and seeds, and write a table and a plot for each claim.
    Experiment(ExperimentArgs),
    /// Show the table of a run, finished or not, or make a page of charts of it.
    Report(ReportArgs),
    /// Show a run in the browser while it goes on: the page of `report`, always up to date.
    Dashboard(DashboardArgs),
    /// Judge proofs: JSON lines {"id", "statement", "proof"} or a Lean file in, verdicts out.
    Verify(VerifyArgs),
    /// The Lean toolchain that is used.
    Toolchain(ToolchainArgs),
    /// The corpus.
    Corpus(CorpusArgs),
    /// Import statements of others, look for duplicates, say what a ledger holds.
    Data(DataArgs),
    /// Export what a run found: proofs, conjectures, attempts, training sets, preferences.
    Export(ExportArgs),
    /// Answer over HTTP: Lean texts as the Kimina Lean server does, and verdicts on proofs.
    Serve(ServeArgs),
    /// Judge proofs for other machines, which ask through a NATS server.
    Worker(WorkerArgs),
    /// Measure how fast this machine judges.
    Bench(BenchArgs),
    /// Print a script that completes the command line of a shell.
    Completions(CompletionsArgs),
    /// Print the manual page of stp, or of a command: `stp man verify | man -l -`.
    Man(ManArgs),
}

/// Which Lean to use.
#[derive(Clone, Debug, Default, Args)]
pub struct LeanArgs {
    /// A `lean` program to use instead of the managed one.
    #[arg(long, value_name = "PATH", env = "STP_LEAN")]
    pub lean: Option<PathBuf>,
    /// A Lake project whose `lake env lean` is to be used (needs elan or lake).
    #[arg(long, value_name = "FOLDER")]
    pub project: Option<PathBuf>,
    /// Where the managed Lean is kept [default: the user's cache folder].
    #[arg(long, value_name = "FOLDER", env = "STP_HOME")]
    pub home: Option<PathBuf>,
    /// Ask Lean again even where an earlier run got an answer.
    #[arg(long)]
    pub no_cache: bool,
}

/// What a run does: each option replaces what the environment, the file and the preset say.
#[derive(Clone, Debug, Args)]
pub struct SettingsArgs {
    /// Settings to start from: `tiny`, `smoke`, `small`, `deepseek-prover-7b` or `kimina-1.5b`.
    #[arg(long, env = "STP_PRESET", default_value = "tiny")]
    pub preset: String,
    /// A TOML file whose keys replace the preset's.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is done with the proofs that were found.
    #[arg(long, value_enum)]
    pub method: Option<Method>,
    /// Seed of all randomness.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Rounds of self-play.
    #[arg(long)]
    pub rounds: Option<u32>,
    /// `core`, or a `.jsonl` file or a folder of them.
    #[arg(long)]
    pub corpus: Option<String>,
    /// Any setting, for example `--set sampling.temperature=0.9`; `stp config show` lists them.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

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

/// `stp train`.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// What the run does.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Lean processes.
    #[arg(long)]
    pub workers: Option<usize>,
    /// The run's folder [default: runs/PRESET-METHOD-seedN].
    #[arg(long, value_name = "FOLDER")]
    pub run_dir: Option<PathBuf>,
    /// Where the model runs: auto, cpu, wgpu or cuda.
    #[arg(long, env = "STP_DEVICE", default_value = "auto")]
    pub device: String,
    /// Judge on other machines: the NATS server (nats://HOST:4222) that their `stp worker` is connected to.
    #[arg(long, value_name = "URL")]
    pub verifier: Option<String>,
    /// The queue of that server.
    #[arg(long, value_name = "NAME", default_value = stp_verifier::queue::DEFAULT_QUEUE, requires = "verifier")]
    pub queue: String,
    /// Plain log lines in place of progress bars.
    #[arg(long)]
    pub quiet: bool,
    /// What the run would need.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
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
}

/// `stp verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// JSON lines {"id", "statement", "proof", "header"?}, or a `.lean` file; `-` is standard input [default].
    pub file: Option<PathBuf>,
    /// Where the verdicts go; a file that holds the first of them is gone on with [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Begin the output file anew.
    #[arg(long)]
    pub overwrite: bool,
    /// A file with the Lean text that stands before each theorem whose row brings no header.
    #[arg(long, value_name = "FILE")]
    pub header: Option<PathBuf>,
    /// Exit code 1 unless every row is proved.
    #[arg(long)]
    pub all_must_pass: bool,
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// Wall-clock limit of one check, in seconds.
    #[arg(long, default_value_t = 10.0)]
    pub timeout: f64,
    /// A Lean process that grows over this is replaced, in MiB.
    #[arg(long, value_name = "MB", default_value_t = 1536)]
    pub memory_mb: u64,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// `stp completions`.
#[derive(Clone, Copy, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell, for example `stp completions bash > /etc/bash_completion.d/stp`.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `stp man`.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The command, for example `train`, or `data import` in two words.
    pub command: Vec<String>,
}

/// `stp bench`.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// What to measure.
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// What can be measured.
#[derive(Clone, Debug, Subcommand)]
pub enum BenchCommand {
    /// Verdicts a second and their CPU time, beside Lean's own work and one Lean process for each proof.
    Verifier(BenchVerifierArgs),
    /// Tokens a second of training and sampling on the processor, beside PyTorch on the same machine.
    Model(BenchModelArgs),
}

/// `stp bench model`.
#[derive(Clone, Debug, Args)]
pub struct BenchModelArgs {
    /// Shapes of models: tiny, 100m [default: both].
    #[arg(value_name = "SHAPE")]
    pub shapes: Vec<String>,
    /// How long each figure is measured.
    #[arg(long, value_name = "S", default_value_t = 20.0)]
    pub seconds: f64,
    /// A Python with torch and transformers [default: one is made, once, in `STP_HOME`].
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// Measure this program alone.
    #[arg(long)]
    pub no_pytorch: bool,
    /// One JSON object in place of a table.
    #[arg(long)]
    pub json: bool,
    /// Where that Python is kept [default: the user's cache folder].
    #[arg(long, value_name = "FOLDER", env = "STP_HOME")]
    pub home: Option<PathBuf>,
}

/// `stp bench verifier`.
#[derive(Clone, Debug, Args)]
pub struct BenchVerifierArgs {
    /// Candidates, made of the corpus' proofs; half of them are wrong.
    #[arg(long, default_value_t = 2000)]
    pub candidates: usize,
    /// One JSON object in place of a table.
    #[arg(long)]
    pub json: bool,
    /// How many of them also get a Lean process each, which takes seconds.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub one_process_each: usize,
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// `stp toolchain`.
#[derive(Clone, Debug, Args)]
pub struct ToolchainArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: ToolchainCommand,
    /// One JSON object in place of lines.
    #[arg(long, global = true)]
    pub json: bool,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// `stp toolchain ...`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ToolchainCommand {
    /// Say which Lean would be used, and why.
    Status,
    /// Install the managed Lean now.
    Install,
}

/// `stp corpus`.
#[derive(Clone, Debug, Args)]
pub struct CorpusArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: CorpusCommand,
}

/// `stp corpus ...`.
#[derive(Clone, Debug, Subcommand)]
pub enum CorpusCommand {
    /// Check a corpus in Lean: statements elaborate, are distinct, and their proofs hold.
    Check(CorpusCheckArgs),
    /// Write the theorems of Lean's own library as a corpus, each with its name as the proof: what the built-in
    /// corpus `library` was made with.
    Library(CorpusLibraryArgs),
}

/// `stp corpus library`.
#[derive(Clone, Debug, Args)]
pub struct CorpusLibraryArgs {
    /// The file to write, one JSON object a line.
    #[arg(short, long, value_name = "FILE.jsonl")]
    pub output: PathBuf,
    /// Whose theorems, separated by commas; `_root_` stands for names without a dot.
    #[arg(long, value_delimiter = ',', value_name = "NAMES", default_value = LIBRARY_NAMESPACES)]
    pub namespaces: Vec<String>,
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// What the built-in corpus speaks of.
const LIBRARY_NAMESPACES: &str =
    "_root_,And,Bool,Classical,Decidable,Eq,Exists,Function,Iff,Int,List,Nat,Ne,Not,Option,Or,Prod";

/// `stp corpus check`.
#[derive(Clone, Debug, Args)]
pub struct CorpusCheckArgs {
    /// `core`, or a `.jsonl` file or a folder of them.
    #[arg(default_value = "core")]
    pub corpus: String,
    /// One JSON object in place of lines.
    #[arg(long)]
    pub json: bool,
    /// Also try the single tactics of `closed_by` and compare.
    #[arg(long)]
    pub tactics: bool,
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// `stp serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    pub listen: String,
    /// The key that requests must bring as `Authorization: Bearer KEY` [default: none is needed].
    #[arg(long, value_name = "KEY", env = "STP_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
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
    /// Texts and proofs that may wait; then requests are told to come again (429).
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub max_waiting: usize,
    /// Texts or proofs in one request.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_snippets: usize,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// `stp worker`.
#[derive(Clone, Debug, Args)]
pub struct WorkerArgs {
    /// The NATS server: nats://HOST:4222, with USER:PASSWORD@ before the host if it asks for them.
    #[arg(long, value_name = "URL", env = "STP_NATS", hide_env_values = true)]
    pub nats: String,
    /// The queue of that server, the same for workers and clients.
    #[arg(long, value_name = "NAME", default_value = stp_verifier::queue::DEFAULT_QUEUE)]
    pub queue: String,
    /// Lean processes.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn no_command_means_train() {
        let cli = Cli::try_parse_from(["stp", "--seed", "3"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!((cli.train.settings.seed, cli.train.settings.preset.as_str()), (Some(3), "tiny"));
    }
}
