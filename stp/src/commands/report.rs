//! `stp report`: the table of a run, or a page of charts of several.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use stp_study::report::{GoalFunnel, RecordedRun, Report, gathered, page};

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

/// What is known of a run, as JSON.
#[derive(Serialize)]
struct Recorded {
    #[serde(flatten)]
    report: Report,
    /// What became of failed proofs, by round.
    goals: Vec<GoalFunnel>,
}

/// Prints tables, or writes the page.
pub fn report(args: &ReportArgs) -> Result<ExitCode> {
    if let Some(output) = &args.output {
        let runs = args.run_dirs.iter().map(|run| RecordedRun::open(run)).collect::<Result<Vec<_>>>()?;
        let text = page(&gathered(&runs)?, false);
        stp_files::write(output, &text).with_context(|| {
            format!("cannot write {}. Give another file with -o, or make it writable.", output.display())
        })?;
        println!("{} ({:.1} MB)", output.display(), text.len() as f64 / 1e6);
        return Ok(ExitCode::SUCCESS);
    }
    for run in &args.run_dirs {
        let run = RecordedRun::open(run)?;
        let report = run.report()?;
        if args.json {
            println!("{}", serde_json::to_string(&Recorded { report, goals: run.goals()? })?);
        } else {
            println!("{}", report.table(args.markdown));
        }
    }
    Ok(ExitCode::SUCCESS)
}
