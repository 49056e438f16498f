//! The command line: what may be asked, and nothing of how it is done.

use clap::{Parser, Subcommand};

use crate::commands::bench::BenchArgs;
use crate::commands::config::ConfigArgs;
use crate::commands::corpus::CorpusArgs;
use crate::commands::dashboard::DashboardArgs;
use crate::commands::data::DataArgs;
use crate::commands::eval::EvalArgs;
use crate::commands::experiment::ExperimentArgs;
use crate::commands::export::ExportArgs;
use crate::commands::generate::GenerateArgs;
use crate::commands::prove::ProveArgs;
use crate::commands::report::ReportArgs;
use crate::commands::serve::ServeArgs;
use crate::commands::shell::{CompletionsArgs, ManArgs};
use crate::commands::toolchain::ToolchainArgs;
use crate::commands::train::TrainArgs;
use crate::commands::verify::VerifyArgs;
use crate::commands::worker::WorkerArgs;

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
    /// Prove a statement, or fill each `sorry` of a Lean file, with Lean's automation, a model and goals of failed proofs.
    Prove(ProveArgs),
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
