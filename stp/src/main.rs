//! The `stp` binary: reads the command line, does the command, and turns errors into exit codes.

mod abort;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod allocator;
mod args;
mod bare;
mod bytes;
mod cli;
mod commands;
mod common;
mod dashboard;
mod display;
mod drawer;
mod error;
mod lean;
mod metrics;
mod models;
mod signals;
mod usage;
mod variables;

use std::process::ExitCode;

use anyhow::Result;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::commands::{
    bench, config, corpus, dashboard as dashboard_command, data, eval, experiment, export, generate, model,
    prove, report, runs, serve, shell, show, toolchain, train, verify, worker,
};
use crate::common::block_on;

fn main() -> ExitCode {
    end_quietly_without_a_reader();
    let filter = EnvFilter::try_from_env("STP_LOG").unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let cli = cli::parse();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for warning in variables::warnings(names) {
        eprintln!("stp: {warning}");
    }
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("stp: {}", error::paragraph(&error));
            ExitCode::from(error::exit_code(&error))
        }
    }
}

/// Does what the command line asks for.
fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        None if std::env::args_os().len() < 2 && !bare::started_by_cargo(|name| std::env::var(name).ok()) => {
            cli::command().print_help()?;
            Ok(ExitCode::SUCCESS)
        }
        None => train::train(cli.train),
        Some(Command::Train(args)) => train::train(args),
        Some(Command::Generate(args)) => generate::generate(&args),
        Some(Command::Model(args)) => model::model(args),
        Some(Command::Config(args)) => config::config(&args),
        Some(Command::Eval(args)) => eval::eval(&args),
        Some(Command::Experiment(args)) => experiment::experiment(&args),
        Some(Command::Report(args)) => report::report(&args),
        Some(Command::Runs(args)) => runs::runs(&args),
        Some(Command::Show(args)) => show::show(&args),
        Some(Command::Dashboard(args)) => block_on(dashboard_command::dashboard(args)),
        Some(Command::Verify(args)) => block_on(verify::verify(args)),
        Some(Command::Prove(args)) => block_on(prove::prove(args)),
        Some(Command::Toolchain(args)) => toolchain::toolchain(&args),
        Some(Command::Corpus(args)) => block_on(corpus::corpus(args)),
        Some(Command::Data(args)) => data::data(args),
        Some(Command::Export(args)) => block_on(export::export(&args)),
        Some(Command::Serve(args)) => block_on(serve::serve(args)),
        Some(Command::Worker(args)) => block_on(worker::worker(args)),
        Some(Command::Bench(args)) => bench::bench(args),
        Some(Command::Completions(args)) => shell::completions(args, cli::command()),
        Some(Command::Man(args)) => shell::man(&args, cli::command()),
    }
}

/// `stp report | head` is no mistake: when nobody reads any more, the program ends as others do.
fn end_quietly_without_a_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or_default();
        if text.starts_with("failed printing to std") && text.contains("Broken pipe") {
            std::process::exit(141);
        }
        usual(panic);
    }));
}
