//! `stp serve`: Lean and the judge over HTTP, or a model.

mod args;
mod judge;
mod model;

use std::process::ExitCode;

use anyhow::Result;

pub use args::ServeArgs;

/// Runs until Ctrl-C or SIGTERM.
pub async fn serve(args: ServeArgs) -> Result<ExitCode> {
    match args.model.model.clone() {
        None => judge::serve(args).await,
        Some(place) => model::serve(args, &place).await,
    }
}
