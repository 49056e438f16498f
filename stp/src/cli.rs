//! The command line: what may be asked, and nothing of how it is done.

mod runs;
mod tools;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::runs::*;
pub use self::tools::*;
use crate::commands::data::DataArgs;
use crate::commands::export::ExportArgs;
use crate::config::Method;

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
    /// A program of the Lean community's REPL, for --lean or --project: it looks at proofs before they are judged.
    #[arg(long, value_name = "PATH")]
    pub repl: Option<PathBuf>,
    /// Another kernel, such as nanoda_bin or con-ron: a proof counts only if it agrees.
    #[arg(long, value_name = "PATH")]
    pub kernel: Option<PathBuf>,
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
