//! Arguments of what needs no run: the judge, its servers, corpora, benchmarks.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::LeanArgs;

/// What `stp verify --help` says at its end.
const VERIFY_HELP: &str = "\
Verdicts:
  proved           Lean accepted exactly this statement, with no axiom beyond the three standard ones
  failed           Lean did not accept the proof, or it proves another statement
  rejected         it uses what no proof may: sorry, an axiom of its own, code that runs, a command
  statement_error  the statement or its header does not elaborate
  timeout          the check took longer than --timeout
  crashed          the Lean process died on it; another try may end otherwise

Exit codes:
  0    done (with --all-must-pass: and all is proved)
  1    with --all-must-pass: something is not proved, or there was nothing to judge; Lean or a file failed
  2    the command line asks for something that is not there
  130  stopped by Ctrl-C; with -o the same command goes on

docs/verifier.md lists all columns that are known, and what each format holds.";

/// `stp verify`.
#[derive(Clone, Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub struct VerifyArgs {
    /// `.lean` files, rows {"id", "statement", "proof", "header"?} as JSON lines, JSON or Parquet, or folders of such
    /// files; `-` is standard input [default], as rows or as Lean text.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where the verdicts go; what such a file holds already is judged again only where it changed [default: standard
    /// output].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How verdicts are written.
    #[arg(long, value_enum, default_value = "jsonl")]
    pub format: VerifyFormat,
    /// Begin the output file anew.
    #[arg(long)]
    pub overwrite: bool,
    /// A file with the Lean text that stands before each theorem whose row brings no header.
    #[arg(long, value_name = "FILE")]
    pub header: Option<PathBuf>,
    /// A column by name, for example `--map proof=response`; again for each of id, statement, header, proof, code.
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub map: Vec<String>,
    /// Standard input is Lean text, however it begins.
    #[arg(long)]
    pub lean_text: bool,
    /// Exit code 1 unless every theorem and row is proved, and there is one.
    #[arg(long)]
    pub all_must_pass: bool,
    /// Say nothing on standard error but errors.
    #[arg(short, long)]
    pub quiet: bool,
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

/// A format of verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VerifyFormat {
    /// One JSON object a line; an output file that holds some of them is gone on with.
    Jsonl,
    /// Workflow commands that GitHub shows beside the lines at fault.
    Github,
    /// XML as of JUnit, which most build servers read.
    Junit,
    /// A SARIF 2.1.0 log, for code scanning.
    Sarif,
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
    /// Tokens a second of training and sampling, beside PyTorch on the same machine.
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
    /// What computes: auto, cpu, wgpu or cuda; PyTorch takes CUDA for any but the processor.
    #[arg(long, default_value = "cpu")]
    pub device: String,
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
    /// `core`, `library`, or a `.jsonl` file or a folder of them.
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
    /// A name besides localhost and the address by which it may be asked; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
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
    /// Connections open at once; more are told to come again (503).
    #[arg(long, value_name = "N", default_value_t = 512)]
    pub max_connections: usize,
    /// What a client may take to send a request's head, to send its body, or to take the answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    pub read_timeout: f64,
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
