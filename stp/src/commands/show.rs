//! `stp show`: what a run knows of one statement.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use stp_selfplay::error::UsageError;
use stp_study::report::RecordedRun;
use stp_study::runs::list;
use stp_study::statement::StatementHistory;

/// `stp show`.
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// The statement's name: one of the corpus, or of an accepted conjecture, such as conjecture_2_17_0.
    pub statement: String,
    /// The run's folder [default: the run in `runs/` in which something happened last].
    #[arg(long = "run", value_name = "RUN_FOLDER")]
    pub run_dir: Option<PathBuf>,
    /// Every different proof and every conjecture, not the first ones alone.
    #[arg(long)]
    pub all: bool,
    /// One JSON object, with all attempts, in place of a text.
    #[arg(long, conflicts_with = "all")]
    pub json: bool,
}

/// Prints it.
pub fn show(args: &ShowArgs) -> Result<ExitCode> {
    let folder = match &args.run_dir {
        Some(folder) => folder.clone(),
        None => latest()?,
    };
    let run = RecordedRun::open(&folder)?;
    let history = StatementHistory::read(&run, &args.statement)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&history)?);
    } else {
        println!("{}\nrun: {}", history.text(args.all), folder.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn latest() -> Result<PathBuf, UsageError> {
    let runs = list("runs".as_ref()).unwrap_or_default();
    runs.into_iter().next().map(|run| run.folder).ok_or_else(|| {
        UsageError("There is no run in `runs`. Give a run's folder with --run RUN_FOLDER.".to_owned())
    })
}
