//! The options of `stp verify`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::LeanArgs;

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
  130  stopped by Ctrl-C, 143 by SIGTERM; with -o the same command goes on

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
