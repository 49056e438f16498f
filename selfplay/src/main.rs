//! The `stp` binary: reads the command line, does the command, and turns errors into exit codes.

use std::process::ExitCode;

use clap::Parser;
use stp_selfplay::cli::Cli;
use stp_selfplay::{commands, error};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("STP_LOG").unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match commands::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("stp: {}", error::paragraph(&error));
            ExitCode::from(error::exit_code(&error))
        }
    }
}
