//! The `stp` binary: reads the command line, does the command, and turns errors into exit codes.

use std::process::ExitCode;

use clap::Parser;
use stp_selfplay::cli::Cli;
use stp_selfplay::{commands, error};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    end_quietly_without_a_reader();
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
