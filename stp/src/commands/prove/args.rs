//! The options of `stp prove`.

use std::path::PathBuf;

use clap::Args;

use crate::args::{MachineArgs, PrecisionArgs};

/// What `stp prove --help` says at its end.
const PROVE_HELP: &str = "\
Examples:
  stp prove 'theorem t (a b : Nat) : a + b = b + a'
  stp prove '(xs ys : List Nat) : (xs ++ ys).length = ys.length + xs.length' --seconds 60
  stp prove File.lean --diff          what would change
  stp prove File.lean --in-place      fill each `sorry` that can be filled
  stp prove File.lean --model runs/tiny-stp-seed0/checkpoints/final

Nothing is printed as a proof, and nothing is written, that the judge has not accepted.

Exit codes:
  0    all is proved
  1    something stays open, as printed: `sorry` stands at its goals
  2    the command line asks for something that cannot be done
  130  stopped by Ctrl-C (143 by SIGTERM); what was found so far is printed, and
       written as always

docs/prove.md says how the search goes.";

/// `stp prove`.
#[derive(Clone, Debug, Args)]
#[command(after_help = PROVE_HELP)]
pub struct ProveArgs {
    /// A theorem, a signature such as `(n : Nat) : n + 0 = n`, or a `.lean` file whose `sorry`s are to be filled; `-` is
    /// a Lean file on standard input.
    #[arg(value_name = "STATEMENT|FILE")]
    pub what: String,
    /// A file with the Lean text that stands before a statement.
    #[arg(long, value_name = "FILE")]
    pub header: Option<PathBuf>,
    /// Modules that a statement needs, with commas between them.
    #[arg(long, value_name = "MODULE,…", value_delimiter = ',')]
    pub imports: Vec<String>,
    /// The model: a run's `checkpoints/final` for example [default: the one that is built in, if there is one].
    #[arg(long, value_name = "MODEL_FOLDER")]
    pub model: Option<PathBuf>,
    /// The prompts' layout [default: that of self-play where the model knows its marks, or `plain`].
    #[arg(long, value_name = "NAME")]
    pub layout: Option<String>,
    /// Lean's automation and sketches alone.
    #[arg(long, conflicts_with = "model")]
    pub no_model: bool,
    /// Checks of proof texts by Lean, for each theorem; shorter texts of what was found count as well.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub checks: u64,
    /// Seconds for each theorem, from when Lean is ready [default: as long as the checks take].
    #[arg(long, value_name = "S")]
    pub seconds: Option<f64>,
    /// How deep goals of failed proofs may lie; 0: they are not searched.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub depth: u32,
    /// Samples of a goal before anything else of it is tried.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub samples: usize,
    /// Softmax temperature of the model; 0 takes the likeliest token.
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub temperature: f32,
    /// Longest answer of the model in tokens [default: 160, or 8192 where the layout lets it think first].
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<usize>,
    /// Seed of the model's samples.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Leave a proof as it was found, however long.
    #[arg(long)]
    pub no_shorten: bool,
    /// Wall-clock limit of one check, in seconds.
    #[arg(long, default_value_t = 10.0)]
    pub timeout: f64,
    /// Print what changes of a file as a diff, in place of the whole.
    #[arg(long, conflicts_with_all = ["in_place", "json"])]
    pub diff: bool,
    /// Write the file, if something of it was filled.
    #[arg(long, short)]
    pub in_place: bool,
    /// One JSON object: what is proved, by which proof, and what it took.
    #[arg(long)]
    pub json: bool,
    /// The model's numbers.
    #[command(flatten)]
    pub precision: PrecisionArgs,
    /// What it runs on.
    #[command(flatten)]
    pub machine: MachineArgs,
}
