//! `stp bench`: how fast this machine judges, trains and samples.

mod alone;
mod candidates;
mod meter;
mod model;
mod verifier;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::common::block_on;

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
    Verifier(verifier::BenchVerifierArgs),
    /// Tokens a second of training and sampling, beside PyTorch on the same machine.
    Model(model::BenchModelArgs),
}

/// Measures what is asked for.
pub fn bench(args: BenchArgs) -> Result<ExitCode> {
    match args.command {
        BenchCommand::Verifier(args) => block_on(verifier::verifier(args)),
        BenchCommand::Model(args) => model::model(&args),
    }
}
