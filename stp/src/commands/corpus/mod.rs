//! `stp corpus`: what a corpus file claims, checked in Lean, and a corpus made of Lean's own library.

mod check;
mod library;
mod tactics;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

/// `stp corpus`.
#[derive(Clone, Debug, Args)]
pub struct CorpusArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: CorpusCommand,
}

/// `stp corpus ...`.
#[derive(Clone, Debug, Subcommand)]
pub enum CorpusCommand {
    /// Check a corpus in Lean: statements elaborate, are distinct, and their proofs hold.
    Check(check::CorpusCheckArgs),
    /// Write the theorems of Lean's own library as a corpus, each with its name as the proof: what the built-in
    /// corpus `library` was made with.
    Library(library::CorpusLibraryArgs),
}

/// Does what is asked of a corpus.
pub async fn corpus(args: CorpusArgs) -> Result<ExitCode> {
    match args.command {
        CorpusCommand::Check(args) => check::check(args).await,
        CorpusCommand::Library(args) => library::library(args).await,
    }
}
