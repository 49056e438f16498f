//! `stp runs`: the runs in a folder.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use stp_study::runs::{list, table};

/// Where `stp train` makes runs.
const RUNS: &str = "runs";

/// `stp runs`.
#[derive(Clone, Debug, Args)]
pub struct RunsArgs {
    /// The folder that the runs' folders are in, or a run's own [default: runs].
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// A JSON list in place of a table.
    #[arg(long)]
    pub json: bool,
}

/// Prints the list.
pub fn runs(args: &RunsArgs) -> Result<ExitCode> {
    let default = PathBuf::from(RUNS);
    let folder = args.folder.as_ref().unwrap_or(&default);
    // Who has no run yet has made no mistake.
    let none_yet = args.folder.is_none() && !folder.exists();
    let runs = if none_yet { Vec::new() } else { list(folder)? };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&runs)?);
    } else if runs.is_empty() {
        println!("There is no run in {}; `stp train` begins one.", folder.display());
    } else {
        println!("{}", table(&runs));
    }
    Ok(ExitCode::SUCCESS)
}
