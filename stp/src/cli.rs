//! The command line: what may be asked, and nothing of how it is done.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::bench::BenchArgs;
use crate::commands::config::ConfigArgs;
use crate::commands::corpus::CorpusArgs;
use crate::commands::dashboard::DashboardArgs;
use crate::commands::data::DataArgs;
use crate::commands::eval::EvalArgs;
use crate::commands::experiment::ExperimentArgs;
use crate::commands::export::ExportArgs;
use crate::commands::generate::GenerateArgs;
use crate::commands::model::ModelArgs;
use crate::commands::prove::ProveArgs;
use crate::commands::report::ReportArgs;
use crate::commands::runs::RunsArgs;
use crate::commands::serve::ServeArgs;
use crate::commands::shell::{CompletionsArgs, ManArgs};
use crate::commands::show::ShowArgs;
use crate::commands::toolchain::ToolchainArgs;
use crate::commands::train::TrainArgs;
use crate::commands::verify::VerifyArgs;
use crate::commands::worker::WorkerArgs;

const FIRST: &str = "\
Three things to type:
  stp verify MyProofs.lean   judge the proofs of a Lean file; needs no model
  stp train                  train a small prover in twenty minutes; Ctrl-C
                             stops, the same command goes on
  stp runs                   the runs in this folder, and how far they are
";

const EXAMPLES: &str = "\
When there is a run:
  stp dashboard runs/tiny-stp-seed0     watch it in a browser
  stp report runs/tiny-stp-seed0        its table; with -o FILE.html a page
  stp show STATEMENT                    what it knows of one statement
  stp train --rounds 6                  go on with it, to six rounds
  stp train --from runs/tiny-stp-seed0:1 --set proving.replay_rounds=1
                                        a new run from its round 1

The options of `train` may stand without a command: `stp --rounds 5`. `cargo run
--release` trains as `stp train` does: cargo tells programs that it has started
them. Lean is installed by the first command that needs it. `stp help COMMAND`
says more of a command.";

/// Self-play theorem proving in Lean 4.
///
/// A language model writes new statements and proofs of them, Lean judges the proofs, and the model learns from what
/// was barely provable.
#[derive(Debug, Parser)]
#[command(before_help = FIRST, after_help = EXAMPLES)]
#[command(name = "stp", version, propagate_version = true, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `train`, for when no command is named.
    #[command(flatten)]
    pub train: TrainArgs,
}

/// The command line. The options of `train` are said at `train` alone, though they may stand without it.
pub fn command() -> clap::Command {
    Cli::command().mut_args(|argument| argument.hide(true))
}

/// What was asked for; help, version and mistakes end the process.
pub fn parse() -> Cli {
    let matches = command().get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play self-play rounds; go on with a run, extend it, fork it.
    ///
    /// The same command again goes on with a run that was stopped; with more --rounds a finished run goes on, too. --from begins
    /// a new run where another one was after a round, with other settings.
    Train(TrainArgs),
    /// Continue a prompt with a model of a run or of Hugging Face.
    Generate(GenerateArgs),
    /// Fetch a model, or convert one to a folder of Hugging Face.
    Model(ModelArgs),
    /// The settings of a run: values, meanings, where each is from.
    Config(ConfigArgs),
    /// Measure a model: pass@k on held-out statements.
    ///
    /// With intervals, on a split of the corpus or a file of statements; the model is a checkpoint of a run, or any folder of
    /// Hugging Face.
    Eval(EvalArgs),
    /// Compare methods: a matrix of arms and seeds, tables, plots.
    Experiment(ExperimentArgs),
    /// Show the table of a run, or make a page of charts of it.
    Report(ReportArgs),
    /// List the runs in a folder: state, rounds, best figures.
    Runs(RunsArgs),
    /// Show what a run knows of a statement: attempts, errors, proof.
    Show(ShowArgs),
    /// Show a run in the browser while it goes on.
    ///
    /// It is the page of `report`, always up to date.
    Dashboard(DashboardArgs),
    /// Judge proofs: rows or Lean files in, verdicts out.
    ///
    /// JSON lines {"id", "statement", "proof"}, other data sets' rows, or Lean files.
    Verify(VerifyArgs),
    /// Prove a statement, or fill each `sorry` of a Lean file.
    ///
    /// With Lean's automation, goals of failed proofs, and a model; the judge accepts the whole.
    Prove(ProveArgs),
    /// The Lean toolchain that is used.
    Toolchain(ToolchainArgs),
    /// The corpus.
    Corpus(CorpusArgs),
    /// Import statements, look for duplicates, say what a ledger holds.
    Data(DataArgs),
    /// Export what a run found as data sets.
    ///
    /// Proofs, conjectures, attempts, training sets or preferences.
    Export(ExportArgs),
    /// Answer over HTTP: Lean's word and verdicts, or a model's.
    ///
    /// Lean texts as the Kimina Lean server takes them, and verdicts on proofs; with --model a model, as OpenAI's API has it.
    Serve(ServeArgs),
    /// Judge proofs for other machines, through a NATS server.
    Worker(WorkerArgs),
    /// Measure how fast this machine judges, trains and samples.
    Bench(BenchArgs),
    /// Print a script that completes the command line of a shell.
    Completions(CompletionsArgs),
    /// Print a manual page: `stp man verify | man -l -`.
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn no_command_means_train() {
        let cli = Cli::try_parse_from(["stp", "--seed", "3"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!((cli.train.settings.seed, cli.train.settings.preset.as_str()), (Some(3), "tiny"));
    }

    #[test]
    fn help_begins_with_three_things_to_type() {
        let help = command().render_help().to_string();
        let lines: Vec<_> = help.lines().collect();
        let typed = lines[1..6].iter().filter(|line| line.starts_with("  stp ")).count();
        assert!(lines[0] == "Three things to type:" && typed == 3, "{help}");
        assert!(!help.contains("--hardware"), "the options of `train` are said there: {help}");
        let wide: Vec<_> = help.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{wide:?}");
    }
}
