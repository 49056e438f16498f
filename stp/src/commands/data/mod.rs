//! `stp data`: statements in, what a ledger holds, and whether a corpus knows its evaluation sets.

mod check;
mod import;
mod stats;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::common::block_on;

/// `stp data`.
#[derive(Clone, Debug, Args)]
pub struct DataArgs {
    /// What to do.
    #[command(subcommand)]
    command: DataCommand,
}

/// `stp data ...`.
#[derive(Clone, Debug, Subcommand)]
enum DataCommand {
    /// Make a corpus of JSON lines, JSON, Parquet or Lean files of others.
    Import(import::ImportArgs),
    /// Look for duplicates in a corpus, and for statements of evaluation sets.
    Check(check::CheckArgs),
    /// Say what a run's ledger holds.
    Stats(stats::StatsArgs),
}

/// Does what is asked of data.
pub fn data(args: DataArgs) -> Result<ExitCode> {
    match args.command {
        DataCommand::Import(args) => block_on(import::import(args)),
        DataCommand::Check(args) => check::check(&args),
        DataCommand::Stats(args) => stats::stats(&args),
    }
}
