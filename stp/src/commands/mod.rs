//! The commands: each turns its options into calls of the library.

mod bench;
mod config;
mod corpus;
mod dashboard;
pub mod data;
mod eval;
mod experiment;
pub mod export;
mod generate;
mod plan;
mod report;
mod serve;
mod shell;
mod toolchain;
mod train;
mod verify;
mod worker;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cli::{BenchCommand, Cli, Command, ConfigCommand, CorpusCommand};
use crate::config::load_corpus;
use crate::error::UsageError;
use crate::folder::run_config;

/// Does what the command line asks for.
///
/// # Errors
/// Whatever goes wrong; see [`crate::error::exit_code`].
pub fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        None => train::train(cli.train),
        Some(Command::Train(args)) => train::train(args),
        Some(Command::Generate(args)) => generate::generate(&args),
        Some(Command::Config(args)) => match args.command {
            ConfigCommand::Show(args) => config::show(&args),
        },
        Some(Command::Eval(args)) => eval::eval(&args),
        Some(Command::Experiment(args)) => experiment::experiment(&args),
        Some(Command::Report(args)) => report::report(&args),
        Some(Command::Dashboard(args)) => block_on(dashboard::dashboard(args)),
        Some(Command::Verify(args)) => block_on(verify::verify(args)),
        Some(Command::Toolchain(args)) => toolchain::toolchain(&args),
        Some(Command::Corpus(args)) => match args.command {
            CorpusCommand::Check(args) => block_on(corpus::check(args)),
            CorpusCommand::Library(args) => block_on(corpus::library::library(args)),
        },
        Some(Command::Data(args)) => data::data(args),
        Some(Command::Export(args)) => block_on(export::export(&args)),
        Some(Command::Serve(args)) => block_on(serve::serve(args)),
        Some(Command::Worker(args)) => block_on(worker::worker(args)),
        Some(Command::Bench(args)) => match args.command {
            BenchCommand::Verifier(args) => block_on(bench::verifier(args)),
            BenchCommand::Model(args) => bench::model(&args),
        },
        Some(Command::Completions(args)) => shell::completions(args),
        Some(Command::Man(args)) => shell::man(&args),
    }
}

/// Runs a command in a tokio runtime of its own.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the asynchronous runtime could not be started")?;
    runtime.block_on(work)
}

/// A device by its name; a name that this program does not know is a mistake in the command line.
fn device(name: &str) -> Result<stp_model::Device> {
    stp_model::parse_device(name).map_err(|error| match error {
        stp_model::DeviceError::Unavailable { .. } => anyhow::Error::new(error),
        other => UsageError(other.to_string()).into(),
    })
}
